"""Nearest vectors by inner product; the only file that imports faiss.

Up to ``EXACT_ROWS`` rows the index is exact; beyond, a graph (HNSW, Malkov and Yashunin, 2016) over
16-bit vectors, whose ``scores`` are those of the nearest rows alone. Measured in eval/growth.

faiss cannot open non-ASCII paths on Windows, so indexes pass through ``serialize_index`` and
ordinary files (elsewhere a graph is mapped into memory, not read); it pads with id -1 when k
exceeds the count, so k is clamped; and it raises an empty AssertionError on a wrong dimension, so
the dimension is checked first. A graph built by several threads differs from run to run, so one
thread builds it. More than 1,000 rows at once are reconstructed by several threads, which wait for
each other on a busy machine, so single rows are read from the index's own memory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from kb.errors import IndexFolderError

__all__ = ["EXACT_ROWS", "NEAR", "Dense"]

FloatMatrix = NDArray[np.float32]

EXACT_ROWS = 50_000
MAPPED_BYTES = 1 << 20
NEAR = 1000
GRAPH, LINKS_TRIED, LINKS_FOLLOWED = "HNSW32_SQfp16", 80, 512


class Dense:
    """A FAISS index over unit vectors; row i is row i of the matrix it was built from."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self.exact = not isinstance(index, faiss.IndexHNSW)
        if not self.exact:
            index.hnsw.efSearch = LINKS_FOLLOWED

    @property
    def rows(self) -> int:
        """How many vectors it holds."""
        return int(self._index.ntotal)

    @property
    def kind(self) -> str:
        """Which FAISS index it is, as ``index_factory`` names it."""
        return "Flat" if self.exact else GRAPH

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    @classmethod
    def build(cls, vectors: FloatMatrix, exact_rows: int | None = None) -> Dense:
        """Index ``(n, d)`` float32 unit vectors: exactly, or as a graph where there are many.

        Args:
            vectors: one row a vector.
            exact_rows: up to how many rows the index is exact, ``EXACT_ROWS`` when left out.
        """
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        count, dimension = vectors.shape
        index: Any
        if count <= (EXACT_ROWS if exact_rows is None else exact_rows):
            index = faiss.IndexFlatIP(dimension)
            index.add(vectors)
            return cls(index)
        index = faiss.index_factory(dimension, GRAPH, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = LINKS_TRIED
        index.hnsw.efSearch = LINKS_FOLLOWED
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            index.train(vectors[:1])  # 16-bit floats need no training; faiss wants the call
            index.add(vectors)
        finally:
            faiss.omp_set_num_threads(threads)
        return cls(index)

    def search(self, queries: FloatMatrix, k: int) -> tuple[FloatMatrix, NDArray[np.int64]]:
        """The k nearest rows of each query: scores and rows, both ``(n, min(k, rows))``.

        A graph may find fewer; these places hold row -1.
        """
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

    def first(self, count: int) -> FloatMatrix:
        """The first vectors, shape ``(min(count, rows), dimension)``."""
        return np.array(self._matrix()[:count], dtype=np.float32)

    def scores(self, query: FloatMatrix) -> NDArray[np.float32]:
        """Inner product of one query ``(d,)`` with every row, in row order, shape ``(rows,)``.

        A graph knows the ``NEAR`` nearest rows; all others get the lowest score among these.
        """
        if self.exact:
            return self._all_scores(query)
        scores, rows = self.search(query[None, :], NEAR)
        found = rows[0] >= 0
        floor = scores[0][found].min(initial=np.inf)
        out = np.full(self.rows, floor, dtype=np.float32)
        out[rows[0][found]] = scores[0][found]
        return out

    def scores_of(self, query: FloatMatrix, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Inner product of one query with some rows, shape of ``rows``."""
        self._check(query[None, :])
        found = self._matrix()[rows].astype(np.float32)
        return np.asarray(np.einsum("ij,j->i", found, query), dtype=np.float32)

    def _matrix(self) -> NDArray[np.float32 | np.float16]:
        """The index's own vectors, not copied: 32-bit floats, or a graph's 16-bit ones."""
        count = self.rows * self.dimension
        if self.exact:
            found = faiss.rev_swig_ptr(self._index.get_xb(), count)
        else:
            storage: Any = faiss.downcast_index(self._index.storage)
            found = faiss.rev_swig_ptr(storage.codes.data(), 2 * count).view(np.float16)
        return np.asarray(found.reshape(self.rows, self.dimension))

    def _all_scores(self, query: FloatMatrix) -> NDArray[np.float32]:
        """Every row's score without sorting them."""
        self._check(query[None, :])
        out = np.empty(self.rows, dtype=np.float32)
        query = np.ascontiguousarray(query, dtype=np.float32)
        library: Any = faiss  # its stub leaves the C functions out
        library.fvec_inner_products_ny(
            faiss.swig_ptr(out),
            faiss.swig_ptr(query),
            self._index.get_xb(),
            self.dimension,
            self.rows,
        )
        return out

    def _check(self, queries: FloatMatrix) -> None:
        if queries.shape[1] != self.dimension:
            raise IndexFolderError(
                f"向量维数不符：索引为{self.dimension}维，编码器为{queries.shape[1]}维；"
                "请用同一编码器重建索引（python -m kb build）。"
            )

    def save(self, path: Path) -> None:
        """Write the index to one file."""
        path.write_bytes(faiss.serialize_index(self._index).data)

    @classmethod
    def load(cls, path: Path) -> Dense:
        """Read an index from one file; all but a small one is mapped, so that it is held once.

        Raises:
            IndexFolderError: the file is not a FAISS index.
        """
        try:
            return cls(_mapped(path) if _is_large(path) else _read(path))
        except (OSError, RuntimeError) as error:
            raise IndexFolderError(
                f"向量索引文件“{path.name}”已损坏，请重建索引（python -m kb build）。"
            ) from error


def _is_large(path: Path) -> bool:
    """Whether to map a file."""
    return os.name == "posix" and path.stat().st_size > MAPPED_BYTES


def _read(path: Path) -> faiss.Index:
    return faiss.deserialize_index(np.frombuffer(path.read_bytes(), dtype=np.uint8))


def _mapped(path: Path) -> faiss.Index:
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
