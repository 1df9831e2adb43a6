"""The growth benchmark: pieces, noisy copies, full comparison, and the command on a small folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEncoder
from hypothesis import given
from hypothesis import strategies as st

import kb.dense
from eval.growth.corpus import clauses, cut_pieces, growth_material, read_pieces
from eval.growth.many import measure_many
from eval.growth.probe import make_retriever
from eval.growth.vectors import PieceEncoder, exact_nearest, noisy_copies
from kb.build import build_views
from kb.errors import InputError
from kb.index import make_tokenizer
from kb.lexicon import Lexicon
from kb.settings import Settings

TEXT = "中小企业应当加强数字化基础。政府给予资金支持，鼓励金融机构提供相关的产品和服务，降低转型的门槛；平台让利。"


def unit(count: int, dimension: int = 16) -> np.ndarray:
    vectors = np.random.default_rng(1).normal(size=(count, dimension)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@given(st.text("甲乙丙，。；！a ", max_size=200))
def test_clauses_cover_the_text(text: str) -> None:
    assert "".join(text[a:b] for a, b in clauses(text)) == text


def test_pieces_are_sentences_in_a_seeded_order_that_only_grows(tmp_path: Path) -> None:
    rows = [
        {
            "_id": str(n),
            "title": "",
            "text": f"第{n}条。第{n}批企业应当加强数字化基础能力建设。{TEXT}",
        }
        for n in range(5)
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "corpus.jsonl").write_text(lines, encoding="utf-8")
    assert "第1条。" not in list(cut_pieces(rows[1]["text"]))
    assert read_pieces(tmp_path, 3) == read_pieces(tmp_path, 2) + read_pieces(tmp_path, 3)[2:]
    with pytest.raises(InputError, match="只够切出"):
        read_pieces(tmp_path, 1000)
    with pytest.raises(InputError, match="没有corpus"):
        read_pieces(tmp_path / "nothing", 1)


def test_copies_are_near_their_origin_and_the_same_each_time() -> None:
    real = unit(20)
    copies = noisy_copies(real, 200)
    assert (copies[:20] == real).all()
    assert (copies == noisy_copies(real, 200)).all()
    assert np.linalg.norm(copies, axis=1) == pytest.approx(1, abs=1e-5)
    assert (copies @ real.T).max(axis=1).min() > 0.85


def test_full_comparison_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.growth.vectors.PART", 7)
    vectors = unit(50)
    wanted = [frozenset(np.argsort(-(vectors @ q))[:10].tolist()) for q in vectors[:5]]
    assert exact_nearest(vectors, vectors[:5], 10) == wanted


def test_many_vectors_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kb.dense, "EXACT_ROWS", 100)
    reports = [measure_many(unit(50), unit(60)[50:], 400, tmp_path, lambda _: None)] * 2
    assert reports[0].recall >= 0.95
    assert reports[0].real == 50


def test_a_saved_size_is_opened_as_it_was_built(small_settings: Settings, tmp_path: Path) -> None:
    material = growth_material([TEXT, *(piece + "其他" for piece in cut_pieces(TEXT))])
    encoder = HashEncoder()
    texts = [p.text for p in material.passages]
    known = dict(zip(texts, encoder.encode_passages(texts), strict=True))
    pieces = PieceEncoder(encoder, known)
    pieces.adopt({p.text[a:b]: p.text for p in material.passages for a, b in p.sentences})
    tokenizer = make_tokenizer(small_settings, Lexicon())
    views = build_views(material, tokenizer, pieces)
    for name, dense in views.dense.items():
        dense.save(tmp_path / f"{name}.faiss")
    for name, lexical in views.lexical.items():
        lexical.save(tmp_path / f"bm25-{name}")
    lines = "".join(p.model_dump_json() + "\n" for p in material.passages)
    (tmp_path / "passages.jsonl").write_text(lines, encoding="utf-8")
    retriever = make_retriever(tokenizer, tmp_path, encoder)
    assert tuple(retriever.index.passages) == material.passages
    assert len(retriever.retrieve("资金支持", 2)) == 2
