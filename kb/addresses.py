"""Places that a query names by number alone: 第二部分第四条, 第5、第6条举措, 解读里第三个问题, 第7个名词.

The documents' own lists say what stands there, or that nothing does; no similarity is needed. A
query that asks more than what the place says (第四条里怎么对接核心企业) is no address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kb.numerals import number_said
from kb.outline import HEADING_NUMBER, Listing
from kb.tokenizer import fold

__all__ = ["Address", "addressed", "by_number"]

N = r"[零一二三四五六七八九十百\d]{1,4}"
OF = r"(?:里面|里边|里头|当中|其中|里|中|的|下面|下|[，,、\s])*"
UNIT = r"(?:个|条|项|点|节|款)"
WHAT = r"(?:路径|举措|措施|要求|任务|工作|内容|方面)"
SEVERAL = rf"{N}(?:{UNIT}?{WHAT}?(?:[、，,和与跟及]|以及)+第?{N})*"
PART = rf"(?:第(?P<part>{N})(?:大)?(?:部分|章|大块|板块)|(?<![第零一二三四五六七八九十百\d])(?P<mark>{N})、)"
IN_PART = re.compile(
    rf"{PART}{OF}(?:第(?P<n>{SEVERAL})(?:{UNIT}{WHAT}?|{WHAT})|[（(](?P<bracket>{N})[）)])"
)
MEASURE = re.compile(
    rf"(?:(?:14|十四)[条项个](?:具体)?(?:举措|措施){OF}第(?P<n>{SEVERAL}){UNIT}?|第(?P<m>{SEVERAL}){UNIT}?(?:具体)?(?:举措|措施))"
    r"(?:举措|措施)?"
)
QUESTION = re.compile(
    rf"(?:政策解答|政策问答|解答|问答|解读){OF}第(?P<n>{SEVERAL})(?:个|条|道)?(?:问题|问|题)"
)
TERM = re.compile(
    rf"(?:第(?P<n>{SEVERAL})[个条项]?(?:名词|术语|词条)(?:解释)?|(?:名词解释|术语表|词汇表|附件){OF}第(?P<m>{SEVERAL})[个条项](?:名词|术语|词)?)"
)
REST = re.compile(
    r"请问|分别|一下|指南|文件|原文|具体|详细|展开|完整|内容|解释|全文|是|讲|说|写|谈|提|要|做|看|念|读|列|给|我|"
    r"你|把|到底|什么|啥|怎么|怎样|如何|哪些|有|里面|里|中|的|了|呢|吗|吧|那|看|听|说|干|答|叫|关于|这"
)
NOT_WORD = re.compile(r"\W")
BRACKETS = re.compile(rf"第[（(]({N})[）)]")
IN_LIST = re.compile(rf"第(?P<n>{SEVERAL})(?:{UNIT}{WHAT}?|{WHAT})")
SHORTEST_NAME = 4
ALL_MEASURES, TERMS = "guide:*", "glossary:0"
QUESTION_MARKS = ("？", "?")


class Address(NamedTuple):
    """Places in a list: the list, and zero-based items, which may lie beyond its end."""

    listing: Listing
    items: tuple[int, ...]

    @property
    def exists(self) -> bool:
        """Whether the list has all of them."""
        return all(0 <= item < len(self.listing.items) for item in self.items)


def by_number(text: str) -> bool:
    """Whether a query names a place by number and asks nothing more about it."""
    return _found(_plain(text)) is not None


def addressed(
    text: str, listings: Mapping[str, Listing], titles: Mapping[str, str]
) -> Address | None:
    """The place that a query names by number and asks nothing more about, or None.

    Args:
        text: the query.
        listings: the documents' lists by id.
        titles: the heading of each section by id.
    """
    text = _plain(text)
    found = _found(text)
    if found is None:
        return _in_named_list(text, listings, titles)
    groups = found.groupdict()
    numbers = _numbers(next(groups[name] for name in ("n", "m", "bracket") if groups.get(name)))
    if found.re is IN_PART:
        part = number_said(found["part"] or found["mark"])
        return _in_part(part, numbers, listings, titles)
    if found.re is QUESTION:
        return _address(_of_questions(listings, titles), numbers)
    return _address(listings.get(ALL_MEASURES if found.re is MEASURE else TERMS), numbers)


def _plain(text: str) -> str:
    """A folded query, 第（四）条 as 第四条."""
    return BRACKETS.sub(r"第\1", fold(text))


def _numbers(said: str) -> tuple[int | None, ...]:
    return tuple(number_said(number) for number in re.findall(N, said))


def _is_filler(rest: str) -> bool:
    """Whether what a query says beside the place asks nothing more."""
    return not NOT_WORD.sub("", REST.sub("", rest))


def _found(text: str) -> re.Match[str] | None:
    for pattern in (IN_PART, MEASURE, QUESTION, TERM):
        found = pattern.search(text)
        if found and _is_filler(text.replace(found[0], "", 1)):
            return found
    return None


def _in_named_list(
    text: str, listings: Mapping[str, Listing], titles: Mapping[str, str]
) -> Address | None:
    """An item of the list that a query calls by its heading: 实施原则的第二条."""
    found = IN_LIST.search(text)
    if found is None:
        return None
    for name, listing in listings.items():
        heading = HEADING_NUMBER.sub("", fold(titles.get(name, "")))
        if len(heading) >= SHORTEST_NAME and heading in text:
            rest = text.replace(heading, "", 1).replace(found[0], "", 1)
            if _is_filler(rest):
                return _address(listing, _numbers(found["n"]))
    return None


def _address(listing: Listing | None, numbers: tuple[int | None, ...]) -> Address | None:
    """The items of these one-based numbers; None without a list, or where one is no number (1十)."""
    items = tuple(number - 1 for number in numbers if number is not None)
    return Address(listing, items) if listing and len(items) == len(numbers) else None


def _in_part(
    part: int | None,
    numbers: tuple[int | None, ...],
    listings: Mapping[str, Listing],
    titles: Mapping[str, str],
) -> Address | None:
    """Items of a numbered part, or the part itself where there is none of that number.

    The parts are the items of the one list that is headed 一、, 二、 …; None where several are.
    """
    parts = _only(
        listing
        for listing in listings.values()
        if titles.get(listing.items[0].anchor, "").startswith("一、")
    )
    found = _address(parts, (part,))
    if found is None or not found.exists:
        return found
    return _address(listings.get(found.listing.items[found.items[0]].anchor), numbers)


def _of_questions(listings: Mapping[str, Listing], titles: Mapping[str, str]) -> Listing | None:
    """The one list whose items are headings that ask something; None where several are."""
    return _only(
        listing
        for listing in listings.values()
        if all(titles.get(item.anchor, "").endswith(QUESTION_MARKS) for item in listing.items)
    )


def _only(found: Iterable[Listing]) -> Listing | None:
    listings = list(found)
    return listings[0] if len(listings) == 1 else None
