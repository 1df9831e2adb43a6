"""The question banks: questions people ask, tied to the evidence that answers them, or to none.

``questions.jsonl`` holds answerable questions with verbatim evidence, ``unanswerable.jsonl`` those
that the documents do not answer, ``followups.jsonl`` messages typed after a passage was shown. They
serve retrieval, the first also as suggestions, and are never shown as claims. ``locate`` checks
evidence against the documents; ``python -m kb questions`` prints the table.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from kb.errors import CorpusError
from kb.schema import (
    BankQuestion,
    Document,
    Evidence,
    FollowUp,
    Frozen,
    OutsideQuestion,
    Passage,
    Target,
)
from kb.tokenizer import fold

__all__ = [
    "check_duplicates",
    "coverage",
    "load_answerable",
    "load_followups",
    "load_unanswerable",
    "locate",
    "locate_followup",
]

Row = TypeVar("Row", bound=Frozen)
MOST_FOLLOWUPS = 20_000
"""Their model is solved in memory of 4 bytes for each pair of them: 1.6 GB."""


def load_answerable(path: Path) -> list[BankQuestion]:
    """Read ``questions.jsonl``; a corpus without one has an empty bank."""
    return _read(path, BankQuestion)


def load_unanswerable(path: Path) -> list[OutsideQuestion]:
    """Read ``unanswerable.jsonl``; a corpus without one has an empty bank."""
    return _read(path, OutsideQuestion)


def load_followups(path: Path) -> list[FollowUp]:
    """Read ``followups.jsonl``; a corpus without one has an empty bank.

    Raises:
        CorpusError: a line is damaged, or there are more than ``MOST_FOLLOWUPS``.
    """
    rows = _read(path, FollowUp)
    if len(rows) > MOST_FOLLOWUPS:
        raise CorpusError(
            f"题库 {path.name} 有{len(rows)}条追问，最多{MOST_FOLLOWUPS}条，请删去一些。"
        )
    return rows


def _read(path: Path, model: type[Row]) -> list[Row]:
    if not path.exists():
        return []
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            rows.append(_parse(line, model, path.name, number))
    return rows


def _parse(line: str, model: type[Row], name: str, number: int) -> Row:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "JSON"
        raise CorpusError(f"题库 {name} 第{number}行无法识别（{where}），请检查该行。") from error


def check_duplicates(queries: Iterable[tuple[str, str]]) -> None:
    """Refuse two questions that are the same once folded and stripped of punctuation.

    Args:
        queries: pairs of id and query.

    Raises:
        CorpusError: names both ids.
    """
    seen: dict[str, str] = {}
    for identifier, query in queries:
        key = "".join(c for c in fold(query) if c.isalnum())
        if key in seen:
            raise CorpusError(f"题库中 {seen[key]} 与 {identifier} 的问题相同，请删去其一。")
        seen[key] = identifier


def locate(
    question: BankQuestion | FollowUp,
    documents: Mapping[str, Document],
    passages: Sequence[Passage],
) -> tuple[Target, ...]:
    """Find a bank question's evidence: each quote must stand exactly once, inside one passage.

    Raises:
        CorpusError: a quote is not in the documents, stands twice, or leaves its passage.
    """
    return tuple(
        _target(question.id, evidence, fact, documents, passages)
        for fact, alternatives in enumerate(question.evidence)
        for evidence in alternatives
    )


def locate_followup(
    followup: FollowUp, documents: Mapping[str, Document], passages: Sequence[Passage]
) -> tuple[int, tuple[Target, ...]]:
    """Find the row of the passage that a follow-up came after, and its evidence, as ``locate`` does.

    Raises:
        CorpusError: as of ``locate``.
    """
    after = _target(followup.id, followup.after, 0, documents, passages)
    return after.row, locate(followup, documents, passages)


def _target(
    identifier: str,
    evidence: Evidence,
    fact: int,
    documents: Mapping[str, Document],
    passages: Sequence[Passage],
) -> Target:
    document = documents.get(evidence.document_id)
    count = document.text.count(evidence.quote) if document else 0
    if document is None or count != 1:
        found = "不在文件中" if count == 0 else f"出现{count}次"
        raise CorpusError(
            f"题库 {identifier} 的依据“{evidence.quote[:20]}”{found}，应恰好出现一次，请改正。"
        )
    start = document.text.index(evidence.quote)
    end = start + len(evidence.quote)
    for row, passage in enumerate(passages):
        if passage.document_id == document.id and passage.start <= start and end <= passage.end:
            return Target(row, start, end, fact)
    raise CorpusError(f"题库 {identifier} 的依据“{evidence.quote[:20]}”跨越了段落，请拆开。")


def coverage(
    questions: Sequence[BankQuestion],
    targets: Sequence[Sequence[Target]],
    passages: Sequence[Passage],
) -> tuple[Counter[str], Counter[str]]:
    """Count bank questions per passage id and per voice; passages without any count zero."""
    by_passage: Counter[str] = Counter({p.id: 0 for p in passages})
    for places in targets:
        by_passage.update({passages[t.row].id for t in places})
    return by_passage, Counter(q.voice for q in questions)


def to_line(row: Frozen) -> str:
    """One JSON line, as the bank files hold it."""
    return json.dumps(row.model_dump(exclude_none=True), ensure_ascii=False)


def coverage_table(
    questions: Sequence[BankQuestion],
    outside: Sequence[OutsideQuestion],
    targets: Sequence[Sequence[Target]],
    passages: Sequence[Passage],
    followed: Sequence[tuple[int, Sequence[Target]]] = (),
) -> str:
    """The coverage of the banks as plain text: per passage, per voice, per type.

    ``followed`` are the row that each follow-up came after and where it is answered.
    """
    by_passage, by_voice = coverage(questions, targets, passages)
    unanswered = sum(not answers for _, answers in followed)
    after = Counter(passages[row].id for row, _ in followed)
    lines = [
        f"可回答的问题 {len(questions)} 个，文件不能回答的问题 {len(outside)} 个，"
        f"追问 {len(followed)} 条（其中文件不能回答的 {unanswered} 条）",
        "",
        "每个段落（可回答的问题，看了它之后的追问）：",
    ]
    lines += [f"  {name}\t{count}\t{after[name]}" for name, count in by_passage.items()]
    lines += ["", "每种语气："] + [f"  {name}\t{count}" for name, count in by_voice.most_common()]
    types = Counter(question.type for question in outside)
    lines += ["", "不能回答的类型："] + [
        f"  {name}\t{count}" for name, count in types.most_common()
    ]
    return "\n".join(lines)
