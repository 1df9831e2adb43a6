"""Whom a passage addresses (需求方, 供给方, 主管部门), read from the documents' own structure.

The interpretation says so itself: 《指南》的第二部分“增强企业转型能力”主要面向中小企业. A section whose
path names such a part, or that holds such a sentence, gets that role.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.schema import Document, Passage, Role

__all__ = ["ROLE_NAMES", "assign_roles"]

ADDRESSED = re.compile(
    r"“(?P<part>[^”]+)”主要面向(?P<who>中小企业数字化转型服务供给方|地方各级主管部门|中小企业)"
)
POINTS: tuple[tuple[re.Pattern[str], Role], ...] = (
    (re.compile(r"[一二三]是需求方"), "demand"),
    (re.compile(r"[一二三]是供给方"), "supply"),
    (re.compile(r"[一二三]是地方各级主管部门|地方各级主管部门在开展相关工作时"), "authority"),
)
WHO: dict[str, Role] = {
    "中小企业": "demand",
    "中小企业数字化转型服务供给方": "supply",
    "地方各级主管部门": "authority",
}
ROLE_NAMES: dict[Role, str] = {"demand": "企业", "supply": "服务商", "authority": "主管部门"}


def assign_roles(documents: Sequence[Document], passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages with their roles filled in."""
    parts: dict[str, Role] = {}
    sections: dict[str, Role] = {}
    for document in documents:
        for found in ADDRESSED.finditer(document.text):
            parts[found["part"]] = WHO[found["who"]]
    for passage in passages:
        if addressed := ADDRESSED.search(passage.text):
            sections[passage.section_id] = WHO[addressed["who"]]
        elif "地方各级主管部门在开展相关工作时" in passage.text:
            sections[passage.section_id] = "authority"
    return [_with_role(passage, parts, sections) for passage in passages]


def _with_role(passage: Passage, parts: dict[str, Role], sections: dict[str, Role]) -> Passage:
    role = sections.get(passage.section_id)
    for pattern, named in POINTS:
        if pattern.match(passage.text):
            role = named
    for part, named in parts.items():
        if any(heading.endswith(part) for heading in passage.section):
            role = named
    return passage if role is None else passage.model_copy(update={"role": role})
