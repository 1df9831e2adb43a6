"""Every fixed word on the page beside the quotes, in Chinese and English, by key.

A template takes counts, page numbers, names and words of the query itself, and nothing more.
Keys that start with ``js_`` are handed to the browser.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, NamedTuple

from kb.pages.words_answers import ANSWERS
from kb.pages.words_messages import to_english
from kb.pages.words_rooms import ROOMS

__all__ = ["TABLE", "Lang", "Words"]

Lang = Literal["zh", "en"]
LEAST, MOST = 0.01, 0.99
TABLE: Mapping[str, tuple[str, str]] = {**ANSWERS, **ROOMS}


class Words(NamedTuple):
    """The words of one language."""

    lang: Lang = "zh"

    def __call__(self, key: str, **values: object) -> str:
        """The word of a key, filled in: ``words("page", n=3)`` -> ``第3页``."""
        word = self.form(key)
        return word.format(**values) if values else word

    def form(self, key: str) -> str:
        """The word of a key as it stands in the table: ``第{n}页``."""
        return TABLE[key][0 if self.lang == "zh" else 1]

    def share(self, part: float) -> str:
        """An estimated probability, never as a certainty: ``约为 97%``, ``超过99%``."""
        if part > MOST:
            return self("share_most")
        return (
            self("share_least") if part < LEAST else self("share_about", percent=round(part * 100))
        )

    def say(self, message: str) -> str:
        """A fixed Chinese sentence, filled in already, in this language."""
        return message if self.lang == "zh" else to_english(message)

    @property
    def html_lang(self) -> str:
        """The page's language tag."""
        return "zh-CN" if self.lang == "zh" else "en"

    @property
    def home(self) -> str:
        """The page's own address."""
        return "/" if self.lang == "zh" else "/en/"

    def for_browser(self) -> str:
        """The words that the browser needs, as JSON that may stand in a script element."""
        own = {key[3:]: self(key) for key in TABLE if key.startswith("js_")}
        return json.dumps(own, ensure_ascii=False).replace("<", "\\u003c")
