"""Files of questions: a text file is one question a line, a CSV file is a table with a column of them."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

from kb.errors import InputError

__all__ = ["MAX_FILE", "Lines", "read_lines"]

MAX_FILE = 1_000_000
DELIMITERS = ",\t;"
HEADERS = ("问题", "题目", "提问", "question", "query")
WEAK_HEADERS = ("内容",)  # 问题编号,内容: only where no header says more
NUMBERINGS = re.compile(r"序号|编号|题号|(?:^|[^a-z])(?:no|id)(?:\.|$)|^#$")
NUMBERED = re.compile(r"^(?:第|q|no\.?)?\s*[（(]?\d+[）)]?\s*[.．、题号]?$", re.IGNORECASE)
ASKS = re.compile(r"[？?吗呢谁哪怎几]|什么|如何|为何|多少|是否")
LONGEST_HEADER = 12
CONTROLS = "\t\n\r\v\f"


class Lines(NamedTuple):
    """The questions of a file as they stand, and the header of the column that they came from."""

    texts: tuple[str, ...]
    column: str = ""


def read_lines(content: bytes, name: str) -> Lines:
    """The questions of a file, empty ones too.

    Raises:
        InputError: the file is too large, of another kind, or is not text.
    """
    kind = PurePath(name).suffix.lower()
    if kind not in (".csv", ".txt"):
        raise InputError(f"“{name[:60]}”不是 CSV 或 TXT 文件，请另存为其中一种后重试。")
    if len(content) > MAX_FILE:
        raise InputError(f"文件太大（超过{MAX_FILE // 1000}千字节），请分成几份。")
    text = _decode(content)
    return _column(text) if kind == ".csv" else Lines(tuple(text.splitlines()))


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any(unicodedata.category(c) == "Cc" and c not in CONTROLS for c in text):
            return text
    raise InputError("文件不是文字（CSV 或 TXT，UTF-8 或 GBK 编码），请另存后重试。")


def _column(text: str) -> Lines:
    """The column of questions: by its header, else the longest texts; never one of numbers."""
    rows = _rows(text)
    filled = [row for row in rows if any(row)]
    if not filled:
        return Lines(tuple("" for _ in rows))
    head, numbers = filled[0], _numbers(filled)
    named = _named(head, numbers, filled)
    body = rows[rows.index(head) + 1 :] if named is not None or _heads(head, numbers) else rows
    if named is None:
        if len({len(row) for row in filled}) > 1 and not numbers:  # commas of sentences, no table
            return Lines(tuple(",".join(row).rstrip(",") for row in rows))
        named = _longest(range(len(head)), numbers, filled)
        head = ["" for _ in head] if body is rows else head
    last = named == len(head) - 1  # cells past the header are commas of the question itself
    cells = (row[named:] if last else row[named : named + 1] for row in body)
    return Lines(tuple(",".join(cell).rstrip(",") for cell in cells), head[named])


def _rows(text: str) -> list[list[str]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise InputError("CSV 文件的格式不对（可能是引号没有成对），请检查后重试。") from error
    return [[" ".join(cell.split()) for cell in row] for row in rows]


def _numbers(rows: Sequence[Sequence[str]]) -> set[int]:
    """The columns that only number the rows."""
    found = set()
    for n, title in enumerate(rows[0]):
        below = [row[n] for row in rows[1:] if n < len(row) and row[n]]
        numbered = bool(below) and all(NUMBERED.match(cell) for cell in below)
        if numbered or NUMBERINGS.search(title.lower()):
            found.add(n)
    return found


def _named(head: Sequence[str], numbers: set[int], rows: Sequence[Sequence[str]]) -> int | None:
    """The column whose header says that it holds questions."""
    titles = [cell.lower() for cell in head]
    exact = [n for n, title in enumerate(titles) if title in HEADERS and n not in numbers]
    if exact:
        return exact[0]
    for wanted in (HEADERS, WEAK_HEADERS):
        said = [
            n
            for n, title in enumerate(titles)
            if n not in numbers and _is_title(title) and any(word in title for word in wanted)
        ]
        if said:
            return _longest(said, numbers, rows)
    return None


def _is_title(cell: str) -> bool:
    """A short cell that asks nothing: a question in the first row is no header."""
    return len(cell) <= LONGEST_HEADER and not ASKS.search(cell)


def _heads(head: Sequence[str], numbers: set[int]) -> bool:
    """Whether the first row stands over a column of numbers, as ``序号`` does."""
    return any(n < len(head) and head[n] and not NUMBERED.match(head[n]) for n in numbers)


def _longest(columns: Sequence[int], numbers: set[int], rows: Sequence[Sequence[str]]) -> int:
    """The column with the longest texts on average.

    Raises:
        InputError: there is no column but of numbers.
    """
    kept = [n for n in columns if n not in numbers]
    if not kept:
        raise InputError("文件里没有问题，请检查内容。")
    return max(kept, key=lambda n: sum(len(row[n]) for row in rows[1:] or rows if n < len(row)))
