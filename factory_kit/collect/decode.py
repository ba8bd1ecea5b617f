"""Words of Modbus answers to values, vectorised over all points of an answer. Pure.

Byte order: ``ABCD`` is the Modbus order, most significant register and byte first; ``CDAB`` swaps the registers, ``BADC`` the
bytes in each register, ``DCBA`` both. For 64 bits the same pattern runs over four registers, or all eight bytes are named. The
order is settled once, when the decoder is built: it only says from where each 16 bits are taken, so that all orders of one width
are decoded together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from factory_kit.collect.dates import CALENDAR_TYPES, calendar_time
from factory_kit.collect.scale import FloatScale, IntegerScale, Linear, linear
from factory_kit.collect.sentinels import Sentinels
from factory_kit.drivers.address import registers_of
from factory_kit.drivers.base import Words
from factory_kit.model.connector import Charset, Point
from factory_kit.model.sample import Float64, Int64

__all__ = ["Decoded", "Decoder", "Slot"]

Index = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Grid = npt.NDArray[np.uint16]
NO_VALUE: Final = np.iinfo(np.int64).min
"""Stands among whole numbers for words that hold no value of the type."""
FACTORS: Final = range(-10, 11)
"""Powers of ten that SunSpec allows as scale factors."""
MOST_SCALES: Final = 16


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the value of *point* lies among the words of an answer."""

    point: Point
    offset: int
    bit: int | None = None
    top: int | None = None
    """Last of several bits, from ``bit`` on; None: the one bit, or the whole value where ``bit`` is None."""
    factor: int | None = None
    """Which slot holds the power of ten of the value."""
    zone: tzinfo | None = None
    """What the device's wall clock shows; None: UTC."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One value for each slot, in their order.

    ``value`` is NaN where there is a text or nothing; ``known`` is False where the words hold no value: none of the type (a
    digit above 9 in BCD, a date that no calendar has), or, where ``absent`` is True too, the device says that it has none. So
    the NaN of a machine stays apart from no value. ``text`` is None where no slot is a string. ``raw`` holds the whole number
    before scaling where the type has one, for state mappings; dates are microseconds since 1970 there.
    """

    value: Float64
    known: Flags
    text: list[str | None] | None
    raw: Int64
    absent: Flags


class Decoder:
    """Turns the *length* words of one answer into the values of *slots*."""

    def __init__(self, slots: Sequence[Slot], length: int) -> None:
        self._slots = slots
        self._length = length
        self._swaps = any(_swapped(slot.point) for slot in slots)
        kinds: dict[str, list[int]] = {}
        for place, slot in enumerate(slots):
            kinds.setdefault(_kind(slot), []).append(place)
        self._strings = [(place, slots[place]) for place in kinds.pop("string", [])]
        groups = [_Group(kind, places, slots, length) for kind, places in kinds.items()]
        self._floats = [group for group in groups if group.kind in FLOATS]
        self._whole = [group for group in groups if group.kind not in FLOATS]
        self._places: Index = np.array([place for group in self._whole for place in group.places], dtype=np.intp)
        self._factors = _Factors(slots)
        self._scales: dict[tuple[int, ...], _Scales] = {}

    def __call__(self, words: Words) -> Decoded:
        """The values in *words*."""
        if len(words) != self._length:
            raise ValueError("the answer has another length than the request")
        # Bytes swapped in every word, once for all: an index beyond the length reads from there.
        both = np.concatenate((words, words.byteswap())) if self._swaps else words
        count = len(self._slots)
        decoded = Decoded(
            np.full(count, np.nan),
            np.ones(count, dtype=bool),
            self._texts(both),
            np.zeros(count, dtype=np.int64),
            np.zeros(count, dtype=bool),
        )
        columns = [group.numbers(both) for group in self._whole]
        if columns:
            numbers = np.concatenate(columns)
            decoded.raw[self._places] = numbers
        scales = self._scale(self._factors.powers(decoded.raw))
        if columns:
            decoded.value[self._places] = scales.whole(numbers)
            self._odd_ones(columns, decoded, scales.whole)
        for group, scale in zip(self._floats, scales.floats, strict=True):
            values = group.words(both).view(FLOATS[group.kind]).ravel()
            decoded.value[group.places] = scale(values)
            group.absent(both, values, decoded)
        for group, column in zip(self._whole, columns, strict=True):
            group.absent(both, column, decoded)
        self._factors.spoil(decoded)
        self._empty_texts(decoded)
        return decoded

    def _odd_ones(self, columns: Sequence[Int64], decoded: Decoded, scale: IntegerScale) -> None:
        """Words that hold no value of their type, and numbers from 2**63 on."""
        start = 0
        for group, column in zip(self._whole, columns, strict=True):
            if group.partial:
                wrong = group.places[column == NO_VALUE]
                decoded.known[wrong], decoded.value[wrong], decoded.raw[wrong] = False, np.nan, 0
            if group.unsigned:
                for index in np.flatnonzero(column < 0):
                    decoded.value[group.places[index]] = scale.exactly(start + int(index), int(column[index]) + 2**64)
            start += len(column)

    def _scale(self, powers: tuple[int, ...]) -> _Scales:
        """The scales under these scale factors, which hardly ever change."""
        found = self._scales.get(powers)
        if found is None:
            if len(self._scales) >= MOST_SCALES:
                self._scales.clear()
            lines = self._factors.lines(powers)
            floats = [FloatScale([lines[place] for place in each.places], FRACTION[each.kind]) for each in self._floats]
            found = self._scales[powers] = _Scales(IntegerScale([lines[place] for place in self._places]), floats)
        return found

    def _texts(self, both: Words) -> list[str | None] | None:
        if not self._strings:
            return None
        texts: list[str | None] = [None] * len(self._slots)
        for place, slot in self._strings:
            start = slot.offset + (self._length if _swapped(slot.point) else 0)
            data = both[start : start + slot.point.size].astype(">u2").tobytes()
            texts[place] = _text(data, slot.point.charset)
        return texts

    def _empty_texts(self, decoded: Decoded) -> None:
        for place, slot in self._strings:
            if decoded.text is not None and slot.point.na and not decoded.text[place]:
                decoded.text[place] = None
                decoded.known[place], decoded.absent[place] = False, True


@dataclass(frozen=True, slots=True)
class _Scales:
    whole: IntegerScale
    floats: list[FloatScale]


class _Factors:
    """Scale factors that stand in registers: who has one, and what follows from what they hold."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = slots
        scaled = [(place, slot.factor) for place, slot in enumerate(slots) if slot.factor is not None]
        self._scaled: Index = np.array([place for place, _factor in scaled], dtype=np.intp)
        self._factors: Index = np.array([factor for _place, factor in scaled], dtype=np.intp)

    def powers(self, raw: Int64) -> tuple[int, ...]:
        """The powers of ten of the scaled slots; 0 where they hold none."""
        if not len(self._scaled):
            return ()
        return tuple(power if power in FACTORS else 0 for power in raw[self._factors].tolist())

    def lines(self, powers: tuple[int, ...]) -> list[Linear]:
        """Scale and offset of every slot."""
        power = dict(zip(self._scaled.tolist(), powers, strict=True))
        return [
            linear(slot.point, power.get(place, _fixed_power(slot.point))) for place, slot in enumerate(self._slots)
        ]

    def spoil(self, decoded: Decoded) -> None:
        """Without its scale factor a value is none."""
        if not len(self._scaled):
            return
        held = decoded.raw[self._factors]
        wrong = self._scaled[~decoded.known[self._factors] | (held < FACTORS.start) | (held >= FACTORS.stop)]
        decoded.known[wrong], decoded.value[wrong], decoded.absent[wrong] = False, np.nan, True


class _Group:
    """All slots of one kind: where their words are, and in which places of the result they belong."""

    def __init__(self, kind: str, places: list[int], slots: Sequence[Slot], length: int) -> None:
        mine = [slots[place] for place in places]
        self.kind = kind
        self.places: Index = np.array(places, dtype=np.intp)
        self.partial = kind in PARTIAL
        self.unsigned = kind in {"uint64", "masked4"}
        self._slots = mine
        self._from: Index = np.array([_least_first(slot, length) for slot in mine], dtype=np.intp)
        self._shift = np.array([slot.bit or 0 for slot in mine], dtype=np.uint64)
        self._mask = np.array([(2 << (slot.top - (slot.bit or 0))) - 1 if slot.top else 1 for slot in mine], np.uint64)
        self._numbers = _NUMBERS.get(kind)
        self._sentinels = Sentinels([slot.point for slot in mine])

    def words(self, both: Words) -> Grid:
        """The words of every slot, least significant first, so that a little-endian view reads them on any machine."""
        return np.ascontiguousarray(both[self._from], dtype="<u2")

    def numbers(self, both: Words) -> Int64:
        """The whole number of every slot; NO_VALUE where the words hold none."""
        words = self.words(both)
        if self.kind == "bit":
            return ((words[:, 0] >> self._shift.astype(np.uint16)) & 1).astype(np.int64)
        if self.kind.startswith("masked"):
            whole = words.view(f"<u{2 * words.shape[1]}").ravel().astype(np.uint64)
            return ((whole >> self._shift) & self._mask).astype(np.int64)
        if self.kind in CALENDAR_TYPES:
            return self._dates(words)
        assert self._numbers is not None  # noqa: S101 - every other kind that is no float has one
        return self._numbers(words)

    def absent(self, both: Words, numbers: npt.NDArray[np.floating] | Int64, decoded: Decoded) -> None:
        """Note in *decoded* the slots whose words are a sentinel."""
        if self._sentinels.empty:
            return
        places = self.places[self._sentinels.rows(self.words(both), numbers)]
        decoded.known[places], decoded.absent[places], decoded.value[places] = False, True, np.nan

    def _dates(self, words: Grid) -> Int64:
        moments = (
            calendar_time(self.kind, [int(word) for word in row[::-1]], slot.zone)
            for row, slot in zip(words, self._slots, strict=True)
        )
        return np.array([NO_VALUE if moment is None else moment for moment in moments], dtype=np.int64)


def _kind(slot: Slot) -> str:
    kind = slot.point.type
    if kind == "bool" and slot.bit is not None:
        return "bit"
    if slot.top is not None:
        return f"masked{registers_of(slot.point)}"
    return {"bits16": "uint16", "bits32": "uint32", "bits64": "uint64", "datetime": "int64"}.get(kind, kind)


def _swapped(point: Point) -> bool:
    """Whether the bytes of each register stand the wrong way round; a bit or a truth value does not ask."""
    return point.type != "bool" and point.order[0] in "BDFH"


def _least_first(slot: Slot, length: int) -> list[int]:
    """The indices of the words of *slot*, least significant first; those with swapped bytes follow *length* words later."""
    order, size = slot.point.order, registers_of(slot.point)
    if len(order) == 8:  # the wire's place of each pair of bytes, GH (the least significant) first
        pairs = ["".join(sorted(order[place : place + 2])) for place in range(0, 8, 2)]
        places: Sequence[int] = [slot.offset + pairs.index(pair) for pair in ("GH", "EF", "CD", "AB")]
    else:
        wire = range(slot.offset, slot.offset + size)
        places = wire if order in {"CDAB", "DCBA"} else wire[::-1]
    return [place + (length if _swapped(slot.point) else 0) for place in places]


def _fixed_power(point: Point) -> int:
    return int(point.sf) if point.sf.lstrip("-").isdigit() else 0


def _digits(words: Grid) -> Int64:
    """The number whose decimal digits are the half-bytes of the words; NO_VALUE where one is no digit."""
    halves = (
        np.stack([(words >> shift) & 15 for shift in (0, 4, 8, 12)], axis=2).reshape(len(words), -1).astype(np.int64)
    )
    number = halves @ (10 ** np.arange(halves.shape[1], dtype=np.int64))
    return np.where((halves > 9).any(axis=1), NO_VALUE, number)


def _ten_thousands(words: Grid) -> Int64:
    """The number whose digits to the base 10,000 are the words; NO_VALUE where one is larger."""
    number = words.astype(np.int64) @ (10_000 ** np.arange(words.shape[1], dtype=np.int64))
    return np.where((words > 9999).any(axis=1), NO_VALUE, number)


def _viewed(dtype: str, words: Grid) -> Int64:
    return words.view(dtype).ravel().astype(np.int64)


def _since(dtype: str, factor: int, epoch_s: int, words: Grid) -> Int64:
    """Microseconds since 1970 of a count of *factor* microseconds since *epoch_s*; NO_VALUE far beyond every calendar."""
    count = _viewed(dtype, words)
    most = (2**62 - epoch_s * 1_000_000) // factor
    return np.where((count >= 0) & (count <= most), count * factor + epoch_s * 1_000_000, NO_VALUE)


FLOATS: Final = {"float32": "<f4", "float64": "<f8"}
FRACTION: Final = {"float32": 24, "float64": 53}
PARTIAL: Final = frozenset({"bcd16", "bcd32", "bcd64", "mod10k32", "mod10k48", "mod10k64", "unix64", *CALENDAR_TYPES})
"""Kinds whose words may hold no value."""
SEC_2000: Final = 946_684_800
_NUMBERS: Final[Mapping[str, Callable[[Grid], Int64]]] = {
    "bool": lambda words: (words[:, 0] != 0).astype(np.int64),
    "int8": lambda words: words.view("<i1")[:, 0].astype(np.int64),
    "uint8": lambda words: words.view("<u1")[:, 0].astype(np.int64),
    "int16": partial(_viewed, "<i2"),
    "uint16": partial(_viewed, "<u2"),
    "int32": partial(_viewed, "<i4"),
    "uint32": partial(_viewed, "<u4"),
    "int64": partial(_viewed, "<i8"),
    "uint64": partial(_viewed, "<i8"),
    "unix32": partial(_since, "<u4", 1_000_000, 0),
    "unix64": partial(_since, "<i8", 1000, 0),
    "sec2000": partial(_since, "<u4", 1_000_000, SEC_2000),
    **dict.fromkeys(("bcd16", "bcd32", "bcd64"), _digits),
    **dict.fromkeys(("mod10k32", "mod10k48", "mod10k64"), _ten_thousands),
}
CODECS: Final[Mapping[Charset, tuple[str, ...]]] = {
    "auto": ("utf-8", "gb18030"),
    "ascii": ("ascii",),
    "utf-8": ("utf-8",),
    "gbk": ("gb18030",),
    "utf-16": ("utf-16-be",),
}


def _text(data: bytes, charset: Charset) -> str:
    """The text up to the first zero, without spaces around it; what no codec of *charset* knows is replaced."""
    if charset == "utf-16":
        data = next((data[:place] for place in range(0, len(data), 2) if data[place : place + 2] == b"\0\0"), data)
    else:
        data = data.split(b"\0", 1)[0]
    codecs = CODECS[charset]
    for codec in codecs[:-1]:
        try:
            return data.decode(codec).strip()
        except UnicodeDecodeError:
            continue
    return data.decode(codecs[-1], errors="replace").strip()
