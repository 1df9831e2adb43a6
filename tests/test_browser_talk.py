"""The conversation when things are not plain: links into a dialogue, a lost server, odd input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from kb.pages.words import Words
from kb.settings import Settings
from tests.browser_fixtures import Open, browser, open_page, serve, site
from tests.test_browser import MONEY, address, ask

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser", "open_page", "site"]
pytestmark = pytest.mark.filterwarnings("ignore")
FOLLOW = "那银行呢"
TOAST_TITLES = {Words()(f"js_gradio_{kind}") for kind in ("error", "warning", "info", "success")}
SHOWN = """turn => [...turn.querySelectorAll('.kb-quote')].map(
  q => [q.dataset.document, q.dataset.start, q.dataset.end, q.textContent])"""


def shown(turn: Any) -> Any:
    """The quotes of a turn, and how its question was understood."""
    understood = turn.locator(".kb-understood q")
    return turn.evaluate(SHOWN), understood.text_content() if understood.count() else ""


def asked(turn: Any) -> Any:
    return json.loads(turn.get_attribute("data-asked"))


def test_the_link_of_a_follow_up_opens_the_same_answer(open_page: Open, site: str) -> None:
    page = open_page("/", permissions=["clipboard-read", "clipboard-write"])
    ask(page, MONEY, 1)
    follow = ask(page, FOLLOW, 2)
    wanted = shown(follow)
    assert parse_qs(urlsplit(page.url).query) == {"q": [FOLLOW], "h": [MONEY]}
    follow.locator(".kb-share").click()
    follow.locator(".kb-feedback .kb-result[data-kind=good]").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    other = open_page(copied.removeprefix(site))
    again = other.locator("#kb-turn-1")
    again.wait_for()
    assert shown(again) == wanted
    assert again.locator(".kb-query").text_content() == FOLLOW
    assert again.locator(".kb-earlier li").all_text_contents() == [MONEY]
    assert other.url == page.url
    other.reload()
    again.wait_for()
    third = ask(other, "第二点呢", 2)
    assert asked(third)["history"] == [MONEY, FOLLOW]


def test_a_question_of_its_own_has_a_short_link(open_page: Open) -> None:
    page = open_page("/")
    ask(page, "什么是低代码", 1)
    ask(page, "第22页讲什么", 2)
    assert parse_qs(urlsplit(page.url).query) == {"q": ["第22页讲什么"]}


def test_the_language_is_switched_in_mid_dialogue(open_page: Open) -> None:
    page = open_page("/")
    ask(page, MONEY, 1)
    wanted = shown(ask(page, FOLLOW, 2))
    page.click("[data-kb=language]")
    page.wait_for_url("**/en/**")
    again = page.locator("#kb-turn-1")
    again.wait_for()
    assert shown(again) == wanted
    assert asked(again)["history"] == [MONEY]
    assert page.url.split("?")[0].endswith("/en/")
    assert parse_qs(urlsplit(page.url).query) == {"q": [FOLLOW], "h": [MONEY]}


def test_a_short_link_opens_a_follow_up(open_page: Open, site: str) -> None:
    page = open_page("/")
    page.click("#kb-tabs > .tab-wrapper button[role=tab]:has-text('培训')")
    page.click("#kb-workshop-tabs button[role=tab]:has-text('二维码')")
    page.fill("#kb-qr-text textarea", f"{site}/?q={quote(FOLLOW)}&h={quote(MONEY)}")
    page.click("#kb-qr-go")
    short = page.locator(".kb-qr a").first.inner_text()
    other = open_page(short.removeprefix(site))
    turn = other.locator("#kb-turn-1")
    turn.wait_for()
    assert (asked(turn)["query"], asked(turn)["history"]) == (FOLLOW, [MONEY])


@contextmanager
def unwatched(browser: Browser, base: str) -> Iterator[Page]:
    """A page whose errors do not count: here the server goes away."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(base + "/")
    page.wait_for_selector("#kb-tabs button[role=tab]")
    yield page
    context.close()


def test_a_stopped_server_is_told_and_waited_for(browser: Browser, real_settings: Settings) -> None:
    with serve(real_settings) as base:
        going = unwatched(browser, base)
        page = going.__enter__()
        card = ask(page, MONEY, 1).locator(".kb-card-direct:has([data-kb=section])").first
        card.wait_for()
    card.locator("[data-kb=section]").click()
    card.locator(".kb-result[data-kind=bad]", has_text="没有连上问答服务").wait_for()
    page.evaluate("document.querySelector('.kb-card-direct .kb-result').textContent = ''")
    card.locator("[data-kb=why]").click()
    card.locator(".kb-result[data-kind=bad]", has_text="没有连上问答服务").wait_for()
    page.fill("#kb-question textarea", FOLLOW)
    page.press("#kb-question textarea", "Enter")
    lost = page.locator(".kb-lost", has_text="没有连上问答服务")
    lost.wait_for(timeout=15_000)
    assert lost.locator(".kb-question").text_content() == FOLLOW
    assert lost.locator("button").inner_text() == "再问一次"
    page.fill("#kb-question textarea", "还没写完的")
    page.locator("[data-testid=toast-text]", has_text="没有连上问答服务").first.wait_for()
    assert page.locator(".toast-title").first.inner_text().strip() in TOAST_TITLES
    with serve(real_settings, port=urlsplit(base).port or 0):
        page.locator("#kb-turn-2 .kb-quote").first.wait_for(timeout=30_000)
        assert asked(page.locator("#kb-turn-2"))["history"] == [MONEY]
        assert page.input_value("#kb-question textarea") == "还没写完的"
        going.__exit__(None, None, None)


@pytest.mark.parametrize(("act", "part"), [("section", ".kb-section"), ("why", ".kb-why")])
def test_two_clicks_open_one_block(open_page: Open, act: str, part: str) -> None:
    page = open_page(address(MONEY))
    card = page.locator("#kb-turn-1 .kb-card-direct:has([data-kb=section])").first
    card.wait_for()
    twice = "node => { node.click(); node.click(); }"
    card.locator(f"[data-kb={act}]").evaluate(twice)
    card.locator(part).first.wait_for()
    page.wait_for_timeout(700)
    assert card.locator(part).count() == 1
    card.locator(f"[data-kb={act}]").click()
    card.locator(part).wait_for(state="hidden")


def test_enter_that_ends_a_composition_sends_nothing(open_page: Open) -> None:
    page = open_page("/")
    page.fill("#kb-question textarea", "数字化")
    page.evaluate("""() => document.querySelector('#kb-question textarea').dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }))""")
    page.wait_for_timeout(300)
    assert page.locator(".kb-turn").count() == 0
    assert page.input_value("#kb-question textarea") == "数字化"


def test_an_unknown_role_is_ignored(open_page: Open) -> None:
    page = open_page(address(MONEY) + "&role=hacker")
    turn = page.locator("#kb-turn-1")
    turn.wait_for()
    assert asked(turn)["role"] == ""
    assert "role" not in page.url


@pytest.mark.parametrize("width", [1366, 390])
def test_the_focus_is_never_behind_the_composer(open_page: Open, width: int) -> None:
    page = open_page(address(MONEY), width=width)
    page.set_viewport_size({"width": width, "height": 650})
    page.locator("#kb-turn-1 .kb-quote").first.wait_for()
    page.evaluate("scrollTo(0, 0); document.querySelector('#kb-turn-1 h2').focus()")
    seen = 0
    for _ in range(30):
        page.keyboard.press("Tab")
        page.wait_for_timeout(60)
        inside, hidden = page.evaluate("""() => {
          const box = document.activeElement.getBoundingClientRect();
          const bar = document.getElementById('kb-composer').getBoundingClientRect();
          const inside = Boolean(document.activeElement.closest('#kb-log'));
          return [inside, box.bottom > bar.top];
        }""")
        if not inside:
            break
        seen += 1
        assert not hidden, page.evaluate("document.activeElement.outerHTML")
    assert seen > 8


@pytest.mark.parametrize("width", [1440, 390])
def test_a_question_far_too_long_leaves_its_refusal_in_view(open_page: Open, width: int) -> None:
    page = open_page(address("企业数字化转型怎么做" * 300), width=width)
    turn = page.locator("#kb-turn-1")
    turn.wait_for()
    message = turn.locator(".kb-message", has_text="问题太长")
    box = message.bounding_box()
    assert box is not None
    bar = page.locator("#kb-composer").bounding_box()
    assert bar is not None
    assert box["y"] > 0
    assert box["y"] + box["height"] < bar["y"]
