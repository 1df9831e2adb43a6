"""What people ask next: the model against scikit-learn, its classes of passages, its use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from kb.answer import Assistant
from kb.errors import CorpusError
from kb.followups import ANYWHERE, CHAPTER, MEASURE, SAME, fit, load, nearness, places
from kb.kernel import RIDGE, WIDTH
from kb.questions import load_followups, locate_followup
from kb.schema import Evidence, FollowUp, Passage

TOTAL = ANYWHERE + CHAPTER + MEASURE + SAME


def passage(row: int, document: str, section: str, title: str, text: str) -> Passage:
    return Passage(
        id=f"{document}:{section}-p{row}",
        document_id=document,
        section_id=f"{document}:{section}",
        section=("题", title),
        page=None,
        start=0,
        end=len(text),
        text=text,
        sentences=((0, len(text)),),
    )


PASSAGES = [
    passage(0, "guide", "2-1", "（一）开展数字化评估", "评估一。"),
    passage(1, "guide", "2-1", "（一）开展数字化评估", "评估二。"),
    passage(2, "guide", "2-2", "（二）推进管理数字化", "管理。"),
    passage(3, "interpretation", "1-3", "3、", "一是开展数字化评估。要评估。"),
    passage(4, "glossary", "0", "名词解释", "1. 甲：乙。"),
]


def test_passages_are_near_by_their_measure_and_chapter() -> None:
    classes = places(PASSAGES)
    near = nearness(classes, classes) * TOTAL
    assert near[0, 0] == pytest.approx(TOTAL)
    assert near[0, 1] == pytest.approx(ANYWHERE + CHAPTER + MEASURE)
    assert near[0, 2] == pytest.approx(ANYWHERE + CHAPTER)
    assert near[1, 3] == pytest.approx(ANYWHERE + MEASURE)
    assert near[0, 4] == pytest.approx(ANYWHERE)
    assert nearness(None, classes)[0] * TOTAL == pytest.approx(ANYWHERE)
    np.testing.assert_array_equal(near, near.T)
    assert np.linalg.eigvalsh(near).min() > -1e-6


def test_the_model_equals_scikit_learn(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(12, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    shown = [n % 5 for n in range(12)]
    answered_by = [None if n % 4 == 3 else {n % 3, (n * 2) % 5} for n in range(12)]
    fit(vectors, shown, answered_by, PASSAGES).save(tmp_path / "followups")
    model = load(tmp_path / "followups")
    classes = places(PASSAGES)
    labels = np.array(
        [[row in (found or ()) for row in model.rows] for found in answered_by], float
    )

    def kernel(left: Any, here: Any) -> Any:
        return np.exp((left @ vectors.T - 1) / WIDTH) * here

    ridge = KernelRidge(alpha=RIDGE, kernel="precomputed")
    among = nearness(classes[shown], classes[shown])
    ridge.fit(kernel(vectors, among), labels - labels.mean(axis=0))
    for query, row in ((vectors[1] * 0.7, 3), (vectors[6], None)):
        here = nearness(None if row is None else classes[row : row + 1], classes[shown])
        wanted = ridge.predict(kernel(query[None, :], here))[0] + labels.mean(axis=0)
        np.testing.assert_allclose(model.score(vectors @ query, row), wanted, atol=1e-4)


def test_the_same_words_mean_another_thing_after_another_passage(assistant: Assistant) -> None:
    """What the bank is for: 谁来牵头 is not answered by one passage wherever it is asked."""
    (query,) = assistant.retriever.read_question("谁来牵头")
    assert assistant.index.followups is not None
    bests = set()
    for row in range(len(assistant.index.passages)):
        scores = assistant.retriever.asked_next(query, row)
        assert scores is not None
        assert scores.shape == (len(assistant.index.passages),)
        bests.add(int(scores.argmax()))
    assert len(bests) > 3


def test_an_index_without_follow_ups_asks_nothing_next(assistant: Assistant) -> None:
    (query,) = assistant.retriever.read_question("谁来牵头")
    assistant.retriever.index, whole = (
        assistant.index._replace(followups=None),
        assistant.retriever.index,
    )
    try:
        assert assistant.retriever.asked_next(query, 0) is None
    finally:
        assistant.retriever.index = whole


def test_a_follow_up_whose_place_is_not_in_the_documents_is_named(tmp_path: Path) -> None:
    after = Evidence(document_id="guide", quote="没有这句话。")
    followup = FollowUp(id="f0001", query="谁掏钱", first="给钱吗", after=after)
    with pytest.raises(CorpusError, match="f0001"):
        locate_followup(followup, {}, [])
    path = tmp_path / "followups.jsonl"
    assert load_followups(path) == []
    path.write_text('{"id": "f1", "query": ""}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"followups\.jsonl 第1行"):
        load_followups(path)


def test_more_follow_ups_than_can_be_solved_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.questions.MOST_FOLLOWUPS", 1)
    after = Evidence(document_id="guide", quote="没有这句话。")
    rows = [FollowUp(id=f"f{n}", query=f"问{n}", first="给钱吗", after=after) for n in range(2)]
    path = tmp_path / "followups.jsonl"
    path.write_text("".join(row.model_dump_json() + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(CorpusError, match="最多1条"):
        load_followups(path)


def test_a_follow_up_is_raised_by_what_people_ask_next(assistant: Assistant) -> None:
    """谁来牵头 has the views of a query of a dialogue; the same words asked first have not."""
    first = assistant.explain("企业数字化转型由谁负责")
    following = assistant.explain("谁掏钱", ["上云上平台有什么支持"])
    assert first.scored is not None
    assert following.scored is not None
    assert "next" not in first.scored.views
    best = assistant.index.passages[int(following.scored.views["next"].argmax())]
    assert "资金" in best.text or "费用" in best.text or "专项" in best.text
