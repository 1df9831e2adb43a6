"""Wording differences: found where two documents say the same, and only there."""

from __future__ import annotations

import pytest

from kb.answer import Assistant
from kb.counterparts import compare, wordings

GUIDE = "中小企业数字化转型遵循“从易到难、由点及面、长期迭代、多方协同”的思路。"


def phrases(left: str, right: str, **options: bool) -> list[tuple[str, str, str, str]]:
    return [
        (
            left[slice(*one.left)],
            right[slice(*one.right)],
            "".join(left[slice(*mark)] for mark in one.left_marks),
            "".join(right[slice(*mark)] for mark in one.right_marks),
        )
        for one in wordings(left, right, **options)
    ]


def test_a_point_is_compared_with_the_phrase_that_names_it() -> None:
    assert phrases(GUIDE, "二是由点到面。转型投入资源有限。") == [
        ("由点及面", "由点到面", "及", "到")
    ]
    assert phrases(GUIDE, "转型要由点到面推开。") == []
    assert phrases("参加政策宣贯、供需对接等活动。", "一是加强政策宣贯。") == []


def test_sentences_that_correspond_are_compared_phrase_by_phrase() -> None:
    left = "当前，世界经济数字化转型成为大势所趋。"
    right = "一是大势。当前，世界经济数字化转型已是大势所趋。"
    assert phrases(left, right) == [
        ("世界经济数字化转型成为大势所趋", "世界经济数字化转型已是大势所趋", "成为", "已是")
    ]
    assert phrases(left, left) == phrases(left, "企业应当提升数字化水平。") == []


def test_phrases_of_the_same_measure() -> None:
    left, right = "加强分类指导和跟踪服务，明确目标。", "一是健全机制，强化分类指导和跟踪服务。"
    assert phrases(left, right) == []
    assert phrases(left, right, same_measure=True) == [
        ("加强分类指导和跟踪服务", "强化分类指导和跟踪服务", "加强", "强化")
    ]


@pytest.mark.parametrize("query", ["工作思路四句话是啥", "由点及面是什么意思"])
def test_guide_and_interpretation_side_by_side(assistant: Assistant, query: str) -> None:
    answer = assistant.answer(query)
    passages = {p.id: p for p in assistant.index.passages}
    found = compare(answer.citations, passages, query)
    documents = assistant.index.documents
    said = {
        documents[one.own_document].text[slice(*one.own)]
        for notes in found.values()
        for one in notes
    }
    assert said == {"由点及面", "由点到面"}
    for rank, notes in found.items():
        own = answer.citations[rank - 1]
        for one in notes:
            assert own.start <= one.own[0] < one.own[1] <= own.end
            assert one.citation.start <= one.other[0] < one.other[1] <= one.citation.end


def test_other_questions_stay_quiet(assistant: Assistant) -> None:
    passages = {p.id: p for p in assistant.index.passages}
    for query in ("什么是低代码", "MES和APS有什么区别", "没钱搞，政府给补贴吗"):
        answer = assistant.answer(query)
        assert not compare(answer.citations, passages, query)
