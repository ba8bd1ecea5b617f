"""The built-in types of OPC UA binary as far as their extent: where a field ends, and that it ends inside the message."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from asyncua.ua.uaerrors import UaError

__all__ = [
    "I32",
    "NONE",
    "U32",
    "Malformed",
    "end_of_datavalue",
    "end_of_diagnostics",
    "end_of_extension",
    "end_of_list",
    "end_of_nodeid",
    "end_of_string",
    "end_of_variant",
    "tail_of",
]

U32, I32 = Struct("<I"), Struct("<i")
NONE = b"\xff\xff\xff\xff"
"""The length, -1, of a text or a list that is none."""
DEEPEST = 50
"""So many values may be nested in each other; a message of nothing but openings must not exhaust the stack."""

VALUE, STATUS, SOURCE, SERVER, SOURCE_PICO, SERVER_PICO = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
"""Bits of a DataValue's mask (OPC 10000-6, 5.2.2.17)."""
ARRAY, DIMENSIONS, KIND = 0x80, 0x40, 0x3F
"""Bits of a Variant's first byte (5.2.2.16)."""
_TAIL = tuple(
    sum(size for bit, size in ((STATUS, 4), (SOURCE, 8), (SOURCE_PICO, 2), (SERVER, 8), (SERVER_PICO, 2)) if mask & bit)
    for mask in range(256)
)
FIXED = {0: 0, 1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 4, 11: 8, 13: 8, 14: 16, 19: 4}
"""Bytes of the types that always have as many."""


class Malformed(UaError):  # type: ignore[misc] # asyncua has no type information
    """The bytes are no message: something in them would end behind their end, or cannot be."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(f"{what} at byte {at}")


def tail_of(mask: int) -> int:
    """Bytes of status and times in a DataValue with *mask*."""
    return _TAIL[mask]


def end_of_string(data: bytes, at: int, end: int) -> int:
    """Behind a String, ByteString or XmlElement; a length of -1 means none."""
    if at + 4 > end:
        raise Malformed("a length is cut off", at)
    (length,) = I32.unpack_from(data, at)
    behind: int = at + 4 + max(length, 0)
    if length < -1 or behind > end:
        raise Malformed("a text is longer than the message", at)
    return behind


def end_of_nodeid(data: bytes, at: int, end: int) -> int:
    """Behind a NodeId or ExpandedNodeId."""
    if at >= end:
        raise Malformed("a node id is cut off", at)
    encoding = data[at]
    form = encoding & 0x3F
    if form in _NODE_SIZES:
        behind = at + _NODE_SIZES[form]
    elif form in {3, 5}:
        behind = end_of_string(data, at + 3, end)
    else:
        raise Malformed("a node id of an unknown form", at)
    if encoding & 0x80:
        behind = end_of_string(data, behind, end)
    if encoding & 0x40:
        behind += 4
    return _inside(behind, end, at)


def end_of_extension(data: bytes, at: int, end: int) -> int:
    """Behind an ExtensionObject, whose body is bytes (1) or XML (2)."""
    behind = end_of_nodeid(data, at, end)
    if behind >= end:
        raise Malformed("an extension object is cut off", at)
    return end_of_string(data, behind + 1, end) if data[behind] & 3 else behind + 1


def end_of_diagnostics(data: bytes, at: int, end: int, depth: int = 0) -> int:
    """Behind a DiagnosticInfo."""
    if at >= end or depth > DEEPEST:
        raise Malformed("diagnostics are cut off or too deep", at)
    mask = data[at]
    behind = at + 1 + 4 * (mask & 0x0F).bit_count()
    if mask & 0x10:
        behind = end_of_string(data, behind, end)
    if mask & 0x20:
        behind += 4
    if mask & 0x40:
        return end_of_diagnostics(data, behind, end, depth + 1)
    return _inside(behind, end, at)


def end_of_datavalue(data: bytes, at: int, end: int, depth: int = 0) -> int:
    """Behind a DataValue."""
    if at >= end:
        raise Malformed("a value is cut off", at)
    mask = data[at]
    behind = end_of_variant(data, at + 1, end, depth) if mask & VALUE else at + 1
    return _inside(behind + _TAIL[mask], end, at)


def end_of_variant(data: bytes, at: int, end: int, depth: int = 0) -> int:
    """Behind a Variant."""
    if at >= end or depth > DEEPEST:
        raise Malformed("a value is cut off or too deep", at)
    first = data[at]
    kind = first & KIND
    if first & ARRAY:
        behind = _end_of_array(data, at + 1, end, kind, depth)
    else:
        behind = _end_of_scalar(data, at + 1, end, kind, depth)
    if first & DIMENSIONS:
        behind = end_of_list(data, behind, end, 4)
    return behind


def end_of_list(data: bytes, at: int, end: int, size: int) -> int:
    """Behind a list of elements of *size* bytes each; its length may be -1."""
    count = count_of(data, at, end)
    return _inside(at + 4 + count * size, end, at)


def count_of(data: bytes, at: int, end: int) -> int:
    """The length of a list, 0 where there is none; never more than there are bytes."""
    if at + 4 > end:
        raise Malformed("a length is cut off", at)
    count: int
    (count,) = I32.unpack_from(data, at)
    if count < -1 or count > end - at - 4:
        raise Malformed("a list is longer than the message", at)
    return max(count, 0)


def _end_of_array(data: bytes, at: int, end: int, kind: int, depth: int) -> int:
    if kind in FIXED:
        return end_of_list(data, at, end, FIXED[kind])
    behind = at + 4
    for _element in range(count_of(data, at, end)):
        behind = _end_of_scalar(data, behind, end, kind, depth)
    return behind


def _end_of_scalar(data: bytes, at: int, end: int, kind: int, depth: int) -> int:
    if kind in FIXED:
        return _inside(at + FIXED[kind], end, at)
    nested = _NESTED.get(kind)
    if nested is not None:
        return nested(data, at, end, depth + 1)
    return _PLAIN.get(kind, end_of_string)(data, at, end)  # texts; types from 26 on are read as ByteString (5.2.2.16)


def _end_of_qualified_name(data: bytes, at: int, end: int) -> int:
    return end_of_string(data, at + 2, end)


def _end_of_localized_text(data: bytes, at: int, end: int) -> int:
    if at >= end:
        raise Malformed("a text is cut off", at)
    behind = at + 1
    for bit in (1, 2):
        if data[at] & bit:
            behind = end_of_string(data, behind, end)
    return behind


def _inside(behind: int, end: int, at: int) -> int:
    if behind > end:
        raise Malformed("a value is cut off", at)
    return behind


_NODE_SIZES = {0: 2, 1: 4, 2: 7, 4: 19}
_PLAIN: dict[int, Callable[[bytes, int, int], int]] = {
    17: end_of_nodeid,
    18: end_of_nodeid,
    20: _end_of_qualified_name,
    21: _end_of_localized_text,
    22: end_of_extension,
}
_NESTED: dict[int, Callable[[bytes, int, int, int], int]] = {
    23: end_of_datavalue,
    24: end_of_variant,
    25: end_of_diagnostics,
}
