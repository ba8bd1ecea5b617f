from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from factory_kit.collect.ending import ended
from factory_kit.collect.poll import BUSY
from factory_kit.collect.run import Outcome, collect, collect_until_stopped
from factory_kit.drivers.status import Status as Code
from factory_kit.errors import DeviceRefused, DeviceUnavailable, NotAuthorised, StoreFull, UsageError
from factory_kit.load.connector import connector_folder
from factory_kit.model.sample import Origin
from factory_kit.store import Store, Writer
from factory_kit.testing import SimulatedPlant
from factory_kit.testing.modbus_server import UNITS

pytestmark = pytest.mark.wire

ROOT = Path(__file__).resolve().parents[2]
SIMULATED = {
    name: connector_folder(ROOT / "connectors" / name) for name in ("sim-cnc", "sim-energy-meter", "sim-compressor")
}


def _simulated_site(
    make_site: Callable[..., Any], plant: SimulatedPlant, pace_ms: int = 200, patience_ms: int = 200, **more: Any
) -> Any:
    servers = {
        "machines": {
            "driver": "opcua",
            "url": plant.opcua_url,
            "security": "None",
            "publishing_ms": 200,
            "sampling_ms": 100,
        },
        "meters": {
            "driver": "modbus",
            "host": plant.modbus_host,
            "port": plant.modbus_port,
            "interval_ms": pace_ms,
            "timeout_ms": patience_ms,
            "retries": 0,
        },
    }
    equipment: list[dict[str, Any]] = [
        {"id": f"cnc-{n:02}", "connector": "sim-cnc", "server": "machines", "base": f"CNC{n:02}"} for n in range(1, 9)
    ]
    for unit, name in UNITS.items():
        equipment.append(
            {
                "id": name,
                "connector": "sim-compressor" if "compressor" in name else "sim-energy-meter",
                "server": "meters",
                "unit": unit,
            }
        )
    return make_site(servers, equipment, kind="demo", **more)


def _rows(store: Store, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with store.connect() as con:
        return [tuple(row) for row in con.execute(sql, parameters).fetchall()]


def _run(*arguments: Any, **options: Any) -> Outcome:
    return asyncio.run(asyncio.wait_for(collect(*arguments, **options), 60))


def _bad_and_back(points: int) -> Callable[[Any], bool]:
    """True when, after *points* samples of the machines were bad, their values of some hours came."""
    seen: list[int] = []

    def reached(status: Any) -> bool:
        machines = next(each for each in status.servers if each.server == "machines")
        if machines.bad >= points:
            seen.append(machines.delivered)
        return bool(seen) and seen[-1] - seen[0] > 3000

    return reached


def _run_until(reached: Callable[[Any], bool], site: Any, store: Store, now: Any) -> Outcome:
    """A run of the simulated plant that ends with the first status of which *reached* is true, however slow the machine is."""

    async def main() -> Outcome:
        stop = asyncio.Event()
        watcher = SimpleNamespace(
            status=lambda status: stop.set() if reached(status) else None, notice=lambda _notice: None
        )
        return await collect(site, SIMULATED, store, now=now, stop=stop, seconds=45, observer=watcher)

    return asyncio.run(asyncio.wait_for(main(), 60))


@dataclass
class Collected:
    """Some hours of the simulated plant, which still runs, and what was collected of them."""

    plant: SimulatedPlant
    store: Store
    outcome: Outcome
    lines: list[str]


@pytest.fixture(scope="module")
def collected(
    make_site: Callable[..., Any], now: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Collected]:
    """Eight machines and five meters, read at once for five seconds at speed 3600."""
    lines: list[str] = []
    watcher = SimpleNamespace(status=lambda _status: None, notice=lambda notice: lines.append(str(notice)))
    store = Store(tmp_path_factory.mktemp("collected") / "store", now=now)
    with SimulatedPlant(speed=3600, faults=False) as plant:
        site = _simulated_site(make_site, plant, 500, 5000)  # a busy machine is no finding
        outcome = _run(site, SIMULATED, store, now=now, seconds=5, observer=watcher)
        yield Collected(plant, store, outcome, lines)


def test_every_change_of_a_plant_at_speed_3600_is_stored_once(collected: Collected) -> None:
    """An hour a second: no change is missing or there twice, and each has its exact source time."""
    found = _rows(
        collected.store,
        "select equipment, name, epoch_us(time), value from samples join points using (point) where server = 'machines' order by point, time",
    )
    first = {(equipment, name): time for equipment, name, time, _value in reversed(found)}
    begun = max(first.values())
    end = max(time for _equipment, _name, time, _value in found) - 400 * 1_000_000
    changes = collected.plant.model.changes(begun, end)
    expected = {(change.equipment, change.point, change.time): change.value for change in changes}

    got = {(equipment, name, time): value for equipment, name, time, value in found if begun < time <= end}

    assert got == expected
    assert len(got) > 5000


def test_a_quiet_run_ends_with_a_clean_ledger(collected: Collected) -> None:
    """Nothing was lost, and the ledger adds up to the samples in the store; origin and permission are in the run.

    On a busy machine a reading of the meters may come too late, which is said.
    """
    store, outcome = collected.store, collected.outcome
    late = "select count(*) from gaps join points using (point) where server = 'meters' and reason = ?"

    assert (outcome.origin, outcome.dropped) == (Origin.SIMULATED, 0)
    assert [(outcome.gaps,)] == _rows(store, late, BUSY)
    assert (
        _rows(store, "select sum(delivered) from loss_ledger")
        == _rows(store, "select count(*) from samples")
        == [(outcome.samples,)]
    )
    assert _rows(store, "select sum(bad), sum(overflows), sum(sequence_gaps), sum(dropped) from loss_ledger") == [
        (0, 0, 0, 0)
    ]
    assert _rows(store, "select sum(outages) from loss_ledger join points using (point) where server = 'machines'") == [
        (0,)
    ]
    assert _rows(store, "select distinct origin, kind, authorisation from samples join runs using (run, origin)") == [
        ("simulated", "demo", "permit 7 (plant, 2020-01-01 – 2099-12-31); without encryption: machines")
    ]
    assert collected.lines == []


def test_meters_are_stamped_by_their_own_clock(collected: Collected) -> None:
    """Every value that comes over Modbus has the time that stood in the same answer, and is what the meter showed then."""
    rows = _rows(
        collected.store,
        "select equipment, name, epoch_us(time), value from samples join points using (point) where server = 'meters'",
    )

    assert len(rows) >= 50
    for equipment, name, moment, value in rows:
        shown = collected.plant.model.reading(equipment, moment)
        assert shown is not None
        expected = moment if name == "time" else shown[name]
        # Registers hold single floats and hundredths.
        assert value == pytest.approx(expected, rel=1e-6, abs=0.06)


def test_a_machine_its_server_loses_is_bad_samples(make_site: Any, store: Store, now: Any) -> None:
    """When the server says that it lost a machine, every point has one bad sample with that status at that time, and good ones after."""
    with SimulatedPlant(speed=5400) as plant:  # the machine goes six seconds after the plant begins
        _run_until(_bad_and_back(len(SIMULATED["sim-cnc"].points)), _simulated_site(make_site, plant), store, now)
        (lost,) = (fault for fault in plant.planted_faults if fault.equipment == "cnc-03")

    bad = _rows(
        store,
        "select name, status, epoch_us(time) from samples join points using (point) where quality = 2 and server = 'machines' and equipment = 'cnc-03'",
    )
    assert sorted(bad) == [
        (name, 0x80310000, lost.start) for name in sorted(point.name for point in SIMULATED["sim-cnc"].points)
    ]
    assert _rows(
        store,
        "select count(*) > 50 from samples join points using (point) where equipment = 'cnc-03' and epoch_us(time) >= ?",
        lost.end,
    ) == [(True,)]


def _modbus(line: Any, **more: Any) -> dict[str, Any]:
    return {
        "driver": "modbus",
        "host": "127.0.0.1",
        "port": line.port,
        "interval_ms": 20,
        "timeout_ms": 100,
        "retries": 0,
        **more,
    }


def _with_line(line: Any, work: Callable[[], Any]) -> Any:
    async def main() -> Any:
        await line.start()
        try:
            return await asyncio.wait_for(work(), 60)
        finally:
            await line.stop()

    return asyncio.run(main())


def test_nothing_is_sent_without_authorisation(
    make_site: Any, make_connector: Any, store: Store, now: Any, modbus_line: Any
) -> None:
    """No record, one for another address, or an expired one: one clear line, no packet, no store."""
    line = modbus_line()
    meter = make_connector("modbus", ("a", "holding:0", "uint16"))
    record = {
        "granted_by": "plant",
        "reference": "permit 7",
        "granted_on": "2020-01-01",
        "valid_until": "2020-12-31",
        "addresses": ["10.0.0.1:502"],
    }

    async def work() -> None:
        for given, reason in [
            (None, "has no authorisation record"),
            (record, "is valid from 2020-01-01 to 2020-12-31"),
            ({**record, "valid_until": "2099-01-01"}, f"does not cover 127.0.0.1:{line.port}"),
        ]:
            site = make_site(
                {"line": _modbus(line)},
                [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}],
                authorisation=given,
            )
            with pytest.raises(NotAuthorised, match=reason):
                await collect(site, {"modbus": meter}, store, now=now, seconds=1)

    _with_line(line, work)
    assert line.connections == 0
    assert not store.folder.exists()


def test_a_real_site_refuses_the_simulated_plant(make_site: Any, store: Store, now: Any, collected: Collected) -> None:
    """Simulated values never get into a real workspace; nothing is stored."""
    site = _simulated_site(make_site, collected.plant).model_copy(update={"kind": "real"})

    with pytest.raises(DeviceRefused, match="is simulated, this site is real; to practise write kind: demo"):
        _run(site, SIMULATED, store, now=now, seconds=1)
    assert not store.folder.exists()


def test_origins_are_not_mixed(make_site: Any, make_connector: Any, store: Store, now: Any, modbus_line: Any) -> None:
    """A simulated and a live server in one site are refused together, with both names."""
    live, simulated = modbus_line(), modbus_line(identity={0: b"Factory Kit", 4: b"Simulated plant"})
    meter = make_connector("modbus", ("a", "holding:0", "uint16"))

    async def work() -> None:
        await simulated.start()
        equipment = [{"id": name, "connector": "modbus", "server": name, "unit": 1} for name in ("one", "two")]
        site = make_site({"one": _modbus(live), "two": _modbus(simulated)}, equipment, kind="demo")
        with pytest.raises(UsageError, match="one is live, two is simulated; one run has one origin"):
            await collect(site, {"modbus": meter}, store, now=now, seconds=1)
        await simulated.stop()

    _with_line(live, work)
    assert not store.folder.exists()


def test_an_unreachable_server_does_not_stop_the_others(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, modbus_line: Any
) -> None:
    """The others are read; the missing one is one line, gaps, and is read as soon as it comes."""
    there, late = modbus_line(), modbus_line()
    meter = make_connector("modbus", ("a", "holding:0", "uint16"))

    async def work() -> Outcome:
        await late.start()
        await late.stop()
        equipment = [{"id": name, "connector": "modbus", "server": name, "unit": 1} for name in ("there", "late")]
        site = make_site(
            {name: _modbus(each, interval_ms=200) for name, each in (("there", there), ("late", late))}, equipment
        )

        async def come() -> None:
            await asyncio.sleep(0.3)
            await late.start()

        coming = asyncio.create_task(come())
        outcome = await collect(site, {"modbus": meter}, store, now=now, seconds=3.5, observer=watcher)
        await coming
        await late.stop()
        return outcome

    outcome = _with_line(there, work)
    assert outcome.origin is Origin.LIVE
    assert {server.server: server.state for server in outcome.servers} == {"there": "running", "late": "running"}
    counts = dict(
        _rows(store, "select equipment, count(*) from samples join points using (point) where quality = 0 group by 1")
    )
    assert min(counts["there"], counts["late"]) > 2
    gone = "select 1 from gaps join points using (point) where equipment = 'late' and reason <> ?"
    assert len(_rows(store, gone, BUSY)) == 1
    assert [line for line in watcher.lines if "keep up" not in line] == [
        f"late: 127.0.0.1:{late.port}: no connection; check the address, the cable and that the device is on",
        "late: connection is back",
    ]


def test_a_server_that_never_says_a_word_is_gaps(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, modbus_line: Any
) -> None:
    """The first contact is hung up, the second never answered: its points are gaps, although the run ends before that is given up."""
    there = modbus_line()
    connectors = {
        "modbus": make_connector("modbus", ("a", "holding:0", "uint16")),
        "opcua": make_connector("opcua", ("b", "nsu=urn:x;s=b", "float64"), ("c", "nsu=urn:x;s=c", "float64")),
    }

    met: list[object] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer)
        await reader.read(0 if len(met) == 1 else -1)
        writer.close()

    async def work() -> Outcome:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        mute = {"url": f"opc.tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"}
        site = make_site(
            {"line": _modbus(there), "mute": {"driver": "opcua", "security": "None", **mute}},
            [
                {"id": "m", "connector": "modbus", "server": "line", "unit": 1},
                {"id": "n", "connector": "opcua", "server": "mute"},
            ],
        )
        outcome = await collect(site, connectors, store, now=now, seconds=0.3, observer=watcher)
        server.close()
        return outcome

    outcome = _with_line(there, work)
    assert {server.server: server.state for server in outcome.servers} == {"line": "running", "mute": "lost"}
    told = 'select name, "end" > start, contains(reason, ?) from gaps join points using (point) where equipment = ? order by name'
    assert _rows(store, told, "but not in OPC UA", "n") == [("b", True, True), ("c", True, True)]


def test_when_nothing_answers_there_is_one_clear_line(
    make_site: Any, make_connector: Any, store: Store, now: Any, modbus_line: Any
) -> None:
    """No server at all: an error that names each, exit code 1, and no store."""
    line = modbus_line()
    meter = make_connector("modbus", ("a", "holding:0", "uint16"))

    async def work() -> None:
        await line.start()
        await line.stop()
        server = _modbus(line)
        equipment = [{"id": name, "connector": "modbus", "server": name, "unit": 1} for name in ("one", "two")]
        with pytest.raises(DeviceUnavailable, match="none of 2 servers can be read: 127") as caught:
            await collect(
                make_site({"one": server, "two": server}, equipment), {"modbus": meter}, store, now=now, seconds=1
            )
        assert caught.value.exit_code == 1
        assert "\n" not in str(caught.value)

    asyncio.run(work())
    assert not store.folder.exists()


def test_a_site_without_connected_machines_is_said_to_be_one(make_site: Any, store: Store, now: Any) -> None:
    """A ledger alone is nothing to read."""
    with pytest.raises(UsageError, match="no equipment is connected, so there is nothing to read"):
        _run(make_site({}, [{"id": "old-lathe"}]), {}, store, now=now)


def test_a_silent_unit_is_bad_samples_and_one_gap(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, modbus_line: Any
) -> None:
    """While a unit is silent its points have bad samples and no value; one gap from the first to the next good one; the others go on.

    What the others miss while the line waits for the silent one is a gap of their own, hardly longer than the time-out.
    """
    line = modbus_line(units={1: modbus_line.well, 2: modbus_line.well})
    meter = make_connector("modbus", ("a", "holding:5", "uint16"))

    async def work() -> Outcome:
        async def silence() -> None:
            await asyncio.sleep(0.5)
            del line.units[2]
            await asyncio.sleep(1)
            line.units[2] = line.well

        site = make_site(
            {"line": _modbus(line, timeout_ms=150, interval_ms=40)},
            [{"id": f"m{n}", "connector": "modbus", "server": "line", "unit": n} for n in (1, 2)],
        )
        quiet = asyncio.create_task(silence())
        outcome = await collect(site, {"modbus": meter}, store, now=now, seconds=4, observer=watcher)
        await quiet
        return outcome

    outcome = _with_line(line, work)
    statuses = dict(
        _rows(
            store,
            "select status, count(*) from samples join points using (point) where equipment = 'm2' and quality = 2 group by 1",
        )
    )
    assert set(statuses) == {Code.BAD_TIMEOUT, Code.BAD_NO_COMMUNICATION}
    gaps = 'select epoch_us(start), epoch_us("end"), reason from gaps join points using (point) where equipment = ? order by 1'
    missed = {name: _rows(store, gaps, name) for name in ("m1", "m2")}
    ((start, end, reason),) = [row for row in missed["m2"] if row[2] != BUSY]  # a busy machine is no finding
    waited = [until - since for since, until, why in missed["m1"] if why == BUSY and start <= since < end]
    assert waited
    assert sum(waited) < (end - start) / 2
    assert 500_000 < end - start < 3_500_000
    assert reason == f"127.0.0.1:{line.port} unit 2: no answer in time; check the unit, its cable and its power"
    quality = "select distinct quality from samples join points using (point) where equipment = ? and epoch_us(time) between ? and ?"
    assert _rows(store, quality, "m2", start, end - 1) == [(2,)]
    assert _rows(store, quality, "m1", start, end) == [(0,)]
    assert _rows(store, "select outages, outage_us from loss_ledger join points using (point) order by equipment") == [
        (len(each), sum(until - since for since, until, _why in each)) for each in missed.values()
    ]
    assert outcome.gaps == sum(map(len, missed.values()))
    told = [line for line in watcher.lines if "keep up" not in line]
    assert told == [f"line: {reason}", "line: unit 2 answers again"]


def test_a_refused_address_is_told_once_and_the_others_are_read(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, modbus_line: Any
) -> None:
    """An exception of the device is bad samples with its code, one line, and no harm to the other requests."""

    async def holes(line: Any, transaction: int, unit: int, function: int, start: int, count: int) -> bytes | None:
        return bytes([0x83, 2]) if start >= 100 else await line.well(line, transaction, unit, function, start, count)

    line = modbus_line(units={1: holes})
    meter = make_connector("modbus", ("good", "holding:5", "uint16"), ("hole", "holding:200", "float32"))

    async def work() -> Outcome:
        site = make_site({"line": _modbus(line)}, [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}])
        return await collect(site, {"modbus": meter}, store, now=now, seconds=1, observer=watcher)

    _with_line(line, work)
    found = _rows(
        store,
        "select name, value, quality, status, count(*) > 10 from samples join points using (point) group by all order by 1",
    )
    assert found == [("good", 6.0, 0, None, True), ("hole", None, 2, 2, True)]
    assert watcher.lines == [
        f"line: 127.0.0.1:{line.port} unit 1: function 3 at 200 × 2 answered with exception 2 (illegal data address)"
    ]


def test_personal_points_are_not_even_asked_for(
    make_site: Any, make_connector: Any, store: Store, now: Any, modbus_line: Any
) -> None:
    """The register of an operator's name is in no request, and the point is not in the catalogue."""
    line = modbus_line()
    who = {"name": "who", "address": "holding:9", "type": "uint16", "role": "operator"}
    meter = make_connector(
        "modbus", ("power", "holding:5", "uint16"), who, limits={"min_interval_ms": 20, "max_gap": 20}
    )

    async def work() -> Outcome:
        site = make_site({"line": _modbus(line)}, [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}])
        return await collect(site, {"modbus": meter}, store, now=now, seconds=0.3)

    _with_line(line, work)
    assert set(line.requests) == {(1, 3, 5, 1)}
    assert _rows(store, "select name from points") == [("power",)]


def test_the_request_log_counts_what_the_wire_saw(
    make_site: Any, make_connector: Any, store: Store, now: Any, modbus_line: Any, tmp_path: Path
) -> None:
    """Every request is in the log with address, function and count."""
    line = modbus_line()
    meter = make_connector("modbus", ("a", "holding:5", "uint16"), ("b", "input:5", "uint16"))

    async def work() -> Outcome:
        site = make_site({"line": _modbus(line)}, [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}])
        return await collect(
            site, {"modbus": meter}, store, now=now, seconds=0.5, request_log=tmp_path / "log" / "requests.jsonl"
        )

    outcome = _with_line(line, work)
    entries = [json.loads(text) for text in (tmp_path / "log" / "requests.jsonl").read_text().splitlines()]
    counts: Counter[str] = Counter()
    for entry in entries:
        assert (entry["run"], entry["address"]) == (outcome.run, f"127.0.0.1:{line.port}")
        counts[entry["service"]] += entry["count"]
    assert counts == {f"function {function}": count for function, count in line.functions.items()}


def test_a_lost_clock_is_not_believed(
    make_site: Any, make_connector: Any, store: Store, now: Any, modbus_line: Any
) -> None:
    """A time point that says 1970 gives uncertain samples stamped by our own clock, and nothing fails."""
    line = modbus_line()
    meter = make_connector(
        "modbus", ("clock", "holding:0", "datetime"), ("a", "holding:4", "uint16"), time_from="clock"
    )
    before = now()

    async def work() -> Outcome:
        site = make_site({"line": _modbus(line)}, [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}])
        return await collect(site, {"modbus": meter}, store, now=now, seconds=0.3)

    _with_line(line, work)
    rows = _rows(
        store, "select epoch_us(time), value, quality, status from samples join points using (point) where name = 'a'"
    )
    assert rows
    assert all(before <= moment <= now() for moment, *_rest in rows)
    assert {tuple(rest) for _moment, *rest in rows} == {(5.0, 1, 0x40000000)}


def _opcua(plant: Any) -> dict[str, Any]:
    return {"driver": "opcua", "url": plant.url, "security": "None", "publishing_ms": 50, "sampling_ms": 50}


def _beside(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_cut_loses_nothing_where_the_server_kept_the_session(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, plant: Any
) -> None:
    """What changed while the line was down arrives afterwards, once; nothing is a gap, and the ledger knows of the break."""
    lathe = make_connector(
        "opcua", ("still", "ns=?;s=v0", "float64"), ("moving", "ns=?;s=v1", "float64"), namespace="urn:test:plant"
    )
    site = make_site({"ua": _opcua(plant)}, [{"id": "m", "connector": "opcua", "server": "ua"}])
    start = datetime.now(UTC)
    moments = [start + timedelta(milliseconds=n) for n in (0, 1, 2)]

    def events() -> None:
        plant.write("v0", 1.0, moments[0])
        plant.write("v1", 1.0, moments[0])
        time.sleep(1.0)
        plant.cut()
        plant.write("v1", 2.0, datetime.now(UTC) + timedelta(milliseconds=200))
        time.sleep(3.2)

    thread = _beside(events)
    outcome = _run(site, {"opcua": lathe}, store, now=now, seconds=4.5, observer=watcher)
    thread.join()

    values = _rows(
        store, "select name, value from samples join points using (point) where value > 0 order by name, time"
    )
    assert values == [("moving", 1.0), ("moving", 2.0), ("still", 1.0)]
    assert _rows(store, "select name, reason from gaps join points using (point)") == []
    assert outcome.servers[0].reconnects == 1
    assert watcher.lines == [f"ua: 127.0.0.1:{plant.proxy_port}: the connection broke", "ua: connection is back"]
    assert _rows(
        store, "select name, outages, outage_us > 0 from loss_ledger join points using (point) order by 1"
    ) == [("moving", 1, False), ("still", 1, False)]


def test_a_restarted_server_is_read_again(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, plant: Any, tmp_path: Path
) -> None:
    """After a restart with another namespace number values come again by themselves; the line says lost and back, once each."""
    other = type(plant)(tmp_path).start()
    lathe = make_connector("opcua", ("a", "ns=?;s=v0", "float64"), namespace="urn:test:plant")
    site = make_site({"ua": _opcua(other)}, [{"id": "m", "connector": "opcua", "server": "ua"}])

    def restart() -> None:
        time.sleep(0.5)
        other.call(other.restart(shift=True))
        time.sleep(2.5)
        other.write("v0", 8.5, datetime.now(UTC))

    async def main() -> Outcome:
        stop = asyncio.Event()
        collecting = asyncio.create_task(collect(site, {"opcua": lathe}, store, now=now, stop=stop, observer=watcher))
        await asyncio.to_thread(restart)
        await asyncio.sleep(0.5)
        stop.set()
        return await collecting

    outcome = asyncio.run(asyncio.wait_for(main(), 60))
    other.stop()
    assert (8.5,) in _rows(store, "select value from samples")
    assert outcome.servers[0].reconnects == 1
    assert [line.rpartition(": ")[2] for line in watcher.lines] == ["the connection broke", "connection is back"]


def test_a_node_that_is_gone_is_one_bad_sample_and_one_line(
    make_site: Any, make_connector: Any, store: Store, now: Any, watcher: Any, plant: Any
) -> None:
    """The others of the same machine report; the missing one is named, bad, and a gap to the end."""
    lathe = make_connector(
        "opcua", ("here", "ns=?;s=v4", "float64"), ("gone", "ns=?;s=nowhere", "float64"), namespace="urn:test:plant"
    )
    site = make_site({"ua": _opcua(plant)}, [{"id": "m", "connector": "opcua", "server": "ua"}])

    _run(site, {"opcua": lathe}, store, now=now, seconds=0.8, observer=watcher)

    assert _rows(store, "select name, quality, status from samples join points using (point) order by 1") == [
        ("gone", 2, 0x80340000),
        ("here", 0, None),
    ]
    assert _rows(store, "select name, reason from gaps join points using (point)") == [("gone", "BadNodeIdUnknown")]
    assert watcher.lines == ["ua: nsu=urn:test:plant;s=nowhere is not reported: BadNodeIdUnknown"]
    assert _rows(store, "select revised_queue from loss_ledger join points using (point) order by name") == [
        (None,),
        (300,),
    ]


def test_scales_of_opc_ua_points_are_exact(
    make_site: Any, make_connector: Any, store: Store, now: Any, plant: Any
) -> None:
    """Scale and offset of a connector hold for OPC UA too, to the nearest double."""
    scaled = {"name": "load", "address": "ns=?;s=v2", "type": "float64", "scale": "0.1", "offset": "-40"}
    lathe = make_connector("opcua", scaled, namespace="urn:test:plant")
    plant.write("v2", 2301.0, datetime.now(UTC))

    _run(
        make_site({"ua": _opcua(plant)}, [{"id": "m", "connector": "opcua", "server": "ua"}]),
        {"opcua": lathe},
        store,
        now=now,
        seconds=0.5,
    )

    assert _rows(store, "select value from samples") == [(190.1,)]


def test_cancelling_closes_the_session_and_seals_the_store(
    make_site: Any, make_connector: Any, store: Store, now: Any, plant: Any
) -> None:
    """A cancelled collection leaves no session behind, nothing unsealed, and a store that the next one can write."""
    lathe = make_connector("opcua", ("a", "ns=?;s=v3", "float64"), namespace="urn:test:plant")
    site = make_site({"ua": _opcua(plant)}, [{"id": "m", "connector": "opcua", "server": "ua"}])

    plant.settle()
    plant.seen.clear()

    async def main() -> None:
        task = asyncio.create_task(collect(site, {"opcua": lathe}, store, now=now))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    plant.settle()
    assert plant.seen["CloseSession"] == 1
    status = store.status()
    assert (status.rows, status.journal_rows, status.writer, status.problems) == (1, 0, None, ())
    assert _run(site, {"opcua": lathe}, store, now=now, seconds=0.3).samples == 1


def test_a_full_disk_is_waited_for(
    make_site: Any,
    make_connector: Any,
    store: Store,
    now: Any,
    watcher: Any,
    modbus_line: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the store says it is full samples wait; one line says so, and nothing is missing afterwards."""
    append, failures = Writer.append, iter(range(3))
    line = modbus_line()
    meter = make_connector("modbus", ("a", "holding:5", "uint16"))

    async def work() -> Outcome:
        loop, written = asyncio.get_running_loop(), asyncio.Event()

        def full(writer: Writer, batch: Any) -> None:
            if next(failures, None) is not None:
                raise StoreFull("{folder}: the disk is full", folder="store")
            append(writer, batch)
            loop.call_soon_threadsafe(written.set)

        monkeypatch.setattr(Writer, "append", full)
        site = make_site({"line": _modbus(line)}, [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}])
        return await collect(site, {"modbus": meter}, store, now=now, stop=written, observer=watcher)

    outcome = _with_line(line, work)
    assert outcome.samples == len(_rows(store, "select 1 from samples")) > 3
    assert watcher.lines == ["store: store: the disk is full"]


PROGRAM = """
import json, sys, time
from factory_kit.collect.run import collect_until_stopped
from factory_kit.model.connector import Connector
from factory_kit.model.site import Site
from factory_kit.store import Store
from pathlib import Path
site, meter, folder = (json.loads(text) for text in sys.argv[1:4])
class Watcher:
    def status(self, status): print(status.delivered, flush=True)
    def notice(self, notice): print(notice, flush=True)
outcome = collect_until_stopped(
    Site.model_validate(site, strict=False), {"modbus": Connector.model_validate(meter, strict=False)},
    Store(Path(folder)), now=lambda: time.time_ns() // 1000, observer=Watcher(),
)
print("samples", outcome.samples, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_ends_cleanly(make_site: Any, make_connector: Any, store: Store, modbus_line: Any, number: str) -> None:
    """A signal in the middle of a run: exit code 0, the outcome is told, everything is sealed and can be read."""
    line = modbus_line()
    meter = make_connector("modbus", ("a", "holding:5", "uint16"))

    async def work() -> tuple[int, str, str]:
        site = make_site({"line": _modbus(line)}, [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}])
        arguments = [
            json.dumps(each)
            for each in (site.model_dump(mode="json"), meter.model_dump(mode="json"), str(store.folder))
        ]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            *arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert process.stdout is not None
        await process.stdout.readline()
        process.send_signal(getattr(signal, number))
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    code, out, err = _with_line(line, work)
    assert (code, err) == (0, "")
    samples = int(out.split()[-1])
    assert samples == len(_rows(store, "select 1 from samples")) > 10
    assert store.verify() == ()
    assert line.open_now == 0


def test_stopping_before_a_server_answered_is_at_once(
    make_site: Any, make_connector: Any, store: Store, now: Any
) -> None:
    """A server that accepts and never says a word does not hold up the end, and nothing is written."""
    meter = make_connector("modbus", ("a", "holding:0", "uint16"))
    heard = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        heard.set()
        await reader.read()
        writer.close()

    async def main() -> float:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        address = {"host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "timeout_ms": 20_000}
        site = make_site(
            {"line": {"driver": "modbus", **address}},
            [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}],
        )
        stop = asyncio.Event()
        task = asyncio.create_task(collect(site, {"modbus": meter}, store, now=now, stop=stop))
        await heard.wait()
        began = time.monotonic()
        stop.set()
        with pytest.raises(DeviceUnavailable, match="stopped before any server had answered; nothing was written"):
            await task
        server.close()
        return time.monotonic() - began

    assert asyncio.run(main()) < 5
    assert not store.folder.exists()


def test_a_task_that_swallows_its_cancellation_is_asked_again() -> None:
    """Before Python 3.12 ``wait_for`` may lose a cancellation; ending a run does not hang on that."""
    asked = []

    async def stubborn() -> None:
        while len(asked) < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                asked.append(1)

    async def main() -> None:
        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        await asyncio.wait_for(ended([task]), 10)

    asyncio.run(main())
    assert len(asked) == 3


def test_a_thread_may_collect_too(
    make_site: Any, make_connector: Any, store: Store, now: Any, modbus_line: Any
) -> None:
    """Away from the main thread, where no signal can be caught, collecting works the same."""
    line = modbus_line()
    meter = make_connector("modbus", ("a", "holding:5", "uint16"))

    async def work() -> Outcome:
        site = make_site({"line": _modbus(line)}, [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}])
        return await asyncio.to_thread(collect_until_stopped, site, {"modbus": meter}, store, now=now, seconds=0.3)

    assert _with_line(line, work).samples > 5
