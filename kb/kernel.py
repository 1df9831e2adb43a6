"""What the models over the banks share: kernel ridge regression, and folders of arrays.

The regression is that of Saunders, Gammerman and Vovk (1998).
Questions are labelled in columns: the first says whether the documents answer (+1, else -1), each
other column is one passage, 1 for the questions that it answers, else 0. All columns share one
kernel, so they cost one factorisation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.errors import IndexFolderError

__all__ = ["RIDGE", "WIDTH", "Labels", "gaussian", "label", "read_arrays", "solve", "write_arrays"]

WIDTH = 0.1
RIDGE = 0.1

Floats = NDArray[np.float32]


class Labels(NamedTuple):
    """Columns of labels less their means, shape ``(n, c)``; the means; what columns 1 and on are."""

    columns: Floats
    offsets: Floats
    rows: NDArray[np.int64]


def label(answered_by: Sequence[Collection[int] | None], passages: bool = True) -> Labels:
    """Label questions by the index rows of the passages that answer them, None where none does.

    Args:
        answered_by: one entry a question; an answerable one may name no passage.
        passages: whether passages get columns.
    """
    found = [rows or () for rows in answered_by]
    rows = sorted({row for some in found for row in some}) if passages else []
    column = {row: number for number, row in enumerate(rows, start=1)}
    columns = np.zeros((len(answered_by), 1 + len(rows)), dtype=np.float32)
    for question, some in enumerate(answered_by):
        columns[question, 0] = -1 if some is None else 1
        columns[question, [column[row] for row in some or () if row in column]] = 1
    offsets = columns.mean(axis=0)
    return Labels(columns - offsets, offsets, np.array(rows, dtype=np.int64))


def gaussian(cosines: Floats, out: Floats | None = None) -> Floats:
    """The kernel of unit vectors by their cosines: exp((cos - 1) / WIDTH); into ``out`` where given."""
    kernel = np.subtract(cosines, np.float32(1.0), out=out)
    kernel /= np.float32(WIDTH)
    return np.asarray(np.exp(kernel, out=kernel))


def solve(kernel: Floats, labels: Floats) -> Floats:
    """Solve (K + RIDGE I) w = labels by Cholesky, in place; ``kernel`` is lost."""
    from scipy.linalg import cho_factor, cho_solve

    kernel[np.diag_indices_from(kernel)] += RIDGE
    factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(cho_solve(factor, labels, check_finite=False), dtype=np.float32)


def write_arrays(arrays: Mapping[str, Any], folder: Path) -> None:
    """Write a model as one ``.npy`` file an array, without pickles."""
    folder.mkdir()
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def read_arrays(names: Sequence[str], folder: Path) -> dict[str, Any]:
    """Map the arrays of a model from disk.

    Raises:
        IndexFolderError: a file is not in the expected form.
    """
    try:
        return {
            name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
            for name in names
        }
    except (OSError, ValueError, EOFError) as error:
        raise IndexFolderError(
            f"索引文件夹“{folder.name}”无法读取，请重建索引（python -m kb build）。"
        ) from error
