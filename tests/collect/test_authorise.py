from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from factory_kit.collect.authorise import require_authorisation
from factory_kit.collect.preview import PlanRow, describe_plan, overloaded
from factory_kit.collect.requestlog import RequestLog
from factory_kit.errors import FactoryKitError, NotAuthorised

RECORD = {
    "granted_by": "Zhang",
    "reference": "permit 7",
    "granted_on": "2026-03-01",
    "valid_until": "2026-03-31",
    "addresses": ["10.0.0.5:502"],
}
SERVERS = {"line": {"driver": "modbus", "host": "10.0.0.5"}}
EQUIPMENT = [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}]


@pytest.mark.parametrize("day", [1, 15, 31])
def test_a_valid_record_names_who_allowed_what(make_site: Any, day: int) -> None:
    """From the first to the last day, both included, the record holds and is told as the run keeps it."""
    site = make_site(SERVERS, EQUIPMENT, authorisation=RECORD)

    assert (
        require_authorisation(site, ["10.0.0.5:502"], date(2026, 3, day)) == "permit 7 (Zhang, 2026-03-01 – 2026-03-31)"
    )


@pytest.mark.parametrize("today", [date(2026, 2, 28), date(2026, 4, 1)])
def test_a_record_holds_only_on_its_days(make_site: Any, today: date) -> None:
    """The day before and the day after are refused, with the dates."""
    site = make_site(SERVERS, EQUIPMENT, authorisation=RECORD)

    with pytest.raises(NotAuthorised, match=f"valid from 2026-03-01 to 2026-03-31, today is {today}"):
        require_authorisation(site, ["10.0.0.5:502"], today)


def test_every_address_must_be_named_exactly(make_site: Any) -> None:
    """A neighbour and another port are other addresses; all that are missing are named."""
    site = make_site(SERVERS, EQUIPMENT, authorisation=RECORD)

    with pytest.raises(NotAuthorised, match=r"does not cover 10\.0\.0\.5:4840, 10\.0\.0\.6:502; ask the plant"):
        require_authorisation(site, ["10.0.0.5:502", "10.0.0.6:502", "10.0.0.5:4840"], date(2026, 3, 1))


def test_no_record_is_no_permission(make_site: Any) -> None:
    """A site file without a record reads nothing; that is a wrong use of the program."""
    with pytest.raises(NotAuthorised, match="has no authorisation record") as caught:
        require_authorisation(make_site(SERVERS, EQUIPMENT, authorisation=None), [], date(2026, 3, 1))
    assert caught.value.exit_code == 2


def test_the_dry_run_says_what_would_be_sent(make_site: Any, make_connector: Any) -> None:
    """One row for each function, unit and interval, one for what OPC UA reports, and one for what is polled there."""
    meter = make_connector(
        "modbus",
        ("a", "holding:0", "float32"),
        ("b", "holding:90", "uint16"),
        ("c", "coil:3", "bool"),
        {"name": "d", "address": "holding:2", "type": "uint16", "scan": "slow"},
    )
    polled = {"name": "z", "address": "ns=2;i=3", "type": "float64", "reading": "poll", "scan": "slow"}
    lathe = make_connector("opcua", ("x", "ns=2;i=1", "float64"), ("y", "ns=2;i=2", "float64"), polled)
    servers = {**SERVERS, "ua": {"driver": "opcua", "url": "opc.tcp://10.0.0.6", "publishing_ms": 250}}
    equipment = [*EQUIPMENT, {"id": "n", "connector": "opcua", "server": "ua"}, {"id": "old"}]

    assert describe_plan(make_site(servers, equipment), {"modbus": meter, "opcua": lathe}) == [
        PlanRow("line", "10.0.0.5:502", "modbus", "function 1, unit 1", 1, 1, 1, 1000),
        PlanRow("line", "10.0.0.5:502", "modbus", "function 3, unit 1", 2, 2, 3, 1000),
        PlanRow("line", "10.0.0.5:502", "modbus", "function 3, unit 1", 1, 1, 1, 60_000),
        PlanRow("ua", "10.0.0.6:4840", "opcua", "Publish", 1, 2, 0, 250),
        PlanRow("ua", "10.0.0.6:4840", "opcua", "Read", 1, 1, 0, 60_000),
    ]


def test_requests_are_counted_by_address_and_service(tmp_path: Path) -> None:
    """Each flush adds a line for each kind of request since the last one; nothing new adds nothing."""
    times = iter([0, 10_000_000, 20_000_000])
    log = RequestLog(tmp_path / "logs" / "requests.jsonl", "run-1", lambda: next(times))
    for service in ("function 3", "function 3", "function 43/14"):
        log.count("10.0.0.5:502", service)
    log.flush()
    log.flush()
    log.count("10.0.0.5:502", "function 3")
    log.flush(last=True)

    lines = [
        json.loads(text) for text in (tmp_path / "logs" / "requests.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [(line["from"], line["to"], line["run"], line["service"], line["count"]) for line in lines] == [
        ("1970-01-01T00:00:00+00:00", "1970-01-01T00:00:10+00:00", "run-1", "function 3", 2),
        ("1970-01-01T00:00:00+00:00", "1970-01-01T00:00:10+00:00", "run-1", "function 43/14", 1),
        ("1970-01-01T00:00:10+00:00", "1970-01-01T00:00:20+00:00", "run-1", "function 3", 1),
    ]
    assert all("@" in line["who"] for line in lines)


def test_a_log_that_cannot_be_written_waits_and_is_told_at_the_end(tmp_path: Path) -> None:
    """A failure in the middle keeps the counts; at the end it is an error in one line."""
    (tmp_path / "file").write_text("")
    log = RequestLog(tmp_path / "file" / "requests.jsonl", "run-1", lambda: 0)
    log.count("a:1", "Read")
    log.flush()

    with pytest.raises(FactoryKitError, match="the request log cannot be written"):
        log.flush(last=True)


def test_the_dry_run_says_how_long_a_cycle_takes(make_site: Any, make_connector: Any) -> None:
    """A hundred registers at 9600 baud take a quarter of a second and more; four units of it a second, which is too much for one."""
    meter = make_connector("modbus", *[(f"p{n}", f"holding:{n}", "uint16") for n in range(100)])
    line = {"driver": "modbus", "transport": "rtu", "serial": "COM3"}
    site = make_site(
        {"line": line}, [{"id": f"m{n}", "connector": "modbus", "server": "line", "unit": n} for n in range(1, 5)]
    )

    rows = describe_plan(site, {"modbus": meter}, {("m1", "p0"): 1300.0, ("m1", "p1"): 1310.0})

    # 213 bytes of 11 bits, twice 3.5 bytes of silence, and the device
    assert [row.takes_ms for row in rows] == [pytest.approx(1000 * (220 * 11 / 9600 + 0.01), abs=0.1)] * 4
    assert [row.measured_ms for row in rows] == [1305.0, None, None, None]
    assert overloaded(rows) == {"line": pytest.approx(1.05, abs=0.01)}
