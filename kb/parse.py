"""A corpus file -> a ``Document``: canonical text, sections and paragraphs with offsets and pages.

The corpus format is Markdown with three marks: an optional head block (``id``, ``title``),
``#`` headings, and ``<!-- page N -->`` lines. Plain text files are read too; there a heading is a
short line that opens with 一、（一） 第X章 第X条. All other lines are prose and are kept as they
stand. The canonical text is the lines, without marks and outer white space, joined by newlines.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from kb.errors import CorpusError
from kb.schema import Document, Paragraph, Section

__all__ = ["parse_file", "parse_text"]

HEAD_KEY = re.compile(r"(id|title|source): *(.+)")
PAGE_MARK = re.compile(r"<!-- page (\d+) -->")
HASH_HEADING = re.compile(r"(#{1,6}) +(\S.*)")
NUMBERED_HEADINGS = (
    (2, re.compile(r"第[一二三四五六七八九十百\d]+[编章][ 　]?\S{0,30}")),
    (3, re.compile(r"第[一二三四五六七八九十百\d]+节[ 　]?\S{0,30}")),
    (2, re.compile(r"[一二三四五六七八九十]+、[^。；]{1,30}")),
    (3, re.compile(r"[（(][一二三四五六七八九十]+[）)] ?[^。；，]{1,30}")),
)
DOCUMENT_ID = re.compile(r"[\w.()（）《》-]+")


class _Line(NamedTuple):
    level: int
    text: str
    page: int | None
    number: int


class _Head(NamedTuple):
    id: str
    title: str
    source: str
    lines_used: int


def parse_file(path: Path) -> Document:
    """Read one corpus file.

    Raises:
        CorpusError: the file is missing, not UTF-8 text, or holds no text; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CorpusError(f"读不到文档“{path}”（{error.strerror}），请检查路径和权限。") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"文档“{path.name}”不是UTF-8文本，请另存为UTF-8编码后重试。") from error
    return parse_text(text, default_id=path.stem, source=path.name)


def parse_text(text: str, default_id: str, source: str = "") -> Document:
    r"""Parse the text of a corpus file; see the module's head for the format.

    Args:
        text: for example ``"# 标题\n\n正文。"``.
        default_id: the document id where the head block names none.
        source: where the text came from, for citations.
    """
    rows = text.splitlines()
    head = _read_head(rows, default_id, source)
    lines = list(_read_lines(rows, head.lines_used))
    if not any(line.level == 0 for line in lines):
        raise CorpusError(f"文档“{source or head.id}”没有正文，请检查文件内容。")
    return _assemble(head, lines)


def _read_head(rows: list[str], default_id: str, source: str) -> _Head:
    if not rows or rows[0].strip() != "---":
        return _Head(_safe_id(default_id), default_id, source, 0)
    values = {"id": default_id, "title": default_id, "source": source}
    for number, row in enumerate(rows[1:], start=2):
        if row.strip() == "---":
            return _Head(_safe_id(values["id"]), values["title"], values["source"], number)
        found = HEAD_KEY.fullmatch(row.strip())
        if found is None:
            raise CorpusError(
                f"文档“{source}”第{number}行的文件头无法识别，只能写id、title或source。"
            )
        values[found[1]] = found[2].strip()
    raise CorpusError(f"文档“{source}”的文件头没有以“---”结束，请补上。")


def _safe_id(text: str) -> str:
    """Keep an id usable in addresses: anything but word characters and a few marks becomes _."""
    return "".join(c if DOCUMENT_ID.fullmatch(c) else "_" for c in text)


def _read_lines(rows: list[str], used: int) -> list[_Line]:
    marked = any(HASH_HEADING.fullmatch(row.strip()) for row in rows[used:])
    lines, page = [], None
    for number, row in enumerate(rows[used:], start=used + 1):
        content = row.strip()
        if found := PAGE_MARK.fullmatch(content):
            page = int(found[1])
        elif content:
            level, content = _level(content, marked)
            lines.append(_Line(level, content, page, number))
    return lines


def _level(content: str, marked: bool) -> tuple[int, str]:
    """Tell a heading (level >= 1) from prose (0), and strip the heading mark."""
    if found := HASH_HEADING.fullmatch(content):
        return len(found[1]), found[2]
    if not marked:
        for level, pattern in NUMBERED_HEADINGS:
            if pattern.fullmatch(content):
                return level, content
    return 0, content


class _Open(NamedTuple):
    id: str
    level: int
    title: str
    path: tuple[str, ...]
    start: int
    page: int | None


class _Outline:
    """Numbers the headings and tracks which are open; the lone title is section 0."""

    def __init__(self, document_id: str) -> None:
        self.document_id = document_id
        self.counters: list[tuple[int, int]] = []
        self.open: list[_Open] = []
        self.sections: list[Section] = []

    def heading(self, line: _Line, start: int) -> None:
        self.close(line.level, start - 1)
        if line.level == 1 and not self.sections and not self.open:
            section_id = f"{self.document_id}:0"
        else:
            section_id = self._number(line.level)
        path = (*self._path(), line.text)
        self.open.append(_Open(section_id, line.level, line.text, path, start, line.page))

    def _path(self) -> tuple[str, ...]:
        return tuple(s.title for s in self.open if not s.id.endswith(":0"))

    def _number(self, level: int) -> str:
        """Count this heading among its siblings: ``guide:2-3`` is the third under the second."""
        while self.counters and self.counters[-1][0] > level:
            self.counters.pop()
        if self.counters and self.counters[-1][0] == level:
            self.counters[-1] = (level, self.counters[-1][1] + 1)
        else:
            self.counters.append((level, 1))
        return f"{self.document_id}:" + "-".join(str(n) for _, n in self.counters)

    def close(self, level: int, end: int) -> None:
        """Close every open heading at or below ``level``; the body ends at ``end``."""
        while self.open and self.open[-1].level >= level:
            self.finish(end)

    def finish(self, end: int) -> None:
        o = self.open.pop()
        heading_end = o.start + len(o.title)
        self.sections.append(
            Section(
                id=o.id,
                level=o.level,
                title=o.title,
                path=o.path,
                start=o.start,
                end=heading_end,
                body_end=max(end, heading_end),
                page=o.page,
            )
        )


def _assemble(head: _Head, lines: list[_Line]) -> Document:
    outline, paragraphs, at = _Outline(head.id), [], 0
    for line in lines:
        end = at + len(line.text)
        if line.level:
            outline.heading(line, at)
        else:
            section = outline.open[-1].id if outline.open else f"{head.id}:0"
            paragraphs.append(Paragraph(start=at, end=end, section_id=section, page=line.page))
        at = end + 1
    outline.close(0, at - 1)
    return Document(
        id=head.id,
        title=head.title,
        text="\n".join(line.text for line in lines),
        sections=tuple(sorted(outline.sections, key=lambda s: s.start)),
        paragraphs=tuple(paragraphs),
        source=head.source,
    )
