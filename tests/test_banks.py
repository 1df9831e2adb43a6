"""The banks: large, verbatim, covering, and apart from the benchmark's questions."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from kb.build import read_material
from kb.corpus import load_corpus
from kb.errors import CorpusError
from kb.index import make_tokenizer
from kb.lexicon import load_lexicon
from kb.outline import listings
from kb.questions import coverage, coverage_table
from kb.roles import asked_role
from kb.settings import load_settings
from kb.tokenizer import fold

REPOSITORY = Path(__file__).resolve().parent.parent
CORPUS = load_corpus(REPOSITORY / "corpus")
MATERIAL = read_material(CORPUS, make_tokenizer(load_settings(), CORPUS.lexicon))


def letters(text: str) -> str:
    return "".join(c for c in fold(text) if c.isalnum())


def test_sizes_and_coverage() -> None:
    assert len(CORPUS.questions) >= 4000
    assert len(CORPUS.outside) >= 2000
    by_passage, by_voice = coverage(CORPUS.questions, MATERIAL.targets, MATERIAL.passages)
    assert min(by_passage.values()) >= 8, by_passage.most_common()[-3:]
    assert len(by_voice) >= 20
    table = coverage_table(
        CORPUS.questions, CORPUS.outside, MATERIAL.targets, MATERIAL.passages, MATERIAL.followed
    )
    assert "每种语气" in table
    assert f"追问 {len(CORPUS.followups)} 条" in table


def test_follow_ups_come_after_every_passage() -> None:
    assert len(CORPUS.followups) >= 9000
    after = Counter(row for row, _ in MATERIAL.followed)
    assert min(after[row] for row in range(len(MATERIAL.passages))) >= 100
    answered = [answers for _, answers in MATERIAL.followed if answers]
    assert 0.85 <= len(answered) / len(MATERIAL.followed) <= 0.95
    assert {t.row for answers in answered for t in answers} == set(range(len(MATERIAL.passages)))


def test_no_turn_of_the_benchmark_is_a_follow_up_of_the_bank() -> None:
    """Not even a short one that anybody would type (谁掏钱): dialogues would be measured on it."""
    banked = {letters(f.query) for f in CORPUS.followups}
    for split in ("dev", "test", "test-dialogues", "later-dialogues"):
        path = REPOSITORY / "eval" / "datasets" / "guide" / f"{split}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        asked = {letters(turn["query"]) for row in rows for turn in row.get("turns", [row])}
        assert not asked & banked, split


def test_list_questions_name_lists_that_exist() -> None:
    known = listings(MATERIAL.documents, MATERIAL.passages)
    named = {q.listing for q in CORPUS.questions if q.listing}
    assert named <= set(known)
    assert {"guide:*", "guide:0", "guide:2", "guide:3", "guide:4", "glossary:0"} <= named


def test_no_benchmark_question_is_in_a_bank() -> None:
    banked = {letters(q.query) for q in (*CORPUS.questions, *CORPUS.outside)}
    for split in ("dev", "test", "test-dialogues", "later-dialogues"):
        path = REPOSITORY / "eval" / "datasets" / "guide" / f"{split}.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if "query" in row:
                assert letters(row["query"]) not in banked, row["id"]


def test_lexicon_points_at_words_of_the_documents() -> None:
    text = letters("".join(d.text for d in MATERIAL.documents.values()))
    lexicon = load_lexicon(REPOSITORY / "corpus")
    missing = [w for _, means in lexicon.everyday for w in means if letters(w) not in text]
    assert not missing


def test_lexicon_reads_slips_and_everyday_words() -> None:
    reading = CORPUS.lexicon.read("mse是啥")
    assert reading.text == "mes是啥"
    assert reading.corrections == (("mse", "MES"),)
    assert CORPUS.lexicon.read("themselves").corrections == ()
    assert "财务流程自动化" in CORPUS.lexicon.read("天天对账烦死了").added


def test_no_development_question_is_in_the_test_split() -> None:
    asked = {}
    for split in ("dev", "test", "test-dialogues", "later-dialogues"):
        path = REPOSITORY / "eval" / "datasets" / "guide" / f"{split}.jsonl"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        asked[split] = {letters(t["query"]) for row in rows for t in row.get("turns", [row])}
    held = asked["test"] | asked["test-dialogues"]
    assert {query for query in asked["dev"] & held if len(query) > 6} == set()


@pytest.mark.parametrize("table", ['vendor = ["服务商"]', 'supply = ["服务商", ""]'])
def test_a_wrong_table_of_actors_is_told(tmp_path: Path, table: str) -> None:
    (tmp_path / "lexicon.toml").write_text(f"[actors]\n{table}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"actors\.(vendor|supply)"):
        load_lexicon(tmp_path)


@pytest.mark.parametrize(
    ("query", "role"),
    [
        ("软件公司要做什么", "supply"),
        ("链主企业该怎么带", "supply"),
        ("企业自己那边该做什么", "demand"),
        ("企业要主动去哪儿参加诊断", "demand"),
        ("地方要做什么", "authority"),
        ("有什么地方要注意", None),
        ("对企业有什么支持", None),
    ],
)
def test_whose_doings_are_asked_about(query: str, role: str | None) -> None:
    assert asked_role(query, CORPUS.lexicon.actors) == role
