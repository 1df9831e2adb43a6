"""Batch questions: one JSON line in, one JSON line out, same order; a bad line never stops it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from kb.answer import Assistant
from kb.errors import InputError

__all__ = ["answer_lines"]

log = logging.getLogger(__name__)


def answer_lines(assistant: Assistant, lines: Iterable[str]) -> Iterator[str]:
    """Answer each line: a query, or a dialogue whose turns see the turns before them.

    Args:
        assistant: who answers.
        lines: ``{"id": …, "query": …}`` or ``{"id": …, "turns": [{"query": …}, …]}``; blank lines
            are skipped.
    """
    for line in lines:
        if line.strip():
            text = json.dumps(_answer(assistant, line), ensure_ascii=False)
            yield text.encode("utf-8", "replace").decode()  # an id may hold half a character


def _answer(assistant: Assistant, line: str) -> dict[str, Any]:
    identifier: Any = None
    try:
        data = _read(line)
        identifier = data.get("id")
        if "turns" in data:
            return {"id": identifier, "answers": _dialogue(assistant, data["turns"])}
        query = _query(data)
        return {"id": identifier, "answer": assistant.answer(query).model_dump(mode="json")}
    except InputError as error:
        return {"id": identifier, "error": str(error)}
    except Exception as error:  # whatever it is, the other lines are worth answering
        log.exception("line not answered")
        return {
            "id": identifier,
            "error": f"这一行没有答成（{type(error).__name__}），请换个问法。",
        }


def _read(line: str) -> dict[str, Any]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a ValueError too
        raise InputError("这一行不是有效的JSON，请检查。") from error
    if not isinstance(data, dict):
        raise InputError("这一行应为JSON对象，请检查。")
    return data


def _query(data: Any) -> str:
    query = data.get("query") if isinstance(data, dict) else None
    if not isinstance(query, str):
        raise InputError("缺少文字形式的“query”，请补上。")
    return query


def _dialogue(assistant: Assistant, turns: Any) -> list[dict[str, Any]]:
    if not isinstance(turns, list) or not turns:
        raise InputError("“turns”应为非空列表，请检查。")
    queries = [_query(turn) for turn in turns]
    return [
        assistant.answer(query, queries[:n]).model_dump(mode="json")
        for n, query in enumerate(queries)
    ]
