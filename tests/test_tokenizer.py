"""Folding and the words that must come out whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.lexicon import load_lexicon
from kb.tokenizer import Tokenizer, fold

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
