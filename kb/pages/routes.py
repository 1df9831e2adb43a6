"""Small requests of the page: check a quote, expand a section, feedback, short addresses, files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import quote as percent

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from kb.answer import Assistant
from kb.errors import InputError
from kb.export import handout_docx, handout_markdown, quiz_docx, quiz_markdown
from kb.journal import Journal
from kb.pages.access import allowed, refusal
from kb.pages.exports import feedback_csv, report_csv, statistics_csv
from kb.pages.insight import why, why_html
from kb.pages.library import Library
from kb.pages.links import Link, read_link
from kb.pages.lost import lost
from kb.pages.reading import section_html
from kb.pages.words import Lang, Words
from kb.quiz import make_quiz
from kb.schema import Answer, Role
from kb.service import Service

__all__ = ["ASSETS", "page_routes"]

ASSETS = Path(__file__).with_name("assets")
CSV = "text/csv; charset=utf-8"
MARKDOWN = "text/markdown; charset=utf-8"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class Body(BaseModel):
    """Base of what the page sends: strict, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ShownQuote(Body):
    """A quote as the browser shows it."""

    document_id: str = Field(max_length=200)
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str = Field(max_length=200_000)


class Checked(Body):
    """What reading the source again found."""

    same: bool
    sha256: str
    file: str
    start: int
    end: int


class Asked(Body):
    """A question with how it was asked, enough to answer it again."""

    query: str = Field(max_length=2_000)
    history: list[str] = Field(default_factory=list, max_length=100)
    role: Role | Literal[""] = ""


class Feedback(Asked):
    """A reader's verdict on an answer."""

    verdict: str = Field(max_length=20)
    comment: str = Field(default="", max_length=500)


class Handout(Body):
    """Questions to put on a handout."""

    format: Literal["docx", "md", "csv"]
    title: str = Field(default="", max_length=200)
    lang: Lang = "zh"
    asked: list[Asked] = Field(min_length=1, max_length=500)


class Wondered(Asked):
    """A question, and the passage whose finding is to be explained."""

    passage_id: str = Field(max_length=200)
    lang: Lang = "zh"


class QuizWanted(Body):
    """A quiz by its seed and sizes."""

    format: Literal["docx", "md"]
    seed: int
    terms: int = Field(ge=0, le=50)
    lists: int = Field(ge=0, le=50)
    match: bool


def page_routes(service: Service, library: Library, journal: Journal) -> APIRouter:
    """The page's own requests."""
    router = APIRouter(include_in_schema=False)
    _add_reading(router, service, library)
    _add_feedback(router, service, journal)
    _add_files(router, service, library, journal)
    _add_quiz(router, library)
    return router


def _again(assistant: Assistant, asked: Asked) -> Answer:
    return assistant.answer(asked.query, asked.history, asked.role or None)


def _add_reading(router: APIRouter, service: Service, library: Library) -> None:
    @router.post("/page/verify")
    def verify(shown: ShownQuote) -> Checked:
        """Read the document from disk again and compare what the browser shows."""
        document = library.read_again(shown.document_id)
        if document is None:
            raise InputError(f"没有文档“{shown.document_id[:50]}”，请刷新页面。")
        source = document.text[shown.start : shown.end]
        digest = hashlib.sha256(source.encode()).hexdigest()
        return Checked(
            same=bool(source) and source == shown.text, sha256=digest,
            file=document.source, start=shown.start, end=shown.end,
        )  # fmt: skip

    @router.get("/page/section")
    def section(p: str) -> HTMLResponse:
        """The whole section that a passage stands in."""
        return HTMLResponse(section_html(library.shelf, p))

    @router.post("/page/why")
    def reason(wondered: Wondered) -> HTMLResponse:
        """Why a passage was found for a question."""
        assistant = service.assistant
        explained = assistant.explain(wondered.query, wondered.history, wondered.role or None)
        found = why(explained, assistant, wondered.passage_id)
        return HTMLResponse(why_html(found, Words(wondered.lang)))


def _add_feedback(router: APIRouter, service: Service, journal: Journal) -> None:
    @router.post("/page/feedback")
    def feedback(given: Feedback) -> dict[str, str]:
        """Store a verdict on this machine."""
        answer = _again(service.assistant, given)
        journal.add_feedback(answer, given.verdict, given.comment)
        return {"status": "ok"}

    @router.get("/page/feedback.csv")
    def feedback_file(request: Request, lang: Lang = "zh") -> Response:
        """All feedback, for a spreadsheet."""
        if not allowed(service.settings, request):
            return refusal()
        return _file(feedback_csv(journal.feedback(), Words(lang)), CSV, "反馈.csv")

    @router.get("/page/statistics.csv")
    def statistics_file(request: Request, lang: Lang = "zh") -> Response:
        """Passages asked for and questions without an answer, each with its count."""
        if not allowed(service.settings, request):
            return refusal()
        return _file(statistics_csv(journal.statistics(), Words(lang)), CSV, "统计.csv")


def _add_files(router: APIRouter, service: Service, library: Library, journal: Journal) -> None:
    @router.get("/en")
    def english() -> RedirectResponse:
        """The English page without its slash."""
        return RedirectResponse("/en/")

    @router.get("/s/{code}")
    def short(code: str, request: Request) -> Response:
        """A short address: opens the page with its question asked, or the answer linked to."""
        kept = journal.expand(code)
        if kept is None:
            words = Words()
            return lost(request.headers, words("lost_short", code=code[:20]), words)
        home, link = read_link(kept) or ("/", Link(kept))
        return RedirectResponse(link.address(home))

    @router.post("/page/handout")
    def handout(wanted: Handout) -> Response:
        """Answer the questions again and put them on a handout, every quote with its place."""
        assistant = service.assistant
        answers: Sequence[Answer] = [_again(assistant, asked) for asked in wanted.asked]
        if wanted.format == "docx":
            return _file(handout_docx(answers, library.shelf, wanted.title), WORD, "问指南.docx")
        if wanted.format == "csv":
            return _file(report_csv(answers, library.shelf, Words(wanted.lang)), CSV, "问指南.csv")
        return _file(handout_markdown(answers, library.shelf, wanted.title), MARKDOWN, "问指南.md")


def _add_quiz(router: APIRouter, library: Library) -> None:
    @router.post("/page/quiz")
    def quiz(wanted: QuizWanted) -> Response:
        """The quiz of a seed, with its answer key on a page of its own."""
        made = make_quiz(library.shelf, wanted.seed, wanted.terms, wanted.lists, wanted.match)
        if wanted.format == "docx":
            return _file(quiz_docx(made, library.shelf), WORD, "问指南测验.docx")
        return _file(quiz_markdown(made, library.shelf), MARKDOWN, "问指南测验.md")


def _file(content: str | bytes, media_type: str, name: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{percent(name)}"
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})
