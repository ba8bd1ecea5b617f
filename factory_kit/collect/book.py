"""The books of one server: what was delivered for each point, what was lost, and from when to when nothing was known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from factory_kit.collect.batches import selected
from factory_kit.collect.outbox import Outbox
from factory_kit.collect.status import ServerState
from factory_kit.drivers.status import overflowed
from factory_kit.model.run import Gap, LossEntry
from factory_kit.model.sample import Float64, Int8, Int64, Quality, SampleBatch

__all__ = ["Book"]

Places = npt.NDArray[np.int32]
NEVER = np.iinfo(np.int64).min


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
        self._open_since: Int64 = np.full(count, NEVER, np.int64)
        self._reasons: dict[int, str] = {}
        self._gaps: list[Gap] = []

    @property
    def places(self) -> Places:
        """The places of all points."""
        return np.arange(len(self._ids), dtype=np.int32)

    @property
    def dropped(self) -> int:
        """Samples given up because the store could not take them."""
        return int(self._dropped.sum())

    def deliver(self, batch: SampleBatch) -> None:
        """*batch* goes to the store, except samples that were there already: the same point, time, value and quality."""
        batch = selected(batch, self._news(batch)) if self._has_repeats(batch) else batch
        if not len(batch):
            return
        self._close_gaps(batch)
        places = batch.point
        self._last_time[places], self._last_value[places], self._last_quality[places] = (
            batch.time,
            batch.value,
            batch.quality,
        )
        if not self._outbox.put(replace(batch, point=self._ids[places])):
            np.add.at(self._dropped, places, 1)
            return
        np.add.at(self._delivered, places, 1)
        bad = batch.quality == Quality.BAD
        np.add.at(self._bad, places[bad], 1)
        if batch.status is not None:
            np.add.at(self._overflows, places[overflowed(batch.status)], 1)
        self._state.delivered += len(batch)
        self._state.bad += int(bad.sum())

    def interrupt(self, places: Places, at: int, reason: str) -> None:
        """From *at* on nothing is known of *places* until a value comes; what is interrupted already stays so."""
        fresh = places[self._open_since[places] == NEVER]
        self._open_since[fresh] = at
        self._outages[fresh] += 1
        self._reasons.update(dict.fromkeys(fresh.tolist(), reason))

    def miss(self, places: Places, number: int) -> None:
        """So many notifications about some of *places*, or records that hold them all, never came."""
        self._missed[places] += number

    def revise(self, place: int, sampling_ms: float | None, queue_size: int | None) -> None:
        """What the server made of our wishes for *place*."""
        self._revised[place] = sampling_ms, queue_size

    def settle(self, at: int) -> None:
        """Gaps that are still open end at *at*."""
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
        waiting = (self._open_since[batch.point] != NEVER) & (batch.quality != Quality.BAD)
        for row in np.flatnonzero(waiting):
            place = int(batch.point[row])
            if self._open_since[place] != NEVER:
                self._gap(place, int(batch.time[row]))

    def _gap(self, place: int, end: int) -> None:
        start = int(self._open_since[place])
        reason = self._forget_gap(place)
        if end > start:
            self._outage_us[place] += end - start
            self._gaps.append(Gap(int(self._ids[place]), start, end, reason))

    def _forget_gap(self, place: int) -> str:
        self._open_since[place] = NEVER
        return self._reasons.pop(place, "")
