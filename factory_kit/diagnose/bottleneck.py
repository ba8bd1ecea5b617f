"""The bottleneck of a line in series by the active period method (Roser, Nakano, Tanaka 2002).

At any moment the machine with the longest uninterrupted active period is the momentary bottleneck; where the periods of two
bottlenecks overlap, the bottleneck shifts from one to the other. Active is what neither waits for parts nor for room: producing,
setting up, being down or maintained. Time in which any machine of the line is unknown is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from factory_kit.diagnose.finding import Finding, Number
from factory_kit.diagnose.stretches import joined, outside
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.connector import MachineState

__all__ = ["Bottleneck", "bottlenecks", "line_bottleneck"]

ACTIVE = (MachineState.PRODUCING, MachineState.SETUP, MachineState.DOWN, MachineState.MAINTENANCE)
LEAST_KNOWN = 0.5
"""Of the interval; below this the method says nothing."""
CLEAR = 0.05
"""By so much of the time the first must lead, or no bottleneck is named."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """How much of the known time a machine was the bottleneck: alone, and while the bottleneck shifted to or from it."""

    machine: str
    sole: float
    shifting: float

    @property
    def share(self) -> float:
        """Both together."""
        return self.sole + self.shifting


def bottlenecks(line: Mapping[str, Sequence[Segment]], window: Stretch) -> tuple[list[Bottleneck], float]:
    """Each machine's share, the largest first, and the share of *window* in which the whole line was known."""
    unknown = joined(each for parts in line.values() for each in parts if each.state is MachineState.UNKNOWN)
    known = outside(window, unknown)
    total = sum(part.length for part in known)
    sole, shifting = dict.fromkeys(line, 0), dict.fromkeys(line, 0)
    for part in known:
        _add(line, part, sole, shifting)
    found = [Bottleneck(name, sole[name] / total, shifting[name] / total) for name in line] if total else []
    return sorted(found, key=lambda each: (-each.share, each.machine)), total / window.length if window.length else 0.0


def _add(line: Mapping[str, Sequence[Segment]], part: Stretch, sole: dict[str, int], shifting: dict[str, int]) -> None:
    """The momentary bottlenecks of a known *part*: from the longest period now to the longest one that reaches beyond it."""
    periods = _chain(_active(line, part), part)
    cuts = sorted({part.start, part.end, *(edge for each in periods for edge in (each[1].start, each[1].end))})
    for start, end in pairwise(cuts):
        here = [name for name, period in periods if period.start <= start < period.end]
        for name in here:
            (sole if len(here) == 1 else shifting)[name] += end - start


def _active(line: Mapping[str, Sequence[Segment]], part: Stretch) -> list[tuple[str, Stretch]]:
    """The active periods of every machine inside *part*."""
    return [
        (name, Stretch(max(period.start, part.start), min(period.end, part.end)))
        for name, segments in line.items()
        for period in joined(each for each in segments if each.state in ACTIVE)
        if period.start < part.end and period.end > part.start
    ]


def _chain(periods: Sequence[tuple[str, Stretch]], part: Stretch) -> list[tuple[str, Stretch]]:
    """The momentary bottlenecks one after the other: at each moment the longest period of those going on."""
    chosen: list[tuple[str, Stretch]] = []
    edges = sorted({edge for _, period in periods for edge in (period.start, period.end)} | {part.start})
    for moment in edges:
        going = [each for each in periods if each[1].start <= moment < each[1].end]
        if going:
            longest = max(going, key=lambda each: (each[1].length, each[0]))
            if longest not in chosen:
                chosen.append(longest)
    return chosen


def line_bottleneck(line: Mapping[str, Sequence[Segment]], window: Stretch) -> Iterator[Finding]:
    """The bottleneck of *line*, where one leads clearly and enough of the time is known."""
    found, known = bottlenecks(line, window)
    if known < LEAST_KNOWN or len(found) < 2 or found[0].share - found[1].share < CLEAR:
        return
    first, second = found[:2]
    shares = [{"machine": each.machine, "sole": each.sole, "shifting": each.shifting} for each in found]
    numbers: dict[str, Number] = {
        "share": 100 * first.share, "sole": 100 * first.sole, "shifting": 100 * first.shifting, "second": second.machine,
    }  # fmt: skip
    yield Finding("bottleneck", first.machine, "middle", numbers, extra={"line": shares, "known": known})
