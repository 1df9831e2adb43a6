"""Nearest vectors by inner product; the only file that imports faiss.

faiss cannot open non-ASCII paths on Windows, so indexes pass through ``serialize_index`` and
ordinary files; it pads with id -1 when k exceeds the count, so k is clamped; and it raises an
empty AssertionError on a wrong dimension, so the dimension is checked first.
"""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from kb.errors import IndexFolderError

__all__ = ["Dense"]

FloatMatrix = NDArray[np.float32]


class Dense:
    """A FAISS index over unit vectors; row i is row i of the matrix it was built from."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @property
    def rows(self) -> int:
        """How many vectors it holds."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    @classmethod
    def build(cls, vectors: FloatMatrix) -> Dense:
        """Index ``(n, d)`` float32 unit vectors exactly."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    def search(self, queries: FloatMatrix, k: int) -> tuple[FloatMatrix, NDArray[np.int64]]:
        """The k nearest rows of each query: scores and rows, both ``(n, min(k, rows))``."""
        self._check(queries)
        k = min(k, self.rows)
        if k <= 0:
            empty = (queries.shape[0], 0)
            return np.zeros(empty, np.float32), np.zeros(empty, np.int64)
        scores, rows = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), k)
        return scores, rows

    def vectors(self) -> FloatMatrix:
        """All vectors, in row order, shape ``(rows, dimension)``."""
        return np.asarray(self._index.reconstruct_n(0, self.rows), dtype=np.float32)

    def scores(self, query: FloatMatrix) -> NDArray[np.float32]:
        """Inner product of one query ``(d,)`` with every row, in row order, shape ``(rows,)``."""
        scores, rows = self.search(query[None, :], self.rows)
        out = np.empty(self.rows, dtype=np.float32)
        out[rows[0]] = scores[0]
        return out

    def _check(self, queries: FloatMatrix) -> None:
        if queries.shape[1] != self.dimension:
            raise IndexFolderError(
                f"向量维数不符：索引为{self.dimension}维，编码器为{queries.shape[1]}维；"
                "请用同一编码器重建索引（python -m kb build）。"
            )

    def save(self, path: Path) -> None:
        """Write the index to one file."""
        path.write_bytes(faiss.serialize_index(self._index).tobytes())

    @classmethod
    def load(cls, path: Path) -> Dense:
        """Read an index from one file.

        Raises:
            IndexFolderError: the file is not a FAISS index.
        """
        try:
            data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
            return cls(faiss.deserialize_index(data))
        except (OSError, RuntimeError) as error:
            raise IndexFolderError(
                f"向量索引文件“{path.name}”已损坏，请重建索引（python -m kb build）。"
            ) from error
