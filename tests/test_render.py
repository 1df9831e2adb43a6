"""Quotes survive HTML, Markdown and Word; nothing typed or quoted becomes mark-up."""

from __future__ import annotations

import io
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kb.export import escape_markdown, handout_docx, handout_markdown
from kb.render import (
    Html,
    Place,
    Shelf,
    el,
    escape,
    make_shelf,
    official_citation,
    place_line,
    quote_html,
    reference,
    source_line,
    term_spans,
    to_text,
    verdict_text,
)
from kb.schema import Answer, Citation, Document, Passage, Section, Term
from kb.verify import Verdict

TEXT = "1. MES（制造执行系统）：指**系统**。\n<b>用MES</b> & “由点及面”。\n某办公厅近日印发了《节水指南》（以下简称《指南》）。"


class TextOf(HTMLParser):
    """Collects what a browser calls ``textContent``, and the names of the elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.names: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)


def text_of(html: str) -> TextOf:
    parser = TextOf()
    parser.feed(html)
    parser.close()
    return parser


@pytest.fixture
def shelf() -> Shelf:
    section = Section(
        id="guide:1", level=2, title="一、总则", path=("一、总则",), start=0, end=4, body_end=90
    )
    document = Document(
        id="guide", title="《节水指南》全文", text=TEXT, sections=(section,), paragraphs=()
    )
    passage = Passage(
        id="guide:1-p1", document_id="guide", section_id="guide:1", section=("一、总则",), page=3,
        start=0, end=TEXT.index("\n"), text=TEXT[: TEXT.index("\n")], sentences=((0, 10),),
    )  # fmt: skip
    term = Term(name="制造执行系统", abbreviation="MES", aliases=(), passage_id="guide:1-p1")
    return make_shelf({"guide": document}, [passage], [term])


def citation(start: int, end: int, *marks: tuple[int, int], role: str = "direct") -> Citation:
    return Citation.model_validate(
        {
            "rank": 1, "document_id": "guide", "passage_id": "guide:1-p1", "section": ("一、总则",),
            "page": 3, "start": start, "end": end, "quote": TEXT[start:end], "highlights": marks,
            "role": role,
        }
    )  # fmt: skip


def answer(*citations: Citation, query: str = "什么是<MES>？") -> Answer:
    return Answer(
        query=query, standalone_query=query, status="answered", reason=None, confidence=0.9,
        citations=citations, suggestions=("还有吗",), message="以下为原文。", manifest="sha256:0",
    )  # fmt: skip


@given(st.data())
def test_textcontent_is_the_quote_whatever_is_marked(data: st.DataObject) -> None:
    text = data.draw(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
    )
    ends = st.integers(0, len(text))
    marks = data.draw(st.lists(st.tuples(ends, ends).map(lambda p: (min(p), max(p))), max_size=3))
    name = data.draw(st.sampled_from([text[:2], text[1:3], "MES"])) or "x"
    document = Document(id="d", title="d", text=text, sections=(), paragraphs=())
    term = Term(name=name, abbreviation=None, aliases=(), passage_id="none")
    shelf = make_shelf({"d": document}, [], [term])
    start = data.draw(st.integers(0, len(text) - 1))
    html = quote_html(Place("d", start, len(text), tuple(marks)), shelf)
    found = text_of(html)
    assert found.text == text[start:]
    assert set(found.names) <= {"blockquote", "mark", "span"}


def test_marks_and_terms(shelf: Shelf) -> None:
    at = TEXT.index("<b>")
    html = quote_html(Place("guide", at, len(TEXT), ((at, at + 6),)), shelf)
    assert "<mark>&lt;b&gt;用" in html
    assert html.count('class="kb-term"') == 1
    assert 'aria-describedby="kb-term-0"' in html


def test_a_term_is_not_explained_in_its_own_definition(shelf: Shelf) -> None:
    assert "kb-term" not in quote_html(Place("guide", 0, 20), shelf)


def test_term_spans_take_whole_latin_words() -> None:
    term = Term(name="制造执行系统", abbreviation="MES", aliases=("车间系统",), passage_id="p")
    assert term_spans("MESH与mes和车间系统", [term]) in ([(5, 8, 0)], [(9, 13, 0)])
    assert term_spans("GAMES", [term]) == []


def test_elements_escape_text_and_attributes() -> None:
    assert el("p", "a<b", class_="x", data_kb='"', hidden=True, title=None) == (
        '<p class="x" data-kb="&quot;" hidden>a&lt;b</p>'
    )
    assert el("p", el("b", "x")) == "<p><b>x</b></p>"
    assert el("input", type="text") == '<input type="text">'
    assert escape(Html("<b>")) == "<b>"


def test_places_and_citations(shelf: Shelf) -> None:
    cited = citation(0, 5)
    assert place_line(cited, shelf) == "《指南》全文 › 一、总则 · 第3页"
    assert place_line(cited) == "guide › 一、总则 · 第3页"
    assert official_citation(cited, shelf) == (
        f"《节水指南》全文（某办公厅印发）“一、总则”（课件第3页）：\n{TEXT[:5]}"
    )
    assert reference(cited, shelf) == "某办公厅. 节水指南[Z]. [出版年不详]: 课件第3页."
    assert source_line(shelf, "guide:1-p1") == "《指南》全文 › 一、总则 › MES · 第3页"
    assert source_line(shelf, "guide:1") == "《指南》全文 › 一、总则"
    assert source_line(shelf, "?") == "?"


def test_plain_text(shelf: Shelf) -> None:
    shown = to_text(answer(citation(0, 5), citation(5, 9, role="related")), shelf)
    assert TEXT[:5] in shown
    assert "【相关】" in shown
    assert "还有吗" in shown


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1))
@example(r"1.*a*__b__`c`<i>d</i>[e](f)\g#~~h~~|&&amp;﹏![x](y)")
@example("-a")
@example("12)b")
def test_markdown_shows_every_character(source: str) -> None:
    from markdown_it import MarkdownIt

    shown = text_of(MarkdownIt("gfm-like", {"linkify": False}).render(escape_markdown(source)))
    assert shown.text.strip() == source
    assert shown.names == ["p"]


def test_handout_markdown_holds_every_quote(shelf: Shelf) -> None:
    from markdown_it import MarkdownIt

    cited = citation(0, len(TEXT))
    page = text_of(MarkdownIt().render(handout_markdown([answer(cited)], shelf)))
    assert "".join(TEXT.split()) in "".join(page.text.split())
    assert "b" not in page.names
    assert "参考文献" in page.text


def test_handout_word_holds_every_quote(shelf: Shelf) -> None:
    import docx

    cited = citation(0, len(TEXT), (0, 5))
    data = handout_docx([answer(cited, query="问\x00题")], shelf, "讲义")
    paragraphs = [p.text for p in docx.Document(io.BytesIO(data)).paragraphs]
    assert TEXT in paragraphs
    assert "——《指南》全文 › 一、总则 · 第3页 [1]" in paragraphs
    assert any("问题" in p for p in paragraphs)


def test_verdicts(shelf: Shelf) -> None:
    assert "逐字一致" in verdict_text(Verdict("exact", (("guide", 0, 4),)), shelf.documents)
    assert "没有" in verdict_text(Verdict("absent"), shelf.documents)
    differs = Verdict("differs", (), "guide:1-p1", "由点及面", (("replace", "到", "及"),))
    assert "原文为“及”" in verdict_text(differs, shelf.documents)
