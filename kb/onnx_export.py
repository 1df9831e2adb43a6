"""A sentence-transformers model -> a folder that onnxruntime serves, checked against torch.

BERT, pooling and normalisation are traced as one graph, in which onnxruntime's own optimizer fuses
attention, GELU and the sums before each layer norm. ``int8`` then rounds matrices to 7 bits (8
where 7 are too few) and activations to 8. A transformer's activations have a few channels far larger
than the rest, which would take most of the 256 steps; each channel is therefore divided, and the
matrix behind it multiplied, by SmoothQuant's factor (Xiao et al., 2023, equation 4):

    s_j = max|x_j| ^ a / max|W_j| ^ (1 - a)

Measured on builtin, 184 bank questions, mean (least) cosine with float32: without smoothing .9973
(.9950), a = .5 .9977 (.9954), .7 .9995 (.9991), .8 .9995 (.9990), .9 .9993 (.9984); with a = .7 and
matrices in 7 bits .9991 (.9986).
"""

from __future__ import annotations

import importlib.util
import logging
import secrets
import shutil
import sys
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kb.encoder import (
    EXPORT_FORMAT,
    ExportRecord,
    FloatMatrix,
    OnnxEncoder,
    Pooling,
    Precision,
    SentenceTransformerEncoder,
)
from kb.errors import EncoderError
from kb.weights import publish_folder

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

__all__ = ["UnsupportedError", "export_onnx"]

BLOCK = 32
LARGE = 1 << 20
"""Tensors from this size lie beside the graph. A word table does; no matrix of a small BERT does."""

SMOOTHING = 0.7
LEAST_COSINE: dict[Precision, float] = {"fp32": 0.999, "int8": 0.97}
"""An export whose vectors agree less than this with torch is refused."""

GOOD_COSINE = 0.995
WEIGHT_BITS: dict[Precision, tuple[int, ...]] = {"fp32": (32,), "int8": (7, 8)}
"""Tried in order until an export agrees well with torch; else the one that agrees best is kept.

Processors without VNNI add products of 8 bits up in 16 and overflow; with 7 bits they do not, so that
a query has the same vector on every processor.
"""

OWN_OPERATORS = "com.microsoft"
WEIGHED = ("MatMul", "Attention")
"""Operators whose second input is a matrix of weights."""

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


class UnsupportedError(EncoderError):
    """The model is fine, but only torch can run it."""


def export_onnx(model: SentenceTransformerEncoder, folder: Path, precision: Precision) -> Path:
    """Write ``model`` as an export folder for ``OnnxEncoder``, checked against torch.

    Mean or CLS pooling and normalisation are part of the graph. Texts of one length can go together.

    Args:
        model: a BERT-like model: Transformer, Pooling (mean or cls) and, if any, Normalize.
        folder: where the export shall stand; it appears whole or not at all.
        precision: ``fp32``, or ``int8`` (weights and activations).

    Raises:
        EncoderError: the model is of another kind, or its export gives other vectors.
    """
    pooling = _pooling_of(model)
    _require("onnx")
    folder.parent.mkdir(parents=True, exist_ok=True)
    drafts: dict[Path, float] = {}
    try:
        for bits in WEIGHT_BITS[precision]:
            draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
            draft.mkdir()
            drafts[draft] = 0.0
            try:
                _write_graph(model, draft, pooling, bits)
                _write_record(model, draft, pooling, precision)
                drafts[draft] = _least_cosine(model, draft)
            except OSError:
                raise  # no room, no right: not the model's fault
            except Exception as error:  # torch, onnx and onnxruntime have a dozen of their own
                raise _unsupported(model, type(error).__name__) from error
            if drafts[draft] >= GOOD_COSINE:
                break
        best = max(drafts, key=lambda draft: drafts[draft])
        _refuse_unlike(model, precision, drafts[best])
        publish_folder(best, folder)
    finally:
        for draft in drafts:
            shutil.rmtree(draft, ignore_errors=True)
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
    raise _unsupported(encoder, "、".join(kinds))


def _unsupported(encoder: SentenceTransformerEncoder, why: str) -> UnsupportedError:
    return UnsupportedError(
        f"编码器 {encoder.name} 的结构（{why}）不能导出为 ONNX，"
        "将改用 torch 运行，结果相同，只是启动和编码慢一些。"
    )


def _require(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        raise EncoderError(
            f"第一次导出编码器需要 Python 包 {package}，请先安装（pip install {package}）。"
        )


def _write_graph(
    encoder: SentenceTransformerEncoder, folder: Path, pooling: Pooling, bits: int
) -> None:
    import onnx

    target = folder / "model.onnx"
    _trace(encoder, target, pooling)
    graph = _fuse(target, encoder)
    if bits <= 8:
        _smooth(graph, _largest_inputs(graph, encoder))
        graph = _quantise(graph, bits)
        _pack_words(graph)
    onnx.save(
        graph,
        str(target),
        save_as_external_data=True,  # onnxruntime maps what lies outside: few words are ever read
        location="tensors.bin",
        size_threshold=LARGE,
    )
    for file in folder.iterdir():
        file.chmod(0o644)  # the large tensors come readable by their maker alone
    encoder.model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"), pretty=False)


# --- trace and fuse ----------------------------------------------------------------------------


def _trace(encoder: SentenceTransformerEncoder, file: Path, pooling: Pooling) -> None:
    """Export BERT, pooling and normalisation as one graph, which gives the tokens' vectors too.

    Texts are run alone, so nothing is ever masked, and attention is fused without a mask.
    ``dynamo=False``: the new exporter would need onnxscript, and the graph is the same. Attention is
    traced step by step, since the optimizer knows it by its steps.
    """
    import torch

    class Graph(torch.nn.Module):
        def __init__(self, bert: torch.nn.Module) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            everything, first_kind = torch.ones_like(input_ids), torch.zeros_like(input_ids)
            tokens = self.bert(
                input_ids=input_ids, attention_mask=everything, token_type_ids=first_kind
            )[0]
            pooled = tokens.mean(1) if pooling == "mean" else tokens[:, 0]
            return torch.nn.functional.normalize(pooled), tokens

    bert: Any = encoder.model.transformers_model
    inputs = encoder.model.tokenizer(CHECK_SENTENCES[0], return_tensors="pt")
    axes = {0: "batch", 1: "length"}
    with _step_by_step(bert), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # "legacy exporter", and traced shapes that are checked
        torch.onnx.export(
            Graph(bert).eval(),  # the exporter restores the mode it found: dropout stays off
            (inputs["input_ids"],),
            str(file),
            input_names=["input_ids"],
            output_names=["embedding", "tokens"],
            dynamic_axes={"input_ids": axes, "embedding": {0: "batch"}, "tokens": axes},
            opset_version=17,
            dynamo=False,
        )


@contextmanager
def _step_by_step(bert: Any) -> Iterator[None]:
    """Compute attention in single steps for a while."""
    before = bert.config._attn_implementation
    bert.set_attn_implementation("eager")
    try:
        yield
    finally:
        bert.set_attn_implementation(before)


def _fuse(file: Path, encoder: SentenceTransformerEncoder) -> ModelProto:
    """The graph with a BERT's usual groups of nodes fused; what is not recognised stays as it is."""
    import onnx

    path = list(sys.path)
    logger = logging.getLogger("onnxruntime.transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        from onnxruntime.transformers import optimizer
        from onnxruntime.transformers.fusion_options import FusionOptions

        options = FusionOptions("bert")
        options.enable_embed_layer_norm = False
        options.enable_skip_layer_norm = False
        options.enable_bias_skip_layer_norm = False  # slower on a processor than their parts
        config: Any = encoder.model.transformers_model.config
        fused = optimizer.optimize_model(
            str(file),
            model_type="bert",
            num_heads=config.num_attention_heads,
            hidden_size=config.hidden_size,
            optimization_options=options,
            opt_level=0,
        )
    finally:
        sys.path[:] = path  # the package puts its own folder there
        logger.setLevel(level)
    model: ModelProto = fused.model
    if not any(known.domain == OWN_OPERATORS for known in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid(OWN_OPERATORS, 1))
    return model


# --- 8 bits ------------------------------------------------------------------------------------


def _matrices(graph: GraphProto) -> list[tuple[NodeProto, TensorProto]]:
    """Every product with a matrix of weights, and that matrix, shape (inputs, outputs)."""
    tables = {tensor.name: tensor for tensor in graph.initializer if len(tensor.dims) == 2}
    return [
        (node, tables[node.input[1]])
        for node in graph.node
        if node.op_type in WEIGHED and node.input[1] in tables
    ]


def _largest_inputs(
    model: ModelProto, encoder: SentenceTransformerEncoder
) -> dict[str, FloatMatrix]:
    """The largest magnitude of every channel that enters a matrix, over the check sentences."""
    import onnx
    import onnxruntime

    watched = type(model)()
    watched.CopyFrom(model)
    names = sorted({node.input[0] for node, _ in _matrices(watched.graph)})
    kind = onnx.TensorProto.FLOAT
    watched.graph.output.extend(onnx.helper.make_tensor_value_info(n, kind, None) for n in names)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        watched.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    largest: dict[str, FloatMatrix] = {}
    for prompt in (encoder.prompts.query, encoder.prompts.passage):
        for text in CHECK_SENTENCES:
            found = encoder.model.tokenizer([prompt + text], return_tensors="np")
            feed = {"input_ids": found["input_ids"].astype(np.int64)}
            for name, values in zip(names, session.run(names, feed), strict=True):
                channels = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
                largest[name] = np.maximum(largest.get(name, channels), channels)
    return largest


def _smooth(model: ModelProto, largest: Mapping[str, FloatMatrix]) -> None:
    """Divide every channel that enters a matrix by its factor, and multiply its row by it."""
    from onnx import helper, numpy_helper

    graph = model.graph
    users = defaultdict(list)
    for node, tensor in _matrices(graph):
        users[node.input[0]].append((node, tensor))
    for entering, pairs in users.items():
        matrices = [numpy_helper.to_array(tensor) for _, tensor in pairs]
        factors = smoothing_factors(largest[entering], matrices)
        divided, shares = f"{entering}_smooth", f"{entering}_shares"
        graph.initializer.append(numpy_helper.from_array(1 / factors, shares))
        for (node, tensor), matrix in zip(pairs, matrices, strict=True):
            scaled = (matrix * factors[:, None]).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(scaled, tensor.name))
            node.input[0] = divided
        made = [n for n, node in enumerate(graph.node) if entering in node.output]
        step = helper.make_node("Mul", [entering, shares], [divided], name=divided)
        graph.node.insert(made[0] + 1 if made else 0, step)


def smoothing_factors(largest: FloatMatrix, matrices: Sequence[FloatMatrix]) -> FloatMatrix:
    """SmoothQuant's factor of each channel, with geometric mean 1.

    Args:
        largest: greatest magnitude of each entering channel, shape ``(inputs,)``.
        matrices: the matrices that it enters, shape ``(inputs, outputs)`` each.
    """
    heaviest = np.max([np.abs(matrix).max(axis=1) for matrix in matrices], axis=0)
    logs = SMOOTHING * np.log(np.maximum(largest, 1e-5)) - (1 - SMOOTHING) * np.log(
        np.maximum(heaviest, 1e-5)
    )
    return np.asarray(np.exp(logs - logs.mean()), dtype=np.float32)


def _quantise(model: ModelProto, bits: int) -> ModelProto:
    """Round matrices to 8 or 7 bits, one scale a column, and activations to 8 as they come."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    add_pre_process_metadata(model)  # else it advises, on the root log, a step that changes nothing
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.onnx"
        quantize_dynamic(
            model,
            str(target),
            op_types_to_quantize=list(WEIGHED),
            per_channel=True,
            reduce_range=bits == 7,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
        return onnx.load(str(target))


# --- word embeddings ---------------------------------------------------------------------------


def _pack_words(model: ModelProto) -> None:
    """Store word embeddings in blocks of 32 with one scale each, in place.

    4 bits where they keep every weight (builtin's are 4-bit from birth), else 8.
    """
    import onnx
    from onnx import helper, numpy_helper

    graph = model.graph
    tables = {tensor.name: tensor for tensor in graph.initializer}
    words = _word_table(graph, tables)
    weights = numpy_helper.to_array(tables[words])
    if weights.shape[1] % BLOCK:
        return
    bits, steps, scales = pack_rows(weights)
    graph.initializer.remove(tables[words])
    graph.initializer.extend(_packed_tensors(words, weights.shape, bits, steps, scales))
    for node in graph.node:
        if node.op_type == "Gather" and node.input[0] == words:
            packed = [f"{words}_{part}" for part in ("steps", "scales", "zeros")]
            inputs = [packed[0], node.input[1], *packed[1:]]
            options = {"gather_axis": 0, "quantize_axis": 1, "block_size": BLOCK, "bits": bits}
            node.CopyFrom(
                helper.make_node(
                    "GatherBlockQuantized",
                    inputs,
                    list(node.output),
                    domain=OWN_OPERATORS,
                    **options,
                )
            )
    model.ir_version = max(model.ir_version, 10)  # the first with 4-bit tensors
    onnx.checker.check_model(model, skip_opset_compatibility_check=True)


def _word_table(graph: GraphProto, tables: Mapping[str, TensorProto]) -> str:
    """Return the name of the word embeddings: the longest table that is looked up."""
    names = {node.input[0] for node in graph.node if node.op_type == "Gather"} & tables.keys()
    longest: str = max(
        names, key=lambda name: tables[name].dims[0] if len(tables[name].dims) == 2 else 0
    )
    return longest


def pack_rows(rows: FloatMatrix) -> tuple[int, npt.NDArray[np.uint8], FloatMatrix]:
    """Round rows block by block: bits, unsigned steps of the rows' shape, scale of each block.

    A weight is ``(step - 2^(bits-1)) * scale``. 4 bits as Q4_0 (ggml): the weight of greatest
    magnitude is step 0, so what comes from Q4_0 is kept exactly.
    """
    blocks = rows.reshape(len(rows), -1, BLOCK)
    greatest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
    for bits in (4, 8):
        middle = 2 ** (bits - 1)
        scales = greatest / np.float32(-middle)
        ratio = np.divide(blocks, scales, out=np.zeros_like(blocks), where=scales != 0)
        steps = np.clip(np.rint(ratio) + middle, 0, 2 * middle - 1).astype(np.uint8)
        if bits == 8 or np.array_equal((steps.astype(np.float32) - middle) * scales, blocks):
            break
    return bits, steps.reshape(rows.shape), scales[..., 0].astype(np.float32)


def _packed_tensors(
    name: str,
    shape: Sequence[int],
    bits: int,
    steps: npt.NDArray[np.uint8],
    scales: FloatMatrix,
) -> list[TensorProto]:
    """The three inputs that ``GatherBlockQuantized`` wants."""
    from onnx import TensorProto, helper, numpy_helper

    middles = np.full(scales.shape, 2 ** (bits - 1), np.uint8)
    kind = TensorProto.UINT4 if bits == 4 else TensorProto.UINT8
    return [
        helper.make_tensor(f"{name}_steps", kind, shape, _dense_bytes(steps, bits), raw=True),
        numpy_helper.from_array(scales, f"{name}_scales"),
        helper.make_tensor(
            f"{name}_zeros", kind, scales.shape, _dense_bytes(middles, bits), raw=True
        ),
    ]


def _dense_bytes(values: npt.NDArray[np.uint8], bits: int) -> bytes:
    """Bytes of unsigned numbers; two 4-bit ones share a byte, the first in its lower half."""
    flat = values.reshape(-1)
    if bits == 8:
        return flat.tobytes()
    flat = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    return bytes(flat[0::2] | (flat[1::2] << 4))


# --- record and check --------------------------------------------------------------------------


def _write_record(
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
        bytes={file.name: file.stat().st_size for file in files},
    )
    text = record.model_dump_json(indent=2) + "\n"
    (folder / "encoder.json").write_text(text, encoding="utf-8", newline="\n")


def _least_cosine(encoder: SentenceTransformerEncoder, folder: Path) -> float:
    """How far torch and export are apart at most, queries and passages."""
    exported = OnnxEncoder(folder)
    texts = list(CHECK_SENTENCES)
    pairs = [
        (encoder.encode_queries(texts), exported.encode_queries(texts)),
        (encoder.encode_passages(texts), exported.encode_passages(texts)),
    ]
    return min(float((ours * theirs).sum(axis=1).min()) for ours, theirs in pairs)


def _refuse_unlike(encoder: SentenceTransformerEncoder, precision: Precision, least: float) -> None:
    if not least >= LEAST_COSINE[precision]:
        raise UnsupportedError(
            f"编码器 {encoder.name} 的 ONNX（{precision}）与 torch 的最小余弦是 {least:.4f}，"
            f"应不低于 {LEAST_COSINE[precision]}，将改用 torch 运行。"
        )
