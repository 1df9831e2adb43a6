"""Places named by number: the documents' own lists say what stands there."""

from __future__ import annotations

import pytest

from kb.addresses import by_number
from kb.answer import Assistant
from kb.dialogue import Turn, resolve


@pytest.mark.parametrize(
    ("query", "passage"),
    [
        ("第二部分第四条是啥", "guide:2-4-p1"),
        ("第四部分里面的第二项具体讲什么？", "guide:4-2-p1"),
        ("二、（三）说的什么", "guide:2-3-p1"),
        ("指南第三章第一节", "guide:3-1-p1"),
        ("第5条举措是什么", "guide:2-5-p1"),
        ("14条举措里第14条讲什么", "guide:4-5-p1"),
        ("解读里第三个问题怎么答的", "interpretation:3-3-p1"),
        ("第7个名词解释", "glossary:0-p7"),
        ("名词解释里第十二个是什么", "glossary:0-p12"),
    ],
)
def test_a_place_named_by_number_is_shown(assistant: Assistant, query: str, passage: str) -> None:
    for history in ([], ["政府会给钱吗"], ["AGV是什么", "那AMR呢"]):
        answer = assistant.answer(query, history)
        assert (answer.status, answer.citations[0].passage_id) == ("answered", passage)
        assert answer.standalone_query == query


@pytest.mark.parametrize(
    ("query", "total"),
    [("第二部分第九条说什么", 5), ("第20条举措是什么", 14), ("名词解释里第十三个", 12)],
)
def test_a_place_that_is_not_there_is_refused(assistant: Assistant, query: str, total: int) -> None:
    answer = assistant.answer(query)
    assert (answer.status, answer.reason) == ("related", "number_exceeds")
    assert f"一共只有{total}个" in answer.message


@pytest.mark.parametrize(
    "query",
    [
        "第二部分第四条里怎么对接核心企业",
        "第二部分管什么",
        "第一次搞数字化先干啥",
        "第二个问题",
        "帮我把第5条举措写成方案",
    ],
)
def test_more_than_a_place_is_no_address(query: str) -> None:
    assert not by_number(query)


def test_an_item_of_the_list_last_shown_comes_first(assistant: Assistant) -> None:
    listing = assistant.planner.listings["guide:4"]
    turn = Turn("主管部门要做哪几项", "主管部门要做哪几项", listing, None)
    assert resolve("第二条举措是什么", [turn]).item == 1
