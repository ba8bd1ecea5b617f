"""Modbus tables: how connectors spell places in them, and what can be said about the points of a connector without a device. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, get_args

from factory_kit.errors import UsageError
from factory_kit.i18n import N_
from factory_kit.model.connector import Connector, Limits, Point

__all__ = [
    "LAST",
    "MOST_BITS",
    "ModbusAddress",
    "PointMistake",
    "Table",
    "address_range",
    "forbidden_ranges",
    "longest",
    "modbus_address",
    "point_mistakes",
    "registers_of",
    "scale_point",
]

Table = Literal["coil", "discrete", "holding", "input"]
TABLES: Final[tuple[Table, ...]] = get_args(Table)
BIT_TABLES: Final = frozenset({"coil", "discrete"})
LAST: Final = 65535
MOST_BITS: Final = 2000
"""Bits that one answer may hold (Modbus application protocol V1.1b3, 6.1)."""
_MODBUS = re.compile(r"(?P<table>[a-z]+):(?P<number>\d{1,6})(?:\.(?P<bit>\d{1,2})(?:-(?P<top>\d{1,2}))?)?")
_RANGE = re.compile(r"(?P<table>[a-z]+):(?P<first>\d{1,6})(?:-(?P<last>\d{1,6}))?")
_WIDTH: Mapping[str, int] = {
    "int32": 2, "uint32": 2, "float32": 2, "bcd32": 2, "mod10k32": 2, "bits32": 2, "unix32": 2, "sec2000": 2,
    "mod10k48": 3, "date_bytes": 3, "date_bcd": 3,
    "int64": 4, "uint64": 4, "float64": 4, "bcd64": 4, "mod10k64": 4, "bits64": 4, "datetime": 4, "unix64": 4, "iec870": 4,
    "date_words": 6,
}  # fmt: skip
MASKED: Final = frozenset({"uint16", "uint32", "uint64", "bits16", "bits32", "bits64"})
NUMBERS: Final = frozenset(
    {
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "float32",
        "float64",
        "bcd16",
        "bcd32",
        "bcd64",
    }
)
TIME_TYPES: Final = (
    "datetime", "unix32", "unix64", "sec2000", "iec870", "date_bytes", "date_words", "date_bcd", "uint32", "int32", "uint64", "int64",
)  # fmt: skip
COUNTED: Final = frozenset({"uint32", "int32", "uint64", "int64"})


@dataclass(frozen=True, slots=True, order=True)
class ModbusAddress:
    """A place in a Modbus table, counted from 0; *bit* to *top* pick bits of the value, 0 being the least significant."""

    table: Table
    number: int
    bit: int | None = None
    top: int | None = None
    """None: the one bit."""


@dataclass(frozen=True, slots=True)
class PointMistake:
    """What is wrong with one point (the column it stands in), or with one entry of ``limits`` (*point* is empty)."""

    point: str
    column: str
    message: str
    details: dict[str, object] = field(default_factory=dict)


def modbus_address(text: str) -> ModbusAddress:
    """The place that ``holding:123``, ``input:…``, ``coil:…``, ``discrete:…``, ``holding:12.3`` or ``holding:12.4-7`` names; ``UsageError`` otherwise."""
    found = _MODBUS.fullmatch(text)
    table = _table(found["table"]) if found else None
    if found is None or table is None:
        raise UsageError(
            "{address!r} is no Modbus address, expected table:number such as holding:123, counted from 0 (tables: coil, discrete, holding, input)",
            address=text,
        )
    number = int(found["number"])
    if number > LAST:
        raise UsageError(
            "{address!r} is beyond the last address, expected 0 to 65535; manuals that write 40001 mean holding:0",
            address=text,
        )
    bit = None if found["bit"] is None else int(found["bit"])
    top = None if found["top"] is None else int(found["top"])
    if bit is not None and (table in BIT_TABLES or bit > (63 if top is not None else 15)):
        raise UsageError(
            "{address!r} names a bit that does not exist, expected .0 to .15 of a holding or input register",
            address=text,
        )
    if bit is not None and top is not None and not bit < top <= 63:
        raise UsageError("{address!r} names no range of bits, expected one such as holding:12.4-7", address=text)
    return ModbusAddress(table, number, bit, top)


def address_range(text: str) -> tuple[Table, int, int]:
    """Table, first and last address of ``holding:100-200`` or ``holding:100``; ``UsageError`` otherwise."""
    found = _RANGE.fullmatch(text)
    table = _table(found["table"]) if found else None
    if found is not None and table is not None:
        first = int(found["first"])
        last = int(found["last"] or first)
        if first <= last <= LAST:
            return table, first, last
    raise UsageError("{address!r} is no address range, expected table:from-to such as holding:100-199", address=text)


def registers_of(point: Point) -> int:
    """How many registers (or bits of a bit table) the value of *point* takes."""
    return point.size if point.type == "string" else _WIDTH.get(point.type, 1)


def longest(limits: Limits, table: Table) -> int:
    """How many registers, or bits, of *table* one request may ask for."""
    if table not in BIT_TABLES:
        return limits.max_registers
    return limits.max_bits or min(limits.max_registers * 16, MOST_BITS)


def scale_point(point: Point) -> str:
    """The name of the point that holds the scale factor of *point*; empty where there is none."""
    return "" if point.sf.lstrip("-").isdigit() else point.sf


def forbidden_ranges(connector: Connector) -> list[tuple[Table, int, int]]:
    """Table, first and last address of every range that must never be read; ``UsageError`` for a malformed one."""
    return [address_range(text) for text in connector.limits.forbidden]


def point_mistakes(points: Sequence[Point], limits: Limits, time_from: str = "") -> list[PointMistake]:
    """All mistakes of *points* that show without a device: forms, types that do not fit, overlaps, forbidden ranges, scale factors."""
    mistakes: list[PointMistake] = []
    places: list[tuple[ModbusAddress, Point]] = []
    forbidden = []
    for index, text in enumerate(limits.forbidden):
        try:
            forbidden.append(address_range(text))
        except UsageError as error:
            mistakes.append(PointMistake("", f"limits.forbidden[{index}]", error.message, error.details))
    for point in points:
        try:
            places.append((modbus_address(point.address), point))
        except UsageError as error:
            mistakes.append(PointMistake(point.name, "address", error.message, error.details))
    for place, point in places:
        mistakes += _misfits(place, point)
        mistakes += _out_of_bounds(place, point, limits, forbidden)
        mistakes += _unbelievable(point)
    mistakes += _overlaps(places)
    mistakes += _scaled_by(places, limits)
    mistakes += [each for point in points if point.name == time_from for each in _wrong_time(point)]
    return mistakes


def _misfits(place: ModbusAddress, point: Point) -> Iterator[PointMistake]:
    """Where type, size, order and bits of *point* do not go together."""
    if point.type == "string" and not point.size:
        yield _wrong(point, "size", N_("a string needs its size in registers"))
    if point.type != "string" and point.size:
        yield _wrong(
            point,
            "size",
            N_("only a string has a size; {type} always takes {count} registers"),
            type=point.type,
            count=registers_of(point),
        )
    if place.table in BIT_TABLES and point.type != "bool":
        message = N_("{table} holds single bits, so the type must be bool, not {type}")
        yield _wrong(point, "type", message, table=place.table, type=point.type)
    if place.bit is not None and place.top is None and point.type != "bool":
        yield _wrong(point, "type", N_("a single bit has the type bool, not {type}"), type=point.type)
    if place.top is not None and (point.type not in MASKED or place.top >= 16 * registers_of(point)):
        message = N_("bits {bit} to {top} need a type of so many bits, uint16, uint32 or uint64, not {type}")
        yield _wrong(point, "type", message, bit=place.bit, top=place.top, type=point.type)
    if len(point.order) == 8 and registers_of(point) != 4:
        yield _wrong(
            point, "order", N_("{order} orders 64 bits, {type} has other ones"), order=point.order, type=point.type
        )


def _out_of_bounds(
    place: ModbusAddress, point: Point, limits: Limits, forbidden: Sequence[tuple[Table, int, int]]
) -> Iterator[PointMistake]:
    size = registers_of(point)
    if place.number + size - 1 > LAST:
        message = N_("{address} with {count} registers ends beyond address 65535")
        yield _wrong(point, "address", message, address=point.address, count=size)
    if place.table not in BIT_TABLES and size > limits.max_registers:
        message = N_("takes {count} registers, the device answers at most {limit} in one read")
        yield _wrong(point, "size", message, count=size, limit=limits.max_registers)
    for table, first, last in forbidden:
        if table == place.table and place.number <= last and first <= place.number + size - 1:
            message = N_("{address} lies in the forbidden range {table}:{first}-{last}")
            yield _wrong(point, "address", message, address=point.address, table=table, first=first, last=last)


def _unbelievable(point: Point) -> Iterator[PointMistake]:
    """Rules about values that no value can keep, or that the type has no use for."""
    if point.min is not None and point.max is not None and point.min > point.max:
        yield _wrong(point, "min", N_("{low} lies above max, {high}"), low=point.min, high=point.max)
    if point.type not in NUMBERS and point.sf:
        yield _wrong(point, "sf", N_("{type} is no number, so it has no scale factor"), type=point.type)
    if point.texts and point.type.startswith(("float", "string", "date")):
        yield _wrong(point, "texts", N_("{type} holds no whole number that could have a text"), type=point.type)


def _overlaps(places: Sequence[tuple[ModbusAddress, Point]]) -> Iterator[PointMistake]:
    """Two points on the same registers must be two bits, or the same value with the same type."""
    whole = sorted(((place, point) for place, point in places if place.bit is None), key=lambda item: item[0].number)
    for table in TABLES:
        for (before, first), (after, second) in pairwise(item for item in whole if item[0].table == table):
            same = before.number == after.number and first.type == second.type
            bits = first.type.startswith("bits") or second.type.startswith("bits")
            if after.number < before.number + registers_of(first) and not same and not bits:
                yield _wrong(
                    second,
                    "address",
                    N_("{address} ({type}) overlaps {other} at {other_address} ({other_type})"),
                    address=second.address,
                    type=second.type,
                    other=first.name,
                    other_address=first.address,
                    other_type=first.type,
                )


def _scaled_by(places: Sequence[tuple[ModbusAddress, Point]], limits: Limits) -> Iterator[PointMistake]:
    """A scale factor is an int16 of the same table, so near that one read can hold both."""
    known = {point.name: (place, point) for place, point in places}
    for place, point in places:
        name = scale_point(point)
        if name not in known:
            continue
        other, factor = known[name]
        if factor.type != "int16" or factor.sf:
            yield _wrong(
                point, "sf", N_("{name} is no scale factor: its type must be int16, without one of its own"), name=name
            )
            continue
        start, end = min(place.number, other.number), max(place.number + registers_of(point), other.number + 1)
        if other.table != place.table or end - start > limits.max_registers:
            message = N_("{name} at {address} cannot be read in one request with this point")
            yield _wrong(point, "sf", message, name=name, address=factor.address)


def _wrong_time(point: Point) -> Iterator[PointMistake]:
    if point.type not in TIME_TYPES:
        yield _wrong(
            point,
            "type",
            N_("time_from needs a point of type {expected}, not {type}"),
            expected=", ".join(TIME_TYPES),
            type=point.type,
        )
    elif point.type in COUNTED and point.unit not in {"s", "ms", "us"}:
        message = N_("time_from needs the unit of its count since 1970-01-01 UTC: s, ms or us, not {unit!r}")
        yield _wrong(point, "unit", message, unit=point.unit)


def _wrong(point: Point, column: str, message: str, **details: object) -> PointMistake:
    return PointMistake(point.name, column, message, details)


def _table(name: str) -> Table | None:
    return next((table for table in TABLES if table == name), None)
