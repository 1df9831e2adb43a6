"""BEIR folders: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/<split>.tsv``, checked whole.

Layout as ``beir.datasets.data_loader`` reads it: corpus lines ``{_id, title, text}``, query lines
``{_id, text}``, qrels with the header ``query-id  corpus-id  score`` and whole-number grades.
Every fault of a folder is reported at once, one Chinese sentence each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eval.faults import read_lines, refuse

__all__ = ["Dataset", "Qrels", "Text", "load_dataset", "load_qrels", "write_dataset"]

Qrels = dict[str, dict[str, int]]
HEADER = ("query-id", "corpus-id", "score")


class Text(NamedTuple):
    """One passage of a dataset."""

    title: str
    text: str


class Dataset(NamedTuple):
    """A checked dataset; ``queries`` are those that the split judges, in file order."""

    name: str
    split: str
    corpus: dict[str, Text]
    queries: dict[str, str]
    qrels: Qrels


def load_dataset(folder: Path, split: str = "test") -> Dataset:
    """Read and check a BEIR folder.

    Raises:
        InputError: one sentence for each fault: missing files or split, bad JSON, duplicate or
            unknown ids, empty queries or passages, judgements that are not whole numbers.
    """
    faults: list[str] = []
    if not folder.is_dir():
        refuse([f"找不到数据集文件夹“{folder}”，应为BEIR格式的文件夹。"])
    corpus = {
        key: Text(str(row.get("title") or ""), row["text"])
        for key, row in _rows(folder / "corpus.jsonl", "段落", faults).items()
    }
    queries = {
        key: row["text"] for key, row in _rows(folder / "queries.jsonl", "问题", faults).items()
    }
    qrels: Qrels = {}
    path = folder / "qrels" / f"{split}.tsv"
    if path.exists():
        qrels = _read_qrels(path, faults)
        _unknown(qrels, queries, corpus, path.name, faults)
    else:
        there = "、".join(sorted(p.stem for p in path.parent.glob("*.tsv"))) or "无"
        faults.append(f"找不到判定文件“{path}”，数据集现有的划分：{there}；请改用--split。")
    refuse(faults)
    judged = {key: text for key, text in queries.items() if key in qrels}
    return Dataset(folder.resolve().name, split, corpus, judged, qrels)


def _rows(path: Path, noun: str, faults: list[str]) -> dict[str, dict[str, Any]]:
    """The good lines of a JSONL file by id; each bad line adds its faults."""
    rows: dict[str, dict[str, Any]] = {}
    before = len(faults)
    lines: dict[str, int] = {}
    for number, line in read_lines(path, faults):
        where = f"{path.name}第{number}行"
        row = _row(line, where, noun, faults)
        if row is None:
            continue
        if row["_id"] in lines:
            faults.append(
                f"{where}的_id“{row['_id']}”与第{lines[row['_id']]}行重复，请改成不同的id。"
            )
            continue
        lines[row["_id"]] = number
        rows[row["_id"]] = row
    if not rows and len(faults) == before:
        faults.append(f"文件“{path}”是空的，应每行有一个{noun}。")
    return rows


def _row(line: str, where: str, noun: str, faults: list[str]) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        faults.append(f"{where}不是合法的JSON（第{error.colno}个字符处），请改正该行。")
        return None
    if not isinstance(row, dict) or not isinstance(row.get("_id"), str) or not row["_id"]:
        faults.append(f"{where}应为带文字_id的JSON对象，请改正该行。")
        return None
    if not isinstance(row.get("text"), str):
        faults.append(f"{where}的{noun}“{row['_id']}”缺少文字字段text，请补上。")
        return None
    if any(c.isspace() for c in row["_id"]):
        faults.append(f"{where}的_id“{row['_id']}”含有空白，TREC格式不能保存，请改成不含空白的id。")
    if not row["text"].strip() and not (noun == "段落" and str(row.get("title") or "").strip()):
        faults.append(f"{where}的{noun}“{row['_id']}”是空的，请补上文字或删去该行。")
    return row


def load_qrels(path: Path) -> Qrels:
    """Read a judgement file alone: BEIR's three columns with header, or TREC's four without.

    Raises:
        InputError: one sentence for each fault.
    """
    faults: list[str] = []
    qrels = _read_qrels(path, faults)
    refuse(faults)
    return qrels


def _read_qrels(path: Path, faults: list[str]) -> Qrels:
    qrels: Qrels = {}
    before = len(faults)
    for number, line in read_lines(path, faults):
        fields = line.rstrip("\r").split("\t") if "\t" in line else line.split()
        if tuple(fields) == HEADER:
            continue
        if len(fields) == 4:
            fields = [fields[0], fields[2], fields[3]]
        where = f"{path.name}第{number}行"
        if len(fields) != 3:
            faults.append(f"{where}有{len(fields)}列，应为query-id、corpus-id、score三列。")
            continue
        query, passage, grade = fields
        if not grade.lstrip("-").isdecimal():
            faults.append(f"{where}的评分“{grade}”不是整数，请改正。")
        elif passage in qrels.get(query, {}):
            faults.append(f"{where}重复判定了问题“{query}”和段落“{passage}”，请删去其一。")
        else:
            qrels.setdefault(query, {})[passage] = int(grade)
    if not qrels and len(faults) == before:
        faults.append(f"判定文件“{path}”里没有判定，请补上。")
    return qrels


def _unknown(
    qrels: Qrels,
    queries: Mapping[str, str],
    corpus: Mapping[str, Text],
    name: str,
    faults: list[str],
) -> None:
    for query, grades in qrels.items():
        if queries and query not in queries:
            faults.append(f"{name}中的问题“{query}”不在queries.jsonl中，请补上或删去。")
        if corpus:
            faults.extend(
                f"{name}中的段落“{passage}”（问题“{query}”）不在corpus.jsonl中，请补上或删去。"
                for passage in grades
                if passage not in corpus
            )


def write_dataset(datasets: Sequence[Dataset], folder: Path) -> None:
    """Write splits of one corpus as a BEIR folder; same datasets, same bytes."""
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    corpus = {key: text for d in datasets for key, text in d.corpus.items()}
    queries = {key: text for d in datasets for key, text in d.queries.items()}
    _write_lines(
        folder / "corpus.jsonl",
        ({"_id": key, "title": t.title, "text": t.text} for key, t in corpus.items()),
    )
    _write_lines(
        folder / "queries.jsonl", ({"_id": key, "text": text} for key, text in queries.items())
    )
    for dataset in datasets:
        lines = ["\t".join(HEADER)]
        for query, grades in dataset.qrels.items():
            lines += [f"{query}\t{passage}\t{grade}" for passage, grade in grades.items()]
        path = folder / "qrels" / f"{dataset.split}.tsv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _write_lines(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(lines, encoding="utf-8", newline="\n")
