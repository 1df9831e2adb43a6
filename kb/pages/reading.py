"""The documents as HTML: whole, one section, the outline, and places where a word occurs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote as percent

from kb.pages.cards import passage_link
from kb.pages.words import Words
from kb.render import SEPARATOR, Html, Place, Shelf, el, quote_html, source_line
from kb.schema import Document, Passage, Section
from kb.tokenizer import fold

__all__ = [
    "Found",
    "Target",
    "document_html",
    "find",
    "found_html",
    "outline_html",
    "resolve_target",
    "section_html",
]

CONTEXT = 24
MAX_FOUND = 50


class Target(NamedTuple):
    """What the reader opens: a document, and a passage or section in it with a marked span."""

    document_id: str
    anchor: str = ""
    start: int = -1
    end: int = -1


class Found(NamedTuple):
    """A place where a word occurs, and the passage it stands in."""

    document_id: str
    passage_id: str
    start: int
    end: int


def resolve_target(shelf: Shelf, identifier: str) -> Target | None:
    """The place of a passage id or section id, or None."""
    passage = shelf.passages.get(identifier)
    if passage is not None:
        return Target(passage.document_id, passage.id, passage.start, passage.end)
    for document in shelf.documents.values():
        if identifier == document.id:
            return Target(document.id)
        for section in document.sections:
            if section.id == identifier:
                return Target(document.id, section.id, section.start, section.end)
    return None


def document_html(shelf: Shelf, target: Target, words: Words) -> Html:
    """A whole document: every heading and passage is a quote with an address of its own."""
    document = shelf.documents[target.document_id]
    own = [p for p in shelf.passages.values() if p.document_id == document.id]
    blocks: list[Html] = []
    page: int | None = None
    for block in _blocks(document, own):
        now = block.page if isinstance(block, Section) else block[0].page
        if now is not None and now != page:
            page = now
            blocks.append(el("p", words("page", n=now), class_="kb-page-mark"))
        if isinstance(block, Section):
            blocks.append(_heading(block, document, shelf, target, words))
        else:
            blocks.append(_paragraph(block, shelf, target, words))
    return el(
        "div",
        el("p", document.title, class_="kb-document-title"),
        *blocks,
        class_="kb-document",
        role="region",
        aria_label=document.title,
        data_document=document.id,
        data_target=target.anchor,
    )


def _blocks(document: Document, passages: Sequence[Passage]) -> Iterator[Section | list[Passage]]:
    """Headings and paragraphs in the order of the text; a paragraph is its passages."""
    starts: list[tuple[int, Section | list[Passage]]] = [(s.start, s) for s in document.sections]
    for paragraph in document.paragraphs:
        inside = [p for p in passages if paragraph.start <= p.start < paragraph.end]
        if inside:
            starts.append((paragraph.start, inside))
    for _, block in sorted(starts, key=lambda pair: pair[0]):
        yield block


def _heading(
    section: Section, document: Document, shelf: Shelf, target: Target, words: Words
) -> Html:
    cited = " kb-cited" if section.id == target.anchor else ""
    place = Place(document.id, section.start, section.end)
    return el(
        f"h{min(section.level + 1, 6)}",
        quote_html(place, shelf, tag="span", explain=False),
        _anchor(section.id, words),
        class_=f"kb-heading{cited}",
        id=f"r-{section.id}",
        tabindex=-1,
    )


def _paragraph(passages: Sequence[Passage], shelf: Shelf, target: Target, words: Words) -> Html:
    parts = []
    for passage in passages:
        place = Place(passage.document_id, passage.start, passage.end)
        cited = " kb-cited" if _inside(place, target) else ""
        parts.append(
            el(
                "span",
                quote_html(place, shelf, tag="span"),
                _anchor(passage.id, words),
                class_=f"kb-passage{cited}",
                id=f"r-{passage.id}",
                tabindex=-1,
            )
        )
    return el("p", *parts, class_="kb-paragraph")


def _anchor(identifier: str, words: Words) -> Html:
    label = words("passage_link")
    return el(
        "a", class_="kb-anchor", href=f"{words.home}?p={percent(identifier)}", data_kb="goto",
        data_passage=identifier, aria_label=f"{label} {identifier}", title=label,
    )  # fmt: skip


def outline_html(shelf: Shelf, target: Target, words: Words) -> Html:
    """The headings of every document as links."""
    parts = []
    for document in shelf.documents.values():
        items = [
            el("li", passage_link(s.id, words, s.title), class_=f"kb-level-{s.level}")
            for s in document.sections
        ]
        summary = el("summary", document.title)
        opened = document.id == target.document_id
        parts.append(el("details", summary, el("ul", *items), open=opened))
    return el("nav", *parts, class_="kb-outline", aria_label=words("outline"))


def section_html(shelf: Shelf, identifier: str) -> Html:
    """The whole section that a passage stands in, as quotes; empty for an unknown one."""
    target = resolve_target(shelf, identifier)
    if target is None:
        return Html()
    document = shelf.documents[target.document_id]
    passage = shelf.passages.get(identifier)
    wanted = passage.section_id if passage else identifier
    section = next((s for s in document.sections if s.id == wanted), None)
    if section is None:
        return Html()
    inside = [p for p in document.paragraphs if section.end <= p.start < section.body_end]
    places = [Place(document.id, section.start, section.end)]
    places += [Place(document.id, p.start, p.end) for p in inside]
    quotes = [
        el("div", quote_html(place, shelf), class_="kb-cited" if _inside(place, target) else None)
        for place in places
    ]
    path = SEPARATOR.join((shelf.title(document.id), *section.path))
    return el("div", *quotes, class_="kb-section", role="group", aria_label=path)


def _inside(place: Place, target: Target) -> bool:
    same = place.document_id == target.document_id
    return same and place.start < target.end and target.start < place.end


def find(shelf: Shelf, word: str) -> list[Found]:
    """Every place of a word, whatever its case, width or script: ``mes`` finds ``MES``."""
    wanted = fold(word.strip())
    if not wanted:
        return []
    found = []
    for document in shelf.documents.values():
        folded = "".join(_fold_one(c) for c in document.text)
        at = folded.find(wanted)
        while at >= 0:
            found.append(_found(document, shelf, at, at + len(wanted)))
            at = folded.find(wanted, at + len(wanted))
    return found


def _fold_one(char: str) -> str:
    """Fold one character to one character, so that offsets stay."""
    folded = fold(char)
    return folded if len(folded) == 1 else char


def _found(document: Document, shelf: Shelf, start: int, end: int) -> Found:
    own = [p for p in shelf.passages.values() if p.document_id == document.id]
    for passage in own:
        if passage.start <= start < passage.end:
            return Found(document.id, passage.id, start, end)
    for section in document.sections:
        if section.start <= start < section.end:
            return Found(document.id, section.id, start, end)
    return Found(document.id, document.id, start, end)


def found_html(shelf: Shelf, word: str, found: Sequence[Found], words: Words) -> Html:
    """The places of a word as a list of links with the text around them."""
    if not found:
        return el("p", words("found_none", word=word), class_="kb-note", role="status")
    items = [el("li", _found_link(shelf, one, words)) for one in found[:MAX_FOUND]]
    more = words("found_more", n=MAX_FOUND) if len(found) > MAX_FOUND else ""
    note = words("found", word=word, n=len(found))
    return el(
        "details",
        el("summary", note, data_word=word),
        el("ol", *items),
        el("p", more) if more else Html(),
        class_="kb-found",
        open=True,
    )


def _found_link(shelf: Shelf, found: Found, words: Words) -> Html:
    text = shelf.documents[found.document_id].text
    around = el(
        "span",
        "…",
        text[max(0, found.start - CONTEXT) : found.start],
        el("mark", text[found.start : found.end]),
        text[found.end : found.end + CONTEXT],
        "…",
        lang="zh-CN",
    )
    where = el("small", source_line(shelf, found.passage_id), lang="zh-CN")
    span = {"data_start": found.start, "data_end": found.end}
    return passage_link(found.passage_id, words, around, " ", where, **span)
