"""Load without work: meters that show far more than the usual idle level while nothing they feed works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from factory_kit.diagnose.energy import HOUR, Register, equivalents, register_of
from factory_kit.diagnose.finding import Finding, Severity
from factory_kit.diagnose.material import Material, PointFacts
from factory_kit.diagnose.stretches import joined, outside, shared
from factory_kit.diagnose.tariff import Tariff, cost
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.connector import MachineState

__all__ = ["all_resting", "idle_loads"]

LEAST = HOUR
"""Shorter pauses are not worth switching off for."""
HIGH_SHARE = 0.3
"""Of the load while working; what idles above it was left on. The demonstration's machines idle at 14 %."""
WORKING = (MachineState.PRODUCING, MachineState.SETUP)
MUCH_KWH = 100.0
CLOSE = 3
"""A stretch needs at least so many readings of the register inside it."""


def idle_loads(material: Material, tariff: Tariff | None = None) -> Iterator[Finding]:
    """One finding per meter with long stretches of high load in which all it feeds was seen not working."""
    for meter in material.equipment.values():
        found = register_of(material, meter.id)
        fed = [name for name in meter.feeds if name in material.segments]
        if found is not None and fed and len(fed) == len(meter.feeds):
            yield from _of_meter(material, found, fed, tariff)


def _of_meter(
    material: Material, metered: tuple[PointFacts, Register], fed: Sequence[str], tariff: Tariff | None
) -> Iterator[Finding]:
    point, register = metered
    segments = [material.segments[name] for name in fed]
    idle = all_resting(segments, material.interval.window)
    busy_kw = register.mean_kw(_all_working(segments))
    stretches = [part for part in idle if part.length >= LEAST and register.readings(part) >= CLOSE]
    loads = [register.mean_kw([part]) for part in stretches]
    high = [
        (part, load)
        for part, load in zip(stretches, loads, strict=True)
        if busy_kw and load and load >= HIGH_SHARE * busy_kw
    ]
    if not high or busy_kw is None:
        return
    usual = [load for load in loads if load is not None and load < HIGH_SHARE * busy_kw]
    normal = float(np.median(usual)) if usual else 0.0
    when = [part for part, _ in high]
    yuan = cost(tariff, material.interval.zone, register, when, normal) if tariff else None
    hours = sum(part.length for part in when) / HOUR
    kw = sum(part.length * load for part, load in high if load) / HOUR / hours
    yield _finding(material, point, when, (hours, kw, busy_kw, normal), yuan)


def _finding(
    material: Material,
    point: PointFacts,
    when: Sequence[Stretch],
    load: tuple[float, float, float, float],
    yuan: float | None,
) -> Finding:
    hours, kw, busy_kw, normal = load
    kwh = hours * (kw - normal)
    numbers = {
        "hours": hours, "kw": kw, "share": 100 * kw / busy_kw, "kwh": kwh, "normal": normal,
        **equivalents(kwh, material.interval.days[-1]),
    }  # fmt: skip
    severity: Severity = "high" if kwh >= MUCH_KWH else "middle"
    name = f"{point.equipment}/{point.name}"
    return Finding("idle-load", point.equipment, severity, numbers, tuple(when), (name,), kwh=kwh, yuan=yuan)


def all_resting(segments: Sequence[Sequence[Segment]], window: Stretch) -> list[Stretch]:
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
