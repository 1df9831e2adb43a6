"""One class a peer: ``build`` takes the passages in, ``search`` gives texts, best first.

Nothing of this project is imported here but the standard library, so that an adapter runs in the
peer's own virtual environment; each peer is imported only when its adapter is made. The encoder is
of the E5 family, whose queries and passages carry prefixes; they are given to each peer by the
option that its documentation names for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

__all__ = ["ADAPTERS", "Peer"]

QUERY, PASSAGE = "query: ", "passage: "


class Peer(Protocol):
    """A retrieval system."""

    def build(self, texts: Sequence[str]) -> None:
        """Index the texts."""

    def search(self, query: str, k: int) -> list[str]:
        """The best texts for a query, best first."""


class Txtai:
    """``txtai.Embeddings``, vectors alone or with its hybrid option (BM25 with them)."""

    def __init__(self, encoder: str, hybrid: bool = False) -> None:
        txtai: Any = import_module("txtai")
        self._embeddings: Any = txtai.Embeddings(
            path=encoder,
            content=True,
            hybrid=hybrid,
            instructions={"query": QUERY, "data": PASSAGE},
        )

    def build(self, texts: Sequence[str]) -> None:
        """``embeddings.index(data)``."""
        self._embeddings.index(list(texts))

    def search(self, query: str, k: int) -> list[str]:
        """``embeddings.search(query, k)``."""
        return [row["text"] for row in self._embeddings.search(query, k)]


class Haystack:
    """Haystack's embedding retrieval, or its documented hybrid: BM25 beside it, joined by rank."""

    def __init__(self, encoder: str, hybrid: bool = False) -> None:
        embedders: Any = import_module(
            "haystack_integrations.components.embedders.sentence_transformers"
        )
        memory: Any = import_module("haystack.components.retrievers.in_memory")
        stores: Any = import_module("haystack.document_stores.in_memory")
        self._store: Any = stores.InMemoryDocumentStore(embedding_similarity_function="cosine")
        self._documents: Any = embedders.SentenceTransformersDocumentEmbedder(
            model=encoder, prefix=PASSAGE, progress_bar=False
        )
        self._hybrid = hybrid
        self._pipeline: Any = import_module("haystack").Pipeline()
        embedder = embedders.SentenceTransformersTextEmbedder(
            model=encoder, prefix=QUERY, progress_bar=False
        )
        self._pipeline.add_component("embedder", embedder)
        self._pipeline.add_component("dense", memory.InMemoryEmbeddingRetriever(self._store))
        self._pipeline.connect("embedder.embedding", "dense.query_embedding")
        if hybrid:
            self._pipeline.add_component("bm25", memory.InMemoryBM25Retriever(self._store))
            joiners: Any = import_module("haystack.components.joiners")
            joiner = joiners.DocumentJoiner(join_mode="reciprocal_rank_fusion")
            self._pipeline.add_component("joiner", joiner)
            self._pipeline.connect("dense", "joiner")
            self._pipeline.connect("bm25", "joiner")

    def build(self, texts: Sequence[str]) -> None:
        """Embed and write documents."""
        haystack: Any = import_module("haystack")
        if hasattr(self._documents, "warm_up"):
            self._documents.warm_up()
        documents = [haystack.Document(content=text) for text in texts]
        self._store.write_documents(self._documents.run(documents)["documents"])

    def search(self, query: str, k: int) -> list[str]:
        """``pipeline.run``."""
        inputs: dict[str, dict[str, Any]] = {"embedder": {"text": query}, "dense": {"top_k": k}}
        if self._hybrid:
            inputs["bm25"] = {"query": query, "top_k": k}
        found = self._pipeline.run(inputs)["joiner" if self._hybrid else "dense"]["documents"]
        return [document.content for document in found[:k]]


class LangChain:
    """``FAISS.from_texts`` and ``similarity_search``; or from whole documents by its splitter."""

    def __init__(self, encoder: str, split: bool = False) -> None:
        huggingface: Any = import_module("langchain_huggingface")
        self._split = split
        self._store: Any = None
        self._embeddings: Any = huggingface.HuggingFaceEmbeddings(
            model_name=encoder,
            encode_kwargs={"prompt": PASSAGE},
            query_encode_kwargs={"prompt": QUERY},
        )

    def build(self, texts: Sequence[str]) -> None:
        """Split where asked (chunks of 1000 characters, 200 shared, as its tutorials do), index."""
        stores: Any = import_module("langchain_community.vectorstores")
        splitters: Any = import_module("langchain_text_splitters")
        pieces = list(texts)
        if self._split:
            splitter = splitters.RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
            pieces = [piece for text in texts for piece in splitter.split_text(text)]
        self._store = stores.FAISS.from_texts(pieces, self._embeddings)

    def search(self, query: str, k: int) -> list[str]:
        """``store.similarity_search``."""
        return [document.page_content for document in self._store.similarity_search(query, k=k)]


class Ours:
    """This project, refusal ignored: what the planner would cite, from the index that is there."""

    def __init__(self, encoder: str) -> None:
        from kb.assemble import open_assistant
        from kb.settings import load_settings

        self._assistant: Any = open_assistant(load_settings())

    def build(self, texts: Sequence[str]) -> None:
        """Nothing: the index is built by ``kb build``."""

    def search(self, query: str, k: int) -> list[str]:
        """The planner's places in order."""
        plan = self._assistant.explain(query).plan
        documents = self._assistant.index.documents
        places = (*plan.direct, *plan.related)[:k] if plan is not None else ()
        return [documents[p.document_id].text[p.start : p.end] for p in places]


class OursWithoutBank:
    """This project as a corpus without a question bank has it: fused passages, no plans."""

    def __init__(self, encoder: str) -> None:
        from eval.ablation import variant
        from kb.retrieve import Retriever

        assistant = Ours(encoder)._assistant
        index = variant(assistant.index, 0.0, None)
        self._retriever: Any = Retriever(index, assistant.retriever.encoder)

    def build(self, texts: Sequence[str]) -> None:
        """Nothing: the index is built by ``kb build``."""

    def search(self, query: str, k: int) -> list[str]:
        """The best passages."""
        passages = self._retriever.index.passages
        return [passages[hit.row].text for hit in self._retriever.retrieve(query, k)]


ADAPTERS: Mapping[str, Callable[[str], Peer]] = {
    "zhinan-kb": Ours,
    "zhinan-kb-no-bank": OursWithoutBank,
    "txtai": Txtai,
    "txtai-hybrid": lambda encoder: Txtai(encoder, hybrid=True),
    "haystack": Haystack,
    "haystack-hybrid": lambda encoder: Haystack(encoder, hybrid=True),
    "langchain-faiss": LangChain,
    "langchain-faiss-own-chunks": lambda encoder: LangChain(encoder, split=True),
}
