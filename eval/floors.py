"""Figures that must not fall: ``eval/floors.toml`` against a report, by name.

A floor names a figure by its path in the report, for example ``answerable.all.shown.first``; an
estimate stands for its value. ``min`` and ``max`` may both be given.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kb.errors import InputError
from kb.schema import Frozen

__all__ = ["FLOORS", "Floor", "check_floors", "load_floors"]

FLOORS = Path(__file__).resolve().parent / "floors.toml"


class Floor(NamedTuple):
    """A bound on one figure of one report."""

    report: str
    figure: str
    least: float | None
    most: float | None


def load_floors(path: Path = FLOORS) -> list[Floor]:
    """Read the floors: one table a report, one ``"figure" = {min = …}`` a line.

    Raises:
        InputError: the file is missing or not in that form.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return [
            Floor(report, figure, bounds.get("min"), bounds.get("max"))
            for report, figures in data.items()
            for figure, bounds in figures.items()
        ]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError) as error:
        raise InputError(f"底线文件“{path}”缺失或写法不对（{error}），请改正。") from error


def check_floors(floors: list[Floor], reports: Mapping[str, Frozen]) -> list[str]:
    """One Chinese sentence for each floor that is missed; figures that are absent are missed."""
    missed = []
    for floor in floors:
        if floor.report not in reports:
            continue
        value = _value(reports[floor.report].model_dump(), floor.figure)
        name = f"{floor.report}.{floor.figure}"
        if value is None:
            missed.append(f"底线“{name}”没有对应的数字，请核对floors.toml。")
        elif floor.least is not None and value < floor.least:
            missed.append(f"“{name}”为{value:.4f}，低于底线{floor.least:g}，请查明退步的原因。")
        elif floor.most is not None and value > floor.most:
            missed.append(f"“{name}”为{value:.4f}，高于上限{floor.most:g}，请查明退步的原因。")
    return missed


def _value(data: Any, path: str) -> float | None:
    for part in path.split("."):
        data = data.get(part) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data = data.get("value")
    return float(data) if isinstance(data, int | float) else None
