"""Resident memory; the standard library alone, so that a peer's interpreter can tell its own."""

from __future__ import annotations

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
