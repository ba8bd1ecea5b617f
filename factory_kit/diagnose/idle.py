"""Load without work: meters that show far more than the usual idle level while nothing they feed works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from factory_kit.diagnose.factors import factor
from factory_kit.diagnose.finding import Finding, Severity
from factory_kit.diagnose.material import Column, Material, PointFacts
from factory_kit.diagnose.stretches import joined, outside, shared
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.connector import MachineState

__all__ = ["idle_loads"]

HOUR = 3600 * 1_000_000
LEAST = HOUR
"""Shorter pauses are not worth switching off for."""
HIGH_SHARE = 0.3
"""Of the load while working; what idles above it was left on. The demonstration's machines idle at 14 %."""
WORKING = (MachineState.PRODUCING, MachineState.SETUP)
UNITS = {"Wh": 0.001, "kWh": 1.0, "MWh": 1000.0}
MUCH_KWH = 100.0
CLOSE = 3
"""A stretch needs at least so many readings of the register inside it."""


def idle_loads(material: Material) -> Iterator[Finding]:
    """One finding per meter with long stretches of high load in which all it feeds was seen not working."""
    for meter in material.equipment.values():
        points = [point for point in material.of(meter.id, "active_energy") if point.unit in UNITS]
        fed = [name for name in meter.feeds if name in material.segments]
        if len(points) == 1 and fed and len(fed) == len(meter.feeds):
            yield from _of_meter(material, points[0], fed)


def _of_meter(material: Material, point: PointFacts, fed: Sequence[str]) -> Iterator[Finding]:
    segments = [material.segments[name] for name in fed]
    idle = _all_resting(segments, material.interval.window)
    column, unit = material.column(point), UNITS[point.unit]
    working = _all_working(segments)
    busy_kw = _mean_kw(column, working, unit)
    stretches = [part for part in idle if part.length >= LEAST and _readings(column, part) >= CLOSE]
    loads = [_mean_kw(column, [part], unit) for part in stretches]
    high = [
        (part, load)
        for part, load in zip(stretches, loads, strict=True)
        if busy_kw and load and load >= HIGH_SHARE * busy_kw
    ]
    if not high or busy_kw is None:
        return
    usual = [load for load in loads if load is not None and load < HIGH_SHARE * busy_kw]
    normal = float(np.median(usual)) if usual else 0.0
    hours = sum(part.length for part, _ in high) / HOUR
    kw = sum(part.length * load for part, load in high if load) / HOUR / hours
    yield _finding(material, point, [part for part, _ in high], (hours, kw, busy_kw, normal))


def _finding(
    material: Material, point: PointFacts, when: Sequence[Stretch], load: tuple[float, float, float, float]
) -> Finding:
    hours, kw, busy_kw, normal = load
    kwh = hours * (kw - normal)
    day = material.interval.days[-1]
    kgce, kgco2 = (float(factor(name, day)[0]) * kwh for name in ("kgce_per_kwh", "kgco2_per_kwh"))
    numbers = {
        "hours": hours, "kw": kw, "share": 100 * kw / busy_kw, "kwh": kwh, "kgce": kgce, "kgco2": kgco2, "normal": normal,
    }  # fmt: skip
    severity: Severity = "high" if kwh >= MUCH_KWH else "middle"
    name = f"{point.equipment}/{point.name}"
    return Finding("idle-load", point.equipment, severity, numbers, tuple(when), (name,), kwh=kwh)


def _all_resting(segments: Sequence[Sequence[Segment]], window: Stretch) -> list[Stretch]:
    """When everything was seen neither working nor unknown."""
    unclear = (
        each for parts in segments for each in parts if each.state in WORKING or each.state is MachineState.UNKNOWN
    )
    return outside(window, unclear)


def _all_working(segments: Sequence[Sequence[Segment]]) -> list[Stretch]:
    """When all were producing at once: the load of full work."""
    parts = [joined(each for each in one if each.state is MachineState.PRODUCING) for one in segments]
    found = parts[0]
    for other in parts[1:]:
        found = shared(found, other)
    return found


def _mean_kw(column: Column, parts: Sequence[Stretch], unit: float) -> float | None:
    """Mean load over *parts* by the register, interpolated between its readings; resets are left out; None without time."""
    if len(column) < 2 or not parts:
        return None
    rises = np.maximum(np.diff(column.value), 0.0)
    level = np.concatenate([[0.0], np.cumsum(rises)]) * unit
    inside = shared(parts, [Stretch(int(column.time[0]), int(column.time[-1]))])
    time = sum(part.length for part in inside)
    if not time:
        return None
    edges = np.array([(part.start, part.end) for part in inside], np.int64)
    energy = np.interp(edges[:, 1], column.time, level) - np.interp(edges[:, 0], column.time, level)
    return float(energy.sum()) * HOUR / time


def _readings(column: Column, part: Stretch) -> int:
    first, last = np.searchsorted(column.time, [part.start, part.end])
    return int(last - first)
