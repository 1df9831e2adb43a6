"""How fast and how large: start, first and warm answers, throughput, HTTP, memory, build.

What answers is measured in processes of its own, each of several rounds beginning with a new one,
and the peers in between them (``eval.peers.pace``). Timings are of the machine they were taken on;
compare them only within one report.
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable, Sequence

from eval.peers.launch import Launcher, our_texts
from eval.peers.pace import CLIENTS, OURS, System, pace, share_out
from eval.peers.pace_report import Ratio, pace_tables, ratios
from eval.process import load_average, run_python
from eval.provenance import Provenance
from eval.route import RouteReport, measure_route
from eval.tables import Table, share
from kb.answer import Assistant
from kb.encoders import load_encoder
from kb.errors import KBError
from kb.schema import Frozen
from kb.settings import Settings, cores

__all__ = ["SpeedReport", "measure_speed", "speed_tables"]

SAMPLE = 64
Progress = Callable[[str], None]


class SpeedReport(Frozen):
    """Seconds (``_s``), milliseconds (``_ms``), answers or texts per second, MiB (``_mb``).

    Figures of answers are medians of the rounds in ``systems``, the first of which is this project.
    """

    provenance: Provenance
    machine: str
    cores: int
    load: float | None
    ready_s: float
    first_answer_s: float
    resident_mb: float | None
    warm_queries: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    throughput: dict[str, float]
    route: RouteReport
    build_s: float
    passages: int
    bank_questions: int
    passages_encoded_per_s: float
    queries_encoded_per_s: float
    systems: tuple[System, ...]
    ratios: tuple[Ratio, ...]


def measure_speed(
    settings: Settings,
    assistant: Assistant,
    queries: Sequence[str],
    launcher: Launcher,
    peers: Sequence[str],
    rounds: int,
    provenance: Provenance,
    progress: Progress,
) -> SpeedReport:
    """Measure everything.

    Args:
        settings: where the index is.
        assistant: has it open.
        queries: a few hundred different ones at least.
        launcher: starts the systems.
        peers: names of ``eval.peers.adapters.PEERS``; none leaves the comparison out.
        rounds: how often each system is started and asked.
        provenance: stands beside the figures.
        progress: told what is being measured.

    Raises:
        KBError: a process of its own did not finish.
    """
    load = share_out(queries)
    systems = pace(launcher, (OURS, *peers), our_texts(assistant), load, rounds, progress)
    ours = systems[0]
    if not ours.rounds:
        raise KBError(f"测速进程没有成功：{ours.skipped}，请先运行 python -m kb serve 查看原因。")
    others = [query for query in dict.fromkeys(queries) if query not in load.warm_up]
    progress("网页接口、建索引……")
    passages_rate, queries_rate = _encoding(settings, assistant, load.alone)
    return SpeedReport(
        provenance=provenance,
        machine=f"{platform.system()} {platform.machine()}",
        cores=cores(),
        load=load_average(),
        ready_s=ours.middle(lambda p: p.ready_s),
        first_answer_s=ours.middle(lambda p: p.first_s),
        resident_mb=ours.median(lambda p: p.resident_mb),
        warm_queries=len(load.alone),
        p50_ms=ours.middle(lambda p: p.p50_ms),
        p95_ms=ours.middle(lambda p: p.p95_ms),
        p99_ms=ours.middle(lambda p: p.p99_ms),
        throughput={str(c): rate for c in (1, *CLIENTS) if (rate := ours.rate(c)) is not None},
        route=measure_route(settings, load.warm_up, others),
        build_s=_build(settings),
        passages=len(assistant.index.passages),
        bank_questions=len(assistant.index.questions),
        passages_encoded_per_s=passages_rate,
        queries_encoded_per_s=queries_rate,
        systems=systems,
        ratios=ratios(ours, systems[1:]),
    )


def _build(settings: Settings) -> float:
    """Seconds of ``kb build`` into an empty folder, vectors of unchanged texts known."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run_python(["-m", "kb", "build", "--index", folder], settings)
        return time.perf_counter() - start


def _encoding(
    settings: Settings, assistant: Assistant, queries: Sequence[str]
) -> tuple[float, float]:
    """Passages per second by the building encoder, queries per second by the serving one."""
    texts = [p.embedding_text for p in assistant.index.passages[:SAMPLE]]
    building = load_encoder(settings.encoder, settings.data_dir, serving=False)
    building.encode_passages(texts[:2])
    start = time.perf_counter()
    building.encode_passages(texts)
    passages = len(texts) / (time.perf_counter() - start)
    start = time.perf_counter()
    for query in queries:
        assistant.retriever.encoder.encode_queries([query])
    return passages, len(queries) / (time.perf_counter() - start)


def speed_tables(report: SpeedReport) -> list[Table]:
    """Our own figures, one a line; with peers, every system and the ratios."""
    command = report.provenance.command
    tables = [_own_table(report, command)]
    if len(report.systems) > 1:
        tables += pace_tables(report.systems, report.ratios, command)
    return tables


def _own_table(report: SpeedReport, command: str) -> Table:
    rows = [
        ["process start to ready, s", share(report.ready_s, 2)],
        ["process start to first answer, s", share(report.first_answer_s, 2)],
        ["resident memory after warm answers, MiB", share(report.resident_mb, 0)],
        [f"warm answer p50, ms ({report.warm_queries} different queries)", share(report.p50_ms, 1)],
        ["warm answer p95, ms", share(report.p95_ms, 1)],
        ["warm answer p99, ms", share(report.p99_ms, 1)],
        *[
            [f"answers per second, {_clients(n)}", share(t, 1)]
            for n, t in report.throughput.items()
        ],
        [
            f"HTTP p50, ms (one client, {report.route.requests} requests)",
            share(report.route.p50_ms, 1),
        ],
        ["HTTP p95, ms", share(report.route.p95_ms, 1)],
        ["HTTP p99, ms", share(report.route.p99_ms, 1)],
        *[
            [f"HTTP answers per second, {_clients(n)}", share(t, 1)]
            for n, t in report.route.throughput.items()
        ],
        ["HTTP requests that failed", str(report.route.failed)],
        [
            f"kb build, vectors known, s ({report.passages} passages, "
            f"{report.bank_questions} bank questions)",
            share(report.build_s, 1),
        ],
        ["passages encoded per second (building)", share(report.passages_encoded_per_s, 1)],
        ["queries encoded per second (serving)", share(report.queries_encoded_per_s, 1)],
    ]
    note = (
        f"{report.machine}, {report.cores} cores; load average at the end {share(report.load, 1)}. "
        f"Answers are medians of {len(report.systems[0].rounds)} rounds, each with a process of "
        "its own."
    )
    return Table("Speed", ("figure", "value"), rows, note, command)


def _clients(number: str) -> str:
    return "1 client" if number == "1" else f"{number} clients"
