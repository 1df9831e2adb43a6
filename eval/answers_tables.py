"""The answer benchmark's tables, for the terminal and for ``RESULTS.md``."""

from __future__ import annotations

from collections.abc import Sequence

from eval.answers import AnswersReport, Group
from eval.tables import Table, share

__all__ = ["answers_tables", "misses_table"]

STATUSES = ("answered", "related", "not_found")


def answers_tables(report: AnswersReport) -> list[Table]:
    """Answerable by type, statuses, unanswerable by type, confidence."""
    return [
        _shown_table(report),
        _plan_table(report),
        _status_table(report),
        _unanswerable_table(report),
        _confidence_table(report),
    ]


def _shown_table(report: AnswersReport) -> Table:
    rows = [
        [name, str(g.n), *_figures(g, "shown"), str(g.precision)]
        for name, g in report.answerable.items()
    ]
    exact = report.exact_quotes
    note = f"Exact quotes: {exact} of {exact.n} citations."
    if (group := report.answerable.get("all")) is not None:
        note = (
            "An answerable question that is not answered counts as a miss. By the contract's rule "
            f"(citations of any status): first {group.listed.first}, first three "
            f"{group.listed.first_three}, facts {group.listed.facts}. {note}"
        )
    return Table(
        "Answerable questions, as shown",
        ("type", "n", "first", "first three", "facts", "complete", "citation precision"),
        rows,
        note,
        report.provenance.command,
    )


def _plan_table(report: AnswersReport) -> Table:
    rows = [[name, str(g.n), *_figures(g, "plan")] for name, g in report.answerable.items()]
    return Table(
        "Answerable questions, refusal ignored (the planner's places in order)",
        ("type", "n", "first", "first three", "facts", "complete"),
        rows,
        "Retrieval and planning alone: what would be shown if nothing were refused.",
        report.provenance.command,
    )


def _figures(group: Group, view: str) -> Sequence[str]:
    figures = getattr(group, view)
    return [str(e) for e in (figures.first, figures.first_three, figures.facts, figures.complete)]


def _status_table(report: AnswersReport) -> Table:
    rows = [
        [kind, *(str(counts[status]) for status in STATUSES)]
        for kind, counts in report.confusion.items()
    ]
    note = ""
    if (group := report.answerable.get("all")) is not None:
        note = (
            f"Answerable: answered and right {share(group.answered_right.value)}, answered and "
            f"wrong {share(group.answered_wrong.value)}, refused {share(group.refused.value)}."
        )
    title = "Status by what the documents hold"
    return Table(title, ("questions", *STATUSES), rows, note, report.provenance.command)


def _unanswerable_table(report: AnswersReport) -> Table:
    rows = [[name, str(e.n), str(e)] for name, e in report.unanswerable.items()]
    columns = ("type", "n", "not answered")
    return Table("Unanswerable questions", columns, rows, "", report.provenance.command)


def _confidence_table(report: AnswersReport) -> Table:
    r = report.refusal
    rows = [
        ["AUROC answerable / unanswerable", str(r.auroc)],
        ["Brier (lower is better)", str(r.brier)],
        ["ECE, 10 equal-mass bins (lower)", str(r.ece)],
        ["AURC, error = first quote is no evidence (lower)", str(r.aurc)],
        ["E-AURC (lower)", str(r.e_aurc)],
        ["nAUC of abstention (MTEB), all questions", str(r.nauc)],
        ["nAUC of abstention (MTEB), answerable only", str(r.nauc_answerable)],
    ]
    columns = ("measure", "value [95 %]")
    return Table("Confidence", columns, rows, "", report.provenance.command)


def misses_table(report: AnswersReport, most: int) -> Table:
    """The first ``most`` misses, one line each."""
    rows = [
        [m.id, m.type, m.kind, share(m.confidence, 2), m.reason or "", _short(m.query, 28),
         _short(m.shown, 36)]
        for m in report.misses[:most]
    ]  # fmt: skip
    note = f"{len(report.misses)} misses in all; --json lists every one with its evidence."
    columns = ("id", "type", "miss", "conf", "reason", "query", "first quote")
    return Table("Misses", columns, rows, note)


def _short(text: str, most: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"
