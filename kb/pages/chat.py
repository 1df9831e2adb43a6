"""问答: ask, read the cards, follow up; the conversation is HTML of our own, never Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args

import gradio as gr

from kb.errors import KBError
from kb.journal import Journal
from kb.pages.library import Library
from kb.pages.links import leaned_on
from kb.pages.tools import tools_html
from kb.pages.turns import TurnView, suggestion_list, turn_html, waiting_html
from kb.pages.words import Words
from kb.render import Html, el
from kb.schema import Role
from kb.service import NotReadyError, Service

__all__ = ["Asked", "Conversation", "build_chat", "read_asked"]

WAIT_SECONDS = 120.0
MAX_TURNS = 200
MAX_TYPED = 2000
ON_CLEAR = "() => { window.KB.clearLog(); return []; }"
ON_FAILURE = "() => { window.KB.failed(); }"
ON_EVENT = "KB.mountChat(element, trigger, props, watch);"
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


class Conversation(NamedTuple):
    """What one reader has asked so far: turns shown, and the queries a follow-up may lean on."""

    turns: int = 0
    history: tuple[str, ...] = ()


class Asked(NamedTuple):
    """One question as the browser hands it over; the conversation is kept by the browser."""

    mark: int
    query: str
    told: Conversation
    fresh: bool
    role: str


class Desk:
    """Answers for the page: waits for the assistant, renders, counts."""

    def __init__(self, service: Service, library: Library, journal: Journal, words: Words) -> None:
        self.service, self.library, self.journal, self.words = service, library, journal, words

    def ask(self, query: str, role: str, told: Conversation, fresh: bool = False) -> Html:
        """Answer one query; returns the turn's HTML."""
        number = told.turns + 1
        history = () if fresh else told.history[-MAX_TURNS:]
        try:
            self.service.wait(WAIT_SECONDS)
            assistant = self.service.assistant
            answer = assistant.answer(query, history, _role(role))
            leans = leaned_on(answer, history, _role(role), assistant)
            shelf = self.library.shelf
        except NotReadyError as error:
            return waiting_html(number, query, str(error), self.words)
        self._count(answer)
        more = self.library.examples
        turn = TurnView(number, answer, history, role, more=more, leans=leans)
        return turn_html(turn, shelf, self.words)

    def _count(self, answer: Any) -> None:
        """Statistics must never stand between a reader and an answer."""
        try:
            self.journal.count(answer)
        except KBError:
            return


def _role(value: str | None) -> Role | None:
    return next((role for role in get_args(Role) if role == value), None)


def read_asked(data: Mapping[str, Any]) -> Asked:
    """What the browser sent, with anything unfit left out, such as a role that there is not."""
    query = str(data.get("query", ""))[:MAX_TYPED]
    history = data.get("history")
    earlier = [str(h)[:MAX_TYPED] for h in history] if isinstance(history, list) else []
    told = Conversation(_number(data.get("turns")), tuple(earlier[-MAX_TURNS:]))
    role = _role(str(data.get("role"))) or ""
    return Asked(_number(data.get("mark")), query, told, bool(data.get("fresh")), role)


def _number(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def build_chat(service: Service, library: Library, journal: Journal, words: Words) -> Any:
    """Lay out the room and wire it; returns the part that browser and rooms talk through."""
    desk = Desk(service, library, journal, words)
    gr.HTML(_hero(words, library.examples), elem_id="kb-hero", apply_default_css=False)
    gr.HTML(
        el("div", id="kb-log", role="log", aria_live="off", aria_label=words("conversation")),
        apply_default_css=False, elem_id="kb-log-box",
    )  # fmt: skip
    gr.HTML(
        tools_html(words, "#kb-log", "project", "print", "handout-docx", "handout-md"),
        apply_default_css=False, elem_id="kb-chat-tools",
    )  # fmt: skip
    with gr.Column(elem_id="kb-composer"):
        with gr.Row(elem_id="kb-ask-row"):
            gr.Textbox(
                label=words("ask_label"), placeholder=words("ask_hint"), show_label=False, lines=1,
                max_lines=4, max_length=MAX_TYPED, elem_id="kb-question", scale=8, container=False,
            )  # fmt: skip
            gr.Button(words("send"), variant="primary", elem_id="kb-send", scale=1, min_width=96)
        with gr.Row(elem_id="kb-options"):
            gr.Radio(
                choices=[(words("role_any"), ""), *((words(f"role_{r}"), r) for r in get_args(Role))],
                value="", label=words("role_label"), elem_id="kb-role", scale=8, container=False,
            )  # fmt: skip
            clear = gr.Button(words("clear"), size="sm", elem_id="kb-clear", scale=1, min_width=96)
    fresh = gr.HTML(
        "", elem_id="kb-fresh", html_template="<i></i>", visible="hidden", js_on_load=ON_EVENT
    )
    _wire(fresh, clear, desk)
    return fresh


def _wire(fresh: Any, clear: Any, desk: Desk) -> None:
    """The browser takes what is typed at once and hands questions over one at a time."""

    def on_ask(event: gr.EventData) -> Any:
        asked = read_asked(event._data or {})
        if not asked.query.strip():
            return gr.skip()
        html = desk.ask(asked.query, asked.role, asked.told, asked.fresh)
        return f"<!--{asked.mark}-->{html}"

    fresh.select(on_ask, None, fresh, trigger_mode="multiple", **QUIET).failure(None, js=ON_FAILURE)
    clear.click(None, js=ON_CLEAR, queue=False, **QUIET)


def _hero(words: Words, examples: Sequence[str]) -> Html:
    return el(
        "div",
        el("h2", words("hero")),
        el("p", words("hero_help")),
        el("p", words("examples"), class_="kb-label"),
        suggestion_list(examples, words),
        class_="kb-hero",
    )
