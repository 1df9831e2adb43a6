"""A process of its own that loads one size and asks it: ``python -m eval.growth.probe FOLDER``.

Queries come on standard input, one a line; the first few only warm up. Prints one line of JSON.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eval.material import bare_index
from eval.resident import resident_mb
from kb.build import Material
from kb.dense import Dense
from kb.encoder import Encoder
from kb.encoders import load_encoder
from kb.index import make_tokenizer, open_passages
from kb.lexical import Lexical
from kb.lexicon import Lexicon
from kb.retrieve import Retriever
from kb.schema import Frozen
from kb.settings import load_settings
from kb.tokenizer import Tokenizer

__all__ = ["Probed", "make_retriever"]

WARM_UP = 20


class Probed(Frozen):
    """Seconds, milliseconds and MiB; ``index_mb`` is what loading and 200 queries added."""

    queries: int
    load_s: float
    base_mb: float | None
    index_mb: float | None
    encode_p50_ms: float
    p50_ms: float
    p99_ms: float
    parts_ms: dict[str, float]


def make_retriever(tokenizer: Tokenizer, folder: Path, encoder: Encoder) -> Retriever:
    """Open the views and passages of one size."""
    dense = {path.stem: Dense.load(path) for path in sorted(folder.glob("*.faiss"))}
    passages, keys = open_passages(folder / "passages.jsonl", dense["passages"].rows)
    lexical = {
        path.name.removeprefix("bm25-"): Lexical.load(path)
        for path in sorted(folder.glob("bm25-*"))
    }
    index = bare_index(Material({}, ()), tokenizer, encoder)
    index = index._replace(passages=passages, sentences=keys, dense=dense, lexical=lexical)
    return Retriever(index, encoder)


def _quantiles(act: Callable[[str], object], queries: Sequence[str]) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds, after a warm-up."""
    for query in queries[:WARM_UP]:
        act(query)
    seconds = []
    for query in queries[WARM_UP:]:
        start = time.perf_counter()
        act(query)
        seconds.append(time.perf_counter() - start)
    p50, p99 = np.quantile(seconds, (0.5, 0.99)) * 1000
    return float(p50), float(p99)


def _probe(folder: Path, queries: Sequence[str]) -> Probed:
    settings = load_settings()
    encoder = load_encoder(settings.encoder, settings.data_dir)
    tokenizer = make_tokenizer(settings, Lexicon())
    for query in queries[:WARM_UP]:
        encoder.encode_queries([query])
        tokenizer.content_tokens(query)
    base = resident_mb()
    start = time.perf_counter()
    retriever = make_retriever(tokenizer, folder, encoder)
    load = time.perf_counter() - start
    p50, p99 = _quantiles(lambda text: _shown(retriever, text), queries)
    after = resident_mb()
    encode, _ = _quantiles(lambda text: encoder.encode_queries([text]), queries)
    read = {text: retriever.read(text) for text in queries}
    index = retriever.index
    acts: dict[str, Callable[[str], object]] = {
        "passages": lambda text: index.dense["passages"].scores(read[text].vector),
        "sentences": lambda text: index.dense["sentences"].scores(read[text].vector),
        "words": lambda text: index.lexical["passages"].scores(read[text].tokens),
        "bigrams": lambda text: index.lexical["bigrams"].scores(
            index.tokenizer.bigrams(read[text].reading.text)
        ),
        "score": lambda text: retriever.score(read[text]),
        "top ten vectors": lambda text: index.dense["passages"].search(
            read[text].vector[None, :], 10
        ),
    }
    return Probed(
        queries=len(queries) - WARM_UP,
        load_s=load,
        base_mb=base,
        index_mb=None if base is None or after is None else after - base,
        encode_p50_ms=encode,
        p50_ms=p50,
        p99_ms=p99,
        parts_ms={name: _quantiles(act, queries)[0] for name, act in acts.items()},
    )


def _shown(retriever: Retriever, text: str) -> list[str]:
    """The texts of the ten hits, read from where they lie."""
    return [retriever.index.passages[hit.row].text for hit in retriever.retrieve(text, 10)]


if __name__ == "__main__":
    print(_probe(Path(sys.argv[1]), sys.stdin.read().split("\n")).model_dump_json())
