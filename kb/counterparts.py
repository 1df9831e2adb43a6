"""Passages that say the same: a measure of the guide and the point of the interpretation on it.

A measure （三）开展业务数字化 and a point 三是开展业务数字化。 are counterparts; the pairing comes from
the headings, not from similarity. Wording differences of two texts are marked for the reader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from kb.schema import Passage

__all__ = ["counterparts", "differences"]

HEADING_NUMBER = re.compile(r"^[（(]?[一二三四五六七八九十\d]+[）)]?[、.]? ?")
POINT_LEAD = re.compile(r"^[一二三四五六七八九十]+是([^。，；]{4,16})。")


def counterparts(passages: Sequence[Passage]) -> dict[int, tuple[int, ...]]:
    """Row -> rows of the other document on the same measure; rows without any are left out."""
    by_title: dict[str, list[int]] = {}
    for row, passage in enumerate(passages):
        if passage.document_id == "guide" and passage.section:
            title = HEADING_NUMBER.sub("", passage.section[-1])
            by_title.setdefault(title, []).append(row)
    pairs: dict[int, set[int]] = {}
    for row, passage in enumerate(passages):
        lead = POINT_LEAD.match(passage.text)
        if passage.document_id != "guide" and lead and lead[1] in by_title:
            for other in by_title[lead[1]]:
                pairs.setdefault(row, set()).add(other)
                pairs.setdefault(other, set()).add(row)
    return {row: tuple(sorted(others)) for row, others in pairs.items()}


def differences(left: str, right: str) -> list[tuple[str, str, str]]:
    """Character differences as (kind, left piece, right piece), ``由点到面`` against ``由点及面``."""
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    return [(kind, left[a:b], right[c:d]) for kind, a, b, c, d in matcher.get_opcodes()]
