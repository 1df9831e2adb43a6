"""Intervals for proportions and means, and the paired tests' random numbers; all seeded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kb.schema import Frozen

__all__ = ["RESAMPLES", "SEED", "Estimate", "bootstrap", "bootstrap_mean", "wilson"]

RESAMPLES = 2000
SEED = 20221108
Z95 = 1.959963984540054
Statistic = Callable[[NDArray[np.int64]], float]


class Estimate(Frozen):
    """A figure with its 95 % interval and the number of questions behind it.

    ``value`` is a share between 0 and 1 unless the measure says otherwise; None when ``n`` is 0.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson(hits: int, n: int) -> Estimate:
    """Wilson score interval of a proportion (Wilson 1927), unitless shares.

    Args:
        hits: how many questions succeeded.
        n: how many were asked.
    """
    if n == 0:
        return Estimate(value=None, low=None, high=None, n=0)
    p, z2 = hits / n, Z95 * Z95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Estimate(value=p, low=max(0.0, centre - half), high=min(1.0, centre + half), n=n)


def bootstrap_mean(
    values: Sequence[float], resamples: int = RESAMPLES, seed: int = SEED
) -> Estimate:
    """Mean with a percentile bootstrap interval over questions (Efron 1979)."""
    data = np.asarray(values, dtype=np.float64)
    if data.size == 0:
        return Estimate(value=None, low=None, high=None, n=0)
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    for i in range(resamples):
        means[i] = data[rng.integers(0, data.size, data.size)].mean()
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(value=float(data.mean()), low=float(low), high=float(high), n=int(data.size))


def bootstrap(
    statistic: Statistic, n: int, resamples: int = RESAMPLES, seed: int = SEED
) -> Estimate:
    """Any statistic of ``n`` questions with its percentile bootstrap interval.

    Args:
        statistic: takes the row numbers of a sample (with repeats) and returns the figure; NaN
            where the sample does not define it, and such samples are left out.
        n: how many questions there are.
        resamples: number of bootstrap samples.
        seed: of the random numbers.
    """
    value = statistic(np.arange(n)) if n else math.nan
    if math.isnan(value):
        return Estimate(value=None, low=None, high=None, n=n)
    rng = np.random.default_rng(seed)
    drawn = np.array([statistic(rng.integers(0, n, n)) for _ in range(resamples)])
    drawn = drawn[~np.isnan(drawn)]
    if drawn.size == 0:
        return Estimate(value=value, low=None, high=None, n=n)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(value=float(value), low=float(low), high=float(high), n=n)
