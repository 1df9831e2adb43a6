"""The nouns: documents, sections, passages, hits, citations, answers and the index manifest.

All offsets are Unicode code points into ``Document.text``; ``document.text[start:end]`` is the
quote, always. Models that cross disk, page or wire are frozen pydantic models with no room for
unknown fields; the retrieval loop uses NamedTuples.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["answered", "related", "not_found"]
Method = Literal["hybrid", "bm25", "dense"]
Role = Literal["demand", "supply", "authority"]


class Frozen(BaseModel):
    """Base of everything stored or sent: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Section(Frozen):
    """One heading and what stands under it.

    ``start:end`` is the heading line itself; ``body_end`` is where the section's content stops.
    ``path`` holds the headings from the top of the document down to this one.
    """

    id: str
    level: int = Field(ge=1)
    title: str
    path: tuple[str, ...]
    start: int
    end: int
    body_end: int
    page: int | None = None


class Paragraph(Frozen):
    """One body line of a document: ``document.text[start:end]``, and the section it stands in."""

    start: int
    end: int
    section_id: str
    page: int | None = None


class Document(Frozen):
    """A parsed document: its canonical text and the places of its headings and paragraphs."""

    id: str
    title: str
    text: str
    sections: tuple[Section, ...]
    paragraphs: tuple[Paragraph, ...]
    source: str = ""


class Passage(Frozen):
    """The unit of retrieval: a piece of one paragraph, never across a numbered point.

    ``text`` is what may be quoted and equals ``document.text[start:end]``; the heading path is
    kept apart. ``sentences`` are absolute offsets that cover ``start:end`` without gaps.
    """

    id: str
    document_id: str
    section_id: str
    section: tuple[str, ...]
    page: int | None
    start: int
    end: int
    text: str
    sentences: tuple[tuple[int, int], ...]
    role: Role | None = None

    @property
    def embedding_text(self) -> str:
        """What is encoded: the heading path, then the text."""
        return " ".join((*self.section, self.text))


class Hit(NamedTuple):
    """One ranked passage: its row in the index and its score (higher is better)."""

    row: int
    score: float


class Citation(Frozen):
    """A verbatim quote with its exact place; ``quote == document.text[start:end]``."""

    rank: int
    document_id: str
    passage_id: str
    section: tuple[str, ...]
    page: int | None
    start: int
    end: int
    quote: str
    highlights: tuple[tuple[int, int], ...]
    role: Literal["direct", "related"]


class Answer(Frozen):
    """What every door returns: status, citations and fixed template words, nothing generated."""

    query: str
    standalone_query: str
    status: Status
    reason: str | None
    confidence: float = Field(ge=0.0, le=1.0)
    citations: tuple[Citation, ...]
    suggestions: tuple[str, ...]
    message: str
    manifest: str


class SearchHit(Frozen):
    """One line of a search result, as the API and the command line print it."""

    rank: int
    score: float
    passage_id: str
    document_id: str
    start: int
    end: int
    quote: str
    section: tuple[str, ...]


class Term(Frozen):
    """A glossary entry: its names and where its definition stands."""

    name: str
    abbreviation: str | None
    aliases: tuple[str, ...]
    passage_id: str


class Evidence(Frozen):
    """A place that answers a question: verbatim quote and the document it stands in."""

    document_id: str
    quote: str


class BankQuestion(Frozen):
    """A question people ask: for each fact it needs, every place that gives that fact.

    ``listing`` names the list (see ``kb.outline``) that the question asks for as a whole.
    """

    id: str
    query: str = Field(min_length=1)
    voice: str
    listing: str | None = None
    evidence: tuple[tuple[Evidence, ...], ...] = Field(min_length=1)


class Asked(NamedTuple):
    """A bank question as the index keeps it: its evidence has become the index's targets."""

    id: str
    query: str
    voice: str
    listing: str | None


class OutsideQuestion(Frozen):
    """A question that the documents do not answer; ``near`` is the passage nearest in subject."""

    id: str
    query: str = Field(min_length=1)
    type: str
    near: str | None = None


class FollowUp(Frozen):
    """What people ask next: a message typed after a passage was shown, and what answers it there.

    ``first`` is the question that the passage answered, kept for whoever reads the bank, and ``after``
    a quote of it; ``evidence`` is empty where the documents do not answer the message.
    """

    id: str
    query: str = Field(min_length=1)
    first: str = Field(min_length=1)
    after: Evidence
    evidence: tuple[tuple[Evidence, ...], ...] = ()


class Target(NamedTuple):
    """Where a bank question is answered: a passage row and the evidence's offsets."""

    row: int
    start: int
    end: int
    fact: int


class Manifest(Frozen):
    """What an index was made from; equal inputs give equal manifests (no time stamp)."""

    format: int
    encoder: str
    encoder_hash: str
    dimension: int
    settings: dict[str, str | int | float]
    corpus: dict[str, str]
    counts: dict[str, int]
    files: dict[str, str]
