"""Run one peer in this process: ``python -m eval.peers.worker NAME TASK.json``, JSON out.

The task holds the encoder's folder, the texts, the queries, how many texts to return and the
parent's clock when it started this process. Standard output is one line of JSON, or a line with
``missing`` where the peer is not installed.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from eval.peers.adapters import ADAPTERS, Peer
from eval.probe import resident_mb

__all__ = ["work"]

WARM_UP = 5


def work(name: str, task: dict[str, Any]) -> dict[str, Any]:
    """Open, build, search; seconds for each, and what was returned."""
    try:
        peer = ADAPTERS[name](task["encoder"])
    except ImportError as error:
        return {"missing": str(error)}
    ready = time.time() - task["started"]
    start = time.perf_counter()
    peer.build(task["texts"])
    build = time.perf_counter() - start
    for query in task["queries"][:WARM_UP]:
        peer.search(query + "？", task["k"])
    results, seconds = _search(peer, task["queries"], task["k"])
    return {
        "ready_s": ready,
        "build_s": build,
        "results": results,
        "seconds": seconds,
        "resident_mb": resident_mb(),
    }


def _search(peer: Peer, queries: list[str], k: int) -> tuple[list[list[str]], list[float]]:
    results, seconds = [], []
    for query in queries:
        start = time.perf_counter()
        results.append(peer.search(query, k))
        seconds.append(time.perf_counter() - start)
    return results, seconds


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    with contextlib.redirect_stdout(sys.stderr):
        found = work(sys.argv[1], given)
    sys.stdout.buffer.write(json.dumps(found, ensure_ascii=False).encode() + b"\n")
