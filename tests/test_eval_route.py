"""eval/route.py: a real service is asked by one client and by many."""

from __future__ import annotations

import socket

import pytest

from eval import route
from eval.route import CLIENTS, measure_route
from kb.errors import KBError
from kb.settings import Settings

QUERIES = ["什么是低代码", "政府给补贴吗", "谁来做诊断", "WMS管什么", "贷款找谁", "培训谁组织"]


def test_every_request_is_answered_and_timed(real_settings: Settings) -> None:
    report = measure_route(real_settings, ["你好"], QUERIES)
    assert report.requests == len(QUERIES) // len(CLIENTS)
    assert report.failed == 0
    assert 0 < report.p50_ms <= report.p95_ms <= report.p99_ms
    assert set(report.throughput) == {str(n) for n in CLIENTS}
    assert min(report.throughput.values()) > 0


def test_a_request_that_fails_is_not_timed() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert route._ask_all(closed.getsockname()[1], QUERIES) == []


def test_a_service_that_does_not_start_is_told(
    real_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "START_SECONDS", 0.0)
    with pytest.raises(KBError, match="没有启动成功"):
        measure_route(real_settings, [], QUERIES)
