"""Passages on disk are the passages in memory; a graph finds what an exact index finds."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from conftest import HashEncoder
from hypothesis import given
from hypothesis import strategies as st

import kb.dense
import kb.index
from kb.build import build_index
from kb.chunk import sentences
from kb.dense import Dense
from kb.errors import IndexFolderError
from kb.index import load_index, open_passages, sentence_rows
from kb.passages_store import PassageFile
from kb.retrieve import Retriever
from kb.schema import Passage
from kb.settings import Settings

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=12)


def passages_of(texts: list[str]) -> tuple[Passage, ...]:
    return tuple(
        Passage(
            id=f"p{row}",
            document_id="d",
            section_id="s",
            section=("标题",),
            page=None,
            start=0,
            end=len(text),
            text=text,
            sentences=sentences(text),
        )
        for row, text in enumerate(texts)
    )


def write(folder: Path, passages: tuple[Passage, ...]) -> Path:
    path = folder / "passages.jsonl"
    path.write_bytes("".join(p.model_dump_json() + "\n" for p in passages).encode())
    return path


@given(TEXTS, st.integers(1, 4))
def test_the_store_gives_back_what_was_written(texts: list[str], keep: int) -> None:
    wanted = passages_of(texts)
    with TemporaryDirectory() as folder:
        stored = PassageFile(write(Path(folder), wanted), keep)
        assert len(stored) == len(wanted)
        assert tuple(stored) == wanted
        assert [stored[row] for row in range(len(wanted))] == list(wanted)
        assert [stored[-row - 1] for row in range(len(wanted))] == list(wanted[::-1])
        assert stored[1:3] == wanted[1:3]
        assert stored.numbers() == {p.id: row for row, p in enumerate(wanted)}
        with pytest.raises(IndexError):
            stored[len(wanted)]


@given(TEXTS)
def test_sentence_keys_are_the_same_in_memory_and_on_disk(texts: list[str]) -> None:
    wanted = passages_of(texts)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = write(Path(folder), wanted)
        assert open_passages(path, len(wanted)) == (wanted, sentence_rows(wanted))
        patch.setattr(kb.index, "LAZY_ROWS", -1)
        stored, keys = open_passages(path, len(wanted))
        assert tuple(stored) == wanted
        assert tuple(keys) == sentence_rows(wanted)
        assert keys[1:2] == sentence_rows(wanted)[1:2]


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "passages.jsonl"
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(IndexFolderError, match="第1行"):
        PassageFile(path)[0]


def clustered(count: int) -> np.ndarray:
    """Unit vectors around 40 centres."""
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(40, 32))[rng.integers(0, 40, count)] + 0.4 * rng.normal(
        size=(count, 32)
    )
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Dense:
    monkeypatch.setattr(kb.dense, "EXACT_ROWS", 1000)
    return Dense.build(clustered(3000))


def test_a_graph_finds_the_nearest(graph: Dense, tmp_path: Path) -> None:
    vectors = clustered(3000)
    assert not graph.exact
    graph.save(tmp_path / "图.faiss")
    for dense in (graph, Dense.load(tmp_path / "图.faiss"), Dense(_mapped(tmp_path))):
        shares = []
        for query in vectors[::100]:
            _, rows = dense.search(query[None, :], 10)
            exact = set(np.argsort(-(vectors @ query), kind="stable")[:10].tolist())
            shares.append(len(exact & set(rows[0].tolist())) / 10)
        assert np.mean(shares) >= 0.95


def _mapped(folder: Path) -> object:
    return kb.dense._mapped(folder / "图.faiss")


def test_a_graph_is_the_same_every_time(graph: Dense, tmp_path: Path) -> None:
    graph.save(tmp_path / "a")
    Dense.build(clustered(3000)).save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_scores_of_a_graph_stand_at_a_floor_beyond_the_nearest(graph: Dense) -> None:
    vectors = clustered(3000)
    scores, exact = graph.scores(vectors[7]), vectors @ vectors[7]
    near = scores > scores.min()
    assert 900 <= near.sum() <= kb.dense.NEAR
    assert scores[near] == pytest.approx(exact[near], abs=2e-3)
    rows = np.array([5, 2999, 0, 5])
    assert graph.scores_of(vectors[7], rows) == pytest.approx(exact[rows], abs=2e-3)


@pytest.mark.parametrize("count", [1, 40, 3000])
def test_exact_scores_are_those_of_a_search(count: int) -> None:
    vectors = clustered(count)
    dense, query = Dense.build(vectors), vectors[count // 2]
    scores = dense.scores(query)
    assert scores == pytest.approx(vectors @ query, abs=1e-6)
    found, rows = dense.search(query[None, :], count)
    assert scores[rows[0]] == pytest.approx(found[0], abs=1e-6)
    some = np.array([count // 3, count - 1, 0, count // 3])
    assert dense.scores_of(query, some) == pytest.approx(scores[some], abs=1e-6)


def test_a_small_corpus_is_kept_in_memory_and_exact(small_index: Settings) -> None:
    index = load_index(small_index, HashEncoder())
    assert isinstance(index.passages, tuple)
    assert all(dense.exact for dense in index.dense.values())


def test_forced_large_roads_rank_alike(
    small_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(small_settings, HashEncoder())
    plain = Retriever(load_index(small_settings), HashEncoder())
    monkeypatch.setattr(kb.dense, "EXACT_ROWS", 0)
    monkeypatch.setattr(kb.index, "LAZY_ROWS", 0)
    build_index(small_settings, HashEncoder())
    forced = Retriever(load_index(small_settings), HashEncoder())
    assert isinstance(forced.index.passages, PassageFile)
    assert not forced.index.dense["passages"].exact
    for text in ("更换水龙头要多少钱", "什么是雨水收集", "谁该看这本指南"):
        for role in (None, "demand"):
            query = plain.read(text)
            assert forced.score(query, role).fused == pytest.approx(
                plain.score(query, role).fused, abs=0.05
            )
