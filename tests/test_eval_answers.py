"""Scoring on a scripted assistant: every figure can be counted by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

import pytest

from eval.answers import AnswersReport, ask_all, report
from eval.answers_tables import answers_tables, misses_table
from eval.evidence import find_facts, holds
from eval.floors import Floor, check_floors, load_floors
from eval.provenance import provenance
from eval.questions import Ask
from eval.tables import to_json, to_markdown, to_text
from kb.answer import Explained
from kb.dialogue import Resolution
from kb.plans import Plan
from kb.schema import Answer, Citation, Document, Role, Status
from kb.select import Place

TEXT = "甲是一。乙是二。丙是三。丁是四。"
SPANS = {"甲": (0, 4), "乙": (4, 8), "丙": (8, 12), "丁": (12, 16)}
DOCUMENTS = {"guide": Document(id="guide", title="书", text=TEXT, sections=(), paragraphs=())}


def place(name: str) -> Place:
    start, end = SPANS[name]
    return Place("guide", name, start, end, ((start, end),))


def cite(name: str, rank: int, role: Literal["direct", "related"], quote: str = "") -> Citation:
    start, end = SPANS[name]
    return Citation(
        rank=rank, document_id="guide", passage_id=name, section=(), page=None, start=start,
        end=end, quote=quote or TEXT[start:end], highlights=(), role=role,
    )  # fmt: skip


class Script:
    """Answers by script: status, confidence, direct and related places by name."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[Status, float, str, str]] = {
            "对": ("answered", 0.9, "甲乙", "丙"),
            "次": ("answered", 0.8, "乙甲", ""),
            "拒": ("related", 0.3, "甲", "乙"),
            "空": ("not_found", 0.1, "丁", ""),
            "错": ("answered", 0.7, "丁", ""),
            "多": ("answered", 0.95, "甲乙丙", ""),
        }
        self.histories: list[tuple[str, ...]] = []

    def explain(
        self, query: str, history: Sequence[str] = (), role: Role | None = None
    ) -> Explained:
        self.histories.append(tuple(history))
        status, confidence, direct, related = self.lines[query[0]]
        plan = Plan("passages", tuple(map(place, direct)), tuple(map(place, related)))
        answered = status == "answered"
        shown = [(n, "direct" if answered and n in direct else "related") for n in direct + related]
        citations = [cite(n, i, r) for i, (n, r) in enumerate(shown, 1)]  # type: ignore[arg-type]
        if status == "not_found":
            citations = []
        if query.endswith("！"):
            citations[0] = cite(direct[0], 1, "direct", "改过的话")
        answer = Answer(
            query=query, standalone_query=query, status=status, reason=None,
            confidence=confidence, citations=tuple(citations), suggestions=(), message="",
            manifest="sha256:x",
        )  # fmt: skip
        return Explained(answer, Resolution("fresh", query, None, None), plan, None, None, None)


def ask(query: str, *facts: str, kind: str = "neutral", history: tuple[str, ...] = ()) -> Ask:
    return Ask(
        id=query, type=kind, query=query, history=history, role=None,
        evidence=tuple(tuple(fact.split("/")) for fact in facts), unanswerable=not facts,
    )  # fmt: skip


ASKS = [
    ask("对", "甲 *是一*/没有"),
    ask("次", "甲是一"),
    ask("拒", "甲是一"),
    ask("空", "甲是一"),
    ask("多", "甲是一", "乙是二", "丁是四", kind="multi", history=("对",)),
    ask("错", kind="near_miss"),
    ask("拒2", kind="near_miss"),
]


@pytest.fixture(scope="module")
def scored() -> AnswersReport:
    judged = ask_all(Script(), DOCUMENTS, ASKS)
    return report(judged, "q.jsonl", provenance("python -m eval", "sha256:x", "hash"))


def test_a_fact_inside_a_quote_ignores_white_space_and_asterisks() -> None:
    assert holds("前文 **甲 是\n一**后文", ["甲是 一"])
    assert not holds("甲是", ["甲是一"])
    found = find_facts([["乙", "丙"], ["甲"], ["戊"]], ["甲", "乙丙", "丙"])
    assert found.ranks == (2, 1, None)
    assert (found.first, found.first_three, found.complete) == (True, True, False)
    assert found.share == pytest.approx(2 / 3)
    assert find_facts([], ["甲"]).complete is False


def test_figures_as_shown_listed_and_planned(scored: AnswersReport) -> None:
    group = scored.answerable["all"]
    assert group.n == 5
    # shown: 对 first, 次 at 2, 拒 and 空 are refusals, 多 first but one of three facts missing
    assert group.shown.first.value == pytest.approx(2 / 5)
    assert group.shown.first_three.value == pytest.approx(3 / 5)
    assert group.shown.facts.value == pytest.approx((1 + 1 + 0 + 0 + 2 / 3) / 5)
    assert group.shown.complete.value == pytest.approx(2 / 5)
    # listed: the related citations of 拒 count as well
    assert group.listed.first.value == pytest.approx(3 / 5)
    # plan: as if nothing were refused; 空 had planned the wrong place
    assert group.plan.first.value == pytest.approx(3 / 5)
    assert scored.answerable["multi"].n == 1


def test_statuses_and_precision(scored: AnswersReport) -> None:
    group = scored.answerable["all"]
    assert group.answered_right.value == pytest.approx(2 / 5)
    assert group.answered_wrong.value == pytest.approx(1 / 5)
    assert group.refused.value == pytest.approx(2 / 5)
    # direct citations: 对 甲乙 (1 gold), 次 乙甲 (1), 多 甲乙丙 (2)
    assert group.precision.value == pytest.approx(4 / 7)
    assert scored.confusion == {
        "answerable": {"answered": 3, "related": 1, "not_found": 1},
        "unanswerable": {"answered": 1, "related": 1, "not_found": 0},
    }
    assert scored.unanswerable["near_miss"].value == pytest.approx(1 / 2)


def test_confidence_is_judged_over_all_questions(scored: AnswersReport) -> None:
    # answerable .9 .8 .95 beat both .7 and .3; .3 ties with .3; .1 beats none: 6.5 of 10 pairs
    wins = 3 * 2 + (0 + 0.5) + 0
    assert scored.refusal.auroc.value == pytest.approx(wins / 10)


def test_misses_say_what_went_wrong(scored: AnswersReport) -> None:
    kinds = {miss.id: miss.kind for miss in scored.misses}
    assert kinds == {
        "次": "low",
        "拒": "refused",
        "空": "refused_missed",
        "多": "partial",
        "错": "answered",
    }
    shown = {miss.id: miss.shown for miss in scored.misses}
    assert shown["次"] == "乙是二。"
    assert shown["空"] == "丁是四。"


def test_an_altered_quote_is_counted() -> None:
    judged = ask_all(Script(), DOCUMENTS, [ask("对！", "甲是一")])
    exact = report(judged, "q", provenance("c", None, None)).exact_quotes
    assert (exact.value, exact.n) == (pytest.approx(2 / 3), 3)


def test_history_is_passed_on() -> None:
    script = Script()
    ask_all(script, DOCUMENTS, ASKS)
    assert script.histories[4] == ("对",)


def test_tables_and_json_hold_the_figures(scored: AnswersReport) -> None:
    tables = [*answers_tables(scored), misses_table(scored, 2)]
    text = "\n".join(to_text(table) for table in tables)
    assert "0.400 [" in text
    assert "5 misses in all" in text
    markdown = "\n".join(to_markdown(table) for table in tables)
    assert "| all | 5 | 0.400 [" in markdown
    data = json.loads(to_json(scored))
    assert data["misses"][0]["gold"] == [["甲是一"]]
    assert data["judged"][4]["plan"]["ranks"] == [1, 2, None]


def test_a_file_of_one_kind_only_is_reported() -> None:
    judged = ask_all(Script(), DOCUMENTS, [ask("错", kind="off_topic")])
    only = report(judged, "q", provenance("c", None, None))
    assert only.answerable["all"].n == 0
    assert only.refusal.auroc.value is None
    assert all(to_text(table) for table in answers_tables(only))


def test_floors(scored: AnswersReport) -> None:
    floors = [
        Floor("test", "answerable.all.shown.first", 0.4, None),
        Floor("test", "answerable.all.shown.first", 0.5, None),
        Floor("test", "refusal.brier", None, 0.0),
        Floor("test", "answerable.none.shown.first", 0.5, None),
        Floor("dev", "n", 1000, None),
    ]
    missed = check_floors(floors, {"test": scored})
    assert len(missed) == 3
    assert "低于底线0.5" in missed[0]
    assert "高于上限0" in missed[1]
    assert "没有对应的数字" in missed[2]


def test_the_shipped_floors_name_figures_that_exist(scored: AnswersReport) -> None:
    floors = load_floors()
    assert floors
    by_type = {**scored.answerable, "dialogue": scored.answerable["all"]}  # a type that test has
    found = scored.model_copy(update={"answerable": by_type})
    missed = check_floors(floors, {floor.report: found for floor in floors})
    assert not [line for line in missed if "没有对应的数字" in line]
