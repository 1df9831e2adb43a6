"""Passages: exact offsets, full coverage, cuts at points and sentence ends, budget in tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kb.chunk import TOKEN_BUDGET, chunk, sentences
from kb.lexicon import load_lexicon
from kb.parse import parse_file, parse_text
from kb.tokenizer import Tokenizer

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
TOKENIZER = Tokenizer(load_lexicon(CORPUS).words)


@pytest.mark.parametrize("name", ["guide", "interpretation", "glossary"])
def test_passages_cover_the_paragraphs_in_order(name: str) -> None:
    document = parse_file(CORPUS / f"{name}.md")
    passages = chunk(document, TOKENIZER)
    assert all(document.text[p.start : p.end] == p.text for p in passages)
    held = "".join(p.text for p in passages)
    assert held == "".join(document.text[p.start : p.end] for p in document.paragraphs)
    assert len({p.id for p in passages}) == len(passages)
    assert all(p.page for p in passages)


@pytest.mark.parametrize("name", ["guide", "interpretation", "glossary"])
def test_no_passage_crosses_a_numbered_point(name: str) -> None:
    for passage in chunk(parse_file(CORPUS / f"{name}.md"), TOKENIZER):
        points = re.findall(r"(?:^|[。；：])([一二三四五六]是)", passage.text)
        assert len(points) <= 1, passage.id
        assert TOKENIZER.size(passage.text) <= TOKEN_BUDGET


def test_ids_are_stable_and_readable() -> None:
    ids = [p.id for p in chunk(parse_file(CORPUS / "guide.md"), TOKENIZER)]
    assert ids[0] == "guide:0-p1"
    assert "guide:2-3-p1" in ids
    assert ids[-1] == "guide:4-5-p1"


@given(st.text(alphabet="甲乙丙。！？；，“”\n ", max_size=60))
def test_sentences_cover_the_text(text: str) -> None:
    spans = sentences(text)
    assert "".join(text[a:b] for a, b in spans) == text


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.text(alphabet="一是二三坚持企业主体，效益优先；数字", min_size=1, max_size=30),
        min_size=1,
        max_size=8,
    )
)
def test_long_paragraphs_are_cut_at_sentence_ends_only(parts: list[str]) -> None:
    document = parse_text("。".join(parts) + "。", "x")
    passages = chunk(document, TOKENIZER, budget=12)
    assert "".join(p.text for p in passages) == "".join(document.text.split("\n"))
    for passage in passages[:-1]:
        assert passage.text[-1] in "。；，：" or passage.text.endswith("。")
