"""Citations as cards: where, the answering sentences, the quote, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from types import MappingProxyType
from urllib.parse import quote as percent

from kb.counterparts import Compared, counterparts
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

__all__ = ["Notes", "actions", "card", "direct_cards", "open_link", "passage_link"]

LINE_ITEM, LARGE_QUOTE = 40, 110
LEAD_SHARE, WHOLE_SHARE = 0.75, 0.95
Notes = Mapping[int, Sequence[Compared]]


def direct_cards(
    direct: Sequence[Citation], shelf: Shelf, words: Words, notes: Notes = MappingProxyType({})
) -> Html:
    """Cards of direct answers; documents on the same matter side by side, short quotes in a list."""
    short = [c for c in direct if len(c.quote) <= LINE_ITEM]
    if len(short) > 2:
        rest = [card(c, shelf, words, notes=notes) for c in direct if len(c.quote) > LINE_ITEM]
        return join(*rest, _compact(short, shelf, words))
    ranked = len(direct) > 1
    made = {
        c.rank: card(c, shelf, words, lead=c.rank == 1, ranked=ranked, notes=notes) for c in direct
    }
    if not _on_the_same(direct, shelf, notes):
        return join(*made.values())
    columns = [
        el(
            "div",
            el("h3", shelf.title(source), lang="zh-CN"),
            *(made[c.rank] for c in direct if c.document_id == source),
            class_="kb-column",
        )
        for source in dict.fromkeys(c.document_id for c in direct)  # the best one first
    ]
    note = el("p", words("side_by_side"), class_="kb-note")
    return join(note, el("div", *columns, class_="kb-columns"))


def _on_the_same(direct: Sequence[Citation], shelf: Shelf, notes: Notes) -> bool:
    """Whether two documents speak of the same measure, or say the same in other words."""
    if len({c.document_id for c in direct}) != 2:
        return False
    ranks = {c.rank for c in direct}
    if any(one.citation.rank in ranks for rank in ranks for one in notes.get(rank, ())):
        return True
    cited = [shelf.passages[c.passage_id] for c in direct if c.passage_id in shelf.passages]
    return bool(counterparts(cited))


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


def card(
    citation: Citation,
    shelf: Shelf,
    words: Words,
    *,
    lead: bool = False,
    ranked: bool = False,
    notes: Notes = MappingProxyType({}),
) -> Html:
    """One citation.

    Args:
        citation: what to show.
        shelf: where its document stands.
        words: the page's words.
        lead: set its answering sentences apart, large, above it.
        ranked: show its number, where there are several.
        notes: wording differences by rank.
    """
    noted = notes.get(citation.rank, ())
    differs = tuple(mark for one in noted for mark in one.own_marks)
    share = _marked_share(citation)
    marks = citation.highlights if share < WHOLE_SHARE else ()
    place = Place(citation.document_id, citation.start, citation.end, marks, differs)
    where = place_line(citation, shelf)
    whole = " kb-card-whole" if not marks and len(citation.quote) <= LARGE_QUOTE else ""
    related = citation.role == "related"
    tag = el("span", words("related_mark"), class_="kb-tag") if related else Html()
    number = el("span", str(citation.rank), class_="kb-rank") if ranked else Html()
    return el(
        "div",
        el("p", number, el("span", where, lang="zh-CN"), tag, class_="kb-path"),
        _lead(citation, shelf, differs) if lead else Html(),
        quote_html(place, shelf),
        _wordings(noted, shelf, words),
        actions(citation, shelf, words, explained=True),
        class_=f"kb-card kb-card-{citation.role}{whole}",
        role="group",
        aria_label=where,
    )


def _wordings(noted: Sequence[Compared], shelf: Shelf, words: Words) -> Html:
    """In words, for eyes and ears alike, what the wavy lines in a quote point at."""
    if not noted:
        return Html()
    lines = [
        el(
            "li",
            words("wording_here"),
            _phrase(one.own, one.own_marks, shelf.documents[own].text),
            words("wording_there", title=shelf.title(other)),
            _phrase(one.other, one.other_marks, shelf.documents[other].text),
        )
        for one, own, other in ((n, n.own_document, n.citation.document_id) for n in noted)
    ]
    return el("ul", *lines, class_="kb-wordings", aria_label=words("wording_label"))


def _phrase(span: tuple[int, int], marks: Sequence[tuple[int, int]], text: str) -> Html:
    parts, at = [], span[0]
    for start, end in marks:
        parts += [text[at:start], el("u", text[start:end], class_="kb-differs")]
        at = end
    return el("q", *parts, text[at : span[1]], lang="zh-CN")


def _marked_share(citation: Citation) -> float:
    return sum(b - a for a, b in citation.highlights) / max(1, len(citation.quote))


def _lead(citation: Citation, shelf: Shelf, differs: tuple[tuple[int, int], ...]) -> Html:
    """The answering sentences alone, where they are a small part of the passage."""
    if not 0 < _marked_share(citation) <= LEAD_SHARE:
        return Html()
    places = [
        Place(citation.document_id, a, b, (), tuple(d for d in differs if a <= d[0] and d[1] <= b))
        for a, b in citation.highlights
    ]
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
    section = el("button", words("section"), type="button", data_kb="section", **more)
    return el(
        "div",
        _copy_menu(citation, shelf, words),
        el("button", words("verify"), type="button", data_kb="verify"),
        section if _stands_in_more(citation, shelf) else Html(),
        open_link(citation, words),
        el("button", words("why"), type="button", data_kb="why", **more) if explained else Html(),
        el("span", class_="kb-result", role="status"),
        class_="kb-actions",
    )


def _stands_in_more(citation: Citation, shelf: Shelf) -> bool:
    """Whether the section of a quote holds more than the quote."""
    own = shelf.passages.get(citation.passage_id)
    return own is None or any(
        p.section_id == own.section_id
        and p.document_id == own.document_id
        and not (citation.start <= p.start and p.end <= citation.end)
        for p in shelf.passages.values()
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
