"""Collection from a live plant into the store: authorised, read-only, every value or the reason why it is missing."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from factory_kit import __version__
from factory_kit.collect.authorise import in_the_open, require_authorisation
from factory_kit.collect.backfill import Known, PastJob, Stretched, known_times, what_of
from factory_kit.collect.book import Book
from factory_kit.collect.contact import first_contact
from factory_kit.collect.ending import ended
from factory_kit.collect.job import Job, Settings
from factory_kit.collect.outbox import Outbox
from factory_kit.collect.plan import ServerPlan, plan_site
from factory_kit.collect.poll import PollJob
from factory_kit.collect.requestlog import RequestLog
from factory_kit.collect.status import Notice, Observer, ServerState, ServerStatus, Silent, Status
from factory_kit.collect.stream import StreamJob
from factory_kit.drivers import driver
from factory_kit.drivers.base import Context, password_variable
from factory_kit.drivers.polled import PolledDevice
from factory_kit.errors import DeviceUnavailable, StoreFull, UsageError
from factory_kit.model.connector import Connector
from factory_kit.model.run import Gap, Run
from factory_kit.model.sample import Origin
from factory_kit.model.site import ModbusServer, OpcUaServer, OtherServer, Site
from factory_kit.store import Store, Writer
from factory_kit.store.lean import lean, settled

__all__ = ["Outcome", "collect", "collect_until_stopped", "password_from_environment"]

Result = TypeVar("Result")

FLUSH_S = 0.5
STATUS_S = 1.0
LOG_S = 10.0
LEDGER_S = 60.0
SETTLED_S = 5.0
"""So long after the beginning what only the beginning needed is cleared away."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a collection did; times in µs since 1970, UTC."""

    run: str
    origin: Origin
    started: int
    ended: int
    samples: int
    dropped: int
    gaps: int
    bytes_written: int
    servers: tuple[ServerStatus, ...]


def password_from_environment(server: str) -> str | None:
    """The password for *server* in FACTORY_KIT_PASSWORD_<SERVER>, if it is set."""
    return os.environ.get(password_variable(server))


async def collect(  # noqa: PLR0913 - what a run needs from outside
    site: Site,
    connectors: Mapping[str, Connector],
    store: Store,
    *,
    now: Callable[[], int],
    seconds: float | None = None,
    stop: asyncio.Event | None = None,
    observer: Observer | None = None,
    secret: Callable[[str], str | None] = password_from_environment,
    certificates: Path | None = None,
    request_log: Path | None = None,
    past: tuple[int, int] | None = None,
) -> Outcome:
    """Read every connected machine of *site* into *store* for *seconds*, or until *stop* is set or the task is cancelled.

    With *past*, two times in µs UTC, the histories of its OPC UA servers are read instead, from the first up to, not
    including, the second; this ends by itself, and what an interrupted run of the same times brought is not read again.

    *now* gives µs UTC. *certificates* is the folder of our certificate and the trusted ones; *request_log* a JSON Lines
    file, by default ``requests.jsonl`` beside the store. ``NotAuthorised`` before anything is sent; ``DefinitionError``
    for mistakes of the plan; ``DeviceError`` when no server at all can be read; ``StoreError`` when the store fails.
    However it ends, sessions are closed and the store is sealed.
    """
    plans = _plans(site, connectors, past)
    started = now()
    allowed = require_authorisation(site, [each.server.address for each in plans], _today(site, started))
    allowed += in_the_open({each.name: each.server for each in plans})
    name = f"collect-{datetime.fromtimestamp(started / 1e6, UTC):%Y%m%dT%H%M%S.%f}Z"
    log = RequestLog(request_log or store.folder.parent / "requests.jsonl", name, now)
    context = Context(now, log.count, secret, certificates)
    watcher = observer or Silent()
    ids: dict[str, list[int]] = {}
    jobs = [_job(each, context, watcher, _Past(store, ids, past)) for each in plans]
    try:
        origin, running = await _unless(stop, first_contact(jobs, site.kind))
        store.describe(site.equipment, dict(connectors), site.operations)
        ids |= {each.name: store.register(each.catalogue) for each in plans}
        run = Run(name, started, origin, site.kind, "collect", allowed, f"factory-kit {__version__}")
        if past is not None:
            # A value older than its run is taken for what the machine said last; those of a history are as old as they are.
            run = replace(run, started=min(started, past[0]), what=what_of(Stretched(*past)))
        with store.writer(run) as writer:
            collection = _Collection(run, jobs, running, list(ids.values()), writer, watcher, log, now)
            try:
                await collection.work(seconds, stop)
            finally:
                await collection.end()
    finally:
        await _close(jobs)
        log.flush(last=True)
    return collection.outcome()


def collect_until_stopped(*arguments: Any, **options: Any) -> Outcome:
    """``collect`` for the command line: the first Ctrl-C or SIGTERM ends it cleanly, a second Ctrl-C at once."""
    lean()

    async def main() -> Outcome:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(SETTLED_S, settled)
        with _stopping(stop):
            return await collect(*arguments, stop=stop, **options)

    return asyncio.run(main())


class _Collection:
    """One run from its first sample to its ledger."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a run consists of
        self,
        run: Run,
        jobs: Sequence[Job],
        running: Sequence[Job],
        ids: Sequence[list[int]],
        writer: Writer,
        observer: Observer,
        log: RequestLog,
        now: Callable[[], int],
    ) -> None:
        self._run = run
        self._jobs = jobs
        self._running = running
        self._writer = writer
        self._observer = observer
        self._log = log
        self._now = now
        self._outbox = Outbox()
        self._books = [Book(points, self._outbox, job.settings.state) for job, points in zip(jobs, ids, strict=True)]
        self._ending = asyncio.Event()
        self._full = False
        self._gaps = 0
        self._gaps_waiting: list[Gap] = []
        self._reported = 0
        self._began = asyncio.get_running_loop().time()
        self._reported_at = self._began
        self._tasks: list[asyncio.Task[None]] = []
        self._writing: asyncio.Task[None] | None = None
        self._ended = run.started
        for job in jobs:
            job.settings.origin = run.origin
            job.settings.clock.live = run.origin is Origin.LIVE

    async def work(self, seconds: float | None, stop: asyncio.Event | None) -> None:
        """Read until it is time to end; an error of the store or of our own ends it too."""
        self._writing = asyncio.create_task(self._write_often())
        self._tasks = [asyncio.create_task(self._tell())]
        for job, book in zip(self._jobs, self._books, strict=True):
            if any(job is each for each in self._running):
                self._tasks.append(asyncio.create_task(job.run(book)))
            else:
                book.interrupt(book.places, self._now(), job.settings.state.last_error)
        reading = set(self._tasks[1:])
        waiting: set[asyncio.Task[Any]] = {*self._tasks, self._writing}
        if stop is not None:
            asked = asyncio.create_task(_set(stop))
            self._tasks.append(asked)
            waiting.add(asked)
        until = None if seconds is None else asyncio.get_running_loop().time() + seconds
        while reading:
            left = None if until is None else max(0.0, until - asyncio.get_running_loop().time())
            done, waiting = await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            # Who reads a past ends by itself; everything else that ends ends the run.
            if not done or not done <= reading:
                return
            reading -= done

    async def end(self) -> None:
        """Stop reading, hang up, and write all that came and what did not."""
        await ended(self._tasks)
        await _close(self._running)
        self._ended = self._now()
        for job, book in zip(self._jobs, self._books, strict=True):
            book.settle(job.settings.clock.at(self._ended))
        self._ending.set()
        if self._writing is not None:
            await self._writing
        self._writer.loss([entry for book in self._books for entry in book.ledger()])
        self._observer.status(self._status())

    def outcome(self) -> Outcome:
        """What was done."""
        status = self._status()
        return Outcome(
            run=self._run.id,
            origin=self._run.origin,
            started=self._run.started,
            ended=self._ended,
            samples=status.delivered,
            dropped=status.dropped,
            gaps=self._gaps,
            bytes_written=status.bytes_written,
            servers=status.servers,
        )

    async def _write_often(self) -> None:
        """Write twice a second, and a last time at the end; a full disk is waited for."""
        last = False
        while not last:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), FLUSH_S)
            last = self._ending.is_set()  # before writing: what comes in while the store is slow is written once more
            try:
                await self._write()
            except StoreFull as error:
                if last:
                    raise
                if not self._full:
                    self._observer.notice(Notice("store", error.message, error.details))
                self._full = True
            else:
                self._full = False

    async def _write(self) -> None:
        self._gaps_waiting += [gap for book in self._books for gap in book.take_gaps()]
        while self._gaps_waiting:
            self._writer.gap(self._gaps_waiting[0])
            self._gaps_waiting.pop(0)
            self._gaps += 1
        batch = self._outbox.take()
        if batch is None:
            return
        try:
            await asyncio.to_thread(self._writer.append, batch)
        except BaseException:
            self._outbox.back()
            raise
        self._outbox.written()

    async def _tell(self) -> None:
        """The state of things once a second; the request log and the ledger now and then, so that a crash loses little."""
        loop = asyncio.get_running_loop()
        logged = ledgered = loop.time()
        while True:
            await asyncio.sleep(STATUS_S)
            self._observer.status(self._status())
            if loop.time() - logged >= LOG_S:
                self._log.flush()
                logged = loop.time()
            if loop.time() - ledgered >= LEDGER_S:
                with suppress(StoreFull):
                    self._writer.loss([entry for book in self._books for entry in book.ledger()])
                ledgered = loop.time()

    def _status(self) -> Status:
        at = asyncio.get_running_loop().time()
        servers = tuple(job.settings.state.snapshot(at) for job in self._jobs)
        delivered = sum(server.delivered for server in servers)
        passed = at - self._reported_at
        rate = (delivered - self._reported) / passed if passed > 0 else 0.0
        self._reported, self._reported_at = delivered, at
        return Status(
            run=self._run.id,
            origin=self._run.origin.value,
            elapsed_s=at - self._began,
            rate=rate,
            delivered=delivered,
            waiting=self._outbox.count,
            dropped=sum(book.dropped for book in self._books),
            bytes_written=self._writer.bytes_written,
            servers=servers,
        )


@dataclass(frozen=True, slots=True)
class _Past:
    """What the jobs of a history need: the store, the ids of the points of each server, and the two times."""

    store: Store
    ids: Mapping[str, list[int]]
    times: tuple[int, int] | None

    def known(self, server: str, places: Sequence[int]) -> Mapping[int, Known]:
        """What the store has of the points at *places* of the plan of *server*."""
        assert self.times is not None  # noqa: S101 - only histories ask
        by_id = {self.ids[server][place]: place for place in places}
        found = known_times(self.store, Stretched(*self.times), by_id)
        return {by_id[point]: each for point, each in found.items()}


def _plans(site: Site, connectors: Mapping[str, Connector], past: tuple[int, int] | None) -> list[ServerPlan]:
    plans = list(plan_site(site, connectors).servers)
    if not plans:
        raise UsageError("site.yaml: no equipment is connected, so there is nothing to read")
    if past is None:
        return plans
    if past[1] <= past[0]:
        raise UsageError("--to must lie after --from")
    plans = [each for each in plans if isinstance(each.server, OpcUaServer)]
    if not plans:
        raise UsageError("site.yaml: only OPC UA servers keep a history, and none is connected")
    return plans


def _job(plan: ServerPlan, context: Context, observer: Observer, past: _Past) -> Job:
    device: Any = driver(plan.server.driver).device(plan.name, plan.server, context)
    if isinstance(plan.server, OtherServer):
        device = PolledDevice(device, plan.server, context)
    state = ServerState(plan.name, plan.server.address, plan.server.driver, len(plan.points))
    settings = Settings(context.now, observer, state)
    if past.times is not None:
        return PastJob(plan, device, settings, Stretched(*past.times), partial(past.known, plan.name))
    return (
        PollJob(plan, device, settings) if isinstance(plan.server, ModbusServer) else StreamJob(plan, device, settings)
    )


async def _set(event: asyncio.Event) -> None:
    await event.wait()


async def _unless(stop: asyncio.Event | None, work: Coroutine[Any, Any, Result]) -> Result:
    """What *work* gives; ``DeviceUnavailable`` as soon as *stop* is set before that."""
    contact = asyncio.create_task(work)
    asked = asyncio.create_task((stop or asyncio.Event()).wait())
    try:
        await asyncio.wait((contact, asked), return_when=asyncio.FIRST_COMPLETED)
        if not contact.done():
            raise DeviceUnavailable("stopped before any server had answered; nothing was written")
        return contact.result()
    finally:
        await ended((contact, asked))
        if not contact.cancelled():
            contact.exception()  # what came while it was being ended interests nobody any more


async def _close(jobs: Sequence[Job]) -> None:
    await asyncio.gather(*(job.close() for job in jobs), return_exceptions=True)


def _today(site: Site, now: int) -> date:
    return datetime.fromtimestamp(now / 1e6, ZoneInfo(site.plant.timezone)).date()


def _ending_signals() -> list[signal.Signals]:
    """What ends a collection: Ctrl-C, a request to end, and a closed terminal unless the user said nohup."""
    found = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        found.append(hangup)
    return found


@contextmanager
def _stopping(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT, SIGTERM and a closed terminal set *stop*; afterwards they do what they did before."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _ending_signals()}

    def asked(number: int, _frame: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        loop.call_soon_threadsafe(stop.set)

    for number in before:
        signal.signal(number, asked)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
