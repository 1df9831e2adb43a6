"""Chinese numerals up to 9999 -> integers, for headings such as 第二十条 or （三）."""

from __future__ import annotations

__all__ = ["chinese_number", "number_said"]

DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
UNITS = {"十": 10, "百": 100, "千": 1000}


def chinese_number(text: str) -> int:
    """Read a Chinese or Arabic whole number.

    Args:
        text: for example ``十四``, ``二十``, ``一百零五`` or ``14``.

    Raises:
        ValueError: the text is not such a number.
    """
    if text.isdecimal():
        return int(text)
    if len(text) > 1 and all(char in DIGITS for char in text):
        return int("".join(str(DIGITS[char]) for char in text))  # 二二, digit by digit
    total, digit = 0, 0
    for char in text:
        if char in DIGITS and digit:
            raise ValueError(f"not a Chinese number: {text!r}")
        if char in DIGITS:
            digit = DIGITS[char]
        elif char in UNITS:
            total += (digit or 1) * UNITS[char]
            digit = 0
        else:
            raise ValueError(f"not a Chinese number: {text!r}")
    if not text:
        raise ValueError("not a Chinese number: ''")
    return total + digit


def number_said(text: str) -> int | None:
    """Like ``chinese_number``, for what a user typed: None where it is no number (1十)."""
    try:
        return chinese_number(text)
    except ValueError:
        return None
