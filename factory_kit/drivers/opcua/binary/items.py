"""DataValues as they follow each other in a message, read as columns.

Items of one mask and type have one size, so a run of them is an array of records that numpy reads where it lies. That the item
at the next multiple of that size begins with the same mask and type proves that it belongs to the run, because all before it do.
Runs too short for that are gathered by type; only texts, and what is no scalar, are looked at one by one.
"""

from __future__ import annotations

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
"""So many alike in a row are read as an array."""
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
HANDLE = np.dtype([("handle", "<u4")])


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
    """Items of one layout that are not in a run: their rows, and where each record begins.

    Where values have lengths of their own, ``heads`` tells where the items begin and ``texts`` what they say.
    """

    __slots__ = ("add_at", "add_row", "ats", "element", "heads", "is_text", "layout", "rows", "size", "tail", "texts")

    def __init__(self, layout: _Layout, first: int) -> None:
        self.layout = layout
        self.is_text = first == STRING
        self.element = 1 if self.is_text else FIXED.get(first & KIND, 0) if first & ~KIND == ARRAY else 0
        """Bytes of each element of what begins with its length, a text or a plain array; 0 for everything else."""
        self.size = layout.size
        self.tail = tail_of(layout.mask)
        self.rows: list[int] = []
        self.ats: list[int] = []
        self.heads: list[int] = []
        self.texts: list[str | None] = []
        self.add_row, self.add_at = self.rows.append, self.ats.append


def read_items(data: bytes, at: int, count: int, end: int, *, handles: bool) -> tuple[Columns, int]:
    """*count* items from *at* on, and where they end. ``Malformed`` where that is not before *end*.

    Each begins with its client handle where there are *handles*.
    """
    head = 4 if handles else 0
    if count * (head + 1) > end - at:
        raise Malformed("more values are announced than there are bytes", at)
    reading = _Reading(data, count, head)
    behind = reading.walk(at, end)
    return reading.columns(), behind


class _Reading:
    """One list of items."""

    def __init__(self, data: bytes, count: int, head: int) -> None:
        self._data = data
        self._count = count
        self._head = head
        self._bins: dict[int, _Bin] = {}
        self._runs: list[tuple[int, int, int, _Layout]] = []
        self._others: dict[int, bytes] = {}

    def walk(self, at: int, end: int) -> int:  # noqa: C901, PLR0912, PLR0915 - one loop, flat for speed
        """Where the items end; every one of them is in a bin or in a run afterwards."""
        data, head, count, bins, length_at = self._data, self._head, self._count, self._bins, I32.unpack_from
        kind_at, body_at, others = head + 1, head + 6, self._others
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
                    self._runs.append((row, at, length, place.layout))
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
                place.heads.append(at)
                place.add_row(row)
                start = at + body_at
                (length,) = length_at(data, start - 4)
                text = None
                if length >= 0:
                    stop = start + length * place.element
                    if stop > end:
                        raise Malformed("a value is longer than the message", at)
                    if place.is_text:
                        text = data[start:stop].decode("utf-8", "surrogateescape")
                    else:
                        others[row] = data[at + kind_at : stop]
                elif length == -1:
                    stop = start
                else:
                    raise Malformed("a value of a negative length", at)
                place.texts.append(text)
                place.add_at(stop)
                at = stop + place.tail
                before = None
            else:
                at, before = self._one(row, at, end, place), None
            row += 1
        if at > end:
            raise Malformed("a value is cut off", end)
        return at

    def columns(self) -> Columns:
        """What was found, as columns."""
        count, data = self._count, self._data
        bins = {id(each): each for each in self._bins.values() if each.rows}.values()
        columns = Columns(
            handle=np.arange(count, dtype=np.uint32),
            value=np.full(count, np.nan),
            has_value=np.zeros(count, np.bool_),
            status=np.zeros(count, np.int64),
            source=np.zeros(count, np.int64),
            server=np.zeros(count, np.int64),
            text=[None] * count if any(place.texts for place in bins) else None,
            others=self._others,
        )
        for row, at, length, layout in self._runs:
            _fill(columns, slice(row, row + length), np.frombuffer(data, layout.dtype, length, at), layout)
        for place in bins:
            rows = np.array(place.rows)
            if place.size or place.tail:
                _fill(columns, rows, _records(data, place.ats, place.layout.dtype), place.layout)
            if not place.size:
                self._fill_odd(columns, rows, place)
        np.copyto(columns.source, microseconds_of(columns.source))
        np.copyto(columns.server, microseconds_of(columns.server))
        return columns

    def _fill_odd(self, columns: Columns, rows: Places, place: _Bin) -> None:
        """Handles and texts of the items whose values have lengths of their own."""
        if self._head:
            columns.handle[rows] = _records(self._data, place.heads, HANDLE)["handle"]
        if columns.text is not None:
            for row, text in zip(place.rows, place.texts, strict=True):
                columns.text[row] = text
            columns.has_value[rows] = [text is not None for text in place.texts]

    def _bin(self, mark: int) -> _Bin:
        """The bin of *mark*; without a value the second byte says nothing about the layout."""
        if mark & VALUE:
            made = self._bins[mark] = _Bin(_layout(mark, self._head), mark >> 8)
            return made
        plain = mark & 0xFF
        made = self._bins[mark] = self._bins.get(plain) or _Bin(_layout(plain, self._head), 0)
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
        place.heads.append(at)
        place.rows.append(row)
        place.texts.append(text)
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


def _records(data: bytes, ats: list[int], dtype: np.dtype[np.void]) -> Records:
    """The records that begin at *ats*: taken from the records that would begin at every byte."""
    everywhere: Records = np.ndarray(len(data) - dtype.itemsize + 1, dtype, data, strides=(1,))
    records: Records = everywhere[np.array(ats)]
    return records


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
