"""Text as every format can bear it."""

from __future__ import annotations

import re

__all__ = ["printable"]

UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"  # not allowed in XML, or without meaning there
    "\u202a-\u202e\u2066-\u2069]"  # turn the direction of writing, so that a name could look like another
)


def printable(text: str) -> str:
    """*text* with every sign that XML forbids or that turns the direction of writing replaced by U+FFFD."""
    return UNPRINTABLE.sub("\ufffd", text)
