"""Values that are no numbers, as text."""

from __future__ import annotations

from collections.abc import Callable

from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import nodeid_from_binary
from asyncua.ua.uaerrors import UaError

from factory_kit.drivers.opcua.binary.wire import NONE, U32, Malformed, end_of_nodeid, end_of_string
from factory_kit.drivers.opcua.errors import status_name

__all__ = ["string_of", "text_reader"]

Reader = Callable[[bytes, int, int], tuple[str | None, int]]
"""Message, where the value begins and where the message ends, to the text and where the value ends."""


def text_reader(kind: int) -> Reader | None:
    """What reads a scalar of this type as text; None where it is no text."""
    return _bytes if kind > LAST_TYPE else _READERS.get(kind)


def string_of(data: bytes, at: int, end: int) -> tuple[str | None, int]:
    """A String; bytes that are no UTF-8 are kept as lone surrogates, as asyncua does."""
    behind = end_of_string(data, at, end)
    if data.startswith(NONE, at):
        return None, behind
    return data[at + 4 : behind].decode("utf-8", "surrogateescape"), behind


def _bytes(data: bytes, at: int, end: int) -> tuple[str | None, int]:
    behind = end_of_string(data, at, end)
    return None if data.startswith(NONE, at) else data[at + 4 : behind].hex(), behind


def _status(data: bytes, at: int, end: int) -> tuple[str | None, int]:
    if at + 4 > end:
        raise Malformed("a value is cut off", at)
    (status,) = U32.unpack_from(data, at)
    return status_name(status), at + 4


def _node_id(data: bytes, at: int, end: int) -> tuple[str | None, int]:
    behind = end_of_nodeid(data, at, end)
    try:
        return str(nodeid_from_binary(Buffer(data[at:behind])).to_string()), behind
    except UaError:  # such as one whose text is missing: shown as its bytes
        return data[at:behind].hex(), behind


def _qualified_name(data: bytes, at: int, end: int) -> tuple[str | None, int]:
    text, behind = string_of(data, at + 2, end)
    return text or "", behind


def _localized_text(data: bytes, at: int, end: int) -> tuple[str | None, int]:
    if at >= end:
        raise Malformed("a value is cut off", at)
    mask, text = data[at], None
    behind = end_of_string(data, at + 1, end) if mask & 1 else at + 1
    if mask & 2:
        text, behind = string_of(data, behind, end)
    return text or "", behind


LAST_TYPE = 25
"""Types above are read as ByteString (OPC 10000-6, 5.2.2.16)."""
_READERS: dict[int, Reader] = {
    12: string_of,
    15: _bytes,
    17: _node_id,
    18: _node_id,
    19: _status,
    20: _qualified_name,
    21: _localized_text,
}
