"""Two runs on the same queries: is the difference more than chance, and which queries moved.

Paired randomisation test (Fisher 1935; Smucker, Allan and Carterette 2007): under the null each
query's difference could as well have the other sign. Exact over all sign patterns where few
queries differ, else 10,000 seeded draws with p = (1 + extreme) / (1 + draws).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eval.beir import Qrels
from eval.intervals import SEED, Estimate, bootstrap_mean
from eval.measures import per_query
from eval.runs import Run
from eval.tables import Table
from kb.schema import Frozen

__all__ = ["CompareReport", "Compared", "Moved", "compare_runs", "compare_tables", "randomisation"]

DRAWS = 10_000
EXACT = 13
EPSILON = 1e-9
Floats = NDArray[np.float64]


class Moved(Frozen):
    """A query whose value changed."""

    query: str
    a: float
    b: float


class Compared(Frozen):
    """One measure on both runs; ``difference`` is B minus A."""

    measure: str
    a: float
    b: float
    difference: Estimate
    p: float
    test: Literal["exact", "sampled"]
    wins: int
    ties: int
    losses: int
    moved: tuple[Moved, ...]


class CompareReport(Frozen):
    """All measures."""

    a: str
    b: str
    queries: int
    measures: tuple[Compared, ...]


def randomisation(
    differences: Sequence[float], draws: int = DRAWS, seed: int = SEED
) -> tuple[float, Literal["exact", "sampled"]]:
    """Two-sided p-value of the paired sign-flip test, and how it was computed."""
    moved = np.array([d for d in differences if abs(d) > EPSILON], dtype=np.float64)
    if moved.size == 0:
        return 1.0, "exact"
    observed = abs(moved.sum()) - EPSILON
    if moved.size <= EXACT:
        patterns = np.arange(2**moved.size)[:, None] >> np.arange(moved.size) & 1
        sums = np.abs((1 - 2 * patterns) @ moved)
        return float((sums >= observed).mean()), "exact"
    rng = np.random.default_rng(seed)
    extreme = sum(
        abs(float((moved * rng.choice((-1.0, 1.0), moved.size)).sum())) >= observed
        for _ in range(draws)
    )
    return (1 + extreme) / (1 + draws), "sampled"


def compare_runs(
    names: tuple[str, str], runs: tuple[Run, Run], qrels: Qrels, measures: Sequence[str]
) -> CompareReport:
    """Compare run B against run A over every judged query; one missing from a run counts zero."""
    a, b = (per_query(measures, qrels, run) for run in runs)
    return CompareReport(
        a=names[0],
        b=names[1],
        queries=len(qrels),
        measures=tuple(_compare(name, a[name], b[name]) for name in measures),
    )


def _compare(measure: str, a: Mapping[str, float], b: Mapping[str, float]) -> Compared:
    differences = [b[query] - a[query] for query in a]
    p, test = randomisation(differences)
    moved = [Moved(query=q, a=a[q], b=b[q]) for q in a if abs(b[q] - a[q]) > EPSILON]
    moved.sort(key=lambda m: (-abs(m.b - m.a), m.query))
    wins = sum(m.b > m.a for m in moved)
    return Compared(
        measure=measure,
        a=float(np.mean(list(a.values()))),
        b=float(np.mean(list(b.values()))),
        difference=bootstrap_mean(differences),
        p=p,
        test=test,
        wins=wins,
        ties=len(a) - len(moved),
        losses=len(moved) - wins,
        moved=tuple(moved),
    )


def compare_tables(report: CompareReport, most: int) -> list[Table]:
    """The measures, then the queries that moved most by the first measure."""
    rows = [
        [m.measure, f"{m.a:.4f}", f"{m.b:.4f}", _signed(m.difference), f"{m.p:.4f} ({m.test})",
         f"{m.wins}/{m.ties}/{m.losses}"]
        for m in report.measures
    ]  # fmt: skip
    columns = ("measure", "A", "B", "B - A [95 %]", "p", "wins/ties/losses of B")
    title = f"A = {report.a}, B = {report.b}: {report.queries} queries"
    tables = [Table(title, columns, rows)]
    first = report.measures[0]
    moved = [[m.query, f"{m.a:.4f}", f"{m.b:.4f}", f"{m.b - m.a:+.4f}"] for m in first.moved[:most]]
    if moved:
        note = f"{len(first.moved)} queries moved; --json lists every one."
        tables.append(
            Table(f"Moved most, {first.measure}", ("query", "A", "B", "B - A"), moved, note)
        )
    return tables


def _signed(estimate: Estimate) -> str:
    assert estimate.value is not None
    return f"{estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}]"
