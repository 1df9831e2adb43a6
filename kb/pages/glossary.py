"""名词: the terms as cards, with definition, everyday names, and where each is used."""

from __future__ import annotations

from urllib.parse import quote as percent

import gradio as gr

from kb.errors import KBError
from kb.pages.cards import actions
from kb.pages.library import Library
from kb.pages.words import Words
from kb.render import Place, Shelf, escape, place_line, quote_html, source_line, term_spans
from kb.schema import Citation, Passage, Term

__all__ = ["build_glossary", "glossary_html", "uses"]


def build_glossary(library: Library, words: Words) -> None:
    """Lay out the room."""
    try:
        html = glossary_html(library.shelf, words)
    except KBError as error:
        html = f'<p class="kb-note">{escape(words("corpus_failed", reason=error))}</p>'
    gr.HTML(html, apply_default_css=False, elem_id="kb-glossary")


def uses(shelf: Shelf, term: Term) -> list[Passage]:
    """The passages that use a term, its own definition aside."""
    return [
        passage
        for passage in shelf.passages.values()
        if passage.id != term.passage_id and term_spans(passage.text, [term])
    ]


def glossary_html(shelf: Shelf, words: Words) -> str:
    """Every term as a card, and a field that narrows them down."""
    if not shelf.terms:
        return f'<p class="kb-note">{escape(words("terms_none"))}</p>'
    cards = "".join(_term(shelf, term, words) for term in shelf.terms)
    label = escape(words("terms_filter"))
    return (
        f'<div class="kb-filter"><label for="kb-term-filter">{label}</label>'
        f'<input id="kb-term-filter" type="search" data-kb-filter=".kb-term-card" '
        f'placeholder="{escape(words("terms_filter_hint"))}"><span class="kb-result" role="status"></span></div>'
        f'<div class="kb-term-cards">{cards}</div>'
    )


def _term(shelf: Shelf, term: Term, words: Words) -> str:
    passage = shelf.passages[term.passage_id]
    citation = _whole(passage)
    name = term.abbreviation or term.name
    full = f'<span class="kb-full">{escape(term.name)}</span>' if term.abbreviation else ""
    others = [a for a in term.aliases if a != term.name]
    also = (
        f'<p class="kb-aliases"><span class="kb-label">{escape(words("terms_aliases"))}</span> '
        f"{escape('、'.join(others))}</p>"
        if others
        else ""
    )
    every = " ".join((term.name, term.abbreviation or "", *term.aliases)).lower()
    place = Place(passage.document_id, passage.start, passage.end)
    question = escape(f"什么是{name}？")
    return (
        f'<article class="kb-card kb-term-card" data-names="{escape(every)}">'
        f'<h2 lang="zh-CN">{escape(name)}{full}</h2>{quote_html(place, shelf)}'
        f'<p class="kb-path">{escape(place_line(citation, shelf))}</p>{also}{_used(shelf, term, words)}'
        f'<button type="button" class="kb-chip" data-kb="ask" data-fresh="1" data-query="{question}">'
        f"{escape(words('terms_ask'))}{question}</button>{actions(citation, shelf, words)}</article>"
    )


def _whole(passage: Passage) -> Citation:
    return Citation(
        rank=1, document_id=passage.document_id, passage_id=passage.id, section=passage.section,
        page=passage.page, start=passage.start, end=passage.end, quote=passage.text,
        highlights=(), role="direct",
    )  # fmt: skip


def _used(shelf: Shelf, term: Term, words: Words) -> str:
    found = uses(shelf, term)
    if not found:
        return f'<p class="kb-note">{escape(words("terms_unused"))}</p>'
    items = "".join(
        f'<li><a href="{words.home}?p={percent(p.id)}" data-kb="open" data-passage="{escape(p.id)}">'
        f"{escape(source_line(shelf, p.id))}</a></li>"
        for p in found
    )
    summary = escape(words("terms_used", n=len(found)))
    return f'<details class="kb-used"><summary>{summary}</summary><ul>{items}</ul></details>'
