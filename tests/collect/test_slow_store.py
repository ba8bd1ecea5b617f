"""A disk that does not keep up: polling waits first, a subscription's values are dropped last, and all of it is written down."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from factory_kit.collect import outbox as outbox_module
from factory_kit.collect.book import Book
from factory_kit.collect.job import Settings
from factory_kit.collect.outbox import Outbox
from factory_kit.collect.plan import plan_site
from factory_kit.collect.poll import SLOW, PollJob
from factory_kit.collect.status import ServerState
from factory_kit.drivers import driver
from factory_kit.drivers.base import Context
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.store import writer as writer_module
from factory_kit.store.disk import Disk, OutFile
from factory_kit.store.writer import Writer
from factory_kit.testing.numbered import NumberedServer

POLLED, SUBSCRIBED = 100, 50
MOST = 400


class HangingFile(OutFile):
    """Writes only while the disk is free."""

    disk: HangingDisk

    def write(self, data: bytes | memoryview) -> int:
        if not self.disk.free.is_set():
            self.disk.hangs.set()
        assert self.disk.free.wait(60)
        return super().write(data)


class HangingDisk(Disk):
    """A disk that hangs whenever ``free`` is not set."""

    def __init__(self) -> None:
        self.hangs = threading.Event()
        """Somebody waits for the disk."""
        self.free = threading.Event()
        self.free.set()

    def append(self, path: Path) -> OutFile:
        file = HangingFile(path, os.O_CREAT)
        file.disk = self
        return file


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - looks at counters of threads and servers
            await asyncio.sleep(0.01)


async def _write_often(outbox: Outbox, writer: Writer) -> None:
    """What a collection does with its outbox."""
    while True:
        batch = outbox.take()
        if batch is not None:
            await asyncio.to_thread(writer.append, batch)
            outbox.written()
        await asyncio.sleep(0.01)


def _subscribed(number: int) -> SampleBatch:
    time = np.full(SUBSCRIBED, 1_788_220_800_000_000 + number, np.int64)
    values = np.full(SUBSCRIBED, float(number))
    return SampleBatch(np.arange(SUBSCRIBED, dtype=np.int32), time, values, np.zeros(SUBSCRIBED, np.int8))


class Collection:
    """A polled and a subscribed server, one outbox, and a store on a disk that hangs for a while."""

    def __init__(self, job: PollJob, ids: list[int], disk: HangingDisk, server: NumberedServer) -> None:
        self.job, self.disk, self.server = job, disk, server
        self.outbox = Outbox()
        self.polled, self.subscribed = (
            Book(each, self.outbox, ServerState("s", "", "", 1)) for each in (ids[:POLLED], ids[POLLED:])
        )

    async def run(self, writer: Writer) -> None:
        """Collect, hang, go on."""
        await self.job.open()
        polling = asyncio.create_task(self.job.run(self.polled))
        writing = asyncio.create_task(_write_often(self.outbox, writer))
        try:
            await _until(lambda: writer.rows_written > 0)
            await self._hang()
            goes_on = len(self.server.requests) + 3
            await _until(lambda: len(self.server.requests) > goes_on)
        finally:
            self.disk.free.set()
            polling.cancel()
            with suppress(asyncio.CancelledError):
                await polling
            await self.job.close()
            await _until(lambda: not self.outbox.count)
            writing.cancel()
        self.slow = {gap.point for gap in self.polled.take_gaps() if gap.reason == SLOW}

    async def _hang(self) -> None:
        self.disk.free.clear()
        await _until(lambda: self.outbox.crowded)
        await asyncio.sleep(0.2)  # what was asked already
        asked, waiting = len(self.server.requests), self.outbox.count
        await asyncio.sleep(0.5)
        self.asked, self.grew = len(self.server.requests) - asked, self.outbox.count - waiting
        for number in range(MOST // SUBSCRIBED):
            self.subscribed.deliver(_subscribed(number))
        self.most = self.outbox.count
        self.disk.free.set()


@pytest.fixture
def job(make_site: Any, make_connector: Any, now: Any) -> Callable[[int], PollJob]:
    """A job that polls a hundred points at a port."""

    def made(port: int) -> PollJob:
        points = [(f"r{n}", f"holding:{1000 + n}", "uint16") for n in range(POLLED)]
        line = {"driver": "modbus", "host": "127.0.0.1", "port": port, "interval_ms": 50, "timeout_ms": 2000}
        site = make_site({"line": line}, [{"id": "m1", "connector": "modbus", "server": "line", "unit": 1}])
        plan = plan_site(site, {"modbus": make_connector("modbus", *points)}).servers[0]
        watcher = SimpleNamespace(status=lambda _status: None, notice=lambda _notice: None)
        device: Any = driver("modbus").device(plan.name, plan.server, Context(now))
        state = ServerState(plan.name, plan.server.address, "modbus", POLLED)
        return PollJob(plan, device, Settings(now, watcher, state))

    return made


@pytest.mark.wire
def test_polling_waits_before_a_subscription_loses_anything(
    tmp_path: Path, job: Callable[[int], PollJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the disk hangs polling stops at half of the room and subscriptions go on; then everything is in the store or the ledger."""
    monkeypatch.setattr(outbox_module, "MOST_WAITING", MOST)
    disk = HangingDisk()
    store = Store(tmp_path / "store", disk=disk)
    names = [f"p{number}" for number in range(POLLED + SUBSCRIBED)]
    ids = store.register([CataloguePoint("m", name, "other", "", "float64", name, "c", "1", "line") for name in names])

    with NumberedServer() as server, store.writer(Run("run", 0, Origin.LIVE, "demo", "test")) as writer:
        seen = Collection(job(server.port), ids, disk, server)
        asyncio.run(seen.run(writer))
        with store.connect() as con:
            rows = dict(con.execute("SELECT point > 100, count(*) FROM samples GROUP BY 1").fetchall())

    polled, subscribed = seen.polled.ledger(), seen.subscribed.ledger()
    assert (seen.asked, seen.grew) == (0, 0)
    assert MOST - SUBSCRIBED < seen.most <= MOST
    assert seen.slow == set(ids[:POLLED])
    assert sum(entry.dropped for entry in polled) == 0
    assert rows[False] == sum(entry.delivered for entry in polled)
    assert rows[True] == sum(entry.delivered for entry in subscribed)
    assert sum(entry.delivered + entry.dropped for entry in subscribed) == MOST
    assert all(entry.dropped > 0 for entry in subscribed)


def test_a_hanging_disk_holds_the_writer_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An append returns when the disk has the samples, so nothing piles up in the writer; the pressure tells, and falls again."""
    monkeypatch.setattr(writer_module, "SLOW_S", 0.01)
    disk = HangingDisk()
    store = Store(tmp_path / "store", disk=disk)
    store.register([CataloguePoint("m", "p", "other", "", "float64", "1", "c", "1", "line")])
    batches = [SampleBatch(np.ones(1, np.int32), np.full(1, n), np.ones(1), np.zeros(1, np.int8)) for n in range(60)]
    with store.writer(Run("run", 0, Origin.LIVE, "demo", "test")) as writer:
        disk.free.clear()
        appending = threading.Thread(target=lambda: writer.append(batches[0]))
        appending.start()
        assert disk.hangs.wait(60)
        appending.join(0.5)
        assert appending.is_alive()
        assert writer.rows_written == 0
        disk.free.set()
        appending.join(60)
        pressed = writer.pressure
        for batch in batches[1:]:
            writer.append(batch)

    assert pressed >= 1
    assert writer.pressure < pressed
    assert store.query("SELECT count(*) AS n FROM samples").to_pylist() == [{"n": 60}]
