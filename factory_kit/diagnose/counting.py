"""Counters that were set back, and ideal cycles that cannot be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from factory_kit.diagnose.finding import Finding, Number
from factory_kit.diagnose.material import Column, Material
from factory_kit.kpi.counters import JITTER
from factory_kit.kpi.timemodel import Stretch

__all__ = ["counter_resets", "set_back", "wrong_cycles"]

COUNTERS = ("total_count", "good_count", "scrap_count", "active_energy", "running_hours")
MODULUS = {"uint16": 65536, "uint32": 4294967296, "bcd16": 10000, "bcd32": 100_000_000}
ROLLED_OVER = 0.02
"""A fall from the last of a register to its first this near to both ends is no reset."""
REGISTER_JITTER = 0.1
"""Energy registers and hour counters step back this far, in their unit, when a value is rounded another way."""


def counter_resets(material: Material) -> Iterator[Finding]:
    """One finding per counter that went back by more than the jitter and did not roll over."""
    for point in material.points:
        if point.role not in COUNTERS:
            continue
        column = material.column(point)
        jitter = JITTER if point.role.endswith("count") else REGISTER_JITTER
        back = set_back(column, jitter, MODULUS.get(point.type, 0))
        if back:
            numbers: dict[str, Number] = {
                "point": point.name, "count": len(back),
                "before": f"{column.value[back[0] - 1]:g}", "after": f"{column.value[back[0]]:g}",
            }  # fmt: skip
            when = tuple(Stretch(int(column.time[at - 1]), int(column.time[at])) for at in back)
            name = f"{point.equipment}/{point.name}"
            yield Finding("counter-reset", point.equipment, "low", numbers, when, (name,))


def set_back(column: Column, jitter: float, modulus: int) -> list[int]:
    """Positions of the values that are lower than those before: no jitter, no roll-over of a register with *modulus* values."""
    if len(column) < 2:
        return []
    fallen = np.flatnonzero(np.diff(column.value) < -jitter) + 1
    return [int(at) for at in fallen if not _rolled(float(column.value[at - 1]), float(column.value[at]), modulus)]


def _rolled(before: float, after: float, modulus: int) -> bool:
    return bool(modulus) and modulus - before < ROLLED_OVER * modulus and after < ROLLED_OVER * modulus


def wrong_cycles(material: Material, effectiveness: Mapping[str, float]) -> Iterator[Finding]:
    """One finding per machine whose *effectiveness* lies above 1: an error of the ledger, reported and never clipped."""
    for name, value in effectiveness.items():
        machine = material.equipment.get(name)
        if value > 1 and machine is not None and machine.ideal_cycle_s is not None:
            numbers = {"effectiveness": f"{value:.3f}", "cycle": f"{machine.ideal_cycle_s:f}"}
            yield Finding("wrong-cycle", name, "middle", numbers)
