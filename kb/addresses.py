"""Places that a query names by number alone: 第二部分第四条, 第5条举措, 解读里第三个问题, 第7个名词.

The documents' own lists say what stands there, or that nothing does; no similarity is needed. A
query that asks more than what the place says (第四条里怎么对接核心企业) is no address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from kb.numerals import chinese_number
from kb.outline import Listing
from kb.tokenizer import fold

__all__ = ["Address", "addressed", "by_number"]

N = r"[零一二三四五六七八九十百\d]{1,4}"
OF = r"(?:里面|里边|里头|当中|其中|里|中|的|下面|下|[，,、\s])*"
UNIT = r"(?:个|条|项|点|节|款)"
WHAT = r"(?:路径|举措|措施|要求|任务|工作|内容|方面)"
PART = rf"(?:第(?P<part>{N})(?:大)?(?:部分|章|大块|板块)|(?P<mark>{N})、)"
IN_PART = re.compile(
    rf"{PART}{OF}(?:第(?P<n>{N})(?:{UNIT}{WHAT}?|{WHAT})|[（(](?P<bracket>{N})[）)])"
)
MEASURE = re.compile(
    rf"(?:(?:14|十四)[条项个](?:具体)?(?:举措|措施){OF}第(?P<n>{N}){UNIT}?|第(?P<m>{N}){UNIT}?(?:具体)?(?:举措|措施))"
    r"(?:举措|措施)?"
)
QUESTION = re.compile(
    rf"(?:政策解答|政策问答|解答|问答|解读){OF}第(?P<n>{N})(?:个|条|道)?(?:问题|问|题)"
)
TERM = re.compile(
    rf"(?:第(?P<n>{N})[个条项]?(?:名词|术语|词条)(?:解释)?|(?:名词解释|术语表|词汇表|附件){OF}第(?P<m>{N})[个条项](?:名词|术语|词)?)"
)
REST = re.compile(
    r"请问|一下|指南|文件|原文|具体|详细|展开|完整|内容|解释|全文|是|讲|说|写|谈|提|要|做|看|念|读|列|给|我|"
    r"你|把|到底|什么|啥|怎么|怎样|如何|哪些|有|里面|里|中|的|了|呢|吗|吧|那|看|听|说|干|答|叫|关于|这|第"
)
NOT_WORD = re.compile(r"\W")
ALL_MEASURES, TERMS = "guide:*", "glossary:0"
QUESTION_MARKS = ("？", "?")


class Address(NamedTuple):
    """A place in a list: the list, and the zero-based item, which may lie beyond its end."""

    listing: Listing
    item: int

    @property
    def exists(self) -> bool:
        """Whether the list has so many items."""
        return 0 <= self.item < len(self.listing.items)


def by_number(text: str) -> bool:
    """Whether a query names a place by number and asks nothing more about it."""
    return _found(text) is not None


def addressed(
    text: str, listings: Mapping[str, Listing], titles: Mapping[str, str]
) -> Address | None:
    """The place that a query names by number and asks nothing more about, or None.

    Args:
        text: the query.
        listings: the documents' lists by id.
        titles: the heading of each section by id.
    """
    found = _found(text)
    if found is None:
        return None
    if found.re is IN_PART:
        listing = _part(chinese_number(found["part"] or found["mark"]), listings, titles)
    elif found.re is QUESTION:
        listing = _of_questions(listings, titles)
    else:
        listing = listings.get(ALL_MEASURES if found.re is MEASURE else TERMS)
    groups = found.groupdict()
    number = next(groups[name] for name in ("n", "m", "bracket") if groups.get(name))
    return None if listing is None else Address(listing, chinese_number(number) - 1)


def _found(text: str) -> re.Match[str] | None:
    folded = fold(text)
    for pattern in (IN_PART, MEASURE, QUESTION, TERM):
        found = pattern.search(folded)
        if found and not NOT_WORD.sub("", REST.sub("", folded.replace(found[0], "", 1))):
            return found
    return None


def _part(
    number: int, listings: Mapping[str, Listing], titles: Mapping[str, str]
) -> Listing | None:
    """The list of a numbered part: the first list whose items are headed 一、, 二、 … names them."""
    for listing in listings.values():
        if titles.get(listing.items[0].anchor, "").startswith("一、"):
            inside = listing.items[number - 1 : number] if number > 0 else ()
            return listings.get(inside[0].anchor) if inside else None
    return None


def _of_questions(listings: Mapping[str, Listing], titles: Mapping[str, str]) -> Listing | None:
    """The list whose items are headings that ask something."""
    for listing in listings.values():
        if all(titles.get(item.anchor, "").endswith(QUESTION_MARKS) for item in listing.items):
            return listing
    return None
