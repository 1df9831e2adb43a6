"""The rooms without a browser: turns, reader, glossary, quiz, packs, journal, small requests."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from kb.answer import Assistant
from kb.api import create_api
from kb.errors import InputError
from kb.journal import Counted, Feedback, Journal, Statistics
from kb.pages.cards import direct_cards
from kb.pages.chat import read_asked
from kb.pages.exports import feedback_csv, report_csv, statistics_csv
from kb.pages.insight import scale_html
from kb.pages.library import Library
from kb.pages.links import Link, leaned_on, read_link
from kb.pages.lost import Lost
from kb.pages.packs import (
    LeftOut,
    left_out_html,
    read_pack,
    read_pack_file,
    report_html,
)
from kb.pages.reading import Target, document_html, find, resolve_target, section_html
from kb.pages.results import figures_html, results_markdown
from kb.pages.routes import page_routes
from kb.pages.shell import dress
from kb.pages.turns import TurnView, turn_html, waiting_html
from kb.pages.words import TABLE, Words
from kb.pages.words_messages import ENGLISH, to_english
from kb.pages.worksheets import Card, cards_html, quiz_html
from kb.pages.workshop import cards_for
from kb.quiz import key_answers, make_quiz, stem_text
from kb.render import Shelf
from kb.service import Service
from kb.settings import Settings
from kb.wording import MESSAGES, REASONS, STATES, reason_text
from tests.test_render import text_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ZH = Words()
HERE = ("127.0.0.1", 50000)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def service(real_settings: Settings, assistant: Assistant) -> Service:
    service = Service(real_settings)
    service.start()
    assert service.wait(120), service.reason
    return service


@pytest.fixture(scope="module")
def library(service: Service) -> Library:
    return Library(service)


@pytest.fixture(scope="module")
def shelf(library: Library) -> Shelf:
    return library.shelf


@pytest.fixture(scope="module")
def client(
    service: Service, library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    app = create_api(service)
    app.include_router(page_routes(service, library, Journal(tmp_path_factory.mktemp("journal"))))
    with TestClient(app, client=HERE) as client:
        yield client


def test_words_are_complete_in_both_languages() -> None:
    assert all(zh and en for zh, en in TABLE.values())
    assert set(ENGLISH) >= {*MESSAGES.values(), *REASONS.values(), *STATES.values()}
    for zh, en in ENGLISH.items():
        assert set(re.findall(r"{(\w+)}", zh)) == set(re.findall(r"{(\w+)}", en)), zh
        assert not CHINESE.search(en)
    assert "</" not in ZH.for_browser()


def test_messages_are_said_in_english_with_their_values(assistant: Assistant) -> None:
    message = MESSAGES["corrected"].format(right="MES", wrong="mse")
    message += MESSAGES["listed"].format(total=14)
    assert to_english(message).startswith("Searched for “MES” (you typed “mse”). 14 items")
    assert "(14/14)" in to_english(message)
    pages = MESSAGES["page"].format(pages="第9页、第10页")
    assert "(p. 9, 10)" in to_english(pages)
    exceeded = reason_text("number_exceeds", unit="举措", total=14) + MESSAGES["not_found"]
    assert "only 14 of that kind (measures). Nothing in" in to_english(exceeded)
    assert to_english("不是模板里的话") == "不是模板里的话"
    for query in ("你好", "mse是什么", "补贴能拿多少钱", "今天天气怎么样", "把14条举措列一下"):
        assert not CHINESE.search(to_english(assistant.answer(query).message)), query


def test_the_library_equals_the_index(library: Library, assistant: Assistant) -> None:
    assert tuple(library.shelf.passages.values()) == assistant.index.passages
    assert library.shelf.terms == assistant.index.terms


def test_a_turn_escapes_what_was_typed(shelf: Shelf, assistant: Assistant) -> None:
    query = "<img src=x onerror=alert(1)> 什么是低代码 \"'&"
    for words in (ZH, Words("en")):
        html = turn_html(TurnView(1, assistant.answer(query)), shelf, words)
        assert "<img" not in html
        assert query in text_of(html).text


def test_refusals_cannot_be_taken_for_answers(shelf: Shelf, assistant: Assistant) -> None:
    refused = assistant.answer("你好")
    html = turn_html(TurnView(1, refused), shelf, ZH)
    assert "kb-quote" not in html
    assert "kb-card-direct" not in html
    assert "稍候" in waiting_html(1, "问", "请稍候", ZH)


def test_a_follow_up_can_be_undone(shelf: Shelf, assistant: Assistant) -> None:
    first, second = "没钱搞，政府给补贴吗", "那银行呢"
    answer = assistant.answer(second, [first])
    html = turn_html(TurnView(2, answer, (first,)), shelf, ZH)
    assert 'data-fresh="1"' in html
    assert answer.standalone_query in text_of(html).text


def test_a_link_carries_what_its_answer_leans_on(shelf: Shelf, assistant: Assistant) -> None:
    history = ("什么是低代码", "没钱搞，政府给补贴吗", "你好")
    for query, least in (("那银行呢", 1), ("第22页讲什么", 0)):
        answer = assistant.answer(query, history)
        leans = leaned_on(answer, history, None, assistant)
        assert len(leans) == least
        turn = TurnView(2, answer, history, "supply", leans=leans)
        for words in (ZH, Words("en")):
            opened = read_link("http://127.0.0.1:7860" + turn.link(words))
            assert opened == (words.home, Link(query, leans, "supply"))
        assert assistant.answer(query, leans) == answer
    long = tuple(f"{n}" + "问" * 400 for n in range(8))
    address = Link("那银行呢", long).address("/")
    assert len(address) < 10_001
    assert read_link(address) == ("/", Link("那银行呢", long[-2:]))
    for text in ("什么是低代码", "http://[", "/?p=guide:2-3", "https://x/y?q=1", "?q=1"):
        assert read_link(text) is None


def test_the_first_turn_of_a_link_says_what_was_asked_before(
    shelf: Shelf, assistant: Assistant
) -> None:
    history = ("没钱<b>搞，政府给补贴吗",)
    answer = assistant.answer("那银行呢", history)
    first = turn_html(TurnView(1, answer, history), shelf, ZH)
    assert "kb-earlier" in first
    assert "<b>" not in first
    assert history[0] in text_of(first).text
    assert "kb-earlier" not in turn_html(TurnView(2, answer, history), shelf, ZH)


def test_a_short_address_keeps_the_dialogue(
    client: TestClient, library: Library, tmp_path: Path, service: Service
) -> None:
    journal = Journal(tmp_path)
    linked = Link("那银行呢", ("没钱搞，政府给补贴吗",), "demand")
    lines = ["http://127.0.0.1:7860" + linked.address("/en/"), "什么是低代码"]
    cards = cards_for("\n".join(lines), "http://x", library, journal).cards
    assert [card.label for card in cards] == ["那银行呢", "什么是低代码"]
    app = create_api(service)
    app.include_router(page_routes(service, library, journal))
    with TestClient(app, client=HERE) as opened:
        for card, wanted in zip(
            cards, (linked.address("/en/"), Link("什么是低代码").address("/")), strict=True
        ):
            assert card.address == "http://x" + wanted
            moved = opened.get(card.short.removeprefix("http://x"), follow_redirects=False)
            assert moved.headers["location"] == wanted


def test_what_the_browser_sends_is_held_to_what_there_is() -> None:
    assert read_asked({"query": "问", "role": "hacker"}).role == ""
    assert read_asked({"query": "问", "role": "any"}).role == ""
    assert read_asked({"query": "问", "role": "supply"}).role == "supply"


def test_a_probability_is_never_said_to_be_certain(shelf: Shelf, assistant: Assistant) -> None:
    english = Words("en")
    for part, zh, en in (
        (1.0, "超过99%", "more than 99%"),
        (0.9951, "超过99%", "more than 99%"),
        (0.99, "约为 99%", "about 99%"),
        (0.01, "约为 1%", "about 1%"),
        (0.0, "不到1%", "less than 1%"),
    ):
        assert (ZH.share(part), english.share(part)) == (zh, en)
    explained = assistant.explain("什么是低代码")
    sure = explained.answer.model_copy(update={"confidence": 0.99996})
    shown = text_of(turn_html(TurnView(1, sure), shelf, ZH)).text
    shown += text_of(scale_html(explained._replace(answer=sure), assistant, ZH)).text
    assert "100%" not in shown
    assert "1.000" not in shown
    assert shown.count("概率超过99%") == 2


def test_the_reader_shows_every_document_whole(shelf: Shelf) -> None:
    for document in shelf.documents.values():
        shown = text_of(document_html(shelf, Target(document.id), ZH)).text
        for paragraph in document.paragraphs:
            assert document.text[paragraph.start : paragraph.end] in shown
        for section in document.sections:
            assert document.text[section.start : section.end] in shown


def test_addresses_of_passages_and_sections(shelf: Shelf) -> None:
    for identifier in (*shelf.passages, "guide:2-3", "glossary"):
        assert resolve_target(shelf, identifier) is not None
    assert resolve_target(shelf, "guide:99") is None
    assert "kb-cited" in document_html(shelf, Target("guide", "guide:2-3", 0, 30), ZH)
    assert section_html(shelf, "nothing") == ""
    assert "开展业务数字化" in text_of(section_html(shelf, "guide:2-3-p1")).text


def test_find_whatever_the_case_and_script(shelf: Shelf) -> None:
    assert find(shelf, "mes") == find(shelf, "ＭＥＳ") != []
    assert find(shelf, "數字化轉型") == find(shelf, "数字化转型")
    assert find(shelf, "区块链") == find(shelf, " ") == []
    for one in find(shelf, "低代码"):
        assert shelf.documents[one.document_id].text[one.start : one.end] == "低代码"


def test_a_quiz_is_cut_from_the_documents(shelf: Shelf) -> None:
    quiz = make_quiz(shelf, 7, terms=12, lists=12)
    assert quiz == make_quiz(shelf, 7, terms=12, lists=12)
    assert quiz != make_quiz(shelf, 8, terms=12, lists=12)
    assert {item.kind for item in quiz.items} == {"term", "list", "match"}
    for item in quiz.items:
        assert item.sources
        for row in item.rows:
            text = shelf.documents[row.place.document_id].text
            for start, end in row.blanks:
                assert row.place.start <= start < end <= row.place.end
                assert text[start:end] not in stem_text(shelf, row)
        blanked = [
            shelf.documents[r.place.document_id].text[a:b] for r in item.rows for a, b in r.blanks
        ]
        if item.kind == "list":
            assert item.heading
        if item.kind == "term":
            stem = "".join(stem_text(shelf, row) for row in item.rows)
            assert not any(name in stem for name in item.bank)
            assert key_answers(item)[0].endswith(f". {item.answers[0]}")
        if item.kind != "match":
            assert all(any(answer in b for b in blanked) for answer in item.answers)
    html = quiz_html(quiz, shelf, ZH)
    assert all(answer in text_of(html).text for item in quiz.items for answer in item.answers)


def test_a_quiz_has_an_item_at_least(shelf: Shelf, client: TestClient) -> None:
    with pytest.raises(InputError, match="至少") as refused:
        make_quiz(shelf, 1, terms=0, lists=0, match=False)
    assert not CHINESE.search(to_english(str(refused.value)))
    body = {"format": "md", "seed": 1, "terms": 0, "lists": 0, "match": False}
    assert client.post("/page/quiz", json=body).status_code == 400
    with pytest.raises(InputError, match="没有可以出"):
        make_quiz(shelf._replace(passages={}, terms=()), 1, lists=0)


def test_reading_packs() -> None:
    pack = read_pack("1. 什么是MES\n2、什么是APS\n\n什么是MES\n" + "长" * 600)
    assert pack.questions == ("什么是MES", "什么是APS")
    assert pack.left_out == LeftOut(repeated=1, long=1, empty=1)
    assert read_pack("5.2万家企业怎么办").questions == ("5.2万家企业怎么办",)
    many = read_pack("\n".join(f"第{n}问" for n in range(300)))
    assert (len(many.questions), many.left_out) == (200, LeftOut(over=100))
    told = text_of(left_out_html(many.left_out, ZH)).text
    assert "超出数量的 100 行" in told
    assert left_out_html(LeftOut(), ZH) == ""


@pytest.mark.parametrize(
    ("content", "questions"),
    [
        ('编号,问题\n1,什么是低代码\n2,"钱,从哪来"\n', ("什么是低代码", "钱,从哪来")),
        ("question\n问\n", ("问",)),
        ("序号,问题内容\n1,什么是低代码\n2,钱从哪来\n", ("什么是低代码", "钱从哪来")),
        ("编号,内容\n1,什么是低代码\n2,钱从哪来\n", ("什么是低代码", "钱从哪来")),
        ("问题编号,问题\nA1,什么是低代码\nA2,钱从哪来\n", ("什么是低代码", "钱从哪来")),
        ("问题类型,问题内容\n口语,什么是低代码\n", ("什么是低代码",)),
        ("序号,说法,类别\n1,什么是低代码,名词\n2,钱从哪来,钱\n", ("什么是低代码", "钱从哪来")),
        ("1,什么是低代码,名词\n2,钱从哪来,钱\n", ("什么是低代码", "钱从哪来")),
        ("会遇到什么问题\n什么是低代码\n", ("会遇到什么问题", "什么是低代码")),
        ("问题\n没钱搞,政府给补贴吗\n", ("没钱搞,政府给补贴吗",)),
        ("没钱搞,政府给补贴吗\n什么是低代码\n", ("没钱搞,政府给补贴吗", "什么是低代码")),
        ("编号;题目\n1;什么是低代码\n", ("什么是低代码",)),
        ('题目\n"什么是\n低代码"\n', ("什么是 低代码",)),
    ],
)
def test_the_column_of_questions_in_a_table(content: str, questions: tuple[str, ...]) -> None:
    for encoding in ("utf-8-sig", "gb18030"):
        assert read_pack_file(content.encode(encoding), "题.csv").questions == questions


def test_a_text_file_is_one_question_a_line() -> None:
    pack = read_pack_file("没钱搞,政府给补贴吗\n\n1. 什么是低代码\n".encode(), "题.TXT")
    assert pack.questions == ("没钱搞,政府给补贴吗", "什么是低代码")
    assert pack.left_out == LeftOut(empty=1)


def test_files_that_are_no_packs() -> None:
    for bad in (b"", b"\x00\x01\xff\xfe", b"\n\n", b"x" * 1_000_001, b"\x01\x02\x03", b"1\n2\n"):
        with pytest.raises(InputError):
            read_pack_file(bad, "a.csv")
    with pytest.raises(InputError, match="引号"):
        read_pack_file(b'"' + b"x" * 200_000, "a.csv")
    with pytest.raises(InputError, match=r"a\.pdf") as refused:
        read_pack_file("什么是低代码".encode(), "a.pdf")
    assert not CHINESE.search(to_english(str(refused.value)))


def test_a_pack_report(shelf: Shelf, assistant: Assistant) -> None:
    answers = [assistant.answer(q) for q in ("什么是低代码", "你好", "=1+1")]
    html = report_html(answers, LeftOut(repeated=1), shelf, ZH)
    assert html.count("<tr>") == 4
    assert 'id="kb-pack-3"' in html
    rows = list(csv.DictReader(io.StringIO(report_csv(answers, shelf, ZH).lstrip("\ufeff"))))
    assert rows[0]["原文"] == answers[0].citations[0].quote
    assert (rows[0]["结果"], rows[1]["结果"]) == ("找到原文", "没有找到")
    assert rows[1]["说明"] == answers[1].message
    assert rows[-1]["问题"].startswith("'=")
    assert "quote" in report_csv(answers, shelf, Words("en"))


def test_what_is_kept_is_exported_in_words() -> None:
    given = Feedback(
        "2026-01-01", "refuse", "", "问", "问", "related", "term_absent", 0.2, '["guide:1"]', "m"
    )
    heads, row = csv.reader(io.StringIO(feedback_csv([given], ZH).lstrip("\ufeff")))
    assert all(CHINESE.search(head) for head in heads)
    assert row[1:] == [
        "不该回答", "", "问", "问", "没有直接答案", "“…”一词在文件中没有出现。", "0.2", "guide:1", "m",
    ]  # fmt: skip
    english = feedback_csv([given._replace(query="q", standalone_query="q")], Words("en"))
    assert english.startswith("\ufeff")
    assert not CHINESE.search(english)
    found = Statistics(3, 2, (Counted("guide:1", 2),), (Counted("问", 1),))
    heads, *rows = csv.reader(io.StringIO(statistics_csv(found, ZH).lstrip("\ufeff")))
    assert (heads[0], rows[0]) == ("类别", ["被问到的段落", "guide:1", "2"])
    older = given._replace(verdict="other", reason="other")
    assert feedback_csv([older], ZH).count("other") == 2


def test_qr_cards_of_what_there_is(library: Library, tmp_path: Path) -> None:
    text = "guide:4-2-p1\nguide:99-99\nguide：4-2\n什么是MES:1\n问"
    made = cards_for(text, "http://x/", library, Journal(tmp_path))
    assert [card.label for card in made.cards] == ["guide:4-2-p1", "什么是MES:1", "问"]
    assert made.unknown == ("guide:99-99", "guide：4-2")
    many = "\n".join(f"问{n}" for n in range(70))
    assert cards_for(many, "http://x", library, Journal(tmp_path)).over == 10


def test_an_address_that_leads_nowhere() -> None:
    inner = FastAPI()  # answers as Gradio does
    app = FastAPI()
    app.add_middleware(Lost)
    app.mount("/", inner)

    @inner.get("/here")
    def here() -> dict[str, str]:
        return {"detail": "Not Found"}

    client = TestClient(app)
    for path, word in (("/nothing", "回到首页"), ("/en/nothing", "home page")):
        shown = client.get(path, headers={"accept": "text/html,*/*"})
        assert (shown.status_code, word in shown.text) == (404, True)
    assert client.get("/nothing").json()["error"] == {
        "code": "not_found",
        "message": "没有这个地址。",
    }
    for headers in ({}, {"accept": "text/html"}):
        reply = client.get("/api/v1/nothing", headers=headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")
    assert client.post("/here").json()["error"]["code"] == "bad_request"
    assert client.get("/here").json() == {"detail": "Not Found"}
    assert client.get("/gradio_api/x").json() == {"detail": "Not Found"}


def test_a_short_address_is_not_broken_inside_its_code() -> None:
    short = "http://192.168.1.20:7860/s/7105f4"
    card = cards_html([Card("问", "http://192.168.1.20:7860/?q=%E9%97%AE", short)], ZH)
    assert '7860<span class="kb-code">/s/7105f4</span></a>' in card
    assert short in text_of(card).text


def test_journal(tmp_path: Path, assistant: Assistant) -> None:
    journal, answer = Journal(tmp_path), assistant.answer("什么是低代码")
    journal.count(answer)
    assert not journal.path.exists()
    journal.add_feedback(answer, "helpful", "=cmd")
    with pytest.raises(InputError):
        journal.add_feedback(answer, "<b>")
    rows = list(csv.DictReader(io.StringIO(feedback_csv(journal.feedback(), ZH).lstrip("\ufeff"))))
    assert [(r["评价"], r["补充说明"], r["问题"]) for r in rows] == [
        ("有帮助", "'=cmd", "什么是低代码")
    ]
    assert not journal.recording
    journal.record(True)
    journal.count(answer)
    journal.count(assistant.answer("你好"))
    found = journal.statistics()
    assert (found.total, found.answered) == (2, 1)
    assert found.passages[0].name == answer.citations[0].passage_id
    assert found.unanswered[0].name == "你好"
    journal.record(False)
    journal.count(answer)
    assert journal.statistics().total == 2
    journal.record(True)
    assert journal.statistics().total == 0
    code = journal.shorten("什么是低代码？")
    assert code == journal.shorten("什么是低代码？") != journal.shorten("别的")
    assert journal.expand(code) == "什么是低代码？"
    assert journal.expand("nothing") is None


def test_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="无法读写"):
        Journal(tmp_path / "file").shorten("问")


def test_verify_reads_the_source_again(client: TestClient, shelf: Shelf) -> None:
    passage = shelf.passages["guide:4-2-p1"]
    shown = {
        "document_id": "guide",
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
    }
    found = client.post("/page/verify", json=shown).json()
    assert found["same"] is True
    assert found["file"] == "guide.md"
    assert len(found["sha256"]) == 64
    changed = {**shown, "text": passage.text.replace("补", "给")}
    assert client.post("/page/verify", json=changed).json()["same"] is False
    assert client.post("/page/verify", json={**shown, "start": 9**9}).json()["same"] is False
    assert client.post("/page/verify", json={**shown, "document_id": "x"}).status_code == 400
    assert client.post("/page/verify", json={**shown, "start": -1}).status_code == 422


def test_small_requests(client: TestClient) -> None:
    asked = {"query": "那银行呢", "history": ["没钱搞，政府给补贴吗"], "role": "demand"}
    assert client.post(
        "/page/feedback", json={**asked, "verdict": "wrong", "comment": "x"}
    ).is_success
    assert client.post("/page/feedback", json={**asked, "verdict": "?"}).status_code == 400
    assert "那银行呢" in client.get("/page/feedback.csv").text
    why = client.post("/page/why", json={**asked, "passage_id": "guide:4-2-p1"}).text
    assert "第 " in why
    assert client.post("/page/why", json={**asked, "passage_id": "guide:4-2"}).is_success
    assert client.get("/page/section", params={"p": "guide:4-2-p1"}).is_success
    assert client.get("/page/statistics.csv").is_success
    for accept, kind in (("text/html", "text/html"), ("*/*", "application/json")):
        unknown = client.get("/s/<zzzz>", headers={"accept": accept})
        assert unknown.status_code == 404
        assert unknown.headers["content-type"].startswith(kind)
        assert "本机不认识短网址" in unknown.text
        assert ("<zzzz>" in unknown.text) == (kind == "application/json")


def test_records_belong_to_this_machine(service: Service, library: Library, tmp_path: Path) -> None:
    opened = Service(service.settings.model_copy(update={"records": "all"}))
    for one, host, headers, status in (
        (service, "127.0.0.1", {}, 200),
        (service, "::1", {}, 200),
        (service, "192.168.1.20", {}, 403),
        (service, "testclient", {}, 403),
        (service, "127.0.0.1", {"X-Forwarded-For": "192.168.1.20"}, 403),
        (opened, "192.168.1.20", {}, 200),
    ):
        app = create_api(one)
        app.include_router(page_routes(one, library, Journal(tmp_path)))
        with TestClient(app, client=(host, 50000), headers=headers) as client:
            for name in ("feedback", "statistics"):
                reply = client.get(f"/page/{name}.csv")
                assert reply.status_code == status
                assert status == 200 or "本程序的电脑" in reply.json()["error"]["message"]


@pytest.mark.parametrize("form", ["docx", "md", "csv"])
def test_handouts(client: TestClient, form: str) -> None:
    body = {"format": form, "asked": [{"query": "什么是低代码"}, {"query": "你好"}]}
    reply = client.post("/page/handout", json=body)
    assert reply.is_success
    assert "attachment" in reply.headers["content-disposition"]
    assert client.post("/page/handout", json={**body, "asked": []}).status_code == 422


@pytest.mark.parametrize("form", ["docx", "md"])
def test_quiz_files(client: TestClient, form: str) -> None:
    body = {"format": form, "seed": 3, "terms": 4, "lists": 2, "match": True}
    assert client.post("/page/quiz", json=body).is_success


def test_the_shell_dresses_a_page() -> None:
    page = (
        '<!doctype html><html\n\tlang="en"><head><meta\n property="og:image" content="https://x/y">'
        "<title>t</title></head><body></body></html>"
    )
    dressed = dress(page, ZH)
    assert '<html\n\tlang="zh-CN">' in dressed
    assert "https://x" not in dressed
    assert dressed.index("frame.js") < dressed.index("<title>") < dressed.index("frame.css")


def test_results_keep_their_plots_and_lose_dead_links(tmp_path: Path) -> None:
    assert "make bench" in results_markdown(tmp_path / "none.md", ZH)
    (tmp_path / "a.svg").write_text("<svg/>")
    page = tmp_path / "R.md"
    page.write_text("# R\n[x](../y.md) [z](https://z) ![p](a.svg) ![q](../b.svg)", encoding="utf-8")
    shown = results_markdown(page, ZH)
    assert shown.startswith("## R\nx [z](https://z) ![p](data:image/svg+xml;base64,")
    assert shown.endswith("![q](../b.svg)")
    page.write_text("a\n\n| x |\n|---|\n| 1 |\n\nb\n", encoding="utf-8")
    box = '<div class="kb-scroll" tabindex="0">\n\n| x |\n|---|\n| 1 |\n\n</div>\n'
    assert results_markdown(page, ZH) == f"a\n\n{box}\nb\n"


def test_figures_are_read_from_the_results(tmp_path: Path) -> None:
    assert figures_html(tmp_path / "none.md", ZH) == ""
    page = tmp_path / "R.md"
    page.write_text(
        "### Answerable questions, as shown\n\n| type | n | first | first three |\n|---|---|---|---|\n"
        "| all | 40 | 0.900 [0.769, 0.960] | 0.950 [0.835, 0.986] |\n"
        "| spoken | 10 | 0.800 [0.490, 0.943] | 1.000 [0.722, 1.000] |\n\n"
        "Exact quotes: 1.000 [0.999, 1.000] of 2904 citations.\n\n### Unanswerable questions\n\n"
        "| type | n | not answered |\n|---|---|---|\n| all | 20 | 0.950 [0.764, 0.991] |\n",
        encoding="utf-8",
    )
    shown = text_of(figures_html(page, ZH)).text
    for part in ("90.0%第一条就是答案", "95.0%没有答案的，没有硬答", "2904 条引文", "口语1080.0%"):
        assert part in shown, part
    results = Path(__file__).resolve().parent.parent / "eval" / "RESULTS.md"
    assert "第一条就是答案" in figures_html(results, ZH)
    assert not CHINESE.search(text_of(figures_html(results, Words("en"))).text)


def test_columns_of_two_documents_begin_with_the_best(
    assistant: Assistant, library: Library
) -> None:
    history = ["没钱搞，政府给补贴吗"]
    answer = assistant.answer("那银行呢", history)
    direct = [c for c in answer.citations if c.role == "direct"]
    assert sorted(c.document_id for c in direct) == ["guide", "interpretation"]
    for best_first in (direct, direct[::-1]):
        html = str(direct_cards(best_first, library.shelf, Words()))
        headings = re.findall(r"<h3[^>]*>([^<]+)</h3>", html)
        assert headings == [library.shelf.title(c.document_id) for c in best_first]
