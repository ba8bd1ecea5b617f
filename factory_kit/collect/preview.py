"""What a collection would send, before it sends anything: the dry run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from factory_kit.collect.plan import ServerPlan, plan_site
from factory_kit.collect.reads import PlannedRead, expected_s
from factory_kit.drivers.base import FUNCTIONS
from factory_kit.model.connector import Connector
from factory_kit.model.site import ModbusServer, OpcUaServer, Site
from factory_kit.store import Store

__all__ = ["Measured", "PlanRow", "describe_plan", "measured_intervals", "overloaded"]

Measured = Mapping[tuple[str, str], float]
"""Milliseconds between two readings of a point, by equipment and name."""


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
    takes_ms: float | None = field(default=None, compare=False)
    """How long all of them together are expected to take, over all connections; None for OPC UA."""
    measured_ms: float | None = field(default=None, compare=False)
    """How far apart the readings of its points were in the last run; None where there was none."""


def describe_plan(site: Site, connectors: Mapping[str, Connector], measured: Measured | None = None) -> list[PlanRow]:
    """Everything that would be sent once the connections stand; ``DefinitionError`` where the plan has mistakes."""
    return [row for plan in plan_site(site, connectors).servers for row in _rows(plan, measured or {})]


def measured_intervals(store: Store) -> Measured:
    """How far apart the readings of each point were in the last collection, where it was read more than once."""
    with store.connect() as con:
        rows = con.execute(INTERVALS).fetchall()
    return {(equipment, name): float(interval) for equipment, name, interval in rows}


def overloaded(rows: Iterable[PlanRow]) -> dict[str, float]:
    """The servers whose requests are expected to take longer than there is time for, and how many times longer."""
    loads: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        loads[row.server] += (row.takes_ms or 0.0) / row.interval_ms
    return {server: load for server, load in loads.items() if load > 1}


INTERVALS = """
    SELECT equipment, name, (epoch_us(max(seen)) - epoch_us(min(seen))) / 1000 / (count(*) - 1)
    FROM (SELECT point, coalesce(received_time, time) AS seen FROM samples
          WHERE run = (SELECT run FROM runs WHERE what = 'collect' ORDER BY started DESC LIMIT 1))
    JOIN points USING (point) GROUP BY ALL HAVING count(*) > 1
"""


def _rows(plan: ServerPlan, measured: Measured) -> list[PlanRow]:
    if isinstance(plan.server, OpcUaServer):
        return _streamed_rows(plan, plan.server.publishing_ms, "Read")
    if not isinstance(plan.server, ModbusServer):
        return _streamed_rows(plan, 0, "read")
    kinds: defaultdict[tuple[int, int, int], list[PlannedRead]] = defaultdict(list)
    for read in plan.reads:
        kinds[read.request.unit, FUNCTIONS[read.request.table], read.interval_ms].append(read)
    return [_row(plan, kind, reads, measured) for kind, reads in sorted(kinds.items())]


def _streamed_rows(plan: ServerPlan, publishing_ms: int, read: str) -> list[PlanRow]:
    """What the server reports by itself, and what it is asked for at each interval; in how many calls only it can tell."""
    polled = Counter(round(item.sampling_ms) for item in plan.items if item.polled)
    watched = len(plan.items) - polled.total()
    rows = [("Publish", watched, publishing_ms)] if watched else []
    rows += [(read, count, max(1, interval)) for interval, count in sorted(polled.items())]
    server = plan.server
    return [PlanRow(plan.name, server.address, server.driver, what, 1, count, 0, every) for what, count, every in rows]


def _row(plan: ServerPlan, kind: tuple[int, int, int], reads: list[PlannedRead], measured: Measured) -> PlanRow:
    unit, function, interval = kind
    assert isinstance(plan.server, ModbusServer)  # noqa: S101 - only Modbus has reads
    names = [(plan.points[place].equipment, plan.points[place].point.name) for read in reads for place in read.points]
    seen = [measured[name] for name in names if name in measured]
    return PlanRow(
        plan.name,
        plan.server.address,
        "modbus",
        f"function {function}, unit {unit}",
        len(reads),
        len(names),
        sum(read.request.count for read in reads),
        interval,
        round(sum(expected_s(plan.server, read.request) for read in reads) * 1000 / plan.server.connections, 1),
        round(fmean(seen), 1) if seen else None,
    )
