"""Buttons that act on what a part of the page shows: projector, print, export."""

from __future__ import annotations

from kb.pages.words import Words
from kb.render import escape

__all__ = ["tools_html"]


def tools_html(words: Words, scope: str, *kinds: str) -> str:
    """A row of buttons.

    Args:
        words: the page's words.
        scope: CSS selector of the part they act on.
        kinds: ``project``, ``print``, ``handout-docx`` and the like; after the dash stands the format.
    """
    buttons = "".join(_button(words, scope, kind) for kind in kinds)
    return f'<div class="kb-tools">{buttons}<span class="kb-result" role="status"></span></div>'


def _button(words: Words, scope: str, kind: str) -> str:
    action, _, form = kind.partition("-")
    return (
        f'<button type="button" class="kb-plain" data-kb="{action}" data-scope="{escape(scope)}" '
        f'data-format="{form}">{escape(words(f"tool_{kind}"))}</button>'
    )
