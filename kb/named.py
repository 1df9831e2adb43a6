"""Which passages a query names: by page, document, heading, the words it seeks, a term's use.

Rows of the index, best first where scores are given. What stands under a heading, in the same
chapter or on the same measure in another document is found here too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb import asks
from kb.addresses import in_document, in_sections, on_pages, plain_headings, set_aside
from kb.counterparts import counterparts
from kb.index import Index
from kb.outline import Item, chapter
from kb.retrieve import Scored
from kb.schema import Term
from kb.select import Place
from kb.terms import asked_terms
from kb.tokenizer import fold

__all__ = ["ASKS_BENEFIT", "NUMBERING", "Named"]

NUMBERING = re.compile(
    r"^(?:[一二三四五六七八九十]+是|[（(]?[一二三四五六七八九十\d]+[）)]?[、.]? ?)"
)
ASKS_USE = re.compile(
    r"用(?:在|到|于)(?:了)?(?:哪|什么|啥|何)|在?哪(?:儿|里|些地方)?(?:能|可以|要|该|会)?(?:用(?!途|处)|使用)|(?:哪|什么|啥)(?:个|些)?(?:环节|地方|场景|业务).{0,4}用|(?:和|跟|与|同)(?:什么|啥|哪个|谁).{0,3}(?:一起|一块儿?|搭配|配合)|(?:推荐|建议|鼓励)用|(?:在|讲|说|谈).{0,3}(?:什么|啥|哪).{0,4}(?:提到|提过|提及|说到|讲到)|where.*\bused?\b",
    re.IGNORECASE,
)
ASKS_BENEFIT = re.compile(
    r"有(?:啥|什么)(?:用|好处)|好在(?:哪|什么|啥)|比[^，。？]{1,6}(?:划算|合算|强在)|为(?:啥|什么|何)|凭(?:啥|什么)|图个?(?:啥|什么)|省在哪|哪(?:些|一?个|几个)?(?:活|环节|业务)"
)
MEASURE_LEVEL = 3
GUIDE, INTERPRETATION = "guide", "interpretation"


class Named:
    """Finds the passages that queries over one index name.

    ``titles`` are the headings of all sections by id.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self.titles = {
            section.id: section.title
            for document in index.documents.values()
            for section in document.sections
        }
        self._headings = plain_headings(self.titles)
        self._counterparts = counterparts(index.passages)
        self._rows_of_title = self._measures()
        self._defined = {index.row_of[term.passage_id] for term in index.terms}

    def _measures(self) -> dict[str, list[int]]:
        """The rows under each of the guide's own measures, by its title without number."""
        titles = {
            NUMBERING.sub("", section.title): list[int]()
            for document in self._index.documents.values()
            for section in document.sections
            if section.level == MEASURE_LEVEL and document.id == GUIDE
        }
        for row, passage in enumerate(self._index.passages):
            title = NUMBERING.sub("", passage.section[-1]) if passage.section else ""
            if passage.document_id == GUIDE and title in titles:
                titles[title].append(row)
        return titles

    # --- what a query names -----------------------------------------------------------------

    def within(self, text: str) -> list[int]:
        """The passages on the pages, in the documents or under the heading by which a query asks."""
        passages = self._index.passages
        if pages := on_pages(text)[0]:
            return [row for row, p in enumerate(passages) if p.page in pages]
        if (document := in_document(text)) is not None:
            return [row for row, p in enumerate(passages) if p.document_id == document]
        if aside := set_aside(text):
            return [row for row, p in enumerate(passages) if p.document_id not in aside]
        named = in_sections(text, self._headings)
        return sorted({row for section in named for row in self.under(section)})

    def measures(self, text: str) -> list[str]:
        """The guide's own measures that a query names by their titles."""
        return [title for title in self._rows_of_title if title in text]

    def titled(self, text: str, scored: Scored) -> list[int]:
        """Passages under the measures that a query names by their titles."""
        rows = [row for title in self.measures(text) for row in self._rows_of_title[title]]
        return _best_first(rows, scored)

    def quoted(self, text: str, scored: Scored) -> list[int]:
        """Passages that hold the words whose place a query asks for."""
        quoted = asks.sought_quotation(text)
        if quoted is None:
            return []
        said = fold(quoted)
        rows = [row for row, p in enumerate(self._index.passages) if said in fold(p.text)]
        return _best_first(rows, scored)

    def using(self, text: str, scored: Scored) -> list[int]:
        """Passages that use every glossary term of a query that asks where these are used."""
        terms = asked_terms(text, self._index.terms).terms
        rows = self._using_all(terms) if terms and ASKS_USE.search(text) else []
        return _best_first(rows, scored)

    def good_for(self, text: str, shown: Sequence[Place]) -> list[int]:
        """The passages that use the terms just defined, where a follow-up asks what these are good for."""
        terms = self.defined_by(shown)
        return self._using_all(terms) if terms and ASKS_BENEFIT.search(text) else []

    def defined_by(self, shown: Sequence[Place]) -> list[Term]:
        """The terms whose entries were shown."""
        anchors = {place.anchor for place in shown}
        return [term for term in self._index.terms if term.passage_id in anchors]

    def uses_of(self, terms: Sequence[Term]) -> list[int]:
        """Passages that use any of some terms and define none of these."""
        defined = {self._index.row_of[term.passage_id] for term in terms}
        return [
            row
            for row, passage in enumerate(self._index.passages)
            if row not in defined and any(_uses(term, passage.text) for term in terms)
        ]

    def _using_all(self, terms: Sequence[Term]) -> list[int]:
        """Passages that use every one of some terms and define none of the glossary's."""
        return [
            row
            for row, passage in enumerate(self._index.passages)
            if row not in self._defined and all(_uses(term, passage.text) for term in terms)
        ]

    # --- what stands near ---------------------------------------------------------------------

    def of_item(self, item: Item) -> list[int]:
        """The passages of a list's item: itself, or everything under its heading."""
        row = self._index.row_of.get(item.anchor)
        return self.under(item.anchor) if row is None else [row]

    def under(self, section: str) -> list[int]:
        """The passages of a section and of the sections below it."""
        return [
            row
            for row, passage in enumerate(self._index.passages)
            if passage.section_id == section or passage.section_id.startswith(f"{section}-")
        ]

    def chapter(self, place: Place) -> list[int]:
        """The passages of the chapter that a place stands in: its section and that one's sisters."""
        section = place.anchor.rpartition("-p")[0] or place.anchor
        above = chapter(section)
        passages = enumerate(self._index.passages)
        return [row for row, passage in passages if chapter(passage.section_id) == above]

    def counterparts(self, row: int) -> Sequence[int]:
        """The passages on the same measure in the other documents."""
        return self._counterparts.get(row, ())

    def on_the_same(self, shown: Sequence[Place], document: str) -> list[int]:
        """What one document says on the measures shown: the passages themselves, their counterparts."""
        of = self._index.row_of
        return self.beside([of[place.anchor] for place in shown if place.anchor in of], document)

    def beside(self, rows: Sequence[int], document: str) -> list[int]:
        """Those of some passages and of their counterparts that stand in one document."""
        same = [other for row in rows for other in (row, *self.counterparts(row))]
        return [row for row in same if self._index.passages[row].document_id == document]

    def reasons(self, shown: Place) -> list[int]:
        """Where the reasons of what was shown stand: the interpretation of the same measure."""
        return self.on_the_same([shown], INTERPRETATION)


def _best_first(rows: Sequence[int], scored: Scored) -> list[int]:
    return sorted(rows, key=lambda row: (-float(scored.fused[row]), row))


def _uses(term: Term, text: str) -> bool:
    folded = fold(text)
    return any(fold(name) in folded for name in (term.name, term.abbreviation or term.name))
