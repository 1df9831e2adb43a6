"""Is a text in the documents: ``exact`` with its places, ``differs`` with a diff, or ``absent``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from kb.schema import Document, Passage

__all__ = ["Verdict", "verify"]

NEAR = 0.6
SHINGLE = 3


class Verdict(NamedTuple):
    """The finding: exact places, or the nearest piece and the pieces that differ."""

    state: Literal["exact", "differs", "absent"]
    places: tuple[tuple[str, int, int], ...] = ()
    passage_id: str | None = None
    nearest: str | None = None
    diff: tuple[tuple[str, str, str], ...] = ()


def verify(text: str, documents: Mapping[str, Document], passages: Sequence[Passage]) -> Verdict:
    """Look a text up, character for character.

    Args:
        text: for example ``由点到面`` (outer white space is ignored).
        documents: by id.
        passages: the passages, for the nearest one.
    """
    wanted = text.strip()
    places = tuple(place for d in documents.values() for place in _places(wanted, d))
    if places:
        return Verdict("exact", places)
    best = max(passages, key=lambda p: (_overlap(wanted, p.text), -p.start), default=None)
    if best is None or not wanted:
        return Verdict("absent")
    piece = _best_piece(wanted, best.text)
    matcher = difflib.SequenceMatcher(None, wanted, piece, autojunk=False)
    if matcher.ratio() < NEAR:
        return Verdict("absent")
    diff = tuple((kind, wanted[a:b], piece[c:d]) for kind, a, b, c, d in matcher.get_opcodes())
    return Verdict("differs", (), best.id, piece, diff)


def _places(wanted: str, document: Document) -> list[tuple[str, int, int]]:
    places, at = [], document.text.find(wanted) if wanted else -1
    while at >= 0:
        places.append((document.id, at, at + len(wanted)))
        at = document.text.find(wanted, at + 1)
    return places


def _shingles(text: str) -> set[str]:
    return {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}


def _overlap(wanted: str, text: str) -> float:
    own = _shingles(wanted)
    return len(own & _shingles(text)) / len(own)


def _best_piece(wanted: str, text: str) -> str:
    """The stretch of a passage that the text corresponds to."""
    matcher = difflib.SequenceMatcher(None, wanted, text, autojunk=False)
    blocks = [b for b in matcher.get_matching_blocks() if b.size]
    if not blocks:
        return ""
    start = max(0, blocks[0].b - blocks[0].a)
    last = blocks[-1]
    end = min(len(text), last.b + last.size + len(wanted) - last.a - last.size)
    return text[start:end]
