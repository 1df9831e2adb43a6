"""名词: the terms as cards, with definition, everyday names, and where each is used."""

from __future__ import annotations

import gradio as gr

from kb.errors import KBError
from kb.pages.cards import actions, passage_link
from kb.pages.library import Library
from kb.pages.tools import note_html
from kb.pages.words import Words
from kb.render import Html, Place, Shelf, el, join, place_line, quote_html, source_line, term_spans
from kb.schema import Citation, Passage, Term

__all__ = ["build_glossary", "glossary_html", "uses"]


def build_glossary(library: Library, words: Words) -> None:
    """Lay out the room."""
    try:
        html = glossary_html(library.shelf, words)
    except KBError as error:
        html = note_html(words("corpus_failed", reason=error))
    gr.HTML(html, apply_default_css=False, elem_id="kb-glossary")


def uses(shelf: Shelf, term: Term) -> list[Passage]:
    """The passages that use a term, its own definition aside."""
    return [
        passage
        for passage in shelf.passages.values()
        if passage.id != term.passage_id and term_spans(passage.text, [term])
    ]


def glossary_html(shelf: Shelf, words: Words) -> Html:
    """Every term as a card, and a field that narrows them down."""
    if not shelf.terms:
        return note_html(words("terms_none"))
    field = el(
        "input", id="kb-term-filter", type="search", data_kb_filter=".kb-term-card",
        placeholder=words("terms_filter_hint"),
    )  # fmt: skip
    label = el("label", words("terms_filter"), for_="kb-term-filter")
    count = el("span", class_="kb-result", role="status")
    cards = [_term(shelf, term, words) for term in shelf.terms]
    return join(
        el("div", label, field, count, class_="kb-filter"),
        el("div", *cards, class_="kb-term-cards"),
    )


def _term(shelf: Shelf, term: Term, words: Words) -> Html:
    passage = shelf.passages[term.passage_id]
    citation = _whole(passage)
    name = term.abbreviation or term.name
    full = el("span", term.name, class_="kb-full") if term.abbreviation else Html()
    question = f"什么是{name}？"
    ask = el(
        "button", words("terms_ask"), question, type="button", class_="kb-chip", data_kb="ask",
        data_fresh=1, data_query=question, lang="zh-CN",
    )  # fmt: skip
    every = " ".join((term.name, term.abbreviation or "", *term.aliases)).lower()
    return el(
        "article",
        el("h2", name, full, lang="zh-CN"),
        quote_html(Place(passage.document_id, passage.start, passage.end), shelf),
        el("p", place_line(citation, shelf), class_="kb-path"),
        _aliases(term, words),
        _used(shelf, term, words),
        ask,
        actions(citation, shelf, words),
        class_="kb-card kb-term-card",
        data_names=every,
    )


def _aliases(term: Term, words: Words) -> Html:
    others = [alias for alias in term.aliases if alias != term.name]
    if not others:
        return Html()
    label = el("span", words("terms_aliases"), class_="kb-label")
    return el("p", label, " ", "、".join(others), class_="kb-aliases", lang="zh-CN")


def _whole(passage: Passage) -> Citation:
    return Citation(
        rank=1, document_id=passage.document_id, passage_id=passage.id, section=passage.section,
        page=passage.page, start=passage.start, end=passage.end, quote=passage.text,
        highlights=(), role="direct",
    )  # fmt: skip


def _used(shelf: Shelf, term: Term, words: Words) -> Html:
    found = uses(shelf, term)
    if not found:
        return el("p", words("terms_unused"), class_="kb-note")
    items = [el("li", passage_link(p.id, words, source_line(shelf, p.id))) for p in found]
    summary = el("summary", words("terms_used", n=len(found)))
    return el("details", summary, el("ul", *items), class_="kb-used")
