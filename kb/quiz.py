"""A quiz from the documents alone: cloze of terms, cloze of lists, terms matched to definitions.

Nothing is written: a stem is a stretch of a document with spans blanked out, an answer is the
blanked span, and every item names its place. Choices are made by hashing the seed with the item's
place, so the same seed gives the same quiz on every machine.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from kb.errors import InputError
from kb.outline import Listing, listings
from kb.render import Place, Shelf, term_spans
from kb.schema import Passage, Term

__all__ = ["BLANK", "Item", "Quiz", "Row", "key_answers", "make_quiz", "stem_text"]

BLANK = "（＿＿＿＿＿＿）"
HEADING_NUMBER = re.compile(
    r"(?:[（(][一二三四五六七八九十\d]+[）)]|[一二三四五六七八九十\d]+[、.]|[一二三四五六七八九十]+是) ?"
)
DEFINITION = re.compile(r"^\d+\. [^：]+：")
MIN_LIST, MAX_BLANKS = 3, 2
MATCHED = 6
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Kind = Literal["term", "list", "match"]


class Row(NamedTuple):
    """One line of a stem: a place, and the spans blanked out in it."""

    place: Place
    blanks: tuple[tuple[int, int], ...] = ()


class Item(NamedTuple):
    """One question: its kind, lines, choices to pick from, answers, and the passages to cite.

    ``heading`` is the heading that a list stands under; without it a list cannot be completed.
    """

    kind: Kind
    rows: tuple[Row, ...]
    bank: tuple[str, ...]
    answers: tuple[str, ...]
    sources: tuple[str, ...]
    heading: str = ""


class Quiz(NamedTuple):
    """A quiz and the seed that gives it again."""

    seed: int
    items: tuple[Item, ...]


def make_quiz(shelf: Shelf, seed: int, terms: int = 5, lists: int = 3, match: bool = True) -> Quiz:
    """Make a quiz.

    Args:
        shelf: the documents it is made from.
        seed: any whole number; the same one gives the same quiz.
        terms: how many cloze items on terms.
        lists: how many cloze items on lists.
        match: add one item that matches terms with definitions.

    Raises:
        InputError: no item is wanted, or the documents give none of that kind.
    """
    if not (terms or lists or match):
        raise InputError("一道题也没有选：请至少选一道名词填空、列举填空或配对题。")
    items = [*_term_items(shelf, seed)[:terms], *_list_items(shelf, seed)[:lists]]
    matched = _match_item(shelf, seed) if match else None
    if not items and matched is None:
        raise InputError("文件里没有可以出这种题的内容，请换一种题型。")
    return Quiz(seed, (*items, *([matched] if matched else [])))


def stem_text(shelf: Shelf, row: Row) -> str:
    """A line of a stem as plain text, blanks shown: ``应用云化（＿＿＿）和……``."""
    text = shelf.documents[row.place.document_id].text
    parts, at = [], row.place.start
    for start, end in row.blanks:
        parts += [text[at:start], BLANK]
        at = end
    return "".join([*parts, text[at : row.place.end]])


def key_answers(item: Item) -> tuple[str, ...]:
    """The answers as the key gives them, with the letter where there were choices."""
    if item.kind != "term":
        return item.answers
    return tuple(f"{LETTERS[item.bank.index(answer)]}. {answer}" for answer in item.answers)


def _order(seed: int, key: str) -> str:
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()


def _shuffled(names: Sequence[str], seed: int, salt: str) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(names), key=lambda name: _order(seed, salt + name)))


def _term_items(shelf: Shelf, seed: int) -> list[Item]:
    """One sentence per term that uses it, outside its definition, with the term blanked."""
    items: dict[int, tuple[str, Item]] = {}
    for passage in shelf.passages.values():
        if any(term.passage_id == passage.id for term in shelf.terms):
            continue
        for start, end in passage.sentences:
            place = Place(passage.document_id, start, end)
            for a, b, number in term_spans(shelf.text(place), shelf.terms):
                item = _term_item(shelf, place, passage, (start + a, start + b), number, seed)
                key = _order(seed, f"{passage.document_id}:{start}:{number}")
                if number not in items or key < items[number][0]:
                    items[number] = (key, item)
    return [item for _, item in sorted(items.values(), key=lambda pair: pair[0])]


def _term_item(
    shelf: Shelf, place: Place, passage: Passage, span: tuple[int, int], number: int, seed: int
) -> Item:
    text = shelf.documents[place.document_id].text
    answer = text[slice(*span)]
    blanks = _same_term(text, place, shelf.terms[number], span)
    others = [
        (t.abbreviation or t.name) if answer.isascii() else t.name
        for n, t in enumerate(shelf.terms)
        if n != number and not any(name in shelf.text(place) for name in _names(t))
    ]
    wrong = _shuffled(others, seed, f"{place.start}")[:3]
    bank = _shuffled([answer, *wrong], seed, f"bank{place.start}")
    return Item("term", (Row(place, blanks),), bank, (answer,), (passage.id,))


def _names(term: Term) -> set[str]:
    return {term.name, *term.aliases, *([term.abbreviation] if term.abbreviation else [])}


def _same_term(
    text: str, place: Place, term: Term, span: tuple[int, int]
) -> tuple[tuple[int, int], ...]:
    """Blank the name together with its other name in brackets, which would give it away."""
    start, end = span
    for name in _names(term):
        if text.startswith(f"（{name}）", end):
            return ((start, end + len(name) + 2),)
        before = f"{name}（"
        if text[place.start : start].endswith(before) and text.startswith("）", end):
            return ((start - len(before), end + 1),)
    return (span,)


def _list_items(shelf: Shelf, seed: int) -> list[Item]:
    """Lists of headings or points with one or two of them blanked."""
    found = listings(shelf.documents, tuple(shelf.passages.values()))
    items = []
    for listing in sorted(found.values(), key=lambda one: _order(seed, one.id)):
        entries = [entry for entry in listing.items if entry.document_id != "glossary"]
        if len(entries) >= MIN_LIST and ":*" not in listing.id:
            item = _list_item(shelf, listing, seed)
            if item is not None:
                items.append(item)
    return items


def _list_item(shelf: Shelf, listing: Listing, seed: int) -> Item | None:
    spans = []
    for entry in listing.items:
        text = shelf.documents[entry.document_id].text
        number = HEADING_NUMBER.match(text, entry.start)
        lead = text[entry.start : entry.lead_end].rstrip("。；，")
        first = number.end() if number else entry.start
        spans.append((entry, first, entry.start + len(lead)))
    if any(first >= end for _, first, end in spans):
        return None
    order = sorted(range(len(spans)), key=lambda n: _order(seed, f"{listing.id}/{n}"))
    blanked = order[: min(MAX_BLANKS, len(spans) // 2)]
    rows = []
    for n, (entry, first, end) in enumerate(spans):
        blanks = ((first, end),) if n in blanked else ()
        rows.append(Row(Place(entry.document_id, entry.start, end), blanks))
    answers = tuple(_slice(shelf, rows[n]) for n in sorted(blanked))
    sources = tuple(listing.items[n].anchor for n in sorted(blanked))
    heading = listing.title[-1] if listing.title else ""
    return Item("list", tuple(rows), (), answers, sources, heading)


def _slice(shelf: Shelf, row: Row) -> str:
    return shelf.documents[row.place.document_id].text[slice(*row.blanks[0])]


def _match_item(shelf: Shelf, seed: int) -> Item | None:
    """Terms on one side, definitions without their names on the other."""
    terms = [t for t in shelf.terms if t.passage_id in shelf.passages]
    terms.sort(key=lambda term: _order(seed, f"match{term.name}"))
    rows: list[Row] = []
    chosen: list[Term] = []
    for term in terms[:MATCHED]:
        passage = shelf.passages[term.passage_id]
        head = DEFINITION.match(passage.text)
        if head is not None:
            place = Place(passage.document_id, passage.start + head.end(), passage.end)
            rows.append(Row(place))
            chosen.append(term)
    if len(rows) < MIN_LIST:
        return None
    names = [term.abbreviation or term.name for term in chosen]
    bank = _shuffled(names, seed, "names")
    answers = tuple(LETTERS[bank.index(name)] for name in names)
    return Item("match", tuple(rows), bank, answers, tuple(t.passage_id for t in chosen))
