"""评测: the shipped results with their plots, and one query through every method side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from kb.answer import Assistant, Explained
from kb.errors import InputError
from kb.pages.insight import METHODS, columns_html, scale_html, why, why_html
from kb.pages.library import Library
from kb.pages.results import figures_html, results_markdown
from kb.pages.tools import note_html
from kb.pages.turns import TurnView, turn_html
from kb.pages.words import Words
from kb.render import Html, Shelf, el, source_line
from kb.service import NotReadyError, Service

__all__ = ["build_evaluation"]

RESULTS = Path(__file__).resolve().parent.parent.parent / "eval" / "RESULTS.md"
SHOWN = 8
REASONS = 3
WAIT_SECONDS = 60.0


def build_evaluation(service: Service, library: Library, words: Words) -> None:
    """Lay out the room and wire it."""
    gr.HTML(el("h2", words("compare_title"), class_="kb-room"), apply_default_css=False)
    with gr.Row(elem_classes="kb-inputs"):
        query = gr.Textbox(
            label=words("compare_label"), placeholder=words("compare_hint"), max_length=500,
            elem_id="kb-compare", scale=8, container=False, show_label=False,
        )  # fmt: skip
        go = gr.Button(
            words("compare_go"), variant="primary", scale=1, min_width=96, elem_id="kb-compare-go"
        )
    out = gr.HTML("", elem_id="kb-compare-out", apply_default_css=False)
    gr.HTML(el("h2", words("results_title"), class_="kb-room"), apply_default_css=False)
    gr.HTML(figures_html(RESULTS, words), elem_id="kb-figures", apply_default_css=False)
    with gr.Accordion(words("results_full"), open=False, elem_id="kb-results-box"):
        report = results_markdown(RESULTS, words)  # a file of our own
        gr.Markdown(report, elem_id="kb-results", sanitize_html=False)

    def compare(text: str) -> str:
        return _compare(service, library, words, text)

    quiet: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}
    query.submit(compare, query, out, **quiet)
    go.click(compare, query, out, **quiet)


def _compare(service: Service, library: Library, words: Words, text: str) -> str:
    try:
        service.wait(WAIT_SECONDS)
        assistant = service.assistant
        hits = {method: assistant.search(text, SHOWN, method) for method in METHODS}
    except (NotReadyError, InputError) as error:
        return note_html(words.say(str(error)))
    explained = assistant.explain(text)
    shelf = library.shelf
    answer = turn_html(TurnView(1, explained.answer, group="compare"), shelf, words)
    return el(
        "div",
        columns_html(hits, shelf, words),
        el("h3", words("compare_decision")),
        scale_html(explained, assistant, words),
        el("h3", words("why")),
        *_reasons(explained, assistant, shelf, words),
        el("details", el("summary", words("compare_answer")), answer),
        class_="kb-compare",
    )


def _reasons(explained: Explained, assistant: Assistant, shelf: Shelf, words: Words) -> list[Html]:
    cited = dict.fromkeys(c.passage_id for c in explained.answer.citations)
    found = [reason for p in cited if (reason := why(explained, assistant, p)) is not None]
    if not found:
        return [why_html(None, words)]
    return [
        el("div", el("h4", source_line(shelf, one.passage_id)), why_html(one, words))
        for one in found[:REASONS]
    ]
