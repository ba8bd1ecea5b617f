"""Polling against real servers: what is refused, what is late, what is not plausible."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from factory_kit.collect.book import Book
from factory_kit.collect.job import Settings
from factory_kit.collect.outbox import Outbox
from factory_kit.collect.plan import ServerPlan, plan_site
from factory_kit.collect.poll import PollJob
from factory_kit.collect.preview import describe_plan, measured_intervals
from factory_kit.collect.run import collect
from factory_kit.collect.status import ServerState
from factory_kit.drivers import driver
from factory_kit.drivers.base import Context
from factory_kit.drivers.status import Status
from factory_kit.model.sample import SampleBatch
from factory_kit.testing.numbered import NumberedServer

pytestmark = pytest.mark.wire


class Polled:
    """What came of polling *plan* for some seconds."""

    def __init__(self, plan: ServerPlan, now: Any) -> None:
        self.plan, self.now = plan, now
        self.lines: list[str] = []
        self.batches: list[SampleBatch] = []
        self.outbox = Outbox()

    def run(self, seconds: float) -> Polled:
        """Poll for *seconds*, or until ``enough`` says so."""
        asyncio.run(asyncio.wait_for(self._run(seconds), 60))
        return self

    async def _run(self, seconds: float) -> None:
        watcher = SimpleNamespace(status=lambda _status: None, notice=lambda notice: self.lines.append(str(notice)))
        state = ServerState(self.plan.name, self.plan.server.address, "modbus", len(self.plan.points))
        device: Any = driver("modbus").device(self.plan.name, self.plan.server, Context(self.now))
        job = PollJob(self.plan, device, Settings(self.now, watcher, state))
        self.book = Book(range(len(self.plan.points)), self.outbox, state)
        await job.open()
        work = asyncio.create_task(job.run(self.book))
        await asyncio.wait([work], timeout=seconds)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await job.close()
        whole = self.outbox.take()
        assert whole is not None
        self.samples = whole

    def values(self, name: str) -> list[float]:
        """The values of the point called *name* in order."""
        return self.samples.value[self._rows(name)].tolist()

    def statuses(self, name: str) -> set[int]:
        """The statuses its samples had."""
        assert self.samples.status is not None
        return set(self.samples.status[self._rows(name)].tolist())

    def _rows(self, name: str) -> Any:
        place = next(n for n, planned in enumerate(self.plan.points) if planned.point.name == name)
        return np.flatnonzero(self.samples.point == place)


@pytest.fixture
def polled(make_site: Any, make_connector: Any, now: Any) -> Any:
    """Poll points of one connector at a server for some seconds."""

    def made(
        port: int,
        *points: Any,
        seconds: float = 1.0,
        units: tuple[int, ...] = (1,),
        server: dict[str, Any] | None = None,
        **more: Any,
    ) -> Polled:
        connector = make_connector("modbus", *points, **more)
        line = {
            "driver": "modbus",
            "host": "127.0.0.1",
            "port": port,
            "interval_ms": 100,
            "timeout_ms": 2000,
            **(server or {}),
        }
        site = make_site(
            {"line": line},
            [{"id": f"m{unit}", "connector": "modbus", "server": "line", "unit": unit} for unit in units],
        )
        return Polled(plan_site(site, {"modbus": connector}).servers[0], now).run(seconds)

    return made


HUNDRED = [(f"r{n}", f"holding:{1000 + n}", "uint16") for n in range(100)]


@pytest.mark.parametrize("bad", [0, 42, 99])
def test_an_illegal_address_is_found_once_and_remembered(polled: Any, bad: int) -> None:
    """Of a hundred points 99 come in the very first cycle, after at most eight requests more; later cycles ask two requests, or one."""
    with NumberedServer(holes=[range(1000 + bad, 1001 + bad)]) as server:
        found = polled(server.port, *HUNDRED, server={"interval_ms": 300})
        asked = [request for request in server.requests if request.function == 3]

    assert found.lines == [
        f"line: unit 1: holding:{1000 + bad} is refused with exception 2; the others go on without it"
    ]
    assert found.statuses(f"r{bad}") == {2}
    first_cycle = {int(place) for place in found.samples.point[:100]}
    assert len(first_cycle) == 100
    for n in range(100):
        assert n == bad or set(found.values(f"r{n}")) == {1000 + n}
    refused = [request for request in asked if request.address <= 1000 + bad < request.address + request.count]
    counts = Counter(len(found.values(f"r{n}")) for n in range(100))
    assert len(refused) <= 8
    assert len(asked) <= 9 + 2 * max(counts)


def test_a_hole_that_may_not_be_read_costs_no_point(polled: Any) -> None:
    """Where the gap between two points is what the device refuses, both points go on, each with a request of its own."""
    points = [("a", "holding:10", "uint16"), ("b", "holding:14", "uint16"), ("c", "holding:15", "uint16")]
    with NumberedServer(holes=[range(12, 13)]) as server:
        found = polled(server.port, *points, limits={"max_gap": 10, "min_interval_ms": 20})

    assert found.lines == []
    assert [set(found.values(name)) for name in "abc"] == [{10}, {14}, {15}]


def test_several_illegal_addresses_are_all_found(polled: Any) -> None:
    """Two bad ones among two-register values: only those that touch them are lost."""
    points = [(f"r{n}", f"holding:{2 * n}", "uint32") for n in range(20)]
    with NumberedServer(holes=[range(7, 8), range(30, 33)]) as server:
        found = polled(server.port, *points)

    assert {n for n in range(20) if 2 in found.statuses(f"r{n}")} == {3, 15, 16}
    assert all(set(found.values(f"r{n}")) == {(2 * n << 16) + 2 * n + 1} for n in range(20) if n not in {3, 15, 16})


def test_what_lies_behind_long_stretches_of_illegal_addresses_is_read_at_once(polled: Any) -> None:
    """Two stretches of twenty in a hundred: the points before, between and behind them come in the first cycle, within one search."""
    holes = [range(1020, 1040), range(1060, 1080)]
    with NumberedServer(holes=holes) as server:
        found = polled(server.port, *HUNDRED, server={"interval_ms": 5_000})
        asked = [request for request in server.requests if request.function == 3]

    fine = [n for n in range(100) if not any(1000 + n in hole for hole in holes)]
    assert [n for n in fine if set(found.values(f"r{n}")) != {1000 + n}] == []
    assert all(2 in found.statuses(f"r{n}") for n in range(100) if n not in fine)
    assert len(asked) <= 65


def test_a_block_that_is_refused_altogether_is_not_searched_for_ever(polled: Any) -> None:
    """A hundred points at a wrong place are bad samples at every beat, one line, and no storm of requests."""
    with NumberedServer(holes=[range(900, 1200)]) as server:
        found = polled(server.port, *HUNDRED, ("fine", "holding:5", "uint16"))
        asked = [request for request in server.requests if request.function == 3 and request.address > 5]

    assert len(asked) <= 65
    assert all(found.statuses(f"r{n}") == {2} for n in range(100))
    assert set(found.values("fine")) == {5}
    assert len(found.lines) == 1


def test_what_is_not_plausible_is_a_bad_sample_without_value(polled: Any) -> None:
    """A value above its limit is stored as bad with a status that says so, its neighbour is good."""
    hot = {"name": "hot", "address": "holding:500", "type": "uint16", "max": 400}
    with NumberedServer() as server:
        found = polled(server.port, hot, ("fine", "holding:501", "uint16"))

    assert found.statuses("hot") == {Status.BAD_OUT_OF_RANGE}
    assert np.isnan(found.values("hot")).all()
    assert set(found.values("fine")) == {501}


def test_scale_factors_come_in_the_same_request(polled: Any) -> None:
    """Register 3 scaled by ten to the power that register 2 holds is 300, read in one request also when the factor is slow."""
    value = {"name": "power", "address": "holding:3", "type": "uint16", "sf": "power_sf"}
    factor = {"name": "power_sf", "address": "holding:2", "type": "int16", "scan": "slow"}
    with NumberedServer() as server:
        found = polled(server.port, value, factor)
        asked = {(request.address, request.count) for request in server.requests if request.function == 3}

    assert set(found.values("power")) == {300}
    assert found.values("power_sf") == [2]
    assert asked == {(2, 1), (2, 2)}


def test_several_connections_are_used_where_the_site_allows(polled: Any) -> None:
    """With four connections to a slow device ten requests a cycle keep a pace that one cannot."""
    points = [(f"r{n}", f"holding:{100 * n}", "uint16") for n in range(10)]
    with NumberedServer(latency_s=0.0) as server:
        found = polled(server.port, *points, server={"connections": 4})

    assert all(set(found.values(f"r{n}")) == {100 * n} for n in range(10))
    assert found.lines == []


def test_what_is_urgent_goes_first(polled: Any) -> None:
    """On a line that cannot keep up a point of high priority is read more often than one of low priority."""
    points = [
        {"name": f"p{unit}{n}", "address": f"holding:{200 * n}", "type": "uint16", "priority": priority}
        for unit in (1,)
        for n, priority in enumerate(["high", "low"] * 3)
    ]
    with NumberedServer(latency_s=0.05) as server:
        found = polled(server.port, *points, seconds=3, server={"interval_ms": 20})

    assert min(len(found.values(f"p1{n}")) for n in (0, 2, 4)) >= max(len(found.values(f"p1{n}")) for n in (1, 3, 5))
    assert min(len(found.values(f"p1{n}")) for n in range(6)) > 0


def test_the_measured_pace_stands_beside_the_planned_one(
    make_site: Any, make_connector: Any, store: Any, now: Any
) -> None:
    """After a collection the dry run knows how far apart the readings of each kind of request really were."""
    meter = make_connector(
        "modbus", ("a", "holding:5", "uint16"), {"name": "b", "address": "holding:9", "type": "uint16", "scan": "slow"}
    )
    with NumberedServer() as server:
        line = {"driver": "modbus", "host": "127.0.0.1", "port": server.port, "interval_ms": 200, "timeout_ms": 2000}
        site = make_site({"line": line}, [{"id": "m1", "connector": "modbus", "server": "line", "unit": 1}])
        asyncio.run(collect(site, {"modbus": meter}, store, now=now, seconds=2))

    rows = describe_plan(site, {"modbus": meter}, measured_intervals(store))

    assert [row.interval_ms for row in rows] == [200, 60_000]
    assert rows[0].measured_ms is not None
    assert 190 < rows[0].measured_ms < 1000
    assert rows[1].measured_ms is None
