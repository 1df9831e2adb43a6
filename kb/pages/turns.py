"""One turn of the conversation as HTML: the question, the state, the cards, what next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from kb.counterparts import compare
from kb.pages.cards import card, direct_cards
from kb.pages.links import Link
from kb.pages.words import Words
from kb.render import Html, Shelf, el, join
from kb.schema import Answer
from kb.wording import HIGH, MEDIUM

__all__ = ["TurnView", "suggestion_list", "turn_html", "waiting_html"]

SMALL_TALK = frozenset({"greeting", "thanks", "about", "input_empty", "input_too_long"})
OFFERED = 3


class TurnView(NamedTuple):
    """One turn to show: its number in its group on the page, the answer, and how it was asked.

    ``more`` are questions to offer where an answer brings none of its own; ``leans`` are the
    earlier questions that its link carries, all of the history where none are given.
    """

    number: int
    answer: Answer
    history: tuple[str, ...] = ()
    role: str = ""
    group: str = "turn"
    more: tuple[str, ...] = ()
    leans: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """The id of its element."""
        return f"kb-{self.group}-{self.number}"

    def link(self, words: Words) -> str:
        """The address that opens this very answer again."""
        leans = self.history if self.leans is None else self.leans
        return Link(self.answer.query, leans, self.role).address(words.home)


def turn_html(turn: TurnView, shelf: Shelf, words: Words) -> Html:
    """One turn: question, how it was understood, answer, suggestions and feedback."""
    answer = turn.answer
    plain = answer.reason in SMALL_TALK
    asked = {"query": answer.query, "history": list(turn.history), "role": turn.role}
    body = el(
        "div",
        _head(answer, words),
        Html() if plain else _covers(answer, shelf, words),
        _citations(answer, shelf, words),
        _suggestions(turn, words),
        Html() if plain else _feedback(turn, words),
        class_=f"kb-answer kb-{answer.status}",
        role="group",
        aria_label=words(answer.status),
    )
    return el(
        "article",
        _earlier(turn, words),
        _question(answer.query, words, turn.name, turn.role),
        _understood(turn, words),
        body,
        class_="kb-turn",
        id=turn.name,
        aria_labelledby=f"{turn.name}-q",
        data_status=answer.status,
        data_asked=json.dumps(asked, ensure_ascii=False),
        data_link=None if plain else turn.link(words),
    )


def waiting_html(number: int, query: str, reason: str, words: Words) -> Html:
    """A turn that could not be answered because the assistant is not ready."""
    name = f"kb-turn-{number}"
    state = el("p", words("waiting"), class_="kb-state")
    body = el("div", state, el("p", words.say(reason)), class_="kb-answer kb-waiting", role="group")
    return el(
        "article", _question(query, words, name), body, class_="kb-turn", id=name,
        data_status="waiting", aria_labelledby=f"{name}-q",
    )  # fmt: skip


def _question(query: str, words: Words, name: str, role: str = "") -> Html:
    hidden = el("span", f"{words('you_asked')}：", class_="kb-visually-hidden")
    shown = el("span", query, class_="kb-query")
    as_role = words("asked_as", role=words(f"role_{role}")) if role else ""
    note = el("span", as_role, class_="kb-role") if role else Html()
    return el("h2", hidden, shown, note, class_="kb-question", id=f"{name}-q", tabindex=-1)


def _earlier(turn: TurnView, words: Words) -> Html:
    """The questions before the first turn, where a link has opened in mid-dialogue."""
    if turn.number > 1 or not turn.history:
        return Html()
    items = (el("li", query) for query in turn.history)
    label = el("p", words("earlier"), class_="kb-label")
    return el("div", label, el("ol", *items), class_="kb-earlier")


def _understood(turn: TurnView, words: Words) -> Html:
    answer = turn.answer
    if not turn.history or answer.standalone_query == answer.query:
        return Html()
    undo = el(
        "button", words("undo"), type="button", class_="kb-link", data_kb="ask", data_fresh=1,
        data_query=answer.query,
    )  # fmt: skip
    understood = el("q", answer.standalone_query)
    return el("p", words("understood"), understood, " ", undo, class_="kb-understood")


def _head(answer: Answer, words: Words) -> Html:
    small = answer.reason in SMALL_TALK
    state = Html() if small else el("p", words(answer.status), class_="kb-state")
    sure = _confidence(answer, words) if answer.status == "answered" else Html()
    message = el("p", words.say(answer.message), class_="kb-message")
    return join(el("div", state, sure, class_="kb-head"), message)


def _confidence(answer: Answer, words: Words) -> Html:
    level = (
        "high" if answer.confidence >= HIGH else "medium" if answer.confidence >= MEDIUM else "low"
    )
    word = words("confidence", word=words(f"confidence_{level}"))
    number = words("confidence_number", share=words.share(answer.confidence))
    return el("details", el("summary", word), el("span", number), class_="kb-confidence")


def _covers(answer: Answer, shelf: Shelf, words: Words) -> Html:
    """What the documents cover and who knows more, where they do not answer."""
    if answer.status == "answered":
        return Html()
    titles = "、".join(document.title for document in shelf.documents.values())
    return el("p", words("covers", titles=titles), class_="kb-covers")


def _citations(answer: Answer, shelf: Shelf, words: Words) -> Html:
    notes = compare(answer.citations, shelf.passages, answer.standalone_query)
    direct = [c for c in answer.citations if c.role == "direct"]
    related = [card(c, shelf, words, notes=notes) for c in answer.citations if c.role == "related"]
    shown = join(_legend(words) if notes else Html(), direct_cards(direct, shelf, words, notes))
    if answer.status == "related" or not related:
        return join(shown, *related)
    more = el("summary", words("related_more", n=len(related)))
    return join(shown, el("details", more, *related, class_="kb-related-more"))


def _legend(words: Words) -> Html:
    """What the wavy lines mean, before the first of them."""
    sample = el("u", words("wording_sample"), class_="kb-differs")
    return el("p", sample, words("wording_legend"), class_="kb-note kb-legend")


def suggestion_list(questions: Sequence[str], words: Words) -> Html:
    """Questions to click."""
    items = [
        el(
            "button",
            q,
            type="button",
            class_="kb-chip",
            data_kb="ask",
            data_query=q,
            lang="en" if q.isascii() else "zh-CN",
        )
        for q in questions
    ]
    return el("ul", *(el("li", item) for item in items), class_="kb-chips")


def _suggestions(turn: TurnView, words: Words) -> Html:
    answer = turn.answer
    key = "suggest_after" if answer.status == "answered" else "suggest_instead"
    offered = answer.suggestions
    if not offered and answer.status != "answered":
        key, offered = "suggest_any", turn.more[:OFFERED]
    if not offered:
        return Html()
    label = el("p", words(key), class_="kb-label")
    return el("div", label, suggestion_list(offered, words), class_="kb-suggest")


def _feedback(turn: TurnView, words: Words) -> Html:
    kinds = ("helpful", "wrong", "refuse") if turn.answer.citations else ("helpful", "missed")
    choice = {"type": "button", "data_kb": "feedback", "aria_pressed": "false"}
    buttons = [el("button", words(f"feedback_{k}"), data_verdict=k, **choice) for k in kinds]
    label = words("feedback_comment")
    field = el("input", type="text", maxlength=500, aria_label=label, placeholder=label)
    send = el("button", words("feedback_send"), type="submit")
    share = el(
        "button", words("share"), type="button", class_="kb-share", data_kb="copy",
        data_address=turn.link(words),
    )  # fmt: skip
    return el(
        "form",
        share,
        el("span", words("feedback"), class_="kb-label"),
        *buttons,
        el("span", field, send, class_="kb-comment", hidden=True),
        el("span", class_="kb-result", role="status"),
        class_="kb-feedback",
        data_kb_form="feedback",
    )
