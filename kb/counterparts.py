"""Passages that say the same: a measure of the guide and the point of the interpretation on it.

A measure （三）开展业务数字化 and a point 三是开展业务数字化。 are counterparts; the pairing comes from
the headings, not from similarity. Wording differences of two texts are marked for the reader, but
only where their sentences really correspond; of looser kinship nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from kb.outline import HEADING_NUMBER
from kb.schema import Citation, Passage

__all__ = ["Compared", "Wording", "compare", "counterparts", "differences", "wordings"]

POINT_LEAD = re.compile(r"^[一二三四五六七八九十]+是([^。，；]{4,16})。")
SENTENCE = re.compile(r"[^。！？\n]+[。！？]?")
PHRASE = re.compile(r"[^，。、；：！？“”（）《》\s]+")
LEAD = re.compile(r"^[一二三四五六七八九十]+是")
ALIKE = 0.75  # of two sentences; below it they merely share a subject
SHORTEST, SHORTEST_ALONE = 8, 4  # phrases; the second where a point is nothing else
LONGEST_PHRASE, LONGEST_PIECE = 12, 16
Span = tuple[int, int]


class Wording(NamedTuple):
    """One place where two texts say the same in other words.

    ``left`` and ``right`` are the phrases, by their offsets; ``left_marks`` and ``right_marks`` the
    characters in them that differ.
    """

    left: Span
    right: Span
    left_marks: tuple[Span, ...]
    right_marks: tuple[Span, ...]


class Compared(NamedTuple):
    """A wording of one citation beside that of another; all offsets are into the documents."""

    own_document: str
    own: Span
    own_marks: tuple[Span, ...]
    other: Span
    other_marks: tuple[Span, ...]
    citation: Citation


def counterparts(passages: Sequence[Passage]) -> dict[int, tuple[int, ...]]:
    """Row -> rows of the other document on the same measure; rows without any are left out."""
    by_title: dict[str, list[int]] = {}
    for row, passage in enumerate(passages):
        if passage.document_id == "guide" and passage.section:
            title = HEADING_NUMBER.sub("", passage.section[-1])
            by_title.setdefault(title, []).append(row)
    pairs: dict[int, set[int]] = {}
    for row, passage in enumerate(passages):
        lead = POINT_LEAD.match(passage.text)
        if passage.document_id != "guide" and lead and lead[1] in by_title:
            for other in by_title[lead[1]]:
                pairs.setdefault(row, set()).add(other)
                pairs.setdefault(other, set()).add(row)
    return {row: tuple(sorted(others)) for row, others in pairs.items()}


def differences(left: str, right: str) -> list[tuple[str, str, str]]:
    """Character differences as (kind, left piece, right piece), ``由点到面`` against ``由点及面``."""
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    return [(kind, left[a:b], right[c:d]) for kind, a, b, c, d in matcher.get_opcodes()]


def wordings(left: str, right: str, *, same_measure: bool = False) -> list[Wording]:
    """Where two texts say the same in other words, in the order of the left one.

    Sentences correspond when each is the other's nearest and they are alike by ``ALIKE``. A short
    phrase corresponds to a point of the other text that consists of nothing else (由点及面 to
    二是由点到面。) or, where both texts are on the same measure, to a phrase that differs in a word.
    """
    found = dict.fromkeys(_of_sentences(left, right))
    found.update(dict.fromkeys(_of_phrases(left, right, same_measure)))
    return sorted(found)


def compare(
    citations: Sequence[Citation], passages: Mapping[str, Passage], query: str = ""
) -> dict[int, list[Compared]]:
    """For each rank, where another document cited beside it says the same in other words.

    Of an answer and what is merely related to it, only what answers or is asked for is compared.
    """
    found: dict[int, list[Compared]] = {}
    for n, one in enumerate(citations):
        for other in citations[n + 1 :]:
            if one.document_id == other.document_id:
                continue
            ends = [passages[c.passage_id] for c in (one, other) if c.passage_id in passages]
            paired = len(ends) == 2 and bool(counterparts(ends))
            for wording in wordings(one.quote, other.quote, same_measure=paired):
                phrases = one.quote[slice(*wording.left)], other.quote[slice(*wording.right)]
                asked = any(phrase in query for phrase in phrases)
                if one.role != other.role and not asked and not _answers(one, wording.left):
                    continue
                _add(found, one, other, wording.left, wording.left_marks, wording[1::2])
                _add(found, other, one, wording.right, wording.right_marks, wording[0::2])
    return found


def _answers(citation: Citation, span: Span) -> bool:
    start, end = citation.start + span[0], citation.start + span[1]
    return any(a <= start and end <= b for a, b in citation.highlights)


def _add(
    found: dict[int, list[Compared]],
    citation: Citation,
    other: Citation,
    span: Span,
    marks: tuple[Span, ...],
    theirs: tuple[Span, tuple[Span, ...]],
) -> None:
    def shift(part: Span, by: int) -> Span:
        return part[0] + by, part[1] + by

    start, there = citation.start, other.start
    one = Compared(
        citation.document_id, shift(span, start), tuple(shift(m, start) for m in marks), shift(theirs[0], there),
        tuple(shift(m, there) for m in theirs[1]), other,
    )  # fmt: skip
    noted = found.setdefault(citation.rank, [])
    if all((old.own, old.citation.document_id) != (one.own, other.document_id) for old in noted):
        noted.append(one)


def _of_sentences(left: str, right: str) -> Iterator[Wording]:
    ours = [m.span() for m in SENTENCE.finditer(left)]
    theirs = [m.span() for m in SENTENCE.finditer(right)]
    ratios = {
        (a, b): _alike(left[slice(*a)], right[slice(*b)]) for a in ours for b in theirs
    }  # fmt: skip
    for (a, b), ratio in ratios.items():
        nearest = all(ratio >= ratios[a, o] for o in theirs) and all(
            ratio >= ratios[o, b] for o in ours
        )
        if ALIKE <= ratio < 1 and nearest:
            yield from _by_phrase(left, right, _changes(left, right, a, b))


def _of_phrases(left: str, right: str, same_measure: bool) -> Iterator[Wording]:
    ours, theirs = _phrases(left), _phrases(right)
    said = {left[slice(*a)] for a in ours} & {right[slice(*b)] for b in theirs}
    for a in ours:
        for b in theirs:
            one, other = left[slice(*a)], right[slice(*b)]
            alone = _is_point(left, a) or _is_point(right, b)
            long = same_measure and min(len(one), len(other)) >= SHORTEST
            if said & {one, other} or not (alone or long):
                continue
            changes = list(_changes(left, right, a, b))
            if _alike(one, other) >= ALIKE and len(changes) == 1 and all(_width(changes[0])):
                mark, other_mark = changes[0]
                if not long and (mark[0] == a[0] or mark[1] == a[1]):
                    continue  # 参加政策宣贯 and 加强政策宣贯 are two things
                yield Wording(a, b, (mark,), (other_mark,))


def _alike(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return 0.0
    return matcher.ratio()


def _width(change: tuple[Span, Span]) -> tuple[int, int]:
    return change[0][1] - change[0][0], change[1][1] - change[1][0]


def _phrases(text: str) -> list[Span]:
    spans = []
    for match in PHRASE.finditer(text):
        lead = LEAD.match(match[0])
        start = match.start() + (lead.end() if lead else 0)
        if SHORTEST_ALONE <= match.end() - start <= LONGEST_PHRASE:
            spans.append((start, match.end()))
    return spans


def _is_point(text: str, span: Span) -> bool:
    """Whether a phrase is a whole point of a list: ``二是由点到面。``."""
    return bool(LEAD.match(text[max(0, span[0] - 2) :])) and text[span[1] : span[1] + 1] == "。"


def _changes(left: str, right: str, a: Span, b: Span) -> Iterator[tuple[Span, Span]]:
    """The differing pieces; one shared character between two of them joins them."""
    matcher = SequenceMatcher(None, left[slice(*a)], right[slice(*b)], autojunk=False)
    held: list[int] | None = None
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            if held and j - i > 1:
                yield (a[0] + held[0], a[0] + held[1]), (b[0] + held[2], b[0] + held[3])
                held = None
        elif held:
            held[1], held[3] = j, m
        else:
            held = [i, j, k, m]
    if held:
        yield (a[0] + held[0], a[0] + held[1]), (b[0] + held[2], b[0] + held[3])


def _by_phrase(left: str, right: str, changes: Iterator[tuple[Span, Span]]) -> Iterator[Wording]:
    """Changes of two sentences, each with the phrases that it stands in; long ones are left out."""
    held: dict[tuple[Span, Span], list[tuple[Span, Span]]] = {}
    for change in changes:
        if max(_width(change)) <= LONGEST_PIECE:
            phrases = _around(left, change[0]), _around(right, change[1])
            held.setdefault(phrases, []).append(change)
    for (a, b), inside in held.items():
        marks = [[c[n] for c in inside if _width(c)[n]] for n in (0, 1)]
        yield Wording(a, b, tuple(marks[0]), tuple(marks[1]))


def _around(text: str, span: Span) -> Span:
    """The phrase that a piece stands in."""
    touching = [
        m.span() for m in PHRASE.finditer(text) if m.start() <= span[1] and span[0] <= m.end()
    ]
    inside = [s for s in touching if s[0] < span[1] and span[0] < s[1]] or touching
    return (inside[0][0], inside[-1][1]) if inside else span
