"""What can be said about the points of a connector without a device. Pure."""

from __future__ import annotations

from factory_kit.drivers.address import node_address
from factory_kit.errors import Problem, UsageError
from factory_kit.i18n import N_
from factory_kit.model.connector import Connector, Point
from factory_kit.model.registers import forbidden_ranges, point_mistakes

__all__ = ["forbidden_ranges", "modbus_problems", "opcua_problems"]


def opcua_problems(connector: Connector) -> list[Problem]:
    """Mistakes in the node ids of *connector*."""
    problems = []
    for point in connector.points:
        try:
            base = "i=85" if point.address.endswith("@{base}") else "base"  # where a path begins is a whole node id
            node_address(point.address, base=base, namespace=connector.namespace)
        except UsageError as error:
            problems.append(_at(connector, point, error.message, **error.details))
    if connector.time_from:
        problems.append(_of(connector, "time_from", N_("OPC UA values carry their own time; remove time_from")))
    return problems


def modbus_problems(connector: Connector) -> list[Problem]:
    """Mistakes in the points of *connector*: forms, types that do not fit, overlaps, forbidden ranges, scale factors, the time point."""
    return [
        _of(connector, f"points.{each.point}" if each.point else each.column, each.message, **each.details)
        for each in point_mistakes(connector.points, connector.limits, connector.time_from)
    ]


def _at(connector: Connector, point: Point, message: str, **details: object) -> Problem:
    return _of(connector, f"points.{point.name}", message, **details)


def _of(connector: Connector, path: str, message: str, **details: object) -> Problem:
    return Problem(f"connectors/{connector.connector}", 0, path, message, details)
