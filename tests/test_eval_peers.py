"""The peers' worker, launcher, judging and pace, with scripted peers; real ones are optional."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from eval.peers import adapters, race, worker
from eval.peers.launch import Launcher, check_names
from eval.peers.pace import OURS, Paced, System, pace, share_out
from eval.peers.pace_report import pace_tables, ratios
from eval.peers.race import PeerReport, peers_table
from eval.provenance import provenance
from eval.questions import Ask
from eval.tables import to_text
from kb.errors import InputError
from kb.settings import Settings

ASKS = [
    Ask(id="a", type="t", query="甲", history=(), role=None, evidence=(("甲是一",),),
        unanswerable=False),
    Ask(id="b", type="t", query="乙", history=(), role=None, evidence=(("乙是二",), ("丙是三",)),
        unanswerable=False),
]  # fmt: skip
TEXTS = ["甲是一。", "乙是二。"]


class Backwards:
    """Returns the texts that hold the query's first character, then the others."""

    def __init__(self, encoder: str) -> None:
        self.texts: list[str] = []

    def open(self) -> None:
        """Nothing to load."""

    def build(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)

    def save(self, folder: Path) -> None:
        folder.write_text(json.dumps(self.texts), encoding="utf-8")

    def load(self, folder: Path) -> None:
        self.texts = json.loads(folder.read_text(encoding="utf-8"))

    def search(self, query: str, k: int) -> list[str]:
        if query == "错":
            raise ValueError(query)
        return sorted(self.texts, key=lambda text: query[0] not in text)[:k]


@pytest.fixture
def backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(adapters.ADAPTERS, "backwards", Backwards)  # type: ignore[arg-type]


def work(**task: Any) -> list[dict[str, Any]]:
    """Copies of what the worker tells after each stage."""
    whole = {"encoder": "x", "k": 1, "started": time.time(), **task}
    return [json.loads(json.dumps(found)) for found in worker.work("backwards", whole)]


@pytest.mark.usefixtures("backwards")
def test_the_worker_returns_what_was_found() -> None:
    (found,) = work(do="return", texts=TEXTS, queries=["甲", "乙"])
    assert found["results"] == [["甲是一。"], ["乙是二。"]]
    assert len(found["seconds"]) == 2


@pytest.mark.usefixtures("backwards")
def test_the_worker_serves_what_it_built_and_counts_errors(tmp_path: Path) -> None:
    folder = str(tmp_path / "index")
    (built,) = work(do="build", texts=TEXTS, folder=folder)
    assert built["build_s"] >= 0
    alone, eight, fifty = work(
        do="serve", folder=folder, warm_up=["甲"], queries=["乙", "丙"],
        clients={"8": ["甲"] * 4, "50": ["乙", "错", "乙"]},
    )  # fmt: skip
    assert 0 < alone["ready_s"] <= alone["first_s"]
    assert len(alone["seconds"]) == 2
    assert alone["throughput"] == {}
    assert set(eight["throughput"]) == {"8"}
    assert set(fifty["throughput"]) == {"8", "50"}
    assert (eight["failed"], fifty["failed"]) == (0, 1)


def test_a_peer_that_is_not_installed_is_skipped_with_the_reason() -> None:
    task = {"encoder": "x", "do": "build", "texts": [], "folder": "x"}
    for name, module in (("txtai", "txtai"), ("langchain-faiss", "langchain_huggingface")):
        if module not in sys.modules:
            sys.modules[module] = None  # type: ignore[assignment]
            try:
                assert module in next(worker.work(name, task))["missing"]
            finally:
                del sys.modules[module]


def test_a_crash_loses_nothing_found_before(tmp_path: Path, small_settings: Settings) -> None:
    """Scripts in place of the interpreter: one tells and dies, one dies at once, one finishes."""
    for tells, end, found in (
        ("echo '{\"seconds\": [1]}'; ", "kill -9 $$", {"seconds": [1], "crash": "signal 9"}),
        ("echo none is here >&2; ", "exit 3", {"missing": "none is here"}),
        ("echo '{\"seconds\": [1]}'; ", "exit 0", {"seconds": [1]}),
    ):
        script = tmp_path / "python"
        script.write_text(f"#!/bin/sh\n{tells}{end}\n", encoding="utf-8")
        script.chmod(0o755)
        assert Launcher(script, tmp_path, small_settings).run("txtai", {"do": "build"}) == found


def test_what_a_peer_returns_is_judged_by_the_answers_rule() -> None:
    found = {"results": [["甲 是一。"], ["丙是三。", "无"]], "seconds": [0.01, 0.03]}
    raced = race._raced("txtai", "txtai 1", found, ASKS)
    skipped = race._raced("haystack", "", {"missing": "No module"}, ASKS)
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


def test_unknown_peers_and_interpreters_are_refused(small_settings: Settings) -> None:
    with pytest.raises(InputError, match="没有名为“elastic”"):
        check_names(["elastic"], race.RACED)
    with pytest.raises(InputError, match="找不到Python解释器"):
        Launcher(Path("/nowhere/python"), Path("x"), small_settings)


def test_no_query_is_asked_twice() -> None:
    load = share_out([f"问{n % 700}" for n in range(1000)])
    asked = [*load.warm_up, *load.alone, *load.together[8], *load.together[50]]
    assert len(set(asked)) == len(asked) <= 700
    assert len(load.alone) == 200
    assert len(load.together[8]) == len(load.together[50]) == 240
    few = share_out([f"问{n}" for n in range(50)])
    assert (len(few.warm_up), len(few.alone), len(few.together[8])) == (20, 10, 10)


def paced(ms: float, rate: float, mb: float | None = 100.0, **others: Any) -> Paced:
    whole: dict[str, Any] = {
        "ready_s": 1.0, "first_s": 2.0, "p50_ms": ms, "p95_ms": 2 * ms, "p99_ms": 3 * ms,
        "throughput": {"1": 1000 / ms, "8": rate, "50": rate}, "failed": 0, "crash": None,
        "resident_mb": mb, "load": None, **others,
    }  # fmt: skip
    return Paced(**whole)


def system(name: str, *rounds: Paced) -> System:
    return System(name=name, versions="1", skipped=None, build_ms=1.0, rounds=rounds)


def test_ratios_are_to_the_best_peer_of_the_same_round() -> None:
    ours = system(OURS, paced(5, 300), paced(10, 100), paced(4, 200))
    slow = system("slow", paced(40, 20, 50), paced(20, 20, 50), paced(40, 20, None))
    quick = system("quick", paced(20, 60), paced(25, 60), paced(20, 60, 400))
    found = {ratio.name: ratio for ratio in ratios(ours, [slow, quick])}
    median = found["p50 of answer() / lowest p50 of a peer's search"]
    assert (median.median, median.least, median.most) == (0.25, 0.2, 0.5)
    fifty = found["answers a second, 50 clients / fastest peer's with one"]
    assert (fifty.median, fifty.least, fifty.most) == (4.0, 2.0, 6.0)
    memory = found["memory / lightest peer's"]
    assert (memory.least, memory.most) == (0.25, 2.0)
    assert found["p99 of answer() / its own p50"].median == 3
    assert ratios(ours, []) == ()
    assert ratios(ours, [System(name="none", versions="", skipped="No module")]) == ()


class Scripted:
    """Stands for the launcher: ``bad`` cannot be built, ``weak`` crashes under fifty clients."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def run(self, name: str, task: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append((name, task["do"]))
        if name == "bad":
            return {"missing": "No module"}
        if task["do"] == "build":
            return {"build_s": 0.5}
        found: dict[str, Any] = {
            "ready_s": 1.0, "first_s": 1.5, "seconds": [0.01, 0.03], "resident_mb": 10.0,
            "throughput": {"8": 60.0, "50": 50.0}, "failed": 0,
        }  # fmt: skip
        if name == "weak":
            found |= {"throughput": {"8": 60.0}, "failed": 2, "crash": "signal 11"}
        return found

    def versions(self, name: str) -> str:
        return f"{name} 1"


def test_rounds_begin_with_another_system_and_a_crash_is_shown() -> None:
    launcher = Scripted()
    load = share_out([f"问{n}" for n in range(50)])
    systems = pace(launcher, (OURS, "weak", "bad"), TEXTS, load, 2, lambda _: None)  # type: ignore[arg-type]
    serving = [name for name, do in launcher.calls if do == "serve"]
    assert serving == [OURS, "weak", "weak", OURS]
    ours, weak, bad = systems
    assert ours.build_ms == 250
    assert ours.rate(1) == 50
    assert weak.rate(50) is None
    assert bad.skipped == "No module"
    tables = pace_tables(systems, ratios(ours, [weak, bad]), "python -m eval speed")
    text = "\n".join(map(to_text, tables))
    assert "4, 2 crashed" in text
    assert "skipped: No module" in text
