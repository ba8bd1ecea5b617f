"""Structured values of a server taken apart by their definitions (OPC 10000-6, 5.2): our own reader over bytes, no generated code.

A value becomes numbers, texts, lists and dictionaries. Lengths are believed only as far as the bytes reach; depth and number of
elements have limits, so that no answer can fill the memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from uuid import UUID

from asyncua import ua

from factory_kit.drivers.opcua.datatypes import ENUMERATION, STRUCTURE, Field, Structure, Types

__all__ = ["Malformed", "Moment", "Taken", "flattened", "take", "taken_apart", "variant_of"]

Taken = Any
"""bool, int, float, str, bytes, None, a list of these, or a dictionary of them by field name."""
DEEPEST = 32
MOST_ELEMENTS = 100_000
TICKS_TO_1970 = 116_444_736_000_000_000
PLAIN = {
    1: "?",
    2: "b",
    3: "B",
    4: "h",
    5: "H",
    6: "i",
    7: "I",
    8: "q",
    9: "Q",
    10: "f",
    11: "d",
    19: "I",
    ENUMERATION: "i",
}
"""``struct`` letters of the built-in types of one size."""
EMPTY: Mapping[int, str | bytes] = {3: "", 5: b""}


class Malformed(Exception):
    """The bytes are not what the definition says, or the definition is not known."""


class Moment(int):
    """A time inside a structure: microseconds since 1970, UTC."""

    __slots__ = ()


def taken_apart(value: Any, types: Types) -> Taken:
    """*value* as asyncua gives it, its structures and those in them taken apart; ``Malformed`` where that cannot be."""
    return _apart(value, types, 0)


def _apart(value: Any, types: Types, depth: int) -> Taken:
    if depth > DEEPEST:
        raise Malformed("nested too deep")
    if isinstance(value, list | tuple):
        return [_apart(each, types, depth + 1) for each in value]
    if type(value) is ua.ExtensionObject:
        return _object(types.text(value.TypeId), value.Body, types, depth)
    if isinstance(value, ua.Variant):
        return _apart(value.Value, types, depth + 1)
    simple = _simple(value)
    if simple is not value:
        return simple
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _apart(getattr(value, each.name), types, depth + 1) for each in fields(value)}
    return value


def _simple(value: Any) -> Taken:
    """What asyncua wraps into classes of its own, as number or text; everything else as it is."""
    if isinstance(value, ua.LocalizedText):
        return value.Text or ""
    if isinstance(value, ua.QualifiedName):
        return value.Name or ""
    if isinstance(value, ua.NodeId):
        return value.to_string()
    if isinstance(value, ua.StatusCode):
        return int(value.value)
    if isinstance(value, UUID):
        return str(value)
    return value


def _object(encoding: str, body: bytes | None, types: Types, depth: int) -> Taken:
    if not body:
        return None
    definition = types.structures.get(types.encodings.get(encoding, encoding))
    if definition is None:
        raise Malformed(f"no definition for {encoding}")
    return take(body, definition, types, depth)


def variant_of(encoded: bytes, types: Types) -> Taken:
    """The value of the Variant in *encoded*, its structures taken apart. ``Malformed``."""
    reader = _Reader(encoded, types)
    taken = reader.variant(0)
    if reader.left:
        raise Malformed(f"{reader.left} bytes left over")
    return taken


def take(body: bytes, definition: Structure, types: Types, depth: int = 0) -> Mapping[str, Taken]:
    """The fields of the structure in *body*, all of which must be used up; absent optional fields are None."""
    reader = _Reader(body, types)
    taken = reader.structure(definition, depth)
    if reader.left:
        raise Malformed(f"{reader.left} bytes left over")
    return taken


class _Reader:
    """Reads one body from its beginning to its end."""

    def __init__(self, body: bytes, types: Types) -> None:
        self._body = body
        self._types = types
        self._at = 0
        self._elements = 0

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return len(self._body) - self._at

    def structure(self, definition: Structure, depth: int) -> dict[str, Taken]:
        """One structure; of a union the field that is there, with its name."""
        if depth > DEEPEST:
            raise Malformed("nested too deep")
        if definition.kind == "union":
            return self._union(definition, depth)
        mask = self._number("I") if definition.kind == "optional" else 0
        taken: dict[str, Taken] = {}
        bit = 0
        for each in definition.fields:
            if each.optional:
                present, bit = mask >> bit & 1, bit + 1
                if not present:
                    taken[each.name] = None
                    continue
            taken[each.name] = self._field(each, depth)
        return taken

    def _union(self, definition: Structure, depth: int) -> dict[str, Taken]:
        choice = self._number("I")
        if choice == 0:
            return {}
        if choice > len(definition.fields):
            raise Malformed("the union has no such field")
        chosen = definition.fields[choice - 1]
        return {chosen.name: self._field(chosen, depth)}

    def _field(self, each: Field, depth: int) -> Taken:
        kind = self._types.kind(each.type)
        if each.rank < 0:
            return self._one(kind, each, depth)
        if each.rank > 1:
            return self._matrix(kind, each, depth)
        return self._array(kind, each, depth)

    def _array(self, kind: int, each: Field, depth: int) -> list[Taken] | None:
        count = self._length()
        if count is None:
            return None
        if kind in PLAIN:
            return list(self._numbers(PLAIN[kind], count))
        return [self._one(kind, each, depth) for _element in range(self._bounded(count))]

    def _matrix(self, kind: int, each: Field, depth: int) -> Taken:
        """An array of dimensions, then all values in a row (OPC 10000-6, 5.2.5)."""
        count = self._length() or 0
        dimensions = [max(0, size) for size in self._numbers("i", count)]
        total = 1
        for size in dimensions:
            total *= size
        flat = [self._one(kind, each, depth) for _element in range(self._bounded(total if dimensions else 0))]
        return _shaped(flat, dimensions)

    def _one(self, kind: int, each: Field, depth: int) -> Taken:
        if each.subtypes and kind in {STRUCTURE, 24, 11}:
            return self._extension(depth) if kind == STRUCTURE else self.variant(depth)
        if kind == STRUCTURE:
            definition = self._types.structures.get(each.type)
            return self._extension(depth) if definition is None else self.structure(definition, depth + 1)
        return self._builtin(kind, depth)

    def _builtin(self, kind: int, depth: int) -> Taken:  # noqa: C901, PLR0911 - one line for each built-in type
        if depth > DEEPEST:
            raise Malformed("nested too deep")
        if kind in PLAIN:
            return self._number(PLAIN[kind])
        if kind in {12, 16}:
            return self._text()
        if kind == 13:
            return _microseconds(self._number("q"))
        if kind == 14:
            return str(UUID(bytes_le=self._take(16)))
        if kind == 15:
            return self._bytes()
        if kind in {17, 18}:
            return self._node()
        if kind == 20:
            self._number("H")
            return self._text()
        if kind == 21:
            return self._localized()
        if kind == STRUCTURE:
            return self._extension(depth + 1)
        if kind == 23:
            return self._data_value(depth + 1)
        if kind == 24:
            return self.variant(depth + 1)
        raise Malformed(f"built-in type {kind} is not read")

    def _extension(self, depth: int) -> Taken:
        encoding = self._node()
        form = self._number("B")
        if form == 0:
            return None
        body = self._bytes()
        if form == 2:
            return None if body is None else body.decode("utf-8", "replace")
        return _object(encoding, body, self._types, depth + 1)

    def variant(self, depth: int) -> Taken:
        """A value that says itself of which built-in type it is."""
        mask = self._number("B")
        kind = mask & 0x3F
        if kind == 0:
            return None
        if not mask & 0x80:
            return self._builtin(kind, depth)
        count = self._length()
        if count is None:
            return None
        values = (
            list(self._numbers(PLAIN[kind], count))
            if kind in PLAIN
            else [self._builtin(kind, depth) for _element in range(self._bounded(count))]
        )
        if mask & 0x40:
            return _shaped(values, [max(0, size) for size in self._numbers("i", self._length() or 0)])
        return values

    def _data_value(self, depth: int) -> Taken:
        mask = self._number("B")
        value = self.variant(depth) if mask & 1 else None
        for bit, letter in ((2, "I"), (4, "q"), (16, "H"), (8, "q"), (32, "H")):
            if mask & bit:
                self._number(letter)
        return value

    def _localized(self) -> str:
        mask = self._number("B")
        if mask & 1:
            self._text()
        return (self._text() or "") if mask & 2 else ""

    def _node(self) -> str:
        """A NodeId or ExpandedNodeId (OPC 10000-6, 5.2.2.9 and 5.2.2.10)."""
        form = self._number("B")
        kind = form & 0x3F
        space: int = 0
        rest: Any
        if kind == 0:
            rest = self._number("B")
        elif kind == 1:
            space, rest = self._number("B"), self._number("H")
        elif kind == 2:
            space, rest = self._number("H"), self._number("I")
        elif kind in {3, 4, 5}:
            space = self._number("H")
            rest = self._text() if kind == 3 else UUID(bytes_le=self._take(16)) if kind == 4 else self._bytes()
        else:
            raise Malformed("no node id")
        uri = self._text() if form & 0x80 else None
        if form & 0x40:
            self._number("I")
        node = ua.NodeId(EMPTY[kind] if rest is None else rest, space, ua.NodeIdType(kind))
        return (
            f"nsu={uri};{ua.NodeId(node.Identifier, 0, node.NodeIdType).to_string()}" if uri else self._types.text(node)
        )

    def _text(self) -> str | None:
        content = self._bytes()
        return None if content is None else content.decode("utf-8", "replace")

    def _bytes(self) -> bytes | None:
        count = self._number("i")
        if count < 0:
            return None
        return self._take(count)

    def _length(self) -> int | None:
        """The length of an array, None for no array."""
        count: int = self._number("i")
        return None if count < 0 else count

    def _bounded(self, count: int) -> int:
        """*count*, unless there are too many elements in all."""
        self._elements += count
        if self._elements > MOST_ELEMENTS or count > max(self.left, 1):
            raise Malformed("more elements than bytes")
        return count

    def _number(self, letter: str) -> Any:
        return self._numbers(letter, 1)[0]

    def _numbers(self, letter: str, count: int) -> tuple[Any, ...]:
        form = struct.Struct(f"<{letter}")
        if count * form.size > self.left:
            raise Malformed("the bytes end too early")
        return struct.unpack(f"<{count}{letter}", self._take(count * form.size))

    def _take(self, count: int) -> bytes:
        if count > self.left:
            raise Malformed("the bytes end too early")
        self._at += count
        return self._body[self._at - count : self._at]


def _shaped(flat: list[Taken], dimensions: list[int]) -> Taken:
    if len(dimensions) < 2:
        return flat
    total = 1
    for size in dimensions:
        total *= size
    if total != len(flat):
        raise Malformed("the dimensions do not fit the elements")
    for size in reversed(dimensions[1:]):
        flat = [flat[start : start + size] for start in range(0, len(flat), size)] if size else []
    return flat


def _microseconds(ticks: int) -> Moment | None:
    """Microseconds since 1970 of a DateTime; None where it says no time (0, or the end of its range)."""
    return None if ticks <= 0 or ticks >= 0x7FFFFFFFFFFFFFFF else Moment((ticks - TICKS_TO_1970) // 10)


def flattened(value: Taken, most: int = 1_000) -> Iterator[tuple[str, Taken]]:
    """Each single value in *value* with its place: ``[3]`` in an array (from 0), ``.field`` in a structure, ``[1][2]`` in a matrix."""
    left = [most]
    yield from _flattened("", value, left)


def _flattened(place: str, value: Taken, left: list[int]) -> Iterator[tuple[str, Taken]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _flattened(f"{place}.{name}", each, left)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _flattened(f"{place}[{index}]", each, left)
    elif left[0] > 0:
        left[0] -= 1
        yield place, value
