"""Is a question file fit to measure with: quotes in the documents, no doubles, no bank overlap.

A test question that also stands in the question bank is no test: such questions are found exactly
(folded, punctuation dropped) and nearly (token Jaccard >= 0.8), and reported as a stratum of
their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from eval.evidence import squeeze
from eval.questions import Ask
from eval.tables import Table
from kb.schema import Document, Frozen
from kb.tokenizer import Tokenizer, fold

__all__ = ["LintReport", "Overlap", "lint", "lint_tables", "overlaps"]

NEAR = 0.8


class Overlap(Frozen):
    """A question that stands in the bank as well."""

    id: str
    query: str
    bank_id: str
    bank_query: str
    kind: Literal["exact", "near"]
    jaccard: float


class LintReport(Frozen):
    """All findings; ``missing`` and ``duplicates`` are faults, overlaps are a stratum."""

    questions: int
    quotes: int
    missing: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]
    overlaps: tuple[Overlap, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing has to be repaired."""
        return not self.missing and not self.duplicates


def lint(
    asks: Sequence[Ask],
    documents: Iterable[Document],
    bank: Mapping[str, str],
    tokenizer: Tokenizer,
    followups: Mapping[str, str] | None = None,
) -> LintReport:
    """Check a question file against the documents and the banks.

    Args:
        asks: the questions, dialogues flattened.
        documents: where every quote must stand.
        bank: id -> query of the banks of questions.
        tokenizer: cuts questions for the near overlap.
        followups: id -> query of the bank of follow-ups.
    """
    texts = [squeeze(document.text) for document in documents]
    quotes = [(ask.id, quote) for ask in asks for fact in ask.evidence for quote in fact]
    missing = [(i, q) for i, q in quotes if not any(squeeze(q) in text for text in texts)]
    return LintReport(
        questions=len(asks),
        quotes=len(quotes),
        missing=tuple(missing),
        duplicates=tuple(_duplicates(asks)),
        overlaps=tuple(overlaps(asks, bank, followups or {}, tokenizer)),
    )


def _key(query: str) -> str:
    return "".join(c for c in fold(query) if c.isalnum())


def _duplicates(asks: Sequence[Ask]) -> list[tuple[str, str]]:
    """Pairs of ids that ask the same with the same history."""
    seen: dict[tuple[str, ...], str] = {}
    doubles = []
    for ask in asks:
        key = (*map(_key, ask.history), _key(ask.query))
        if key in seen:
            doubles.append((seen[key], ask.id))
        seen.setdefault(key, ask.id)
    return doubles


def overlaps(
    asks: Sequence[Ask],
    bank: Mapping[str, str],
    followups: Mapping[str, str],
    tokenizer: Tokenizer,
) -> list[Overlap]:
    """Questions that a bank holds too, each with its nearest bank question.

    Turns with a history are compared with the bank of follow-ups alone, all others with the other
    bank alone: 那银行呢 is a different question after each one before it.
    """
    alone = [ask for ask in asks if not ask.history]
    following = [ask for ask in asks if ask.history]
    found = [*_overlaps(alone, bank, tokenizer), *_overlaps(following, followups, tokenizer)]
    place = {ask.id: number for number, ask in enumerate(asks)}
    return sorted(found, key=lambda overlap: place[overlap.id])


def _overlaps(asks: Sequence[Ask], bank: Mapping[str, str], tokenizer: Tokenizer) -> list[Overlap]:
    tokens = {identifier: frozenset(tokenizer.tokens(query)) for identifier, query in bank.items()}
    keys = {_key(query): identifier for identifier, query in bank.items()}
    found = []
    for ask in asks:
        exact = keys.get(_key(ask.query))
        own = frozenset(tokenizer.tokens(ask.query))
        nearest = exact or max(tokens, key=lambda i: (_jaccard(own, tokens[i]), i), default=None)
        if nearest is None:
            continue
        jaccard = _jaccard(own, tokens[nearest])
        if exact is not None or jaccard >= NEAR:
            found.append(
                Overlap(
                    id=ask.id,
                    query=ask.query,
                    bank_id=nearest,
                    bank_query=bank[nearest],
                    kind="exact" if exact else "near",
                    jaccard=jaccard,
                )
            )
    return found


def _jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a or b else 0.0


def lint_tables(report: LintReport) -> list[Table]:
    """Faults, then the overlap stratum."""
    summary = [
        ["questions and turns", str(report.questions)],
        ["quotes", str(report.quotes)],
        ["quotes that are not in the documents", str(len(report.missing))],
        ["questions asked twice", str(len(report.duplicates))],
        ["exactly in the bank", str(sum(o.kind == "exact" for o in report.overlaps))],
        [
            f"nearly in the bank (Jaccard >= {NEAR})",
            str(sum(o.kind == "near" for o in report.overlaps)),
        ],
    ]
    tables = [Table("Question file", ("finding", "count"), summary)]
    if report.missing:
        tables.append(Table("Not in the documents", ("id", "quote"), report.missing))
    if report.duplicates:
        tables.append(Table("Asked twice", ("id", "id"), report.duplicates))
    if report.overlaps:
        rows = [[o.id, o.kind, f"{o.jaccard:.2f}", o.query, f"{o.bank_id} {o.bank_query}"]
                for o in report.overlaps]  # fmt: skip
        columns = ("id", "kind", "jaccard", "query", "bank question")
        tables.append(Table("In the bank too", columns, rows))
    return tables
