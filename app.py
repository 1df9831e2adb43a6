"""The page and the API in one process: ``python app.py`` or ``python -m kb serve``."""

from __future__ import annotations

import os
import socket
import sys

from fastapi import FastAPI

from kb.errors import KBError, SettingsError
from kb.settings import Settings, load_settings

__all__ = ["create_app", "main", "run"]

QUIET_ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
WORKERS = 24
MAX_QUEUE = 256
GRACE_SECONDS = 2  # open pages hold connections; Ctrl+C must not wait for them


def quiet_environment() -> None:
    """Keep Gradio and the model libraries off the network; must run before Gradio is imported."""
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    listed = [h for h in os.environ.get("NO_PROXY", "").split(",") if h]
    wanted = ",".join(dict.fromkeys([*listed, *LOCAL_HOSTS]))
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = wanted


def create_app(settings: Settings) -> FastAPI:
    """The API with the page on it; the assistant is opened in the background."""
    quiet_environment()
    import gradio as gr
    from starlette.staticfiles import StaticFiles

    from kb.api import create_api
    from kb.journal import Journal
    from kb.pages.library import Library
    from kb.pages.lost import Lost
    from kb.pages.page import build_page, theme
    from kb.pages.routes import ASSETS, page_routes
    from kb.pages.shell import Shell
    from kb.pages.words import Words
    from kb.service import Service

    service = Service(settings, say)
    library, journal = Library(service), Journal(settings.data_dir)
    app = create_api(service)
    app.include_router(page_routes(service, library, journal))
    app.mount("/page/assets", StaticFiles(directory=ASSETS), name="assets")
    languages = (Words("en"), Words("zh"))
    app.add_middleware(Lost)
    app.add_middleware(Shell, pages={words.home: words for words in languages})
    for words in languages:
        page = build_page(service, library.in_language(words), journal, words)
        page.queue(default_concurrency_limit=WORKERS, max_size=MAX_QUEUE, api_open=False)
        app = gr.mount_gradio_app(
            app, page, path=words.home.rstrip("/") or "/", theme=theme(),
            footer_links=[], run_history=False, ssr_mode=False, pwa=False, mcp_server=False,
            show_error=True,
        )  # fmt: skip
    app.state.service = service
    service.start()
    return app


def say(message: str) -> None:
    """One line for whoever started the server."""
    print(message, file=sys.stderr, flush=True)


def check_port(host: str, port: int) -> None:
    """Refuse early when the port is taken.

    Raises:
        SettingsError: the address cannot be bound; the message names the cure.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"{host}:{port} 不能使用，端口可能已被占用，"
                f"请换一个端口，例如 KB_PORT={port + 1 if port < 65535 else port - 1}。"
            ) from error


def run(settings: Settings) -> None:
    """Serve until stopped."""
    check_port(settings.host, settings.port)
    import uvicorn

    app = create_app(settings)
    say(f"问指南已启动：http://{settings.host}:{settings.port}（按 Ctrl+C 停止）")
    uvicorn.run(
        app, host=settings.host, port=settings.port, log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )  # fmt: skip


def main() -> None:
    """Serve; errors are one Chinese sentence and exit code 2."""
    try:
        run(load_settings())
    except KBError as error:
        say(str(error))
        sys.exit(2)


if __name__ == "__main__":
    main()
