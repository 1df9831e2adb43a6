"""How fast and how large every system is, in one run: rounds of all of them, in turn.

Each system builds its index once, in a process of its own. Then, in every round, each loads that
index in a new process and answers the same queries: one client first, then many at once. A round's
systems run one after another within a minute or two, so that a round's ratios are of one state of
the machine; figures and ratios are medians over rounds.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eval.peers.launch import Launcher
from eval.process import load_average
from kb.schema import Frozen

__all__ = [
    "CLIENTS",
    "FASTEST",
    "OURS",
    "Load",
    "Paced",
    "System",
    "pace",
    "share_out",
]

OURS = "zhinan-kb-answering"
FASTEST = ("txtai", "haystack", "langchain-faiss")
"""Raced when none is named: the others do more for each query."""

K = 10
WARM_UP = 20
ALONE = 200
TOGETHER = 300
CLIENTS = (8, 50)
Progress = Callable[[str], None]


class Load(NamedTuple):
    """Different queries: ``warm_up``, those of one client, those of each number of clients."""

    warm_up: Sequence[str]
    alone: Sequence[str]
    together: Mapping[int, Sequence[str]]


class Paced(Frozen):
    """One round of one system: seconds (``_s``), milliseconds (``_ms``), MiB, answers a second.

    ``first_s`` counts from the process's start to its first answer given; ``throughput`` is by
    number of clients, ``"1"`` being the sequential rate; ``failed`` searches raised an error.
    ``crash`` says how the process ended where it did not finish; a number of clients it did not
    get through is missing.
    """

    ready_s: float
    first_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    throughput: dict[str, float]
    failed: int
    crash: str | None
    resident_mb: float | None
    load: float | None


class System(Frozen):
    """A system's rounds; ``skipped`` says why where there are none."""

    name: str
    versions: str
    skipped: str | None
    build_ms: float | None = None
    """Milliseconds a passage: vectors and index, the encoder already loaded."""
    rounds: tuple[Paced, ...] = ()

    def median(self, figure: Callable[[Paced], float | None]) -> float | None:
        """A figure's median over the rounds that have it; None where none has."""
        found = [value for r in self.rounds if (value := figure(r)) is not None]
        return statistics.median(found) if found else None

    def middle(self, figure: Callable[[Paced], float]) -> float:
        """A figure's median over the rounds, of which there must be one."""
        return statistics.median(map(figure, self.rounds))

    def rate(self, clients: int) -> float | None:
        """Median answers per second with so many clients."""
        return self.median(lambda r: r.throughput.get(str(clients)))


def share_out(queries: Sequence[str]) -> Load:
    """Different queries in equal shares; fewer than the usual numbers where there are few.

    Args:
        queries: repeated ones count once; their order is kept.
    """
    texts = list(dict.fromkeys(queries))
    warm_up, rest = texts[:WARM_UP], texts[WARM_UP:]
    part = len(rest) // (1 + len(CLIENTS))
    alone = min(ALONE, part)
    each = min(TOGETHER, (len(rest) - alone) // len(CLIENTS))
    together = {
        clients: rest[alone + n * each : alone + (n + 1) * each]
        for n, clients in enumerate(CLIENTS)
    }
    return Load(warm_up, rest[:alone], together)


def pace(
    launcher: Launcher,
    names: Sequence[str],
    texts: Sequence[str],
    load: Load,
    rounds: int,
    progress: Progress,
) -> tuple[System, ...]:
    """Build every system once, then let all of them answer in each of ``rounds`` rounds.

    Args:
        launcher: starts each system.
        names: of ``OURS`` and ``PEERS``.
        texts: the passages to build from.
        load: what is asked.
        rounds: at least one; each begins with another system.
        progress: told what is running.
    """
    with tempfile.TemporaryDirectory() as folder:
        indexes = {name: str(Path(folder) / name) for name in names}
        built: dict[str, dict[str, Any]] = {}
        for name in names:
            progress(f"{name}：建索引……")
            built[name] = launcher.run(
                name, {"do": "build", "texts": texts, "folder": indexes[name]}
            )
        able = [name for name in names if "missing" not in built[name]]
        paced: dict[str, list[Paced]] = {name: [] for name in able}
        for number in range(rounds):
            progress(f"第{number + 1}轮，共{rounds}轮……")
            turn = number % len(able) if able else 0
            for name in able[turn:] + able[:turn]:
                found = launcher.run(name, _serving(indexes[name], load))
                if "missing" in found:
                    built[name] = found
                else:
                    paced[name].append(_paced(found))
    return tuple(
        _system(name, launcher.versions(name), built[name], len(texts), paced.get(name, ()))
        for name in names
    )


def _serving(folder: str, load: Load) -> dict[str, Any]:
    return {
        "do": "serve",
        "folder": folder,
        "k": K,
        "warm_up": load.warm_up,
        "queries": load.alone,
        "clients": {str(clients): queries for clients, queries in load.together.items()},
    }


def _paced(found: Mapping[str, Any]) -> Paced:
    seconds = found["seconds"]
    p50, p95, p99 = np.quantile(seconds, (0.5, 0.95, 0.99)) * 1000
    return Paced(
        ready_s=found["ready_s"],
        first_s=found["first_s"],
        p50_ms=float(p50),
        p95_ms=float(p95),
        p99_ms=float(p99),
        throughput={"1": len(seconds) / sum(seconds), **found["throughput"]},
        failed=found["failed"],
        crash=found.get("crash"),
        resident_mb=found["resident_mb"],
        load=load_average(),
    )


def _system(
    name: str, versions: str, built: Mapping[str, Any], texts: int, rounds: Sequence[Paced]
) -> System:
    if "missing" in built:
        return System(name=name, versions=versions, skipped=str(built["missing"])[:200])
    build = built["build_s"] / texts * 1000
    return System(name=name, versions=versions, skipped=None, build_ms=build, rounds=tuple(rounds))
