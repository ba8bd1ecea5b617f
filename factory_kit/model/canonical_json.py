"""The bytes of RFC 8785 for records without floating-point numbers, at the speed of compiled encoders.

For text, whole numbers, true, false, null, lists and objects the encoder of pydantic-core writes what RFC 8785 asks for where
the keys stand in order already, and the standard library where they do not, but for two things: keys are sorted by code
points instead of UTF-16 units, and keys that are no text are taken. Whatever could meet one of these goes to the reference
implementation instead.
"""

from __future__ import annotations

import json
import re
from typing import Any

import rfc8785
from pydantic_core import from_json, to_json

__all__ = [
    "DEEPEST",
    "LARGEST",
    "NotCanonical",
    "canonical_bytes",
    "fast_bytes",
    "is_ordered",
    "parsed_canonical",
    "value_of",
]

LARGEST = 2**53 - 1
"""The largest integer every JSON reader keeps exactly (RFC 8785, 3.2.2.3)."""
DEEPEST = 100
BEYOND_BMP = re.compile(rb"[\xf0-\xf4]")
"""Bytes that begin a character above U+FFFF; only with such a character do the two orders of keys differ."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def canonical_bytes(value: Any) -> bytes:
    """The canonical bytes of *value*; ``rfc8785.CanonicalizationError`` for what has none."""
    data = fast_bytes(value)
    return rfc8785.dumps(value) if data is None else data


def fast_bytes(value: Any) -> bytes | None:
    """The canonical bytes of *value* where the fast way is safe; None for anything unusual, and for what has none."""
    in_order = _order(value)
    if in_order is None:
        return None
    try:
        data: bytes = to_json(value) if in_order else _encode(value).encode()
    except ValueError:  # half of a character
        return None
    return None if _beyond(data) else data


def is_ordered(value: Any) -> bool:
    """Whether *value* is written canonically by any encoder that keeps the order of keys."""
    try:
        return bool(_order(value)) and not _beyond(to_json(value))
    except ValueError:
        return False


def value_of(data: bytes) -> Any:
    """The value whose canonical bytes *data* are, where the fast way can tell; ``ValueError`` for anything else."""
    value = from_json(data)
    if not _read_in_order(value) or to_json(value) != data or _beyond(data):
        raise NotCanonical
    return value


def parsed_canonical(data: bytes) -> Any:
    """The value whose canonical bytes *data* are; ``ValueError`` when *data* are no JSON, or not the canonical bytes of anything."""
    try:
        return value_of(data)
    except ValueError:
        value = json.loads(data.decode("utf-8"))
        if rfc8785.dumps(value) != data:
            raise NotCanonical from None
        return value


class NotCanonical(ValueError):
    """JSON, but not as RFC 8785 writes it."""


def _beyond(data: bytes) -> bool:
    return not data.isascii() and BEYOND_BMP.search(data) is not None


LEAVES = {str, bool, type(None)}
_TEXT = {str}


def _read_in_order(value: object) -> bool:
    """``_order`` for what was read from JSON, so that all keys are text."""
    level: list[Any] = [value]
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for each in level:
            kind = type(each)
            if kind is dict:
                if list(each) != sorted(each):
                    return False
                below += [inner for inner in each.values() if type(inner) not in LEAVES]
            elif kind is list:
                below += [inner for inner in each if type(inner) not in LEAVES]
            elif kind is float or (kind is int and not -LARGEST <= each <= LARGEST):
                return False
        if not below:
            return True
        level = below
    return False


def _order(value: object) -> bool | None:
    """Whether all keys of *value* stand in order; None for what the fast way must not write.

    It writes text, whole numbers below 2^53, true, false, null, and lists and objects of such, at most a hundred deep.
    """
    level: list[Any] = [value]
    in_order = True
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for each in level:
            kind = type(each)
            if kind is dict:
                if not _TEXT.issuperset(map(type, each)):
                    return None
                in_order = in_order and list(each) == sorted(each)
                below += [inner for inner in each.values() if type(inner) not in LEAVES]
            elif kind is list or kind is tuple:
                below += [inner for inner in each if type(inner) not in LEAVES]
            elif kind is int:
                if not -LARGEST <= each <= LARGEST:
                    return None
            elif kind not in LEAVES:
                return None
        if not below:
            return in_order
        level = below
    return None
