"""原文: the whole documents with outline, search, and an address for every passage."""

from __future__ import annotations

from typing import Any, NamedTuple

import gradio as gr

from kb.errors import KBError
from kb.pages.library import Library
from kb.pages.reading import (
    Target,
    document_html,
    find,
    found_html,
    outline_html,
    resolve_target,
)
from kb.pages.tools import note_html
from kb.pages.words import Words
from kb.render import Html, el, join

__all__ = ["Reader", "build_reader", "open_place"]

ON_LOAD = "KB.mountReader(element, trigger, props, watch);"


class Reader(NamedTuple):
    """The components that opening a passage fills."""

    outline: Any
    document: Any


def build_reader(library: Library, words: Words) -> Reader:
    """Lay out the room and wire its search."""
    first = open_place(library, words, "")
    with gr.Row(elem_id="kb-reader"):
        with gr.Column(scale=1, min_width=260, elem_id="kb-reader-side"):
            with gr.Row(elem_id="kb-find-row"):
                word = gr.Textbox(
                    label=words("reader_search"), placeholder=words("reader_search_hint"),
                    max_length=100, elem_id="kb-find", scale=4, container=False, show_label=False,
                )  # fmt: skip
                go = gr.Button(words("reader_find"), size="sm", scale=1, min_width=64)
            found = gr.HTML("", elem_id="kb-found", apply_default_css=False)
            outline = gr.HTML(first[0], apply_default_css=False)
        with gr.Column(scale=3, min_width=320):
            gr.HTML(_toolbar(words), apply_default_css=False, elem_id="kb-reader-bar")
            document = gr.HTML(
                first[1], elem_id="kb-document", js_on_load=ON_LOAD,
                apply_default_css=False,
            )  # fmt: skip

    def on_find(text: str) -> str:
        try:
            shelf = library.shelf
        except KBError as error:
            return note_html(words("corpus_failed", reason=error))
        return found_html(shelf, text.strip(), find(shelf, text), words) if text.strip() else ""

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    word.submit(on_find, word, found, **quiet)
    go.click(on_find, word, found, **quiet)
    return Reader(outline, document)


def open_place(
    library: Library, words: Words, identifier: str, start: int = -1, end: int = -1
) -> tuple[str, str]:
    """The outline and the document opened at a passage or section; a cited span may be given."""
    try:
        shelf = library.shelf
    except KBError as error:
        return "", note_html(words("corpus_failed", reason=error))
    target = resolve_target(shelf, identifier)
    note = Html()
    if target is None:
        target = Target(next(iter(shelf.documents)))
        note = note_html(words("no_passage", id=identifier)) if identifier else note
    if 0 <= start < end:
        target = target._replace(start=start, end=end)
    return outline_html(shelf, target, words), join(note, document_html(shelf, target, words))


def _toolbar(words: Words) -> Html:
    return el(
        "div",
        el("button", f"‹ {words('previous')}", type="button", data_kb="step", data_step=-1),
        el("button", f"{words('next')} ›", type="button", data_kb="step", data_step=1),
        el("button", words("back_to_chat"), type="button", data_kb="tab", data_tab="chat"),
        el("span", class_="kb-result", role="status"),
        el("small", words("about_page")),
        class_="kb-toolbar",
    )
