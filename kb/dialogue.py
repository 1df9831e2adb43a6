"""History + follow-up -> a standalone query that is shown to the user.

Deterministic rules, tried in order: a change of subject is fresh; 再说一遍 and 详细讲讲 show the last
answer again, 在第几页 with its pages, 属于哪一部分 with its headings; 解读里怎么说 asks what another document says on it; 第二点 and
资金那块 pick an item of the list last shown; 还有吗 asks for more of the same; 说回刚才的环境 goes back to an earlier turn; a leaning
question (那银行呢, 它跟APS有什么不一样) is joined to the question it leans on, and to an item of the list
where it names one (第三条里政府要干嘛). 第二部分第四条 is an address, so fresh. Anything else is fresh, so a
new question is not dragged back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from kb import cues
from kb.addresses import DOCUMENTS, SET_ASIDE, by_number, by_part, named_document, several
from kb.numerals import number_said
from kb.outline import HEADING_NUMBER, Listing
from kb.schema import Term
from kb.terms import asked_terms
from kb.tokenizer import Tokenizer, fold, simplified

__all__ = ["Resolution", "Turn", "resolve"]

Kind = Literal["fresh", "joined", "item", "more", "page", "heading", "source", "again", "beyond"]

JOINT = "——"
COUNTED = re.compile(r"^[一二三四五六七八九十]+是")
SHORT = 12
LONGEST_SOURCE = 20


class Turn(NamedTuple):
    """What is remembered of an earlier turn: its own words, its subject, the list it was in.

    ``leads`` are the leading words of that list's items; ``item`` is the one shown, None for all.
    ``told`` says that the list was shown as one, and is not only where the answer comes from;
    ``answered`` that the turn was answered at all.
    """

    text: str
    subject: str
    listing: Listing | None
    item: int | None
    leads: tuple[str, ...] = ()
    told: bool = False
    answered: bool = True


class Resolution(NamedTuple):
    """How a query was understood.

    ``standalone`` is what the user is shown; ``text`` is the query's own part and ``context`` the
    earlier question it leans on, that of turn ``turn``; ``item`` is the item of the last list that
    it speaks of, which lies past its end in a query of kind ``beyond``; ``document`` is the document
    that it asks to hear. ``heard`` is the subject that a fresh query follows and may still have in
    mind; none where it names its place or changes the subject. ``items`` are several items of the last
    list that it names at once (前三条).
    """

    kind: Kind
    standalone: str
    text: str
    context: str | None = None
    item: int | None = None
    turn: int = -1
    document: str | None = None
    heard: str | None = None
    items: tuple[int, ...] = ()


def fresh(text: str) -> Resolution:
    """A query that stands alone."""
    return Resolution("fresh", text, text)


def _never(text: str) -> bool:
    return False


def resolve(
    query: str,
    turns: Sequence[Turn],
    terms: tuple[Term, ...] = (),
    stands_alone: Callable[[str], bool] = _never,
    parties: tuple[str, ...] = (),
) -> Resolution:
    """Resolve a query against the turns before it; without turns it is fresh.

    Args:
        query: what the user typed, for example ``那银行呢``.
        turns: earlier turns, oldest first.
        terms: glossary terms; a question that names one leans less on what came before.
        stands_alone: whether a short question without a leaning word is one that people ask by
            itself (今天天气怎么样).
        parties: names of those who take part; a question that names no more than one leans.
    """
    typed = query.strip()
    text = cues.PARTICLE.sub("呢", simplified(typed))
    changed = cues.CHANGE.sub("", text, count=1)
    if not turns or (changed and changed != text):
        return fresh(_end_of(typed, changed or text))
    text = cues.FILLER.sub("", text, count=1) or text
    text = cues.CORRECTION.sub("", cues.REMARK.sub("", text), count=1)
    last = turns[-1]
    if cues.AGAIN.match(text):
        return _of_turn("again", text, turns, -1)
    if (asked := cues.PAGE.search(text)) is not None:
        own = text.replace(asked[0], "", 1).strip("，, ？?")
        if not cues.PAGE_OF_LAST.sub("", own):
            return _of_turn("page", text, turns, _last_answered(turns))
    if cues.HEADING.match(text):
        return _of_turn("heading", text, turns, _last_answered(turns))
    if by_part(text) or (by_number(text) and not _shows_measures(last, terms)):
        return fresh(_end_of(typed, text))
    if (document := _asked_document(text)) is not None:
        found = _of_turn("source", text, turns, _last_answered(turns))
        return found._replace(document=document)
    shown = f"{last.subject}{JOINT}{text}"
    if items := _items(text, last):
        kind: Kind = "item" if max(items) < _shown(last) else "beyond"
        return Resolution(kind, shown, text, last.subject, max(items), items=items)
    named = named_document(text)
    document = None if named == "glossary" else named  # entries have no counterparts
    item, alone = _item(text, last)
    if item is not None and alone and item < _shown(last):
        return Resolution("item", shown, text, last.subject, item, document=document)
    if by_number(text):
        return fresh(_end_of(typed, text))
    if item is not None and item >= _shown(last):
        if alone:
            return Resolution("beyond", shown, text, last.subject, item)
        item = None
    if cues.MORE.match(text):
        return Resolution("more", shown, last.text, last.subject)
    if (back := _returned_to(text, turns)) is not None:
        subject = turns[back].subject
        return Resolution("joined", f"{subject}{JOINT}{text}", text, subject, turn=back)
    if (put := _of_other_party(text, last.subject, parties)) is not None:
        return Resolution("joined", put, put)
    if item is not None or _leans(text, last.subject, terms, stands_alone, parties):
        own = _name_the_terms(text, turns, terms)
        of = last if document is None else turns[_last_answered(turns)]
        context = of.subject
        if item is not None and last.told and item < len(last.leads):
            context = _said(last.leads[item])  # 其中第二个方面… is said of that, not of the list
        shown = f"{of.subject}{JOINT}{own}"
        return Resolution("joined", shown, own, context, item, document=document)
    return fresh(_end_of(typed, text))._replace(heard=last.subject)


def _of_turn(kind: Kind, text: str, turns: Sequence[Turn], turn: int) -> Resolution:
    """A query about what an earlier turn showed, of a turn counted from the end."""
    of = turns[turn]
    return Resolution(kind, f"{of.subject}{JOINT}{text}", of.text, of.subject, turn=turn)


def _last_answered(turns: Sequence[Turn]) -> int:
    """The last turn that was answered, counted from the end; the very last where none was."""
    return next((-n for n, turn in enumerate(reversed(turns), 1) if turn.answered), -1)


def _end_of(typed: str, text: str) -> str:
    """The end of what was typed, in its own script, where ``text`` is that in Simplified characters."""
    return typed[len(typed) - len(text) :]


def _of_other_party(text: str, subject: str, parties: tuple[str, ...]) -> str | None:
    """The question last asked of a party, and of nothing else, put to another; or None.

    电信运营商能干嘛 / 那银行呢 -> 银行能干嘛
    """
    if not parties:
        return None
    bare = cues.asked_party(parties)
    now, before = bare.fullmatch(fold(text)), bare.fullmatch(fold(subject))
    if now is None or now["does"] or before is None or not before["does"]:
        return None
    start, end = before.span("party")
    return fold(subject)[:start] + now["party"] + fold(subject)[end:]


def _shows_measures(last: Turn, terms: tuple[Term, ...]) -> bool:
    """Whether 第二条举措 can mean an item of the list last shown: glossary entries are no measures."""
    shown = last.listing if last.item is None else None
    return shown is not None and shown.items[0].anchor not in {t.passage_id for t in terms}


def _asked_document(text: str) -> str | None:
    """The document that a query asks to hear on the same matter (解读里怎么说), or None."""
    text = SET_ASIDE.sub("", text)
    if len(text) > LONGEST_SOURCE or not cues.SOURCE.match(text):
        return None
    return next((name for name, named in DOCUMENTS if named.search(text)), None)


def _returned_to(text: str, turns: Sequence[Turn]) -> int | None:
    """The turn, not the last, that a query goes back to by its words: 说回刚才的环境, or None."""
    marks = list(cues.BACK.finditer(text))
    if not marks:
        return None
    named = re.split(r"[，。？！,?!]", text[marks[-1].end() :].strip())[0]
    wanted = set(Tokenizer.bigrams(named))
    said = [len(wanted & set(Tokenizer.bigrams(f"{t.subject}，{t.text}"))) for t in turns]
    best = max(range(len(turns)), key=lambda n: (said[n], n))
    return best - len(turns) if said[best] and best < len(turns) - 1 else None


def _items(text: str, last: Turn) -> tuple[int, ...]:
    """The items that a query names at once: 前三条, 第二和第四点, 剩下的几条 after the one last shown.

    Where an item was shown as one, 还有吗 asks for the rest too, and 继续 for the next.
    """
    if last.listing is None:
        return ()
    if last.item is not None:
        rest = tuple(range(last.item + 1, _shown(last)))
        if cues.REST_OF_LIST.match(text) or (last.told and cues.MORE.match(text)):
            return rest[:1] if cues.GO_ON.match(text) else rest
    return several(text, _shown(last))


def _item(text: str, last: Turn) -> tuple[int | None, bool]:
    """The zero-based item that a query names, and whether it says nothing else.

    It may lie beyond the end of the list last shown.
    """
    if last.listing is None:
        return None, False
    alone = cues.ORDINAL_ONLY.match(text)
    found = alone or cues.ORDINAL_FIRST.match(text)
    if found is None:
        return _named_item(text, last)
    total = len(last.listing.items)
    if found["last"]:
        number = total - 1
    elif found["from_end"]:
        counted = number_said(found["from_end"]) or 0
        number = total - counted if counted <= total else counted - 1
    elif found["next"] or found["previous"]:
        if last.item is None:
            return None, False  # next to nothing
        number = last.item + (1 if found["next"] else -1)
    elif found["middle"]:
        number = total // 2 if total % 2 else -1
    elif found["first"]:
        number = 0
    else:
        number = (number_said(found["n"]) or 0) - 1
    return (number if number >= 0 else None), alone is not None


def _said(lead: str) -> str:
    """The words that lead an item, as one would name it: 二是加大资金支持。 -> 加大资金支持."""
    return HEADING_NUMBER.sub("", COUNTED.sub("", lead.strip())).strip("，。：；,:; ") or lead


def _shown(last: Turn) -> int:
    """How many items the list last shown has."""
    return len(last.listing.items) if last.listing is not None else 0


def _named_item(text: str, last: Turn) -> tuple[int | None, bool]:
    """The one item whose leading words hold the name: 资金那块展开讲讲; 资金呢 where all are shown."""
    alone = cues.NAMED_ONLY.match(text) or (
        cues.ELLIPSIS.match(text) if last.item is None else None
    )
    found = alone or cues.NAMED_FIRST.match(text)
    if found is None:
        return None, False
    holding = [number for number, lead in enumerate(last.leads) if found["name"] in lead]
    return (holding[0] if len(holding) == 1 else None), alone is not None


def _name_the_terms(text: str, turns: Sequence[Turn], terms: tuple[Term, ...]) -> str:
    """Name the glossary terms last spoken of where a query leaves them out.

    它到底指什么 -> 低代码到底指什么; 再给我一遍名词解释 -> 低代码，再给我一遍名词解释; 跟APS有什么不一样 -> MES跟APS有什么不一样; 它俩差在哪 -> AGV和AMR差在哪; 仨里头哪个管收钱 -> WMS、OMS和TMS里头哪个管收钱; 后者能干什么 -> AMR能干什么;
    用在哪个环节 -> AGV和AMR用在哪个环节.
    """
    spoken = [
        term.abbreviation or term.name
        for turn in turns
        for earlier in (turn.subject, turn.text)
        for term in asked_terms(earlier, terms).terms
    ]
    latest = list(dict.fromkeys(reversed(spoken)))
    named = asked_terms(turns[-1].text, terms).terms or asked_terms(turns[-1].subject, terms).terms
    if not named:
        return f"{latest[0]}，{text}" if latest and cues.ENTRY.fullmatch(text) else text
    if len(latest) > 2 and cues.THREE.search(text):
        return cues.THREE.sub(f"{latest[2]}、{latest[1]}和{latest[0]}", text, count=1)
    if len(latest) > 1 and cues.BOTH.search(text):
        return cues.BOTH.sub(f"{latest[1]}和{latest[0]}", text, count=1)
    if (pair := _pair_of(turns, terms)) is not None:
        text = cues.LATTER.sub(pair[1], cues.FORMER.sub(pair[0], text, count=1), count=1)
    if compared := cues.COMPARES_ONE.match(text):
        return f"{latest[0]}{compared['rest']}"
    if cues.NO_SUBJECT.match(text):
        return "和".join(term.abbreviation or term.name for term in named) + text
    return cues.TERM_PRONOUN.sub(latest[0], text, count=1)


def _pair_of(turns: Sequence[Turn], terms: tuple[Term, ...]) -> tuple[str, str] | None:
    """The two terms that 前者 and 后者 mean: of the question that last named two, else the last two."""
    said = [
        tuple(term.abbreviation or term.name for term in asked_terms(words, terms).terms)
        for turn in turns
        for words in (turn.subject, turn.text)
    ]
    together = next((names for names in reversed(said) if len(names) > 1), None)
    names = together or tuple(dict.fromkeys(name for found in said for name in found))
    return (names[-2], names[-1]) if len(names) > 1 else None


def _leans(
    text: str,
    subject: str,
    terms: tuple[Term, ...],
    stands_alone: Callable[[str], bool],
    parties: tuple[str, ...],
) -> bool:
    folded = fold(text)
    signs = (cues.LEANING_START, cues.PRONOUN, cues.BOTH, cues.THREE, cues.ASKS_ON, cues.NO_SUBJECT)
    if any(sign.search(folded) for sign in signs) or cues.ENGLISH_PRONOUN.search(text):
        return True
    if parties and cues.asked_party(parties).fullmatch(folded):
        term = asked_terms(subject, terms)
        return not (term.terms and term.meaning and stands_alone(text))
    if any(fold(t.abbreviation or t.name) in folded for t in terms):
        return False
    if named_document(text) is not None:
        return not stands_alone(text)
    return bool(cues.ELLIPSIS.match(text)) or (len(text) <= SHORT and not stands_alone(text))
