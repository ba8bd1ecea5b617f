"""Finding what a device refuses inside a block that it refuses as a whole, with few requests. Pure.

The longest good beginning is found by halving, so that everything asked for that succeeds is delivered at once; then the rest is
tried in one go. One bad address among a hundred costs eight requests at most, and the other ninety-nine are there. Where there are
more than a few, they mostly lie together: then what is left is halved again and again, first where answered ones are near, so that
what is answered behind a long stretch of refused ones, or between two, is found before each of those has been asked alone.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from factory_kit.collect.blocks import Span

__all__ = ["Group", "Verdicts", "grouped", "search"]

FEW = 2
"""So many bad ones are looked for from the beginning on."""


@dataclass(frozen=True, slots=True)
class Group:
    """Points that share the very same registers."""

    start: int
    end: int
    tags: tuple[int, ...]


@dataclass(slots=True)
class Verdicts:
    """What was found: runs of groups (first, behind the last) that are answered, and single groups that are refused."""

    good: list[tuple[int, int]] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    apart: set[int] = field(default_factory=set)
    """Groups that must not be asked together with those before them: what lies between, or the length, is what was refused."""

    def unspoken(self, count: int) -> list[int]:
        """The groups among *count* of which nothing was found."""
        spoken = {place for run in self.good for place in range(*run)} | set(self.bad)
        return [place for place in range(count) if place not in spoken]

    def runs(self, count: int) -> list[tuple[int, int]]:
        """The longest runs of answered groups among *count* that may be asked together from now on."""
        out = {*self.bad, *self.unspoken(count)}
        breaks = sorted({0, count, *self.apart, *out, *(place + 1 for place in out)})
        return [(low, high) for low, high in pairwise(breaks) if low not in out]


def grouped(spans: Sequence[Span]) -> list[Group]:
    """*spans* in order, those with the same registers together."""
    tags: dict[tuple[int, int], list[int]] = {}
    for span in sorted(spans):
        tags.setdefault((span.start, span.end), []).append(span.tag)
    return [Group(start, end, tuple(each)) for (start, end), each in tags.items()]


def search(
    groups: Sequence[Group], verdicts: Verdicts, *, sure: bool = True
) -> Generator[tuple[int, int], bool | None, None]:
    """Yields runs of *groups* to ask for, is sent whether they were answered (None: neither answered nor refused, and the search ends).

    The whole was refused; what is found goes to *verdicts*. *sure*: what is left when all else was answered is refused, without being asked alone; never so
    behind a hole, which may be what was refused.
    """
    start = 0
    while start < len(groups):
        if len(verdicts.bad) >= FEW:
            yield from _halves(groups, verdicts, (start, len(groups)), sure=sure)
            return
        found = yield from _beginning(groups, verdicts, start, sure=sure)
        if found is None:
            return
        low, proven = found
        alone = False if proven else (yield low, low + 1)
        if alone is None:
            return
        if alone:
            verdicts.good.append((low, low + 1))
            verdicts.apart.add(low)
        else:
            verdicts.bad.append(low)
        start = low + 1
        if start < len(groups):
            rest = yield start, len(groups)
            if rest is None:
                return
            verdicts.apart |= set() if sure else {start}
            if rest:
                verdicts.good.append((start, len(groups)))
                return


def _beginning(
    groups: Sequence[Group], verdicts: Verdicts, start: int, *, sure: bool
) -> Generator[tuple[int, int], bool | None, tuple[int, bool] | None]:
    """The group behind the longest answered beginning from *start* on, and whether it is proven that this one is refused."""
    low, high, chain, refused = start, len(groups), True, (start, len(groups))
    while high - low > 1:
        middle = (low + high) // 2
        answered = yield low, middle
        if answered is None:
            return None
        if answered:
            verdicts.good.append((low, middle))
            verdicts.apart |= set() if sure else {middle}
            chain = chain and groups[middle - 1].end >= groups[middle].start
            low = middle
        else:
            high, chain, refused = middle, True, (low, middle)
    return low, refused == (low, low + 1) or (sure and chain)


def _halves(
    groups: Sequence[Group], verdicts: Verdicts, refused: tuple[int, int], *, sure: bool
) -> Generator[tuple[int, int], bool | None, None]:
    """What is answered and refused in the run *refused*: first in the parts beside answered ones, of those in the largest."""
    waiting, edges = [refused], {place for run in verdicts.good for place in run}
    while waiting:
        low, high = part = max(waiting, key=lambda each: (not edges.isdisjoint(each), each[1] - each[0]))
        waiting.remove(part)
        if high - low == 1:
            insort(verdicts.bad, low)
            continue
        middle = (low + high) // 2
        left = yield low, middle
        if left is None:
            return
        _note(verdicts, waiting, edges, (low, middle), answered=left)
        proven = left and sure and groups[middle - 1].end >= groups[middle].start
        right = False if proven else (yield middle, high)
        if right is None:
            return
        _note(verdicts, waiting, edges, (middle, high), answered=right)
        if not sure or (left and right):
            verdicts.apart.add(middle)


def _note(
    verdicts: Verdicts, waiting: list[tuple[int, int]], edges: set[int], part: tuple[int, int], *, answered: bool
) -> None:
    """*part* was answered, or is to be looked into."""
    if answered:
        verdicts.good.append(part)
        edges.update(part)
    else:
        waiting.append(part)
