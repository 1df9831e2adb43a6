"""A worker in a process of its own, in the interpreter that has the system installed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.peers.adapters import PEERS
from kb.answer import Assistant
from kb.errors import InputError
from kb.settings import Settings

__all__ = ["Launcher", "check_names", "our_texts"]

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = {
    "txtai": ("txtai",),
    "haystack": ("haystack-ai", "sentence-transformers-haystack"),
    "langchain": ("langchain-community", "langchain-huggingface", "faiss-cpu"),
}
VERSIONS = (
    "import importlib.metadata as m, sys\n"
    "for p in sys.argv[1:]:\n"
    "    try: print(p, m.version(p))\n"
    "    except m.PackageNotFoundError: print(p, 'not installed')"
)


class Launcher:
    """Runs workers: the peers in ``python``, ours in this interpreter, all with one encoder."""

    def __init__(self, python: Path, encoder: Path, settings: Settings) -> None:
        """Refuse an interpreter that is not there (``InputError``)."""
        if not python.exists():
            raise InputError(
                f"找不到Python解释器“{python}”，请用--python指定装有对照系统的那一个。"
            )
        self._python, self._encoder, self._settings = python, encoder, settings

    def run(self, name: str, task: Mapping[str, Any]) -> dict[str, Any]:
        """What the worker found, or ``missing`` with a reason.

        ``crash`` says how the worker ended where it found something and did not finish.
        """
        environment = {
            **self._settings.as_environment(),
            "HF_HUB_OFFLINE": "1",
            "HAYSTACK_TELEMETRY_ENABLED": "False",
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "task.json"
            whole = {**task, "encoder": str(self._encoder), "started": time.time()}
            path.write_text(json.dumps(whole), encoding="utf-8")
            done = subprocess.run(
                [str(self._interpreter(name)), "-m", "eval.peers.worker", name, str(path)],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
            )
        lines = done.stdout.splitlines()
        found = dict(json.loads(lines[-1])) if lines else {}
        if done.returncode == 0:
            return found
        return {**found, "crash" if found else "missing": _end(done.returncode, done.stderr)}

    def versions(self, name: str) -> str:
        """Versions of a system's packages, as the interpreter that runs it has them."""
        if name not in PEERS:
            return "this index"
        packages = PACKAGES[name.split("-")[0]]
        command = [str(self._python), "-c", VERSIONS, *packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return ", ".join(done.stdout.split("\n")).strip(", ")

    def _interpreter(self, name: str) -> Path:
        return self._python if name in PEERS else Path(sys.executable)


def check_names(names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a name that is not ``known`` (``InputError``)."""
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"没有名为“{unknown[0]}”的对照系统，应为{'、'.join(known)}之一。")


def our_texts(assistant: Assistant) -> list[str]:
    """Our passages with their headings, so that every system searches the same ones."""
    return ["\n".join((*p.section, p.text)) for p in assistant.index.passages]


def _end(code: int, errors: str) -> str:
    """How a process ended: its signal, or the last line it wrote."""
    if code < 0:
        return f"signal {-code}"
    return (errors.strip().splitlines() or [f"exit code {code}"])[-1]
