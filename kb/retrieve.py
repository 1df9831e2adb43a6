"""Query -> hits: every passage is scored by several views, and the views are fused.

Views of a passage: ``passage`` (its text with headings, dense), ``sentence`` (its best sentence,
dense), ``question`` (its three nearest bank questions, dense), ``phrasing`` (a model of all its bank
questions), ``lexical`` (BM25 over the words of its text and headings) and ``bigrams`` (BM25 over
pairs of characters of its text, headings and bank questions). Which views count and how much was
chosen on development data: with a bank, the passage and word views add nothing to the others. The
methods ``bm25`` and ``dense`` are the plain baselines over the passage alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.addresses import on_pages
from kb.asks import asking_clauses, without_place
from kb.bank_graph import Near
from kb.encoder import Encoder, Span, encode_question
from kb.fusion import adaptive_weights, top_rows, weighted_sum
from kb.index import Index
from kb.lexicon import Reading
from kb.schema import Hit, Method, Role

__all__ = ["BANK_WEIGHTS", "Query", "Retriever", "Scored"]

Scores = NDArray[np.float32]
BANK_WEIGHTS: Mapping[str, float] = {
    "sentence": 1.0,
    "question": 3.0,
    "phrasing": 2.0,
    "bigrams": 1.0,
}
"""``phrasing`` counts less for a query of a dialogue: see ``lifts``."""

NEAR_QUESTIONS = 400
QUESTIONS_A_PASSAGE = 3
ROLE_BONUS = 1.0
CONTEXT_WEIGHT, CONTEXT_WEIGHT_SHORT = 1.0, 2.5
FEW_TOKENS = 2
CANDIDATES = 200


class Query(NamedTuple):
    """A query made ready: as read by the lexicon, its tokens, its vector, shape ``(d,)``, the banks.

    ``near`` says how like it is to the questions of both banks; ``parts`` are its clauses, made
    ready too, where two or more of them ask something.
    """

    text: str
    reading: Reading
    tokens: tuple[str, ...]
    vector: Scores
    near: Near
    parts: tuple[Query, ...] = ()


class Scored(NamedTuple):
    """Scores of every passage by view, fused, and of every sentence and bank question.

    ``nearest`` are the rows of the ``NEAR_QUESTIONS`` nearest bank questions, best first;
    ``phrasing`` says how much the query reads like an answerable one; ``before`` holds the scores
    of the query joined with the question that it leans on.
    """

    views: dict[str, Scores]
    fused: Scores
    sentences: Scores
    questions: Scores
    outside: Scores
    nearest: Sequence[int] = ()
    phrasing: float = 0.0
    before: Scored | None = None


class Retriever:
    """Scores the passages of one index with one encoder; keeps nothing of a query."""

    def __init__(
        self, index: Index, encoder: Encoder, weights: Mapping[str, float] | None = None
    ) -> None:
        self.index = index
        self.encoder = encoder
        self.weights = dict(BANK_WEIGHTS if weights is None else weights)
        self._sentence_rows = rows = np.array([s.row for s in index.sentences], dtype=np.int64)
        self._keyed, self._first_key = np.unique(rows, return_index=True)
        self._keys_end = np.append(self._first_key[1:], rows.size)
        self._read = lru_cache(maxsize=256)(self._read_once)  # a question is read several times
        self._of_role: dict[Role, Scores] = {}
        asked = [sorted({t.row for t in places}) for places in index.targets]
        self._rows_asked = np.array([row for rows in asked for row in rows], dtype=np.int64)
        self._asked_end = np.cumsum([len(rows) for rows in asked], dtype=np.int64)

    def _read_once(self, text: str) -> Reading:
        """A text as the lexicon reads it, slips of sound corrected first, words for a place left out."""
        subject = without_place(on_pages(text)[1])
        heard, slips = self.index.homophones.correct(subject, self.index.tokenizer)
        reading = self.index.lexicon.read(heard)
        return reading._replace(corrections=(*slips, *reading.corrections))

    def read(self, text: str) -> Query:
        """Read a query: slips corrected, everyday words joined by the guide's, tokens, vector."""
        return self.read_all([text])[0]

    def read_question(self, text: str, *others: str) -> list[Query]:
        """Read a question with its parts, and other texts beside it."""
        spans = asking_clauses(self._read(text).text)
        first, *rest = self.read_all([text, *others], spans)
        return [first._replace(parts=tuple(rest[len(others) :])), *rest[: len(others)]]

    def read_all(self, texts: Sequence[str], clauses: Sequence[Span] = ()) -> list[Query]:
        """Read queries, and clauses of the first as it reads; vectors are made side by side."""
        readings = [self._read(text) for text in texts]
        folded = [reading.text for reading in readings]
        vectors = self._encode(list(texts), folded, clauses)
        parts = [folded[0][start:end] for start, end in clauses]
        readings += [self._read(part) for part in parts]
        return [
            Query(text, reading, self._tokens(reading), vector, near)
            for text, reading, vector, near in zip(
                [*texts, *parts], readings, vectors, self._near(vectors), strict=True
            )
        ]

    def _tokens(self, reading: Reading) -> tuple[str, ...]:
        cut = self.index.tokenizer.content_tokens  # apart, so that words often added are kept cut
        return tuple(token for text in (reading.text, *reading.added) for token in cut(text))

    def _encode(
        self, written: Sequence[str], folded: Sequence[str], clauses: Sequence[Span]
    ) -> Scores:
        """The vectors of queries as read, one a row, then those of clauses of the first.

        Passages are encoded in their own script, so without a bank, which is in simplified
        characters, a query in Traditional ones is taken between its two forms.
        """
        own_script = [
            row
            for row, (ours, theirs) in enumerate(zip(written, folded, strict=True))
            if "questions" not in self.index.dense
            and unicodedata.normalize("NFKC", ours).lower() != theirs
        ]
        texts = [*folded, *(written[row] for row in own_script)]
        every = encode_question(self.encoder, texts, clauses)
        if not own_script:
            return every
        vectors = np.array(every[: len(folded)], dtype=np.float32)
        mean = vectors[own_script] + every[len(folded) : len(texts)]
        lengths = np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        vectors[own_script] = mean / lengths
        return np.concatenate([vectors, every[len(texts) :]])

    def score(self, query: Query, role: Role | None = None, leaning: bool = False) -> Scored:
        """Score every passage, sentence and bank question; a role's own passages get a bonus.

        ``leaning``: the query is part of a dialogue.
        """
        index = self.index
        near = query.near
        views, sentences, nearest = self._views(query)
        phrasing = 0.0
        if index.phrasing is not None and near.sums.size:
            phrased = index.phrasing.score(query.reading.text, near.sums)
            phrasing = phrased.answerable
            if phrased.passages.size:
                views["phrasing"] = self._spread(phrased.passages, index.phrasing.rows)
        left_out = {"phrasing"} if leaning else frozenset[str]()
        counted = {name: view for name, view in views.items() if name not in left_out}
        fused = self._fuse(counted, role, query)
        return Scored(views, fused, sentences, near.questions, near.outside, nearest, phrasing)

    def asked_next(self, query: Query, shown: int | None) -> Scores | None:
        """How much each passage is what people ask for next with such words; None without a bank.

        ``shown`` is the row of the passage that the query follows.
        """
        model = self.index.followups
        if model is None:
            return None
        graph = self.index.followups_graph
        if graph is not None:
            similarity = graph.likeness(query.vector[None, :])[0]
        else:
            similarity = self.index.dense["followups"].scores(query.vector)
        return self._spread(model.score(similarity, shown), model.rows)

    def _spread(self, scores: Scores, rows: NDArray[np.int64]) -> Scores:
        """The scores of some rows over all passages; the others get the lowest."""
        lowest = float(scores.min()) if scores.size else 0.0
        view = np.full(len(self.index.passages), lowest, dtype=np.float32)
        view[rows] = scores
        return view

    def rank(self, query: Query, role: Role | None = None) -> Scores:
        """The fused score of every passage, and nothing else."""
        views, _, _ = self._views(query)
        return self._fuse(views, role, query)

    def _near(self, vectors: Scores) -> list[Near]:
        """Queries compared with both banks; nothing for a bank that is not there."""
        if self.index.bank_graph is not None:
            return self.index.bank_graph.near(vectors)
        return [self._near_by_vectors(vector) for vector in vectors]

    def _near_by_vectors(self, vector: Scores) -> Near:
        index, nothing = self.index, np.zeros(0, dtype=np.float32)
        questions, outside = (
            index.dense[name].scores(vector) if name in index.dense else nothing
            for name in ("questions", "outside")
        )
        if index.phrasing is None:
            return Near(questions, outside, nothing)
        sums = index.phrasing.of_questions(np.concatenate([questions, outside]))
        return Near(questions, outside, sums)

    def _views(self, query: Query) -> tuple[dict[str, Scores], Scores, Sequence[int]]:
        """Every view's scores; those of sentences; the nearest bank questions."""
        index, questions = self.index, query.near.questions
        sentences = index.dense["sentences"].scores(query.vector)
        views = {
            "passage": index.dense["passages"].scores(query.vector),
            "sentence": self._best(sentences),
        }
        nearest: Sequence[int] = ()
        if questions.size:
            nearest = top_rows(questions, NEAR_QUESTIONS)
            views["question"] = self._question_view(questions, np.array(nearest, dtype=np.int64))
        views["lexical"] = index.lexical["passages"].scores(query.tokens)
        views["bigrams"] = index.lexical["bigrams"].scores(
            index.tokenizer.bigrams(query.reading.text)
        )
        if not index.dense["sentences"].exact:
            self._complete(views, sentences, query)
        return views, sentences, nearest

    def score_in_context(self, query: Query, joined: Query, role: Role | None = None) -> Scored:
        """Like ``score``; the query joined with what it leans on counts as much as by itself.

        It counts for more where the query itself says next to nothing (怎么解决).
        """
        scored = self.score(query, role, leaning=True)
        before = self.score(joined, role, leaning=True)
        own = set(self.index.tokenizer.content_tokens(query.text))
        weight = CONTEXT_WEIGHT_SHORT if len(own) <= FEW_TOKENS else CONTEXT_WEIGHT
        return scored._replace(fused=scored.fused + weight * before.fused, before=before)

    def _question_view(self, similarity: Scores, nearest: NDArray[np.int64]) -> Scores:
        """Mean similarity of each passage's nearest bank questions.

        Only the nearest questions of all are looked at, best first; a passage with fewer among them counts
        the farthest of these in their place.
        """
        floor = similarity[nearest[-1]]
        ends = self._asked_end[nearest]
        counts = ends - np.where(nearest > 0, self._asked_end[nearest - 1], 0)
        firsts = np.repeat(ends - counts.cumsum(), counts)
        rows = self._rows_asked[firsts + np.arange(counts.sum())]
        above = np.repeat(similarity[nearest] - floor, counts)
        by_row = np.argsort(rows, kind="stable")  # within a row, nearest first
        rows, above = rows[by_row], above[by_row]
        place = np.arange(rows.size) - np.searchsorted(rows, rows)
        kept = place < QUESTIONS_A_PASSAGE
        total = np.bincount(rows[kept], weights=above[kept], minlength=len(self.index.passages))
        return np.asarray(floor + total / QUESTIONS_A_PASSAGE, dtype=np.float32)

    def _fuse(self, views: dict[str, Scores], role: Role | None, query: Query) -> Scores:
        weights = self.weights
        if "question" not in views:
            weights = adaptive_weights(views, self.index.lexical["passages"].ceiling(query.tokens))
        fused = weighted_sum(views, weights)
        if role is not None:
            fused = fused + ROLE_BONUS * self.in_role(role)
        return fused

    def in_role(self, role: Role) -> Scores:
        """1 for the passages of a role, else 0; made once, since it looks at every passage."""
        if role not in self._of_role:
            told = [passage.role == role for passage in self.index.passages]
            self._of_role[role] = np.array(told, dtype=np.float32)
        return self._of_role[role]

    def _best(self, scores: Scores) -> Scores:
        """The best key score of each passage; one without keys gets the lowest score there is."""
        floor = float(scores.min()) if scores.size else 0.0
        best = np.full(len(self.index.passages), floor, dtype=np.float32)
        keys = np.flatnonzero(scores > floor)
        np.maximum.at(best, self._sentence_rows[keys], scores[keys])
        return best

    def _complete(self, views: dict[str, Scores], sentences: Scores, query: Query) -> None:
        """Give the best passages of each view their own scores where a graph did not reach them.

        The graphs know the nearest rows only; all others stand at the lowest score among these.
        """
        best = [_reached(views[name]) for name in ("passage", "sentence", "bigrams")]
        rows = np.unique(np.concatenate(best))
        dense = self.index.dense
        if not dense["passages"].exact:
            views["passage"][rows] = dense["passages"].scores_of(query.vector, rows)
        spans = np.flatnonzero(np.isin(self._keyed, rows))
        keys = [np.arange(self._first_key[n], self._keys_end[n]) for n in spans]
        every = np.concatenate([np.zeros(0, dtype=np.int64), *keys])
        sentences[every] = dense["sentences"].scores_of(query.vector, every)
        views["sentence"] = self._best(sentences)

    def retrieve(self, text: str, k: int = 10, method: Method = "hybrid") -> list[Hit]:
        """Rank passages; at most ``k`` hits, best first, equal scores in document order."""
        query = self.read(text)
        if method == "bm25":
            scores = self.index.lexical["passages"].scores(query.tokens)
        elif method == "dense":
            scores = self.index.dense["passages"].scores(query.vector)
        else:
            scores = self.score(query).fused
        return [Hit(row, float(scores[row])) for row in top_rows(scores, k)]


def _reached(scores: Scores) -> NDArray[np.int64]:
    """The ``CANDIDATES`` best rows among those above the lowest score."""
    rows = np.flatnonzero(scores > scores.min(initial=np.inf))
    return np.asarray(rows[top_rows(scores[rows], CANDIDATES)], dtype=np.int64)
