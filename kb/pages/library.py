"""The documents for the page: parsed from the corpus at once, no encoder and no index needed."""

from __future__ import annotations

import threading

from kb.build import read_material
from kb.corpus import NOT_DOCUMENTS, load_corpus
from kb.errors import KBError
from kb.index import make_tokenizer
from kb.lexicon import read_terms
from kb.pages.words import Words
from kb.parse import parse_file
from kb.render import Shelf, make_shelf
from kb.schema import Document
from kb.service import Service

__all__ = ["Library"]

OWN_GUIDE = "中小企业数字化转型指南"
EXAMPLES = (
    "没钱搞，政府给补贴吗？",
    "什么是低代码？",
    "转型第一步干什么？",
    "《指南》提出了哪14条举措？",
    "MES和APS有什么区别？",
    "服务商应该提供什么样的产品？",
)
EXAMPLES_EN = (
    "Does the government subsidise it?",
    "What is low-code?",
    "How can banks help?",
    "List all measures of the guide",
    "What is the difference between MES and APS?",
)
MANY = 6


class Library:
    """Reads the corpus once and keeps its shelf."""

    def __init__(
        self, service: Service, of: Library | None = None, words: Words | None = None
    ) -> None:
        self.service = service
        self._of = of
        self._lang, self._page_form = (words.lang, words.form("page")) if words else ("zh", "")
        self._lock = threading.Lock()
        self._shelf: Shelf | None = None
        self._asked: tuple[str, ...] = ()

    @property
    def shelf(self) -> Shelf:
        """The documents, passages and terms.

        Raises:
            KBError: the corpus cannot be read; the message names the cure.
        """
        if self._of is not None:
            return self._of.shelf._replace(page_form=self._page_form)
        with self._lock:
            if self._shelf is None:
                self._shelf = self._read()
            return self._shelf

    def in_language(self, words: Words) -> Library:
        """The same library with examples and page numbers in the words of a language."""
        return Library(self.service, self, words)

    @property
    def examples(self) -> tuple[str, ...]:
        """Questions to start with: our own for the guide, else some of the corpus's bank."""
        try:
            titles = [document.title for document in self.shelf.documents.values()]
        except KBError:
            return ()
        if any(OWN_GUIDE in title for title in titles):
            return EXAMPLES_EN if self._lang == "en" else EXAMPLES
        if self._of is not None:
            return self._of.examples
        return self._asked[:: max(1, len(self._asked) // MANY)][:MANY]

    def read_again(self, document_id: str) -> Document | None:
        """Parse one document from its file as it stands on disk now."""
        folder = self.service.settings.corpus_dir
        for path in sorted((*folder.glob("*.md"), *folder.glob("*.txt"))):
            if path.stem.lower() in NOT_DOCUMENTS:
                continue
            document = parse_file(path)
            if document.id == document_id:
                return document
        return None

    def _read(self) -> Shelf:
        settings = self.service.settings
        loaded = load_corpus(settings.corpus_dir)
        self._asked = tuple(question.query for question in loaded.questions)
        corpus = loaded._replace(questions=(), outside=(), followups=())
        tokenizer = make_tokenizer(settings, corpus.lexicon)
        material = read_material(corpus, tokenizer)
        terms = read_terms(corpus.documents, material.passages, corpus.lexicon)
        return make_shelf(material.documents, material.passages, terms)
