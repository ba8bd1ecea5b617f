"""Arithmetic with stretches of time: joined, cut out of each other, shared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.sample import Float64, Int64

__all__ = ["Spans", "joined", "length_before", "outside", "shared", "shared_length"]


class Spans(Protocol):
    """Anything with a start and an end."""

    @property
    def start(self) -> int:
        """Included."""

    @property
    def end(self) -> int:
        """Not included."""


def joined(parts: Iterable[Spans], *, apart: int = 0) -> list[Stretch]:
    """*parts* in order, made one where they overlap, touch, or lie no more than *apart* from each other."""
    found: list[Stretch] = []
    for part in sorted((Stretch(each.start, each.end) for each in parts), key=lambda each: each.start):
        if found and part.start <= found[-1].end + apart:
            found[-1] = Stretch(found[-1].start, max(found[-1].end, part.end))
        elif part.end > part.start:
            found.append(part)
    return found


def outside(window: Stretch, parts: Iterable[Spans]) -> list[Stretch]:
    """What of *window* none of *parts* covers."""
    found, at = [], window.start
    for part in joined(parts):
        if part.start > at:
            found.append(Stretch(at, min(part.start, window.end)))
        at = max(at, part.end)
        if at >= window.end:
            return found
    return [*found, Stretch(at, window.end)]


def shared(one: Sequence[Spans], other: Sequence[Spans]) -> list[Stretch]:
    """What lies in both, each in order and without overlaps of its own."""
    found, first, second = [], 0, 0
    while first < len(one) and second < len(other):
        start = max(one[first].start, other[second].start)
        end = min(one[first].end, other[second].end)
        if start < end:
            found.append(Stretch(start, end))
        if one[first].end <= other[second].end:
            first += 1
        else:
            second += 1
    return found


def shared_length(one: Sequence[Spans], other: Sequence[Spans]) -> int:
    """Microseconds that lie in both."""
    return sum(part.length for part in shared(one, other))


def length_before(times: Int64, parts: Sequence[Spans]) -> Float64:
    """For each of *times*: microseconds of *parts* (in order, apart) before it."""
    if not parts:
        return np.zeros(len(times))
    edges = np.array([(part.start, part.end) for part in parts], np.int64)
    lengths = edges[:, 1] - edges[:, 0]
    levels = np.stack([np.cumsum(lengths) - lengths, np.cumsum(lengths)], axis=1).ravel().astype(np.float64)
    return np.interp(times, edges.ravel(), levels)
