"""What a collection would send, before it sends anything: the dry run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from factory_kit.collect.plan import ServerPlan, plan_site
from factory_kit.drivers.base import FUNCTIONS
from factory_kit.model.connector import Connector
from factory_kit.model.site import OpcUaServer, Site

__all__ = ["PlanRow", "describe_plan"]


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One kind of request to one server: *requests* are sent every *interval_ms* and bring *points* values.

    *what* is the Modbus function and unit, or the OPC UA service. *registers* (bits for coils) are 0 for OPC UA.
    """

    server: str
    address: str
    driver: str
    what: str
    requests: int
    points: int
    registers: int
    interval_ms: int


def describe_plan(site: Site, connectors: Mapping[str, Connector]) -> list[PlanRow]:
    """Everything that would be sent once the connections stand; ``DefinitionError`` where the plan has mistakes."""
    return [row for plan in plan_site(site, connectors).servers for row in _rows(plan)]


def _rows(plan: ServerPlan) -> list[PlanRow]:
    if isinstance(plan.server, OpcUaServer):
        return [
            PlanRow(
                plan.name, plan.server.address, "opcua", "Publish", 1, len(plan.points), 0, plan.server.publishing_ms
            )
        ]
    requests: Counter[tuple[int, int, int]] = Counter()
    points: Counter[tuple[int, int, int]] = Counter()
    registers: Counter[tuple[int, int, int]] = Counter()
    for read in plan.reads:
        kind = read.request.unit, FUNCTIONS[read.request.table], read.interval_ms
        requests[kind] += 1
        points[kind] += len(read.points)
        registers[kind] += read.request.count
    return [
        PlanRow(
            plan.name,
            plan.server.address,
            "modbus",
            f"function {kind[1]}, unit {kind[0]}",
            requests[kind],
            points[kind],
            registers[kind],
            kind[2],
        )
        for kind in sorted(requests)
    ]
