"""Does the confidence know when to refuse: ranking, calibration and selective answering.

Formulas: AUROC as the Mann-Whitney statistic (Hanley and McNeil 1982); Brier 1950; ECE over
equal-mass bins (Naeini et al. 2015; Nixon et al. 2019); risk-coverage curve and AURC (Geifman and
El-Yaniv 2017), E-AURC = AURC minus that of the best possible order (Geifman et al. 2019); nAUC of
abstention as MTEB computes it (Gisserot-Boukhlef et al. 2024, arXiv 2402.12997). Equal
confidences are an honest tie: they share their mean error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.intervals import Estimate, bootstrap
from kb.schema import Frozen

__all__ = [
    "Bin",
    "Point",
    "RefusalReport",
    "aurc",
    "auroc",
    "brier",
    "ece",
    "nauc",
    "refusal_report",
    "reliability",
    "risk_coverage",
]

BINS = 10
RATES = np.linspace(0, 1, 11)[:-1]
Floats = NDArray[np.float64]


class Bin(Frozen):
    """One bin of the reliability diagram: mean confidence, observed share, number of questions."""

    confidence: float
    observed: float
    n: int


class Point(Frozen):
    """One point of the risk-coverage curve: answer this share, err this often among them."""

    coverage: float
    risk: float
    threshold: float


class RefusalReport(Frozen):
    """All figures of the confidence, over all questions of a file."""

    auroc: Estimate
    brier: Estimate
    ece: Estimate
    aurc: Estimate
    e_aurc: Estimate
    nauc: Estimate
    nauc_answerable: Estimate
    bins: tuple[Bin, ...]
    curve: tuple[Point, ...]


def auroc(scores: Floats, positive: NDArray[np.bool_]) -> float:
    """Chance that a positive scores above a negative, ties counting half; NaN without both."""
    wins, losses = int(positive.sum()), int((~positive).sum())
    if wins == 0 or losses == 0:
        return math.nan
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - wins * (wins + 1) / 2) / (wins * losses))


def brier(confidences: Floats, outcomes: Floats) -> float:
    """Mean squared distance of confidence and outcome (0 or 1); lower is better."""
    return float(np.mean((confidences - outcomes) ** 2)) if confidences.size else math.nan


def reliability(confidences: Floats, outcomes: Floats, bins: int = BINS) -> list[Bin]:
    """Equal-mass bins by rising confidence; fewer bins than asked where questions are few."""
    order = np.argsort(confidences, kind="stable")
    parts = [part for part in np.array_split(order, bins) if part.size]
    return [
        Bin(
            confidence=float(confidences[part].mean()),
            observed=float(outcomes[part].mean()),
            n=int(part.size),
        )
        for part in parts
    ]


def ece(confidences: Floats, outcomes: Floats, bins: int = BINS) -> float:
    """Expected calibration error: bins' |confidence - observed share|, weighted by their size."""
    if not confidences.size:
        return math.nan
    parts = reliability(confidences, outcomes, bins)
    return sum(p.n * abs(p.confidence - p.observed) for p in parts) / confidences.size


def risk_coverage(confidences: Floats, errors: Floats) -> tuple[Floats, Floats, Floats]:
    """Coverage, risk and threshold after each question, most confident first.

    Questions of equal confidence each carry the mean error of their group.
    """
    order = np.argsort(-confidences, kind="stable")
    ranked = confidences[order]
    _, group, counts = np.unique(-ranked, return_inverse=True, return_counts=True)
    means = np.bincount(group, weights=errors[order]) / counts
    total = np.cumsum(means[group])
    n = np.arange(1, confidences.size + 1)
    return n / confidences.size, total / n, ranked


def aurc(confidences: Floats, errors: Floats) -> float:
    """Area under the risk-coverage curve: the mean risk over all coverages; lower is better."""
    return float(risk_coverage(confidences, errors)[1].mean()) if confidences.size else math.nan


def e_aurc(confidences: Floats, errors: Floats) -> float:
    """AURC above that of the perfect order, which puts every error last."""
    return aurc(confidences, errors) - aurc(-errors, errors)


def nauc(confidences: Floats, quality: Floats) -> float:
    """MTEB's normalised area under the abstention curve: 1 perfect, 0 no use; NaN if undefined.

    Args:
        confidences: one per question; the least confident are refused first.
        quality: the measure per question, for example 1.0 where the first quote is right.
    """
    if not confidences.size:
        return math.nan
    curve, oracle = _abstention(confidences, quality), _abstention(quality, quality)
    own, best = float(np.trapezoid(curve, RATES)), float(np.trapezoid(oracle, RATES))
    flat = float(oracle[0] * (RATES[-1] - RATES[0]))
    return math.nan if best == flat else (own - flat) / (best - flat)


def _abstention(confidences: Floats, quality: Floats) -> Floats:
    order = np.argsort(confidences, kind="stable")
    refused = [min(round(rate * order.size), order.size - 1) for rate in RATES]
    return np.array([quality[order[n:]].mean() for n in refused])


def refusal_report(
    confidences: Sequence[float], answerable: Sequence[bool], right: Sequence[bool]
) -> RefusalReport:
    """Judge the confidence of every question, whatever the system decided to show.

    Args:
        confidences: the probability that the documents answer, one per question.
        answerable: whether they do.
        right: whether the first quote, shown or held back, is evidence.
    """
    c = np.asarray(confidences, dtype=np.float64)
    labels = np.asarray(answerable, dtype=np.bool_)
    outcomes, hits = labels.astype(np.float64), np.asarray(right, dtype=np.float64)
    own, own_hits = c[labels], hits[labels]
    n = c.size
    coverage, risk, thresholds = risk_coverage(c, 1 - hits)
    return RefusalReport(
        auroc=bootstrap(lambda i: auroc(c[i], labels[i]), n),
        brier=bootstrap(lambda i: brier(c[i], outcomes[i]), n),
        ece=bootstrap(lambda i: ece(c[i], outcomes[i]), n, resamples=500),
        aurc=bootstrap(lambda i: aurc(c[i], 1 - hits[i]), n),
        e_aurc=bootstrap(lambda i: e_aurc(c[i], 1 - hits[i]), n),
        nauc=bootstrap(lambda i: nauc(c[i], hits[i]), n),
        nauc_answerable=bootstrap(lambda i: nauc(own[i], own_hits[i]), own.size),
        bins=tuple(reliability(c, outcomes)),
        curve=_thin(coverage, risk, thresholds),
    )


def _thin(coverage: Floats, risk: Floats, thresholds: Floats, most: int = 100) -> tuple[Point, ...]:
    """At most ``most`` points of the curve, the last always kept."""
    step = max(1, math.ceil(coverage.size / most))
    kept = sorted({*range(0, coverage.size, step), coverage.size - 1} - {-1})
    return tuple(
        Point(coverage=float(coverage[i]), risk=float(risk[i]), threshold=float(thresholds[i]))
        for i in kept
    )
