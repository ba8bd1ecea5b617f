"""Compressed air: unloaded running, air for leaks while nothing works, and specific power where flow is measured.

A compressor's state ``producing`` is loaded, ``idle`` is running unloaded, as its connector maps them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from factory_kit.diagnose.energy import HOUR, POWERS, Register, equivalents, meter_of
from factory_kit.diagnose.finding import Finding, Number, Severity
from factory_kit.diagnose.idle import MUCH_KWH, all_resting
from factory_kit.diagnose.material import COMPRESSOR, Material, PointFacts
from factory_kit.diagnose.stretches import joined, shared
from factory_kit.diagnose.tariff import Tariff, cost
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.connector import MachineState

__all__ = ["FLOWS", "air_losses"]

UNLOADED_SHARE = 0.25
"""Of the running time; below it load and unload control does what it can."""
LEAK_SHARE = 0.1
"""Loaded share of the time in which nothing draws air; 5 to 10 % is usual for a network that is looked after (memory)."""
LEAST = HOUR
SHORTEST = HOUR // 2
SPECIFIC = 8.0
"""kW per m³/min, of a screw compressor up to 8.5 bar; new ones need 5.5 to 7 (memory, own threshold)."""
HIGHEST_BAR = 8.5
FLOWS = {
    "m3/min": 1.0, "m³/min": 1.0, "Nm3/min": 1.0, "m3/h": 1 / 60, "m³/h": 1 / 60, "Nm3/h": 1 / 60,
    "l/s": 0.06, "L/s": 0.06, "l/min": 0.001, "L/min": 0.001,
}  # fmt: skip
"""To m³/min."""


def air_losses(material: Material, tariff: Tariff | None = None) -> Iterator[Finding]:
    """The findings of every compressor that tells its state; specific power also where it tells none."""
    for machine in material.equipment.values():
        if machine.kind != COMPRESSOR:
            continue
        if machine.id in material.air:
            yield from _unloaded(material, machine.id, tariff)
            yield from _leaks(material, machine.id, tariff)
        yield from _specific(material, machine.id, tariff)


def _in(material: Material, name: str, *states: MachineState) -> list[Stretch]:
    return joined(each for each in material.air[name] if each.state in states)


def _hours(parts: Sequence[Stretch]) -> float:
    return sum(part.length for part in parts) / HOUR


def _unloaded(material: Material, name: str, tariff: Tariff | None) -> Iterator[Finding]:
    loaded, idle = (_in(material, name, state) for state in (MachineState.PRODUCING, MachineState.IDLE))
    running = _hours(loaded) + _hours(idle)
    if _hours(idle) * HOUR < LEAST or _hours(idle) < UNLOADED_SHARE * running:
        return
    yield _finding(material, "air-unloaded", name, idle, {"share": 100 * _hours(idle) / running}, tariff)


def _leaks(material: Material, name: str, tariff: Tariff | None) -> Iterator[Finding]:
    """What it compresses while every other machine that tells its state rests goes through leaks."""
    others = list(material.segments.values())
    if not others:
        return
    resting = [part for part in all_resting(others, material.interval.window) if part.length >= SHORTEST]
    on = shared(resting, _in(material, name, MachineState.PRODUCING, MachineState.IDLE))
    loaded = shared(resting, _in(material, name, MachineState.PRODUCING))
    if _hours(on) * HOUR < LEAST or _hours(loaded) < LEAK_SHARE * _hours(on):
        return
    numbers: dict[str, Number] = {"share": 100 * _hours(loaded) / _hours(on), "resting": _hours(on)}
    yield _finding(material, "air-leaks", name, loaded, numbers, tariff)


def _finding(
    material: Material, kind: str, name: str, when: Sequence[Stretch], numbers: dict[str, Number], tariff: Tariff | None
) -> Finding:
    """With its energy where it is measured; severity by the energy, low where nobody can tell it."""
    metered = meter_of(material, name)
    points, kwh, yuan = [f"{name}/state"], None, None
    if metered is not None and metered[1].inside(when):
        point, register = metered
        kwh = register.kwh(when)
        points.append(f"{point.equipment}/{point.name}")
        yuan = cost(tariff, material.interval.zone, register, when) if tariff else None
    energy = equivalents(kwh or 0.0, material.interval.days[-1])
    severity: Severity = "low" if kwh is None else "high" if kwh >= 5 * MUCH_KWH else "middle"
    shown = {"hours": _hours(when), "kwh": "—" if kwh is None else kwh, **energy, **numbers}
    return Finding(kind, name, severity, shown, tuple(when), tuple(points), kwh=kwh, yuan=yuan)


def _specific(material: Material, name: str, tariff: Tariff | None) -> Iterator[Finding]:
    """Power per flow over the readings of flow, while air is delivered."""
    flows = [point for point in material.of(name, "flow") if point.unit in FLOWS]
    powers = [point for point in material.of(name, "active_power") if point.unit in POWERS]
    if len(flows) != 1 or len(powers) != 1 or _pressure(material, name) > HIGHEST_BAR:
        return
    when, delivered = _delivery(material, flows[0])
    power = Register.adding_up(material.column(powers[0]), powers[0].unit, material.interval.end)
    kw = power.mean_kw(when)
    if not kw or not delivered or _hours(when) * HOUR < LEAST or kw / delivered < SPECIFIC:
        return
    kwh = _hours(when) * (kw - SPECIFIC * delivered)
    paid = cost(tariff, material.interval.zone, power, when) if tariff else None
    yuan = None if paid is None else paid * (1 - SPECIFIC * delivered / kw)
    numbers = {
        "specific": kw / delivered, "limit": SPECIFIC, "kw": kw, "flow": delivered, "hours": _hours(when), "kwh": kwh,
        **equivalents(kwh, material.interval.days[-1]),
    }  # fmt: skip
    points = tuple(f"{name}/{point.name}" for point in (powers[0], flows[0]))
    yield Finding("air-specific", name, "middle", numbers, tuple(when), points, kwh=kwh, yuan=yuan)


def _pressure(material: Material, name: str) -> float:
    found = [material.column(point) for point in material.of(name, "pressure") if point.unit == "bar"]
    return max((float(np.median(column.value)) for column in found if len(column)), default=0.0)


def _delivery(material: Material, flow: PointFacts) -> tuple[list[Stretch], float]:
    """When air was delivered, and how much on average then, m³/min; a value holds until the next one, while it is known."""
    column = material.column(flow)
    if len(column) < 2:
        return [], 0.0
    ends = np.append(column.time[1:], material.interval.end)
    held = [
        (Stretch(int(start), int(end)), float(value) * FLOWS[flow.unit])
        for start, end, value in zip(column.time, ends, column.value, strict=True)
        if value > 0 and end > start
    ]
    known = material.known.get(flow.id, ())
    parts = [(part, value) for stretch, value in held for part in shared([stretch], known)]
    time = sum(part.length for part, _ in parts)
    mean = sum(part.length * value for part, value in parts) / time if time else 0.0
    return joined(part for part, _ in parts), mean
