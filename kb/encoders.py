"""The name of an encoder -> the encoder, ready to use: torch to build, onnxruntime to serve."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from kb.encoder import (
    BUILTIN,
    EXPORT_FORMAT,
    Encoder,
    OnnxEncoder,
    Precision,
    SentenceTransformerEncoder,
    find_folder,
    name_of,
    read_record,
    stated_format,
)
from kb.onnx_export import UnsupportedError, export_onnx
from kb.weights import BUILTIN_FINGERPRINT, builtin_folder, folder_fingerprint

__all__ = ["load_encoder"]

log = logging.getLogger(__name__)


def load_encoder(
    spec: str, data_dir: Path, serving: bool = True, precision: Precision = "int8"
) -> Encoder:
    """Return the encoder named by ``spec``, ready to use.

    ``serving=False`` runs torch and encodes the passages of an index. ``serving=True`` runs
    onnxruntime and encodes queries; the first call exports into ``data_dir/encoders`` (needs
    torch and onnx, about half a minute), later calls never import them. Both carry the same name
    and fingerprint, so an index built by the one is searched with the other. A model that cannot
    be exported is served with torch, and not tried again.

    Args:
        spec: ``builtin``, a model folder, or a Hugging Face model name.
        data_dir: where wheels, converted models and exports are kept.
        serving: whether queries are to be served, or an index built.
        precision: of the export; torch always runs float32.

    Raises:
        EncoderError: the encoder cannot be found, converted or loaded.
    """
    name = name_of(spec)
    if not serving:
        return SentenceTransformerEncoder(_model_folder(spec, data_dir), name)
    fingerprint = BUILTIN_FINGERPRINT if spec == BUILTIN else folder_fingerprint(find_folder(spec))
    safe = re.sub(r"[^\w.-]+", "-", name)
    folder = data_dir / "encoders" / f"{safe}-{fingerprint[:12]}-{precision}"
    if not _is_current(folder):
        model = SentenceTransformerEncoder(_model_folder(spec, data_dir), name)
        if (refusal := _export(model, folder, precision)) is not None:
            log.warning("%s", refusal)
            return model
    return OnnxEncoder(folder, wide=True)


def _export(model: SentenceTransformerEncoder, folder: Path, precision: Precision) -> str | None:
    """Export a model; returns why it cannot be, which a file remembers, or None."""
    refused = folder.with_name(f"{folder.name}.refused-{EXPORT_FORMAT}")
    if refused.exists():
        return refused.read_text(encoding="utf-8")
    try:
        export_onnx(model, folder, precision)
    except UnsupportedError as error:
        refused.parent.mkdir(parents=True, exist_ok=True)
        refused.write_text(str(error), encoding="utf-8")
        return str(error)
    return None


def _is_current(folder: Path) -> bool:
    """Whether a finished export of today's format stands in ``folder``; a damaged one is an error."""
    if not (folder / "encoder.json").is_file():
        return False
    return stated_format(folder) in (None, EXPORT_FORMAT) and bool(read_record(folder))


def _model_folder(spec: str, data_dir: Path) -> Path:
    return builtin_folder(data_dir) if spec == BUILTIN else find_folder(spec)
