"""Build the index: corpus -> passages -> dense and lexical views -> a published index folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kb.bank_graph import rounded, write_graph
from kb.chunk import chunk
from kb.corpus import Corpus, load_corpus
from kb.dense import Dense
from kb.encoder import Encoder, FloatMatrix
from kb.followups import AskedNext
from kb.followups import fit as fit_followups
from kb.homophones import Homophones
from kb.index import (
    BANK_GRAPH,
    FOLLOWUPS_GRAPH,
    FORMAT,
    PARAMETERS,
    generation,
    make_tokenizer,
    manifest_id,
    sentence_rows,
)
from kb.lexical import Lexical
from kb.lexicon import read_terms
from kb.phrasing import Phrasing, fit
from kb.questions import locate, locate_followup
from kb.roles import assign_roles
from kb.schema import Document, Manifest, Passage, Target
from kb.settings import Settings
from kb.tokenizer import Tokenizer

__all__ = ["Material", "build_index", "build_views", "read_material"]

Progress = Callable[[str], None]
BANKS = ("questions", "outside", "followups")


class Material(NamedTuple):
    """Everything that is indexed, in rows: passages, and bank questions with their targets.

    ``followed`` are the row that each follow-up came after and where it is answered.
    """

    documents: dict[str, Document]
    passages: tuple[Passage, ...]
    questions: tuple[str, ...] = ()
    targets: tuple[tuple[Target, ...], ...] = ()
    outside: tuple[str, ...] = ()
    followups: tuple[str, ...] = ()
    followed: tuple[tuple[int, tuple[Target, ...]], ...] = ()


class Views(NamedTuple):
    """The dense and lexical indexes of a material, by view."""

    dense: dict[str, Dense]
    lexical: dict[str, Lexical]
    phrasing: Phrasing | None = None
    followups: AskedNext | None = None


def silent(message: str) -> None:
    """A progress function that says nothing."""


def read_material(corpus: Corpus, tokenizer: Tokenizer) -> Material:
    """Cut the documents into passages and find the evidence of every bank question."""
    cut = [p for document in corpus.documents for p in chunk(document, tokenizer)]
    passages = tuple(assign_roles(corpus.documents, cut))
    by_id = {document.id: document for document in corpus.documents}
    return Material(
        by_id,
        passages,
        tuple(q.query for q in corpus.questions),
        tuple(locate(q, by_id, passages) for q in corpus.questions),
        tuple(q.query for q in corpus.outside),
        tuple(f.query for f in corpus.followups),
        tuple(locate_followup(f, by_id, passages) for f in corpus.followups),
    )


def build_views(
    material: Material,
    tokenizer: Tokenizer,
    encoder: Encoder,
    progress: Progress = silent,
    asker: Encoder | None = None,
) -> Views:
    """Index a material in memory; views without rows are left out.

    Args:
        material: what to index.
        tokenizer: cuts passages and questions for BM25.
        encoder: encodes passages and sentences.
        progress: told what is being done.
        asker: encodes bank questions, which are compared with queries and so are best encoded as
            queries will be; ``encoder`` where not given.
    """
    progress("建立词索引……")
    lexical = _lexical_views(material, tokenizer)
    dense = {}
    for name, encode, texts in _dense_texts(material, encoder, asker or encoder):
        if texts:
            progress(f"编码 {name}：{len(texts)} 条……")
            vectors = encode(texts)
            dense[name] = Dense.build(rounded(vectors) if name in BANKS else vectors)
    return Views(dense, lexical, _fit_phrasing(material, dense), _fit_followups(material, dense))


def _fit_phrasing(material: Material, dense: dict[str, Dense]) -> Phrasing | None:
    """The model of how questions are phrased; a corpus without both banks has none."""
    if not material.questions or not material.outside:
        return None
    vectors = (dense["questions"].vectors(), dense["outside"].vectors())
    answered_by = [{target.row for target in targets} for targets in material.targets]
    return fit(material.questions, material.outside, vectors, answered_by)


def _fit_followups(material: Material, dense: dict[str, Dense]) -> AskedNext | None:
    """The model of what people ask next; a corpus without a bank of follow-ups has none."""
    if not material.followups:
        return None
    answered_by = [{t.row for t in targets} or None for _, targets in material.followed]
    shown = [row for row, _ in material.followed]
    vectors = dense["followups"].vectors()
    return fit_followups(vectors, shown, answered_by, material.passages)


def _lexical_views(material: Material, tokenizer: Tokenizer) -> dict[str, Lexical]:
    """BM25 over the words of passages, and over bigrams of passages and their bank questions."""
    k1, b, plain_b = (float(PARAMETERS[n]) for n in ("bm25_k1", "bm25_b", "bigrams_plain_b"))
    asked = _cut_rows(material, tokenizer.bigrams, asked=True)
    return {
        "passages": Lexical.build(_cut_rows(material, tokenizer.tokens, asked=False), k1, b),
        "bigrams": Lexical.build(asked, k1, b if material.questions else plain_b),
    }


def _cut_rows(material: Material, cut: Callable[[str], list[str]], asked: bool) -> list[list[str]]:
    """Tokens of every passage, with those of its bank questions where ``asked``."""
    rows = [cut(passage.embedding_text) for passage in material.passages]
    if asked:
        for question, places in zip(material.questions, material.targets, strict=True):
            tokens = cut(question)
            for row in sorted({place.row for place in places}):
                rows[row] += tokens
    return rows


def _dense_texts(
    material: Material, encoder: Encoder, asker: Encoder
) -> list[tuple[str, Callable[[Sequence[str]], FloatMatrix], list[str]]]:
    sentences = [
        material.documents[material.passages[row].document_id].text[start:end]
        for row, start, end in sentence_rows(material.passages)
    ]
    return [
        ("passages", encoder.encode_passages, [p.embedding_text for p in material.passages]),
        ("sentences", encoder.encode_passages, sentences),
        ("questions", asker.encode_queries, list(material.questions)),
        ("outside", asker.encode_queries, list(material.outside)),
        ("followups", asker.encode_queries, list(material.followups)),
    ]


def build_index(
    settings: Settings,
    encoder: Encoder,
    progress: Progress = silent,
    asker: Encoder | None = None,
) -> str:
    """Read the corpus, encode it and publish the index folder; returns the index's name.

    See ``build_views`` for the two encoders.

    Raises:
        KBError: the corpus, the encoder or the folder is not usable; nothing is left half written.
    """
    progress("读取文档……")
    corpus = load_corpus(settings.corpus_dir)
    tokenizer = make_tokenizer(settings, corpus.lexicon)
    material = read_material(corpus, tokenizer)
    progress(
        f"{len(corpus.documents)}份文档，{len(material.passages)}个段落，{len(corpus.questions)}个问题"
    )
    views = build_views(material, tokenizer, encoder, progress, asker)
    settings.index_dir.mkdir(parents=True, exist_ok=True)
    folder = settings.index_dir / f".building-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        _write_rows(folder, corpus, material)
        _write_questions(folder, corpus, material)
        _write_words(folder, material.questions, tokenizer)
        _write_homophones(folder, corpus, tokenizer)
        _write_views(folder, views)
        manifest = _manifest(folder, corpus, material, encoder)
        _publish(settings.index_dir, folder, manifest)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    progress("索引已建好")
    return manifest_id(manifest)


def _write_rows(folder: Path, corpus: Corpus, material: Material) -> None:
    terms = read_terms(corpus.documents, material.passages, corpus.lexicon)
    for name, rows in (
        ("documents", corpus.documents),
        ("passages", material.passages),
        ("terms", terms),
        ("outside", corpus.outside),
    ):
        lines = "".join(row.model_dump_json() + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def _write_questions(folder: Path, corpus: Corpus, material: Material) -> None:
    """The bank of answerable questions with the places of their evidence."""
    rows = [
        {"id": q.id, "query": q.query, "voice": q.voice, "listing": q.listing, "targets": places}
        for q, places in zip(corpus.questions, material.targets, strict=True)
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "questions.jsonl").write_text(lines, encoding="utf-8")


def _write_words(folder: Path, questions: Sequence[str], tokenizer: Tokenizer) -> None:
    """Every word of the bank of answerable questions, one a line: cutting them takes a second."""
    words = sorted({word for question in questions for word in tokenizer.tokens(question)})
    (folder / "asked.txt").write_text("".join(w + "\n" for w in words), encoding="utf-8")


def _write_homophones(folder: Path, corpus: Corpus, tokenizer: Tokenizer) -> None:
    texts = [document.text for document in corpus.documents]
    asked = [question.query for question in corpus.questions if question.voice != "typo"]
    homophones = Homophones.build(texts, asked, tokenizer)
    homophones.save(folder / "homophones.json")


def _write_views(folder: Path, views: Views) -> None:
    for name, dense in views.dense.items():
        dense.save(folder / f"{name}.faiss")
    for name, lexical in views.lexical.items():
        lexical.save(folder / f"bm25-{name}")
    if views.followups is not None:
        views.followups.save(folder / "followups")
        write_graph(folder / FOLLOWUPS_GRAPH, views.dense["followups"].vectors())
    if views.phrasing is not None:
        views.phrasing.save(folder / "phrasing")
        banks = [views.dense[name] for name in ("questions", "outside")]
        if all(bank.exact for bank in banks):
            vectors = np.vstack([bank.vectors() for bank in banks])
            write_graph(folder / BANK_GRAPH, vectors, views.phrasing)


def _manifest(folder: Path, corpus: Corpus, material: Material, encoder: Encoder) -> Manifest:
    return Manifest(
        format=FORMAT,
        encoder=encoder.name,
        encoder_hash=encoder.fingerprint,
        dimension=encoder.dimension,
        settings=dict(PARAMETERS),
        corpus=corpus.hashes,
        counts={
            "documents": len(material.documents),
            "passages": len(material.passages),
            "sentences": len(sentence_rows(material.passages)),
            "questions": len(material.questions),
            "outside": len(material.outside),
            "followups": len(material.followups),
        },
        files=_file_hashes(folder),
    )


def _file_hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _publish(index_dir: Path, folder: Path, manifest: Manifest) -> None:
    """Make a finished folder the current index in one step."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    target = index_dir / generation(manifest)
    shutil.rmtree(target, ignore_errors=True)
    folder.rename(target)
    draft = index_dir / ".manifest.json"
    draft.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    draft.replace(index_dir / "manifest.json")
    for old in index_dir.glob("index-*"):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)
