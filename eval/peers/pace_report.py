"""Ours beside the best of the peers, round by round, and the tables of a race for speed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from operator import attrgetter

from eval.peers.pace import CLIENTS, Paced, System
from eval.tables import Table, share
from kb.schema import Frozen

__all__ = ["Ratio", "pace_tables", "ratios"]


class Ratio(Frozen):
    """Ours over the best of the peers, round by round."""

    name: str
    median: float
    least: float
    most: float


def ratios(ours: System, peers: Sequence[System]) -> tuple[Ratio, ...]:
    """Ours over the best peer of the same round; nothing without a peer that ran."""
    others = [peer for peer in peers if peer.rounds]
    if not others or not ours.rounds:
        return ()
    found = [_ratio("p99 of answer() / its own p50", [r.p99_ms / r.p50_ms for r in ours.rounds])]
    for name, own, other, best in _figures():
        per_round = []
        for number, mine in enumerate(ours.rounds):
            value = own(mine)
            theirs = [v for p in others if (v := other(p.rounds[number])) is not None]
            if value is not None and theirs:
                per_round.append(value / best(theirs))
        if per_round:
            found.append(_ratio(name, per_round))
    return tuple(found)


def _ratio(name: str, per_round: Sequence[float]) -> Ratio:
    middle = statistics.median(per_round)
    return Ratio(name=name, median=middle, least=min(per_round), most=max(per_round))


Figure = Callable[[Paced], float | None]


def _figures() -> list[tuple[str, Figure, Figure, Callable[[Sequence[float]], float]]]:
    """Name, our figure, the peer's, and which peer's is the best."""
    return [
        ("p50 of answer() / lowest p50 of a peer's search", *_both("p50_ms"), min),
        ("p95 / lowest p95", *_both("p95_ms"), min),
        ("p99 / lowest p99", *_both("p99_ms"), min),
        ("start to ready / quickest peer's", *_both("ready_s"), min),
        ("start to first answer / quickest peer's", *_both("first_s"), min),
        ("memory / lightest peer's", *_both("resident_mb"), min),
        *[
            (f"answers a second, {c} clients / fastest peer's with one", _rate(c), _rate(1), max)
            for c in (1, *CLIENTS)
        ],
    ]


def _both(name: str) -> tuple[Figure, Figure]:
    return (attrgetter(name), attrgetter(name))


def _rate(clients: int) -> Figure:
    return lambda paced: paced.throughput.get(str(clients))


def _failures(system: System) -> str:
    """How many searches failed, and how often the whole process did."""
    failed = sum(r.failed for r in system.rounds)
    crashed = sum(r.crash is not None for r in system.rounds)
    return f"{failed}, {crashed} crashed" if crashed else str(failed)


def pace_tables(systems: Sequence[System], compared: Sequence[Ratio], command: str) -> list[Table]:
    """Systems down and figures across; then the ratios."""
    rows = []
    for s in systems:
        if s.skipped is not None:
            rows.append([s.name, s.versions, f"skipped: {s.skipped}", *["–"] * 11])
            continue
        rows.append(
            [s.name, s.versions, share(s.median(lambda p: p.ready_s), 2),
             share(s.median(lambda p: p.first_s), 2), share(s.median(lambda p: p.p50_ms), 1),
             share(s.median(lambda p: p.p95_ms), 1), share(s.median(lambda p: p.p99_ms), 1),
             *[share(s.rate(c), 1) for c in (1, *CLIENTS)],
             _failures(s), share(s.median(lambda p: p.resident_mb), 0),
             share(s.build_ms, 1), share(s.median(lambda p: p.load), 1)]
        )  # fmt: skip
    number = max((len(s.rounds) for s in systems), default=0)
    note = (
        f"Medians of {number} rounds, in each of which every system was started anew with its "
        "index and asked the same queries, none twice. Ours gives whole answers, refusals "
        "included; the peers search, their "
        "threads sharing one instance as ours do. `build ms` is a passage's share of vectors and index with "
        "the encoder loaded; ours without the question bank, which no peer has."
    )
    columns = ("system", "versions", "ready s", "first answer s", "p50 ms", "p95 ms", "p99 ms",
               *(f"{c} client{'s' if c > 1 else ''} /s" for c in (1, *CLIENTS)),
               "failed", "memory MiB", "build ms", "load")  # fmt: skip
    tables = [Table("Speed beside the peers", columns, rows, note, command)]
    if compared:
        lines = [[r.name, share(r.median), f"{r.least:.3f} to {r.most:.3f}"] for r in compared]
        tables.append(
            Table(
                "Ratios, round by round",
                ("ours / the best of the peers", "median", "rounds"),
                lines,
                "The best of the peers is sought anew for each figure and each round.",
                command,
            )
        )
    return tables
