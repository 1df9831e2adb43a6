"""Measures in ir_measures' notation (nDCG@10, RR@10, R@5 …), per query; alone imports ir_measures.

Values are those of the library's trec_eval provider (pytrec_eval; nDCG with linear gain).
A query that is judged but missing from a run counts zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ir_measures

from eval.beir import Qrels
from eval.faults import refuse
from eval.runs import Run

__all__ = ["DEFAULT_MEASURES", "check_measures", "per_query"]

DEFAULT_MEASURES = ("nDCG@10", "R@1", "R@5", "R@10", "RR@10")
Values = dict[str, dict[str, float]]


def check_measures(names: Sequence[str]) -> list[str]:
    """The names as ir_measures writes them, without repeats.

    Raises:
        InputError: one sentence for each name that is no measure or that nothing here computes.
    """
    faults, good = [], []
    for name in names:
        measure = _parse(name)
        if measure is None:
            faults.append(f"指标“{name}”无法识别，应为ir_measures的写法，例如nDCG@10、RR@10、R@5。")
        else:
            good.append(str(measure))
    refuse(faults)
    return list(dict.fromkeys(good))


def _parse(name: str) -> Any | None:
    """The measure of a name, None where there is none or no installed provider computes it."""
    try:
        measure = ir_measures.parse_measure(name)
        ir_measures.evaluator([measure], {"q": {"d": 1}}).calc_aggregate({"q": {"d": 1.0}})
    except (NameError, ValueError, AssertionError, TypeError, KeyError, RuntimeError):
        return None
    return measure


def per_query(names: Sequence[str], qrels: Qrels, run: Run) -> Values:
    """Measure name -> query id -> value, for every judged query, in the judgements' order."""
    parsed = {name: ir_measures.parse_measure(name) for name in names}
    values: Values = {name: dict.fromkeys(qrels, 0.0) for name in names}
    scores: Mapping[str, Mapping[str, float]] = {
        query: {hit.passage: hit.score for hit in ranking}
        for query, ranking in run.items()
        if ranking and query in qrels
    }
    by_measure = {measure: name for name, measure in parsed.items()}
    for metric in ir_measures.iter_calc(list(parsed.values()), qrels, scores):
        values[by_measure[metric.measure]][metric.query_id] = float(metric.value)
    return values
