"""The histories of servers, read page by page into the store."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from factory_kit.cli.timerange import asked_past
from factory_kit.collect.run import Outcome, collect
from factory_kit.errors import UsageError
from factory_kit.store import Store
from factory_kit.testing import FaultProxy

pytestmark = pytest.mark.wire

POINTS = 3


@pytest.fixture
def rows(store: Store) -> Callable[..., list[tuple[Any, ...]]]:
    """What SQL gives on the store."""

    def asked(sql: str) -> list[tuple[Any, ...]]:
        with store.connect() as con:
            return [tuple(row) for row in con.execute(sql).fetchall()]

    return asked


def _run(*arguments: Any, **options: Any) -> Outcome:
    return asyncio.run(asyncio.wait_for(collect(*arguments, **options), 60))


def _site(make_site: Any, port: int) -> Any:
    server = {"driver": "opcua", "url": f"opc.tcp://127.0.0.1:{port}", "security": "None"}
    return make_site(
        {"ua": {**server, "publishing_ms": 200, "sampling_ms": 0}}, [{"id": "m", "connector": "opcua", "server": "ua"}]
    )


def _lathe(make_connector: Any, points: int = POINTS) -> dict[str, Any]:
    names = [(f"v{n}", f"ns=?;s=v{n}", "float64") for n in range(points)]
    return {"opcua": make_connector("opcua", *names, namespace="urn:test:plant")}


def kept(ticks: dict[int, int]) -> list[tuple[str, int, int]]:
    """Name, number and time of what a store keeps of *ticks* (number: time): of one time the last number."""
    last = {moment: number for number, moment in sorted(ticks.items())}
    return [(f"v{n}", number, moment) for n in range(POINTS) for moment, number in last.items()]


def test_a_past_is_read_in_pages_and_once(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, node_plant: Any, rows: Any
) -> None:
    """Every value of the wanted time is there once, though the run broke off, came again, and a live run had some already."""
    node = node_plant(points=POINTS, period_ms=2, history=20_000)
    site, lathe = _site(make_site, node.port), _lathe(make_connector)
    live = _run(site, lathe, store, now=now, seconds=1)
    assert live.samples > 10
    time.sleep(2)
    node.ask("stop")
    ticks = node.ticks()
    span = (min(ticks.values()), max(ticks.values()) + 1000)
    _run(site, lathe, store, now=now, past=span, seconds=0.15)
    broken_off = rows("select count(*) from samples")[0][0]

    outcome = _run(site, lathe, store, now=now, past=span, observer=watcher)

    found = rows("select name, value::BIGINT, epoch_us(time) from samples join points using (point) where value > 0")
    assert Counter(found) == Counter(kept(ticks))
    assert outcome.samples >= rows("select count(*) from samples")[0][0] - broken_off
    assert watcher.lines == []
    assert rows("select count(*) from gaps where reason like 'history%'") == [(0,)]
    assert _run(site, lathe, store, now=now, past=span).samples == 0


def test_a_break_in_the_middle_of_a_page_costs_nothing(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, node_plant: Any, rows: Any
) -> None:
    """The line is cut while pages come; the rest is read in a new session, and nothing twice."""
    node = node_plant(points=POINTS, period_ms=2, history=20_000)
    time.sleep(3)
    node.ask("stop")
    ticks = node.ticks()
    span = (min(ticks.values()), max(ticks.values()) + 1000)
    with FaultProxy("127.0.0.1", node.port) as line:
        site = _site(make_site, line.port)

        async def main() -> Outcome:
            reading = asyncio.create_task(
                collect(site, _lathe(make_connector), store, now=now, past=span, observer=watcher)
            )
            while not any(status.delivered for status in watcher.last) and not reading.done():
                line.delay(0.05)  # so that there is a middle
                await asyncio.sleep(0.05)
            await asyncio.to_thread(line.cut)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(line.heal)
            return await reading

        asyncio.run(asyncio.wait_for(main(), 60))

    found = rows("select name, value::BIGINT, epoch_us(time) from samples join points using (point)")
    assert Counter(found) == Counter(kept(ticks))


def test_points_without_a_history_are_named_and_a_gap(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, node_plant: Any, rows: Any
) -> None:
    """A server that keeps none is said to, point by point, and the wanted time is a gap with that reason."""
    node = node_plant(points=2, period_ms=500)
    end = now()

    outcome = _run(
        _site(make_site, node.port),
        _lathe(make_connector, 3),
        store,
        now=now,
        past=(end - 60_000_000, end),
        observer=watcher,
    )

    assert outcome.samples == 0
    assert [line.rpartition(": ")[0] for line in watcher.lines] == [
        f"ua: nsu=urn:test:plant;s=v{n} has no history" for n in range(3)
    ]
    assert {line.rpartition(": ")[2] for line in watcher.lines} == {
        "BadHistoryOperationUnsupported",
        "BadNodeIdUnknown",
    }
    gaps = rows('select name, epoch_us("end") - epoch_us(start), reason from gaps join points using (point) order by 1')
    assert [(name, length) for name, length, _reason in gaps] == [(f"v{n}", 60_000_000) for n in range(3)]
    assert all(reason.startswith("history: Bad") for _name, _length, reason in gaps)


def test_only_opc_ua_has_a_past(make_site: Any, make_connector: Any, store: Store, now: Any) -> None:
    """A site of Modbus devices is told so, and nothing is sent."""
    site = make_site(
        {"line": {"driver": "modbus", "host": "127.0.0.1", "port": 1}},
        [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}],
    )
    meter = make_connector("modbus", ("a", "holding:0", "uint16"))

    with pytest.raises(UsageError, match="only OPC UA servers keep a history"):
        _run(site, {"modbus": meter}, store, now=now, past=(0, 1))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("", "", None),
        ("2026-09-01", "2026-09-01", (1788192000000000, 1788278400000000)),
        ("2026-09-01T08:00", "2026-09-01T09:30", (1788220800000000, 1788226200000000)),
        ("2026-09-01T00:00:00+00:00", "", (1788220800000000, 1788300000000000)),
    ],
)
def test_a_past_is_asked_for_in_days_or_times(first: str, last: str, expected: tuple[int, int] | None) -> None:
    """Days are whole and in the plant's zone, the last included; times are exact; without an end it is now."""
    assert asked_past("Asia/Shanghai", first, last, 1788300000000000) == expected


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("", "2026-09-01", "--to needs --from"),
        ("2026-09-02", "2026-09-01", "comes after"),
        ("2026-09-01T25:00", "", "is no time"),
    ],
)
def test_a_past_that_cannot_be_is_refused(first: str, last: str, said: str) -> None:
    """One line says what is wrong."""
    with pytest.raises(UsageError, match=said):
        asked_past("Asia/Shanghai", first, last, 1788300000000000)
