"""Retrieval on the shipped fixture: saved runs, declared parameters, samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.beir import load_dataset
from eval.intervals import bootstrap_mean
from eval.material import BlockEncoder, NoEncoder, make_index, to_material
from eval.measures import per_query
from eval.retrieval import (
    METHODS,
    Baseline,
    Bm25,
    parse_bm25,
    parse_methods,
    rankers,
    sample_queries,
)
from eval.runs import load_run
from kb.errors import InputError
from kb.retrieve import Retriever
from kb.settings import Settings, load_settings
from kb.tokenizer import Tokenizer
from tests.conftest import HashEncoder

FIXTURE = Path(__file__).parent / "fixtures" / "eval" / "beir"


def silent(message: str) -> None:
    pass


def test_material_keeps_passages_as_they_are() -> None:
    dataset = load_dataset(FIXTURE)
    material = to_material(dataset.corpus)
    assert [p.id for p in material.passages] == list(dataset.corpus)
    for passage in material.passages:
        assert material.documents[passage.document_id].text == passage.text
        assert passage.embedding_text == " ".join(
            part for part in dataset.corpus[passage.id] if part
        )
        assert "".join(passage.text[a:b] for a, b in passage.sentences) == passage.text


def test_methods_over_an_index_in_memory(tmp_path: Path) -> None:
    material = to_material(load_dataset(FIXTURE).corpus)
    tokenizer = Tokenizer(cache_dir=tmp_path)
    index = make_index(material, tokenizer, HashEncoder(), silent)
    for method in ("bm25", "dense", "hybrid"):
        hits = Retriever(index, HashEncoder()).retrieve("雨水怎么收集", 3, method)
        assert len(hits) == 3
        assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    alone = make_index(material, tokenizer, NoEncoder(), silent)
    with_vectors = Retriever(index, HashEncoder()).retrieve("雨水怎么收集", 6, "bm25")
    assert Retriever(alone, NoEncoder()).retrieve("雨水怎么收集", 6, "bm25") == with_vectors


def test_the_baseline_by_hand(tmp_path: Path) -> None:
    import math

    from eval.beir import Text

    corpus = {"a": Text("", "雨水"), "b": Text("", "管网"), "c": Text("雨水", "雨水")}
    baseline = Baseline(to_material(corpus), Tokenizer(cache_dir=tmp_path), Bm25(1.5, 0.75))
    scores = {hit.row: hit.score for hit in baseline.rank("雨水")}
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    average = 4 / 3
    for row, count, length in ((0, 1, 1), (2, 2, 2)):
        norm = 1.5 * (1 - 0.75 + 0.75 * length / average)
        assert scores[row] == pytest.approx(idf * count / (count + norm), rel=1e-5)
    assert scores[1] == 0


def test_bm25_options_and_methods() -> None:
    assert parse_bm25(" k1=0.9, b=0.4") == (0.9, 0.4)
    for bad in ("k1=1.5", "k1=x,b=0.4", "k1=1,b=2", "b=0.4,k1=1", "k1=1.2.3,b=0"):
        with pytest.raises(InputError, match="BM25参数"):
            parse_bm25(bad)
    assert parse_methods(["hybrid", "bm25", "bm25"]) == ["bm25", "hybrid"]
    with pytest.raises(InputError) as caught:
        parse_methods(["splade", "colbert", "bm25"])
    assert len(str(caught.value).splitlines()) == 2


def test_methods_of_one_run_and_reciprocal_rank_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.retrieval.BlockEncoder", lambda *_: HashEncoder())
    material = to_material(load_dataset(FIXTURE).corpus)
    made, encoder = rankers(
        material, METHODS, [Bm25(1.5, 0.75), Bm25(0.9, 0.4)], load_settings(), silent
    )
    assert list(made) == ["bm25 k1=1.5 b=0.75", "bm25 k1=0.9 b=0.4", "dense", "rrf", "hybrid"]
    assert encoder == HashEncoder().name
    ranked = {name: [hit.row for hit in made[name]("雨水怎么收集")] for name in made}
    first, second = ranked["bm25 k1=1.5 b=0.75"], ranked["dense"]
    wanted = {
        row: sum(1 / (61 + ranks.index(row)) for ranks in (first, second) if row in ranks)
        for row in {*first, *second}
    }
    assert ranked["rrf"] == sorted(wanted, key=lambda row: (-wanted[row], row))


def test_a_sample_is_seeded_and_in_file_order() -> None:
    dataset = load_dataset(FIXTURE)
    sample = sample_queries(dataset, 3)
    assert sample == sample_queries(dataset, 3)
    assert list(sample.queries) == [q for q in dataset.queries if q in sample.queries]
    assert set(sample.qrels) == set(sample.queries)
    assert sample_queries(dataset, None) == dataset == sample_queries(dataset, 99)


def test_saved_runs_give_the_reported_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from eval.__main__ import app

    runs = tmp_path / "runs"
    app(
        ["retrieval", "--dataset", str(FIXTURE), "--method", "bm25", "--bm25", "k1=0.9,b=0.4",
         "--measure", "nDCG@10", "--measure", "R@1", "--save-run", str(runs), "--json"],
        standalone_mode=False,
    )  # fmt: skip
    report = json.loads(capsys.readouterr().out)
    (method,) = report["methods"]
    assert method["method"] == "bm25 k1=0.9 b=0.4"
    assert report["provenance"]["command"].startswith("python -m eval")
    dataset = load_dataset(FIXTURE)
    values = per_query(["nDCG@10", "R@1"], dataset.qrels, load_run(Path(method["run"])))
    for name, found in values.items():
        wanted = bootstrap_mean(list(found.values()))
        assert method["measures"][name]["value"] == pytest.approx(wanted.value, abs=1e-6)
        assert method["measures"][name]["low"] == pytest.approx(wanted.low, abs=1e-6)


def test_blocks_are_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    class Counting(HashEncoder):
        def encode_passages(self, texts):  # type: ignore[no-untyped-def]
            calls.append(len(texts))
            return super().encode_passages(texts)

    monkeypatch.setattr("eval.material.load_encoder", lambda *a, **k: Counting())
    monkeypatch.setattr("eval.material.BLOCK", 4)
    settings: Settings = load_settings(data_dir=tmp_path)
    texts = [f"第{n}段" for n in range(10)]
    first = BlockEncoder(settings, silent).encode_passages(texts)
    assert calls == [4, 4, 2]
    again = BlockEncoder(settings, silent).encode_passages(texts)
    assert calls == [4, 4, 2]
    assert (first == again).all()
    assert BlockEncoder(settings, silent).encode_passages([]).shape == (0, 64)
