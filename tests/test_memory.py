"""kb/memory.py: advice to the system, which nothing depends on."""

from __future__ import annotations

import ctypes

import pytest

from kb import memory


def test_what_is_free_is_given_back_and_nothing_else_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    class Library:
        def malloc_trim(self, keep: int) -> int:
            asked.append(keep)
            return 1

    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    memory.give_back()
    assert asked == [0]
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())  # musl has no malloc_trim
    memory.give_back()
    monkeypatch.setattr(memory.sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "CDLL", None)
    memory.give_back()
