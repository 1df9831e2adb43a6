"""The question file of contract section 5: read, checked whole, flattened to single asks.

Every fault of a file is reported at once, one Chinese sentence each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from eval.evidence import squeeze
from eval.faults import read_lines, refuse
from kb.schema import Frozen, Role

__all__ = ["GUIDE", "Ask", "load_questions"]

GUIDE = Path(__file__).resolve().parent / "datasets" / "guide"
"""The shipped benchmark: ``dev.jsonl`` for tuning, ``test.jsonl`` for reporting only."""


class Ask(Frozen):
    """One query to be answered; a dialogue gives one per turn, with its earlier queries.

    ``evidence`` lists the facts needed; each fact lists quotes that give it. Turns are named
    ``dialogue-id#turn``, counted from 1.
    """

    id: str
    type: str
    query: str
    history: tuple[str, ...]
    role: Role | None
    evidence: tuple[tuple[str, ...], ...]
    unanswerable: bool


class _Turn(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    query: str
    evidence: list[list[str]] = []
    unanswerable: bool = False
    role: Role | None = None


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    id: str
    type: str
    query: str | None = None
    evidence: list[list[str]] = []
    unanswerable: bool = False
    role: Role | None = None
    turns: list[_Turn] | None = None


def load_questions(path: Path) -> list[Ask]:
    """Read and check a question file.

    Raises:
        InputError: one sentence for each fault: unreadable lines, missing or empty fields,
            duplicate ids, evidence where there should be none or none where there should be some.
    """
    faults: list[str] = []
    asks: list[Ask] = []
    seen: dict[str, int] = {}
    for number, text in read_lines(path, faults):
        where = f"{path.name}第{number}行"
        line = _parse(text, where, faults)
        if line is None:
            continue
        if line.id in seen:
            faults.append(f"{where}的id“{line.id}”与第{seen[line.id]}行重复，请改成不同的id。")
        seen.setdefault(line.id, number)
        found = list(_asks(line))
        if not found:
            faults.append(f"{where}既没有query也没有turns，请补上问题。")
        for ask in found:
            faults.extend(_faults(ask, where))
        asks.extend(found)
    if not asks and not faults:
        faults.append(f"问题文件“{path}”是空的，应每行有一个JSON问题。")
    refuse(faults)
    return asks


def _parse(text: str, where: str, faults: list[str]) -> _Line | None:
    try:
        return _Line.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        faults.append(f"{where}不是合法的JSON（第{error.colno}个字符处），请改正该行。")
    except ValidationError as error:
        for fault in error.errors():
            name = ".".join(str(part) for part in fault["loc"]) or "整行"
            kind = "缺少" if fault["type"] == "missing" else "写法不对："
            faults.append(f"{where}{kind}字段{name}，请按docs/benchmark.md的格式改正。")
    return None


def _asks(line: _Line) -> Iterator[Ask]:
    turns = line.turns
    if turns is None:
        if line.query is None:
            return
        turns = [_Turn(query=line.query, evidence=line.evidence, unanswerable=line.unanswerable,
                       role=line.role)]  # fmt: skip
    for number, turn in enumerate(turns, start=1):
        yield Ask(
            id=line.id if line.turns is None else f"{line.id}#{number}",
            type=line.type,
            query=turn.query,
            history=tuple(t.query for t in turns[: number - 1]),
            role=turn.role or line.role,
            evidence=tuple(tuple(fact) for fact in turn.evidence),
            unanswerable=turn.unanswerable,
        )


def _faults(ask: Ask, where: str) -> Iterator[str]:
    if not ask.query.strip():
        yield f"{where}的问题“{ask.id}”是空的，请补上文字。"
    if ask.unanswerable and ask.evidence:
        yield f"{where}的“{ask.id}”标为不能回答却有依据，请删去其一。"
    if not ask.unanswerable and not ask.evidence:
        yield f"{where}的“{ask.id}”没有依据，请补上原文依据或标为unanswerable。"
    if any(not fact or not all(squeeze(quote) for quote in fact) for fact in ask.evidence):
        yield f"{where}的“{ask.id}”有空的依据，请补上原文或删去。"
