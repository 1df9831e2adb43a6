"""The growth benchmark from folder to report, and its tables."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from eval.faults import read_lines, refuse
from eval.growth.corpus import read_pieces
from eval.growth.many import ManyReport, measure_many
from eval.growth.measure import SizeReport, measure_size
from eval.growth.vectors import noisy_copies
from eval.intervals import SEED
from eval.material import BlockEncoder
from eval.provenance import Provenance
from eval.tables import Table, share
from kb.schema import Frozen
from kb.settings import Settings, cores

__all__ = ["GrowthReport", "growth_tables", "measure_growth"]

ASKED = 220
Progress = Callable[[str], None]


class GrowthReport(Frozen):
    """All sizes, and the many vectors; ``encoded`` passages have vectors of their own."""

    provenance: Provenance
    machine: str
    cores: int
    encoded: int
    sizes: tuple[SizeReport, ...]
    many: ManyReport | None


def measure_growth(
    folder: Path,
    sizes: Sequence[int],
    vectors: int | None,
    encode: int | None,
    keep: Path | None,
    settings: Settings,
    describe: Callable[[str], Provenance],
    progress: Progress,
) -> GrowthReport:
    """Measure every size, then ``vectors`` vectors.

    Args:
        folder: holds ``corpus.jsonl`` and ``queries.jsonl`` files at any depth.
        sizes: numbers of passages.
        vectors: how many vectors dense search alone is measured over, or None.
        encode: how many passages are encoded; the others get noisy copies. None: all.
        keep: where indexes are kept and found again; None for a temporary folder.
        settings: the project's settings.
        describe: encoder name -> provenance.
        progress: told what is being done.
    """
    pieces = read_pieces(folder, max(sizes))
    asked = _queries(folder)
    encoder = BlockEncoder(settings, progress)
    real = encoder.encode_passages(pieces[: encode or len(pieces)])
    known = noisy_copies(real, len(pieces))
    with nullcontext(str(keep)) if keep else tempfile.TemporaryDirectory() as place:
        Path(place).mkdir(parents=True, exist_ok=True)
        measured = [
            measure_size(
                pieces[:size],
                known[:size],
                asked,
                encoder,
                settings,
                Path(place) / f"passages-{size}",
                progress,
            )
            for size in sizes
        ]
        many = None
        if vectors:
            queries = encoder.encode_queries(asked)
            many = measure_many(real, queries, vectors, Path(place), progress)
    return GrowthReport(
        provenance=describe(encoder.name),
        machine=f"{platform.system()} {platform.machine()}",
        cores=cores(),
        encoded=len(real),
        sizes=tuple(measured),
        many=many,
    )


def _queries(folder: Path) -> list[str]:
    """A seeded sample of the queries of every dataset."""
    faults: list[str] = []
    found: dict[str, None] = {}
    for path in sorted(folder.rglob("queries.jsonl")):
        for _, line in read_lines(path, faults):
            found[" ".join(str(json.loads(line)["text"]).split())] = None
    if len(found) < ASKED:
        faults.append(f"“{folder}”里的queries.jsonl不足{ASKED}个问题，请补充。")
    refuse(faults)
    texts = list(found)
    return [texts[i] for i in np.random.default_rng(SEED).permutation(len(texts))[:ASKED]]


def growth_tables(report: GrowthReport) -> list[Table]:
    """Sizes across; the many vectors below."""
    sizes = report.sizes
    rows = [
        ["sentence vectors", *(f"{s.sentences:,}" for s in sizes)],
        ["index of passages / sentences", *(f"{s.index['passages']} / {s.index['sentences']}" for s in sizes)],
        ["build, vectors known, s", *(share(s.build_s, 1) for s in sizes)],
        ["on disk, MiB", *(share(s.disk_mb, 0) for s in sizes)],
        ["load, s", *(share(s.probed.load_s, 2) for s in sizes)],
        ["resident, index alone, MiB", *(share(s.probed.index_mb, 0) for s in sizes)],
        ["hybrid p50, ms", *(share(s.probed.p50_ms, 1) for s in sizes)],
        ["hybrid p99, ms", *(share(s.probed.p99_ms, 1) for s in sizes)],
        ["times the first size's p50", *(share(s.probed.p50_ms / sizes[0].probed.p50_ms, 2) for s in sizes)],
        ["of it: encoding the query, ms", *(share(s.probed.encode_p50_ms, 1) for s in sizes)],
        *[
            [f"of it: {name}, ms", *(share(s.probed.parts_ms[name], 2) for s in sizes)]
            for name in sizes[0].probed.parts_ms
        ],
        ["recall@10 of passage vectors", *(share(s.recall) for s in sizes)],
        ["hybrid's ten shared with exact", *(share(s.agreement) for s in sizes)],
        ["load average after it", *(share(s.load, 1) for s in sizes)],
    ]  # fmt: skip
    note = (
        f"{report.machine}, {report.cores} cores; {sizes[0].probed.queries} queries after a warm-up; "
        f"{report.encoded:,} passages encoded, vectors of the others and of clauses are noisy copies."
    )
    heads = ("figure", *(f"{s.passages:,} passages" for s in sizes))
    tables = [Table("Growth", heads, rows, note, report.provenance.command)]
    if report.many is not None:
        tables.append(_many_table(report.many))
    return tables


def _many_table(many: ManyReport) -> Table:
    rows = [
        ["index", many.index],
        ["build by one thread, s", share(many.build_s, 0)],
        ["bytes per vector", share(many.bytes_per_vector, 0)],
        [f"resident after {many.queries} queries, MiB", share(many.resident_mb, 0)],
        ["p50, ms", share(many.p50_ms, 2)],
        ["p99, ms", share(many.p99_ms, 2)],
        ["recall@10", share(many.recall)],
        ["load average after it", share(many.load, 1)],
    ]
    note = (
        f"{many.real:,} real vectors, the others noisy copies of them (see eval/growth/vectors.py)."
    )
    return Table(f"{many.vectors:,} vectors", ("figure", "value"), rows, note)
