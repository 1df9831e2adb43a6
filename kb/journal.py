"""What people leave behind, on this machine only: feedback, short addresses, workshop statistics.

One SQLite file in the data folder, opened for each use. Statistics are off until a trainer turns
them on, and hold questions and passages, never who asked or when.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from kb.errors import InputError
from kb.schema import Answer

__all__ = ["Counted", "Feedback", "Journal", "Statistics", "Verdict", "to_csv"]

Verdict = Literal["helpful", "wrong", "refuse", "missed"]
MAX_COMMENT = 500
CODE_LENGTH = 6


class Feedback(NamedTuple):
    """What a reader thought of an answer; the fields are the columns of its table."""

    day: str
    verdict: str
    comment: str
    query: str
    standalone_query: str
    status: str
    reason: str | None
    confidence: float
    passages: str
    manifest: str


SCHEMA = f"""
CREATE TABLE IF NOT EXISTS feedback (id INTEGER PRIMARY KEY, {", ".join(Feedback._fields)});
CREATE TABLE IF NOT EXISTS links (code TEXT PRIMARY KEY, query TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS asked (id INTEGER PRIMARY KEY, query, status, passages);
CREATE TABLE IF NOT EXISTS flags (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class Counted(NamedTuple):
    """A name with how often it came."""

    name: str
    times: int


class Statistics(NamedTuple):
    """What a workshop asked for: how many questions, by passage, and those without an answer."""

    total: int
    answered: int
    passages: tuple[Counted, ...]
    unanswered: tuple[Counted, ...]


class Journal:
    """The journal of one data folder; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite3"

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=10)) as connection, connection:
                connection.executescript(SCHEMA)
                yield connection
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"本机记录“{self.path}”无法读写，请检查文件夹权限。") from error

    def add_feedback(self, answer: Answer, verdict: str, comment: str = "") -> None:
        """Store what a reader thought of an answer.

        Raises:
            InputError: the verdict is unknown, or the journal cannot be written.
        """
        if verdict not in get_args(Verdict):
            raise InputError(
                f"反馈“{verdict[:20]}”无效，应为 {'、'.join(get_args(Verdict))} 之一。"
            )
        row = Feedback(
            date.today().isoformat(), verdict, comment[:MAX_COMMENT], answer.query,
            answer.standalone_query, answer.status, answer.reason, answer.confidence,
            _passages(answer), answer.manifest,
        )  # fmt: skip
        marks = ", ".join("?" * len(row))
        with self._open() as connection:
            connection.execute(
                f"INSERT INTO feedback ({', '.join(Feedback._fields)}) VALUES ({marks})", row
            )

    def feedback(self) -> list[Feedback]:
        """All feedback, oldest first."""
        with self._open() as connection:
            rows = connection.execute(
                f"SELECT {', '.join(Feedback._fields)} FROM feedback ORDER BY id"
            ).fetchall()
        return [Feedback(*row) for row in rows]

    def shorten(self, query: str) -> str:
        """A short code for a question; the same question keeps its code."""
        digest = hashlib.sha256(query.encode()).hexdigest()
        with self._open() as connection:
            for length in range(CODE_LENGTH, len(digest)):
                code = digest[:length]
                connection.execute("INSERT OR IGNORE INTO links VALUES (?, ?)", (code, query))
                found = connection.execute("SELECT query FROM links WHERE code = ?", (code,))
                if found.fetchone()[0] == query:
                    return code
        raise InputError("短网址用完了，请删除本机记录后重试。")

    def expand(self, code: str) -> str | None:
        """The question of a short code, or None."""
        with self._open() as connection:
            row = connection.execute("SELECT query FROM links WHERE code = ?", (code,)).fetchone()
        return None if row is None else str(row[0])

    @property
    def recording(self) -> bool:
        """Whether workshop statistics are on."""
        if not self.path.exists():
            return False
        with self._open() as connection:
            row = connection.execute("SELECT value FROM flags WHERE name = 'recording'").fetchone()
        return bool(row and row[0])

    def record(self, on: bool) -> None:
        """Turn workshop statistics on (from zero) or off (what was counted stays)."""
        with self._open() as connection:
            if on and not self._flag(connection):
                connection.execute("DELETE FROM asked")
            connection.execute("INSERT OR REPLACE INTO flags VALUES ('recording', ?)", (int(on),))

    @staticmethod
    def _flag(connection: sqlite3.Connection) -> bool:
        row = connection.execute("SELECT value FROM flags WHERE name = 'recording'").fetchone()
        return bool(row and row[0])

    def count(self, answer: Answer) -> None:
        """Count one answer, if statistics are on."""
        if not self.recording:
            return
        with self._open() as connection:
            connection.execute(
                "INSERT INTO asked (query, status, passages) VALUES (?, ?, ?)",
                (answer.query, answer.status, _passages(answer)),
            )

    def statistics(self) -> Statistics:
        """What was counted since statistics were last turned on."""
        with self._open() as connection:
            rows = connection.execute("SELECT query, status, passages FROM asked").fetchall()
        answered = [json.loads(p) for _, status, p in rows if status == "answered"]
        missed = [query for query, status, _ in rows if status != "answered"]
        return Statistics(
            len(rows), len(answered), _count([p for ps in answered for p in ps]), _count(missed)
        )

    def forget(self) -> None:
        """Delete the workshop statistics."""
        with self._open() as connection:
            connection.execute("DELETE FROM asked")


def _passages(answer: Answer) -> str:
    return json.dumps([c.passage_id for c in answer.citations if c.role == "direct"])


def _count(names: Sequence[str]) -> tuple[Counted, ...]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return tuple(Counted(n, c) for n, c in sorted(counts.items(), key=lambda p: (-p[1], p[0])))


def to_csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows as CSV; a cell that a spreadsheet would run as a formula gets a leading apostrophe."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_inert(cell) for cell in row])
    return out.getvalue()


def _inert(cell: object) -> object:
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + cell
    return cell
