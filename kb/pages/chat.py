"""问答: ask, read the cards, follow up; the conversation is HTML of our own, never Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

import gradio as gr

from kb.errors import KBError
from kb.journal import Journal
from kb.pages.library import Library
from kb.pages.tools import tools_html
from kb.pages.turns import TurnView, suggestion_list, turn_html, waiting_html
from kb.pages.words import Words
from kb.render import Html, el
from kb.schema import Role
from kb.service import NotReadyError, Service

__all__ = ["Chat", "Conversation", "build_chat"]

WAIT_SECONDS = 120.0
MAX_TURNS = 200
ON_ASK = "(...args) => { window.KB.pending(args[0]); return args; }"
ON_FAILURE = "() => { window.KB.failed(); }"
ON_EVENT = "KB.mountChat(element, trigger, props, watch);"


class Conversation(NamedTuple):
    """What one reader has asked so far: turns shown, and the queries a follow-up may lean on."""

    turns: int = 0
    history: tuple[str, ...] = ()


class Chat(NamedTuple):
    """The components other rooms reach for."""

    question: Any
    role: Any
    state: Any
    fresh: Any


class Desk:
    """Answers for the page: waits for the assistant, renders, counts."""

    def __init__(self, service: Service, library: Library, journal: Journal, words: Words) -> None:
        self.service, self.library, self.journal, self.words = service, library, journal, words

    def ask(
        self, query: str, role: str, told: Conversation, fresh: bool = False
    ) -> tuple[Conversation, str]:
        """Answer one query; returns the conversation after it and the turn's HTML."""
        number = told.turns + 1
        history = () if fresh else told.history
        try:
            self.service.wait(WAIT_SECONDS)
            answer = self.service.assistant.answer(query, history, _role(role))
            shelf = self.library.shelf
        except NotReadyError as error:
            html = waiting_html(number, query, str(error), self.words)
            return Conversation(number, history), html
        self._count(answer)
        html = turn_html(TurnView(number, answer, history, role), shelf, self.words)
        return Conversation(number, (*history, query)[-MAX_TURNS:]), html

    def _count(self, answer: Any) -> None:
        """Statistics must never stand between a reader and an answer."""
        try:
            self.journal.count(answer)
        except KBError:
            return


def _role(value: str | None) -> Role | None:
    return next((role for role in get_args(Role) if role == value), None)


def build_chat(service: Service, library: Library, journal: Journal, words: Words) -> Chat:
    """Lay out the room and wire it."""
    desk = Desk(service, library, journal, words)
    gr.HTML(_hero(words, library.examples), elem_id="kb-hero", apply_default_css=False)
    gr.HTML(
        el("div", id="kb-log", role="log", aria_live="off", aria_label=words("conversation")),
        apply_default_css=False, elem_id="kb-log-box",
    )  # fmt: skip
    gr.HTML(
        tools_html(words, "#kb-log", "project", "print", "handout-docx", "handout-md"),
        apply_default_css=False, elem_id="kb-chat-tools", elem_classes="kb-gone",
    )  # fmt: skip
    with gr.Column(elem_id="kb-composer"):
        with gr.Row(elem_id="kb-ask-row"):
            question = gr.Textbox(
                label=words("ask_label"), placeholder=words("ask_hint"), show_label=False, lines=1,
                max_lines=4, max_length=2000, elem_id="kb-question", scale=8, container=False,
            )  # fmt: skip
            send = gr.Button(
                words("send"), variant="primary", elem_id="kb-send", scale=1, min_width=96
            )
        with gr.Row(elem_id="kb-options"):
            role = gr.Radio(
                choices=[(words("role_any"), ""), *((words(f"role_{r}"), r) for r in get_args(Role))],
                value="", label=words("role_label"), elem_id="kb-role", scale=8, container=False,
            )  # fmt: skip
            clear = gr.Button(words("clear"), size="sm", elem_id="kb-clear", scale=1, min_width=96)
    state = gr.State(Conversation())
    fresh = gr.HTML(
        "", elem_id="kb-fresh", html_template="<i></i>", visible="hidden", js_on_load=ON_EVENT
    )
    chat = Chat(question, role, state, fresh)
    _wire(chat, send, clear, desk)
    return chat


def _wire(chat: Chat, send: Any, clear: Any, desk: Desk) -> None:
    def on_ask(query: str, role: str, told: Conversation) -> tuple[Any, ...]:
        if not query.strip():
            return gr.skip(), gr.skip(), gr.skip()
        told, html = desk.ask(query, role, told)
        return told, html, ""

    def on_click(role: str, told: Conversation, event: gr.EventData) -> tuple[Any, ...]:
        data = event._data or {}
        query = str(data.get("query", ""))
        if not query.strip():
            return gr.skip(), gr.skip()
        return desk.ask(query, role, told, fresh=bool(data.get("fresh")))

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    ask: dict[str, Any] = {
        "fn": on_ask, "inputs": [chat.question, chat.role, chat.state],
        "outputs": [chat.state, chat.fresh, chat.question], "js": ON_ASK, **quiet,
    }  # fmt: skip
    events = [
        chat.question.submit(**ask),
        send.click(**ask),
        chat.fresh.select(on_click, [chat.role, chat.state], [chat.state, chat.fresh], **quiet),
    ]
    for event in events:
        event.failure(None, js=ON_FAILURE)
    clear.click(
        lambda: (Conversation(), ""), None, [chat.state, chat.fresh],
        js="() => { window.KB.clearLog(); return []; }", **quiet,
    )  # fmt: skip


def _hero(words: Words, examples: Sequence[str]) -> Html:
    return el(
        "div",
        el("h2", words("hero")),
        el("p", words("hero_help")),
        el("p", words("examples"), class_="kb-label"),
        suggestion_list(examples, words),
        class_="kb-hero",
    )
