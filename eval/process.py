"""Processes that are measured, and how busy the machine was."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from kb.errors import KBError
from kb.settings import Settings

__all__ = ["load_average", "run_python"]


def load_average() -> float | None:
    """Runnable processes over the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def run_python(arguments: Sequence[str], settings: Settings, text: str = "") -> str:
    """What a fresh process prints: ``python ARGUMENTS`` under these settings, ``text`` as its input.

    Raises:
        KBError: it failed; the message holds its last line.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        input=text,
        env=settings.as_environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise KBError(
            f"测速进程没有成功：{done.stderr.strip().splitlines()[-1:]}，请先单独运行查看原因。"
        )
    return done.stdout
