"""The documents for the page: parsed from the corpus at once, no encoder and no index needed."""

from __future__ import annotations

import threading

from kb.build import read_material
from kb.corpus import load_corpus
from kb.index import make_tokenizer
from kb.lexicon import read_terms
from kb.render import Shelf, make_shelf
from kb.service import Service

__all__ = ["Library"]


class Library:
    """Reads the corpus once and keeps its shelf."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._lock = threading.Lock()
        self._shelf: Shelf | None = None

    @property
    def shelf(self) -> Shelf:
        """The documents, passages and terms.

        Raises:
            KBError: the corpus cannot be read; the message names the cure.
        """
        with self._lock:
            if self._shelf is None:
                self._shelf = self._read()
            return self._shelf

    def _read(self) -> Shelf:
        settings = self.service.settings
        corpus = load_corpus(settings.corpus_dir)._replace(questions=(), outside=())
        tokenizer = make_tokenizer(settings, corpus.lexicon)
        material = read_material(corpus, tokenizer)
        terms = read_terms(corpus.documents, material.passages, corpus.lexicon)
        return make_shelf(material.documents, material.passages, terms)
