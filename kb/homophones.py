"""Typing slips of the same sound: 平抬 -> 平台, 数字话 -> 数字化, for words that the documents use.

Most typing errors in Chinese are wrong choices of a pinyin input. A slip is looked for where a
query falls into pieces that are no words: two or three neighbouring tokens, one of them a single
character, that sound together like a word of the documents and are no word themselves. Sounds are
compared without tones, a character by its commonest reading. Pieces that are small words (是, 的, 里 …)
tell nothing, and what the documents or several bank questions write is meant (赋智, 账期).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from kb.errors import IndexFolderError
from kb.tokenizer import Tokenizer

__all__ = ["Homophones"]

LONGEST = 4
PIECES = (3, 2)
SMALL_WORDS = frozenset(
    "的了是在有和与就都也不没我你他她它们这那哪谁什么怎咋啥吗呢吧啊个一二三两几多少上下里中外前后大小来去到出进从给对把被"
    "让跟比向为以及或但又还再才只能会可要想得着过说讲问看用做干弄搞打拿找叫请先老新好起点些件条种家各每自己人时年月日天事"
)
OFTEN = 2


class Homophones(NamedTuple):
    """``sounds``: the syllable of a character; ``words``: the words of the documents by sound.

    ``meant`` looks like slips and is none.
    """

    sounds: dict[str, str]
    words: dict[str, str]
    meant: frozenset[str] = frozenset()

    @classmethod
    def build(
        cls, texts: Sequence[str], questions: Iterable[str], tokenizer: Tokenizer
    ) -> Homophones:
        """Collect the words of the documents; of two that sound alike the more frequent wins.

        Args:
            texts: the documents.
            questions: bank questions that are not typing errors on purpose.
            tokenizer: cuts both.
        """
        from pypinyin import lazy_pinyin

        used = Counter(
            word
            for text in texts
            for word in tokenizer.pieces(text)
            if 1 < len(word) <= LONGEST and _is_chinese(word)
        )
        characters = [chr(code) for code in range(0x4E00, 0x9FA6)]
        common = [c for c in characters if _is_common(c)]
        sounds = dict(zip(common, lazy_pinyin(common), strict=True))
        words: dict[str, str] = {}
        for word, _ in sorted(used.items(), key=lambda pair: (pair[1], pair[0])):
            words[_sound(word, sounds)] = word
        heard = {syllable for sound in words for syllable in sound.split()}
        made = cls({c: s for c, s in sounds.items() if s in heard}, words)
        written = Counter(slip for q in questions for slip, _ in made.correct(q, tokenizer)[1])
        often = {slip for slip, count in written.items() if count >= OFTEN}
        told = {slip for text in texts for slip, _ in made.correct(text, tokenizer)[1]}
        return made._replace(meant=frozenset(often | told))

    def correct(self, text: str, tokenizer: Tokenizer) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Correct a query; returns it folded, and each slip with the word that it stands for."""
        pieces = tokenizer.pieces(text)
        odd = [len(piece) == 1 and piece not in SMALL_WORDS for piece in pieces]
        out: list[str] = []
        slips: list[tuple[str, str]] = []
        start = 0
        while start < len(pieces):
            count, word = 1, None
            if any(odd[start : start + PIECES[0]]):  # else nothing here falls apart
                count, word = self._slip(pieces[start : start + PIECES[0]], tokenizer)
            written = "".join(pieces[start : start + count])
            if word is not None:
                slips.append((written, word))
            out.append(word or written)
            start += count
        return "".join(out), tuple(slips)

    def _slip(self, pieces: list[str], tokenizer: Tokenizer) -> tuple[int, str | None]:
        """How many of the first pieces are one slip, and of which word; else one, and None."""
        for count in PIECES:
            first = pieces[:count]
            if len(first) < count or not _falls_apart(first):
                continue
            written = "".join(first)
            word = self.words.get(_sound(written, self.sounds))
            if (
                word is not None
                and word != written
                and written not in self.meant
                and not tokenizer.knows(written)
            ):
                return count, word
        return 1, None

    def save(self, path: Path) -> None:
        """Write the tables to one file."""
        tables = {**self._asdict(), "meant": sorted(self.meant)}
        path.write_text(json.dumps(tables, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Homophones:
        """Read the tables.

        Raises:
            IndexFolderError: the file is not in the expected form.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(data["sounds"], data["words"], frozenset(data["meant"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexFolderError(
                f"索引文件“{path.name}”无法读取，请重建索引（python -m kb build）。"
            ) from error


def _falls_apart(pieces: list[str]) -> bool:
    """Whether a single character among the pieces is no small word; of two characters, none is."""
    single = [piece in SMALL_WORDS for piece in pieces if len(piece) == 1]
    if not single:
        return False
    return not (any(single) if sum(map(len, pieces)) == 2 else all(single))


def _sound(word: str, sounds: dict[str, str]) -> str:
    """The syllables of a word; a character without a sound stays as it is, so it matches nothing."""
    return " ".join(sounds.get(c, c) for c in word)


def _is_chinese(word: str) -> bool:
    return all("\u4e00" <= c <= "\u9fa5" for c in word)


def _is_common(character: str) -> bool:
    """Whether GB 2312, 6,763 simplified characters, has it."""
    try:
        return bool(character.encode("gb2312"))
    except UnicodeEncodeError:
        return False
