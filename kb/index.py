"""Load and verify the index folder.

The folder holds ``manifest.json`` and one generation folder that it names, with plain files:
``documents.jsonl``, ``passages.jsonl``, ``terms.jsonl``, ``questions.jsonl``, ``outside.jsonl``,
``homophones.json``, one ``.faiss`` file per dense view, two BM25 folders, the folders of ``phrasing`` and
``followups``, ``banks.onnx``, which compares a query with both banks, and ``followups.onnx``, with follow-ups.
A build writes a new generation, then replaces the manifest in one step, then removes the old one,
so a reader sees the old index or the new one.
Row i of ``passages.jsonl`` is row i of ``passages.faiss`` and of both BM25 indexes.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from sys import intern
from typing import NamedTuple, TypeVar, overload

import numpy as np
from pydantic import ValidationError

from kb.bank_graph import CHECKED, BankGraph
from kb.chunk import TOKEN_BUDGET
from kb.corpus import corpus_hashes
from kb.dense import Dense
from kb.encoder import EXPORT_FORMAT, Encoder
from kb.errors import IndexFolderError
from kb.followups import AskedNext
from kb.followups import load as load_asked_next
from kb.homophones import Homophones
from kb.lexical import Lexical
from kb.lexicon import Lexicon, load_lexicon
from kb.passages_store import PassageFile
from kb.phrasing import Phrasing
from kb.phrasing import load as load_phrasing
from kb.schema import (
    Asked,
    Document,
    Frozen,
    Manifest,
    OutsideQuestion,
    Passage,
    Target,
    Term,
)
from kb.settings import Settings
from kb.tokenizer import Tokenizer

__all__ = [
    "BANK_GRAPH",
    "FOLLOWUPS_GRAPH",
    "FORMAT",
    "LAZY_ROWS",
    "PARAMETERS",
    "Index",
    "check_fresh",
    "generation",
    "load_index",
    "make_tokenizer",
    "manifest_id",
    "open_passages",
    "read_manifest",
    "sentence_rows",
]

FORMAT = 13
PARAMETERS: Mapping[str, str | int | float] = {
    "token_budget": TOKEN_BUDGET,
    "query_export": EXPORT_FORMAT,
    "bm25_k1": 0.9,
    "bm25_b": 0.4,
    "bigrams_plain_b": 0.75,
}
BANK_GRAPH, FOLLOWUPS_GRAPH = "banks.onnx", "followups.onnx"
LAZY_ROWS = 20_000
"""Beyond this many passages their text stays on disk: 20,000 objects take about 50 MB."""

Row = TypeVar("Row", bound=Frozen)


class SentenceRow(NamedTuple):
    """One sentence key: its passage row and its offsets in the document."""

    row: int
    start: int
    end: int


class SentenceTable(Sequence[SentenceRow]):
    """Sentence keys as numbers, 12 bytes each; a row becomes an object when it is asked for."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        numbers = array("i")
        for row, passage in enumerate(passages):
            for start, end in passage.sentences:
                numbers.extend((row, start, end))
        self._table = np.array(numbers, dtype=np.int32).reshape(-1, 3)

    def __len__(self) -> int:
        return len(self._table)

    @overload
    def __getitem__(self, row: int) -> SentenceRow: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[SentenceRow]: ...
    def __getitem__(self, row: int | slice) -> SentenceRow | Sequence[SentenceRow]:
        found = self._table[row].tolist()
        if isinstance(row, slice):
            return tuple(SentenceRow(*one) for one in found)
        return SentenceRow(*found)


class Index(NamedTuple):
    """A loaded index; see the module's head for what each row means."""

    manifest: Manifest
    id: str
    documents: dict[str, Document]
    passages: Sequence[Passage]
    sentences: Sequence[SentenceRow]
    terms: tuple[Term, ...]
    questions: tuple[Asked, ...]
    targets: tuple[tuple[Target, ...], ...]
    outside: tuple[OutsideQuestion, ...]
    lexicon: Lexicon
    tokenizer: Tokenizer
    dense: dict[str, Dense]
    lexical: dict[str, Lexical]
    homophones: Homophones = Homophones({}, {})
    asked: frozenset[str] = frozenset()
    phrasing: Phrasing | None = None
    followups: AskedNext | None = None
    bank_graph: BankGraph | None = None
    followups_graph: BankGraph | None = None

    @property
    def row_of(self) -> dict[str, int]:
        """Passage id -> row."""
        if isinstance(self.passages, PassageFile):
            return self.passages.numbers()
        return {passage.id: row for row, passage in enumerate(self.passages)}


def sentence_rows(passages: Sequence[Passage]) -> tuple[SentenceRow, ...]:
    """Every sentence of every passage, in order: the rows of ``sentences.faiss``."""
    return tuple(SentenceRow(row, a, b) for row, p in enumerate(passages) for a, b in p.sentences)


def open_passages(path: Path, count: int) -> tuple[Sequence[Passage], Sequence[SentenceRow]]:
    """Passages and their sentence keys: objects in memory, or, beyond ``LAZY_ROWS``, on disk."""
    if count <= LAZY_ROWS:
        passages = tuple(_load_rows(path, Passage))
        return passages, sentence_rows(passages)
    stored = PassageFile(path)
    return stored, SentenceTable(stored)


def manifest_id(manifest: Manifest) -> str:
    """The name of an index: sha256 over what it was made from (file hashes aside)."""
    inputs = manifest.model_dump(exclude={"files"})
    text = json.dumps(inputs, ensure_ascii=False, sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def make_tokenizer(settings: Settings, lexicon: Lexicon) -> Tokenizer:
    """The tokenizer with the corpus's own words, its cache in the data folder."""
    return Tokenizer(lexicon.words, settings.data_dir / "jieba")


def generation(manifest: Manifest) -> str:
    """The folder a manifest speaks of: named by all it says, file hashes included."""
    return "index-" + hashlib.sha256(manifest.model_dump_json().encode()).hexdigest()[:12]


def load_index(settings: Settings, encoder: Encoder | None = None) -> Index:
    """Load an index and verify it against its manifest, the corpus and the encoder.

    Args:
        settings: names the index folder and the corpus it must belong to.
        encoder: when given, its fingerprint and dimension must be those of the index.

    Raises:
        IndexFolderError: missing, damaged or stale; the message names the difference and the cure.
    """
    manifest = read_manifest(settings.index_dir)
    check_fresh(manifest, settings, encoder)
    folder = settings.index_dir / generation(manifest)
    _check_files(folder, manifest)
    documents = _load_rows(folder / "documents.jsonl", Document)
    passages, sentences = open_passages(
        folder / "passages.jsonl", manifest.counts.get("passages", 0)
    )
    questions, targets = _load_questions(folder / "questions.jsonl")
    by_id = {d.id: d for d in documents}
    dense = {path.stem: Dense.load(path) for path in sorted(folder.glob("*.faiss"))}
    lexicon = load_lexicon(settings.corpus_dir)
    index = Index(
        manifest=manifest,
        id=manifest_id(manifest),
        documents=by_id,
        passages=passages,
        sentences=sentences,
        terms=tuple(_load_rows(folder / "terms.jsonl", Term)),
        questions=questions,
        targets=targets,
        outside=tuple(_load_rows(folder / "outside.jsonl", OutsideQuestion)),
        lexicon=lexicon,
        tokenizer=make_tokenizer(settings, lexicon),
        dense=dense,
        lexical={
            path.name.removeprefix("bm25-"): Lexical.load(path)
            for path in sorted(folder.glob("bm25-*"))
        },
        homophones=Homophones.load(folder / "homophones.json"),
        asked=frozenset((folder / "asked.txt").read_text(encoding="utf-8").split("\n")),
        phrasing=load_phrasing(folder / "phrasing") if (folder / "phrasing").exists() else None,
        followups=load_asked_next(folder / "followups")
        if (folder / "followups").exists()
        else None,
        bank_graph=_open_graph(folder / BANK_GRAPH, dense.get("questions")),
        followups_graph=_open_graph(folder / FOLLOWUPS_GRAPH, dense.get("followups")),
    )
    _check_counts(index)
    return index


def _open_graph(path: Path, firsts: Dense | None) -> BankGraph | None:
    """A graph, where there is one and this processor runs it without overflow.

    ``firsts`` are the vectors that its first rows hold.
    """
    if not path.exists() or firsts is None:
        return None
    graph = BankGraph(path, firsts.rows)
    return graph if graph.is_exact(firsts.first(CHECKED)) else None


def read_manifest(index_dir: Path) -> Manifest:
    """Read the manifest alone."""
    path = index_dir / "manifest.json"
    if not path.exists():
        raise IndexFolderError(
            f"还没有索引（{index_dir}），请先运行 python -m kb build。", "missing"
        )
    try:
        return Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise IndexFolderError(
            "索引清单 manifest.json 已损坏，请重建索引（python -m kb build）。"
        ) from error


def check_fresh(manifest: Manifest, settings: Settings, encoder: Encoder | None = None) -> None:
    """Compare what the index was made from with what is there now."""
    wanted = dict(PARAMETERS)
    if manifest.format != FORMAT or manifest.settings != wanted:
        raise IndexFolderError(
            f"索引的格式或参数（{manifest.format}，{manifest.settings}）与程序（{FORMAT}，{wanted}）"
            "不符，请重建索引（python -m kb build）。",
            "stale",
        )
    now = corpus_hashes(settings.corpus_dir)
    changed = sorted(n for n in {*now, *manifest.corpus} if now.get(n) != manifest.corpus.get(n))
    if changed:
        raise IndexFolderError(
            f"文档“{changed[0]}”在建索引后有改动（清单 {str(manifest.corpus.get(changed[0]))[:8]}，"
            f"现在 {str(now.get(changed[0]))[:8]}），请重建索引（python -m kb build）。",
            "stale",
        )
    if encoder is not None and encoder.fingerprint != manifest.encoder_hash:
        raise IndexFolderError(
            f"索引由编码器 {manifest.encoder}（{manifest.encoder_hash[:8]}）建立，当前为 {encoder.name}"
            f"（{encoder.fingerprint[:8]}），请重建索引（python -m kb build）。",
            "stale",
        )


def _check_files(folder: Path, manifest: Manifest) -> None:
    for name, wanted in manifest.files.items():
        path = folder / name
        if not path.exists():
            raise IndexFolderError(f"索引文件“{name}”缺失，请重建索引（python -m kb build）。")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != wanted:
            raise IndexFolderError(
                f"索引文件“{name}”与清单不符，已损坏，请重建索引（python -m kb build）。"
            )


def _check_counts(index: Index) -> None:
    counts = index.manifest.counts
    for name in ("passages", "sentences", "questions", "outside", "followups"):
        rows = index.dense[name].rows if name in index.dense else 0
        if rows != counts[name]:
            raise IndexFolderError(
                f"索引的 {name} 应有{counts[name]}行，实有{rows}行，请重建索引（python -m kb build）。"
            )


def _load_questions(path: Path) -> tuple[tuple[Asked, ...], tuple[tuple[Target, ...], ...]]:
    """The bank of answerable questions, and where each is answered.

    Many are answered at the same places, which are kept once.
    """
    asked: list[Asked] = []
    answered_at: list[tuple[Target, ...]] = []
    once: dict[tuple[Target, ...], tuple[Target, ...]] = {}
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for row in map(json.loads, file):
                asked.append(Asked(row["id"], row["query"], intern(row["voice"]), row["listing"]))
                places = tuple(Target(*place) for place in row["targets"])
                answered_at.append(once.setdefault(places, places))
        return tuple(asked), tuple(answered_at)
    except (ValueError, KeyError, TypeError) as error:
        raise IndexFolderError(
            f"索引文件“{path.name}”无法读取，请重建索引（python -m kb build）。"
        ) from error


def _load_rows(path: Path, model: type[Row]) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # U+2028 may stand inside a line
        return [model.model_validate_json(line) for line in lines if line]
    except ValidationError as error:
        raise IndexFolderError(
            f"索引文件“{path.name}”无法读取，请重建索引（python -m kb build）。"
        ) from error
