"""The guide's benchmark for other people's systems: a BEIR folder and ragas-shaped JSONL.

BEIR: the corpus is the passages of the current index; a passage is graded 1 for a question when
one of the question's quotes lies inside it. A turn of a dialogue that has a history is left out,
since BEIR queries stand alone. ragas: one line per asked question, with what was shown and the
gold quotes, for its non-LLM measures (context precision and recall, by text or by id).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from eval.answers import Assistant
from eval.beir import Dataset, Text, write_dataset
from eval.evidence import holds
from eval.questions import Ask
from kb.schema import Answer, Passage

__all__ = ["Exported", "export_benchmark", "to_dataset", "to_ragas"]


class Exported(NamedTuple):
    """What an export wrote; ``homeless`` are answerable questions that no passage holds whole."""

    passages: int
    queries: dict[str, int]
    homeless: tuple[str, ...]


def to_dataset(
    asks: Sequence[Ask], passages: Sequence[Passage], name: str, split: str
) -> tuple[Dataset, tuple[str, ...]]:
    """One split as a BEIR dataset, and the ids of questions without any passage."""
    corpus = {p.id: Text(" ".join(p.section), p.text) for p in passages}
    queries, qrels, homeless = {}, {}, []
    for ask in asks:
        if ask.unanswerable or ask.history:
            continue
        grades = dict.fromkeys(_holding(ask, passages), 1)
        if grades:
            queries[_plain(ask.id)], qrels[_plain(ask.id)] = ask.query, grades
        else:
            homeless.append(ask.id)
    return Dataset(name, split, corpus, queries, qrels), tuple(homeless)


def _plain(identifier: str) -> str:
    """An id without white space, which TREC runs cannot hold."""
    return "_".join(identifier.split())


def _holding(ask: Ask, passages: Sequence[Passage]) -> list[str]:
    """Ids of the passages that hold one of a question's quotes."""
    gold = [quote for fact in ask.evidence for quote in fact]
    return [p.id for p in passages if holds(p.text, gold)]


def to_ragas(ask: Ask, answer: Answer, passages: Sequence[Passage]) -> dict[str, object]:
    """One line in the shape of ragas' ``SingleTurnSample``, with our id and history beside it."""
    direct = [c.quote for c in answer.citations if c.role == "direct"]
    return {
        "user_input": ask.query,
        "retrieved_contexts": [c.quote for c in answer.citations],
        "retrieved_context_ids": [c.passage_id for c in answer.citations],
        "reference_contexts": [quote for fact in ask.evidence for quote in fact],
        "reference_context_ids": _holding(ask, passages),
        "response": "\n".join(direct) if direct else answer.message,
        "reference": "\n".join(fact[0] for fact in ask.evidence),
        "id": ask.id,
        "history": list(ask.history),
        "abstained": answer.status != "answered",
    }


def export_benchmark(
    splits: Mapping[str, Sequence[Ask]],
    assistant: Assistant,
    passages: Sequence[Passage],
    folder: Path,
) -> Exported:
    """Write ``folder/beir`` and ``folder/ragas-<split>.jsonl`` for every split."""
    datasets: list[Dataset] = []
    homeless: list[str] = []
    for split, asks in splits.items():
        dataset, missing = to_dataset(asks, passages, "guide", split)
        datasets.append(dataset)
        homeless += missing
        lines = []
        for ask in asks:
            answer = assistant.explain(ask.query, ask.history, ask.role).answer
            lines.append(json.dumps(to_ragas(ask, answer, passages), ensure_ascii=False) + "\n")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"ragas-{split}.jsonl"
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
    write_dataset(datasets, folder / "beir")
    counts = {d.split: len(d.queries) for d in datasets}
    return Exported(len(passages), counts, tuple(homeless))
