"""Confidence measures against worked values and other implementations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from eval.refusal import aurc, auroc, brier, e_aurc, ece, nauc, refusal_report, risk_coverage


def floats(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_auroc_by_hand_with_a_tie() -> None:
    scores, positive = floats(0.9, 0.5, 0.5, 0.1), np.array([True, True, False, False])
    assert auroc(scores, positive) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert math.isnan(auroc(scores, np.array([True] * 4)))


def test_auroc_and_brier_equal_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random(300).round(1)
    positive = rng.random(300) < scores
    assert auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)
    assert brier(scores, positive.astype(float)) == pytest.approx(
        brier_score_loss(positive, scores), abs=1e-12
    )


def test_ece_by_hand() -> None:
    confidences, outcomes = floats(0.1, 0.3, 0.7, 0.9), floats(0, 0, 1, 1)
    assert ece(confidences, outcomes, bins=2) == pytest.approx(0.5 * 0.2 + 0.5 * 0.2)
    assert ece(floats(0.5, 0.5), floats(0, 1), bins=1) == 0


def test_risk_coverage_and_aurc_by_hand() -> None:
    confidences, errors = floats(0.9, 0.8, 0.7, 0.6), floats(0, 1, 0, 1)
    coverage, risk, thresholds = risk_coverage(confidences, errors)
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert thresholds.tolist() == confidences.tolist()
    assert aurc(confidences, errors) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert e_aurc(confidences, errors) == pytest.approx(
        (0 + 1 / 2 + 1 / 3 + 1 / 2) / 4 - (0 + 0 + 1 / 3 + 1 / 2) / 4
    )


def test_the_order_of_equal_confidences_does_not_matter() -> None:
    same = floats(0.5, 0.5, 0.5, 0.5)
    assert aurc(same, floats(1, 0, 0, 0)) == pytest.approx(aurc(same, floats(0, 0, 0, 1)))
    assert aurc(same, floats(1, 0, 0, 0)) == pytest.approx(0.25)


def test_a_perfect_order_has_no_excess() -> None:
    assert e_aurc(floats(4, 3, 2, 1), floats(0, 0, 1, 1)) == pytest.approx(0)


def mteb_nauc(confidences: np.ndarray, quality: np.ndarray) -> float:
    """The published definition, written out: rates 0 to 0.9, trapezoids, flat and oracle."""
    rates = [i / 10 for i in range(10)]

    def area(order: list[int]) -> float:
        curve = []
        for rate in rates:
            kept = order[min(round(rate * len(order)), len(order) - 1) :]
            curve.append(sum(float(quality[i]) for i in kept) / len(kept))
        return sum((a + b) / 20 for a, b in itertools.pairwise(curve))

    own = area(sorted(range(len(quality)), key=lambda i: confidences[i]))
    best = area(sorted(range(len(quality)), key=lambda i: quality[i]))
    flat = 0.9 * float(quality.mean())
    return (own - flat) / (best - flat)


def test_nauc_follows_its_definition() -> None:
    rng = np.random.default_rng(5)
    confidences, quality = rng.random(57), (rng.random(57) < 0.6).astype(float)
    assert nauc(confidences, quality) == pytest.approx(mteb_nauc(confidences, quality), abs=1e-12)


def test_nauc_of_perfect_useless_and_undefined_confidence() -> None:
    quality = floats(0, 0, 0, 1, 1, 1, 1, 1, 1, 1)
    assert nauc(quality, quality) == pytest.approx(1)
    assert nauc(-quality, quality) < 0
    assert math.isnan(nauc(floats(1, 2, 3), floats(1, 1, 1)))


def test_the_report_of_an_empty_and_of_a_one_sided_file() -> None:
    empty = refusal_report([], [], [])
    assert empty.auroc.value is None
    assert empty.curve == ()
    one_sided = refusal_report([0.9, 0.8], [True, True], [True, False])
    assert one_sided.auroc.value is None
    assert one_sided.brier.value == pytest.approx((0.01 + 0.04) / 2)
    assert one_sided.curve[-1].coverage == 1.0
