"""Texts -> unit vectors, queries and passages apart; alone imports sentence_transformers.

Passages are encoded once, when the index is built, by ``SentenceTransformerEncoder`` (torch,
float32). Queries are encoded for every question, by ``OnnxEncoder`` (onnxruntime and tokenizers
only), from an export of the same weights that ``load_encoder`` makes on first use. So a search
compares passages and queries of two precisions; ``fingerprint`` names the weights, which both
sides share. Measured on builtin: mean cosine of a query with torch; of 300 banked questions against
the paragraphs of the guide in float32, how many keep their nearest paragraph, and the share of the
ten nearest that stay; one query on 2 lightly loaded cores, roughly; size of the graph:

- fp32  1.0000, 100 %,  100 %, 8 ms, 273 MB
- q4    0.9999,  98 %,   99 %, 6 ms,  45 MB: the weights are 4-bit from birth, so nothing is lost
  but what rounding the activations to 8 bits, block by block, takes (in float32 sums: 1.0000, 8 ms)
- int8  0.9970,  86 %,   92 %, 4 ms,  69 MB: first quotes on the development split .925 for .934
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import secrets
import shutil
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from kb.errors import EncoderError
from kb.weights import BUILTIN_FINGERPRINT, builtin_folder, folder_fingerprint, publish_folder

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto
    from sentence_transformers import SentenceTransformer

__all__ = [
    "BUILTIN",
    "BUILTIN_PRECISION",
    "DEFAULT_PRECISION",
    "Encoder",
    "FloatMatrix",
    "OnnxEncoder",
    "Precision",
    "SentenceTransformerEncoder",
    "export_onnx",
    "load_encoder",
]

log = logging.getLogger(__name__)

FloatMatrix = npt.NDArray[np.float32]
Precision = Literal["fp32", "q4", "int8"]
Pooling = Literal["mean", "cls"]

BUILTIN = "builtin"
BUILTIN_PRECISION: Precision = "q4"
INT8_SUMS = 4  # onnxruntime's name for it
EXPORT_FORMAT = 2
"""Raised when an export changes: older ones are made anew."""
DEFAULT_PRECISION: Precision = "int8"
"""For models whose weights were float32 from birth: 4 bits would cost them more than 8."""

BATCH = 8
"""Measured on 2 cores, 200 passages sorted by length: 1, 4, 8 cost the same, 32 twice as much."""

Q4_BLOCK = 32
LEAST_COSINE: dict[Precision, float] = {"fp32": 0.999, "q4": 0.97, "int8": 0.97}
"""An export whose vectors agree less than this with torch is refused."""

CHECK_SENTENCES = (
    "什么是长期护理保险？",
    "我妈瘫痪在床半年了，能申请护理待遇吗？",
    "参保人员因年老、疾病、伤残等原因导致失能，经评估符合条件的，可以享受待遇。",
    "缴费比例是多少",
    "用人单位和个人按同比例分担，个人缴费部分由医保经办机构代扣代缴。",
    "失能等级评估有效期一般不超过2年。",
    "护理服务机构应当与经办机构签订服务协议，明确双方权利、义务和违约责任。",
    "退休以后还要交钱吗",
    "異地居住的失能人員如何申請評估？",
    "２０２４年，全国４９个试点城市参保人数超过1.8亿。",
    "Long-term care insurance (LTCI) in China",
    "。",
)


class Encoder(Protocol):
    """Turns texts into unit vectors; a query and a passage of the same words may differ."""

    @property
    def name(self) -> str:
        """What the user asked for: ``builtin``, a folder's name, or a model's name."""

    @property
    def dimension(self) -> int:
        """Length of every vector."""

    @property
    def fingerprint(self) -> str:
        """Hexadecimal sha256 of the weights and settings that decide the vectors."""

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit row for each query, e.g. ``["退休后还要缴费吗"]`` -> (1, dimension)."""

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit row for each passage, e.g. ``["参保范围：……"]`` -> (1, dimension)."""


class _UnsupportedError(EncoderError):
    """The model is fine, but only torch can run it."""


class Prompts(BaseModel):
    """What is put before a text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str
    passage: str


class ExportRecord(BaseModel):
    """``encoder.json`` of an export folder; it is written last, so it marks a finished export."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    name: str
    dimension: int
    fingerprint: str
    precision: Precision
    prompts: Prompts
    max_length: int
    pooling: Pooling
    pad_id: int
    bytes: dict[str, int]


# --- torch: build time -------------------------------------------------------------------------


class SentenceTransformerEncoder:
    """Any sentence-transformers model, run by torch; encodes the passages at build time.

    A folder is read without touching the network. A model name is looked up in the local Hugging
    Face cache first and downloaded only when it is not there.

    Args:
        folder_or_name: a model folder, or a name such as ``BAAI/bge-small-zh-v1.5``.
        name: the name to carry; the folder's or model's own when left out.

    Raises:
        EncoderError: there is no such folder, the hub cannot be reached, or the model is damaged.
    """

    def __init__(self, folder_or_name: str | Path, name: str | None = None) -> None:
        folder = _find_folder(str(folder_or_name))
        self.name = name or _name_of(str(folder_or_name))
        self.model = _load_model(folder)
        self.fingerprint = folder_fingerprint(folder)
        self.dimension = int(self.model.get_embedding_dimension() or 0)
        self.prompts = _choose_prompts(self.model.prompts, self.name)

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit row for each query."""
        return self._encode(texts, self.prompts.query)

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit row for each passage."""
        return self._encode(texts, self.prompts.passage)

    def _encode(self, texts: Sequence[str], prompt: str) -> FloatMatrix:
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        rows = self.model.encode(  # sorts by length itself, so little is padded
            list(texts),
            prompt=prompt,
            batch_size=BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return np.asarray(rows, np.float32)


def _is_folder(spec: str) -> bool:
    return bool(spec) and Path(spec).is_dir()  # Path("") would be the current folder


def _name_of(spec: str) -> str:
    """Return the name an encoder carries: not where its folder lies, only what it is called."""
    return Path(spec).resolve().name if spec != BUILTIN and _is_folder(spec) else spec


def _find_folder(spec: str) -> Path:
    """Return the local folder of a folder or model name, downloading the latter if need be."""
    if _is_folder(spec):
        return Path(spec)
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", spec):
        raise EncoderError(
            f"找不到编码器“{spec}”，应为 {BUILTIN}（内置）、一个模型文件夹的路径，"
            "或 Hugging Face 上的模型名（如 BAAI/bge-small-zh-v1.5）。"
        )
    return _cached_snapshot(spec) or _download_snapshot(spec)


_OTHER_FORMATS = ("onnx/*", "openvino/*", "*.onnx", "*.h5", "*.ot", "*.msgpack", "*.gguf")


def _cached_snapshot(name: str) -> Path | None:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError):
        return None
    complete = any(folder.glob("*.safetensors")) or any(folder.glob("pytorch_model*.bin"))
    return folder if complete and (folder / "config.json").is_file() else None


def _download_snapshot(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, ignore_patterns=[*_OTHER_FORMATS, "*.bin"]))
        if not any(folder.glob("*.safetensors")):
            folder = Path(snapshot_download(name, ignore_patterns=list(_OTHER_FORMATS)))
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"无法从 Hugging Face 取得模型 {name}（{type(error).__name__}），本地缓存里也没有，"
            f"请联网后重试，或改用内置编码器 {BUILTIN}，或给出已下载好的模型文件夹的路径。"
        ) from error
    return folder


def _load_model(folder: Path) -> SentenceTransformer:
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise EncoderError(
            f"运行编码器模型 {folder} 需要 sentence-transformers 和 torch（缺少 {error.name}），"
            "请先安装它们（pip install sentence-transformers torch onnx）。"
        ) from error
    transformers_logging.disable_progress_bar()
    try:
        return SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        detail = str(error).strip().split("\n", 1)[0]
        raise EncoderError(
            f"无法把文件夹 {folder} 读成 sentence-transformers 模型（{detail}），"
            f"请换成完整的模型文件夹，或改用内置编码器 {BUILTIN}。"
        ) from error


def _choose_prompts(own: Mapping[str, str | None], name: str) -> Prompts:
    """Prefer the model's own prompts; an E5 model that states none still needs its two words."""
    query = own.get("query") or ""
    passage = own.get("passage") or own.get("document") or ""
    if not query and not passage and re.search(r"(?<![a-z0-9])e5(?![a-z0-9])", name.lower()):
        return Prompts(query="query: ", passage="passage: ")
    return Prompts(query=query, passage=passage)


# --- onnxruntime: serve time -------------------------------------------------------------------


class OnnxEncoder:
    """An exported model, run without torch; encodes the queries at serve time. Thread safe.

    Args:
        folder: an export folder: ``model.onnx``, ``tokenizer.json``, ``encoder.json``.

    Raises:
        EncoderError: the folder is not a finished export.
    """

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.record = _read_record(folder)
        self.name = self.record.name
        self.dimension = self.record.dimension
        self.fingerprint = self.record.fingerprint
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.record.max_length)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _cpu_count()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        # Idle threads sleep: spinning ones slow whatever else the machine does (measured: a busy
        # two-core machine encodes a query in 28 ms, not 43).
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit row for each query."""
        return self._encode(texts, self.record.prompts.query)

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit row for each passage."""
        return self._encode(texts, self.record.prompts.passage)

    def _encode(self, texts: Sequence[str], prompt: str) -> FloatMatrix:
        rows = np.zeros((len(texts), self.dimension), np.float32)
        encodings = self._tokenizer.encode_batch([prompt + text for text in texts])
        token_ids = [encoding.ids for encoding in encodings]
        for batch in _batches(token_ids, self._batch_size):
            rows[batch] = self._run([token_ids[row] for row in batch])
        return rows

    @property
    def _batch_size(self) -> int:
        # Dynamic int8 takes one activation scale for the whole batch: alone, a text has the same
        # vector whatever is asked beside it, and on a CPU it costs no more.
        return 1 if self.record.precision == "int8" else BATCH

    def _run(self, token_ids: Sequence[Sequence[int]]) -> FloatMatrix:
        longest = max(len(ids) for ids in token_ids)
        inputs = np.full((len(token_ids), longest), self.record.pad_id, np.int64)
        mask = np.zeros((len(token_ids), longest), np.int64)
        for row, ids in enumerate(token_ids):
            inputs[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        feed = {"input_ids": inputs, "attention_mask": mask}
        return np.asarray(self._session.run(["embedding"], feed)[0], np.float32)


def _batches(token_ids: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Yield row numbers, texts of like length together, so that little is padded."""
    order = sorted(range(len(token_ids)), key=lambda row: len(token_ids[row]))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _cpu_count() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_record(folder: Path) -> ExportRecord:
    try:
        text = (folder / "encoder.json").read_text(encoding="utf-8")
        record = ExportRecord.model_validate_json(text)
        sizes = {name: (folder / name).stat().st_size for name in record.bytes}
    except (OSError, ValidationError) as error:
        raise EncoderError(
            f"文件夹 {folder} 不是导出好的编码器（应有 model.onnx、tokenizer.json、encoder.json），"
            "请删除它后重新运行，程序会再导出一次。"
        ) from error
    if sizes != record.bytes:
        raise EncoderError(
            f"编码器文件夹 {folder} 的文件大小是 {sizes}，应为 {record.bytes}，"
            "请删除它后重新运行，程序会再导出一次。"
        )
    return record


# --- export: from the one to the other ---------------------------------------------------------


def export_onnx(model: SentenceTransformerEncoder, folder: Path, precision: Precision) -> Path:
    """Write ``model`` as an export folder for ``OnnxEncoder``, checked against torch.

    Mean or CLS pooling and normalisation are part of the graph; batch and length are free.

    Args:
        model: a BERT-like model: Transformer, Pooling (mean or cls) and, if any, Normalize.
        folder: where the export shall stand; it appears whole or not at all.
        precision: ``fp32``; ``q4`` (weights only); or ``int8`` (weights and activations).

    Raises:
        EncoderError: the model is of another kind, or its export gives other vectors.
    """
    pooling = _pooling_of(model)
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    building.mkdir()
    try:
        _write_graph(model, building, pooling, precision)
        _write_export_record(model, building, pooling, precision)
        _check_export(model, building, precision)
        publish_folder(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def _pooling_of(encoder: SentenceTransformerEncoder) -> Pooling:
    """Return the pooling of a model made of the three modules we can export."""
    modules = list(encoder.model)
    kinds = [type(module).__name__ for module in modules]
    if kinds[:2] == ["Transformer", "Pooling"] and kinds[2:] in ([], ["Normalize"]):
        pooling: Any = modules[1]
        mode = pooling.pooling_mode
        plain = pooling.include_prompt and not getattr(modules[0], "do_lower_case", False)
        if plain and mode in ("mean", "cls") and encoder.model.tokenizer.is_fast:
            return "mean" if mode == "mean" else "cls"
    raise _UnsupportedError(
        f"编码器 {encoder.name} 的结构（{'、'.join(kinds)}）不能导出为 ONNX，"
        "将改用 torch 运行，结果相同，只是启动和编码慢一些。"
    )


def _write_graph(
    encoder: SentenceTransformerEncoder, folder: Path, pooling: Pooling, precision: Precision
) -> None:
    _require("onnx")
    target = folder / "model.onnx"
    _trace(encoder, target, pooling)
    if precision == "q4":
        _pack_q4(target)
    elif precision == "int8":
        _quantise_int8(target)
    encoder.model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"), pretty=False)


def _require(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise EncoderError(
            f"第一次导出编码器需要 Python 包 {package}，请先安装（pip install {package}）。"
        )


def _trace(encoder: SentenceTransformerEncoder, file: Path, pooling: Pooling) -> None:
    """Export BERT, pooling and normalisation as one graph.

    ``dynamo=False``: the new exporter would need onnxscript, and the graph is the same.
    """
    import torch

    class Graph(torch.nn.Module):
        def __init__(self, bert: torch.nn.Module) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            tokens = self.bert(input_ids=input_ids, attention_mask=attention_mask)[0]
            mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
            mean = (tokens * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean if pooling == "mean" else tokens[:, 0])

    bert: Any = encoder.model.transformers_model
    inputs = encoder.model.tokenizer(list(CHECK_SENTENCES[:3]), padding=True, return_tensors="pt")
    axes = {"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "length"}}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # "legacy exporter", and traced shapes that are checked
        torch.onnx.export(
            Graph(bert).eval(),  # the exporter restores the mode it found: dropout stays off
            (inputs["input_ids"], inputs["attention_mask"]),
            str(file),
            input_names=["input_ids", "attention_mask"],
            output_names=["embedding"],
            dynamic_axes={**axes, "embedding": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


def _quantise_int8(file: Path) -> None:
    """Quantise matrices and word embeddings to int8, in place.

    Measured on builtin (mean cosine with fp32): one scale per channel 0.997, per matrix 0.989.
    ``reduce_range`` (7 bits) keeps processors without VNNI from overflowing 16-bit sums, so that
    every machine gives the same ranking.
    """
    import onnx
    from onnxruntime.quantization import (
        QuantType,
        quantize_dynamic,
    )
    from onnxruntime.quantization.quant_utils import (
        add_pre_process_metadata,
    )

    model = onnx.load(str(file))
    add_pre_process_metadata(model)  # else it advises, on the root log, a step that changes nothing
    quantize_dynamic(
        model,
        str(file),
        op_types_to_quantize=["MatMul", "Gather"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )


def _pack_q4(file: Path) -> None:
    """Store matrices and word embeddings as 4-bit blocks of 32, in place.

    Sums may be taken over activations rounded to 8 bits block by block, where the processor has
    instructions for it.

    The blocks are those of Q4_0 (ggml), so a model that comes from Q4_0 is stored exactly.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(file))
    tables = {tensor.name: tensor for tensor in model.graph.initializer}
    words = _word_table(model.graph.node, tables)
    packed: set[str] = set()
    for node in model.graph.node:
        table = _q4_table(node, words, tables)
        if table is None:
            continue
        weights = numpy_helper.to_array(tables[table])
        if table not in packed:
            packed.add(table)
            rows = weights if table == words else weights.T
            model.graph.initializer.extend(_q4_tensors(table, rows, flat=table != words))
        node.CopyFrom(_q4_node(node, table, weights.shape, is_words=table == words))
    kept = [tensor for tensor in model.graph.initializer if tensor.name not in packed]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    model.ir_version = max(model.ir_version, 10)  # the first with 4-bit tensors
    onnx.save(model, str(file))


def _word_table(nodes: Iterable[NodeProto], tables: Mapping[str, TensorProto]) -> str:
    """Return the name of the word embeddings: the longest table that is looked up."""
    names = {node.input[0] for node in nodes if node.op_type == "Gather"} & tables.keys()
    longest: str = max(
        names, key=lambda name: tables[name].dims[0] if len(tables[name].dims) == 2 else 0
    )
    return longest


def _q4_table(node: NodeProto, words: str, tables: Mapping[str, TensorProto]) -> str | None:
    """Return the table of ``node`` that is to be packed, if any."""
    if node.op_type == "Gather" and node.input[0] == words:
        width = tables[words].dims[1]
        return words if width % Q4_BLOCK == 0 else None
    if node.op_type == "MatMul" and node.input[1] in tables:
        dims = tables[node.input[1]].dims
        return node.input[1] if len(dims) == 2 and dims[0] % Q4_BLOCK == 0 else None
    return None


def _q4_tensors(name: str, rows: FloatMatrix, flat: bool) -> list[TensorProto]:
    """Return 4-bit weights, scales and zero points of ``rows``, as the two operators want them."""
    from onnx import TensorProto, helper, numpy_helper

    nibbles, scales = _q4_blocks(rows)
    data = (nibbles[:, 0::2] | (nibbles[:, 1::2] << 4)).astype(np.uint8)
    if flat:  # MatMulNBits: bytes by block, scales in one row, zero point 8 understood
        by_block = data.reshape(len(rows), -1, Q4_BLOCK // 2)
        return [
            numpy_helper.from_array(by_block, f"{name}_q4"),
            numpy_helper.from_array(scales.reshape(-1), f"{name}_scales"),
        ]
    eights = np.full((scales.size + 1) // 2, 0x88, np.uint8).tobytes()
    kind = TensorProto.UINT4
    return [
        helper.make_tensor(f"{name}_q4", kind, rows.shape, data.tobytes(), raw=True),
        numpy_helper.from_array(scales, f"{name}_scales"),
        helper.make_tensor(f"{name}_zeros", kind, scales.shape, eights, raw=True),
    ]


def _q4_blocks(rows: FloatMatrix) -> tuple[npt.NDArray[np.uint8], FloatMatrix]:
    """Quantise as Q4_0: scale = weight of greatest magnitude / -8, nibble = weight / scale + 8."""
    blocks = rows.reshape(len(rows), -1, Q4_BLOCK)
    greatest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
    scales = greatest / np.float32(-8)
    ratio = np.divide(blocks, scales, out=np.zeros_like(blocks), where=scales != 0)
    nibbles = np.clip(np.rint(ratio) + 8, 0, 15).astype(np.uint8)
    return nibbles.reshape(rows.shape), scales[..., 0].astype(np.float32)


def _q4_node(node: NodeProto, table: str, shape: Sequence[int], is_words: bool) -> NodeProto:
    from onnx import helper

    weights, scales = f"{table}_q4", f"{table}_scales"
    domain = "com.microsoft"
    if is_words:
        inputs = [weights, node.input[1], scales, f"{table}_zeros"]
        options: dict[str, Any] = {"gather_axis": 0, "quantize_axis": 1, "block_size": Q4_BLOCK}
        operator = "GatherBlockQuantized"
    else:
        inputs = [node.input[0], weights, scales]
        options = {
            "K": shape[0],
            "N": shape[1],
            "bits": 4,
            "block_size": Q4_BLOCK,
            "accuracy_level": INT8_SUMS,
        }
        operator = "MatMulNBits"
    return helper.make_node(operator, inputs, list(node.output), domain=domain, **options)


def _write_export_record(
    encoder: SentenceTransformerEncoder, folder: Path, pooling: Pooling, precision: Precision
) -> None:
    files = sorted(file for file in folder.iterdir() if file.is_file())
    record = ExportRecord(
        format=EXPORT_FORMAT,
        name=encoder.name,
        dimension=encoder.dimension,
        fingerprint=encoder.fingerprint,
        precision=precision,
        prompts=encoder.prompts,
        max_length=int(encoder.model.max_seq_length or 512),
        pooling=pooling,
        pad_id=int(encoder.model.tokenizer.pad_token_id or 0),
        bytes={file.name: file.stat().st_size for file in files},
    )
    text = record.model_dump_json(indent=2) + "\n"
    (folder / "encoder.json").write_text(text, encoding="utf-8", newline="\n")


def _check_export(encoder: SentenceTransformerEncoder, folder: Path, precision: Precision) -> None:
    """Compare torch and export on both sides, alone and in padded batches."""
    exported = OnnxEncoder(folder)
    texts = list(CHECK_SENTENCES)
    pairs = [
        (encoder.encode_queries(texts), exported.encode_queries(texts)),
        (encoder.encode_passages(texts), exported.encode_passages(texts)),
        (encoder.encode_queries(texts[:1]), exported.encode_queries(texts[:1])),
    ]
    least = min(float((ours * theirs).sum(axis=1).min()) for ours, theirs in pairs)
    if not least >= LEAST_COSINE[precision]:
        raise _UnsupportedError(
            f"编码器 {encoder.name} 的 ONNX（{precision}）与 torch 的最小余弦是 {least:.4f}，"
            f"应不低于 {LEAST_COSINE[precision]}，将改用 torch 运行。"
        )


# --- the door ----------------------------------------------------------------------------------


def load_encoder(
    spec: str, data_dir: Path, serving: bool = True, precision: Precision | None = None
) -> Encoder:
    """Return the encoder named by ``spec``, ready to use.

    ``serving=False`` runs torch and encodes the passages of an index. ``serving=True`` runs
    onnxruntime and encodes queries; the first call exports into ``data_dir/encoders`` (needs
    torch and onnx, about half a minute), later calls never import them. Both carry the same name
    and fingerprint, so an index built by the one is searched with the other. A model that cannot
    be exported is served with torch.

    Args:
        spec: ``builtin``, a model folder, or a Hugging Face model name.
        data_dir: where wheels, converted models and exports are kept.
        serving: whether queries are to be served, or an index built.
        precision: of the export, ``BUILTIN_PRECISION`` or ``DEFAULT_PRECISION`` when left out;
            torch always runs float32.

    Raises:
        EncoderError: the encoder cannot be found, converted or loaded.
    """
    name = _name_of(spec)
    if not serving:
        return SentenceTransformerEncoder(_model_folder(spec, data_dir), name)
    fingerprint = BUILTIN_FINGERPRINT if spec == BUILTIN else folder_fingerprint(_find_folder(spec))
    precision = precision or (BUILTIN_PRECISION if spec == BUILTIN else DEFAULT_PRECISION)
    safe = re.sub(r"[^\w.-]+", "-", name)
    folder = data_dir / "encoders" / f"{safe}-{fingerprint[:12]}-{precision}"
    if not _is_current(folder):
        model = SentenceTransformerEncoder(_model_folder(spec, data_dir), name)
        try:
            export_onnx(model, folder, precision)
        except _UnsupportedError as error:
            log.warning("%s", error)
            return model
    return OnnxEncoder(folder)


def _is_current(folder: Path) -> bool:
    """Whether a finished export of today's format stands in ``folder``."""
    return (folder / "encoder.json").is_file() and _read_record(folder).format == EXPORT_FORMAT


def _model_folder(spec: str, data_dir: Path) -> Path:
    return builtin_folder(data_dir) if spec == BUILTIN else _find_folder(spec)
