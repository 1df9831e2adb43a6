"""Folders of text -> as many short passages as they hold, in one seeded order.

Every ``corpus.jsonl`` (``{_id, title, text}``) below a folder is cut at sentence ends, and long
sentences at commas, so that a few million characters make a hundred thousand passages. A passage's
sentence keys are its clauses: about three a passage, as in real documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from eval.faults import read_lines, refuse
from eval.intervals import SEED
from kb.build import Material
from kb.chunk import sentences
from kb.schema import Document, Passage

__all__ = ["clauses", "cut_pieces", "growth_material", "read_pieces"]

LEAST, MOST, KEY = 16, 90, 8
CLAUSE = re.compile(
    r"[^，；：、,;。！？!?…]+[，；：、,;。！？!?…”’」』）)】]*|[，；：、,;。！？!?…]+"
)


def clauses(text: str, least: int = KEY) -> tuple[tuple[int, int], ...]:
    """Split after commas into parts of at least ``least`` characters that cover the text."""
    parts: list[tuple[int, int]] = []
    start = 0
    for found in CLAUSE.finditer(text):
        if found.end() - start >= least:
            parts.append((start, found.end()))
            start = found.end()
    if start < len(text):
        if parts:
            parts[-1] = (parts[-1][0], len(text))
        else:
            parts.append((0, len(text)))
    return tuple(parts)


def cut_pieces(text: str) -> Iterator[str]:
    """Sentences of ``text``; those over ``MOST`` characters in parts, those under ``LEAST`` left out."""
    for a, b in sentences(text):
        parts = [text[a:b]]
        if b - a > MOST:
            parts = [text[a + c : a + d] for c, d in clauses(text[a:b], MOST // 2)]
        for part in map(str.strip, parts):
            if len(part) >= LEAST:
                yield part[: 4 * MOST]


def read_pieces(folder: Path, count: int) -> list[str]:
    """The first ``count`` different pieces in a seeded order; more pieces extend fewer.

    Raises:
        InputError: there is no corpus.jsonl, or not enough text.
    """
    faults: list[str] = []
    paths = sorted(folder.rglob("corpus.jsonl"))
    if not paths:
        refuse([f"文件夹“{folder}”里没有corpus.jsonl，应为一个或多个BEIR格式的数据集。"])
    pieces: dict[str, None] = {}
    for path in paths:
        for _, line in read_lines(path, faults):
            pieces.update(dict.fromkeys(cut_pieces(str(json.loads(line).get("text", "")))))
    if len(pieces) < count:
        faults.append(f"“{folder}”只够切出{len(pieces)}个段落，不到{count}个，请减少--sizes。")
    refuse(faults)
    texts = list(pieces)
    return [texts[i] for i in np.random.default_rng(SEED).permutation(len(texts))[:count]]


def growth_material(pieces: Sequence[str]) -> Material:
    """One document and one passage a piece, its clauses as sentence keys."""
    documents, passages = {}, []
    for row, text in enumerate(pieces):
        name = f"g{row}"
        documents[name] = Document(id=name, title="", text=text, sections=(), paragraphs=())
        passages.append(
            Passage(
                id=name,
                document_id=name,
                section_id=name,
                section=(),
                page=None,
                start=0,
                end=len(text),
                text=text,
                sentences=clauses(text),
            )
        )
    return Material(documents, tuple(passages))
