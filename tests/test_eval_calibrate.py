"""How the refusal model is chosen: folds that keep dialogues whole, groups that weigh the same."""

from __future__ import annotations

import numpy as np
import pytest

from eval.calibrate import DRAWS, Sample, choose_threshold, cross_validated, group_of


def sample(kind: str, answerable: bool, value: float, dialogue: str) -> Sample:
    return Sample({"likeness": value}, answerable, kind, "q", dialogue)


def test_the_threshold_is_the_middle_of_the_best() -> None:
    """The values that occur are tried; a question at the threshold is answered."""
    probability = np.array([0.1, 0.4, 0.5, 0.6, 0.8, 0.9])
    y = np.array([False, False, False, False, True, True])
    assert choose_threshold(probability, y) == pytest.approx(0.8)
    y = np.array([False, False, True, True, True, True])
    assert choose_threshold(probability, y) == pytest.approx(0.5)
    drawn = np.array([[0.2, 0.2, 0.9, 0.9], [0.2, 0.2, 0.7, 0.8]])
    assert choose_threshold(drawn, np.array([False, False, True, True])) == pytest.approx(0.7)
    mixed = np.array([0.3, 0.5, 0.7, 0.8, 0.85, 0.9])  # at .7 and .8 half of those not are refused
    y = np.array([True, False, True, True, True, False])
    assert choose_threshold(mixed, y) == pytest.approx(0.75)


def test_groups_weigh_the_same() -> None:
    """Ninety easy turns cannot outvote two near misses that need a higher threshold."""
    probability = np.array([0.5] * 90 + [0.95] * 10 + [0.6, 0.6])
    y = np.array([True] * 100 + [False] * 2)
    turns = ["dialogue"] * 90 + ["other"] * 10 + ["near_miss"] * 2
    assert choose_threshold(probability[10:], y[10:], turns[10:]) == pytest.approx(0.6)
    assert group_of(sample("near_miss", False, 0, "a")) == "near_miss"
    assert group_of(sample("near_miss", True, 0, "a")) == "other"
    assert group_of(sample("spoken", False, 0, "a")) == "other"
    assert group_of(sample("dialogue", True, 0, "a")) == "dialogue"


def test_no_turn_is_judged_by_a_model_that_saw_its_dialogue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(1)
    samples = [
        sample("dialogue", bool(n % 2), float(rng.normal() + n % 2), f"d{n // 4}")
        for n in range(200)
    ]
    trained: list[set[float]] = []

    class Model:
        def fit(self, x: np.ndarray, y: np.ndarray) -> Model:
            trained.append(set(x[:, 0].tolist()))
            return self

        def predict_proba(self, x: np.ndarray) -> np.ndarray:
            values = [s.features["likeness"] for s in samples]
            held = {values.index(v) // 4 for v in self.back(x[:, 0])}
            seen = {values.index(v) // 4 for v in self.back(np.array(sorted(trained[-1])))}
            assert not held & seen
            return np.tile([0.4, 0.6], (len(x), 1))

        @staticmethod
        def back(x: np.ndarray) -> list[float]:
            return x.tolist()

    class Scaler:
        def fit(self, x: np.ndarray) -> Scaler:
            return self

        def transform(self, x: np.ndarray) -> np.ndarray:
            return x

    monkeypatch.setattr("eval.calibrate.StandardScaler", Scaler)
    monkeypatch.setattr("eval.calibrate.LogisticRegression", lambda **_: Model())
    found = cross_validated(samples, ["likeness"], 0.1)
    assert found.shape == (DRAWS, 200)
    assert (found == 0.6).all()
