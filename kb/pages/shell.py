"""The page's outermost HTML: its language, styles and scripts, put in before the browser sees it.

Gradio serves ``<html lang="en">`` and adds head elements by script, after its own parts run; then
a screen reader starts in the wrong language, and styles and scripts come too late.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kb.pages.words import Words
from kb.render import Html, el, join

__all__ = ["Shell", "head_html"]

SCRIPTS = ("frame", "talk", "cards", "reader", "workshop")
STYLES = ("frame", "cards", "rooms")
HTML_LANG = re.compile(r"(<html\b[^>]*?\slang=)\"[^\"]*\"")
SHARING = re.compile(r"<meta\s+(?:property|name)=\"(?:og|twitter):[^>]*>\s*")
PRELOADED = re.compile(r"<link rel=\"(?:manifest|preconnect|dns-prefetch)\"[^>]*>\s*")


def head_html(words: Words) -> Html:
    """Words and scripts of the page, all from this server; they run before Gradio's own."""
    frame = f'{{lang:"{words.html_lang}",home:"{words.home}",words:{words.for_browser()}}}'
    return join(
        el("meta", name_="description", content=words("tagline")),
        el("link", rel="icon", href="/page/assets/icon.svg"),
        el("script", Html(f"window.KB={frame};")),
        *(el("script", src=f"/page/assets/{name}.js") for name in SCRIPTS),
    )


def styles_html() -> Html:
    """Styles of the page, to stand after Gradio's own."""
    return join(*(el("link", rel="stylesheet", href=f"/page/assets/{n}.css") for n in STYLES))


def dress(page: str, words: Words) -> str:
    """Put language, scripts and styles into Gradio's page, and take its sharing tags out."""
    page = HTML_LANG.sub(rf'\1"{words.html_lang}"', page, count=1)
    page = PRELOADED.sub("", SHARING.sub("", page))
    page = page.replace("<head>", "<head>" + head_html(words), 1)
    return page.replace("</head>", styles_html() + "</head>", 1)


class Shell:
    """ASGI middleware that dresses the pages; every other answer passes untouched."""

    def __init__(self, app: ASGIApp, pages: Mapping[str, Words]) -> None:
        self.app, self.pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; buffer and dress the answer when it is one of the pages."""
        words = self.pages.get(scope["path"]) if scope["type"] == "http" else None
        if words is None or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        plain = [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]
        started: list[Message] = []
        body = bytearray()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                started.append(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            content = dress(body.decode("utf-8"), words).encode() if _is_page(started[0]) else body
            kept = [(k, v) for k, v in started[0]["headers"] if k.lower() != b"content-length"]
            length = (b"content-length", str(len(content)).encode())
            await send({**started[0], "headers": [*kept, length]})
            await send({"type": "http.response.body", "body": bytes(content)})

        await self.app({**scope, "headers": plain}, receive, collect)


def _is_page(start: Message) -> bool:
    headers = {k.lower(): v for k, v in start["headers"]}
    kind: bytes = headers.get(b"content-type", b"")
    return start["status"] == 200 and kind.startswith(b"text/html")
