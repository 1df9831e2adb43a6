"""The running service: documents at once, the assistant as soon as it is ready, state told honestly.

A missing, stale or damaged index is rebuilt in a process of its own, so that the build's memory
is given back and torch never enters the serving process.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Literal

from kb.answer import Assistant
from kb.assemble import open_assistant
from kb.errors import IndexFolderError, KBError
from kb.settings import Settings

__all__ = ["NotReadyError", "Service"]

REBUILDING = {
    "missing": "还没有索引，正在自动建立，请稍候……",
    "stale": "文档或设置有变化，正在自动重建索引，请稍候……",
    "damaged": "索引文件已损坏，正在自动重建，请稍候……",
}
State = Literal["starting", "ready", "failed"]


class NotReadyError(KBError):
    """The assistant cannot answer yet, or cannot answer at all; the message says which."""


class Service:
    """Holds one assistant for all doors of a process."""

    def __init__(self, settings: Settings, say: Callable[[str], None] = lambda _: None) -> None:
        self.settings = settings
        self.state: State = "starting"
        self.reason = "正在准备，请稍候……"
        self._say = say
        self._assistant: Assistant | None = None
        self._done = threading.Event()

    def start(self) -> None:
        """Open the assistant in the background."""
        threading.Thread(target=self._open, name="kb-open", daemon=True).start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the assistant is ready or has failed; True when it is ready."""
        self._done.wait(seconds)
        return self.state == "ready"

    @property
    def assistant(self) -> Assistant:
        """The assistant.

        Raises:
            NotReadyError: it is still being prepared, or could not be.
        """
        if self._assistant is None:
            raise NotReadyError(self.reason)
        return self._assistant

    def _open(self) -> None:
        failure = "准备过程意外中断，请查看终端里的信息后重新启动。"
        try:
            self._assistant = self._load()
            failure = ""
        except KBError as error:
            failure = str(error)
            self._say(failure)
        finally:
            self.state, self.reason = ("failed" if failure else "ready"), failure
            self._done.set()

    def _load(self) -> Assistant:
        try:
            return open_assistant(self.settings)
        except IndexFolderError as error:
            self.reason = REBUILDING[error.state]
            self._say(self.reason)
        self._rebuild()
        return open_assistant(self.settings)

    def _rebuild(self) -> None:
        command = [sys.executable, "-m", "kb", "build"]
        command += [
            "--corpus",
            str(self.settings.corpus_dir),
            "--index",
            str(self.settings.index_dir),
        ]
        environment = self.settings.as_environment()
        done = subprocess.run(command, env=environment, check=False)
        if done.returncode != 0:
            raise IndexFolderError("索引重建没有成功，请在终端运行 python -m kb build 查看原因。")
