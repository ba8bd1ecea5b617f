"""Reading a server that reports changes by itself: subscribe, take what comes, find back after a break, fill what is missing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import numpy as np

from factory_kit.collect.batches import bad
from factory_kit.collect.book import Book, Hole, Places
from factory_kit.collect.fill import Filler
from factory_kit.collect.job import BACK, Settings, patience
from factory_kit.collect.plan import ServerPlan
from factory_kit.collect.units import Units
from factory_kit.drivers.base import Arrival, Identity, Monitored, StreamingDevice
from factory_kit.errors import DeviceError
from factory_kit.i18n import N_
from factory_kit.model.connector import Role
from factory_kit.model.sample import Int64, Origin, Quality, SampleBatch
from factory_kit.model.site import OpcUaServer

__all__ = ["StreamJob"]

NAMED = 5
"""So many nodes that a server does not know are named, each in a line of its own."""
LONGEST_WAIT_MS = 86_400_000.0
"""No value waits longer than a day, whatever a server says."""
AGAIN_S, SELDOM_S = 5.0, 300.0
"""A node that is not there is asked for again after this time, and then ever more seldom: controllers start slowly."""


class StreamJob:
    """Keeps the points of one server coming."""

    def __init__(self, plan: ServerPlan, device: StreamingDevice, settings: Settings) -> None:
        self.settings = settings
        self._plan = plan
        self._device = device
        self._publishing_ms = float(plan.server.publishing_ms if isinstance(plan.server, OpcUaServer) else 1000)
        self._everything: Places = np.arange(len(plan.points), dtype=np.int32)
        self._slack: Int64 = np.array(
            [round(1000 * (self._publishing_ms + item.sampling_ms)) for item in plan.items], dtype=np.int64
        )
        """How long a value may have waited at the server: so much before the last sign of life one may be missing."""
        self._polled = np.array([item.polled for item in plan.items], dtype=np.bool_)
        self._units = Units(plan)
        self._counters: dict[int, int | None] = {
            place: None for place, planned in enumerate(plan.points) if planned.point.role is Role.SEQUENCE
        }
        """The last number of the points that number their values."""
        self._filler = Filler(device, settings, self._found)
        self._refused: dict[int, str] = {}
        self._open = False
        self._told = ""
        self._sure: Int64 = np.zeros(len(plan.points), dtype=np.int64)
        """Up to this time of the device everything is known of each point: when the server published what it said last of it."""
        self._heard = np.zeros(len(plan.points))
        """When it said that, by a steady clock."""
        self._chance = random.Random(plan.name)  # noqa: S311 - jitter, no secret

    async def open(self) -> Identity:
        """A session is open."""
        await self._device.connect()
        identity = await self._identified()
        self._open = True
        return identity

    async def run(self, book: Book) -> None:
        """Read the stream; one line when it breaks and one when it is back, and whatever nobody can bring back is a gap."""
        state = self.settings.state
        self._sure[:] = self.settings.clock.at(self.settings.now())
        self._heard[:] = asyncio.get_running_loop().time()
        self._told = "" if self._open else state.last_error
        book.fills = True
        if self._told:  # the next try may take longer than the run
            book.interrupt(self._everything, self._sure - self._slack, self._told)
        try:
            while True:
                try:
                    await self._begin(book)
                    async with self._beside(book):
                        while True:
                            for arrival in await self._device.arrivals():
                                self._take(arrival, book)
                except DeviceError as error:
                    self._lost(error, book)
                    if not error.retry:
                        await self._device.aclose()
                    await self._rest(error)
        finally:
            self._filler.give_up(book)

    async def close(self) -> None:
        """Session and connection closed."""
        await self._device.aclose()

    async def _identified(self) -> Identity:
        identity = await self._device.identify()
        self.settings.check_origin(identity)
        return identity

    async def _begin(self, book: Book) -> None:
        """Everything is watched: as before the break where the server kept it, else anew."""
        state = self.settings.state
        whole = False
        if not self._open:
            whole = await self._device.resume()
            if not whole:
                await self._identified()
            self._open = True
        if whole:
            book.resume(self._everything[~self._polled])
        else:
            await self._subscribe(book)
        if self._told:
            state.reconnects += 1
            self.settings.notice(BACK)
        state.state, self._told = "running", ""

    @asynccontextmanager
    async def _beside(self, book: Book) -> AsyncIterator[None]:
        """While values come, holes are filled and missing nodes asked for."""
        tasks = [asyncio.create_task(self._filler.run(book)), asyncio.create_task(self._look_again(book))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _lost(self, error: DeviceError, book: Book) -> None:
        """Nothing is known from the last sign of life on."""
        state = self.settings.state
        self._open = False
        book.interrupt(self._everything, self._sure - self._slack, str(error))
        state.state, state.last_error = "lost" if error.retry else "refused", str(error)
        state.errors += 1
        if not self._told or (not error.retry and str(error) != self._told):
            self.settings.complain(error)
        self._told = str(error)

    async def _rest(self, error: DeviceError) -> None:
        """Wait for the next try; after a refusal no longer than until somebody has mended the reason."""
        pause = patience(error, self._chance)
        if error.retry:
            await asyncio.sleep(pause)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._device.mended(), pause)

    async def _subscribe(self, book: Book) -> None:
        monitored = await self._device.subscribe(self._plan.items, self._publishing_ms)
        self._filler.forget()
        self._watched(range(len(monitored)), monitored, book)
        refused = {place: each for place, each in enumerate(monitored) if each.status}
        self._name({place: each for place, each in refused.items() if self._refused.get(place) != each.reason})
        self._refused = {place: each.reason for place, each in refused.items()}
        received = self.settings.now()
        time = self.settings.clock.at(received)
        for place, each in refused.items():
            places = np.array([place], dtype=np.int32)
            book.deliver(bad(places, time, received, each.status))
            book.interrupt(places, time, each.reason)

    def _watched(self, places: Sequence[int], monitored: Sequence[Monitored], book: Book) -> None:
        """What the server made of the wishes for *places* is in the books; that it has no room to watch some is told."""
        for place, each in zip(places, monitored, strict=True):
            if not each.status:
                book.revise(place, each.sampling_ms, each.queue_size)
                self._slack[place] = self._waits(place, each)
        crowded = [place for place, each in zip(places, monitored, strict=True) if each.polled != self._polled[place]]
        self._polled[crowded] = ~self._polled[crowded]
        moved = int(self._polled[crowded].sum())
        if moved:
            self.settings.notice(
                N_("{count} points are read again and again, since the server has no room to watch them"), count=moved
            )

    def _waits(self, place: int, each: Monitored) -> int:
        """How long (µs) a value may wait at the server, by what the server made of our wishes."""
        publishing = self._publishing_ms if each.publishing_ms is None else each.publishing_ms
        sampling = max(self._plan.items[place].sampling_ms, each.sampling_ms or 0.0)
        return round(1000 * min(publishing + sampling, LONGEST_WAIT_MS))

    def _name(self, refused: dict[int, Monitored]) -> None:
        """A line for each of the first few nodes that the server does not report."""
        for place, each in list(refused.items())[:NAMED]:
            self.settings.notice(
                N_("{address} is not reported: {reason}"), address=self._plan.points[place].address, reason=each.reason
            )
        if len(refused) > NAMED:
            self.settings.notice(N_("{count} more points are not reported"), count=len(refused) - NAMED)

    async def _look_again(self, book: Book) -> None:
        """Nodes that were not there are asked for again: a controller may know them later."""
        wait = AGAIN_S
        while self._refused:
            await asyncio.sleep(wait * (1 + self._chance.random() / 10))
            wait = min(2 * wait, SELDOM_S)
            places = list(self._refused)
            try:
                monitored = await self._device.retry(places)
            except DeviceError:
                return  # the stream breaks too, or this server does not like the question
            self._watched(places, monitored, book)
            found = [place for place, each in zip(places, monitored, strict=True) if not each.status]
            for place in found:
                del self._refused[place]
            if found:
                self.settings.notice(N_("{count} missing points are reported now"), count=len(found))

    def _take(self, arrival: Arrival, book: Book) -> None:
        batch = arrival.batch
        received = (
            int(batch.received_time[0]) if batch.received_time is not None and len(batch) else self.settings.now()
        )
        if arrival.missed:
            self._missed(arrival, book)
        if arrival.broken:
            about = self._everything if arrival.about is None else arrival.about
            book.interrupt(about, self._sure[about] - self._slack[about], arrival.broken)
            return
        self._follow_clock(arrival, received)
        self._know(arrival, received)
        if not len(batch):
            return
        if arrival.published:
            self.settings.state.lag_ms = max(0.0, (received - arrival.published) / 1000)
        if self._counters:
            self._count(batch, book)
        book.deliver(self._units(batch))

    def _know(self, arrival: Arrival, received: int) -> None:
        """Up to when everything is known now. Our own clock has no say in it where the server's has: somebody may set ours.

        Where more waits at the server, what waits is older than this message. Not every server says so: values that are
        older when they come than any may be say it too.
        """
        about = self._everything if arrival.about is None else arrival.about
        heard = asyncio.get_running_loop().time()
        passed = heard - self._heard[about]
        self._heard[about] = heard
        stamped = arrival.batch.server_time if len(arrival.batch) else None
        if self.settings.origin is not Origin.LIVE:
            self._sure[about] = self.settings.clock.at(received)
        elif arrival.more:
            return
        elif arrival.published:
            newest = arrival.published if stamped is None else int(stamped.max())
            late = newest + self._slack[about] < arrival.published
            self._sure[about] = np.where(late, np.maximum(self._sure[about], newest), arrival.published)
        elif len(arrival.batch):
            self._sure[about] = int((arrival.batch.time if stamped is None else stamped).max())
        else:
            self._sure[about] += np.round(passed * 1e6).astype(np.int64)

    def _missed(self, arrival: Arrival, book: Book) -> None:
        """Notifications that never came: whatever they were about may be missing since the sign of life before."""
        about = self._everything if arrival.about is None else arrival.about
        uncounted = about[~np.isin(about, list(self._counters))] if self._counters else about
        book.miss(uncounted, arrival.missed)
        since = self._sure[about] - self._slack[about]
        book.interrupt(about, since, f"{arrival.missed} notifications missing")

    def _count(self, batch: SampleBatch, book: Book) -> None:
        """The points that number their values tell how many are missing, whatever the reason; what is filled later comes off again."""
        for row in np.flatnonzero(np.isin(batch.point, list(self._counters)) & (batch.quality == Quality.GOOD)):
            place, number = int(batch.point[row]), int(batch.value[row])
            before, self._counters[place] = self._counters[place], number
            if before is not None and number > before + 1:
                book.miss(np.array([place], dtype=np.int32), number - before - 1)

    def _found(self, hole: Hole, batch: SampleBatch, book: Book) -> None:
        """The history brought some of what was missing."""
        count = book.fill(hole, self._units(batch))
        if hole.place in self._counters:
            book.miss(np.array([hole.place], dtype=np.int32), -count)

    def _follow_clock(self, arrival: Arrival, received: int) -> None:
        """The server's own clock; that of a simulated or replayed plant shows in the times of its values."""
        if self.settings.origin is Origin.LIVE:
            self.settings.clock.observe(arrival.published or received, received)
        elif len(arrival.batch):
            last = self.settings.clock.last
            newest = int(arrival.batch.time.max())
            if last is None or newest > last[0]:
                self.settings.clock.observe(newest, received)
