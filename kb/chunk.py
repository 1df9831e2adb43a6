"""A document -> its passages: cut at numbered points and sentence ends, sized in jieba tokens.

A passage never leaves its paragraph, and never crosses a numbered point (一是 …… 二是 ……), a
principle (坚持应用牵引，供需互促。), a measure, an answer or a glossary entry. Within one of these it
is cut only at sentence ends, and only when it is longer than the budget.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from kb.schema import Document, Paragraph, Passage
from kb.tokenizer import Tokenizer

__all__ = ["chunk", "sentences"]

SENTENCE = re.compile(r"[^。！？!?…]*(?:[。！？!?…]+[”’」』）)】]*|$)")
POINT = re.compile(
    r"(?:^|(?<=[。；：:;]))"
    r"(?:[一二三四五六七八九十]{1,3}是(?!否)|[（(][一二三四五六七八九十\d]{1,3}[）)]|坚持[^，。；]{2,8}，[^，。；]{2,8}。)"
)
TOKEN_BUDGET = 256


class Cut(NamedTuple):
    """A half-open range of document offsets."""

    start: int
    end: int


def sentences(text: str, start: int = 0) -> tuple[tuple[int, int], ...]:
    """Split at sentence ends, covering the text: ``甲。乙。`` -> ``((0, 2), (2, 4))``, moved by start."""
    found = [(m.start(), m.end()) for m in SENTENCE.finditer(text) if m.end() > m.start()]
    return tuple((start + a, start + b) for a, b in found)


def chunk(document: Document, tokenizer: Tokenizer, budget: int = TOKEN_BUDGET) -> list[Passage]:
    """Cut a document into passages, in order, with stable ids such as ``guide:2-3-p1``."""
    paths = {section.id: section.path for section in document.sections}
    numbers: Counter[str] = Counter()
    passages = []
    for paragraph in document.paragraphs:
        for cut in _cuts(document.text, paragraph, tokenizer, budget):
            numbers[paragraph.section_id] += 1
            passages.append(
                Passage(
                    id=f"{paragraph.section_id}-p{numbers[paragraph.section_id]}",
                    document_id=document.id,
                    section_id=paragraph.section_id,
                    section=paths.get(paragraph.section_id, (document.title,)),
                    page=paragraph.page,
                    start=cut.start,
                    end=cut.end,
                    text=document.text[cut.start : cut.end],
                    sentences=sentences(document.text[cut.start : cut.end], cut.start),
                )
            )
    return passages


def _cuts(text: str, paragraph: Paragraph, tokenizer: Tokenizer, budget: int) -> list[Cut]:
    cuts = []
    for point in _points(text, paragraph):
        cuts += _fit(text, point, tokenizer, budget)
    return cuts


def _points(text: str, paragraph: Paragraph) -> list[Cut]:
    """Cut a paragraph where a numbered point or a principle begins."""
    body = text[paragraph.start : paragraph.end]
    starts = sorted({0, *(found.start() for found in POINT.finditer(body))})
    ends = [*starts[1:], len(body)]
    return [
        Cut(paragraph.start + a, paragraph.start + b) for a, b in zip(starts, ends, strict=True)
    ]


def _fit(text: str, cut: Cut, tokenizer: Tokenizer, budget: int) -> list[Cut]:
    """Cut at sentence ends into the fewest pieces within the budget, about equal in size."""
    total = tokenizer.size(text[cut.start : cut.end])
    if total <= budget:
        return [cut]
    target = total / -(-total // budget)
    pieces, start, size = [], cut.start, 0
    for a, b in sentences(text[cut.start : cut.end], cut.start):
        length = tokenizer.size(text[a:b])
        if (size and size + length > budget) or size >= target:
            pieces.append(Cut(start, a))
            start, size = a, 0
        size += length
    return [*pieces, Cut(start, cut.end)]
