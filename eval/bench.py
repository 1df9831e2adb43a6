"""``make bench``: the shipped test split end to end, written to ``eval/RESULTS.md`` with plots.

Runs offline in a few minutes on two cores: answers on the split, the same without questions that
the bank nearly holds, the ablation, the file's lint, and retrieval on the exported BEIR folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from eval.ablation import AblationReport, ablate, ablation_table
from eval.ablation_turns import ablate_turns, turns_table
from eval.answers import AnswersReport, ask_all, report
from eval.answers_tables import answers_tables
from eval.assess import bank_queries, describe, ready
from eval.beir import load_dataset
from eval.export import export_benchmark
from eval.floors import check_floors, load_floors
from eval.intervals import Estimate
from eval.lint import LintReport, lint, lint_tables
from eval.measures import DEFAULT_MEASURES
from eval.plots import by_type, coverage_risk, reliability_diagram, write_plots
from eval.provenance import Provenance
from eval.questions import GUIDE, Ask, load_questions
from eval.retrieval import METHODS, RetrievalReport, measure_dataset, retrieval_table
from eval.tables import Table, to_markdown
from kb.answer import Assistant
from kb.index import make_tokenizer
from kb.lexicon import Lexicon
from kb.questions import load_followups
from kb.settings import Settings

__all__ = ["Bench", "draw_answers", "run_bench", "write_results"]

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "RESULTS.md"
PLOTS = HERE / "plots"
Progress = Callable[[str], None]
TUNED = (
    "The refusal model was fitted and the weights were chosen on this split: its figures are "
    "optimistic. Report the test split.\n"
)
HELD_OUT = (
    "This split was frozen in its own commit before tuning, and nothing is fitted on its "
    "questions. Its figures were looked at during development, and what was worked on next "
    "followed from them: see [the datasheet](datasets/guide/DATASHEET.md).\n"
)


class Bench(NamedTuple):
    """Everything that one run measured.

    ``dialogues`` are of another author than the split's, in a file of their own, where there is one;
    ``turns`` what the bank of follow-ups adds to the follow-ups of both files.
    """

    split: str
    answers: AnswersReport
    unseen: AnswersReport
    ablation: AblationReport
    lint: LintReport
    retrieval: RetrievalReport
    dialogues: AnswersReport | None = None
    turns: tuple[AblationReport, ...] = ()


def run_bench(settings: Settings, split: str, command: str, progress: Progress) -> Bench:
    """Measure one split of the guide's benchmark.

    Raises:
        KBError: the benchmark's files or the assistant are not usable.
    """
    path = GUIDE / f"{split}.jsonl"
    asks = load_questions(path)
    assistant = ready(settings, progress)
    index = assistant.index
    rows = load_followups(settings.corpus_dir / "followups.jsonl")
    followups = {row.id: row.query for row in rows}
    bank = bank_queries(index.questions, index.outside)
    findings = lint(asks, index.documents.values(), bank, index.tokenizer, followups)
    judged = ask_all(assistant, index.documents, asks, progress)
    seen = {overlap.id for overlap in findings.overlaps}
    unseen = [j for j in judged if j.ask.id not in seen]
    each = f"python -m eval answers --questions eval/datasets/guide/{path.name}"
    about = describe(assistant, each)
    ablation_about = describe(assistant, each.replace("answers", "ablation"))
    plain = make_tokenizer(settings, Lexicon())
    return Bench(
        split=split,
        answers=report(judged, path.name, about),
        unseen=report(unseen, path.name, describe(assistant, command)),
        ablation=ablate(assistant, asks, (), path.name, ablation_about, plain, progress),
        lint=findings,
        retrieval=_retrieval(settings, assistant, asks, split, progress),
        dialogues=_dialogues(assistant, split, progress),
        turns=tuple(_turns(settings, assistant, split, progress)),
    )


def _dialogues(assistant: Assistant, split: str, progress: Progress) -> AnswersReport | None:
    path = GUIDE / f"{split}-dialogues.jsonl"
    if not path.exists():
        return None
    command = f"python -m eval answers --questions eval/datasets/guide/{path.name}"
    judged = ask_all(assistant, assistant.index.documents, load_questions(path), progress)
    return report(judged, path.name, describe(assistant, command))


def _turns(
    settings: Settings, assistant: Assistant, split: str, progress: Progress
) -> Iterator[AblationReport]:
    """What the bank of follow-ups adds, for each file of the split that has any follow-up."""
    bank = settings.corpus_dir / "followups.jsonl"
    for path in (GUIDE / f"{split}.jsonl", GUIDE / f"{split}-dialogues.jsonl"):
        asks = load_questions(path) if path.exists() else []
        if any(ask.history for ask in asks):
            command = f"python -m eval ablation-turns --questions eval/datasets/guide/{path.name}"
            about = describe(assistant, command)
            yield ablate_turns(assistant, bank, asks, (), path.name, about, progress)


def _retrieval(
    settings: Settings, assistant: Assistant, asks: Sequence[Ask], split: str, progress: Progress
) -> RetrievalReport:
    """Export the split as a BEIR folder, read it back and measure BM25, dense and hybrid on it."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        export_benchmark({split: asks}, assistant, assistant.index.passages, out)
        dataset = load_dataset(out / "beir", split)._replace(name="guide as BEIR")
        command = (
            f"python -m eval export --out DIR && python -m eval retrieval --dataset DIR/beir "
            f"--split {split}"
        )

        def about(_: str | None) -> Provenance:
            return describe(assistant, command)

        names = list(DEFAULT_MEASURES)
        return measure_dataset(dataset, METHODS, names, (), None, settings, about, progress)


def missed_floors(bench: Bench) -> list[str]:
    """One sentence for each floor that the run misses."""
    return check_floors(load_floors(), {bench.split: bench.answers})


def write_results(bench: Bench, command: str, results: Path = RESULTS, plots: Path = PLOTS) -> None:
    """Write the results page and its plots."""
    draw_answers(bench.answers, bench.split, plots)
    results.write_text(_page(bench, command), encoding="utf-8", newline="\n")


def draw_answers(answers: AnswersReport, name: str, folder: Path) -> None:
    """Draw reliability, coverage and risk, and both kinds of question by type, as SVG files."""
    shown = {kind: group.shown.first for kind, group in answers.answerable.items()}
    plots = {
        f"{name}-reliability": reliability_diagram(answers.refusal.bins),
        f"{name}-coverage-risk": coverage_risk(answers.refusal.curve),
        f"{name}-answerable": by_type(shown, "First quote is evidence, as shown"),
        f"{name}-unanswerable": by_type(answers.unanswerable, "Unanswerable, not answered"),
    }
    write_plots(plots, folder)


def _page(bench: Bench, command: str) -> str:
    plots = "".join(
        f"![{what}](plots/{bench.split}-{name}.svg)\n"
        for name, what in (
            ("answerable", "first quote by type, as shown"),
            ("unanswerable", "refused by type"),
            ("reliability", "reliability diagram"),
            ("coverage-risk", "risk against coverage"),
        )
    )
    answers = "\n".join(to_markdown(table) for table in answers_tables(bench.answers))
    return "\n".join(
        (
            _head(bench.answers.provenance, command),
            f"## Answers, {bench.split} split\n",
            TUNED if bench.split == "dev" else HELD_OUT,
            answers,
            plots,
            to_markdown(_unseen_table(bench)),
            *_dialogues_part(bench),
            f"## What each part adds, {bench.split} split\n",
            to_markdown(ablation_table(bench.ablation)),
            *(to_markdown(turns_table(report)) for report in bench.turns),
            "## Passages alone, as a BEIR dataset\n",
            to_markdown(_beir_table(bench.retrieval)),
            "## The question file\n",
            to_markdown(_lint_table(bench)),
        )
    )


def _dialogues_part(bench: Bench) -> list[str]:
    """The tables of answerable and unanswerable turns, where there are further dialogues."""
    if bench.dialogues is None:
        return []
    tables = answers_tables(bench.dialogues)
    return [f"## Further dialogues, {bench.split} split\n", *map(to_markdown, tables[:4])]


def _head(about: Provenance, command: str) -> str:
    versions = "、".join(f"{name} {number}" for name, number in about.versions.items())
    return (
        "# Results\n\n"
        f"Written by `{command}` (`make bench`); do not edit. Every share carries its 95 % "
        "interval and its number of questions; how to read them and what they do not show is in "
        "[docs/benchmark.md](../docs/benchmark.md), who wrote the questions in "
        "[DATASHEET.md](datasets/guide/DATASHEET.md).\n\n"
        f"- date {about.date}\n- index `{about.manifest}`\n- encoder {about.encoder}\n"
        f"- Python {about.python}、{versions}\n"
    )


def _unseen_table(bench: Bench) -> Table:
    """Headline figures with and without the questions that the bank nearly holds."""
    seen = len(bench.answers.judged) - len(bench.unseen.judged)
    pairs = (("all", bench.answers), (f"without {seen} near the bank", bench.unseen))
    rows = [[name, *_headline(part)] for name, part in pairs]
    return Table(
        "Questions that the bank nearly holds, left out",
        ("questions", "first, as shown", "first, refusal ignored", "unanswerable not answered",
         "AUROC"),
        rows,
        "Overlap: equal once folded, or token Jaccard >= 0.8 (`python -m eval lint`).",
        bench.unseen.provenance.command,
    )  # fmt: skip


def _headline(part: AnswersReport) -> list[str]:
    group, outside = part.answerable.get("all"), part.unanswerable.get("all")
    nothing = Estimate(value=None, low=None, high=None, n=0)
    figures = (
        group.shown.first if group else nothing,
        group.plan.first if group else nothing,
        outside or nothing,
        part.refusal.auroc,
    )
    return [f"{figure} n={figure.n}" for figure in figures]


def _beir_table(retrieval: RetrievalReport) -> Table:
    note = (
        "The exported dataset has no question bank and no lexicon, so hybrid is the fusion that a "
        "corpus of one's own gets. Latencies are of this run and this machine."
    )
    return retrieval_table(retrieval)._replace(note=note)


def _lint_table(bench: Bench) -> Table:
    command = f"python -m eval lint --questions eval/datasets/guide/{bench.split}.jsonl"
    return lint_tables(bench.lint)[0]._replace(command=command)
