"""The source slides -> the three clean documents, with every character accounted for.

The source is the plain text of the slides 学习解读《中小企业数字化转型指南》. Each of its characters
either goes to exactly one place of one document or is on the furniture list; ``derive`` returns
both, and an unknown line or a number out of order is an error that names the line. What counts as
furniture was decided once and is written down in ``docs/decisions.md``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kb.errors import CorpusError
from kb.numerals import chinese_number

__all__ = ["Derivation", "Line", "Span", "derive", "to_markdown"]

SLIDE_TITLE = "学习解读《中小企业数字化转型指南》"
CHAPTERS = {
    "《指南》的出台背景": "background",
    "《指南》的政策解答": "questions",
    "《指南》的全文学习": "guide",
}
GLOSSARY_HEAD = "附件：名词解释"
ORNAMENTS = frozenset("—=三")
CONTENTS_LINE = re.compile(r"- .+")
PART = re.compile(r"([一二三四五六七八九十]+)、[^。]{1,20}$")
MEASURE = re.compile(r"[（(]([一二三四五六七八九十]+)[）)] ?[^。]{1,20}$")
QUESTION = re.compile(r"(\d+)[、.] ?[^。]+？$")
ENTRY = re.compile(r"(\d+)\. [^：]+：.+。$")
PROSE = re.compile(r".{6,}[。：]$")

TITLES = {
    "guide": "《中小企业数字化转型指南》全文",
    "interpretation": "《中小企业数字化转型指南》背景与政策解答",
    "glossary": "《中小企业数字化转型指南》名词解释",
}


class Span(NamedTuple):
    """A piece of the source, ``source[start:end]``, and why it stands where it stands."""

    start: int
    end: int
    kind: str


class Line(NamedTuple):
    """One line of a derived document: heading level (0 for prose), slide, and its source pieces."""

    level: int
    page: int
    pieces: tuple[Span, ...]


class Derivation(NamedTuple):
    """The lines of each document and the furniture; together they cover the source."""

    documents: dict[str, tuple[Line, ...]]
    furniture: tuple[Span, ...]


class _Reader:
    """Reads the slides line by line; the state is the zone, the slide and the numbers seen."""

    def __init__(self) -> None:
        self.zone = "title"
        self.page = 0
        self.numbers = {"part": 0, "measure": 0, "question": 0, "entry": 0}
        self.documents: dict[str, list[Line]] = {name: [] for name in TITLES}
        self.furniture: list[Span] = []
        self.fresh_slide = False

    def expect(self, kind: str, number: int, line_number: int) -> None:
        """Check that ``number`` follows the last of its kind."""
        wanted = self.numbers[kind] + 1
        if number != wanted:
            raise CorpusError(
                f"源文件第{line_number}行的编号应为{wanted}，实际为{number}，请核对顺序。"
            )
        self.numbers[kind] = number

    def keep(self, document: str, level: int, start: int, text: str) -> None:
        """Put a line into a document; emphasis marks inside it are furniture."""
        pieces, at = [], 0
        for mark in re.finditer(r"\*\*", text):
            if mark.start() > at:
                pieces.append(Span(start + at, start + mark.start(), "text"))
            self.furniture.append(Span(start + mark.start(), start + mark.end(), "emphasis mark"))
            at = mark.end()
        if at < len(text):
            pieces.append(Span(start + at, start + len(text), "text"))
        self.documents[document].append(Line(level, self.page, tuple(pieces)))

    def drop(self, start: int, text: str, kind: str) -> None:
        self.furniture.append(Span(start, start + len(text), kind))

    def turn(self, opens: bool) -> None:
        """Count a slide: a slide title opens one, a running head only if no title came before."""
        if opens or not self.fresh_slide:
            self.page += 1
        self.fresh_slide = opens

    def read(self, text: str, start: int, line_number: int) -> None:
        """Dispatch one non-empty line."""
        if self._furniture(text, start) or self._heading(text, start, line_number):
            return
        if self.zone not in ("title", "contents") and PROSE.fullmatch(text):
            self._prose(text, start, line_number)
            return
        raise CorpusError(f"源文件第{line_number}行无法识别：“{text[:20]}”，请核对原文或版式规则。")

    def _furniture(self, text: str, start: int) -> bool:
        bare = text.strip("—")
        if bare == SLIDE_TITLE:
            self._slide_title(text, start)
        elif text in CHAPTERS:
            self._chapter(text, start)
        elif text == GLOSSARY_HEAD:
            self.zone = "glossary"
            self.drop(start, text, "running head")
        elif text == "目录":
            self.turn(opens=True)
            self.zone = "contents"
            self.drop(start, text, "contents list")
        elif self.zone == "contents" and CONTENTS_LINE.fullmatch(text):
            self.drop(start, text, "contents list")
        elif text in ORNAMENTS:
            self.drop(start, text, "ornament")
        else:
            return False
        return True

    def _slide_title(self, text: str, start: int) -> None:
        self.turn(opens=True)
        if self.page == 1:
            self.keep("interpretation", 1, start, text)
        else:
            self.drop(start, text, "slide title")

    def _chapter(self, text: str, start: int) -> None:
        """A chapter's name is a heading where it first stands, and a running head after that."""
        self.turn(opens=False)
        first = self.zone != CHAPTERS[text]
        self.zone = CHAPTERS[text]
        if first and self.zone != "guide":
            self.keep("interpretation", 2, start, text)
        else:
            self.drop(start, text, "running head")

    def _heading(self, text: str, start: int, line_number: int) -> bool:
        if text == "前言" and self.zone == "title":
            self.turn(opens=True)
            self.zone = "preface"
            self.keep("interpretation", 2, start, text)
        elif self.zone == "questions" and (found := QUESTION.fullmatch(text)):
            self.expect("question", int(found[1]), line_number)
            self.keep("interpretation", 3, start, text)
        elif self.zone == "guide" and text == "中小企业数字化转型指南":
            self.keep("guide", 1, start, text)
        elif self.zone == "guide" and (found := PART.fullmatch(text)):
            self.expect("part", chinese_number(found[1]), line_number)
            self.numbers["measure"] = 0
            self.keep("guide", 2, start, text)
        elif self.zone == "guide" and (found := MEASURE.fullmatch(text)):
            self.expect("measure", chinese_number(found[1]), line_number)
            self.keep("guide", 3, start, text)
        elif self.zone == "glossary" and text == "名词解释":
            self.keep("glossary", 1, start, text)
        else:
            return False
        return True

    def _prose(self, text: str, start: int, line_number: int) -> None:
        if self.zone == "glossary":
            found = ENTRY.fullmatch(text)
            if found is None:
                raise CorpusError(
                    f"源文件第{line_number}行不是“序号. 名词：解释。”的格式，请核对。"
                )
            self.expect("entry", int(found[1]), line_number)
            self.keep("glossary", 0, start, text)
        else:
            self.keep("guide" if self.zone == "guide" else "interpretation", 0, start, text)


def derive(source: str) -> Derivation:
    """Sort every line of the source slides into documents and furniture.

    Args:
        source: the text of the slides, as read from ``corpus/source``.

    Raises:
        CorpusError: a line is unknown or a number is out of order; the message names the line.
    """
    reader, at = _Reader(), 0
    for line_number, raw in enumerate(source.splitlines(keepends=True), start=1):
        text = raw.strip()
        if text:
            reader.read(text, at + raw.index(text), line_number)
        at += len(raw)
    documents = {name: tuple(lines) for name, lines in reader.documents.items()}
    return Derivation(documents, tuple(sorted(reader.furniture)))


def to_markdown(name: str, lines: tuple[Line, ...], source: str) -> str:
    """Write a derived document in the corpus format that ``kb.parse`` reads."""
    out = ["---", f"id: {name}", f"title: {TITLES[name]}", "---"]
    page = 0
    for line in lines:
        if line.page != page:
            page = line.page
            out += ["", f"<!-- page {page} -->"]
        text = "".join(source[piece.start : piece.end] for piece in line.pieces)
        out += ["", f"{'#' * line.level} {text}" if line.level else text]
    return "\n".join(out) + "\n"
