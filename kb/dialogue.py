"""History + follow-up -> a standalone query that is shown to the user.

Deterministic rules, tried in order: a change of subject is fresh; 在第几页 asks for the page of the
last answer; 第二点 and 最后一条 pick an item of the list last shown; 还有吗 asks for more of the same;
a leaning question (那银行呢, 它跟APS有什么不一样) is joined to the question it leans on, and to an
item of the list where it names one (第三条里政府要干嘛). 第二部分第四条 is an address, so fresh. Anything else is fresh, so a new question is
not dragged back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from kb.addresses import by_number
from kb.numerals import chinese_number
from kb.outline import Listing
from kb.schema import Term
from kb.terms import asked_terms
from kb.tokenizer import fold

__all__ = ["Resolution", "Turn", "resolve"]

Kind = Literal["fresh", "joined", "item", "more", "page"]

CHANGE = re.compile(
    r"^(?:好的?|嗯|行|算了|哦|谢谢|明白了?|知道了?)?[，,。！ ]*(?:换个(?:话题|问题)|另外(?:问|再问)?(?:一?下|个|一个)?"
    r"|再问(?:一个|个|一下)?(?:别的|其他的)?|问个别的|不说这个了?|说点别的|顺便(?:问(?:一下|下|一句)?)?"
    r"|by the way|another question)[，,。：: ]*",
    re.IGNORECASE,
)
FILLER = re.compile(r"^(?:好的?吧?|嗯|行|哦|噢|明白了?|知道了?|谢谢|了解|懂了)[，,。！!、 ]+")
PAGE = re.compile(r"(?:在|是)?(?:原文)?(?:的)?(?:第几页|哪一?页|几页|页码)")
ORDINAL = re.compile(
    r"(?:第(?P<n>[一二三四五六七八九十\d]+)|(?P<last>最后)(?:一)?|(?P<next>下一?|再下一?))"
    r"(?:个|条|点|项)?(?:点|条|个|项|方面|步|款|部分|路径|招|类|原因|理由|意义|思路|要求|原则|举措)?"
)
ORDINAL_ONLY = re.compile(
    r"^(?:那|那么|请|再|把|来)?"
    + ORDINAL.pattern
    + r"(?:点|条|个|项)?(?:呢|展开|具体|详细|细|讲|说|是什么|是啥|什么意思|怎么|咋|理解|解释|意思|有啥|有什么|包括|内容|要求|原则|举措|措施"
    r"|一下|点|吧|些|给我|我|听听|做|的|都|有|哪些|看看|解释|，|,|？|\?|。| )*$"
)
MORE = re.compile(
    r"^(?:还有(?:吗|没有?|别的|其他|呢|什么|啥)+|还有哪些|就这些吗?|没了吗?|别的呢|其他的?呢|继续|接着说)[？?。！，, 了的吗呢]*$"
)
LEANING_START = re.compile(
    r"^(?:那么?|然后|这|该|其中|其|它们?|他们|她们|前者|后者|为什么|为啥|凭什么|具体|怎么(?:做|办|弄|个)|咋(?:做|办|弄)|谁来|"
    r"举(?:个|些)?例|比如|and\b|what about|how about|why\b|再|要不要|还要|还|只|到底|跟|和)",
    re.IGNORECASE,
)
PRONOUN = re.compile(
    r"它们?|他们|这个|那个|这些|那些|这样|这种|这块|上面|刚才|前面|里头|里面|其中|此事|\bit\b|\bits\b|\bthey\b|\btheir\b",
    re.IGNORECASE,
)
ORDINAL_FIRST = re.compile(r"^(?:那|那么|这)?" + ORDINAL.pattern)
COMPARES_ONE = re.compile(
    r"^(?:那|那么)?(?P<rest>(?:跟|和|与|同).{1,16}(?:不同|不一样|区别|差别|差在|一回事|相比|比).*)"
)
TERM_PRONOUN = re.compile(
    r"它|这个系统|这个软件|这种系统|这东西|这玩意儿?|\bits\b|\bit\b", re.IGNORECASE
)
BOTH = re.compile(
    r"[它他]俩|它们|[这那](?:俩|[两二](?:者|个|样|种|款|套|项))(?:系统|软件|东西|词)?|[两二]者"
    r"|\b(?:these|those|the) two\b|\bboth\b",
    re.IGNORECASE,
)
JOINT = "——"
SHORT = 12
ELLIPSIS = re.compile(r"^(?:那)?.{1,12}呢[？?]?$")


class Turn(NamedTuple):
    """What is remembered of an earlier turn: its own words, its subject, the list it was in."""

    text: str
    subject: str
    listing: Listing | None
    item: int | None


class Resolution(NamedTuple):
    """How a query was understood.

    ``standalone`` is what the user is shown; ``text`` is the query's own part and ``context`` the
    earlier question it leans on; ``item`` is the item of the last list that it speaks of.
    """

    kind: Kind
    standalone: str
    text: str
    context: str | None = None
    item: int | None = None


def fresh(text: str) -> Resolution:
    """A query that stands alone."""
    return Resolution("fresh", text, text)


def _never(text: str) -> bool:
    return False


def resolve(
    query: str,
    turns: Sequence[Turn],
    terms: Sequence[Term] = (),
    stands_alone: Callable[[str], bool] = _never,
) -> Resolution:
    """Resolve a query against the turns before it; without turns it is fresh.

    Args:
        query: what the user typed, for example ``那银行呢``.
        turns: earlier turns, oldest first.
        terms: glossary terms; a question that names one leans less on what came before.
        stands_alone: whether a short question without a leaning word is one that people ask by
            itself (今天天气怎么样).
    """
    text = query.strip()
    changed = CHANGE.sub("", text, count=1)
    if not turns or (changed and changed != text):
        return fresh(changed or text)
    text = FILLER.sub("", text, count=1) or text
    last = turns[-1]
    if PAGE.search(text) and len(text) <= SHORT:
        return Resolution("page", f"{last.subject}{JOINT}{text}", last.text, last.subject)
    if by_number(text) and not _shows_measures(last, terms):
        return fresh(text)
    item = _item(text, last)
    if item is not None and ORDINAL_ONLY.match(text):
        return Resolution("item", f"{last.subject}{JOINT}{text}", text, last.subject, item)
    if by_number(text):
        return fresh(text)
    if MORE.match(text):
        return Resolution("more", f"{last.subject}{JOINT}{text}", last.text, last.subject)
    if item is not None or _leans(text, terms, stands_alone):
        own = _name_the_terms(text, turns, terms)
        return Resolution("joined", f"{last.subject}{JOINT}{own}", own, last.subject, item)
    return fresh(text)


def _shows_measures(last: Turn, terms: Sequence[Term]) -> bool:
    """Whether 第二条举措 can mean an item of the list last shown: glossary entries are no measures."""
    shown = last.listing if last.item is None else None
    return shown is not None and shown.items[0].anchor not in {t.passage_id for t in terms}


def _item(text: str, last: Turn) -> int | None:
    """The zero-based item of the last list that a leading ordinal names, or None."""
    if last.listing is None:
        return None
    found = ORDINAL_ONLY.match(text) or ORDINAL_FIRST.match(text)
    if found is None:
        return None
    total = len(last.listing.items)
    if found["last"]:
        return total - 1
    if found["next"]:
        number = (last.item if last.item is not None else -1) + 1
    else:
        number = chinese_number(found["n"]) - 1
    return number if 0 <= number < total else None


def _name_the_terms(text: str, turns: Sequence[Turn], terms: Sequence[Term]) -> str:
    """Name the glossary terms last spoken of where a query leaves them out.

    它到底指什么 -> 低代码到底指什么; 跟APS有什么不一样 -> MES跟APS有什么不一样; 它俩差在哪 -> AGV和AMR差在哪.
    """
    spoken = [
        term.abbreviation or term.name
        for turn in turns
        for earlier in (turn.subject, turn.text)
        for term in asked_terms(earlier, terms).terms
    ]
    latest = list(dict.fromkeys(reversed(spoken)))
    if len(latest) > 1 and BOTH.search(text):
        return BOTH.sub(f"{latest[1]}和{latest[0]}", text, count=1)
    if not latest or not asked_terms(f"{turns[-1].text} {turns[-1].subject}", terms).terms:
        return text
    if compared := COMPARES_ONE.match(text):
        return f"{latest[0]}{compared['rest']}"
    return TERM_PRONOUN.sub(latest[0], text, count=1)


def _leans(text: str, terms: Sequence[Term], stands_alone: Callable[[str], bool]) -> bool:
    folded = fold(text)
    if any(sign.search(folded) for sign in (LEANING_START, PRONOUN, BOTH)):
        return True
    if any(fold(t.abbreviation or t.name) in folded for t in terms):
        return False
    return bool(ELLIPSIS.match(text)) or (len(text) <= SHORT and not stands_alone(text))
