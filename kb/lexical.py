"""BM25 over tokens: weights by bm25s when the index is built, plain arrays when it is read.

Scores follow Lucene's BM25 (Kamphuis et al. 2020), idf = ln(1 + (N - n + 0.5) / (n + 0.5)). bm25s
weighs every token of every row once; a query only adds these weights up. So the
serving process does without bm25s and the SciPy that it brings: 24 MiB, a third of a second.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lexical"]


class Weights(NamedTuple):
    """Sparse columns: token ``t`` weighs ``data[s]`` in ``rows[s]``, ``s`` from ``starts[t]`` on.

    A token's rows are distinct; ``starts`` has one more entry than there are tokens.
    """

    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    data: NDArray[np.float32]


class Lexical:
    """A BM25 index; row i of the scores is row i of the texts it was built from."""

    def __init__(self, weights: Weights, vocabulary: Mapping[str, int], rows: int) -> None:
        self._weights = weights
        self._vocabulary = vocabulary
        self.rows = rows

    @classmethod
    def build(
        cls, token_lists: Sequence[Sequence[str]], k1: float = 1.5, b: float = 0.75
    ) -> Lexical:
        """Index token lists. Rows without tokens score zero."""
        import bm25s

        model = bm25s.BM25(method="lucene", k1=k1, b=b)
        vocabulary = {t: i for i, t in enumerate(sorted({t for ts in token_lists for t in ts}))}
        ids = [[vocabulary[t] for t in tokens] for tokens in token_lists]
        if not vocabulary:
            vocabulary = {"": 0}
        model.index((ids, vocabulary), create_empty_token=False, show_progress=False)
        columns = model.scores
        weights = Weights(
            np.asarray(columns["indptr"], np.int64),
            np.asarray(columns["indices"], np.int32),
            np.asarray(columns["data"], np.float32),
        )
        return cls(weights, vocabulary, len(token_lists))

    def scores(self, tokens: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of every row for the query's tokens, shape ``(rows,)``; unknown tokens add nothing."""
        starts, rows, data = self._weights
        scores = np.zeros(self.rows, dtype=np.float32)
        for token in tokens:
            number = self._vocabulary.get(token)
            if number is not None:
                held = slice(starts[number], starts[number + 1])
                scores[rows[held]] += data[held]
        return scores

    def ceiling(self, tokens: Sequence[str]) -> float:
        """The score that no row can pass: the sum of the tokens' idf, unknown ones as the rarest."""
        starts = self._weights.starts
        numbers = [self._vocabulary.get(token) for token in tokens]
        found = [0 if n is None else int(starts[n + 1] - starts[n]) for n in numbers]
        return sum(math.log1p((self.rows - n + 0.5) / (n + 0.5)) for n in found)

    def save(self, folder: Path) -> None:
        """Write the index into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in self._weights._asdict().items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        about = {"rows": self.rows, "vocabulary": self._vocabulary}
        text = json.dumps(about, ensure_ascii=False)
        (folder / "tokens.json").write_text(text, encoding="utf-8", newline="\n")

    @classmethod
    def load(cls, folder: Path) -> Lexical:
        """Read an index from ``folder``, memory-mapped."""
        about = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
        # plain views of the mapped memory: slices of ``memmap`` itself cost ten times as much
        arrays = [
            np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in Weights._fields
        ]
        return cls(Weights(*arrays), about["vocabulary"], int(about["rows"]))
