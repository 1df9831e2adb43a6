"""Lint, exports, ablation, plots and speed over the small fictional guide."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eval.ablation import ROWS, ablate, ablation_table, bank_sample, variant
from eval.answers import ask_all, report
from eval.beir import load_dataset
from eval.bench import Bench, write_results
from eval.export import export_benchmark, to_dataset
from eval.lint import lint, lint_tables
from eval.plots import by_type, coverage_risk, reliability_diagram
from eval.provenance import provenance
from eval.questions import Ask
from eval.refusal import refusal_report
from eval.resident import resident_mb
from eval.retrieval import measure_methods
from eval.tables import to_text
from kb.answer import Assistant
from kb.answerable import Judge, load_calibration
from kb.build import build_index
from kb.corpus import SHIPPED_CALIBRATION
from kb.errors import InputError
from kb.index import load_index
from kb.retrieve import Retriever
from kb.settings import Settings
from kb.tokenizer import Tokenizer
from tests.conftest import HashEncoder

ABOUT = provenance("python -m eval", "sha256:x", "hash")
ASKS = [
    Ask(id="a 1", type="neutral", query="更换龙头的费用怎么付？", history=(), role=None,
        evidence=(("更换费用可分期支付",),), unanswerable=False),
    Ask(id="a2", type="multi", query="收集雨水一是做什么，二是做什么", history=(), role=None,
        evidence=(("准备水桶",), ("盖好盖子",)), unanswerable=False),
    Ask(id="a3", type="neutral", query="换龙头的钱，能慢慢给吗？", history=(), role=None,
        evidence=(("更换费用可分期支付",),), unanswerable=False),
    Ask(id="u1", type="off_topic", query="火星上有人吗", history=(), role=None, evidence=(),
        unanswerable=True),
    Ask(id="d#2", type="dialogue", query="那雨水呢", history=("龙头怎么换",), role=None,
        evidence=(("收集雨水浇花",),), unanswerable=False),
]  # fmt: skip


@pytest.fixture
def small(small_index: Settings) -> Assistant:
    index = load_index(small_index, HashEncoder())
    judge = Judge(index, load_calibration(SHIPPED_CALIBRATION))
    return Assistant(Retriever(index, HashEncoder()), judge)


def test_lint_finds_missing_quotes_doubles_and_bank_overlap(
    small: Assistant, tmp_path: Path
) -> None:
    documents, tokenizer = small.index.documents.values(), Tokenizer(cache_dir=tmp_path)
    bank = {q.id: q.query for q in small.index.questions}
    sound = lint(ASKS, documents, bank, tokenizer)
    assert sound.sound
    assert [(o.id, o.kind, o.bank_id) for o in sound.overlaps] == [("a3", "exact", "q1")]
    again = ASKS[0].model_copy(update={"id": "b", "query": "更换龙头的费用怎么付"})
    wrong = ASKS[0].model_copy(update={"id": "c", "query": "别的", "evidence": (("没有的话",),)})
    broken = lint([*ASKS, again, wrong], documents, bank, tokenizer)
    assert broken.duplicates == (("a 1", "b"),)
    assert broken.missing == (("c", "没有的话"),)
    assert len(lint_tables(broken)) == 4


def test_near_overlap_is_by_tokens(small: Assistant, tmp_path: Path) -> None:
    tokenizer = Tokenizer(cache_dir=tmp_path)
    bank = {"b1": "居民应该怎么收集雨水浇花", "b2": "水厂做什么"}
    near = ASKS[0].model_copy(update={"query": "居民应该怎么收集雨水来浇花"})
    found = lint([near], small.index.documents.values(), bank, tokenizer).overlaps
    assert [(o.kind, o.bank_id) for o in found] == [("near", "b1")]
    assert lint([near], (), {}, tokenizer).overlaps == ()


def test_the_exports_can_be_read_back(small: Assistant, tmp_path: Path) -> None:
    written = export_benchmark({"dev": ASKS}, small, small.index.passages, tmp_path)
    assert written.queries == {"dev": 3}
    assert written.homeless == ()
    dataset = load_dataset(tmp_path / "beir", "dev")
    assert len(dataset.corpus) == len(small.index.passages)
    for query, grades in dataset.qrels.items():
        gold = next(a for a in ASKS if a.id.replace(" ", "_") == query).evidence
        for passage in grades:
            text = dataset.corpus[passage].text
            assert any(quote in text for fact in gold for quote in fact)
    lines = (tmp_path / "ragas-dev.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["id"] for row in rows] == [ask.id for ask in ASKS]
    assert rows[1]["reference_contexts"] == ["准备水桶", "盖好盖子"]
    assert rows[4]["history"] == ["龙头怎么换"]
    for row in rows:
        assert len(row["retrieved_contexts"]) == len(row["retrieved_context_ids"])


def test_a_quote_that_no_passage_holds_is_told(small: Assistant) -> None:
    homeless = ASKS[0].model_copy(update={"evidence": (("跨越两段的话",),)})
    dataset, missing = to_dataset([homeless], small.index.passages, "g", "dev")
    assert dataset.queries == {}
    assert missing == ("a 1",)


def test_bank_samples_are_nested_and_seeded() -> None:
    quarter, half, whole = (set(bank_sample(200, share)) for share in (0.25, 0.5, 1.0))
    assert (len(quarter), len(half), len(whole)) == (50, 100, 200)
    assert quarter < half < whole
    assert bank_sample(200, 0.25) == sorted(quarter)


def test_the_whole_variant_ranks_as_the_index_itself(small: Assistant) -> None:
    retriever = Retriever(variant(small.index, 1.0, None), HashEncoder())
    for ask in ASKS:
        wanted = [hit.row for hit in small.retriever.retrieve(ask.query)]
        assert [hit.row for hit in retriever.retrieve(ask.query)] == wanted


def test_a_variant_reads_no_bank_but_its_own(small_settings: Settings) -> None:
    line = '{"id": "u1", "query": "龙头多少钱一个", "type": "near_miss"}\n'
    (small_settings.corpus_dir / "unanswerable.jsonl").write_text(line, encoding="utf-8")
    build_index(small_settings, HashEncoder())
    index = load_index(small_settings, HashEncoder())
    assert index.bank_graph is not None
    for share in (0.0, 1.0):
        part = variant(index, share, None)
        scored = Retriever(part, HashEncoder())
        found = scored.score(scored.read("更换龙头的费用"))
        assert (found.questions.size, found.outside.size) == (len(part.questions), 0)
        assert "phrasing" not in found.views


def test_every_ablation_row_runs(small: Assistant, tmp_path: Path) -> None:
    plain = Tokenizer(cache_dir=tmp_path)
    found = ablate(small, ASKS, (), "q.jsonl", ABOUT, plain)
    assert [row.name for row in found.rows] == list(ROWS)
    assert found.n == 3
    assert "--row bank-25" in to_text(ablation_table(found))
    one = ablate(small, ASKS, ["dense"], "q.jsonl", ABOUT, plain)
    assert one.rows[0] == found.rows[1]
    with pytest.raises(InputError, match="没有名为“x”的对照"):
        ablate(small, ASKS, ["x"], "q.jsonl", ABOUT, plain)


def test_plots_are_well_formed_and_deterministic() -> None:
    found = refusal_report([0.9, 0.8, 0.2, 0.1], [True, True, False, False], [True, False] * 2)
    for svg in (
        reliability_diagram(found.bins),
        coverage_risk(found.curve),
        by_type({"a<b": found.brier, "none": found.brier.model_copy(update={"value": None})}, "t"),
    ):
        assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert coverage_risk(found.curve) == coverage_risk(found.curve)


def test_the_results_page_carries_where_its_figures_come_from(
    small: Assistant, tmp_path: Path
) -> None:
    judged = ask_all(small, small.index.documents, ASKS)
    answers = report(judged, "q.jsonl", ABOUT)
    dataset, _ = to_dataset(ASKS, small.index.passages, "g", "dev")
    ids = [p.id for p in small.index.passages]
    methods = measure_methods(dataset, {"hybrid": small.retriever.retrieve}, ids, ["R@1"], None)
    from eval.retrieval import RetrievalReport

    retrieval = RetrievalReport(provenance=ABOUT, dataset="g", split="dev", passages=len(ids),
                                queries=3, tie_rule="", methods=methods)  # fmt: skip
    tokenizer = Tokenizer(cache_dir=tmp_path)
    bench = Bench("dev", answers, answers, ablate(small, ASKS, ["bm25"], "q", ABOUT, tokenizer),
                  lint(ASKS, small.index.documents.values(), {}, tokenizer), retrieval)  # fmt: skip
    write_results(bench, "make bench", tmp_path / "RESULTS.md", tmp_path / "plots")
    page = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    for wanted in ("sha256:x", ABOUT.date, "numpy", "python -m eval", "optimistic"):
        assert wanted in page
    pictures = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert len(pictures) == 4
    assert all(name in page for name in pictures)


def test_resident_memory_is_told_where_the_system_tells_it() -> None:
    found = resident_mb()
    assert found is None or found > 1
