"""The eight simulated machines: what each of them would show at any moment, computed from a seed alone."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from factory_kit.errors import UsageError
from factory_kit.model.connector import MachineState
from factory_kit.testing.chance import flicker, noise, stream
from factory_kit.testing.schedule import CncSpec, Segment, plan_parts, plan_shift
from factory_kit.testing.shifts import HOUR, MINUTE, SECOND, shift_at, shift_start

__all__ = ["ANALOG", "CNC", "EVENT_POINTS", "RAW_STATES", "Machine", "Value"]

Value = int | float

CNC = (
    CncSpec("cnc-01", "CNC01", 30.0, 0.950, 0.008, 24, 16, 1.0, 24, 15, 62, 7.5),
    CncSpec("cnc-02", "CNC02", 34.0, 0.930, 0.014, 20, 12, 1.2, 28, 20, 58, 7.5),
    CncSpec("cnc-03", "CNC03", 38.0, 0.900, 0.022, 16, 10, 1.5, 30, 25, 66, 9.0),
    CncSpec("cnc-04", "CNC04", 45.0, 0.870, 0.035, 12, 7, 2.0, 38, 30, 54, 9.0),
    CncSpec("cnc-05", "CNC05", 52.0, 0.940, 0.012, 22, 18, 0.8, 35, 20, 60, 11.0),
    CncSpec("cnc-06", "CNC06", 64.0, 0.910, 0.018, 18, 9, 1.2, 40, 25, 70, 12.5),
    CncSpec("cnc-07", "CNC07", 90.0, 0.955, 0.006, 30, 20, 0.6, 50, 15, 64, 16.0),
    CncSpec("cnc-08", "CNC08", 120.0, 0.925, 0.010, 26, 14, 0.8, 55, 20, 68, 22.0),
)
"""The machines of the simulated plant that are connected; two more of the ledger are not."""

RAW_STATES = {
    MachineState.OFF: 0,
    MachineState.IDLE: 1,
    MachineState.PRODUCING: 2,
    MachineState.SETUP: 3,
    MachineState.DOWN: 4,
    MachineState.MAINTENANCE: 5,
}
"""What the point ``state`` shows for each state; connectors/sim-cnc maps it back."""

EVENT_POINTS = ("state", "alarm", "total_count", "good_count")
"""Points that change at a moment of their own."""
ANALOG = ("spindle_load", "spindle_temperature", "motor_temperature")
"""Points that are measured again at every analog step."""

_POWER_SHARE = {
    MachineState.OFF: 0.02,
    MachineState.IDLE: 0.14,
    MachineState.PRODUCING: 1.0,
    MachineState.SETUP: 0.25,
    MachineState.DOWN: 0.10,
    MachineState.MAINTENANCE: 0.12,
}
_HEAT_SHARE = {
    MachineState.OFF: 0.0,
    MachineState.IDLE: 0.15,
    MachineState.PRODUCING: 1.0,
    MachineState.SETUP: 0.35,
    MachineState.DOWN: 0.05,
    MachineState.MAINTENANCE: 0.05,
}
_WAVE = 2 * math.pi / (7 * MINUTE)
"""Cutting load swings around its mean every seven minutes; power follows, and its integral has a closed form."""
_SWING = 0.06
_HALF = 0.5
_SPINDLE = (21.0, 25.0 * MINUTE)
"""Rise over the hall's temperature at full heat in kelvin, and time constant."""
_MOTOR = (33.0, 45.0 * MINUTE)


@dataclass(frozen=True, slots=True)
class _Shift:
    """One shift of one machine, with what had accumulated when each of its segments began."""

    segments: tuple[Segment, ...]
    starts: list[int]
    energy: list[float]
    spindle: list[float]
    motor: list[float]
    done: list[int]
    good: list[int]
    total_before: int
    good_before: int


class Machine:
    """One machine from the shift in which *start* lies onwards.

    Shifts in *no_orders* pass without an order, the drives left on at half load. Times are microseconds since 1970-01-01
    UTC; a time before that first shift raises ``UsageError``.
    """

    def __init__(self, spec: CncSpec, seed: int, start: int, no_orders: frozenset[int] = frozenset()) -> None:
        self.spec = spec
        self.no_orders = no_orders
        self._seed = seed
        self._first = shift_at(start)
        self._shifts: list[_Shift] = []
        self._phase = 2 * math.pi * stream(seed, spec.id, "phase").random()
        self._count_before = 20_000 + int(400_000 * stream(seed, spec.id, "count").random())
        self._keys = {point: flicker(seed, spec.id, point) for point in ANALOG}

    def value(self, point: str, time: int) -> Value:
        """What *point* shows at *time* on a machine without a fault."""
        return _READERS[point](self, time)

    def state(self, time: int) -> MachineState:
        """The state at *time*."""
        return self._segment(time).state

    def alarm(self, time: int) -> int:
        """The alarm code at *time*, 0 without an alarm."""
        return self._segment(time).alarm

    def total_count(self, time: int) -> int:
        """Parts made up to and including *time*."""
        shift = self._shift(time)
        return shift.total_before + bisect_right(shift.done, time)

    def good_count(self, time: int) -> int:
        """Good parts made up to and including *time*."""
        shift = self._shift(time)
        made = bisect_right(shift.done, time)
        return shift.good_before + (shift.good[made - 1] if made else 0)

    def spindle_load(self, time: int) -> float:
        """Spindle load in per cent, in steps of 0.5."""
        state = self.state(time)
        if state is MachineState.PRODUCING:
            load = (
                self.spec.load
                + 10 * math.sin(_WAVE * time + self._phase)
                + 4 * noise(self._keys["spindle_load"], time // SECOND)
            )
        elif state is MachineState.SETUP:
            load = 8 + 4 * noise(self._keys["spindle_load"], time // SECOND)
        else:
            return 0.0
        return round(2 * load) / 2

    def spindle_temperature(self, time: int) -> float:
        """Temperature of the spindle bearing in °C, in steps of 0.1."""
        return self._temperature("spindle_temperature", time)

    def motor_temperature(self, time: int) -> float:
        """Temperature of the spindle motor in °C, in steps of 0.1."""
        return self._temperature("motor_temperature", time)

    def power(self, time: int) -> float:
        """Active power in kW."""
        segment = self._segment(time)
        swing = _SWING * math.sin(_WAVE * time + self._phase) if segment.state is MachineState.PRODUCING else 0.0
        return self._base_power(segment) * (1 + swing)

    def energy(self, time: int) -> float:
        """Energy since the first shift began, kWh: the exact integral of ``power``."""
        shift = self._shift(time)
        index = bisect_right(shift.starts, time) - 1
        return shift.energy[index] + self._energy_of(shift.segments[index], time)

    def segments(self, start: int, end: int) -> Iterator[Segment]:
        """The segments between *start* and *end*, cut at both."""
        for shift in self._between(start, end):
            for segment in shift.segments:
                if segment.end > start and segment.start < end:
                    yield Segment(max(segment.start, start), min(segment.end, end), segment.state, segment.alarm)

    def events(self, after: int, until: int) -> Iterator[tuple[int, str, Value]]:
        """Time, point and value of every change of the event points with ``after < time <= until``, not in order."""
        for shift in self._between(after, until):
            for segment in shift.segments[bisect_right(shift.starts, after) : bisect_right(shift.starts, until)]:
                yield from self._state_events(segment)
            for made in range(bisect_right(shift.done, after), bisect_right(shift.done, until)):
                yield shift.done[made], "total_count", shift.total_before + made + 1
                if shift.good[made] > (shift.good[made - 1] if made else 0):
                    yield shift.done[made], "good_count", shift.good_before + shift.good[made]

    def _state_events(self, segment: Segment) -> Iterator[tuple[int, str, Value]]:
        if segment.start == shift_start(self._first):
            return
        before = self._segment(segment.start - 1)
        if segment.state is not before.state:
            yield segment.start, "state", RAW_STATES[segment.state]
        if segment.alarm != before.alarm:
            yield segment.start, "alarm", segment.alarm

    def _segment(self, time: int) -> Segment:
        shift = self._shift(time)
        return shift.segments[bisect_right(shift.starts, time) - 1]

    def _shift(self, time: int) -> _Shift:
        index = shift_at(time) - self._first
        if index < 0:
            raise UsageError(
                "simulated plant: {machine} begins with shift {first}; ask for a later time",
                machine=self.spec.id,
                first=self._first,
            )
        while len(self._shifts) <= index:
            self._shifts.append(self._next())
        return self._shifts[index]

    def _between(self, start: int, end: int) -> Iterator[_Shift]:
        for number in range(max(shift_at(start), self._first), shift_at(end) + 1):
            yield self._shift(shift_start(number))

    def _next(self) -> _Shift:
        number = self._first + len(self._shifts)
        segments = plan_shift(self.spec, self._seed, number, no_orders=number in self.no_orders)
        done, good = plan_parts(self.spec, self._seed, number, segments)
        before = self._shifts[-1] if self._shifts else None
        return _Shift(
            segments=segments,
            starts=[segment.start for segment in segments],
            energy=self._energies(segments, before),
            spindle=self._rises(
                segments, _SPINDLE, before.segments[-1] if before else None, before.spindle[-1] if before else 0.0
            ),
            motor=self._rises(
                segments, _MOTOR, before.segments[-1] if before else None, before.motor[-1] if before else 0.0
            ),
            done=done,
            good=_running_count(good),
            total_before=before.total_before + len(before.done) if before else self._count_before,
            good_before=before.good_before + (before.good[-1] if before.good else 0)
            if before
            else int(0.98 * self._count_before),
        )

    def _energies(self, segments: tuple[Segment, ...], before: _Shift | None) -> list[float]:
        level = before.energy[-1] + self._energy_of(before.segments[-1], before.segments[-1].end) if before else 0.0
        levels = []
        for segment in segments:
            levels.append(level)
            level += self._energy_of(segment, segment.end)
        return levels

    def _base_power(self, segment: Segment) -> float:
        share = _HALF if shift_at(segment.start) in self.no_orders else _POWER_SHARE[segment.state]
        return self.spec.power * share

    def _energy_of(self, segment: Segment, until: int) -> float:
        """Energy in kWh from the beginning of *segment* to *until*."""
        time = float(until - segment.start)
        if segment.state is MachineState.PRODUCING:
            swing = math.cos(_WAVE * segment.start + self._phase) - math.cos(_WAVE * until + self._phase)
            time += _SWING / _WAVE * swing
        return self._base_power(segment) * time / HOUR

    def _rises(
        self, segments: tuple[Segment, ...], body: tuple[float, float], last: Segment | None, level: float
    ) -> list[float]:
        """How far a *body* is warmer than the hall when each segment begins; *last* ended the shift before, begun at *level*."""
        if last is not None:
            level = _rise(last, level, body, last.end)
        levels = []
        for segment in segments:
            levels.append(level)
            level = _rise(segment, level, body, segment.end)
        return levels

    def _temperature(self, point: str, time: int) -> float:
        shift = self._shift(time)
        index = bisect_right(shift.starts, time) - 1
        body, levels = (_SPINDLE, shift.spindle) if point == "spindle_temperature" else (_MOTOR, shift.motor)
        rise = _rise(shift.segments[index], levels[index], body, time)
        return round(hall_temperature(time) + rise + 0.25 * noise(self._keys[point], time // SECOND), 1)


def hall_temperature(time: int) -> float:
    """Temperature of the hall in °C: warmest in the afternoon."""
    return 24.0 + 2.5 * math.sin(2 * math.pi * (time - HOUR) / (24 * HOUR))


def _rise(segment: Segment, level: float, body: tuple[float, float], time: int) -> float:
    full, constant = body
    target = full * _HEAT_SHARE[segment.state]
    return target + (level - target) * math.exp(-(time - segment.start) / constant)


def _running_count(flags: list[bool]) -> list[int]:
    counts: list[int] = []
    for flag in flags:
        counts.append((counts[-1] if counts else 0) + flag)
    return counts


_READERS: dict[str, Callable[[Machine, int], Value]] = {
    "state": lambda machine, time: RAW_STATES[machine.state(time)],
    "alarm": Machine.alarm,
    "total_count": Machine.total_count,
    "good_count": Machine.good_count,
    "spindle_load": Machine.spindle_load,
    "spindle_temperature": Machine.spindle_temperature,
    "motor_temperature": Machine.motor_temperature,
}
