"""Ask every question of a file, judge what came back, and report by type.

Every figure about finding evidence is taken three times, so that retrieval and refusal can be
told apart: ``shown`` counts only citations of an ``answered`` answer (a refusal is a miss);
``listed`` takes the citations of the answer whatever its status (the contract's rule to the
letter); ``plan`` takes the places the planner chose, as if nothing were ever refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from eval.evidence import Found, find_facts, holds
from eval.intervals import Estimate, bootstrap, bootstrap_mean, wilson
from eval.provenance import Provenance
from eval.questions import Ask
from eval.refusal import RefusalReport, refusal_report
from kb.answer import Explained
from kb.plans import Plan
from kb.schema import Answer, Document, Frozen, Role, Status

__all__ = ["AnswersReport", "Figures", "Judged", "Miss", "ask_all", "judge", "report"]

View = Literal["shown", "listed", "plan"]
VIEWS: tuple[View, ...] = ("shown", "listed", "plan")
Progress = Callable[[str], None]
REASONS = {
    "answered": "文件不能回答，却作了回答",
    "refused": "首条就是依据，却没有回答",
    "refused_low": "没有回答，依据在后面的段落里",
    "refused_missed": "没有回答，也没有找到依据",
    "low": "依据不在首条",
    "missed": "引用中没有依据",
    "partial": "依据不全",
}


class Assistant(Protocol):
    """What is judged; ``kb.answer.Assistant`` is one."""

    def explain(
        self, query: str, history: Sequence[str] = (), role: Role | None = None
    ) -> Explained:
        """Answer with the plan beside the answer."""


class Judged(Frozen):
    """One asked question with what was found; counts are of the citations in the answer."""

    ask: Ask
    standalone_query: str
    status: Status
    reason: str | None
    confidence: float
    shown: Found
    listed: Found
    plan: Found
    citations: int
    exact: int
    direct: int
    direct_gold: int
    first_quote: str


class Figures(Frozen):
    """Evidence figures of one view over the answerable questions of a group."""

    first: Estimate
    first_three: Estimate
    facts: Estimate
    complete: Estimate


class Group(Frozen):
    """The answerable questions of one type (or all)."""

    n: int
    shown: Figures
    listed: Figures
    plan: Figures
    answered_right: Estimate
    answered_wrong: Estimate
    refused: Estimate
    precision: Estimate


class Miss(Frozen):
    """A question that went wrong, with what should have been and what was shown."""

    id: str
    type: str
    query: str
    kind: str
    why: str
    status: Status
    reason: str | None
    confidence: float
    standalone_query: str
    gold: tuple[tuple[str, ...], ...]
    shown: str


class AnswersReport(Frozen):
    """The answer benchmark's whole result."""

    provenance: Provenance
    questions: str
    n: int
    answerable: dict[str, Group]
    unanswerable: dict[str, Estimate]
    confusion: dict[str, dict[str, int]]
    exact_quotes: Estimate
    refusal: RefusalReport
    misses: tuple[Miss, ...]
    judged: tuple[Judged, ...]


def ask_all(
    assistant: Assistant,
    documents: Mapping[str, Document],
    asks: Sequence[Ask],
    progress: Progress = lambda _: None,
) -> list[Judged]:
    """Ask and judge every question, in order."""
    judged = []
    for number, ask in enumerate(asks, start=1):
        judged.append(judge(ask, assistant.explain(ask.query, ask.history, ask.role), documents))
        if number % 100 == 0:
            progress(f"已问{number}/{len(asks)}个问题……")
    return judged


def judge(ask: Ask, explained: Explained, documents: Mapping[str, Document]) -> Judged:
    """Judge one answer against its question's evidence."""
    answer = explained.answer
    quotes = [citation.quote for citation in answer.citations]
    planned = _plan_quotes(explained.plan, documents)
    direct = [c.quote for c in answer.citations if c.role == "direct"]
    gold = [quote for fact in ask.evidence for quote in fact]
    return Judged(
        ask=ask,
        standalone_query=answer.standalone_query,
        status=answer.status,
        reason=answer.reason,
        confidence=answer.confidence,
        shown=find_facts(ask.evidence, quotes if answer.status == "answered" else ()),
        listed=find_facts(ask.evidence, quotes),
        plan=find_facts(ask.evidence, planned),
        citations=len(quotes),
        exact=_exact(answer, documents),
        direct=len(direct),
        direct_gold=sum(holds(quote, gold) for quote in direct),
        first_quote=(quotes or planned or [""])[0],
    )


def _plan_quotes(plan: Plan | None, documents: Mapping[str, Document]) -> list[str]:
    if plan is None:
        return []
    places = (*plan.direct, *plan.related)
    return [documents[p.document_id].text[p.start : p.end] for p in places]


def _exact(answer: Answer, documents: Mapping[str, Document]) -> int:
    """How many citations are the document's own characters at their offsets."""
    return sum(
        c.document_id in documents and documents[c.document_id].text[c.start : c.end] == c.quote
        for c in answer.citations
    )


def report(judged: Sequence[Judged], questions: str, provenance: Provenance) -> AnswersReport:
    """Sum up judged questions by type."""
    inside = [j for j in judged if not j.ask.unanswerable]
    outside = [j for j in judged if j.ask.unanswerable]
    return AnswersReport(
        provenance=provenance,
        questions=questions,
        n=len(judged),
        answerable={name: _group(rows) for name, rows in _by_type(inside).items()},
        unanswerable={name: _unanswered(rows) for name, rows in _by_type(outside).items()},
        confusion={"answerable": _statuses(inside), "unanswerable": _statuses(outside)},
        exact_quotes=wilson(sum(j.exact for j in judged), sum(j.citations for j in judged)),
        refusal=refusal_report(
            [j.confidence for j in judged],
            [not j.ask.unanswerable for j in judged],
            [j.plan.first for j in judged],
        ),
        misses=tuple(miss for j in judged if (miss := _miss(j)) is not None),
        judged=tuple(judged),
    )


def _by_type(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {"all": list(judged)}
    for j in judged:
        groups.setdefault(j.ask.type, []).append(j)
    return groups


def _statuses(judged: Sequence[Judged]) -> dict[str, int]:
    return {s: sum(j.status == s for j in judged) for s in ("answered", "related", "not_found")}


def _unanswered(judged: Sequence[Judged]) -> Estimate:
    """Share of unanswerable questions that were rightly not answered."""
    return wilson(sum(j.status != "answered" for j in judged), len(judged))


def _group(judged: Sequence[Judged]) -> Group:
    n = len(judged)
    answered = [j for j in judged if j.status == "answered"]
    right = sum(j.shown.first for j in answered)
    figures = {view: _figures([getattr(j, view) for j in judged]) for view in VIEWS}
    return Group(
        n=n,
        **figures,
        answered_right=wilson(right, n),
        answered_wrong=wilson(len(answered) - right, n),
        refused=wilson(n - len(answered), n),
        precision=_precision(answered),
    )


def _figures(found: Sequence[Found]) -> Figures:
    n = len(found)
    return Figures(
        first=wilson(sum(f.first for f in found), n),
        first_three=wilson(sum(f.first_three for f in found), n),
        facts=bootstrap_mean([f.share for f in found]),
        complete=wilson(sum(f.complete for f in found), n),
    )


def _precision(answered: Sequence[Judged]) -> Estimate:
    """Share of direct citations that hold some gold quote, resampled by question."""

    def ratio(rows: Sequence[int]) -> float:
        direct = sum(answered[i].direct for i in rows)
        return sum(answered[i].direct_gold for i in rows) / direct if direct else float("nan")

    return bootstrap(lambda rows: ratio(rows.tolist()), len(answered), resamples=500)


def _miss(judged: Judged) -> Miss | None:
    kind = _miss_kind(judged)
    if kind is None:
        return None
    ask = judged.ask
    return Miss(
        id=ask.id,
        type=ask.type,
        query=ask.query,
        kind=kind,
        why=REASONS[kind],
        status=judged.status,
        reason=judged.reason,
        confidence=judged.confidence,
        standalone_query=judged.standalone_query,
        gold=ask.evidence,
        shown=judged.first_quote,
    )


def _miss_kind(judged: Judged) -> str | None:
    if judged.ask.unanswerable:
        return "answered" if judged.status == "answered" else None
    if judged.status != "answered":
        if judged.plan.first:
            return "refused"
        return "refused_low" if judged.plan.share else "refused_missed"
    if judged.shown.first:
        return None if judged.shown.complete else "partial"
    return "low" if judged.shown.share else "missed"
