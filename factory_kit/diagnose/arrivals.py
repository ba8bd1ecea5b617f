"""When samples arrived against when they say they were made: clocks that are wrong, clocks that drift, values out of order.

Only live samples whose receiving time was kept can tell. A sample may arrive late for many reasons and never early, so the least
delay of an hour is the difference of the clocks (plus the line's own delay, which is small beside what is told here).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from factory_kit.diagnose.drift import trend
from factory_kit.diagnose.finding import Finding, Number
from factory_kit.kpi.indicators import StoreView
from factory_kit.kpi.interval import Interval
from factory_kit.kpi.timemodel import Stretch

__all__ = ["Late", "Offset", "arrival_findings", "clock_findings", "gathered"]

SECOND = 1_000_000
HOUR = 3600 * SECOND
WRONG_S = 5.0
"""A clock that is off by more is wrong; OPC UA servers and gateways with NTP stay within one second."""
DRIFTS_PPM = 50.0
"""Quartz clocks keep 20 to 100 ppm; 50 ppm are four seconds a day."""
DRIFTS_S = 1.0
"""And by so much the clock must really have moved."""
LEAST_HOURS = 8
LEAST_IN_HOUR = 10
LATE_SHARE, LATE_COUNT = 0.001, 10
SLACK = SECOND
"""A value that is this little older than the one before it is jitter of two paths, not disorder."""
FILLED = 60 * SECOND
"""A value that is older by more was fetched later from a server's history, on purpose."""
OFFSETS = """
SELECT p.server, epoch_us(s.time) // $hour AS hour, min(epoch_us(s.received_time) - epoch_us(s.time)), count(*)
FROM samples s JOIN points p USING (point)
WHERE s.origin = 'live' AND s.received_time IS NOT NULL
  AND s.time >= make_timestamp($start) AND s.time < make_timestamp($stop)
GROUP BY ALL ORDER BY ALL
"""
ORDER = """
WITH seen AS (
    SELECT point, epoch_us(time) AS time,
           max(epoch_us(time)) OVER (
               PARTITION BY point, run ORDER BY received_time
               RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING) AS before
    FROM samples
    WHERE origin = 'live' AND received_time IS NOT NULL
      AND time >= make_timestamp($start) AND time < make_timestamp($stop)
)
SELECT p.equipment, p.name, count(*), count(*) FILTER (before - s.time > $slack AND before - s.time < $filled),
       coalesce(quantile_cont(before - s.time, 0.99) FILTER (before - s.time > $slack AND before - s.time < $filled), 0)
FROM seen s JOIN points p USING (point) GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True, slots=True)
class Offset:
    """The least delay of an hour (number of hours since 1970) of all values of a server, µs."""

    server: str
    hour: int
    least: int
    count: int


@dataclass(frozen=True, slots=True)
class Late:
    """How many values of a point came after newer ones, and by how much 99 of 100 of them were late at most, µs."""

    equipment: str
    point: str
    count: int
    late: int
    lateness: float


def gathered(store: StoreView, interval: Interval) -> tuple[list[Offset], list[Late]]:
    """What *store* tells about the arrivals of *interval*; empty where no receiving times of live samples are kept."""
    with store.connect() as con:
        asked = {"start": interval.start, "stop": interval.end}
        live: Any = con.execute(
            "SELECT count(*) FROM samples WHERE origin = 'live' AND received_time IS NOT NULL "
            "AND time >= make_timestamp($start) AND time < make_timestamp($stop)", asked,
        ).fetchone()  # fmt: skip
        if not live[0]:
            return [], []
        offsets = [Offset(*row) for row in con.execute(OFFSETS, {**asked, "hour": HOUR}).fetchall()]
        late = [Late(*row) for row in con.execute(ORDER, {**asked, "slack": SLACK, "filled": FILLED}).fetchall()]
    return offsets, late


def arrival_findings(store: StoreView, interval: Interval) -> Iterator[Finding]:
    """Every finding about clocks and order."""
    offsets, late = gathered(store, interval)
    for server in sorted({each.server for each in offsets}):
        yield from clock_findings(server, [each for each in offsets if each.server == server])
    yield from order_findings(late)


def clock_findings(server: str, offsets: Sequence[Offset]) -> Iterator[Finding]:
    """What the hours of one server tell about its clock."""
    hours = [each for each in offsets if each.count >= LEAST_IN_HOUR]
    if not hours:
        return
    least = np.array([each.least / SECOND for each in hours])
    when = (Stretch(hours[0].hour * HOUR, (hours[-1].hour + 1) * HOUR),)
    middle = float(np.median(least))
    if abs(middle) >= WRONG_S:
        yield Finding("clock-wrong", server, "middle", {"seconds": -middle, "hours": len(hours)}, when)
    if len(hours) < LEAST_HOURS:
        return
    found = trend(np.array([float(each.hour) for each in hours]), least)
    ppm = -found.slope / 3600 * 1e6
    if found.clear and abs(ppm) >= DRIFTS_PPM and abs(found.moved) >= DRIFTS_S:
        numbers: dict[str, Number] = {"ppm": ppm, "a_day": ppm * 0.0864, "hours": len(hours), "moved": -found.moved}
        yield Finding("clock-drift", server, "low", numbers, when)


def order_findings(late: Sequence[Late]) -> Iterator[Finding]:
    """One finding per piece of equipment whose values come out of order."""
    for equipment in sorted({each.equipment for each in late}):
        bad = [
            each
            for each in late
            if each.equipment == equipment and each.late >= max(LATE_COUNT, LATE_SHARE * each.count)
        ]
        if bad:
            numbers: dict[str, Number] = {
                "points": len(bad), "count": sum(each.late for each in bad),
                "share": 100 * sum(each.late for each in bad) / sum(each.count for each in bad),
                "seconds": max(each.lateness for each in bad) / SECOND,
            }  # fmt: skip
            points = tuple(f"{equipment}/{each.point}" for each in bad)
            yield Finding("out-of-order", equipment, "low", numbers, (), points)
