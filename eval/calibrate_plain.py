"""Fit the refusal model for corpora without banks: ``python -m eval.calibrate_plain DIR``.

``DIR`` is a BEIR folder with an ``unanswerable.jsonl`` beside its queries, such as policy-pass-dev.
Features are those of ``kb.answerable`` that need no bank; figures are cross-validated over questions.
The coefficients go to the ``plain`` model of ``corpus/calibration.json``; no data are copied.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from eval.beir import load_dataset
from eval.calibrate import (
    OUT,
    Sample,
    best_strength,
    choose_threshold,
    fit,
    matrix,
    write,
)
from eval.material import BlockEncoder, make_index, to_material
from kb.answerable import Judge, load_calibration
from kb.index import make_tokenizer
from kb.lexicon import Lexicon
from kb.plans import Planner
from kb.retrieve import Retriever
from kb.settings import load_settings


def samples(folder: Path) -> Iterator[Sample]:
    """Answerable queries of the set, and as many of its unanswerable ones."""
    settings = load_settings()
    dataset = load_dataset(folder)
    encoder = BlockEncoder(settings, lambda m: print(m, file=sys.stderr))
    tokenizer = make_tokenizer(settings, Lexicon())
    index = make_index(to_material(dataset.corpus), tokenizer, encoder, lambda _: None)
    retriever = Retriever(index, encoder)
    planner, judge = Planner(retriever), Judge(index, load_calibration(OUT))
    rows = (folder / "unanswerable.jsonl").read_text(encoding="utf-8").splitlines()
    outside = [json.loads(line)["text"] for line in rows]
    inside = list(dataset.queries.values())
    for text, answerable in [*((t, True) for t in inside), *((t, False) for t in outside)]:
        query = retriever.read(text)
        scored = retriever.score(query)
        features = judge.features(query, scored, planner.plan(query, scored))
        yield Sample(features, answerable, "plain", text, text)


def main() -> None:
    """Fit, report and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    found = list(samples(options.folder))
    names = sorted({name for s in found for name in s.features})
    y = np.array([s.answerable for s in found])
    auroc, c, probability = best_strength(found, names)
    threshold = choose_threshold(probability, y)
    answered = (probability[:, y] >= threshold).mean()
    refused = (probability[:, ~y] < threshold).mean()
    print(f"{y.sum()} answerable, {(~y).sum()} not; cross-validated AUROC {auroc:.4f}, C {c}")
    print(f"threshold {threshold}: answered {answered:.3f}, refused {refused:.3f}")
    for name in names:
        values = np.array([s.features.get(name, 0.0) for s in found])
        print(f"  {name:16s} alone {roc_auc_score(y, values):.3f}")
    scaler, model = fit(matrix(found, names), y, c)
    write(options.out, names, scaler, model, threshold, "plain")


if __name__ == "__main__":
    main()
