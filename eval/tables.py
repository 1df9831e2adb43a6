"""Tables and JSON for people and programs: one model, printed as text or Markdown."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from kb.schema import Frozen

__all__ = ["Table", "share", "to_json", "to_markdown", "to_text"]


class Table(NamedTuple):
    """A titled table of ready-made cells; ``command`` is what makes it, ``note`` one line below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    command: str = ""


def share(value: float | None, digits: int = 3) -> str:
    """A figure without its interval; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def to_json(report: Frozen) -> str:
    """A report as indented JSON."""
    return json.dumps(report.model_dump(mode="json"), ensure_ascii=False, indent=2)


def to_markdown(table: Table) -> str:
    """A Markdown section with the command above the table."""
    lines = [f"### {table.title}", ""]
    if table.command:
        lines += [f"`{table.command}`", ""]
    lines.append("| " + " | ".join(table.columns) + " |")
    lines.append("|" + "---|" * len(table.columns))
    lines += ["| " + " | ".join(_cell(c) for c in row) + " |" for row in table.rows]
    if table.note:
        lines += ["", table.note]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def to_text(table: Table) -> str:
    """A table in columns for a terminal; Chinese characters count two columns."""
    rows = [list(table.columns), *[list(row) for row in table.rows]]
    widths = [max(width(row[i]) for row in rows) for i in range(len(table.columns))]
    lines = [table.title]
    for row in rows:
        cells = (text + " " * (w - width(text)) for text, w in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
    if table.note:
        lines.append(table.note)
    return "\n".join(lines) + "\n"


def width(text: str) -> int:
    """Columns a text takes in a terminal: ``首条`` takes 4."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
