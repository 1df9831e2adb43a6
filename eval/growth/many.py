"""Dense search alone over many vectors: real ones and noisy copies, against full comparison."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from eval.growth.vectors import exact_nearest, noisy_copies
from eval.process import load_average
from eval.resident import resident_mb
from kb.dense import Dense
from kb.encoder import FloatMatrix
from kb.schema import Frozen
from kb.settings import cores

__all__ = ["ManyReport", "measure_many"]

K = 10
Progress = Callable[[str], None]


class ManyReport(Frozen):
    """One index over ``vectors`` rows; ``resident_mb`` is what loading and searching it added."""

    vectors: int
    real: int
    index: str
    build_s: float
    bytes_per_vector: float
    resident_mb: float | None
    queries: int
    p50_ms: float
    p99_ms: float
    recall: float
    cores: int
    load: float | None


def measure_many(
    real: FloatMatrix, queries: FloatMatrix, count: int, folder: Path, progress: Progress
) -> ManyReport:
    """Build, save, load and search; an index that ``folder`` already holds is taken from there."""
    progress(f"{count}个向量……")
    vectors = noisy_copies(real, count)
    path, clock = folder / f"vectors-{count}.faiss", folder / f"vectors-{count}.seconds"
    if not path.exists():
        start = time.perf_counter()
        Dense.build(vectors).save(path)
        clock.write_text(repr(time.perf_counter() - start), encoding="ascii")
    progress("逐一比较……")
    wanted = exact_nearest(vectors, queries, K)
    del vectors
    before = resident_mb()
    dense = Dense.load(path)
    progress("检索……")
    seconds, shares = [], []
    for query in queries:  # a mapped index is read from disk where a query first goes
        dense.search(query[None, :], K)
    for query, best in zip(queries, wanted, strict=True):
        start = time.perf_counter()
        _, rows = dense.search(query[None, :], K)
        seconds.append(time.perf_counter() - start)
        shares.append(len(best & set(rows[0].tolist())) / len(best))
    after = resident_mb()
    p50, p99 = np.quantile(seconds, (0.5, 0.99)) * 1000
    return ManyReport(
        vectors=count,
        real=min(len(real), count),
        index=dense.kind,
        build_s=float(clock.read_text(encoding="ascii")),
        bytes_per_vector=path.stat().st_size / count,
        resident_mb=None if before is None or after is None else after - before,
        queries=len(queries),
        p50_ms=float(p50),
        p99_ms=float(p99),
        recall=float(np.mean(shares)),
        cores=cores(),
        load=load_average(),
    )
