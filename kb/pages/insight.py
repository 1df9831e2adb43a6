"""Why this passage: matched words, ranks by each view, nearest bank question, and the threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kb.answer import Assistant, Explained
from kb.pages.cards import passage_link
from kb.pages.words import Words
from kb.render import Html, Shelf, el, join, source_line
from kb.schema import Method, SearchHit

__all__ = ["METHODS", "Why", "columns_html", "scale_html", "why", "why_html"]

METHODS: tuple[Method, ...] = ("bm25", "dense", "hybrid")
EXCERPT = 56


class Why(NamedTuple):
    """What speaks for a passage; ``ranks`` are by view, 1 is best, of ``total`` passages."""

    passage_id: str
    matched: tuple[str, ...]
    added: tuple[str, ...]
    ranks: dict[str, int]
    total: int
    question: str | None
    similarity: float


def why(explained: Explained, assistant: Assistant, passage_id: str) -> Why | None:
    """Explain one passage of an answer; None for a heading or an answer without scores."""
    index = assistant.index
    row = index.row_of.get(passage_id)
    if row is None or explained.scored is None or explained.query is None:
        return None
    scored, query = explained.scored, explained.query
    own = set(index.tokenizer.content_tokens(index.passages[row].embedding_text))
    said = index.tokenizer.content_tokens(query.reading.text)
    views = {**scored.views, "fused": scored.fused}
    ranks = {name: 1 + int(np.count_nonzero(v > v[row])) for name, v in views.items()}
    near = [
        (float(scored.questions[n]), -n)
        for n, targets in enumerate(index.targets)
        if scored.questions.size and any(target.row == row for target in targets)
    ]
    best = max(near, default=None)
    return Why(
        passage_id,
        tuple(dict.fromkeys(token for token in said if token in own)),
        query.reading.added,
        ranks,
        len(index.passages),
        index.questions[-best[1]].query if best else None,
        best[0] if best else 0.0,
    )


def why_html(found: Why | None, words: Words) -> Html:
    """The explanation as a list of plain facts."""
    if found is None:
        return el("p", words("why_none"), class_="kb-note kb-why-none")
    rows = [(words("why_words"), "、".join(found.matched) or words("why_no_words"))]
    if found.added:
        rows.append((words("why_added"), "、".join(found.added)))
    for view in ("lexical", "passage", "sentence", "question", "phrasing", "next", "fused"):
        if view in found.ranks:
            place = words("why_rank", rank=found.ranks[view], total=found.total)
            rows.append((words(f"why_{view}"), place))
    if found.question is not None:
        near = words("why_near", question=found.question, score=f"{found.similarity:.3f}")
        rows.append((words("why_question_text"), near))
    facts = [part for name, text in rows for part in (el("dt", name), el("dd", text))]
    return el("dl", *facts, class_="kb-why")


def scale_html(explained: Explained, assistant: Assistant, words: Words) -> Html:
    """The calibrated probability on a scale from 0 to 1, with the lines that decide the state."""
    answer, model = explained.answer, assistant.judge.calibration
    thresholds = (("scale_related", model.related), ("scale_answered", model.answered))
    lines = [
        el("span", el("i", f"{words(key)} {at:.0%}"), class_="kb-line", style=_at(at))
        for key, at in thresholds
    ]
    label = words("scale_label", share=words.share(answer.confidence), state=words(answer.status))
    dot = el("b", style=_at(answer.confidence))
    scale = el("div", dot, *lines, class_="kb-scale", role="img", aria_label=label)
    return join(el("p", label), scale)


def _at(part: float) -> str:
    return f"--kb-at:{100 * part:.1f}%"


def columns_html(hits: Mapping[Method, Sequence[SearchHit]], shelf: Shelf, words: Words) -> Html:
    """The rankings side by side; each passage says where the other methods rank it."""
    ranks = {
        method: {hit.passage_id: hit.rank for hit in ranking} for method, ranking in hits.items()
    }
    columns = []
    for method, ranking in hits.items():
        rows = [_hit(hit, method, ranks, shelf, words) for hit in ranking]
        title = el("h3", words(f"method_{method}"))
        columns.append(el("div", title, el("ol", *rows, class_="kb-hits"), class_="kb-column"))
    return el("div", *columns, class_="kb-columns kb-three")


def _hit(
    hit: SearchHit, own: Method, ranks: dict[Method, dict[str, int]], shelf: Shelf, words: Words
) -> Html:
    others = "，".join(
        f"{words(f'method_{method}_short')} {found.get(hit.passage_id, '—')}"
        for method, found in ranks.items()
        if method != own
    )
    excerpt = hit.quote[:EXCERPT] + ("…" if len(hit.quote) > EXCERPT else "")
    label = f"{words('open')} {hit.passage_id}"
    link = passage_link(hit.passage_id, words, words("open"), aria_label=label)
    score = words("hit_score", score=f"{hit.score:.3f}")
    return el(
        "li",
        el("p", source_line(shelf, hit.passage_id), class_="kb-path"),
        el("p", excerpt, class_="kb-excerpt", lang="zh-CN"),
        el("p", f"{score} · {others} ", link, class_="kb-scores"),
    )
