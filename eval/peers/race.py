"""What every peer returns to the same questions, judged by the answers' rule; speed is ``pace``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eval.evidence import find_facts
from eval.intervals import Estimate, bootstrap_mean, wilson
from eval.peers.adapters import PEERS
from eval.peers.launch import Launcher, check_names, our_texts
from eval.process import load_average
from eval.provenance import Provenance
from eval.questions import Ask
from eval.tables import Table, share
from kb.answer import Assistant
from kb.schema import Frozen

__all__ = ["PeerReport", "Raced", "peers_table", "race"]

K = 10
RACED = ("zhinan-kb", "zhinan-kb-no-bank", *PEERS)
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
    load: float | None = None


class PeerReport(Frozen):
    """All peers on one question file."""

    provenance: Provenance
    questions: str
    n: int
    peers: tuple[Raced, ...]


def race(
    assistant: Assistant,
    launcher: Launcher,
    asks: Sequence[Ask],
    names: Sequence[str],
    questions: str,
    provenance: Provenance,
    progress: Progress,
) -> PeerReport:
    """Run the named peers (all when none is named) on answerable questions without history.

    Args:
        assistant: gives the passages, so that every system searches the same ones.
        launcher: starts each system.
        asks: the questions of a file.
        names: of ``RACED``.
        questions: the file's name.
        provenance: stands beside the figures.
        progress: told which peer is running.

    Raises:
        InputError: no peer has that name.
    """
    check_names(names, RACED)
    single = [ask for ask in asks if not ask.unanswerable and not ask.history]
    queries = [ask.query for ask in single]
    raced = []
    for name in names or RACED:
        progress(f"对照系统：{name}……")
        texts = _texts(assistant, name)
        found = launcher.run(name, {"do": "return", "texts": texts, "queries": queries, "k": K})
        raced.append(_raced(name, launcher.versions(name), found, single))
    return PeerReport(provenance=provenance, questions=questions, n=len(single), peers=tuple(raced))


def _texts(assistant: Assistant, name: str) -> list[str]:
    """Our passages; whole documents for a peer that splits them itself."""
    if name.endswith("own-chunks"):
        return [document.text for document in assistant.index.documents.values()]
    return our_texts(assistant)


def _raced(name: str, versions: str, found: dict[str, Any], asks: Sequence[Ask]) -> Raced:
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
        load=load_average(),
    )


def peers_table(report: PeerReport) -> Table:
    """Peers down; quality, length of the first text, speed, memory across."""
    rows = []
    for p in report.peers:
        if p.skipped is not None:
            rows.append([p.name, p.versions, f"skipped: {p.skipped}", *["–"] * 6])
            continue
        rows.append(
            [p.name, p.versions, str(p.first), str(p.first_three), str(p.facts),
             share(p.characters, 0), share(p.p50_ms, 1), share(p.p95_ms, 1),
             share(p.load, 1)]
        )  # fmt: skip
    note = (
        "Refusal ignored: peers always return something, and have none by default. Ours has a "
        "question bank and a lexicon written for this corpus, which no peer has; `no-bank` is it "
        "without the bank and without plans. A longer first text holds a fact more easily. Ours was tuned on the development split, the peers "
        "on nothing of this corpus. Speed is `python -m eval speed`; timings here show only "
        "that nobody was slowed down."
    )
    return Table(
        f"Peers on {report.n} answerable single questions of {report.questions}",
        ("system", "versions", "first", "first three", f"facts in {K}", "characters of the first",
         "p50 ms", "p95 ms", "load"),
        rows,
        note,
        report.provenance.command,
    )  # fmt: skip
