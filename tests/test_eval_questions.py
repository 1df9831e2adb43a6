"""The question file: flattened as the contract says, every fault named at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.questions import GUIDE, load_questions
from kb.errors import InputError


def write(path: Path, rows: list[object]) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_questions_and_dialogues_are_flattened(tmp_path: Path) -> None:
    asks = load_questions(
        write(
            tmp_path / "q.jsonl",
            [
                {
                    "id": "a",
                    "type": "term",
                    "query": "甲？",
                    "evidence": [["依据", "又一"]],
                    "x": 1,
                },
                {"id": "b", "type": "off", "query": "乙？", "evidence": [], "unanswerable": True},
                {
                    "id": "c",
                    "type": "dialogue",
                    "turns": [
                        {"query": "丙？", "evidence": [["一"], ["二"]]},
                        {"query": "那丁呢", "evidence": [], "unanswerable": True},
                        {"query": "戊", "evidence": [["三"]], "unanswerable": False},
                    ],
                },
            ],
        )
    )
    assert [ask.id for ask in asks] == ["a", "b", "c#1", "c#2", "c#3"]
    assert asks[0].evidence == (("依据", "又一"),)
    assert [ask.history for ask in asks[2:]] == [(), ("丙？",), ("丙？", "那丁呢")]
    assert [ask.unanswerable for ask in asks] == [False, True, False, True, False]


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path / "bad.jsonl",
        [
            {"id": "a", "type": "t", "query": " ", "evidence": [["x"]]},
            "{not json",
            {"id": "a", "type": "t", "query": "问", "evidence": [["x"]]},
            {"type": "t", "query": "问", "evidence": [["x"]]},
            {"id": "e", "type": "t", "query": "问", "evidence": []},
            {"id": "f", "type": "t", "query": "问", "evidence": [["x"]], "unanswerable": True},
            {"id": "g", "type": "t", "query": "问", "evidence": [["*", "x"]]},
            {"id": "h", "type": "t", "query": "问", "evidence": ["x"]},
            {"id": "i", "type": "t"},
            {"id": "j", "type": "t", "turns": []},
        ],
    )
    with pytest.raises(InputError) as caught:
        load_questions(path)
    found = str(caught.value).splitlines()
    wanted = [
        "第1行的问题“a”是空的",
        "第2行不是合法的JSON",
        "第3行的id“a”与第1行重复",
        "第4行缺少字段id",
        "第5行的“e”没有依据",
        "第6行的“f”标为不能回答却有依据",
        "第7行的“g”有空的依据",
        "第8行写法不对：字段evidence.0",
        "第9行既没有query也没有turns",
        "第10行既没有query也没有turns",
    ]
    assert len(found) == len(wanted)
    for line, sentence in zip(found, wanted, strict=True):
        assert sentence in line
        assert line.endswith("。")


def test_missing_and_empty_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="找不到文件"):
        load_questions(tmp_path / "no.jsonl")
    with pytest.raises(InputError, match="是空的"):
        load_questions(write(tmp_path / "empty.jsonl", []))


@pytest.mark.parametrize(
    ("split", "asked", "unanswerable"),
    [
        ("dev", 820 + 3497 + 497, 834),
        ("test", 260 + 166 + 220, 237),
        ("test-dialogues", 246, 22),
        ("later-dialogues", 342, 33),
    ],
)
def test_the_shipped_splits_are_sound(split: str, asked: int, unanswerable: int) -> None:
    asks = load_questions(GUIDE / f"{split}.jsonl")
    assert len(asks) == asked
    assert sum(ask.unanswerable for ask in asks) == unanswerable
