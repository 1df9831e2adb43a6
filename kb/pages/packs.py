"""Question packs: a trainer's own list, pasted or as a file, and the report of running it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from kb.answer import MAX_QUERY
from kb.errors import InputError
from kb.pages.pack_files import read_lines
from kb.pages.turns import TurnView, turn_html
from kb.pages.words import Words
from kb.render import Html, Shelf, el, join, place_line, table
from kb.schema import Answer, Status

__all__ = [
    "MAX_QUESTIONS",
    "LeftOut",
    "Pack",
    "left_out_html",
    "read_pack",
    "read_pack_file",
    "report_html",
]

MAX_QUESTIONS = 200
NUMBER = re.compile(r"^\d{1,3}(?:[、．)）]|\.(?!\d))\s*(?=\S)")
WHY = {
    "repeated": "pack_repeated",
    "long": "pack_long",
    "over": "pack_over",
    "empty": "pack_empty_lines",
}
STATES: tuple[Status, ...] = ("answered", "related", "not_found")


class LeftOut(NamedTuple):
    """How many lines of a pack were not taken, by why."""

    repeated: int = 0
    long: int = 0
    over: int = 0
    empty: int = 0


class Pack(NamedTuple):
    """The questions of a pack, what was left out, and the header of their column in a table."""

    questions: tuple[str, ...]
    left_out: LeftOut = LeftOut()
    column: str = ""


def read_pack(text: str) -> Pack:
    """One question a line; numbering such as ``1. `` or ``2、`` is dropped, repeats are too."""
    return _pack(text.splitlines())


def read_pack_file(content: bytes, name: str) -> Pack:
    """Questions of a text file, one a line, or of a column of a CSV file.

    Raises:
        InputError: the file cannot be used, or there is no question in it.
    """
    lines = read_lines(content, name)
    pack = _pack(lines.texts)
    if not pack.questions and not pack.left_out.long:
        raise InputError("文件里没有问题，请检查内容。")
    return pack._replace(column=lines.column)


def _unnumbered(line: str) -> str:
    return NUMBER.sub("", line.strip(), count=1)


def _pack(lines: Sequence[str]) -> Pack:
    texts = [text for line in lines if (text := _unnumbered(line))]
    single = list(dict.fromkeys(texts))
    short = [text for text in single if len(text) <= MAX_QUERY]
    left_out = LeftOut(
        repeated=len(texts) - len(single),
        long=len(single) - len(short),
        over=max(0, len(short) - MAX_QUESTIONS),
        empty=len(lines) - len(texts),
    )
    return Pack(tuple(short[:MAX_QUESTIONS]), left_out)


def left_out_html(left_out: LeftOut, words: Words) -> Html:
    """Which lines were not taken and why; nothing where all were."""
    if not any(left_out):
        return Html()
    limits = {"long": MAX_QUERY, "over": MAX_QUESTIONS}
    parts = [
        words(WHY[why], n=count, limit=limits.get(why, 0))
        for why, count in left_out._asdict().items()
        if count
    ]
    told = words("pack_left_out", reasons=words("pack_and").join(parts))
    return el("p", told, class_="kb-banner kb-banner-starting")


def report_html(answers: Sequence[Answer], left_out: LeftOut, shelf: Shelf, words: Words) -> Html:
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
        left_out_html(left_out, words),
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
