"""What a diagnosis looks at: the states of machines, the known time of points, and the values of each point in columns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from factory_kit.diagnose.stretches import outside
from factory_kit.errors import QueryError, UsageError
from factory_kit.kpi.calendar import planned_time
from factory_kit.kpi.indicators import StoreView
from factory_kit.kpi.interval import Interval, run_spans
from factory_kit.kpi.segments import machine_segments
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.connector import MachineState
from factory_kit.model.indicator import Indicator
from factory_kit.model.sample import Float64, Int64
from factory_kit.model.site import Calendar, Equipment, Site

__all__ = ["ANALOG", "COMPRESSOR", "LOADS", "Column", "Material", "PointFacts", "gather", "watched"]

ANALOG = frozenset(
    {
        "spindle_load", "speed", "feed", "active_power", "reactive_power", "voltage", "current", "power_factor",
        "frequency", "temperature", "pressure", "flow", "level", "vibration",
    }
)  # fmt: skip
"""Roles whose values move by themselves while the machine lives."""
LOADS = frozenset(
    {"spindle_load", "speed", "feed", "active_power", "reactive_power", "current", "power_factor", "flow"}
)
"""Those that follow the orders: they fall to nothing between two pieces."""
COUNTING = frozenset({"total_count", "good_count", "scrap_count", "active_energy", "running_hours"})
WANTED = (*sorted(ANALOG | COUNTING), "alarm")
MARK = "-- end knowledge"
"""Before this line the SQL of an indicator knows when each point's value was known."""
KNOWN = (
    "\nSELECT point, greatest(moment, $start), least(until, $stop) FROM certainty "
    "WHERE known AND until > $start AND moment < $stop ORDER BY point, moment"
)
COMPRESSOR = "compressor"
"""The kind of equipment whose state is no machine's: it makes air, not pieces."""
MAPPED = """
SELECT epoch_us(s.time), coalesce(m.state, 'unknown')
FROM samples s JOIN points p USING (point)
LEFT JOIN states m ON m.connector = p.connector AND m.connector_version = p.connector_version
    AND m.raw = coalesce(s.text, CAST(TRY_CAST(s.value AS BIGINT) AS VARCHAR))
WHERE point = $point AND quality < 2 AND s.time >= make_timestamp($start) AND s.time < make_timestamp($stop)
ORDER BY s.time
"""
VALUES = """
SELECT epoch_us(time) AS time, value
FROM samples
WHERE point = $point AND quality < 2 AND isfinite(value)
  AND time >= make_timestamp($start) AND time < make_timestamp($stop)
ORDER BY time
"""


@dataclass(frozen=True, slots=True)
class PointFacts:
    """One point as the catalogue knows it."""

    id: int
    equipment: str
    name: str
    role: str
    unit: str
    type: str


@dataclass(frozen=True, slots=True)
class Column:
    """Good values of a point in order of time; times in microseconds since 1970-01-01 UTC."""

    time: Int64
    value: Float64

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True)
class Material:
    """Everything the detectors read; times in microseconds since 1970-01-01 UTC."""

    interval: Interval
    equipment: Mapping[str, Equipment]
    """The ledger by id."""
    points: Sequence[PointFacts]
    known: Mapping[int, Sequence[Stretch]]
    """By point: when its value was known, in order, inside the interval."""
    segments: Mapping[str, Sequence[Segment]]
    """By machine that tells its state: the interval from end to end."""
    columns: Mapping[int, Column] = field(default_factory=dict, repr=False)
    planned: Sequence[Stretch] = ()
    """Planned time of the plant inside the interval."""
    air: Mapping[str, Sequence[Segment]] = field(default_factory=dict)
    """By compressor that tells its state: loaded is producing, unloaded is idle, as its connector maps them."""
    unwatched: Sequence[Stretch] = ()
    """When no run of the store watched the plant at all, inside the interval: nobody's silence."""

    def of(self, equipment: str, *roles: str) -> list[PointFacts]:
        """The points of *equipment* with one of *roles*, or all of them."""
        return [each for each in self.points if each.equipment == equipment and (not roles or each.role in roles)]

    def point(self, name: str) -> PointFacts:
        """The point ``equipment/point``; ``UsageError`` when the store has none of this name."""
        equipment, _, inner = name.partition("/")
        known = self.of(equipment)
        for each in known:
            if each.name == inner:
                return each
        raise UsageError(
            "{name}: the store has no such point, expected one of {known}",
            name=name, known=", ".join(each.name for each in known) or "-",
        )  # fmt: skip

    def column(self, point: PointFacts) -> Column:
        """The values of *point*; empty where none is good."""
        nothing = Column(np.empty(0, np.int64), np.empty(0))
        return self.columns.get(point.id, nothing)


def gather(
    indicators: Mapping[str, Indicator], store: StoreView, interval: Interval, site: Site, calendar: Calendar
) -> Material:
    """The material of *interval* out of *store*.

    ``QueryError`` when the SQL of an indicator cannot run, ``StoreDamaged`` when a file is not what it was.
    """
    segments = machine_segments(indicators["availability"], store, interval, calendar)
    with store.connect() as con:
        points = [
            PointFacts(*row)
            for row in con.execute(
                "SELECT point, equipment, name, role, unit, type FROM points ORDER BY point"
            ).fetchall()
        ]
        known = _known(indicators["data-completeness"], con, interval)
        columns = {
            each.id: _column(con, each.id, interval) for each in points if each.role in WANTED and each.id in known
        }
        compressors = {each.id for each in site.equipment if each.kind == COMPRESSOR}
        air = {
            each.equipment: _states(con, each, interval, known[each.id])
            for each in points
            if each.role == "state" and each.equipment in compressors and each.id in known
        }
        unwatched = outside(interval.window, run_spans(con))
    planned = planned_time(calendar, interval.zone, interval.window)
    ledger = {each.id: each for each in site.equipment}
    return Material(interval, ledger, points, known, segments, columns, planned, air, unwatched)


def watched(
    indicators: Mapping[str, Indicator], store: StoreView, interval: Interval, points: Sequence[PointFacts]
) -> dict[int, tuple[Column, Sequence[Stretch]]]:
    """Values and known time of *points* in another *interval*, by point."""
    with store.connect() as con:
        known = _known(indicators["data-completeness"], con, interval)
        return {each.id: (_column(con, each.id, interval), known.get(each.id, ())) for each in points}


def _known(indicator: Indicator, con: Any, interval: Interval) -> dict[int, list[Stretch]]:
    before, mark, _rest = indicator.sql.partition(MARK)
    if not mark:
        raise QueryError("indicator {id}: query.sql tells no known time of points", id=indicator.id)
    sql = before.rstrip().rstrip(",") + KNOWN
    values = {"start": interval.start, "stop": interval.end, **indicator.parameters}
    (statement,) = con.extract_statements(sql)
    rows = con.execute(sql, {name: values[name] for name in statement.named_parameters}).fetchall()
    found: dict[int, list[Stretch]] = {}
    for point, start, end in rows:
        parts = found.setdefault(point, [])
        if parts and parts[-1].end == start:
            parts[-1] = Stretch(parts[-1].start, end)
        else:
            parts.append(Stretch(start, end))
    return found


def _column(con: Any, point: int, interval: Interval) -> Column:
    asked = {"point": point, "start": interval.start, "stop": interval.end}
    found = con.execute(VALUES, asked).fetchnumpy()
    return Column(np.asarray(found["time"], np.int64), np.asarray(found["value"], np.float64))


def _states(con: Any, point: PointFacts, interval: Interval, known: Sequence[Stretch]) -> list[Segment]:
    """The known stretches of a state point, each in the state of the sample before it."""
    rows = con.execute(MAPPED, {"point": point.id, "start": interval.start, "stop": interval.end}).fetchall()
    edges = [row[0] for row in rows] + [interval.end]
    held = [
        Segment(start, end, MachineState(state), planned=False)
        for (start, state), end in zip(rows, edges[1:], strict=True)
    ]
    return [
        replace(each, start=max(each.start, part.start), end=min(each.end, part.end))
        for part in known
        for each in held[max(0, bisect_right(edges, part.start) - 1) : bisect_right(edges, part.end)]
        if max(each.start, part.start) < min(each.end, part.end)
    ]
