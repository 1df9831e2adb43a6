"""A process of its own that opens the assistant, answers once, and tells how long that took.

``python -m eval.probe START_TIME QUERY`` prints one line of JSON; ``START_TIME`` is the parent's
``time.time()`` just before the process was made, so that the interpreter's start counts too.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

__all__ = ["resident_mb"]


def resident_mb() -> float | None:
    """Resident memory of this process in MiB; None where the system does not tell it in /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    for line in status.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return None


def _probe(start: float, query: str) -> dict[str, float | None]:
    from kb.assemble import open_assistant
    from kb.settings import load_settings

    assistant = open_assistant(load_settings())
    ready = time.time() - start
    before = time.perf_counter()
    assistant.answer(query)
    first = time.perf_counter() - before
    return {"ready_s": ready, "first_answer_s": first, "resident_mb": resident_mb()}


if __name__ == "__main__":
    print(json.dumps(_probe(float(sys.argv[1]), sys.argv[2])))
