"""Vectors kept between builds, so that only changed texts are encoded again.

One ``.npz`` file per encoder fingerprint, in the data folder: the hash of side and text, and the
vector. It is a cache: a damaged file is set aside and everything is encoded anew.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kb.encoder import Encoder, FloatMatrix

__all__ = ["CachedEncoder"]

KEEP = 50_000


class CachedEncoder:
    """An encoder that remembers the vectors of earlier builds."""

    def __init__(self, encoder: Encoder, folder: Path, use: str) -> None:
        """Open the cache.

        Args:
            encoder: encodes what is not known yet.
            folder: holds the cache files.
            use: part of the file's name; two encoders of the same weights but different
                precision must not share a file.
        """
        self._encoder = encoder
        self._path = folder / f"{encoder.fingerprint[:16]}-{use}.npz"
        self._known = _read(self._path, encoder.dimension)
        self._used: dict[str, FloatMatrix] = {}

    @property
    def name(self) -> str:
        """Name of the encoder behind it."""
        return self._encoder.name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._encoder.dimension

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder behind it."""
        return self._encoder.fingerprint

    def encode_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Query vectors, ``(n, dimension)``; see ``Encoder``."""
        return self._encode("query", texts, self._encoder.encode_queries)

    def encode_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Passage vectors, ``(n, dimension)``; see ``Encoder``."""
        return self._encode("passage", texts, self._encoder.encode_passages)

    def _encode(
        self, side: str, texts: Sequence[str], encode: Callable[[Sequence[str]], FloatMatrix]
    ) -> FloatMatrix:
        keys = [hashlib.sha256(f"{side}\0{text}".encode()).hexdigest() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            vectors = encode(list(new.values()))
            self._known.update(zip(new, vectors, strict=True))
        self._used.update((key, self._known[key]) for key in keys)
        if not keys:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([self._known[key] for key in keys])

    def save(self) -> None:
        """Keep what this build used, and older vectors up to a limit."""
        if not self._used:
            return
        kept = dict(self._used)
        for key, vector in reversed(self._known.items()):
            if len(kept) >= max(KEEP, len(self._used)):
                break
            kept.setdefault(key, vector)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft.npz")
        np.savez(
            draft, keys=np.array(list(kept), dtype="U64"), vectors=np.stack(list(kept.values()))
        )
        draft.replace(self._path)


def _read(path: Path, dimension: int) -> dict[str, FloatMatrix]:
    try:
        with np.load(path, allow_pickle=False) as data:
            keys, vectors = data["keys"], np.asarray(data["vectors"], dtype=np.float32)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return {}
    if vectors.ndim != 2 or vectors.shape != (len(keys), dimension):
        return {}
    return dict(zip(keys.tolist(), vectors, strict=True))
