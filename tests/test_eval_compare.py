"""The paired test: exact values by hand, and its symmetries."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.compare import compare_runs, compare_tables, randomisation
from eval.runs import Ranked, Run, settle
from eval.tables import to_text

QRELS = {f"q{n}": {"good": 1} for n in range(6)}
RIGHT, WRONG = settle([("good", 1.0)]), settle([("bad", 1.0)])


def test_exact_p_by_hand() -> None:
    # five queries, all better: only all-plus and all-minus are as extreme, 2 of 32 patterns
    assert randomisation([1.0] * 5) == (pytest.approx(2 / 32), "exact")
    assert randomisation([0.0] * 9) == (1.0, "exact")


def test_exact_p_counts_every_sign_pattern() -> None:
    differences = [0.5, -0.2, 0.7, 0.1, -0.05]
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=5)
    ]
    wanted = sum(s >= abs(sum(differences)) - 1e-9 for s in sums) / 32
    assert randomisation(differences)[0] == pytest.approx(wanted)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=10))
def test_p_is_a_probability_and_ignores_direction(differences: list[float]) -> None:
    p, _ = randomisation(differences)
    assert 0 < p <= 1
    assert randomisation([-d for d in differences])[0] == pytest.approx(p)


def test_sampled_p_is_seeded_and_near_the_exact_one() -> None:
    differences = [0.3, -0.1] * 6 + [0.2, 0.25]
    p, kind = randomisation(differences)
    assert kind == "sampled"
    assert randomisation(differences) == (p, kind)
    exact = 0
    for signs in itertools.product((1, -1), repeat=14):
        total = sum(s * d for s, d in zip(signs, differences, strict=True))
        exact += abs(total) >= abs(sum(differences)) - 1e-9
    assert p == pytest.approx(exact / 2**14, abs=0.02)


def test_wins_ties_losses_and_a_missing_query() -> None:
    a: Run = {"q0": WRONG, "q1": WRONG, "q2": RIGHT, "q3": RIGHT, "q4": WRONG, "q5": RIGHT}
    b: Run = {"q0": RIGHT, "q1": RIGHT, "q2": RIGHT, "q3": RIGHT, "q4": RIGHT}
    report = compare_runs(("a", "b"), (a, b), QRELS, ["R@1"])
    found = report.measures[0]
    assert (found.wins, found.ties, found.losses) == (3, 2, 1)
    assert found.b == pytest.approx(5 / 6)
    assert {m.query for m in found.moved} == {"q0", "q1", "q4", "q5"}
    text = "\n".join(to_text(table) for table in compare_tables(report, 2))
    assert "3/2/1" in text
    assert "+0.3333" in text


def test_a_run_against_itself() -> None:
    run: Run = {"q0": RIGHT, "q1": [Ranked("bad", 2.0), Ranked("good", 1.0)]}
    found = compare_runs(("a", "a"), (run, run), QRELS, ["nDCG@10"]).measures[0]
    assert (found.p, found.difference.value, found.ties) == (1.0, 0.0, 6)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from eval.__main__ import app

    for name, passage in (("a", "bad"), ("b", "good")):
        lines = [f"q{n} Q0 {passage} 1 1.0 {name}" for n in range(6)]
        (tmp_path / f"{name}.run").write_text("\n".join(lines))
    lines = [f"q{n}\tgood\t1" for n in range(6)]
    (tmp_path / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(lines))
    paths = [str(tmp_path / name) for name in ("a.run", "b.run", "test.tsv")]
    arguments = ["compare", *paths[:2], "--qrels", paths[2], "--measure", "R@1", "--json"]
    app(arguments, standalone_mode=False)
    report = json.loads(capsys.readouterr().out)
    assert report["measures"][0]["difference"]["value"] == 1.0
    assert report["measures"][0]["p"] == pytest.approx(2 / 64)
