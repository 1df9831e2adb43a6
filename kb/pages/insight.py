"""Why this passage: matched words, ranks by each view, nearest bank question, and the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote as percent

import numpy as np

from kb.answer import Assistant, Explained
from kb.pages.words import Words
from kb.render import Shelf, escape, source_line
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


def why_html(found: Why | None, words: Words) -> str:
    """The explanation as a list of plain facts."""
    if found is None:
        return f'<p class="kb-note">{escape(words("why_none"))}</p>'
    rows = [(words("why_words"), "、".join(found.matched) or words("why_no_words"))]
    if found.added:
        rows.append((words("why_added"), "、".join(found.added)))
    for view in ("lexical", "passage", "sentence", "question", "fused"):
        if view in found.ranks:
            place = words("why_rank", rank=found.ranks[view], total=found.total)
            rows.append((words(f"why_{view}"), place))
    if found.question is not None:
        near = words("why_near", question=found.question, score=f"{found.similarity:.3f}")
        rows.append((words("why_question_text"), near))
    body = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in rows)
    return f'<dl class="kb-why">{body}</dl>'


def scale_html(explained: Explained, assistant: Assistant, words: Words) -> str:
    """The calibrated probability on a scale from 0 to 1, with the lines that decide the state."""
    answer, model = explained.answer, assistant.judge.calibration
    lines = "".join(
        f'<span class="kb-line" style="--kb-at:{100 * at:.1f}%"><i>{escape(words(key))} {at:.2f}</i></span>'
        for key, at in (("scale_related", model.related), ("scale_answered", model.answered))
    )
    label = words("scale_label", value=f"{answer.confidence:.3f}", state=words(answer.status))
    return (
        f'<p>{escape(label)}</p><div class="kb-scale" role="img" aria-label="{escape(label)}">'
        f'<b style="--kb-at:{100 * answer.confidence:.1f}%"></b>{lines}</div>'
    )


def columns_html(hits: dict[Method, Sequence[SearchHit]], shelf: Shelf, words: Words) -> str:
    """The rankings side by side; each passage says where the other methods rank it."""
    ranks = {
        method: {hit.passage_id: hit.rank for hit in ranking} for method, ranking in hits.items()
    }
    columns = "".join(
        f'<section class="kb-column"><h3>{escape(words(f"method_{method}"))}</h3>'
        f'<ol class="kb-hits">{"".join(_hit(hit, method, ranks, shelf, words) for hit in ranking)}</ol></section>'
        for method, ranking in hits.items()
    )
    return f'<div class="kb-columns kb-three">{columns}</div>'


def _hit(
    hit: SearchHit, own: Method, ranks: dict[Method, dict[str, int]], shelf: Shelf, words: Words
) -> str:
    others = "，".join(
        f"{words(f'method_{method}_short')} {found.get(hit.passage_id, '—')}"
        for method, found in ranks.items()
        if method != own
    )
    return (
        f'<li><p class="kb-path">{escape(source_line(shelf, hit.passage_id))}</p>'
        f'<p class="kb-excerpt" lang="zh-CN">{escape(hit.quote[:EXCERPT])}'
        f'{"…" if len(hit.quote) > EXCERPT else ""}</p><p class="kb-scores">'
        f"{escape(words('hit_score', score=f'{hit.score:.3f}'))} · {escape(others)} "
        f'<a href="{words.home}?p={percent(hit.passage_id)}" data-kb="open" '
        f'data-passage="{escape(hit.passage_id)}" aria-label="{escape(words("open"))} {escape(hit.passage_id)}">'
        f"{escape(words('open'))}</a></p></li>"
    )
