"""Settings -> the project's own assistant; a question file -> the answers report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from eval.answers import AnswersReport, ask_all, report
from eval.provenance import Provenance, provenance
from eval.questions import load_questions
from kb.answer import Assistant
from kb.assemble import open_assistant, rebuild
from kb.encoder import BUILTIN
from kb.errors import IndexFolderError, InputError
from kb.schema import Asked, BankQuestion, OutsideQuestion
from kb.settings import Settings
from kb.weights import builtin_folder

__all__ = ["assess", "bank_queries", "describe", "encoder_folder", "ready"]

Progress = Callable[[str], None]


def ready(settings: Settings, progress: Progress) -> Assistant:
    """Open the assistant; a missing or stale index is built first, a damaged one is refused."""
    try:
        return open_assistant(settings)
    except IndexFolderError as error:
        if error.state == "damaged":
            raise
        progress(f"{error}正在自动建立……")
    rebuild(settings, progress)
    return open_assistant(settings)


def describe(assistant: Assistant, command: str) -> Provenance:
    """Where a figure of this assistant comes from."""
    index = assistant.index
    return provenance(command, index.id, index.manifest.encoder)


def bank_queries(
    questions: Sequence[Asked | BankQuestion], outside: Sequence[OutsideQuestion]
) -> dict[str, str]:
    """Id -> query of both banks of questions."""
    return {row.id: row.query for row in (*questions, *outside)}


def encoder_folder(settings: Settings) -> Path:
    """The sentence-transformers folder behind the encoder, for systems that read one.

    Raises:
        InputError: the encoder is named, not a folder on this machine.
    """
    if settings.encoder == BUILTIN:
        return builtin_folder(settings.data_dir)
    folder = Path(settings.encoder)
    if not folder.is_dir():
        raise InputError(f"编码器“{settings.encoder}”不是本机文件夹，请把KB_ENCODER设为文件夹。")
    return folder


def assess(settings: Settings, questions: Path, command: str, progress: Progress) -> AnswersReport:
    """Ask every question of a file and report.

    Raises:
        InputError: the file has faults, all listed.
        KBError: the assistant cannot be opened.
    """
    asks = load_questions(questions)
    assistant = ready(settings, progress)
    judged = ask_all(assistant, assistant.index.documents, asks, progress)
    return report(judged, questions.name, describe(assistant, command))
