"""The whole simulated plant as one pure model: the same seed and start give the same values at the same plant time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from factory_kit.model.connector import MachineState
from factory_kit.testing.energy import Compressor, Hall, Meter
from factory_kit.testing.faults import PlantedFault, plan_faults
from factory_kit.testing.machines import ANALOG, CNC, EVENT_POINTS, Machine, Value
from factory_kit.testing.shifts import DEFAULT_START, SECOND, shift_at, shift_start

__all__ = ["BAD_NO_COMMUNICATION", "Change", "MachineTruth", "PlantModel", "Truth", "analog_step"]

GOOD = 0
BAD_NO_COMMUNICATION = 0x8031_0000
POINTS = (*EVENT_POINTS, *ANALOG)
_ANALOG_PER_SECOND = 120
"""Most values per real second and analog point; what keeps both servers under 60 % of a core at any speed."""


def analog_step(speed: float) -> int:
    """How often analog values are measured at *speed*, in plant time: every second, at speed 3600 every 30 seconds."""
    return max(1, round(speed / _ANALOG_PER_SECOND)) * SECOND


class Change(NamedTuple):
    """One change of what the OPC UA server shows; ``value`` is None where ``status`` is bad."""

    time: int
    equipment: str
    point: str
    value: Value | None
    status: int = GOOD


@dataclass(frozen=True, slots=True)
class MachineTruth:
    """What a machine really did in an interval, faults of counters, sensors and lines set aside; times in microseconds."""

    ideal_cycle_s: float
    time_us: dict[MachineState, int]
    total: int
    good: int
    energy_kwh: float

    def seconds(self, state: MachineState) -> float:
        """Seconds in *state*."""
        return self.time_us.get(state, 0) / SECOND


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened between ``start`` (excluded for counts) and ``end``, per machine and per meter."""

    start: int
    end: int
    machines: dict[str, MachineTruth]
    energy_kwh: dict[str, float]


class PlantModel:
    """Eight machines, four meters and a compressor; times are microseconds since 1970-01-01 UTC, not before *start*."""

    def __init__(self, seed: int = 1, start: int = DEFAULT_START, *, faults: bool = True, step: int = SECOND) -> None:
        self.seed = seed
        self.start = start
        self.step = step
        self.planted_faults = plan_faults(start) if faults else ()
        idle_nights = frozenset(
            shift_at(fault.start) for fault in self.planted_faults if fault.what == "idle at half load"
        )
        self.machines = {
            spec.id: Machine(spec, seed, start, idle_nights if spec.id in {"cnc-07", "cnc-08"} else frozenset())
            for spec in CNC
        }
        every = list(self.machines.values())
        self.compressor = Compressor(seed, start, every)
        hall = Hall(shift_start(shift_at(start)))
        self.meters = {
            "meter-01": Meter("meter-01", seed, [*every, self.compressor, hall]),
            "meter-02": Meter("meter-02", seed, every[:6]),
            "meter-03": Meter("meter-03", seed, every[6:]),
            "meter-04": Meter("meter-04", seed, [self.compressor]),
        }
        self._resets = {fault.equipment: fault.start for fault in self.planted_faults if fault.what == "counter reset"}

    def fault(self, what: str, equipment: str, time: int) -> PlantedFault | None:
        """The planted fault of kind *what* that *equipment* has at *time*."""
        for fault in self.planted_faults:
            if fault.what == what and fault.equipment == equipment and fault.holds(time):
                return fault
        return None

    def answers(self, equipment: str, time: int) -> bool:
        """Whether *equipment* can be read at *time*."""
        return self.fault("no answer", equipment, time) is None

    def shown(self, equipment: str, point: str, time: int) -> Change:
        """What the OPC UA server shows for a point of a machine at *time*, its faults included."""
        if not self.answers(equipment, time):
            return Change(time, equipment, point, None, BAD_NO_COMMUNICATION)
        return Change(time, equipment, point, self._measured(equipment, point, time))

    def reading(self, equipment: str, time: int) -> dict[str, Value] | None:
        """All points of a meter or of the compressor at *time*; None while it does not answer."""
        if not self.answers(equipment, time):
            return None
        return self.compressor.reading(time) if equipment == "compressor-01" else self.meters[equipment].reading(time)

    def changes(self, after: int, until: int) -> list[Change]:
        """Every change of what the OPC UA server shows with ``after < time <= until``, in order of time."""
        found = [change for equipment in self.machines for change in self._machine_changes(equipment, after, until)]
        return sorted(found, key=lambda change: change.time)

    def truth(self, start: int, end: int) -> Truth:
        """What every machine and meter really did from *start* to *end*."""
        machines = {}
        for equipment, machine in self.machines.items():
            states: Counter[MachineState] = Counter()
            for segment in machine.segments(start, end):
                states[segment.state] += segment.end - segment.start
            machines[equipment] = MachineTruth(
                ideal_cycle_s=machine.spec.ideal_cycle_s,
                time_us=dict(states),
                total=machine.total_count(end) - machine.total_count(start),
                good=machine.good_count(end) - machine.good_count(start),
                energy_kwh=machine.energy(end) - machine.energy(start),
            )
        return Truth(
            start, end, machines, {name: meter.energy(end) - meter.energy(start) for name, meter in self.meters.items()}
        )

    def _measured(self, equipment: str, point: str, time: int) -> Value:
        machine = self.machines[equipment]
        if point in ANALOG:
            stuck = self.fault("stuck sensor", equipment, time)
            seen = stuck.start if stuck is not None and stuck.point == point else time
            return machine.value(point, seen - seen % self.step)
        value = machine.value(point, time)
        reset = self._resets.get(equipment)
        if point == "total_count" and reset is not None and time >= reset:
            value -= machine.total_count(reset)
        return value

    def _machine_changes(self, equipment: str, after: int, until: int) -> Iterator[Change]:
        silences = [
            fault for fault in self.planted_faults if fault.what == "no answer" and fault.equipment == equipment
        ]
        for time, point, value in self._healthy_changes(equipment, after, until):
            if not any(fault.start <= time <= fault.end for fault in silences):
                yield Change(time, equipment, point, value)
        for edge in sorted({edge for fault in silences for edge in (fault.start, fault.end)}):
            if after < edge <= until:
                yield from (self.shown(equipment, point, edge) for point in POINTS)

    def _healthy_changes(self, equipment: str, after: int, until: int) -> Iterator[tuple[int, str, Value]]:
        reset = self._resets.get(equipment)
        for time, point, value in self.machines[equipment].events(after, until):
            if reset is not None and point == "total_count" and time >= reset:
                yield time, point, value - self.machines[equipment].total_count(reset)
            else:
                yield time, point, value
        if reset is not None and after < reset <= until:
            yield reset, "total_count", 0
        for point in ANALOG:
            yield from self._analog_changes(equipment, point, after, until)

    def _analog_changes(self, equipment: str, point: str, after: int, until: int) -> Iterator[tuple[int, str, Value]]:
        first = after - after % self.step
        last = self._measured(equipment, point, first)
        for time in range(first + self.step, until + 1, self.step):
            value = self._measured(equipment, point, time)
            if value != last:
                yield time, point, value
            last = value
