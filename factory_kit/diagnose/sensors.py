"""Health of analog sensors: standing still, single readings far off, at the end of the range. Each point against itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from factory_kit.diagnose.finding import Finding, Number, Severity
from factory_kit.diagnose.material import ANALOG, LOADS, Column, Material, PointFacts
from factory_kit.diagnose.stretches import joined, length_before, shared
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.connector import MachineState
from factory_kit.model.sample import Float64, Int64

__all__ = ["cut_off", "sensor_health", "spikes", "standing"]

MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
LEAST_CHANGES = 50
"""With fewer changes a point's own pace is not known."""
LEAST_STILL = 30 * MINUTE
TIMES_USUAL = 20
"""So many times longer than 99 of 100 of its holds a point must stand still."""
OUTSIDE = 1.2
"""A single reading of a load is wrong when it is so many times what 99 of 100 do not exceed."""
NEIGHBOURS = 5
FAR_OFF = 12.0
"""Robust standard deviations (1.4826 MAD) of the point's steps; a single reading that far out and back is no process."""
LONG = 2.0
CUT_SHARE = 0.03
"""Of a point's values while working that must lie at one end."""
CUT_TIMES = 8.0
"""So many times more often than the next values below it, per value: what is not cut off thins out towards its end."""
CUT_STRETCHES = 5
NEXT = 5
LEAST_VALUES = 30
"""Different values; a point with fewer is a switch or a step."""


def sensor_health(material: Material) -> Iterator[Finding]:
    """Findings on every analog point that has a pace of its own."""
    for point in material.points:
        column = material.column(point)
        if point.role in ANALOG and len(column) >= LEAST_CHANGES:
            yield from _still(material, point, column)
            yield from _spikes(point, column)
            yield from _cut_off(material, point, column)


def working_time(material: Material, equipment: str) -> list[Stretch]:
    """When *equipment* was seen working: itself, or something it feeds; the whole interval where neither tells a state."""
    machine = material.equipment.get(equipment)
    sources = [equipment, *(machine.feeds if machine else ())]
    told = [material.segments[name] for name in sources if name in material.segments]
    if not told:
        return [material.interval.window]
    return joined(each for segments in told for each in segments if each.state is MachineState.PRODUCING)


def standing(column: Column, end: int) -> list[tuple[Stretch, float]]:
    """How long each value held: from the first sample that shows it to the first that shows another, or to *end*."""
    starts, ends, values = _holds(column, end)
    return [
        (Stretch(int(start), int(stop)), float(value))
        for start, stop, value in zip(starts, ends, values, strict=True)
        if stop > start
    ]


def _holds(column: Column, end: int) -> tuple[Int64, Int64, Float64]:
    if not len(column):
        return column.time, column.time, column.value
    first = np.concatenate([[True], np.diff(column.value) != 0])
    starts = column.time[first]
    return starts, np.concatenate([starts[1:], [max(end, int(starts[-1]))]]), column.value[first]


def _still(material: Material, point: PointFacts, column: Column) -> Iterator[Finding]:
    """The longest hold, counted in time in which the machine worked and the point was watched, against all others."""
    working = working_time(material, point.equipment)
    starts, ends, values = _holds(column, material.interval.end)
    watched = shared(working, material.known.get(point.id, ()))
    lengths = length_before(ends, watched) - length_before(starts, watched)
    if working == [material.interval.window]:  # nobody tells when it works: at zero it may simply be off
        lengths = np.where(values == 0, 0.0, lengths)
    moving = lengths[lengths > 0]
    if len(moving) < LEAST_CHANGES:
        return
    at = int(np.argmax(lengths))
    usual = float(np.percentile(np.delete(moving, int(np.argmax(moving))), 99))
    if lengths[at] < max(LEAST_STILL, TIMES_USUAL * usual):
        return
    hours = float(lengths[at]) / HOUR
    numbers: dict[str, Number] = {
        "point": point.name, "hours": hours, "value": float(values[at]), "unit": point.unit, "usual": usual / MINUTE,
    }  # fmt: skip
    severity: Severity = "high" if hours >= LONG else "middle"
    when = (Stretch(int(starts[at]), int(ends[at])),)
    yield Finding("stuck-sensor", point.equipment, severity, numbers, when, (f"{point.equipment}/{point.name}",))


def spikes(values: Float64) -> list[int]:
    """Positions of single values far from both neighbours while these agree with each other."""
    if len(values) < LEAST_CHANGES:
        return []
    steps = np.diff(values)
    scale = 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
    scale = max(scale, float(np.percentile(np.abs(steps), 95)) / 2)
    if not scale:
        return []
    out, back = steps[:-1], steps[1:]
    far = (np.minimum(np.abs(out), np.abs(back)) > FAR_OFF * scale) & (np.sign(out) != np.sign(back))
    close = np.abs(out + back) < FAR_OFF * scale / 4
    return [int(position) + 1 for position in np.flatnonzero(far & close)]


def _spikes(point: PointFacts, column: Column) -> Iterator[Finding]:
    found = spikes(column.value)
    if point.role in LOADS:  # between two pieces it falls to nothing, and a single piece stands alone
        usual = OUTSIDE * float(np.percentile(np.abs(column.value), 99)) if found else 0.0
        found = [at for at in found if abs(column.value[at]) > usual]
    if not found or len(found) > len(column) // 50:  # what comes that often belongs to the process
        return
    around = [float(np.median(column.value[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1])) for at in found]
    worst = int(np.argmax([abs(column.value[at] - level) for at, level in zip(found, around, strict=True)]))
    numbers: dict[str, Number] = {
        "point": point.name, "count": len(found), "value": float(column.value[found[worst]]),
        "around": around[worst], "unit": point.unit,
    }  # fmt: skip
    when = tuple(Stretch(int(column.time[at]), int(column.time[at]) + 1) for at in found)
    yield Finding("out-of-place", point.equipment, "low", numbers, when, (f"{point.equipment}/{point.name}",))


def cut_off(values: Float64) -> list[float]:
    """The ends (largest, smallest) at which *values* pile up as a sensor at the end of its range does; 0 is rest, not an end."""
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) < LEAST_VALUES:
        return []
    found = []
    for ends in (slice(None, -NEXT - 2, -1), slice(NEXT + 1)):
        near, often = levels[ends], counts[ends]
        times = int(np.sum(np.diff((values == near[0]).astype(np.int8)) == 1))
        usual = max(1.0, float(np.median(often[1:])))
        enough = often[0] >= max(CUT_SHARE * len(values), CUT_TIMES * usual) and times >= CUT_STRETCHES
        if enough and near[0] != 0:
            found.append(float(near[0]))
    return found


def _cut_off(material: Material, point: PointFacts, column: Column) -> Iterator[Finding]:
    inside = _during(column, working_time(material, point.equipment))
    values = column.value[inside]
    if len(values) < LEAST_CHANGES:
        return
    for end in cut_off(values):
        at = column.time[inside][values == end]
        numbers: dict[str, Number] = {
            "point": point.name, "value": end, "unit": point.unit, "share": 100 * len(at) / len(values), "count": len(at),
        }  # fmt: skip
        when = tuple(Stretch(int(moment), int(moment) + 1) for moment in at[:100])
        yield Finding("cut-off", point.equipment, "middle", numbers, when, (f"{point.equipment}/{point.name}",))


def _during(column: Column, parts: Sequence[Stretch]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    inside = np.zeros(len(column), np.bool_)
    for part in parts:
        inside[np.searchsorted(column.time, part.start) : np.searchsorted(column.time, part.end)] = True
    return inside
