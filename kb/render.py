"""Answer -> escaped HTML quotes and plain text; the only words added are fixed templates.

Every quote is read from the document by its offsets and escaped into an element of its own, whose
``textContent`` is the quote, character for character. Marks and explained terms are elements
inside it and add no text. Elements are escaped by construction: text is text unless it is ``Html``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from kb.schema import Answer, Citation, Document, Passage, Term
from kb.verify import Verdict

__all__ = [
    "Html",
    "Place",
    "Shelf",
    "el",
    "escape",
    "join",
    "make_shelf",
    "official_citation",
    "place_line",
    "quote_html",
    "reference",
    "source_line",
    "table",
    "term_spans",
    "to_text",
    "verdict_text",
]

SHORT_NAME = re.compile(r"《([^《》]+)》（以下简称《([^《》]+)》）")
ISSUED = re.compile(
    r"(?:^|[，。；\s])([^，。；“”《》\s]{4,24}?)(?:近日|日前)?印发(?:了)?《([^《》]+)》"
)
TITLE_NAME = re.compile(r"^《([^《》]+)》(?:全文|名词解释|正文)?$")
TITLE_PART = re.compile(r"^《([^《》]+)》([^《》]+)$")
WHOLE = frozenset({"全文", "正文"})
SEPARATOR = " › "
PAGE_FORM = "第{n}页"
VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
Attribute = str | int | bool | None
Spans = Sequence[tuple[int, int]]


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def escape(text: str) -> Html:
    """Escape for HTML text and attributes: ``a<b`` -> ``a&lt;b``; ``Html`` stays as it is."""
    return text if isinstance(text, Html) else Html(html.escape(text, quote=True))


def join(*parts: str) -> Html:
    """Put parts one after another, escaping those that are plain text."""
    return Html("".join(escape(part) for part in parts))


def el(name: str, *children: str, **attributes: Attribute) -> Html:
    """One element: ``el("p", "a<b", class_="x", data_kb="y")``.

    Args:
        name: the element's name.
        children: plain text, which is escaped, or ``Html``.
        attributes: ``class_`` and ``for_`` lose the underscore, other underscores become dashes;
            None and False leave the attribute out, True writes its name alone.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def table(title: str, heads: Sequence[str], lines: Sequence[str]) -> Html:
    """A table that scrolls by itself: ``heads`` are cells, ``lines`` rows, the title is heard only."""
    inner = el(
        "table",
        el("caption", title, class_="kb-visually-hidden"),
        el("thead", el("tr", *heads)),
        el("tbody", *lines),
        class_="kb-table",
    )
    return el("div", inner, class_="kb-scroll", tabindex=0, role="region", aria_label=title)


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value), quote=True)}"'


class Place(NamedTuple):
    """A span of a document, what is marked in it, and which words another document has not."""

    document_id: str
    start: int
    end: int
    marks: tuple[tuple[int, int], ...] = ()
    differs: tuple[tuple[int, int], ...] = ()


class Shelf(NamedTuple):
    """What a rendering needs besides the answer: documents and passages by id, and the terms.

    ``short`` shortens a document title as the document itself does (以下简称《指南》), ``issuers``
    names who issued a titled document, where a document says so. ``page_form`` words a page.
    """

    documents: Mapping[str, Document]
    passages: Mapping[str, Passage]
    terms: tuple[Term, ...]
    short: Mapping[str, str]
    issuers: Mapping[str, str]
    page_form: str = PAGE_FORM

    def title(self, document_id: str) -> str:
        """The title as shown in a path line: ``《指南》全文``."""
        title = self.documents[document_id].title if document_id in self.documents else document_id
        for full, brief in self.short.items():
            title = title.replace(f"《{full}》", f"《{brief}》")
        return title

    def text(self, place: Place) -> str:
        """The text of a place."""
        return self.documents[place.document_id].text[place.start : place.end]


def make_shelf(
    documents: Mapping[str, Document], passages: Iterable[Passage], terms: Sequence[Term]
) -> Shelf:
    """Put a shelf together, reading short names and issuers from the documents."""
    short: dict[str, str] = {}
    issuers: dict[str, str] = {}
    for document in documents.values():
        short.update(dict(SHORT_NAME.findall(document.text)))
        issuers.update({name: issuer for issuer, name in ISSUED.findall(document.text)})
    return Shelf(documents, {p.id: p for p in passages}, tuple(terms), short, issuers)


def place_line(citation: Citation, shelf: Shelf | None = None) -> str:
    """Where a quote stands: ``《指南》全文 › 一、总则 › （一）适用对象 · 第19页``."""
    title = shelf.title(citation.document_id) if shelf else citation.document_id
    path = SEPARATOR.join((title, *citation.section))
    return path + _page(citation.page, shelf.page_form if shelf else PAGE_FORM)


def _page(page: int | None, form: str) -> str:
    return "" if page is None else " · " + form.format(n=page)


def source_line(shelf: Shelf, identifier: str) -> str:
    """Where a passage or section stands, by its id, with the term that it defines, if any.

    An unknown id stays as it is.
    """
    passage = shelf.passages.get(identifier)
    if passage is not None:
        defined = [t.abbreviation or t.name for t in shelf.terms if t.passage_id == identifier]
        path, page = (*passage.section, *defined), passage.page
        document = passage.document_id
    else:
        places = [
            (d.id, s) for d in shelf.documents.values() for s in d.sections if s.id == identifier
        ]
        if not places:
            return identifier
        document, path, page = places[0][0], places[0][1].path, places[0][1].page
    line = SEPARATOR.join((shelf.title(document), *path))
    return line + _page(page, shelf.page_form)


def _full_title(citation: Citation, shelf: Shelf) -> tuple[str, str | None]:
    """The document's own name and who issued it, where a document says so."""
    title = shelf.documents[citation.document_id].title
    named = TITLE_NAME.match(title)
    issuer = shelf.issuers.get(named[1]) if named else None
    return title, issuer


def official_citation(citation: Citation, shelf: Shelf) -> str:
    """The 公文 form: document, issuer, heading, page, then the quote on lines of its own."""
    title, issuer = _full_title(citation, shelf)
    title = title if "《" in title else f"《{title}》"
    parts = [title, f"（{issuer}印发）" if issuer else ""]
    parts += [f"“{heading}”" for heading in citation.section]
    parts.append(f"（课件第{citation.page}页）" if citation.page is not None else "")
    return "".join(parts) + "：\n" + citation.quote


def reference(citation: Citation, shelf: Shelf) -> str:
    """A GB/T 7714 reference: ``某办公厅. 某指南：名词解释[Z]. [出版年不详]: 课件第27页.``.

    The page is that of the slides that the text was taken from, and says so.
    """
    title, issuer = _full_title(citation, shelf)
    named = TITLE_NAME.match(title)
    author = f"{issuer}. " if issuer else ""
    page = f": 课件第{citation.page}页" if citation.page is not None else ""
    part = TITLE_PART.match(title)
    name = named[1] if named else title
    if part and part[2] not in WHOLE:
        name = f"{part[1]}：{part[2]}"
    return f"{author}{name}[Z]. [出版年不详]{page}."


def term_spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int, int]]:
    """First use of each term in a text: ``(start, end, number of the term)``, not overlapping."""
    names = [
        (name, number)
        for number, term in enumerate(terms)
        for name in {term.name, *term.aliases, *([term.abbreviation] if term.abbreviation else [])}
    ]
    names.sort(key=lambda pair: (-len(pair[0]), pair))
    found: list[tuple[int, int, int]] = []
    for name, number in names:
        edge = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
        pattern = f"{edge[0]}{re.escape(name)}{edge[1]}" if name.isascii() else re.escape(name)
        for match in re.finditer(pattern, text, re.IGNORECASE):
            free = all(match.end() <= a or b <= match.start() for a, b, _ in found)
            if free and all(n != number for _, _, n in found):
                found.append((match.start(), match.end(), number))
    return sorted(found)


def quote_html(place: Place, shelf: Shelf, tag: str = "blockquote", explain: bool = True) -> Html:
    """One quote in an element of its own; its ``textContent`` is the text of the place.

    Args:
        place: what to quote and mark.
        shelf: where its document stands.
        tag: the element's name.
        explain: wrap the first use of each glossary term, except in the term's own definition.
    """
    text = shelf.text(place)
    terms = term_spans(text, shelf.terms) if explain else []
    marks, differs = (
        [(max(a, place.start) - place.start, b - place.start) for a, b in spans]
        for spans in (place.marks, place.differs)
    )
    pieces, at = [], 0
    for start, end, number in terms:
        if not _defines(shelf, shelf.terms[number], place):
            inner = _marked(text, start, end, marks, differs)
            pieces += [_marked(text, at, start, marks, differs), _explained(inner, number)]
            at = end
    pieces.append(_marked(text, at, len(text), marks, differs))
    return el(
        tag, *pieces, class_="kb-quote", lang="zh-CN", data_document=place.document_id,
        data_start=place.start, data_end=place.end,
    )  # fmt: skip


def _defines(shelf: Shelf, term: Term, place: Place) -> bool:
    passage = shelf.passages.get(term.passage_id)
    return (
        passage is not None
        and passage.document_id == place.document_id
        and passage.start < place.end
        and place.start < passage.end
    )


def _explained(inner: Html, number: int) -> Html:
    return el(
        "span", inner, class_="kb-term", role="button", tabindex=0, data_term=number,
        aria_describedby=f"kb-term-{number}",
    )  # fmt: skip


def _marked(text: str, start: int, end: int, marks: Spans, differs: Spans) -> Html:
    """A stretch of a text with the marked parts of it marked, and differing words inside them."""
    parts = []
    for a, b, marked in _pieces(start, end, marks):
        inner = [
            el("u", text[c:d], class_="kb-differs") if other else escape(text[c:d])
            for c, d, other in _pieces(a, b, differs)
        ]
        parts.append(el("mark", *inner) if marked else join(*inner))
    return join(*parts)


def _pieces(start: int, end: int, spans: Spans) -> list[tuple[int, int, bool]]:
    """A stretch cut at the ends of spans, each piece with whether a span holds it."""
    inside = [c for span in spans for c in span if start < c < end]
    return [
        (a, b, any(left <= a and b <= right for left, right in spans))
        for a, b in pairwise(sorted({start, end, *inside}))
    ]


def to_text(answer: Answer, shelf: Shelf | None = None) -> str:
    """An answer for a terminal or the clipboard."""
    lines = [answer.message]
    for citation in answer.citations:
        role = "" if citation.role == "direct" else "【相关】"
        lines += ["", f"{citation.rank}. {role}{place_line(citation, shelf)}", citation.quote]
    if answer.suggestions:
        lines += ["", "您还可以问：", *(f"- {question}" for question in answer.suggestions)]
    return "\n".join(lines)


def verdict_text(verdict: Verdict, documents: Mapping[str, Document]) -> str:
    """The finding of ``verify`` for a reader."""
    if verdict.state == "exact":
        places = [f"{documents[d].title} 第{a}至{b}字符" for d, a, b in verdict.places]
        return "\n".join(["逐字一致 ✔", *places])
    if verdict.state == "absent":
        return "文件中没有这段文字。"
    lines = ["与原文不一致。最接近的原文：", verdict.nearest or ""]
    for kind, given, source in verdict.diff:
        if kind != "equal":
            lines.append(f"您给出的“{given}”，原文为“{source}”")
    return "\n".join(lines)
