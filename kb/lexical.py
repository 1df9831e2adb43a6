"""BM25 over tokens, by bm25s: a folder of plain files, exact scores for every row.

Scores follow Lucene's BM25 (Kamphuis et al. 2020), idf = ln(1 + (N - n + 0.5) / (n + 0.5)).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import bm25s
import numpy as np
from numpy.typing import NDArray

__all__ = ["Lexical"]


class Lexical:
    """A BM25 index; row i of the scores is row i of the texts it was built from."""

    def __init__(self, model: bm25s.BM25, rows: int) -> None:
        self._model = model
        self.rows = rows

    @classmethod
    def build(
        cls, token_lists: Sequence[Sequence[str]], k1: float = 1.5, b: float = 0.75
    ) -> Lexical:
        """Index token lists. Rows without tokens score zero."""
        model = bm25s.BM25(method="lucene", k1=k1, b=b)
        vocabulary = {t: i for i, t in enumerate(sorted({t for ts in token_lists for t in ts}))}
        ids = [[vocabulary[t] for t in tokens] for tokens in token_lists]
        if not vocabulary:
            vocabulary = {"": 0}
        model.index((ids, vocabulary), create_empty_token=False, show_progress=False)
        return cls(model, len(token_lists))

    def scores(self, tokens: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of every row for the query's tokens, shape ``(rows,)``; unknown tokens add nothing."""
        ids = [self._model.vocab_dict[t] for t in tokens if t in self._model.vocab_dict]
        if not ids:
            return np.zeros(self.rows, dtype=np.float32)
        # what get_scores_from_ids does; a token's rows are distinct, so they need no ``add.at``
        table = self._model.scores
        starts = table["indptr"]
        scores = np.zeros(self.rows, dtype=np.float32)
        for token in ids:
            held = slice(starts[token], starts[token + 1])
            scores[table["indices"][held]] += table["data"][held]
        return scores

    def ceiling(self, tokens: Sequence[str]) -> float:
        """The score that no row can pass: the sum of the tokens' idf, unknown ones as the rarest."""
        starts = self._model.scores["indptr"]
        ids = [self._model.vocab_dict.get(token) for token in tokens]
        found = [0 if i is None else int(starts[i + 1] - starts[i]) for i in ids]
        return sum(math.log1p((self.rows - n + 0.5) / (n + 0.5)) for n in found)

    def save(self, folder: Path) -> None:
        """Write the index into ``folder``."""
        self._model.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> Lexical:
        """Read an index from ``folder``, memory-mapped."""
        model = bm25s.BM25.load(folder, mmap=True)
        # a plain view of the mapped memory: slices of ``memmap`` itself cost ten times as much
        model.scores = {
            name: np.asarray(part) if isinstance(part, np.memmap) else part
            for name, part in model.scores.items()
        }
        return cls(model, int(model.scores["num_docs"]))
