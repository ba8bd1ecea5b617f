"""Levels that moved for good: change points after the fact, in what a machine's sensors show while it works.

The division of ``changes`` proposes; told is only what anybody sees in the picture: on both sides of the moment the machine worked
for hours within a day or more, so that warm afternoons are no new level, and nine tenths of what was seen before lie beyond nine tenths of what was seen after, by a quarter of the width of the wider side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from factory_kit.diagnose.changes import change_points
from factory_kit.diagnose.drift import WATCHED
from factory_kit.diagnose.finding import Finding, Number
from factory_kit.diagnose.grid import on_grid
from factory_kit.diagnose.material import Material, PointFacts
from factory_kit.diagnose.sensors import working_time
from factory_kit.diagnose.settings import Watch
from factory_kit.diagnose.stretches import joined, shared
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.connector import MachineState
from factory_kit.model.sample import Float64, Int64

__all__ = ["Moved", "level_findings", "moved_levels", "told_apart"]

MINUTE = 60_000_000
RUNNING = (MachineState.PRODUCING, MachineState.IDLE)
"""A compressor that is loaded, and one that is not."""
BLOCK = 10 * MINUTE
"""A block shows the median of its minutes; a minute without work or without a known value does not count."""
MINUTES = 5
"""Minutes that a block needs."""
MOST_BLOCKS = 4000
PENALTY = 20.0
"""Neighbouring blocks are alike, so a change must spare more than the penalty for independent rows."""
LEAST_WORK = 4 * 60 * MINUTE
"""So much work on either side of a change."""
DAY = 24 * 60 * MINUTE
TREND = ("drift", "nearing-limit")
LEAST_SPAN = 23 * 60 * MINUTE
"""From the first to the last block of either side: all hours of a day, as far as the machine works."""
EDGE = 10.0
"""Per cent of either side that may lie anywhere."""
APART = 0.25
"""The rest of both sides must lie so many widths of the wider one apart."""
RESOLUTION = 4.0
"""A width is no less than so many of the smallest steps the sensor shows."""


@dataclass(frozen=True)
class Moved:
    """The blocks of one machine in which it worked, and where the level of a signal moved for good."""

    machine: str
    points: tuple[str, ...]
    units: tuple[str, ...]
    block: int
    time: Int64
    """When each block begins."""
    level: Float64
    """Blocks by signals: medians."""
    changes: tuple[int, ...]
    """The first rows of new levels."""

    @property
    def clearest(self) -> tuple[int, int]:
        """Change and signal that lie farthest apart."""
        found = {
            (change, signal): _apart(before, after, signal)
            for change, before, after in _sides(self.level, self.changes)
            for signal in range(len(self.points))
        }
        return max(found, key=lambda each: (found[each], -each[0], -each[1]))

    def levels(self, signal: int) -> list[tuple[Stretch, float]]:
        """When *signal* had which level."""
        edges = [0, *self.changes, len(self.time)]
        return [
            (Stretch(int(self.time[a]), int(self.time[b - 1]) + self.block), float(np.median(self.level[a:b, signal])))
            for a, b in pairwise(edges)
        ]


def moved_levels(material: Material, watches: Sequence[Watch], without: Collection[str]) -> Iterator[Moved]:
    """The machines whose level moved; of *watches* their signals, of others what drifts by itself, *without* points that are faulty anyway."""
    named = {rule.machine: [material.point(name) for name in rule.points] for rule in watches}
    for machine in sorted({point.equipment for point in material.points}):
        points = named.get(machine) or [each for each in material.of(machine) if each.role in WATCHED]
        kept = [each for each in points if _name(each) not in without and len(material.column(each)) > 1]
        work = _work(material, machine, watched=machine in named)
        found = _moved(material, machine, kept, work) if kept and work else None
        if found is not None and found.changes:
            yield found


def level_findings(found: Sequence[Moved], zone_end: int) -> Iterator[Finding]:
    """One finding per machine, with its clearest change; the new level held until *zone_end* or the next change."""
    for each in found:
        change, signal = each.clearest
        parts = each.levels(signal)
        number = each.changes.index(change)
        (before, old), (after, new) = parts[number], parts[number + 1]
        numbers: dict[str, Number] = {
            "count": len(each.changes), "point": each.points[signal].partition("/")[2], "unit": each.units[signal],
            "before": old, "after": new, "moved": new - old,
        }  # fmt: skip
        moments = [int(each.time[row]) for row in each.changes]
        when = tuple(Stretch(a, b) for a, b in zip(moments, [*moments[1:], zone_end], strict=True))
        extra = {"levels": {"before_from": before.start, "changed_at": after.start, "signals": list(each.points)}}
        yield Finding("level-moved", each.machine, "middle", numbers, when, each.points, extra=extra)


def told_apart(found: Sequence[Finding], moved: Sequence[Moved], start: int) -> tuple[list[Finding], tuple[Moved, ...]]:
    """*found* and *moved* without the poorer telling where one point has both: a line through its days, and a step between them.

    *start* is the first moment of the interval.
    """
    lines = {each.points[0]: each for each in found if each.kind == "drift"}
    stepped, sloped = set(), set()
    for each in moved:
        for signal, point in enumerate(each.points):
            if point in lines and _steps_fit(each, signal, lines[point], start):
                stepped.add(point)
            elif point in lines and signal == each.clearest[1]:
                sloped.add(each.machine)
    kept = [each for each in found if each.kind not in TREND or each.points[0] not in stepped]
    return kept, tuple(each for each in moved if each.machine not in sloped)


def _steps_fit(moved: Moved, signal: int, line: Finding, start: int) -> bool:
    """Whether the days of *line* lie nearer to the levels of *signal* than to the line; days of a change say nothing."""
    days, medians = (np.array(line.extra[name], float) for name in ("days", "medians"))
    changed = (moved.time[list(moved.changes)] - start) // DAY
    clear = ~np.isin(days, changed)
    levels = np.array([value for _part, value in moved.levels(signal)])
    step = levels[np.searchsorted(changed, days[clear], side="right")]
    slope, last = float(line.numbers["slope"]), float(line.numbers["level"])
    straight = last + slope * (days[clear] - days[-1])
    return bool(np.abs(medians[clear] - step).sum() < np.abs(medians[clear] - straight).sum())


def _work(material: Material, machine: str, *, watched: bool) -> list[Stretch]:
    """When *machine* worked; nothing where nobody tells, unless somebody asked for it to be *watched*: off is no new level."""
    if machine in material.air:
        return joined(each for each in material.air[machine] if each.state in RUNNING)
    equipment = material.equipment.get(machine)
    told = any(name in material.segments for name in (machine, *(equipment.feeds if equipment else ())))
    return working_time(material, machine) if told or watched else []


def _moved(material: Material, machine: str, points: Sequence[PointFacts], work: Sequence[Stretch]) -> Moved | None:
    window = material.interval.window
    block = BLOCK * max(1, -(-window.length // (BLOCK * MOST_BLOCKS)))
    columns = []
    for point in points:
        known = shared(list(work), material.known.get(point.id, ()))
        columns.append(_medians(on_grid(material.column(point), window, MINUTE, known).value, block // MINUTE))
    level = np.stack(columns, axis=1)
    rows = np.flatnonzero(~np.isnan(level).any(axis=1))
    least = -(-LEAST_WORK // block)
    if len(rows) < 2 * least:
        return None
    names = tuple(_name(each) for each in points)
    time = window.start + rows * block
    proposed = change_points(level[rows], penalty=PENALTY, least=least)
    changes = _clear(level[rows], _lasting(time, proposed))
    return Moved(machine, names, tuple(each.unit for each in points), block, time, level[rows], changes)


def _name(point: PointFacts) -> str:
    return f"{point.equipment}/{point.name}"


def _medians(minutes: Float64, each: int) -> Float64:
    """The median of every *each* minutes; NaN where too few of them tell a value."""
    count = len(minutes) // each
    blocks = minutes[: count * each].reshape(count, each)
    enough = (~np.isnan(blocks)).sum(axis=1) >= MINUTES
    found = np.full(count, np.nan)
    if enough.any():
        found[enough] = np.nanmedian(blocks[enough], axis=1)
    return found


def _lasting(time: Int64, proposed: Sequence[int]) -> list[int]:
    """Those of the *proposed* changes before and after which a level held for a day."""
    kept: list[int] = []
    for change in proposed:
        since = time[kept[-1]] if kept else time[0]
        if time[change - 1] - since >= LEAST_SPAN and time[-1] - time[change] >= LEAST_SPAN:
            kept.append(change)
    return kept


def _clear(level: Float64, proposed: Sequence[int]) -> tuple[int, ...]:
    """Those of the *proposed* changes that stand out of both sides; the least clear one falls first, and its sides become one."""
    left = list(proposed)
    while left:
        apart = [
            max(_apart(before, after, signal) for signal in range(level.shape[1]))
            for _change, before, after in _sides(level, left)
        ]
        worst = int(np.argmin(apart))
        if apart[worst] > APART:
            break
        del left[worst]
    return tuple(left)


def _sides(level: Float64, changes: Sequence[int]) -> Iterator[tuple[int, Float64, Float64]]:
    """Each change with the rows since the one before it, and those until the next."""
    edges = [0, *changes, len(level)]
    for before, change, after in zip(edges, edges[1:], edges[2:], strict=False):
        yield change, level[before:change], level[change:after]


def _apart(before: Float64, after: Float64, signal: int) -> float:
    """How far the two sides of a change lie apart, in widths of the wider one; 0 where they overlap."""
    (low, high), (other_low, other_high) = (
        np.percentile(side[:, signal], [EDGE, 100 - EDGE]).tolist() for side in (before, after)
    )
    between = max(other_low - high, low - other_high)
    steps = np.diff(np.unique(np.concatenate([before[:, signal], after[:, signal]])))
    width = max(
        high - low, other_high - other_low, RESOLUTION * float(steps.min(initial=np.inf)) if len(steps) else 1.0
    )
    return max(0.0, float(between)) / float(width)
