"""The compressor and the four energy meters of the simulated plant, computed from a seed and the machines they feed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from factory_kit.model.connector import MachineState
from factory_kit.testing.chance import flicker, noise, stream
from factory_kit.testing.machines import Machine, Value
from factory_kit.testing.shifts import HOUR, MINUTE, SECOND, shift_at, shift_start, works

__all__ = ["Compressor", "CompressorState", "Hall", "Meter"]

_CYCLE = 6 * MINUTE
"""The compressor loads and unloads once in six minutes; a shift holds a whole number of them."""


class CompressorState(IntEnum):
    """The raw values of the compressor's state."""

    OFF = 0
    UNLOADED = 1
    LOADED = 2


class Compressor:
    """A screw compressor that runs while the plant works, and loads the longer the more machines produce."""

    LOADED_KW, UNLOADED_KW = 37.0, 13.5

    def __init__(self, seed: int, start: int, machines: Sequence[Machine]) -> None:
        self._machines = machines
        self._first = shift_start(shift_at(start)) // _CYCLE
        self._hours_before = 8_000 + 9_000 * stream(seed, "compressor", "hours").random()
        self._key = flicker(seed, "compressor")
        self._energy = [0.0]
        """kWh at the beginning of each cycle since the first."""
        self._running = [0]
        """Microseconds of running at the beginning of each cycle since the first."""

    def state(self, time: int) -> CompressorState:
        """Whether it compresses, idles or stands at *time*."""
        if not works(shift_at(time)):
            return CompressorState.OFF
        cycle, part = divmod(time, _CYCLE)
        return CompressorState.LOADED if part < self._loaded(cycle) else CompressorState.UNLOADED

    def power(self, time: int) -> float:
        """Active power in kW."""
        return {
            CompressorState.OFF: 0.0,
            CompressorState.UNLOADED: self.UNLOADED_KW,
            CompressorState.LOADED: self.LOADED_KW,
        }[self.state(time)]

    def energy(self, time: int) -> float:
        """Energy since the first shift began, kWh: the exact integral of ``power``."""
        cycle, part = divmod(time, _CYCLE)
        return self._reach(cycle)[0] + self._cycle_energy(cycle, part)

    def pressure(self, time: int) -> float:
        """Network pressure in bar: rises while loaded, falls while unloaded, leaks away while off."""
        cycle, part = divmod(time, _CYCLE)
        if not works(shift_at(time)):
            return 0.0
        loaded = self._loaded(cycle)
        share = part / loaded if part < loaded else 1 - (part - loaded) / (_CYCLE - loaded)
        return 6.6 + 0.8 * share + 0.01 * noise(self._key, time // SECOND)

    def hours(self, time: int) -> float:
        """Running hours since it was built."""
        cycle, part = divmod(time, _CYCLE)
        running = self._reach(cycle)[1] + (part if works(shift_at(time)) else 0)
        return self._hours_before + running / HOUR

    def temperature(self, time: int) -> float:
        """Oil temperature in °C."""
        warm = {CompressorState.OFF: 22.0, CompressorState.UNLOADED: 71.0, CompressorState.LOADED: 79.0}[
            self.state(time)
        ]
        return warm + 1.5 * noise(self._key + 1, time // MINUTE)

    def _loaded(self, cycle: int) -> int:
        """How long it compresses in *cycle*: between 30 and 80 per cent."""
        at = cycle * _CYCLE
        busy = sum(machine.state(at) is MachineState.PRODUCING for machine in self._machines)
        return int(_CYCLE * (0.3 + 0.5 * busy / len(self._machines)))

    def _cycle_energy(self, cycle: int, part: int) -> float:
        if not works(shift_at(cycle * _CYCLE)):
            return 0.0
        loaded = min(part, self._loaded(cycle))
        return (self.LOADED_KW * loaded + self.UNLOADED_KW * (part - loaded)) / HOUR

    def _reach(self, cycle: int) -> tuple[float, int]:
        """Energy and running time at the beginning of *cycle*."""
        while len(self._energy) <= cycle - self._first:
            last = self._first + len(self._energy) - 1
            self._energy.append(self._energy[-1] + self._cycle_energy(last, _CYCLE))
            self._running.append(self._running[-1] + (_CYCLE if works(shift_at(last * _CYCLE)) else 0))
        return self._energy[cycle - self._first], self._running[cycle - self._first]

    def reading(self, time: int) -> dict[str, Value]:
        """All its points at *time*, rounded as it shows them."""
        return {
            "state": int(self.state(time)),
            "pressure": round(self.pressure(time), 2),
            "active_power": round(self.power(time), 1),
            "running_hours": math.floor(10 * self.hours(time)) / 10,
            "temperature": round(self.temperature(time), 1),
        }


@dataclass(frozen=True, slots=True)
class Hall:
    """Lighting, ventilation and coolant: what the main meter shows beside machines and compressor."""

    first: int
    """Beginning of the first shift."""

    WORKING_KW = 18.0
    CLOSED_KW = 4.0

    def power(self, time: int) -> float:
        """Active power in kW."""
        return self.WORKING_KW if works(shift_at(time)) else self.CLOSED_KW

    def energy(self, time: int) -> float:
        """Energy since the first shift began, kWh."""
        shift, level = shift_at(self.first), 0.0
        while shift_start(shift) < time:
            level += self.power(shift_start(shift)) * (min(shift_start(shift + 1), time) - shift_start(shift)) / HOUR
            shift += 1
        return level


class Meter:
    """A three-phase energy meter over *feeds*: everything with ``power`` and ``energy``."""

    def __init__(self, equipment: str, seed: int, feeds: Sequence[Machine | Compressor | Hall]) -> None:
        self.equipment = equipment
        self.feeds = feeds
        self._energy_before = 10_000 + 300_000 * stream(seed, equipment, "energy").random()
        self._keys = {name: flicker(seed, equipment, name) for name in ("voltage", "share", "frequency")}

    def power(self, time: int) -> float:
        """Active power in kW."""
        return sum(feed.power(time) for feed in self.feeds)

    def energy(self, time: int) -> float:
        """Energy since the first shift began, kWh: the exact integral of ``power``."""
        return sum(feed.energy(time) for feed in self.feeds)

    def reading(self, time: int) -> dict[str, Value]:
        """All its points at *time*, rounded as it shows them; the energy register counts on from years of use."""
        power = self.power(time)
        second = time // SECOND
        factor = 0.62 + 0.30 * power / (power + 4.0)
        reading: dict[str, Value] = {}
        for phase in (1, 2, 3):
            voltage = 230.0 + 2.0 * noise(self._keys["voltage"] + phase, second // 10)
            share = (1 + 0.03 * noise(self._keys["share"] + phase, second // 60)) / 3
            reading[f"voltage_l{phase}"] = round(voltage, 1)
            reading[f"current_l{phase}"] = round(1000 * power * share / (voltage * factor), 2)
        reading["active_power"] = round(power, 2)
        reading["power_factor"] = round(factor, 3)
        reading["frequency"] = round(50.0 + 0.03 * noise(self._keys["frequency"], second), 2)
        reading["active_energy"] = math.floor(100 * (self._energy_before + self.energy(time))) / 100
        return reading
