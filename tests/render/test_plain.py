"""Signs that no document can bear."""

from __future__ import annotations

import pytest

from factory_kit.render.plain import printable


@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\x1b", "\x85", "\ud800", "\uffff", "\u202e", "\u2066"])
def test_signs_that_break_documents_or_mislead_are_replaced(sign: str) -> None:
    """Control signs, half characters and signs that turn the direction of writing become U+FFFD."""
    assert printable(f"机床{sign}一") == "机床\ufffd一"


def test_everything_else_stays() -> None:
    """Line breaks, tabs, rare characters and emoji are left alone."""
    text = "㵘\t🏭\n{{7*7}} <&>\"'"

    assert printable(text) == text
