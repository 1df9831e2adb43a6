"""Answers -> a handout to print or edit: Markdown and Word, every quote with its citation."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import docx
from docx.document import Document as WordDocument
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.text.run import Run

from kb.quiz import LETTERS, Item, Quiz, key_answers, stem_text
from kb.render import Shelf, place_line, reference, source_line
from kb.schema import Answer, Citation

__all__ = ["escape_markdown", "handout_docx", "handout_markdown", "quiz_docx", "quiz_markdown"]

TITLE = "问指南 · 问答讲义"
NOTE = "引文为文件原文摘录，未作任何改写；每条引文后注明章节和页码（页码为来源课件的页码）。"
LINE_ITEM = 40
LATIN_FONT, CHINESE_FONT = "Times New Roman", "宋体"
QUIZ_TITLE, KEY_TITLE = "问指南 · 测验", "答案与出处"
LEADS = {"term": "选词填空", "list": "把列举补充完整", "match": "配对：为每条解释选择对应的名词"}
SHEET = "卷号：{seed}　　姓名：＿＿＿＿＿＿　　日期：＿＿＿＿＿＿"
NOT_XML = re.compile("[^\\t\\n\\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>#|~&$^=])")
MARKDOWN_STARTS = re.compile(r"^(\s*)(\d+)([.)])|^(\s*)([-+])", re.MULTILINE)
MUTED = RGBColor(0x55, 0x55, 0x55)


def handout_markdown(answers: Sequence[Answer], shelf: Shelf, title: str = "") -> str:
    """A handout as Markdown, with the list of sources at its end."""
    parts = [f"# {escape_markdown(title or TITLE)}", "", NOTE, ""]
    sources = _sources(answers, shelf)
    parts += [to_markdown(answer, shelf, sources) for answer in answers]
    if sources:
        parts += [
            "## 参考文献",
            "",
            *(f"{n}. {escape_markdown(s)}" for n, s in enumerate(sources, 1)),
        ]
    return "\n".join(parts) + "\n"


def escape_markdown(text: str) -> str:
    r"""Escape so that Markdown shows the text as it stands: ``1. a*b`` -> ``1\. a\*b``."""
    signs = MARKDOWN_SIGNS.sub(r"\\\1", text)
    return MARKDOWN_STARTS.sub(_escape_start, signs)


def _escape_start(found: re.Match[str]) -> str:
    if found[2]:
        return f"{found[1]}{found[2]}\\{found[3]}"
    return f"{found[4]}\\{found[5]}"


def to_markdown(answer: Answer, shelf: Shelf, sources: Sequence[str]) -> str:
    """An answer as Markdown: the question as heading, every quote with its place and source."""
    lines = [f"## {escape_markdown(' '.join(answer.query.split()))}", ""]
    if answer.standalone_query != answer.query:
        lines += [f"理解为：{escape_markdown(answer.standalone_query)}", ""]
    lines += [escape_markdown(answer.message), ""]
    for citation in answer.citations:
        quote = escape_markdown(citation.quote).replace("\n", "\\\n> ")
        role = "出处" if citation.role == "direct" else "相关（不是答案）"
        lines += [f"> {quote}", ""]
        number = sources.index(reference(citation, shelf)) + 1
        lines += [f"{role}：{escape_markdown(place_line(citation, shelf))} \\[{number}\\]", ""]
    return "\n".join(lines)


def handout_docx(answers: Sequence[Answer], shelf: Shelf, title: str = "") -> bytes:
    """A handout as a Word file; the answering sentences are bold, in the quote as it stands."""
    sources = _sources(answers, shelf)
    document = docx.Document()
    _page_style(document)
    _write(document.add_heading(level=0), title or TITLE)
    _write(document.add_paragraph(), NOTE, colour=MUTED, size=9)
    for number, answer in enumerate(answers, start=1):
        _write(document.add_heading(level=1), f"{number}. {' '.join(answer.query.split())}")
        if answer.standalone_query != answer.query:
            _write(document.add_paragraph(), f"理解为：{answer.standalone_query}", colour=MUTED)
        message = document.add_paragraph()
        message.paragraph_format.keep_with_next = bool(answer.citations)
        _write(message, answer.message, colour=MUTED)
        for citation in answer.citations:
            _add_citation(document, citation, shelf, sources)
    if sources:
        _write(document.add_heading(level=1), "参考文献")
        for number, source in enumerate(sources, start=1):
            line = document.add_paragraph()
            line.paragraph_format.space_after = Pt(3)
            _write(line, f"[{number}] {source}")
    return _saved(document)


def quiz_markdown(quiz: Quiz, shelf: Shelf) -> str:
    """A quiz as Markdown, its answer key after it."""
    parts = [f"# {QUIZ_TITLE}", "", SHEET.format(seed=quiz.seed), ""]
    for number, item in enumerate(quiz.items, start=1):
        lines = [escape_markdown(line) for line in _quiz_lines(item, shelf)]
        parts += [f"## {number}. {LEADS[item.kind]}", "", *(f"{line}\n" for line in lines)]
    parts += [f"# {KEY_TITLE}", ""]
    for number, item in enumerate(quiz.items, start=1):
        parts.append(f"{number}. {escape_markdown(_key_line(item, shelf))}")
    return "\n".join(parts) + "\n"


def quiz_docx(quiz: Quiz, shelf: Shelf) -> bytes:
    """A quiz as a Word file, its answer key on a page of its own."""
    document = docx.Document()
    _page_style(document)
    _write(document.add_heading(level=0), QUIZ_TITLE)
    _write(document.add_paragraph(), SHEET.format(seed=quiz.seed))
    for number, item in enumerate(quiz.items, start=1):
        _write(document.add_heading(level=1), f"{number}. {LEADS[item.kind]}")
        lines = _quiz_lines(item, shelf)
        for n, line in enumerate(lines, start=1):
            paragraph = document.add_paragraph()
            paragraph.paragraph_format.space_after = Pt(3)
            paragraph.paragraph_format.keep_with_next = n < len(lines)
            _write(paragraph, line)
    document.add_page_break()
    _write(document.add_heading(level=1), f"{KEY_TITLE}（卷号：{quiz.seed}）")
    for number, item in enumerate(quiz.items, start=1):
        _write(document.add_paragraph(), f"{number}. {_key_line(item, shelf)}")
    return _saved(document)


def _quiz_lines(item: Item, shelf: Shelf) -> list[str]:
    """The choices and the stem of an item, a line each."""
    bank = "　".join(f"{LETTERS[n]}. {name}" for n, name in enumerate(item.bank))
    rows = [stem_text(shelf, row) for row in item.rows]
    if item.kind == "match":
        return [bank, *(f"({n}) （　　）{row}" for n, row in enumerate(rows, start=1))]
    stem = [item.heading, *rows] if item.heading else rows
    return [*stem, bank] if bank else stem


def _key_line(item: Item, shelf: Shelf) -> str:
    given = key_answers(item)
    answers = "；".join(given)
    if len(given) > 1:
        answers = "；".join(f"({n}) {a}" for n, a in enumerate(given, start=1))
    sources = "；".join(dict.fromkeys(source_line(shelf, source) for source in item.sources))
    return f"{answers}（{sources}）"


def _saved(document: WordDocument) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _sources(answers: Sequence[Answer], shelf: Shelf) -> list[str]:
    return list(dict.fromkeys(reference(c, shelf) for a in answers for c in a.citations))


def _add_citation(
    document: WordDocument, citation: Citation, shelf: Shelf, sources: Sequence[str]
) -> None:
    related = citation.role == "related"
    style: dict[str, Any] = {"colour": MUTED, "size": 10} if related else {}
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.left_indent = Cm(0.8)
    paragraph.paragraph_format.keep_together = True
    paragraph.paragraph_format.keep_with_next = True
    ends = {citation.start, citation.end, *(c for span in citation.highlights for c in span)}
    for start, end in pairwise(sorted(ends)):
        marked = any(a <= start and end <= b for a, b in citation.highlights)
        text = citation.quote[start - citation.start : end - citation.start]
        _write(paragraph, text, bold=marked and len(ends) > 2 and not related, **style)
    note = "（相关，不是答案）" if related else ""
    short = len(citation.quote) <= LINE_ITEM
    if short:  # one line a list item
        paragraph.paragraph_format.keep_with_next = False
        paragraph.paragraph_format.space_after = Pt(2)
    place = paragraph if short else document.add_paragraph()
    place.paragraph_format.left_indent = Cm(0.8)
    number = sources.index(reference(citation, shelf)) + 1
    dash = "　——" if short else "——"
    if citation.section and citation.section[-1] == citation.quote:  # a heading names itself
        citation = citation.model_copy(update={"section": citation.section[:-1]})
    _write(place, f"{dash}{place_line(citation, shelf)} [{number}]{note}", colour=MUTED, size=9)


def _page_style(document: WordDocument) -> None:
    """A4 with Chinese fonts named for every style used."""
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.6)
    for name in ("Normal", "Title", "Heading 1"):
        style = document.styles[name]
        style.font.name = LATIN_FONT
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), CHINESE_FONT)
    document.styles["Normal"].font.size = Pt(12)
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")  # else punctuation is set as in Taiwan


def _write(
    paragraph: object,
    text: str,
    *,
    bold: bool = False,
    colour: RGBColor | None = None,
    size: int = 0,
) -> None:
    run: Run = paragraph.add_run(NOT_XML.sub("", text))  # type: ignore[attr-defined]
    run.font.name = LATIN_FONT
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), CHINESE_FONT)
    run.bold = bold or None
    if colour is not None:
        run.font.color.rgb = colour
    if size:
        run.font.size = Pt(size)
