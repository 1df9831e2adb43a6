"""培训: question packs, quiz, QR cards, statistics of a session; the trainer's room."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote as percent
from urllib.parse import urlsplit

import gradio as gr

from kb.errors import KBError
from kb.journal import Journal
from kb.pages.access import allowed
from kb.pages.library import Library
from kb.pages.links import Link, read_link
from kb.pages.pack_files import MAX_FILE
from kb.pages.packs import (
    MAX_QUESTIONS,
    Pack,
    left_out_html,
    read_pack,
    read_pack_file,
    report_html,
)
from kb.pages.reading import resolve_target
from kb.pages.tools import note_html, tools_html
from kb.pages.words import Words
from kb.pages.worksheets import Card, cards_html, quiz_html, statistics_html
from kb.quiz import make_quiz
from kb.render import Html, el, join
from kb.service import Service
from kb.wording import STATES

__all__ = ["Cards", "Workshop", "build_workshop", "cards_for"]

WAIT_SECONDS = 120.0
MAX_CARDS = 60
PASSAGE_ID = re.compile(r"[\w-]+[:：][\w-]*\d[\w-]*", re.ASCII)  # guide:4-2-p1, known or not
QUIET: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}
SAMPLE = "什么是低代码？\n没钱搞，政府给补贴吗？\n补贴能拿多少钱？\n《指南》提出了哪14条举措？"


class Cards(NamedTuple):
    """The cards made, the passage ids that name nothing, and how many lines were too many."""

    cards: tuple[Card, ...]
    unknown: tuple[str, ...] = ()
    over: int = 0


class Records(NamedTuple):
    """The switch of the statistics, what stands beside it, and where a refusal is said."""

    on: Any
    rest: tuple[Any, ...]
    out: Any
    refused: str

    @property
    def parts(self) -> list[Any]:
        """The components that ``shown`` fills."""
        return [self.on, *self.rest, self.out]

    def shown(self, may: bool, recording: bool) -> list[Any]:
        """The values of the parts for a reader who may, or may not, use them."""
        if may:
            return [recording, *(gr.skip() for _ in self.rest), gr.skip()]
        hidden = [gr.update(visible=False) for _ in self.rest]
        return [gr.update(visible=False), *hidden, self.refused]


class Workshop(NamedTuple):
    """What the page fills when it opens: the address of the page, and the records."""

    base: Any
    records: Records


def build_workshop(service: Service, library: Library, journal: Journal, words: Words) -> Workshop:
    """Lay out the room, one inner tab a task."""
    with gr.Tabs(elem_id="kb-workshop-tabs"):
        with gr.Tab(words("pack_tab"), id="pack"):
            _build_pack(service, library, words)
        with gr.Tab(words("quiz_tab"), id="quiz"):
            _build_quiz(library, words)
        with gr.Tab(words("qr_tab"), id="qr"):
            base = _build_cards(library, journal, words)
        with gr.Tab(words("stats_tab"), id="stats"):
            records = _build_statistics(service, library, journal, words)
    return Workshop(base, records)


def _help(words: Words, key: str) -> None:
    gr.HTML(el("p", words(key), class_="kb-note"), apply_default_css=False)


def _tools(words: Words, scope: str, *kinds: str) -> None:
    gr.HTML(tools_html(words, scope, *kinds), apply_default_css=False)


def _build_pack(service: Service, library: Library, words: Words) -> None:
    _help(words, "pack_help")
    with gr.Row(elem_classes="kb-inputs"):
        text = gr.Textbox(
            SAMPLE,
            label=words("pack_label"),
            lines=6,
            max_lines=16,
            elem_id="kb-pack-text",
            scale=3,
        )
        with gr.Column(scale=1, min_width=220):
            file = gr.UploadButton(  # any file: Gradio would refuse the others in English
                words("pack_upload"), type="filepath", elem_id="kb-pack-file"
            )
            read = gr.HTML("", elem_id="kb-pack-read", apply_default_css=False)
            go = gr.Button(words("pack_go"), variant="primary", elem_id="kb-pack-go")
    _tools(words, "#kb-pack-out", "project", "print", "handout-docx", "handout-md", "handout-csv")
    out = gr.HTML("", elem_id="kb-pack-out", apply_default_css=False)

    def run(given: str) -> str:
        return _run_pack(service, library, words, read_pack(given))

    def upload(path: str) -> tuple[Any, str]:
        name = Path(path).name
        try:
            with Path(path).open("rb") as content:
                pack = read_pack_file(content.read(MAX_FILE + 1), name)
        except KBError as error:
            said = words.say(str(error))
            return gr.skip(), el("p", said, class_="kb-banner kb-banner-failed", role="alert")
        return "\n".join(pack.questions), _read_html(pack, name, words)

    go.click(run, text, out, **QUIET)
    file.upload(upload, file, [text, read], **QUIET)


def _read_html(pack: Pack, name: str, words: Words) -> Html:
    """What was taken from a file, and what was not."""
    key = "pack_read_column" if pack.column else "pack_read"
    told = words(key, name=name, column=pack.column, n=len(pack.questions))
    return el("div", el("p", told), left_out_html(pack.left_out, words), role="status")


def _run_pack(service: Service, library: Library, words: Words, pack: Pack) -> str:
    if not pack.questions:
        return note_html(words("pack_empty", n=MAX_QUESTIONS))
    try:
        service.wait(WAIT_SECONDS)
        assistant = service.assistant
        answers = [assistant.answer(question) for question in pack.questions]
        return report_html(answers, pack.left_out, library.shelf, words)
    except KBError as error:
        return note_html(words.say(str(error)))


def _build_quiz(library: Library, words: Words) -> None:
    _help(words, "quiz_help")
    with gr.Row(elem_classes="kb-inputs"):
        seed = gr.Number(1, label=words("quiz_seed_label"), precision=0, elem_id="kb-quiz-seed")
        terms = gr.Slider(0, 12, 5, step=1, label=words("quiz_terms"), elem_id="kb-quiz-terms")
        lists = gr.Slider(0, 12, 3, step=1, label=words("quiz_lists"), elem_id="kb-quiz-lists")
        match = gr.Checkbox(True, label=words("quiz_match_label"), elem_id="kb-quiz-match")
    go = gr.Button(words("quiz_go"), variant="primary", elem_id="kb-quiz-go")
    _tools(words, "#kb-quiz-out", "project", "print-items", "print-key", "quiz-docx", "quiz-md")
    out = gr.HTML("", elem_id="kb-quiz-out", apply_default_css=False)

    def make(number: float | None, n_terms: float, n_lists: float, matched: bool) -> str:
        try:
            quiz = make_quiz(library.shelf, int(number or 0), int(n_terms), int(n_lists), matched)
            return quiz_html(quiz, library.shelf, words)
        except KBError as error:
            return note_html(words.say(str(error)))

    go.click(make, [seed, terms, lists, match], out, **QUIET)


def _build_cards(library: Library, journal: Journal, words: Words) -> Any:
    _help(words, "qr_help")
    with gr.Row(elem_classes="kb-inputs"):
        lines = gr.Textbox(
            SAMPLE, label=words("qr_label"), lines=5, max_lines=16, elem_id="kb-qr-text", scale=2
        )
        with gr.Column(scale=1, min_width=260):
            base = gr.Textbox(
                "", label=words("qr_base"), info=words("qr_base_info"), elem_id="kb-qr-base"
            )
            go = gr.Button(words("qr_go"), variant="primary", elem_id="kb-qr-go")
    _tools(words, "#kb-qr-out", "project", "print")
    out = gr.HTML("", elem_id="kb-qr-out", apply_default_css=False)

    def make(text: str, address: str) -> str:
        try:
            made = cards_for(text, address, library, journal)
        except KBError as error:
            return note_html(words.say(str(error)))
        told = [words("qr_no_passage", id=line) for line in made.unknown]
        told += [words("qr_over", n=made.over, limit=MAX_CARDS)] if made.over else []
        told += [words("qr_local")] if _local(address) else []
        warnings = [
            el("p", text, class_="kb-banner kb-banner-starting", role="alert") for text in told
        ]
        nothing = made.unknown and not made.cards
        return join(*warnings, Html() if nothing else cards_html(made.cards, words))

    go.click(make, [lines, base], out, **QUIET)
    return base


def cards_for(text: str, base: str, library: Library, journal: Journal) -> Cards:
    """One card a line: a passage or section by its id, a copied link, or else a question."""
    root = base.strip().rstrip("/")
    cards, unknown = [], []
    lines = list(dict.fromkeys(x.strip() for x in text.splitlines() if x.strip()))
    for line in lines[:MAX_CARDS]:
        if resolve_target(library.shelf, line) is not None:
            address = f"{root}/?p={percent(line)}"
            cards.append(Card(line, address, address))
        elif PASSAGE_ID.fullmatch(line):
            unknown.append(line)
        else:
            home, link = read_link(line) or ("/", Link(line))
            address = link.address(home)
            short = journal.shorten(address if link.query != line else line)
            cards.append(Card(link.query, f"{root}{address}", f"{root}/s/{short}"))
    return Cards(tuple(cards), tuple(unknown), max(0, len(lines) - MAX_CARDS))


def _local(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _build_statistics(
    service: Service, library: Library, journal: Journal, words: Words
) -> Records:
    _help(words, "stats_help")
    on = gr.Checkbox(False, label=words("stats_on"), elem_id="kb-stats-on")
    with gr.Row(elem_classes="kb-inputs"):
        show = gr.Button(words("stats_show"), variant="primary", elem_id="kb-stats-show")
        forget = gr.Button(words("stats_forget"), elem_id="kb-stats-forget")
    with gr.Row(visible=False, elem_id="kb-stats-ask", elem_classes="kb-inputs") as ask:
        gr.HTML(note_html(words("stats_ask")), apply_default_css=False)
        sure = gr.Button(words("stats_sure"), variant="stop", elem_id="kb-stats-sure")
        keep = gr.Button(words("stats_keep"), elem_id="kb-stats-keep")
    links = [
        el(
            "a",
            words(key),
            class_="kb-plain",
            href=f"/page/{name}.csv?lang={words.lang}",
            download=True,
        )
        for key, name in (("stats_csv", "statistics"), ("feedback_csv", "feedback"))
    ]
    files = gr.HTML(el("p", *links, class_="kb-tools"), apply_default_css=False)
    out = gr.HTML("", elem_id="kb-stats-out", apply_default_css=False)
    refused = note_html(words.say(STATES["local_only"]))

    def view(request: gr.Request) -> str:
        if not allowed(service.settings, request):
            return refused
        return statistics_html(journal.statistics(), library.shelf, words)

    def switch(wanted: bool, request: gr.Request) -> str:
        if allowed(service.settings, request):
            journal.record(wanted)
        return view(request)

    def clear(request: gr.Request) -> str:
        if allowed(service.settings, request):
            journal.forget()
        return view(request)

    on.input(switch, on, out, **QUIET)
    show.click(view, None, out, **QUIET)
    forget.click(lambda: gr.update(visible=True), None, ask, **QUIET)
    keep.click(lambda: gr.update(visible=False), None, ask, **QUIET)
    sure.click(clear, None, out, **QUIET).then(lambda: gr.update(visible=False), None, ask, **QUIET)
    return Records(on, (show, forget, files), out, refused)
