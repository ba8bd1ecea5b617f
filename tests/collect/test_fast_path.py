"""From prepared bytes on a socket to the store: every value once, and the ledger counts exactly what the bytes say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from factory_kit.collect.run import Outcome, collect
from factory_kit.model.connector import Connector
from factory_kit.model.site import Site
from factory_kit.store import Store
from factory_kit.testing.rawbytes import Changing, Feed, Item, Rows, double, variant
from factory_kit.testing.rawserver import RawServer

pytestmark = pytest.mark.wire

COUNT = 300
OVERFLOW = 0x480


def now() -> int:
    """The system clock in microseconds."""
    return time.time_ns() // 1000


def items(status: Callable[[int], int | None] = lambda _each: None) -> list[Item]:
    """Doubles with both times and a status of their own."""
    return [Item(double(float(each)), status(each), 1, None, 1) for each in range(COUNT)]


@pytest.fixture
def gathered(store: Store, make_site: Any, make_connector: Any) -> Callable[..., tuple[Outcome, RawServer]]:
    """A whole collection from a server of prepared bytes: what it did, and the server."""

    def run(feed: Feed, ticks: int, every_s: float = 0.05, **options: Any) -> tuple[Outcome, RawServer]:
        async def main() -> tuple[Outcome, RawServer]:
            async with RawServer(feed, now, every_s, ticks, **options) as server:
                site, connectors = _plant(server.port, make_site, make_connector)
                stop = asyncio.Event()
                running = asyncio.create_task(collect(site, connectors, store, now=now, stop=stop))
                waiting = asyncio.create_task(server.done.wait())
                await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED, timeout=60)
                await asyncio.sleep(0.5)
                stop.set()
                outcome = await running
                waiting.cancel()
                return outcome, server

        return asyncio.run(asyncio.wait_for(main(), 120))

    return run


def _plant(port: int, make_site: Any, make_connector: Any) -> tuple[Site, dict[str, Connector]]:
    points = [{"name": f"p{each}", "address": f"ns=1;i={1000 + each}", "type": "float64"} for each in range(COUNT)]
    server = {"driver": "opcua", "url": f"opc.tcp://127.0.0.1:{port}/raw", "security": "None", "publishing_ms": 50}
    equipment = [{"id": "m", "kind": "other", "connector": "opcua", "server": "raw"}]
    return make_site({"raw": server}, equipment), {"opcua": make_connector("opcua", *points)}


def _rows(store: Store, sql: str) -> Sequence[tuple[Any, ...]]:
    return store.connect().execute(sql).fetchall()


def test_every_value_that_was_offered_is_stored_once(gathered: Any, store: Store) -> None:
    """Values, both times and the order of a stream of doubles."""
    outcome, server = gathered(Changing(Rows(items(), handles=True)), 20)

    assert outcome.samples == server.offered == 20 * COUNT
    assert _rows(store, "select count(*), count(distinct (point, time)) from samples") == [(20 * COUNT, 20 * COUNT)]
    assert _rows(store, "select min(value), max(value) from samples where point = (select min(point) from points)") == [
        (1.0, 20.0)
    ]
    assert _rows(
        store, "select count(*) from samples where server_time is distinct from time or received_time is null"
    ) == [(0,)]
    assert _rows(
        store, "select sum(delivered), sum(bad), sum(overflows), sum(sequence_gaps), sum(dropped) from loss_ledger"
    ) == [(20 * COUNT, 0, 0, 0, 0)]


def test_the_ledger_counts_every_overflow_and_every_bad_value(gathered: Any, store: Store) -> None:
    """Info bits 0x480 of every third point, a bad status of every seventh; the whole status is kept."""
    states = {each: (OVERFLOW if each % 3 == 0 else 0) | (0x80340000 if each % 7 == 0 else 0) for each in range(COUNT)}

    gathered(Changing(Rows(items(lambda each: states[each] or None), handles=True)), 10)

    expected = [(f"p{each}", 10, 10 * (each % 7 == 0), 10 * (each % 3 == 0)) for each in range(COUNT)]
    told = _rows(store, "select name, delivered, bad, overflows from loss_ledger join points using (point)")
    assert sorted(told) == sorted(expected)
    stored = dict(
        _rows(store, "select name, any_value(coalesce(status, 0)) from samples join points using (point) group by name")
    )
    assert stored == {f"p{each}": states[each] for each in range(COUNT)}


def test_texts_arrays_and_numbers_in_turn_all_arrive(gathered: Any, store: Store) -> None:
    """A text is stored as one; an array that nobody asked a part of is a bad sample, never a missing one."""
    kinds = [(1.5, "Double"), ("läuft", "String"), ([1.0, 2.0], "Double"), (True, "Boolean")]
    from asyncua import ua

    mixed = [
        Item(variant(value, getattr(ua.VariantType, kind)), None, 1, None, 1)
        for value, kind in (kinds[each % 4] for each in range(COUNT))
    ]

    outcome, server = gathered(Changing(Rows(mixed, handles=True)), 8)

    assert outcome.samples == server.offered
    assert _rows(store, "select distinct text from samples where text is not null") == [("läuft",)]
    assert _rows(store, "select quality, count(*) from samples group by all order by all") == [
        (0, 6 * COUNT),
        (2, 2 * COUNT),
    ]


def test_items_that_nobody_asked_for_change_nothing(gathered: Any, store: Store) -> None:
    """A server that reports handles it was never given: ours arrive, the others are left out, and the run goes on."""

    class Strange(Changing):
        def named(self, handles: Sequence[int]) -> None:
            super().named([*handles[:-2], 4_000_000_000, 77_777])

    gathered(Strange(Rows(items(), handles=True)), 5)

    assert _rows(store, "select count(*), count(distinct point) from samples") == [(5 * (COUNT - 2), COUNT - 2)]


def test_notifications_that_are_missing_are_counted(gathered: Any, store: Store) -> None:
    """Two numbers never come and cannot be had again: each point may have missed something, twice."""
    outcome, server = gathered(Changing(Rows(items(), handles=True)), 10, lose=frozenset({4, 7}))

    assert outcome.samples == server.offered - server.given_up == 8 * COUNT
    assert _rows(store, "select distinct sequence_gaps, delivered from loss_ledger") == [(2, 8)]
