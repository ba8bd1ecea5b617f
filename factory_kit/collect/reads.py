"""The Modbus requests of one machine: for each scan class and table the cheapest blocks over its points. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from factory_kit.collect.blocks import Block, Bounds, Span, anchored, cover, touches
from factory_kit.drivers.base import ReadRequest, Table
from factory_kit.i18n import N_
from factory_kit.model.connector import Connector, Point
from factory_kit.model.registers import BIT_TABLES, forbidden_ranges, longest, modbus_address, registers_of, scale_point
from factory_kit.model.site import ModbusServer

__all__ = ["PlannedRead", "Unreadable", "expected_s", "machine_reads"]

PRIORITIES: Final = {"high": 0, "normal": 1, "low": 2}
DEVICE_S: Final = 0.01
"""What a device takes to answer, as long as nobody has measured it."""
REGISTER_S: Final = 0.00005
"""What one more register costs where the line is fast: the device copies it."""
FRAME: Final = 13
"""Bytes of a request and of the answer around its values, RTU."""


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """One Modbus request, how often it is sent, and the points (places in the server's plan) it answers.

    ``stamp`` is the place of the point whose value is the time of all others, None where the time of reading stands.
    ``factors`` are places of scale factors that the points need and that are answered by another request.
    """

    request: ReadRequest
    interval_ms: int
    points: tuple[int, ...]
    stamp: int | None = None
    factors: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A point that cannot be read together with one it depends on, and why: a template with its details."""

    point: str
    message: str
    details: dict[str, object]


def expected_s(server: ModbusServer, request: ReadRequest) -> float:
    """How long *request* takes: its bytes on the line, a device of usual speed, and the pauses."""
    values = (request.count + 7) // 8 if request.table in BIT_TABLES else 2 * request.count
    pause = max(server.pause_ms / 1000, server.setting(request.unit)[2], request.pause_s)
    if not _slow_line(server):
        return DEVICE_S + REGISTER_S * values / 2 + pause
    byte = _byte_s(server) * (2 if server.transport.startswith("ascii") else 1)
    return DEVICE_S + byte * (FRAME + values) + 2 * max(3.5 * byte, 0.00175) + pause


def machine_reads(
    connector: Connector, unit: int, server: ModbusServer, points: Mapping[int, Point], problems: list[Unreadable]
) -> list[PlannedRead]:
    """The requests for *points* (by their place in the plan) of one machine; what cannot be read goes to *problems*."""
    names = {point.name: place for place, point in points.items()}
    spans: dict[tuple[int, Table], list[Span]] = {}
    for place, point in points.items():
        span = _span(place, point)
        factor = names.get(scale_point(point))
        if scale_point(point) and factor is None:
            message = N_("{sf}, which holds the scale factor of {point}, cannot be left out")
            problems.append(Unreadable(point.name, message, {"sf": point.sf, "point": point.name}))
        if factor is not None:
            span = _with_factor(connector, points, span, factor, problems)
        spans.setdefault((_interval(point, server, connector), modbus_address(point.address).table), []).append(span)
    stamp = names.get(connector.time_from)
    reads: list[PlannedRead] = []
    for (interval, table), wanted in sorted(spans.items()):
        bounds = _bounds(connector, server, unit, table)
        blocks = cover(wanted, bounds) if stamp is None else _stamped(wanted, table, points, stamp, bounds, problems)
        found = [_read(connector, unit, table, block, interval, points) for block in blocks]
        if stamp is None:
            reads += found
        else:
            own = interval == _interval(points[stamp], server, connector)
            reads += _once([replace(read, stamp=stamp) for read in found], stamp if own else None)
    return [_with_factors(read, points, names) for read in reads]


def _span(place: int, point: Point) -> Span:
    number = modbus_address(point.address).number
    return Span(number, number + registers_of(point), place)


def _with_factor(
    connector: Connector, points: Mapping[int, Point], span: Span, factor: int, problems: list[Unreadable]
) -> Span:
    """*span* together with the register of its scale factor, unless what lies between may not be read through."""
    other, point = _span(factor, points[factor]), points[span.tag]
    table = modbus_address(point.address).table
    both = Span(min(span.start, other.start), max(span.end, other.end), span.tag)
    owned = {
        number
        for each in connector.points
        if (address := modbus_address(each.address)).table == table
        for number in range(address.number, address.number + registers_of(each))
    }
    forbidden = [(first, last) for name, first, last in forbidden_ranges(connector) if name == table]
    hole = _widest(number not in owned for number in range(both.start, both.end))
    if hole <= connector.limits.max_gap and not touches(forbidden, both.start, both.end):
        return both
    message = N_("{address} cannot be read in one request with {sf}, which holds its scale factor; allow a gap")
    problems.append(Unreadable(point.name, message, {"address": point.address, "sf": points[factor].name}))
    return span


def _widest(holes: Iterable[bool]) -> int:
    widest = run = 0
    for hole in holes:
        run = run + 1 if hole else 0
        widest = max(widest, run)
    return widest


def _interval(point: Point, server: ModbusServer, connector: Connector) -> int:
    wanted = {
        "slow": max(server.slow_ms, server.interval_ms),
        "medium": max(server.medium_ms, server.interval_ms),
        "fast": server.fast_ms or server.interval_ms,
    }.get(point.scan, server.interval_ms)
    return max(wanted, connector.limits.min_interval_ms)


def _slow_line(server: ModbusServer) -> bool:
    """Whether the bytes of a request take longer than the device: on a serial line, here or behind a gateway that passes it on."""
    return server.transport not in {"tcp", "tls", "udp"}


def _byte_s(server: ModbusServer) -> float:
    return (1 + server.data_bits + (server.parity != "none") + server.stop_bits) / server.baud


def _bounds(connector: Connector, server: ModbusServer, unit: int, table: Table) -> Bounds:
    limits = connector.limits
    forbidden = [(first, last) for name, first, last in forbidden_ranges(connector) if name == table]
    none, one = (expected_s(server, ReadRequest(unit, "holding", 0, count)) for count in (0, 1))
    bits = table in BIT_TABLES
    price = round(none / (one - none) * (16 if bits else 1))
    return Bounds(longest(limits, table), limits.max_gap * (16 if bits else 1), forbidden, price)


def _stamped(
    wanted: Sequence[Span],
    table: Table,
    points: Mapping[int, Point],
    stamp: int,
    bounds: Bounds,
    problems: list[Unreadable],
) -> list[Block]:
    """Blocks that all hold the time point."""
    same = modbus_address(points[stamp].address).table == table
    blocks, lost = (
        anchored(wanted, _span(stamp, points[stamp]), bounds) if same else ([], [span.tag for span in wanted])
    )
    message = N_(
        "{address} cannot be read in one request with {time_from}, which holds its time; allow a gap, or leave time_from out"
    )
    for place in lost:
        point = points[place]
        problems.append(Unreadable(point.name, message, {"address": point.address, "time_from": points[stamp].name}))
    return blocks


def _read(
    connector: Connector, unit: int, table: Table, block: Block, interval: int, points: Mapping[int, Point]
) -> PlannedRead:
    request = ReadRequest(
        unit,
        table,
        block.start,
        block.end - block.start,
        min(PRIORITIES[points[place].priority] for place in block.tags),
        connector.limits.pause_ms / 1000,
    )
    return PlannedRead(request, interval, block.tags)


def _once(reads: Iterable[PlannedRead], keeper: int | None) -> Iterator[PlannedRead]:
    """*reads* with the time point itself answered only once in its own scan class, and nowhere else."""
    first = True
    for read in reads:
        kept = read
        if not (read.stamp == keeper and first):
            kept = replace(read, points=tuple(place for place in read.points if place != read.stamp))
        first = False
        if kept.points:
            yield kept


def _with_factors(read: PlannedRead, points: Mapping[int, Point], names: Mapping[str, int]) -> PlannedRead:
    needed = {names[name] for place in read.points if (name := scale_point(points[place])) in names}
    return replace(read, factors=tuple(sorted(needed - set(read.points))))
