"""Patterns that read a query: where its clauses stand; none can be kept busy by what is typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kb.asks import asking_clauses

REPOSITORY = Path(__file__).resolve().parent.parent
HANGS = 120.0
"""Seconds, for what takes less than one: a star over overlapping words would take years."""

TRY = """
import re
from pathlib import Path
from kb import addresses, answer, answerable, asks, cues, dialogue, named, plans, roles, terms
from kb.lexicon import load_lexicon

lexicon = load_lexicon(Path("corpus"))
made = [cues.asked_party(lexicon.parties), *roles._acting(lexicon.actors).values()]
places = (addresses, answer, answerable, asks, cues, dialogue, named, plans, roles, terms)
found = [p for place in places for p in vars(place).values() if isinstance(p, re.Pattern)]
found += [pattern for kind in asks.KINDS.values() for pattern in kind]
found += [*addresses.IN_DOCUMENT.values(), *made]
words = ("提到", "有没有提到", "刚才那段", "给我看", "再说", "第三条", "展开", "哪里", "里面", "具体", "说说", "，", "中", "a ", "what is ",
    "作为", "应该", "什么", "有什么", "什么意思", "自己", "去", "落实", "也")
starts = ("", "问", "“数字化转型”", "没听清", "再说一遍", "第三部分", "那", "企业", "第一条", "剩下几条", "资金那块")
for pattern in found:
    for start in starts:
        for word in words:
            typed = (start + word * 400)[:499] + "x"
            pattern.search(typed), pattern.fullmatch(typed)
for start in starts:
    for word in words:
        typed = (start + word * 400)[:499] + "x"
        asks.without_place(typed + "第几页"), asks.sought_quotation(typed), asks.asking_clauses(typed)
print(len(found))
"""


def test_repeated_words_keep_no_pattern_busy() -> None:
    """提到 said 20 times took a second once, twice as long with each time more."""
    tried = subprocess.run(
        [sys.executable, "-c", TRY],
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=True,
        cwd=REPOSITORY,
    )
    assert int(tried.stdout) > 70


@pytest.mark.parametrize(
    ("query", "clauses"),
    [
        ("谁来牵头， 钱又从哪出？", ["谁来牵头", "钱又从哪出"]),
        ("我们是小厂，上云怎么弄以及由谁来补贴", ["上云怎么弄", "由谁来补贴"]),
        ("什么是MES？", []),
        ("怎么办，还有吗", []),
        (
            "第一问是什么？第二问是什么？第三问是什么？第四问是什么？",
            ["第一问是什么", "第二问是什么", "第三问是什么"],
        ),
    ],
)
def test_asking_clauses_are_spans(query: str, clauses: list[str]) -> None:
    assert [query[start:end] for start, end in asking_clauses(query)] == clauses
