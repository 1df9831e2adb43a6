"""The fixed Chinese sentences of answers, refusals and errors, and how to say them in English.

An answer carries its message filled in. The templates are read backwards from it, so that the
English page says the same with the same counts, pages and words of the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kb.wording import MESSAGES, REASONS, STATES

__all__ = ["ENGLISH", "to_english"]

ENGLISH: Mapping[str, str] = {
    MESSAGES["answered"]: "Passages of the documents, word for word, not changed in any way.",
    MESSAGES["listed"]: "{total} items, all of them listed ({total}/{total}). Passages of the"
    " documents, word for word, not changed in any way.",
    MESSAGES["page"]: "The pages are given with each passage ({pages}). Passages of the documents,"
    " word for word, not changed in any way.",
    MESSAGES[
        "no_pages"
    ]: "This document has no page numbers; each passage is given with its headings."
    " Passages of the documents, word for word, not changed in any way.",
    MESSAGES["heading"]: "The headings above that passage, the nearest first. Passages of the"
    " documents, word for word, not changed in any way.",
    MESSAGES["corrected"]: "Searched for “{right}” (you typed “{wrong}”).",
    MESSAGES[
        "related"
    ]: "The documents do not answer this question. The passages below are related, not an answer.",
    MESSAGES["not_found"]: "Nothing in the documents answers this question.",
    MESSAGES["greeting"]: "Hello! Please ask a question. Answers are passages of the SME Digital"
    " Transformation Guide, its interpretation and its glossary, word for word.",
    MESSAGES["thanks"]: "You are welcome.",
    MESSAGES["about"]: "This is Ask the Guide. It quotes the SME Digital Transformation Guide, its"
    " interpretation and its glossary; it generates and rewrites nothing.",
    REASONS["input_empty"]: "Please type a question.",
    REASONS["input_too_long"]: "The question is too long (more than {limit} characters), please"
    " shorten it.",
    REASONS["asks_amount"]: "The documents give no amounts, rates or prices.",
    REASONS["asks_date"]: "The documents give no dates, deadlines or durations.",
    REASONS["asks_contact"]: "The documents give no telephone numbers, addresses or sites.",
    REASONS["asks_vendor"]: "The documents name no vendors, brands or firms.",
    REASONS["asks_place"]: "The documents name no cities, regions or parks.",
    REASONS[
        "asks_procedure"
    ]: "The documents give no application conditions, papers or procedures.",
    REASONS["asks_statistics"]: "The documents give no statistics.",
    REASONS["term_absent"]: "“{term}” does not occur in the documents.",
    REASONS["term_undefined"]: "The documents use “{term}” but do not explain it.",
    REASONS["number_exceeds"]: "The documents have only {total} of that kind ({unit}).",
    REASONS["page_empty"]: "Page {page} has no text to quote.",
    REASONS["false_premise"]: "The question assumes something that the documents do not say.",
    REASONS["asks_generation"]: "This assistant only quotes; it does not write, summarise,"
    " translate, judge or advise.",
    REASONS["asks_page"]: "There is no earlier question to give the page of.",
    REASONS["off_topic"]: "The question is outside the documents.",
    REASONS[
        "nothing_more"
    ]: "All passages on the question before have been shown; there are no more.",
    REASONS["not_covered"]: "The documents touch on the subject but do not say what is asked.",
    REASONS["injection"]: "Such instructions are not followed; this assistant only quotes.",
    STATES["starting"]: "Getting ready, a moment please…",
    STATES["missing"]: "There is no index yet; it is being built, a moment please…",
    STATES["stale"]: "Documents or settings have changed; the index is being rebuilt…",
    STATES["damaged"]: "The index files are damaged; they are being rebuilt…",
    STATES["build_failed"]: "The index could not be built; run python -m kb build in a terminal"
    " to see why.",
    STATES[
        "unreadable"
    ]: "Cannot read or write {path} ({why}); check path, rights and space, then restart.",
    STATES["interrupted"]: "Preparation stopped unexpectedly; see the terminal, then start again.",
    STATES[
        "local_only"
    ]: "Feedback and statistics can be seen and switched only on the machine that"
    " runs this program, at 127.0.0.1. To open them to everybody, start it with KB_RECORDS=all.",
    "文件太大（超过{size}千字节），请分成几份。": "The file is too large (more than {size} kB), please split it.",
    "“{name}”不是 CSV 或 TXT 文件，请另存为其中一种后重试。": "“{name}” is no CSV or TXT file; save it"
    " as one of these and try again.",
    "CSV 文件的格式不对（可能是引号没有成对），请检查后重试。": "The CSV file is malformed (perhaps a"
    " quotation mark without its pair); check it and try again.",
    "一道题也没有选：请至少选一道名词填空、列举填空或配对题。": "No item is chosen: choose one at least,"
    " of terms, lists or matching.",
    "文件里没有可以出这种题的内容，请换一种题型。": "The documents give no items of that kind; choose"
    " another.",
    "文件里没有问题，请检查内容。": "There is no question in the file.",
    "文件不是文字（CSV 或 TXT，UTF-8 或 GBK 编码），请另存后重试。": "The file is not text (CSV or"
    " TXT, UTF-8 or GBK); save it anew and try again.",
    "本机记录“{path}”无法读写，请检查文件夹权限。": "The records “{path}” cannot be read or written;"
    " check the folder's permissions.",
}
UNITS: Mapping[str, str] = {
    "条": "measures", "项": "measures", "举措": "measures", "措施": "measures", "点": "points",
    "部分": "parts", "大部分": "parts", "章": "chapters", "原则": "principles", "问": "questions",
    "问题": "questions", "名词": "terms",
}  # fmt: skip
FIELD = re.compile(r"\{(\w+)\}")
PAGES = re.compile(r"第(\d+)页")


def _pattern(template: str) -> re.Pattern[str]:
    parts, seen = [], set()
    for n, part in enumerate(FIELD.split(template)):
        if n % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>.+?)")
            seen.add(part)
    return re.compile("".join(parts), re.DOTALL)


PATTERNS = [(_pattern(zh), en) for zh, en in sorted(ENGLISH.items(), key=lambda p: -len(p[0]))]


def to_english(message: str) -> str:
    """The English of a message put together from templates; what is no template stays as it is."""
    said, at = [], 0
    while at < len(message):
        found = next(((m, en) for p, en in PATTERNS if (m := p.match(message, at))), None)
        if found is None:
            said.append(message[at:])
            break
        match, english = found
        said.append(english.format(**{k: _value(v) for k, v in match.groupdict().items()}))
        at = match.end()
    return " ".join(said)


def _value(value: str) -> str:
    pages = PAGES.findall(value)
    return "p. " + ", ".join(pages) if pages else UNITS.get(value, value)
