"""Buttons that act on what a part of the page shows: projector, print, export."""

from __future__ import annotations

from kb.pages.words import Words
from kb.render import Html, el

__all__ = ["note_html", "tools_html"]


def tools_html(words: Words, scope: str, *kinds: str) -> Html:
    """A row of buttons.

    Args:
        words: the page's words.
        scope: CSS selector of the part they act on.
        kinds: ``project``, ``print``, ``handout-docx`` and the like; after the dash, the format.
    """
    buttons = [_button(words, scope, kind) for kind in kinds]
    return el(
        "div",
        *buttons,
        el("span", class_="kb-result", role="status"),
        class_="kb-tools",
        data_for=scope,
    )


def _button(words: Words, scope: str, kind: str) -> Html:
    action, _, form = kind.partition("-")
    return el(
        "button", words(f"tool_{kind}"), type="button", class_="kb-plain", data_kb=action,
        data_scope=scope, data_format=form,
    )  # fmt: skip


def note_html(text: str) -> Html:
    """A sentence that says why there is nothing to show."""
    return el("p", text, class_="kb-note", role="alert")
