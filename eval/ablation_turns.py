"""What the bank of follow-ups adds: the same follow-ups, answered with none, parts and all of it.

The counterpart of ``ablation`` for turns that have history. The model of what people ask next is
fitted anew to each nested sample of the bank; everything else is the product as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from eval.ablation import AblationReport, bank_sample, planned, row_of, unknown_row
from eval.evidence import find_facts
from eval.provenance import Provenance
from eval.questions import Ask
from eval.tables import Table
from kb.answer import Assistant
from kb.followups import AskedNext, fit
from kb.questions import load_followups, locate_followup
from kb.retrieve import Retriever
from kb.schema import Target

__all__ = ["TURN_ROWS", "ablate_turns", "turns_table"]

Located = Sequence[tuple[int, tuple[Target, ...]]]
TURN_ROWS: Mapping[str, tuple[str, float]] = {
    "followups-0": ("without the bank of follow-ups", 0.0),
    "followups-25": ("+ 25 % of it", 0.25),
    "followups-50": ("+ 50 % of it", 0.5),
    "followups-100": ("+ all of it", 1.0),
}


def ablate_turns(
    assistant: Assistant,
    bank: Path,
    asks: Sequence[Ask],
    names: Sequence[str],
    questions: str,
    provenance: Provenance,
    progress: Callable[[str], None] = lambda _: None,
) -> AblationReport:
    """Measure the named rows, all when none is named, on answerable questions with history.

    Args:
        assistant: the product; variants are made from its index.
        bank: ``followups.jsonl``.
        asks: the questions of a file.
        names: rows of ``TURN_ROWS``.
        questions: the file's name.
        provenance: stands beside the figures.
        progress: told which row is being measured.

    Raises:
        InputError: a row of that name does not exist.
    """
    unknown_row(names, TURN_ROWS)
    turns = [ask for ask in asks if not ask.unanswerable and ask.history]
    index = assistant.index
    bank_rows = load_followups(bank) if turns else []
    located = [locate_followup(f, index.documents, index.passages) for f in bank_rows]
    rows = []
    for name in (names or TURN_ROWS) if turns else ():
        progress(f"对照：{name}……")
        what, share = TURN_ROWS[name]
        asked = _with_share(assistant, located, share)
        found = [
            find_facts(ask.evidence, planned(asked, ask.query, ask.history, ask.role))
            for ask in turns
        ]
        rows.append(row_of(name, what, found))
    return AblationReport(
        provenance=provenance, questions=questions, n=len(turns), rows=tuple(rows)
    )


def _with_share(assistant: Assistant, located: Located, share: float) -> Assistant:
    """The assistant with the model of what people ask next fitted to a share of the bank."""
    model = _fitted(assistant, located, share) if share else None
    index = assistant.index._replace(followups=model)
    return Assistant(Retriever(index, assistant.retriever.encoder), assistant.judge)


def _fitted(assistant: Assistant, located: Located, share: float) -> AskedNext:
    """The model fitted to a share; a follow-up left out has no weight."""
    index = assistant.index
    rows = bank_sample(len(located), share)
    shown = [after for after, _ in located]
    answered_by = [{target.row for target in targets} or None for _, targets in located]
    vectors = index.dense["followups"].vectors()
    model = fit(
        vectors[rows], [shown[n] for n in rows], [answered_by[n] for n in rows], index.passages
    )
    weights = np.zeros((len(model.weights), len(located)), dtype=np.float32)
    weights[:, rows] = model.weights
    return model._replace(weights=weights, shown=np.array(shown, dtype=np.int64))


def turns_table(report: AblationReport) -> Table:
    """Rows down, each with the option that makes it alone."""
    rows = [
        [r.what, str(r.first), str(r.first_three), str(r.facts), f"--row {r.name}"]
        for r in report.rows
    ]
    return Table(
        f"What the bank of follow-ups adds, on {report.n} answerable follow-ups of {report.questions}",
        ("system", "first", "first three", "facts", "made by"),
        rows,
        "Refusal ignored. The command makes all rows; add the last column's option for one row.",
        report.provenance.command,
    )
