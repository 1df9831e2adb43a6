"""The documents as HTML: whole, one section, the outline, and places where a word occurs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote as percent

from kb.pages.words import Words
from kb.render import SEPARATOR, Place, Shelf, escape, quote_html
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


def document_html(shelf: Shelf, target: Target, words: Words) -> str:
    """A whole document: every heading and passage is a quote with an address of its own."""
    document = shelf.documents[target.document_id]
    own = [p for p in shelf.passages.values() if p.document_id == document.id]
    blocks: list[str] = []
    page: int | None = None
    for block in _blocks(document, own):
        now = block.page if isinstance(block, Section) else block[0].page
        if now is not None and now != page:
            page = now
            blocks.append(f'<p class="kb-page-mark">{escape(words("page", n=now))}</p>')
        if isinstance(block, Section):
            blocks.append(_heading(block, document, shelf, target, words))
        else:
            blocks.append(_paragraph(block, shelf, target, words))
    title = escape(document.title)
    return (
        f'<div class="kb-document" data-document="{escape(document.id)}" '
        f'data-target="{escape(target.anchor)}" aria-label="{title}" role="region">'
        f'<p class="kb-document-title">{title}</p>{"".join(blocks)}</div>'
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
) -> str:
    level = min(section.level + 1, 6)
    cited = " kb-cited" if section.id == target.anchor else ""
    place = Place(document.id, section.start, section.end)
    return (
        f'<h{level} class="kb-heading{cited}" id="r-{escape(section.id)}" tabindex="-1">'
        f"{quote_html(place, shelf, tag='span', explain=False)}{_anchor(section.id, words)}</h{level}>"
    )


def _paragraph(passages: Sequence[Passage], shelf: Shelf, target: Target, words: Words) -> str:
    parts = []
    for passage in passages:
        cited = (
            passage.document_id == target.document_id
            and passage.start < target.end
            and target.start < passage.end
        )
        place = Place(passage.document_id, passage.start, passage.end)
        mark = " kb-cited" if cited else ""
        parts.append(
            f'<span class="kb-passage{mark}" id="r-{escape(passage.id)}" tabindex="-1">'
            f"{quote_html(place, shelf, tag='span')}{_anchor(passage.id, words)}</span>"
        )
    return f'<p class="kb-paragraph">{"".join(parts)}</p>'


def _anchor(identifier: str, words: Words) -> str:
    label = escape(words("passage_link"))
    return (
        f'<a class="kb-anchor" href="{words.home}?p={percent(identifier)}" data-kb="goto" '
        f'data-passage="{escape(identifier)}" aria-label="{label} {escape(identifier)}" title="{label}"></a>'
    )


def outline_html(shelf: Shelf, target: Target, words: Words) -> str:
    """The headings of every document as links."""
    parts = []
    for document in shelf.documents.values():
        items = "".join(
            f'<li class="kb-level-{section.level}"><a href="{words.home}?p={percent(section.id)}" '
            f'data-kb="open" data-passage="{escape(section.id)}">{escape(section.title)}</a></li>'
            for section in document.sections
        )
        opened = " open" if document.id == target.document_id else ""
        parts.append(
            f"<details{opened}><summary>{escape(document.title)}</summary><ul>{items}</ul></details>"
        )
    return f'<nav class="kb-outline" aria-label="{escape(words("outline"))}">{"".join(parts)}</nav>'


def section_html(shelf: Shelf, identifier: str) -> str:
    """The whole section that a passage stands in, as quotes; empty for an unknown one."""
    target = resolve_target(shelf, identifier)
    if target is None:
        return ""
    document = shelf.documents[target.document_id]
    passage = shelf.passages.get(identifier)
    wanted = passage.section_id if passage else identifier
    section = next((s for s in document.sections if s.id == wanted), None)
    if section is None:
        return ""
    inside = [p for p in document.paragraphs if section.end <= p.start < section.body_end]
    places = [Place(document.id, section.start, section.end)]
    places += [Place(document.id, p.start, p.end) for p in inside]
    quotes = "".join(
        f'<div class="{"kb-cited" if _inside(place, target) else ""}">{quote_html(place, shelf)}</div>'
        for place in places
    )
    path = SEPARATOR.join((shelf.title(document.id), *section.path))
    return f'<div class="kb-section" role="region" aria-label="{escape(path)}">{quotes}</div>'


def _inside(place: Place, target: Target) -> bool:
    return place.start < target.end and target.start < place.end


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


def found_html(shelf: Shelf, word: str, found: Sequence[Found], words: Words) -> str:
    """The places of a word as a list of links with the text around them."""
    if not found:
        return f'<p class="kb-note" role="status">{escape(words("found_none", word=word))}</p>'
    items = "".join(_found_item(shelf, one, words) for one in found[:MAX_FOUND])
    more = f"<p>{escape(words('found_more', n=MAX_FOUND))}</p>" if len(found) > MAX_FOUND else ""
    note = escape(words("found", word=word, n=len(found)))
    return (
        f'<details class="kb-found" open><summary role="status" data-word="{escape(word)}">{note}</summary>'
        f"<ol>{items}</ol>{more}</details>"
    )


def _found_item(shelf: Shelf, found: Found, words: Words) -> str:
    text = shelf.documents[found.document_id].text
    left, right = max(0, found.start - CONTEXT), found.end + CONTEXT
    around = (
        f"{escape(text[left : found.start])}<mark>{escape(text[found.start : found.end])}</mark>"
        f"{escape(text[found.end : right])}"
    )
    return (
        f'<li><a href="{words.home}?p={percent(found.passage_id)}" data-kb="open" '
        f'data-passage="{escape(found.passage_id)}" data-start="{found.start}" data-end="{found.end}">'
        f"<span>…{around}…</span> <small>{escape(shelf.title(found.document_id))}</small></a></li>"
    )
