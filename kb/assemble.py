"""Settings -> a ready ``Assistant``: encoder, index, calibration put together; doors call this."""

from __future__ import annotations

import gc
from collections.abc import Callable

from kb.answer import Assistant
from kb.answerable import Judge, load_calibration
from kb.build import build_index
from kb.corpus import calibration_path, corpus_hashes
from kb.embeddings import CachedEncoder
from kb.encoder import Encoder, OnnxEncoder
from kb.encoders import load_encoder
from kb.errors import IndexFolderError
from kb.index import check_fresh, load_index, read_manifest
from kb.memory import give_back
from kb.retrieve import Retriever
from kb.settings import Settings

__all__ = ["fresh_index", "open_assistant", "rebuild"]

Progress = Callable[[str], None]


def rebuild(settings: Settings, progress: Progress) -> str:
    """Build the index: passages by sentence-transformers, bank questions as queries are encoded.

    Vectors of unchanged texts come from the last build. Returns the index's name.
    """
    corpus_hashes(settings.corpus_dir)  # a missing corpus is said before anything slow begins
    progress("准备编码器……")
    folder = settings.data_dir / "embeddings"
    encoder = load_encoder(settings.encoder, settings.data_dir, serving=False)
    passages = CachedEncoder(encoder, folder, "passages")
    asker = load_encoder(settings.encoder, settings.data_dir)
    queries = CachedEncoder(asker, folder, f"queries-{_kind(asker)}")
    name = build_index(settings, passages, progress, queries)
    passages.save()
    queries.save()
    return name


def _kind(asker: Encoder) -> str:
    """Names what else than the weights makes a query's vector: the export's precision and format."""
    if isinstance(asker, OnnxEncoder):
        return f"{asker.record.precision}-{asker.record.format}"
    return "torch"


def fresh_index(settings: Settings) -> str | None:
    """The name of the index in the folder where it is whole and up to date, None otherwise."""
    try:
        check_fresh(read_manifest(settings.index_dir), settings)
        encoder = load_encoder(settings.encoder, settings.data_dir)
        return load_index(settings, encoder).id
    except IndexFolderError:
        return None


def open_assistant(settings: Settings) -> Assistant:
    """Open the index and the serving encoder.

    Raises:
        KBError: the corpus, the encoder or the index is not usable; the message names the cure.
    """
    manifest = read_manifest(settings.index_dir)
    check_fresh(manifest, settings)
    encoder = load_encoder(settings.encoder, settings.data_dir)
    index = load_index(settings, encoder)
    calibrations = load_calibration(calibration_path(settings.corpus_dir))
    assistant = Assistant(Retriever(index, encoder), Judge(index, calibrations))
    gc.collect()
    give_back()
    gc.freeze()  # what is loaded stays; looking through it again would hold up answers (60 ms)
    return assistant
