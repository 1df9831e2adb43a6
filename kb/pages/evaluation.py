"""评测: the shipped results with their plots, and one query through every method side by side."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import gradio as gr

from kb.errors import InputError
from kb.pages.cards import TurnView, turn_html
from kb.pages.insight import METHODS, columns_html, scale_html, why, why_html
from kb.pages.library import Library
from kb.pages.words import Words
from kb.render import escape, source_line
from kb.service import NotReadyError, Service

__all__ = ["build_evaluation", "results_markdown"]

RESULTS = Path(__file__).resolve().parent.parent.parent / "eval" / "RESULTS.md"
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+\.(svg|png))\)")
TYPES = {"svg": "image/svg+xml", "png": "image/png"}
SHOWN = 8
WAIT_SECONDS = 60.0


def results_markdown(path: Path, words: Words) -> str:
    """The results page with its plots inside it and its headings one level down."""
    if not path.is_file():
        return words("results_none")
    text = IMAGE.sub(lambda found: _inline(found, path.parent), path.read_text(encoding="utf-8"))
    return re.sub(r"^(#{1,5}) ", r"#\1 ", text, flags=re.MULTILINE)


def _inline(found: re.Match[str], folder: Path) -> str:
    """A plot beside the results as a data address; anything outside the folder stays a link."""
    image = (folder / found[2]).resolve()
    if not image.is_relative_to(folder.resolve()) or not image.is_file():
        return found[0]
    data = base64.b64encode(image.read_bytes()).decode()
    return f"![{found[1]}](data:{TYPES[found[3]]};base64,{data})"


def build_evaluation(service: Service, library: Library, words: Words) -> None:
    """Lay out the room and wire it."""
    gr.HTML(f'<h2 class="kb-room">{escape(words("compare_title"))}</h2>', apply_default_css=False)
    with gr.Row(elem_classes="kb-inputs"):
        query = gr.Textbox(
            label=words("compare_label"), placeholder=words("compare_hint"), max_length=500,
            elem_id="kb-compare", scale=8, container=False, show_label=False,
        )  # fmt: skip
        go = gr.Button(words("compare_go"), variant="primary", scale=1, min_width=96)
    out = gr.HTML("", elem_id="kb-compare-out", apply_default_css=False)
    gr.HTML(f'<h2 class="kb-room">{escape(words("results_title"))}</h2>', apply_default_css=False)
    gr.Markdown(results_markdown(RESULTS, words), elem_id="kb-results")

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
        return f'<p class="kb-note" role="alert">{escape(str(error))}</p>'
    explained = assistant.explain(text)
    shelf = library.shelf
    cited = [
        c
        for c in explained.answer.citations
        if assistant.index.row_of.get(c.passage_id) is not None
    ]
    reasons = "".join(
        f"<section><h4>{escape(source_line(shelf, c.passage_id))}</h4>"
        f"{why_html(why(explained, assistant, c.passage_id), words)}</section>"
        for c in cited[:3]
    )
    answer = turn_html(TurnView(1, explained.answer, group="compare"), shelf, words)
    return (
        f'<div class="kb-compare">{columns_html(hits, shelf, words)}'
        f"<h3>{escape(words('compare_decision'))}</h3>{scale_html(explained, assistant, words)}"
        f"<h3>{escape(words('why'))}</h3>{reasons or why_html(None, words)}"
        f"<details><summary>{escape(words('compare_answer'))}</summary>{answer}</details></div>"
    )
