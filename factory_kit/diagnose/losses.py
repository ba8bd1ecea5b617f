"""Where planned time went: breakdowns by reason, short stops, changeovers, waiting, slow running, scrap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby

import numpy as np

from factory_kit.diagnose.finding import Finding, Number, Severity
from factory_kit.diagnose.material import Column, Material
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.connector import MachineState

__all__ = ["SHORT_STOP", "Made", "Reason", "Stop", "losses", "pareto", "stops"]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
SHORT_STOP = 5 * MINUTE
"""A stop shorter than this between two stretches of work is a loss of performance, not of availability (data_engine: usual limit)."""
WORTH_TELLING = 0.02
"""Of planned time; smaller losses stay in the KPIs."""
MUCH = 0.1
RATE_OF_SHORT_STOPS = 1.0
"""Short stops per hour of production from which on they are told."""
NO_REASON = "-"
STATES = {
    MachineState.DOWN: "breakdowns",
    MachineState.SETUP: "changeovers",
    MachineState.IDLE: "waiting",
    MachineState.OFF: "waiting",
}


@dataclass(frozen=True, slots=True)
class Stop:
    """A stretch of planned time in which a machine did not produce; ``reason`` is the alarm at its beginning, or ``-``."""

    start: int
    end: int
    state: MachineState
    reason: str = NO_REASON

    @property
    def length(self) -> int:
        """Microseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of a Pareto list."""

    reason: str
    count: int
    time: int


@dataclass(frozen=True, slots=True)
class Made:
    """What a machine made in planned time: ideal time of all pieces and of the good ones (seconds), and pieces."""

    producing_s: Fraction
    ideal_total_s: Fraction
    ideal_good_s: Fraction
    total: Fraction
    good: Fraction


def stops(segments: Iterable[Segment], alarms: Column | None = None) -> list[Stop]:
    """The stops in the planned part of *segments*; a stop that the plan interrupts begins again."""
    parts = [each for each in segments if each.planned]
    found = [
        Stop(each.start, each.end, each.state)
        for each in parts
        if each.state not in {MachineState.PRODUCING, MachineState.UNKNOWN, MachineState.MAINTENANCE}
    ]
    return [replace(stop, reason=_reason(stop, alarms)) for stop in found]


def _reason(stop: Stop, alarms: Column | None) -> str:
    """The first alarm that was raised in the stop, or the one that stood when it began."""
    if alarms is None or not len(alarms):
        return NO_REASON
    first = max(0, int(np.searchsorted(alarms.time, stop.start, side="right")) - 1)
    last = int(np.searchsorted(alarms.time, stop.end, side="left"))
    raised = (float(value) for value in alarms.value[first:last] if value)
    return next((f"{value:g}" for value in raised), NO_REASON)


def pareto(found: Iterable[Stop]) -> list[Reason]:
    """Count and time of *found* by reason, the longest first."""
    ordered = sorted(found, key=lambda stop: stop.reason)
    lines = []
    for reason, group in groupby(ordered, key=lambda stop: stop.reason):
        same = list(group)
        lines.append(Reason(reason, len(same), sum(stop.length for stop in same)))
    return sorted(lines, key=lambda line: (-line.time, line.reason))


def losses(material: Material, made: Mapping[str, Made]) -> Iterator[Finding]:
    """The losses of each machine that are worth telling."""
    for name, segments in material.segments.items():
        planned = sum(each.length for each in segments if each.planned and each.state is not MachineState.UNKNOWN)
        if planned:
            alarms = [material.column(point) for point in material.of(name, "alarm")]
            found = stops(segments, alarms[0] if len(alarms) == 1 else None)
            yield from _of_stops(name, found, segments, planned)
            yield from _of_output(name, made.get(name), planned)


def _of_stops(name: str, found: Sequence[Stop], segments: Sequence[Segment], planned: int) -> Iterator[Finding]:
    short = [stop for stop in found if _is_short(stop)]
    running = sum(each.length for each in segments if each.planned and each.state is MachineState.PRODUCING)
    if running and len(short) * HOUR >= RATE_OF_SHORT_STOPS * running and _time(short) >= WORTH_TELLING * planned:
        numbers: dict[str, Number] = {"limit": SHORT_STOP // MINUTE, "rate": len(short) * HOUR / running}
        yield _loss("short-stops", name, short, planned, numbers)
    for kind in ("breakdowns", "changeovers", "waiting"):
        same = [stop for stop in found if STATES[stop.state] == kind and not (kind == "waiting" and _is_short(stop))]
        if same and _time(same) >= WORTH_TELLING * planned:
            yield _loss(kind, name, same, planned, _more(kind, same))


def _is_short(stop: Stop) -> bool:
    return stop.length < SHORT_STOP and stop.state is MachineState.IDLE


def _more(kind: str, same: Sequence[Stop]) -> dict[str, Number]:
    if kind == "breakdowns":
        first = pareto(same)[0]
        return {"reason": first.reason, "reason_count": first.count, "reason_hours": first.time / HOUR}
    if kind == "changeovers":
        return {"mean": _time(same) / len(same) / MINUTE, "best": min(stop.length for stop in same) / MINUTE}
    return {}


def _loss(kind: str, name: str, same: Sequence[Stop], planned: int, numbers: Mapping[str, Number]) -> Finding:
    time = _time(same)
    lines = [{"reason": line.reason, "count": line.count, "hours": line.time / HOUR} for line in pareto(same)]
    return Finding(
        kind,
        name,
        "middle" if time >= MUCH * planned else "low",
        {"count": len(same), "hours": time / HOUR, "share": 100 * time / planned, **numbers},
        tuple(Stretch(stop.start, stop.end) for stop in same),
        (f"{name}/state",),
        hours=time / HOUR,
        extra={"pareto": lines},
    )


def _of_output(name: str, made: Made | None, planned: int) -> Iterator[Finding]:
    """What slow cycles and bad pieces cost; nothing where the ideal cycle cannot be right."""
    if made is None or not made.producing_s or made.ideal_total_s > made.producing_s:
        return
    slow, bad = made.producing_s - made.ideal_total_s, made.ideal_total_s - made.ideal_good_s
    least = Fraction(WORTH_TELLING) * Fraction(planned, SECOND)
    if slow >= least:
        numbers: dict[str, Number] = {"effectiveness": f"{float(made.ideal_total_s / made.producing_s):.3f}"}
        yield _of_time("slow-running", name, slow, planned, numbers)
    if bad >= least:
        count = made.total - made.good
        share = 100 * float(count / made.total)
        yield _of_time("scrap", name, bad, planned, {"count": round(float(count)), "share": share})


def _of_time(kind: str, name: str, seconds: Fraction, planned: int, numbers: Mapping[str, Number]) -> Finding:
    hours = float(seconds) / 3600
    severity: Severity = "middle" if hours * HOUR >= MUCH * planned else "low"
    return Finding(kind, name, severity, {"hours": hours, **numbers}, points=(f"{name}/total_count",), hours=hours)


def _time(found: Iterable[Stop]) -> int:
    return sum(stop.length for stop in found)
