"""Scores and signs -> the probability that the documents answer, the state, and the reason.

The probability is a logistic model over features that can be explained one by one; its
coefficients are fitted by ``python -m eval.calibrate`` on the development split and kept in
``corpus/calibration.json``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb import asks
from kb.errors import CorpusError
from kb.fusion import top_rows
from kb.index import Index
from kb.outline import Listing, listings
from kb.plans import Plan
from kb.retrieve import Query, Scored
from kb.schema import Status
from kb.terms import asked_terms, asks_only_meaning
from kb.tokenizer import fold

__all__ = ["Calibration", "Judge", "Judgement", "load_calibration"]

Scores = NDArray[np.float32]
COUNTED: Mapping[str, tuple[str, ...]] = {
    "guide:*": ("条", "项", "措施", "点", "举措"),
    "guide:0": ("大部分", "章", "部分"),
    "guide:1-2": ("原则",),
    "interpretation:3": ("问", "问题"),
    "glossary:0": ("名词",),
}
"""Units that an ordinal counts, by the list that it counts in; the last names the list's items."""

VETOES = ("exceeds", "injection", "orders", "empty_page")
CERTAIN = 0.99
"""What stands at a place named, and an entry of the glossary, are no matter of likeness."""

NEAREST = 3
VOTERS, SAMPLED = 10, 8
TEMPERATURE = 0.015
LATIN_TERM = re.compile(r"[a-z][a-z0-9+.-]{1,12}")
CAPITALS = re.compile(r"[A-Z][A-Z0-9+.-]{1,12}(?![a-z])")
QUOTATION_MARKS = re.compile(r"[“”\"「」『』]")
MEANING_FIRST = re.compile(
    r"^(?:请问|那|那么|到底|文件里|指南里)?(?:什么是|什么叫|啥是|啥叫|何为|何谓)(?:“|\")?(?P<term>[^，,。？?！!\s”\"]{2,10})(?:”|\")?[呀啊呢？?。]*$"
)
MEANING_LAST = re.compile(
    r"^(?:请问|那|那么|文件里|指南里)?(?:的|说的|提到的)?(?:“|\")?(?P<term>[^，,。？?！!\s”\"]{2,10}?)(?:”|\")?(?:到底|究竟|这个词|一词)?"
    r"(?:是(?:个)?(?:什么|啥|神马)(?:意思|概念)|(?:什么|啥)意思|的?(?:官方)?定义(?:是什么|是啥)?|怎么(?:定义|解释)|指(?:的)?(?:是)?(?:什么|啥)|的含义(?:是什么)?)[呀啊呢？?。]*$"
)


class Judgement(NamedTuple):
    """The state with its probability, reason code, values for the reason's sentence, features."""

    status: Status
    confidence: float
    reason: str | None
    values: dict[str, object]
    features: dict[str, float]


class Calibration(NamedTuple):
    """A logistic model over named features, and the two thresholds."""

    intercept: float
    weights: dict[str, float]
    answered: float
    related: float

    def probability(self, features: Mapping[str, float]) -> float:
        """Logistic function of the weighted features; names without a weight count nothing."""
        z = self.intercept + sum(w * features.get(name, 0.0) for name, w in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))


def load_calibration(path: Path) -> dict[str, Calibration]:
    """Read ``calibration.json``: one model for a corpus with banks, one for a corpus without.

    Raises:
        CorpusError: missing or not in the expected form.
    """
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: Calibration(
                float(model["intercept"]),
                {k: float(v) for k, v in model["weights"].items()},
                float(model["answered"]),
                float(model["related"]),
            )
            for name, model in data["models"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorpusError(
            f"校准文件 {path.name} 缺失或无法读取，请恢复该文件或重新校准。"
        ) from error


class Judge:
    """Judges queries over one index."""

    def __init__(self, index: Index, calibrations: Mapping[str, Calibration]) -> None:
        self.index = index
        with_bank = "questions" in index.dense and "outside" in index.dense
        self.calibration = calibrations["bank" if with_bank else "plain"]
        tokens = index.tokenizer.tokens
        self._passage_tokens = [frozenset(tokens(p.embedding_text)) for p in index.passages]
        self._known = (
            frozenset().union(*self._passage_tokens) if self._passage_tokens else frozenset()
        )
        self._asked = self._known | index.asked
        text = fold("\n".join(d.text for d in index.documents.values()))
        self._text = QUOTATION_MARKS.sub("", text)  # 链式转型 stands there as “链式”转型
        self._listings = listings(index.documents, index.passages)
        self._idf = self._document_frequencies()
        self._rarest = max(self._idf.values(), default=1.0)

    def _document_frequencies(self) -> dict[str, float]:
        count = len(self._passage_tokens)
        frequency: dict[str, int] = {}
        for tokens in self._passage_tokens:
            for token in tokens:
                frequency[token] = frequency.get(token, 0) + 1
        return {t: math.log(1 + (count - n + 0.5) / (n + 0.5)) for t, n in frequency.items()}

    def features(self, query: Query, scored: Scored, plan: Plan) -> dict[str, float]:
        """The explainable features of a query, by name."""
        return {
            **self._bank_features(scored),
            **self._context_features(scored.before),
            **self._text_features(query, scored),
            **self._sign_features(query, scored, plan),
        }

    def _context_features(self, before: Scored | None) -> dict[str, float]:
        """What a follow-up is like together with the question that it leans on."""
        if before is None or not before.questions.size or not before.outside.size:
            return {}
        inside, outside = before.questions[[*before.nearest[:VOTERS]]], _largest(before.outside)
        return {
            "follows": 1.0,
            "context_like": before.phrasing,
            "context_gap": 20 * float(inside[:NEAREST].mean() - outside[:NEAREST].mean()),
        }

    def _bank_features(self, scored: Scored) -> dict[str, float]:
        if not scored.questions.size or not scored.outside.size:
            return {}
        inside, outside = scored.questions[[*scored.nearest[:VOTERS]]], _largest(scored.outside)
        near_in, near_out = float(inside[:NEAREST].mean()), float(outside[:NEAREST].mean())
        best = max(float(inside[0]), float(outside[0]))
        vote_in = float(np.exp((inside[:VOTERS] - best) / TEMPERATURE).sum())
        vote_out = float(np.exp((outside[:VOTERS] - best) / TEMPERATURE).sum())
        return {
            "reads_like": scored.phrasing,
            "bank_near": 20 * (near_in - 0.9),
            "outside_near": 20 * (near_out - 0.9),
            "bank_gap": 20 * (near_in - near_out),
            "bank_top_gap": 20 * (float(inside[0]) - float(outside[0])),
            "bank_vote": math.log((vote_in + 0.05) / (vote_out + 0.05)),
            "bank_agreement": self._agreement(scored),
        }

    def _agreement(self, scored: Scored) -> float:
        """Share of the nearest bank questions whose evidence is in the best passage."""
        best = top_rows(scored.fused, 2)
        nearest = scored.nearest[:5]
        hits = [any(t.row in best for t in self.index.targets[q]) for q in nearest]
        return sum(hits) / max(1, len(hits))

    def _text_features(self, query: Query, scored: Scored) -> dict[str, float]:
        own = self.index.tokenizer.content_tokens(query.reading.text)
        top = top_rows(scored.fused, 3)
        first = self._passage_tokens[top[0]]
        near = frozenset().union(*(self._passage_tokens[row] for row in top))
        # a word that the documents do not use weighs as much as their rarest
        weights = [(token, self._idf.get(token, self._rarest)) for token in own]
        return {
            "cover_first": _share(weights, first),
            "cover_near": _share(weights, near),
            "cover_known": _share(weights, self._known),
            "cover_asked": _share([(token, 1.0) for token, _ in weights], self._asked),
            "sentence_top": 20 * (float(scored.sentences.max()) - 0.85),
            "passage_top": 20 * (float(scored.views["passage"].max()) - 0.85),
            "lexical_top": math.log1p(max(0.0, float(scored.views["lexical"].max()))),
            "length": math.log1p(len(query.reading.text)),
        }

    def _sign_features(self, query: Query, scored: Scored, plan: Plan) -> dict[str, float]:
        text = query.reading.text
        kinds = self._missing_kinds(text, scored)
        return {
            **{kind: float(kind in kinds) for kind in asks.KINDS},
            "generation": float(asks.asks_generation(text)),
            "injection": float(asks.is_injection(text)),
            "orders": float(asks.orders_writing(text)),
            "exceeds": float(self._exceeded(text, plan) is not None),
            "empty_page": float(bool(plan.empty_pages) and not plan.pages),
            "absent_term": float(self._absent_term(query, self._asked) is not None),
            "undefined_term": float(self._undefined_term(text, plan) is not None),
            "term_plan": float(plan.kind == "term"),
            "list_plan": float(plan.kind in ("list", "item")),
        }

    def _missing_kinds(self, text: str, scored: Scored) -> list[str]:
        passage = self.index.passages[top_rows(scored.fused, 1)[0]].text
        return [k for k in asks.asked_kinds(text) if not asks.contains_kind(k, passage)]

    def _exceeded(self, text: str, plan: Plan) -> Listing | None:
        """The list that a query counts beyond the end of, or None."""
        if plan.address is not None:
            return None if plan.address.exists else plan.address.listing
        asked = asks.asked_number(text)
        if asked is None or asks.exceeds(asked, self._totals()) is None:
            return None
        counted = (name for name, units in COUNTED.items() if asked.unit in units)
        return self._listings[next(counted)]

    @staticmethod
    def _unit(listing: Listing) -> str:
        """What a list counts, in the words of a message."""
        if listing.id in COUNTED:
            return COUNTED[listing.id][-1]
        return f"“{listing.title[-1]}”的要点"

    def _totals(self) -> dict[str, int]:
        """How many of each counted unit the documents have, from their own lists."""
        return {
            unit: len(self._listings[name].items)
            for name, units in COUNTED.items()
            if name in self._listings
            for unit in units
        }

    def _absent_term(self, query: Query, known: frozenset[str]) -> str | None:
        """A Latin word that the documents never use, nor ``known``: the only one, or one in capitals (ERP).

        Other words of a question in English, or in two languages, are no terms.
        """
        words = LATIN_TERM.findall(query.reading.text)
        capitals = {word.lower() for word in CAPITALS.findall(query.text)}
        for word in words if len(words) == 1 else [w for w in words if w in capitals]:
            if word not in self._text and word not in ENGLISH and word not in known:
                return str(word)
        return None

    def _undefined_term(self, text: str, plan: Plan) -> str | None:
        """A term whose meaning is asked and that has no glossary entry."""
        found = MEANING_FIRST.match(text) or MEANING_LAST.match(text)
        if found is None or plan.kind == "term" or found["term"][0] in "它这那其该":
            return None
        return str(found["term"])

    def _is_entry_asked(self, query: Query, plan: Plan) -> bool:
        """Whether entries of the glossary are asked for, and shown."""
        return plan.kind == "term" and asks_only_meaning(query.reading.text, self.index.terms)

    def judge(self, query: Query, scored: Scored, plan: Plan) -> Judgement:
        """Decide the state of a query and say why."""
        features = self.features(query, scored, plan)
        probability = self.calibration.probability(features)
        undefined = features["undefined_term"] and features.get("bank_top_gap", 1.0) < 0
        if undefined or any(features[sign] for sign in VETOES):
            probability = min(probability, self.calibration.related)
        elif plan.is_named or self._is_entry_asked(query, plan):
            probability = max(probability, CERTAIN)
        if probability >= self.calibration.answered:
            return Judgement("answered", probability, None, {}, features)
        reason, values = self._reason(query, scored, plan, features)
        touches = probability >= self.calibration.related or reason in TOUCHING
        if reason == "term_absent":  # MES和ERP: what MES means is worth showing
            named = bool(asked_terms(query.reading.text, self.index.terms).terms)
            touches = named or (touches and fold(str(values["term"])) in self._asked)
        status: Status = "related" if touches and reason not in UNTOUCHED else "not_found"
        return Judgement(status, probability, reason, values, features)

    def _reason(
        self, query: Query, scored: Scored, plan: Plan, features: Mapping[str, float]
    ) -> tuple[str, dict[str, object]]:
        text = query.reading.text
        if features["injection"]:
            return "injection", {}
        if features["generation"] or features["orders"]:
            return "asks_generation", {}
        if (exceeded := self._exceeded(text, plan)) is not None:
            values = {"total": len(exceeded.items), "unit": self._unit(exceeded)}
            return "number_exceeds", {**values, "listing": exceeded.id}
        if plan.empty_pages:
            return "page_empty", {"page": plan.empty_pages[0]}
        kinds = self._missing_kinds(text, scored)
        neighbours = self._neighbour_reasons(scored)
        if kinds and not neighbours.count("off_topic") > 1:
            return kinds[0], {}
        if (term := self._undefined_term(text, plan)) is not None:
            inside = fold(term) in self._text
            code = "term_undefined" if inside else "term_absent"
            return code, {"term": _as_typed(term, query.text)}
        if (word := self._absent_term(query, self._known)) is not None:
            return "term_absent", {"term": _as_typed(word, query.text)}
        if (reason := self._neighbours_reason(scored)) is not None:
            return reason, {}
        unlike = features["cover_known"] < 0.35 and features["sentence_top"] < 0
        if neighbours.count("off_topic") > 2 or (unlike and neighbours.count("not_covered") < 2):
            return "off_topic", {}
        return "not_covered", {}

    def _neighbours_reason(self, scored: Scored) -> str | None:
        """The reason of the nearest question that is not answered, or None where one is nearer that is.

        What says something of the question itself (it asks to write, it presumes what is not so)
        must be the reason of two of the three nearest.
        """
        if not scored.outside.size or scored.outside.max() <= scored.questions.max(initial=0.0):
            return None
        reasons = self._neighbour_reasons(scored)
        return reasons[0] if reasons[0] == "off_topic" or reasons.count(reasons[0]) > 1 else None

    def _neighbour_reasons(self, scored: Scored) -> list[str | None]:
        """Why the three nearest questions outside the documents are not answered, nearest first."""
        nearest = top_rows(scored.outside, 3) if scored.outside.size else ()
        return [NEIGHBOUR_REASONS.get(self.index.outside[n].type) for n in nearest]


TOUCHING = frozenset(
    {
        "asks_amount",
        "asks_date",
        "asks_contact",
        "asks_vendor",
        "asks_place",
        "asks_procedure",
        "asks_statistics",
        "term_undefined",
        "number_exceeds",
        "not_covered",
        "false_premise",
    }
)
UNTOUCHED = frozenset({"off_topic", "injection", "asks_generation", "page_empty"})
NEIGHBOUR_REASONS = {
    "off_topic": "off_topic",
    "other_policy": "off_topic",
    "writing": "asks_generation",
    "chat_injection": "off_topic",
    "false_premise": "false_premise",
    "near_miss": "not_covered",
}
ENGLISH = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "be",
        "do",
        "does",
        "did",
        "can",
        "could",
        "should",
        "will",
        "would",
        "may",
        "what",
        "which",
        "who",
        "whom",
        "how",
        "why",
        "when",
        "where",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "with",
        "by",
        "and",
        "or",
        "not",
        "no",
        "any",
        "some",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "there",
        "our",
        "we",
        "us",
        "you",
        "your",
        "my",
        "me",
        "i",
        "if",
        "as",
        "about",
        "into",
        "than",
        "then",
        "so",
        "but",
        "company",
        "companies",
        "enterprise",
        "business",
        "small",
        "firm",
        "government",
    ]
)


def _as_typed(word: str, text: str) -> str:
    """A folded word in the letters of the query that it comes from."""
    at = text.lower().find(word)
    return text[at : at + len(word)] if at >= 0 else word


def _largest(values: Scores) -> Scores:
    """The largest few values, largest first."""
    sample = values[::SAMPLED]
    if sample.size > VOTERS:  # as many of all are no smaller than those of a sample
        values = values[values >= np.partition(sample, -VOTERS)[-VOTERS]]
    return np.sort(values)[::-1][:VOTERS]


def _share(weights: Sequence[tuple[str, float]], known: frozenset[str]) -> float:
    """Share of a query's content tokens that are known, by weight."""
    whole = sum(weight for _, weight in weights)
    return sum(weight for token, weight in weights if token in known) / whole if weights else 0.0
