"""Query -> ``Answer``: dialogue, plan, judgement and citations put together; every door calls this.

The road: check the input -> resolve the dialogue -> score -> plan -> judge -> cite. Every quote is
read from the document by its offsets at the moment of answering.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from threading import BoundedSemaphore
from typing import NamedTuple

from kb.addresses import Address
from kb.answerable import Judge, Judgement
from kb.dialogue import Resolution, Turn, fresh, resolve
from kb.errors import InputError
from kb.fusion import top_rows
from kb.index import Index
from kb.lifts import Lifts
from kb.plans import Plan, Planner, more
from kb.retrieve import Query, Retriever, Scored
from kb.schema import Answer, Citation, Method, Role, SearchHit, Status
from kb.select import Place
from kb.settings import cores
from kb.wording import MESSAGES, reason_text

__all__ = ["MAX_QUERY", "Assistant", "Explained"]

MAX_QUERY = 500
SUGGESTIONS = 3
SUGGESTED_FROM = 120
RELATED_SHOWN = 3
REMEMBERED_TURNS = 8
KEPT, RECENT = 2048, 32
"""Answers kept, 14 KB each; and how many of them with all their scores, 120 KB each for this corpus."""

UNHEARD = frozenset({"off_topic", "injection"})
"""What a later question does not lean on: 今天天气怎么样 / 那银行呢."""

HEARD_WEIGHT = 0.7
"""A question of its own in a dialogue: how much it counts joined with the subject before."""

ASKED_ALONE = 0.965
LEAD_ALONE = -0.01
FOREIGN = frozenset({"off_topic", "chat_injection", "writing", "other_policy"})
GREETING = re.compile(
    r"^(?:你好|您好|hi|hello|嗨|哈喽|在吗|在么|早上好|上午好|下午好|晚上好)[啊呀吗么~～!！。，,. ]*$",
    re.IGNORECASE,
)
THANKS = re.compile(
    r"^(?:好的?[，, ]*)?(?:多谢|谢谢|感谢|thanks|thank you)[你您了啊啦~～!！。，,. 大家]*$",
    re.IGNORECASE,
)


class Explained(NamedTuple):
    """An answer with what led to it, for the why-this-passage view and the evaluation."""

    answer: Answer
    resolution: Resolution
    plan: Plan | None
    query: Query | None
    scored: Scored | None
    judgement: Judgement | None


class Past(NamedTuple):
    """What an earlier query of a dialogue leaves: its turn, its plan, why it was not answered."""

    turn: Turn
    kind: str
    plan: Plan | None
    reason: str | None


class Assistant:
    """Answers from one index; the same query on the same index gives the same answer."""

    def __init__(self, retriever: Retriever, judge: Judge) -> None:
        self.retriever = retriever
        self.index: Index = retriever.index
        self._row_of = self.index.row_of
        self.planner = Planner(retriever)
        self._lifts = Lifts(retriever, self.planner.named)
        self.judge = judge
        self._slots = BoundedSemaphore(cores() + 1)  # one may wait for the interpreter
        self._explain = lru_cache(maxsize=RECENT)(self._explain_uncached)
        self._answers = lru_cache(maxsize=KEPT)(self._answer_unkept)
        self._past = lru_cache(maxsize=KEPT)(self._past_unkept)

    def answer(self, query: str, history: Sequence[str] = (), role: Role | None = None) -> Answer:
        """Answer a query; unusable input gives a ``not_found`` answer with its reason.

        Args:
            query: the question as typed.
            history: earlier queries of the dialogue, oldest first.
            role: rank passages that address this reader higher.
        """
        try:
            text, earlier = clean(query), self.earlier(history)
        except InputError as error:
            return self._refuse(query, error.code, str(error))
        with self._slots:
            return _echoed(self._answers(text, earlier, role), query)

    def explain(
        self, query: str, history: Sequence[str] = (), role: Role | None = None
    ) -> Explained:
        """Like ``answer``, with the resolution, plan, scores and judgement beside it."""
        try:
            text, earlier = clean(query), self.earlier(history)
        except InputError as error:
            refusal = self._refuse(query, error.code, str(error))
            return Explained(refusal, fresh(refusal.query), None, None, None, None)
        with self._slots:
            explained = self._explain(text, earlier, role)
        return explained._replace(answer=_echoed(explained.answer, query))

    @staticmethod
    def earlier(history: Sequence[str]) -> tuple[str, ...]:
        """The earlier queries that a follow-up can lean on: no unusable ones, no greetings."""
        usable = []
        for query in history:
            with suppress(InputError):
                usable.append(clean(query))
        return tuple([query for query in usable if not _small_talk(query)][-REMEMBERED_TURNS:])

    def forget(self) -> None:
        """Empty the cache of answers."""
        self._explain.cache_clear()
        self._answers.cache_clear()
        self._past.cache_clear()

    def search(self, query: str, k: int = 10, method: Method = "hybrid") -> list[SearchHit]:
        """Rank passages for a query.

        Raises:
            InputError: the query is empty or too long.
        """
        hits = self.retriever.retrieve(clean(query), k, method)
        found = []
        for rank, hit in enumerate(hits, start=1):
            p = self.index.passages[hit.row]
            found.append(
                SearchHit(
                    rank=rank,
                    score=round(hit.score, 6),
                    passage_id=p.id,
                    document_id=p.document_id,
                    start=p.start,
                    end=p.end,
                    quote=p.text,
                    section=p.section,
                )
            )
        return found

    def _answer_unkept(self, text: str, history: tuple[str, ...], role: Role | None) -> Answer:
        return self._explain(text, history, role).answer

    def _explain_uncached(
        self, text: str, history: tuple[str, ...], role: Role | None
    ) -> Explained:
        if small := _small_talk(text):
            answer = self._compose(text, text, "not_found", small, 0.0, (), (), MESSAGES[small])
            return Explained(answer, fresh(text), None, None, None, None)
        past = [self._past(history[:n], role) for n in range(1, len(history) + 1)]
        if any(one.reason in UNHEARD for one in past):
            heard = [q for q, one in zip(history, past, strict=True) if one.reason not in UNHEARD]
            return self._explain(text, tuple(heard), role)
        turns = [one.turn for one in past]
        subject = turns[-1].subject if turns else ""
        resolution = resolve(
            text,
            turns,
            self.index.terms,
            lambda own: self._stands_alone(own, subject),
            self.index.lexicon.parties,
        )
        before = past[resolution.turn].plan if past else None
        if resolution.kind in ("page", "heading", "again") and before is not None:
            turn = len(history) + resolution.turn
            last = self._explain(history[turn], history[:turn], role)
            query, scored, plan, judgement = last.query, last.scored, before, last.judgement
            if resolution.kind == "heading" and before.direct:
                plan = self.planner.heading_plan(before)
        else:
            query, scored = self._score(resolution, role)
            listing = turns[-1].listing if turns else None
            scored = self._lifts.lifted(query, scored, resolution, listing, before, role)
            plan = self._plan(resolution, turns, before, query, scored, role)
            judgement = self.judge.judge(query, scored, plan)
        assert query is not None
        assert scored is not None
        assert judgement is not None
        if judgement.status == "answered" and not plan.direct:
            judgement = judgement._replace(status="related", reason="not_covered")
        if resolution.kind == "more" and judgement.status == "answered":
            plan = more(plan, _shown(past), self.index)
            if not plan.direct:
                judgement = Judgement("not_found", judgement.confidence, "nothing_more", {}, {})
        elif resolution.kind == "more" and before is not None and before.is_named:
            # a place named and shown: there is no more of it, whatever the words are like
            judgement = Judgement("not_found", judgement.confidence, "nothing_more", {}, {})
        answer = self._answer(text, resolution, query, scored, plan, judgement)
        return Explained(answer, resolution, plan, query, scored, judgement)

    def _plan(
        self,
        resolution: Resolution,
        turns: Sequence[Turn],
        before: Plan | None,
        query: Query,
        scored: Scored,
        role: Role | None,
    ) -> Plan:
        listing = turns[-1].listing if turns else None
        if resolution.document is not None and before is not None:
            return self.planner.source_plan(before, resolution.document, query, scored)
        if resolution.kind == "item" and listing is not None:
            items = resolution.items or (resolution.item or 0,)
            plan = self.planner.items_plan(listing, items, query, scored)
            if resolution.document is None:
                return plan
            order = sorted(plan.direct, key=lambda place: place.document_id != resolution.document)
            return plan._replace(direct=tuple(order))
        plan = self.planner.plan(query, scored, role, leaning=resolution.context is not None)
        if plan.kind == "term" and before is not None and resolution.kind == "joined":
            shown = {place.span for place in before.direct}  # what was just defined can wait
            return plan._replace(direct=tuple(sorted(plan.direct, key=lambda p: p.span in shown)))
        if resolution.kind == "beyond" and listing is not None:
            return plan._replace(address=Address(listing, (resolution.item or 0,)))
        return plan

    def _score(self, resolution: Resolution, role: Role | None) -> tuple[Query, Scored]:
        """Read and score a resolved query, with its context where it leans on one."""
        if resolution.context is None:
            return self._score_fresh(resolution, role)
        joined = f"{resolution.context}，{resolution.text}"
        query, both = self.retriever.read_question(resolution.text, joined)
        return query, self.retriever.score_in_context(query, both, role)

    def _score_fresh(self, resolution: Resolution, role: Role | None) -> tuple[Query, Scored]:
        """Score a question of its own; what was spoken of before counts a little."""
        if resolution.heard is None:
            (query,) = self.retriever.read_question(resolution.text)
            return query, self.retriever.score(query, role)
        joined = f"{resolution.heard}，{resolution.text}"
        query, both = self.retriever.read_question(resolution.text, joined)
        scored = self.retriever.score(query, role)
        before = self.retriever.score(both, role, leaning=True)
        return query, scored._replace(fused=scored.fused + HEARD_WEIGHT * before.fused)

    def _stands_alone(self, text: str, subject: str) -> bool:
        """Whether a short question is one that people ask by itself.

        A bank holds nearly the same, or it is nearer to a bank by itself than joined with the
        subject, or the nearest questions have nothing to do with the documents (今天天气怎么样).
        """
        query, joined = self.retriever.read_all([text, f"{subject}，{text}"])
        scored, before = self.retriever.score(query), self.retriever.score(joined)
        if not scored.questions.size or not scored.outside.size:
            return False
        inside, outside = float(scored.questions.max()), float(scored.outside.max())
        alone = max(inside, outside)
        if alone >= ASKED_ALONE or alone >= LEAD_ALONE + max(
            float(before.questions.max()), float(before.outside.max())
        ):
            return True
        kinds = [self.index.outside[n].type for n in top_rows(scored.outside, 3)]
        foreign = sum(kind in FOREIGN for kind in kinds)
        return outside > inside and foreign >= 2 and scored.phrasing < 0

    def _past_unkept(self, history: tuple[str, ...], role: Role | None) -> Past:
        """What the last query of a history leaves for the next one."""
        explained = self._explain(history[-1], history[:-1], role)
        resolution, plan = explained.resolution, explained.plan
        listing, item = self.planner.position(plan) if plan else (None, None)
        told = plan is not None and plan.kind in ("list", "item")
        if len(history) > 1:
            before = self._past(history[:-1], role).turn
            aside = before.told and not told and resolution.kind != "fresh"
            if aside or explained.answer.status != "answered":  # the list last shown still stands
                listing, item, told = before.listing, before.item, before.told
        leads = self.planner.leads(listing) if listing else ()
        subject = resolution.context or resolution.text
        answered = explained.answer.status == "answered"
        turn = Turn(resolution.text, subject, listing, item, leads, told, answered)
        return Past(turn, resolution.kind, plan, explained.answer.reason)

    def _answer(
        self,
        text: str,
        resolution: Resolution,
        query: Query,
        scored: Scored,
        plan: Plan,
        judgement: Judgement,
    ) -> Answer:
        if judgement.status == "answered":
            citations = self._cite(plan.direct, plan.related)
        elif judgement.status == "related":
            shown = (*plan.direct, *plan.related)
            if judgement.reason == "number_exceeds":
                shown = (*self.planner.overview(str(judgement.values["listing"])), *shown)
            once: dict[tuple[str, int, int], Place] = {}
            for place in shown:
                once.setdefault(place.span, place)
            citations = self._cite((), tuple(once.values())[:RELATED_SHOWN])
        else:
            citations = ()
        suggestions = self._suggest(query, scored, citations)
        message = self._message(resolution, query, plan, judgement, citations)
        return self._compose(
            text,
            resolution.standalone,
            judgement.status,
            judgement.reason,
            judgement.confidence,
            citations,
            suggestions,
            message,
        )

    def _message(
        self,
        resolution: Resolution,
        query: Query,
        plan: Plan,
        judgement: Judgement,
        citations: Sequence[Citation],
    ) -> str:
        parts = [
            MESSAGES["corrected"].format(right=right, wrong=wrong)
            for wrong, right in query.reading.corrections
        ]
        if judgement.status == "answered":
            parts += [reason_text("page_empty", page=page) for page in plan.empty_pages]
        if judgement.status != "answered":
            if judgement.reason:
                parts.append(reason_text(judgement.reason, **judgement.values))
            if judgement.reason != "nothing_more":
                parts.append(MESSAGES[judgement.status])
        elif resolution.kind == "page":
            pages = sorted({c.page for c in citations if c.role == "direct" and c.page is not None})
            named = "、".join(f"第{page}页" for page in pages)
            parts.append(MESSAGES["page" if pages else "no_pages"].format(pages=named))
        elif resolution.kind == "heading":
            parts.append(MESSAGES["heading"])
        elif plan.kind == "list" and plan.listing is not None:
            parts.append(MESSAGES["listed"].format(total=len(plan.listing.items)))
        else:
            parts.append(MESSAGES["answered"])
        return "".join(parts)

    def _suggest(
        self, query: Query, scored: Scored, citations: Sequence[Citation]
    ) -> tuple[str, ...]:
        """Bank questions near the query, told apart by what answers them: not by what is shown."""
        chosen: list[str] = []
        shown = [c.passage_id for c in citations if c.role == "direct"]
        seen = {self._row_of[name] for name in shown if name in self._row_of}
        asked = _letters(query.text)
        for n in scored.nearest[:SUGGESTED_FROM]:
            question = self.index.questions[n]
            if question.voice not in SUGGESTED_VOICES:
                continue
            rows = {t.row for t in self.index.targets[n]}
            if not rows & seen and _letters(question.query) != asked:
                chosen.append(question.query)
                seen |= rows
            if len(chosen) == SUGGESTIONS:
                break
        return tuple(chosen)

    def _cite(self, direct: Sequence[Place], related: Sequence[Place]) -> tuple[Citation, ...]:
        pairs = [(place, "direct") for place in direct] + [(place, "related") for place in related]
        return tuple(
            self._citation(rank, place, role) for rank, (place, role) in enumerate(pairs, 1)
        )

    def _citation(self, rank: int, place: Place, role: str) -> Citation:
        document = self.index.documents[place.document_id]
        section, page = self._whereabouts(place)
        return Citation.model_validate(
            {
                "rank": rank,
                "document_id": place.document_id,
                "passage_id": place.anchor,
                "section": section,
                "page": page,
                "start": place.start,
                "end": place.end,
                "quote": document.text[place.start : place.end],
                "highlights": place.highlights,
                "role": role,
            }
        )

    def cite_passage(self, passage_id: str) -> Citation:
        """One passage whole, as a citation."""
        passage = self.index.passages[self._row_of[passage_id]]
        span = (passage.start, passage.end)
        return self._citation(1, Place(passage.document_id, passage.id, *span, (span,)), "direct")

    def _whereabouts(self, place: Place) -> tuple[tuple[str, ...], int | None]:
        row = self._row_of.get(place.anchor)
        if row is not None:
            return self.index.passages[row].section, self.index.passages[row].page
        for section in self.index.documents[place.document_id].sections:
            if section.id == place.anchor:
                return section.path, section.page
        raise KeyError(place.anchor)

    def _refuse(self, query: str, reason: str, message: str) -> Answer:
        query = _printable(query)
        return self._compose(query, query, "not_found", reason, 0.0, (), (), message)

    def _compose(
        self,
        query: str,
        standalone: str,
        status: Status,
        reason: str | None,
        confidence: float,
        citations: tuple[Citation, ...],
        suggestions: tuple[str, ...],
        message: str,
    ) -> Answer:
        return Answer(
            query=query,
            standalone_query=standalone,
            status=status,
            reason=reason,
            confidence=round(confidence, 4),
            citations=citations,
            suggestions=suggestions,
            message=message,
            manifest=self.index.id,
        )


def _shown(past: Sequence[Past]) -> list[Place]:
    """What was cited since the last question that did not merely ask on: for more, for a source."""
    places: list[Place] = []
    for one in reversed(past):
        places += one.plan.direct if one.plan else ()
        if one.kind not in ("more", "source", "page", "heading", "again"):
            break
    return places


SUGGESTED_VOICES = frozenset({"neutral", "official"})


def _letters(text: str) -> str:
    """A text without punctuation and spaces."""
    return "".join(c for c in text if c.isalnum())


def _printable(query: object) -> str:
    """A query as it can be sent back: half characters, which no encoding has, become ?."""
    return query.encode("utf-8", "replace").decode() if isinstance(query, str) else ""


def _echoed(answer: Answer, query: str) -> Answer:
    """The answer with the query as it was typed."""
    if answer.query == query:
        return answer
    return answer.model_copy(update={"query": _printable(query)})


def clean(query: object) -> str:
    """Check a query and drop control characters.

    Raises:
        InputError: not text, empty, or longer than ``MAX_QUERY``.
    """
    if not isinstance(query, str):
        raise InputError("问题应为文字，请重新输入。", "input_invalid")
    if len(query) > MAX_QUERY:
        raise InputError(reason_text("input_too_long", limit=MAX_QUERY), "input_too_long")
    text = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cs", "Co") else c for c in query
    ).strip()
    if not any(c.isalnum() for c in text):
        raise InputError(reason_text("input_empty"), "input_empty")
    return text


def _small_talk(text: str) -> str | None:
    if GREETING.match(text):
        return "greeting"
    if THANKS.match(text):
        return "thanks"
    return None
