"""Question packs: a trainer's own list, pasted or as CSV, and the report of running it."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from kb.answer import MAX_QUERY
from kb.errors import InputError
from kb.journal import to_csv
from kb.pages.turns import TurnView, turn_html
from kb.pages.words import Words
from kb.render import Html, Shelf, el, join, place_line, table
from kb.schema import Answer, Status

__all__ = ["MAX_QUESTIONS", "Pack", "read_pack", "read_pack_file", "report_csv", "report_html"]

MAX_QUESTIONS = 200
MAX_FILE = 1_000_000
HEADERS = ("question", "query", "问题", "提问", "题目")
NUMBER = re.compile(r"^\d{1,3}(?:[、．)）]|\.(?!\d))\s*(?=\S)")
COLUMNS = ("question", "status", "confidence", "place", "quote", "reason")
STATES: tuple[Status, ...] = ("answered", "related", "not_found")


class Pack(NamedTuple):
    """The questions of a pack, and how many lines were left out as too long or repeated."""

    questions: tuple[str, ...]
    left_out: int


def read_pack(text: str) -> Pack:
    """One question a line; numbering such as ``1. `` or ``2、`` is dropped, repeats are too."""
    lines = [_unnumbered(line) for line in text.splitlines()]
    return _pack([line for line in lines if line])


def read_pack_file(content: bytes) -> Pack:
    """Questions of a CSV or text file; a column named 问题 or question is taken, else the first.

    Raises:
        InputError: the file is too large or is not text.
    """
    if len(content) > MAX_FILE:
        raise InputError(f"文件太大（超过{MAX_FILE // 1000}千字节），请分成几份。")
    rows = [row for row in csv.reader(io.StringIO(_decode(content))) if any(c.strip() for c in row)]
    if not rows:
        raise InputError("文件里没有问题，请检查内容。")
    head = [cell.strip().lower() for cell in rows[0]]
    named = next((n for n, cell in enumerate(head) if cell in HEADERS), None)
    body = rows if named is None else rows[1:]
    column = named or 0
    return _pack([q for row in body if column < len(row) and (q := _unnumbered(row[column]))])


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError("文件不是文字（CSV 或 TXT，UTF-8 或 GBK 编码），请另存后重试。")


def _unnumbered(line: str) -> str:
    return NUMBER.sub("", line.strip(), count=1)


def _pack(lines: Sequence[str]) -> Pack:
    questions = [q for q in dict.fromkeys(lines) if len(q) <= MAX_QUERY][:MAX_QUESTIONS]
    return Pack(tuple(questions), len(lines) - len(questions))


def report_html(answers: Sequence[Answer], left_out: int, shelf: Shelf, words: Words) -> Html:
    """The report of a pack: counts, one line a question, then every answer in full."""
    counts = Counter(answer.status for answer in answers)
    totals = [
        el(
            "li",
            el("span", f"{words(state)} {counts[state]}", class_="kb-state"),
            class_=f"kb-{state}",
        )
        for state in STATES
    ]
    turns = [
        turn_html(TurnView(n, answer, group="pack"), shelf, words)
        for n, answer in enumerate(answers, 1)
    ]
    return join(
        el("p", words("pack_done", n=len(answers)), role="status"),
        el("ul", *totals, class_="kb-totals"),
        el("p", words("pack_left_out", n=left_out)) if left_out else Html(),
        _table(answers, shelf, words),
        el("div", *turns, class_="kb-turns"),
    )


def _table(answers: Sequence[Answer], shelf: Shelf, words: Words) -> Html:
    keys = ("pack_number", "pack_question", "pack_state", "pack_place")
    heads = [el("th", words(key), scope="col") for key in keys]
    lines = [_line(n, answer, shelf, words) for n, answer in enumerate(answers, 1)]
    return table(words("pack_table"), heads, lines)


def _line(number: int, answer: Answer, shelf: Shelf, words: Words) -> Html:
    first = answer.citations[0] if answer.citations else None
    place = place_line(first, shelf) if first and answer.status == "answered" else "—"
    return el(
        "tr",
        el("td", str(number)),
        el("td", el("a", answer.query, href=f"#kb-pack-{number}", data_kb="jump", lang="zh-CN")),
        el("td", words(answer.status)),
        el("td", place, lang="zh-CN"),
    )


def report_csv(answers: Sequence[Answer], shelf: Shelf) -> str:
    """The report as CSV: one row per citation, or one row with empty places."""
    rows: list[tuple[object, ...]] = []
    for answer in answers:
        head = (answer.query, answer.status, answer.confidence)
        cited = [c for c in answer.citations if c.role == "direct"]
        rows += [(*head, place_line(c, shelf), c.quote, "") for c in cited]
        if not cited:
            rows.append((*head, "", "", answer.reason or ""))
    return to_csv(COLUMNS, rows)
