"""The lists that the documents hold: parts, measures, questions, numbered points, glossary entries.

A list is complete by construction: it is every child heading of a section, or every numbered
point of it (一是 …… 二是 ……, 坚持甲，乙。), or every entry of the glossary. ``guide:*`` is the list of
all measures across parts. Items are spans of the document, so they are quoted like anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kb.schema import Document, Passage, Section

__all__ = ["HEADING_NUMBER", "Item", "Listing", "chapter", "listings"]

HEADING_NUMBER = re.compile(r"^[（(]?[一二三四五六七八九十\d]+[）)]?[、.]? ?")
POINT = re.compile(r"[一二三四五六七八九十]{1,3}是(?!否)|坚持[^，。；]{2,8}，[^，。；]{2,8}。")
LEAD = re.compile(r"[^。；，]*[。；，]")
ENTRY = re.compile(r"(\d+)\. ")
MEASURE_LEVEL = 3
ALL_MEASURES = "*"


class Item(NamedTuple):
    """One item: the span quoted for it, its leading words, and where its content stands."""

    document_id: str
    anchor: str
    start: int
    end: int
    lead_end: int


class Listing(NamedTuple):
    """A complete list: its id (a section id, or ``guide:*``), heading path, and items in order."""

    id: str
    title: tuple[str, ...]
    items: tuple[Item, ...]


def listings(documents: Mapping[str, Document], passages: Sequence[Passage]) -> dict[str, Listing]:
    """Every list of at least two items, by id."""
    found: dict[str, Listing] = {}
    for document in documents.values():
        for section in document.sections:
            items = _children(document, section) or _points(section, passages)
            if len(items) > 1:
                found[section.id] = Listing(section.id, section.path, tuple(items))
        measures = _all_measures(document)
        if len(measures) > 1:
            key = f"{document.id}:{ALL_MEASURES}"
            found[key] = Listing(key, (document.title,), tuple(measures))
    return found


def chapter(section_id: str) -> str:
    """The id of the section above: ``guide:2-3`` -> ``guide:2``; that of a top one is its own."""
    return section_id.rpartition("-")[0] or section_id


def _heading_item(document: Document, section: Section) -> Item:
    return Item(document.id, section.id, section.start, section.end, section.end)


def _children(document: Document, parent: Section) -> list[Item]:
    """The headings one level below a section, in order."""
    inside = [
        s
        for s in document.sections
        if s.level > parent.level and parent.end <= s.start and s.end <= parent.body_end
    ]
    top = min((s.level for s in inside), default=0)
    return [_heading_item(document, s) for s in inside if s.level == top]


def _points(section: Section, passages: Sequence[Passage]) -> list[Item]:
    """The numbered points or glossary entries of a section, one passage each."""
    own = [p for p in passages if p.section_id == section.id]
    marked = [p for p in own if POINT.match(p.text) or ENTRY.match(p.text)]
    items = []
    for passage in marked:
        mark = POINT.match(passage.text) or ENTRY.match(passage.text)
        assert mark is not None
        lead = LEAD.match(passage.text, mark.end())
        end = passage.start + (lead.end() if lead and "坚持" not in mark[0] else mark.end())
        items.append(Item(passage.document_id, passage.id, passage.start, passage.end, end))
    return items


def _all_measures(document: Document) -> list[Item]:
    """The third-level headings of the parts after the first (总则), where a document has parts."""
    parts = [s for s in document.sections if s.level == MEASURE_LEVEL - 1]
    if len(parts) < 2 or document.id != "guide":
        return []
    general = parts[0]
    return [
        _heading_item(document, s)
        for s in document.sections
        if s.level == MEASURE_LEVEL and s.start > general.body_end
    ]
