"""Text -> tokens: folding, then jieba with the domain dictionary; the only file that imports jieba.

Folding touches tokens and queries only, never stored text: NFKC width folding, Traditional to
Simplified (OpenCC), lower case. The tokens are those of ``jieba.lcut_for_search``: a long word and
the shorter words inside it, so 数字化转型 is found by 转型 as well.
"""

from __future__ import annotations

import logging
import re
import tempfile
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from kb.dictionary import Dictionary

__all__ = ["Tokenizer", "fold", "simplified"]

STOP_WORDS = frozenset(
    [
        "的",
        "了",
        "和",
        "与",
        "及",
        "等",
        "在",
        "是",
        "有",
        "为",
        "对",
        "以",
        "从",
        "将",
        "把",
        "被",
        "也",
        "都",
        "就",
        "还",
        "又",
        "之",
        "其",
        "于",
        "由",
        "向",
        "吗",
        "呢",
        "吧",
        "啊",
        "呀",
        "么",
        "嘛",
        "哦",
        "哪",
        "什么",
        "怎么",
        "如何",
        "怎样",
        "哪些",
        "哪个",
        "请问",
        "我",
        "我们",
        "你",
        "你们",
        "他",
        "她",
        "它",
        "这",
        "那",
        "个",
        "一个",
    ]
)
DOMAIN_FREQUENCY = 20_000
KEPT = 512


@lru_cache(maxsize=1)
def _simplifier() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


@lru_cache(maxsize=KEPT)
def _converted(text: str) -> str:
    return cast("str", _simplifier().convert(text))


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Fold width, Traditional characters and case: ``ＭＥＳ是什麼`` -> ``mes是什么``."""
    narrow = unicodedata.normalize("NFKC", text)
    return _converted(narrow).lower()


def simplified(text: str) -> str:
    """Traditional characters in Simplified ones, one for one, and nothing else changed."""
    converted = _converted(text)
    return converted if len(converted) == len(text) else text


class Tokenizer:
    """jieba with its own dictionary and a private cache, quiet and free of global state."""

    def __init__(self, words: Iterable[str] = (), cache_dir: Path | None = None) -> None:
        """Prepare the dictionary.

        Args:
            words: domain words that must come out whole, for example ``小快轻准``.
            cache_dir: where jieba's dictionary is kept, ready to be mapped; a private folder,
                since its default, the shared temporary folder, breaks when two users meet there.
        """
        import jieba

        jieba.setLogLevel(logging.WARNING)
        self._jieba = jieba.Tokenizer()
        folder = cache_dir or Path(tempfile.gettempdir()) / "zhinan-kb"
        folder.mkdir(parents=True, exist_ok=True)
        self._jieba.FREQ = dictionary = Dictionary.open(
            folder,
            f"jieba-{jieba.__version__}",
            lambda: self._jieba.gen_pfdict(self._jieba.get_dict_file()),
        )
        self._jieba.total = dictionary.total
        self._jieba.initialized = True
        for word in words:
            self._jieba.add_word(fold(word), DOMAIN_FREQUENCY)
        _keep_last(self._jieba)
        self._cut_for_search = lru_cache(maxsize=KEPT)(self._cut)

    def words(self, text: str) -> list[str]:
        """Cut without overlap: ``推动由点及面`` -> ``[推动, 由点及面]``; folded, punctuation kept."""
        return [word for word in self._jieba.lcut(fold(text)) if not word.isspace()]

    def pieces(self, text: str) -> list[str]:
        """Cut by the dictionary alone; what is no word falls into single characters."""
        return cast("list[str]", self._jieba.lcut(fold(text), HMM=False))

    def knows(self, word: str) -> bool:
        """Whether a folded word is in the dictionary."""
        return bool(self._jieba.FREQ.get(word))

    def tokens(self, text: str) -> list[str]:
        """Cut for search, overlapping, words and numbers only."""
        return list(self._cut_for_search(text))

    def _cut(self, text: str) -> tuple[str, ...]:
        return tuple(t for t in self._jieba.lcut_for_search(fold(text)) if _is_word(t))

    def content_tokens(self, text: str) -> list[str]:
        """``tokens`` without stop words."""
        return [t for t in self.tokens(text) if t not in STOP_WORDS]

    @staticmethod
    def bigrams(text: str) -> list[str]:
        """Overlapping pairs of characters, folded: ``缺钱吗`` -> ``[缺钱, 钱吗]``.

        They meet where words do not: spoken questions share pieces of words with bank questions.
        """
        runs = re.findall(r"[^\W_]+", fold(text))
        return [pair for run in runs for pair in _pairs(run)]

    def size(self, text: str) -> int:
        """Length in jieba tokens, the unit of the passage budget."""
        return len(self.words(text))


def _keep_last(jieba: Any) -> None:
    """Let jieba keep the words and the likeliest route that it found in its last sentences.

    A question is cut twice, with and without guessing unknown words; both begin alike.
    """
    graph, search = lru_cache(maxsize=KEPT)(jieba.get_DAG), jieba.calc

    @lru_cache(maxsize=KEPT)
    def route_of(sentence: str) -> dict[int, Any]:
        found: dict[int, Any] = {}
        search(sentence, graph(sentence), found)
        return found

    def calc(sentence: str, _graph: object, route: dict[int, Any]) -> None:
        route.update(route_of(sentence))

    jieba.get_DAG, jieba.calc = graph, calc


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def _is_word(token: str) -> bool:
    return any(c.isalnum() for c in token)
