"""Folding and the words that must come out whole."""

from __future__ import annotations

import json
from pathlib import Path

import jieba
import pytest

from kb.dictionary import Dictionary
from kb.lexicon import load_lexicon
from kb.tokenizer import DOMAIN_FREQUENCY, Tokenizer, fold

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
TOKENIZER = Tokenizer(load_lexicon(CORPUS).words)

WHOLE = [
    "saas",
    "cad",
    "cae",
    "mes",
    "aps",
    "wms",
    "oms",
    "tms",
    "agv",
    "amr",
    "低代码",
    "订阅式产品服务",
    "软件即服务",
    "计算机辅助设计",
    "计算机辅助工程",
    "制造执行系统",
    "高级计划与排程",
    "仓库管理系统",
    "订单管理系统",
    "运输管理系统",
    "无人搬运车",
    "自主移动机器人",
    "小快轻准",
    "专精特新",
    "研产供销服",
    "研产供销服用",
    "由点及面",
    "由点到面",
    "链主",
    "链星",
    "一把手",
]


@pytest.mark.parametrize("word", WHOLE)
def test_domain_words_come_out_whole(word: str) -> None:
    assert word in TOKENIZER.words(f"推动{word}的应用")
    assert word in TOKENIZER.tokens(f"推动{word}的应用")


def test_folding_touches_width_script_and_case() -> None:
    assert fold("ＭＥＳ是什麼") == "mes是什么"
    assert fold("數位轉型") == "数位转型"


def test_tokens_are_words_only() -> None:
    assert TOKENIZER.tokens("什么是SaaS？！ ——") == ["什么", "是", "saas"]
    assert "什么" not in TOKENIZER.content_tokens("什么是SaaS？")


def test_mapped_dictionary_cuts_as_jieba_does(tmp_path: Path) -> None:
    own = jieba.Tokenizer()
    own.tmp_dir = str(tmp_path)
    own.initialize()
    words = load_lexicon(CORPUS).words
    for word in words:
        own.add_word(fold(word), DOMAIN_FREQUENCY)
    lines = (CORPUS / "questions.jsonl").read_text(encoding="utf-8").splitlines()[::10]
    texts = [json.loads(line)["query"] for line in lines]
    texts += (CORPUS / "guide.md").read_text(encoding="utf-8").splitlines()
    for text in texts:
        assert TOKENIZER.words(text) == [w for w in own.lcut(fold(text)) if not w.isspace()]
        found = [t for t in own.lcut_for_search(fold(text)) if any(c.isalnum() for c in t)]
        assert TOKENIZER.tokens(text) == found


def test_a_damaged_dictionary_is_made_again(tmp_path: Path) -> None:
    def make() -> tuple[dict[str, int], int]:
        return {"转": 0, "转型": 7, "数字": 5}, 12

    made = Dictionary.open(tmp_path, "few", make)
    assert (made.total, made["转型"], made.get("转"), made.get("型", 9)) == (12, 7, 0, 9)
    assert "数字" in made
    assert "数" not in made
    with pytest.raises(KeyError):
        made["型"]
    del made
    for file in sorted(tmp_path.iterdir()):
        whole = file.read_bytes()
        half = len(whole) // 2
        for content in (b"", b"damaged", whole[:-8], whole[:half] + bytes(len(whole) - half)):
            file.unlink()
            file.write_bytes(content)
            assert Dictionary.open(tmp_path, "few", make)["数字"] == 5
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["few.counts.npy", "few.sha256", "few.words"]
