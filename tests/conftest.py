"""Shared fixtures: a small fictional guide, a deterministic encoder, and the real thing."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kb.answer import Assistant
from kb.assemble import open_assistant, rebuild
from kb.build import build_index
from kb.encoder import FloatMatrix
from kb.settings import Settings, load_settings

REPOSITORY = Path(__file__).resolve().parent.parent

SMALL_GUIDE = """---
id: guide
title: 《小镇节水指南》
---
<!-- page 1 -->
# 小镇节水指南

为了节约用水，特制定本指南。

## 一、总则

### （一）适用对象

本指南主要面向居民、水厂和镇政府。

<!-- page 2 -->
## 二、居民怎么做

### （一）更换水龙头

居民应更换节水龙头。更换费用可分期支付。

### （二）收集雨水

居民可收集雨水浇花。一是准备水桶。二是盖好盖子。
"""
SMALL_GLOSSARY = """---
id: glossary
title: 《小镇节水指南》名词
---
# 名词解释

1. RWH（雨水收集）：指把雨水存起来再用的做法。

2. 节水龙头：指单位时间出水量较小的水龙头。
"""


class HashEncoder:
    """A deterministic encoder for units: a bag of hashed characters, unit length."""

    name = "hash"
    dimension = 64
    fingerprint = hashlib.sha256(b"hash-64").hexdigest()

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        return self._encode(texts)

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> FloatMatrix:
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for char in text:
                out[row, hashlib.sha256(char.encode()).digest()[0] % self.dimension] += 1.0
            out[row] /= max(float(np.linalg.norm(out[row])), 1e-9)
        return out


@pytest.fixture
def small_corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "guide.md").write_text(SMALL_GUIDE, encoding="utf-8")
    (folder / "glossary.md").write_text(SMALL_GLOSSARY, encoding="utf-8")
    (folder / "lexicon.toml").write_text('[words]\nwhole = ["节水龙头"]\n', encoding="utf-8")
    question = {
        "id": "q1",
        "query": "换龙头的钱能慢慢给吗",
        "voice": "owner",
        "evidence": [[{"document_id": "guide", "quote": "更换费用可分期支付。"}]],
    }
    (folder / "questions.jsonl").write_text(json.dumps(question, ensure_ascii=False) + "\n")
    return folder


@pytest.fixture
def small_settings(small_corpus: Path, tmp_path: Path, data_dir: Path) -> Settings:
    return load_settings(
        corpus_dir=small_corpus, index_dir=tmp_path / "index", data_dir=tmp_path / "data"
    )


@pytest.fixture
def small_index(small_settings: Settings) -> Settings:
    build_index(small_settings, HashEncoder())
    return small_settings


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The data folder with the encoder, shared by all runs of this machine."""
    return load_settings().data_dir


@pytest.fixture(scope="session")
def real_settings(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Settings:
    """The real guide with the real encoder, its index built for this run."""
    settings = load_settings(
        corpus_dir=REPOSITORY / "corpus",
        index_dir=tmp_path_factory.mktemp("index"),
        data_dir=data_dir,
    )
    rebuild(settings, lambda _: None)
    return settings


@pytest.fixture(scope="session")
def assistant(real_settings: Settings) -> Assistant:
    return open_assistant(real_settings)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to reach another machine fails the test."""
    real = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else address
        if host not in ("127.0.0.1", "::1", "localhost") and self.family != socket.AF_UNIX:
            raise AssertionError(f"a connection to {host} was attempted")
        real(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
