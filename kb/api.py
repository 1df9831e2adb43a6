"""The typed HTTP API, same process as the page: the contract's routes, errors in one shape.

Every error is ``{"error": {"code", "message"}}`` with a 4xx status, or 503 while the service is
not ready. ``/docs`` reads ``/openapi.json`` with a page of our own that loads nothing from outside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from kb.answer import clean
from kb.errors import InputError, KBError
from kb.schema import Answer, Citation, Document, Method, Passage, Role, SearchHit, Section
from kb.service import NotReadyError, Service

__all__ = ["create_api"]

DOCS_PAGE = Path(__file__).with_name("docs.html")
MAX_BODY = 1_000_000
LONGEST_NUMBER = 12


class AskBody(BaseModel):
    """Body of ``POST /api/v1/ask``."""

    model_config = ConfigDict(extra="ignore", strict=True)

    query: str
    history: list[str] = Field(default_factory=list, max_length=100)
    role: Role | None = None


class SearchResult(BaseModel):
    """Answer of ``GET /api/v1/search``."""

    hits: list[SearchHit]


class DocumentLine(BaseModel):
    """One document in the list."""

    id: str
    title: str
    characters: int
    passages: int


class DocumentDetail(BaseModel):
    """One document whole."""

    id: str
    title: str
    text: str
    sections: list[Section]
    passages: list[Passage]


class GlossaryTerm(BaseModel):
    """One glossary term with its definition as a citation."""

    name: str
    abbreviation: str | None
    aliases: list[str]
    definition: Citation


def create_api(service: Service) -> FastAPI:
    """The API over a service; routes answer 503 until it is ready."""
    api = FastAPI(title="问指南", version="1", docs_url=None, redoc_url=None)
    _add_errors(api)
    _add_health(api, service)
    _add_answers(api, service)
    _add_documents(api, service)
    return api


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


class LimitBody:
    """ASGI middleware that refuses a body of the API that says it is too long, or comes in chunks.

    The server holds a body to the length that it states.

    Plain ASGI: a function given to ``api.middleware`` passes every answer through a queue of tasks.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with an error."""
        refusal = None
        if scope["type"] == "http" and "/api/v1/" in scope["path"]:
            refusal = self._refusal(Headers(scope=scope))
        await (refusal or self.app)(scope, receive, send)

    @staticmethod
    def _refusal(headers: Headers) -> JSONResponse | None:
        if "transfer-encoding" in headers:
            return _error(411, "input_invalid", "请求应写明长度（Content-Length），不能分块发送。")
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return _error(400, "input_invalid", "请求头Content-Length应为数字。")
        if len(length) > LONGEST_NUMBER or int(length) > MAX_BODY:
            return _error(413, "input_too_long", f"请求内容太大，请控制在{MAX_BODY}字节以内。")
        return None


def _add_errors(api: FastAPI) -> None:
    api.add_middleware(LimitBody)

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        return _error(422, "input_invalid", f"参数“{where}”缺失或格式不对，请对照 /docs 检查。")

    @api.exception_handler(InputError)
    async def refused(request: Request, error: InputError) -> JSONResponse:
        return _error(400, error.code, str(error))

    @api.exception_handler(NotReadyError)
    async def waiting(request: Request, error: NotReadyError) -> JSONResponse:
        return _error(503, "not_ready", str(error))

    @api.exception_handler(KBError)
    async def failed(request: Request, error: KBError) -> JSONResponse:
        return _error(400, "failed", str(error))

    @api.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        message = "程序出了意外，这次没有答成；请换个问法，或查看终端里的信息。"
        return _error(500, "internal", message)  # the server logs the traceback

    @api.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        message = (
            "没有这个地址。" if error.status_code == 404 else "请求方式不对，请对照 /docs 检查。"
        )
        return _error(
            error.status_code, "not_found" if error.status_code == 404 else "bad_request", message
        )


def _add_health(api: FastAPI, service: Service) -> None:
    @api.get("/healthz")
    def alive() -> dict[str, str]:
        """200 while the process lives."""
        return {"status": "ok"}

    @api.get("/readyz", response_model=None)
    def ready() -> dict[str, str] | JSONResponse:
        """200 when it can answer, 503 with a reason before that."""
        if service.state != "ready":
            return _error(503, service.state, service.reason)
        return {"status": "ready", "manifest": service.assistant.index.id}

    @api.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    def docs() -> str:
        return DOCS_PAGE.read_text(encoding="utf-8")


def _add_answers(api: FastAPI, service: Service) -> None:
    @api.get("/api/v1/ask", response_model=Answer)
    def ask(q: str, role: Role | None = None) -> Response:
        """Answer one question."""
        clean(q)
        return _as_json(service.assistant.answer(q, (), role))

    @api.post("/api/v1/ask", response_model=Answer)
    def ask_with_history(body: AskBody) -> Response:
        """Answer a question with the earlier queries of its dialogue."""
        clean(body.query)
        return _as_json(service.assistant.answer(body.query, body.history, body.role))

    @api.get("/api/v1/search")
    def search(
        q: str, k: Annotated[int, Query(ge=1, le=100)] = 10, method: Method = "hybrid"
    ) -> SearchResult:
        """Rank passages."""
        return SearchResult(hits=service.assistant.search(q, k, method))


def _as_json(answer: Answer) -> Response:
    """An answer as it is; returned as a model it would be validated once more."""
    return Response(answer.model_dump_json(), media_type="application/json")


def _add_documents(api: FastAPI, service: Service) -> None:
    @api.get("/api/v1/documents")
    def documents() -> list[DocumentLine]:
        """The documents."""
        index = service.assistant.index
        return [
            DocumentLine(
                id=d.id,
                title=d.title,
                characters=len(d.text),
                passages=sum(p.document_id == d.id for p in index.passages),
            )
            for d in index.documents.values()
        ]

    @api.get("/api/v1/documents/{identifier}", response_model=DocumentDetail)
    def document(identifier: str) -> DocumentDetail | JSONResponse:
        """One document with its text, sections and passages."""
        index = service.assistant.index
        found: Document | None = index.documents.get(identifier)
        if found is None:
            return _error(404, "not_found", f"没有文档“{identifier[:50]}”。")
        passages = [p for p in index.passages if p.document_id == identifier]
        return DocumentDetail(
            id=found.id,
            title=found.title,
            text=found.text,
            sections=list(found.sections),
            passages=passages,
        )

    @api.get("/api/v1/glossary")
    def glossary() -> list[GlossaryTerm]:
        """The glossary terms, each with its definition as a citation."""
        assistant = service.assistant
        return [
            GlossaryTerm(
                name=term.name,
                abbreviation=term.abbreviation,
                aliases=list(term.aliases),
                definition=assistant.cite_passage(term.passage_id),
            )
            for term in assistant.index.terms
        ]
