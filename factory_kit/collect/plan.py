"""From a site and its connectors to what will be read: points, requests, intervals. Pure: no clock, no connection.

The personal points of a connector (a role ``operator``, or marked ``personal``) are left out here, so that they are never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from factory_kit.collect.reads import PlannedRead, Unreadable, machine_reads
from factory_kit.drivers.address import node_address
from factory_kit.drivers.base import NodeItem
from factory_kit.drivers.check import modbus_problems, opcua_problems
from factory_kit.errors import DefinitionError, Problem, UsageError
from factory_kit.i18n import N_
from factory_kit.model.connector import Connector, Point, Role
from factory_kit.model.run import CataloguePoint
from factory_kit.model.site import Equipment, OpcUaServer, OtherServer, Server, Site

__all__ = ["PlannedPoint", "PlannedRead", "ServerPlan", "SitePlan", "chunks", "plan_site"]

PRIORITY = {"low": 0, "normal": 0, "high": 100}
"""Of the subscription of a point (OPC 10000-4, 5.14.2): only what is urgent is worth a subscription of its own."""


@dataclass(frozen=True, slots=True)
class PlannedPoint:
    """One point of one machine, with the address at which its server holds it."""

    equipment: str
    point: Point
    address: str
    unit: int = 0
    """Modbus unit; 0 for other protocols."""
    zone: str = ""
    """Time zone (IANA) of the wall clock its dates show; empty: UTC."""


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """All that will be read from one server. ``items`` stand in the order of ``points``; Modbus has ``reads`` instead."""

    name: str
    server: Server
    points: tuple[PlannedPoint, ...]
    catalogue: tuple[CataloguePoint, ...]
    reads: tuple[PlannedRead, ...] = ()
    items: tuple[NodeItem, ...] = ()


@dataclass(frozen=True, slots=True)
class SitePlan:
    """The plans of all servers that have something to read, and the personal points left out as ``equipment/point``."""

    servers: tuple[ServerPlan, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Machine:
    place: int
    item: Equipment
    connector: Connector
    zone: str
    """What the wall clock of the machine shows; empty: UTC."""


def plan_site(site: Site, connectors: Mapping[str, Connector]) -> SitePlan:
    """What will be read from each server of *site*; ``DefinitionError`` with every reason why something cannot be."""
    problems = [problem for connector in _used(site, connectors) for problem in _connector_problems(connector)]
    machines: dict[str, list[_Machine]] = {}
    for place, item in enumerate(site.equipment):
        problems += _equipment_problems(site, connectors, place, item)
        if item.connector is not None and item.connector in connectors and item.server in site.servers:
            connector = connectors[item.connector]
            zone = site.plant.timezone if connector.clock == "plant" else ""
            machines.setdefault(item.server, []).append(_Machine(place, item, connector, zone))
    if problems:
        raise DefinitionError(problems)
    plans = [
        _server_plan(name, site.servers[name], machines[name], problems) for name in site.servers if name in machines
    ]
    if problems:
        raise DefinitionError(problems)
    left_out = tuple(
        f"{machine.item.id}/{point.name}"
        for group in machines.values()
        for machine in group
        for point in _present(machine)
        if _personal(point)
    )
    return SitePlan(tuple(plan for plan in plans if plan.points), left_out)


def chunks(count: int, limit: int) -> list[range]:
    """The numbers below *count* in runs of at most *limit*."""
    return [range(start, min(start + limit, count)) for start in range(0, count, limit)]


def _used(site: Site, connectors: Mapping[str, Connector]) -> list[Connector]:
    names = dict.fromkeys(item.connector for item in site.equipment if item.connector)
    return [connectors[name] for name in names if name in connectors]


def _connector_problems(connector: Connector) -> list[Problem]:
    return {"modbus": modbus_problems, "opcua": opcua_problems}.get(connector.driver, lambda _connector: [])(connector)


def _equipment_problems(
    site: Site, connectors: Mapping[str, Connector], place: int, item: Equipment
) -> Iterator[Problem]:
    if item.connector is None or item.server is None:
        return
    connector = connectors.get(item.connector)
    if connector is None:
        yield _problem(place, "connector", N_("there is no connector {name!r}"), name=item.connector)
        return
    driver = site.servers[item.server].driver
    if connector.driver != driver:
        yield _problem(
            place,
            "connector",
            N_("connector {name!r} speaks {speaks}, the server {driver}"),
            name=item.connector,
            speaks=connector.driver,
            driver=driver,
        )
    elif driver == "modbus" and item.unit is None:
        yield _problem(place, "unit", N_("a Modbus device needs its unit (1 to 247; 255 for a device without)"))
    elif driver == "modbus" and item.unit == 0:
        yield _problem(
            place, "unit", N_("unit 0 is the broadcast address and never sent; use 255 for a device without units")
        )
    elif driver != "modbus" and not item.base and any("{base}" in point.address for point in connector.points):
        yield _problem(
            place,
            "base",
            N_("the addresses of connector {name!r} contain {{base}}, so the equipment needs its base"),
            name=item.connector,
        )
    if connector.time_from in item.without:
        yield _problem(
            place,
            "without",
            N_("{point} gives all other points their time and cannot be left out"),
            point=connector.time_from,
        )


def _problem(place: int, path: str, message: str, **details: object) -> Problem:
    return Problem("site.yaml", 0, f"equipment[{place}].{path}", message, details)


def _present(machine: _Machine) -> list[Point]:
    return [point for point in machine.connector.points if point.name not in machine.item.without]


def _personal(point: Point) -> bool:
    return point.personal or point.role is Role.OPERATOR


def _server_plan(name: str, server: Server, machines: Sequence[_Machine], problems: list[Problem]) -> ServerPlan:
    points: list[PlannedPoint] = []
    catalogue: list[CataloguePoint] = []
    reads: list[PlannedRead] = []
    items: list[NodeItem] = []
    for machine in machines:
        mine = [point for point in _present(machine) if not _personal(point)]
        first = len(points)
        try:
            points += [_planned(machine, point) for point in mine]
        except UsageError as error:
            problems.append(_problem(machine.place, "base", error.message, **error.details))
            continue
        catalogue += [_entry(name, machine, planned) for planned in points[first:]]
        if isinstance(server, OpcUaServer):
            items += [_item(planned, server) for planned in points[first:]]
        elif isinstance(server, OtherServer):
            items += [NodeItem(each.address, _interval(each.point, server), 1, polled=True) for each in points[first:]]
        else:
            mine_by_place = {place: item.point for place, item in enumerate(points[first:], start=first)}
            lost: list[Unreadable] = []
            reads += machine_reads(machine.connector, machine.item.unit or 0, server, mine_by_place, lost)
            problems += [_unreadable(machine, each) for each in lost]
    return ServerPlan(name, server, tuple(points), tuple(catalogue), tuple(reads), tuple(items))


def _planned(machine: _Machine, point: Point) -> PlannedPoint:
    if machine.connector.driver == "opcua":
        address = node_address(point.address, machine.item.base, machine.connector.namespace)
        return PlannedPoint(machine.item.id, point, str(address))
    if machine.connector.driver != "modbus":
        return PlannedPoint(machine.item.id, point, point.address.replace("{base}", machine.item.base))
    return PlannedPoint(machine.item.id, point, point.address, machine.item.unit or 0, machine.zone)


def _entry(server: str, machine: _Machine, planned: PlannedPoint) -> CataloguePoint:
    point, connector = planned.point, machine.connector
    address = f"{planned.unit}/{planned.address}" if connector.driver == "modbus" else planned.address
    return CataloguePoint(
        equipment=planned.equipment,
        name=point.name,
        role=point.role.value,
        unit=point.unit,
        type=point.type,
        address=address,
        connector=connector.connector,
        connector_version=connector.version,
        server=server,
        scale=f"{point.scale}*10^{point.sf}" if point.sf else str(point.scale),
        offset=str(point.offset),
    )


def _item(planned: PlannedPoint, server: OpcUaServer) -> NodeItem:
    point = planned.point
    return NodeItem(
        planned.address,
        _sampling(point, server),
        point.queue or server.queue_size,
        polled=(point.reading or server.reading) == "poll",
        deadband=float(point.deadband.rstrip("%") or 0),
        percent=point.deadband.endswith("%"),
        keep_newest=point.discard == "oldest",
        priority=PRIORITY[point.priority],
    )


def _sampling(point: Point, server: OpcUaServer) -> float:
    if point.scan in {"slow", "medium"}:
        return float(max(server.slow_ms if point.scan == "slow" else server.medium_ms, server.sampling_ms))
    return float(server.sampling_ms if point.scan == "normal" or server.fast_ms is None else server.fast_ms)


def _interval(point: Point, server: OtherServer) -> float:
    """Milliseconds between two readings of *point*."""
    fast = server.interval_ms if server.fast_ms is None else server.fast_ms
    return float(
        {"fast": fast, "normal": server.interval_ms, "medium": server.medium_ms, "slow": server.slow_ms}[point.scan]
    )


def _unreadable(machine: _Machine, found: Unreadable) -> Problem:
    return Problem(
        f"connectors/{machine.connector.connector}", 0, f"points.{found.point}", found.message, found.details
    )
