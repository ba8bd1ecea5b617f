"""Simulated days of a plant for the examples of the data products: seeded signals of machines that do not exist, with the labels people would give.

Every generator takes a seed and the beginning of a day (µs, UTC) and gives what points show over that day. Nothing here was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from factory_kit.model.run import CataloguePoint
from factory_kit.model.sample import Int64
from factory_kit.testing.product_machines import States, line_states

__all__ = ["DAY", "SIGNALS", "Recording", "Signal"]

SECOND = 1_000_000
Floats = npt.NDArray[Any]
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Signal:
    """What one point showed: times (µs, UTC), and numbers or texts."""

    point: CataloguePoint
    time: Int64
    value: npt.NDArray[np.floating[Any]]
    text: Sequence[str] | None = None


@dataclass(frozen=True)
class Recording:
    """A day: the signals, and the label tables as CSV texts by their names."""

    signals: tuple[Signal, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


def _point(equipment: str, name: str, role: str, unit: str, connector: str = "example") -> CataloguePoint:
    return CataloguePoint(
        equipment, name, role, unit, "float64", f"ns=2;s={equipment}.{name}", connector, "1", "example"
    )


def _iso(moment: int) -> str:
    return datetime.fromtimestamp(moment / SECOND, UTC).isoformat()


def _csv(head: str, lines: Sequence[str]) -> str:
    return "\ufeff" + "\r\n".join([head, *lines]) + "\r\n"


def _grid(begins: int, step: int, length: int = DAY) -> Int64:
    return np.arange(begins, begins + length, step, dtype=np.int64)


def moulding(seed: int, begins: int) -> Recording:
    """Two injection moulding machines: parameters of every cycle by the names of OPC 40077, and the inspection of every tenth part."""
    signals: list[Signal] = []
    lines: list[str] = []
    for place, machine in enumerate(("imm-01", "imm-02")):
        chance = np.random.default_rng([seed, place, 77])
        duration = np.round((28.0 + 6 * place + 0.25 * chance.standard_normal(4000)) * 1000)
        duration[chance.random(4000) < 0.004] += 420_000.0
        times = begins + np.cumsum(duration * 1000).astype(np.int64)
        times = times[times < begins + DAY]
        made = _shots(chance, len(times), place)
        counter = (
            120.0 + np.arange(len(times)) - np.where(np.arange(len(times)) >= len(times) // 2, len(times) // 2 + 119, 0)
        )
        columns = {"cycle_count": counter, "last_cycle_time": duration[: len(times)], **made}
        units = {"cycle_count": "", "cushion_volume": "cm3", "plastification_volume": "cm3", "mould_temperature": "°C"}
        for name, values in columns.items():
            unit = units.get(name, "bar" if "pressure" in name else "ms")
            role = "temperature" if name == "mould_temperature" else "other"
            signals.append(Signal(_point(machine, name, role, unit, "opc-euromap77"), times, values))
        lines += _inspected(chance, machine, times, counter, made)
    return Recording(tuple(signals), {"inspection": _csv("machine,cycle,inspected_at,result,defect", lines)})


def _shots(chance: np.random.Generator, count: int, place: int) -> dict[str, Floats]:
    """Parameters of *count* shots: a check valve that wears lets the cushion shrink over the day."""
    wear = np.linspace(0.0, 1.2, count) * (place == 0)
    cushion = 6.0 - wear + 0.18 * chance.standard_normal(count)
    pressure = 980.0 + 40 * place + 9 * chance.standard_normal(count) + 14 * wear
    return {
        "injection_time": np.round(1850.0 + 18 * chance.standard_normal(count)),
        "dosing_time": np.round(7400.0 + 120 * chance.standard_normal(count) + 350 * wear),
        "cushion_volume": np.round(cushion, 2),
        "plastification_volume": np.round(62.0 + 0.35 * chance.standard_normal(count), 2),
        "specific_pressure_maximum": np.round(pressure, 1),
        "hold_specific_pressure_maximum": np.round(0.62 * pressure + 4 * chance.standard_normal(count), 1),
        "mould_temperature": np.round(58.0 + 0.6 * chance.standard_normal(count), 1),
    }


def _inspected(
    chance: np.random.Generator, machine: str, times: Int64, counter: Floats, made: Mapping[str, Floats]
) -> list[str]:
    lines = []
    for shot in range(9, len(times), 10):
        short = made["cushion_volume"][shot] < 4.9
        flash = made["specific_pressure_maximum"][shot] > 1042
        defect = "short_shot" if short else "flash" if flash else "sink_mark" if chance.random() < 0.01 else ""
        when = _iso(int(times[shot]) + int(chance.integers(20, 300)) * SECOND)
        lines.append(f"{machine},{int(counter[shot])},{when},{'bad' if defect else 'good'},{defect}")
    return lines


def compressors(seed: int, begins: int) -> Recording:
    """A station of three compressors, one of them with a variable speed drive, and its header: flow, pressure, dew point."""
    chance = np.random.default_rng([seed, 1217])
    times = _grid(begins, 10 * SECOND)
    hour = (times - begins) / HOUR
    working = 1 / (1 + np.exp(-(hour - 7.5) * 3)) - 1 / (1 + np.exp(-(hour - 20) * 3))
    leak, drift = 1.6, np.interp(hour, [0, 24], [0, 0.25])
    flow = leak + drift + 15.5 * working * (1 + 0.06 * np.sin(hour * 9)) + 0.12 * chance.standard_normal(len(times))
    base, rest = np.clip(flow, 0, 9.0), np.clip(flow - 9.0, 0, 9.0)
    fixed = np.where(rest > 5.5, 41.0, np.where(rest > 0.5, 14.0, 0.0))
    swing = np.where(rest > 5.5, 0.0, rest) * 6.6
    signals = []
    for name, power in (("comp-01", 8.0 + base * 5.9), ("comp-02", fixed), ("comp-03", swing)):
        level = np.where(power > 0, power + 0.35 * chance.standard_normal(len(times)), 0.0)
        signals.append(
            Signal(_point(name, "active_power", "active_power", "kW"), times, np.round(np.maximum(level, 0), 2))
        )
    pressure = 7.2 - 0.25 * working + 0.05 * np.sin(hour * 40) + 0.012 * chance.standard_normal(len(times))
    dew = 2.4 + 5.0 * working * (hour > 14) + 0.15 * chance.standard_normal(len(times))
    for name, role, unit, values in (
        ("flow", "flow", "m3/min", flow),
        ("pressure", "pressure", "bar", pressure),
        ("dew_point", "temperature", "°C", dew),
    ):
        signals.append(Signal(_point("air-01", name, role, unit), times, np.round(values, 3)))
    return Recording(tuple(signals))


def line(seed: int, begins: int) -> Recording:
    """Four machines of a line: states by PackML with counts of parts, and the reasons that people noted for stops."""
    signals: list[Signal] = []
    reasons: list[str] = []
    for place in range(4):
        machine = f"line1-m{place + 1}"
        states: States = line_states(
            np.random.default_rng([seed, place, 22400]), begins - HOUR, begins + DAY, 24.0 + 3 * place
        )
        start = np.array([each.start for each in states.events], np.int64)
        texts = [each.raw for each in states.events]
        point = _point(machine, "state", "state", "", "opc-packml")
        signals.append(Signal(point, start, np.full(len(start), np.nan), texts))
        for name, counts in (("total_count", states.total), ("good_count", states.good)):
            signals.append(
                Signal(_point(machine, name, name, "", "opc-packml"), states.parts, counts.astype(np.float64))
            )
        reasons += [f"{machine},{_iso(each.start)},{each.reason}" for each in states.events if each.reason]
    return Recording(tuple(signals), {"stop_reasons": _csv("machine,started_at,reason", reasons)})


PLAN = (
    ("bore_diameter", "diameter", "mm", 25.0, "24.979", "25.021", 0.0048),
    ("shaft_length", "length", "mm", 120.0, "119.9", "120.1", 0.021),
    ("face_runout", "runout", "mm", 0.0, "", "0.03", 0.006),
)
"""Characteristic, kind, unit, nominal value, limits as texts, and the standard deviation of the process that is simulated."""


def inspection(seed: int, begins: int) -> Recording:
    """Two measuring machines: three characteristics of every part, in the order of production, one of them wandering off."""
    signals = []
    for place, gauge in enumerate(("cmm-01", "cmm-02")):
        chance = np.random.default_rng([seed, place, 22514])
        times = _grid(begins + 6 * HOUR + place * MINUTE, 4 * MINUTE, 16 * HOUR)
        count = len(times)
        signals.append(Signal(_point(gauge, "part", "sequence", ""), times, 5000.0 + np.arange(count)))
        for name, kind, unit, nominal, _lower, _upper, spread in PLAN:
            drift = np.linspace(0, 3.2, count) * spread * (place == 1 and name == "bore_diameter")
            noise = spread * chance.standard_normal(count)
            values = np.abs(0.011 + noise) if kind == "runout" else nominal + drift + noise
            signals.append(Signal(_point(gauge, name, "other", unit), times, np.round(values, 4)))
    plan = [",".join(map(str, line[:6])) for line in PLAN]
    return Recording(tuple(signals), {"inspection_plan": _csv("characteristic,kind,unit,nominal,lower,upper", plan)})


def spindles(seed: int, begins: int) -> Recording:
    """Three spindles over two shifts: load while cutting, and a temperature that follows it."""
    signals = []
    for place in range(3):
        machine, chance = f"cnc-{place + 1:02d}", np.random.default_rng([seed, place, 3484])
        times = _grid(begins + 8 * HOUR, 2 * SECOND, 12 * HOUR)
        phase = (times - begins) / MINUTE
        cutting = (phase % (11 + 2 * place)) < 8
        load = np.where(cutting, 42 + 9 * place + 6 * np.sin(phase), 4.0) + 2.5 * chance.standard_normal(len(times))
        warm = 24 + 21 * (1 - np.exp(-(phase - phase[0]) / 25)) + 0.4 * chance.standard_normal(len(times))
        signals.append(
            Signal(_point(machine, "spindle_load", "spindle_load", "%"), times, np.round(np.clip(load, 0, 180), 1))
        )
        signals.append(Signal(_point(machine, "spindle_temperature", "temperature", "°C"), times, np.round(warm, 1)))
    return Recording(tuple(signals))


def energy(seed: int, begins: int) -> Recording:
    """Three meters: energy counters and power that follow two shifts."""
    signals = []
    for place in range(3):
        meter, chance = f"meter-{place + 1:02d}", np.random.default_rng([seed, place, 8])
        times = _grid(begins - HOUR, MINUTE, DAY + 2 * HOUR)
        hour = ((times - begins) / HOUR) % 24
        level = (
            (6 + 5 * place) * (1 + 4 * ((hour > 7.9) & (hour < 20.1))) * (1 + 0.08 * chance.standard_normal(len(times)))
        )
        power = np.round(np.maximum(level, 0), 2)
        counter = np.round(48_000 + 9_000 * place + np.cumsum(power) / 60, 2)
        signals.append(Signal(_point(meter, "active_power", "active_power", "kW"), times, power))
        signals.append(Signal(_point(meter, "active_energy", "active_energy", "kWh"), times, counter))
    return Recording(tuple(signals))


SIGNALS: Mapping[str, Callable[[int, int], Recording]] = {
    "cnc-spindle": spindles, "compressor-station": compressors, "energy-hourly": energy, "injection-moulding": moulding, "oee-events": line,
    "quality-inspection": inspection,
}  # fmt: skip
"""The generator of each template's example."""
