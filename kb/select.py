"""Scored passages -> the places to cite: which passages, which sentences of them, in what order.

A place is quoted from sentence to sentence, so a quote never starts or stops inside a sentence
even where a passage does (three points in one sentence). Passages of one sentence become one
place. Highlights are the sentences that the evidence of near bank questions, the dense view and
the shared words speak for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.fusion import standardise
from kb.index import Index
from kb.retrieve import Query, Scored

__all__ = ["Place", "Selector"]

Scores = NDArray[np.float32]
NEIGHBOURS = 12
HIGHLIGHT_MARGIN = 0.6
TEMPERATURE = 0.02


class Place(NamedTuple):
    """A span to cite: where it stands, the passage or section it belongs to, what is marked."""

    document_id: str
    anchor: str
    start: int
    end: int
    highlights: tuple[tuple[int, int], ...]
    score: float = 0.0

    @property
    def span(self) -> tuple[str, int, int]:
        """The document and the offsets: what is cited, whatever is marked in it."""
        return self.document_id, self.start, self.end


class Selector:
    """Turns rows of one index into places."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._sentences_of: dict[int, list[int]] = {}
        for number, sentence in enumerate(index.sentences):
            self._sentences_of.setdefault(sentence.row, []).append(number)
        self._span_of = _sentence_spans(index)

    def place(self, row: int, support: Scores, score: float = 0.0) -> Place:
        """Cite a passage, widened to whole sentences, with its supported sentences marked."""
        passage = self.index.passages[row]
        start, end = self._span_of[row]
        numbers = self._sentences_of[row]
        best = max(support[n] for n in numbers)
        marked = tuple(
            (self.index.sentences[n].start, self.index.sentences[n].end)
            for n in numbers
            if support[n] >= best - HIGHLIGHT_MARGIN
        )
        return Place(passage.document_id, passage.id, start, end, _merge(marked), score)

    def support(self, query: Query, scored: Scored) -> Scores:
        """How much each sentence answers: dense view, plus evidence of the nearest questions."""
        support = standardise(scored.sentences)
        if scored.questions.size:
            support = support + 2.0 * standardise(
                self._votes(scored.questions, scored.nearest[:NEIGHBOURS])
            )
        return np.asarray(support, dtype=np.float32)

    def _votes(self, similarity: Scores, nearest: Sequence[int]) -> Scores:
        """Softmax-weighted votes of the nearest bank questions for their evidence sentences."""
        votes = np.zeros(len(self.index.sentences), dtype=np.float32)
        best = float(similarity[nearest[0]])
        for question in nearest:
            weight = float(np.exp((similarity[question] - best) / TEMPERATURE))
            for target in self.index.targets[question]:
                for number in self._sentences_of[target.row]:
                    sentence = self.index.sentences[number]
                    if sentence.start < target.end and target.start < sentence.end:
                        votes[number] += weight
        return votes

    def span(self, row: int) -> tuple[int, int]:
        """The whole-sentence span that a passage is quoted by."""
        return self._span_of[row]

    def distinct(self, rows: Sequence[int]) -> list[int]:
        """Drop rows whose widened span an earlier row already covers."""
        kept: list[int] = []
        seen: set[tuple[str, int, int]] = set()
        for row in rows:
            key = (self.index.passages[row].document_id, *self._span_of[row])
            if key not in seen:
                seen.add(key)
                kept.append(row)
        return kept


def _merge(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join spans that touch."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _sentence_spans(index: Index) -> dict[int, tuple[int, int]]:
    """Row -> the span from the start of its first sentence to the end of its last.

    Neighbouring passages of one sentence share a span: a passage that does not end a sentence
    is joined to the next one of its paragraph.
    """
    spans: dict[int, tuple[int, int]] = {}
    group: list[int] = []
    for row, passage in enumerate(index.passages):
        previous = index.passages[group[-1]] if group else None
        joined = (
            previous is not None
            and previous.document_id == passage.document_id
            and previous.end == passage.start
            and previous.text[-1] not in "。！？!?…”"
        )
        if not joined:
            group = []
        group.append(row)
        first = index.passages[group[0]]
        for member in group:
            spans[member] = (first.start, passage.end)
    return spans
