"""The figures of the indicators computed the plain way, sample by sample: what their SQL is tested against.

Pure and exact, for small data. All stretches are microseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from factory_kit.kpi.counters import Reading, Rise, energy_limit, known_micro, piece_limit, rises
from factory_kit.kpi.iso22400 import Counts
from factory_kit.kpi.timemodel import (
    PointRecord,
    Segment,
    Stretch,
    TimeElements,
    Value,
    counted,
    known,
    length,
    time_elements,
    timeline,
)
from factory_kit.model.connector import MachineState
from factory_kit.model.sample import Quality

__all__ = [
    "EnergySplit",
    "MachineFigures",
    "Rules",
    "Source",
    "energy_split",
    "fresh_time",
    "known_time",
    "machine_figures",
    "machine_times",
    "unseen_time",
]

WORKING = (MachineState.PRODUCING, MachineState.SETUP)


@dataclass(frozen=True, slots=True)
class Rules:
    """The interval and the parameters of the time model."""

    window: Stretch
    lookback: int
    silence: int

    @property
    def lookback_from(self) -> int:
        """The earliest moment that is read."""
        return self.window.start - self.lookback


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """What a machine said: its state, its counters, and how to read the state."""

    state: PointRecord[str]
    total: PointRecord[int]
    good: PointRecord[int]
    mapping: Mapping[str, MachineState]


@dataclass(frozen=True, slots=True)
class Counting:
    """How counters are read: the ideal cycle in microseconds, and the rules of ``factory_kit.kpi.counters``."""

    cycle_us: int
    jitter: int
    slack: int
    factor: int
    modulus: int


@dataclass(frozen=True, slots=True)
class MachineFigures:
    """Times and pieces of one machine: ``counts`` in planned time with everything known, the rest in whole pieces."""

    elements: TimeElements
    counts: Counts
    total_planned: int
    good_planned: int
    total_unplanned: int


@dataclass(frozen=True, slots=True)
class Source:
    """Equipment that tells its state, and how to read it."""

    state: PointRecord[str]
    mapping: Mapping[str, MachineState]


@dataclass(frozen=True, slots=True)
class EnergySplit:
    """Energy in millionths of a kWh; what is neither idle nor busy is unclear, what is surely so took none of the other's time."""

    idle: int
    busy: int
    total: int
    surely_idle: int
    surely_busy: int


def machine_times(
    state: PointRecord[str], mapping: Mapping[str, MachineState], planned: Sequence[Stretch], rules: Rules
) -> TimeElements:
    """The time elements of a machine that tells its state."""
    return time_elements(
        timeline(state, mapping, rules.window, planned, silence=rules.silence, lookback_from=rules.lookback_from)
    )


def machine_figures(
    machine: MachineRecord, counting: Counting, planned: Sequence[Stretch], rules: Rules
) -> MachineFigures:
    """What OEE is made of; planned time counts as known only where state and both counters are."""
    everything = Stretch(rules.lookback_from, rules.window.end)
    counters = {"total": machine.total, "good": machine.good}
    seen = {name: _known(record, everything, rules) for name, record in counters.items()}
    segments = timeline(
        machine.state, machine.mapping, rules.window, planned,
        silence=rules.silence, lookback_from=rules.lookback_from, also_known=list(seen.values()),
    )  # fmt: skip
    added = {name: _rises(record, counting, rules) for name, record in counters.items()}
    in_plan = {name: [rise for rise in found if _at(rise.end, segments).planned] for name, found in added.items()}
    sure = {
        name: sum(
            known_micro(rise, seen[name]) for rise in found if _at(rise.end, segments).state is not MachineState.UNKNOWN
        )
        for name, found in in_plan.items()
    }
    return MachineFigures(
        time_elements(segments),
        Counts(sure["total"], sure["good"]),
        _amount(in_plan["total"]),
        _amount(in_plan["good"]),
        _amount(added["total"]) - _amount(in_plan["total"]),
    )


def energy_split(
    meter: PointRecord[int],
    sources: Sequence[Source | None],
    planned: Sequence[Stretch],
    rules: Rules,
    *,
    largest_kw: int,
    jitter: int,
) -> EnergySplit:
    """Energy of readings (millionths of a kWh), split in proportion to idle and busy time.

    *sources* is the equipment whose work decides; None for one that tells no state and works in planned time.
    """
    works = [_work(source, planned, rules) for source in sources]
    edges = sorted({edge for work in works for segment in work for edge in (segment.start, segment.end)})
    parts: dict[str, list[Stretch]] = {"busy": [], "unclear": [], "idle": []}
    for start, end in pairwise(edges):
        states = {_at(start, work).state for work in works}
        kind = "busy" if states & set(WORKING) else "unclear" if MachineState.UNKNOWN in states else "idle"
        parts[kind].append(Stretch(start, end))
    found = rises(_readings(meter, rules), limit=energy_limit(largest_kw), jitter=jitter)
    idle = busy = total = surely_idle = surely_busy = 0
    for rise in (each for each in found if each.end >= rules.window.start and each.amount):
        elapsed = rise.end - rise.start
        idle_time, busy_time = (_time_in(rise, parts[kind]) for kind in ("idle", "busy"))
        idle_part = rise.amount * idle_time // elapsed
        idle += idle_part
        busy += rise.amount - idle_part if idle_time + busy_time == elapsed else rise.amount * busy_time // elapsed
        total += rise.amount
        surely_idle += rise.amount if idle_time == elapsed else 0
        surely_busy += rise.amount if busy_time == elapsed else 0
    return EnergySplit(idle, busy, total, surely_idle, surely_busy)


def _work(source: Source | None, planned: Sequence[Stretch], rules: Rules) -> list[Segment]:
    if source is not None:
        return timeline(
            source.state, source.mapping, rules.window, planned,
            silence=rules.silence, lookback_from=rules.lookback_from,
        )  # fmt: skip
    nothing: PointRecord[str] = PointRecord((), ())
    segments = timeline(nothing, {}, rules.window, planned, silence=0, lookback_from=rules.window.start)
    return [replace(each, state=MachineState.PRODUCING if each.planned else MachineState.OFF) for each in segments]


def known_time(record: PointRecord[Value], rules: Rules) -> int:
    """Microseconds of the interval in which the value of a point is known."""
    return length(_known(record, rules.window, rules))


def unseen_time(meter: PointRecord[int], rules: Rules) -> int:
    """Microseconds of the interval that no two readings of *meter* enclose and in which its register was not known."""
    times = [reading.time for reading in _readings(meter, rules)]
    if not times:
        return rules.window.length
    first, last = (max(time, rules.window.start) for time in (times[0], times[-1]))
    outside = (Stretch(rules.window.start, first), Stretch(last, rules.window.end))
    seen = sum(_overlap(part, stretch) for part in _known(meter, rules.window, rules) for stretch in outside)
    return sum(stretch.length for stretch in outside) - seen


def fresh_time(record: PointRecord[int], running: Sequence[Stretch], rules: Rules, fresh: int) -> int:
    """Microseconds of *running* in which the newest value of a point is good and younger than *fresh*."""
    samples = counted(record, rules.lookback_from, rules.window.end)
    ends = [sample.time for sample in samples[1:]] + [rules.window.end]
    parts = [
        Stretch(sample.time, min(end, sample.time + fresh))
        for sample, end in zip(samples, ends, strict=False)
        if sample.quality is Quality.GOOD
    ]
    return sum(_overlap(part, stretch) for part in parts for stretch in running)


def _known(record: PointRecord[Value], window: Stretch, rules: Rules) -> list[Stretch]:
    return known(record, window, silence=rules.silence, lookback_from=rules.lookback_from)


def _rises(record: PointRecord[int], counting: Counting, rules: Rules) -> list[Rise]:
    limit = piece_limit(counting.cycle_us, counting.factor, counting.slack)
    found = rises(_readings(record, rules), limit=limit, modulus=counting.modulus, jitter=counting.jitter)
    return [rise for rise in found if rise.end >= rules.window.start]


def _readings(record: PointRecord[int], rules: Rules) -> list[Reading]:
    return [
        Reading(sample.time, sample.value)
        for sample in counted(record, rules.lookback_from, rules.window.end)
        if sample.quality is not Quality.BAD
    ]


def _time_in(rise: Rise, stretches: Sequence[Stretch]) -> int:
    return sum(_overlap(Stretch(rise.start, rise.end), stretch) for stretch in stretches)


def _amount(added: Sequence[Rise]) -> int:
    return sum(rise.amount for rise in added)


def _at(moment: int, segments: Sequence[Segment]) -> Segment:
    return next(segment for segment in segments if segment.start <= moment < segment.end)


def _overlap(one: Stretch, other: Stretch) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))
