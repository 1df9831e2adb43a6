"""Which glossary terms a query names, and whether it asks what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from kb.schema import Term
from kb.tokenizer import fold

__all__ = ["Asked", "asked_terms", "asks_only_meaning", "beside_meaning"]

ASKS_MEANING = re.compile(
    r"什么(?:是|叫|意思|东西|玩意|系统|软件|概念|模式|含义)|是(?:个)?(?:什么|啥|神马|甚么|指什么)|啥(?:是|叫|意思|玩意|东西|系统)|(?:是|叫)(?:个)?(?:什么|啥)|"
    r"定义|解释|名词|含义|意思|全称|缩写|简称|概念|中文(?:名|叫|称)|指(?:的是|的)?(?:什么|啥)|怎么理解|如何理解|何为|何谓|咋解释|"
    r"区别|不同|差别|差在|不一样|一回事|对比|比较|(?:干|做)(?:什么|啥|嘛)用?的|干嘛|有什么用|有啥用|又是(?:啥|什么)|"
    r"what(?:'s| is| are| does)|define|definition|meaning|stands? for|difference|explain",
    re.IGNORECASE,
)
ASKS_ALL = re.compile(r"都|分别|又")
COMPARES = re.compile(
    r"区别|不同|差别|差在|不一样|一回事|对比|比较|和|与|跟|vs|difference|compare", re.IGNORECASE
)
CLAUSE_END = re.compile(r"[，,；;。！!？?]|(?<=[一-鿿]) +(?=[一-鿿])")
PADDING = re.compile(r"[\s，。？！、?!.,：:“”\"'（）()的呢啊吗是那又有也]+")


class Asked(NamedTuple):
    """The terms a query names, those asked about first, else in the order named, and whether their meaning is asked for."""

    terms: tuple[Term, ...]
    meaning: bool
    bare: bool


@lru_cache(maxsize=256)
def names(term: Term) -> tuple[str, ...]:
    """All names of a term, folded, longest first."""
    every = [term.name, *([term.abbreviation] if term.abbreviation else []), *term.aliases]
    return tuple(sorted({fold(name) for name in every}, key=len, reverse=True))


@lru_cache(maxsize=512)  # a question is looked at several times
def asked_terms(query: str, terms: tuple[Term, ...]) -> Asked:
    """Find the terms in a query: ``mes和aps有啥区别`` names two and asks for their meaning."""
    text = fold(query)
    found: list[tuple[int, Term]] = []
    rest = text
    for term in terms:
        places = [(_place(text, name), name) for name in names(term) if name in text]
        places = [(at, name) for at, name in places if at >= 0]
        if places:
            found.append((min(at for at, _ in places), term))
            for _, name in places:
                rest = rest.replace(name, "")
    ordered = _asked_first(text, tuple(term for _, term in sorted(found, key=lambda p: p[0])))
    bare = bool(ordered) and not PADDING.sub("", rest)
    return Asked(ordered, bool(ASKS_MEANING.search(text)) or bare, bare)


def asks_only_meaning(query: str, terms: tuple[Term, ...]) -> bool:
    """Whether the last clause asks what terms mean, and nothing else: 我们厂想上MES，AGV是什么."""
    clause = asking_clause(fold(query))
    asked = asked_terms(clause, terms)
    return asked.meaning and not beside_meaning(clause, asked.terms)


def beside_meaning(text: str, terms: Sequence[Term]) -> str:
    """What a folded text says beside the names of terms and the words that ask what they mean."""
    rest = ASKS_MEANING.sub("", text)
    for term in terms:
        for name in names(term):
            rest = rest.replace(name, "")
    return PADDING.sub("", rest)


def asking_clause(text: str) -> str:
    """The last clause of a query."""
    return CLAUSE_END.split(text.rstrip("。？?！! "))[-1]


def _asked_first(text: str, terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """The terms whose meaning the last clause asks before the others: 分不清AGV跟AMR，AMR是什么."""
    clause = asking_clause(text)
    before = text[: text.rfind(clause)]
    if (
        len(terms) < 2
        or not ASKS_MEANING.search(clause)
        or ASKS_MEANING.search(before)
        or COMPARES.search(clause)
        or ASKS_ALL.search(clause)
    ):
        return terms
    asked = [term for term in terms if any(_place(clause, name) >= 0 for name in names(term))]
    return (*asked, *(term for term in terms if term not in asked))


def _place(text: str, name: str) -> int:
    """Where a name stands; a Latin name only as a whole word."""
    if name.isascii():
        found = re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", text)
        return found.start() if found else -1
    return text.find(name)
