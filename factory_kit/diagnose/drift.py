"""Slow drift: the daily median of a sensor, while the machine produces, moves one way day after day.

Trend by Mann and Kendall, slope by Theil and Sen: neither minds single odd days. Only days with enough production are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from factory_kit.diagnose.finding import Finding, Number
from factory_kit.diagnose.material import ANALOG, Material, PointFacts
from factory_kit.diagnose.sensors import working_time
from factory_kit.diagnose.stretches import shared
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.sample import Float64

__all__ = ["LEAST_DAYS", "Trend", "drifts", "trend"]

LEAST_DAYS = 8
"""With fewer days even a straight rise could be chance."""
USUAL_WORK = 0.6
"""Days with less than this of the usual working time are left out: a machine that rests is colder."""
SURE = 2.58
"""Standard deviations of Kendall's statistic: one chance in a hundred, and the movement must be clear beside it."""
CLEAR = 5.0
"""The movement must be so many times what days scatter around it."""
WATCHED = ANALOG - {
    "spindle_load",
    "speed",
    "feed",
    "active_power",
    "reactive_power",
    "current",
    "power_factor",
    "flow",
}
"""Load follows the orders; what drifts by itself is temperature, pressure, vibration, level, voltage, frequency."""


@dataclass(frozen=True, slots=True)
class Trend:
    """How daily medians move: in a day, over the whole time, and how far days scatter around it (1.4826 MAD)."""

    slope: float
    moved: float
    scatter: float
    score: float
    """Kendall's statistic in its standard deviations."""

    @property
    def clear(self) -> bool:
        """Whether it is more than chance and more than scatter."""
        return abs(self.score) >= SURE and abs(self.moved) >= CLEAR * self.scatter and self.moved != 0


def trend(days: Float64, level: Float64) -> Trend:
    """The trend of *level* over *days* (numbers of days, rising)."""
    count = len(days)
    first, second = np.triu_indices(count, 1)
    rise, apart = level[second] - level[first], days[second] - days[first]
    slope = float(np.median(rise / apart))
    rest = level - slope * days
    scatter = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
    total = float(np.sign(rise).sum())
    deviation = float(np.sqrt(count * (count - 1) * (2 * count + 5) / 18))
    return Trend(slope, slope * float(days[-1] - days[0]), scatter, (total - np.sign(total)) / deviation)


def drifts(material: Material) -> Iterator[Finding]:
    """One finding per sensor that drifts clearly."""
    if material.interval.blocks < LEAST_DAYS:
        return
    for point in material.points:
        if point.role in WATCHED:
            days, level, spread = _daily(material, point)
            if len(days) >= LEAST_DAYS:
                found = trend(days, level)
                if found.clear and abs(found.moved) >= spread:
                    yield _finding(material, point, found, days)


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


def _finding(material: Material, point: PointFacts, found: Trend, days: Float64) -> Finding:
    numbers: dict[str, Number] = {
        "point": point.name, "unit": point.unit, "days": int(days[-1] - days[0]), "moved": found.moved,
        "slope": found.slope, "scatter": found.scatter,
    }  # fmt: skip
    name = f"{point.equipment}/{point.name}"
    return Finding("drift", point.equipment, "middle", numbers, (material.interval.window,), (name,))
