"""What raises a passage beside its likeness: where a query says to look, what was spoken of before.

Every bonus is a number of standard deviations of the query's own scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from kb import cues
from kb.dialogue import Resolution
from kb.fusion import standardise
from kb.named import Named
from kb.outline import Listing
from kb.plans import Plan
from kb.retrieve import Query, Retriever, Scored
from kb.roles import asked_role
from kb.schema import Role
from kb.select import Place

__all__ = ["Lifts"]

ITEM_BONUS, WHY_BONUS, ACTOR_BONUS = 2.0, 1.0, 0.6
CHAPTER_BONUS, SHOWN_MALUS = 0.4, 0.5
NEXT_BONUS, RELATED_BONUS = 0.45, 0.45
RELATED_READ = 3
OWN_WORDS: Mapping[str, float] = {"phrasing": 0.15, "lexical": 0.15, "bigrams": 0.25}
"""What the views of a follow-up by itself count beside its fused score, in standard deviations."""


class Lifts:
    """Changes the fused scores of queries over one index."""

    def __init__(self, retriever: Retriever, named: Named) -> None:
        self._retriever = retriever
        self._row_of = retriever.index.row_of
        self._named = named

    def lifted(
        self,
        query: Query,
        scored: Scored,
        resolution: Resolution,
        listing: Listing | None = None,
        before: Plan | None = None,
        role: Role | None = None,
    ) -> Scored:
        """Scores of a resolved query with every bonus that it gets.

        Args:
            query: the query as read.
            scored: its scores.
            resolution: how it was understood.
            listing: the list last shown.
            before: what was planned for the turn that it follows, shown or not.
            role: the role that the asker has chosen; whose doings are asked about then counts no more.
        """
        follows = resolution.kind == "joined" or resolution.heard is not None
        if follows and "question" in scored.views:
            scored = self._as_follow_up(query, scored, before)
        if resolution.kind == "joined":
            scored = self._near_the_last(scored, resolution, listing, before)
        scored = self._where_named(query, scored)
        return scored if role is not None else self._of_the_actor(query, scored)

    def _as_follow_up(self, query: Query, scored: Scored, before: Plan | None) -> Scored:
        """Raise what people ask for next with such words, and what was shown as related.

        A follow-up's own words count a little more than joined with what it leans on.
        """
        spread = float(scored.fused.std())
        added = [
            weight * standardise(scored.views[name])
            for name, weight in OWN_WORDS.items()
            if name in scored.views
        ]
        shown = [] if before is None else self._rows(before.direct)
        following = self._retriever.asked_next(query, shown[0] if shown else None)
        views = scored.views
        if following is not None:
            added.append(NEXT_BONUS * standardise(following))
            views = {**views, "next": following}
        fused = scored.fused + spread * np.sum(added, axis=0, dtype=np.float32)
        if before is not None:
            fused[self._rows(before.related)[:RELATED_READ]] += RELATED_BONUS * spread
        return scored._replace(fused=np.asarray(fused, dtype=np.float32), views=views)

    def _rows(self, places: Sequence[Place]) -> list[int]:
        """The rows of places that are passages, in their order."""
        rows = (self._row_of.get(place.anchor) for place in places)
        return [row for row in rows if row is not None]

    def _near_the_last(
        self, scored: Scored, resolution: Resolution, listing: Listing | None, before: Plan | None
    ) -> Scored:
        """Raise what a follow-up is near: the item it speaks of, the chapter cited before.

        What was quoted first was read: who asks on, and not for one side of it, wants to know more.
        """
        fused = scored.fused.copy()
        spread = float(fused.std())
        if resolution.item is not None and listing is not None:
            rows = self._named.of_item(listing.items[resolution.item])
            fused[rows] += ITEM_BONUS * spread
            if resolution.document is not None:
                fused[self._named.beside(rows, resolution.document)] += ITEM_BONUS * spread
            if cues.WHY.search(resolution.text):
                others = {other for row in rows for other in self._named.counterparts(row)}
                fused[[*others]] += (ITEM_BONUS + WHY_BONUS) * spread
        elif before is not None and before.direct:
            best = before.direct[0]
            fused[self._named.chapter(best)] += CHAPTER_BONUS * spread
            if resolution.document is not None:
                there = self._named.on_the_same(before.direct, resolution.document)
                fused[there] += ITEM_BONUS * spread
            shown = self._row_of.get(best.anchor)
            if cues.WHY.search(resolution.text):
                fused[self._named.reasons(best)] += WHY_BONUS * spread
            elif shown is not None and not cues.FACET.match(resolution.text):
                fused[shown] -= SHOWN_MALUS * spread
            good_for = self._named.good_for(resolution.text, before.direct)
            fused[good_for] += ITEM_BONUS * spread
        return scored._replace(fused=fused)

    def _where_named(self, query: Query, scored: Scored) -> Scored:
        """Raise what stands on the pages, in the document or in the section that a query names."""
        rows = self._named.within(query.text)
        if not rows:
            return scored
        fused = scored.fused.copy()
        fused[rows] += ITEM_BONUS * float(fused.std())
        return scored._replace(fused=fused)

    def _of_the_actor(self, query: Query, scored: Scored) -> Scored:
        """Raise what addresses those whose doings a query asks about."""
        role = asked_role(query.reading.text, self._retriever.index.lexicon.actors)
        if role is None:
            return scored
        bonus = ACTOR_BONUS * float(scored.fused.std())
        return scored._replace(fused=scored.fused + bonus * self._retriever.in_role(role))
