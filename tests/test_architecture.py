"""Arrows point one way: every import goes to an earlier module of the one order."""

from __future__ import annotations

import ast
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

ORDER = [
    "errors",
    "schema",
    "settings",
    "memory",
    "wording",
    "numerals",
    "slides",
    "parse",
    "dictionary",
    "tokenizer",
    "chunk",
    "lexicon",
    "homophones",
    "terms",
    "roles",
    "questions",
    "outline",
    "addresses",
    "counterparts",
    "weights",
    "encoder",
    "onnx_export",
    "encoders",
    "embeddings",
    "passages_store",
    "lexical",
    "dense",
    "fusion",
    "asks",
    "kernel",
    "phrasing",
    "bank_graph",
    "followups",
    "verify",
    "corpus",
    "index",
    "build",
    "retrieve",
    "select",
    "named",
    "plans",
    "cues",
    "dialogue",
    "lifts",
    "answerable",
    "answer",
    "batch",
    "assemble",
    "service",
    "render",
    "quiz",
    "export",
    "journal",
    "api",
    "pages",
    "__main__",
]
ONE_FILE = {
    "jieba": "kb/tokenizer.py",
    "faiss": "kb/dense.py",
    "bm25s": "kb/lexical.py",
    "sentence_transformers": "kb/encoder.py",
    "opencc": "kb/tokenizer.py",
    "marisa_trie": "kb/dictionary.py",
    "pypinyin": "kb/homophones.py",
}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


def module_of(path: Path) -> str:
    parts = path.relative_to(REPOSITORY / "kb").with_suffix("").parts
    return parts[0]


def test_imports_go_back_in_the_order() -> None:
    wrong = []
    for path in sorted((REPOSITORY / "kb").rglob("*.py")):
        name = module_of(path)
        if name == "__init__":
            continue
        assert name in ORDER, f"{path} is not in the order"
        for target in imports(path):
            parts = target.split(".")
            inside = parts[0] == "kb" and len(parts) > 1 and parts[1] != name
            if inside and ORDER.index(parts[1]) > ORDER.index(name):
                wrong.append(f"{name} -> {parts[1]}")
            if parts[0] == "eval":
                wrong.append(f"{name} -> eval")
    assert not wrong


def test_one_library_one_file() -> None:
    for path in sorted((REPOSITORY / "kb").rglob("*.py")):
        for target in imports(path):
            owner = ONE_FILE.get(target.split(".")[0])
            assert owner is None or path.relative_to(REPOSITORY).as_posix() == owner, (path, target)


def test_no_file_grows_beyond_reading() -> None:
    long = [
        f"{path}: {lines}"
        for folder in ("kb/pages", "eval")
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        if (lines := path.read_text(encoding="utf-8").count("\n")) > 300
    ]
    assert not long
