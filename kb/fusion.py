"""Rankings and scores -> one ranking, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["adaptive_weights", "reciprocal_rank", "standardise", "top_rows", "weighted_sum"]

Scores = NDArray[np.float32]


def standardise(scores: Scores) -> Scores:
    """z-scores over the rows; scores that are all equal become zeros."""
    spread = float(scores.std()) if scores.size else 0.0
    if spread < 1e-9:
        return np.zeros_like(scores)
    return np.asarray((scores - scores.mean()) / spread, dtype=np.float32)


def weighted_sum(views: Mapping[str, Scores], weights: Mapping[str, float]) -> Scores:
    """Sum of standardised scores, each times its weight; views without a weight are left out."""
    parts = [weights[name] * standardise(view) for name, view in views.items() if weights.get(name)]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float32)


def reciprocal_rank(rankings: Sequence[Sequence[int]], k: int = 60) -> dict[int, float]:
    """Reciprocal rank fusion, sum of 1 / (k + rank) (Cormack, Clarke and Buettcher, 2009)."""
    fused: dict[int, float] = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            fused[row] = fused.get(row, 0.0) + 1.0 / (k + rank)
    return fused


def top_rows(scores: Scores, k: int) -> list[int]:
    """The k best rows, best first; equal scores are ordered by row."""
    k = min(max(k, 0), scores.size)
    if k == 0:
        return []
    if k < scores.size:
        floor = np.partition(scores, -k)[-k]
        candidates = np.flatnonzero(scores >= floor)
    else:
        candidates = np.arange(scores.size)
    order = np.lexsort((candidates, -scores[candidates]))
    return [int(row) for row in candidates[order][:k]]


def adaptive_weights(views: Mapping[str, Scores]) -> dict[str, float]:
    """Weights for a corpus without a question bank."""
    return {"passage": 1.0, "sentence": 1.0, "lexical": 1.0}
