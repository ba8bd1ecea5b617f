"""Slow drift: the daily median of a sensor, while the machine produces, moves one way day after day; and when it meets a limit.

Trend by Mann and Kendall, slope by Theil and Sen with Sen's interval (1968): none of them minds single odd days. Only days with
enough production are compared. A time to a limit is told only of a trend that is clear, with its bounds, and not far ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from factory_kit.diagnose.finding import Finding, Number, Severity
from factory_kit.diagnose.material import ANALOG, LOADS, Material, PointFacts
from factory_kit.diagnose.sensors import working_time
from factory_kit.diagnose.settings import Limit
from factory_kit.diagnose.stretches import shared
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.definition import exact
from factory_kit.model.sample import Float64

__all__ = ["LEAST_DAYS", "Trend", "drifts", "time_to", "trend"]

LEAST_DAYS = 8
"""With fewer days even a straight rise could be chance."""
USUAL_WORK = 0.6
"""Days with less than this of the usual working time are left out: a machine that rests is colder."""
SURE = 2.58
"""Standard deviations of Kendall's statistic: one chance in a hundred, and the movement must be clear beside it."""
CLEAR = 5.0
"""The movement must be so many times what days scatter around it."""
INTERVAL = 1.96
"""Standard deviations: the slope lies in its interval nineteen times of twenty."""
AHEAD = 2.0
"""A trend is carried on no farther than so many times the days it was seen in."""
SOON = 7.0
"""Days; a limit that may be met within them is high."""
WATCHED = ANALOG - LOADS
"""Load follows the orders; what drifts by itself is temperature, pressure, vibration, level, voltage, frequency."""


@dataclass(frozen=True, slots=True)
class Trend:
    """How daily medians move: in a day, over the whole time, and how far days scatter around it (1.4826 MAD)."""

    slope: float
    moved: float
    scatter: float
    score: float
    """Kendall's statistic in its standard deviations."""
    low: float = 0.0
    """The least slope of Sen's interval of 95 %."""
    high: float = 0.0
    last: float = 0.0
    """The level of the last day by the line through the medians."""

    @property
    def clear(self) -> bool:
        """Whether it is more than chance and more than scatter."""
        return abs(self.score) >= SURE and abs(self.moved) >= CLEAR * self.scatter and self.moved != 0


def trend(days: Float64, level: Float64) -> Trend:
    """The trend of *level* over *days* (numbers of days, rising)."""
    count = len(days)
    first, second = np.triu_indices(count, 1)
    rise, apart = level[second] - level[first], days[second] - days[first]
    slopes = np.sort(rise / apart)
    slope = float(np.median(slopes))
    rest = level - slope * days
    scatter = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
    total = float(np.sign(rise).sum())
    deviation = float(np.sqrt(count * (count - 1) * (2 * count + 5) / 18))
    low, high = _interval(slopes, deviation)
    last = float(np.median(rest)) + slope * float(days[-1])
    moved = slope * float(days[-1] - days[0])
    return Trend(slope, moved, scatter, (total - np.sign(total)) / deviation, low, high, last)


def _interval(slopes: Float64, deviation: float) -> tuple[float, float]:
    """Sen's interval: the slopes whose ranks lie so many deviations of Kendall's statistic from the middle."""
    count, reach = len(slopes), INTERVAL * deviation
    first, last = round((count - reach) / 2) - 1, round((count + reach) / 2)
    return float(slopes[max(0, first)]), float(slopes[min(count - 1, last)])


def time_to(found: Trend, limit: float, *, upward: bool) -> tuple[float, float, float] | None:
    """Days from the last one until *limit* is met: expected, soonest, latest; None where the trend does not lead there.

    It does not when it is not clear, or when its interval allows that it goes the other way. Where it is met already: zeros.
    """
    side = 1.0 if upward else -1.0
    left = side * (limit - found.last)
    slow, fast = sorted((side * found.low, side * found.high))
    if not found.clear or slow <= 0:
        return None
    if left <= 0:
        return 0.0, 0.0, 0.0
    return left / (side * found.slope), left / fast, left / slow


def drifts(material: Material, limits: Sequence[Limit] = ()) -> Iterator[Finding]:
    """One finding per sensor that drifts clearly, and one per limit of *limits* that such a sensor comes near."""
    if material.interval.blocks < LEAST_DAYS:
        return
    for point in material.points:
        if point.role in WATCHED:
            days, level, spread = _daily(material, point)
            if len(days) >= LEAST_DAYS:
                found = trend(days, level)
                if found.clear and abs(found.moved) >= spread:
                    yield _finding(material, point, found, days, level)
                    yield from _nearing(material, point, found, days, level, limits)


def _nearing(
    material: Material, point: PointFacts, found: Trend, days: Float64, level: Float64, limits: Sequence[Limit]
) -> Iterator[Finding]:
    """The limits of *point* that its trend meets before long."""
    name = f"{point.equipment}/{point.name}"
    for limit in limits:
        upward = limit.above is not None
        value = float(exact(limit.above or limit.below or "0"))
        left = time_to(found, value, upward=upward) if limit.point == name else None
        if left is None or left[1] > AHEAD * float(days[-1] - days[0]):
            continue
        numbers: dict[str, Number] = {
            "point": point.name, "unit": point.unit, "limit": value, "because": limit.because, "level": found.last,
            "days": left[0], "soonest": left[1], "latest": left[2], "slope": found.slope, "low": found.low, "high": found.high,
        }  # fmt: skip
        severity: Severity = "high" if left[1] <= SOON else "middle"
        window = material.interval.window
        yield Finding("nearing-limit", point.equipment, severity, numbers, (window,), (name,), extra=_seen(days, level))


def _daily(material: Material, point: PointFacts) -> tuple[Float64, Float64, float]:
    """The days with enough work and values, the median of each, and how wide the middle half of a usual day's values is."""
    column = material.column(point)
    work = shared(working_time(material, point.equipment), material.known.get(point.id, ()))
    windows = [days_between(day, day, material.interval.zone).window for day in material.interval.days]
    parts = [shared(work, [window]) for window in windows]
    hours = [sum(part.length for part in found) for found in parts]
    least = max(1.0, USUAL_WORK * float(np.median([each for each in hours if each] or [0])))
    values = {
        number: _inside(column.time, column.value, parts[number]) for number, time in enumerate(hours) if time >= least
    }
    level = {float(number): float(np.median(found)) for number, found in values.items() if len(found)}
    widths = [float(np.subtract(*np.percentile(found, [75, 25]))) for found in values.values() if len(found)]
    return np.array(list(level)), np.array(list(level.values())), float(np.median(widths)) if widths else 0.0


def _inside(time: np.ndarray[tuple[int], np.dtype[np.int64]], value: Float64, parts: list[Stretch]) -> Float64:
    edges = np.searchsorted(time, [(part.start, part.end) for part in parts])
    return np.concatenate([value[first:last] for first, last in edges])


def _seen(days: Float64, level: Float64) -> dict[str, object]:
    """The days that were compared, counted from the first of the interval, and the median of each."""
    return {"days": [int(day) for day in days], "medians": [round(float(each), 6) for each in level]}


def _finding(material: Material, point: PointFacts, found: Trend, days: Float64, level: Float64) -> Finding:
    numbers: dict[str, Number] = {
        "point": point.name, "unit": point.unit, "days": int(days[-1] - days[0]), "moved": found.moved,
        "slope": found.slope, "low": found.low, "high": found.high, "scatter": found.scatter, "level": found.last,
    }  # fmt: skip
    name, window = f"{point.equipment}/{point.name}", material.interval.window
    return Finding("drift", point.equipment, "middle", numbers, (window,), (name,), extra=_seen(days, level))
