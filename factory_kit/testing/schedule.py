"""What a simulated machine does in one shift: producing, and everything that keeps it from producing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from factory_kit.model.connector import MachineState
from factory_kit.testing.chance import exponential, lognormal, stream
from factory_kit.testing.shifts import HOUR, MINUTE, SECOND, SHIFT, is_day, shift_start, weekday, works

__all__ = ["CncSpec", "Segment", "plan_parts", "plan_shift"]

_MILLISECOND = 1000
_SATURDAY = 5
ALARMS = (1040, 2011, 2034, 3102, 4107, 5136)
"""Alarm codes of the simulated control: lubrication, spindle overload, tool not clamped, door, coolant, axis following error."""


@dataclass(frozen=True, slots=True)
class CncSpec:
    """One simulated machine: how fast it should work, and how well it does.

    ``pace`` is ideal cycle time divided by usual cycle time; ``scrap`` the share of bad parts; the other figures are means.
    """

    id: str
    node: str
    ideal_cycle_s: float
    pace: float
    scrap: float
    minutes_between_stops: float
    hours_between_breakdowns: float
    setups_per_shift: float
    setup_minutes: float
    break_minutes: float
    load: float
    """Spindle load while producing, per cent."""
    power: float
    """Active power while producing, kW."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in one state, ``start`` included, ``end`` not; microseconds since 1970-01-01 UTC."""

    start: int
    end: int
    state: MachineState
    alarm: int = 0


def plan_shift(spec: CncSpec, seed: int, shift: int, *, no_orders: bool = False) -> tuple[Segment, ...]:
    """The segments of *shift* without a gap; with *no_orders* the machine stands idle from beginning to end."""
    start, end = shift_start(shift), shift_start(shift + 1)
    if not works(shift):
        return (Segment(start, end, MachineState.OFF),)
    if no_orders:
        return (Segment(start, end, MachineState.IDLE),)
    chance = stream(seed, spec.id, "plan", shift)
    return tuple(_merged(_walk(spec, chance, start, end, _planned_stops(spec, chance, shift))))


def plan_parts(spec: CncSpec, seed: int, shift: int, segments: Iterable[Segment]) -> tuple[list[int], list[bool]]:
    """When each part of the shift is finished, and whether it is good; work interrupted by a stop goes on after it."""
    chance = stream(seed, spec.id, "parts", shift)
    usual = spec.ideal_cycle_s * SECOND / (spec.pace * (0.98 + 0.04 * chance.random()))
    done: list[int] = []
    left = _cycle(usual, chance)
    for segment in segments:
        if segment.state is not MachineState.PRODUCING:
            continue
        at = segment.start
        while at + left <= segment.end:
            at += left
            done.append(at)
            left = _cycle(usual, chance)
        left -= segment.end - at
    return done, [chance.random() >= spec.scrap for _ in done]


def _cycle(usual: float, chance: random.Random) -> int:
    return _whole(usual * (0.97 + 0.06 * chance.random()))


def _whole(duration: float) -> int:
    """*duration* in whole milliseconds, at least one."""
    return max(1, round(duration / _MILLISECOND)) * _MILLISECOND


def _planned_stops(spec: CncSpec, chance: random.Random, shift: int) -> list[Segment]:
    """Handover, two meals, set-ups, and the Saturday cleaning, in order of their beginning."""
    start = shift_start(shift)

    def stop(after: float, minutes: float, state: MachineState) -> Segment:
        begin = start + _whole(after)
        return Segment(begin, begin + _whole(minutes * MINUTE), state)

    stops = [stop(0, 4 + 6 * chance.random(), MachineState.IDLE)]
    stops += [
        stop(hour * HOUR + 20 * MINUTE * chance.random(), spec.break_minutes, MachineState.IDLE) for hour in (3.5, 8.0)
    ]
    for _ in range(int(spec.setups_per_shift + chance.random())):
        after = SHIFT * (0.05 + 0.85 * chance.random())
        stops.append(stop(after, lognormal(chance, spec.setup_minutes, 0.3), MachineState.SETUP))
    if is_day(shift) and weekday(shift) == _SATURDAY:
        stops.append(stop(SHIFT - 40 * MINUTE, 40, MachineState.MAINTENANCE))
    return sorted(stops, key=lambda segment: segment.start)


def _walk(spec: CncSpec, chance: random.Random, start: int, end: int, stops: list[Segment]) -> Iterator[Segment]:
    """Producing, small stops and breakdowns up to each planned stop, then the stop, then on."""
    at = start
    breakdown = at + _whole(exponential(chance, spec.hours_between_breakdowns * HOUR))
    for planned in [*stops, Segment(end, end, MachineState.IDLE)]:
        while at < min(planned.start, end):
            small_stop = at + _whole(exponential(chance, spec.minutes_between_stops * MINUTE))
            run_end = min(small_stop, max(breakdown, at), planned.start)
            yield Segment(at, run_end, MachineState.PRODUCING)
            at = run_end
            if at >= breakdown:
                duration = _whole(min(lognormal(chance, 16 * MINUTE, 0.8), 100 * MINUTE))
                alarm = ALARMS[int(chance.random() * len(ALARMS))]
                yield Segment(at, at + duration, MachineState.DOWN, alarm)
                at += duration
                breakdown = at + _whole(exponential(chance, spec.hours_between_breakdowns * HOUR))
            elif at == small_stop:
                duration = _whole((20 + 100 * chance.random()) * SECOND)
                yield Segment(at, at + duration, MachineState.IDLE)
                at += duration
        duration = planned.end - planned.start
        yield replace(planned, start=at, end=at + duration)
        at += duration


def _merged(segments: Iterable[Segment]) -> Iterator[Segment]:
    """The segments cut at the end of their shift, without empty ones, and with equal neighbours made one."""
    last: Segment | None = None
    limit: int | None = None
    for segment in segments:
        limit = segment.start + SHIFT if limit is None else limit
        cut = replace(segment, end=min(segment.end, limit))
        if cut.start >= cut.end:
            continue
        if last is not None and (last.state, last.alarm) == (cut.state, cut.alarm):
            last = replace(last, end=cut.end)
            continue
        if last is not None:
            yield last
        last = cut
    if last is not None:
        yield last
