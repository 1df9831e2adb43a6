"""The guide itself with the real encoder: terms, questions and measures find their passage first."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kb.answer import MAX_QUERY, Assistant
from kb.batch import answer_lines
from kb.schema import Answer
from kb.verify import verify

REPOSITORY = Path(__file__).resolve().parent.parent
DEV = REPOSITORY / "eval" / "datasets" / "guide" / "dev.jsonl"

TERMS = {
    "订阅式产品服务": (1, None),
    "软件即服务": (2, "saas"),
    "计算机辅助设计": (3, "cad"),
    "计算机辅助工程": (4, "cae"),
    "制造执行系统": (5, "mes"),
    "高级计划与排程": (6, "aps"),
    "仓库管理系统": (7, "wms"),
    "订单管理系统": (8, "oms"),
    "运输管理系统": (9, "tms"),
    "无人搬运车": (10, "agv"),
    "自主移动机器人": (11, "amr"),
    "低代码": (12, None),
}


def term_questions() -> list[tuple[str, str]]:
    pairs = []
    for name, (number, abbreviation) in TERMS.items():
        passage = f"glossary:0-p{number}"
        pairs += [(f"什么是{name}", passage), (name, passage)]
        if abbreviation:
            pairs += [
                (f"什么是{abbreviation.upper()}", passage),
                (abbreviation, passage),
                (f"{abbreviation}是什么", passage),
            ]
    return pairs


def ask_batch(assistant: Assistant, queries: list[str]) -> list[Answer]:
    lines = [
        json.dumps({"id": str(n), "query": q}, ensure_ascii=False) for n, q in enumerate(queries)
    ]
    rows = [json.loads(line) for line in answer_lines(assistant, lines)]
    assert [row["id"] for row in rows] == [str(n) for n in range(len(queries))]
    return [Answer.model_validate(row["answer"]) for row in rows]


def test_every_term_brings_its_definition_first(assistant: Assistant) -> None:
    pairs = term_questions()
    answers = ask_batch(assistant, [query for query, _ in pairs])
    wrong = [
        (query, a.status, a.citations[:1])
        for (query, passage), a in zip(pairs, answers, strict=True)
        if a.status != "answered" or a.citations[0].passage_id != passage
    ]
    assert not wrong


def test_the_six_questions_bring_their_answer_first(assistant: Assistant) -> None:
    document = assistant.index.documents["interpretation"]
    headings = [s for s in document.sections if s.title.endswith("？")]
    queries = [re.sub(r"^\d+[、.] ?", "", s.title) for s in headings]
    wrong = []
    for section, query, answer in zip(
        headings, queries, ask_batch(assistant, queries), strict=True
    ):
        first = answer.citations[0] if answer.citations else None
        inside = first is not None and (
            first.document_id == "interpretation"
            and section.start <= first.start < section.body_end
        )
        if answer.status != "answered" or not inside:
            wrong.append((query, answer.status, first))
    assert not wrong


def test_the_fourteen_measures_bring_their_text_first(assistant: Assistant) -> None:
    document = assistant.index.documents["guide"]
    sections = [s for s in document.sections if s.level == 3 and not s.path[0].startswith("一、")]
    assert len(sections) == 14
    queries = [re.sub(r"^[（(].+[）)] ?", "", s.title) for s in sections]
    wrong = []
    for section, query, answer in zip(
        sections, queries, ask_batch(assistant, queries), strict=True
    ):
        first = answer.citations[0] if answer.citations else None
        inside = first is not None and (
            first.document_id == "guide" and section.start <= first.start < section.body_end
        )
        if answer.status != "answered" or not inside:
            wrong.append((query, answer.status, first))
    assert not wrong


@pytest.fixture(scope="module")
def varied(assistant: Assistant) -> list[Answer]:
    rows = [json.loads(line) for line in DEV.read_text(encoding="utf-8").splitlines()]
    queries = [turn["query"] for row in rows for turn in row.get("turns", [row])]
    queries += [
        q.query for q in assistant.index.questions[:: max(1, len(assistant.index.questions) // 120)]
    ]
    assert len(queries) >= 500
    return ask_batch(assistant, queries)


def test_every_quote_is_the_source(assistant: Assistant, varied: list[Answer]) -> None:
    for answer in varied:
        for c in answer.citations:
            text = assistant.index.documents[c.document_id].text
            assert text[c.start : c.end] == c.quote
            assert c.quote
            assert all(c.start <= a < b <= c.end for a, b in c.highlights)


def test_status_and_roles_agree(varied: list[Answer]) -> None:
    for answer in varied:
        roles = [c.role for c in answer.citations]
        assert ("direct" in roles) == (answer.status == "answered")
        assert roles == sorted(roles)
        assert [c.rank for c in answer.citations] == list(range(1, len(roles) + 1))
        assert (answer.reason is None) == (answer.status == "answered")


def test_same_question_same_bytes(assistant: Assistant) -> None:
    queries = ["没钱搞，政府给补贴吗", "把14条举措都列一下", "ERP是什么"]
    before = [assistant.answer(q).model_dump_json() for q in queries]
    assistant.forget()
    assert [assistant.answer(q).model_dump_json() for q in queries] == before


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "input_empty"),
        ("  \n", "input_empty"),
        ("？！", "input_empty"),
        ("\x00\x07", "input_empty"),
        ("长" * 100_000, "input_too_long"),
        ("长" * (MAX_QUERY + 1), "input_too_long"),
    ],
)
def test_unusable_queries_get_one_sentence(assistant: Assistant, query: str, reason: str) -> None:
    answer = assistant.answer(query)
    assert (answer.status, answer.reason) == ("not_found", reason)
    assert answer.message.endswith("。")


def test_control_characters_do_not_change_the_answer(assistant: Assistant) -> None:
    plain, noisy = assistant.answer("什么是低代码"), assistant.answer("\x00什么是低代码\x1b")
    assert plain.citations == noisy.citations


def test_complete_lists(assistant: Assistant) -> None:
    answer = assistant.answer("指南一共有哪14条举措，全部列一下")
    headings = [c for c in answer.citations if re.fullmatch(r"[（(].+[）)] ?\S+", c.quote)]
    assert len(headings) == 14
    assert "14/14" in answer.message


def test_two_terms_side_by_side(assistant: Assistant) -> None:
    answer = assistant.answer("MES和APS有什么区别")
    assert [c.passage_id for c in answer.citations[:2]] == ["glossary:0-p5", "glossary:0-p6"]


def test_a_slip_is_said_openly(assistant: Assistant) -> None:
    answer = assistant.answer("mse是什么")
    assert answer.citations[0].passage_id == "glossary:0-p5"
    assert "已按“MES”检索" in answer.message


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("天气怎么样", "not_found", "off_topic"),
        ("ERP是什么", "not_found", "term_absent"),
        ("MES和SRM的区别", "related", "term_absent"),
        ("上云会不会泄密", "related", "not_covered"),
        ("How many staff must a firm train each year?", "related", "not_covered"),
        ("补贴多少钱", "related", "asks_amount"),
    ],
)
def test_a_refusal_says_what_is_missing(
    assistant: Assistant, query: str, status: str, reason: str
) -> None:
    answer = assistant.answer(query)
    assert (answer.status, answer.reason) == (status, reason)


@pytest.mark.parametrize(
    "query",
    [
        "今天天气怎么样",
        "帮我写一份数字化转型方案",
        "ERP是什么意思",
        "补贴多少钱",
        "第二十条举措是什么",
    ],
)
def test_outside_questions_are_not_answered(assistant: Assistant, query: str) -> None:
    answer = assistant.answer(query)
    assert answer.status != "answered"
    assert answer.reason


def test_bad_batch_lines_never_stop_the_batch(assistant: Assistant) -> None:
    lines = [
        "{",
        "[]",
        '{"id": 1}',
        '{"id": 2, "query": 5}',
        '{"id": 3, "turns": []}',
        "",
        '{"id": 4, "query": "什么是MES"}',
        '{"id": 5, "turns": [{"query": "什么是MES"}, {"query": "那APS呢"}]}',
        '{"id": 6, "query": "\\ud800低代码"}',
    ]
    rows = [json.loads(line) for line in answer_lines(assistant, lines)]
    assert [row["id"] for row in rows] == [None, None, 1, 2, 3, 4, 5, 6]
    assert all(row["error"].endswith("。") for row in rows[:5])
    assert rows[6]["answers"][1]["citations"][0]["passage_id"] == "glossary:0-p6"


def test_verify_tells_exact_differs_and_absent(assistant: Assistant) -> None:
    documents, passages = assistant.index.documents, assistant.index.passages
    assert verify("从易到难、由点及面", documents, passages).state == "exact"
    changed = verify("从易到难、由点到面、长期迭代、多方协同", documents, passages)
    assert changed.state == "differs"
    assert any(piece == "到" for _, piece, _ in changed.diff)
    assert verify("今天中午吃什么好呢大家说说看", documents, passages).state == "absent"


def test_answers_need_no_network(assistant: Assistant, no_network: None) -> None:
    assistant.forget()
    assert assistant.answer("什么是低代码").status == "answered"


@pytest.mark.parametrize(
    "query", ["MES和APS用在哪个环节", "AGV一般用在什么地方", "Where are WMS and TMS used?"]
)
def test_where_a_term_is_used_is_answered_by_the_guide(assistant: Assistant, query: str) -> None:
    answer = assistant.answer(query)
    assert answer.citations[0].passage_id.startswith("guide:2-3")
    assert any(c.passage_id.startswith("glossary:") for c in answer.citations[1:])


def direct(assistant: Assistant, query: str) -> list[str]:
    return [c.passage_id for c in assistant.answer(query).citations if c.role == "direct"]


def test_each_clause_that_asks_is_answered(assistant: Assistant) -> None:
    both = direct(assistant, "AGV靠什么认路，出台指南是为了什么")
    assert "glossary:0-p10" in both
    assert any(name.startswith(("guide:0", "interpretation:2")) for name in both)
    assert direct(assistant, "运输管理系统能管到财务吗，都管什么") == ["glossary:0-p9"]


def test_a_long_question_with_a_weak_sign_of_a_list_is_none(assistant: Assistant) -> None:
    query = "平台企业、大型企业和服务商这些供给方要发挥各自哪些方面的优势？"
    plan = assistant.explain(query).plan
    assert plan is not None
    assert plan.kind == "passages"


@pytest.mark.parametrize(
    "query",
    [
        "“企业出一点、平台让一点、政府补一点”出自第几页？",
        "“携手行动”的具体表述",
        "“产学研用金”在哪里",
    ],
)
def test_words_of_the_documents_are_found_where_they_stand(
    assistant: Assistant, query: str
) -> None:
    quoted = query[1 : query.index("”")]
    answer = assistant.answer(query)
    assert answer.status == "answered"
    assert quoted in answer.citations[0].quote


def test_a_place_told_in_passing_is_not_asked_for(assistant: Assistant) -> None:
    assert assistant.answer("山东的厂想找专家上门诊断").status == "answered"
    assert assistant.answer("浙江是不是试点省").status != "answered"
