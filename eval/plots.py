"""Plots as small SVG texts, without any drawing library: same figures, same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from eval.intervals import Estimate
from eval.refusal import Bin, Point

__all__ = ["by_type", "coverage_risk", "reliability_diagram", "write_plots"]

WIDTH, HEIGHT = 480, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 34, 46
BLUE, GREY, INK = "#1f5fa8", "#9aa5b1", "#222222"


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM)


def _text(x: float, y: float, text: str, anchor: str = "middle", turn: bool = False) -> str:
    rotate = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turn else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{rotate}>{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}"{more}/>'


def _frame(title: str, across: str, up: str, marks: Sequence[str], height: int = HEIGHT) -> str:
    """A whole picture around its marks, described for a screen reader by its title."""
    axes = [
        _text(WIDTH / 2, 20, title),
        _text(WIDTH / 2, height - 8, across),
        _text(14, height / 2, up, turn=True) if up else "",
    ]
    body = "\n".join(part for part in (*axes, *marks) if part)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif" font-size="11" fill="{INK}">'
    )
    return f'{head}\n<rect width="{WIDTH}" height="{height}" fill="white"/>\n{body}\n</svg>\n'


def _unit_grid() -> list[str]:
    """Grid and labels of both axes from 0 to 1."""
    marks = []
    for step in range(0, 11, 2):
        v = step / 10
        marks.append(_line(_x(v), _y(0), _x(v), _y(1), "#e6e9ed"))
        marks.append(_line(_x(0), _y(v), _x(1), _y(v), "#e6e9ed"))
        marks.append(_text(_x(v), _y(0) + 16, f"{v:.1f}"))
        marks.append(_text(_x(0) - 6, _y(v) + 4, f"{v:.1f}", "end"))
    return marks


def reliability_diagram(bins: Sequence[Bin]) -> str:
    """Observed share of answerable questions against mean confidence, one dot a bin."""
    marks = _unit_grid()
    marks.append(_line(_x(0), _y(0), _x(1), _y(1), GREY, ' stroke-dasharray="4 4"'))
    for b in bins:
        dot = f'cx="{_x(b.confidence):.1f}" cy="{_y(b.observed):.1f}" r="5" fill="{BLUE}"'
        said = f"confidence {b.confidence:.3f}, answerable {b.observed:.3f}, n {b.n}"
        marks.append(f"<circle {dot}><title>{said}</title></circle>")
    return _frame("Reliability, 10 equal-mass bins", "mean confidence", "share answerable", marks)


def coverage_risk(curve: Sequence[Point]) -> str:
    """Share of wrong first quotes among the most confident questions, by how many are answered."""
    path = " ".join(f"{_x(p.coverage):.1f},{_y(p.risk):.1f}" for p in curve)
    line = f'<polyline points="{path}" fill="none" stroke="{BLUE}" stroke-width="2"/>'
    title = "Risk and coverage, all questions"
    return _frame(title, "coverage (share answered)", "risk (share wrong)", [*_unit_grid(), line])


def by_type(groups: Mapping[str, Estimate], title: str) -> str:
    """One bar with its interval per type."""
    row, left = 24, 130
    height = TOP + row * len(groups) + BOTTOM
    span = WIDTH - left - 50
    marks = []
    for step in range(0, 11, 2):
        x = left + span * step / 10
        marks.append(_line(x, TOP, x, height - BOTTOM, "#e6e9ed"))
        marks.append(_text(x, height - BOTTOM + 16, f"{step / 10:.1f}"))
    for number, (name, e) in enumerate(groups.items()):
        y = TOP + row * number + row / 2
        marks.append(_text(left - 8, y + 4, f"{name} ({e.n})", "end"))
        if e.value is None or e.low is None or e.high is None:
            continue
        bar = f'x="{left}" y="{y - 7:.1f}" width="{span * e.value:.1f}" height="14"'
        marks.append(f'<rect {bar} fill="{BLUE}" fill-opacity="0.75"/>')
        marks.append(_line(left + span * e.low, y, left + span * e.high, y, INK))
        marks.append(_text(WIDTH - 6, y + 4, f"{e.value:.3f}", "end"))
    return _frame(title, "share, with 95 % interval", "", marks, height)


def write_plots(plots: Mapping[str, str], folder: Path) -> list[Path]:
    """Write ``<name>.svg`` files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, svg in plots.items():
        path = folder / f"{name}.svg"
        path.write_text(svg, encoding="utf-8", newline="\n")
        paths.append(path)
    return paths
