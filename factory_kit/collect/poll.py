"""Reading a device that answers requests: a timetable for each unit, answers to samples, silence to bad samples and gaps."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from factory_kit.collect.batches import bad
from factory_kit.collect.book import Book
from factory_kit.collect.job import BACK, Settings, patience
from factory_kit.collect.plan import ServerPlan
from factory_kit.collect.refused import Verdicts, search
from factory_kit.collect.task import Task
from factory_kit.drivers.base import Answer, Identity, RegisterDevice
from factory_kit.drivers.status import Status
from factory_kit.errors import DeviceError, DeviceUnavailable
from factory_kit.i18n import N_
from factory_kit.model.site import ModbusServer

__all__ = ["PollJob"]

ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3
"""Exceptions that may come from one address of a block (Modbus application protocol V1.1b3, 7)."""
MOST_EXTRA = 64
"""So many requests are spent at most on finding what a device refuses in one block."""
LATE_IN_A_ROW = 3
HEAD_START_S = (0.0, 0.5, 2.0)
"""So much longer what is of high, normal, low priority may be overdue before it goes first."""
IDLE_S = 0.05
SLOW = N_("not read: the store was too slow to take more")
BUSY = N_("not read in time: the line was busy, or the answer late")


@dataclass(slots=True)
class _Unit:
    """The timetable of one unit: when which task is due, the number keeping the order of those due at once."""

    number: int
    waiting: list[tuple[float, int, Task]] = field(default_factory=list)
    """By the time when they are due."""
    ready: list[tuple[float, int, Task]] = field(default_factory=list)
    """What is due, the most urgent first."""
    silent: bool = False

    def enter(self, due: float, number: int, task: Task) -> None:
        """*task* is due at *due*."""
        heapq.heappush(self.waiting, (due, number, task))

    async def next(self) -> tuple[float, Task]:
        """What is to be read now, and since when; waits until something is due."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            while self.waiting and self.waiting[0][0] <= now:
                due, number, task = heapq.heappop(self.waiting)
                heapq.heappush(self.ready, (due + HEAD_START_S[task.read.request.priority], number, task))
            if self.ready:
                urgency, _number, task = heapq.heappop(self.ready)
                return urgency - HEAD_START_S[task.read.request.priority], task
            await asyncio.sleep(max(0.0, self.waiting[0][0] - now) if self.waiting else IDLE_S)


class PollJob:
    """Polls one device by its plan; each unit keeps its own time, so that none waits for another more than the line demands."""

    def __init__(self, plan: ServerPlan, device: RegisterDevice, settings: Settings) -> None:
        self.settings = settings
        self._device = device
        self._plan = plan
        self._lanes = plan.server.connections if isinstance(plan.server, ModbusServer) else 1
        self._tasks = [Task(plan, read) for read in plan.reads]
        self._units = {read.request.unit: _Unit(read.request.unit) for read in plan.reads}
        self._numbers = count()
        self._offline = False
        self._identified = False
        self._overloaded = False
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
        self.settings.state.state = "running"
        now = asyncio.get_running_loop().time()
        for task in self._tasks:
            self._enter(task, now)
        workers = [
            asyncio.create_task(self._work(unit, book))
            for unit in self._units.values()
            for _lane in range(min(self._lanes, len(unit.waiting)))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def close(self) -> None:
        """Hung up."""
        await self._device.aclose()

    async def _work(self, unit: _Unit, book: Book) -> None:
        """Read what is due of *unit*, one after the other, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due, task = await unit.next()
            parts = await self._read(unit, task, due, book)
            passed = loop.time() - due
            self.settings.state.lag_ms = max(0.0, passed - task.took) * 1000
            # A beat that has passed already is left out: a slow device is not asked faster to catch up.
            following = due + task.interval * (1 + max(0, int(passed / task.interval)))
            for part in parts:
                self._enter(part, following)

    def _enter(self, task: Task, due: float) -> None:
        self._units[task.read.request.unit].enter(due, next(self._numbers), task)

    async def _read(self, unit: _Unit, task: Task, due: float, book: Book) -> Sequence[Task]:
        """What came of *task* is in the book; the tasks that take its place, most often itself."""
        loop = asyncio.get_running_loop()
        asked, began = self.settings.now(), loop.time()
        if task.rests(began) and task.refused is not None:
            self._failed(unit, task, Answer(None, *task.refused), book)
            return [task]
        if book.crowded:  # nothing is asked while the store is far behind; the next beat looks again
            book.interrupt(task.places, self.settings.clock.at(asked), SLOW)
            return [task]
        answer = await self._device.read(task.read.request)
        ended = loop.time()
        if answer.words is not None:
            task.answered(ended - began)
            self._punctual(task, ended - due, book)
            self._take(unit, task, answer, book)
            return [task]
        if _refused(answer):
            return await self._search(unit, task, answer, book)
        self._failed(unit, task, answer, book, asked)
        return [task]

    async def _search(self, unit: _Unit, task: Task, answer: Answer, book: Book) -> Sequence[Task]:
        """The tasks that take the place of a refused one: what is answered, delivered already, and what is refused alone."""
        groups = task.groups()
        if len(groups) == 1 or task.read.stamp is not None:
            self._give_up(unit, task, answer, book)
            return [task]
        verdicts, failed = Verdicts(), False
        hunt = search(groups, verdicts, sure=answer.status == ILLEGAL_ADDRESS)
        with suppress(StopIteration):
            run = next(hunt)
            for _extra in range(MOST_EXTRA):
                verdict = await self._tried(unit, task.part(groups[slice(*run)]), book)
                failed = verdict is None
                run = hunt.send(verdict)
        if failed or not verdicts.good:
            # The line failed in the middle, and all of it is tried again; or all of it is refused.
            (self._failed if failed else self._give_up)(unit, task, answer, book)
            return [task]
        bad = [task.part([groups[place]]) for place in verdicts.bad]
        for part in bad:
            self._tell_refused(unit, part, answer, book)
        unspoken = verdicts.unspoken(len(groups))
        rest = [task.part([groups[place] for place in unspoken])] if unspoken else []
        for part in rest:
            self._give_up(unit, part, answer, book)
        return [*(task.part(groups[slice(*run)]) for run in verdicts.runs(len(groups))), *bad, *rest]

    async def _tried(self, unit: _Unit, part: Task, book: Book) -> bool | None:
        """Whether *part* is answered, and then delivered, or refused; None for neither."""
        answer = await self._device.read(part.read.request)
        if answer.words is None:
            return False if _refused(answer) else None
        self._take(unit, part, answer, book)
        return True

    def _tell_refused(self, unit: _Unit, part: Task, answer: Answer, book: Book) -> None:
        """*part* is what was refused of a larger request: told by its address."""
        self.settings.notice(
            N_("unit {unit}: {address} is refused with exception {code}; the others go on without it"),
            unit=unit.number,
            address=", ".join(self._plan.points[place].address for place in part.read.points),
            code=answer.status,
        )
        part.complained = answer.status
        self._give_up(unit, part, answer, book)

    def _give_up(self, unit: _Unit, part: Task, answer: Answer, book: Book) -> None:
        """*part* is refused: a bad sample at every beat from now on, and asked again ever more rarely."""
        assert answer.reason is not None  # noqa: S101 - a refusal has one
        part.refuse(answer.status, answer.reason, asyncio.get_running_loop().time())
        self._failed(unit, part, answer, book)

    async def _identity(self) -> Identity:
        units = list(self._units)
        try:
            return await self._device.identify(units)
        except DeviceUnavailable:
            # Some devices never answer function 43; one that answers a read is there, and says nothing about itself.
            first = [next(task for task in self._tasks if task.read.request.unit == unit) for unit in units]
            answers = [await self._device.read(task.read.request) for task in first]
            if any(answer.words is not None or 0 < answer.status < 256 for answer in answers):
                return Identity()
            raise

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

    def _punctual(self, task: Task, passed: float, book: Book) -> None:
        """A reading that is more than a beat late leaves a gap; a line that is always too slow is told once instead."""
        if passed <= 2 * task.interval:
            task.late = 0
            return
        task.late += 1
        if task.late < LATE_IN_A_ROW:
            start = self.settings.now() - round(passed * 1e6)
            book.interrupt(task.places, self.settings.clock.at(start), BUSY)
        elif not self._overloaded:
            self._overloaded = True
            self.settings.notice(
                N_("the line cannot keep up: {wanted} ms are wanted, {took} ms were needed; see check --timing"),
                wanted=task.read.interval_ms,
                took=round(passed * 1000),
            )

    def _take(self, unit: _Unit, task: Task, answer: Answer, book: Book) -> None:
        self._recovered(unit)
        assert answer.words is not None  # noqa: S101 - asked only then
        decoded = task.decode(answer.words)
        self._count(task, task.missed(decoded), book)
        steady = asyncio.get_running_loop().time()
        book.deliver(task.batch(decoded, self.settings.now(), steady, self.settings.clock))

    def _count(self, task: Task, missed: int, book: Book) -> None:
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

    def _failed(self, unit: _Unit, task: Task, answer: Answer, book: Book, asked: int | None = None) -> None:
        """A read that failed after *asked* (now if None): bad samples, and from then on nothing is known."""
        state = self.settings.state
        state.errors += 1
        received = self.settings.now()
        asked = received if asked is None else asked
        time = self.settings.clock.at(asked)
        book.deliver(bad(task.places, time, received, answer.status))
        reason = answer.reason or DeviceUnavailable("no answer")
        book.interrupt(task.places, time, str(reason))
        if answer.status == Status.BAD_NOT_CONNECTED or not self._device.connected:
            fresh = not self._offline
            self._offline, state.state = True, "lost"
        elif reason.retry:
            fresh, unit.silent = not unit.silent, True
        else:
            fresh = task.complained != answer.status
            task.complained = answer.status
        if fresh:
            self.settings.complain(reason)

    def _recovered(self, unit: _Unit) -> None:
        if self._offline:
            self._offline = False
            self.settings.state.state = "running"
            self.settings.state.reconnects += 1
            self.settings.notice(BACK)
        if unit.silent:
            unit.silent = False
            self.settings.notice(N_("unit {unit} answers again"), unit=unit.number)


def _refused(answer: Answer) -> bool:
    return answer.status in {ILLEGAL_ADDRESS, ILLEGAL_VALUE}
