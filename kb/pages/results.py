"""The shipped results: the figures that matter in the page's words, and the whole report."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kb.pages.words import TABLE, Words
from kb.render import Html, el, join, table

__all__ = ["figures_html", "results_markdown"]

IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+\.(svg|png))\)")
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)[^)\s]+\)")
ROWS = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
TYPES = {"svg": "image/svg+xml", "png": "image/png"}
SHARE = re.compile(r"(\d\.\d+) \[(\d\.\d+), (\d\.\d+)\]")
EXACT = re.compile(r"Exact quotes: (\d\.\d+ \[[^\]]+\]) of (\d+) citations")
ANSWERABLE, UNANSWERABLE = "Answerable questions, as shown", "Unanswerable questions"


class Share(NamedTuple):
    """A share with its interval."""

    value: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """As per cent: ``90.7% (87.5–93.2)``."""
        return f"{_cent(self.value)}% ({_cent(self.low)}–{_cent(self.high)})"


def _cent(share: float) -> str:
    return "100" if share == 1 else f"{100 * share:.1f}"


def results_markdown(path: Path, words: Words) -> str:
    """The results page: plots inside it, headings one level down, tables that scroll sideways."""
    if not path.is_file():
        return words("results_none")
    text = LINK.sub(r"\1", path.read_text(encoding="utf-8"))  # files beside it are not served
    text = IMAGE.sub(lambda found: _inline(found, path.parent), text)
    text = re.sub(r"^(#{1,5}) ", r"#\1 ", text, flags=re.MULTILINE)
    return ROWS.sub(r'<div class="kb-scroll" tabindex="0">\n\n\g<0>\n</div>\n', text)


def _inline(found: re.Match[str], folder: Path) -> str:
    """A plot beside the results as a data address; anything outside the folder stays a link."""
    image = (folder / found[2]).resolve()
    if not image.is_relative_to(folder.resolve()) or not image.is_file():
        return found[0]
    data = base64.b64encode(image.read_bytes()).decode()
    return f"![{found[1]}](data:{TYPES[found[3]]};base64,{data})"


def figures_html(path: Path, words: Words) -> Html:
    """The figures that a reader asks for first, and by type; nothing where there are no results."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    right, refused = _table(text, ANSWERABLE), _table(text, UNANSWERABLE)
    if not right or not refused:
        return Html()
    figures = [
        _figure("figure_first", _share(right[0][2]), "figure_count", right[0][1], words),
        _figure("figure_three", _share(right[0][3]), "figure_count", right[0][1], words),
        _figure("figure_refused", _share(refused[0][2]), "figure_count", refused[0][1], words),
    ]
    exact = EXACT.search(text)
    if exact:
        figures.append(_figure("figure_exact", _share(exact[1]), "figure_quotes", exact[2], words))
    tables = [
        _by_type(right, ("figure_first", "figure_three"), words),
        _by_type(refused, ("figure_refused",), words),
    ]
    return join(
        el("p", words("results_note"), class_="kb-note"),
        el("div", *figures, class_="kb-figures"),
        el("h3", words("results_by_type")),
        el("div", *tables, class_="kb-columns"),
    )


def _table(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, its head left out."""
    _, found, rest = text.partition(f"### {heading}\n")
    lines = rest.split("\n### ")[0].splitlines() if found else []
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    return [row for row in rows[2:] if len(row) > 2 and SHARE.search(row[2])]


def _share(cell: str) -> Share:
    found = SHARE.search(cell)
    return Share(*map(float, found.groups())) if found else Share(0.0, 0.0, 0.0)


def _figure(name: str, share: Share, unit: str, count: str, words: Words) -> Html:
    return el(
        "div",
        el("strong", f"{_cent(share.value)}%"),
        el("span", words(name)),
        el("small", f"({_cent(share.low)}–{_cent(share.high)}) · {words(unit, n=count)}"),
        class_="kb-figure",
    )


def _by_type(rows: Sequence[Sequence[str]], measures: Sequence[str], words: Words) -> Html:
    """One line a type; ``missed`` counts the questions that the first measure was not met for."""
    names = ("column_type", "column_count", *measures, "column_missed")
    heads = [el("th", words(name), scope="col") for name in names]
    lines = []
    for row in rows:
        shares = [_share(cell) for cell in row[2 : 2 + len(measures)]]
        key = f"type_{row[0]}"
        name = words(key) if key in TABLE else row[0]
        missed = round(int(row[1]) * (1 - shares[0].value))
        cells = [name, row[1], *(share.text for share in shares), str(missed)]
        lines.append(el("tr", *(el("td", cell) for cell in cells)))
    return table(words(measures[0]), heads, lines)
