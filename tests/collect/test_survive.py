"""What a run with OPC UA servers that are not ours survives, and what it says of the rest."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from factory_kit.collect.run import Outcome, collect
from factory_kit.store import Store
from factory_kit.testing import FaultProxy

pytestmark = pytest.mark.wire

LONG = os.environ.get("FACTORY_KIT_LONG") == "1"
in_long_form = pytest.mark.skipif(not LONG, reason="only with FACTORY_KIT_LONG=1; the soak does the like of it shortly")


def rows(store: Store, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """What *sql* gives."""
    with store.connect() as con:
        return [tuple(row) for row in con.execute(sql, parameters).fetchall()]


def run_beside(events: Callable[[], None], *arguments: Any, **options: Any) -> Outcome:
    """A collection that lasts as long as *events* in another thread."""

    async def main() -> Outcome:
        stop = asyncio.Event()
        collecting = asyncio.create_task(collect(*arguments, stop=stop, **options))
        happening = asyncio.create_task(asyncio.to_thread(events))
        await asyncio.wait({collecting, happening}, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        outcome = await collecting
        await happening
        return outcome

    return asyncio.run(asyncio.wait_for(main(), 150))


def flowing(watcher: Any, servers: int = 1) -> None:
    """Wait until values of so many servers have come for a while."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if watcher.last and sum(server.delivered > 20 for server in watcher.last[-1].servers) >= servers:
            break
        time.sleep(0.1)
    time.sleep(1)


def opcua(port: int, **more: Any) -> dict[str, Any]:
    """A server of the site at *port* whose values are taken as they come."""
    url = f"opc.tcp://127.0.0.1:{port}"
    return {"driver": "opcua", "url": url, "security": "None", "publishing_ms": 200, "sampling_ms": 0, **more}


def lathe(make_connector: Any, points: int, **more: Any) -> Any:
    """A connector with *points* counters; v0 is one that the loss ledger may count."""
    rows = [
        {"name": f"v{n}", "address": f"ns=?;s=v{n}", "type": "float64", **more.get(f"v{n}", {})} for n in range(points)
    ]
    return make_connector("opcua", *rows, namespace="urn:test:plant")


def delivered(store: Store, server: str) -> dict[str, Counter[tuple[int, int]]]:
    """How often each (number, time) of each point of *server* is in the store."""
    found: dict[str, Counter[tuple[int, int]]] = {}
    sql = "select name, value, epoch_us(time) from samples join points using (point) where server = ? and value > 0"
    for name, value, moment in rows(store, sql, server):
        found.setdefault(name, Counter())[int(value), moment] += 1
    return found


def missing(store: Store, server: str, ticks: dict[int, int], points: int) -> dict[str, list[int]]:
    """The numbers between the first and the last delivered one of each point that are not in the store; each is there at most once."""
    lost: dict[str, list[int]] = {}
    found = delivered(store, server)
    assert len(found) == points
    for name, counted in found.items():
        assert set(counted.values()) == {1}, f"{name}: stored more than once"
        assert set(counted) <= set(ticks.items()), f"{name}: values that never were"
        first, last = min(counted)[0], max(counted)[0]
        gone = [number for number in range(first, last + 1) if (number, ticks[number]) not in counted]
        if gone:
            lost[name] = gone
    return lost


def back_after(store: Store, server: str, healed: int) -> float:
    """How many seconds after *healed* (µs) the first value of *server* came."""
    sql = "select min(epoch_us(received_time)) from samples join points using (point) where server = ? and epoch_us(received_time) > ?"
    ((first,),) = rows(store, sql, server, healed)
    return float((first - healed) / 1e6)


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        ("cut", 5),
        pytest.param("black_hole", 5, marks=in_long_form),
        pytest.param("cut", 20, marks=in_long_form),
        pytest.param("black_hole", 20, marks=in_long_form),
    ],
)
def test_an_outage_loses_nothing_that_the_servers_kept(  # noqa: PLR0917 - fixtures
    make_site: Any,
    make_connector: Any,
    store: Store,
    now: Any,
    watcher: Any,
    node_plant: Any,
    counting_plant: Any,
    record_property: Any,
    fault: str,
    seconds: int,
) -> None:
    """Two servers at once, one of which has nothing to transfer: after the outage every number is there once, and soon."""
    node = node_plant(points=5, period_ms=100)
    healed = 0
    with FaultProxy("127.0.0.1", node.port) as one, FaultProxy("127.0.0.1", counting_plant.port) as two:
        site = make_site(
            {"node": opcua(one.port), "asyncua": opcua(two.port)},
            [{"id": name, "connector": "opcua", "server": name} for name in ("node", "asyncua")],
        )

        def events() -> None:
            nonlocal healed
            flowing(watcher, 2)
            for proxy in (one, two):
                getattr(proxy, fault)()
            time.sleep(seconds)
            for proxy in (one, two):
                proxy.heal()
            healed = now()
            time.sleep(5)

        run_beside(events, site, {"opcua": lathe(make_connector, 5)}, store, now=now, observer=watcher)

    for server, ticks in (("node", node.ticks()), ("asyncua", counting_plant.ticks())):
        assert missing(store, server, ticks, 5) == {}
        last = max(number for counted in delivered(store, server).values() for number, _moment in counted)
        assert ticks[last] > healed + 2_000_000
    waited = [back_after(store, server, healed) for server in ("node", "asyncua")]
    record_property("back_s", f"{waited[0]:.2f} node-opcua, {waited[1]:.2f} asyncua")
    assert max(waited) <= 3.0 * (1 if LONG else 2), "under load the suite allows twice the time"
    assert rows(store, "select count(*) from gaps") == [(0,)]
    assert rows(store, "select sum(overflows), sum(sequence_gaps), sum(dropped), sum(outage_us) from loss_ledger") == [
        (0, 0, 0, 0)
    ]
    for server in ("node", "asyncua"):
        said = [line for line in watcher.lines if line.startswith(f"{server}:")]
        assert [line.endswith("connection is back") for line in said] in ([], [False, True])


def test_a_restarted_server_is_read_again_soon(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, node_plant: Any, record_property: Any
) -> None:
    """With 100 items per call, a node gone and another namespace number all others live within seconds, and the missing one is named."""
    points = 250
    options = {"points": points, "period_ms": 500, "limits": {"maxMonitoredItemsPerCall": 100, "maxNodesPerRead": 10}}
    node = node_plant(**options)
    site = make_site({"ua": opcua(node.port)}, [{"id": "m", "connector": "opcua", "server": "ua"}])
    up = 0

    def events() -> None:
        nonlocal up
        flowing(watcher)
        node.kill()
        time.sleep(1)
        node.start(shift=3, without=[7], first=1000)
        up = now()
        time.sleep(5)

    run_beside(events, site, {"opcua": lathe(make_connector, points)}, store, now=now, observer=watcher)

    first = dict(
        rows(
            store,
            "select name, min(epoch_us(received_time)) from samples join points using (point) where value >= 1000 group by 1",
        )
    )
    assert set(first) == {f"v{n}" for n in range(points) if n != 7}
    waited = (max(first.values()) - up) / 1e6
    record_property("live_s", f"{waited:.2f}")
    assert waited <= 5.0 * (1 if LONG else 2)
    assert watcher.lines[0].endswith("the connection broke")
    assert any("s=v7 is not reported: BadNodeIdUnknown" in line for line in watcher.lines)
    gaps = rows(store, 'select name, max(epoch_us("end")), count(*) from gaps join points using (point) group by 1')
    assert {name for name, _end, _count in gaps} == {f"v{n}" for n in range(points)}


@pytest.mark.parametrize("bears", [7, *(pytest.param(bears, marks=in_long_form) for bears in (1, 100, 999))])
def test_limits_that_nobody_told_are_found_with_two_refusals(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, node_plant: Any, bears: int
) -> None:
    """A server that bears so many things in a call and does not say so: everything is read, watched and asked for."""
    points = min(1500, 3 * bears + 40)
    limits = {"maxMonitoredItemsPerCall": bears, "maxNodesPerRead": bears, "maxNodesPerHistoryReadData": bears}
    node = node_plant(points=points, period_ms=1000, limits=limits, hidden=True)
    site = make_site({"ua": opcua(node.port)}, [{"id": "m", "connector": "opcua", "server": "ua"}])
    polled = {f"v{n}": {"reading": "poll"} for n in range(points // 2)}
    run_beside(
        lambda: time.sleep(3),
        site,
        {"opcua": lathe(make_connector, points, **polled)},
        store,
        now=now,
        observer=watcher,
    )

    assert rows(store, "select count(distinct point) from samples where quality = 0") == [(points,)]
    assert watcher.lines == []
    assert rows(store, "select count(*) from samples where quality > 0") == [(0,)]


def test_a_slow_controller_is_no_lost_one(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, node_plant: Any
) -> None:
    """A controller that needs two seconds for every answer is read without a break."""
    node = node_plant(points=5, period_ms=200)
    with FaultProxy("127.0.0.1", node.port) as line:
        site = make_site(
            {"ua": opcua(line.port, publishing_ms=500)}, [{"id": "m", "connector": "opcua", "server": "ua"}]
        )

        def events() -> None:
            flowing(watcher)
            line.delay(1.0)  # there and back
            time.sleep(30 if LONG else 6)
            line.heal()
            time.sleep(1)

        run_beside(events, site, {"opcua": lathe(make_connector, 5)}, store, now=now, observer=watcher)

    assert watcher.lines == []
    assert missing(store, "ua", node.ticks(), 5) == {}
    assert rows(store, "select sum(outages), sum(sequence_gaps) from loss_ledger") == [(0, 0)]


def test_a_server_that_answers_but_reports_nothing_is_noticed(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, node_plant: Any, record_property: Any
) -> None:
    """Within three publishing intervals of the last sign of life its subscription is given up, and the session is not."""
    node = node_plant(points=2, period_ms=200)
    site = make_site({"ua": opcua(node.port, publishing_ms=1000)}, [{"id": "m", "connector": "opcua", "server": "ua"}])
    noticed: list[int] = []
    watcher.on_notice = lambda _notice: noticed.append(now())
    muted = 0

    def events() -> None:
        nonlocal muted
        flowing(watcher)
        node.ask("mute")
        muted = now()
        deadline = time.monotonic() + 12
        while not noticed and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)

    run_beside(events, site, {"opcua": lathe(make_connector, 2)}, store, now=now, observer=watcher)

    assert watcher.lines[0] == f"ua: 127.0.0.1:{node.port}: the server answers, but reports nothing any more"
    waited = (noticed[0] - muted) / 1e6
    record_property("noticed_s", f"{waited:.2f}")
    # The last report came up to one interval before the server fell silent.
    assert waited <= 3.0 * (1 if LONG else 2)


@in_long_form
def test_history_fills_what_the_queue_could_not_hold(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, node_plant: Any
) -> None:
    """A queue of ten overflows in three seconds; the server's history gives back every number, and no gap stays."""
    node = node_plant(points=3, period_ms=100, history=5000)
    with FaultProxy("127.0.0.1", node.port) as line:
        site = make_site({"ua": opcua(line.port, queue_size=10)}, [{"id": "m", "connector": "opcua", "server": "ua"}])
        scaled = {"v1": {"scale": "2", "offset": "0"}, "v2": {"role": "sequence"}}

        def events() -> None:
            flowing(watcher)
            line.cut()
            time.sleep(3)
            line.heal()
            time.sleep(5)

        run_beside(events, site, {"opcua": lathe(make_connector, 3, **scaled)}, store, now=now, observer=watcher)

    ticks = node.ticks()
    doubled = {(2 * number, moment) for number, moment in ticks.items()}
    found = delivered(store, "ua")
    assert set(found["v1"]) <= doubled
    assert len(found["v1"]) == len(found["v0"])
    assert missing_of(found["v0"], ticks) == missing_of(found["v2"], ticks) == []
    assert set(found["v0"].values()) == set(found["v1"].values()) == {1}
    assert rows(store, "select count(*) from gaps") == [(0,)]
    assert rows(store, "select sum(overflows) > 0, sum(sequence_gaps), sum(outage_us) from loss_ledger") == [
        (True, 0, 0)
    ]


def missing_of(counted: Counter[tuple[int, int]], ticks: dict[int, int]) -> list[int]:
    """The numbers between the first and the last of *counted* that it lacks."""
    return [n for n in range(min(counted)[0], max(counted)[0] + 1) if (n, ticks[n]) not in counted]


@in_long_form
def test_what_nobody_can_bring_back_is_in_the_ledger_and_in_the_gaps(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, node_plant: Any
) -> None:
    """Against a server that counts: expected = delivered + reported lost, exactly; each lost value lies in a gap, none that came does."""
    node = node_plant(points=3, period_ms=100)
    with FaultProxy("127.0.0.1", node.port) as line:
        site = make_site({"ua": opcua(line.port, queue_size=10)}, [{"id": "m", "connector": "opcua", "server": "ua"}])
        numbered = {f"v{n}": {"role": "sequence"} for n in range(3)}

        def events() -> None:
            for _each in range(2):
                flowing(watcher)
                line.cut()
                time.sleep(3)
                line.heal()
            time.sleep(4)

        run_beside(events, site, {"opcua": lathe(make_connector, 3, **numbered)}, store, now=now, observer=watcher)

    check_ledger(store, "ua", node.ticks())


def check_ledger(store: Store, server: str, ticks: dict[int, int]) -> None:
    """Expected = delivered + lost by the ledger, for every point; every lost value lies in a gap and no other one inside it."""
    found = delivered(store, server)
    ledger = {
        name: (count, gone)
        for name, count, gone in rows(
            store,
            "select name, delivered, sequence_gaps from loss_ledger join points using (point) where server = ?",
            server,
        )
    }
    gaps = rows(
        store,
        'select name, epoch_us(start), epoch_us("end") from gaps join points using (point) where server = ?',
        server,
    )
    lost = 0
    for name, counted in found.items():
        gone = missing_of(counted, ticks)
        lost += len(gone)
        expected = max(counted)[0] - min(counted)[0] + 1
        count = sum(counted.values())
        assert expected == count + len(gone) == count + ledger[name][1]
        mine = [(start, end) for point, start, end in gaps if point == name]
        assert all(any(start <= ticks[number] < end for start, end in mine) for number in gone), name
        assert not [number for number, moment in counted for start, end in mine if start < moment < end], (
            f"{name}: a gap covers what came"
        )
    assert lost > 0
