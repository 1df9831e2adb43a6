"""BM25 by hand, fusion by its definition, phrasing against scikit-learn, dense against numpy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.answerable import VOTERS, _largest
from kb.bank_graph import CHECKED, BankGraph, rounded, write_graph
from kb.dense import Dense
from kb.errors import IndexFolderError
from kb.fusion import adaptive_weights, reciprocal_rank, standardise, top_rows
from kb.kernel import RIDGE, WIDTH
from kb.lexical import Lexical
from kb.phrasing import GRAM_SHARE, LONGEST, fit, gram_numbers, load, ngrams

DOCUMENTS = [["贷款", "银行", "贷款"], ["培训", "银行"], ["机器人"], []]


def bm25_by_hand(query: list[str], row: int, k1: float, b: float) -> float:
    """Lucene's BM25 as in Kamphuis et al. 2020, without the constant factor k1 + 1."""
    count = len(DOCUMENTS)
    mean = sum(map(len, DOCUMENTS)) / count
    total = 0.0
    for token in query:
        n = sum(token in document for document in DOCUMENTS)
        if n == 0:
            continue
        idf = math.log(1 + (count - n + 0.5) / (n + 0.5))
        f = DOCUMENTS[row].count(token)
        total += idf * f / (f + k1 * (1 - b + b * len(DOCUMENTS[row]) / mean))
    return total


def test_the_graph_of_both_banks_equals_numpy(tmp_path: Path) -> None:
    inside, outside = [f"第{n}种问法" for n in range(40)], [f"别的问法{n}" for n in range(25)]
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(65, 48)).astype(np.float32)
    vectors = rounded(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    np.testing.assert_array_equal(rounded(vectors), vectors)
    phrasing = fit(inside, outside, (vectors[:40], vectors[40:]), [{n % 7} for n in range(40)])
    write_graph(tmp_path / "banks.onnx", vectors, phrasing)
    graph = BankGraph(tmp_path / "banks.onnx", 40)
    write_graph(tmp_path / "followups.onnx", vectors)
    alone = BankGraph(tmp_path / "followups.onnx", 65)
    assert alone.is_exact(vectors[:CHECKED])
    queries = rng.normal(size=(20, 48)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    for query, near in zip(queries, graph.near(queries), strict=True):
        np.testing.assert_allclose(near.questions, vectors[:40] @ query, atol=1e-4)
        np.testing.assert_allclose(near.outside, vectors[40:] @ query, atol=1e-4)
        likeness = alone.likeness(query[None, :])[0]
        np.testing.assert_allclose(likeness, vectors @ query, atol=1e-4)
        wanted = phrasing.of_questions(vectors @ query)
        np.testing.assert_allclose(near.sums, wanted, atol=1e-3)
    assert graph.is_exact(vectors[:CHECKED])
    assert not graph.is_exact(vectors[1 : CHECKED + 1])


def test_no_sum_of_the_graph_overflows(tmp_path: Path) -> None:
    """Every product as large as it can be: on processors without VNNI 8 bits times 8 overflow."""
    vectors = np.full((65, 48), 48**-0.5, dtype=np.float32)
    vectors[1::2] *= -1
    phrasing = fit(["甲"] * 40, ["乙"] * 25, (vectors[:40], vectors[40:]), [{0}] * 40)
    write_graph(tmp_path / "banks.onnx", rounded(vectors), phrasing)
    graph = BankGraph(tmp_path / "banks.onnx", 40)
    (near,) = graph.near(vectors[:1])
    np.testing.assert_allclose(near.questions, [1, -1] * 20, atol=2e-5)
    assert graph.is_exact(vectors[:CHECKED])


def test_a_damaged_graph_is_an_error_in_chinese(tmp_path: Path) -> None:
    (tmp_path / "banks.onnx").write_bytes(b"not a graph")
    with pytest.raises(IndexFolderError, match="重建索引"):
        BankGraph(tmp_path / "banks.onnx", 1)


@pytest.mark.parametrize("query", [["贷款"], ["银行", "培训"], ["没有"], [], ["银行", "银行"]])
def test_bm25_equals_the_formula(query: list[str], tmp_path: Path) -> None:
    index = Lexical.build(DOCUMENTS, 0.9, 0.4)
    wanted = [bm25_by_hand(query, row, 0.9, 0.4) for row in range(4)]
    assert index.scores(query) == pytest.approx(wanted, abs=1e-5)
    index.save(tmp_path / "bm25")
    assert Lexical.load(tmp_path / "bm25").scores(query) == pytest.approx(wanted, abs=1e-5)


def test_dense_is_the_inner_product(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(20, 8)).astype(np.float32)
    query = rng.normal(size=8).astype(np.float32)
    index = Dense.build(vectors)
    index.save(tmp_path / "中文路径.faiss")
    again = Dense.load(tmp_path / "中文路径.faiss")
    assert again.scores(query) == pytest.approx(vectors @ query, abs=1e-5)
    scores, rows = again.search(query[None, :], 50)
    assert rows.shape == (1, 20)
    assert -1 not in rows
    assert list(scores[0]) == sorted(scores[0], reverse=True)


def test_dense_names_a_wrong_dimension_and_a_broken_file(tmp_path: Path) -> None:
    index = Dense.build(np.eye(4, dtype=np.float32))
    with pytest.raises(IndexFolderError, match="4维"):
        index.scores(np.ones(3, dtype=np.float32))
    (tmp_path / "x.faiss").write_bytes(b"no index")
    with pytest.raises(IndexFolderError, match="已损坏"):
        Dense.load(tmp_path / "x.faiss")


@given(st.lists(st.floats(-5, 5, width=32), max_size=30), st.integers(-2, 40))
def test_top_rows_are_best_first_and_stable(values: list[float], k: int) -> None:
    scores = np.array(values, dtype=np.float32)
    wanted = sorted(range(len(values)), key=lambda row: (-scores[row], row))[: max(0, k)]
    assert top_rows(scores, k) == wanted


@pytest.mark.parametrize("k", [1, 100, 400, 30_000])
@pytest.mark.parametrize("distinct", [1, 2, 50, 10**6])
def test_top_rows_of_many_scores(k: int, distinct: int) -> None:
    """Few distinct values, as where most rows of a graph stand at one score, and many."""
    draw = np.random.default_rng(distinct)
    scores = draw.integers(distinct, size=30_000).astype(np.float32)
    scores[draw.integers(30_000, size=25_000)] = 0
    assert top_rows(scores, k) == np.argsort(-scores, kind="stable")[:k].tolist()


def test_standardise_and_reciprocal_rank() -> None:
    assert standardise(np.array([1, 1, 1], dtype=np.float32)).tolist() == [0, 0, 0]
    z = standardise(np.array([1, 2, 3], dtype=np.float32))
    assert (float(z.mean()), float(z.std())) == pytest.approx((0, 1), abs=1e-6)
    fused = reciprocal_rank([[7, 8], [8]])
    assert fused == pytest.approx({7: 1 / 61, 8: 1 / 62 + 1 / 61})


def test_phrasing_equals_scikit_learn(tmp_path: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.kernel_ridge import KernelRidge

    inside = ["政府给不给补贴", "补贴怎么支持", "银行能不能贷款", "贷款有没有支持", "谁来管"]
    outside = ["补贴多少钱", "贷款利率多少", "今天天气怎样", "帮我写多少字"]
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(9, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    answered_by = [{4}, {4, 2}, {0}, {0}, {2}]
    fit(inside, outside, (vectors[:5], vectors[5:]), answered_by).save(tmp_path / "phrasing")
    phrasing = load(tmp_path / "phrasing")
    counter = TfidfVectorizer(analyzer=ngrams, sublinear_tf=True)
    table = counter.fit_transform([*inside, *outside]).toarray()
    labels = np.array([1.0] * 5 + [-1.0] * 4)[:, None]
    held = [[float(row in found) for row in (0, 2, 4)] for found in answered_by]
    labels = np.hstack([labels, np.array(held + [[0.0] * 3] * 4)])

    def kernel(left: Any, left_grams: Any) -> Any:
        near = np.exp((left @ vectors.T - 1) / WIDTH)
        return (1 - GRAM_SHARE) * near + GRAM_SHARE * left_grams @ table.T

    model = KernelRidge(alpha=RIDGE, kernel="precomputed")
    model.fit(kernel(vectors, table), labels - labels.mean(axis=0))
    queries = ["补贴补贴多少", "没见过的字", "银行贷款"]
    asked = vectors[[0, 3, 7]] * 0.5
    wanted = model.predict(kernel(asked, counter.transform(queries).toarray())) + labels.mean(
        axis=0
    )
    scores = [
        phrasing.score(q, phrasing.of_questions(vectors @ v))
        for q, v in zip(queries, asked, strict=True)
    ]
    assert phrasing.rows.tolist() == [0, 2, 4]
    assert [s.answerable for s in scores] == pytest.approx(wanted[:, 0], abs=1e-4)
    np.testing.assert_allclose([s.passages for s in scores], wanted[:, 1:], atol=1e-4)


@pytest.mark.parametrize("query", [["贷款"], ["银行", "培训"], ["没有", "贷款"]])
def test_the_ceiling_is_never_passed(query: list[str]) -> None:
    index = Lexical.build(DOCUMENTS, 0.9, 0.4)
    wanted = sum(bm25_by_hand_idf(token) for token in query)
    assert index.ceiling(query) == pytest.approx(wanted, abs=1e-6)
    assert float(index.scores(query).max()) <= index.ceiling(query)


def bm25_by_hand_idf(token: str) -> float:
    n = sum(token in document for document in DOCUMENTS)
    return math.log(1 + (len(DOCUMENTS) - n + 0.5) / (n + 0.5))


def test_words_count_for_more_where_a_passage_covers_the_query() -> None:
    rng = np.random.default_rng(1)
    names = ("passage", "sentence", "lexical", "bigrams")
    views = {name: rng.random(300).astype(np.float32) for name in names}
    covered = adaptive_weights(views, ceiling=float(views["lexical"].max()))
    uncovered = adaptive_weights(views, ceiling=10 * float(views["lexical"].max()))
    assert covered["bigrams"] == pytest.approx(10 * uncovered["bigrams"], rel=1e-5)
    assert covered["passage"] == uncovered["passage"]


@given(st.text(max_size=30))
def test_numbers_of_ngrams_are_in_the_order_of_their_characters(text: str) -> None:
    """Base 2^21 by hand, as many as there are n-grams."""

    def number(gram: str) -> int:
        return sum(ord(c) << 21 * (LONGEST - 1 - n) for n, c in enumerate(gram))

    grams = ngrams(text)
    assert sorted(map(number, grams)) == sorted(gram_numbers(text).tolist())
    assert [number(gram) for gram in sorted(grams)] == sorted(map(number, grams))


@given(st.lists(st.floats(-1, 1, width=32), max_size=300))
def test_the_largest_few_of_many(values: list[float]) -> None:
    found = _largest(np.array(values, dtype=np.float32))
    assert found.tolist() == sorted(values, reverse=True)[:VOTERS]


@given(st.lists(st.integers(0, 3), max_size=6))
def test_bm25_of_repeated_tokens_equals_the_library(numbers: list[int]) -> None:
    words = ["贷款", "银行", "培训", "没有"]
    index = Lexical.build(DOCUMENTS)
    tokens = [words[n] for n in numbers]
    outside = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    outside.index(DOCUMENTS, show_progress=False)
    known = [token for token in tokens if token in outside.vocab_dict]
    wanted = outside.get_scores(known) if known else np.zeros(len(DOCUMENTS))
    np.testing.assert_allclose(index.scores(tokens), wanted, rtol=1e-6)
