"""OPC UA from the wire to the journal, beside asyncua and node-opcua, all against one server of prepared bytes.

The server (``factory_kit.testing.rawserver``) runs in a process of its own and can offer more than any client takes. Ours is the
whole collector: session, decoding, loss ledger, journal and the sealing of files beside it; the peers only decode and count.
CPU is that of the client's process between two moments of the steady stream.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from asyncua import Client, ua

from benchmarks.frame import Bar, Row, Scale, _cpu_s, _peak_mib
from factory_kit.collect.book import Book
from factory_kit.collect.heap import one_heap
from factory_kit.collect.outbox import Outbox
from factory_kit.collect.run import collect_until_stopped
from factory_kit.collect.status import Notice, ServerState, Status
from factory_kit.drivers.base import Context, NodeItem
from factory_kit.drivers.opcua.reader import OpcUaDevice
from factory_kit.model.connector import Connector
from factory_kit.model.run import CataloguePoint, LossEntry, Run
from factory_kit.model.sample import Origin
from factory_kit.model.site import OpcUaServer, Site
from factory_kit.store import Store
from factory_kit.store.lean import lean
from factory_kit.testing.rawbytes import Changing, Feed, InTurn, Item, Rows, double, variant
from factory_kit.testing.rawserver import RawServer

NODES = 5000
HERE = Path(__file__).resolve().parent
NODE_OPCUA = "2.186.4"
WARM_S = 7.0
"""Of the stream, before the CPU counts."""
TEXT = {"zh": "值", "en": "value"}
MIXED = (
    (1.5, ua.VariantType.Double), ("RUNNING", ua.VariantType.String), ([1.0, 2.0, 3.0], ua.VariantType.Double), (3, ua.VariantType.Int32),
    (True, ua.VariantType.Boolean), ("ALARM 17", ua.VariantType.String), (7, ua.VariantType.UInt16), ([1, 2, 3, 4], ua.VariantType.Int16),
)  # fmt: skip


@dataclass(frozen=True)
class Taken:
    """What a client took: values in all, and those of the steady part with the CPU and the time they took."""

    values: int
    measured: int
    cpu_s: float
    wall_s: float
    peak_mib: float
    grown_mib: float = 0.0
    lost: int = 0
    """Offered and not there,"""
    told_lost: int = 0
    """and what of it the loss ledger tells."""
    behind_s: float = 0.0
    """CPU of sealing in the steady part."""

    @property
    def us(self) -> float:
        """CPU microseconds for a value."""
        return self.cpu_s / max(1, self.measured) * 1e6

    @property
    def core(self) -> float:
        """Percent of a core."""
        return self.cpu_s / max(0.001, self.wall_s) * 100

    @property
    def rate(self) -> float:
        """Values in a second."""
        return self.measured / max(0.001, self.wall_s)


def rows(scale: Scale) -> Iterator[Row]:
    """The stream, the burst, polling, and the worst there is."""
    node = _node_opcua()
    yield from stream(scale, node)
    yield from burst(scale, node)
    yield from polling(scale, node)
    yield from worst(scale)


def stream(scale: Scale, node: Path | None) -> Iterator[Row]:
    """5,000 points ten times a second."""
    seconds = scale.of(60, 10)
    ours = against(Offer("double", 0.1, seconds * 10), collected, seconds)
    what = "stream of 5,000 points x 10 Hz"
    bar = Bar("ours", "at most", 0.4, 0.6)
    for name, peer in _peers(Offer("double", 0.1, scale.of(15, 4) * 10), scale.of(15, 4), node):
        yield Row(f"{what} -> journal", "µs CPU/value", ours.us, peer.us, name, bar, _sealing(ours))
    yield Row(f"{what}: values lost", "values", ours.lost, bar=Bar("ours", "at most", 0, 0), note=f"of {ours.values}")
    yield Row(f"{what}: peak memory", "MiB", ours.peak_mib, bar=Bar("ours", "at most", 150, 150))
    yield Row(f"{what}: memory grown in the second half", "MiB", ours.grown_mib, bar=Bar("ours", "at most", 15, 60))


def burst(scale: Scale, node: Path | None) -> Iterator[Row]:
    """Five times as much."""
    seconds = scale.of(60, 10)
    ours = against(Offer("double", 0.02, seconds * 50), collected, seconds)
    what = "burst of 250,000 values/s"
    bar = Bar("ours", "at most", 6, 10)
    yield Row(f"{what} -> journal", "% of a core", ours.core, bar=bar, note=_sealing(ours))
    for name, peer in _peers(Offer("double", 0.02, scale.of(10, 4) * 50), scale.of(10, 4), node):
        yield Row(what, "µs CPU/value", ours.us, peer.us, name, note=f"peer takes {peer.rate:,.0f}/s of 250,000")
    yield Row(f"{what}: values lost", "values", ours.lost, bar=Bar("ours", "at most", 0, 0), note=f"of {ours.values}")
    yield Row(f"{what}: peak memory", "MiB", ours.peak_mib)


def polling(scale: Scale, node: Path | None) -> Iterator[Row]:
    """5,000 nodes read as often as it goes."""
    seconds = scale.of(10, 4)
    offer = Offer("double", 1.0, 0)
    ours = against(offer, polled, seconds)
    peers = [("asyncua read", against(offer, asyncua_reads, seconds))]
    if node is not None:
        peers.append(("node-opcua read", against(offer, node_client, seconds, node, "read")))
    bar = Bar("ours", "at most", 0.3, 0.4)
    for name, peer in peers:
        note = f"peer {peer.rate:,.0f} values/s"
        yield Row("polling 5,000 nodes -> journal", "µs CPU/value", ours.us, peer.us, name, bar, note)
    yield Row("polling 5,000 nodes", "values/s", ours.rate, bar=Bar("ours", "at least", 1e6, 4e5))


def worst(scale: Scale) -> Iterator[Row]:
    """Every item of another type than the one before it, strings and arrays among them."""
    seconds = scale.of(30, 8)
    what = "type changes at every item, strings, arrays"
    bar = Bar("ours", "at most", 1.0, 1.3)
    for kind, how in (("worst", "never twice in one order"), ("mixed", "always in one order")):
        ours = against(Offer(kind, 0.1, seconds * 10), collected, seconds)
        peer = against(Offer(kind, 0.1, scale.of(15, 4) * 10), asyncua_callback, scale.of(15, 4))
        yield Row(
            f"{what}, {how} -> journal", "µs CPU/value", ours.us, peer.us, "asyncua callback", bar, _sealing(ours)
        )
        yield Row(
            f"{what}: values lost", "values", ours.lost, bar=Bar("ours", "at most", 0, 0), note=f"of {ours.values}"
        )


def _sealing(ours: Taken) -> str:
    return f"{ours.rate:,.0f} values/s, {ours.core:.1f} % of a core, {ours.behind_s / max(1, ours.measured) * 1e6:.2f} µs of it sealing"


def _peers(offer: Offer, seconds: int, node: Path | None) -> Iterator[tuple[str, Taken]]:
    yield "asyncua callback", against(offer, asyncua_callback, seconds)
    yield "asyncua handler", against(offer, asyncua_handler, seconds)
    if node is not None:
        yield "node-opcua", against(offer, node_client, seconds, node, "watch")


def _node_opcua() -> Path | None:
    """The folder of node-opcua, None where it cannot be had."""
    if shutil.which("node") is None:
        return None
    script = HERE.parent / ".ci" / "node_package.py"
    asked = subprocess.run(
        [sys.executable, str(script), "node-opcua", NODE_OPCUA], check=False, capture_output=True, text=True
    )
    return Path(asked.stdout.strip()) / "node_modules" if asked.returncode == 0 else None


# The server and a client, each in a process of its own


@dataclass(frozen=True)
class Offer:
    """What the server publishes: of a kind, so often, so many times."""

    kind: str
    every_s: float
    ticks: int


def against(offer: Offer, client: Callable[..., Taken], *arguments: Any) -> Taken:
    """What *client* takes of *offer*, with what it lost."""
    one_heap()  # of this process too: those made by it load pyarrow before they come to their work
    with _process(_serve, offer) as server:
        port = server.recv()
        with _process(_run, client, f"opc.tcp://127.0.0.1:{port}/raw", offer, *arguments) as there:
            taken = there.recv()
        server.send("enough")
        offered = server.recv()
    if isinstance(taken, BaseException):
        raise taken
    return Taken(**{**vars(taken), "lost": max(0, offered - taken.values) if offer.ticks else 0})


@contextmanager
def _process(work: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=work, args=(there, *arguments))
    process.start()
    there.close()
    try:
        yield here
    finally:
        process.join(20)
        process.terminate()


def _run(pipe: Connection, client: Callable[..., Taken], *arguments: Any) -> None:
    try:
        pipe.send(client(*arguments))
    except Exception as error:  # noqa: BLE001 - raised again where the figures are wanted
        pipe.send(RuntimeError(f"{client.__name__}: {type(error).__name__}: {error}"))


def _serve(pipe: Connection, offer: Offer) -> None:
    async def main() -> None:
        reads = Rows(_items("double"), handles=False)
        async with RawServer(_feed(offer.kind), _now, offer.every_s, offer.ticks, reads=reads) as server:
            pipe.send(server.port)
            while not pipe.poll():  # noqa: ASYNC110 - the other end is a process
                await asyncio.sleep(0.1)
            pipe.send(server.offered)

    asyncio.run(main())


def _feed(kind: str) -> Feed:
    """Of the worst, no two notifications in a row have the same types in the same places."""
    if kind == "worst":
        return InTurn([Changing(Rows(_items("mixed", turn), handles=True)) for turn in range(3)])
    return Changing(Rows(_items(kind), handles=True))


def _items(kind: str, turn: int = 0) -> list[Item]:
    if kind == "double":
        return [Item(double(float(each)), None, 1, None, 1) for each in range(NODES)]
    return [Item(variant(*MIXED[(each + turn) % len(MIXED)]), None, 1, None, 1) for each in range(NODES)]


def _now() -> int:
    return time.time_ns() // 1000


# Ours


class _Watch:
    """Notes CPU and values once a second."""

    def __init__(self) -> None:
        self.marks: list[tuple[float, float, int, float, float]] = []

    def status(self, status: Status) -> None:
        """One mark."""
        self.marks.append((time.monotonic(), _cpu_s(), status.delivered, _now_mib(), _behind_s()))

    def notice(self, notice: Notice) -> None:
        """Whatever is said is worth seeing."""
        print(f"    {notice}", file=sys.stderr)


def collected(url: str, _offer: Offer, seconds: int) -> Taken:
    """The whole collector, as ``factory-kit collect`` runs it."""
    one_heap()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store", now=_now)
        watch = _Watch()
        site, connectors = _plant(url)
        done = collect_until_stopped(site, connectors, store, now=_now, seconds=seconds + 6.0, observer=watch)
        (told,) = store.connect(threads=1).execute("select count(*) from samples").fetchone() or (0,)
    begun = next(each[0] for each in watch.marks if each[2])
    steady = [each for each in watch.marks if each[0] >= begun + WARM_S and each[2] < done.samples]
    first, last, early, late = steady[0], steady[-1], steady[: len(steady) // 2 + 1], steady[len(steady) // 2 :]
    return Taken(
        values=told,
        measured=last[2] - first[2],
        cpu_s=last[1] - first[1],
        wall_s=last[0] - first[0],
        peak_mib=max(each[3] for each in watch.marks),
        grown_mib=max(each[3] for each in late) - max(each[3] for each in early),
        told_lost=done.dropped,
        behind_s=last[4] - first[4],
    )


def _plant(url: str) -> tuple[Site, dict[str, Connector]]:
    points = [
        {"name": f"p{each}", "label": TEXT, "role": "other", "address": f"ns=1;i={1000 + each}", "type": "float64"}
        for each in range(NODES)
    ]
    connector = Connector.model_validate(
        {
            "connector": "raw", "version": "1", "label": TEXT, "driver": "opcua", "sources": [{"title": "benchmark"}],
            "quality": {"grade": "bronze", "because": "samples"}, "limits": {"min_interval_ms": 100}, "points": points,
        },
        strict=False,
    )  # fmt: skip
    address = url.removeprefix("opc.tcp://").partition("/")[0]
    site = Site.model_validate(
        {
            "site": 1, "kind": "real",
            "plant": {"id": "p", "name": TEXT, "credit_code": "91310117MA1J000003", "type": "discrete", "industry": {"code": "C3484"}},
            "servers": {"raw": {"driver": "opcua", "url": url, "security": "None", "publishing_ms": 100}},
            "equipment": [{"id": "m", "name": TEXT, "kind": "other", "connector": "raw", "server": "raw"}],
            "authorisation": {"granted_by": "p", "reference": "1", "granted_on": "2020-01-01", "valid_until": "2099-12-31", "addresses": [address]},
        },
        strict=False,
    )  # fmt: skip
    return site, {"raw": connector}


def polled(url: str, _offer: Offer, seconds: int) -> Taken:
    """The driver reads as often as it can, books and journals what comes."""
    one_heap()
    lean()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_polled(url, Store(Path(folder) / "store", now=_now), seconds))


async def _polled(url: str, store: Store, seconds: int) -> Taken:
    ids = store.register(
        [
            CataloguePoint("m", f"p{each}", "other", "", "float64", f"ns=1;i={each}", "raw", "1", "raw")
            for each in range(NODES)
        ]
    )
    outbox = Outbox()
    book = Book(ids, outbox, ServerState("raw", "", "opcua", NODES))
    device = OpcUaDevice("raw", OpcUaServer(driver="opcua", url=url, security="None"), Context(now=_now))
    await device.connect()
    await device.subscribe([NodeItem(f"ns=1;i={1000 + each}", 1.0, 1, polled=True) for each in range(NODES)], 100.0)
    values, marks, ends = 0, [], time.monotonic() + seconds + 1
    with store.writer(Run("poll", _now(), Origin.LIVE, "real", "collect")) as writer:
        while time.monotonic() < ends:
            for arrival in await device.arrivals():
                book.deliver(arrival.batch)
                values += len(arrival.batch)
            if outbox.count >= 50_000:
                batch = outbox.take()
                if batch is not None:
                    await asyncio.to_thread(writer.append, batch)
                outbox.written()
            marks.append((time.monotonic(), _cpu_s(), values, _behind_s()))
        await device.aclose()
        writer.loss(LossEntry(ids[0], values))
    first = next(each for each in marks if each[0] >= marks[0][0] + 1)
    last = marks[-1]
    return Taken(
        values,
        last[2] - first[2],
        last[1] - first[1],
        last[0] - first[0],
        _peak_mib() or 0.0,
        0.0,
        0,
        0,
        last[3] - first[3],
    )


def _now_mib() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return _peak_mib() or 0.0
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _behind_s() -> float:
    """CPU seconds of the thread that seals, 0 where the system does not tell."""
    spent, ticks = 0.0, getattr(os, "sysconf", lambda _name: 100)("SC_CLK_TCK")
    for thread in threading.enumerate():
        stat = Path(f"/proc/self/task/{thread.native_id}/stat")
        if thread.name == "store-keeper" and stat.exists():
            fields = stat.read_text(encoding="ascii").rpartition(")")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / ticks
    return spent


# The peers


class _Count:
    """Counts values and notes the CPU at the first and the last."""

    def __init__(self) -> None:
        self.values = 0
        self.first: tuple[float, float, int] | None = None
        self.last = (0.0, 0.0, 0)

    def add(self, count: int) -> None:
        """So many more."""
        self.values += count
        self.last = (time.monotonic(), _cpu_s(), self.values)
        self.first = self.first or self.last

    def taken(self) -> Taken:
        """What came."""
        first = self.first or self.last
        return Taken(
            self.values, self.last[2] - first[2], self.last[1] - first[1], self.last[0] - first[0], _peak_mib() or 0.0
        )


class _Handler:
    """asyncua calls this for every value."""

    def __init__(self) -> None:
        self.count = _Count()
        self._waiting = 0

    def datachange_notification(self, _node: Any, _value: Any, _data: Any) -> None:
        """One value."""
        self._waiting += 1
        if self._waiting == NODES:
            self.count.add(NODES)
            self._waiting = 0

    def taken(self) -> Taken:
        """What came."""
        taken = self.count.taken()
        return Taken(**{**vars(taken), "values": taken.values + self._waiting})


async def _client(url: str) -> Client:
    client = Client(url, timeout=60, watchdog_intervall=60)
    await client.connect()
    return client


def asyncua_handler(url: str, _offer: Offer, seconds: int) -> Taken:
    """A subscription of asyncua with a handler."""

    async def main() -> Taken:
        client, handler = await _client(url), _Handler()
        subscription = await client.create_subscription(100, handler)
        nodes = [client.get_node(ua.NodeId(1000 + each, 1)) for each in range(NODES)]
        for at in range(0, NODES, 1000):
            await subscription.subscribe_data_change(nodes[at : at + 1000], queuesize=10)
        await asyncio.sleep(seconds + 2)
        taken = handler.taken()
        await client.disconnect()
        return taken

    return asyncio.run(main())


def asyncua_callback(url: str, _offer: Offer, seconds: int) -> Taken:
    """The decoder of asyncua alone: a callback for every notification."""

    async def main() -> Taken:
        client, count = await _client(url), _Count()

        def told(result: Any) -> None:
            count.add(sum(len(part.MonitoredItems) for part in result.NotificationMessage.NotificationData))

        parameters = ua.CreateSubscriptionParameters(100, 6000, 20, 0, PublishingEnabled=True)
        created = await client.uaclient.session.create_subscription(parameters, told)
        for at in range(0, NODES, 1000):
            await client.uaclient.session.create_monitored_items(_wishes(created.SubscriptionId, range(at, at + 1000)))
        await asyncio.sleep(seconds + 2)
        taken = count.taken()
        await client.disconnect()
        return taken

    return asyncio.run(main())


def _wishes(subscription: int, places: Sequence[int]) -> Any:
    wishes = ua.CreateMonitoredItemsParameters(subscription, ua.TimestampsToReturn.Both)
    wishes.ItemsToCreate = [
        ua.MonitoredItemCreateRequest(
            ua.ReadValueId(ua.NodeId(1000 + each, 1), ua.AttributeIds.Value),
            ua.MonitoringMode.Reporting,
            ua.MonitoringParameters(each, 100.0, QueueSize=10),
        )
        for each in places
    ]
    return wishes


def asyncua_reads(url: str, _offer: Offer, seconds: int) -> Taken:
    """The Read of asyncua of 1,000 nodes at a time."""

    async def main() -> Taken:
        client, count = await _client(url), _Count()
        wanted = [ua.ReadValueId(ua.NodeId(1000 + each, 1), ua.AttributeIds.Value) for each in range(NODES)]
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for at in range(0, NODES, 1000):
                both = ua.TimestampsToReturn.Both
                parameters = ua.ReadParameters(0, both, wanted[at : at + 1000])
                count.add(len(await client.uaclient.session.read(parameters)))
        await client.disconnect()
        return count.taken()

    return asyncio.run(main())


def node_client(url: str, _offer: Offer, seconds: int, node: Path, what: str) -> Taken:
    """node-opcua's client, in a process of node."""
    done = subprocess.run(
        [shutil.which("node") or "node", str(HERE / "opcua_peer.js"), url, str(NODES), str(seconds + 2 if what == "watch" else seconds), what],
        check=True, capture_output=True, text=True, env={**os.environ, "NODE_PATH": str(node)},
    )  # fmt: skip
    said = json.loads(next(line for line in reversed(done.stdout.splitlines()) if line.startswith("{")))
    return Taken(**said)
