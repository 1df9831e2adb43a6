"""What every command of ``python -m eval`` shares at the terminal."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated

import typer

__all__ = ["JsonOption", "say", "typed"]

JsonOption = Annotated[bool, typer.Option("--json", help="输出JSON")]


def say(message: str) -> None:
    """Progress and errors for people, on standard error."""
    print(message, file=sys.stderr, flush=True)


def typed() -> str:
    """The command as it was typed, for the provenance of its figures."""
    return shlex.join(["python", "-m", "eval", *sys.argv[1:]])
