"""What is kept on this machine, and reports, as CSV that a spreadsheet opens, in the page's words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from kb.journal import Feedback, Statistics, to_csv
from kb.pages.words import TABLE, Words
from kb.render import Shelf, place_line
from kb.schema import Answer
from kb.wording import REASONS

__all__ = ["feedback_csv", "report_csv", "statistics_csv"]

REPORT = ("query", "status", "confidence", "place", "quote", "message")
OPEN = re.compile(r"\{\w+\}")
STATISTICS = ("kind", "name", "count")


def report_csv(answers: Sequence[Answer], shelf: Shelf, words: Words) -> str:
    """Answers: one row per citation, or one row that says why there is none."""
    rows: list[tuple[object, ...]] = []
    for answer in answers:
        head = (answer.query, words(answer.status), answer.confidence)
        cited = [c for c in answer.citations if c.role == "direct"]
        rows += [(*head, place_line(c, shelf), c.quote, "") for c in cited]
        if not cited:
            rows.append((*head, "", "", words.say(answer.message)))
    return to_csv(_heads(REPORT, words), rows)


def feedback_csv(given: Sequence[Feedback], words: Words) -> str:
    """All feedback."""
    rows = [
        one._replace(
            verdict=_word(f"feedback_{one.verdict}", one.verdict, words),
            status=_word(one.status, one.status, words),
            reason=_reason(one.reason, words),
            passages="、".join(json.loads(one.passages)),
        )
        for one in given
    ]
    return to_csv(_heads(Feedback._fields, words), rows)


def statistics_csv(found: Statistics, words: Words) -> str:
    """Passages asked for and questions without an answer, each with its count."""
    rows = [(words("stats_passages"), one.name, one.times) for one in found.passages]
    rows += [(words("stats_missed"), one.name, one.times) for one in found.unanswered]
    return to_csv(_heads(STATISTICS, words), rows)


def _heads(names: Sequence[str], words: Words) -> list[str]:
    return [words(f"csv_{name}") for name in names]


def _word(key: str, code: str, words: Words) -> str:
    """The word for a stored code; a code that this version does not know stays as it is."""
    return words(key) if key in TABLE else code


def _reason(code: str | None, words: Words) -> str:
    """The sentence of a reason, its terms and numbers, which are not stored, left open."""
    sentence = REASONS.get(code or "", code or "")
    return words.say(OPEN.sub("…", sentence))
