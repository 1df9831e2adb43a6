"""Intervals against worked values, and what every interval must obey."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.intervals import bootstrap, bootstrap_mean, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # 81 of 263: Newcombe 1998, table I; 0 of 20 and 10 of 10 by the closed form z²/(n + z²)
    [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (10, 10, 0.7225, 1.0)],
)
def test_wilson_equals_published_values(hits: int, n: int, low: float, high: float) -> None:
    found = wilson(hits, n)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)
    assert found.value == hits / n


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_value_inside_0_1(pair: tuple[int, int]) -> None:
    found = wilson(*pair)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


def test_nothing_asked_is_no_figure() -> None:
    assert wilson(0, 0).value is None
    assert bootstrap_mean([]).value is None
    assert bootstrap(lambda rows: 1.0, 0).value is None
    assert str(wilson(0, 0)) == "–"


def test_bootstrap_is_seeded_and_near_the_normal_interval() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.1, 400).tolist()
    one, two = bootstrap_mean(values), bootstrap_mean(values)
    assert one == two
    half = 1.96 * float(np.std(values)) / math.sqrt(len(values))
    assert one.low == pytest.approx(np.mean(values) - half, abs=0.002)
    assert one.high == pytest.approx(np.mean(values) + half, abs=0.002)


def test_bootstrap_of_a_constant_is_a_point() -> None:
    found = bootstrap_mean([0.25] * 30)
    assert (found.value, found.low, found.high, found.n) == (0.25, 0.25, 0.25, 30)


def test_bootstrap_leaves_undefined_samples_out() -> None:
    labels = np.array([True, False])

    def defined(rows: np.ndarray) -> float:
        return 1.0 if len(set(labels[rows].tolist())) == 2 else math.nan

    found = bootstrap(defined, 2, resamples=50)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
