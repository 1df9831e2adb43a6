"""Addresses that open an answer again: the question, those it leans on, and the reader's role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from kb.answer import Assistant
from kb.pages.words import Lang, Words
from kb.schema import Answer, Role

__all__ = ["Link", "leaned_on", "read_link"]

MAX_ADDRESS = 10_000  # of ASCII, that is about 1,100 Chinese characters
TRIED = (0, 1, 2)
LANGS: tuple[Lang, ...] = ("zh", "en")
WHERE = frozenset({("", False), ("http", True), ("https", True)})


class Link(NamedTuple):
    """A question as it was asked; ``history`` is oldest first."""

    query: str
    history: tuple[str, ...] = ()
    role: str = ""

    def address(self, home: str) -> str:
        """``/?q=那银行呢&h=没钱搞，政府给补贴吗``; where that is too long, without the oldest."""
        for start in range(len(self.history) + 1):
            pairs = [("q", self.query), *(("h", earlier) for earlier in self.history[start:])]
            pairs += [("role", self.role)] if self.role else []
            address = f"{home}?{urlencode(pairs)}"
            if len(address) <= MAX_ADDRESS:
                break
        return address


def leaned_on(
    answer: Answer, history: Sequence[str], role: Role | None, assistant: Assistant
) -> tuple[str, ...]:
    """The last of the earlier questions that are enough to get an answer once more as it is."""
    remembered = Assistant.earlier(history)
    for number in TRIED:
        fewer = remembered[len(remembered) - number :]
        if number >= len(remembered):
            break
        if assistant.answer(answer.query, fewer, role) == answer:
            return fewer
    return remembered


def read_link(text: str) -> tuple[str, Link] | None:
    """The home and the link of an address of this page with a question, or None for other text."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return None
    home = next((h for h in (Words(lang).home for lang in LANGS) if h == parts.path), None)
    if home is None or (parts.scheme, bool(parts.netloc)) not in WHERE:
        return None
    given = parse_qs(parts.query)
    if "q" not in given:
        return None
    role = given.get("role", [""])[0]
    return home, Link(given["q"][0], tuple(given.get("h", ())), role)
