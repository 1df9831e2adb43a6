"""Passages of a JSONL file read when they are asked for: the text stays on disk.

The file is mapped into memory, the start of every line is kept as a number, and a bounded number of
parsed rows is remembered, so that a hundred thousand passages do not become a hundred thousand
objects. It compares with nothing and is as immutable as the tuple that it stands for.
"""

from __future__ import annotations

import mmap
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from pydantic import ValidationError

from kb.errors import IndexFolderError
from kb.schema import Passage

__all__ = ["KEEP", "PassageFile"]

KEEP = 4096


class PassageFile(Sequence[Passage]):
    """The passages of a JSONL file as a sequence; row i is line i."""

    def __init__(self, path: Path, keep: int = KEEP) -> None:
        """Open a file.

        Args:
            path: one passage a line, each line ended by a line feed.
            keep: how many rows are remembered at most.
        """
        self._name, self._keep = path.name, keep
        with path.open("rb") as file:
            empty = path.stat().st_size == 0  # an empty file cannot be mapped
            self._bytes = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._starts = _line_starts(self._bytes)
        self._kept: OrderedDict[int, Passage] = OrderedDict()
        self._lock = threading.Lock()
        self._numbers: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, row: int) -> Passage: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Passage]: ...
    def __getitem__(self, row: int | slice) -> Passage | Sequence[Passage]:
        if isinstance(row, slice):
            return tuple(self[n] for n in range(*row.indices(len(self))))
        number = row + len(self) if row < 0 else row
        if not 0 <= number < len(self):
            raise IndexError(row)
        with self._lock:
            found = self._kept.get(number)
            if found is not None:
                self._kept.move_to_end(number)
                return found
        read = self._read(number)
        with self._lock:
            self._kept[number] = read
            if len(self._kept) > self._keep:
                self._kept.popitem(last=False)
        return read

    def numbers(self) -> dict[str, int]:
        """Id -> row, made once; of every line the ``id`` alone is kept."""
        if self._numbers is None:
            self._numbers = {row.id: number for number, row in enumerate(self)}
        return self._numbers

    def __iter__(self) -> Iterator[Passage]:
        """Every row in order; none is remembered, so that a walk does not push others out."""
        return (self._read(number) for number in range(len(self)))

    def _read(self, number: int) -> Passage:
        line = self._bytes[int(self._starts[number]) : int(self._starts[number + 1])]
        try:
            return Passage.model_validate_json(line)
        except ValidationError as error:
            raise IndexFolderError(
                f"索引文件“{self._name}”第{number + 1}行无法读取，请重建索引（python -m kb build）。"
            ) from error


def _line_starts(data: bytes | mmap.mmap) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where each line starts, and where the last one ends."""
    ends = [0]
    at = data.find(b"\n")
    while at >= 0:
        ends.append(at + 1)
        at = data.find(b"\n", at + 1)
    if ends[-1] < len(data):
        ends.append(len(data))
    return np.array(ends, dtype=np.int64)
