"""Modbus beside pymodbus and libmodbus: planning, speed on the wire, decoding, a dead unit, an illegal address, a plant of meters.

The devices are a server of ours on libmodbus (``peers/modbus_server.c``, compiled here with gcc and libmodbus-dev).
"""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import partial
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.frame import Bar, Row, Scale, measured
from factory_kit.collect.book import Book
from factory_kit.collect.decode import Decoder, Slot
from factory_kit.collect.job import Settings
from factory_kit.collect.outbox import Outbox
from factory_kit.collect.plan import ServerPlan, plan_site
from factory_kit.collect.poll import PollJob
from factory_kit.collect.run import collect_until_stopped
from factory_kit.collect.status import ServerState
from factory_kit.drivers.base import Context, ReadRequest
from factory_kit.drivers.modbus.reader import ModbusDevice
from factory_kit.model.connector import ORDERS, Connector, Point
from factory_kit.model.registers import registers_of
from factory_kit.model.site import ModbusServer, Site
from factory_kit.store import Store

HERE = Path(__file__).resolve().parent
LABEL = {"zh": "值", "en": "value"}
HOST = "127.0.0.1"


def rows(scale: Scale) -> Iterator[Row]:
    """All figures of the promise, in its order."""
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(Path(folder))
        yield from planning(programs, scale)
        yield from speed(programs, scale)
        yield from decoding(scale)
        yield from dead_unit(programs, scale)
        yield from illegal_address()
        yield from meters(programs, scale)


class Programs:
    """The peers in C, compiled once."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("gcc") is None:
            sys.exit("this benchmark compiles its peers: install gcc and libmodbus-dev")
        self._folder = folder
        for name in ("modbus_server", "modbus_client"):
            source = HERE / "peers" / f"{name}.c"
            words = ["gcc", "-O2", "-o", str(folder / name), str(source), "-I/usr/include/modbus", "-lmodbus"]
            subprocess.run(words, check=True)

    @contextmanager
    def server(self, latency_ms: int = 0, silent: int = 0) -> Iterator[int]:
        """The port of a device."""
        words = [str(self._folder / "modbus_server"), "tcp", "0", str(latency_ms), str(silent)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield int(process.stdout.readline())
            finally:
                process.terminate()

    def client(self, port: int, seconds: float) -> tuple[float, float]:
        """Requests a second, and µs of processor for each, of libmodbus."""
        words = [str(self._folder / "modbus_client"), str(port), "125", str(seconds)]
        requests, wall, cpu = map(
            float, subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
        )
        return requests / wall, cpu / requests * 1e6


# Planning


def planning(programs: Programs, scale: Scale) -> Iterator[Row]:
    """500 two-register values over 5,000 registers of a device that takes 10 ms for an answer."""
    chance = random.Random(7)
    places = [2 * place for place in sorted(chance.sample(range(2500), 500))]
    points = [_point(f"p{place}", f"holding:{place}", "float32") for place in places]
    with programs.server(latency_ms=10) as port:
        plan = _plan(points, port, limits={"max_gap": 100})
        seconds, ours, really = asyncio.run(_cycles(plan, scale.of(7, 3)))
        began = time.perf_counter()
        theirs = asyncio.run(_one_by_one(port, places[: scale.of(500, 50)]))
        peer = (time.perf_counter() - began) * 500 / len(theirs)
    same = np.array_equal(ours[: len(theirs)], np.array(theirs), equal_nan=True)
    yield Row(
        "500 scattered floats, 10 ms a request: a cycle", "s", seconds, peer, "pymodbus, one by one", Bar("ours", "at most", 0.45, 0.6),
        f"{len(plan.reads)} requests; {'the same values' if same else 'VALUES DIFFER'}; this machine made {really * 1000:.1f} ms of the device's 10",
    )  # fmt: skip
    yield Row(
        "500 scattered floats: values that differ from one by one",
        "values",
        float(not same),
        bar=Bar("ours", "at most", 0, 0),
    )


async def _cycles(plan: ServerPlan, count: int) -> tuple[float, np.ndarray[Any, Any], float]:
    """The median seconds of a cycle of *plan*, its values in the order of the points, and of one register alone."""
    device = _device(plan.server)
    await device.connect()
    decoders = [_decoder(plan, read) for read in plan.reads]
    times, values = [], np.full(len(plan.points), np.nan)
    for _ in range(count):
        began = time.perf_counter()
        for read, decoder in zip(plan.reads, decoders, strict=True):
            answer = await device.read(read.request)
            assert answer.words is not None
            values[list(read.points)] = decoder(answer.words).value
        times.append(time.perf_counter() - began)
    alone = []
    for _ in range(20):
        began = time.perf_counter()
        await device.read(ReadRequest(1, "holding", 0, 1))
        alone.append(time.perf_counter() - began)
    await device.aclose()
    return statistics.median(times), values, statistics.median(alone)


def _decoder(plan: ServerPlan, read: Any) -> Decoder:
    places = [plan.points[place] for place in read.points]
    return Decoder(
        [Slot(each.point, int(each.address.split(":")[1]) - read.request.address) for each in places],
        read.request.count,
    )


async def _one_by_one(port: int, places: Sequence[int]) -> list[float]:
    from pymodbus.client import AsyncModbusTcpClient

    client = AsyncModbusTcpClient(HOST, port=port)
    await client.connect()
    values = []
    for place in places:
        answer = await client.read_holding_registers(place, count=2, device_id=1)
        values.append(float(client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)))  # type: ignore[arg-type]
    client.close()
    return values


# Speed


def speed(programs: Programs, scale: Scale) -> Iterator[Row]:
    """125 registers a request, in turn with libmodbus' client at the same server, so that a busy machine burdens all alike."""
    seconds, rounds = (1.0, 7) if not scale.quick else (0.3, 3)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ("libmodbus", "one", "four", "pymodbus")}
    with programs.server() as port:
        for _ in range(rounds):
            found["libmodbus"].append(programs.client(port, seconds))
            found["one"].append(asyncio.run(_requests(port, 1, seconds)))
            found["four"].append(asyncio.run(_requests(port, 4, seconds)))
            found["pymodbus"].append(asyncio.run(_requests_of_pymodbus(port, seconds)))
    rate = {name: statistics.median(each[0] for each in runs) for name, runs in found.items()}
    cpu = {name: statistics.median(each[1] for each in runs) for name, runs in found.items()}
    bars = Bar("ratio", "at least", 0.6, 0.4), Bar("ratio", "at least", 1.0, 0.6)
    yield Row(
        "125 registers a request, one connection",
        "requests/s",
        rate["one"],
        rate["libmodbus"],
        "libmodbus C client",
        bars[0],
        "goal 0.85",
    )
    yield Row(
        "125 registers a request, four connections",
        "requests/s",
        rate["four"],
        rate["libmodbus"],
        "libmodbus C client",
        bars[1],
        "goal 2.0",
    )
    yield Row(
        "125 registers a request, one connection",
        "requests/s",
        rate["one"],
        rate["pymodbus"],
        "pymodbus",
        Bar("ratio", "at least", 1.0, 1.0),
    )
    yield Row("processor for a request, one connection", "µs CPU", cpu["one"], cpu["libmodbus"], "libmodbus C client")
    yield Row("processor for a request, four connections", "µs CPU", cpu["four"], cpu["pymodbus"], "pymodbus")


async def _requests(port: int, connections: int, seconds: float) -> tuple[float, float]:
    device = _device(ModbusServer(driver="modbus", host=HOST, port=port, connections=connections))
    await device.connect()
    plan = [ReadRequest(1, "holding", first, 125) for first in range(0, 50_000, 125)]  # as a collection has it
    done = 0

    async def ask() -> None:
        nonlocal done
        for request in cycle(plan):
            answer = await device.read(request)
            assert answer.words is not None
            assert answer.words[0] == request.address
            done += 1
            if time.perf_counter() >= end:
                break

    began, cpu = time.perf_counter(), time.process_time()
    end = began + seconds
    await asyncio.gather(*(ask() for _ in range(connections)))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    await device.aclose()
    return done / wall, cpu / done * 1e6


async def _requests_of_pymodbus(port: int, seconds: float) -> tuple[float, float]:
    from pymodbus.client import AsyncModbusTcpClient

    client = AsyncModbusTcpClient(HOST, port=port)
    await client.connect()
    began, cpu, done, first = time.perf_counter(), time.process_time(), 0, 0
    while time.perf_counter() < began + seconds:
        answer = await client.read_holding_registers(first, count=125, device_id=1)
        assert answer.registers[0] == first
        first = (first + 125) % 50_000
        done += 1
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    client.close()
    return done / wall, cpu / done * 1e6


# Decoding

KINDS = ("uint16", "int16", "uint32", "float32", "int32", "float64", "bcd32", "uint64", "bits16", "mod10k32")


def decoding(scale: Scale) -> Iterator[Row]:
    """10,000 points of ten types in four orders, every third with a sentinel, every second with a scale."""
    slots, place = [], 0
    for number in range(10_000):
        kind = KINDS[number % len(KINDS)]
        more: dict[str, Any] = {"na": "sunspec"} if number % 3 == 0 else {}
        row = _point(
            f"p{number}", "holding:0", kind, order=ORDERS[number % 4], scale=Decimal("0.1") if number % 2 else 1, **more
        )
        slots.append(Slot(Point.model_validate(row, strict=False), place))
        place += registers_of(slots[-1].point)
    words = np.random.default_rng(1).integers(0, 4096, place).astype(np.uint16)
    decoder = Decoder(slots, place)
    ours = _cost(lambda: decoder(words), scale.of(200, 40)) / 10_000
    theirs = _cost(_pymodbus_decoding(slots, words), scale.of(5, 2)) / 10_000
    yield Row(
        "decoding 10,000 mixed points",
        "µs/value",
        ours,
        theirs,
        "pymodbus (no scales, one order)",
        Bar("ours", "at most", 0.3, 0.3),
    )


def _pymodbus_decoding(slots: Sequence[Slot], words: np.ndarray[Any, Any]) -> Any:
    from pymodbus.client.mixin import ModbusClientMixin as Mixin

    known = {
        name: getattr(Mixin.DATATYPE, name.upper())
        for name in ("uint16", "int16", "uint32", "float32", "int32", "float64", "uint64")
    }
    plain = words.tolist()
    wanted = [
        (plain[slot.offset : slot.offset + registers_of(slot.point)], known.get(slot.point.type, Mixin.DATATYPE.UINT16))
        for slot in slots
    ]
    wanted = [(part if kind.value[1] == len(part) else part[:1], kind) for part, kind in wanted]
    return lambda: [Mixin.convert_from_registers(part, kind) for part, kind in wanted]


def _cost(work: Any, times: int) -> float:
    """µs of processor for *work* once, the best of five rounds."""
    work()
    costs = []
    for _ in range(5):
        began = time.process_time()
        for _again in range(times):
            work()
        costs.append((time.process_time() - began) / times * 1e6)
    return min(costs)


# A dead unit


def dead_unit(programs: Programs, scale: Scale) -> Iterator[Row]:
    """Eight units behind one gateway at 5 Hz; what the seven others deliver while the eighth is silent, beside what they deliver when it answers."""
    seconds = scale.of(30, 8)
    points = [_point("a", "holding:0", "float32"), _point("b", "holding:2", "float32")]
    rates = []
    for silent in (8, 0):
        with programs.server(latency_ms=5, silent=silent) as port:
            plan = _plan(points, port, units=range(1, 9), interval_ms=200, timeout_ms=300)
            rates.append(asyncio.run(_delivered(plan, seconds, lambda planned: planned.unit < 8)) / seconds)
    yield Row(
        "eight units, one dead: what the others deliver",
        "values/s",
        rates[0],
        rates[1],
        "with all alive",
        Bar("ratio", "at least", 0.9, 0.75),
    )


async def _delivered(plan: ServerPlan, seconds: float, wanted: Any) -> int:
    """How many good samples the *wanted* points of *plan* give in so many seconds."""
    state = ServerState(plan.name, plan.server.address, "modbus", len(plan.points))
    watcher = SimpleNamespace(status=lambda _status: None, notice=lambda _notice: None)
    job = PollJob(plan, _device(plan.server), Settings(_now, watcher, state))
    outbox = Outbox()
    await job.open()
    work = asyncio.create_task(job.run(Book(range(len(plan.points)), outbox, state)))
    await asyncio.wait([work], timeout=seconds)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await job.close()
    whole = outbox.take()
    assert whole is not None
    places = np.array([place for place, planned in enumerate(plan.points) if wanted(planned)])
    return int(((whole.quality == 0) & np.isin(whole.point, places)).sum())


# An illegal address


def illegal_address() -> Iterator[Row]:
    """One illegal address in a block of a hundred, at every tenth place: the most requests it takes, and the least points that come in the same cycle."""
    from factory_kit.testing.numbered import NumberedServer

    extra, delivered = [], []
    for bad in (0, 17, 33, 49, 50, 66, 82, 99):
        with NumberedServer(holes=[range(1000 + bad, 1001 + bad)]) as server:
            points = [_point(f"p{n}", f"holding:{1000 + n}", "uint16") for n in range(100)]
            plan = _plan(points, server.port, interval_ms=60_000)
            delivered.append(asyncio.run(_delivered(plan, 1.0, lambda _planned: True)))
            extra.append(sum(request.function == 3 for request in server.requests) - 1)
    yield Row(
        "one illegal address in 100: requests more, once", "requests", max(extra), bar=Bar("ours", "at most", 8, 8)
    )
    yield Row(
        "one illegal address in 100: others in the same cycle",
        "points",
        min(delivered),
        bar=Bar("ours", "at least", 99, 99),
    )


# A plant of meters


def meters(programs: Programs, scale: Scale) -> Iterator[Row]:
    """1,000 points of 20 devices once a second into the journal."""
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        ports = [stack.enter_context(programs.server(latency_ms=5)) for _ in range(20)]
        share = Path(folder) / "share"
        cost = measured(partial(_collected, ports, scale.of(30, 8), share), 1)
        percent = float(share.read_text(encoding="utf-8"))
    yield Row(
        "1,000 points of 20 devices at 1 Hz: processor", "% of a core", percent, 3.0, "NeuronEX, 10,000 (published)",
        Bar("ours", "at most", 5.0, 8.0), f"{cost.units:.0f} samples stored",
    )  # fmt: skip
    if cost.peak_mib is not None:
        yield Row(
            "1,000 points of 20 devices at 1 Hz: peak memory",
            "MiB",
            cost.peak_mib,
            199,
            "NeuronEX (published)",
            Bar("ours", "at most", 150, 160),
        )


def _collected(ports: Sequence[int], seconds: int, share: Path) -> float:
    """How many samples came; the share of a core while it ran goes to *share*."""
    points = [_point(f"p{n}", f"holding:{4 * n}", "float32") for n in range(50)]
    servers = {f"d{port}": {"driver": "modbus", "host": HOST, "port": port} for port in ports}
    equipment = [
        {"id": f"m{port}", "name": LABEL, "connector": "meter", "server": f"d{port}", "unit": 1} for port in ports
    ]
    marks: list[tuple[float, float]] = []
    watcher = SimpleNamespace(
        status=lambda _status: marks.append((time.perf_counter(), time.process_time())),
        notice=print,
    )
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store", now=_now)
        site, connectors = _site(servers, equipment), {"meter": _connector(points, {"max_gap": 2})}
        outcome = collect_until_stopped(site, connectors, store, now=_now, seconds=seconds, observer=watcher)
    (began, cpu), (ended, cpu_at_end) = marks[1], marks[-2]
    share.write_text(str(100 * (cpu_at_end - cpu) / (ended - began)), encoding="utf-8")
    return float(outcome.samples)


# What all share


def _now() -> int:
    return time.time_ns() // 1000


def _point(name: str, address: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "label": LABEL, "role": "other", "address": address, "type": kind, **more}


def _connector(points: Sequence[dict[str, Any]], limits: dict[str, Any]) -> Connector:
    content = {
        "connector": "meter", "version": "1", "label": LABEL, "driver": "modbus", "sources": [{"title": "benchmark"}],
        "quality": {"grade": "bronze", "because": "benchmark"}, "limits": {"min_interval_ms": 1, **limits}, "points": points,
    }  # fmt: skip
    return Connector.model_validate(content, strict=False)


def _site(servers: dict[str, dict[str, Any]], equipment: Sequence[dict[str, Any]]) -> Site:
    plant = {
        "id": "p",
        "name": LABEL,
        "credit_code": "91310117MA1J000003",
        "type": "discrete",
        "industry": {"code": "C3484"},
    }
    allowed = {
        "granted_by": "benchmark", "reference": "1", "granted_on": "2020-01-01", "valid_until": "2099-12-31",
        "addresses": [f"{server['host']}:{server['port']}" for server in servers.values()],
    }  # fmt: skip
    content = {
        "site": 1,
        "kind": "real",
        "plant": plant,
        "authorisation": allowed,
        "servers": servers,
        "equipment": equipment,
    }
    return Site.model_validate(content, strict=False)


def _plan(
    points: Sequence[dict[str, Any]],
    port: int,
    *,
    units: Sequence[int] = (1,),
    limits: dict[str, Any] | None = None,
    **server: Any,
) -> ServerPlan:
    equipment = [
        {"id": f"m{unit}", "name": LABEL, "connector": "meter", "server": "line", "unit": unit} for unit in units
    ]
    site = _site({"line": {"driver": "modbus", "host": HOST, "port": port, **server}}, equipment)
    return plan_site(site, {"meter": _connector(points, limits or {})}).servers[0]


def _device(server: Any) -> ModbusDevice:
    return ModbusDevice(server, Context(_now))
