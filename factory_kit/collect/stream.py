"""Reading a server that reports changes by itself: subscribe, take what comes, and after a break begin anew."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import numpy as np

from factory_kit.collect.batches import bad
from factory_kit.collect.book import Book, Places
from factory_kit.collect.job import BACK, Settings, patience
from factory_kit.collect.plan import ServerPlan
from factory_kit.collect.scale import exactly_scaled
from factory_kit.drivers.base import Arrival, Identity, Monitored, StreamingDevice
from factory_kit.errors import DeviceError
from factory_kit.i18n import N_
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.model.site import OpcUaServer

__all__ = ["StreamJob"]

NAMED = 5
"""So many nodes that a server does not know are named, each in a line of its own."""


class StreamJob:
    """Keeps one subscription alive."""

    def __init__(self, plan: ServerPlan, device: StreamingDevice, settings: Settings) -> None:
        self.settings = settings
        self._plan = plan
        self._device = device
        self._publishing_ms = float(plan.server.publishing_ms if isinstance(plan.server, OpcUaServer) else 1000)
        self._everything: Places = np.arange(len(plan.points), dtype=np.int32)
        self._scaled = {
            place: planned.point
            for place, planned in enumerate(plan.points)
            if planned.point.scale != 1 or planned.point.offset != 0
        }
        self._open = False
        self._told = ""
        self._alive = 0
        """Local time of the last sign of life."""
        self._chance = random.Random(plan.name)  # noqa: S311 - jitter, no secret

    async def open(self) -> Identity:
        """A session is open."""
        await self._device.connect()
        identity = await self._device.identify()
        self.settings.check_origin(identity)
        self._open = True
        return identity

    async def run(self, book: Book) -> None:
        """Read the stream; every break is a gap with its reason, and one line when it begins and one when it ends."""
        state = self.settings.state
        self._alive = self.settings.now()
        self._told = "" if self._open else state.last_error
        while True:
            try:
                if not self._open:
                    await self.open()
                await self._subscribe(book)
                if self._told:
                    state.reconnects += 1
                    self.settings.notice(BACK)
                state.state, self._told = "running", ""
                while True:
                    for arrival in await self._device.arrivals():
                        self._take(arrival, book)
            except DeviceError as error:
                self._lost(error, book)
                await self._device.aclose()
                await asyncio.sleep(patience(error, self._chance))

    async def close(self) -> None:
        """Session and connection closed."""
        await self._device.aclose()

    def _lost(self, error: DeviceError, book: Book) -> None:
        """Nothing is known from the last sign of life on."""
        state = self.settings.state
        self._open = False
        book.interrupt(self._everything, self.settings.clock.at(self._alive), str(error))
        state.state, state.last_error = "lost" if error.retry else "refused", str(error)
        state.errors += 1
        if not self._told or (not error.retry and str(error) != self._told):
            self.settings.complain(error)
        self._told = str(error)

    async def _subscribe(self, book: Book) -> None:
        monitored = await self._device.subscribe(self._plan.items, self._publishing_ms)
        for place, each in enumerate(monitored):
            if not each.status:
                book.revise(place, each.sampling_ms, each.queue_size)
        self._refused([(place, each) for place, each in enumerate(monitored) if each.status], book)

    def _refused(self, refused: list[tuple[int, Monitored]], book: Book) -> None:
        """Nodes the server does not watch: a bad sample and a gap for each, and a line for the first few."""
        received = self.settings.now()
        time = self.settings.clock.at(received)
        for place, each in refused:
            places = np.array([place], dtype=np.int32)
            book.deliver(bad(places, time, received, each.status))
            book.interrupt(places, time, each.reason)
        for place, each in refused[:NAMED]:
            self.settings.notice(
                N_("{address} is not reported: {reason}"), address=self._plan.points[place].address, reason=each.reason
            )
        if len(refused) > NAMED:
            self.settings.notice(N_("{count} more points are not reported"), count=len(refused) - NAMED)

    def _take(self, arrival: Arrival, book: Book) -> None:
        batch = arrival.batch
        received = (
            int(batch.received_time[0]) if batch.received_time is not None and len(batch) else self.settings.now()
        )
        if arrival.missed:
            book.miss(self._everything, arrival.missed)
            book.interrupt(
                self._everything, self.settings.clock.at(received), f"{arrival.missed} notifications missing"
            )
        self._follow_clock(arrival, received)
        if not len(batch):
            return
        if arrival.published:
            self.settings.state.lag_ms = max(0.0, (received - arrival.published) / 1000)
        book.deliver(self._in_units(batch))

    def _follow_clock(self, arrival: Arrival, received: int) -> None:
        """The server's own clock; that of a simulated or replayed plant shows in the times of its values."""
        if self.settings.origin is Origin.LIVE:
            self.settings.clock.observe(arrival.published or received, received)
        elif len(arrival.batch):
            last = self.settings.clock.last
            newest = int(arrival.batch.time.max())
            if last is None or newest > last[0]:
                self.settings.clock.observe(newest, received)

    def _in_units(self, batch: SampleBatch) -> SampleBatch:
        """*batch* with the scale and offset of the points that have any."""
        if not self._scaled:
            return batch
        value = batch.value.copy()
        for row in np.flatnonzero(np.isin(batch.point, list(self._scaled))):
            value[row] = exactly_scaled(self._scaled[int(batch.point[row])], float(value[row]))
        return replace(batch, value=value)
