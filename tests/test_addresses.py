"""Places named by number: the documents' own lists say what stands there."""

from __future__ import annotations

import pytest

from kb.addresses import (
    addressed,
    asked_pages,
    by_number,
    in_document,
    in_sections,
    on_pages,
    set_aside,
    several,
)
from kb.answer import Assistant
from kb.asks import sought_quotation, without_place
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
        ("14条里的第12条", "guide:4-3-p1"),
        ("第四部分的第三条怎么落实", "guide:4-3-p1"),
        ("第22页讲了什么", "guide:2-2-p2"),
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
    ("query", "pages", "subject"),
    [
        ("第27页关于银行怎么说", (27,), "银行怎么说"),
        ("请问第 22 页里说的仓库用什么系统", (22,), "仓库用什么系统"),
        ("第13和第14页供给方要做什么", (13, 14), "供给方要做什么"),
        ("第22页讲什么", (), "第22页讲什么"),
        ("银行那块在第27页吗", (), "银行那块在第27页吗"),
        ("第0页关于银行怎么说", (), "第0页关于银行怎么说"),
    ],
)
def test_a_question_on_a_page_is_told_from_its_page(
    query: str, pages: tuple[int, ...], subject: str
) -> None:
    assert on_pages(query) == (pages, subject)


def test_what_a_page_says_is_looked_for_on_it_first(assistant: Assistant) -> None:
    there = assistant.answer("第22页说的仓库用什么系统")
    assert (there.status, there.citations[0].page) == ("answered", 22)
    elsewhere = assistant.answer("第29页提到的营商环境怎么弄")
    assert elsewhere.citations[0].passage_id == "guide:4-5-p1"


def test_all_items_counted_off_are_the_list(assistant: Assistant) -> None:
    whole = [c.passage_id for c in assistant.answer("实施原则有哪几条").citations]
    assert [c.passage_id for c in assistant.answer("前三条实施原则").citations] == whole
    beyond = assistant.answer("前十五条举措")
    assert (beyond.status, beyond.reason) == ("related", "number_exceeds")


@pytest.mark.parametrize(
    "query", ["前两年搞过一次没成", "前三个月先试点", "前几条", "后一条举措", "最后一公里怎么办"]
)
def test_other_things_in_front_or_at_the_end_are_no_items(query: str) -> None:
    assert several(query, 14) == ()
    assert not by_number(query)


@pytest.mark.parametrize(
    ("query", "passages"),
    [
        ("第三、第四条举措", ["guide:2-3-p1", "guide:2-4-p1"]),
        ("第5条举措和第6条举措讲什么", ["guide:2-5-p1", "guide:3-1-p1"]),
        ("第三和第五条举措分别讲什么", ["guide:2-3-p1", "guide:2-5-p1"]),
        ("第7和第8个名词解释", ["glossary:0-p7", "glossary:0-p8"]),
        ("第二部分第一、二条", ["guide:2-1-p1", "guide:2-2-p1"]),
        ("前三条举措是什么", ["guide:2-1-p1", "guide:2-2-p1", "guide:2-3-p1"]),
        ("最后两条举措", ["guide:4-4-p1", "guide:4-5-p1"]),
        ("第二部分后两条", ["guide:2-4-p1", "guide:2-5-p1"]),
        ("第六到第八条举措", ["guide:3-1-p1", "guide:3-2-p1", "guide:3-3-p1"]),
        ("前两个实施原则", ["guide:1-2-p1", "guide:1-2-p2"]),
        ("前3个名词", ["glossary:0-p1", "glossary:0-p2", "glossary:0-p3"]),
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


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("把14条列一下", 14),
        ("十四条举措都是哪些", 14),
        ("实施原则有哪几条", 3),
        ("三项实施原则", 3),
        ("第三部分还有哪些方面的内容", 4),
        ("加大转型政策支持包括什么", 5),
        ("名词解释有哪些", 12),
        ("《指南》的政策解答有哪些问题", 6),
    ],
)
def test_a_list_called_by_its_name_is_shown_whole(
    assistant: Assistant, query: str, total: int
) -> None:
    answer = assistant.answer(query)
    assert answer.status == "answered"
    assert f"{total}/{total}" in answer.message
    starts = [(c.document_id, c.start) for c in answer.citations if c.role == "direct"][-total:]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    "query",
    [
        "五项实施原则",
        "14条怎么落实",
        "实施原则有什么问题",
        "实施原则怎么落实到小厂",
        "第三部分怎么帮小厂省钱",
    ],
)
def test_a_list_is_not_called_by_another_number_or_for_more(
    assistant: Assistant, query: str
) -> None:
    plan = assistant.explain(query).plan
    assert plan is not None
    assert plan.address is None


def test_a_part_whose_headings_say_little_is_shown_by_what_stands_under_them(
    assistant: Assistant,
) -> None:
    for query in ("第一部分讲什么", "总则讲了啥"):
        answer = assistant.answer(query)
        shown = [c.passage_id for c in answer.citations if c.role == "direct"]
        assert shown == ["guide:1-1-p1", "guide:1-2-p1", "guide:1-2-p2", "guide:1-2-p3"]
    assert assistant.answer("第二条", ["总则讲了啥"]).citations[0].section[-1] == "（二）实施原则"


def test_a_measure_is_called_by_its_bare_number(assistant: Assistant) -> None:
    first = assistant.answer("第十四条讲什么").citations[0]
    assert first.passage_id == "guide:4-5-p1"
    beyond = assistant.answer("第二十条")
    assert (beyond.status, beyond.reason) == ("related", "number_exceeds")


def test_a_number_may_stand_before_the_name_of_its_list(assistant: Assistant) -> None:
    second = assistant.answer("第二条实施原则是哪一条").citations
    assert [c.passage_id for c in second] == ["guide:1-2-p2"]
    assert assistant.answer("第四条实施原则是哪一条").reason == "number_exceeds"


@pytest.mark.parametrize(
    ("query", "pages"),
    [
        ("第22页", (22,)),
        ("22页讲啥", ()),
        ("page 22", (22,)),
        ("第二十二页上写了什么？", (22,)),
        ("第21、23页", (21, 23)),
        ("第21到23页讲了啥", (21, 22, 23)),
        ("第23到21页", (21, 22, 23)),
        ("第 22 页", (22,)),
        ("第14页主要内容", (14,)),
        ("P22", (22,)),
        ("p50是什么", ()),
        ("第22页那个平台是谁建的", ()),
    ],
)
def test_pages_are_called_by_their_number(query: str, pages: tuple[int, ...]) -> None:
    assert asked_pages(query) == pages


def test_a_page_is_shown_whole_and_in_order(assistant: Assistant) -> None:
    answer = assistant.answer("第14页讲什么")
    shown = [c.passage_id for c in answer.citations if c.role == "direct"]
    assert shown == [p.id for p in assistant.index.passages if p.page == 14]
    empty = assistant.answer("第18页")
    assert (empty.status, empty.reason, empty.citations) == ("not_found", "page_empty", ())
    assert "第18页" in empty.message
    some = assistant.answer("第16到19页")
    assert some.status == "answered"
    assert "第18页" in some.message
    assert {c.page for c in some.citations} == {16, 17, 19}


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("分类指导在指南正文里也有吗，第几页", {"guide:4-1-p1"}),
        ("指南里出现过“数字镜像”这个词吗？", {"guide:2-3-p1"}),
        ("专项贷款在哪一页", {"guide:4-2-p1"}),
    ],
)
def test_words_whose_place_is_asked_for_are_found(
    assistant: Assistant, query: str, places: set[str]
) -> None:
    answer = assistant.answer(query)
    shown = [c for c in answer.citations if c.role == "direct"]
    assert answer.status == "answered"
    assert places <= {c.passage_id for c in shown}


def test_a_question_for_a_page_is_read_without_its_words_for_that(assistant: Assistant) -> None:
    asked = assistant.explain("补贴在第几页").query
    assert asked is not None
    assert asked.reading.text == "补贴"
    assert assistant.answer("停车费在第几页").status != "answered"


@pytest.mark.parametrize(
    ("query", "subject"),
    [
        ("补贴在第几页", "补贴"),
        ("提质增效在第几页", "提质增效"),
        ("中介机构在哪一页", "中介机构"),
        ("请问指南里提到了云服务是在第几页？", "云服务"),
        ("補貼在第幾頁", "补贴"),
        ("指南一共几页", "指南一共几页"),
        ("写个几页的总结", "写个几页的总结"),
        ("在第几页", "在第几页"),
    ],
)
def test_only_the_words_for_a_page_are_left_out(query: str, subject: str) -> None:
    assert without_place(query) == subject


@pytest.mark.parametrize("query", ["“大数据”是什么", "“专精特新”怎么申请", "中小企业出现了什么"])
def test_a_quotation_whose_place_is_not_asked_is_no_sought_one(query: str) -> None:
    assert sought_quotation(query) is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("有没有提到人工智能", "人工智能"),
        ("指南有没有提到5G", "5G"),
        ("大数据提到了吗", "大数据"),
        ("文件里提没提低代码", "低代码"),
        ("“人工智能”提到了吗", "人工智能"),
    ],
)
def test_a_word_that_is_asked_after_is_shown_where_it_stands(
    assistant: Assistant, query: str, words: str
) -> None:
    assert sought_quotation(query) == words
    answer = assistant.answer(query)
    assert answer.status == "answered"
    assert all(words in c.quote for c in answer.citations if c.role == "direct")


def test_a_word_that_no_document_has_is_not_mentioned(assistant: Assistant) -> None:
    assert assistant.answer("有没有提到区块链").status != "answered"
    assert assistant.answer("文件里有提到元宇宙吗").status != "answered"


def test_a_measure_by_number_survives_spaces_and_digits_said_one_by_one(
    assistant: Assistant,
) -> None:
    for query in ("第 14 条", "第一四条"):
        assert assistant.answer(query).citations[0].passage_id == "guide:4-5-p1"


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("解读里怎么说研制轻量化应用", "interpretation"),
        ("政策解答对资金是怎么讲的", "interpretation"),
        ("原文里怎么写培训", "guide"),
        ("名词解释中哪个管订单", "glossary"),
        ("解读里和原文里说法一样吗", None),
        ("指南怎么说培训", None),
        ("解读那边关于园区集群是咋讲的", "interpretation"),
        ("解读之外，指南正文里怎么说", "guide"),
        ("请解答如何申请", None),
        ("给我解读怎么申请", None),
        ("官方解读中小企业要怎么做", None),
        ("告诉我解读里怎么说数据", "interpretation"),
        ("麻烦你解读里找找订阅", "interpretation"),
        ("这句话怎么解读，对企业有什么要求", None),
    ],
)
def test_the_document_in_which_something_is_asked(query: str, document: str | None) -> None:
    assert in_document(query) == document


@pytest.mark.parametrize(
    ("query", "aside"),
    [
        ("解读之外有没有提到银行", {"interpretation"}),
        ("不看解读，指南怎么说资金", {"interpretation"}),
        ("除了指南还有别的规定吗", set()),
        ("要不要解读里的数据", set()),
        ("政府怎么补贴", set()),
    ],
)
def test_the_documents_in_which_nothing_is_asked(query: str, aside: set[str]) -> None:
    assert set_aside(query) == aside


def test_a_document_set_aside_comes_later(assistant: Assistant) -> None:
    for query in ("解读之外有没有提到银行", "不看解读，指南怎么说资金"):
        assert assistant.answer(query).citations[0].document_id == "guide"


def test_what_a_document_or_section_says_is_looked_for_there_first(assistant: Assistant) -> None:
    said = assistant.answer("解读对优化发展环境怎么说")
    assert said.citations[0].document_id == "interpretation"
    there = assistant.answer("总则里怎么说政府")
    assert there.citations[0].section[0] == "一、总则"


def test_what_leads_in_comes_after_what_it_leads_to(assistant: Assistant) -> None:
    for query in ("中小企业数字化转型的工作思路是什么？", "如何保障《指南》落地见效？"):
        first = assistant.answer(query).citations[0].quote
        assert first.startswith("一是"), query


@pytest.mark.parametrize(
    "query", ["“携手行动”在解读里第几页", "解读里有没有提到携手行动", "原文里“先转带后转”在哪里"]
)
def test_words_that_stand_elsewhere_than_asked_are_shown_where_they_stand(
    assistant: Assistant, query: str
) -> None:
    answer = assistant.answer(query)
    direct = [c for c in answer.citations if c.role == "direct"]
    assert answer.status == "answered"
    assert direct
    assert all("携手行动" in c.quote or "先转带后转" in c.quote for c in direct)


def test_a_measure_may_be_called_without_its_verb() -> None:
    headings = {"guide:3-2": "开展全流程服务", "guide:1": "总则"}
    assert in_sections("全流程服务这条里，服务商要做些什么？", headings) == ["guide:3-2"]
    assert in_sections("全流程服务要做些什么？", headings) == []


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("补链固链强链 在哪条讲的", "补链固链强链"),
        ("“看样学样”这几个字出自哪句？", "看样学样"),
        ("分类指导是在讲啥，哪条", "分类指导"),
    ],
)
def test_words_are_shown_where_they_stand(assistant: Assistant, query: str, where: str) -> None:
    answer = assistant.answer(query)
    assert answer.status == "answered"
    assert all(where in c.quote for c in answer.citations if c.role == "direct")
