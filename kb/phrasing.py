"""How much a query reads like those that the documents answer: two linear models over the banks.

Both are logistic regressions, fitted at build time with scikit-learn on the bank of answerable
questions against the bank of questions that the documents do not answer: one over TF-IDF of
character 1- to 3-grams, one over the query's vector. Serving needs numpy alone. The file is plain
JSON: for every n-gram its idf and weight, for every dimension its weight.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.errors import IndexFolderError
from kb.tokenizer import fold

__all__ = ["Phrasing", "fit", "load"]

LONGEST = 3
NOT_WORD = re.compile(r"\W")
GRAM_C = 5.0
DENSE_C = 0.01


class Phrasing(NamedTuple):
    """The two fitted models; scores are log-odds, above zero where the documents answer."""

    grams: dict[str, tuple[float, float]]
    gram_intercept: float
    dense: NDArray[np.float32]
    dense_intercept: float

    def gram_score(self, query: str) -> float:
        """Log-odds by the character n-grams of a query."""
        counts = Counter(gram for gram in ngrams(query) if gram in self.grams)
        total = norm = 0.0
        for gram, count in counts.items():
            idf, weight = self.grams[gram]
            value = (1.0 + math.log(count)) * idf
            total += weight * value
            norm += value * value
        return self.gram_intercept + (total / math.sqrt(norm) if norm else 0.0)

    def dense_score(self, vector: NDArray[np.float32]) -> float:
        """Log-odds by the vector of a query, shape ``(d,)``."""
        return self.dense_intercept + float(self.dense @ vector)

    def save(self, path: Path) -> None:
        """Write the models as plain JSON."""
        data = {
            "gram_intercept": self.gram_intercept,
            "grams": self.grams,
            "dense_intercept": self.dense_intercept,
            "dense": [round(float(w), 6) for w in self.dense],
        }
        path.write_text(json.dumps(data, ensure_ascii=False, sort_keys=True), encoding="utf-8")


def ngrams(text: str) -> list[str]:
    """Character 1- to 3-grams of a folded query without punctuation: ``补贴`` -> 补, 贴, 补贴."""
    plain = NOT_WORD.sub("", fold(text))
    return [plain[i : i + n] for n in range(1, LONGEST + 1) for i in range(len(plain) - n + 1)]


def fit(
    answerable: Sequence[str],
    outside: Sequence[str],
    vectors: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> Phrasing:
    """Fit both models on the two banks; ``vectors`` are theirs, shapes ``(n, d)`` and ``(m, d)``."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    labels = np.array([True] * len(answerable) + [False] * len(outside))
    counter = TfidfVectorizer(analyzer=ngrams, sublinear_tf=True, min_df=2)
    table = counter.fit_transform([*answerable, *outside])
    gram_weights, gram_intercept = _logistic(table, labels, GRAM_C)
    idf, vocabulary = counter.idf_, counter.vocabulary_
    grams = {
        gram: (round(float(idf[i]), 5), round(float(gram_weights[i]), 5))
        for gram, i in vocabulary.items()
    }
    stacked = np.vstack(vectors)
    mean, spread = stacked.mean(axis=0), stacked.std(axis=0) + 1e-9
    weights, intercept = _logistic((stacked - mean) / spread, labels, DENSE_C)
    dense = np.asarray(weights / spread, dtype=np.float32)
    return Phrasing(grams, gram_intercept, dense, intercept - float((weights / spread) @ mean))


def _logistic(
    table: object, labels: NDArray[np.bool_], c: float
) -> tuple[NDArray[np.float64], float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=c, max_iter=3000, class_weight="balanced").fit(table, labels)
    return model.coef_[0], float(model.intercept_[0])


def load(path: Path) -> Phrasing:
    """Read the models.

    Raises:
        IndexFolderError: the file is not in the expected form.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Phrasing(
            {gram: (pair[0], pair[1]) for gram, pair in data["grams"].items()},
            float(data["gram_intercept"]),
            np.array(data["dense"], dtype=np.float32),
            float(data["dense_intercept"]),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise IndexFolderError(
            f"索引文件“{path.name}”无法读取，请重建索引（python -m kb build）。"
        ) from error
