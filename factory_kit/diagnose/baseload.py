"""Base load: what meters take in nights, weekends and holidays, when nothing is planned, against planned time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from factory_kit.diagnose.energy import HOUR, Register, equivalents, register_of
from factory_kit.diagnose.finding import Finding, Severity
from factory_kit.diagnose.idle import CLOSE, MUCH_KWH, WORKING
from factory_kit.diagnose.material import COMPRESSOR, Material
from factory_kit.diagnose.stretches import joined, outside, shared
from factory_kit.diagnose.tariff import Tariff, cost
from factory_kit.kpi.timemodel import Stretch

__all__ = ["base_loads"]

LEAST = 4 * HOUR
"""Of unplanned time with readings in it; less shows nothing."""
SHORTEST = 2 * HOUR
"""Shorter breaks of the plan keep machines warm on purpose."""
SHARE = 0.15
"""Of the mean load of planned time; this project's own threshold. A plant that is switched off takes a few per cent."""
BLOCK = HOUR // 4
MINIMUM = 10
"""Per cent: the load that nine of ten quarters of an hour exceed."""


def base_loads(material: Material, told: Sequence[Finding], tariff: Tariff | None = None) -> Iterator[Finding]:
    """One finding per meter with a high load outside planned time, the innermost meters first.

    What *told* (idle loads) says of a meter, or an inner meter explains for the most part, is not told twice.
    """
    seen = [each for each in told if each.kind == "idle-load"]
    for meter in sorted(material.equipment.values(), key=lambda each: (len(each.feeds) or 999, each.id)):
        if meter.feeds and all(material.equipment[name].kind == COMPRESSOR for name in meter.feeds):
            continue  # what compressors take while nothing works is told as air
        found = _of_meter(material, meter.id, tariff)
        if found is None or found.kwh is None:
            continue
        inner = [each for each in seen if _inside(material, each.subject, meter.id)]
        if sum(each.kwh or 0.0 for each in inner) < found.kwh / 2:
            seen.append(found)
            yield found


def _inside(material: Material, inner: str, outer: str) -> bool:
    """Whether all that meter *inner* feeds is fed by *outer* too."""
    mine, other = (set(material.equipment[name].feeds) for name in (inner, outer))
    return inner == outer or (bool(mine) and mine <= other)


def _of_meter(material: Material, meter: str, tariff: Tariff | None) -> Finding | None:
    metered = register_of(material, meter)
    if metered is None:
        return None
    point, register = metered
    off = _off(material, meter, material.known.get(point.id, ()), register)
    hours = sum(part.length for part in off) / HOUR
    planned = [part for part in shared(material.planned, material.known.get(point.id, ())) if part.length]
    busy = register.mean_kw(planned)
    if hours * HOUR < LEAST or not busy:
        return None
    base = float(np.percentile(np.concatenate([register.blocks(part, BLOCK) for part in off]), MINIMUM))
    if base < SHARE * busy:
        return None
    taken, kwh = register.kwh(off), base * hours
    yuan = None
    if tariff is not None and (paid := cost(tariff, material.interval.zone, register, off)) is not None:
        yuan = paid * kwh / taken
    numbers = {
        "hours": hours, "kw": base, "busy": busy, "share": 100 * base / busy, "kwh": kwh, "taken": taken,
        **equivalents(kwh, material.interval.days[-1]),
    }  # fmt: skip
    severity: Severity = "high" if kwh >= MUCH_KWH else "middle"
    return Finding("base-load", meter, severity, numbers, tuple(off), (f"{meter}/{point.name}",), kwh=kwh, yuan=yuan)


def _off(material: Material, meter: str, known: Sequence[Stretch], register: Register) -> list[Stretch]:
    """Unplanned time in which the meter was read and nothing it feeds was seen working."""
    unplanned = outside(material.interval.window, material.planned)
    worked = joined(
        each
        for name in material.equipment[meter].feeds
        for each in material.segments.get(name, ())
        if each.state in WORKING
    )
    idle = shared(unplanned, outside(material.interval.window, worked))
    read = register.inside(shared(idle, known))
    return [part for part in read if part.length >= SHORTEST and register.readings(part) >= CLOSE]
