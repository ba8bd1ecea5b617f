"""The books of one server: what was delivered for each point, what was lost, and from when to when nothing was known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from factory_kit.collect.batches import selected
from factory_kit.collect.outbox import Outbox
from factory_kit.collect.status import ServerState
from factory_kit.drivers.status import overflowed
from factory_kit.model.run import Gap, LossEntry
from factory_kit.model.sample import Float64, Int8, Int64, Quality, SampleBatch

__all__ = ["NEVER", "Book", "Hole"]

Places = npt.NDArray[np.int32]
NEVER = np.iinfo(np.int64).min


OVERFLOWED = "the server's queue was too short"
FULL = "the server's queue was full, so values may be missing"


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of which values of *place* may be missing (µs UTC, device time, half open), and why.

    *before* is the time of the last value that came before it, NEVER where none did.
    """

    place: int
    start: int
    end: int
    reason: str
    before: int = NEVER
    known: tuple[int, ...] = ()
    """The times of the bad values that came meanwhile."""


class Book:
    """Keeps the books while samples pass: batches come with places of the server's plan and leave with catalogue ids."""

    def __init__(self, ids: Sequence[int], outbox: Outbox, state: ServerState) -> None:
        self._ids = np.array(ids, dtype=np.int32)
        self._outbox = outbox
        self._state = state
        count = len(ids)
        self._delivered, self._bad, self._overflows, self._missed, self._dropped, self._outages, self._outage_us = (
            np.zeros(count, np.int64) for _ in range(7)
        )
        self._revised: dict[int, tuple[float | None, int | None]] = {}
        self._last_time: Int64 = np.full(count, NEVER, np.int64)
        self._last_value: Float64 = np.full(count, np.nan)
        self._last_quality: Int8 = np.full(count, -1, np.int8)
        self._last_text: dict[int, str | None] = {}
        self._open_since: Int64 = np.full(count, NEVER, np.int64)
        self._before: Int64 = np.full(count, NEVER, np.int64)
        self._meanwhile: dict[int, list[int]] = {}
        self._reasons: dict[int, str] = {}
        self._gaps: list[Gap] = []
        self._holes: list[Hole] = []
        self._queue: Int64 = np.zeros(count, np.int64)
        self._shortest_queue = np.iinfo(np.int64).max
        self.fills = False
        """Whether somebody takes the holes and tries to fill them; else they are gaps at once."""

    @property
    def places(self) -> Places:
        """The places of all points."""
        return np.arange(len(self._ids), dtype=np.int32)

    @property
    def dropped(self) -> int:
        """Samples given up because the store could not take them."""
        return int(self._dropped.sum())

    @property
    def crowded(self) -> bool:
        """Whether the store is so far behind that polling should wait."""
        return self._outbox.crowded

    def deliver(self, batch: SampleBatch) -> None:
        """*batch* goes to the store, except samples that were there already: the same point, time, value and quality."""
        batch = selected(batch, self._news(batch)) if self._has_repeats(batch) else batch
        if not len(batch):
            return
        self._note_overflows(batch)
        self._close_gaps(batch)
        places = batch.point
        self._last_time[places], self._last_value[places], self._last_quality[places] = (
            batch.time,
            batch.value,
            batch.quality,
        )
        if batch.text is not None:
            self._last_text.update(zip(places.tolist(), batch.text, strict=True))
        self._write(batch)

    def fill(self, hole: Hole, batch: SampleBatch) -> int:
        """What *batch*, which came later, holds of *hole* goes to the store; how many samples that were."""
        after = batch.time >= hole.start if hole.before == NEVER else batch.time > hole.before
        inside = selected(batch, after & (batch.time < hole.end) & ~np.isin(batch.time, hole.known))
        if len(inside):
            self._write(inside)
        return len(inside)

    def leave(self, hole: Hole) -> None:
        """Nothing fills *hole*: it is a gap."""
        if hole.end > hole.start:
            self._outage_us[hole.place] += hole.end - hole.start
            self._gaps.append(Gap(int(self._ids[hole.place]), hole.start, hole.end, hole.reason))

    def take_holes(self) -> list[Hole]:
        """The holes that were found since the last call."""
        holes, self._holes = self._holes, []
        return holes

    def resume(self, places: Places) -> None:
        """Nothing is missing of *places* although they were interrupted: all of it came later."""
        for place in places[self._open_since[places] != NEVER]:
            self._forget_gap(int(place))

    @property
    def waiting(self) -> int:
        """Samples that the store has not taken yet."""
        return self._outbox.count

    def _write(self, batch: SampleBatch) -> None:
        places, count = batch.point, len(self._ids)
        if not self._outbox.put(batch, self._ids):
            self._dropped += np.bincount(places, minlength=count)
            return
        self._delivered += np.bincount(places, minlength=count)
        bad = batch.quality == Quality.BAD
        number_bad = int(np.count_nonzero(bad))
        if number_bad:
            self._bad += np.bincount(places[bad], minlength=count)
        if batch.status is not None and batch.status.any():
            self._overflows += np.bincount(places[overflowed(batch.status)], minlength=count)
        self._state.delivered += len(batch)
        self._state.bad += number_bad

    def interrupt(self, places: Places, at: int | Int64, reason: str) -> None:
        """From *at* on, or from their last value if that is later, nothing is known of *places* until a value comes.

        What is interrupted already stays so. *at* is one time or one for each place.
        """
        new = self._open_since[places] == NEVER
        fresh = places[new]
        since = at if isinstance(at, int) else at[new]
        self._before[fresh] = self._last_time[fresh]
        self._open_since[fresh] = np.maximum(since, self._last_time[fresh])
        self._outages[fresh] += 1
        self._reasons.update(dict.fromkeys(fresh.tolist(), reason))

    def miss(self, places: Places, number: int) -> None:
        """So many notifications about some of *places*, or records that hold them all, never came."""
        self._missed[places] += number

    def revise(self, place: int, sampling_ms: float | None, queue_size: int | None) -> None:
        """What the server made of our wishes for *place*."""
        self._revised[place] = sampling_ms, queue_size
        if queue_size is not None and queue_size > 1:
            self._queue[place] = queue_size
            self._shortest_queue = min(self._shortest_queue, queue_size)

    def settle(self, at: int) -> None:
        """Gaps that are still open end at *at*, and nothing is filled any more."""
        self.fills = False
        for hole in self.take_holes():
            self.leave(hole)
        for place in np.flatnonzero(self._open_since != NEVER):
            self._gap(int(place), at)

    def take_gaps(self) -> list[Gap]:
        """The gaps that ended since the last call."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def ledger(self) -> list[LossEntry]:
        """What happened to the values of every point so far."""
        return [
            LossEntry(
                point=int(point),
                delivered=int(self._delivered[place]),
                bad=int(self._bad[place]),
                overflows=int(self._overflows[place]),
                sequence_gaps=int(self._missed[place]),
                dropped=int(self._dropped[place]),
                outages=int(self._outages[place]),
                outage_us=int(self._outage_us[place]),
                revised_sampling_ms=self._revised.get(place, (None, None))[0],
                revised_queue=self._revised.get(place, (None, None))[1],
            )
            for place, point in enumerate(self._ids)
        ]

    def _has_repeats(self, batch: SampleBatch) -> bool:
        return bool((batch.time <= self._last_time[batch.point]).any())

    def _news(self, batch: SampleBatch) -> npt.NDArray[np.bool_]:
        """Which rows are not what we had last of their point."""
        before = self._last_value[batch.point]
        same = (batch.value == before) | (np.isnan(batch.value) & np.isnan(before))
        if batch.text is not None:
            texts = zip(batch.point.tolist(), batch.text, strict=True)
            same &= np.fromiter((text == self._last_text.get(place) for place, text in texts), np.bool_, len(batch))
        known = (batch.time == self._last_time[batch.point]) & (batch.quality == self._last_quality[batch.point]) & same
        # Of a repeated value only the first row can be old: later rows of the point came after it.
        first = np.zeros(len(batch), np.bool_)
        first[np.unique(batch.point, return_index=True)[1]] = True
        unchanged = known & first
        for place in batch.point[unchanged]:
            self._forget_gap(int(place))
        news: npt.NDArray[np.bool_] = ~unchanged
        return news

    def _close_gaps(self, batch: SampleBatch) -> None:
        """The first good value of a place that was interrupted ends its gap; bad ones are remembered."""
        if not self._reasons:  # every interrupted place has its reason
            return
        for row in np.flatnonzero(self._open_since[batch.point] != NEVER):
            place = int(batch.point[row])
            if self._open_since[place] == NEVER:
                continue
            if batch.quality[row] != Quality.BAD:
                self._gap(place, int(batch.time[row]))
            elif self.fills:
                self._meanwhile.setdefault(place, []).append(int(batch.time[row]))

    def _note_overflows(self, batch: SampleBatch) -> None:
        """Where the server's queue was too short, values between the last one and the marked one are missing."""
        rows = np.zeros(0, np.intp)
        if batch.status is not None and batch.status.any():
            rows = np.flatnonzero(overflowed(batch.status))
        for row in rows:
            self._note_overflow(batch, int(row), OVERFLOWED)
        if len(batch) < self._shortest_queue:
            return
        # Some servers never mark it; a whole queue in one notification is all that shows.
        counts = np.bincount(batch.point, minlength=len(self._ids))
        marked = set(batch.point[rows].tolist())
        for place in np.flatnonzero((self._queue > 0) & (counts >= self._queue)):
            if int(place) not in marked:
                self._note_overflow(batch, int(np.argmax(batch.point == place)), FULL)

    def _note_overflow(self, batch: SampleBatch, row: int, reason: str) -> None:
        place, end = int(batch.point[row]), int(batch.time[row])
        earlier = np.flatnonzero(batch.point[:row] == place)
        before = int(batch.time[earlier[-1]]) if len(earlier) else int(self._last_time[place])
        if before == NEVER or before >= end:
            return
        if self._open_since[place] != NEVER:
            self._open_since[place] = min(int(self._open_since[place]), before)
        else:
            self._found(Hole(place, before, end, reason, before))

    def _gap(self, place: int, end: int) -> None:
        start = int(self._open_since[place])
        known = tuple(self._meanwhile.get(place, ()))
        reason = self._forget_gap(place)
        if end > start:
            self._found(Hole(place, start, end, reason, int(self._before[place]), known))

    def _found(self, hole: Hole) -> None:
        if self.fills:
            self._holes.append(hole)
        else:
            self.leave(hole)

    def _forget_gap(self, place: int) -> str:
        self._open_since[place] = NEVER
        self._meanwhile.pop(place, None)
        return self._reasons.pop(place, "")
