"""Holes in a stream, filled from the history of the server where it keeps one; what stays empty is a gap with its reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from factory_kit.collect.book import NEVER, Book, Hole
from factory_kit.collect.job import Settings
from factory_kit.drivers.base import StreamingDevice, Stretch
from factory_kit.errors import DeviceError
from factory_kit.i18n import N_
from factory_kit.model.sample import Int64, SampleBatch

__all__ = ["Filler"]

PAUSE_S = 0.2
ALIKE_US = 10_000_000
"""Holes whose ends lie no further apart are asked for in one call."""
LATER_S = 2.0
TRIES = 4
"""A history may be written late: what is not there yet is asked for so often."""
NO_HISTORY = N_("{count} points: the server keeps no history ({reason}), so the gaps stay")


class Filler:
    """Takes the holes of a book while a session lives. What it could not ask before the session broke waits for the next."""

    def __init__(
        self, device: StreamingDevice, settings: Settings, found: Callable[[Hole, SampleBatch, Book], None]
    ) -> None:
        self._device = device
        self._settings = settings
        self._found = found
        self._waiting: list[tuple[Hole, int]] = []
        """Holes, and how often they were asked for."""
        self._without: dict[int, str] = {}
        """Places without a history, and why."""
        self._told: set[str] = set()

    async def run(self, book: Book) -> None:
        """Fill for ever; ends when the session does, or when the server will not be asked for its past."""
        while True:
            await asyncio.sleep(PAUSE_S)
            self._waiting += [(hole, 0) for hole in book.take_holes()]
            self._leave_hopeless(book)
            if not self._waiting:
                continue
            now, self._waiting = _one_of_each(self._waiting)
            try:
                late = [each for group in _alike(now) for each in await self._fill(group, book)]
            except DeviceError as error:
                if error.retry:
                    self._waiting = [*now, *self._waiting]
                    return
                self._refuse([hole.place for hole, _tries in now], str(error))
                self._waiting = [*now, *self._waiting]
                continue
            except BaseException:
                # Whatever ends this task, the holes stay known: the next session asks, or the end of the run says gap.
                self._waiting = [*now, *self._waiting]
                raise
            self._waiting += late
            if late:
                await asyncio.sleep(LATER_S)

    def give_up(self, book: Book) -> None:
        """Nothing is filled any more; what waits is gaps."""
        for hole, _tries in self._waiting:
            book.leave(hole)
        self._waiting = []

    def forget(self) -> None:
        """Another session may have another history."""
        self._without.clear()

    async def _fill(self, group: Sequence[tuple[Hole, int]], book: Book) -> list[tuple[Hole, int]]:
        """Ask for the holes of *group*; those whose end the history does not reach yet come back."""
        start = min(_asked_from(hole) for hole, _tries in group)
        end = max(hole.end for hole, _tries in group)
        by_place = {hole.place: hole for hole, _tries in group}
        times: dict[int, list[Int64]] = {place: [] for place in by_place}
        refused: dict[int, str] = {}
        async for page in self._device.history([Stretch(place, start, end) for place in by_place]):
            if page.status:
                refused[page.item] = page.reason
            if len(page.batch):
                times[page.item].append(page.batch.time)
                self._found(by_place[page.item], page.batch, book)
        for reason in set(refused.values()):
            self._refuse([place for place, why in refused.items() if why == reason], reason)
        late: list[tuple[Hole, int]] = []
        for hole, tries in group:
            if hole.place in refused:
                book.leave(_because(hole, refused[hole.place]))
                continue
            known = np.sort(np.concatenate([*times[hole.place], np.zeros(0, np.int64)]))
            if tries + 1 < TRIES and not (known >= hole.end).any():
                # It does not hold yet the value with which the stream went on.
                if len(known) and known[0] > _asked_from(hole):
                    book.leave(_head(hole, known))
                late.append((_from_last(hole, known), tries + 1))
                continue
            for rest in _rests(hole, known, self._device.started):
                book.leave(rest)
        return late

    def _refuse(self, places: Sequence[int], reason: str) -> None:
        for place in places:
            self._without[place] = reason
        if reason not in self._told:
            self._told.add(reason)
            self._settings.notice(NO_HISTORY, count=len(places), reason=reason)

    def _leave_hopeless(self, book: Book) -> None:
        keep = []
        for hole, tries in self._waiting:
            if hole.place in self._without:
                book.leave(_because(hole, self._without[hole.place]))
            else:
                keep.append((hole, tries))
        self._waiting = keep


def _asked_from(hole: Hole) -> int:
    """From the last value that came: when the history holds that too, nothing is missing between."""
    return hole.start if hole.before == NEVER else hole.before


def _from_last(hole: Hole, known: Int64) -> Hole:
    """What of *hole* is still to be asked for: behind the last value that the history had."""
    if not len(known):
        return hole
    last = int(known[-1])
    return replace(hole, start=max(hole.start, last), before=last)


def _head(hole: Hole, known: Int64) -> Hole:
    """What of *hole* lies before the first value that the history has."""
    return _because(replace(hole, end=min(hole.end, int(known[0]))), "it begins later")


def _rests(hole: Hole, known: Int64, started: int) -> Iterator[Hole]:
    """What *known*, the times that the history has, leaves of *hole*: before its first value, behind its last, a stop of the server."""
    if not len(known):
        yield _because(hole, "it holds nothing of that time")
        return
    if known[0] > _asked_from(hole):
        yield _head(hole, known)
    if known[-1] < hole.end:
        yield _because(replace(hole, start=max(hole.start, int(known[-1]))), "it ends earlier")
    if hole.start < started < hole.end:
        before = known[known < started]
        behind = known[known >= started]
        if len(before) and len(behind):
            yield replace(
                hole,
                start=max(hole.start, int(before[-1])),
                end=min(hole.end, int(behind[0])),
                reason=f"{hole.reason}; the server was not running",
            )


def _because(hole: Hole, reason: str) -> Hole:
    return replace(hole, reason=f"{hole.reason}; history: {reason}")


def _one_of_each(waiting: Sequence[tuple[Hole, int]]) -> tuple[list[tuple[Hole, int]], list[tuple[Hole, int]]]:
    """At most one hole of each place, and the others."""
    first: dict[int, tuple[Hole, int]] = {}
    rest = []
    for each in waiting:
        if each[0].place in first:
            rest.append(each)
        else:
            first[each[0].place] = each
    return list(first.values()), rest


def _alike(holes: Sequence[tuple[Hole, int]]) -> Iterator[list[tuple[Hole, int]]]:
    """*holes* in groups that one call can ask for without much that nobody wants."""
    group: list[tuple[Hole, int]] = []
    for each in sorted(holes, key=lambda each: (_asked_from(each[0]), each[0].end)):
        if group and (
            _asked_from(each[0]) - _asked_from(group[0][0]) > ALIKE_US or abs(each[0].end - group[0][0].end) > ALIKE_US
        ):
            yield group
            group = []
        group.append(each)
    if group:
        yield group
