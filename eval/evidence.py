"""Is a fact inside a quote: the contract's rule, shared by answers, exports and peers.

A fact is a group of quotes, each of which alone gives it. It is found at rank r when one of its
quotes lies inside the r-th shown text, white space and ``*`` removed from both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.schema import Frozen

__all__ = ["Found", "find_facts", "holds", "squeeze"]

NOISE = re.compile(r"[\s*]+")
Facts = Sequence[Sequence[str]]


def squeeze(text: str) -> str:
    """Drop white space and asterisks: ``由点 及面*`` -> ``由点及面``."""
    return NOISE.sub("", text)


class Found(Frozen):
    """For each fact of a question, the rank of the first text that holds it, or None."""

    ranks: tuple[int | None, ...]

    @property
    def first(self) -> bool:
        """Some fact is in the first text."""
        return any(rank == 1 for rank in self.ranks)

    @property
    def first_three(self) -> bool:
        """Some fact is in the first three texts."""
        return any(rank is not None and rank <= 3 for rank in self.ranks)

    @property
    def share(self) -> float:
        """Share of the facts that any text holds."""
        return sum(rank is not None for rank in self.ranks) / max(1, len(self.ranks))

    @property
    def complete(self) -> bool:
        """Every fact is held by some text."""
        return bool(self.ranks) and all(rank is not None for rank in self.ranks)


def holds(text: str, quotes: Sequence[str]) -> bool:
    """Whether one of the quotes lies inside the text."""
    whole = squeeze(text)
    return any(squeeze(quote) in whole for quote in quotes)


def find_facts(evidence: Facts, texts: Sequence[str]) -> Found:
    """Find every fact in ranked texts, best first."""
    whole = [squeeze(text) for text in texts]
    return Found(ranks=tuple(_rank([squeeze(q) for q in fact], whole) for fact in evidence))


def _rank(quotes: Sequence[str], texts: Sequence[str]) -> int | None:
    for rank, text in enumerate(texts, start=1):
        if any(quote in text for quote in quotes):
            return rank
    return None
