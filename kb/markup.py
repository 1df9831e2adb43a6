"""HTML elements, escaped by construction: text is text unless it is already ``Html``."""

from __future__ import annotations

import html

__all__ = ["Html", "el", "escape", "join"]

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
Attribute = str | int | bool | None


class Html(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


def escape(text: str) -> Html:
    """Escape for HTML text and attributes: ``a<b`` -> ``a&lt;b``; ``Html`` stays as it is."""
    return text if isinstance(text, Html) else Html(html.escape(text, quote=True))


def join(*parts: str) -> Html:
    """Put parts one after another, escaping those that are plain text."""
    return Html("".join(escape(part) for part in parts))


def el(name: str, *children: str, **attributes: Attribute) -> Html:
    """One element: ``el("p", "a<b", class_="x", data_kb="y")``.

    Args:
        name: the element's name.
        children: plain text, which is escaped, or ``Html``.
        attributes: ``class_`` and ``for_`` lose the underscore, other underscores become dashes;
            None and False leave the attribute out, True writes its name alone.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value), quote=True)}"'
