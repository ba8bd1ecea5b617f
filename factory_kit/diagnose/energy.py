"""Energy out of registers and powers: over any stretches of time, through resets, between readings in a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from factory_kit.diagnose.factors import factor
from factory_kit.diagnose.finding import Number
from factory_kit.diagnose.material import Column, Material, PointFacts
from factory_kit.diagnose.stretches import Spans, shared
from factory_kit.kpi.timemodel import Stretch

__all__ = ["HOUR", "Register", "equivalents", "meter_of", "register_of"]

HOUR = 3600 * 1_000_000
UNITS = {"Wh": 0.001, "kWh": 1.0, "MWh": 1000.0}
POWERS = {"W": 0.001, "kW": 1.0, "MW": 1000.0}


class Register:
    """Energy since the first reading, kWh, straight between readings; a register set back goes on from where it was."""

    def __init__(self, time: np.ndarray[tuple[int], np.dtype[np.int64]], kwh: np.ndarray) -> None:
        self.time, self.level = time, kwh

    @classmethod
    def counting(cls, column: Column, unit: str) -> Register:
        """From an energy register in *unit*."""
        rises = np.maximum(np.diff(column.value), 0.0) if len(column) else np.empty(0)
        start = np.zeros(min(1, len(column)))
        return cls(column.time, np.concatenate([start, np.cumsum(rises)]) * UNITS[unit])

    @classmethod
    def adding_up(cls, column: Column, unit: str, until: int) -> Register:
        """From a power that holds until its next value, or *until*."""
        time = np.append(column.time, max(until, int(column.time[-1]))) if len(column) else column.time
        steps = np.diff(time) * column.value * POWERS[unit] / HOUR
        return cls(time, np.concatenate([np.zeros(min(1, len(time))), np.cumsum(steps)]))

    def inside(self, parts: Sequence[Spans]) -> list[Stretch]:
        """What of *parts* lies between the first reading and the last."""
        if len(self.time) < 2:
            return []
        return shared(parts, [Stretch(int(self.time[0]), int(self.time[-1]))])

    def kwh(self, parts: Sequence[Spans]) -> float:
        """Energy in *parts*, as far as they lie between readings."""
        inside = self.inside(parts)
        if not inside:
            return 0.0
        edges = np.array([(part.start, part.end) for part in inside], np.int64)
        return float(np.sum(self._at(edges[:, 1]) - self._at(edges[:, 0])))

    def mean_kw(self, parts: Sequence[Spans]) -> float | None:
        """Mean load over *parts*; None where none of them lies between readings."""
        inside = self.inside(parts)
        time = sum(part.length for part in inside)
        return self.kwh(inside) * HOUR / time if time else None

    def blocks(self, part: Stretch, length: int) -> np.ndarray:
        """Mean kW of each whole block of *length* µs inside *part*."""
        edges = np.arange(part.start, part.end + 1, length, dtype=np.int64)
        return np.diff(self._at(edges)) * HOUR / length

    def readings(self, part: Spans) -> int:
        """How many readings lie in *part*."""
        first, last = np.searchsorted(self.time, [part.start, part.end])
        return int(last - first)

    def _at(self, moments: np.ndarray) -> np.ndarray:
        return np.asarray(np.interp(moments, self.time, self.level))


def register_of(material: Material, equipment: str) -> tuple[PointFacts, Register] | None:
    """The one energy register of *equipment* and its energy; None where it has none, or several."""
    points = [point for point in material.of(equipment, "active_energy") if point.unit in UNITS]
    if len(points) != 1:
        return None
    return points[0], Register.counting(material.column(points[0]), points[0].unit)


def meter_of(material: Material, machine: str) -> tuple[PointFacts, Register] | None:
    """What *machine* alone takes: its own register, that of a meter which feeds nothing else, or its power added up."""
    only = [each.id for each in material.equipment.values() if each.feeds == (machine,)]
    for name in (machine, *only):
        found = register_of(material, name)
        if found is not None and len(found[1].time) > 1:
            return found
    powers = [point for name in (machine, *only) for point in material.of(name, "active_power") if point.unit in POWERS]
    if not powers:
        return None
    return powers[0], Register.adding_up(material.column(powers[0]), powers[0].unit, material.interval.end)


def equivalents(kwh: float, day: date) -> dict[str, Number]:
    """*kwh* in coal equivalent and carbon by the factors in force on *day*."""
    return {name: float(factor(f"{name}_per_kwh", day)[0]) * kwh for name in ("kgce", "kgco2")}
