"""The conversation when things are not plain: links into a dialogue, a lost server, odd input."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.browser_fixtures import Open, browser, open_page, site
from tests.test_browser import MONEY, ask

__all__ = ["browser", "open_page", "site"]
pytestmark = pytest.mark.filterwarnings("ignore")
FOLLOW = "那银行呢"
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
