"""The HTTP contract: shapes, errors, never a 500."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.answer import Assistant
from kb.api import create_api
from kb.batch import answer_lines
from kb.schema import Answer
from kb.service import Service
from kb.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def client(real_settings: Settings, assistant: Assistant) -> Iterator[TestClient]:
    service = Service(real_settings)
    service.start()
    assert service.wait(120), service.reason
    with TestClient(create_api(service), raise_server_exceptions=False) as client:
        yield client


def test_ask_by_both_ways(client: TestClient, assistant: Assistant) -> None:
    query = "没钱搞，政府给补贴吗"
    by_get = client.get("/api/v1/ask", params={"q": query}).json()
    by_post = client.post("/api/v1/ask", json={"query": query}).json()
    assert by_get == by_post == assistant.answer(query).model_dump(mode="json")
    Answer.model_validate(by_get)


def test_history_resolves_a_follow_up(client: TestClient) -> None:
    body = {"query": "那银行呢", "history": ["没钱搞，政府给补贴吗"], "role": None}
    answer = client.post("/api/v1/ask", json=body).json()
    assert answer["standalone_query"] != answer["query"]


def test_search(client: TestClient) -> None:
    for method in ("hybrid", "bm25", "dense"):
        hits = client.get(
            "/api/v1/search", params={"q": "低代码", "k": 3, "method": method}
        ).json()["hits"]
        assert [h["rank"] for h in hits] == [1, 2, 3]
        assert hits[0]["score"] >= hits[-1]["score"]
        assert set(hits[0]) == {
            "rank",
            "score",
            "passage_id",
            "document_id",
            "start",
            "end",
            "quote",
            "section",
        }


def test_documents_and_glossary(client: TestClient) -> None:
    listed = client.get("/api/v1/documents").json()
    assert [d["id"] for d in listed] == ["guide", "interpretation", "glossary"]
    texts = {}
    for line in listed:
        document = client.get(f"/api/v1/documents/{line['id']}").json()
        texts[line["id"]] = document["text"]
        assert all(
            document["text"][p["start"] : p["end"]] == p["text"] for p in document["passages"]
        )
    terms = client.get("/api/v1/glossary").json()
    assert len(terms) == 12
    for term in terms:
        d = term["definition"]
        assert texts[d["document_id"]][d["start"] : d["end"]] == d["quote"]


def test_health_and_docs_load_nothing_from_outside(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    assert "/api/v1/ask" in client.get("/openapi.json").json()["paths"]


def test_not_ready_is_503(real_settings: Settings) -> None:
    with TestClient(create_api(Service(real_settings))) as waiting:
        assert waiting.get("/healthz").status_code == 200
        for path in ("/readyz", "/api/v1/ask?q=x", "/api/v1/documents"):
            reply = waiting.get(path)
            assert reply.status_code == 503
            assert reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/ask", 422),
        ("/api/v1/ask?q=", 400),
        ("/api/v1/ask?q=%00%01", 400),
        ("/api/v1/ask?q=x&role=king", 422),
        ("/api/v1/search?q=x&k=0", 422),
        ("/api/v1/search?q=x&k=ten", 422),
        ("/api/v1/search?q=x&method=magic", 422),
        ("/api/v1/documents/none", 404),
        ("/api/v1/nothing", 404),
    ],
)
def test_bad_requests(client: TestClient, path: str, status: int) -> None:
    reply = client.get(path)
    assert reply.status_code == status
    assert set(reply.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"query": 5}',
        b'{"query": null}',
        b'{"query": "x", "history": "y"}',
        b"\xff\xfe",
        b'{"query": "' + b"x" * 2_000_000 + b'"}',
    ],
)
def test_bad_bodies(client: TestClient, body: bytes) -> None:
    reply = client.post("/api/v1/ask", content=body, headers={"content-type": "application/json"})
    assert 400 <= reply.status_code < 500
    assert reply.json()["error"]["message"]


def test_a_body_of_unknown_length_is_refused(client: TestClient) -> None:
    parts = iter([b'{"query": "', b"x", b'"}'])
    reply = client.post("/api/v1/ask", content=parts, headers={"content-type": "application/json"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (411, "input_invalid")


@pytest.mark.parametrize(
    ("length", "status"), [("9" * 5000, 413), ("1000001", 413), ("-5", 400), ("abc", 400)]
)
def test_a_stated_length_is_a_number_and_no_more_than_allowed(
    client: TestClient, length: str, status: int
) -> None:
    headers = {"content-type": "application/json", "content-length": length}
    reply = client.post("/api/v1/ask", content=b"{}", headers=headers)
    assert reply.status_code == status
    assert reply.json()["error"]["message"].endswith("。")


def test_the_unexpected_is_one_sentence(
    client: TestClient, assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Assistant, "answer", fails)
    reply = client.post("/api/v1/ask", json={"query": "什么是MES"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "internal")
    lines = list(answer_lines(assistant, ['{"id": 1, "query": "什么是MES"}', "bad"]))
    assert ["ZeroDivisionError" in line for line in lines] == [True, False]


def test_half_characters_make_no_500(client: TestClient) -> None:
    for body in (rb'{"query": "\ud800 x"}', rb'{"query": "x", "history": ["\ud800", "\u0000"]}'):
        reply = client.post(
            "/api/v1/ask", content=body, headers={"content-type": "application/json"}
        )
        assert reply.status_code in (200, 400, 422)


def test_a_long_query_is_refused(client: TestClient) -> None:
    reply = client.post("/api/v1/ask", json={"query": "长" * 100_000})
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "input_too_long"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=80), st.lists(st.text(max_size=20), max_size=3))
def test_no_text_makes_a_500(client: TestClient, query: str, history: list[str]) -> None:
    reply = client.post("/api/v1/ask", json={"query": query, "history": history})
    assert reply.status_code in (200, 400, 422)
