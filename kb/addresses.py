"""Places that a query names and asks nothing more about: 第二部分第四条, 第5、第6条举措, 14条都是哪些, 第22页.

The documents' own lists and pages say what stands there, or that nothing does; no similarity is
needed. A query that asks more than what the place says (第四条里怎么对接核心企业) is no address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from kb.numerals import number_said
from kb.outline import HEADING_NUMBER, Listing
from kb.tokenizer import fold

__all__ = [
    "DOCUMENTS",
    "SET_ASIDE",
    "Address",
    "addressed",
    "asked_pages",
    "by_number",
    "by_part",
    "in_document",
    "in_sections",
    "named_document",
    "on_pages",
    "plain_headings",
    "several",
]

T = TypeVar("T")
FROM_END = "倒"
N = rf"{FROM_END}?[零一二三四五六七八九十百\d]{{1,4}}"
OF = r"(?:里面|里边|里头|当中|其中|里|中|的|下面|下|[，,、\s])*"
UNIT = r"(?:个|条|项|点|节|款)"
WHAT = r"(?:路径|举措|措施|要求|任务|工作|内容|方面)"
SEVERAL = rf"{N}(?:{UNIT}?{WHAT}?(?:[、，,和与跟及]|以及)+第?{N})*"
PART = rf"(?:第(?P<part>{N})(?:大)?(?:部分|章|大块|板块)|(?<![第零一二三四五六七八九十百\d])(?P<mark>{N})、)"
IN_PART = re.compile(
    rf"{PART}{OF}(?:第(?P<n>{SEVERAL})(?:{UNIT}{WHAT}?|{WHAT})|[（(](?P<bracket>{N})[）)])"
)
MEASURE = re.compile(
    rf"(?:(?:14|十四)[条项个](?:具体)?(?:举措|措施)?{OF}第(?P<n>{SEVERAL}){UNIT}?|第(?P<m>{SEVERAL}){UNIT}?(?:具体)?(?:举措|措施))"
    r"(?:举措|措施)?"
)
QUESTION = re.compile(
    rf"(?:政策解答|政策问答|解答|问答|解读){OF}第(?P<n>{SEVERAL})(?:个|条|道)?(?:问题|问|题)"
)
TERM = re.compile(
    rf"(?:第(?P<n>{SEVERAL})[个条项]?(?:名词|术语|词条)(?:解释)?|(?:名词解释|术语表|词汇表|附件){OF}第(?P<m>{SEVERAL})[个条项](?:名词|术语|词)?)"
)
BARE = re.compile(rf"第(?P<n>{SEVERAL})条")
EVERY_MEASURE = re.compile(r"(?:14|十四)[条项个](?:具体)?(?:举措|措施)?")
PAGE = re.compile(
    rf"(?:第(?P<n>{SEVERAL})页|^(?:page|p\.) ?(?P<m>\d{{1,4}})|^p(?P<p>\d{{1,4}})$)", re.IGNORECASE
)
PAGES = re.compile(rf"第?(?P<first>{N})页?(?:到|至|[-—~～])+第?(?P<last>{N})页")
ON_PAGE = re.compile(
    rf"^(?:请问|那么?|看看|指南|文件|[，,])*第(?P<n>{SEVERAL})页(?:里面|里头|里|上面|上|中|的|，|,)*(?:(?:关于|对于|提到|说到|讲到|写到|说|讲|写)的?)?"
)
INSIDE = r"(?:里|当中|中(?!小)|上)"
WITHIN = rf"(?:{INSIDE}|[那这][边头里](?=怎么|咋|如何|对|有没有|说|讲|关于|的)|(?=怎么|咋|如何|对|有没有|说|讲|关于|管|交给))"
NO_VERB = r"(?<![请能来帮你我给])(?<!怎么)(?<!如何)(?<!怎样)"
"""请解答如何…, 给我解读… and 怎么解读… name no document; 给我解读里… does."""
IN_DOCUMENT = {
    "interpretation": re.compile(
        rf"(?:解读|问答|解答)(?:材料|部分)?{INSIDE}|{NO_VERB}(?:解读|问答|解答)(?:材料|部分)?{WITHIN}"
    ),
    "guide": re.compile(
        rf"(?:原文|正文|全文)(?:部分)?{WITHIN}|指南的?(?:[那这]一?[句段]|(?:对应|相应))|指南正文"
    ),
    "glossary": re.compile(rf"(?:名词解释|术语表)(?:部分)?{WITHIN}"),
}
NAMED = {
    "interpretation": re.compile(rf"{NO_VERB}(?<!宣传)(?<!宣贯)(?:解读|问答|解答)"),
    "guide": re.compile(r"正文|全文"),
    "glossary": re.compile(r"名词解释|术语表"),
}
OWN_SUBJECT = re.compile(
    r"[“\"「『]|关于|对(?![这那此其它])|(?:怎么|咋|如何|怎样)(?:说|讲|写|看)(?![的了呢吗啊呀])[^，,。？?]{2}"
)
DOCUMENTS = (
    ("interpretation", re.compile(r"解读|问答|解答")),
    ("glossary", re.compile(r"名词解释|术语表")),
    ("guide", re.compile(r"指南|原文|正文|全文")),
)
SET_ASIDE = re.compile(
    r"(?:(?<!要)不要|(?<!看)不看|别看|别拿|除了|抛开)(?:官方)?(?:解读|问答|解答|名词解释|指南)(?:里|的|说的)?(?:之外|以外)?|(?:解读|问答|解答|名词解释|指南)(?:之外|以外)"
)
"""Names a document that is not meant: 解读之外 asks in the others, 不要解读，指南正文里怎么说 in the guide."""
THIS_PART = r"”?(?:[这那]?一?(?:部分|节|块|条))?"
THIS_ONE = r"”?[这那]一?(?:部分|节|块|条|项|点)(?:里|当中|中)"
VERB, SHORTEST_OBJECT = 2, 4
"""开展全流程服务 is called 全流程服务 too."""
BESIDE_PAGE = re.compile(r"上面|上|主要|重点|解读|几点")
MOST_PAGES = 12
REST = re.compile(
    r"请问|分别|一下|指南|文件|原文|具体|详细|展开|完整|内容|解释|全文|落实|推进|是|讲|说|写|谈|提|要|做|看|念|读|列|给|我|"
    r"你|把|到底|什么|啥|怎么|怎样|如何|哪些|哪一?[个条项点句]|有|里面|里|中|的|了|呢|吗|吧|那|看|听|说|干|答|叫|关于|这"
)
ALL_OF_IT = re.compile(
    r"请问|分别|一下|指南|文件|原文|具体|完整|名称|名字|标题|题目|小题|清单|目录|里面|里|中|的|了|呢|吗|吧|那|都|全部|全|所有|"
    r"一共|总共|总|包括|包含|所在|还|又|是|有|讲|说|写|提|列|念|给|我|你|它|把|出来|出|到底|什么|啥|哪些|哪|几|多少|叫|"
    r"举措|措施|内容|路径|要求|方面|部分|板块|分成|分为|分别|[条项个点类大块分]|看看|这"
)
COUNT = re.compile(rf"(?P<n>{N})[条项个点大]")
NOT_WORD = re.compile(r"\W")
SPACES = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")
BRACKETS = re.compile(rf"第[（(]({N})[）)]")
IN_LIST = re.compile(rf"第(?P<n>{SEVERAL})(?:{UNIT}{WHAT}?|{WHAT})")
RANGE = re.compile(
    rf"(?:第(?P<from>{N}){UNIT}?(?:到|至|[-—~～])第?(?P<to>{N})|前面?(?P<first>两|{N})|(?:最后|末尾|后)面?(?P<last>两|{N}))"
    rf"(?={UNIT}(?!月|[^，。？]{{0,2}}年)|{WHAT})"
)
MOST_ITEMS = 20
SHORTEST_NAME, SHORTEST_SUBJECT = 2, 4
ALL_MEASURES, TERMS = "guide:*", "glossary:0"
QUESTION_MARKS = ("？", "?")


class Address(NamedTuple):
    """Places in a list: the list, and zero-based items, which may lie beyond its end.

    Without items it is the whole list.
    """

    listing: Listing
    items: tuple[int, ...]

    @property
    def exists(self) -> bool:
        """Whether the list has all of them."""
        return all(0 <= item < len(self.listing.items) for item in self.items)


def by_number(text: str) -> bool:
    """Whether a query names a place by number and asks nothing more about it."""
    plain = _plain(text)
    return bool(_found(plain) or _every_measure(plain) or _whole_part(plain) or asked_pages(plain))


def by_part(text: str) -> bool:
    """Whether a query names a whole part, or pages, and asks nothing more about them."""
    plain = _plain(text)
    return bool(_whole_part(plain) or asked_pages(plain))


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
        return _listed(text, listings, titles)
    groups = found.groupdict()
    numbers = _numbers(next(groups[name] for name in ("n", "m", "bracket") if groups.get(name)))
    if found.re is IN_PART:
        part = number_said(found["part"] or found["mark"])
        return _in_part(part, numbers, listings, titles)
    if found.re is QUESTION:
        return _address(_of_questions(listings, titles), numbers)
    return _address(listings.get(ALL_MEASURES if found.re is MEASURE else TERMS), numbers)


def _plain(text: str) -> str:
    """A folded query, 第（四）条 and 第 4 条 without the brackets and spaces, 前三条 told one by one."""
    return RANGE.sub(_one_by_one, BRACKETS.sub(r"第\1", SPACES.sub("", fold(text))))


def _one_by_one(found: re.Match[str]) -> str:
    """前三 -> 第1、2、3; 最后两 -> 第倒2、倒1; 第二到第四 -> 第2、3、4; what is no such range stays."""
    start, end = (number_said(found[name] or "") for name in ("from", "to"))
    if found["first"]:
        start, end = 1, number_said(found["first"])
    elif found["last"]:
        start, end = number_said(found["last"]), 1
    if start is None or end is None or abs(end - start) >= MOST_ITEMS:
        return found[0]
    if start == end and not found[0].startswith("最后"):
        return found[0]  # 前一条 and 后一条 are the neighbours of one spoken of
    step = 1 if end >= start else -1
    mark = FROM_END if found["last"] else ""
    return "第" + "、".join(f"{mark}{n}" for n in range(start, end + step, step))


def _numbers(said: str) -> tuple[int | None, ...]:
    """The numbers said; one from the end is negative."""
    return tuple(
        -n if number.startswith(FROM_END) and n else n
        for number in re.findall(N, said)
        for n in (number_said(number.removeprefix(FROM_END)),)
    )


def several(text: str, total: int) -> tuple[int, ...]:
    """The zero-based items that a query names by their numbers alone: 前三条, 第二和第四点, 最后两个.

    Args:
        text: the query.
        total: how many items the list has that it speaks of; those named may lie beyond its end.
    """
    plain = _plain(text)
    found = IN_LIST.search(plain)
    if found is None or not _is_filler(plain.replace(found[0], "", 1)):
        return ()
    numbers = _numbers(found["n"])
    items = tuple(_position(n, total) for n in numbers if n is not None)
    return items if len(items) == len(numbers) > 1 else ()


def _position(number: int, total: int) -> int:
    """The zero-based item of a one-based number, which counts from the end where it is negative."""
    return number - 1 if number >= 0 else max(total + number, 0)


def _is_filler(rest: str) -> bool:
    """Whether what a query says beside the place asks nothing more."""
    return not NOT_WORD.sub("", REST.sub("", rest))


def _found(text: str) -> re.Match[str] | None:
    for pattern in (IN_PART, MEASURE, QUESTION, TERM):
        found = pattern.search(text)
        if found and _is_filler(text.replace(found[0], "", 1)):
            return found
    return None


def asked_pages(text: str) -> tuple[int, ...]:
    """The pages that a query names and asks nothing more about: 第22页讲什么, 第21到23页."""
    text = _plain(text)
    found = PAGES.search(text) or PAGE.search(text)
    if found is None or not _is_filler(BESIDE_PAGE.sub("", text.replace(found[0], "", 1))):
        return ()
    groups = found.groupdict()
    if "first" in groups:
        first, last = number_said(groups["first"]), number_said(groups["last"])
        if first is None or last is None:
            return ()
        return tuple(range(min(first, last), max(first, last) + 1)[:MOST_PAGES])
    numbers = _numbers(groups["n"] or groups["m"] or groups["p"])
    return tuple(n for n in numbers if n is not None)[:MOST_PAGES]


def on_pages(text: str) -> tuple[tuple[int, ...], str]:
    """The pages on which a query asks something, and what: 第27页关于银行怎么说 -> (27,), 银行怎么说.

    Without such pages the query is as it was.
    """
    plain = SPACES.sub("", fold(text))
    found = ON_PAGE.match(plain)
    if found is None or len(plain) - found.end() < SHORTEST_SUBJECT or asked_pages(text):
        return (), text
    pages = tuple(n for n in _numbers(found["n"]) if n is not None and n > 0)
    return pages, plain[found.end() :] if pages else text


def in_document(text: str) -> str | None:
    """The one document in which a query asks something: 解读里怎么说订阅 -> interpretation."""
    text = SET_ASIDE.sub("", fold(text))
    return _only(name for name, pattern in IN_DOCUMENT.items() if pattern.search(text))


def named_document(text: str) -> str | None:
    """The one document that a follow-up names, wherever in it: 解读把背后的原因归结为什么.

    One that says what it speaks of (解读里关于银行…) is no such follow-up.
    """
    text = SET_ASIDE.sub("", fold(text))
    if OWN_SUBJECT.search(text):
        return None
    return _only(name for name, pattern in NAMED.items() if pattern.search(text))


def set_aside(text: str) -> set[str]:
    """The documents in which a query does not ask: 解读之外有没有提到银行 -> interpretation.

    除了指南 means whatever is known of it, and sets nothing aside.
    """
    said = " ".join(found[0] for found in SET_ASIDE.finditer(fold(text)))
    return {name for name, named in DOCUMENTS if name != "guide" and named.search(said)}


def plain_headings(titles: Mapping[str, str]) -> dict[str, str]:
    """The heading of each section by id, folded, without its number."""
    plain = {name: _without_number(title) for name, title in titles.items()}
    return {name: heading for name, heading in plain.items() if len(heading) >= SHORTEST_NAME}


def _without_number(title: str) -> str:
    return HEADING_NUMBER.sub("", fold(title))


def in_sections(text: str, headings: Mapping[str, str]) -> list[str]:
    """The sections in which a query asks something: 总则里怎么说政府 -> those headed 总则.

    Args:
        text: the query.
        headings: of ``plain_headings``.
    """
    text = fold(text)
    return [name for name, heading in headings.items() if _asks_within(text, heading)]


def _asks_within(text: str, heading: str) -> bool:
    """Whether a query asks for something under a heading: 总则里怎么说, 全流程服务这条里."""
    if heading in text:
        return re.search(rf"{re.escape(heading)}{THIS_PART}{WITHIN}", text) is not None
    called = heading[VERB:]
    if len(called) < SHORTEST_OBJECT or called not in text:
        return False
    return re.search(rf"{re.escape(called)}{THIS_ONE}", text) is not None


def _every_measure(text: str) -> bool:
    """Whether a query asks for all measures by their number: 把14条列一下."""
    found = EVERY_MEASURE.search(text)
    return found is not None and _asks_for_all(text.replace(found[0], "", 1))


def _whole_part(text: str) -> str | None:
    """The number of the part that a query asks for as a whole: 第三部分有哪些内容."""
    found = re.search(PART, text)
    if found is None or not _asks_for_all(text.replace(found[0], "", 1)):
        return None
    return found["part"]


def _asks_for_all(rest: str) -> bool:
    """Whether what a query says beside a list asks for the whole of it, and nothing more."""
    return not NOT_WORD.sub("", ALL_OF_IT.sub("", rest))


def _listed(
    text: str, listings: Mapping[str, Listing], titles: Mapping[str, str]
) -> Address | None:
    """The list that a query calls by its heading, or an item of it: 实施原则有哪些, 实施原则的第二条.

    Without a heading the list is that of all measures: 14条是哪些, 第十四条.
    """
    measures = listings.get(ALL_MEASURES)
    if measures is not None and _every_measure(text):
        return Address(measures, ())
    if (part := _whole_part(text)) is not None:
        return _in_part(number_said(part), (), listings, titles)
    item = IN_LIST.search(text)
    for name, listing in listings.items():
        heading = _without_number(titles.get(name, ""))
        if len(heading) < SHORTEST_NAME or heading not in text:
            continue
        rest = text.replace(heading, "", 1)
        if item is not None and _is_filler(rest.replace(item[0], "", 1)):
            return _address(listing, _numbers(item["n"]))
        if heading.endswith(QUESTION_MARKS):
            continue  # asked word for word it is answered by all that stands under it
        count = COUNT.search(rest)
        counted = count is None or number_said(count["n"]) == len(listing.items)
        if _has_questions(listing, titles):
            rest = rest.replace("问题", "")
        if counted and _asks_for_all(COUNT.sub("", rest)):
            return Address(listing, ())
    if (bare := BARE.search(text)) and _is_filler(text.replace(bare[0], "", 1)):
        return _address(measures, _numbers(bare["n"]))
    return None


def _address(listing: Listing | None, numbers: tuple[int | None, ...]) -> Address | None:
    """The items of these one-based numbers; None without a list, or where one is no number (1十)."""
    if listing is None:
        return None
    total = len(listing.items)
    items = tuple(_position(n, total) for n in numbers if n is not None)
    if len(items) < len(numbers):
        return None
    return Address(listing, () if len(items) > 1 and {*items} == {*range(total)} else items)


def _in_part(
    part: int | None,
    numbers: tuple[int | None, ...],
    listings: Mapping[str, Listing],
    titles: Mapping[str, str],
) -> Address | None:
    """Items of a numbered part or all of it, or the part itself where there is none of that number.

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
    return _only(listing for listing in listings.values() if _has_questions(listing, titles))


def _has_questions(listing: Listing, titles: Mapping[str, str]) -> bool:
    """Whether every item of a list is a heading that asks something."""
    return all(titles.get(item.anchor, "").endswith(QUESTION_MARKS) for item in listing.items)


def _only(found: Iterable[T]) -> T | None:
    every = list(found)
    return every[0] if len(every) == 1 else None
