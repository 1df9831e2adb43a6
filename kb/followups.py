"""What people ask next: a model of the bank of follow-ups.

``followups.jsonl`` holds messages that people type after a passage was shown to them (没钱咋办 after
the passage on evaluation), each with the passages that answer it there, or none. Most say only what is
new, so what they mean hangs on what was shown. Kernel ridge regression (``kernel``) over

    k((q, s), (r, t)) = exp((cos(q, r) - 1) / WIDTH) * near(s, t)

where ``q`` and ``r`` are the messages by themselves and ``s`` and ``t`` the passages shown:
``near`` is ``SAME`` for one passage, ``MEASURE`` for passages on one measure (``counterparts``; any
other passage is a measure by itself), ``CHAPTER`` for those of one chapter and ``ANYWHERE`` for any
two, added up and divided by their sum. Each of these says which of some classes a passage is in, so
the product is a kernel. What it adds is in decision 58.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.counterparts import counterparts
from kb.kernel import gaussian, label, read_arrays, solve, write_arrays
from kb.outline import chapter
from kb.schema import Passage

__all__ = ["AskedNext", "fit", "load", "places"]

ANYWHERE, CHAPTER, MEASURE, SAME = 0.4, 0.2, 0.2, 0.2

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


class AskedNext(NamedTuple):
    """The fitted model for ``n`` follow-ups, over ``p`` passages, ``c`` of which answer any.

    ``places`` are the classes of every passage, shape ``(p, 3)``: itself, its measure, its chapter;
    ``shown`` the row of the passage that each follow-up came after; ``weights`` have shape
    ``(c, n)``; their columns are the passages ``rows``.
    """

    places: Numbers
    shown: Numbers
    weights: Floats
    offsets: Floats
    rows: Numbers

    def score(self, similarity: Floats, shown: int | None) -> Floats:
        """Score the passages ``rows`` for a message: near 1 those that answer, near 0 the others.

        Args:
            similarity: cosine of the message by itself with every follow-up of the bank.
            shown: the row of the passage that it follows; None where none was shown.
        """
        here = None if shown is None else self.places[shown : shown + 1]
        kernel = gaussian(similarity) * nearness(here, self.places[self.shown])[0]
        # not @: see Phrasing.of_questions
        return np.asarray(self.offsets + np.einsum("ij,j->i", self.weights, kernel), np.float32)

    def save(self, folder: Path) -> None:
        """Write the model as one ``.npy`` file an array."""
        write_arrays(self._asdict(), folder)


def places(passages: Sequence[Passage]) -> Numbers:
    """The classes of every passage: its row, its measure, its chapter, each as a number."""
    measure = list(range(len(passages)))
    for row, others in sorted(counterparts(passages).items()):
        joined = {measure[row], *(measure[other] for other in others)}
        first = min(joined)
        measure = [first if number in joined else number for number in measure]
    chapters: dict[str, int] = {}
    above = [chapters.setdefault(chapter(p.section_id), len(chapters)) for p in passages]
    rows = range(len(passages))
    return np.array([*zip(rows, measure, above, strict=True)], np.int64).reshape(-1, 3)


def nearness(some: Numbers | None, others: Numbers) -> Floats:
    """How near passages are to others by their classes, 0 to 1, shape ``(a, b)``; None is nowhere."""
    near = np.full((1 if some is None else len(some), len(others)), ANYWHERE, dtype=np.float32)
    if some is not None:
        for column, weight in enumerate((SAME, MEASURE, CHAPTER)):
            near += np.float32(weight) * (some[:, column, None] == others[None, :, column])
    return near / np.float32(ANYWHERE + CHAPTER + MEASURE + SAME)


def fit(
    vectors: Floats,
    shown: Sequence[int],
    answered_by: Sequence[Collection[int] | None],
    passages: Sequence[Passage],
) -> AskedNext:
    """Fit the model.

    Takes memory for one float32 matrix of ``n`` squared.

    Args:
        vectors: the ``n`` follow-ups' own, unit, shape ``(n, d)``.
        shown: the row of the passage that each came after.
        answered_by: the rows of the passages that answer each; None where none does.
        passages: all passages, in rows.
    """
    labels = label([rows or () for rows in answered_by])
    classes, after = places(passages), np.array(shown, dtype=np.int64)
    kernel = (vectors @ vectors.T).T  # symmetric: in LAPACK's order without a copy
    gaussian(kernel, out=kernel)
    for start in range(0, len(kernel), 1000):
        kernel[start : start + 1000] *= nearness(
            classes[after[start : start + 1000]], classes[after]
        )
    weights = solve(kernel, labels.columns)
    weights = np.ascontiguousarray(weights.T[1:])  # the first column is of all that are answered
    return AskedNext(classes, after, weights, labels.offsets[1:], labels.rows)


def load(folder: Path) -> AskedNext:
    """Read the model.

    Raises:
        IndexFolderError: a file is not in the expected form.
    """
    return AskedNext(**read_arrays(AskedNext._fields, folder))
