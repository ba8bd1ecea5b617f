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

__all__ = ["DEEPEST", "LARGEST", "NotCanonical", "canonical_bytes", "is_plain", "parsed_canonical", "plain_bytes"]

LARGEST = 2**53 - 1
"""The largest integer every JSON reader keeps exactly (RFC 8785, 3.2.2.3)."""
DEEPEST = 100
BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
"""Bytes that begin a character above U+FFFF; only with such a character do the two orders of keys differ."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def canonical_bytes(value: Any) -> bytes:
    """The canonical bytes of *value*; ``rfc8785.CanonicalizationError`` for what has none."""
    return plain_bytes(value) if is_plain(value) else rfc8785.dumps(value)


def plain_bytes(value: Any) -> bytes:
    """The canonical bytes of *value*, of which ``is_plain`` is true; errors as ``canonical_bytes``."""
    try:
        data = _encode(value).encode()
    except UnicodeEncodeError:
        return rfc8785.dumps(value)
    return rfc8785.dumps(value) if BEYOND_BMP.search(data) else data


def parsed_canonical(data: bytes) -> Any:
    """The value whose canonical bytes *data* are; ``ValueError`` when *data* are no JSON, or not the canonical bytes of anything."""
    text = data.decode("utf-8")
    try:
        value = _decode(text)
        same = _encode(value).encode() == data and not BEYOND_BMP.search(data)
    except _Unusual:
        same = False
    if same:
        return value
    value = json.loads(text)
    if rfc8785.dumps(value) != data:
        raise NotCanonical
    return value


class NotCanonical(ValueError):
    """JSON, but not as RFC 8785 writes it."""


class _Unusual(Exception):
    """A number that the standard library does not write as RFC 8785 does."""


def _whole(text: str) -> int:
    value = int(text) if len(text) < len(str(LARGEST)) + 2 else LARGEST + 1
    if not -LARGEST <= value <= LARGEST:
        raise _Unusual
    return value


def _unusual(_text: str) -> Any:
    raise _Unusual


_decode = json.JSONDecoder(parse_int=_whole, parse_float=_unusual, parse_constant=_unusual).decode
LEAVES = {str, bool, type(None)}


def is_plain(value: object, depth: int = DEEPEST) -> bool:
    """Whether *value* is text, a whole number below 2^53, true, false, null, or lists and objects of such, at most *depth* deep."""
    level: list[Any] = [value]
    for _ in range(depth + 1):
        below: list[Any] = []
        for each in level:
            kind = type(each)
            if kind is dict:
                if not _TEXT.issuperset(map(type, each)):
                    return False
                below += (inner for inner in each.values() if type(inner) not in LEAVES)
            elif kind is list or kind is tuple:
                below += (inner for inner in each if type(inner) not in LEAVES)
            elif kind is int:
                if not -LARGEST <= each <= LARGEST:
                    return False
            elif kind not in LEAVES:
                return False
        if not below:
            return True
        level = below
    return False


_TEXT = {str}
