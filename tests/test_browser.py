"""The page as a person uses it: ask, follow up, refuse, copy, check, open, and what stays true."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from kb.answer import Assistant
from kb.settings import Settings
from tests.browser_fixtures import Open, browser, open_page, serve, site

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["browser", "open_page", "site"]
pytestmark = pytest.mark.filterwarnings("ignore")
MONEY = "没钱搞，政府给补贴吗"
TABS = ("问答", "原文", "名词", "培训", "评测")
QUOTES = """() => [...document.querySelectorAll('.kb-quote')].map(
  q => [q.dataset.document, Number(q.dataset.start), Number(q.dataset.end), q.textContent])"""


def address(query: str) -> str:
    return "/?q=" + urllib.parse.quote(query)


def documents(site: str) -> dict[str, str]:
    with urllib.request.urlopen(site + "/api/v1/documents") as reply:
        names = [line["id"] for line in json.load(reply)]
    texts = {}
    for name in names:
        with urllib.request.urlopen(f"{site}/api/v1/documents/{name}") as reply:
            texts[name] = json.load(reply)["text"]
    return texts


def ask(page: Page, query: str, number: int) -> Any:
    page.fill("#kb-question textarea", query)
    page.press("#kb-question textarea", "Enter")
    turn = page.locator(f"#kb-turn-{number}")
    turn.wait_for()
    return turn


def tab(page: Page, name: str) -> None:
    page.click(f"#kb-tabs > .tab-wrapper button[role=tab]:has-text('{name}')")


def assert_verbatim(page: Page, texts: dict[str, str], least: int = 1) -> None:
    quotes = page.evaluate(QUOTES)
    assert len(quotes) >= least
    for document, start, end, shown in quotes:
        assert shown == texts[document][start:end]


def test_language_and_first_view(open_page: Open) -> None:
    page = open_page("/")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.locator(
        "#kb-tabs > .tab-wrapper button[role=tab]:visible"
    ).all_inner_texts() == list(TABS)
    page.locator(".kb-hero .kb-chip").first.click()
    page.locator("#kb-turn-1 .kb-quote").first.wait_for()


def test_a_conversation(open_page: Open, site: str, assistant: Assistant) -> None:
    page = open_page("/")
    turn = ask(page, MONEY, 1)
    assert turn.get_attribute("data-status") == assistant.answer(MONEY).status == "answered"
    follow = ask(page, "那银行呢", 2)
    assert follow.locator(".kb-understood").is_visible()
    follow.locator(".kb-understood button").click()
    alone = page.locator("#kb-turn-3")
    alone.wait_for()
    assert alone.locator(".kb-understood").count() == 0
    refused = ask(page, "你好", 4)
    assert refused.get_attribute("data-status") == "not_found"
    assert refused.locator(".kb-quote, .kb-card").count() == 0
    assert_verbatim(page, documents(site), least=3)
    with page.expect_download() as saved:
        page.click("#kb-chat-tools [data-format=docx]")
    assert saved.value.suggested_filename.endswith(".docx")
    page.click("#kb-clear")
    page.locator("#kb-chat-tools .kb-tools").wait_for(state="hidden")
    assert page.locator(".kb-turn").count() == 0
    assert page.locator(".kb-hero").is_visible()


def test_nothing_typed_is_lost(open_page: Open, real_settings: Settings) -> None:
    with serve(real_settings, "/healthz") as base:  # the assistant may still be opening
        page = open_page("/", base=base)
        box = page.locator("#kb-question textarea")
        for query in (MONEY, "什么是低代码"):
            box.fill(query)
            box.press("Enter")
        box.fill("还没写完的")
        shown = page.locator("#kb-log .kb-question").all_inner_texts()
        assert [MONEY in shown[0], "什么是低代码" in shown[1]] == [True, True]
        page.locator("#kb-turn-2").wait_for()
        asked = json.loads(page.locator("#kb-turn-2").get_attribute("data-asked") or "{}")
        assert (asked["query"], asked["history"]) == ("什么是低代码", [MONEY])
        assert box.input_value() == "还没写完的"
        page.locator("#kb-role label", has_text="主管部门").click()
        page.reload()
        page.locator("#kb-turn-2").wait_for()
        assert box.input_value() == "还没写完的"
        assert page.locator("#kb-role input:checked").get_attribute("value") == "authority"
        page.click("#kb-send")
        third = json.loads(page.locator("#kb-turn-3").get_attribute("data-asked") or "{}")
        assert third["history"] == [MONEY, "什么是低代码"]
        assert third["role"] == "authority"
        page.context.close()


def test_an_answer_that_comes_after_clearing_is_dropped(open_page: Open) -> None:
    page = open_page("/")
    page.fill("#kb-question textarea", MONEY)
    page.press("#kb-question textarea", "Enter")
    page.click("#kb-clear")
    turn = ask(page, "什么是低代码", 1)
    assert json.loads(turn.get_attribute("data-asked"))["history"] == []
    assert page.locator(".kb-turn").count() == 1


def test_a_question_that_fails_can_be_asked_again(open_page: Open) -> None:
    page = open_page("/")
    join = "**/gradio_api/queue/join*"
    page.route(join, lambda route: None)  # never answered
    page.fill("#kb-question textarea", MONEY)
    page.press("#kb-question textarea", "Enter")
    page.locator(".kb-pending").wait_for()
    page.evaluate("KB.failed()")
    again = page.locator(".kb-lost button")
    again.wait_for()
    page.unroute(join)
    again.click()
    page.locator("#kb-turn-1 .kb-quote").first.wait_for()


def test_back_leads_to_the_card_and_the_address_can_be_shared(open_page: Open, site: str) -> None:
    page = open_page(address(MONEY), permissions=["clipboard-read", "clipboard-write"])
    link = page.locator("#kb-turn-1 .kb-card-direct .kb-actions .kb-open").first
    link.click()
    page.locator(".kb-document .kb-cited").first.wait_for()
    assert "?p=" in page.url
    page.go_back()
    page.locator("#kb-turn-1").wait_for()
    page.wait_for_function("() => document.activeElement.matches('#kb-turn-1 .kb-open')")
    assert "?q=" in page.url
    page.click("#kb-turn-1 .kb-share")
    page.locator("#kb-turn-1 .kb-feedback .kb-result[data-kind=good]").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    other = open_page(copied.removeprefix(site))
    assert other.locator("#kb-turn-1 .kb-query").text_content() == MONEY


def test_what_is_typed_stays_text(open_page: Open) -> None:
    page = open_page("/")
    query = "<img src=x onerror=alert(1)> ${1+1} {{2}} 什么是**低代码**"
    turn = ask(page, query, 1)
    assert turn.locator(".kb-query").text_content() == query
    assert turn.locator("img").count() == 0


@pytest.mark.parametrize("status", ["related", "not_found"])
def test_refusals_look_like_refusals(open_page: Open, assistant: Assistant, status: str) -> None:
    asked = [
        "补贴能拿多少钱",
        "今天天气怎么样",
        "我们公司去哪里盖章",
        "附近哪家火锅好吃",
        "帮我写一份方案",
    ]
    query = next((q for q in asked if assistant.answer(q).status == status), None)
    if query is None:
        pytest.skip(f"none of these questions is {status} on this index")
    page = open_page(address(query))
    turn = page.locator("#kb-turn-1")
    turn.wait_for()
    assert turn.get_attribute("data-status") == status
    assert turn.locator(".kb-card-direct, .kb-lead").count() == 0
    assert turn.locator(f".kb-{status} .kb-state").is_visible()
    assert turn.locator(".kb-tag").count() == turn.locator(".kb-card-related").count()


def test_the_role_is_passed_on(open_page: Open) -> None:
    page = open_page("/")
    page.locator("#kb-role label", has_text="主管部门").click()
    turn = ask(page, "要做哪些工作", 1)
    assert json.loads(turn.get_attribute("data-asked"))["role"] == "authority"


def test_check_expand_and_why(open_page: Open, site: str) -> None:
    page = open_page(address(MONEY))
    card = page.locator("#kb-turn-1 .kb-card-direct:has([data-kb=section])").first
    card.locator("[data-kb=verify]").click()
    card.locator(".kb-result", has_text="逐字一致").wait_for()
    card.locator("[data-kb=section]").click()
    card.locator(".kb-section .kb-quote").first.wait_for()
    card.locator("[data-kb=why]").click()
    card.locator(".kb-why").wait_for()
    page.locator("#kb-turn-1 .kb-confidence summary").click()
    assert "%" in page.locator("#kb-turn-1 .kb-confidence span").inner_text()
    assert_verbatim(page, documents(site), least=3)


def test_a_changed_quote_is_caught(open_page: Open) -> None:
    page = open_page(address(MONEY))
    card = page.locator("#kb-turn-1 .kb-card-direct").first
    card.wait_for()
    page.evaluate("document.querySelector('.kb-card-direct > .kb-quote').append('。')")
    card.locator("[data-kb=verify]").click()
    card.locator(".kb-result[data-kind=bad]").wait_for()


def test_copying_a_citation(open_page: Open) -> None:
    page = open_page(address(MONEY), permissions=["clipboard-read", "clipboard-write"])
    card = page.locator("#kb-turn-1 .kb-card-direct").first
    quote = card.locator(":scope > .kb-quote").text_content()
    for number, mark in enumerate(["——《指南》", "工业和信息化部办公厅印发", "[Z]", "?p="]):
        card.locator(".kb-menu summary").click()
        card.locator(".kb-menu button").nth(number).click()
        card.locator(".kb-result[data-kind=good]").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        if mark != "工业和信息化部办公厅印发":
            assert mark in copied
        assert (quote in copied) == (number < 2)


def test_a_term_explains_itself_to_the_keyboard(open_page: Open, site: str) -> None:
    page = open_page(address("MES和APS有什么区别"))
    page.locator("#kb-turn-1 .kb-related-more > summary").click()
    term = page.locator("#kb-turn-1 .kb-term").first
    term.focus()
    tip = page.locator("#kb-tip")
    tip.wait_for(state="visible")
    assert len(tip.inner_text()) > 20
    page.keyboard.press("Escape")
    tip.wait_for(state="hidden")
    assert_verbatim(page, documents(site))


def test_opening_a_passage(open_page: Open, site: str) -> None:
    page = open_page("/?p=guide:4-2-p1")
    cited = page.locator(".kb-document .kb-cited")
    cited.first.wait_for()
    assert "企业出一点" in cited.first.inner_text()
    page.wait_for_function(
        "() => { const b = document.querySelector('.kb-cited').getBoundingClientRect(); return b.top > 0 && b.top < innerHeight; }"
    )
    assert_verbatim(page, documents(site), least=20)
    page.click(".kb-toolbar [data-step='1']")
    assert page.url.endswith("p=guide%3A4-3-p1")
    page.fill("#kb-find textarea", "mes")
    page.press("#kb-find textarea", "Enter")
    page.locator(".kb-found li a").first.click()
    page.wait_for_function("() => document.querySelector('.kb-document')?.dataset.document")
    tab(page, "问答")
    missing = open_page("/?p=guide:99")
    missing.locator("#kb-document [role=alert]").wait_for()


def test_from_the_card_to_the_document_and_back(open_page: Open) -> None:
    page = open_page(address(MONEY))
    link = page.locator("#kb-turn-1 .kb-card-direct .kb-actions .kb-open").first
    passage = link.get_attribute("data-passage")
    link.click()
    page.locator(f"[id='r-{passage}'].kb-cited").wait_for()
    page.click(".kb-toolbar [data-kb=tab]")
    page.locator("#kb-turn-1").wait_for()


def test_feedback_is_stored_here(open_page: Open, site: str) -> None:
    page = open_page(address("什么是低代码"))
    form = page.locator("#kb-turn-1 .kb-feedback")
    form.locator("[data-verdict=helpful]").click()
    form.locator("input").fill("讲得清楚")
    form.locator("[type=submit]").click()
    form.locator(".kb-result[data-kind=good]").wait_for()
    with urllib.request.urlopen(site + "/page/feedback.csv") as reply:
        assert "讲得清楚" in reply.read().decode()


def test_wording_differences_are_marked_and_said(open_page: Open, site: str) -> None:
    page = open_page(address("工作思路四句话是啥"))
    page.locator("#kb-turn-1 .kb-legend").wait_for()
    marked = page.locator("#kb-turn-1 .kb-columns .kb-card > .kb-quote .kb-differs")
    assert sorted(marked.all_text_contents()) == ["到", "及"]
    notes = page.locator("#kb-turn-1 .kb-wordings li").all_text_contents()
    assert len(notes) == 2
    assert all("由点及面" in note and "由点到面" in note for note in notes)
    line = marked.first.evaluate("node => getComputedStyle(node).textDecorationStyle")
    assert line == "wavy"
    assert_verbatim(page, documents(site), least=3)


def test_narrow_screens_do_not_scroll_sideways(open_page: Open) -> None:
    page = open_page(address("《指南》提出了哪14条举措？"), width=390)
    page.locator("#kb-turn-1 .kb-quote").first.wait_for()
    for name in TABS:
        tab(page, name)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_english_is_one_click_away(open_page: Open) -> None:
    page = open_page(address("什么是低代码"))
    page.locator("#kb-turn-1").wait_for()
    page.click("[data-kb=language]")
    page.wait_for_url("**/en/**")
    page.locator("#kb-turn-1 .kb-state", has_text="Found").wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"
