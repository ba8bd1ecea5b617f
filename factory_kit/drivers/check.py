"""What can be said about the points of a connector without a device. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from factory_kit.drivers.address import LAST, ModbusAddress, address_range, modbus_address, node_address, registers_of
from factory_kit.drivers.base import Table
from factory_kit.errors import Problem, UsageError
from factory_kit.i18n import N_
from factory_kit.model.connector import Connector, Point

__all__ = ["forbidden_ranges", "modbus_problems", "opcua_problems"]

TIME_TYPES = ("datetime", "uint32", "int32", "uint64", "int64")


def opcua_problems(connector: Connector) -> list[Problem]:
    """Mistakes in the node ids of *connector*."""
    problems = []
    for point in connector.points:
        try:
            node_address(point.address, base="base", namespace=connector.namespace)
        except UsageError as error:
            problems.append(_at(connector, point, error.message, **error.details))
    if connector.time_from:
        problems.append(_of(connector, "time_from", N_("OPC UA values carry their own time; remove time_from")))
    return problems


def modbus_problems(connector: Connector) -> list[Problem]:
    """Mistakes in the addresses of *connector*: form, types that do not fit, overlaps, forbidden ranges, the time point."""
    problems: list[Problem] = []
    places: list[tuple[ModbusAddress, Point]] = []
    forbidden = _forbidden(connector, problems)
    for point in connector.points:
        try:
            places.append((modbus_address(point.address), point))
        except UsageError as error:
            problems.append(_at(connector, point, error.message, **error.details))
    for place, point in places:
        problems += _point_problems(connector, place, point, forbidden)
    problems += _overlaps(connector, places)
    problems += _time_problems(connector)
    return problems


def forbidden_ranges(connector: Connector) -> list[tuple[Table, int, int]]:
    """Table, first and last address of every range that must never be read; ``UsageError`` for a malformed one."""
    return [address_range(text) for text in connector.limits.forbidden]


def _forbidden(connector: Connector, problems: list[Problem]) -> list[tuple[Table, int, int]]:
    ranges = []
    for index, text in enumerate(connector.limits.forbidden):
        try:
            ranges.append(address_range(text))
        except UsageError as error:
            problems.append(_of(connector, f"limits.forbidden[{index}]", error.message, **error.details))
    return ranges


def _point_problems(
    connector: Connector, place: ModbusAddress, point: Point, forbidden: Sequence[tuple[Table, int, int]]
) -> Iterator[Problem]:
    size = registers_of(point)
    bits = place.table in {"coil", "discrete"}
    if point.type == "string" and not point.size:
        yield _at(connector, point, N_("a string needs its size in registers"))
    if point.type != "string" and point.size:
        yield _at(
            connector,
            point,
            N_("only a string has a size; {type} always takes {count} registers"),
            type=point.type,
            count=size,
        )
    if bits and point.type != "bool":
        yield _at(
            connector,
            point,
            N_("{table} holds single bits, so the type must be bool, not {type}"),
            table=place.table,
            type=point.type,
        )
    if place.bit is not None and point.type != "bool":
        yield _at(connector, point, N_("a single bit has the type bool, not {type}"), type=point.type)
    if place.number + size - 1 > LAST:
        yield _at(
            connector,
            point,
            N_("{address} with {count} registers ends beyond address 65535"),
            address=point.address,
            count=size,
        )
    if not bits and size > connector.limits.max_registers:
        yield _at(
            connector,
            point,
            N_("takes {count} registers, the device answers at most {limit} in one read"),
            count=size,
            limit=connector.limits.max_registers,
        )
    for table, first, last in forbidden:
        if table == place.table and place.number <= last and first <= place.number + size - 1:
            yield _at(
                connector,
                point,
                N_("{address} lies in the forbidden range {table}:{first}-{last}"),
                address=point.address,
                table=table,
                first=first,
                last=last,
            )


def _overlaps(connector: Connector, places: Sequence[tuple[ModbusAddress, Point]]) -> Iterator[Problem]:
    """Two points on the same registers must be two bits, or the same value with the same type."""
    whole = sorted(((place, point) for place, point in places if place.bit is None), key=lambda item: item[0].number)
    for table in {place.table for place, _point in whole}:
        for (before, first), (after, second) in pairwise(item for item in whole if item[0].table == table):
            same = before.number == after.number and first.type == second.type
            if (
                after.number < before.number + registers_of(first)
                and not same
                and "bits16" not in {first.type, second.type}
            ):
                message = N_("{address} ({type}) overlaps {other} at {other_address} ({other_type})")
                yield _at(
                    connector,
                    second,
                    message,
                    address=second.address,
                    type=second.type,
                    other=first.name,
                    other_address=first.address,
                    other_type=first.type,
                )


def _time_problems(connector: Connector) -> Iterator[Problem]:
    if not connector.time_from:
        return
    point = connector.point(connector.time_from)
    if point.type not in TIME_TYPES:
        yield _at(
            connector,
            point,
            N_("time_from needs a point of type {expected}, not {type}"),
            expected=", ".join(TIME_TYPES),
            type=point.type,
        )
    elif point.type != "datetime" and point.unit not in {"s", "ms", "us"}:
        yield _at(
            connector,
            point,
            N_("time_from needs the unit of its count since 1970-01-01 UTC: s, ms or us, not {unit!r}"),
            unit=point.unit,
        )


def _at(connector: Connector, point: Point, message: str, **details: object) -> Problem:
    return _of(connector, f"points.{point.name}", message, **details)


def _of(connector: Connector, path: str, message: str, **details: object) -> Problem:
    return Problem(f"connectors/{connector.connector}", 0, path, message, details)
