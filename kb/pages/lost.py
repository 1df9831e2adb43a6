"""Addresses that lead nowhere: a small page for a browser, one error in JSON for a program.

Gradio, which has every address that nothing else has, answers ``{"detail": "Not Found"}``.
"""

from __future__ import annotations

import json

from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kb.pages.words import Words
from kb.render import Html, el

__all__ = ["Lost", "lost"]

UNTOLD = {
    404: ("not_found", {"detail": "Not Found"}, "没有这个地址。"),
    405: ("bad_request", {"detail": "Method Not Allowed"}, "请求方式不对，请对照 /docs 检查。"),
}
API, OF_GRADIO = "/api/", "/gradio_api/"


def lost(headers: Headers, message: str, words: Words) -> Response:
    """Status 404 with a message, as a page where a page is asked for."""
    if "text/html" not in headers.get("accept", ""):
        error = {"code": "not_found", "message": message}
        return JSONResponse({"error": error}, status_code=404)
    return HTMLResponse("<!doctype html>" + _page(message, words), status_code=404)


def _page(message: str, words: Words) -> Html:
    head = el(
        "head",
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        el("title", f"{words('lost_title')} · {words('title')}"),
        el("link", rel="icon", href="/page/assets/icon.svg"),
        el("link", rel="stylesheet", href="/page/assets/lost.css"),
    )
    home = el("p", el("a", words("lost_home"), href=words.home))
    main = el("main", el("h1", words("lost_title")), el("p", message), home)
    return el("html", head, el("body", main), lang=words.html_lang)


class Lost:
    """ASGI middleware that answers anew where an address is not known; the API is always told in JSON."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; hold back an answer that says in JSON that there is nothing."""
        if scope["type"] != "http" or OF_GRADIO in scope["path"]:
            await self.app(scope, receive, send)
            return
        held: list[Message] = []
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_untold(message):
                held.append(message)
                return
            if not held:
                await send(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            told = _told(scope, held[0]["status"], bytes(body))
            if told is not None:
                await told(scope, receive, send)
                return
            await send(held[0])
            await send({"type": "http.response.body", "body": bytes(body)})

        await self.app(scope, receive, collect)


def _is_untold(start: Message) -> bool:
    kind = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] in UNTOLD and kind.startswith("application/json")


def _is_browsed(scope: Scope, headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "") and not scope["path"].startswith(API)


def _told(scope: Scope, status: int, body: bytes) -> Response | None:
    """What to say instead, or None where enough is said."""
    headers = Headers(scope=scope)
    code, untold, message = UNTOLD[status]
    if status == 404 and scope["method"] in ("GET", "HEAD") and _is_browsed(scope, headers):
        words = Words("en" if scope["path"].startswith("/en/") else "zh")
        return lost(headers, words("lost", path=scope["path"][:60]), words)
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if said != untold:
        return None
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)
