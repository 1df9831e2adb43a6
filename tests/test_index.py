"""The index folder: published in one step, verified on loading, stale and damaged told apart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEncoder

from kb.build import build_index
from kb.errors import CorpusError, IndexFolderError
from kb.index import load_index, manifest_id, read_manifest
from kb.retrieve import Retriever
from kb.settings import Settings


def generation_folder(settings: Settings) -> Path:
    (folder,) = settings.index_dir.glob("index-*")
    return folder


def test_rows_agree(small_index: Settings) -> None:
    index = load_index(small_index, HashEncoder())
    assert index.dense["passages"].rows == len(index.passages) == index.lexical["passages"].rows
    assert index.dense["sentences"].rows == len(index.sentences)
    assert index.dense["questions"].rows == 1
    assert [t.row for t in index.targets[0]] == [index.row_of["guide:2-1-p1"]]
    assert [t.abbreviation for t in index.terms] == ["RWH", None]


def test_same_input_same_manifest(small_index: Settings) -> None:
    before = read_manifest(small_index.index_dir)
    build_index(small_index, HashEncoder())
    after = read_manifest(small_index.index_dir)
    assert before == after
    assert manifest_id(before) == manifest_id(after)


def test_missing(small_settings: Settings) -> None:
    with pytest.raises(IndexFolderError) as caught:
        load_index(small_settings)
    assert caught.value.state == "missing"


@pytest.mark.parametrize("name", ["passages.jsonl", "passages.faiss", "bm25-bigrams/tokens.json"])
def test_half_an_index_is_named(small_index: Settings, name: str) -> None:
    path = generation_folder(small_index) / name
    path.unlink()
    with pytest.raises(IndexFolderError, match=name.split("/")[-1]) as caught:
        load_index(small_index)
    assert caught.value.state == "damaged"


def test_a_flipped_byte_is_found(small_index: Settings) -> None:
    path = generation_folder(small_index) / "passages.faiss"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(IndexFolderError, match=r"passages\.faiss"):
        load_index(small_index)


def test_a_broken_manifest(small_index: Settings) -> None:
    (small_index.index_dir / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(IndexFolderError, match=r"manifest\.json"):
        load_index(small_index)


def test_a_changed_document_makes_it_stale(small_index: Settings) -> None:
    path = small_index.corpus_dir / "guide.md"
    path.write_text(path.read_text(encoding="utf-8") + "\n新的一句。\n", encoding="utf-8")
    with pytest.raises(IndexFolderError, match=r"guide\.md") as caught:
        load_index(small_index)
    assert caught.value.state == "stale"


def test_another_encoder_makes_it_stale(small_index: Settings) -> None:
    encoder = HashEncoder()
    encoder.fingerprint = "0" * 64
    with pytest.raises(IndexFolderError, match="编码器") as caught:
        load_index(small_index, encoder)
    assert caught.value.state == "stale"


def test_a_failed_build_leaves_the_old_index(small_index: Settings) -> None:
    before = read_manifest(small_index.index_dir)
    bank = small_index.corpus_dir / "questions.jsonl"
    row = json.loads(bank.read_text(encoding="utf-8"))
    row["evidence"] = [[{"document_id": "guide", "quote": "文中没有的话"}]]
    bank.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(CorpusError, match="文中没有的话"):
        build_index(small_index, HashEncoder())
    assert read_manifest(small_index.index_dir) == before
    assert not list(small_index.index_dir.glob(".building-*"))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("questions.jsonl", "{}", "第1行"),
        ("lexicon.toml", "[words", "lexicon.toml"),
        ("guide.md", "---\nid: guide\n", "文件头"),
        ("guide.md", "# 只有标题\n", "没有正文"),
    ],
)
def test_bad_corpus_files_are_named(
    small_settings: Settings, name: str, content: str, expected: str
) -> None:
    (small_settings.corpus_dir / name).write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=expected):
        build_index(small_settings, HashEncoder())


def test_no_corpus(small_settings: Settings, tmp_path: Path) -> None:
    settings = small_settings.model_copy(update={"corpus_dir": tmp_path / "nowhere"})
    with pytest.raises(CorpusError, match="nowhere"):
        build_index(settings, HashEncoder())


def test_a_damaged_bytes_document(small_settings: Settings) -> None:
    (small_settings.corpus_dir / "guide.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match="UTF-8"):
        build_index(small_settings, HashEncoder())


def test_a_bank_of_two_questions_is_enough(small_settings: Settings) -> None:
    line = '{"id": "u1", "query": "下雨吗", "type": "off_topic"}\n'
    (small_settings.corpus_dir / "unanswerable.jsonl").write_text(line, encoding="utf-8")
    build_index(small_settings, HashEncoder())
    index = load_index(small_settings)
    assert index.phrasing is not None
    assert index.bank_graph is not None
    assert len(index.outside) == 1


FOLLOWUP = {
    "id": "f1",
    "query": "谁掏钱",
    "first": "给补贴吗",
    "after": {"document_id": "guide", "quote": "为了节约用水，特制定本指南。"},
    "evidence": [[{"document_id": "guide", "quote": "为了节约用水，特制定本指南。"}]],
}


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("banks", ["all", "no outside", "alone"])
def test_follow_ups_with_and_without_other_banks(
    small_settings: Settings, banks: str, answered: bool
) -> None:
    corpus = small_settings.corpus_dir
    if banks == "all":
        line = '{"id": "u1", "query": "下雨吗", "type": "off_topic"}\n'
        (corpus / "unanswerable.jsonl").write_text(line, encoding="utf-8")
    if banks == "alone":
        (corpus / "questions.jsonl").unlink()
    write_followup(corpus, answered)
    build_index(small_settings, HashEncoder())
    index = load_index(small_settings)
    assert index.manifest.counts["followups"] == index.dense["followups"].rows == 1
    assert index.followups is not None
    assert (index.bank_graph is not None) == (banks == "all")
    retriever = Retriever(index, HashEncoder())
    (query,) = retriever.read_question("谁掏钱")
    assert index.followups_graph is not None
    scores = retriever.asked_next(query, 0)
    assert scores is not None
    assert scores.shape == (len(index.passages),)
    retriever.index = index._replace(followups_graph=None)
    by_vectors = retriever.asked_next(query, 0)
    assert by_vectors is not None
    np.testing.assert_allclose(scores, by_vectors, atol=1e-3)
    write_followup(corpus, not answered)
    with pytest.raises(IndexFolderError, match=r"followups\.jsonl"):
        load_index(small_settings)


def write_followup(corpus: Path, answered: bool) -> None:
    """A follow-up after a sentence of the small guide, which answers it or does not."""
    row = FOLLOWUP if answered else {**FOLLOWUP, "evidence": []}
    line = json.dumps(row, ensure_ascii=False) + "\n"
    (corpus / "followups.jsonl").write_text(line, encoding="utf-8")


SERVING = """
import sys
from kb.assemble import open_assistant
from kb.settings import load_settings
assistant = open_assistant(load_settings())
assert assistant.answer("什么是低代码").citations
heavy = {"torch", "sentence_transformers", "transformers", "onnx", "scipy", "bm25s", "sklearn"}
print(sorted(heavy & sys.modules.keys()))
"""


def test_what_only_building_needs_is_not_loaded_to_serve(real_settings: Settings) -> None:
    """Memory and start rest on this; a process of its own, as these tests have loaded them all."""
    done = subprocess.run(
        [sys.executable, "-c", SERVING],
        env=real_settings.as_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr
