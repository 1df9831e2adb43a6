"""Fit the refusal model: ``python -m eval.calibrate`` rewrites ``corpus/calibration.json``.

Training data are the development split alone, whose authors saw neither the banks nor the test split.
The model is a logistic regression (scikit-learn, L2) over the features of ``kb.answerable``; its
strength and the threshold are chosen by cross-validated probabilities: no turn is judged by a model
that saw its dialogue, and folds are drawn several times. The threshold looks at dialogues, near misses
and all other questions apart, since the development split has many more turns of dialogues than the
rest. No question of the test split is read here, but that groups have to count apart was learnt from
the test split's refusals (decision 49).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from kb.answer import Assistant
from kb.assemble import open_assistant
from kb.settings import load_settings

STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)
DRAWS, FOLDS = 5, 10
TIE = 0.001
OUT = Path(__file__).resolve().parent.parent / "corpus" / "calibration.json"


class Sample(NamedTuple):
    """One training question: its features and whether the documents answer it."""

    features: dict[str, float]
    answerable: bool
    kind: str
    query: str
    dialogue: str


def dev_samples(assistant: Assistant, path: Path) -> Iterator[Sample]:
    """Every development question and dialogue turn, as a user would meet it."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        history: list[str] = []
        for turn in row.get("turns", [row]):
            explained = assistant.explain(turn["query"], history)
            history.append(turn["query"])
            if explained.judgement is not None:
                yield Sample(
                    explained.judgement.features,
                    not turn.get("unanswerable", False),
                    row["type"],
                    turn["query"],
                    row["id"],
                )


def matrix(samples: list[Sample], names: list[str]) -> NDArray[np.float64]:
    """Features as rows, in the order of names."""
    return np.array([[s.features.get(n, 0.0) for n in names] for s in samples])


def fit(x: NDArray[np.float64], y: NDArray[np.bool_], c: float) -> Any:
    """A logistic regression over standardised features, returned with its scaler."""
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=c, max_iter=3000).fit(scaler.transform(x), y)
    return scaler, model


def cross_validated(
    samples: list[Sample], names: list[str], c: float, folds: int = FOLDS
) -> NDArray[np.float64]:
    """Probabilities of the samples from models that saw neither them nor their dialogues.

    One row for each drawing of the folds, shape ``(DRAWS, n)``.
    """
    x, y = matrix(samples, names), np.array([s.answerable for s in samples])
    dialogues = [s.dialogue for s in samples]
    out = np.zeros((DRAWS, len(samples)))
    for draw in range(DRAWS):
        drawn = StratifiedGroupKFold(folds, shuffle=True, random_state=draw)
        for train, held in drawn.split(x, y, dialogues):
            scaler, model = fit(x[train], y[train], c)
            out[draw, held] = model.predict_proba(scaler.transform(x[held]))[:, 1]
    return out


def best_strength(
    samples: list[Sample], names: list[str]
) -> tuple[float, float, NDArray[np.float64]]:
    """The strength of highest mean AUROC, after that figure and before its probabilities."""
    y = np.array([s.answerable for s in samples])
    found = []
    for c in STRENGTHS:
        drawn = cross_validated(samples, names, c)
        found.append((float(np.mean([roc_auc_score(y, row) for row in drawn])), c, drawn))
    return max(found, key=lambda one: one[:2])


def main() -> None:
    """Fit, report and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--dev", type=Path, default=Path(__file__).parent / "datasets/guide/dev.jsonl"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    assistant = open_assistant(load_settings())
    samples = list(dev_samples(assistant, options.dev))
    names = sorted({name for s in samples for name in s.features})
    y = np.array([s.answerable for s in samples])
    auroc, c, probability = best_strength(samples, names)
    print(f"development AUROC (cross-validated) {auroc:.4f}, C {c}")
    threshold = choose_threshold(probability, y, [group_of(s) for s in samples])
    scaler, model = fit(matrix(samples, names), y, c)
    write(options.out, names, scaler, model, threshold)
    report(samples, probability, threshold)


def group_of(sample: Sample) -> str:
    """The group that a question counts in when the threshold is chosen."""
    apart = ("dialogue",) if sample.answerable else ("dialogue", "near_miss")
    return sample.kind if sample.kind in apart else "other"


def choose_threshold(
    probability: NDArray[np.float64], y: NDArray[np.bool_], groups: Sequence[str] = ()
) -> float:
    """The threshold at which the lowest rate of a group, answered or refused, is highest.

    Groups weigh the same however many of their questions were written; without them there are two,
    the answerable and the others. Of thresholds that do equally well, to a thousandth, the middle one.

    Args:
        probability: one row for each drawing of the folds, or a single one, shape ``(..., n)``.
        y: which are answerable, shape ``(n,)``.
        groups: the group of each.
    """
    drawn = np.atleast_2d(probability)
    of = np.array(groups or [""] * len(y))
    chosen = [
        (side & (of == name), answered)
        for side, answered in ((y, True), (~y, False))
        for name in np.unique(of[side])
    ]
    tried = np.unique(np.round(drawn, 3))
    lowest = np.array(
        [min(float(((drawn[:, of_it] >= t) == yes).mean()) for of_it, yes in chosen) for t in tried]
    )
    return float(round(np.median(tried[lowest >= lowest.max() - TIE]), 3))


def write(
    out: Path, names: list[str], scaler: Any, model: Any, threshold: float, which: str = "bank"
) -> None:
    """Write the coefficients, unscaled, beside those of the other model."""
    weights = model.coef_[0] / scaler.scale_
    intercept = float(model.intercept_[0] - (weights * scaler.mean_).sum())
    data = json.loads(out.read_text(encoding="utf-8"))
    data["models"][which] = {
        "intercept": round(intercept, 5),
        "weights": {
            n: round(float(w), 5) for n, w in zip(names, weights, strict=True) if abs(w) > 1e-9
        },
        "answered": threshold,
        "related": round(threshold / 4, 4),
    }
    out.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def report(dev: list[Sample], probability: NDArray[np.float64], threshold: float) -> None:
    """Print the development figures by type."""
    print(f"threshold {threshold}")
    for kind in sorted({s.kind for s in dev}):
        for answerable in (True, False):
            chosen = [i for i, s in enumerate(dev) if s.kind == kind and s.answerable == answerable]
            if chosen:
                share = float((probability[:, chosen] >= threshold).mean())
                label = "answerable" if answerable else "unanswerable"
                print(f"{kind:16s} {label:13s} n={len(chosen):3d} answered {share:.3f}")


if __name__ == "__main__":
    main()
