"""What a run with OPC UA servers that are not ours survives, and what it says of the rest."""

from __future__ import annotations

import asyncio
import os
import threading
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
MS = 1000


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


def opcua(port: int, **more: Any) -> dict[str, Any]:
    """A server of the site at *port* whose values are taken as they come."""
    url = f"opc.tcp://127.0.0.1:{port}"
    return {"driver": "opcua", "url": url, "security": "None", "publishing_ms": 200, "sampling_ms": 0, **more}


def lathe(make_connector: Any, points: int, **more: Any) -> Any:
    """A connector with *points* counters; v0 is one that the loss ledger may count."""
    rows = [{"name": f"v{n}", "address": f"ns=?;s=v{n}", "type": "float64", **more.get(f"v{n}", {})} for n in range(points)]
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


@pytest.mark.parametrize("seconds", [5, pytest.param(20, marks=pytest.mark.skipif(not LONG, reason="long form"))])
@pytest.mark.parametrize("fault", ["cut", "black_hole"])
def test_an_outage_loses_nothing_that_the_servers_kept(
    make_site: Any,
    make_connector: Any,
    store: Store,
    now: Any,
    watcher: Any,
    node_plant: Any,
    counting_plant: Any,
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
            time.sleep(2)
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
    print(f"{fault} {seconds} s: data back after {waited[0]:.2f} s (node-opcua), {waited[1]:.2f} s (asyncua)")
    assert max(waited) <= 3.0 * (1 if LONG else 2), "under load the suite allows twice the time"
    assert rows(store, "select count(*) from gaps") == [(0,)]
    assert rows(store, "select sum(overflows), sum(sequence_gaps), sum(dropped), sum(outage_us) from loss_ledger") == [
        (0, 0, 0, 0)
    ]
    for server in ("node", "asyncua"):
        said = [line for line in watcher.lines if line.startswith(f"{server}:")]
        assert [line.endswith("connection is back") for line in said] in ([], [False, True])
