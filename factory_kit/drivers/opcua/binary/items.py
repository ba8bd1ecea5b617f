"""DataValues as they follow each other in a message, read as columns.

Items of one mask and type have one size, so a run of them is an array of records that numpy reads where it lies. That the item
at the next multiple of that size begins with the same mask and type proves that it belongs to the run, because all before it do.
Runs too short for that are gathered by type; only texts, and what is no scalar, are looked at one by one.

A server mostly tells of its items in one order, so the shape of a message, which types lie where, is remembered: when every
item of the next one begins as the remembered shape says, that proves the shape, and nothing is walked through.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from factory_kit.drivers.opcua.binary.columns import Columns, microseconds_of
from factory_kit.drivers.opcua.binary.texts import text_reader
from factory_kit.drivers.opcua.binary.wire import (
    ARRAY,
    DIMENSIONS,
    FIXED,
    I32,
    KIND,
    SERVER,
    SERVER_PICO,
    SOURCE,
    SOURCE_PICO,
    STATUS,
    VALUE,
    Malformed,
    end_of_variant,
    tail_of,
)

__all__ = ["read_items"]

LONG = 6
ALIKE = LONG + 1
"""So many alike in a row, and what follows is read with them as an array."""
LOOK_AHEAD = 64
"""The first so many of a long run; then eight times as many at each look."""
NUMBERS = {
    1: "u1",
    2: "i1",
    3: "u1",
    4: "<i2",
    5: "<u2",
    6: "<i4",
    7: "<u4",
    8: "<i8",
    9: "<u8",
    10: "<f4",
    11: "<f8",
    13: "<i8",
}
BOOLEAN, FLOAT, STRING, DATETIME = 1, 10, 12, 13
NO_VALUE = 0

Places = npt.NDArray[np.intp]
Records = npt.NDArray[np.void]


class _Layout:
    """The record that an item of one mask and type is.

    ``size`` is 0 where the value has a length of its own; the record then is only what follows the value.
    """

    __slots__ = ("dtype", "kind", "mark", "mask", "size")

    def __init__(self, mark: int, head: int) -> None:
        self.mask = mark & 0xFF
        first = mark >> 8
        self.kind = (first if first in NUMBERS or not first else -1) if self.mask & VALUE else NO_VALUE
        fields = [("handle", "<u4")] * (head > 0) + [("mark", "<u2" if self.mask & VALUE else "u1")]
        if self.kind > 0:
            fields.append(("value", NUMBERS[self.kind]))
        tail = [
            (name, form)
            for bit, name, form in (
                (STATUS, "status", "<u4"),
                (SOURCE, "source", "<i8"),
                (SOURCE_PICO, "source_pico", "<u2"),
                (SERVER, "server", "<i8"),
                (SERVER_PICO, "server_pico", "<u2"),
            )
            if self.mask & bit
        ]
        self.mark = mark if self.mask & VALUE else self.mask
        self.dtype = np.dtype(tail if self.kind < 0 else fields + tail)
        self.size = 0 if self.kind < 0 else self.dtype.itemsize


@cache
def _layout(mark: int, head: int) -> _Layout:
    return _Layout(mark, head)


class _Bin:
    """Items of one layout that are not in a run: their rows, where each begins, and where the record of each does.

    These are the same but where values have lengths of their own; then the record is what follows the value.
    """

    __slots__ = ("add_at", "add_row", "ats", "element", "heads", "layout", "mark", "rows", "size", "tail")

    def __init__(self, layout: _Layout, mark: int) -> None:
        first = mark >> 8
        self.layout = layout
        self.mark = mark
        self.element = 1 if first == STRING else FIXED.get(first & KIND, 0) if first & ~KIND == ARRAY else 0
        """Bytes of each element of what begins with its length, a text or a plain array; 0 for everything else."""
        self.size = layout.size
        self.tail = tail_of(layout.mask)
        self.rows: list[int] = []
        self.ats: list[int] = []
        self.heads: list[int] = []
        self.add_row, self.add_at = self.rows.append, self.ats.append


@dataclass(frozen=True, slots=True)
class _Group:
    """The items of a bin, relative to the first of all."""

    layout: _Layout
    mark: int
    element: int
    rows: Places
    heads: Places
    ats: Places
    lengths: npt.NDArray[np.int32] | None
    """How long texts and plain arrays are."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where in a list of items which types lie."""

    length: int
    runs: tuple[tuple[int, int, int, _Layout], ...]
    groups: tuple[_Group, ...]

    def fits(self, data: bytes, at: int, end: int, head: int) -> bool:
        """Whether the items from *at* on lie so: each begins, and says that it is as long, as here."""
        if at + self.length > end:
            return False
        for _row, place, length, layout in self.runs:
            if not (np.frombuffer(data, layout.dtype, length, at + place)["mark"] == layout.mark).all():
                return False
        for group in self.groups:
            starts = at + group.heads + head
            wide = group.mark & VALUE
            if not (
                _everywhere(data, "<u2" if wide else "u1")[starts] == (group.mark if wide else group.mark & 0xFF)
            ).all():
                return False
            if group.lengths is not None and not (_everywhere(data, "<i4")[starts + 2] == group.lengths).all():
                return False
        return True


_SHAPES: OrderedDict[tuple[int, int], _Shape] = OrderedDict()
"""The last shapes by the number of items and the bytes before each; only what proves to fit is used, whoever's it was."""
MOST_SHAPES = 32
MOST_REMEMBERED = 20_000
"""Items of a message whose shape is worth keeping."""


def read_items(data: bytes, at: int, count: int, end: int, *, handles: bool) -> tuple[Columns, int]:
    """*count* items from *at* on, and where they end. ``Malformed`` where that is not before *end*.

    Each begins with its client handle where there are *handles*.
    """
    head = 4 if handles else 0
    if count * (head + 1) > end - at:
        raise Malformed("more values are announced than there are bytes", at)
    reading = _Reading(data, at, count, head)
    known = _SHAPES.get((count, head))
    if known is not None and known.fits(data, at, end, head):
        return reading.columns(known), at + known.length
    shape = reading.walked(end)
    columns = reading.columns(shape)
    if not reading.unlike and LONG < count <= MOST_REMEMBERED:
        _SHAPES[count, head] = shape
        _SHAPES.move_to_end((count, head))
        if len(_SHAPES) > MOST_SHAPES:
            _SHAPES.popitem(last=False)
    return columns, at + shape.length


class _Reading:
    """One list of items."""

    def __init__(self, data: bytes, at: int, count: int, head: int) -> None:
        self._data = data
        self._at = at
        self._count = count
        self._head = head
        self._bins: dict[int, _Bin] = {}
        self._runs: list[tuple[int, int, int, _Layout]] = []
        self._others: dict[int, bytes] = {}
        self.unlike: dict[int, str | None] = {}
        """Rows of values whose length is not told by their beginning, and what those say that are texts."""

    def walked(self, end: int) -> _Shape:
        """Which types lie where, found by walking through."""
        at = self._at
        length = self.walk(at, end) - at
        bins = {id(each): each for each in self._bins.values() if each.rows}.values()
        runs = tuple((row, place - at, many, layout) for row, place, many, layout in self._runs)
        return _Shape(length, runs, tuple(self._group(each) for each in bins))

    def _group(self, place: _Bin) -> _Group:
        ats = np.array(place.ats) - self._at
        heads = ats if place.size else np.array(place.heads) - self._at
        lengths = _everywhere(self._data, "<i4")[heads + (self._at + self._head + 2)] if place.element else None
        return _Group(place.layout, place.mark, place.element, np.array(place.rows), heads, ats, lengths)

    def walk(self, at: int, end: int) -> int:  # noqa: PLR0915 - one loop, flat for speed
        """Where the items end; every one of them is in a bin or in a run afterwards."""
        data, head, count, bins, length_at = self._data, self._head, self._count, self._bins, I32.unpack_from
        kind_at, body_at = head + 1, head + 6
        last = end - head - 2
        row = streak = 0
        before: _Bin | None = None
        while row < count:
            if at > last:  # behind the last item the message goes on, so two bytes are always there
                raise Malformed("a value is cut off", at)
            mark = data[at + head] | data[at + kind_at] << 8
            place = bins.get(mark)
            if place is None:
                place = self._bin(mark)
            size = place.size
            if size:
                if place is not before:
                    before, streak = place, 0
                elif streak == LONG:
                    length = self._run_length(at, min(count - row, (end - at) // size), place.layout)
                    self._runs.append((row - ALIKE, at - ALIKE * size, length + ALIKE, place.layout))
                    del place.rows[-ALIKE:], place.ats[-ALIKE:]  # those before belong to it too
                    row += length
                    at += length * size
                    before = None
                    continue
                else:
                    streak += 1
                place.add_row(row)
                place.add_at(at)
                at += size
            elif place.element and at + body_at <= end:  # as _one does it, without the calls
                (length,) = length_at(data, at + body_at - 4)
                if length < -1 or length > end:
                    raise Malformed("a value is longer than the message", at)
                place.heads.append(at)
                place.add_row(row)
                at += body_at + length * place.element if length > 0 else body_at
                place.add_at(at)
                at += place.tail
                before = None
            else:
                at, before = self._one(row, at, end, place), None
            row += 1
        if at > end:
            raise Malformed("a value is cut off", end)
        return at

    def columns(self, shape: _Shape) -> Columns:
        """The items, which lie as *shape* says, as columns."""
        count, data, at = self._count, self._data, self._at
        if len(shape.runs) == 1 and not shape.groups:
            return _of_one_run(np.frombuffer(data, shape.runs[0][3].dtype, count, at), shape.runs[0][3])
        columns = Columns(
            handle=np.arange(count, dtype=np.uint32),
            value=np.full(count, np.nan),
            has_value=np.zeros(count, np.bool_),
            status=np.zeros(count, np.int64),
            source=np.zeros(count, np.int64),
            server=np.zeros(count, np.int64),
            text=self._texts(shape),
            others=self._others,
        )
        for row, place, length, layout in shape.runs:
            _fill(columns, slice(row, row + length), np.frombuffer(data, layout.dtype, length, at + place), layout)
        for group in shape.groups:
            if group.layout.dtype.itemsize:
                _fill(columns, group.rows, _everywhere(data, group.layout.dtype)[at + group.ats], group.layout)
            if not group.layout.size and self._head:
                columns.handle[group.rows] = _everywhere(data, "<u4")[at + group.heads]
        if columns.text is not None:
            columns.has_value[[row for row, text in enumerate(columns.text) if text is not None]] = True
        np.copyto(columns.source, microseconds_of(columns.source))
        np.copyto(columns.server, microseconds_of(columns.server))
        return columns

    def _texts(self, shape: _Shape) -> list[str | None] | None:
        """The texts by row; arrays go to ``_others``."""
        data, head = self._data, self._head
        texts: list[str | None] = [None] * self._count
        found = any(text is not None for text in self.unlike.values())
        for row, text in self.unlike.items():
            texts[row] = text
        for group in shape.groups:
            if group.lengths is None:
                continue
            there = group.lengths >= 0
            starts, stops = (self._at + group.heads[there] + head + 6).tolist(), (self._at + group.ats[there]).tolist()
            rows = group.rows[there].tolist()
            if group.mark >> 8 == STRING:
                found = found or bool(rows)
                for row, start, stop in zip(rows, starts, stops, strict=True):
                    texts[row] = data[start:stop].decode("utf-8", "surrogateescape")
            else:
                for row, start, stop in zip(rows, starts, stops, strict=True):
                    self._others[row] = data[start - 5 : stop]
        return texts if found else None

    def _bin(self, mark: int) -> _Bin:
        """The bin of *mark*; without a value the second byte says nothing about the layout."""
        if mark & VALUE:
            made = self._bins[mark] = _Bin(_layout(mark, self._head), mark)
            return made
        plain = mark & 0xFF
        made = self._bins[mark] = self._bins.get(plain) or _Bin(_layout(plain, self._head), plain)
        self._bins[plain] = made
        return made

    def _one(self, row: int, at: int, end: int, place: _Bin) -> int:
        """An item whose value has a length of its own."""
        data = self._data
        start = at + self._head + 1
        first = data[start]
        read = text_reader(first)
        text = None
        if read is not None and not first & (ARRAY | DIMENSIONS):
            text, behind = read(data, start + 1, end)
        else:
            behind = end_of_variant(data, start, end)
            if not _is_no_array(data, start):
                self._others[row] = data[start:behind]
        self.unlike[row] = text
        place.heads.append(at)
        place.rows.append(row)
        place.ats.append(behind)
        return behind + place.tail

    def _run_length(self, at: int, most: int, layout: _Layout) -> int:
        """How many items from *at* on are alike, at most *most*."""
        length, window = 1, LOOK_AHEAD
        while length < most:
            window = min(window, most - length)
            marks = np.frombuffer(self._data, layout.dtype, window, at + length * layout.size)["mark"]
            alike = marks == layout.mark
            if not alike.all():
                return length + int(alike.argmin())
            length += window
            window *= 8
        return length


def _is_no_array(data: bytes, start: int) -> bool:
    """Whether the Variant is an array of length -1: there is no value then."""
    return bool(data[start] & ARRAY) and I32.unpack_from(data, start + 1)[0] < 0


def _everywhere(data: bytes, dtype: str | np.dtype[np.void]) -> npt.NDArray[Any]:
    """The records that would begin at every byte."""
    form: np.dtype[Any] = np.dtype(dtype)
    return np.ndarray(max(0, len(data) - form.itemsize + 1), form, data, strides=(1,))


def _of_one_run(records: Records, layout: _Layout) -> Columns:
    """The columns of items that are all alike, as most are: each column is read once."""
    count, names = len(records), layout.dtype.names or ()

    def integers(name: str) -> npt.NDArray[np.int64]:
        return records[name].astype(np.int64) if name in names else np.zeros(count, np.int64)

    def times(name: str) -> npt.NDArray[np.int64]:
        return microseconds_of(records[name]) if name in names else np.zeros(count, np.int64)

    return Columns(
        handle=records["handle"].copy() if "handle" in names else np.arange(count, dtype=np.uint32),
        value=_numbers(records["value"], layout.kind).astype(np.float64) if layout.kind > 0 else np.full(count, np.nan),
        has_value=np.full(count, layout.kind > 0),
        status=integers("status"),
        source=times("source"),
        server=times("server"),
    )


def _fill(columns: Columns, rows: slice | Places, records: Records, layout: _Layout) -> None:
    """The fields of *records* into *rows* of *columns*; times stay as they are encoded."""
    names = layout.dtype.names or ()
    if "handle" in names:
        columns.handle[rows] = records["handle"]
    if layout.kind > 0:
        columns.value[rows] = _numbers(records["value"], layout.kind)
        columns.has_value[rows] = True
    for name, column in (("status", columns.status), ("source", columns.source), ("server", columns.server)):
        if name in names:
            column[rows] = records[name]


def _numbers(values: npt.NDArray[Any], kind: int) -> npt.NDArray[Any]:
    if kind == FLOAT:
        with np.errstate(invalid="ignore"):  # a signalling NaN is the machine's, not a mistake of ours
            return values.astype(np.float64)
    if kind == BOOLEAN:
        values = np.not_equal(values, 0)  # any byte but 0 is true
    return microseconds_of(values) if kind == DATETIME else values
