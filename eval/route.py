"""The HTTP route under load: the service in a process of its own, asked by clients in this one.

Clients keep their connections and share the machine with the service, so an answer costs a little
more here than where they stand elsewhere. No question is asked twice: nothing comes from a cache.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from kb.errors import KBError
from kb.schema import Frozen
from kb.settings import Settings

__all__ = ["RouteReport", "measure_route"]

HOST = "127.0.0.1"
CLIENTS = (1, 8, 50)
MOST = 400
"""Questions asked by each number of clients."""

START_SECONDS = 180.0
ROUTE = "/api/v1/ask"


class RouteReport(Frozen):
    """Milliseconds of one client's requests, answers per second by number of clients, failures."""

    requests: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    throughput: dict[str, float]
    failed: int


def measure_route(
    settings: Settings, warm_up: Sequence[str], queries: Sequence[str]
) -> RouteReport:
    """Start the service and ask it, with one client and with many.

    Args:
        settings: what it serves; its port is chosen here.
        warm_up: asked first, not measured.
        queries: different ones; each number of clients gets an equal share, at most ``MOST``.

    Raises:
        KBError: the service did not start.
    """
    share = min(MOST, len(queries) // len(CLIENTS))
    throughput: dict[str, float] = {}
    alone: list[float] = []
    failed = 0
    with _service(settings) as port:
        _ask_all(port, warm_up)
        for number, clients in enumerate(CLIENTS):
            asked = queries[number * share : (number + 1) * share]
            start = time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                shares = [asked[n::clients] for n in range(clients)]
                times = [
                    t for found in pool.map(lambda own: _ask_all(port, own), shares) for t in found
                ]
            throughput[str(clients)] = len(asked) / (time.perf_counter() - start)
            failed += len(asked) - len(times)
            alone = alone or times
    p50, p95, p99 = np.quantile(alone or [np.nan], (0.5, 0.95, 0.99)) * 1000
    return RouteReport(
        requests=share,
        p50_ms=float(p50),
        p95_ms=float(p95),
        p99_ms=float(p99),
        throughput=throughput,
        failed=failed,
    )


def _ask_all(port: int, queries: Sequence[str]) -> list[float]:
    """Ask one after another over one connection; the seconds of those that were answered."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    found = []
    for query in queries:
        body = json.dumps({"query": query}).encode()
        start = time.perf_counter()
        try:
            connection.request("POST", ROUTE, body, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            whole = reply.read()
        except (OSError, http.client.HTTPException):
            connection.close()  # the next request opens another
            continue
        if reply.status == http.client.OK and json.loads(whole)["query"] == query:
            found.append(time.perf_counter() - start)
    connection.close()
    return found


@contextmanager
def _service(settings: Settings) -> Iterator[int]:
    """Run the service until the block ends; gives its port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    environment = settings.model_copy(update={"host": HOST, "port": port}).as_environment()
    server = subprocess.Popen(
        [sys.executable, "-m", "kb", "serve"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + START_SECONDS
        while not _is_ready(port):
            if server.poll() is not None or time.monotonic() > end:
                raise KBError("测速用的服务没有启动成功，请先运行 python -m kb serve 查看原因。")
            time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
