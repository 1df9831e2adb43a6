"""A BEIR dataset -> an index in memory, made by the project's own build and searched by it.

Every BEIR passage is one document and one passage (no chunking); its title is its heading path.
There is no question bank and no lexicon, as for any corpus of a user's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eval.beir import Text
from kb.build import Material, build_views
from kb.chunk import sentences
from kb.encoder import Encoder, FloatMatrix
from kb.encoders import load_encoder
from kb.index import FORMAT, PARAMETERS, Index, sentence_rows
from kb.lexical import Lexical
from kb.lexicon import Lexicon
from kb.schema import Document, Manifest, Passage
from kb.settings import Settings
from kb.tokenizer import Tokenizer

__all__ = ["BlockEncoder", "NoEncoder", "bare_index", "lexical_index", "make_index", "to_material"]

BLOCK = 512
Progress = Callable[[str], None]


class NoEncoder:
    """Stands where BM25 alone is asked for: a query costs nothing to encode."""

    name = "none"
    dimension = 1
    fingerprint = "0" * 64

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """One zero per text."""
        return np.zeros((len(texts), 1), dtype=np.float32)

    encode_passages = encode_queries


class BlockEncoder:
    """The project's encoder: queries as they are served, passages as they are built, kept on disk.

    Passages are encoded in blocks of ``BLOCK`` texts; a block's file is named by the encoder's
    fingerprint and the hash of its texts, so a run that was cut off goes on where it stopped.
    """

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._serving = load_encoder(settings.encoder, settings.data_dir)
        self._building: Encoder | None = None
        self.name = self._serving.name
        self.dimension = self._serving.dimension
        self.fingerprint = self._serving.fingerprint

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Encode with the serving encoder; never kept."""
        return self._serving.encode_queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Encode in blocks, each read from disk where it was encoded before."""
        blocks = [texts[i : i + BLOCK] for i in range(0, len(texts), BLOCK)]
        found = []
        for number, block in enumerate(blocks, start=1):
            found.append(self._block(block, f"{number}/{len(blocks)}"))
        return np.concatenate(found) if found else np.zeros((0, self.dimension), np.float32)

    def _block(self, texts: Sequence[str], place: str) -> FloatMatrix:
        path = self._path(texts)
        if path.exists():
            return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)
        self._progress(f"编码第{place}块……")
        if self._building is None:
            s = self._settings
            self._building = load_encoder(s.encoder, s.data_dir, serving=False)
        vectors = self._building.encode_passages(texts)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft.npy")
        np.save(draft, vectors)
        draft.replace(path)
        return vectors

    def _path(self, texts: Sequence[str]) -> Path:
        digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
        folder = self._settings.data_dir / "eval-cache" / self.fingerprint[:16]
        return folder / f"{digest[:32]}.npy"


def to_material(corpus: dict[str, Text]) -> Material:
    """Passages as they are: id = ``_id``, heading path = the title where there is one."""
    documents, passages = {}, []
    for key, (title, text) in corpus.items():
        documents[key] = Document(id=key, title=title, text=text, sections=(), paragraphs=())
        passages.append(
            Passage(
                id=key,
                document_id=key,
                section_id=key,
                section=(title,) if title else (),
                page=None,
                start=0,
                end=len(text),
                text=text,
                sentences=sentences(text),
            )
        )
    return Material(documents, tuple(passages))


def make_index(
    material: Material, tokenizer: Tokenizer, encoder: Encoder, progress: Progress
) -> Index:
    """Index a material as ``kb build`` would, in memory."""
    if isinstance(encoder, NoEncoder):
        return lexical_index(material, tokenizer, PARAMETERS["bm25_k1"], PARAMETERS["bm25_b"])
    views = build_views(material, tokenizer, encoder, progress)
    return bare_index(material, tokenizer, encoder)._replace(
        dense=views.dense, lexical=views.lexical
    )


def lexical_index(
    material: Material, tokenizer: Tokenizer, k1: float | str, b: float | str
) -> Index:
    """An index for BM25 alone, over ``tokenizer.tokens`` of title and text."""
    tokens = [tokenizer.tokens(p.embedding_text) for p in material.passages]
    lexical = {"passages": Lexical.build(tokens, float(k1), float(b))}
    return bare_index(material, tokenizer, NoEncoder())._replace(lexical=lexical)


def bare_index(material: Material, tokenizer: Tokenizer, encoder: Encoder) -> Index:
    """The index without its views."""
    manifest = Manifest(
        format=FORMAT,
        encoder=encoder.name,
        encoder_hash=encoder.fingerprint,
        dimension=encoder.dimension,
        settings=dict(PARAMETERS),
        corpus={},
        counts={"passages": len(material.passages)},
        files={},
    )
    return Index(
        manifest=manifest,
        id="memory",
        documents=material.documents,
        passages=material.passages,
        sentences=sentence_rows(material.passages),
        terms=(),
        questions=(),
        targets=(),
        outside=(),
        lexicon=Lexicon(),
        tokenizer=tokenizer,
        dense={},
        lexical={},
    )
