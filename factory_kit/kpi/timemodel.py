"""The time model: from what a machine said to how long it was in which state, with the unknown kept apart.

Pure: no database, no clock, whole microseconds since 1970-01-01 UTC, half-open stretches. It is the oracle of the SQL of the
indicators, which must give the same figures. The rules, in the order in which they apply:

1. *When a sample counts.* At its source time. A live run may begin with a value older than itself, because an OPC UA server
   first sends the value it has: such a value counts from the start of the run, not before, since nobody was watching. This
   needs clocks that agree, and they do when some value of the server was received within ``silence`` of its source time
   (or no receiving times are kept); a simulated or replayed plant has a time of its own. A store holds one sample per
   point and source time; of several that count at one moment the one with the latest source time wins.
2. *When a value is known.* While a run watches the point: from the run's first sample of the point to the end of the run. If
   the clocks agree the run ends where it was ended, one that was cut off at its server's last sign of life; otherwise with
   its server's last sample. A store keeps a value that comes again unchanged only once; where the loss ledger of a run counts
   more values of a point than are stored, the run watched the point from its start (history excepted).
3. *Silence is no gap* while a run watches: subscriptions report by exception, and a poll that fails leaves a bad sample. In
   history (imported, replayed) nobody can tell silence from loss: a value is known for at most ``silence`` after its sample.
4. *Gaps* that the run recorded are unknown. A bad sample inside a gap adds nothing to it: what held before the gap, or what
   the machine says inside or after it, holds from the gap's end on.
5. A *bad* sample makes the value unknown from its time to the next sample. *Uncertain* samples count as they are.
6. A state that the mapping does not know is unknown, and so is the state ``unknown``.
7. Nothing earlier than the ``lookback`` before the interval is read, except the old first values of rule 1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar

from factory_kit.model.connector import MachineState
from factory_kit.model.sample import Quality

__all__ = [
    "Heard",
    "Life",
    "PointRecord",
    "Segment",
    "Stretch",
    "TimeElements",
    "counted",
    "known",
    "length",
    "time_elements",
    "timeline",
]

Value = TypeVar("Value", bound=int | float | str)


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """``start`` included, ``end`` not; microseconds since 1970-01-01 UTC."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Microseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Life:
    """The time in which a run watched the server of a point.

    ``history`` tells imported and replayed runs, ``agree`` that the run's clock and the machine's agree (never in history),
    ``repeated`` that the run delivered values of the point that were stored already.
    """

    start: int
    end: int
    history: bool = False
    agree: bool = True
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Heard(Generic[Value]):
    """One sample of a point; ``run`` is the position of its run in the record."""

    time: int
    value: Value
    quality: Quality = Quality.GOOD
    run: int = 0


@dataclass(frozen=True)
class PointRecord(Generic[Value]):
    """Everything a store holds about one point around an interval."""

    samples: Sequence[Heard[Value]]
    runs: Sequence[Life]
    gaps: Sequence[Stretch] = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in one state; ``planned`` tells whether the plant meant to work."""

    start: int
    end: int
    state: MachineState
    planned: bool = True

    @property
    def length(self) -> int:
        """Microseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class TimeElements:
    """ISO 22400-2 time elements of planned time, microseconds, by the reading of OPC 40501-1 C.2.3 (no order data needed).

    ``pbt`` = ``apt`` + ``aust`` + ``adet`` + ``adot`` + ``unknown``.
    """

    pbt: int
    """Planned busy time."""
    apt: int
    """Actual production time: producing."""
    aust: int
    """Actual unit setup time: setup."""
    adet: int
    """Actual unit delay time: down."""
    adot: int
    """Actual unit down time without work: idle, off, maintenance."""
    unknown: int
    by_state: dict[MachineState, int] = field(default_factory=dict)

    @property
    def aupt(self) -> int:
        """Actual unit processing time: production and setup."""
        return self.apt + self.aust

    @property
    def aubt(self) -> int:
        """Actual unit busy time: processing and delays."""
        return self.aupt + self.adet

    @property
    def known(self) -> int:
        """Planned time whose state is known."""
        return self.pbt - self.unknown


def counted(record: PointRecord[Value], lookback_from: int, stop: int) -> list[Heard[Value]]:
    """The samples that count before *stop*, in order, one per moment (rules 1, 4 and 7); ``time`` is when they count."""
    best: dict[int, Heard[Value]] = {}
    for moment, sample in _moments(record, lookback_from):
        swallowed = sample.quality is Quality.BAD and _inside(sample.time, record.gaps)
        if moment < stop and not swallowed and (moment not in best or sample.time > best[moment].time):
            best[moment] = sample
    return [Heard(moment, best[moment].value, best[moment].quality, best[moment].run) for moment in sorted(best)]


def known(record: PointRecord[Value], window: Stretch, *, silence: int, lookback_from: int) -> list[Stretch]:
    """The parts of *window* in which the value of the point is known (rules 2 to 5), in order, joined where they touch."""
    samples = counted(record, lookback_from, window.end)
    times = [sample.time for sample in samples]
    watching = _watching(record, lookback_from)
    edges = {*times, *(time + silence for time in times)}
    for stretch in (*watching, *record.gaps):
        edges |= {stretch.start, stretch.end}
    parts = []
    for start, end in _pieces(window, edges):
        index = bisect_right(times, start) - 1
        watched = _inside(start, watching) and not _inside(start, record.gaps)
        if index >= 0 and watched and _holds(samples[index], start, record, silence):
            parts.append(Stretch(start, end))
    return _joined(parts)


def timeline(
    states: PointRecord[str],
    mapping: Mapping[str, MachineState],
    window: Stretch,
    planned: Sequence[Stretch],
    *,
    silence: int,
    lookback_from: int,
    also_known: Sequence[Sequence[Stretch]] = (),
) -> list[Segment]:
    """*window* from end to end as segments of state and plan; *also_known* are other points that must be known too."""
    samples = counted(states, lookback_from, window.end)
    times = [sample.time for sample in samples]
    certain = [known(states, window, silence=silence, lookback_from=lookback_from), *also_known]
    edges = set(times)
    for stretch in (*planned, *(part for parts in certain for part in parts)):
        edges |= {stretch.start, stretch.end}
    segments = []
    for start, end in _pieces(window, edges):
        index = bisect_right(times, start) - 1
        state = MachineState.UNKNOWN
        if all(_inside(start, parts) for parts in certain):
            state = mapping.get(samples[index].value, MachineState.UNKNOWN)
        segments.append(Segment(start, end, state, _inside(start, planned)))
    return _merged(segments)


def time_elements(segments: Iterable[Segment]) -> TimeElements:
    """The time elements of the planned part of *segments*."""
    by_state = dict.fromkeys(MachineState, 0)
    for segment in segments:
        if segment.planned:
            by_state[segment.state] += segment.length
    return TimeElements(
        pbt=sum(by_state.values()),
        apt=by_state[MachineState.PRODUCING],
        aust=by_state[MachineState.SETUP],
        adet=by_state[MachineState.DOWN],
        adot=by_state[MachineState.IDLE] + by_state[MachineState.OFF] + by_state[MachineState.MAINTENANCE],
        unknown=by_state[MachineState.UNKNOWN],
        by_state=by_state,
    )


def length(stretches: Iterable[Stretch]) -> int:
    """Microseconds of all *stretches* together."""
    return sum(stretch.length for stretch in stretches)


def _moments(record: PointRecord[Value], lookback_from: int) -> Iterator[tuple[int, Heard[Value]]]:
    """Each sample that is read, with the moment from which it counts (rules 1 and 7)."""
    for sample in record.samples:
        life = record.runs[sample.run]
        moment = max(sample.time, life.start) if life.agree else sample.time
        if moment >= lookback_from:
            yield moment, sample


def _watching(record: PointRecord[Value], lookback_from: int) -> list[Stretch]:
    """Rule 2: from the first sample of each run, or from its start, to the end of the run; never before the first sample of all."""
    first: dict[int, int] = {}
    for moment, sample in _moments(record, lookback_from):
        first[sample.run] = min(moment, first.get(sample.run, moment))
    starts = [(start, run) for run, start in first.items()]
    for run, life in enumerate(record.runs):
        if first and life.repeated and not life.history:
            starts.append((max(life.start, min(first.values())), run))
    return [Stretch(start, record.runs[run].end) for start, run in starts]


def _holds(last: Heard[Value], moment: int, record: PointRecord[Value], silence: int) -> bool:
    """Rules 3 and 5 for the sample that counted last before *moment*."""
    return last.quality is not Quality.BAD and (not record.runs[last.run].history or moment < last.time + silence)


def _pieces(window: Stretch, edges: Iterable[int]) -> Iterator[tuple[int, int]]:
    """*window* cut at all *edges* inside it."""
    inside = {min(max(edge, window.start), window.end) for edge in edges}
    return pairwise(sorted(inside | {window.start, window.end}))


def _inside(moment: int, stretches: Iterable[Stretch]) -> bool:
    return any(stretch.start <= moment < stretch.end for stretch in stretches)


def _joined(parts: Sequence[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for part in parts:
        if joined and joined[-1].end == part.start:
            joined[-1] = Stretch(joined[-1].start, part.end)
        else:
            joined.append(part)
    return joined


def _merged(segments: Sequence[Segment]) -> list[Segment]:
    merged: list[Segment] = []
    for segment in segments:
        last = merged[-1] if merged else None
        if last and (last.state, last.planned) == (segment.state, segment.planned):
            merged[-1] = Segment(last.start, segment.end, last.state, last.planned)
        else:
            merged.append(segment)
    return merged
