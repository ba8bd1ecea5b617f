"""Words of Modbus answers to values, vectorised over all points of an answer. Pure.

Byte order: ``ABCD`` is the Modbus order, most significant register and byte first; ``CDAB`` swaps the registers, ``BADC`` the
bytes in each register, ``DCBA`` both. For 64 bits the same pattern runs over four registers. The order is settled once, when
the decoder is built: it only says from where each 16 bits are taken, so that all orders of one width are decoded together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from factory_kit.collect.scale import FloatScale, IntegerScale
from factory_kit.drivers.address import registers_of
from factory_kit.drivers.base import Words
from factory_kit.model.connector import Order, Point
from factory_kit.model.sample import Float64, Int64

__all__ = ["Decoded", "Decoder", "Slot"]

Index = npt.NDArray[np.intp]
SWAPPED_BYTES: tuple[Order, ...] = ("BADC", "DCBA")
SWAPPED_WORDS: tuple[Order, ...] = ("CDAB", "DCBA")


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the value of *point* lies among the words of an answer."""

    point: Point
    offset: int
    bit: int | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """One value for each slot, in their order.

    ``value`` is NaN where there is a text or nothing; ``known`` is False where the words hold no value of the type (a digit
    above 9 in BCD), which keeps the NaN of a machine apart from no value. ``text`` is None where no slot is a string.
    ``raw`` holds the whole number before scaling where the type has one, for time stamps and state mappings.
    """

    value: Float64
    known: npt.NDArray[np.bool_]
    text: list[str | None] | None
    raw: Int64


class Decoder:
    """Turns the *length* words of one answer into the values of *slots*."""

    def __init__(self, slots: Sequence[Slot], length: int) -> None:
        self._count = len(slots)
        self._length = length
        self._swaps = any(slot.point.order in SWAPPED_BYTES and slot.point.type != "bool" for slot in slots)
        kinds: dict[str, list[int]] = {}
        for place, slot in enumerate(slots):
            kinds.setdefault(_kind(slot), []).append(place)
        self._strings = [(place, slots[place]) for place in kinds.pop("string", [])]
        groups = [_Group(kind, places, slots, length) for kind, places in kinds.items()]
        self._floats = [(group, _float_scale(group)) for group in groups if group.kind in FLOATS]
        self._whole = [group for group in groups if group.kind not in FLOATS]
        self._places: Index = np.array([place for group in self._whole for place in group.places], dtype=np.intp)
        self._scale = IntegerScale([slots[place].point for place in self._places])

    def __call__(self, words: Words) -> Decoded:
        """The values in *words*."""
        if len(words) != self._length:
            raise ValueError("the answer has another length than the request")
        # Bytes swapped in every word, once for all: an index beyond the length reads from there.
        both = np.concatenate((words, words.byteswap())) if self._swaps else words
        value: Float64 = np.full(self._count, np.nan)
        known = np.ones(self._count, dtype=bool)
        raw = np.zeros(self._count, dtype=np.int64)
        self._whole_numbers(both, value, known, raw)
        for group, scale in self._floats:
            value[group.places] = scale(group.words(both).view(FLOATS[group.kind]).ravel())
        return Decoded(value, known, self._texts(both), raw)

    def _whole_numbers(self, both: Words, value: Float64, known: npt.NDArray[np.bool_], raw: Int64) -> None:
        if not self._whole:
            return
        columns = [group.numbers(both) for group in self._whole]
        numbers = np.concatenate(columns)
        value[self._places] = self._scale(numbers)
        raw[self._places] = numbers
        start = 0
        for group, column in zip(self._whole, columns, strict=True):
            if group.kind in BCD:
                known[group.places] = column >= 0
                value[group.places[column < 0]] = np.nan
            if group.kind == "uint64":
                for index in np.flatnonzero(column < 0):
                    value[group.places[index]] = self._scale.exactly(start + int(index), int(column[index]) + 2**64)
            start += len(column)

    def _texts(self, both: Words) -> list[str | None] | None:
        if not self._strings:
            return None
        texts: list[str | None] = [None] * self._count
        for place, slot in self._strings:
            start = slot.offset + (self._length if slot.point.order in SWAPPED_BYTES else 0)
            texts[place] = _text(both[start : start + slot.point.size].astype(">u2").tobytes())
        return texts


class _Group:
    """All slots of one kind: where their words are, and in which places of the result they belong."""

    def __init__(self, kind: str, places: list[int], slots: Sequence[Slot], length: int) -> None:
        self.kind = kind
        self.places: Index = np.array(places, dtype=np.intp)
        self.points = [slots[place].point for place in places]
        self._from: Index = np.array([_least_first(slots[place], length) for place in places], dtype=np.intp)
        self._bits = np.array([slots[place].bit or 0 for place in places], dtype=np.uint16)
        self._numbers = _NUMBERS.get(kind)

    def words(self, both: Words) -> npt.NDArray[np.uint16]:
        """The words of every slot, least significant first, so that a little-endian view reads them on any machine."""
        return np.ascontiguousarray(both[self._from], dtype="<u2")

    def numbers(self, both: Words) -> Int64:
        """The whole number of every slot; -1 for BCD that is none."""
        words = self.words(both)
        if self.kind == "bit":
            return ((words[:, 0] >> self._bits) & 1).astype(np.int64)
        assert self._numbers is not None  # noqa: S101 - every kind that is no float has one
        return self._numbers(words)


def _kind(slot: Slot) -> str:
    if slot.point.type == "bool" and slot.bit is not None:
        return "bit"
    return {"bits16": "uint16", "datetime": "int64"}.get(slot.point.type, slot.point.type)


def _least_first(slot: Slot, length: int) -> list[int]:
    """The indices of the words of *slot*, least significant first; those with swapped bytes follow *length* words later."""
    order = slot.point.order
    places = range(slot.offset, slot.offset + registers_of(slot.point))
    swapped = length if order in SWAPPED_BYTES and slot.point.type != "bool" else 0
    ordered = places if order in SWAPPED_WORDS else reversed(places)
    return [place + swapped for place in ordered]


def _float_scale(group: _Group) -> FloatScale:
    return FloatScale(group.points, 24 if group.kind == "float32" else 53)


def _digits(word: npt.NDArray[np.uint16]) -> Int64:
    """The number whose four decimal digits are the half-bytes of each word; -1 where one is no digit."""
    digits = np.stack([(word >> shift) & 15 for shift in (12, 8, 4, 0)]).astype(np.int64)
    number = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3]
    return np.where((digits > 9).any(axis=0), -1, number)


def _long_digits(words: npt.NDArray[np.uint16]) -> Int64:
    low, high = _digits(words[:, 0]), _digits(words[:, 1])
    return np.where((low < 0) | (high < 0), -1, high * 10000 + low)


def _viewed(dtype: str) -> Callable[[npt.NDArray[np.uint16]], Int64]:
    return lambda words: words.view(dtype).ravel().astype(np.int64)


FLOATS = {"float32": "<f4", "float64": "<f8"}
BCD = ("bcd16", "bcd32")
_NUMBERS: dict[str, Callable[[npt.NDArray[np.uint16]], Int64]] = {
    "bool": lambda words: (words[:, 0] != 0).astype(np.int64),
    "int8": lambda words: words.view("<i1")[:, 0].astype(np.int64),
    "uint8": lambda words: words.view("<u1")[:, 0].astype(np.int64),
    "int16": _viewed("<i2"),
    "uint16": _viewed("<u2"),
    "int32": _viewed("<i4"),
    "uint32": _viewed("<u4"),
    "int64": _viewed("<i8"),
    "uint64": _viewed("<i8"),
    "bcd16": lambda words: _digits(words[:, 0]),
    "bcd32": _long_digits,
}


def _text(data: bytes) -> str:
    """The text up to the first zero, without spaces around it: UTF-8 (so ASCII too), else GB 18030 (so GBK too)."""
    data = data.split(b"\0", 1)[0]
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace").strip()
