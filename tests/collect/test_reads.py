"""The Modbus requests of one machine: what one takes, what one more costs, scale factors, the time point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.collect.plan import plan_site
from factory_kit.collect.reads import PlannedRead, expected_s, machine_reads
from factory_kit.drivers.base import ReadRequest
from factory_kit.errors import DefinitionError
from factory_kit.model.connector import Connector
from factory_kit.model.site import ModbusServer, Site

TCP = {"driver": "modbus", "host": "10.0.0.5"}
LINE = {"driver": "modbus", "transport": "rtu", "serial": "/dev/ttyUSB0"}
LABEL = {"zh": "值", "en": "value"}
Row = dict[str, Any]


def _point(name: str, address: str, kind: str = "uint16", **more: Any) -> Row:
    return {"name": name, "label": LABEL, "role": "other", "address": address, "type": kind, **more}


def _connector(*points: Row, limits: Row | None = None, **more: Any) -> Connector:
    content = {
        "connector": "modbus", "version": "1", "label": LABEL, "driver": "modbus", "sources": [{"title": "manual"}],
        "quality": {"grade": "bronze", "because": "samples"}, "limits": limits or {}, "points": list(points), **more,
    }  # fmt: skip
    return Connector.model_validate(content, strict=False)


def _server(**settings: Any) -> ModbusServer:
    return ModbusServer.model_validate(settings, strict=False)


def _reads(connector: Connector, server: Row, without: tuple[str, ...] = ()) -> tuple[list[PlannedRead], list[str]]:
    """The requests for unit 3, and what cannot be read."""
    points = dict(enumerate(point for point in connector.points if point.name not in without))
    problems: list[Any] = []
    reads = machine_reads(connector, 3, _server(**server), points, problems)
    return reads, [each.message.format(**each.details) for each in problems]


def _spans(connector: Connector, server: Row) -> list[tuple[int, int]]:
    reads, problems = _reads(connector, server)
    assert problems == []
    return [(read.request.address, read.request.address + read.request.count) for read in reads]


SLOW = {**LINE, "baud": 9600}  # 11 bits per byte: 1.1458 ms
BYTE = 11 / 9600


@pytest.mark.parametrize(
    ("server", "request_", "expected"),
    [
        (TCP, ReadRequest(1, "holding", 0, 10), 0.01 + 10 * 0.00005),
        (TCP, ReadRequest(1, "coil", 0, 9), 0.01 + 0.00005),
        (TCP, ReadRequest(1, "discrete", 0, 8), 0.01 + 0.000025),
        ({**TCP, "pause_ms": 30}, ReadRequest(1, "holding", 0, 2, pause_s=0.02), 0.04 + 2 * 0.00005),
        ({**TCP, "pause_ms": 30}, ReadRequest(1, "holding", 0, 2, pause_s=0.05), 0.06 + 2 * 0.00005),
        ({**TCP, "units": {1: {"pause_ms": 70}}}, ReadRequest(1, "holding", 0, 2), 0.08 + 2 * 0.00005),
        ({**TCP, "pause_ms": 30, "units": {1: {"pause_ms": 0}}}, ReadRequest(1, "holding", 0, 2), 0.04 + 2 * 0.00005),
        ({**TCP, "units": {2: {"pause_ms": 70}}}, ReadRequest(1, "holding", 0, 2), 0.01 + 2 * 0.00005),
        (SLOW, ReadRequest(1, "holding", 0, 10), 0.01 + 33 * BYTE + 7 * BYTE),
        ({**SLOW, "parity": "none"}, ReadRequest(1, "holding", 0, 10), 0.01 + 40 * 10 / 9600),
        ({**SLOW, "stop_bits": 2, "pause_ms": 5}, ReadRequest(1, "coil", 0, 16), 0.015 + 22 * 12 / 9600),
        ({**SLOW, "data_bits": 7}, ReadRequest(1, "coil", 0, 16), 0.01 + 22 * 10 / 9600),
        ({**SLOW, "baud": 115200}, ReadRequest(1, "holding", 0, 10), 0.0135 + 33 * 11 / 115200),
        ({**SLOW, "transport": "ascii"}, ReadRequest(1, "holding", 0, 10), 0.01 + 2 * 40 * BYTE),
        ({**TCP, "transport": "rtu-over-tcp"}, ReadRequest(1, "holding", 0, 10), 0.01 + 40 * BYTE),
        ({**TCP, "transport": "ascii-over-tcp"}, ReadRequest(1, "holding", 0, 10), 0.01 + 2 * 40 * BYTE),
        ({**TCP, "transport": "udp"}, ReadRequest(1, "holding", 0, 10), 0.0105),
        ({**TCP, "transport": "tls"}, ReadRequest(1, "holding", 0, 10), 0.0105),
    ],
)  # fmt: skip
def test_what_a_request_takes(server: Row, request_: ReadRequest, expected: float) -> None:
    """A device of usual speed, its longest pause, and on a line the bytes of request and answer between two silences of 3.5 bytes, at least 1.75 ms."""
    assert expected_s(_server(**server), request_) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("hole", "requests"), [(14, 1), (15, 2)])
def test_on_a_slow_line_a_wide_hole_costs_more_than_a_request(hole: int, requests: int) -> None:
    """At 9600 baud one more request costs as much as 14.4 registers, so a hole of 15 is not read through although it may be."""
    connector = _connector(
        _point("a", "holding:100"), _point("b", f"holding:{101 + hole}"), limits={"max_gap": 125, "max_registers": 125}
    )

    assert len(_spans(connector, SLOW)) == requests
    assert len(_spans(connector, TCP)) == 1


@pytest.mark.parametrize(
    ("hole", "forbidden", "requests"), [(3, [], 1), (4, [], 2), (3, ["holding:102"], 2), (3, ["input:102"], 1)]
)
def test_a_hole_is_read_through_where_the_device_allows_it(hole: int, forbidden: list[str], requests: int) -> None:
    """As many registers as its gap, none of which is forbidden in the same table."""
    points = [_point("a", "holding:100"), _point("b", f"holding:{101 + hole}")]

    assert len(_spans(_connector(*points, limits={"max_gap": 3, "forbidden": forbidden}), TCP)) == requests


@pytest.mark.parametrize(("hole", "requests"), [(230, 1), (231, 2)])
def test_bits_cost_a_sixteenth_of_registers(hole: int, requests: int) -> None:
    """A request on the same line is worth 229.8 bits."""
    points = [_point("a", "coil:100", "bool"), _point("b", f"coil:{101 + hole}", "bool")]

    assert len(_spans(_connector(*points, limits={"max_gap": 125}), SLOW)) == requests
    assert len(_spans(_connector(*points, limits={"max_gap": 15}), TCP)) == 1 + (hole > 15 * 16)


def test_a_hole_in_bits_is_allowed_sixteen_times_as_wide() -> None:
    """A gap of one register is one of 16 bits, not of 17."""
    limits = {"max_gap": 1}

    assert (
        len(_spans(_connector(_point("a", "coil:0", "bool"), _point("b", "coil:17", "bool"), limits=limits), TCP)) == 1
    )
    assert (
        len(_spans(_connector(_point("a", "coil:0", "bool"), _point("b", "coil:18", "bool"), limits=limits), TCP)) == 2
    )


@pytest.mark.parametrize(
    ("scan", "settings", "interval"),
    [
        ("slow", {}, 60_000), ("slow", {"slow_ms": 700}, 1000), ("medium", {}, 10_000), ("medium", {"medium_ms": 900}, 1000),
        ("fast", {}, 1000), ("fast", {"fast_ms": 250}, 250), ("fast", {"fast_ms": 100}, 200), ("normal", {"fast_ms": 250}, 1000),
        ("normal", {"interval_ms": 150}, 200), ("normal", {"interval_ms": 3000}, 3000),
    ],
)  # fmt: skip
def test_each_scan_class_has_its_interval(scan: str, settings: Row, interval: int) -> None:
    """Slow and medium are never quicker than normal, and nothing is quicker than the device bears (200 ms here)."""
    connector = _connector(_point("a", "holding:0", scan=scan), limits={"min_interval_ms": 200})

    assert [read.interval_ms for read in _reads(connector, {**TCP, **settings})[0]] == [interval]


def test_a_request_is_as_urgent_as_its_most_urgent_point_and_keeps_the_pause() -> None:
    """High before normal before low; the unit's silence comes from the limits, in seconds."""
    rows = [
        _point("a", "holding:0", priority="low"), _point("b", "holding:1"), _point("c", "input:0", priority="low"),
        _point("d", "input:1", priority="low"), _point("e", "input:50"), _point("f", "input:51", priority="high"),
    ]  # fmt: skip
    reads, _problems = _reads(_connector(*rows, limits={"pause_ms": 40}), TCP)

    found = [(read.request.unit, read.request.table, read.request.priority, read.request.pause_s) for read in reads]
    assert found == [(3, "holding", 1, 0.04), (3, "input", 2, 0.04), (3, "input", 0, 0.04)]


@pytest.mark.parametrize(
    ("gap", "forbidden", "between", "readable"),
    [
        (9, [], [], True),
        (8, [], [], False),
        (9, ["holding:5"], [], False),
        (9, ["input:5"], [], True),
        (4, [], [_point("m", "holding:5")], True),
        (4, [], [_point("m", "input:5")], False),
        (3, [], [_point("m", "holding:4", "uint32")], False),
        (4, [], [_point("m", "holding:4", "uint32")], True),
        (0, [], [_point("m", "holding:1", "string", size=9)], True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("behind", [True, False])
def test_a_value_is_read_together_with_its_scale_factor(
    gap: int, forbidden: list[str], between: list[Row], readable: bool, behind: bool
) -> None:
    """In one request, whichever stands first; unless the widest hole of registers that no point of the connector owns is too wide, or one is forbidden."""
    value, factor = ("holding:10", "holding:0") if behind else ("holding:0", "holding:10")
    rows = [_point("v", value, sf="s"), _point("s", factor, "int16", scan="slow"), *between]
    limits = {"max_gap": gap, "forbidden": forbidden}

    reads, problems = _reads(_connector(*rows, limits=limits), TCP, without=("m",))

    if readable:
        assert [(each.request.address, each.request.count, each.points, each.factors) for each in reads] == [
            (0, 11, (0,), (1,)), (int(factor[8:]), 1, (1,), ()),
        ]  # fmt: skip
    told = [f"{value} cannot be read in one request with s, which holds its scale factor; allow a gap"]
    assert problems == ([] if readable else told)


def test_what_is_read_often_is_planned_first() -> None:
    """By interval, then by table, whatever the connector names first."""
    rows = [
        _point("a", "input:0", scan="slow"), _point("b", "input:9"), _point("c", "holding:0", scan="slow"),
        _point("d", "coil:0", "bool"),
    ]  # fmt: skip
    reads, _problems = _reads(_connector(*rows), TCP)

    assert [(each.interval_ms, each.request.table) for each in reads] == [
        (1000, "coil"), (1000, "input"), (60_000, "holding"), (60_000, "input"),
    ]  # fmt: skip


def test_a_factor_answered_by_the_same_request_is_not_read_apart() -> None:
    """What the request answers anyway is no factor from elsewhere; a power of ten that stands in the connector needs no register."""
    rows = [_point("v", "holding:0", sf="s"), _point("s", "holding:1", "int16"), _point("w", "holding:2", sf="-2")]
    reads, problems = _reads(_connector(*rows), TCP)

    assert [(each.request.count, each.points, each.factors, each.stamp) for each in reads] == [(3, (0, 1, 2), (), None)]
    assert problems == []


def test_factors_from_elsewhere_stand_in_their_order() -> None:
    """As their places in the plan are, however many there are."""
    rows = [
        _point("v", "holding:0", sf="s"), _point("w", "holding:1", sf="t"), _point("s", "holding:2", "int16", scan="slow"),
        *(_point(f"p{place}", f"holding:{place}", scan="slow") for place in range(3, 9)), _point("t", "holding:9", "int16", scan="slow"),
    ]  # fmt: skip
    reads, _problems = _reads(_connector(*rows), TCP)

    assert [(each.points, each.factors) for each in reads] == [((0, 1), (2, 9)), (tuple(range(2, 10)), ())]


def test_a_scale_factor_cannot_be_left_out() -> None:
    """The machine without it would give values of unknown size."""
    rows = [_point("v", "holding:0", sf="s"), _point("s", "holding:1", "int16")]

    assert _reads(_connector(*rows), TCP, without=("s",))[1] == [
        "s, which holds the scale factor of v, cannot be left out"
    ]


def test_what_cannot_be_read_is_told_with_its_connector(
    make_site: Callable[..., Site], make_connector: Callable[..., Connector]
) -> None:
    """The plan of a site names connector and point, and makes nothing of the rest."""
    connector = make_connector("modbus", _point("v", "holding:0", sf="s"), ("s", "holding:40", "int16"))
    site = make_site({"line": TCP}, [{"id": "m", "connector": "modbus", "server": "line", "unit": 1}])

    with pytest.raises(DefinitionError) as caught:
        plan_site(site, {"modbus": connector})

    assert [str(problem) for problem in caught.value.problems] == [
        "connectors/modbus: points.v: holding:0 cannot be read in one request with s, which holds its scale factor; allow a gap"
    ]


@st.composite
def _clocked(draw: st.DrawFn) -> Connector:
    """Points around a clock, some of them read slowly, all within reach of it."""
    places = draw(st.lists(st.integers(0, 90), unique=True, min_size=1, max_size=12))
    scans = st.sampled_from(["normal", "slow", "fast"])
    rows = [_point(f"p{place}", f"holding:{place}", scan=draw(scans)) for place in places if not 44 <= place < 48]
    clock = _point("clock", "holding:44", "datetime", scan=draw(scans))
    limits = {"max_gap": 125, "max_registers": draw(st.integers(50, 125))}
    at = draw(st.integers(0, len(rows)))
    return _connector(*rows[:at], clock, *rows[at:], time_from="clock", limits=limits)


@given(_clocked())
def test_with_a_time_point_every_point_is_answered_once_and_every_request_holds_the_time(connector: Connector) -> None:
    """The time point itself too: once, in a request of its own scan class; and no request answers nothing."""
    reads, problems = _reads(connector, {**TCP, "fast_ms": 1000, "slow_ms": 5000})
    clock = [point.name for point in connector.points].index("clock")

    assert problems == []
    assert sorted(place for read in reads for place in read.points) == list(range(len(connector.points)))
    for read in reads:
        assert read.points
        assert read.stamp == clock
        assert read.request.address <= 44
        assert read.request.address + read.request.count >= 48
        if clock in read.points:
            assert read.interval_ms == (5000 if connector.points[clock].scan == "slow" else 1000)
