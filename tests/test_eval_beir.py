"""Datasets: a good folder is read as it stands, a bad one is refused with every fault named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.beir import load_dataset, load_qrels, write_dataset
from kb.errors import InputError

FIXTURE = Path(__file__).parent / "fixtures" / "eval" / "beir"


def make(folder: Path, corpus: list[str], queries: list[str], qrels: list[str] | None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "corpus.jsonl").write_text("\n".join(corpus), encoding="utf-8")
    (folder / "queries.jsonl").write_text("\n".join(queries), encoding="utf-8")
    if qrels is not None:
        (folder / "qrels").mkdir()
        lines = ["query-id\tcorpus-id\tscore", *qrels]
        (folder / "qrels" / "test.tsv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def faults(folder: Path, split: str = "test") -> list[str]:
    with pytest.raises(InputError) as caught:
        load_dataset(folder, split)
    lines = str(caught.value).splitlines()
    assert all(line.endswith("。") for line in lines)
    return lines


def test_a_good_folder() -> None:
    dataset = load_dataset(FIXTURE)
    assert (dataset.name, dataset.split, len(dataset.corpus)) == ("beir", "test", 6)
    assert list(dataset.queries) == ["q1", "q2", "q3", "q4", "q5"]
    assert dataset.qrels["q4"]["d6"] == 0
    assert dataset.corpus["d3"].title == ""


def test_a_dataset_comes_back_as_it_was_written(tmp_path: Path) -> None:
    dataset = load_dataset(FIXTURE)
    write_dataset([dataset], tmp_path / "beir")
    assert load_dataset(tmp_path / "beir") == dataset


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    good = [json.dumps({"_id": "d1", "text": "甲"}), json.dumps({"_id": "d2", "text": "乙"})]
    found = faults(
        make(
            tmp_path / "bad",
            [*good, '{"_id": "d3", "text"', json.dumps({"_id": "d1", "text": "丙"}),
             json.dumps({"_id": "d4", "title": "", "text": " "})],
            [json.dumps({"_id": "q1", "text": ""}), json.dumps({"_id": "q2", "text": "问"}),
             json.dumps(["q3"])],
            ["q2\td9\t1", "q8\td2\t1", "q2\td1\tx", "q2\td2\t1", "q2\td2\t1", "q2\td1"],
        )
    )  # fmt: skip
    wanted = [
        "corpus.jsonl第3行不是合法的JSON",
        "corpus.jsonl第4行的_id“d1”与第1行重复",
        "段落“d4”是空的",
        "问题“q1”是空的",
        "queries.jsonl第3行应为带文字_id的JSON对象",
        "test.tsv第4行的评分“x”不是整数",
        "test.tsv第6行重复判定",
        "test.tsv第7行有2列",
        "段落“d9”",
        "问题“q8”不在queries.jsonl中",
    ]
    assert len(found) == len(wanted)
    for sentence in wanted:
        assert any(sentence in line for line in found), sentence


def test_a_missing_split_names_those_there() -> None:
    (found,) = faults(FIXTURE, "train")
    assert "test" in found
    assert "train.tsv" in found


def test_missing_files_are_all_named(tmp_path: Path) -> None:
    found = faults(tmp_path)
    assert len(found) == 3
    assert ["corpus.jsonl" in found[0], "queries.jsonl" in found[1], "test.tsv" in found[2]]
    assert "找不到数据集文件夹" in faults(tmp_path / "nowhere")[0]


def test_files_that_are_empty_or_not_utf8(tmp_path: Path) -> None:
    folder = make(tmp_path / "e", [], ["x"], [])
    (folder / "queries.jsonl").write_bytes(b"\xff\xfe{}")
    found = faults(folder)
    assert any("corpus.jsonl”是空的" in line for line in found)
    assert any("不是UTF-8编码" in line for line in found)
    assert any("里没有判定" in line for line in found)


def test_many_faults_end_in_a_count(tmp_path: Path) -> None:
    found = faults(make(tmp_path / "m", ["{"] * 80, [json.dumps({"_id": "q", "text": "问"})], []))
    assert len(found) == 51
    assert "另有31处" in found[-1]


def test_trec_qrels_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "trec.qrels"
    path.write_text("q1 0 d1 2\nq1 0 d2 0\n")
    assert load_qrels(path) == {"q1": {"d1": 2, "d2": 0}}


def test_the_command_line_exits_2_with_all_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from eval.__main__ import main

    folder = make(tmp_path / "bad", ["{"], ["{"], None)
    monkeypatch.setattr("sys.argv", ["eval", "retrieval", "--dataset", str(folder)])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 3
