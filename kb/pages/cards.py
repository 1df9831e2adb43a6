"""Citations as cards: where, the answering sentences, the quote, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from urllib.parse import quote as percent

from kb.pages.words import Words
from kb.render import (
    SEPARATOR,
    Html,
    Place,
    Shelf,
    el,
    join,
    official_citation,
    place_line,
    quote_html,
    reference,
)
from kb.schema import Citation

__all__ = ["actions", "card", "direct_cards", "open_link", "passage_link"]

LINE_ITEM, LARGE_QUOTE = 40, 110
LEAD_SHARE, WHOLE_SHARE = 0.75, 0.95


def direct_cards(direct: Sequence[Citation], shelf: Shelf, words: Words) -> Html:
    """Cards of direct answers; two documents stand side by side, short quotes in one list."""
    short = [c for c in direct if len(c.quote) <= LINE_ITEM]
    if len(short) > 2:
        rest = [card(c, shelf, words) for c in direct if len(c.quote) > LINE_ITEM]
        return join(*rest, _compact(short, shelf, words))
    sources = dict.fromkeys(c.document_id for c in direct)
    if len(sources) != 2 or "glossary" in sources:
        return join(*(card(c, shelf, words, lead=c.rank == 1) for c in direct))
    columns = [
        el(
            "div",
            el("h3", shelf.title(source)),
            *(card(c, shelf, words, lead=c.rank == 1) for c in direct if c.document_id == source),
            class_="kb-column",
        )
        for source in sources
    ]
    note = el("p", words("side_by_side"), class_="kb-note")
    return join(note, el("div", *columns, class_="kb-columns"))


def _compact(items: Sequence[Citation], shelf: Shelf, words: Words) -> Html:
    """A list of short quotes, grouped by the heading above them."""
    groups = []
    for _, members in groupby(items, key=lambda c: (c.document_id, c.section[:-1])):
        group = list(members)
        head = SEPARATOR.join((shelf.title(group[0].document_id), *group[0].section[:-1]))
        rows = el("ol", *(_row(c, shelf, words) for c in group))
        groups.append(el("div", el("h3", head, class_="kb-path"), rows))
    text = "\n".join(f"{c.quote}\n——{place_line(c, shelf)}" for c in items)
    buttons = el(
        "div",
        el("button", words("copy_list"), type="button", data_kb="copy", data_copy=text),
        el("button", words("verify"), type="button", data_kb="verify"),
        el("span", class_="kb-result", role="status"),
        class_="kb-actions",
    )
    return el("div", *groups, buttons, class_="kb-card kb-card-direct kb-list")


def _row(citation: Citation, shelf: Shelf, words: Words) -> Html:
    place = Place(citation.document_id, citation.start, citation.end)
    page = words("page", n=citation.page) if citation.page is not None else ""
    return el(
        "li",
        quote_html(place, shelf),
        el("span", page, class_="kb-page"),
        open_link(citation, words, brief=True),
        class_="kb-row",
    )


def card(citation: Citation, shelf: Shelf, words: Words, *, lead: bool = False) -> Html:
    """One citation; ``lead`` sets its answering sentences apart, large, above it."""
    share = _marked_share(citation)
    marks = citation.highlights if share < WHOLE_SHARE else ()
    place = Place(citation.document_id, citation.start, citation.end, marks)
    where = place_line(citation, shelf)
    whole = " kb-card-whole" if not marks and len(citation.quote) <= LARGE_QUOTE else ""
    related = citation.role == "related"
    tag = el("span", words("related_mark"), class_="kb-tag") if related else Html()
    return el(
        "div",
        el("p", where, tag, class_="kb-path"),
        _lead(citation, shelf) if lead else Html(),
        quote_html(place, shelf),
        actions(citation, shelf, words, explained=True),
        class_=f"kb-card kb-card-{citation.role}{whole}",
        role="group",
        aria_label=where,
    )


def _marked_share(citation: Citation) -> float:
    return sum(b - a for a, b in citation.highlights) / max(1, len(citation.quote))


def _lead(citation: Citation, shelf: Shelf) -> Html:
    """The answering sentences alone, where they are a small part of the passage."""
    if not 0 < _marked_share(citation) <= LEAD_SHARE:
        return Html()
    places = [Place(citation.document_id, a, b) for a, b in citation.highlights]
    quotes = [quote_html(place, shelf, explain=False) for place in places]
    return join(*(el("div", quote, class_="kb-lead") for quote in quotes))


def passage_link(identifier: str, words: Words, *children: str, **attributes: str | int) -> Html:
    """A link that opens a passage in the reader, and is its permanent address."""
    return el(
        "a", *children, href=f"{words.home}?p={percent(identifier)}", data_kb="open",
        data_passage=identifier, **attributes,
    )  # fmt: skip


def open_link(citation: Citation, words: Words, *, brief: bool = False) -> Html:
    """The link from a citation to its place in the reader."""
    span = {"data_start": citation.start, "data_end": citation.end}
    if not brief:
        return passage_link(citation.passage_id, words, words("open"), class_="kb-open", **span)
    label = f"{words('open')}：{citation.quote[:20]}"
    return passage_link(citation.passage_id, words, "↗", class_="kb-open", aria_label=label, **span)


def actions(citation: Citation, shelf: Shelf, words: Words, *, explained: bool = False) -> Html:
    """What can be done with a quote: copy, check, expand, open, and ask why it was found."""
    more = {"data_passage": citation.passage_id, "aria_expanded": "false"}
    return el(
        "div",
        _copy_menu(citation, shelf, words),
        el("button", words("verify"), type="button", data_kb="verify"),
        el("button", words("section"), type="button", data_kb="section", **more),
        open_link(citation, words),
        el("button", words("why"), type="button", data_kb="why", **more) if explained else Html(),
        el("span", class_="kb-result", role="status"),
        class_="kb-actions",
    )


def _copy_menu(citation: Citation, shelf: Shelf, words: Words) -> Html:
    copies = {
        "copy_plain": f"{citation.quote}\n——{place_line(citation, shelf)}",
        "copy_official": official_citation(citation, shelf),
        "copy_reference": reference(citation, shelf),
    }
    items = [
        el("button", words(key), type="button", data_kb="copy", data_copy=text)
        for key, text in copies.items()
    ]
    address = f"{words.home}?p={percent(citation.passage_id)}"
    items.append(
        el("button", words("copy_link"), type="button", data_kb="copy", data_address=address)
    )
    return el(
        "details",
        el("summary", words("copy")),
        el("div", *items, class_="kb-menu-items"),
        class_="kb-menu",
    )
