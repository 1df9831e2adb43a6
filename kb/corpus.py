"""The corpus folder -> its documents, question banks and lexicon, with the hash of every file.

Documents are the ``.md`` and ``.txt`` files at the top of the folder (``README`` and ``SOURCES``
aside), the guide's own three first. Where ``source/`` holds slides, the guide's documents must be
exactly what ``kb.slides`` derives from them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from kb.errors import CorpusError
from kb.lexicon import Lexicon, load_lexicon
from kb.parse import parse_file
from kb.questions import check_duplicates, load_answerable, load_followups, load_unanswerable
from kb.schema import BankQuestion, Document, FollowUp, OutsideQuestion
from kb.slides import derive, to_markdown

__all__ = ["Corpus", "calibration_path", "corpus_hashes", "load_corpus", "write_derived"]

FIRST = ("guide", "interpretation", "glossary")
NOT_DOCUMENTS = frozenset({"readme", "sources"})
SHIPPED_CALIBRATION = Path(__file__).resolve().parent.parent / "corpus" / "calibration.json"
DATA_FILES = (
    "questions.jsonl",
    "unanswerable.jsonl",
    "followups.jsonl",
    "lexicon.toml",
    "calibration.json",
)


class Corpus(NamedTuple):
    """Everything read from a corpus folder."""

    documents: tuple[Document, ...]
    questions: tuple[BankQuestion, ...]
    outside: tuple[OutsideQuestion, ...]
    followups: tuple[FollowUp, ...]
    lexicon: Lexicon
    hashes: dict[str, str]


def load_corpus(folder: Path) -> Corpus:
    """Read and check a corpus folder.

    Raises:
        CorpusError: the folder or its documents are missing, a file is damaged, or a derived
            document is not what the slides say; the message names the file and the line.
    """
    _check_derived(folder)
    documents = tuple(parse_file(path) for path in _document_files(folder))
    identifiers = [document.id for document in documents]
    for identifier in identifiers:
        if identifiers.count(identifier) > 1:
            raise CorpusError(f"有两份文档的id都是“{identifier}”，请改成不同的id。")
    questions = load_answerable(folder / "questions.jsonl")
    outside = load_unanswerable(folder / "unanswerable.jsonl")
    check_duplicates([*((q.id, q.query) for q in questions), *((q.id, q.query) for q in outside)])
    followups = load_followups(folder / "followups.jsonl")
    check_duplicates([(f.id, f"{f.query} {f.after.quote}") for f in followups])
    return Corpus(
        documents,
        tuple(questions),
        tuple(outside),
        tuple(followups),
        load_lexicon(folder),
        corpus_hashes(folder),
    )


def corpus_hashes(folder: Path) -> dict[str, str]:
    """sha256 of every corpus file that an index depends on, by name."""
    files = [*_document_files(folder), *(folder / name for name in DATA_FILES)]
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.exists()
    }


def _document_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise CorpusError(f"找不到文档文件夹“{folder}”，请检查 KB_CORPUS_DIR 或 --corpus。")
    files = [
        path
        for path in folder.iterdir()
        if path.suffix in (".md", ".txt") and path.stem.lower() not in NOT_DOCUMENTS
    ]
    if not files:
        raise CorpusError(f"文档文件夹“{folder}”中没有 .md 或 .txt 文档，请放入文档后重试。")
    rank = {name: i for i, name in enumerate(FIRST)}
    return sorted(files, key=lambda path: (rank.get(path.stem, len(rank)), path.name))


def _derived(folder: Path) -> dict[str, str]:
    """File name -> text of every document that the slides in ``source/`` give."""
    texts = {}
    for path in sorted((folder / "source").glob("*.txt")):
        source = path.read_bytes().decode("utf-8")
        for name, lines in derive(source).documents.items():
            texts[f"{name}.md"] = to_markdown(name, lines, source)
    return texts


def _check_derived(folder: Path) -> None:
    for name, wanted in _derived(folder).items():
        path = folder / name
        if not path.exists():
            raise CorpusError(f"缺少文档“{path}”，请运行 python -m kb derive 由源文件重新生成。")
        found = path.read_text(encoding="utf-8")
        if found != wanted:
            line = _first_difference(found, wanted)
            raise CorpusError(
                f"文档“{name}”第{line}行与源文件不一致，原文不得改动；"
                "请运行 python -m kb derive 由源文件重新生成。"
            )


def _first_difference(found: str, wanted: str) -> int:
    pairs = zip(found.split("\n"), wanted.split("\n"), strict=False)
    return next((n for n, (a, b) in enumerate(pairs, start=1) if a != b), found.count("\n") + 1)


def calibration_path(folder: Path) -> Path:
    """The corpus's own calibration, or the shipped one where it has none."""
    own = folder / "calibration.json"
    return own if own.exists() else SHIPPED_CALIBRATION


def write_derived(folder: Path) -> list[Path]:
    """Write the documents that the slides give; returns their paths."""
    paths = []
    for name, text in _derived(folder).items():
        (folder / name).write_text(text, encoding="utf-8")
        paths.append(folder / name)
    return paths
