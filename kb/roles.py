"""Whom a passage addresses (需求方, 供给方, 主管部门), read from the documents' own structure.

The interpretation says so itself: 《指南》的第二部分“增强企业转型能力”主要面向中小企业. A section whose
path names such a part, or that holds such a sentence, gets that role. Whose doings a query asks
about (服务商也管培训吗) is read from the names of the lexicon and the verbs after them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from kb.schema import Document, Passage, Role

__all__ = ["ROLE_NAMES", "asked_role", "assign_roles"]

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
ACTS = (
    r"(?:自己|[那这][边方头块]|方面|一方|们)*+(?:作为[^，作]{1,8})?(?:在[^，。]{1,8})?(?:也|又|还|都|主动|具体|到底|究竟|除了)*+"
    r"(?:要不要|能不能|该|要|应|能|可以|得|需|怎么|咋|如何|做|帮|管|配合|出|给|提供|呢|去|参加|有(?:什么|啥)(?:任务|责任|支持|动作)|干)"
)
OF_OTHERS = "(?<![大型台务心头商业件主码])"
"""平台企业, 软件企业 and 大企业 are not 企业."""
NO_NAME = "(?<![么些的个处])"
"""什么地方 is no authority."""
NO_OBJECT = "(?<![给对向帮])"
"""给企业提供什么 asks what others do."""


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


@lru_cache(maxsize=8)
def _acting(actors: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[Role, re.Pattern[str]]:
    found: dict[Role, re.Pattern[str]] = {}
    for role in ROLE_NAMES:
        names = sorted(dict(actors).get(role, ()), key=len, reverse=True)
        if names:
            before = NO_OBJECT + {"demand": OF_OTHERS, "authority": NO_NAME}.get(role, "")
            found[role] = re.compile(f"{before}(?:{'|'.join(map(re.escape, names))}){ACTS}")
    return found


def asked_role(text: str, actors: tuple[tuple[str, tuple[str, ...]], ...]) -> Role | None:
    """The one role whose doings a folded query asks about: ``服务商也管培训吗`` -> ``supply``."""
    asked = [role for role, pattern in _acting(actors).items() if pattern.search(text)]
    return asked[0] if len(asked) == 1 else None
