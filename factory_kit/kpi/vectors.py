"""The time model and the counters over whole columns: the rules of ``timemodel`` and ``counters``, many samples at a time.

Pure, whole microseconds, half-open stretches. ``timemodel`` and ``counters`` are the oracles; a test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from factory_kit.model.sample import Float64, Int8, Int64, Quality

__all__ = [
    "Flags",
    "Line",
    "Lives",
    "Parts",
    "Rises",
    "Samples",
    "counters",
    "distinct",
    "heard",
    "known_parts",
    "timeline",
    "whole",
]

Flags = npt.NDArray[np.bool_]
FEW_ERAS = 64
MANY = 4
BIG = 1 << 62


@dataclass(frozen=True)
class Lives:
    """When each run watched the server of a point; the fields are those of ``timemodel.Life``."""

    start: Int64
    end: Int64
    history: Flags
    agree: Flags
    repeated: Flags


@dataclass(frozen=True)
class Samples:
    """The samples of one point in order of time; ``value`` holds numbers, or the codes of words."""

    time: Int64
    value: Float64 | Int64
    quality: Int8
    run: Int64

    def __getitem__(self, rows: npt.NDArray[np.intp] | Flags | slice) -> Samples:
        return Samples(self.time[rows], self.value[rows], self.quality[rows], self.run[rows])


@dataclass(frozen=True)
class Parts:
    """Stretches in order, apart from each other."""

    start: Int64
    end: Int64

    def holds(self, moments: Int64) -> Flags:
        """Whether each of *moments* lies in one of them."""
        if not len(self.start):
            return np.zeros(len(moments), np.bool_)
        place = _place(self.start, moments)
        return (place >= 0) & (moments < self.end[place])

    def until(self, moments: Int64) -> Int64:
        """How much of them lies before each of *moments*."""
        if not len(self.start):
            return np.zeros(len(moments), np.int64)
        before = np.concatenate([[0], np.cumsum(self.end - self.start)])
        place = _place(self.start, moments)
        at = np.maximum(place, 0)
        inside = before[at] + np.minimum(moments, self.end[at]) - self.start[at]
        return np.where(place >= 0, inside, 0)

    def within(self, start: int, end: int) -> Parts:
        """What of them lies between *start* and *end*."""
        starts, ends = np.maximum(self.start, start), np.minimum(self.end, end)
        some = starts < ends
        return Parts(starts[some], ends[some])

    @property
    def length(self) -> int:
        """All of them together."""
        return int((self.end - self.start).sum())

    @classmethod
    def of(cls, stretches: Iterable[tuple[int, int]]) -> Parts:
        """From pairs in order."""
        pairs = np.array(list(stretches), np.int64).reshape(-1, 2)
        return cls(pairs[:, 0], pairs[:, 1])


@dataclass(frozen=True)
class Line:
    """A window from end to end: moments where something changes, and the code of the state and the plan from there on."""

    moment: Int64
    until: Int64
    state: Int64
    planned: Flags

    def at(self, moments: Int64) -> npt.NDArray[np.intp]:
        """The stretch in which each of *moments* lies."""
        return _place(self.moment, moments)

    def parts(self, chosen: Flags) -> Parts:
        """The *chosen* stretches."""
        return Parts(self.moment[chosen], self.until[chosen])


@dataclass(frozen=True)
class Rises:
    """What a counter added from ``start`` to ``end``; only readings that added something."""

    start: Int64
    end: Int64
    amount: Int64

    def __getitem__(self, rows: Flags) -> Rises:
        return Rises(self.start[rows], self.end[rows], self.amount[rows])


def heard(samples: Samples, lives: Lives, gaps: Parts, lookback_from: int, stop: int) -> tuple[Samples, Int64]:
    """The samples that count before *stop*, ``time`` being when they count, and from when each run had one (rules 1, 4, 7)."""
    if not len(samples.time):
        return samples, np.full(len(lives.start), BIG, np.int64)
    turns = np.concatenate([[0], np.flatnonzero(samples.run[1:] != samples.run[:-1]) + 1])
    began, of_run = samples.time[turns], samples.run[turns]
    if samples.time[0] < lookback_from or (lives.agree[of_run] & (began < lives.start[of_run])).any():
        return _heard_early(samples, lives, gaps, lookback_from, stop)
    first = _earliest(began, of_run, len(lives.start))
    rows = slice(0, int(np.searchsorted(samples.time, stop)))
    counted = samples if rows.stop == len(samples.time) else samples[rows]
    swallowed = _swallowed(counted.quality, counted.time, gaps)
    return counted[~swallowed] if swallowed.any() else counted, first


def _heard_early(samples: Samples, lives: Lives, gaps: Parts, lookback_from: int, stop: int) -> tuple[Samples, Int64]:
    """The same where some values are older than their runs, or than the lookback."""
    opened, agree = lives.start[samples.run], lives.agree[samples.run]
    early = agree & (samples.time < opened)
    read = (samples.time >= lookback_from) | (early & (opened >= lookback_from))
    samples, moment = samples[read], np.where(early, opened, samples.time)[read]
    first = _earliest(moment, samples.run, len(lives.start))
    order = np.lexsort((samples.time, moment))
    moment = moment[order]
    counted = Samples(moment, samples.value[order], samples.quality[order], samples.run[order])
    swallowed = _swallowed(counted.quality, samples.time[order], gaps)
    counted = counted[~swallowed & (moment < stop)]
    last = np.append(counted.time[1:] != counted.time[:-1], True)[: len(counted.time)]
    return counted[last], first


def _earliest(moments: Int64, of_run: Int64, runs: int) -> Int64:
    first = np.full(runs, BIG, np.int64)
    np.minimum.at(first, of_run, moments)
    return first


def _swallowed(quality: Int8, time: Int64, gaps: Parts) -> Flags:
    """Bad samples inside a gap: they say nothing (rule 4)."""
    found = np.zeros(len(time), np.bool_)
    bad = np.flatnonzero(quality == Quality.BAD) if len(gaps.start) else np.empty(0, np.intp)
    found[bad] = gaps.holds(time[bad])
    return found


def known_parts(
    samples: Samples, first: Int64, lives: Lives, gaps: Parts, silence: int, window: tuple[int, int]
) -> Parts:
    """The parts of *window* in which the value is known (rules 2 to 5), by what ``heard`` gave."""
    if not len(samples.time) or not (first < BIG).any():
        return Parts(np.empty(0, np.int64), np.empty(0, np.int64))
    bad = np.flatnonzero(samples.quality == Quality.BAD)
    unsure = [
        (gaps.start, gaps.end),
        (samples.time[bad], _following(samples.time, bad)),
        (np.array([-BIG]), samples.time[:1]),
    ]
    if lives.history.any():
        rows = np.flatnonzero(lives.history[samples.run] & (samples.quality != Quality.BAD))
        stale, until = samples.time[rows] + silence, _following(samples.time, rows)
        unsure.append((stale[until > stale], until[until > stale]))
    again = lives.repeated & ~lives.history
    opened = np.concatenate([first, np.maximum(lives.start, first.min())[again]])
    closed = np.concatenate([lives.end, lives.end[again]])
    some = opened < closed
    return _sure([(opened[some], closed[some])], unsure).within(*window)


def _following(time: Int64, rows: npt.NDArray[np.intp]) -> Int64:
    """The time after each of *rows*."""
    return np.where(rows + 1 < len(time), time[np.minimum(rows + 1, len(time) - 1)], BIG)


def timeline(
    samples: Samples, codes: Int64, certain: Sequence[Parts], planned: Parts, window: tuple[int, int], unknown: int
) -> Line:
    """*window* from end to end: the code of each of *samples* (those that count, none bad) while all of *certain* hold."""
    start, end = window
    edges = [
        samples.time,
        planned.start,
        planned.end,
        *(edge for parts in certain for edge in (parts.start, parts.end)),
    ]
    every = np.concatenate(edges)
    moments = distinct(np.concatenate([every[(every > start) & (every < end)], [start]]))
    place = _place(samples.time, moments)
    sure = place >= 0
    for parts in certain:
        sure &= parts.holds(moments)
    state = np.full(len(moments), unknown, np.int64)
    state[sure] = codes[place[sure]]
    return Line(moments, np.append(moments[1:], end), state, planned.holds(moments))


def distinct(values: Int64) -> Int64:
    """*values* in order, each once."""
    ordered = np.sort(
        values, kind="stable"
    )  # of a few sorted columns one behind the other, which is what it is fast for
    found: Int64 = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]
    return found


def _place(edges: Int64, moments: Int64) -> npt.NDArray[np.intp]:
    """The last of *edges* that does not lie after each of *moments*; -1 where all do.

    Many moments in order are cut at the edges, which is less work than looking each of them up.
    """
    if len(moments) > MANY * len(edges) and (moments[1:] >= moments[:-1]).all():
        cuts = np.concatenate([[0], np.searchsorted(moments, edges), [len(moments)]])
        return np.repeat(np.arange(-1, len(edges)), np.diff(cuts))
    place: npt.NDArray[np.intp] = np.searchsorted(edges, moments, side="right") - 1
    return place


def whole(values: Float64) -> tuple[Int64, Flags]:
    """*values* as whole numbers, halves away from zero, and which of them are any."""
    with np.errstate(invalid="ignore"):
        numbers = values.astype(np.int64)
        if (numbers == values).all():
            return numbers, np.ones(len(values), np.bool_)
        rounded = np.rint(values)
        half = np.abs(values - rounded) == 0.5
        if half.any():
            rounded[half] = np.trunc(values[half]) + np.copysign(1, values[half])
        fits = (rounded >= -(2.0**63)) & (rounded < 2.0**63)
    if not fits.all():
        rounded = np.where(fits, rounded, 0)
    return rounded.astype(np.int64), fits


def counters(moment: Int64, shown: Int64, *, slack: int, factor: int, pace: int, modulus: int, jitter: int) -> Rises:
    """What a counter added, by the rules of ``counters.rises``; at most *slack* + *factor* × elapsed / *pace* is believed."""
    before, now = shown[:-1], shown[1:]
    step = now - before
    falls = np.flatnonzero(step < 0)
    if len(falls):
        restarts = falls[(step[falls] < -jitter) | ((now[falls] == 0) & (before[falls] > 0))]
        amount = step if len(restarts) == len(falls) else np.diff(_highest(shown, restarts + 1))
    else:
        restarts, amount = falls, step
    amount[restarts] = 0
    rows = np.flatnonzero(amount)
    believable = slack + factor * (moment[rows + 1] - moment[rows]) // pace
    rows = rows[amount[rows] <= believable]
    again, added = _restarted(moment, shown, restarts, (slack, factor, pace, modulus))
    if len(again):
        place = np.searchsorted(rows, again)
        every = np.insert(rows, place, again)
        return Rises(moment[every], moment[every + 1], np.insert(amount[rows], place, added))
    return Rises(moment[rows], moment[rows + 1], amount[rows])


def _restarted(
    moment: Int64, shown: Int64, restarts: npt.NDArray[np.intp], rule: tuple[int, int, int, int]
) -> tuple[npt.NDArray[np.intp], Int64]:
    """What was added where the counter began again or rolled over."""
    slack, factor, pace, modulus = rule
    found, added = [], []
    for row in restarts.tolist():
        before, now = int(shown[row]), int(shown[row + 1])
        most = slack + factor * int(moment[row + 1] - moment[row]) // pace
        rolled = now >= 0 and before < modulus and modulus - before + now <= most
        amount = modulus - before + now if rolled else max(now, 0) if now <= most else 0
        if amount:
            found.append(row)
            added.append(amount)
    return np.array(found, np.intp), np.array(added, np.int64)


def _highest(shown: Int64, eras: npt.NDArray[np.intp]) -> Int64:
    """The highest value since the counter last began again, at the rows *eras*."""
    if len(eras) <= FEW_ERAS:
        edges = [0, *eras.tolist(), len(shown)]
        parts = [np.maximum.accumulate(shown[a:b]) for a, b in pairwise(edges)]
        return np.concatenate(parts)
    values, rank = np.unique(shown, return_inverse=True)
    era = np.zeros(len(shown), np.int64)
    era[eras] = 1
    top = np.maximum.accumulate(np.cumsum(era) * len(values) + rank.reshape(-1))
    highest: Int64 = values[top % len(values)]
    return highest


def _sure(watching: Sequence[tuple[Int64, Int64]], unsure: Sequence[tuple[Int64, Int64]]) -> Parts:
    """Where one of *watching* holds and none of *unsure*."""
    moments: list[Int64] = []
    watched: list[Int64] = []
    doubted: list[Int64] = []
    for pairs, to, other in ((watching, watched, doubted), (unsure, doubted, watched)):
        for start, end in pairs:
            moments += [start, end]
            to.append(np.repeat([1, -1], len(start)))
            other.append(np.zeros(2 * len(start), np.int64))
    edge, place = np.unique(np.concatenate(moments), return_inverse=True)
    watch, doubt = (
        np.cumsum(np.bincount(place.reshape(-1), np.concatenate(each), len(edge))) for each in (watched, doubted)
    )
    sure = np.concatenate([[False], (watch > 0.5) & (doubt < 0.5)])
    turns = np.flatnonzero(sure[1:] != sure[:-1])
    return Parts(edge[turns[::2]], edge[turns[1::2]])
