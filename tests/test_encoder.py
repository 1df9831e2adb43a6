"""kb/encoder.py: exports against torch, and what a user meets when an encoder cannot be had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
import pytest
from encoder_fixtures import TEXTS, data_dir, torch_encoder, torch_vectors
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from kb import encoder as kb_encoder
from kb import onnx_export
from kb.encoder import (
    EXPORT_FORMAT,
    Crowd,
    Encoder,
    FloatMatrix,
    OnnxEncoder,
    Precision,
    SentenceTransformerEncoder,
    encode_question,
)
from kb.encoders import load_encoder
from kb.errors import EncoderError
from kb.onnx_export import export_onnx
from kb.weights import BUILTIN_FINGERPRINT, builtin_folder

__all__ = ["data_dir"]


def cosines(left: FloatMatrix, right: FloatMatrix) -> FloatMatrix:
    return np.asarray((left * right).sum(axis=1), np.float32)


def onnx_encoder(data_dir: Path, precision: Precision = "int8") -> OnnxEncoder:
    encoder = load_encoder("builtin", data_dir, precision=precision)
    assert isinstance(encoder, OnnxEncoder)
    return encoder


def assert_one_chinese_sentence(text: str) -> None:
    assert "\n" not in text
    assert text.endswith("。")
    assert text.count("。") == 1


# --- the built-in encoder ----------------------------------------------------------------------


@pytest.mark.parametrize(("precision", "least"), [("fp32", 0.9999), ("int8", 0.997)])
def test_exports_agree_with_torch(data_dir: Path, precision: Precision, least: float) -> None:
    encoder = onnx_encoder(data_dir, precision)
    queries, passages = torch_vectors(data_dir)
    assert cosines(encoder.encode_queries(TEXTS), queries).min() >= least
    assert cosines(encoder.encode_passages(TEXTS), passages).min() >= least


@pytest.mark.parametrize("serving", [True, False])
def test_contract(data_dir: Path, serving: bool) -> None:
    encoder: Encoder = onnx_encoder(data_dir) if serving else torch_encoder(data_dir)
    assert (encoder.name, encoder.dimension) == ("builtin", 384)
    assert encoder.fingerprint == BUILTIN_FINGERPRINT
    for rows in (encoder.encode_queries(TEXTS[:9]), encoder.encode_passages(TEXTS[:9])):
        assert rows.shape == (9, 384)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert encoder.encode_queries([]).shape == (0, 384)
    assert encoder.encode_passages([]).shape == (0, 384)


@pytest.mark.parametrize(("precision", "least"), [("fp32", 0.9999), ("int8", 0.99)])
def test_clauses_are_means_of_their_tokens_in_the_question(
    data_dir: Path, precision: Precision, least: float
) -> None:
    encoder, torch = onnx_encoder(data_dir, precision), torch_encoder(data_dir)
    text, other = "谁来牵头，钱又从哪出？", "培训一次要多久"
    spans = [(0, 4), (5, 10)]
    rows = encoder.encode_question([text, other], spans)
    assert [text[start:end] for start, end in spans] == ["谁来牵头", "钱又从哪出"]
    np.testing.assert_allclose(rows[:2], encoder.encode_queries([text, other]), atol=1e-6)
    states = torch.model.encode(text, prompt="query: ", output_value="token_embeddings")
    ids = torch.model.tokenizer("query: " + text)["input_ids"]
    pieces = torch.model.tokenizer.convert_ids_to_tokens(ids)
    comma = pieces.index("，") if "，" in pieces else pieces.index(",")
    lead = len(torch.model.tokenizer("query: ")["input_ids"]) - 1  # without </s>
    assert "".join(pieces[lead:comma]).strip("▁") == "谁来牵头"
    means = [states[lead:comma].mean(axis=0), states[comma + 1 : -2].mean(axis=0)]
    wanted = np.array([(mean / mean.norm()).cpu().numpy() for mean in means])
    assert cosines(rows[2:], wanted).min() >= least
    apart = encode_question(torch, [text, other], spans)
    clauses = [text[start:end] for start, end in spans]
    np.testing.assert_allclose(apart, torch.encode_queries([text, other, *clauses]), atol=1e-5)


def test_query_and_passage_differ(data_dir: Path) -> None:
    encoder = onnx_encoder(data_dir)
    same = cosines(encoder.encode_queries(TEXTS), encoder.encode_passages(TEXTS))
    assert same.max() < 0.999


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_neighbours_do_not_matter(data_dir: Path, precision: Precision) -> None:
    encoder = onnx_encoder(data_dir, precision)
    together = encoder.encode_queries(TEXTS)
    alone = np.vstack([encoder.encode_queries([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_question_finds_its_passage(data_dir: Path) -> None:
    passages = ["缴费标准：个人每年缴费100元。", "本办法自发布之日起施行。", "护理员应持证上岗。"]
    rows = torch_encoder(data_dir).encode_passages(passages)
    query = onnx_encoder(data_dir).encode_queries(["一年要交多少钱"])
    assert int((rows @ query[0]).argmax()) == 0


def test_long_text_is_truncated(data_dir: Path) -> None:
    ours, torch = onnx_encoder(data_dir, "fp32"), torch_encoder(data_dir)
    long = ["长期护理保险待遇支付范围。" * 300]
    assert cosines(ours.encode_passages(long), torch.encode_passages(long)).min() >= 0.9999


def test_two_cores_for_one_text_give_the_same_bits(data_dir: Path) -> None:
    narrow = OnnxEncoder(onnx_encoder(data_dir).folder)
    wide = OnnxEncoder(narrow.folder, wide=True)
    if wide.wide is None:
        pytest.skip("needs two cores")
    spy = mock.Mock(wraps=wide.wide.result())
    wide.wide = Future()
    wide.wide.set_result(spy)
    for text in TEXTS:
        assert np.array_equal(narrow.encode_queries([text]), wide.encode_queries([text])), text
    assert spy.run.call_count == len(TEXTS)


def test_a_second_graph_that_does_not_open_is_done_without(data_dir: Path) -> None:
    encoder = OnnxEncoder(onnx_encoder(data_dir).folder)
    encoder.wide = Future()
    encoder.wide.set_exception(MemoryError())
    assert encoder.encode_queries(["退休以后还要交钱吗"]).shape == (1, encoder.dimension)


def test_a_crowd_is_told_from_one_alone() -> None:
    crowd = Crowd(calm_s=0.05)
    with crowd.of(1) as first:
        assert first
        with crowd.of(1) as second:
            assert not second
    with crowd.of(1) as soon:
        assert not soon
    time.sleep(0.06)
    with crowd.of(1) as later:
        assert later


def test_texts_of_one_question_are_a_crowd_to_the_end() -> None:
    crowd = Crowd(calm_s=0.05)
    with crowd.of(2) as pair:
        assert not pair
        time.sleep(0.06)
    with crowd.of(1) as soon:
        assert not soon


def test_threads_share_one_encoder(data_dir: Path) -> None:
    encoder = onnx_encoder(data_dir)
    expected = encoder.encode_queries(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        for rows in pool.map(lambda _: encoder.encode_queries(TEXTS), range(8)):
            np.testing.assert_allclose(rows, expected, atol=1e-6)


SERVE = """
import sys
from pathlib import Path
from kb.encoders import load_encoder
encoder = load_encoder("builtin", Path(sys.argv[1]))
assert encoder.encode_queries(["你好"]).shape == (1, 384)
heavy = {"torch", "sentence_transformers", "transformers", "huggingface_hub", "onnx"}
print(sorted(heavy & sys.modules.keys()))
"""


def run_python(code: str, *arguments: str, **environment: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=Path(kb_encoder.__file__).parents[1],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_serving_never_imports_torch(data_dir: Path) -> None:
    onnx_encoder(data_dir)
    assert run_python(SERVE, str(data_dir), PYTHONIOENCODING="utf-8") == "[]"


# --- other models ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_folder(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer BERT with CLS pooling, no Normalize module and no prompts."""
    source, folder = builtin_folder(data_dir), tmp_path_factory.mktemp("models") / "tiny"
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("model.safetensors", "stamp*"))
    words = json.loads((source / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = BertConfig(vocab_size=words, num_attention_heads=2, pad_token_id=1, **sizes)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    pooling = {"word_embedding_dimension": 32, "pooling_mode_cls_token": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(modules[:2]))
    (folder / "config_sentence_transformers.json").write_text("{}")
    return folder


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_folder_with_cls_pooling(tiny_folder: Path, tmp_path: Path, precision: Precision) -> None:
    ours = load_encoder(str(tiny_folder), tmp_path, precision=precision)
    torch = load_encoder(str(tiny_folder), tmp_path, serving=False)
    assert isinstance(ours, OnnxEncoder)
    assert ours.record.pooling == "cls"
    assert (ours.name, ours.fingerprint) == ("tiny", torch.fingerprint)
    least = 0.9999 if precision == "fp32" else 0.9
    assert cosines(ours.encode_queries(TEXTS), torch.encode_queries(TEXTS)).min() >= least
    whole, clause = ours.encode_question(
        ["谁来牵头，钱从哪出"], [(5, 9)]
    )  # no mean to take part in
    np.testing.assert_array_equal(
        ours.encode_queries(["谁来牵头，钱从哪出", "钱从哪出"]), [whole, clause]
    )
    np.testing.assert_array_equal(torch.encode_queries(TEXTS), torch.encode_passages(TEXTS))


def test_unlike_export_is_served_with_torch(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(onnx_export.LEAST_COSINE, "fp32", 1.1)
    model = SentenceTransformerEncoder(tiny_folder)
    with pytest.raises(EncoderError, match=r"应不低于 1\.1") as caught:
        export_onnx(model, tmp_path / "export", "fp32")
    assert_one_chinese_sentence(str(caught.value))
    assert list(tmp_path.iterdir()) == []
    served = load_encoder(str(tiny_folder), tmp_path, precision="fp32")
    assert isinstance(served, SentenceTransformerEncoder)


def test_a_graph_that_fails_is_served_with_torch_and_not_tried_again(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fails(*_: object) -> None:
        tried.append(1)
        raise RuntimeError("no such operator")

    monkeypatch.setattr(onnx_export, "_write_graph", fails)
    for _ in range(2):
        assert isinstance(load_encoder(str(tiny_folder), tmp_path), SentenceTransformerEncoder)
    assert len(tried) == 1
    for name in ("tiny-v1.5", "tiny-v1.6"):
        load_encoder(str(shutil.copytree(tiny_folder, tmp_path / name)), tmp_path)
    assert len(tried) == 3  # names that differ behind a dot only


def test_other_architecture_is_served_with_torch(
    data_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokenizer = Tokenizer.from_file(str(builtin_folder(data_dir) / "tokenizer.json"))
    static = StaticEmbedding(tokenizer, embedding_dim=8)
    SentenceTransformer(modules=[static], device="cpu").save(str(tmp_path / "static"))
    encoder = load_encoder(str(tmp_path / "static"), tmp_path)
    assert isinstance(encoder, SentenceTransformerEncoder)
    assert encoder.encode_queries(["你好"]).shape == (1, 8)
    assert "torch" in caplog.text


@pytest.mark.parametrize(
    ("own", "name", "expected"),
    [
        ({"query": "q ", "passage": "p ", "document": "d "}, "m", ("q ", "p ")),
        ({"query": "q ", "document": "d "}, "m", ("q ", "d ")),
        ({"query": "", "document": ""}, "intfloat/multilingual-e5-base", ("query: ", "passage: ")),
        ({"query": None, "document": None}, "E5_small", ("query: ", "passage: ")),
        ({"query": "", "document": ""}, "BAAI/bge-small-zh-v1.5", ("", "")),
        ({}, "some/abe55-model", ("", "")),
    ],
)
def test_prompts(own: dict[str, str | None], name: str, expected: tuple[str, str]) -> None:
    chosen = kb_encoder._choose_prompts(own, name)
    assert (chosen.query, chosen.passage) == expected


# --- what a user meets -------------------------------------------------------------------------


HUB = """
import sys
from pathlib import Path
from kb.encoders import load_encoder
from kb.errors import EncoderError
try:
    load_encoder("BAAI/bge-small-zh-v1.5", Path(sys.argv[1]), serving=sys.argv[2] == "serve")
except EncoderError as error:
    print(error)
"""


@pytest.mark.parametrize("road", ["serve", "build"])
def test_unreachable_hub_is_one_sentence(tmp_path: Path, road: str) -> None:
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    text = run_python(HUB, str(tmp_path), road, PYTHONIOENCODING="utf-8", **nowhere)
    assert_one_chinese_sentence(text)
    assert "builtin" in text
    assert "模型文件夹" in text


@pytest.mark.parametrize("spec", ["./no-such-folder", "/no/such/folder", "nonsense", ""])
def test_unknown_spec(tmp_path: Path, spec: str) -> None:
    with pytest.raises(EncoderError, match="找不到编码器") as caught:
        load_encoder(spec, tmp_path)
    assert_one_chinese_sentence(str(caught.value))


def test_folder_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(EncoderError) as caught:
        SentenceTransformerEncoder(tmp_path)
    assert_one_chinese_sentence(str(caught.value))


def test_folder_that_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"encoder\.json") as caught:
        OnnxEncoder(tmp_path)
    assert_one_chinese_sentence(str(caught.value))


@pytest.mark.parametrize("name", ["model.onnx", "tensors.bin", "tokenizer.json"])
def test_truncated_export(data_dir: Path, tmp_path: Path, name: str) -> None:
    onnx_encoder(data_dir)
    source = next((data_dir / "encoders").glob(f"builtin-{BUILTIN_FINGERPRINT[:12]}-int8"))
    for file in source.iterdir():
        shutil.copy(file, tmp_path)
    (tmp_path / name).write_bytes(b"cut")
    with pytest.raises(EncoderError, match="文件大小") as caught:
        OnnxEncoder(tmp_path)
    assert_one_chinese_sentence(str(caught.value))


def test_an_export_of_an_older_format_is_made_anew(tiny_folder: Path, tmp_path: Path) -> None:
    load_encoder(str(tiny_folder), tmp_path, precision="fp32")
    (record,) = tmp_path.rglob("encoder.json")
    record.write_text(f'{{"format": {EXPORT_FORMAT - 1}, "pad_id": 1}}', encoding="utf-8")
    assert isinstance(load_encoder(str(tiny_folder), tmp_path, precision="fp32"), OnnxEncoder)
    record.write_text(f'{{"format": {EXPORT_FORMAT}}}', encoding="utf-8")
    with pytest.raises(EncoderError, match=r"encoder\.json"):
        load_encoder(str(tiny_folder), tmp_path, precision="fp32")


# --- 8 bits, 4 bits ----------------------------------------------------------------------------


def test_smoothing_by_hand() -> None:
    """Channels of magnitude 1, 1 and 10^4 before rows of 1, 1 and 1: factors in 10^.7 steps."""
    ones = [np.ones((3, 2), np.float32)]
    factors = onnx_export.smoothing_factors(np.array([1, 1, 1e4], np.float32), ones)
    assert np.prod(factors) == pytest.approx(1, rel=1e-5)
    assert factors[2] / factors[0] == pytest.approx(10 ** (4 * 0.7), rel=1e-5)


def test_packing_by_hand() -> None:
    """Whole numbers from -8 to 7 have scale 1 and are kept by 4 bits; a third of 1 is not."""
    rows = np.zeros((1, 32), np.float32)
    rows[0, :16] = np.arange(-8, 8)
    bits, steps, scales = onnx_export.pack_rows(rows)
    assert (bits, scales.tolist()) == (4, [[1.0]])
    assert steps[0].tolist() == [*range(16), *[8] * 16]
    rows[0, 0], rows[0, 20] = -128, 1 / 3
    bits, steps, scales = onnx_export.pack_rows(rows)
    assert (bits, scales.tolist()) == (8, [[1.0]])
    assert steps[0, [0, 1, 15, 20]].tolist() == [0, 121, 135, 128]


def test_packing_zeros() -> None:
    bits, steps, scales = onnx_export.pack_rows(np.zeros((2, 64), np.float32))
    assert bits == 4
    assert scales.tolist() == [[0, 0], [0, 0]]
    assert (steps == 8).all()


def test_builtin_words_are_kept(data_dir: Path) -> None:
    """The word embeddings of the export are, bit for bit, those of the model."""
    onnx_encoder(data_dir)
    file = data_dir / "encoders" / f"builtin-{BUILTIN_FINGERPRINT[:12]}-int8" / "model.onnx"
    tensors = {tensor.name: tensor for tensor in onnx.load(str(file)).graph.initializer}
    name = next(name for name in tensors if name.endswith("_steps")).removesuffix("_steps")
    steps = onnx.numpy_helper.to_array(tensors[f"{name}_steps"]).astype(np.float32)
    scales = onnx.numpy_helper.to_array(tensors[f"{name}_scales"])
    bert = torch_encoder(data_dir).model.transformers_model
    words = bert.get_input_embeddings().weight.detach().numpy()
    rows = ((steps - 8).reshape(*scales.shape, 32) * scales[..., None]).reshape(words.shape)
    np.testing.assert_array_equal(rows, words)


def test_eight_bits_only_where_seven_are_too_few(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven, which no processor spoils, unless they agree badly with torch; then the better draft."""
    model = SentenceTransformerEncoder(tiny_folder)
    for cosines, largest in (([0.999], 64), ([0.98, 0.99], 128), ([0.98, 0.975], 64)):
        left = list(cosines)
        monkeypatch.setattr(onnx_export, "_least_cosine", lambda *_, left=left: left.pop(0))
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        export_onnx(model, folder, "int8")
        assert not left
        tensors = onnx.load(str(folder / "model.onnx")).graph.initializer
        matrices = [
            onnx.numpy_helper.to_array(t) for t in tensors if t.data_type == onnx.TensorProto.INT8
        ]
        found = max(int(np.abs(matrix.astype(int)).max()) for matrix in matrices if matrix.size)
        assert largest / 2 < found <= largest
        assert sorted(folder.parent.iterdir())[-1] == folder


def test_attention_is_fused(data_dir: Path) -> None:
    """What the speed rests on: few nodes, attention and matrices in 8 bits."""
    onnx_encoder(data_dir)
    file = data_dir / "encoders" / f"builtin-{BUILTIN_FINGERPRINT[:12]}-int8" / "model.onnx"
    kinds = [node.op_type for node in onnx.load(str(file)).graph.node]
    assert (kinds.count("QAttention"), kinds.count("MatMulInteger")) == (12, 36)
    assert "Softmax" not in kinds
