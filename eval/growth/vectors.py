"""Vectors for growth: real ones, and noisy copies of real ones where there are not enough.

A copy is a real vector plus Gaussian noise of a quarter of its length, at unit length again: a
cosine of .97 to its origin, about what two wordings of one statement have. Copies lie closer together
than real texts of the same number would; figures that rest on them say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.intervals import SEED
from kb.encoder import Encoder, FloatMatrix

__all__ = ["NOISE", "PieceEncoder", "exact_nearest", "noisy_copies"]

NOISE = 0.25
PART = 50_000


def noisy_copies(real: FloatMatrix, count: int, seed: int = SEED) -> FloatMatrix:
    """``count`` unit vectors: the real ones first, then noisy copies of them, drawn evenly."""
    rng = np.random.default_rng(seed)
    size, dimension = real.shape
    out = np.empty((count, dimension), dtype=np.float32)
    out[:size] = real[:count]
    for start in range(size, count, PART):
        n = min(PART, count - start)
        noise = rng.standard_normal((n, dimension), dtype=np.float32)
        near = real[rng.integers(0, size, n)] + noise * np.float32(NOISE / dimension**0.5)
        out[start : start + n] = near / np.linalg.norm(near, axis=1, keepdims=True)
    return out


def exact_nearest(vectors: FloatMatrix, queries: FloatMatrix, k: int) -> list[frozenset[int]]:
    """The k nearest rows of each query by full comparison, in parts to bound the memory."""
    scores: FloatMatrix = np.empty((len(queries), 0), dtype=np.float32)
    rows: NDArray[np.int64] = np.empty((len(queries), 0), dtype=np.int64)
    for start in range(0, len(vectors), PART):
        part = queries @ vectors[start : start + PART].T
        near = np.argpartition(-part, min(k, part.shape[1]) - 1, axis=1)[:, :k]
        scores = np.hstack([scores, np.take_along_axis(part, near, axis=1)])
        rows = np.hstack([rows, near + start])
        kept = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores = np.take_along_axis(scores, kept, axis=1)
        rows = np.take_along_axis(rows, kept, axis=1)
    return [frozenset(found) for found in rows.tolist()]


class PieceEncoder:
    """An encoder for a growth corpus: pieces have vectors of their own, a clause a copy of its piece's.

    Encoding every clause as well would take hours and change no timing.
    """

    def __init__(self, asker: Encoder, vectors: Mapping[str, FloatMatrix]) -> None:
        self._asker = asker
        self._vectors = vectors
        self.name = asker.name
        self.dimension = asker.dimension
        self.fingerprint = asker.fingerprint
        self._parents: dict[str, str] = {}

    def adopt(self, clause_parents: Mapping[str, str]) -> None:
        """Say which piece each clause belongs to."""
        self._parents = dict(clause_parents)

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Queries, as they are served."""
        return self._asker.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of pieces; for clauses, noisy copies of their pieces' vectors."""
        known = np.stack([self._vectors[self._parents.get(text, text)] for text in texts])
        own = np.array([text in self._vectors for text in texts])
        if own.all():
            return known
        rng = np.random.default_rng(SEED)
        noise = rng.standard_normal(known.shape, dtype=np.float32)
        noise *= np.float32(NOISE / self.dimension**0.5)
        noise[own] = 0
        near = known + noise
        return np.asarray(near / np.linalg.norm(near, axis=1, keepdims=True), dtype=np.float32)
