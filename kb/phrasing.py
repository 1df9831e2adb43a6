"""How a query is phrased: like what the documents answer, and like what each passage answers.

Kernel ridge regression (``kernel``), fitted at build time on the bank of answerable questions and the
bank of questions that the documents do not answer, with

    k(q, r) = (1 - GRAM_SHARE) exp((cos(q, r) - 1) / WIDTH) + GRAM_SHARE tfidf-cos(q, r)

over the vectors of two questions and over their character 1- to 3-grams. A near miss and the
question that it misses differ in one word, which neither a nearest neighbour nor a straight line
tells apart as well. With the questions of one bank writer held out at a time, AUROC of the first
column is .973; for the distance to the nearest questions .923, for their vote .933 (decision 18).
What the other columns add is in decision 32.

The n-gram half of the kernel is linear, so it folds into one weight per n-gram and column; the other
half is one weight per bank question and column, which ``bank_graph`` sums over faster where it can.
The folder of arrays is mapped, so of the n-grams only those asked for are read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.kernel import gaussian, label, read_arrays, solve, write_arrays
from kb.tokenizer import fold

__all__ = ["Phrased", "Phrasing", "fit", "load"]

LONGEST = 3
CHARACTER = np.uint64(21)
NOT_WORD = re.compile(r"\W")
GRAM_SHARE = 0.3
MOST_WEIGHTS = 50_000_000
FEW = 200
"""With fewer questions, n-grams that only one of them has are kept too."""

Floats = NDArray[np.float32]


class Phrased(NamedTuple):
    """Scores of one query: near +1 where the documents answer, near -1 where not; and by passage.

    ``passages`` are scores near 1 for the passages of index rows ``rows`` that answer, near 0 for
    others; a passage without bank questions has none.
    """

    answerable: float
    passages: Floats


class Phrasing(NamedTuple):
    """The fitted model, for ``c`` columns: the first is answerability, the others are ``rows``.

    ``grams`` are sorted numbers, of ``gram_numbers`` (looked up by bisection they take a tenth of a
    dictionary's memory);
    ``gram_weights`` has shape ``(grams, c)``, ``question_weights`` ``(c, questions)``. The former are
    kept in 16 bits: mapped and read at random, they soon lie in memory whole.
    """

    grams: NDArray[np.uint64]
    idf: Floats
    gram_weights: NDArray[np.float16]
    question_weights: Floats
    offsets: Floats
    rows: NDArray[np.int64]

    def of_questions(self, similarity: Floats) -> Floats:
        """The half of every column that sums over questions, shape ``(c,)``.

        Args:
            similarity: cosine of a query with every answerable, then every other bank question.
        """
        near = (1.0 - GRAM_SHARE) * gaussian(similarity)
        # not @: BLAS would split it over all cores, and answers side by side wait for each other
        return np.asarray(np.einsum("ij,j->i", self.question_weights, near), dtype=np.float32)

    def score(self, query: str, of_questions: Floats) -> Phrased:
        """Score one query, given what ``of_questions`` makes of it."""
        scores = of_questions + self.offsets + self._gram_part(query)
        return Phrased(float(scores[0]), scores[1:])

    def _gram_part(self, query: str) -> Floats:
        nothing = np.zeros(self.offsets.size, dtype=np.float32)
        wanted, counts = np.unique(gram_numbers(query), return_counts=True)
        if not wanted.size or not self.grams.size:
            return nothing
        rows = np.minimum(np.searchsorted(self.grams, wanted), self.grams.size - 1)
        known = self.grams[rows] == wanted
        if not known.any():
            return nothing
        rows, counts = rows[known], counts[known].astype(np.float32)
        values = self.idf[rows] * (1.0 + np.log(counts))
        weights = self.gram_weights[rows].astype(np.float32)
        return np.asarray(values @ weights / np.linalg.norm(values), np.float32)

    def save(self, folder: Path) -> None:
        """Write the model as one ``.npy`` file an array."""
        write_arrays(self._asdict(), folder)


def ngrams(text: str) -> list[str]:
    """Character 1- to 3-grams of a folded query without punctuation: ``补贴`` -> 补, 贴, 补贴."""
    plain = NOT_WORD.sub("", fold(text))
    return [plain[i : i + n] for n in range(1, LONGEST + 1) for i in range(len(plain) - n + 1)]


def gram_numbers(query: str) -> NDArray[np.uint64]:
    """The n-grams of ``ngrams`` as numbers, in the order of their characters: 21 bits for each."""
    plain = NOT_WORD.sub("", fold(query))
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(
        np.uint64
    )
    grams = codes << CHARACTER * (LONGEST - 1)
    found = [grams]
    for n in range(1, LONGEST):
        grams = grams[:-1] | codes[n:] << CHARACTER * (LONGEST - 1 - n)
        found.append(grams)
    return np.concatenate(found)


def fit(
    answerable: Sequence[str],
    outside: Sequence[str],
    vectors: tuple[Floats, Floats],
    answered_by: Sequence[Collection[int]] = (),
) -> Phrasing:
    """Fit the model.

    Takes memory for one float32 matrix of ``n + m`` squared.

    Args:
        answerable: the ``n`` questions of the one bank.
        outside: the ``m`` questions of the other.
        vectors: those of the two banks, unit, shapes ``(n, d)`` and ``(m, d)``.
        answered_by: the index rows of the passages that answer each answerable question; without
            them, or where their columns would take more than ``MOST_WEIGHTS``, no passage is scored.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [*answerable, *outside]
    rarest = 2 if len(texts) >= FEW else 1
    counter = TfidfVectorizer(analyzer=ngrams, sublinear_tf=True, min_df=rarest)
    table = counter.fit_transform(texts)
    named = answered_by or [()] * len(answerable)
    passages = len({row for rows in named for row in rows})
    few = passages * sum(table.shape) <= MOST_WEIGHTS
    labels = label([*named, *[None] * len(outside)], passages=few)
    weights = solve(_kernel(np.vstack(vectors), table), labels.columns)
    names = counter.get_feature_names_out()
    return Phrasing(
        np.array([gram_numbers(gram)[-1] for gram in names], dtype=np.uint64),
        np.asarray(counter.idf_, dtype=np.float32),
        np.asarray(GRAM_SHARE * (table.T @ weights), dtype=np.float16),
        np.ascontiguousarray(weights.T, dtype=np.float32),
        labels.offsets,
        labels.rows,
    )


def _kernel(vectors: Floats, table: Any) -> Floats:
    """The kernel of every two questions, shape ``(n, n)``, made in place: it takes gigabytes."""
    kernel = (vectors @ vectors.T).T  # symmetric: in LAPACK's order without a copy
    gaussian(kernel, out=kernel)
    kernel *= 1.0 - GRAM_SHARE
    for start in range(0, len(kernel), 1000):
        block = (table[start : start + 1000] @ table.T).toarray()
        kernel[start : start + 1000] += GRAM_SHARE * block
    return np.asarray(kernel)


def load(folder: Path) -> Phrasing:
    """Read the model.

    Raises:
        IndexFolderError: a file is not in the expected form.
    """
    return Phrasing(**read_arrays(Phrasing._fields, folder))
