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
from kb.wording import STATES

__all__ = ["NotReadyError", "Service"]

State = Literal["starting", "ready", "failed"]


class NotReadyError(KBError):
    """The assistant cannot answer yet, or cannot answer at all; the message says which."""


class Service:
    """Holds one assistant for all doors of a process."""

    def __init__(self, settings: Settings, say: Callable[[str], None] = lambda _: None) -> None:
        self.settings = settings
        self.state: State = "starting"
        self.reason = STATES["starting"]
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
        failure = STATES["interrupted"]
        try:
            self._assistant = self._load()
            failure = ""
        except KBError as error:
            failure = str(error)
            self._say(failure)
        except OSError as error:
            failure = STATES["unreadable"].format(path=error.filename or "", why=error.strerror)
            self._say(failure)
        finally:
            self.state, self.reason = ("failed" if failure else "ready"), failure
            self._done.set()

    def _load(self) -> Assistant:
        try:
            return open_assistant(self.settings)
        except IndexFolderError as error:
            self.reason = STATES[error.state]
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
            raise IndexFolderError(STATES["build_failed"])
