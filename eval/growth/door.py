"""The command ``python -m eval growth``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.terminal import JsonOption, say, typed

__all__ = ["growth"]


def growth(
    passages: Annotated[Path, typer.Option(help="文件夹，内有corpus.jsonl和queries.jsonl")],
    sizes: Annotated[str, typer.Option(help="段落数，用逗号分开")] = "1000,10000,100000",
    vectors: Annotated[int | None, typer.Option(help="另测多少个向量", min=1)] = None,
    encode: Annotated[int | None, typer.Option(help="只编码前多少个段落", min=1)] = None,
    keep: Annotated[Path | None, typer.Option(help="索引留在这个文件夹，下次接着用")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure build, memory, latency and recall as passages and vectors grow."""
    from eval.growth.report import growth_tables, measure_growth
    from eval.provenance import provenance
    from eval.tables import to_json, to_text
    from kb.errors import InputError
    from kb.settings import load_settings

    wanted = [part.strip() for part in sizes.split(",")]
    if not all(part.isdecimal() and int(part) for part in wanted):
        raise InputError(f"段落数“{sizes}”无效，应写成1000,10000,100000。")
    report = measure_growth(
        passages,
        sorted({int(part) for part in wanted}),
        vectors,
        encode,
        keep,
        load_settings(),
        lambda encoder: provenance(typed(), None, encoder),
        say,
    )
    if as_json:
        print(to_json(report))
        return
    for table in growth_tables(report):
        print(to_text(table))
