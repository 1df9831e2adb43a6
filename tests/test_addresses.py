"""Places named by number: the documents' own lists say what stands there."""

from __future__ import annotations

import pytest

from kb.addresses import addressed, by_number
from kb.answer import Assistant
from kb.dialogue import Turn, resolve
from kb.outline import Item, Listing


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
        ("第二部分的第（四）条讲的是什么？", "guide:2-4-p1"),
        ("加大转型政策支持的第三条是什么？", "guide:4-3-p1"),
        ("实施原则的第二条是什么", "guide:1-2-p2"),
    ],
)
def test_a_place_named_by_number_is_shown(assistant: Assistant, query: str, passage: str) -> None:
    for history in ([], ["政府会给钱吗"], ["AGV是什么", "那AMR呢"]):
        answer = assistant.answer(query, history)
        assert (answer.status, answer.citations[0].passage_id) == ("answered", passage)
        assert answer.standalone_query == query


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("第二部分第九条说什么", 5),
        ("第20条举措是什么", 14),
        ("名词解释里第十三个", 12),
        ("第三条举措和第十五条举措", 14),
        ("九、（一）说的什么", 4),
        ("实施原则的第四条是什么", 3),
        ("第零条举措", 14),
    ],
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
        "第三、第四条",
        "第二、第三条是什么",
        "第一、第二个要求",
        "第十二、第三条讲什么",
    ],
)
def test_more_than_a_place_is_no_address(query: str) -> None:
    assert not by_number(query)


def test_an_item_of_the_list_last_shown_comes_first(assistant: Assistant) -> None:
    listing = assistant.planner.listings["guide:4"]
    turn = Turn("主管部门要做哪几项", "主管部门要做哪几项", listing, None)
    assert resolve("第二条举措是什么", [turn]).item == 1


@pytest.mark.parametrize(
    ("query", "passages"),
    [
        ("第三、第四条举措", ["guide:2-3-p1", "guide:2-4-p1"]),
        ("第5条举措和第6条举措讲什么", ["guide:2-5-p1", "guide:3-1-p1"]),
        ("第三和第五条举措分别讲什么", ["guide:2-3-p1", "guide:2-5-p1"]),
        ("第7和第8个名词解释", ["glossary:0-p7", "glossary:0-p8"]),
        ("第二部分第一、二条", ["guide:2-1-p1", "guide:2-2-p1"]),
    ],
)
def test_several_places_named_by_number_are_all_shown(
    assistant: Assistant, query: str, passages: list[str]
) -> None:
    answer = assistant.answer(query)
    assert answer.status == "answered"
    assert set(passages) <= {c.passage_id for c in answer.citations if c.role == "direct"}


@pytest.mark.parametrize(
    "query",
    ["第1十条举措", "第5十条举措是什么", "第1十个名词", "列出2十条举措", "第二十十部分第1百条"],
)
def test_what_is_no_number_is_no_place(assistant: Assistant, query: str) -> None:
    assert assistant.answer(query).message
    assert assistant.answer("第1二点", ["主管部门的几项工作", query]).message


def test_places_of_two_documents_alike_are_not_guessed() -> None:
    items = tuple(Item("a", f"a:{n}", n, n + 1, n + 1) for n in (1, 2))
    lists = {name: Listing(name, (), items) for name in ("a:0", "b:0", "a:1")}
    titles = {"a:1": "一、总则", "a:2": "二、细则"}
    assert addressed("第一部分第二条", lists, titles) is None
    only = {
        "a:0": lists["a:0"],
        "a:1": Listing("a:1", (), tuple(i._replace(anchor="a:1-p1") for i in items)),
    }
    found = addressed("第一部分第二条", only, titles)
    assert found is not None
    assert (found.listing.id, found.items) == ("a:1", (1,))
