"""The rooms put together: header, honest state, tabs, and what an address opens."""

from __future__ import annotations

from typing import Any

import gradio as gr

from kb.errors import KBError
from kb.journal import Journal
from kb.pages.access import allowed, learners_address
from kb.pages.chat import build_chat
from kb.pages.evaluation import build_evaluation
from kb.pages.glossary import build_glossary
from kb.pages.library import Library
from kb.pages.reader import Reader, build_reader, open_place
from kb.pages.tools import note_html
from kb.pages.words import Words
from kb.pages.workshop import Workshop, build_workshop
from kb.render import Html, Shelf, el, join
from kb.service import Service

__all__ = ["build_page", "theme"]

FONTS = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "sans-serif"]
MONO = ["ui-monospace", "Consolas", "monospace"]
TICK_SECONDS = 1.5
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def theme() -> Any:
    """System fonts, ink blue, calm greys; nothing is fetched from outside."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue, neutral_hue=gr.themes.colors.gray,
        font=FONTS, font_mono=MONO, text_size=gr.themes.sizes.text_lg,
    ).set(
        body_background_fill="#f6f7f9", body_background_fill_dark="#14171c",
        body_text_color_subdued="#566073", body_text_color_subdued_dark="#a9b3c3",
        block_info_text_color="#566073", block_info_text_color_dark="#a9b3c3",
        input_placeholder_color="#566073", input_placeholder_color_dark="#a9b3c3",
        checkbox_border_color="#7b8699", checkbox_border_color_dark="#8d99ad",
        button_primary_background_fill="#1d4f91", button_primary_background_fill_hover="#163d70",
        button_primary_background_fill_dark="#2b62a8", button_primary_text_color="#ffffff",
    )  # fmt: skip


def build_page(service: Service, library: Library, journal: Journal, words: Words) -> Any:
    """The page in one language."""
    with gr.Blocks(title=words("title"), analytics_enabled=False, fill_width=True) as page:
        gr.HTML(_header(words), apply_default_css=False, elem_id="kb-header")
        state = gr.HTML("", elem_id="kb-state", apply_default_css=False)
        timer = gr.Timer(TICK_SECONDS)
        with gr.Tabs(elem_id="kb-tabs") as tabs:
            with gr.Tab(words("tab_chat"), id="chat", elem_id="kb-tab-chat"):
                fresh = build_chat(service, library, journal, words)
            with gr.Tab(words("tab_reader"), id="reader", elem_id="kb-tab-reader"):
                reader = build_reader(library, words)
            with gr.Tab(words("tab_terms"), id="terms", elem_id="kb-tab-terms"):
                build_glossary(library, words)
            with gr.Tab(words("tab_workshop"), id="workshop", elem_id="kb-tab-workshop"):
                workshop = build_workshop(service, library, journal, words)
            with gr.Tab(words("tab_evaluation"), id="evaluation", elem_id="kb-tab-evaluation"):
                build_evaluation(service, library, words)
        gr.HTML(_notes(library, words), elem_id="kb-notes", apply_default_css=False)
        _wire_address(page, tabs, reader, library, words)
        _wire_open(tabs, fresh, reader, library, words)
        _wire_workshop(page, workshop, service, journal)
        for event in (page.load, timer.tick):
            event(
                lambda: _tick(service, journal, words), None, [state, timer], queue=False, **QUIET
            )
    return page


def _tick(service: Service, journal: Journal, words: Words) -> tuple[str, Any]:
    return _state(service, journal, words), gr.Timer(active=service.state == "starting")


def _state(service: Service, journal: Journal, words: Words) -> str:
    lines: list[tuple[str, str]] = []
    if service.state != "ready":
        lines.append(
            (service.state, words(f"state_{service.state}", reason=words.say(service.reason)))
        )
    if _recording(journal):
        lines.append(("recording", words("state_recording")))
    parts = [el("p", text, class_=f"kb-banner kb-banner-{kind}") for kind, text in lines]
    return el("div", *parts, role="status", data_state=service.state)


def _recording(journal: Journal) -> bool:
    try:
        return journal.recording
    except KBError:
        return False


def _wire_address(page: Any, tabs: Any, reader: Reader, library: Library, words: Words) -> None:
    """``?p=`` opens a passage here; ``?q=`` is asked by the browser, like any other question."""

    def on_load(request: gr.Request) -> tuple[Any, ...]:
        passage = str(request.query_params.get("p", "")).strip()
        if not passage:
            return gr.skip(), gr.skip(), gr.skip()
        return gr.Tabs(selected="reader"), *open_place(library, words, passage)

    page.load(
        on_load, None, [tabs, reader.outline, reader.document],
        js="() => { window.KB.arrived(); return []; }", **QUIET,
    )  # fmt: skip


def _wire_open(tabs: Any, fresh: Any, reader: Reader, library: Library, words: Words) -> None:
    def on_open(event: gr.EventData) -> tuple[Any, ...]:
        data = event._data or {}
        start, end = int(data.get("start", -1)), int(data.get("end", -1))
        outline, document = open_place(library, words, str(data.get("passage", "")), start, end)
        return gr.Tabs(selected="reader"), outline, document

    fresh.expand(on_open, None, [tabs, reader.outline, reader.document], **QUIET)


def _wire_workshop(page: Any, workshop: Workshop, service: Service, journal: Journal) -> None:
    """Fill in the address that this page was opened by, and whether statistics are on."""

    def on_load(request: gr.Request) -> list[Any]:
        address = learners_address(service.settings, request)
        may = allowed(service.settings, request)
        return [address, *workshop.records.shown(may, _recording(journal))]

    page.load(on_load, None, [workshop.base, *workshop.records.parts], **QUIET)


def _header(words: Words) -> Html:
    other = Words("en" if words.lang == "zh" else "zh")
    switch = el(
        "a", words("other_language"), href=other.home, data_kb="language", lang=other.html_lang,
        hreflang=other.html_lang, aria_label=words("other_language_label"),
    )  # fmt: skip
    theme_switch = el("button", words("theme"), type="button", data_kb="theme")
    return el(
        "header",
        el("a", words("skip"), class_="kb-skip", href="#kb-question", data_kb="skip"),
        el("div", el("h1", words("title")), el("p", words("tagline"))),
        el("nav", switch, theme_switch, aria_label=words("theme")),
        class_="kb-header",
    )


def _notes(library: Library, words: Words) -> Html:
    """The definitions that explained words point at, and the foot of the page."""
    try:
        shelf = library.shelf
    except KBError as error:
        return note_html(words("corpus_failed", reason=error))
    titles = "、".join(document.title for document in shelf.documents.values())
    link = el("a", words("api"), href="/docs")
    foot = el("footer", el("p", words("scope", titles=titles)), el("p", link), class_="kb-footer")
    return join(el("div", *_definitions(shelf), hidden=True), foot)


def _definitions(shelf: Shelf) -> list[Html]:
    return [
        el("p", shelf.passages[term.passage_id].text, id=f"kb-term-{number}", lang="zh-CN")
        for number, term in enumerate(shelf.terms)
        if term.passage_id in shelf.passages
    ]
