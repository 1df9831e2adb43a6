"""Every peer on the same questions, each in a process of its own; judged by the answers' rule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.evidence import find_facts
from eval.intervals import Estimate, bootstrap_mean, wilson
from eval.peers.adapters import ADAPTERS
from eval.provenance import Provenance
from eval.questions import Ask
from eval.tables import Table, share
from kb.answer import Assistant
from kb.errors import InputError
from kb.schema import Frozen

__all__ = ["PeerReport", "Raced", "peers_table", "race"]

ROOT = Path(__file__).resolve().parent.parent.parent
K = 10
PACKAGES = {
    "txtai": ("txtai",),
    "haystack": ("haystack-ai", "sentence-transformers-haystack"),
    "langchain": ("langchain-community", "langchain-huggingface", "faiss-cpu"),
}
Progress = Callable[[str], None]


class Raced(Frozen):
    """One peer's figures; ``skipped`` says why where there are none."""

    name: str
    versions: str
    skipped: str | None
    first: Estimate | None = None
    first_three: Estimate | None = None
    facts: Estimate | None = None
    characters: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    ready_s: float | None = None
    build_s: float | None = None
    resident_mb: float | None = None
    load: float | None = None


class PeerReport(Frozen):
    """All peers on one question file."""

    provenance: Provenance
    questions: str
    n: int
    peers: tuple[Raced, ...]


def race(
    assistant: Assistant,
    encoder: Path,
    asks: Sequence[Ask],
    names: Sequence[str],
    python: Path,
    questions: str,
    provenance: Provenance,
    progress: Progress,
) -> PeerReport:
    """Run the named peers (all when none is named) on answerable questions without history.

    Args:
        assistant: gives the passages, so that every system searches the same ones.
        encoder: the sentence-transformers folder that every system uses.
        asks: the questions of a file.
        names: of ``ADAPTERS``.
        python: the interpreter that has the peers installed; ours runs in this one.
        questions: the file's name.
        provenance: stands beside the figures.
        progress: told which peer is running.

    Raises:
        InputError: no peer has that name, or the interpreter is not there.
    """
    if unknown := [name for name in names if name not in ADAPTERS]:
        raise InputError(f"没有名为“{unknown[0]}”的对照系统，应为{'、'.join(ADAPTERS)}之一。")
    if not python.exists():
        raise InputError(f"找不到Python解释器“{python}”，请用--python指定装有对照系统的那一个。")
    single = [ask for ask in asks if not ask.unanswerable and not ask.history]
    raced = []
    for name in names or ADAPTERS:
        progress(f"对照系统：{name}……")
        own = name.startswith("zhinan-kb")
        texts = _texts(assistant, name)
        found = _run(name, Path(sys.executable) if own else python, encoder, texts, single)
        raced.append(_raced(name, found, single, own, python))
    return PeerReport(provenance=provenance, questions=questions, n=len(single), peers=tuple(raced))


def _texts(assistant: Assistant, name: str) -> list[str]:
    """Our passages with their headings; whole documents for a peer that splits them itself."""
    if name.endswith("own-chunks"):
        return [document.text for document in assistant.index.documents.values()]
    return ["\n".join((*p.section, p.text)) for p in assistant.index.passages]


def _run(
    name: str, python: Path, encoder: Path, texts: Sequence[str], asks: Sequence[Ask]
) -> dict[str, Any]:
    """The worker's answer, or ``missing`` with a reason."""
    task = {"encoder": str(encoder), "texts": texts, "k": K, "queries": [a.query for a in asks]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "task.json"
        path.write_text(json.dumps({**task, "started": time.time()}), encoding="utf-8")
        done = subprocess.run(
            [str(python), "-m", "eval.peers.worker", name, str(path)],
            cwd=ROOT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["没有说明"])[-1]
        return {"missing": last}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _raced(name: str, found: dict[str, Any], asks: Sequence[Ask], own: bool, python: Path) -> Raced:
    versions = "this index" if own else _versions(name, python)
    if "missing" in found:
        return Raced(name=name, versions=versions, skipped=str(found["missing"])[:200])
    facts = [find_facts(a.evidence, t) for a, t in zip(asks, found["results"], strict=True)]
    n = len(facts)
    first = [texts[0] for texts in found["results"] if texts]
    p50, p95 = np.quantile(found["seconds"], (0.5, 0.95)) * 1000
    return Raced(
        name=name,
        versions=versions,
        skipped=None,
        first=wilson(sum(f.first for f in facts), n),
        first_three=wilson(sum(f.first_three for f in facts), n),
        facts=bootstrap_mean([f.share for f in facts]),
        characters=float(np.mean([len(text) for text in first])) if first else None,
        p50_ms=float(p50),
        p95_ms=float(p95),
        ready_s=found["ready_s"],
        build_s=None if own else found["build_s"],
        resident_mb=found["resident_mb"],
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    )


def _versions(name: str, python: Path) -> str:
    """Versions of a peer's packages, as the interpreter that runs it has them."""
    script = (
        "import importlib.metadata as m, sys\n"
        "for p in sys.argv[1:]:\n"
        "    try: print(p, m.version(p))\n"
        "    except m.PackageNotFoundError: print(p, 'not installed')"
    )
    command = [str(python), "-c", script, *PACKAGES[name.split("-")[0]]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return ", ".join(done.stdout.split("\n")).strip(", ")


def peers_table(report: PeerReport) -> Table:
    """Peers down; quality, length of the first text, speed, memory across."""
    rows = []
    for p in report.peers:
        if p.skipped is not None:
            rows.append([p.name, p.versions, f"skipped: {p.skipped}", *["–"] * 9])
            continue
        rows.append(
            [p.name, p.versions, str(p.first), str(p.first_three), str(p.facts),
             share(p.characters, 0), share(p.p50_ms, 1), share(p.p95_ms, 1), share(p.ready_s, 1),
             share(p.build_s, 1), share(p.resident_mb, 0), share(p.load, 1)]
        )  # fmt: skip
    note = (
        "Refusal ignored: peers always return something, and have none by default. Ours has a "
        "question bank and a lexicon written for this corpus, which no peer has; `no-bank` is it "
        "without the bank and without plans. Its build is in `python -m eval speed`. A longer "
        "first text holds a fact more easily. Ours was tuned on the development split, the peers "
        "on nothing of this corpus. Timings are of one run on one machine; compare "
        "them only where the load average beside them is alike."
    )
    return Table(
        f"Peers on {report.n} answerable single questions of {report.questions}",
        ("system", "versions", "first", "first three", f"facts in {K}", "characters of the first",
         "p50 ms", "p95 ms", "start s", "build s", "memory MiB", "load"),
        rows,
        note,
        report.provenance.command,
    )  # fmt: skip
