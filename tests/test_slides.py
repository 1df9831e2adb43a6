"""Nothing is lost: the slides are partitioned into documents and furniture, exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.errors import CorpusError
from kb.parse import parse_text
from kb.slides import TITLES, derive, to_markdown

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
SOURCE = (CORPUS / "source" / "000_796e0c600b998d4d.txt").read_bytes().decode("utf-8")
KINDS = {"slide title", "running head", "contents list", "ornament", "emphasis mark"}


def test_every_source_character_is_in_one_place() -> None:
    derivation = derive(SOURCE)
    uses = [0] * len(SOURCE)
    for lines in derivation.documents.values():
        for line in lines:
            for piece in line.pieces:
                for at in range(piece.start, piece.end):
                    uses[at] += 1
    for piece in derivation.furniture:
        assert piece.kind in KINDS
        for at in range(piece.start, piece.end):
            uses[at] += 1
    pairs = list(zip(uses, SOURCE, strict=True))
    assert all(n == 1 or (n == 0 and c.isspace()) for n, c in pairs)


@pytest.mark.parametrize("name", sorted(TITLES))
def test_every_document_character_comes_from_the_source(name: str) -> None:
    lines = derive(SOURCE).documents[name]
    document = parse_text(to_markdown(name, lines, SOURCE), name)
    pieces = ["".join(SOURCE[p.start : p.end] for p in line.pieces) for line in lines]
    assert document.text == "\n".join(pieces)
    starts = [line.pieces[0].start for line in lines]
    assert starts == sorted(starts)
    assert (CORPUS / f"{name}.md").read_text(encoding="utf-8") == to_markdown(name, lines, SOURCE)


def test_sections_and_paragraphs_hold_all_text() -> None:
    for name in TITLES:
        document = parse_text((CORPUS / f"{name}.md").read_text(encoding="utf-8"), name)
        held = sorted(
            [(s.start, s.end) for s in document.sections]
            + [(p.start, p.end) for p in document.paragraphs]
        )
        assert "\n".join(document.text[a:b] for a, b in held) == document.text


def test_structure_is_the_guides() -> None:
    guide = parse_text((CORPUS / "guide.md").read_text(encoding="utf-8"), "guide")
    measures = [s for s in guide.sections if s.level == 3 and not s.path[0].startswith("一、")]
    assert len(measures) == 14
    assert [sum(s.path[0].startswith(n) for s in measures) for n in "二三四"] == [5, 4, 5]
    glossary = parse_text((CORPUS / "glossary.md").read_text(encoding="utf-8"), "glossary")
    assert len(glossary.paragraphs) == 12
    interpretation = parse_text(
        (CORPUS / "interpretation.md").read_text(encoding="utf-8"), "interpretation"
    )
    assert sum(s.title.endswith("？") for s in interpretation.sections) == 6


def test_a_moved_heading_stops_with_its_line() -> None:
    broken = SOURCE.replace("（四）融入数字化生态", "（六）融入数字化生态")
    line = broken[: broken.index("（六）融入")].count("\n") + 1
    with pytest.raises(CorpusError, match=f"第{line}行"):
        derive(broken)


@given(st.text(alphabet=st.characters(categories=["Ll", "Nd", "Po"]), min_size=1, max_size=5))
def test_an_unknown_line_stops_with_its_line(noise: str) -> None:
    if noise.strip("—=三") == "" or noise.endswith(("。", "：")):
        return
    lines = SOURCE.split("\n")
    lines.insert(13, noise)
    with pytest.raises(CorpusError, match="第14行"):
        derive("\n".join(lines))
