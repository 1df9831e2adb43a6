"""A real server and headless Chromium; every page is watched for errors and outside requests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kb.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["CHROMIUM", "Open", "browser", "open_page", "serve", "site"]

REPOSITORY = Path(__file__).resolve().parent.parent
CHROMIUM = next(
    (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
)
START_SECONDS = 180
LEAVING = 'addEventListener("beforeunload", () => { console.error = () => {}; });'
Open = Callable[..., "Page"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def serve(settings: Settings, ready: str = "/readyz", port: int = 0) -> Iterator[str]:
    """Run ``app.py`` in a process of its own until the address answers."""
    port = port or free_port()
    environment = settings.model_copy(update={"port": port}).as_environment()
    log = settings.data_dir / "server.log"
    with log.open("w") as out:
        command = [sys.executable, str(REPOSITORY / "app.py")]
        server = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=REPOSITORY)
    base = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + START_SECONDS
        while not answers(base + ready):
            if server.poll() is not None or time.monotonic() > end:
                pytest.fail(f"the server did not start:\n{log.read_text()}")
            time.sleep(0.3)
        yield base
    finally:
        server.terminate()
        server.wait(20)


def own_data_dir(real: Path, folder: Path) -> Path:
    """A data folder with the machine's encoder in it and a journal of its own."""
    for path in real.iterdir():
        if path.is_dir():
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def site(real_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the real guide and the real encoder."""
    folder = own_data_dir(real_settings.data_dir, tmp_path_factory.mktemp("data"))
    with serve(real_settings.model_copy(update={"data_dir": folder})) as base:
        yield base


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, or a skip that says why; one a module, so that its loop ends with it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; apt-get install chromium fonts-noto-cjk")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Open]:
    """Open an address; at the end there must be no error and no request to another origin.

    What a page logs once it is being left does not count: Gradio cuts its own event stream then,
    and logs the cut as an error when it comes before the page is gone.
    """
    troubles: list[str] = []
    contexts: list[Any] = []

    def watched(path: str = "/", *, base: str = site, width: int = 1280, **options: Any) -> Page:
        options = {"locale": "en-US", "reduced_motion": "reduce", **options}
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        context.add_init_script(LEAVING)
        page = context.new_page()
        page.set_default_timeout(40_000)
        page.on("pageerror", lambda error: troubles.append(f"page error: {error}"))
        page.on(
            "console",
            lambda m: troubles.append(f"console: {m.text}") if m.type == "error" else None,
        )
        page.on(
            "request", lambda r: None if _own(r.url, base) else troubles.append(f"outside: {r.url}")
        )
        page.goto(base + path)
        page.wait_for_selector("#kb-tabs button[role=tab]")
        return page

    yield watched
    for context in contexts:
        context.close()
    assert not troubles, troubles


def _own(url: str, base: str) -> bool:
    return url.startswith((base + "/", "data:", "blob:" + base, "about:"))


os.environ.setdefault("NO_PROXY", "127.0.0.1,localhost")
