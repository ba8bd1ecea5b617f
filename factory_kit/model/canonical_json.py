"""The bytes of RFC 8785 for records without floating-point numbers, at the speed of the standard library's encoder.

For text, whole numbers, true, false, null, lists and objects the standard library writes what RFC 8785 asks for, but for two
things: it sorts keys by code points instead of UTF-16 units, and it takes keys that are no text. Whatever could meet one of
these goes to the reference implementation instead.
"""

from __future__ import annotations

import json
import re
from typing import Any

import rfc8785

__all__ = ["DEEPEST", "LARGEST", "canonical_bytes", "is_plain"]

LARGEST = 2**53 - 1
"""The largest integer every JSON reader keeps exactly (RFC 8785, 3.2.2.3)."""
DEEPEST = 100
BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
"""Bytes that begin a character above U+FFFF; only with such a character do the two orders of keys differ."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def canonical_bytes(value: Any) -> bytes:
    """The canonical bytes of *value*; ``rfc8785.CanonicalizationError`` for what has none."""
    if is_plain(value):
        try:
            data = _encode(value).encode()
        except UnicodeEncodeError:
            return rfc8785.dumps(value)
        if not BEYOND_BMP.search(data):
            return data
    return rfc8785.dumps(value)


def is_plain(value: object, depth: int = DEEPEST) -> bool:
    """Whether *value* is text, a whole number below 2^53, true, false, null, or lists and objects of such, at most *depth* deep."""
    kind = type(value)
    if kind is dict:
        return depth > 0 and all(
            type(key) is str and (type(inner) is str or is_plain(inner, depth - 1))
            for key, inner in value.items()  # type: ignore[attr-defined] # it is a dict
        )
    if kind is list or kind is tuple:
        return depth > 0 and all(type(inner) is str or is_plain(inner, depth - 1) for inner in value)  # type: ignore[attr-defined]
    if kind is int:
        return -LARGEST <= value <= LARGEST  # type: ignore[operator] # it is an int
    return kind is str or kind is bool or value is None
