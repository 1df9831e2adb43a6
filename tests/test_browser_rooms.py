"""Glossary, workshop and evaluation in the browser; accessibility of every room; a failed start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kb.settings import Settings
from tests.browser_fixtures import Open, browser, open_page, serve, site
from tests.test_browser import TABS, address, ask, assert_verbatim, documents, tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser", "open_page", "site"]
pytestmark = pytest.mark.filterwarnings("ignore")


def inner_tab(page: Page, name: str) -> None:
    page.click(f"#kb-workshop-tabs button[role=tab]:has-text('{name}')")


def test_terms(open_page: Open, site: str) -> None:
    page = open_page("/")
    tab(page, "名词")
    cards = page.locator(".kb-term-card")
    cards.first.wait_for()
    assert cards.count() == 12
    assert_verbatim(page, documents(site), least=12)
    page.fill("#kb-term-filter", "排产")
    assert page.locator(".kb-term-card:visible h2").all_inner_texts() == ["APS高级计划与排程"]
    page.locator(".kb-term-card:visible [data-kb=ask]").click()
    page.locator("#kb-turn-1 .kb-quote").first.wait_for()


def test_a_pack_is_run_projected_and_exported(open_page: Open, site: str, tmp_path: Path) -> None:
    page = open_page("/")
    tab(page, "培训")
    page.set_input_files(
        "#kb-pack-file input[type=file], input[type=file]",
        files=[
            {
                "name": "题.csv",
                "mimeType": "text/csv",
                "buffer": "问题\n什么是低代码\n你好\n".encode("gb18030"),
            }
        ],
    )
    page.wait_for_function(
        "() => document.querySelector('#kb-pack-text textarea').value.includes('你好')"
    )
    page.click("#kb-pack-go")
    page.locator("#kb-pack-2").wait_for()
    assert_verbatim(page, documents(site))
    tools = page.locator(".kb-tools:visible")
    with page.expect_download() as saved:
        tools.locator("[data-format=docx]").click()
    saved.value.save_as(tmp_path / "a.docx")
    assert (tmp_path / "a.docx").read_bytes()[:2] == b"PK"
    tools.locator("[data-kb=project]").click()
    stage = page.locator(".kb-projector .kb-stage")
    stage.wait_for()
    assert "低代码" in stage.inner_text()
    page.keyboard.press("PageDown")
    assert "你好" in stage.inner_text()
    page.keyboard.press("Escape")
    stage.wait_for(state="detached")


def test_a_long_list_is_read_to_its_end_on_a_phone(open_page: Open) -> None:
    page = open_page("/", width=390)
    tab(page, "培训")
    page.fill("#kb-pack-text textarea", "《指南》提出了哪14条举措？\n什么是低代码")
    page.click("#kb-pack-go")
    page.locator("#kb-pack-2").wait_for()
    page.locator(".kb-tools:visible [data-kb=project]").click()
    last = page.locator(".kb-stage li").last
    stage, count = page.locator(".kb-stage"), page.locator(".kb-projector footer span")
    first = count.inner_text()
    for _ in range(6):
        if not stage.evaluate("n => n.scrollHeight - n.clientHeight - n.scrollTop > 2"):
            break
        page.keyboard.press("PageDown")
    assert count.inner_text() == first
    row, bar = last.bounding_box(), page.locator(".kb-projector footer").bounding_box()
    assert row
    assert bar
    assert row["y"] + row["height"] <= bar["y"]
    page.keyboard.press("PageDown")
    assert count.inner_text() != first


def test_files_that_are_no_packs_are_refused_in_chinese(open_page: Open) -> None:
    page = open_page("/")
    tab(page, "培训")
    before = page.input_value("#kb-pack-text textarea")
    for name, content, told in (
        ("a.pdf", b"%PDF-1.7", "不是 CSV 或 TXT"),
        ("a.csv", b"\x00\x01\xff\xfe", "文件不是文字"),
    ):
        file = {"name": name, "mimeType": "text/plain", "buffer": content}
        page.set_input_files("#kb-pack-file input[type=file], input[type=file]", files=[file])
        page.locator("#kb-pack-read [role=alert]", has_text=told).wait_for()
        assert page.input_value("#kb-pack-text textarea") == before
    lines = "".join(f"第{n}个问题\n" for n in range(300)).encode()
    file = {"name": "题.txt", "mimeType": "text/plain", "buffer": lines}
    page.set_input_files("#kb-pack-file input[type=file], input[type=file]", files=[file])
    page.locator("#kb-pack-read", has_text="超出数量的 100 行").wait_for()
    assert page.input_value("#kb-pack-text textarea").count("\n") == 199


def test_what_leads_nowhere_is_said(open_page: Open, browser: Browser, site: str) -> None:
    page = browser.new_context(locale="en-US").new_page()
    for path, told in (("/nothing", "没有“/nothing”"), ("/s/zzzzzz", "短网址“zzzzzz”")):
        reply = page.goto(site + path)
        assert reply
        assert reply.status == 404
        assert told in page.inner_text("main")
    page.click("main a")
    page.wait_for_selector("#kb-tabs button[role=tab]")
    page.context.close()
    page = open_page("/")
    tab(page, "培训")
    inner_tab(page, "二维码")
    page.fill("#kb-qr-text textarea", "guide:99-99")
    page.click("#kb-qr-go")
    page.locator("#kb-qr-out [role=alert]", has_text="没有编号为“guide:99-99”的段落").wait_for()
    assert page.locator("#kb-qr-out .kb-qr").count() == 0


def test_a_quiz_without_items_is_refused(open_page: Open) -> None:
    page = open_page("/")
    tab(page, "培训")
    inner_tab(page, "测验")
    for name in ("terms", "lists"):
        page.fill(f"#kb-quiz-{name} input[type=number]", "0")
        page.press(f"#kb-quiz-{name} input[type=number]", "Tab")
    page.uncheck("#kb-quiz-match input")
    page.click("#kb-quiz-go")
    page.locator("#kb-quiz-out [role=alert]", has_text="至少").wait_for()
    assert page.locator(".kb-quiz-item").count() == 0


def test_a_quiz_is_made_and_exported(open_page: Open) -> None:
    page = open_page("/")
    tab(page, "培训")
    inner_tab(page, "测验")
    page.click("#kb-quiz-go")
    page.locator(".kb-quiz-item").first.wait_for()
    assert page.locator(".kb-quiz-item").count() == 9
    labels = page.evaluate(
        "() => [...document.querySelectorAll('[aria-label]')].map((n) => n.ariaLabel)"
    )
    assert {"恢复默认值", "名词填空（输入数字）", "列举填空（滑块）"} <= set(labels)
    assert not [label for label in labels if label.startswith(("Reset", "number", "range"))]
    page.click(".kb-key summary")
    assert page.locator(".kb-key a").first.is_visible()
    with page.expect_download() as saved:
        page.locator(".kb-tools:visible [data-format=md]").click()
    assert saved.value.suggested_filename == "问指南测验.md"


def test_qr_cards_lead_back(open_page: Open, site: str) -> None:
    page = open_page("/")
    tab(page, "培训")
    inner_tab(page, "二维码")
    page.fill("#kb-qr-text textarea", "什么是低代码？\nguide:4-2-p1")
    page.click("#kb-qr-go")
    page.locator(".kb-qr svg").nth(1).wait_for()
    short = page.locator(".kb-qr a").first.inner_text()
    assert short.startswith(site + "/s/")
    other = open_page(short.removeprefix(site))
    other.locator("#kb-turn-1 .kb-quote").first.wait_for()
    assert other.locator(".kb-query").first.text_content() == "什么是低代码？"


CONTRASTS = """() => {
  const parts = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = parts(c).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const under = (node) => {
    for (let e = node; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if ((parts(colour)[3] ?? 1) > .5) return light(colour);
    }
    return 1;
  };
  const ratio = (a, b) => (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  const found = { text: [], boxes: [], placeholders: [], dark: 0 };
  for (const node of document.querySelectorAll("main *")) {
    if (!node.offsetParent) continue;
    const style = getComputedStyle(node);
    if (node.type === "checkbox")
      found.boxes.push(ratio(light(style.borderTopColor), under(node.parentElement)));
    if (node.placeholder)
      found.placeholders.push(ratio(light(getComputedStyle(node, "::placeholder").color), under(node)));
    if ([...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim())) {
      found.text.push(ratio(light(style.color), under(node)));
      found.dark += under(node) < .5;
    }
  }
  return found;
}"""


@pytest.mark.parametrize("width", [1440, 390])
def test_a_qr_code_stands_in_the_middle(open_page: Open, width: int) -> None:
    page = open_page("/", width=width)
    tab(page, "培训")
    inner_tab(page, "二维码")
    page.click("#kb-qr-go")
    page.locator(".kb-qr svg").first.wait_for()
    page.locator(".kb-tools:visible [data-kb=project]").click()
    for place in ("#kb-qr-out .kb-qr", ".kb-stage .kb-qr"):
        card, code = page.locator(place).first, page.locator(f"{place} svg").first
        outer, inner = card.bounding_box(), code.bounding_box()
        assert outer
        assert inner
        middle = outer["x"] + outer["width"] / 2
        assert abs(inner["x"] + inner["width"] / 2 - middle) < 2, place


def test_tables_of_the_report_scroll_on_a_phone(open_page: Open) -> None:
    page = open_page("/", width=390)
    tab(page, "评测")
    page.click("#kb-results-box button")
    page.locator("#kb-results table").first.wait_for()
    widths = page.evaluate(
        "() => [...document.querySelectorAll('#kb-results .kb-scroll')].map("
        "(box) => [box.clientWidth, box.scrollWidth, box.querySelectorAll('table').length])"
    )
    assert len(widths) == page.locator("#kb-results table").count() == sum(w[2] for w in widths)
    assert any(inner > outer for outer, inner, _ in widths)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    narrow = page.evaluate(
        "() => [...document.querySelectorAll('#kb-results td')].filter("
        "(cell) => cell.textContent.length > 3 && cell.clientWidth < 32).length"
    )
    assert narrow == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_boxes_and_hints_can_be_seen(open_page: Open, scheme: str) -> None:
    page = open_page(address("没钱搞，政府给补贴吗"), color_scheme=scheme)
    page.locator("#kb-turn-1 .kb-quote").first.wait_for()
    for name in TABS:
        tab(page, name)
        for inner in ("测验", "统计") if name == "培训" else ("",):
            if inner:
                inner_tab(page, inner)
            page.wait_for_timeout(300)
            found = page.evaluate(CONTRASTS)
            assert min(found["boxes"], default=3) >= 3, (name, inner)
            assert bool(found["boxes"]) == bool(inner)
            assert min(found["placeholders"], default=4.5) >= 4.5, name


def test_paper_is_light_when_the_screen_is_dark(open_page: Open) -> None:
    page = open_page(address("没钱搞，政府给补贴吗"), color_scheme="dark")
    page.locator("#kb-turn-1 .kb-quote").first.wait_for()
    for name in ("问答", "原文", "名词", "培训"):
        tab(page, name)
        if name == "培训":
            inner_tab(page, "测验")
            page.click("#kb-quiz-go")
            page.locator(".kb-quiz-item").first.wait_for()
        page.emulate_media(media="print")
        found = page.evaluate(CONTRASTS)
        assert found["dark"] == 0, name
        assert min(found["text"]) >= 4.5, name
        page.emulate_media(media="screen")


def test_statistics_are_off_until_asked_for(open_page: Open) -> None:
    page = open_page("/")
    tab(page, "培训")
    inner_tab(page, "统计")
    assert not page.locator("#kb-stats-on input").is_checked()
    page.locator("#kb-stats-on input").check()
    page.locator("#kb-stats-out p").wait_for()
    other = open_page("/")
    other.locator(".kb-banner-recording").wait_for()
    ask(other, "什么是低代码", 1)
    page.click("#kb-stats-show")
    page.locator(".kb-bars li").first.wait_for()
    page.locator("#kb-stats-on input").uncheck()
    page.click("#kb-stats-forget")
    page.click("#kb-stats-keep")
    page.locator("#kb-stats-keep").wait_for(state="hidden")
    page.click("#kb-stats-show")
    assert page.locator(".kb-bars li").count() >= 1
    page.click("#kb-stats-forget")
    page.click("#kb-stats-sure")
    page.locator(".kb-bars li").first.wait_for(state="detached")
    page.locator("#kb-stats-sure").wait_for(state="hidden")


def test_statistics_belong_to_the_machine(open_page: Open) -> None:
    page = open_page("/", extra_http_headers={"X-Forwarded-For": "192.168.1.20"})
    tab(page, "培训")
    inner_tab(page, "统计")
    page.locator("#kb-stats-out [role=alert]", has_text="本程序的电脑").wait_for()
    assert not page.locator("#kb-stats-on").is_visible()
    assert not page.locator("#kb-stats-show").is_visible()


def test_three_methods_side_by_side(open_page: Open) -> None:
    page = open_page("/")
    tab(page, "评测")
    page.fill("#kb-compare textarea", "车间排产有什么系统能用")
    page.press("#kb-compare textarea", "Enter")
    page.locator(".kb-compare .kb-why").first.wait_for()
    assert page.locator(".kb-three .kb-column").count() == 3
    assert page.locator(".kb-scale").is_visible()


@pytest.mark.parametrize(("home", "scheme"), [("/", "light"), ("/", "dark"), ("/en/", "light")])
def test_no_serious_barrier(open_page: Open, home: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(home + address("没钱搞，政府给补贴吗")[1:], color_scheme=scheme)
    page.locator("#kb-turn-1 .kb-quote").first.wait_for()
    ask(page, "补贴能拿多少钱", 2)
    found = []
    buttons = page.locator("#kb-tabs > .tab-wrapper button[role=tab]:visible")
    assert buttons.count() == len(TABS)
    for number in range(len(TABS)):
        buttons.nth(number).click()
        page.wait_for_timeout(400)
        found += _barriers(Axe(), page, number)
    buttons.nth(3).click()
    inner = page.locator("#kb-workshop-tabs button[role=tab]:visible")
    for number, go in (
        (0, "#kb-pack-go"),
        (1, "#kb-quiz-go"),
        (2, "#kb-qr-go"),
        (3, "#kb-stats-show"),
    ):
        inner.nth(number).click()
        page.click(go)
        page.wait_for_timeout(1500)
        found += _barriers(Axe(), page, 30 + number)
    assert not found


def _barriers(axe: object, page: Page, number: int) -> list[str]:
    response = axe.run(page).response  # type: ignore[attr-defined]
    return [
        f"{number}: {v['id']} {v['nodes'][0]['html'][:200]}"
        for v in response["violations"]
        if v["impact"] in ("serious", "critical")
    ]


def test_a_failed_start_is_told_and_the_reader_works(
    open_page: Open, real_settings: Settings, tmp_path: Path
) -> None:
    broken = real_settings.model_copy(
        update={
            "encoder": str(tmp_path / "none"),
            "data_dir": tmp_path,
            "index_dir": tmp_path / "i",
        }
    )
    with serve(broken, "/healthz") as base:
        page = open_page("/", base=base)
        page.locator(".kb-banner-failed").wait_for()
        turn = ask(page, "什么是低代码", 1)
        assert turn.get_attribute("data-status") == "waiting"
        assert turn.locator(".kb-quote").count() == 0
        tab(page, "原文")
        page.locator(".kb-document .kb-quote").first.wait_for()
        page.context.close()
