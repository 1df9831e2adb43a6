"""Slips of the same sound: what is no word becomes a word of the documents, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.answer import Assistant
from kb.errors import IndexFolderError
from kb.homophones import Homophones
from kb.tokenizer import Tokenizer, fold

TOKENIZER = Tokenizer()
TEXTS = ["工业互联网平台可减免费用，机器人分析数据。数字化转型，赋能赋值赋智。"]
MADE = Homophones.build(TEXTS, ["客户账期太长", "账期怎么办", "分西走"], TOKENIZER)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("平抬的费用能减勉吗", "平台的费用能减免吗"),
        ("数字话转型", "数字化转型"),
        ("用机七人搬货", "用机器人搬货"),
        ("先收集还是先分西", "先收集还是先分析"),
    ],
)
def test_slips_become_words_of_the_documents(written: str, read: str) -> None:
    text, slips = MADE.correct(written, TOKENIZER)
    assert text == read
    assert slips
    assert all(wrong in written and right in read for wrong, right in slips)


@pytest.mark.parametrize(
    "written", ["赋智是什么", "平台的事", "是据说的", "机动车", "", "what about 平", "客户账期半年"]
)
def test_what_is_meant_stays(written: str) -> None:
    assert MADE.correct(written, TOKENIZER) == (written, ())


def test_corrected_texts_stay() -> None:
    for written in ("平抬的费用能减勉吗", "数字话机七人"):
        once = MADE.correct(written, TOKENIZER)[0]
        assert MADE.correct(once, TOKENIZER) == (once, ())


def test_tables_come_back(tmp_path: Path) -> None:
    MADE.save(tmp_path / "homophones.json")
    assert Homophones.load(tmp_path / "homophones.json") == MADE
    (tmp_path / "homophones.json").write_text("{}", encoding="utf-8")
    with pytest.raises(IndexFolderError):
        Homophones.load(tmp_path / "homophones.json")


def test_a_correction_is_said_openly(assistant: Assistant) -> None:
    answer = assistant.answer("工业互连网平抬能减勉费用吗")
    assert "“平台”" in answer.message
    assert "“平抬”" in answer.message
    assert answer.query == "工业互连网平抬能减勉费用吗"


def test_hardly_any_question_of_the_bank_is_changed(assistant: Assistant) -> None:
    index = assistant.index
    by_voice = {
        typed: [
            bool(index.homophones.correct(fold(q.query), index.tokenizer)[1])
            for q in index.questions
            if (q.voice == "typo") is typed
        ]
        for typed in (True, False)
    }
    assert sum(by_voice[True]) > 0.4 * len(by_voice[True])
    assert sum(by_voice[False]) < 0.002 * len(by_voice[False])
