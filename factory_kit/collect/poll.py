"""Reading a device that answers requests: a timetable, answers to samples, silence to bad samples and gaps."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from factory_kit.collect.batches import bad
from factory_kit.collect.book import Book, Places
from factory_kit.collect.decode import Decoded, Decoder, Slot
from factory_kit.collect.job import BACK, Settings, patience
from factory_kit.collect.plan import PlannedRead, ServerPlan
from factory_kit.drivers.address import modbus_address
from factory_kit.drivers.base import Answer, Identity, RegisterDevice
from factory_kit.drivers.status import Status
from factory_kit.errors import DeviceError, DeviceUnavailable
from factory_kit.i18n import N_
from factory_kit.model.connector import Point, Role
from factory_kit.model.sample import Quality, SampleBatch

__all__ = ["PollJob"]

TICKS = {"s": 1_000_000, "ms": 1000, "us": 1, "": 1}


@dataclass(slots=True)
class _Task:
    """One planned read with its decoder, the places it answers, and what is wrong with it at the moment."""

    read: PlannedRead
    decoder: Decoder
    places: Places
    stamp: Point | None
    failed: bool = False
    complained: int = 0
    """The exception of the device that was told last; 0 when all is well."""
    counter: int | None = None
    """Which of the places holds the number of the device's own record, if any."""
    record: int | None = None
    """The number of the record read last."""
    told_missed: bool = False

    def missed(self, decoded: Decoded) -> int:
        """How many records the device made since the last reading beside this one; a count that starts anew tells nothing."""
        if self.counter is None:
            return 0
        before, self.record = self.record, int(decoded.raw[self.counter])
        return 0 if before is None else max(0, self.record - before - 1)


class PollJob:
    """Polls one device by its plan."""

    def __init__(self, plan: ServerPlan, device: RegisterDevice, settings: Settings) -> None:
        self.settings = settings
        self._device = device
        self._tasks = [_task(read, plan) for read in plan.reads]
        self._units = list(dict.fromkeys(read.request.unit for read in plan.reads))
        self._silent: set[int] = set()
        self._offline = False
        self._identified = False
        self._chance = random.Random(plan.name)  # noqa: S311 - jitter, no secret

    async def open(self) -> Identity:
        """Connected, and some unit has answered."""
        await self._device.connect()
        identity = await self._identity()
        self.settings.check_origin(identity)
        self._identified = True
        return identity

    async def run(self, book: Book) -> None:
        """Poll by the timetable; a device that could not be opened yet is tried until it can."""
        await self._opened(book)
        loop = asyncio.get_running_loop()
        self.settings.state.state = "running"
        timetable = [(loop.time(), number) for number in range(len(self._tasks))]
        while timetable:
            due, number = timetable[0]
            await asyncio.sleep(max(0.0, due - loop.time()))
            task = self._tasks[number]
            self.settings.state.lag_ms = max(0.0, loop.time() - due) * 1000
            asked = self.settings.now()
            answer = await self._device.read(task.read.request)
            self._take(task, answer, asked, book)
            interval = task.read.interval_ms / 1000
            # A beat that has passed already is left out: a slow device is not asked faster to catch up.
            skipped = max(0, int((loop.time() - due) / interval))
            heapq.heapreplace(timetable, (due + interval * (1 + skipped), number))

    async def close(self) -> None:
        """Hung up."""
        await self._device.aclose()

    async def _identity(self) -> Identity:
        try:
            return await self._device.identify(self._units)
        except DeviceUnavailable:
            # Some devices never answer function 43; one that answers a read is there, and says nothing about itself.
            answers = [await self._device.read(task.read.request) for task in self._first_of_units()]
            if any(answer.words is not None or 0 < answer.status < 256 for answer in answers):
                return Identity()
            raise

    def _first_of_units(self) -> Sequence[_Task]:
        return [next(task for task in self._tasks if task.read.request.unit == unit) for unit in self._units]

    async def _opened(self, book: Book) -> None:
        """The first contact, after it failed once."""
        state = self.settings.state
        error: DeviceError = DeviceUnavailable("{reason}", reason=self.settings.state.last_error)
        everything = np.concatenate([task.places for task in self._tasks])
        while not self._identified:
            book.interrupt(everything, self.settings.clock.at(self.settings.now()), str(error))
            await asyncio.sleep(patience(error, self._chance))
            try:
                await self.open()
            except DeviceError as again:
                if not again.retry and str(again) != state.last_error:
                    self.settings.complain(again)
                error, state.state = again, "lost" if again.retry else "refused"
            else:
                state.reconnects += 1
                self.settings.notice(BACK)

    def _take(self, task: _Task, answer: Answer, asked: int, book: Book) -> None:
        received = self.settings.now()
        if answer.words is None:
            self._failed(task, answer, (asked, received), book)
            return
        self._recovered(task)
        decoded = task.decoder(answer.words)
        self._count(task, task.missed(decoded), book)
        book.deliver(self._batch(task, decoded, received))

    def _count(self, task: _Task, missed: int, book: Book) -> None:
        """Records that came and went between two readings: all are counted, the first are told."""
        if not missed:
            return
        book.miss(task.places, missed)
        if not task.told_missed:
            task.told_missed = True
            self.settings.notice(
                N_(
                    "unit {unit}: {count} records came and went between two readings; the loss ledger counts on; lower interval_ms"
                ),
                unit=task.read.request.unit,
                count=missed,
            )

    def _batch(self, task: _Task, decoded: Decoded, received: int) -> SampleBatch:
        count = len(task.places)
        time, doubt = received, False
        if task.stamp is not None:
            time = int(decoded.raw[-1]) * TICKS[task.stamp.unit if task.stamp.type != "datetime" else "us"]
            if not self.settings.clock.observe(time, received):
                time, doubt = received, True
        known = decoded.known[:count]
        status = np.where(known, Status.UNCERTAIN_SUBSTITUTE_TIME if doubt else Status.GOOD, Status.BAD_DECODING_ERROR)
        status[decoded.absent[:count]] = Status.BAD_DATA_UNAVAILABLE
        quality = np.where(known, Quality.UNCERTAIN if doubt else Quality.GOOD, Quality.BAD)
        texts = None if decoded.text is None else decoded.text[:count]
        has_text = np.array([text is not None for text in texts]) if texts is not None else np.zeros(count, np.bool_)
        return SampleBatch(
            point=task.places,
            time=np.full(count, time, np.int64),
            value=decoded.value[:count],
            quality=quality.astype(np.int8),
            has_value=known & ~has_text,
            text=texts,
            status=status.astype(np.int64),
            received_time=np.full(count, received, np.int64),
        )

    def _failed(self, task: _Task, answer: Answer, when: tuple[int, int], book: Book) -> None:
        """A read that failed between two local times: bad samples, and from the first of the two on nothing is known."""
        state, unit = self.settings.state, task.read.request.unit
        state.errors += 1
        asked, received = when
        time = self.settings.clock.at(asked)
        book.deliver(bad(task.places, time, received, answer.status))
        reason = answer.reason or DeviceUnavailable("no answer")
        book.interrupt(task.places, time, str(reason))
        if answer.status == Status.BAD_NOT_CONNECTED or not self._device.connected:
            fresh = not self._offline
            self._offline, state.state = True, "lost"
        elif reason.retry:
            fresh = unit not in self._silent
            self._silent.add(unit)
        else:
            fresh = task.complained != answer.status
            task.complained = answer.status
        if fresh:
            self.settings.complain(reason)

    def _recovered(self, task: _Task) -> None:
        unit = task.read.request.unit
        task.complained = 0
        if self._offline:
            self._offline = False
            self.settings.state.state = "running"
            self.settings.state.reconnects += 1
            self.settings.notice(BACK)
        if unit in self._silent:
            self._silent.discard(unit)
            self.settings.notice(N_("unit {unit} answers again"), unit=unit)


def _task(read: PlannedRead, plan: ServerPlan) -> _Task:
    # The time point comes last, also when it is answered itself.
    places = [*read.points, *([read.stamp] if read.stamp is not None else [])]
    slots = [_slot(plan, place, read) for place in places]
    stamp = plan.points[read.stamp].point if read.stamp is not None else None
    counter = next((each for each, slot in enumerate(slots) if slot.point.role is Role.SEQUENCE), None)
    decoder = Decoder(slots, read.request.count)
    return _Task(read, decoder, np.array(read.points, dtype=np.int32), stamp, counter=counter)


def _slot(plan: ServerPlan, place: int, read: PlannedRead) -> Slot:
    address = modbus_address(plan.points[place].address)
    return Slot(plan.points[place].point, address.number - read.request.address, address.bit)
