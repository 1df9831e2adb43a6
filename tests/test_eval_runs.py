"""Runs and measures: what is measured is what is saved, and trec_eval agrees to 1e-6."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from eval.beir import load_dataset
from eval.measures import check_measures, per_query
from eval.runs import Run, load_run, save_run, settle
from kb.errors import InputError

FIXTURE = Path(__file__).parent / "fixtures" / "eval"
SCORES = st.floats(-1e6, 1e6, width=32)


@given(st.lists(SCORES, max_size=40))
def test_settled_scores_fall_strictly_in_float32(scores: list[float]) -> None:
    ranking = [(f"d{n}", s) for n, s in enumerate(sorted(scores, reverse=True))]
    settled = settle(ranking)
    assert [hit.passage for hit in settled] == [name for name, _ in ranking]
    values = np.array([hit.score for hit in settled], dtype=np.float32)
    assert bool(np.all(np.diff(values) < 0))


@given(st.lists(SCORES, min_size=1, max_size=20))
def test_a_run_comes_back_as_it_was_saved(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float]
) -> None:
    run = {"q": settle((f"d{n}", s) for n, s in enumerate(sorted(scores, reverse=True)))}
    path = tmp_path_factory.mktemp("run") / "x.run"
    save_run(run, path, "tag")
    assert load_run(path) == run


def test_ties_of_a_foreign_run_are_read_as_trec_eval_reads_them() -> None:
    run = load_run(FIXTURE / "foreign.run")
    assert [hit.passage for hit in run["q1"]] == ["d5", "d1", "d2"]
    assert [hit.passage for hit in run["q2"]] == ["d4", "d2", "d1"]


def trec_eval(run_file: Path, measures: set[str]) -> dict[str, dict[str, float]]:
    """pytrec_eval on files read by its own parsers."""
    with (FIXTURE / "beir" / "qrels" / "test.tsv").open(encoding="utf-8") as file:
        rows = [line.split() for line in file][1:]
    qrels: dict[str, dict[str, int]] = {}
    for query, passage, grade in rows:
        qrels.setdefault(query, {})[passage] = int(grade)
    with run_file.open(encoding="utf-8") as file:
        run = pytrec_eval.parse_run(file)
    return pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("nDCG@10", "ndcg_cut_10"),
        ("AP", "map"),
        ("RR", "recip_rank"),
        ("R@2", "recall_2"),
        ("P@1", "P_1"),
    ],
)
def test_measures_equal_trec_eval(ours: str, theirs: str, tmp_path: Path) -> None:
    dataset = load_dataset(FIXTURE / "beir")
    run = load_run(FIXTURE / "foreign.run")
    saved = tmp_path / "saved.run"
    save_run(run, saved, "ours")
    values = per_query([ours], dataset.qrels, run)[ours]
    for path in (FIXTURE / "foreign.run", saved):
        wanted = trec_eval(path, {theirs})
        for query in ("q1", "q2", "q3", "q4"):
            assert values[query] == pytest.approx(wanted[query][theirs], abs=1e-6)
    assert values["q5"] == 0.0
    assert "q6" not in values
    assert set(values) == set(dataset.qrels)


def test_a_query_without_hits_counts_zero() -> None:
    run: Run = {"q1": []}
    values = per_query(["nDCG@10", "R@5"], {"q1": {"d1": 1}, "q2": {"d2": 1}}, run)
    assert values == {"nDCG@10": {"q1": 0.0, "q2": 0.0}, "R@5": {"q1": 0.0, "q2": 0.0}}


def test_bad_measures_are_reported_at_once() -> None:
    with pytest.raises(InputError) as caught:
        check_measures(["nDCG@10", "foo@3", "R", "alpha_nDCG@10", ""])
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert all(line.endswith("。") for line in lines)


def test_measures_are_named_as_ir_measures_does() -> None:
    assert check_measures(["MRR@10", "nDCG@10", "RR@10"]) == ["RR@10", "nDCG@10"]


def test_a_malformed_run_is_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.run"
    path.write_text("q1 Q0 d1 1 0.5 t\nq1 Q0 d1 2 0.4 t\nq1 d2 3\nq1 Q0 d3 4 nan t\n")
    with pytest.raises(InputError) as caught:
        load_run(path)
    assert [line[len("bad.run第") :][0] for line in str(caught.value).splitlines()] == [*"234"]
