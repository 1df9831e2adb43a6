"""How to answer a query: by terms, by a complete list, by one item of a list, or by passages.

A plan is a list of places to cite as direct answers. It is chosen by explainable signs: the
query names a glossary term and asks what it means; it has the form of a list question and its
nearest bank question asks for that list; it has two clauses that each ask something.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.addresses import (
    Address,
    addressed,
    asked_pages,
)
from kb.chunk import sentences
from kb.fusion import standardise, top_rows
from kb.index import Index
from kb.named import ASKS_BENEFIT, NUMBERING, Named
from kb.numerals import number_said
from kb.outline import Listing, listings
from kb.retrieve import Query, Retriever, Scored
from kb.schema import Role, Term
from kb.select import Place, Selector
from kb.terms import asked_terms, asking_clause, beside_meaning
from kb.tokenizer import fold

__all__ = ["Plan", "Planner"]

Scores = NDArray[np.float32]
LIST_CUE = re.compile(
    r"哪[一二三四五六七八九十几些两]|几[个条项点步类大方种部块招]|多少[条项个点]|列[一出个下举]|逐[条项一个]|分别|一共|总共|全部|所有|都(?:有|是|包括|讲|说|写|管)(?:什么|啥|哪)|"
    r"包括|包含|分(?:成|为)|有(?:什么|啥)(?:要求|举措|措施|任务|内容)|[三四五六两2-9]\s?[个条项点类大方种句]|十[二四][个条项]|14\s?[条项个]|12\s?[条项个]|"
    r"清单|目录|框架|结构|概括|第[一二三四1-4]部分|章|要做(?:什么|啥|哪)|list|how many|what are",
    re.IGNORECASE,
)
PLAIN_LIST_CUE = re.compile(
    r"列[一出个下举]|逐[条项一个]|一共|总共|全部|所有|清单|目录|框架|结构|几[个条项点步类大方种部块招]|[三四五六两2-9]\s?[个条项点类大方种句]|"
    r"十[二四][个条项]|14\s?[条项个]|12\s?[条项个]|list|how many",
    re.IGNORECASE,
)
WEAK_LIST_CUE = re.compile(r"要做(?:什么|啥|哪)")
LIST_GAP, LIST_GAP_PLAIN = 0.003, 0.02
LIST_LEAD = 0.01
LIST_LIKENESS, LIST_WORDY = 0.945, 16
LIST_NEAREST = 3
REST_OF_MEANING = 6
MAX_CITATIONS, MOST_QUOTED = 6, 20
ITEM_COUNT = re.compile(r"([两二三四五六七八九十\d]+)\s?[个条项点类句大方种问](?!部分)")
ASKS_COUNT = re.compile(r"几[个条项点大类种]|多少|一共|总共|how many", re.IGNORECASE)
HEADING_SHARE = 0.5
WHOLE_SHARE = 0.7
WORTH_MARKING = 15
LEADS_IN = re.compile(r"(?:：|以下.{1,3}(?:方面|点|项)。)$")
NEARLY_ALL = 0.75


class Plan(NamedTuple):
    """What to cite: direct places, places of background, and the list behind them, if one is.

    ``address`` is the place that the query names by number, whether there is one or not; ``pages``
    are the pages that it names so and that have text, ``empty_pages`` those without. ``quoted``:
    the query asks where words stand, and these are the places.
    """

    kind: Literal["term", "list", "item", "passages"]
    direct: tuple[Place, ...]
    related: tuple[Place, ...]
    listing: Listing | None = None
    item: int | None = None
    address: Address | None = None
    pages: tuple[int, ...] = ()
    empty_pages: tuple[int, ...] = ()
    quoted: bool = False

    @property
    def is_named(self) -> bool:
        """Whether the query names the very places that are cited, so no likeness is needed."""
        here = self.address is not None and self.address.exists
        return bool(self.pages) or here or self.quoted or self.item is not None


class Planner:
    """Chooses and fills plans over one index."""

    def __init__(self, retriever: Retriever) -> None:
        self.retriever = retriever
        self.index: Index = retriever.index
        self.selector = Selector(self.index)
        self.named = Named(self.index)
        self.listings = listings(self.index.documents, self.index.passages)
        self._row_of = self.index.row_of
        self._has_pages = any(passage.page is not None for passage in self.index.passages)
        self._question_headings = {
            name: _letters(NUMBERING.sub("", title))
            for name, title in self.named.titles.items()
            if title.endswith(("？", "?"))
        }
        self._about_lists = {
            n: q.listing for n, q in enumerate(self.index.questions) if q.listing in self.listings
        }
        self._list_questions = {**self._whole_lists(), **self._about_lists}
        self._asking_for = {
            str(name): np.array([n for n, other in self._list_questions.items() if other == name])
            for name in sorted({str(name) for name in self._list_questions.values()})
        }
        self._asking_else = np.array(
            [n for n in range(len(self.index.questions)) if n not in self._list_questions],
            dtype=np.int64,
        )
        self._overview_of = self._overviews()
        self._leads = {
            row
            for row, passage in enumerate(self.index.passages)
            if LEADS_IN.search(passage.text) and passage.section_id in self.listings
        }

    def _overviews(self) -> dict[str, Listing]:
        """Passage id -> the list that it gives an overview of, by the bank's list questions."""
        return {
            self.index.passages[target.row].id: self.listings[str(name)]
            for number, name in self._about_lists.items()
            for target in self.index.targets[number]
        }

    def _whole_lists(self) -> dict[int, str]:
        """Bank questions whose evidence is nearly every point of a list: they ask for the list."""
        points = {
            frozenset(self._row_of[item.anchor] for item in listing.items): name
            for name, listing in self.listings.items()
            if all(item.anchor in self._row_of for item in listing.items)
        }
        found = {}
        for number, targets in enumerate(self.index.targets):
            rows = {target.row for target in targets}
            facts = {target.fact for target in targets}
            for items, name in points.items():
                if len(facts) > 2 and len(rows & items) >= NEARLY_ALL * len(items):
                    found[number] = name
        return found

    def plan(
        self, query: Query, scored: Scored, role: Role | None = None, leaning: bool = False
    ) -> Plan:
        """Choose a plan for a query; one that leans on another must ask for a list plainly."""
        if self._has_pages and (pages := asked_pages(query.reading.text)):
            return self._page_plan(pages, query, scored, role)
        address = addressed(query.reading.text, self.listings, self.named.titles)
        if address is not None and address.exists:
            if not address.items:
                support = self.selector.support(query, scored)
                plan = self._list_plan(address.listing, query, scored, support)
                return plan._replace(address=address)
            plan = self.items_plan(address.listing, address.items, query, scored)
            return plan._replace(address=address)
        plan = self._unaddressed(query, scored, role, leaning)
        return plan._replace(address=address)

    def _unaddressed(self, query: Query, scored: Scored, role: Role | None, leaning: bool) -> Plan:
        support = self.selector.support(query, scored)
        asked = asked_terms(query.reading.text, self.index.terms)
        if asked.terms and asked.meaning and self._only_meaning(query.reading.text, asked.terms):
            used = leaning and ASKS_BENEFIT.search(query.reading.text) is not None
            return self._term_plan(asked.terms, scored, support, used)
        if (section := self._asked_heading(query.reading.text)) is not None:
            return self._section_plan(section, support)
        listing = self._asked_list(query, scored, leaning) or self._led_in(scored)
        if listing is not None:
            return self._list_plan(listing, query, scored, support)
        return self._passage_plan(query, scored, support, role)

    def _page_plan(
        self, pages: Sequence[int], query: Query, scored: Scored, role: Role | None
    ) -> Plan:
        """Everything that stands on some pages, in order."""
        support = self.selector.support(query, scored)
        of_page = {
            page: [row for row, p in enumerate(self.index.passages) if p.page == page]
            for page in pages
        }
        empty = tuple(page for page, rows in of_page.items() if not rows)
        full = tuple(page for page, rows in of_page.items() if rows)
        if not full:
            return self._unaddressed(query, scored, role, False)._replace(empty_pages=empty)
        rows = self.selector.distinct([row for found in of_page.values() for row in found])
        places = tuple(self.selector.place(row, support) for row in rows)
        return Plan("list", places, (), pages=full, empty_pages=empty)

    def items_plan(
        self, listing: Listing, numbers: Sequence[int], query: Query, scored: Scored
    ) -> Plan:
        """Some items of a list, one after the other; the last of them is the one spoken of."""
        plans = [self._item_plan(listing, number, query, scored) for number in numbers]
        direct = dict.fromkeys(place for plan in plans for place in plan.direct)
        return plans[-1]._replace(direct=tuple(direct))

    def _item_plan(self, listing: Listing, number: int, query: Query, scored: Scored) -> Plan:
        """One item of a list: what stands under its heading, and its counterpart."""
        support = self.selector.support(query, scored)
        rows = self.named.of_item(listing.items[number])
        others = [r for row in rows for r in self.named.counterparts(row)]
        direct = [
            self.selector.place(row, support) for row in self.selector.distinct([*rows, *others])
        ]
        return Plan("item", tuple(direct), (), listing, number)

    def source_plan(self, shown: Plan, document: str, query: Query, scored: Scored) -> Plan:
        """What one document says on the matter shown: counterparts first, then its best passages."""
        support = self.selector.support(query, scored)
        passages = self.index.passages
        there = [row for row, p in enumerate(passages) if p.document_id == document]
        best = sorted(there, key=lambda row: (-float(scored.fused[row]), row))
        firsts = self.selector.distinct(self.named.on_the_same(shown.direct, document))
        if shown.kind == "term" and not firsts:  # entries have no counterparts, but uses
            uses = self.named.uses_of(self.named.defined_by(shown.direct))
            firsts = [row for row in uses if passages[row].document_id == document]
        order = self.selector.distinct([*firsts, *best[:MAX_CITATIONS]])[:MAX_CITATIONS]
        places = [self.selector.place(row, support) for row in order]
        entries = {term.passage_id for term in self.index.terms}
        best_is_entry = bool(places) and places[0].anchor in entries  # of a term nobody named
        nothing = shown.kind == "term" or best_is_entry
        direct = len(firsts) or (0 if nothing else 1)
        return Plan("passages", tuple(places[:direct]), tuple(places[direct:]))

    def heading_plan(self, shown: Plan) -> Plan:
        """The headings that the places shown stand under, the nearest first; then the first place."""
        found = [heading for place in shown.direct for heading in self._above(place)]
        distinct = {heading.span: heading for heading in found}
        return Plan("passages", tuple(distinct.values()), shown.direct[:1])

    def _above(self, place: Place) -> list[Place]:
        """The headings over a place, the nearest first, without itself.

        One that everything stands under, the document's title, tells nothing.
        """
        document = self.index.documents[place.document_id]
        sections = document.sections
        if len(sections) > 1 and sections[0].body_end >= sections[-1].body_end:
            sections = sections[1:]
        return [
            Place(document.id, one.id, one.start, one.end, ((one.start, one.end),))
            for one in reversed(sections)
            if one.start < place.start < one.body_end
        ]

    def _asked_heading(self, text: str) -> str | None:
        """The section whose heading is this very question, with few other words, or None."""
        plain = _letters(text)
        return next(
            (
                name
                for name, title in self._question_headings.items()
                if title in plain and len(title) >= HEADING_SHARE * len(plain)
            ),
            None,
        )

    def _section_plan(self, section: str, support: Scores) -> Plan:
        """Everything under a heading, in order; what merely leads in (主要有四个方面：) comes after it."""
        rows = [r for r, p in enumerate(self.index.passages) if p.section_id == section]
        places = {row: self.selector.place(row, support) for row in self.selector.distinct(rows)}
        led = [place for row, place in places.items() if row not in self._leads]
        leads = [place for row, place in places.items() if row in self._leads]
        if not led:
            led, leads = leads, []
        return Plan("list", tuple(led), tuple(leads), self.listings.get(section))

    def _only_meaning(self, text: str, terms: Sequence[Term]) -> bool:
        clause = asking_clause(text)
        asked = clause if asked_terms(clause, self.index.terms).terms else text
        return len(beside_meaning(asked, terms)) <= REST_OF_MEANING

    def _term_plan(
        self, terms: Sequence[Term], scored: Scored, support: Scores, used: bool = False
    ) -> Plan:
        """The definitions, and where the terms are used; that first where ``used`` is asked for."""
        rows = [self._row_of[term.passage_id] for term in terms]
        direct = [self._whole(row) for row in rows]
        uses = self.named.uses_of(terms)
        uses.sort(key=lambda row: -float(scored.fused[row]))
        related = [self.selector.place(row, support) for row in self.selector.distinct(uses)]
        if used:
            direct, related = [*related[:1], *direct], related[1:]
        return Plan("term", tuple(direct), tuple(related[: MAX_CITATIONS - len(direct)]))

    def _whole(self, row: int) -> Place:
        passage = self.index.passages[row]
        span = ((passage.start, passage.end),)
        return Place(passage.document_id, passage.id, passage.start, passage.end, span)

    def position(self, plan: Plan) -> tuple[Listing | None, int | None]:
        """The list that a plan shows, or whose item its first place is, and which item."""
        if plan.listing is not None or not plan.direct:
            return plan.listing, plan.item
        passage = plan.direct[0].anchor
        if (found := self._item_at(passage)) is not None:
            return found
        section = passage.rpartition("-p")[0]
        listing = self._overview_of.get(passage) or self._points_of(section)
        return (listing, None) if listing else self._item_at(section) or (None, None)

    def leads(self, listing: Listing) -> tuple[str, ...]:
        """The leading words of each item of a list."""
        documents = self.index.documents
        return tuple(documents[i.document_id].text[i.start : i.lead_end] for i in listing.items)

    def _points_of(self, section: str) -> Listing | None:
        """The list of a section whose items are its own numbered points."""
        listing = self.listings.get(section)
        return listing if listing and listing.items[0].anchor in self._row_of else None

    def _item_at(self, anchor: str) -> tuple[Listing, int] | None:
        """The list that has a passage or section as an item, and which item."""
        for listing in self.listings.values():
            for number, item in enumerate(listing.items):
                if anchor == item.anchor:
                    return listing, number
        return None

    def _asked_list(self, query: Query, scored: Scored, leaning: bool) -> Listing | None:
        """The list that is asked for as a whole, or None.

        The query must have the form of a list question and name no single measure, its nearest
        list questions must be about as near as any other bank questions, and nearer still where a
        long query has no plain form (哪些, 包括); they must agree on one list, and a number in the query must be the list's length.
        """
        text = query.reading.text
        cue = LIST_CUE.search(WEAK_LIST_CUE.sub("", text) if leaning else text)
        if not self._list_questions or cue is None or self.named.measures(text):
            return None
        near = [
            (_top_mean(scored.questions[rows]), name) for name, rows in self._asking_for.items()
        ]
        means = sorted(near, reverse=True)
        others = scored.questions[self._asking_else]
        plain = PLAIN_LIST_CUE.search(text)
        if means[0][0] < _top_mean(others) - (LIST_GAP_PLAIN if plain else LIST_GAP):
            return None
        if not plain and len(text) > LIST_WORDY and means[0][0] < LIST_LIKENESS:
            return None
        if len(means) > 1 and means[0][0] - means[1][0] < LIST_LEAD:
            return None
        listing = self.listings[means[0][1]]
        asked = ITEM_COUNT.search(text)
        if asked and number_said(asked[1]) not in (len(listing.items), 0, None):
            return None
        return listing

    def _led_in(self, scored: Scored) -> Listing | None:
        """The list that the best passage merely leads in (主要有四个方面：), or None."""
        best = top_rows(scored.fused, 1)[0]
        return (
            self.listings.get(self.index.passages[best].section_id) if best in self._leads else None
        )

    def _list_plan(self, listing: Listing, query: Query, scored: Scored, support: Scores) -> Plan:
        items = self._widen(
            [
                Place(i.document_id, i.anchor, i.start, i.end, ((i.start, i.lead_end),))
                for i in listing.items
            ]
        )
        spans = {place.span for place in items}
        asked = [n for n, name in self._about_lists.items() if name == listing.id]
        rows = {t.row for n in asked for t in self.index.targets[n]}
        ordered = sorted(rows, key=lambda row: (-float(scored.fused[row]), row))
        overview = [self.selector.place(row, support) for row in self.selector.distinct(ordered)]
        overview = [p for p in overview if p.span not in spans]
        if not overview and (under := self._under_headings(listing, support)):
            return Plan("item", under, (), listing)
        counts = bool(ASKS_COUNT.search(query.reading.text))
        first = [p for p in overview if self._tells(p, listing, counts)]
        rest = [p for p in overview if p not in first]
        return Plan("list", (*first, *items), tuple(rest), listing)

    def _under_headings(self, listing: Listing, support: Scores) -> tuple[Place, ...]:
        """What stands under the headings of a list, in order, where it is little; else nothing."""
        if any(item.anchor in self._row_of for item in listing.items):
            return ()
        rows = [row for item in listing.items for row in self.named.of_item(item)]
        distinct = self.selector.distinct(rows)
        if len(distinct) > MAX_CITATIONS:
            return ()
        return tuple(self.selector.place(row, support) for row in distinct)

    def overview(self, listing_id: str) -> tuple[Place, ...]:
        """The passages that the bank gives for a list as a whole: they say how long it is."""
        rows = sorted(
            {
                target.row
                for number, name in self._about_lists.items()
                if name == listing_id
                for target in self.index.targets[number]
            }
        )
        return tuple(self._whole(row) for row in self.selector.distinct(rows))

    def _tells(self, place: Place, listing: Listing, counts: bool) -> bool:
        """Whether an overview names half of a list's items, or says how many where that is asked."""
        text = self.index.documents[place.document_id].text[place.start : place.end]
        leads = [NUMBERING.sub("", lead) for lead in self.leads(listing)]
        if 2 * sum(lead.strip("。；，、 ") in text for lead in leads) >= len(leads):
            return True
        said = (number_said(found[1]) for found in ITEM_COUNT.finditer(text))
        return counts and len(leads) in said

    def _widen(self, items: Sequence[Place]) -> list[Place]:
        """Widen items that are parts of one sentence to that sentence, once."""
        places: list[Place] = []
        for item in items:
            row = self._row_of.get(item.anchor)
            if row is None:
                places.append(item)
                continue
            start, end = self.selector.span(row)
            if places and (places[-1].start, places[-1].end) == (start, end):
                places[-1] = places[-1]._replace(
                    highlights=(*places[-1].highlights, *item.highlights)
                )
            else:
                places.append(item._replace(start=start, end=end))
        return places

    def _passage_plan(
        self, query: Query, scored: Scored, support: Scores, role: Role | None
    ) -> Plan:
        best = [row for row in top_rows(scored.fused, 12) if row not in self._leads]
        ranked = self.selector.distinct(best)
        text = query.reading.text
        quoted = self.named.quoted(query.text, scored)
        titled = (
            quoted[:MOST_QUOTED]
            or self.named.titled(text, scored)
            or self.named.using(text, scored)[:1]
        )
        if named := set(self.named.within(query.text)):  # a heading named stands elsewhere too
            there = [row for row in titled if row in named]
            titled = titled if quoted and not there else there  # words are shown where they stand
        firsts = [*titled[:1], ranked[0], *titled[1:], *self._clause_rows(query, scored, role)]
        firsts = titled if quoted else firsts
        order = self.selector.distinct([*dict.fromkeys(firsts), *ranked])[
            : max(MAX_CITATIONS, len(titled))
        ]
        direct_count = len(set(firsts))
        if not quoted:
            direct_count = self._direct_count(order, scored, direct_count)
        places = [self.selector.place(row, support, float(scored.fused[row])) for row in order]
        direct, related = tuple(places[:direct_count]), tuple(places[direct_count:])
        return Plan("passages", direct, related, quoted=bool(quoted))

    def _direct_count(self, order: Sequence[int], scored: Scored, forced: int) -> int:
        """How many of the leading rows answer: those close to the best, at most three more."""
        best = float(scored.fused[order[0]])
        close = sum(1 for row in order if scored.fused[row] >= best - 0.25 * abs(best))
        return max(forced, min(close, forced + 2))

    def _clause_rows(self, query: Query, scored: Scored, role: Role | None) -> list[int]:
        """The best passage of each asking clause, where a query has two or more.

        A clause leans on the whole, since it may leave out what it is about (都管什么).
        """
        if not query.parts:
            return []
        whole = WHOLE_SHARE * standardise(scored.fused)
        ranks = [standardise(self.retriever.rank(part, role)) for part in query.parts]
        return [top_rows(rank + whole, 1)[0] for rank in ranks]


def _letters(text: str) -> str:
    """A folded text without punctuation and spaces."""
    return "".join(c for c in fold(text) if c.isalnum())


def _top_mean(values: Scores) -> float:
    """Mean of the largest few values."""
    if values.size > LIST_NEAREST:
        values = np.partition(values, -LIST_NEAREST)[-LIST_NEAREST:]
    return float(values.mean()) if values.size else 0.0


def more(plan: Plan, shown: Sequence[Place], index: Index) -> Plan:
    """What 还有吗 adds: sentences of the places shown that were not marked, then other places."""
    marked: dict[tuple[str, int, int], Place] = {}
    for place in shown:
        before = marked[place.span].highlights if place.span in marked else ()
        marked[place.span] = place._replace(highlights=(*before, *place.highlights))
    unmarked = [rest for p in marked.values() if (rest := _unmarked(p, index)) is not None]
    others = [p for p in (*plan.direct, *plan.related) if p.span not in marked]
    places = [*unmarked[:2], *others]
    return Plan("passages", tuple(places[:3]), tuple(places[3:]))


def _unmarked(place: Place, index: Index) -> Place | None:
    """A place with its other sentences marked, or None where all were, or all but its lead."""
    text = index.documents[place.document_id].text[place.start : place.end]
    rest = tuple(
        (a, b)
        for a, b in sentences(text, place.start)
        if not any(a < end and start < b for start, end in place.highlights)
    )
    told = sum(end - start for start, end in rest)
    return place._replace(highlights=rest) if told >= WORTH_MARKING else None
