"""Workshop sheets as HTML: quiz with answer key, cards with QR codes, statistics of a session."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import segno

from kb.journal import Counted, Statistics
from kb.pages.cards import passage_link
from kb.pages.tools import note_html
from kb.pages.words import Words
from kb.quiz import LETTERS, Item, Quiz, key_answers, stem_text
from kb.render import Html, Shelf, el, join, source_line

__all__ = ["Card", "cards_html", "quiz_html", "statistics_html"]

LONGEST_CODE = 24  # characters; /s/7105f4 and /?p=guide%3A4-2-p1 fit a card


class Card(NamedTuple):
    """One QR card: what it opens, in words, its full address and its short one."""

    label: str
    address: str
    short: str


def quiz_html(quiz: Quiz, shelf: Shelf, words: Words) -> Html:
    """The quiz, then its answer key on a page of its own."""
    kinds = [item.kind for item in quiz.items]
    counts = {"terms": kinds.count("term"), "lists": kinds.count("list")}
    wanted = json.dumps({"seed": quiz.seed, **counts, "match": "match" in kinds})
    items = [_item(item, shelf, words) for item in quiz.items]
    key = [_key(item, shelf, words) for item in quiz.items]
    return el(
        "div",
        el("p", words("quiz_seed", seed=quiz.seed), class_="kb-note", role="status"),
        el("p", words("quiz_sheet", seed=quiz.seed), class_="kb-sheet"),
        el("ol", *items, class_="kb-quiz-items"),
        el("details", el("summary", words("quiz_key")), el("ol", *key), class_="kb-key"),
        class_="kb-quiz",
        data_quiz=wanted,
    )


def _item(item: Item, shelf: Shelf, words: Words) -> Html:
    lead = el("p", words(f"quiz_{item.kind}"), class_="kb-label")
    lines = [stem_text(shelf, row) for row in item.rows]
    choices = [el("li", f"{LETTERS[n]}. {name}") for n, name in enumerate(item.bank)]
    bank = el("ul", *choices, class_="kb-bank", lang="zh-CN") if choices else Html()
    if item.kind == "match":
        rows = el("ol", *(el("li", f"（　　）{line}") for line in lines), lang="zh-CN")
        return el("li", lead, bank, rows, class_="kb-quiz-item")
    heading = el("p", item.heading, class_="kb-quiz-heading", lang="zh-CN")
    stem = el("ul", *(el("li", line) for line in lines), class_="kb-plain-list", lang="zh-CN")
    return el("li", lead, heading if item.heading else Html(), stem, bank, class_="kb-quiz-item")


def _key(item: Item, shelf: Shelf, words: Words) -> Html:
    given = key_answers(item)
    numbered = [f"({n}) {answer}" for n, answer in enumerate(given, 1)]
    answers = "；".join(numbered if len(numbered) > 1 else given)
    lines = {source_line(shelf, source): source for source in reversed(item.sources)}
    links = [
        el("li", passage_link(source, words, line)) for line, source in reversed(lines.items())
    ]
    shown = el("strong", answers, lang="zh-CN")
    return el("li", shown, el("ul", *links, class_="kb-plain-list"))


def cards_html(cards: Sequence[Card], words: Words) -> Html:
    """Cards with QR codes, to print or to project."""
    if not cards:
        return note_html(words("js_nothing"))
    return el("div", *(_card(card, words) for card in cards), class_="kb-qr-cards")


def _card(card: Card, words: Words) -> Html:
    code = segno.make(card.short or card.address, error="m", micro=False)
    svg = Html(code.svg_inline(border=4, omitsize=True, dark="#000", light="#fff"))
    shown = card.short or card.address
    copy = el(
        "button", words("copy_address"), type="button", class_="kb-plain", data_kb="copy",
        data_copy=shown,
    )  # fmt: skip
    link = el("a", *_unbroken(shown), href=card.address)
    caption = el("figcaption", el("strong", card.label), link, copy)
    picture = el("div", svg, role="img", aria_label=words("qr_alt", label=card.label))
    return el("figure", picture, caption, class_="kb-qr")


def _unbroken(address: str) -> tuple[str, ...]:
    """An address to be copied by hand: its code, where it is short, stays on one line."""
    cut = len(urlsplit(address)._replace(path="", query="").geturl())
    if not 0 < len(address) - cut <= LONGEST_CODE:
        return (address,)
    return address[:cut], el("span", address[cut:], class_="kb-code")


def statistics_html(found: Statistics, shelf: Shelf, words: Words) -> Html:
    """What a session asked for: passages by count, questions without an answer, passages unused."""
    if not found.total:
        return el("p", words("stats_none"), class_="kb-note", role="status")
    top = max((one.times for one in found.passages), default=1)
    missed = [el("li", f"{one.name} ×{one.times}") for one in found.unanswered]
    names = {one.name for one in found.passages}
    unused = [p for p in shelf.passages.values() if p.id not in names]
    never = [el("li", passage_link(p.id, words, source_line(shelf, p.id))) for p in unused]
    total = words("stats_total", total=found.total, answered=found.answered)
    return join(
        el("p", total, role="status"),
        el("h3", words("stats_passages")),
        el("ul", *(_bar(one, top, shelf, words) for one in found.passages), class_="kb-bars"),
        el("h3", words("stats_missed")),
        el("ul", *(missed or [el("li", "—")])),
        el("details", el("summary", words("stats_unused", n=len(unused))), el("ul", *never)),
    )


def _bar(one: Counted, top: int, shelf: Shelf, words: Words) -> Html:
    part = f"--kb-part:{round(100 * one.times / top)}%"
    link = passage_link(one.name, words, source_line(shelf, one.name))
    return el("li", link, el("span", str(one.times), class_="kb-bar", style=part))
