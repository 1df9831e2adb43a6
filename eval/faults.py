"""Collect every fault of an input, then refuse it once: one Chinese sentence a fault, exit 2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kb.errors import InputError

__all__ = ["read_lines", "refuse"]

MOST = 50


def refuse(faults: Sequence[str]) -> None:
    """Do nothing without faults; else raise them all, one a line.

    Raises:
        InputError: the faults, the first ``MOST`` in full and the rest as a count.
    """
    if not faults:
        return
    shown = list(faults[:MOST])
    if len(faults) > MOST:
        shown.append(f"另有{len(faults) - MOST}处问题未列出，请先改正以上各处。")
    raise InputError("\n".join(shown), "dataset_invalid")


def read_lines(path: Path, faults: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, numbered from 1; an unreadable file is one fault."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        faults.append(f"找不到文件“{path}”，请检查路径。")
        return
    except (OSError, UnicodeDecodeError) as error:
        reason = "不是UTF-8编码" if isinstance(error, UnicodeDecodeError) else error.strerror
        faults.append(f"读不了文件“{path}”（{reason}），请检查该文件。")
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line
