"""Follow-ups: what leans is joined, what is fresh is not dragged back, items and pages resolve."""

from __future__ import annotations

import pytest

from kb.answer import Assistant
from kb.dialogue import Turn, fresh, resolve
from kb.outline import Item, Listing

LISTING = Listing(
    "guide:4", ("四",), tuple(Item("guide", f"guide:4-{n}", n, n + 1, n + 1) for n in range(1, 6))
)
PLAIN = Turn("政府会给钱吗", "政府会给钱吗", None, None)
LISTED = Turn(
    "主管部门要做哪几项",
    "主管部门要做哪几项",
    LISTING,
    None,
    ("加强转型引导", "加大资金支持", "推广试点应用", "完善配套服务", "优化发展环境"),
)
PARTIES = ("服务商", "政府", "银行", "企业")


@pytest.mark.parametrize(
    "query", ["那银行呢", "平台那头呢", "为什么", "它跟APS有什么不一样", "具体怎么做"]
)
def test_leaning_queries_are_joined(query: str) -> None:
    resolution = resolve(query, [PLAIN])
    assert resolution.kind == "joined"
    assert resolution.standalone == f"政府会给钱吗——{query}"
    assert resolution.context == "政府会给钱吗"


@pytest.mark.parametrize(
    "query", ["中小企业数字化转型的工作思路是什么", "车间里的机器人要怎么避开行人和障碍物"]
)
def test_fresh_queries_stay_fresh(query: str) -> None:
    assert resolve(query, [PLAIN]).kind == "fresh"


def test_a_change_of_subject_is_cut_off() -> None:
    resolution = resolve("换个话题，谁能上门给看看问题", [PLAIN])
    assert (resolution.kind, resolution.standalone) == ("fresh", "谁能上门给看看问题")


@pytest.mark.parametrize(
    ("query", "item"),
    [
        ("第二点具体怎么做", 1),
        ("最后一条展开说说", 4),
        ("倒数第二条呢", 3),
        ("第四项呢", 3),
        ("第四个细一点", 3),
        ("挑最后一个展开", 4),
        ("中间那个细说", 2),
        ("跳回第二个，打哪儿下手", 1),
        ("头一个是谁管的", 0),
        ("刚才第二个再细说一下", 1),
        ("第四项具体包括什么", 3),
        ("第四个方面如何落实", 3),
    ],
)
def test_ordinals_pick_an_item(query: str, item: int) -> None:
    assert resolve(query, [LISTED]).item == item


@pytest.mark.parametrize(
    ("query", "items"),
    [
        ("前三条", (0, 1, 2)),
        ("最后两条展开说说", (3, 4)),
        ("第二和第四点呢", (1, 3)),
        ("第一到第三条", (0, 1, 2)),
        ("剩下的呢", (2, 3, 4)),
        ("其余几条也讲讲", (2, 3, 4)),
        ("后面三条", (2, 3, 4)),
    ],
)
def test_several_items_are_picked_at_once(query: str, items: tuple[int, ...]) -> None:
    resolution = resolve(query, [LISTED._replace(item=1)])
    assert (resolution.kind, resolution.items) == ("item", items)


def test_the_rest_of_a_list_follows_what_was_shown_of_it() -> None:
    assert resolve("剩下的呢", [LISTED]).items == ()
    assert resolve("剩下的呢", [LISTED._replace(item=4)]).items == ()
    assert resolve("前六条", [LISTED]).kind == "beyond"
    picked = LISTED._replace(item=1, told=True)
    assert resolve("还有吗", [picked]).items == (2, 3, 4)
    assert resolve("继续", [picked]).items == (2,)
    assert resolve("还有吗", [LISTED._replace(item=1)]).kind == "more"
    assert resolve("还有吗", [picked._replace(item=4)]).kind == "more"


def test_next_follows_the_last_item() -> None:
    assert resolve("再下一条", [LISTED._replace(item=1)]).item == 2
    assert resolve("再下一条", [LISTED._replace(item=4)]).kind == "beyond"
    assert resolve("倒数第九条", [LISTED]).kind == "beyond"


def test_previous_goes_back_from_the_last_item() -> None:
    assert resolve("上一条呢", [LISTED._replace(item=2)]).item == 1
    assert resolve("上一条呢", [LISTED._replace(item=0)]).item is None


@pytest.mark.parametrize(
    "query",
    [
        "我说的是银行",
        "所以服务商怎么干",
        "归谁负责",
        "做服务商的有份么",
        "名字里带平台的呢，任务一样吗",
    ],
)
def test_corrections_and_reactions_lean(query: str) -> None:
    assert resolve(query, [PLAIN], stands_alone=lambda _: True, parties=PARTIES).kind == "joined"


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("在第几页", "page"),
        ("这段话在原文第几页？", "page"),
        ("出自第几页", "page"),
        ("你刚才说的在第几页", "page"),
        ("在第幾頁", "page"),
        ("专项贷款的支持对象那一段在第几页", "joined"),
        ("数字化水平评测指标在第几页", "fresh"),
    ],
)
def test_a_question_for_a_page_asks_for_its_own_subject(query: str, kind: str) -> None:
    assert resolve(query, [PLAIN]).kind == kind


@pytest.mark.parametrize(
    "query",
    ["再说一遍", "没听清，再念一遍", "说具体点", "能详细说一下吗", "太笼统了", "repeat that"],
)
def test_asked_again_shows_the_last_answer_again(query: str) -> None:
    resolution = resolve(query, [PLAIN])
    assert resolution.kind == "again"
    assert resolution.text == PLAIN.text


@pytest.mark.parametrize(
    "query", ["再说说补贴", "重复建设怎么避免", "具体说说怎么评估", "再看看", "再说吧"]
)
def test_a_matter_of_its_own_is_not_asked_again(query: str) -> None:
    assert resolve(query, [PLAIN]).kind != "again"


def test_again_on_the_guide(assistant: Assistant) -> None:
    first = assistant.answer("没钱搞，政府给补贴吗")
    again = assistant.answer("再说一遍", ["没钱搞，政府给补贴吗"])
    assert again.citations == first.citations
    assert again.status == first.status
    for query in ("念原话", "没听清", "再說一遍"):
        assert assistant.answer(query, ["没钱搞，政府给补贴吗"]).citations == first.citations
    refused = assistant.answer("再说一遍", ["今天天气怎么样"])
    assert (refused.status, refused.reason) == ("not_found", "off_topic")
    following = assistant.answer("下一条", ["把14条举措列一下", "第七条", "重复一下"])
    assert following.citations[0].passage_id.startswith("guide:3-3")


def test_an_item_picked_from_a_list_is_shown_whatever_its_words_are_like(
    assistant: Assistant,
) -> None:
    """倒数第二条 was told to be off topic: no bank question says it."""
    answer = assistant.answer("倒数第二条", ["一共有哪些举措"])
    assert answer.status == "answered"
    assert answer.citations[0].passage_id == "guide:4-4-p1"


def test_beyond_the_end_of_a_list_nothing_is_made_up(assistant: Assistant) -> None:
    for query, history in (
        ("第十三个", ["名词解释有哪些"]),
        ("下一条", ["把14条举措列一下", "第十四条"]),
    ):
        answer = assistant.answer(query, history)
        assert (answer.status, answer.reason) == ("related", "number_exceeds")


@pytest.mark.parametrize("query", ["第三部分呢", "第三部分有哪些", "第22页"])
def test_a_part_or_page_is_no_item_of_the_list_shown(query: str) -> None:
    assert resolve(query, [LISTED]) == fresh(query)


@pytest.mark.parametrize("query", ["首都有哪些", "第一次搞数字化先做什么", "第一批试点有哪些"])
def test_ordinals_of_other_things_pick_no_item(query: str) -> None:
    assert resolve(query, [LISTED], stands_alone=lambda _: True).item is None


def test_a_question_of_its_own_hears_what_was_spoken_of(assistant: Assistant) -> None:
    query, before = "买来的软件能不能按自己的需要改一改", "月底对账熬到半夜"
    heard = assistant.explain(query, [before])
    assert heard.resolution.kind == "fresh"
    assert heard.resolution.heard == before
    assert heard.answer.standalone_query == query
    assert heard.scored is not None
    alone = assistant.explain(query).scored
    assert alone is not None
    assert (heard.scored.fused != alone.fused).any()
    changed = assistant.explain(f"换个话题，{query}", [before])
    assert changed.resolution.heard is None


def test_what_is_typed_in_traditional_characters_stays_so(assistant: Assistant) -> None:
    query = "什麼是低代碼"
    answer = assistant.answer(query, ["没钱搞，政府给补贴吗"])
    assert answer.standalone_query == query
    assert answer.citations[0].passage_id == "glossary:0-p12"


def test_without_history_everything_is_fresh() -> None:
    assert resolve("那银行呢", []).kind == "fresh"


def test_items_and_pages_on_the_guide(assistant: Assistant) -> None:
    history = ["主管部门的几项工作"]
    second = assistant.answer("第二点具体怎么做", history)
    assert second.citations[0].passage_id == "guide:4-2-p1"
    page = assistant.answer("在第几页", [*history, "第二点具体怎么做"])
    assert "第27页" in page.message
    more = assistant.answer("还有吗", ["没钱搞，政府给补贴吗"])
    first = assistant.answer("没钱搞，政府给补贴吗")
    marked = {span for c in first.citations if c.role == "direct" for span in c.highlights}
    assert more.citations
    assert not marked & {span for c in more.citations for span in c.highlights}


@pytest.mark.parametrize(
    ("history", "query", "passage"),
    [
        (["实施原则有哪些", "前两条"], "剩下的呢", "guide:1-2-p3"),
        (["实施原则有哪些", "第四条"], "第二条", "guide:1-2-p2"),
        (["实施原则有哪些", "第二条", "那谁来落实"], "第三条", "guide:1-2-p3"),
        (["把14条举措列一下", "第二条讲什么", "今天天气怎么样"], "下一条", "guide:2-3-p1"),
    ],
)
def test_a_list_stands_until_another_is_shown(
    assistant: Assistant, history: list[str], query: str, passage: str
) -> None:
    answer = assistant.answer(query, history)
    assert (answer.status, answer.citations[0].passage_id) == ("answered", passage)


@pytest.mark.parametrize(
    ("before", "query", "standalone"),
    [
        ("服务商能干嘛", "那银行呢", "银行能干嘛"),
        ("政府要做什么", "企业呢", "企业要做什么"),
        ("服务商能帮上什么忙？", "银行", "银行能帮上什么忙?"),
    ],
)
def test_what_one_party_was_asked_is_put_to_another(
    before: str, query: str, standalone: str
) -> None:
    turn = Turn(before, before, None, None)
    resolution = resolve(query, [turn], parties=PARTIES)
    assert (resolution.standalone, resolution.text) == (standalone, standalone)


@pytest.mark.parametrize("query", ["企业一方如何参与", "企业那边具体怎么做", "服务商怎么配合"])
def test_a_party_and_what_it_does_lean_on_the_matter(query: str) -> None:
    assert resolve(query, [PLAIN], parties=PARTIES).context == "政府会给钱吗"


def test_whose_doings_are_asked_about_comes_first(assistant: Assistant) -> None:
    training = assistant.answer("服务商也管培训吗", ["员工都不懂数字化咋办"])
    assert training.citations[0].section[0] == "三、提升转型供给水平"


def test_reasons_are_in_the_interpretation(assistant: Assistant) -> None:
    why = assistant.answer("为什么要搞试点", ["地方主管部门要做哪些工作", "第三条展开讲讲"])
    assert why.citations[0].passage_id == "interpretation:3-5-p4"


def test_a_question_with_a_topic_is_kept_for_the_other_party() -> None:
    assert resolve("那银行呢", [PLAIN], parties=PARTIES).context == "政府会给钱吗"


def test_lists_and_banks_after_another_party(assistant: Assistant) -> None:
    demand = assistant.answer("企业呢", ["政府要做什么"])
    assert [c.passage_id for c in demand.citations[1:6]] == [f"guide:2-{n}" for n in range(1, 6)]
    banks = assistant.answer("那银行", ["电信运营商能干嘛"])
    assert "金融机构" in banks.citations[0].quote


def test_a_term_not_yet_defined_comes_before_one_just_defined(assistant: Assistant) -> None:
    compared = assistant.answer("它跟AMR差在哪", ["AGV是什么"])
    assert [c.passage_id for c in compared.citations[:2]] == ["glossary:0-p11", "glossary:0-p10"]
    both = assistant.answer("AGV和AMR差在哪")
    assert [c.passage_id for c in both.citations[:2]] == ["glossary:0-p10", "glossary:0-p11"]


@pytest.mark.parametrize("query", ["为什么推荐用它", "那为啥劝我们租", "图个啥"])
def test_what_a_term_just_defined_is_good_for_is_where_it_is_used(
    assistant: Assistant, query: str
) -> None:
    answer = assistant.answer(query, ["订阅式产品服务是什么"])
    assert answer.citations[0].passage_id == "guide:2-3-p1"


def test_both_means_the_two_terms_last_spoken_of(assistant: Assistant) -> None:
    history = ["AGV是啥", "那AMR呢"]
    both = assistant.answer("它俩差在哪儿", history)
    assert both.standalone_query.endswith("AGV和AMR差在哪儿")
    assert [c.passage_id for c in both.citations[:2]] == ["glossary:0-p10", "glossary:0-p11"]
    assert "AGV和AMR" in assistant.answer("这两样用在哪个环节", history).standalone_query
    assert resolve("他们俩要做什么", [PLAIN], assistant.index.terms).text == "他们俩要做什么"


def test_an_ordinal_inside_a_question_names_the_item_it_is_about() -> None:
    resolution = resolve("第三条里政府要干嘛", [LISTED])
    assert (resolution.kind, resolution.item) == ("joined", 2)
    assert resolve("第三条里政府要干嘛", [PLAIN]).item is None


def test_a_short_question_that_people_ask_by_itself_is_not_dragged_back() -> None:
    assert resolve("今天天气怎么样", [PLAIN]).kind == "joined"
    assert resolve("今天天气怎么样", [PLAIN], (), lambda text: True).kind == "fresh"
    assert resolve("那银行呢", [PLAIN], (), lambda text: True).kind == "joined"


def test_fresh_list_and_comparison_on_the_guide(assistant: Assistant) -> None:
    weather = assistant.answer("今天天气怎么样", ["政府会给钱吗"])
    assert (weather.standalone_query, weather.status) == ("今天天气怎么样", "not_found")
    compared = assistant.answer("跟APS有什么不一样", ["MES是什么"])
    assert [c.passage_id for c in compared.citations[:2]] == ["glossary:0-p6", "glossary:0-p5"]
    ideas = assistant.answer("工作思路四句话是啥")
    points = [f"interpretation:3-2-p{n}" for n in (2, 3, 4, 5)]
    assert [c.passage_id for c in ideas.citations if c.role == "direct"] == [
        "guide:1-1-p1",
        *points,
    ]
    third = assistant.answer("第三个呢", ["工作思路四句话是啥"])
    assert third.citations[0].passage_id == points[2]


@pytest.mark.parametrize(
    ("query", "item", "kind"),
    [
        ("资金那块展开讲讲", 1, "item"),
        ("那服务这块呢", 3, "item"),
        ("环境呢", 4, "item"),
        ("还有第三呢", 2, "item"),
        ("资金那块，银行要干啥", 1, "joined"),
    ],
)
def test_items_are_named_by_their_words(query: str, item: int, kind: str) -> None:
    resolution = resolve(query, [LISTED])
    assert (resolution.kind, resolution.item) == (kind, item)


@pytest.mark.parametrize("query", ["支持呢", "税收那块呢", "第三方机构呢", "推广加强那条"])
def test_a_name_of_none_or_of_several_items_picks_none(query: str) -> None:
    several = LISTED._replace(leads=(*LISTED.leads[:4], "支持优化"))
    assert resolve(query, [several]).item is None


def test_a_bare_name_picks_an_item_only_of_a_list_shown_whole() -> None:
    assert resolve("环境呢", [LISTED._replace(item=0)]).item is None
    assert resolve("环境那块呢", [LISTED._replace(item=0)]).item == 4


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("解读里怎么说", "interpretation"),
        ("解读里对应的原文呢", "interpretation"),
        ("那原文呢", "guide"),
        ("指南里怎么写的", "guide"),
        ("原文在第几页", None),
        ("解读里怎么说服务商的", None),
    ],
)
def test_another_document_is_asked_for(query: str, document: str | None) -> None:
    assert resolve(query, [PLAIN]).document == document


def test_the_other_document_is_cited_first(assistant: Assistant) -> None:
    asked = ["怎么开展数字化评估"]
    first = assistant.answer(asked[0]).citations[0]
    told = {"guide": "指南原文怎么写的", "interpretation": "解读里怎么说"}
    for document, query in told.items():
        answer = assistant.answer(query, asked)
        assert (answer.status, answer.citations[0].document_id) == ("answered", document)
    both = {assistant.answer(q, asked).citations[0].passage_id for q in told.values()}
    assert first.passage_id in both
    assert both == {"guide:2-1-p1", "interpretation:3-3-p2"}


def test_a_query_goes_back_to_the_turn_whose_words_it_takes_up() -> None:
    turns = [
        Turn("优化发展环境包括哪些方面", "优化发展环境包括哪些方面", None, None),
        Turn("APS要考虑哪些约束", "APS要考虑哪些约束", None, None),
    ]
    back = resolve("说回刚才的环境，为什么要紧", turns)
    assert (back.context, back.turn) == ("优化发展环境包括哪些方面", -2)
    assert resolve("说回约束，有几个", turns).turn == -1
    assert resolve("刚才说的税收优惠力度", turns).turn == -1


@pytest.mark.parametrize(
    "query", ["企业内部怎么弄", "政府在这事上干啥", "服务商该做什么", "图什么"]
)
def test_a_query_without_a_subject_leans(query: str) -> None:
    assert resolve(query, [PLAIN], (), lambda text: True, PARTIES).kind == "joined"


@pytest.mark.parametrize("query", ["企业内部怎么管数据", "政府给补贴吗"])
def test_a_query_of_a_party_with_a_subject_does_not_lean(query: str) -> None:
    assert resolve(query, [PLAIN], (), lambda text: True, PARTIES).kind == "fresh"


def test_where_a_term_is_used_comes_first_once_it_was_explained(assistant: Assistant) -> None:
    answer = assistant.answer("对我们有啥用", ["低代码到底是个啥玩意儿"])
    assert answer.standalone_query.endswith("低代码对我们有啥用")
    assert answer.citations[0].passage_id == "guide:3-3-p1"
    assert "glossary:0-p12" in [c.passage_id for c in answer.citations]


def test_a_number_beyond_the_list_shown_is_an_address() -> None:
    assert resolve("第十条举措是什么", [LISTED]) == resolve("第十条举措是什么", [])


def test_more_ends_when_everything_was_shown(assistant: Assistant) -> None:
    for asked in ("第7个名词解释", "列出14条举措", "没钱搞，政府给补贴吗"):
        history = [asked]
        seen: set[tuple[str, tuple[tuple[int, int], ...]]] = set()
        for _ in range(12):
            answer = assistant.answer("还有吗", history)
            if answer.status != "answered":
                break
            direct = {(c.passage_id, c.highlights) for c in answer.citations if c.role == "direct"}
            assert direct
            assert not direct & seen
            seen |= direct
            history.append("还有吗")
        assert (answer.status, answer.reason, answer.citations) == ("not_found", "nothing_more", ())


@pytest.mark.parametrize(
    "query",
    [
        "服务商和企业两者的责任怎么分",
        "What should both providers and authorities do?",
        "IT 部门要做什么",
    ],
)
def test_words_of_a_question_of_its_own_stay(assistant: Assistant, query: str) -> None:
    for history in (["AGV是什么", "那AMR呢"], ["MES是什么"]):
        assert query in assistant.answer(query, history).standalone_query


def test_both_needs_terms_in_the_question_before(assistant: Assistant) -> None:
    history = ["AGV是什么", "那AMR呢", "服务商要做什么"]
    assert assistant.answer(history[2], history[:2]).standalone_query == history[2]
    assert "AGV" not in assistant.answer("它们要做什么", history).standalone_query


def test_greetings_and_unusable_text_are_no_turns(assistant: Assistant) -> None:
    asked = "没钱搞，政府给补贴吗"
    plain = assistant.answer("那银行呢", [asked])
    for between in ("谢谢", "\x00", "\ud800", "   ", "钱" * 600):
        assert assistant.answer("那银行呢", [asked, between]) == plain


def test_half_characters_come_back_as_question_marks(assistant: Assistant) -> None:
    assert assistant.answer("\ud800 什么是MES").query == "? 什么是MES"
    assert assistant.answer("\ud800").query == "?"


@pytest.mark.parametrize(
    "query",
    [
        "这一条属于哪个大标题下面的",
        "这部分在材料第几个问题下面",
        "属于哪一章？",
        "它在哪一部分里",
        "这是哪一章讲的",
    ],
)
def test_headings_of_the_last_answer(query: str) -> None:
    """They lean on the turn before, and ask for nothing else."""
    turn = Turn("职业院校能承担什么任务", "职业院校能承担什么任务", None, None)
    assert resolve(query, [turn]).kind == "heading"


@pytest.mark.parametrize("query", ["哪部分最重要", "哪一个", "第几个问题讲资金", "哪个章节讲试点"])
def test_a_question_that_asks_more_is_not_for_headings(query: str) -> None:
    turn = Turn("职业院校能承担什么任务", "职业院校能承担什么任务", None, None)
    assert resolve(query, [turn]).kind != "heading"


def test_headings_are_quoted_nearest_first(assistant: Assistant) -> None:
    answer = assistant.answer(
        "属于哪一部分？", ["职业院校在中小企业数字化转型里可以承担什么任务？"]
    )
    quotes = [c.quote for c in answer.citations if c.role == "direct"]
    assert quotes == ["（四）完善配套服务", "四、加大转型政策支持"]
    assert answer.citations[-1].role == "related"


def test_headings_of_a_list_are_those_above_it(assistant: Assistant) -> None:
    answer = assistant.answer("这几条属于哪个部分", ["14条举措都有哪些"])
    quotes = [c.quote for c in answer.citations if c.role == "direct"]
    assert quotes == ["二、增强企业转型能力", "三、提升转型供给水平", "四、加大转型政策支持"]


def test_an_entry_of_a_term_nobody_named_answers_nothing(assistant: Assistant) -> None:
    """The glossary says nothing of subsidies."""
    answer = assistant.answer("名词解释怎么说", ["政府怎么补贴"])
    assert answer.status != "answered"
    assert all(citation.role == "related" for citation in answer.citations)


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("解读里对应的是哪一句？", "interpretation"),
        ("解读里也有类似的说法吧，找给我看", "interpretation"),
        ("不要解读，我要指南正文的说法", "guide"),
        ("不要解读，看正文", "guide"),
        ("不要解读，直接给我看指南正文", "guide"),
        ("解读里怎么概括这一条的？", "interpretation"),
    ],
)
def test_another_document_on_the_same_matter(query: str, document: str) -> None:
    resolution = resolve(query, [PLAIN])
    assert (resolution.kind, resolution.document) == ("source", document)


@pytest.mark.parametrize(
    "query",
    [
        "最后该怎么落实", "下去怎么弄", "后应该怎么办", "下一步怎么落实", "下一步打算怎么推",
        "下步怎么做", "下个月能申请补贴吗", "下点功夫培训员工行不行", "下个阶段该做什么",
    ],
)  # fmt: skip
def test_last_and_next_need_something_to_count(query: str) -> None:
    assert resolve(query, [LISTED]).kind not in ("item", "beyond")


@pytest.mark.parametrize(
    ("query", "item"),
    [
        ("最后一点呢", 4), ("第二样为什么要提", 1), ("最后那条讲什么", 4), ("最后呢", 4),
        ("最后讲的啥", 4), ("帮我问一下第二点怎么做", 1),
    ],
)  # fmt: skip
def test_items_by_other_counters(query: str, item: int) -> None:
    assert resolve(query, [LISTED]).item == item


def test_next_is_next_to_an_item() -> None:
    assert resolve("下一条呢", [LISTED]).item is None
    assert resolve("下一条呢", [LISTED._replace(item=1)]).item == 2
    assert resolve("下一步呢", [LISTED._replace(item=1)]).item == 2


@pytest.mark.parametrize(
    "query",
    ["以后一个人就能管这些车吗", "目前一个企业用得上这个吗", "最后一个问题，这个怎么上",
     "前一个问题再讲讲", "今后一个企业要上这个得怎么做"],
)  # fmt: skip
def test_former_and_latter_are_no_parts_of_other_words(assistant: Assistant, query: str) -> None:
    explained = assistant.explain(query, ["AGV和AMR有什么区别"])
    assert explained.resolution.standalone.endswith(query)


@pytest.mark.parametrize(
    ("history", "query"),
    [
        (["低代码是什么", "政府怎么补贴"], "那中小企业怎么定义"),
        (["MES是什么", "服务商要做什么"], "这个有没有官方定义"),
        (["MES是什么", "服务商要做什么"], "“小快轻准”的定义呢"),
    ],
)
def test_the_definition_of_something_else_is_no_entry(
    assistant: Assistant, history: list[str], query: str
) -> None:
    explained = assistant.explain(query, history)
    assert explained.resolution.standalone == f"{history[-1]}——{query}"


@pytest.mark.parametrize(
    ("query", "kind", "asked"),
    [
        ("帮我们老板问一下这个怎么落实", "joined", "这个怎么落实"),
        ("替他问一下它在第几页", "page", "它在第几页"),
        ("帮我问个问题，这个多久见效", "joined", "这个多久见效"),
        ("帮我们财务问一下，政府给不给中小企业转型的补贴", "fresh", "政府给不给中小企业转型的补贴"),
    ],
)
def test_who_asks_changes_nothing(query: str, kind: str, asked: str) -> None:
    resolution = resolve(query, [PLAIN])
    assert resolution.kind == kind
    assert resolution.standalone.endswith(asked)
    assert "问" not in resolution.standalone.removeprefix(PLAIN.subject)


def test_former_latter_and_a_term_left_out(assistant: Assistant) -> None:
    history = ["AGV是个什么东西？", "跟AMR比有啥不同？"]
    latter = assistant.explain("后面这种在工厂里能干哪些活？", history).resolution.standalone
    assert latter.endswith("AMR在工厂里能干哪些活？")
    history = ["MES和APS有啥区别", "前者用在哪个环节"]
    assert assistant.explain("后者呢", history).resolution.standalone.endswith("APS呢")
    history = ["低代码服务商应当往哪个方向改进产品？", "改进了之后谁来用，程序员还是业务员"]
    again = assistant.answer("再给我一遍名词解释，做PPT要用", history)
    assert again.citations[0].quote.startswith("12. 低代码")


def test_why_an_item_is_asked_for_is_in_the_interpretation(assistant: Assistant) -> None:
    answer = assistant.answer("第二样为什么要提，企业自己搞不行？", ["供给侧写了哪四样"])
    assert answer.citations[0].quote.startswith("二是开展全流程服务。")


REFUSED = Turn("利息几个点", "利息几个点", None, None, answered=False)
TOLD = LISTED._replace(told=True)


@pytest.mark.parametrize(
    ("query", "kind"),
    [("解读里怎么说", "source"), ("在第几页", "page"), ("这在哪一部分", "heading")],
)
def test_what_was_shown_last_is_spoken_of_though_a_refusal_came_after(
    query: str, kind: str
) -> None:
    resolution = resolve(query, [PLAIN, REFUSED])
    assert (resolution.kind, resolution.context, resolution.turn) == (kind, PLAIN.subject, -2)
    assert resolve(query, [REFUSED]).turn == -1  # nothing else was shown


def test_the_page_of_what_was_shown_before_a_refusal(assistant: Assistant) -> None:
    history = ["没房抵押，光凭流水数据能贷到款不", "利息几个点"]
    assert assistant.answer(history[1], history[:1]).status != "answered"
    assert (
        assistant.answer("在第几页", history).citations[0]
        == (assistant.answer(history[0]).citations[0])
    )


@pytest.mark.parametrize(
    ("query", "item"),
    [
        ("其中第二个方面", 1),
        ("那么再看第四个方面", 3),
        ("末了那句", 4),
        ("五条里最后一条", 4),
        ("头一样咋干", 0),
        ("第五条，全文和解读各自怎么写的？", 4),
    ],
)
def test_ordinals_with_words_before_them(query: str, item: int) -> None:
    resolution = resolve(query, [TOLD])
    assert (resolution.kind, resolution.item) == ("item", item)


def test_a_question_on_an_item_leans_on_the_item() -> None:
    resolution = resolve("其中第二个方面，主管部门具体可以采取哪些措施？", [TOLD])
    assert (resolution.kind, resolution.item) == ("joined", 1)
    assert resolution.context == "加大资金支持"
    numbered = TOLD._replace(leads=("一是加强转型引导。", "（二）加大资金支持"))
    for lead, query in (("加强转型引导", "第一条里谁出钱"), ("加大资金支持", "第二条里谁出钱")):
        assert resolve(query, [numbered]).context == lead


@pytest.mark.parametrize("query", ["另外两条呢", "另外还有两条原则，请一并列出。"])
def test_the_others_of_a_list_are_no_change_of_subject(query: str) -> None:
    resolution = resolve(query, [TOLD._replace(item=0)])
    assert (resolution.kind, resolution.items) == ("item", (1, 2, 3, 4))
    assert resolve("另外，园区能干什么", [TOLD]).kind == "fresh"


@pytest.mark.parametrize(
    "query",
    [
        "换解读看看，原话咋说",
        "另一本里呢，就那个解读",
        "解读对这部分概括得更短，原话是什么？",
        "解读在同一处用的是哪个词组？",
    ],
)
def test_another_document_in_other_words(query: str) -> None:
    resolution = resolve(query, [PLAIN])
    assert (resolution.kind, resolution.document) == ("source", "interpretation")


@pytest.mark.parametrize(
    "query", ["解读里关于银行怎么说", "解读对“上云上平台”怎么支持", "宣传解读谁来做"]
)
def test_a_document_with_a_subject_of_its_own_is_no_other_wording(query: str) -> None:
    assert resolve(query, [PLAIN]).document is None


def test_what_another_document_says_is_its_counterpart(assistant: Assistant) -> None:
    history = ["指南里免费试用是由谁来提供的"]
    quote = assistant.answer(history[0]).citations[0]
    assert quote.document_id == "guide"
    answer = assistant.answer("解答把背后的原因归结为什么？", history)
    assert answer.citations[0].passage_id == "interpretation:3-4-p4"


def test_a_document_without_a_term_says_nothing_of_it(assistant: Assistant) -> None:
    assert assistant.answer("解读里怎么说", ["MES是什么"]).status == "related"
    said = assistant.answer("指南里怎么说", ["MES是什么"])
    assert said.status == "answered"
    assert "MES" in said.citations[0].quote


def test_what_is_off_the_topic_is_not_leaned_on(assistant: Assistant) -> None:
    assert assistant.answer("那银行呢", ["今天天气怎么样"]).standalone_query == "那银行呢"
    asked = ["政府给补贴吗", "今天天气怎么样"]
    assert assistant.answer("那银行呢", asked).standalone_query == "政府给补贴吗——那银行呢"
