"""Texts -> unit vectors, queries and passages apart; alone imports sentence_transformers.

Passages are encoded once, when the index is built, by ``SentenceTransformerEncoder`` (torch,
float32). Queries are encoded for every question, by ``OnnxEncoder`` (onnxruntime and tokenizers
only), from an export of the same weights that ``load_encoder`` makes on first use. So a search
compares passages and queries of two precisions; ``fingerprint`` names the weights, which both
sides share. How an export is made, and what it costs, is in ``onnx_export``.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from kb.errors import EncoderError
from kb.memory import give_back
from kb.settings import cores
from kb.weights import folder_fingerprint

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from sentence_transformers import SentenceTransformer

__all__ = [
    "BUILTIN",
    "EXPORT_FORMAT",
    "Crowd",
    "Encoder",
    "ExportRecord",
    "FloatMatrix",
    "OnnxEncoder",
    "Pooling",
    "Precision",
    "SentenceTransformerEncoder",
    "Span",
    "encode_question",
    "find_folder",
    "name_of",
    "read_record",
    "stated_format",
]

log = logging.getLogger(__name__)

FloatMatrix = npt.NDArray[np.float32]
Precision = Literal["fp32", "int8"]
Pooling = Literal["mean", "cls"]
Span = tuple[int, int]

BUILTIN = "builtin"
EXPORT_FORMAT = 7
"""Raised when an export changes: older ones are made anew."""

WIDE_THREADS, CALM_S = 2, 0.05
"""Threads for a text that is encoded alone; how long after two at once one counts as alone again."""

BATCH = 8
"""Measured on 2 cores, 200 passages sorted by length: 1, 4, 8 cost the same, 32 twice as much."""


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


def encode_question(encoder: Encoder, texts: Sequence[str], clauses: Sequence[Span]) -> FloatMatrix:
    """Encode queries, and clauses of the first of them.

    An exported encoder reads a clause within its question, at no further cost; any other encodes it
    as a text of its own.

    Args:
        encoder: the serving encoder.
        texts: the queries, at least one.
        clauses: spans of characters of the first.

    Returns:
        One unit row for each query, then one for each clause.
    """
    if isinstance(encoder, OnnxEncoder):
        return encoder.encode_question(texts, clauses)
    return encoder.encode_queries([*texts, *(texts[0][start:end] for start, end in clauses)])


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
        folder = find_folder(str(folder_or_name))
        self.name = name or name_of(str(folder_or_name))
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


def name_of(spec: str) -> str:
    """Return the name an encoder carries: not where its folder lies, only what it is called."""
    return Path(spec).resolve().name if spec != BUILTIN and _is_folder(spec) else spec


def find_folder(spec: str) -> Path:
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

    The graph is opened twice. A text that is alone when it begins has two cores for each step; texts
    side by side have one each, since threads that wait for one another take from both
    (decision 44). The vectors are the same, bit for bit.

    Args:
        folder: an export folder: ``model.onnx`` (and ``tensors.bin``, the large ones of it),
            ``tokenizer.json``, ``encoder.json``.
        wide: whether to open it the second time, on a thread of its own; 28 MiB for builtin.

    Raises:
        EncoderError: the folder is not a finished export.
    """

    def __init__(self, folder: Path, wide: bool = False) -> None:
        from tokenizers import Tokenizer

        self.folder = folder
        self.record = read_record(folder)
        self.name = self.record.name
        self.dimension = self.record.dimension
        self.fingerprint = self.record.fingerprint
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.record.max_length)
        self._pool = ThreadPoolExecutor(cores(), thread_name_prefix="kb-encode")
        self._session = _open_graph(folder, threads=1)
        self.wide: Future[InferenceSession] | None = None
        if wide and cores() > 1:
            self.wide = self._pool.submit(_open_wide, folder)
        self._crowd = Crowd()

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit row for each query."""
        return self._encode(texts, self.record.prompts.query)

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit row for each passage."""
        return self._encode(texts, self.record.prompts.passage)

    def encode_question(self, texts: Sequence[str], clauses: Sequence[Span]) -> FloatMatrix:
        """Return one unit row for each query, then one for each clause of the first.

        A clause is the mean of its tokens as they stand in the whole question ("late chunking",
        Günther et al., 2024); a model that does not pool by mean encodes it as a text of its own.
        """
        if not clauses or self.record.pooling != "mean":
            return self.encode_queries([*texts, *(texts[0][start:end] for start, end in clauses)])
        prompt = self.record.prompts.query
        first, *others = [self._tokenizer.encode(prompt + text) for text in texts]
        with self._crowd.of(len(texts)) as alone:
            rest = [self._pool.submit(self._run, other.ids) for other in others]
            whole, tokens = self._run_tokens(first.ids, alone)
            rows = [whole, *(run.result() for run in rest)]
        for start, end in clauses:
            a, b = len(prompt) + start, len(prompt) + end
            own = [
                n for n, (left, right) in enumerate(first.offsets) if left < b and a < right > left
            ]
            rows.append(_unit(tokens[own].mean(axis=0)) if own else whole)
        return np.array(rows, np.float32)

    def _encode(self, texts: Sequence[str], prompt: str) -> FloatMatrix:
        """Encode each text alone, so that its vector does not hang on what is asked beside it."""
        every = [self._tokenizer.encode(prompt + text).ids for text in texts]
        with self._crowd.of(len(texts)) as alone:
            if len(every) == 1:
                rows = [self._run(every[0], alone)]
            else:
                rows = [*self._pool.map(self._run, every)]
        return np.array(rows, np.float32).reshape(len(texts), self.dimension)

    def _run(self, token_ids: Sequence[int], alone: bool = False) -> FloatMatrix:
        return self._run_tokens(token_ids, alone)[0]

    def _run_tokens(self, token_ids: Sequence[int], alone: bool) -> tuple[FloatMatrix, FloatMatrix]:
        """The vector of a text, shape ``(d,)``, and those of its tokens, ``(n, d)``."""
        session = self._session
        if alone and self.wide is not None and self.wide.done() and not self.wide.exception():
            session = self.wide.result()
        inputs = {"input_ids": np.array([token_ids], np.int64)}
        embedding, tokens = session.run(["embedding", "tokens"], inputs)
        return np.asarray(embedding[0], np.float32), np.asarray(tokens[0], np.float32)


def _open_graph(folder: Path, threads: int) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")  # between texts they sleep
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(folder / "model.onnx"),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion"],  # slower than its parts
    )


def _open_wide(folder: Path) -> InferenceSession:
    try:
        session = _open_graph(folder, WIDE_THREADS)
    except Exception:
        log.warning("the encoder's second graph did not open; texts get one thread", exc_info=True)
        raise
    give_back()
    return session


class Crowd:
    """Counts the texts being encoded, and tells whether one is alone and was not beside others of late."""

    def __init__(self, calm_s: float = CALM_S) -> None:
        self._calm_s = calm_s
        self._lock = Lock()
        self._inside = 0
        self._calm_from = 0.0

    @contextmanager
    def of(self, texts: int) -> Iterator[bool]:
        """Add some texts for a while; gives whether there is but one, and calm."""
        with self._lock:
            self._inside += texts
            alone = self._is_calm()
        try:
            yield alone
        finally:
            with self._lock:
                self._is_calm()  # others beside to the end count from now
                self._inside -= texts

    def _is_calm(self) -> bool:
        now = time.monotonic()
        if self._inside > 1:
            self._calm_from = now + self._calm_s
        return now >= self._calm_from


def _unit(vector: FloatMatrix) -> FloatMatrix:
    return np.asarray(vector / np.maximum(np.linalg.norm(vector), 1e-9), np.float32)


class _Stated(BaseModel):
    format: int


def stated_format(folder: Path) -> int | None:
    """The format that ``encoder.json`` states, whatever else an older one may hold; None if none."""
    try:
        text = (folder / "encoder.json").read_text(encoding="utf-8")
        return _Stated.model_validate_json(text).format
    except (OSError, ValidationError):
        return None


def read_record(folder: Path) -> ExportRecord:
    """Read ``encoder.json`` and compare the sizes of the files that it names.

    Raises:
        EncoderError: the folder is not a finished export.
    """
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
