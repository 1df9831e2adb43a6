"""Terms, abbreviations, aliases and everyday words, from a file that a trainer can edit.

``corpus/lexicon.toml`` lists whole words for jieba, everyday words with the guide's words for
them, typing slips, and the names of the parties. The glossary's terms come from the glossary
document itself. A query gets the guide's words added for retrieval; a corrected slip is reported,
never silent.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, get_args

from kb.errors import CorpusError
from kb.schema import Document, Passage, Role, Term
from kb.tokenizer import fold

__all__ = ["Lexicon", "Reading", "load_lexicon", "read_terms"]

ENTRY = re.compile(r"\d+\. (?P<name>[^（：]+)(?:（(?P<full>[^）]+)）)?：")
ROLES = get_args(Role)
LATIN = re.compile(r"[a-z][a-z0-9 -]+")


class Reading(NamedTuple):
    """A query as the lexicon reads it: corrected text, words added, and what was corrected."""

    text: str
    added: tuple[str, ...]
    corrections: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Lexicon:
    """The contents of ``lexicon.toml``; keys of ``everyday`` and ``slips`` are folded.

    So are ``parties``, longest first, and ``actors``: a role, and the names of who has it.
    """

    words: tuple[str, ...] = ()
    everyday: tuple[tuple[str, tuple[str, ...]], ...] = ()
    slips: tuple[tuple[str, str], ...] = ()
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    parties: tuple[str, ...] = ()
    actors: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @cached_property
    def _everyday_from(self) -> dict[str, list[int]]:
        """The places in ``everyday`` of the words that start with a character."""
        found: dict[str, list[int]] = {}
        for number, (said, _) in enumerate(self.everyday):
            found.setdefault(said[:1], []).append(number)
        return found

    def _said(self, text: str) -> list[tuple[str, tuple[str, ...]]]:
        """The entries of ``everyday`` that a folded text says, in the lexicon's order."""
        starts = self._everyday_from
        numbers = sorted(number for start in {*text} for number in starts.get(start, ()))
        entries = (self.everyday[number] for number in numbers)
        return [entry for entry in entries if entry[0] in text and _says(text, entry[0])]

    def read(self, query: str) -> Reading:
        """Correct slips and add the guide's words: ``mse是啥`` -> text ``mes是啥``, slip reported."""
        text, corrections = fold(query), []
        for wrong, right in self.slips:
            if wrong not in text:
                continue
            corrected = _replace(text, wrong, fold(right))
            if corrected != text:
                corrections.append((wrong, right))
                text = corrected
        added = dict.fromkeys(word for _, means in self._said(text) for word in means)
        return Reading(text, tuple(added), tuple(corrections))


def _replace(text: str, wrong: str, right: str) -> str:
    """Replace a slip; a Latin one only as a whole word, so that ``mse`` is not found in ``mses``."""
    if not LATIN.fullmatch(wrong):
        return text.replace(wrong, right)
    return re.sub(_whole_word(wrong), right, text)


def _says(text: str, word: str) -> bool:
    """Whether a text that holds a word says it: a Latin one only as a whole word."""
    return not LATIN.fullmatch(word) or re.search(_whole_word(word), text) is not None


def _whole_word(word: str) -> str:
    return rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])"


def load_lexicon(corpus_dir: Path) -> Lexicon:
    """Read ``lexicon.toml``; a corpus without one has an empty lexicon.

    Raises:
        CorpusError: the file is not valid; the message names the key or line.
    """
    path = corpus_dir / "lexicon.toml"
    if not path.exists():
        return Lexicon()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"词表 lexicon.toml 无法读取（{error}），请检查该处的写法。") from error
    everyday = _table(data, "everyday")
    aliases = _table(data, "aliases")
    slips = [(fold(k), v) for k, v in data.get("slips", {}).items() if isinstance(v, str)]
    words, parties = _words(data, "words", "whole"), _words(data, "parties", "names")
    longest_first = tuple(sorted(map(fold, parties), key=len, reverse=True))
    actors = tuple((role, tuple(map(fold, names))) for role, names in _table(data, "actors"))
    if wrong := [role for role, names in actors if role not in ROLES or not all(names)]:
        raise CorpusError(
            f"词表 lexicon.toml 的 actors.{wrong[0]} 不对：左边应为{'、'.join(ROLES)}之一，右边不能有空词，请检查。"
        )
    return Lexicon(words, everyday, tuple(slips), aliases, longest_first, actors)


def _words(data: dict[str, object], table: str, key: str) -> tuple[str, ...]:
    """A list of words; empty where the file has none."""
    within = data.get(table, {})
    words = within.get(key, []) if isinstance(within, dict) else None
    if not isinstance(words, list) or not all(isinstance(w, str) and w for w in words):
        raise CorpusError(f"词表 lexicon.toml 的 {table}.{key} 应为词语列表，请检查。")
    return tuple(words)


def _table(data: dict[str, object], name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    table = data.get(name, {})
    if not isinstance(table, dict) or not all(
        isinstance(v, list) and all(isinstance(w, str) for w in v) for v in table.values()
    ):
        raise CorpusError(f"词表 lexicon.toml 的 {name} 每一项应写成“词 = [词, …]”，请检查。")
    return tuple((fold(key), tuple(value)) for key, value in table.items())


def read_terms(
    documents: Sequence[Document], passages: Sequence[Passage], lexicon: Lexicon
) -> tuple[Term, ...]:
    """Read the glossary's terms from the documents: entries like ``5. MES（制造执行系统）：…``.

    An entry's own names come from its text; aliases are those the lexicon lists for it.
    """
    aliases = dict(lexicon.aliases)
    glossary = {d.id for d in documents if d.id == "glossary"}
    terms = []
    for passage in passages:
        found = ENTRY.match(passage.text) if passage.document_id in glossary else None
        if found is None:
            continue
        name, full = found["name"].strip(), found["full"]
        abbreviation = name if full else None
        terms.append(
            Term(
                name=full or name,
                abbreviation=abbreviation,
                aliases=aliases.get(fold(abbreviation or name), ()),
                passage_id=passage.id,
            )
        )
    return tuple(terms)
