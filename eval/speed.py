"""How fast and how large: cold start, first and warm answers, throughput, HTTP, memory, build.

Cold figures come from processes of their own. Warm answers are each asked once of a fresh
``Assistant`` (its answer cache is empty, its queries are all different), after a warm-up on other
queries. Timings are of the machine they were taken on; compare them only within one report.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from eval.provenance import Provenance
from eval.route import RouteReport, measure_route
from eval.tables import Table, share
from kb.answer import Assistant
from kb.encoders import load_encoder
from kb.errors import KBError
from kb.schema import Frozen
from kb.settings import Settings, cores

__all__ = ["SpeedReport", "load_average", "measure_speed", "run_python", "speed_table"]

STARTS = 3
WARM_UP = 20
QUERIES = 200
THREADS = (1, 8, 50)
SAMPLE = 64
Progress = Callable[[str], None]


class SpeedReport(Frozen):
    """Seconds (``_s``), milliseconds (``_ms``), answers or texts per second, MiB (``_mb``)."""

    provenance: Provenance
    machine: str
    cores: int
    load: float | None
    ready_s: float
    first_answer_ms: float
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


def measure_speed(
    settings: Settings,
    assistant: Assistant,
    queries: Sequence[str],
    provenance: Provenance,
    progress: Progress,
) -> SpeedReport:
    """Measure everything; needs at least ``WARM_UP + 1`` different queries.

    Raises:
        KBError: a process of its own did not finish.
    """
    texts = list(dict.fromkeys(queries))
    warm_up, timed = texts[:WARM_UP], texts[WARM_UP : WARM_UP + QUERIES]
    progress("冷启动、热问答……")
    ready, first, resident = _cold(settings, timed[0])
    p50, p95, p99 = np.quantile(_warm(assistant, warm_up, timed), (0.5, 0.95, 0.99)) * 1000
    progress("并发、建索引……")
    passages_rate, queries_rate = _encoding(settings, assistant, timed)
    return SpeedReport(
        provenance=provenance,
        machine=f"{platform.system()} {platform.machine()}",
        cores=cores(),
        load=load_average(),
        ready_s=ready,
        first_answer_ms=first * 1000,
        resident_mb=resident,
        warm_queries=len(timed),
        p50_ms=float(p50),
        p95_ms=float(p95),
        p99_ms=float(p99),
        throughput={str(n): _throughput(assistant, timed, n) for n in THREADS},
        route=measure_route(settings, warm_up, texts[WARM_UP:]),
        build_s=_build(settings),
        passages=len(assistant.index.passages),
        bank_questions=len(assistant.index.questions),
        passages_encoded_per_s=passages_rate,
        queries_encoded_per_s=queries_rate,
    )


def load_average() -> float | None:
    """Runnable processes over the last minute; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def run_python(arguments: Sequence[str], settings: Settings, text: str = "") -> str:
    """What a fresh process prints: ``python ARGUMENTS`` under these settings, ``text`` as its input.

    Raises:
        KBError: it failed; the message holds its last line.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        input=text,
        env=settings.as_environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise KBError(
            f"测速进程没有成功：{done.stderr.strip().splitlines()[-1:]}，请先单独运行查看原因。"
        )
    return done.stdout


def _cold(settings: Settings, query: str) -> tuple[float, float, float | None]:
    """Medians over processes: start to ready, first answer (both in s), and resident MiB."""
    found = []
    for _ in range(STARTS):
        out = run_python(["-m", "eval.probe", repr(time.time()), query], settings)
        found.append(json.loads(out.splitlines()[-1]))
    resident = [f["resident_mb"] for f in found if f["resident_mb"] is not None]
    return (
        statistics.median(f["ready_s"] for f in found),
        statistics.median(f["first_answer_s"] for f in found),
        statistics.median(resident) if resident else None,
    )


def _warm(assistant: Assistant, warm_up: Sequence[str], timed: Sequence[str]) -> list[float]:
    fresh = Assistant(assistant.retriever, assistant.judge)
    for query in warm_up:
        fresh.answer(query)
    return [_timed(fresh, query) for query in timed]


def _timed(assistant: Assistant, query: str) -> float:
    start = time.perf_counter()
    assistant.answer(query)
    return time.perf_counter() - start


def _throughput(assistant: Assistant, queries: Sequence[str], threads: int) -> float:
    """Answers per second with this many threads asking."""
    fresh = Assistant(assistant.retriever, assistant.judge)
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        done = sum(1 for _ in pool.map(fresh.answer, queries))
    return done / (time.perf_counter() - start)


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


def speed_table(report: SpeedReport) -> Table:
    """One figure a line."""
    rows = [
        ["process start to ready, s", share(report.ready_s, 2)],
        ["first answer after that, ms", share(report.first_answer_ms, 1)],
        ["resident memory after it, MiB", share(report.resident_mb, 0)],
        [f"warm answer p50, ms ({report.warm_queries} different queries)", share(report.p50_ms, 1)],
        ["warm answer p95, ms", share(report.p95_ms, 1)],
        ["warm answer p99, ms", share(report.p99_ms, 1)],
        *[[f"answers per second, {n} threads", share(t, 1)] for n, t in report.throughput.items()],
        [
            f"HTTP p50, ms (one client, {report.route.requests} requests)",
            share(report.route.p50_ms, 1),
        ],
        ["HTTP p95, ms", share(report.route.p95_ms, 1)],
        ["HTTP p99, ms", share(report.route.p99_ms, 1)],
        *[
            [f"HTTP answers per second, {n} clients", share(t, 1)]
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
        f"{report.machine}, {report.cores} cores; load average at the end {share(report.load, 1)}."
    )
    command = report.provenance.command
    return Table("Speed", ("figure", "value"), rows, note, command)
