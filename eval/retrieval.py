"""Rank a BEIR dataset's passages by each method; measures with intervals, latency beside them.

``bm25``, ``dense`` and ``hybrid`` are ``kb.retrieve.Retriever.retrieve`` over an index in memory.
``--bm25 k1=…,b=…`` instead runs the plain textbook baseline: every token of ``title text`` and of
the query by ``Tokenizer().tokens``, no stop words removed. ``rrf`` joins the hundred best of the
first BM25 named and of ``dense`` by reciprocal rank, as most search engines do.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from eval.beir import Dataset
from eval.faults import refuse
from eval.intervals import SEED, Estimate, bootstrap_mean
from eval.material import BlockEncoder, NoEncoder, lexical_index, make_index, to_material
from eval.measures import per_query
from eval.provenance import Provenance
from eval.runs import TIE_RULE, Run, save_run, settle
from eval.tables import Table
from kb.build import Material
from kb.errors import InputError
from kb.fusion import reciprocal_rank, top_rows
from kb.index import make_tokenizer
from kb.lexicon import Lexicon
from kb.retrieve import Retriever
from kb.schema import Frozen, Hit
from kb.settings import Settings
from kb.tokenizer import Tokenizer

__all__ = [
    "METHODS",
    "Baseline",
    "Bm25",
    "MethodReport",
    "RetrievalReport",
    "measure_dataset",
    "measure_methods",
    "parse_bm25",
    "parse_methods",
    "retrieval_table",
    "sample_queries",
]

DEPTH = 100
RankedBy = Literal["bm25", "dense", "rrf", "hybrid"]
METHODS: tuple[RankedBy, ...] = get_args(RankedBy)
Progress = Callable[[str], None]
Ranker = Callable[[str], Sequence[Hit]]


class Bm25(NamedTuple):
    """Parameters of the textbook baseline."""

    k1: float
    b: float


class MethodReport(Frozen):
    """One method's measures, and the milliseconds one query took, encoding included."""

    method: str
    measures: dict[str, Estimate]
    p50_ms: float
    p95_ms: float
    run: str | None


class RetrievalReport(Frozen):
    """All methods on one dataset."""

    provenance: Provenance
    dataset: str
    split: str
    passages: int
    queries: int
    tie_rule: str
    methods: tuple[MethodReport, ...]


class Baseline:
    """The textbook baseline as a ranker: BM25 over all tokens of title and text."""

    def __init__(self, material: Material, tokenizer: Tokenizer, parameters: Bm25) -> None:
        self._tokenizer = tokenizer
        self.index = lexical_index(material, tokenizer, parameters.k1, parameters.b)

    def rank(self, query: str) -> list[Hit]:
        """The best passages, equal scores in corpus order."""
        scores = self.index.lexical["passages"].scores(self._tokenizer.tokens(query))
        return [Hit(row, float(scores[row])) for row in top_rows(scores, DEPTH)]


def parse_bm25(text: str) -> Bm25:
    """Read ``k1=1.5,b=0.75``.

    Raises:
        InputError: not in that form, or out of range.
    """
    found = re.fullmatch(r"\s*k1\s*=\s*([\d.]+)\s*,\s*b\s*=\s*([\d.]+)\s*", text)
    try:
        k1, b = (float(value) for value in found.groups()) if found else (-1.0, -1.0)
    except ValueError:
        k1, b = -1.0, -1.0
    if not (k1 >= 0 and 0 <= b <= 1):
        raise InputError(f"BM25参数“{text}”无效，应写成k1=1.5,b=0.75（k1不小于0，b在0到1之间）。")
    return Bm25(k1, b)


def parse_methods(names: Sequence[str]) -> list[RankedBy]:
    """The methods named, without repeats.

    Raises:
        InputError: one sentence for each name that is no method.
    """
    refuse(
        [f"检索方法“{n}”不存在，应为{'、'.join(METHODS)}之一。" for n in names if n not in METHODS]
    )
    return [method for method in METHODS if method in names]


def sample_queries(dataset: Dataset, n: int | None, seed: int = SEED) -> Dataset:
    """A seeded sample of ``n`` queries with their judgements, in file order; all when None."""
    if n is None or n >= len(dataset.queries):
        return dataset
    names = list(dataset.queries)
    rows = sorted(np.random.default_rng(seed).choice(len(names), n, replace=False).tolist())
    kept = [names[row] for row in rows]
    return dataset._replace(
        queries={name: dataset.queries[name] for name in kept},
        qrels={name: dataset.qrels[name] for name in kept},
    )


def measure_methods(
    dataset: Dataset,
    rankers: Mapping[str, Ranker],
    passages: Sequence[str],
    names: Sequence[str],
    folder: Path | None,
) -> tuple[MethodReport, ...]:
    """Run every ranker over the queries and measure it.

    Args:
        dataset: queries and judgements.
        rankers: method name -> a function from a query to hits, best first.
        passages: the passage id of each row.
        names: measures in ir_measures notation, checked.
        folder: where runs are saved, or None.
    """
    reports = []
    for method, rank in rankers.items():
        run, seconds = _time_run(dataset.queries, rank, passages)
        values = per_query(names, dataset.qrels, run)
        path = None
        if folder is not None:
            path = folder / f"{re.sub(r'[^A-Za-z0-9.=-]+', '-', method)}.run"
            save_run(run, path, path.stem)
        p50, p95 = np.quantile(seconds, (0.5, 0.95)) * 1000
        reports.append(
            MethodReport(
                method=method,
                measures={name: bootstrap_mean(list(values[name].values())) for name in names},
                p50_ms=float(p50),
                p95_ms=float(p95),
                run=None if path is None else str(path),
            )
        )
    return tuple(reports)


def _time_run(
    queries: Mapping[str, str], rank: Ranker, passages: Sequence[str]
) -> tuple[Run, Sequence[float]]:
    run: Run = {}
    seconds = []
    for number, (name, text) in enumerate(queries.items()):
        if number == 0:
            rank(text)
        start = time.perf_counter()
        hits = rank(text)
        seconds.append(time.perf_counter() - start)
        run[name] = settle((passages[hit.row], hit.score) for hit in hits)
    return run, seconds


def rankers(
    material: Material,
    methods: Sequence[RankedBy],
    baselines: Sequence[Bm25],
    settings: Settings,
    progress: Progress,
) -> tuple[dict[str, Ranker], str | None]:
    """One ranker per method (``bm25``: one per baseline), and the encoder's name where one is used."""
    tokenizer = make_tokenizer(settings, Lexicon())
    words: dict[str, Ranker] = {
        f"bm25 k1={each.k1:g} b={each.b:g}": Baseline(material, tokenizer, each).rank
        for each in baselines
    }
    if not words and {"bm25", "rrf"} & set(methods):
        alone = make_index(material, tokenizer, NoEncoder(), progress)
        words["bm25"] = _ranker(Retriever(alone, NoEncoder()), "bm25")
    made = dict(words) if "bm25" in methods else {}
    if set(methods) == {"bm25"}:
        return made, None
    encoder = BlockEncoder(settings, progress)
    retriever = Retriever(make_index(material, tokenizer, encoder, progress), encoder)
    for method in methods:
        if method == "rrf":
            made[method] = _joined(next(iter(words.values())), _ranker(retriever, "dense"))
        elif method != "bm25":
            made[method] = _ranker(retriever, method)
    return made, encoder.name


def _ranker(retriever: Retriever, method: Literal["bm25", "dense", "hybrid"]) -> Ranker:
    return lambda text: retriever.retrieve(text, DEPTH, method)


def _joined(*parts: Ranker) -> Ranker:
    """Reciprocal rank fusion of rankers; equal scores in corpus order."""

    def rank(text: str) -> list[Hit]:
        fused = reciprocal_rank([[hit.row for hit in part(text)] for part in parts])
        best = sorted(fused, key=lambda row: (-fused[row], row))[:DEPTH]
        return [Hit(row, fused[row]) for row in best]

    return rank


def measure_dataset(
    dataset: Dataset,
    methods: Sequence[RankedBy],
    names: Sequence[str],
    baselines: Sequence[Bm25],
    folder: Path | None,
    settings: Settings,
    describe: Callable[[str | None], Provenance],
    progress: Progress,
) -> RetrievalReport:
    """Measure methods on a dataset, from index to report."""
    material = to_material(dataset.corpus)
    made, encoder = rankers(material, methods, baselines, settings, progress)
    ids = [passage.id for passage in material.passages]
    return RetrievalReport(
        provenance=describe(encoder),
        dataset=dataset.name,
        split=dataset.split,
        passages=len(ids),
        queries=len(dataset.queries),
        tie_rule=TIE_RULE,
        methods=measure_methods(dataset, made, ids, names, folder),
    )


def retrieval_table(report: RetrievalReport) -> Table:
    """Methods down, measures across."""
    names = list(report.methods[0].measures)
    rows = [
        [m.method, *(str(m.measures[n]) for n in names), f"{m.p50_ms:.1f}", f"{m.p95_ms:.1f}"]
        for m in report.methods
    ]
    return Table(
        f"{report.dataset} {report.split}: {report.passages} passages, {report.queries} queries",
        ("method", *names, "p50 ms", "p95 ms"),
        rows,
        f"95 % percentile bootstrap over queries. Ties: {report.tie_rule}.",
        report.provenance.command,
    )
