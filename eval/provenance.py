"""What a figure was measured on: index, encoder, versions, date, command."""

from __future__ import annotations

import datetime
import platform
from importlib.metadata import PackageNotFoundError, version

from kb.schema import Frozen

__all__ = ["Provenance", "provenance", "versions"]

PACKAGES = ("numpy", "faiss-cpu", "bm25s", "jieba", "onnxruntime", "sentence-transformers",
            "torch", "ir_measures")  # fmt: skip


class Provenance(Frozen):
    """Stands beside every report; ``manifest`` is None where no index was involved."""

    command: str
    manifest: str | None
    encoder: str | None
    date: str
    python: str
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """Installed versions of the libraries that can move a figure."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def provenance(command: str, manifest: str | None, encoder: str | None) -> Provenance:
    """Describe a run that happens now."""
    return Provenance(
        command=command,
        manifest=manifest,
        encoder=encoder,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        python=platform.python_version(),
        versions=versions(),
    )
