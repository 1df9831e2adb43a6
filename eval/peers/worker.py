"""Run one system in this process: ``python -m eval.peers.worker NAME TASK.json``, JSON out.

``do`` names what: ``return`` opens, builds and gives what each query finds; ``build`` opens,
builds and saves; ``serve`` loads what was saved and answers, one client first, then many.
Standard output is a line of JSON after each stage, each with what is known by then, so that a
system that crashes under many clients loses nothing found before; ``missing`` says why a system
could not be made.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from eval.peers.adapters import ADAPTERS, Peer
from eval.resident import resident_mb

__all__ = ["work"]

Task = Mapping[str, Any]
WARM_UP = 5


def work(name: str, task: Task) -> Iterator[dict[str, Any]]:
    """Do the task; what is known after each stage, durations in seconds."""
    try:
        peer = ADAPTERS[name](task["encoder"])
    except ImportError as error:
        yield {"missing": str(error)}
        return
    yield from DO[task["do"]](peer, task)


def _return(peer: Peer, task: Task) -> Iterator[dict[str, Any]]:
    """``results`` and ``seconds``, one a query."""
    peer.open()
    peer.build(task["texts"])
    for query in task["queries"][:WARM_UP]:
        peer.search(query + "？", task["k"])
    results, seconds = [], []
    for query in task["queries"]:
        start = time.perf_counter()
        results.append(peer.search(query, task["k"]))
        seconds.append(time.perf_counter() - start)
    yield {"results": results, "seconds": seconds}


def _build(peer: Peer, task: Task) -> Iterator[dict[str, Any]]:
    """``build_s`` without opening and saving."""
    peer.open()
    start = time.perf_counter()
    peer.build(task["texts"])
    build = time.perf_counter() - start
    peer.save(Path(task["folder"]))
    yield {"build_s": build}


def _serve(peer: Peer, task: Task) -> Iterator[dict[str, Any]]:
    """From the parent's clock at the start of this process; no query is searched twice.

    ``ready_s`` and ``first_s`` (the first answer given) since then; ``seconds`` of one client's
    searches and the ``resident_mb`` after them; ``throughput`` in answers per second by number of
    clients, ``failed`` searches of all those clients.
    """
    peer.load(Path(task["folder"]))
    ready = time.time() - task["started"]
    search = _timing(peer, task["k"])
    search(task["warm_up"][0])
    first = time.time() - task["started"]
    for query in task["warm_up"][1:]:
        search(query)
    seconds = [search(query) for query in task["queries"]]
    found: dict[str, Any] = {
        "ready_s": ready,
        "first_s": first,
        "seconds": seconds,
        "resident_mb": resident_mb(),
        "throughput": {},
        "failed": 0,
    }
    yield found
    for clients, queries in task["clients"].items():
        rate, failed = _throughput(search, queries, int(clients))
        found["throughput"][clients] = rate
        found["failed"] += failed
        yield found


def _timing(peer: Peer, k: int) -> Callable[[str], float]:
    def search(query: str) -> float:
        start = time.perf_counter()
        peer.search(query, k)
        return time.perf_counter() - start

    return search


def _throughput(
    search: Callable[[str], float], queries: Sequence[str], clients: int
) -> tuple[float, int]:
    """Answers per second with so many threads asking, and how many searches raised an error."""

    def answered(query: str) -> bool:
        try:
            search(query)
        except Exception:  # noqa: BLE001 - whatever a system raises under load is counted
            return False
        return True

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        done = sum(pool.map(answered, queries))
    return done / (time.perf_counter() - start), len(queries) - done


DO: Mapping[str, Callable[[Peer, Task], Iterator[dict[str, Any]]]] = {
    "return": _return,
    "build": _build,
    "serve": _serve,
}


def _main(name: str, path: Path) -> None:
    task = json.loads(path.read_text(encoding="utf-8"))
    out = sys.stdout.buffer
    with contextlib.redirect_stdout(sys.stderr):
        for found in work(name, task):
            out.write(json.dumps(found, ensure_ascii=False).encode() + b"\n")
            out.flush()


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
