"""Workshop sheets as HTML: quiz with answer key, cards with QR codes, statistics of a session."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import segno

from kb.journal import Statistics
from kb.pages.words import Words
from kb.quiz import LETTERS, Item, Quiz, stem_text
from kb.render import Shelf, escape, source_line

__all__ = ["Card", "cards_html", "quiz_html", "statistics_html"]

EXCERPT = 42


class Card(NamedTuple):
    """One QR card: what it opens, in words, its full address and its short one."""

    label: str
    address: str
    short: str


def quiz_html(quiz: Quiz, shelf: Shelf, words: Words) -> str:
    """The quiz, then its answer key on a page of its own."""
    kinds = [item.kind for item in quiz.items]
    wanted = json.dumps(
        {
            "seed": quiz.seed, "terms": kinds.count("term"), "lists": kinds.count("list"),
            "match": "match" in kinds,
        }
    )  # fmt: skip
    items = "".join(_item(n, item, shelf, words) for n, item in enumerate(quiz.items, 1))
    key = "".join(_key(item, shelf, words) for item in quiz.items)
    return (
        f'<div class="kb-quiz" data-quiz="{escape(wanted)}"><p class="kb-note">{escape(words("quiz_seed", seed=quiz.seed))}</p>'
        f'<ol class="kb-quiz-items">{items}</ol>'
        f'<details class="kb-key"><summary>{escape(words("quiz_key"))}</summary><ol>{key}</ol></details></div>'
    )


def _item(number: int, item: Item, shelf: Shelf, words: Words) -> str:
    lead = escape(words(f"quiz_{item.kind}"))
    if item.kind == "match":
        rows = "".join(f"<li>（　　）{escape(stem_text(shelf, row))}</li>" for row in item.rows)
        stem = f'<ol class="kb-match">{rows}</ol>'
    elif item.kind == "list":
        rows = "".join(f"<li>{escape(stem_text(shelf, row))}</li>" for row in item.rows)
        stem = f'<ul class="kb-plain-list">{rows}</ul>'
    else:
        stem = "".join(f"<p>{escape(stem_text(shelf, row))}</p>" for row in item.rows)
    bank = "".join(f"<li>{LETTERS[n]}. {escape(name)}</li>" for n, name in enumerate(item.bank))
    choices = f'<ul class="kb-bank">{bank}</ul>' if bank else ""
    return (
        f'<li class="kb-quiz-item" lang="zh-CN" data-number="{number}"><p class="kb-label">{lead}</p>'
        f"{choices if item.kind == 'match' else ''}{stem}{choices if item.kind != 'match' else ''}</li>"
    )


def _key(item: Item, shelf: Shelf, words: Words) -> str:
    answers = "；".join(
        f"({n}) {answer}" if len(item.answers) > 1 else answer
        for n, answer in enumerate(item.answers, 1)
    )
    links = "".join(
        f'<li><a href="{words.home}?p={escape(source)}" data-kb="open" data-passage="{escape(source)}">'
        f"{escape(source_line(shelf, source))}</a></li>"
        for source in dict.fromkeys(item.sources)
    )
    return f'<li><strong lang="zh-CN">{escape(answers)}</strong><ul class="kb-plain-list">{links}</ul></li>'


def cards_html(cards: Sequence[Card], words: Words) -> str:
    """Cards with QR codes, to print or to project."""
    if not cards:
        return f'<p class="kb-note" role="status">{escape(words("js_nothing"))}</p>'
    return f'<div class="kb-qr-cards">{"".join(_card(card, words) for card in cards)}</div>'


def _card(card: Card, words: Words) -> str:
    code = segno.make(card.short or card.address, error="m", micro=False)
    svg = code.svg_inline(border=4, omitsize=True, dark="#000", light="#fff")
    label = escape(words("qr_alt", label=card.label))
    shown = escape(card.short or card.address)
    return (
        f'<figure class="kb-qr"><div role="img" aria-label="{label}">{svg}</div><figcaption>'
        f'<strong>{escape(card.label)}</strong><a href="{escape(card.address)}">{shown}</a>'
        f'<button type="button" class="kb-plain" data-kb="copy" data-copy="{shown}">'
        f"{escape(words('copy_link'))}</button></figcaption></figure>"
    )


def statistics_html(found: Statistics, shelf: Shelf, words: Words) -> str:
    """What a session asked for: passages by count, questions without an answer, passages unused."""
    if not found.total:
        return f'<p class="kb-note" role="status">{escape(words("stats_none"))}</p>'
    top = max((one.count for one in found.passages), default=1)
    asked = "".join(_bar(name, count, top, shelf, words) for name, count in found.passages)
    missed = "".join(f"<li>{escape(name)} ×{count}</li>" for name, count in found.unanswered)
    names = {one.name for one in found.passages}
    unused = [p for p in shelf.passages.values() if p.id not in names]
    never = "".join(
        f'<li><a href="{words.home}?p={escape(p.id)}" data-kb="open" data-passage="{escape(p.id)}">'
        f"{escape(source_line(shelf, p.id))}</a> {escape(p.text[:EXCERPT])}…</li>"
        for p in unused
    )
    total = words("stats_total", total=found.total, answered=found.answered)
    return (
        f'<p role="status">{escape(total)}</p><h4>{escape(words("stats_passages"))}</h4>'
        f'<ul class="kb-bars">{asked}</ul><h4>{escape(words("stats_missed"))}</h4>'
        f"<ul>{missed or '<li>—</li>'}</ul><details><summary>"
        f"{escape(words('stats_unused', n=len(unused)))}</summary><ul>{never}</ul></details>"
    )


def _bar(name: str, count: int, top: int, shelf: Shelf, words: Words) -> str:
    width = round(100 * count / top)
    return (
        f'<li><a href="{words.home}?p={escape(name)}" data-kb="open" data-passage="{escape(name)}">'
        f'{escape(source_line(shelf, name))}</a><span class="kb-bar" style="--kb-part:{width}%">{count}</span></li>'
    )
