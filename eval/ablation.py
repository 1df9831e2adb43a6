"""What each part adds: the same answerable questions, from BM25 alone to the whole planner.

Every row ranks passages (the last one: the planner's places) for the single questions of a file
and is judged by the same rule as the answers: is a fact inside the first quotes. Variants of the
index are made in memory from the vectors of the real one; nothing is encoded again. Bank samples
are nested: the 25 % are part of the 50 %. The parameters of each row are the product's own, not
fitted again to the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from eval.evidence import Found, find_facts
from eval.intervals import SEED, Estimate, bootstrap_mean, wilson
from eval.provenance import Provenance
from eval.questions import Ask
from eval.tables import Table
from kb.answer import Assistant
from kb.build import Material, build_views
from kb.encoder import FloatMatrix
from kb.errors import InputError
from kb.fusion import reciprocal_rank, top_rows
from kb.index import Index
from kb.lexicon import Lexicon
from kb.retrieve import Retriever
from kb.schema import Frozen, Role
from kb.tokenizer import Tokenizer

__all__ = [
    "ROWS",
    "AblationReport",
    "Row",
    "ablate",
    "ablation_table",
    "bank_sample",
    "planned",
    "row_of",
    "unknown_row",
]

DEPTH = 10
POOL = 100
Ranker = Callable[[str], Sequence[str]]
Maker = Callable[[Assistant, Tokenizer], Ranker]


class Row(Frozen):
    """One variant's figures."""

    name: str
    what: str
    first: Estimate
    first_three: Estimate
    facts: Estimate
    reciprocal_rank: Estimate


class AblationReport(Frozen):
    """All variants on the same questions."""

    provenance: Provenance
    questions: str
    n: int
    rows: tuple[Row, ...]


class KnownVectors:
    """An encoder that only looks up the vectors of an index that is there."""

    def __init__(self, index: Index) -> None:
        self.name = index.manifest.encoder
        self.dimension = index.manifest.dimension
        self.fingerprint = index.manifest.encoder_hash
        texts = {
            "passages": [p.embedding_text for p in index.passages],
            "sentences": [
                index.documents[index.passages[row].document_id].text[start:end]
                for row, start, end in index.sentences
            ],
            "questions": [q.query for q in index.questions],
        }
        self._known: dict[tuple[str, str], FloatMatrix] = {}
        for view, rows in texts.items():
            side = "query" if view == "questions" else "passage"
            if rows:
                vectors = index.dense[view].vectors()
                self._known.update(((side, t), v) for t, v in zip(rows, vectors, strict=True))

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of bank questions."""
        return np.stack([self._known["query", text] for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Vectors of passages and sentences."""
        return np.stack([self._known["passage", text] for text in texts])


def bank_sample(size: int, share: float, seed: int = SEED) -> list[int]:
    """Rows of a nested, seeded sample of a bank: a smaller share is part of a larger one."""
    order = np.random.default_rng(seed).permutation(size)
    return sorted(order[: round(share * size)].tolist())


def variant(index: Index, bank: float, plain: Tokenizer | None) -> Index:
    """The index with a share of its bank; without the lexicon where a plain tokenizer is given."""
    rows = bank_sample(len(index.questions), bank)
    tokenizer = plain or index.tokenizer
    material = Material(
        index.documents,
        tuple(index.passages),
        tuple(index.questions[row].query for row in rows),
        tuple(index.targets[row] for row in rows),
    )
    views = build_views(material, tokenizer, KnownVectors(index))
    return index._replace(
        questions=tuple(index.questions[row] for row in rows),
        targets=material.targets,
        outside=(),
        lexicon=Lexicon() if plain else index.lexicon,
        tokenizer=tokenizer,
        dense=views.dense,
        lexical=views.lexical,
        phrasing=None,
        followups=None,
        followups_graph=None,
        bank_graph=None,
    )


def _texts(index: Index, rows: Sequence[int]) -> list[str]:
    return [index.passages[row].text for row in rows]


def _baseline(method: str) -> Maker:
    """BM25 or dense over the passages alone, without lexicon, or both by reciprocal rank."""

    def make(assistant: Assistant, plain: Tokenizer) -> Ranker:
        retriever = Retriever(variant(assistant.index, 0.0, plain), assistant.retriever.encoder)

        def rows(text: str) -> list[int]:
            if method == "bm25":
                return [hit.row for hit in retriever.retrieve(text, DEPTH, "bm25")]
            if method == "dense":
                return [hit.row for hit in retriever.retrieve(text, DEPTH, "dense")]
            views = retriever.score(retriever.read(text)).views
            names = ("lexical", "passage", "sentence")[: 3 if method == "rrf3" else 2]
            fused = reciprocal_rank([top_rows(views[name], POOL) for name in names])
            return sorted(fused, key=lambda row: (-fused[row], row))[:DEPTH]

        return lambda text: _texts(retriever.index, rows(text))

    return make


def _hybrid(bank: float, lexicon: bool) -> Maker:
    """The product's weighted fusion over a variant of the index."""

    def make(assistant: Assistant, plain: Tokenizer) -> Ranker:
        index = variant(assistant.index, bank, None if lexicon else plain)
        retriever = Retriever(index, assistant.retriever.encoder)
        return lambda text: _texts(index, [h.row for h in retriever.retrieve(text, DEPTH)])

    return make


def _phrasing(assistant: Assistant, _: Tokenizer) -> Ranker:
    """The product's fusion over the index itself."""
    retriever = assistant.retriever
    return lambda text: _texts(
        retriever.index, [hit.row for hit in retriever.retrieve(text, DEPTH)]
    )


def _plans(assistant: Assistant, _: Tokenizer) -> Ranker:
    """What the planner would cite, refusal ignored."""
    return lambda text: planned(assistant, text)


def planned(
    assistant: Assistant, query: str, history: Sequence[str] = (), role: Role | None = None
) -> list[str]:
    """The quotes that the planner would cite, refusal ignored."""
    plan = assistant.explain(query, history, role).plan
    places = (*plan.direct, *plan.related) if plan is not None else ()
    documents = assistant.index.documents
    return [documents[p.document_id].text[p.start : p.end] for p in places]


ROWS: Mapping[str, tuple[str, Maker]] = {
    "bm25": ("BM25 over passages", _baseline("bm25")),
    "dense": ("vectors of passages", _baseline("dense")),
    "rrf": ("BM25 and passages, reciprocal rank", _baseline("rrf")),
    "sentences": ("+ sentence vectors, reciprocal rank", _baseline("rrf3")),
    "hybrid": ("weighted fusion, no bank, no lexicon", _hybrid(0.0, False)),
    "hybrid-lexicon": ("+ lexicon", _hybrid(0.0, True)),
    "bank-25": ("+ 25 % of the question bank", _hybrid(0.25, True)),
    "bank-50": ("+ 50 % of the question bank", _hybrid(0.5, True)),
    "bank-100": ("+ the whole question bank", _hybrid(1.0, True)),
    "bank-100-no-lexicon": ("the whole bank without lexicon", _hybrid(1.0, False)),
    "phrasing": ("+ the model of how questions are phrased", _phrasing),
    "plans": ("+ plans: terms, lists, clauses", _plans),
}


def ablate(
    assistant: Assistant,
    asks: Sequence[Ask],
    names: Sequence[str],
    questions: str,
    provenance: Provenance,
    plain: Tokenizer,
    progress: Callable[[str], None] = lambda _: None,
) -> AblationReport:
    """Measure the named rows, all when none is named, on answerable questions without history.

    Args:
        assistant: the product; variants are made from its index.
        asks: the questions of a file.
        names: rows of ``ROWS``.
        questions: the file's name.
        provenance: stands beside the figures.
        plain: a tokenizer without the lexicon's words.
        progress: told which row is being measured.

    Raises:
        InputError: a row of that name does not exist.
    """
    unknown_row(names, ROWS)
    single = [ask for ask in asks if not ask.unanswerable and not ask.history]
    rows = []
    for name in names or ROWS:
        progress(f"对照：{name}……")
        what, make = ROWS[name]
        rank = make(assistant, plain)
        rows.append(row_of(name, what, [find_facts(a.evidence, rank(a.query)) for a in single]))
    return AblationReport(
        provenance=provenance, questions=questions, n=len(single), rows=tuple(rows)
    )


def unknown_row(names: Sequence[str], rows: Mapping[str, object]) -> None:
    """Refuse a row that is not there.

    Raises:
        InputError: names the first.
    """
    if unknown := [name for name in names if name not in rows]:
        raise InputError(f"没有名为“{unknown[0]}”的对照，应为{'、'.join(rows)}之一。")


def row_of(name: str, what: str, found: Sequence[Found]) -> Row:
    """The figures of a variant from what it found for each question."""
    n = len(found)
    best = [min((r for r in f.ranks if r is not None), default=None) for f in found]
    return Row(
        name=name,
        what=what,
        first=wilson(sum(f.first for f in found), n),
        first_three=wilson(sum(f.first_three for f in found), n),
        facts=bootstrap_mean([f.share for f in found]),
        reciprocal_rank=bootstrap_mean([1 / rank if rank else 0.0 for rank in best]),
    )


def ablation_table(report: AblationReport) -> Table:
    """Rows down, each with the option that makes it alone."""
    rows = [
        [r.what, str(r.first), str(r.first_three), str(r.facts), str(r.reciprocal_rank),
         f"--row {r.name}"]
        for r in report.rows
    ]  # fmt: skip
    return Table(
        f"Ablation on {report.n} answerable single questions of {report.questions}",
        ("system", "first", "first three", "facts in 10", "MRR@10", "made by"),
        rows,
        "Refusal ignored. The command makes all rows; add the last column's option for one row.",
        report.provenance.command,
    )
