"""TREC runs: ``qid Q0 docid rank score tag``, and the rule that breaks ties.

trec_eval ignores the rank column, sorts by score and breaks ties by docid, in 32-bit floats. So a
ranking is settled before it is measured or saved: equal scores keep their order (passages that
stand earlier in the corpus first), and each score is pressed at least one float32 step below the
one before it. What is measured is exactly what is saved.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eval.faults import read_lines, refuse

__all__ = ["TIE_RULE", "Ranked", "Run", "load_run", "save_run", "settle"]

TIE_RULE = "equal scores: corpus order, pressed one float32 step apart"


class Ranked(NamedTuple):
    """One line of a run."""

    passage: str
    score: float


Run = dict[str, list[Ranked]]


def settle(ranking: Iterable[tuple[str, float]]) -> list[Ranked]:
    """Make a best-first ranking's scores strictly decreasing in float32, order unchanged."""
    settled: list[Ranked] = []
    last = np.float32(np.inf)
    for passage, score in ranking:
        step = np.float32(score)
        if not step < last:
            step = np.nextafter(last, np.float32(-np.inf))
        settled.append(Ranked(passage, float(step)))
        last = step
    return settled


def save_run(run: Run, path: Path, tag: str) -> None:
    """Write a settled run; nine digits bring every float32 back unchanged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{query} Q0 {hit.passage} {rank} {hit.score:.9g} {tag}"
        for query, ranking in run.items()
        for rank, hit in enumerate(ranking, start=1)
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")


def load_run(path: Path) -> Run:
    """Read a TREC run, anyone's: ordered by score, ties by docid descending as trec_eval does.

    Raises:
        InputError: one sentence for each fault.
    """
    faults: list[str] = []
    found: dict[str, dict[str, float]] = {}
    for number, line in read_lines(path, faults):
        _read_line(line, f"{path.name}第{number}行", found, faults)
    if not found and not faults:
        faults.append(f"结果文件“{path}”是空的，应每行为“qid Q0 docid 名次 分数 标签”。")
    refuse(faults)
    return {query: settle(_trec_order(list(scores.items()))) for query, scores in found.items()}


def _read_line(
    line: str, where: str, found: dict[str, dict[str, float]], faults: list[str]
) -> None:
    fields = line.split()
    if len(fields) != 6:
        faults.append(f"{where}有{len(fields)}列，应为“qid Q0 docid 名次 分数 标签”六列。")
        return
    query, _, passage, _, score, _ = fields
    try:
        value = float(score)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        faults.append(f"{where}的分数“{score}”不是有限的数，请改正。")
    elif passage in found.setdefault(query, {}):
        faults.append(f"{where}中问题“{query}”的段落“{passage}”出现了两次，请删去其一。")
    else:
        found[query][passage] = value


def _trec_order(scores: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    by_name = sorted(scores, key=lambda pair: pair[0], reverse=True)
    return sorted(by_name, key=lambda pair: np.float32(pair[1]), reverse=True)
