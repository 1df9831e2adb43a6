"""The peers' worker and judging, with a scripted peer; real peers are an optional extra."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.peers import adapters, race, worker
from eval.peers.race import PeerReport, peers_table
from eval.provenance import provenance
from eval.questions import Ask
from eval.tables import to_text
from kb.errors import InputError

ASKS = [
    Ask(id="a", type="t", query="甲", history=(), role=None, evidence=(("甲是一",),),
        unanswerable=False),
    Ask(id="b", type="t", query="乙", history=(), role=None, evidence=(("乙是二",), ("丙是三",)),
        unanswerable=False),
]  # fmt: skip


class Backwards:
    """Returns the texts that hold the query's first character, then the others."""

    def __init__(self, encoder: str) -> None:
        self.texts: list[str] = []

    def build(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)

    def search(self, query: str, k: int) -> list[str]:
        return sorted(self.texts, key=lambda text: query[0] not in text)[:k]


def test_the_worker_times_and_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(adapters.ADAPTERS, "backwards", Backwards)  # type: ignore[arg-type]
    task = {
        "encoder": "x", "texts": ["甲是一。", "乙是二。"], "queries": ["甲", "乙"], "k": 1,
        "started": time.time(),
    }  # fmt: skip
    found = worker.work("backwards", task)
    assert found["results"] == [["甲是一。"], ["乙是二。"]]
    assert len(found["seconds"]) == 2


def test_a_peer_that_is_not_installed_is_skipped_with_the_reason() -> None:
    task = {"encoder": "x", "texts": [], "queries": [], "k": 1, "started": time.time()}
    for name, module in (("txtai", "txtai"), ("langchain-faiss", "langchain_huggingface")):
        if module not in sys.modules:
            sys.modules[module] = None  # type: ignore[assignment]
            try:
                assert module in worker.work(name, task)["missing"]
            finally:
                del sys.modules[module]


def test_what_a_peer_returns_is_judged_by_the_answers_rule() -> None:
    found = {
        "results": [["甲 是一。"], ["丙是三。", "无"]], "seconds": [0.01, 0.03],
        "ready_s": 1.0, "build_s": 2.0, "resident_mb": None,
    }  # fmt: skip
    python = Path(sys.executable)
    raced = race._raced("txtai", found, ASKS, False, python)
    skipped = race._raced("haystack", {"missing": "No module"}, ASKS, False, python)
    assert raced.first is not None
    assert raced.first.value == 1.0
    assert raced.facts is not None
    assert raced.facts.value == pytest.approx(0.75)
    assert raced.p50_ms == pytest.approx(20)
    about = provenance("python -m eval peers", None, None)
    text = to_text(
        peers_table(PeerReport(provenance=about, questions="q", n=2, peers=(raced, skipped)))
    )
    assert "skipped: No module" in text


def test_unknown_peers_and_interpreters_are_refused() -> None:
    about = provenance("c", None, None)
    nothing: object = None
    for names, python, said in (
        (["elastic"], Path(sys.executable), "没有名为“elastic”"),
        ([], Path("/nowhere/python"), "找不到Python解释器"),
    ):
        with pytest.raises(InputError, match=said):
            race.race(nothing, Path("x"), ASKS, names, python, "q", about, print)  # type: ignore[arg-type]
