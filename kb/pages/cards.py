"""One turn of the conversation as HTML: the question, the state, cards with quotes, what next."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from urllib.parse import quote as percent

from kb.pages.words import Words
from kb.pages.words_answers import REASONS_EN
from kb.render import (
    SEPARATOR,
    Place,
    Shelf,
    escape,
    official_citation,
    place_line,
    quote_html,
    reference,
)
from kb.schema import Answer, Citation
from kb.wording import HIGH, MEDIUM

__all__ = ["TurnView", "actions", "suggestion_list", "turn_html", "waiting_html"]

LINE_ITEM = 40
LEAD_SHARE = 0.75
SMALL_TALK = frozenset({"greeting", "thanks", "about"})
REFUSED_INPUT = frozenset({"input_empty", "input_too_long"})


class TurnView(NamedTuple):
    """One turn to show: its number on the page, the answer, and how it was asked."""

    number: int
    answer: Answer
    history: tuple[str, ...] = ()
    role: str = ""
    group: str = "turn"


def turn_html(turn: TurnView, shelf: Shelf, words: Words) -> str:
    """One turn: question, how it was understood, answer, suggestions and feedback."""
    answer = turn.answer
    name = f"kb-{turn.group}-{turn.number}"
    body = "".join(
        (
            _understood(turn, words),
            f'<div role="group" class="kb-answer kb-{answer.status}" aria-label="{escape(_state(answer, words))}">',
            _head(answer, words),
            _refusal(answer, shelf, words) if answer.status == "not_found" else "",
            _citations(turn, shelf, words),
            _suggestions(answer, words),
            _feedback(answer, words) if answer.reason not in SMALL_TALK | REFUSED_INPUT else "",
            "</div>",
        )
    )
    asked = {"query": answer.query, "history": list(turn.history), "role": turn.role}
    return (
        f'<article class="kb-turn" id="{name}" data-status="{answer.status}" '
        f'data-asked="{escape(json.dumps(asked, ensure_ascii=False))}" '
        f'data-citations="{len(answer.citations)}" aria-labelledby="{name}-q">'
        f"{question_html(answer.query, words, name, turn.role)}{body}</article>"
    )


def question_html(query: str, words: Words, name: str, role: str = "") -> str:
    """The question as the heading of its turn."""
    as_role = words("asked_as", role=words(f"role_{role}")) if role else ""
    note = f'<span class="kb-role">{escape(as_role)}</span>' if as_role else ""
    return (
        f'<h2 class="kb-question" id="{name}-q" tabindex="-1"><span class="kb-visually-hidden">'
        f'{escape(words("you_asked"))}：</span><span class="kb-query">{escape(query)}</span>{note}</h2>'
    )


def waiting_html(number: int, query: str, reason: str, words: Words) -> str:
    """A turn that could not be answered because the assistant is not ready."""
    name = f"kb-turn-{number}"
    return (
        f'<article class="kb-turn" id="{name}" data-status="waiting" aria-labelledby="{name}-q">'
        f'{question_html(query, words, name)}<div role="group" class="kb-answer kb-waiting">'
        f'<p class="kb-state">{escape(words("waiting"))}</p><p>{escape(reason)}</p></div></article>'
    )


def _state(answer: Answer, words: Words) -> str:
    return words(answer.status)


def _understood(turn: TurnView, words: Words) -> str:
    answer = turn.answer
    if not turn.history or answer.standalone_query == answer.query:
        return ""
    return (
        f'<p class="kb-understood">{escape(words("understood"))}<q>{escape(answer.standalone_query)}</q> '
        f'<button type="button" class="kb-link" data-kb="ask" data-fresh="1" '
        f'data-query="{escape(answer.query)}">{escape(words("undo"))}</button></p>'
    )


def _message(answer: Answer, words: Words) -> str:
    if words.lang == "zh":
        return answer.message
    reason = REASONS_EN.get(answer.reason or "", "")
    if answer.reason in SMALL_TALK | REFUSED_INPUT:
        return reason
    return f"{reason} {words(f'message_{answer.status}')}".strip()


def _head(answer: Answer, words: Words) -> str:
    small = answer.reason in SMALL_TALK | REFUSED_INPUT
    state = "" if small else f'<p class="kb-state">{escape(_state(answer, words))}</p>'
    sure = _confidence(answer, words) if answer.status == "answered" else ""
    return (
        f'<div class="kb-head">{state}{sure}</div>'
        f'<p class="kb-message">{escape(_message(answer, words))}</p>'
    )


def _confidence(answer: Answer, words: Words) -> str:
    level = (
        "high" if answer.confidence >= HIGH else "medium" if answer.confidence >= MEDIUM else "low"
    )
    word = words("confidence", word=words(f"confidence_{level}"))
    number = words("confidence_number", percent=round(answer.confidence * 100))
    return (
        f'<details class="kb-confidence kb-{level}"><summary>{escape(word)}</summary>'
        f"<span>{escape(number)}</span></details>"
    )


def _refusal(answer: Answer, shelf: Shelf, words: Words) -> str:
    if answer.reason in SMALL_TALK | REFUSED_INPUT:
        return ""
    titles = "、".join(document.title for document in shelf.documents.values())
    return f'<p class="kb-covers">{escape(words("covers", titles=titles))}</p>'


def _citations(turn: TurnView, shelf: Shelf, words: Words) -> str:
    answer = turn.answer
    direct = [c for c in answer.citations if c.role == "direct"]
    related = [c for c in answer.citations if c.role == "related"]
    html = _direct(direct, shelf, words)
    if answer.status == "related":
        return html + "".join(_card(c, shelf, words) for c in related)
    if related:
        cards = "".join(_card(c, shelf, words) for c in related)
        summary = escape(words("related_more", n=len(related)))
        html += f'<details class="kb-related-more"><summary>{summary}</summary>{cards}</details>'
    return html


def _direct(direct: Sequence[Citation], shelf: Shelf, words: Words) -> str:
    """Cards of direct answers; two documents stand side by side, lists of headings are compact."""
    short = [c for c in direct if len(c.quote) <= LINE_ITEM]
    if len(short) > 2:
        rest = [c for c in direct if len(c.quote) > LINE_ITEM]
        first = "".join(_card(c, shelf, words) for c in rest)
        return first + _compact(short, shelf, words)
    sources = dict.fromkeys(c.document_id for c in direct if c.document_id != "glossary")
    if len(sources) == 2 and len(direct) == len([c for c in direct if c.document_id in sources]):
        columns = []
        for source in sources:
            cards = [_card(c, shelf, words, c.rank == 1) for c in direct if c.document_id == source]
            title = escape(shelf.title(source))
            columns.append(f'<div class="kb-column"><h3>{title}</h3>{"".join(cards)}</div>')
        note = f'<p class="kb-note">{escape(words("side_by_side"))}</p>'
        return f'{note}<div class="kb-columns">{"".join(columns)}</div>'
    return "".join(_card(c, shelf, words, c.rank == 1) for c in direct)


def _compact(items: Sequence[Citation], shelf: Shelf, words: Words) -> str:
    """A list of short quotes, grouped by the heading above them."""
    groups = []
    for _, members in groupby(items, key=lambda c: (c.document_id, c.section[:-1])):
        group = list(members)
        head = SEPARATOR.join((shelf.title(group[0].document_id), *group[0].section[:-1]))
        rows = "".join(_row(c, shelf, words) for c in group)
        groups.append(
            f'<section class="kb-group"><h3 class="kb-path">{escape(head)}</h3><ol>{rows}</ol></section>'
        )
    return f'<div class="kb-card kb-list">{"".join(groups)}</div>'


def _row(citation: Citation, shelf: Shelf, words: Words) -> str:
    place = Place(citation.document_id, citation.start, citation.end)
    page = words("page", n=citation.page) if citation.page is not None else ""
    return (
        f'<li class="kb-row">{quote_html(place, shelf)}<span class="kb-page">{escape(page)}</span>'
        f"{open_link(citation, words, brief=True)}</li>"
    )


def _card(citation: Citation, shelf: Shelf, words: Words, lead: bool = False) -> str:
    place = Place(citation.document_id, citation.start, citation.end, citation.highlights)
    related = citation.role == "related"
    note = f'<span class="kb-tag">{escape(words("related_mark"))}</span>' if related else ""
    return (
        f'<div role="group" class="kb-card kb-card-{citation.role}" aria-label="{escape(place_line(citation, shelf))}">'
        f'<p class="kb-path">{escape(place_line(citation, shelf))}{note}</p>'
        f"{_lead(citation, shelf) if lead else ''}{quote_html(place, shelf)}"
        f"{actions(citation, shelf, words, explained=True)}</div>"
    )


def _lead(citation: Citation, shelf: Shelf) -> str:
    """The answering sentences alone, large, where they are a small part of the passage."""
    marked = sum(b - a for a, b in citation.highlights)
    if not marked or marked > LEAD_SHARE * len(citation.quote):
        return ""
    places = [Place(citation.document_id, a, b) for a, b in citation.highlights]
    return "".join(
        f'<div class="kb-lead">{quote_html(p, shelf, explain=False)}</div>' for p in places
    )


def open_link(citation: Citation, words: Words, brief: bool = False) -> str:
    """A link to the passage in the reader; it works as an address of its own too."""
    span = f'data-start="{citation.start}" data-end="{citation.end}"'
    label = escape(words("open"))
    aria = f' aria-label="{label}：{escape(citation.quote[:20])}"' if brief else ""
    return (
        f'<a class="kb-open" href="{words.home}?p={percent(citation.passage_id)}" data-kb="open" '
        f'data-passage="{escape(citation.passage_id)}" {span}{aria}>{"↗" if brief else label}</a>'
    )


def actions(citation: Citation, shelf: Shelf, words: Words, explained: bool = False) -> str:
    """What can be done with a quote: copy, check, expand, open, and ask why it was found."""
    copies: Mapping[str, str] = {
        "copy_plain": f"{citation.quote}\n——{place_line(citation, shelf)}",
        "copy_official": official_citation(citation, shelf),
        "copy_reference": reference(citation, shelf),
    }
    items = "".join(
        f'<button type="button" data-kb="copy" data-copy="{escape(text)}">{escape(words(key))}</button>'
        for key, text in copies.items()
    )
    address = f"{words.home}?p={percent(citation.passage_id)}"
    items += f'<button type="button" data-kb="copy" data-address="{address}">{escape(words("copy_link"))}</button>'
    passage = escape(citation.passage_id)
    reason = (
        f'<button type="button" data-kb="why" data-passage="{passage}" aria-expanded="false">'
        f"{escape(words('why'))}</button>"
        if explained
        else ""
    )
    return (
        f'<div class="kb-actions"><details class="kb-menu"><summary>{escape(words("copy"))}</summary>'
        f'<div class="kb-menu-items">{items}</div></details>'
        f'<button type="button" data-kb="verify">{escape(words("verify"))}</button>'
        f'<button type="button" data-kb="section" data-passage="{passage}" aria-expanded="false">'
        f"{escape(words('section'))}</button>{open_link(citation, words)}{reason}"
        f'<span class="kb-result" role="status"></span></div>'
    )


def suggestion_list(questions: Sequence[str], words: Words) -> str:
    """Questions to click."""
    items = "".join(
        f'<li><button type="button" class="kb-chip" data-kb="ask" data-query="{escape(q)}">{escape(q)}'
        "</button></li>"
        for q in questions
    )
    return f'<ul class="kb-chips">{items}</ul>'


def _suggestions(answer: Answer, words: Words) -> str:
    if not answer.suggestions:
        return ""
    key = "suggest_after" if answer.status == "answered" else "suggest_instead"
    return (
        f'<div class="kb-suggest"><p class="kb-label">{escape(words(key))}</p>'
        f"{suggestion_list(answer.suggestions, words)}</div>"
    )


def _feedback(answer: Answer, words: Words) -> str:
    kinds = ("helpful", "wrong", "refuse") if answer.citations else ("helpful", "missed")
    buttons = "".join(
        f'<button type="button" data-kb="feedback" data-verdict="{kind}" aria-pressed="false">'
        f"{escape(words(f'feedback_{kind}'))}</button>"
        for kind in kinds
    )
    return (
        f'<form class="kb-feedback" data-kb-form="feedback"><span class="kb-label">{escape(words("feedback"))}</span>'
        f'{buttons}<span class="kb-comment" hidden><input type="text" maxlength="500" '
        f'aria-label="{escape(words("feedback_comment"))}" placeholder="{escape(words("feedback_comment"))}">'
        f'<button type="submit">{escape(words("feedback_send"))}</button></span>'
        f'<span class="kb-result" role="status"></span></form>'
    )
