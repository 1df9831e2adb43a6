"""Sizes of corpus: build, save, and measure each in a process of its own.

``retrieve`` is ``kb.retrieve.Retriever.retrieve`` without a question bank, from text to ten ranked
hits, query encoding included. Passage vectors are known beforehand, as they are in ``kb build``
when only a few texts changed; encoding is therefore no part of the build time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eval.growth.corpus import growth_material
from eval.growth.probe import Probed, make_retriever
from eval.growth.vectors import PieceEncoder, exact_nearest
from eval.process import load_average, run_python
from kb.build import Material, build_views
from kb.dense import Dense
from kb.encoder import Encoder, FloatMatrix
from kb.index import make_tokenizer
from kb.lexicon import Lexicon
from kb.schema import Frozen
from kb.settings import Settings

__all__ = ["SizeReport", "measure_size"]

K = 10
Progress = Callable[[str], None]


class SizeReport(Frozen):
    """One size of corpus; ``recall`` of the passage vectors, ``agreement`` of hybrid's ten."""

    passages: int
    sentences: int
    index: dict[str, str]
    build_s: float
    disk_mb: float
    probed: Probed
    recall: float
    agreement: float
    load: float | None


def measure_size(
    pieces: Sequence[str],
    vectors: FloatMatrix,
    queries: Sequence[str],
    asker: Encoder,
    settings: Settings,
    folder: Path,
    progress: Progress,
) -> SizeReport:
    """Measure a corpus of these pieces; an index that ``folder`` already holds is taken from there."""
    progress(f"{len(pieces)}个段落……")
    material = growth_material(pieces)
    encoder = _encoder(asker, material, vectors)
    if not (folder / "built.json").exists():
        _build(material, encoder, settings, folder)
    built = json.loads((folder / "built.json").read_text(encoding="utf-8"))
    progress("检索……")
    probed = _probe(settings, folder, queries)
    progress("与精确检索比较……")
    asked = asker.encode_queries(queries)
    return SizeReport(
        passages=len(pieces),
        sentences=built["sentences"],
        index=built["index"],
        build_s=built["seconds"],
        disk_mb=sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 2**20,
        probed=probed,
        recall=_recall(Dense.load(folder / "passages.faiss"), vectors, asked),
        agreement=_agreement(settings, folder, queries, asker, encoder, material),
        load=load_average(),
    )


def _encoder(asker: Encoder, material: Material, vectors: FloatMatrix) -> PieceEncoder:
    encoder = PieceEncoder(
        asker, {p.text: v for p, v in zip(material.passages, vectors, strict=True)}
    )
    encoder.adopt({p.text[a:b]: p.text for p in material.passages for a, b in p.sentences})
    return encoder


def _build(material: Material, encoder: PieceEncoder, settings: Settings, folder: Path) -> None:
    tokenizer = make_tokenizer(settings, Lexicon())
    tokenizer.tokens("预热")
    start = time.perf_counter()
    views = build_views(material, tokenizer, encoder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, dense in views.dense.items():
        dense.save(folder / f"{name}.faiss")
    for name, lexical in views.lexical.items():
        lexical.save(folder / f"bm25-{name}")
    lines = "".join(p.model_dump_json() + "\n" for p in material.passages)
    (folder / "passages.jsonl").write_text(lines, encoding="utf-8")
    built = {
        "seconds": time.perf_counter() - start,
        "sentences": views.dense["sentences"].rows,
        "index": {name: dense.kind for name, dense in views.dense.items()},
    }
    (folder / "built.json").write_text(json.dumps(built), encoding="utf-8")


def _probe(settings: Settings, folder: Path, queries: Sequence[str]) -> Probed:
    printed = run_python(["-m", "eval.growth.probe", str(folder)], settings, "\n".join(queries))
    return Probed.model_validate_json(printed.splitlines()[-1])


def _recall(dense: Dense, vectors: FloatMatrix, asked: FloatMatrix) -> float:
    wanted = exact_nearest(vectors, asked, K)
    found = [dense.search(query[None, :], K)[1][0].tolist() for query in asked]
    return float(np.mean([len(w & set(f)) / len(w) for w, f in zip(wanted, found, strict=True)]))


def _agreement(
    settings: Settings,
    folder: Path,
    queries: Sequence[str],
    asker: Encoder,
    encoder: PieceEncoder,
    material: Material,
) -> float:
    """Share of hybrid's ten that exact indexes give as well."""
    tokenizer = make_tokenizer(settings, Lexicon())
    ours = make_retriever(tokenizer, folder, asker)
    if all(dense.exact for dense in ours.index.dense.values()):
        return 1.0
    texts = [p.text[a:b] for p in material.passages for a, b in p.sentences]
    dense = {
        "passages": encoder.encode_passages([p.text for p in material.passages]),
        "sentences": encoder.encode_passages(texts),
    }
    exact = make_retriever(tokenizer, folder, asker)
    for name, rows in dense.items():
        exact.index.dense[name] = Dense.build(rows, exact_rows=len(rows))
    shares = []
    for query in queries:
        pair = [{hit.row for hit in r.retrieve(query, K)} for r in (ours, exact)]
        shares.append(len(pair[0] & pair[1]) / len(pair[1]))
    return float(np.mean(shares))
