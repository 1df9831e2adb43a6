"""Command line: ``python -m eval …``; thin, one function a command.

Exit codes: 0 done, 1 a floor was missed, 2 wrong use or bad input. Errors are Chinese sentences
on standard error, one a line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from eval.growth.door import growth
from eval.peers.door import peers, speed
from eval.terminal import JsonOption, say, typed
from kb.errors import KBError

__all__ = ["main"]

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
for command in (growth, peers, speed):
    app.command()(command)


@app.callback()
def _root() -> None:
    """评测：检索、回答、拒答、速度，每个数字都带区间。"""


@app.command()
def answers(
    questions: Annotated[Path, typer.Option(help="问题文件（JSONL）")],
    as_json: JsonOption = False,
    misses: Annotated[int, typer.Option(help="列出多少个未答好的问题", min=0)] = 20,
    plots: Annotated[Path | None, typer.Option(help="图（SVG）写到这个文件夹")] = None,
) -> None:
    """Judge the answers to a question file: evidence found, refusals, confidence."""
    from eval.answers_tables import answers_tables, misses_table
    from eval.assess import assess
    from eval.bench import draw_answers
    from eval.tables import to_json, to_text
    from kb.settings import load_settings

    report = assess(load_settings(), questions, typed(), say)
    if plots is not None:
        draw_answers(report, questions.stem, plots)
    if as_json:
        print(to_json(report))
        return
    for table in answers_tables(report):
        print(to_text(table))
    if misses:
        print(to_text(misses_table(report, misses)))


@app.command()
def retrieval(
    dataset: Annotated[Path, typer.Option(help="BEIR格式的数据集文件夹")],
    split: Annotated[str, typer.Option(help="用哪个划分的判定")] = "test",
    method: Annotated[
        list[str] | None, typer.Option(help="bm25、dense、rrf或hybrid，可重复")
    ] = None,
    measure: Annotated[list[str] | None, typer.Option(help="ir_measures指标，可重复")] = None,
    bm25: Annotated[list[str] | None, typer.Option(help="BM25参数，如k1=1.5,b=0.75")] = None,
    save_run: Annotated[Path | None, typer.Option(help="保存TREC结果的文件夹")] = None,
    limit_queries: Annotated[int | None, typer.Option(min=1, help="随机抽取多少个问题")] = None,
    as_json: JsonOption = False,
) -> None:
    """Rank the passages of a BEIR dataset; measures with intervals, latency beside them."""
    from eval.beir import load_dataset
    from eval.measures import DEFAULT_MEASURES, check_measures
    from eval.provenance import provenance
    from eval.retrieval import (
        METHODS,
        measure_dataset,
        parse_bm25,
        parse_methods,
        retrieval_table,
        sample_queries,
    )
    from eval.tables import to_json, to_text
    from kb.settings import load_settings

    names = check_measures(measure or DEFAULT_MEASURES)
    report = measure_dataset(
        sample_queries(load_dataset(dataset, split), limit_queries),
        parse_methods(method or METHODS),
        names,
        [parse_bm25(each) for each in bm25 or ()],
        save_run,
        load_settings(),
        lambda encoder: provenance(typed(), None, encoder),
        say,
    )
    print(to_json(report) if as_json else to_text(retrieval_table(report)))


@app.command()
def compare(
    run_a: Path,
    run_b: Path,
    qrels: Annotated[Path, typer.Option(help="判定文件（BEIR或TREC格式）")],
    measure: Annotated[list[str] | None, typer.Option(help="ir_measures指标，可重复")] = None,
    moved: Annotated[int, typer.Option(min=0, help="列出多少个变化最大的问题")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Compare two TREC runs: paired test, interval, wins and losses by question."""
    from eval.beir import load_qrels
    from eval.compare import compare_runs, compare_tables
    from eval.measures import DEFAULT_MEASURES, check_measures
    from eval.runs import load_run
    from eval.tables import to_json, to_text

    names = check_measures(measure or DEFAULT_MEASURES)
    runs = (load_run(run_a), load_run(run_b))
    report = compare_runs((str(run_a), str(run_b)), runs, load_qrels(qrels), names)
    if as_json:
        print(to_json(report))
        return
    for table in compare_tables(report, moved):
        print(to_text(table))


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="写到哪个文件夹")],
    split: Annotated[list[str] | None, typer.Option(help="dev或test，可重复")] = None,
) -> None:
    """Write the guide's benchmark as a BEIR folder and as ragas-shaped JSONL."""
    from eval.assess import ready
    from eval.export import export_benchmark
    from eval.questions import GUIDE, load_questions
    from kb.settings import load_settings

    splits = {name: load_questions(GUIDE / f"{name}.jsonl") for name in split or ("dev", "test")}
    assistant = ready(load_settings(), say)
    written = export_benchmark(splits, assistant, assistant.index.passages, out)
    print(f"{out}：{written.passages}个段落，问题 {written.queries}")
    if written.homeless:
        print(f"没有段落完整包含依据、未导出的问题：{'、'.join(written.homeless)}")


@app.command()
def lint(
    questions: Annotated[Path, typer.Option(help="问题文件（JSONL）")], as_json: JsonOption = False
) -> None:
    """Check a question file: quotes in the documents, doubles, overlap with the bank."""
    from eval.assess import bank_queries
    from eval.lint import lint as check
    from eval.lint import lint_tables
    from eval.questions import load_questions
    from eval.tables import to_json, to_text
    from kb.corpus import load_corpus
    from kb.index import make_tokenizer
    from kb.settings import load_settings

    asks = load_questions(questions)
    settings = load_settings()
    corpus = load_corpus(settings.corpus_dir)
    tokenizer = make_tokenizer(settings, corpus.lexicon)
    bank = bank_queries(corpus.questions, corpus.outside)
    followups = {row.id: row.query for row in corpus.followups}
    report = check(asks, corpus.documents, bank, tokenizer, followups)
    if as_json:
        print(to_json(report))
    else:
        for table in lint_tables(report):
            print(to_text(table))
    if not report.sound:
        raise typer.Exit(1)


@app.command()
def ablation(
    questions: Annotated[Path, typer.Option(help="问题文件（JSONL）")],
    row: Annotated[list[str] | None, typer.Option(help="只做这一行，可重复")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what each part adds, from BM25 to plans."""
    from eval.ablation import ablate, ablation_table
    from eval.assess import describe, ready
    from eval.questions import load_questions
    from eval.tables import to_json, to_text
    from kb.index import make_tokenizer
    from kb.lexicon import Lexicon
    from kb.settings import load_settings

    asks = load_questions(questions)
    settings = load_settings()
    assistant = ready(settings, say)
    about = describe(assistant, typed())
    plain = make_tokenizer(settings, Lexicon())
    report = ablate(assistant, asks, row or [], questions.name, about, plain, say)
    print(to_json(report) if as_json else to_text(ablation_table(report)))


@app.command("ablation-turns")
def ablation_turns(
    questions: Annotated[Path, typer.Option(help="问题文件（JSONL）")],
    row: Annotated[list[str] | None, typer.Option(help="只做这一行，可重复")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what the bank of follow-ups adds to the follow-ups of a file."""
    from eval.ablation_turns import ablate_turns, turns_table
    from eval.assess import describe, ready
    from eval.questions import load_questions
    from eval.tables import to_json, to_text
    from kb.settings import load_settings

    asks = load_questions(questions)
    settings = load_settings()
    assistant = ready(settings, say)
    bank = settings.corpus_dir / "followups.jsonl"
    about = describe(assistant, typed())
    report = ablate_turns(assistant, bank, asks, row or [], questions.name, about, say)
    print(to_json(report) if as_json else to_text(turns_table(report)))


@app.command()
def bench(
    split: Annotated[str, typer.Option(help="dev或test")] = "test",
    out: Annotated[Path | None, typer.Option(help="结果写到这个文件夹，而不是eval")] = None,
) -> None:
    """Run the shipped benchmark, write RESULTS.md and plots, check the floors."""
    from eval.bench import PLOTS, RESULTS, missed_floors, run_bench, write_results
    from kb.settings import load_settings

    done = run_bench(load_settings(), split, typed(), say)
    results = RESULTS if out is None else out / RESULTS.name
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    write_results(done, typed(), results, PLOTS if out is None else out / PLOTS.name)
    print(results)
    if missed := missed_floors(done):
        for sentence in missed:
            say(sentence)
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; typer's own usage errors become one Chinese sentence."""
    try:
        code = app(standalone_mode=False)
    except KBError as error:
        say(str(error))
        code = 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        say(f"读写文件出错（{error.strerror}：{error.filename}），请检查路径和权限。")
        code = 2
    except typer.TyperException as error:
        say(f"用法不对：{error.format_message()}。请运行 python -m eval --help 查看用法。")
        code = 2
    except typer.Abort:
        say("已取消。")
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
