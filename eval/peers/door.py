"""The commands ``python -m eval peers`` and ``python -m eval speed``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from eval.terminal import JsonOption, say, typed

__all__ = ["peers", "speed"]


def peers(
    questions: Annotated[Path | None, typer.Option(help="问题文件（JSONL）")] = None,
    peer: Annotated[list[str] | None, typer.Option(help="只做这个系统，可重复")] = None,
    python: Annotated[Path | None, typer.Option(help="装有对照系统的Python解释器")] = None,
    out: Annotated[Path | None, typer.Option(help="把表格写进这个Markdown文件")] = None,
    as_json: JsonOption = False,
) -> None:
    """Put txtai, Haystack and LangChain on the same questions with the same encoder."""
    from eval.assess import describe, encoder_folder, ready
    from eval.peers.launch import Launcher
    from eval.peers.race import peers_table, race
    from eval.questions import GUIDE, load_questions
    from eval.tables import to_json, to_markdown, to_text
    from kb.settings import load_settings

    path = questions or GUIDE / "dev.jsonl"
    asks = load_questions(path)
    settings = load_settings()
    assistant = ready(settings, say)
    about = describe(assistant, typed())
    launcher = Launcher(python or Path(sys.executable), encoder_folder(settings), settings)
    report = race(assistant, launcher, asks, peer or [], path.name, about, say)
    if out is not None:
        out.write_text(f"# Peers\n\n{to_markdown(peers_table(report))}", encoding="utf-8")
    print(to_json(report) if as_json else to_text(peers_table(report)))


def speed(
    questions: Annotated[Path | None, typer.Option(help="从这个问题文件取问题")] = None,
    peer: Annotated[list[str] | None, typer.Option(help="只与这个系统比，可重复")] = None,
    python: Annotated[Path | None, typer.Option(help="装有对照系统的Python解释器")] = None,
    rounds: Annotated[int, typer.Option(help="每个系统启动并提问多少轮", min=1)] = 3,
    out: Annotated[Path | None, typer.Option(help="把表格写进这个Markdown文件")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure start, first answer, latency, throughput, HTTP, memory, build; --python adds peers."""
    from eval.assess import describe, encoder_folder, ready
    from eval.peers.adapters import PEERS
    from eval.peers.launch import Launcher, check_names
    from eval.peers.pace import FASTEST
    from eval.questions import GUIDE, load_questions
    from eval.speed import measure_speed, speed_tables
    from eval.tables import to_json, to_markdown, to_text
    from kb.settings import load_settings

    asks = load_questions(questions or GUIDE / "dev.jsonl")
    settings = load_settings()
    names = list(peer or (FASTEST if python is not None else ()))
    check_names(names, PEERS)
    assistant = ready(settings, say)
    launcher = Launcher(python or Path(sys.executable), encoder_folder(settings), settings)
    queries = [ask.query for ask in asks if not ask.history]
    about = describe(assistant, typed())
    report = measure_speed(settings, assistant, queries, launcher, names, rounds, about, say)
    tables = speed_tables(report)
    if out is not None:
        text = "\n".join(to_markdown(table) for table in tables)
        out.write_text(f"# Speed\n\n{text}", encoding="utf-8")
    print(to_json(report) if as_json else "\n".join(to_text(table) for table in tables))
