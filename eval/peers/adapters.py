"""One class a peer: made cheaply, then ``build`` or ``load``, then ``search``.

``build`` takes the texts in and ``save`` writes what ``load`` opens in another process, by the
ways that each peer documents; after ``load`` the next search waits for nothing. Nothing of this
project is imported at the top but the standard library, so that an adapter runs in the peer's own
virtual environment; each peer is imported only when its adapter is made. The encoder is of the E5
family, whose queries and passages carry prefixes; they are given to each peer by the option that
its documentation names for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

__all__ = ["ADAPTERS", "PEERS", "Peer"]

QUERY, PASSAGE = "query: ", "passage: "


class Peer(Protocol):
    """A retrieval system."""

    def open(self) -> None:
        """Load what building needs, the encoder above all."""

    def build(self, texts: Sequence[str]) -> None:
        """Index the texts."""

    def save(self, folder: Path) -> None:
        """Write what ``build`` made."""

    def load(self, folder: Path) -> None:
        """Open what ``save`` wrote, ready to search."""

    def search(self, query: str, k: int) -> list[str]:
        """The best texts for a query, best first."""


class Txtai:
    """``txtai.Embeddings``, vectors alone or with its hybrid option (BM25 with them)."""

    def __init__(self, encoder: str, hybrid: bool = False) -> None:
        self._txtai: Any = import_module("txtai")
        self._options: dict[str, Any] = {
            "path": encoder,
            "content": True,
            "hybrid": hybrid,
            "instructions": {"query": QUERY, "data": PASSAGE},
        }
        self._embeddings: Any = None

    def open(self) -> None:
        """``txtai.Embeddings(...)`` loads the model."""
        self._embeddings = self._txtai.Embeddings(**self._options)

    def build(self, texts: Sequence[str]) -> None:
        """``embeddings.index(data)``."""
        self._embeddings.index(list(texts))

    def save(self, folder: Path) -> None:
        """``embeddings.save(path)``."""
        self._embeddings.save(str(folder))

    def load(self, folder: Path) -> None:
        """``Embeddings().load(path)`` loads the model as well."""
        self._embeddings = self._txtai.Embeddings()
        self._embeddings.load(str(folder))

    def search(self, query: str, k: int) -> list[str]:
        """``embeddings.search(query, k)``."""
        return [row["text"] for row in self._embeddings.search(query, k)]


class Haystack:
    """Haystack's embedding retrieval, or its documented hybrid: BM25 beside it, joined by rank."""

    def __init__(self, encoder: str, hybrid: bool = False) -> None:
        self._haystack: Any = import_module("haystack")
        self._embedders: Any = import_module(
            "haystack_integrations.components.embedders.sentence_transformers"
        )
        self._retrievers: Any = import_module("haystack.components.retrievers.in_memory")
        self._joiners: Any = import_module("haystack.components.joiners")
        stores: Any = import_module("haystack.document_stores.in_memory")
        self._stores: Any = stores.InMemoryDocumentStore
        self._encoder, self._hybrid = encoder, hybrid
        self._documents: Any = None
        self._store: Any = None
        self._pipeline: Any = None

    def open(self) -> None:
        """A store, and the embedder of documents warmed up."""
        self._store = self._stores(embedding_similarity_function="cosine")
        self._documents = self._embedders.SentenceTransformersDocumentEmbedder(
            model=self._encoder, prefix=PASSAGE, progress_bar=False
        )
        self._documents.warm_up()

    def build(self, texts: Sequence[str]) -> None:
        """Embed and write documents."""
        documents = [self._haystack.Document(content=text) for text in texts]
        self._store.write_documents(self._documents.run(documents)["documents"])

    def save(self, folder: Path) -> None:
        """``store.save_to_disk``."""
        folder.mkdir(exist_ok=True)
        self._store.save_to_disk(str(folder / "store.json"))

    def load(self, folder: Path) -> None:
        """``InMemoryDocumentStore.load_from_disk`` and a pipeline warmed up."""
        self._store = self._stores.load_from_disk(str(folder / "store.json"))
        self._assemble()

    def _assemble(self) -> None:
        embedder = self._embedders.SentenceTransformersTextEmbedder(
            model=self._encoder, prefix=QUERY, progress_bar=False
        )
        pipeline: Any = self._haystack.Pipeline()
        pipeline.add_component("embedder", embedder)
        pipeline.add_component("dense", self._retrievers.InMemoryEmbeddingRetriever(self._store))
        pipeline.connect("embedder.embedding", "dense.query_embedding")
        if self._hybrid:
            pipeline.add_component("bm25", self._retrievers.InMemoryBM25Retriever(self._store))
            joiner = self._joiners.DocumentJoiner(join_mode="reciprocal_rank_fusion")
            pipeline.add_component("joiner", joiner)
            pipeline.connect("dense", "joiner")
            pipeline.connect("bm25", "joiner")
        pipeline.warm_up()
        self._pipeline = pipeline

    def search(self, query: str, k: int) -> list[str]:
        """``pipeline.run``."""
        if self._pipeline is None:  # searched where it was built
            self._assemble()
        inputs: dict[str, dict[str, Any]] = {"embedder": {"text": query}, "dense": {"top_k": k}}
        if self._hybrid:
            inputs["bm25"] = {"query": query, "top_k": k}
        found = self._pipeline.run(inputs)["joiner" if self._hybrid else "dense"]["documents"]
        return [document.content for document in found[:k]]


class LangChain:
    """``FAISS.from_texts`` and ``similarity_search``; or from whole documents by its splitter."""

    def __init__(self, encoder: str, split: bool = False) -> None:
        self._huggingface: Any = import_module("langchain_huggingface")
        self._stores: Any = import_module("langchain_community.vectorstores")
        self._encoder, self._split = encoder, split
        self._embeddings: Any = None
        self._store: Any = None

    def open(self) -> None:
        """``HuggingFaceEmbeddings(...)`` loads the model."""
        self._embeddings = self._huggingface.HuggingFaceEmbeddings(
            model_name=self._encoder,
            encode_kwargs={"prompt": PASSAGE},
            query_encode_kwargs={"prompt": QUERY},
        )

    def build(self, texts: Sequence[str]) -> None:
        """Split where asked (chunks of 1000 characters, 200 shared, as its tutorials do), index."""
        pieces = list(texts)
        if self._split:
            splitters: Any = import_module("langchain_text_splitters")
            splitter = splitters.RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
            pieces = [piece for text in texts for piece in splitter.split_text(text)]
        self._store = self._stores.FAISS.from_texts(pieces, self._embeddings)

    def save(self, folder: Path) -> None:
        """``store.save_local``."""
        self._store.save_local(str(folder))

    def load(self, folder: Path) -> None:
        """The embeddings and ``FAISS.load_local``; the pickle in it is our own of a moment ago."""
        self.open()
        self._store = self._stores.FAISS.load_local(
            str(folder), self._embeddings, allow_dangerous_deserialization=True
        )

    def search(self, query: str, k: int) -> list[str]:
        """``store.similarity_search``."""
        return [document.page_content for document in self._store.similarity_search(query, k=k)]


class Answering:
    """This project as it answers: ``Assistant.answer``, from the index that is there.

    ``build`` makes the views of a corpus without a question bank from the texts, as the peers do,
    to time it; what answers is always the index of the settings.
    """

    def __init__(self, encoder: str) -> None:
        self._assistant: Any = None
        self._building: Any = None

    def open(self) -> None:
        """The building encoder, in torch."""
        from kb.encoders import load_encoder
        from kb.settings import load_settings

        settings = load_settings()
        self._building = load_encoder(settings.encoder, settings.data_dir, serving=False)

    def build(self, texts: Sequence[str]) -> None:
        """Passage and sentence vectors, BM25."""
        from eval.growth.corpus import growth_material
        from kb.build import build_views
        from kb.index import make_tokenizer
        from kb.lexicon import Lexicon
        from kb.settings import load_settings

        build_views(
            growth_material(texts), make_tokenizer(load_settings(), Lexicon()), self._building
        )

    def save(self, folder: Path) -> None:
        """Nothing: the index is built by ``kb build``."""

    def load(self, folder: Path) -> None:
        """``open_assistant``, as the service does."""
        from kb.assemble import open_assistant
        from kb.settings import load_settings

        self._assistant = open_assistant(load_settings())

    def search(self, query: str, k: int) -> list[str]:
        """The quotes of the whole answer; a refusal has none, or near passages."""
        return [citation.quote for citation in self._assistant.answer(query).citations[:k]]


class Ours(Answering):
    """This project, refusal ignored: what the planner would cite, from the index that is there."""

    def open(self) -> None:
        """The index that is there, already built."""
        self.load(Path())

    def build(self, texts: Sequence[str]) -> None:
        """Nothing: the index is built by ``kb build``."""

    def search(self, query: str, k: int) -> list[str]:
        """The planner's places in order."""
        plan = self._assistant.explain(query).plan
        documents = self._assistant.index.documents
        places = (*plan.direct, *plan.related)[:k] if plan is not None else ()
        return [documents[p.document_id].text[p.start : p.end] for p in places]


class OursWithoutBank(Ours):
    """This project as a corpus without a question bank has it: fused passages, no plans."""

    def load(self, folder: Path) -> None:
        """The index that is there, its bank left out."""
        from eval.ablation import variant
        from kb.retrieve import Retriever

        super().load(folder)
        index = variant(self._assistant.index, 0.0, None)
        self._retriever: Any = Retriever(index, self._assistant.retriever.encoder)

    def search(self, query: str, k: int) -> list[str]:
        """The best passages."""
        passages = self._retriever.index.passages
        return [passages[hit.row].text for hit in self._retriever.retrieve(query, k)]


ADAPTERS: Mapping[str, Callable[[str], Peer]] = {
    "zhinan-kb": Ours,
    "zhinan-kb-no-bank": OursWithoutBank,
    "zhinan-kb-answering": Answering,
    "txtai": Txtai,
    "txtai-hybrid": lambda encoder: Txtai(encoder, hybrid=True),
    "haystack": Haystack,
    "haystack-hybrid": lambda encoder: Haystack(encoder, hybrid=True),
    "langchain-faiss": LangChain,
    "langchain-faiss-own-chunks": lambda encoder: LangChain(encoder, split=True),
}
PEERS = tuple(name for name in ADAPTERS if not name.startswith("zhinan-kb"))
