from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.collect.plan import ServerPlan, SitePlan, chunks, plan_site
from factory_kit.drivers.address import address_range, modbus_address, registers_of
from factory_kit.drivers.base import NodeItem, ReadRequest
from factory_kit.errors import DefinitionError
from factory_kit.model.connector import Connector
from factory_kit.model.site import Site

SOURCE = {"title": "manual"}
LABEL = {"zh": "值", "en": "value"}
MODBUS = {"driver": "modbus", "host": "10.0.0.5"}
OPCUA = {"driver": "opcua", "url": "opc.tcp://10.0.0.6:4840"}


def _point(name: str, address: str, kind: str = "uint16", **more: Any) -> dict[str, Any]:
    return {"name": name, "label": LABEL, "role": "other", "address": address, "type": kind, **more}


def _connector(
    *points: dict[str, Any], driver: str = "modbus", limits: dict[str, Any] | None = None, **more: Any
) -> Connector:
    return Connector.model_validate(
        {
            "connector": "meter", "version": "1", "label": LABEL, "driver": driver, "sources": (SOURCE,), "limits": limits or {},
            "quality": {"grade": "bronze", "because": "samples"}, "points": points, **more,
        },
        strict=False,
    )  # fmt: skip


def _site(*equipment: dict[str, Any], **servers: dict[str, Any]) -> Site:
    plant = {
        "id": "plant",
        "name": LABEL,
        "credit_code": "91310117MA1J000000",
        "type": "discrete",
        "industry": {"code": "C3484"},
    }
    items = [{"name": LABEL, "connector": "meter", "server": "line", **item} for item in equipment]
    return Site.model_validate(
        {"site": 1, "kind": "real", "plant": plant, "servers": servers or {"line": MODBUS}, "equipment": items},
        strict=False,
    )


def _planned(meter: Connector, *equipment: dict[str, Any], **servers: dict[str, Any]) -> SitePlan:
    return plan_site(_site(*(equipment or ({"id": "m1", "unit": 1},)), **servers), {"meter": meter})


def _only(plan: SitePlan) -> ServerPlan:
    assert len(plan.servers) == 1
    return plan.servers[0]


def _mistakes(meter: Connector, *equipment: dict[str, Any], **servers: dict[str, Any]) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        _planned(meter, *equipment, **servers)
    return [str(problem) for problem in caught.value.problems]


TABLES = st.sampled_from(["holding", "input", "coil", "discrete"])
PLACES = st.tuples(
    TABLES,
    st.integers(0, 300),
    st.sampled_from(["uint16", "float32", "uint64"]),
    st.sampled_from(["fast", "normal", "slow"]),
)
LIMITS = st.fixed_dictionaries(
    {
        "max_registers": st.integers(4, 125),
        "max_gap": st.integers(0, 40),
        "forbidden": st.lists(st.integers(0, 300).map(lambda n: f"holding:{n}-{n + 3}"), max_size=3),
    }
)


@st.composite
def _meters(draw: st.DrawFn) -> Connector:
    limits = draw(LIMITS)
    shut = [address_range(text)[1:] for text in limits["forbidden"]]
    points, taken = [], set()
    for number, (table, first, kind, scan) in enumerate(draw(st.lists(PLACES, min_size=1, max_size=40))):
        bits = table in {"coil", "discrete"}
        size = 1 if bits else {"float32": 2, "uint64": 4}.get(kind, 1)
        cells = {(table, address) for address in range(first, first + size)}
        closed = table == "holding" and any(low <= address <= high for _table, address in cells for low, high in shut)
        if not cells & taken and not closed:
            taken |= cells
            points.append(_point(f"p{number}", f"{table}:{first}", "bool" if bits else kind, scan=scan))
    return _connector(*(points or [_point("p", "input:0")]), limits=limits)


@given(_meters())
def test_every_point_is_whole_inside_one_legal_read(meter: Connector) -> None:
    """Each point is answered by one read, whole inside it; no read is above the limits or in a forbidden range."""
    plan = _only(_planned(meter))
    shut = [address_range(text) for text in meter.limits.forbidden]

    for read in plan.reads:
        start, count = read.request.address, read.request.count
        assert count <= (meter.limits.max_registers if read.request.table in {"holding", "input"} else 2000)
        assert not any(
            table == read.request.table and low < start + count and start <= high for table, low, high in shut
        )
        for place in read.points:
            address = modbus_address(plan.points[place].address)
            assert address.table == read.request.table
            assert start <= address.number
            assert address.number + registers_of(plan.points[place].point) <= start + count
    assert sorted(place for read in plan.reads for place in read.points) == list(range(len(meter.points)))


def test_neighbours_share_one_request_and_scan_classes_do_not() -> None:
    """Points of one scan class that lie together are read together; slow points have a request and an interval of their own."""
    meter = _connector(
        _point("a", "holding:0", "float32"), _point("b", "holding:2", "float32"), _point("c", "holding:4", scan="slow")
    )

    plan = _only(_planned(meter))

    assert [(read.request, read.interval_ms) for read in plan.reads] == [
        (ReadRequest(1, "holding", 0, 4), 1000),
        (ReadRequest(1, "holding", 4, 1), 60_000),
    ]


def test_the_site_and_the_device_set_the_interval() -> None:
    """The slower of the site's interval and the least interval of the device holds."""
    meter = _connector(_point("a", "holding:0", scan="fast"), _point("b", "holding:1"), limits={"min_interval_ms": 500})

    plan = _only(_planned(meter, line={**MODBUS, "interval_ms": 2000, "fast_ms": 100}))

    assert sorted(read.interval_ms for read in plan.reads) == [500, 2000]


def test_the_time_point_is_in_every_request() -> None:
    """Every read of a connector with time_from holds the time point, which is itself answered once."""
    points = [
        _point("clock", "holding:50", "datetime"),
        _point("low", "holding:0"),
        _point("high", "holding:120"),
        _point("slow", "holding:60", scan="slow"),
    ]
    meter = _connector(*points, time_from="clock", limits={"max_registers": 100, "max_gap": 100})

    plan = _only(_planned(meter))

    assert [(read.request.address, read.request.count, read.stamp, read.points) for read in plan.reads] == [
        (0, 54, 0, (0, 1)),
        (50, 71, 0, (2,)),
        (50, 11, 0, (3,)),
    ]


def test_a_value_out_of_reach_of_its_time_is_a_mistake() -> None:
    """A point that no read can hold together with time_from is named; so is one of another table."""
    points = [_point("clock", "holding:0", "datetime"), _point("far", "holding:500"), _point("run", "coil:0", "bool")]

    assert _mistakes(_connector(*points, time_from="clock", limits={"max_gap": 125})) == [
        "connectors/meter: points.far: holding:500 cannot be read in one request with clock, which holds its time; allow a gap, or leave time_from out",
        "connectors/meter: points.run: coil:0 cannot be read in one request with clock, which holds its time; allow a gap, or leave time_from out",
    ]


def test_all_mistakes_of_a_connector_come_at_once() -> None:
    """Wrong forms, types that do not fit, ends beyond the table, overlaps and forbidden places are all named."""
    points = [
        _point("form", "40001"), _point("table", "register:1"), _point("end", "holding:65535", "float32"), _point("bit", "holding:3.16", "bool"),
        _point("coil", "coil:1"), _point("text", "holding:20", "string"), _point("one", "holding:30", "float32"), _point("two", "holding:31"),
        _point("shut", "holding:41", "float32"), _point("bits", "holding:50.1"), _point("wide", "holding:60", "uint64", size=4), _point("big", "holding:70000"),
    ]  # fmt: skip

    found = _mistakes(_connector(*points, limits={"forbidden": ["holding:40-41", "40"], "max_registers": 3}))

    assert [line.split(": ", 2)[1] for line in found] == [
        "limits.forbidden[1]", "points.big", "points.bit", "points.bits", "points.coil", "points.end", "points.form", "points.shut", "points.table", "points.text",
        "points.two", "points.wide", "points.wide",
    ]  # fmt: skip
    assert found[7].endswith("holding:41 lies in the forbidden range holding:40-41")
    assert found[10].endswith("holding:31 (uint16) overlaps one at holding:30 (float32)")


def test_the_ledger_and_its_connectors_must_fit() -> None:
    """A machine without its unit, a connector of another protocol and a missing connector are named with their place."""
    meter = _connector(_point("a", "holding:0"))

    assert _mistakes(
        meter,
        {"id": "m1"},
        {"id": "m2", "unit": 2, "server": "ua"},
        {"id": "m3", "connector": "lathe"},
        line=MODBUS,
        ua=OPCUA,
    ) == [
        "site.yaml: equipment[0].unit: a Modbus device needs its unit (1 to 247; 255 for a device without)",
        "site.yaml: equipment[1].connector: connector 'meter' speaks modbus, the server opcua",
        "site.yaml: equipment[2].connector: there is no connector 'lathe'",
    ]


def test_the_broadcast_unit_is_never_planned() -> None:
    """Unit 0 speaks to all devices of a line at once."""
    assert _mistakes(_connector(_point("a", "holding:0")), {"id": "m1", "unit": 0}) == [
        "site.yaml: equipment[0].unit: unit 0 is the broadcast address and never sent; use 255 for a device without units"
    ]


def test_personal_points_are_never_planned() -> None:
    """Operators and points marked personal are left out, and said to be."""
    meter = _connector(
        _point("power", "holding:0"),
        _point("who", "holding:1", role="operator"),
        _point("badge", "holding:2", personal=True),
    )

    plan = _planned(meter)

    assert [item.point.name for item in _only(plan).points] == ["power"]
    assert _only(plan).reads[0].request == ReadRequest(1, "holding", 0, 1)
    assert plan.left_out == ("m1/who", "m1/badge")


def test_points_a_machine_does_not_have_are_left_out() -> None:
    """``without`` takes points off one machine only."""
    meter = _connector(_point("a", "holding:0"), _point("b", "holding:1"))

    plan = _only(_planned(meter, {"id": "m1", "unit": 1, "without": ("b",)}, {"id": "m2", "unit": 2}))

    assert [(item.equipment, item.point.name) for item in plan.points] == [("m1", "a"), ("m2", "a"), ("m2", "b")]
    assert [(read.request.unit, read.points) for read in plan.reads] == [(1, (0,)), (2, (1, 2))]


def test_node_ids_get_the_machine_and_the_namespace() -> None:
    """``{base}`` becomes the machine's, and ``ns=?`` the namespace URI of the connector, to be resolved at the server."""
    lathe = _connector(
        _point("state", "ns=?;s={base}.State", "int32"),
        _point("load", "ns=2;i=7", "float64", scan="slow"),
        driver="opcua",
        namespace="urn:maker:lathe",
    )

    plan = _only(_planned(lathe, {"id": "m1", "base": "L1"}, line={**OPCUA, "sampling_ms": 250, "queue_size": 40}))

    assert plan.items == (NodeItem("nsu=urn:maker:lathe;s=L1.State", 250.0, 40), NodeItem("ns=2;i=7", 60_000.0, 40))
    assert [entry.address for entry in plan.catalogue] == ["nsu=urn:maker:lathe;s=L1.State", "ns=2;i=7"]


def test_mistakes_of_node_ids_come_at_once() -> None:
    """A node id without a form, an open namespace without a URI, and a time point are named, and so is a missing base."""
    lathe = _connector(_point("state", "State", "int32"), _point("load", "ns=?;s=x"), driver="opcua", time_from="load")
    based = _connector(_point("load", "ns=2;s=Load"), _point("state", "ns=2;s={base}.State"), driver="opcua")
    meter = _connector(_point("a", "holding:{base}"))

    assert [line.split(": ", 2)[1] for line in _mistakes(lathe, {"id": "m1"}, line=OPCUA)] == [
        "points.load",
        "points.state",
        "time_from",
    ]
    assert _mistakes(based, {"id": "m1"}, line=OPCUA) == [
        "site.yaml: equipment[0].base: the addresses of connector 'meter' contain {base}, so the equipment needs its base"
    ]
    assert [line.split(": ", 2)[1] for line in _mistakes(meter)] == ["points.a"]  # a register is nobody's base


@given(st.integers(0, 5000), st.integers(1, 1000))
def test_chunks_cover_everything_once_and_keep_the_limit(count: int, limit: int) -> None:
    """Chunks hold every number once, in order, none longer than the limit."""
    parts = chunks(count, limit)

    assert [number for part in parts for number in part] == list(range(count))
    assert all(0 < len(part) <= limit for part in parts)


def test_what_a_point_says_of_reading_is_in_its_item(make_site: Any, make_connector: Any) -> None:
    """Polling, deadband, queue, discarding and priority of each point; the site's settings where a point says nothing."""
    points = [
        {"name": "a", "address": "ns=2;i=1", "type": "float64", "reading": "subscribe", "deadband": "0.5", "queue": 7},
        {
            "name": "b",
            "address": "ns=2;i=2",
            "type": "float64",
            "deadband": "2.5%",
            "discard": "newest",
            "priority": "high",
        },
        {"name": "c", "address": "ns=2;i=3", "type": "float64"},
        {"name": "d", "address": "ns=2;i=4", "type": "float64", "priority": "low"},
    ]
    server = {"driver": "opcua", "url": "opc.tcp://10.0.0.6", "reading": "poll", "queue_size": 40}
    site = make_site({"ua": server}, [{"id": "m", "connector": "opcua", "server": "ua"}])

    (plan,) = plan_site(site, {"opcua": make_connector("opcua", *points)}).servers

    assert plan.items == (
        NodeItem("ns=2;i=1", 1000.0, 7, deadband=0.5),
        NodeItem("ns=2;i=2", 1000.0, 40, polled=True, deadband=2.5, percent=True, keep_newest=False, priority=100),
        NodeItem("ns=2;i=3", 1000.0, 40, polled=True),
        NodeItem("ns=2;i=4", 1000.0, 40, polled=True),
    )


def test_the_catalogue_keeps_how_raw_numbers_became_values(make_site: Any, make_connector: Any) -> None:
    """Scale, offset and the device's own power of ten of each point go into the catalogue with the connector's version."""
    connector = make_connector("modbus", ("load", "holding:1", "uint16"), ("sf", "holding:2", "int16"))
    load = connector.points[0].model_copy(update={"scale": Decimal("0.1"), "offset": Decimal(-40), "sf": "sf"})
    connector = connector.model_copy(update={"points": (load, *connector.points[1:])})
    site = make_site(
        {"line": {"driver": "modbus", "host": "127.0.0.1", "port": 502}},
        [{"id": "m1", "connector": "modbus", "server": "line", "unit": 1}],
    )

    found = plan_site(site, {"modbus": connector}).servers[0].catalogue

    assert [(each.scale, each.offset) for each in found] == [("0.1*10^sf", "-40"), ("1", "0")]


def test_equipment_without_a_connector_is_not_planned() -> None:
    """Work by hand stands in the ledger only, and a server of which nothing may be read gets no plan."""
    meter = _connector(_point("a", "holding:0"), _point("who", "holding:1", role="operator"))
    manual = {"id": "bench", "connector": None, "server": None}
    personal = {"id": "gate", "server": "gate", "unit": 1, "without": ("a",)}

    plan = _planned(
        meter, manual, personal, {"id": "m1", "unit": 1, "without": ("who",)}, line=MODBUS, gate=MODBUS, idle=MODBUS
    )

    assert [(each.name, [point.equipment for point in each.points]) for each in plan.servers] == [("line", ["m1"])]
    assert plan.left_out == ("gate/who",)


def test_all_that_a_machine_lacks_is_told_at_once() -> None:
    """The time point cannot be left out, whatever else is wrong; each line names the machine by its place."""
    clocked = _connector(_point("clock", "holding:0", "datetime"), _point("a", "holding:4"), time_from="clock")

    assert _mistakes(clocked, {"id": "m1", "unit": 1, "without": ("clock",)}, {"id": "m2"}) == [
        "site.yaml: equipment[0].without: clock gives all other points their time and cannot be left out",
        "site.yaml: equipment[1].unit: a Modbus device needs its unit (1 to 247; 255 for a device without)",
    ]


def test_a_base_that_makes_no_node_id_is_a_mistake_of_its_machine() -> None:
    """The address is whole only with the machine's base; other machines of the connector may have a good one."""
    lathe = _connector(_point("a", "/2:Load@{base}"), driver="opcua")

    machines = [{"id": f"m{place}", "base": base} for place, base in enumerate(("ns=2;s=A", "B", "C"))]

    assert _mistakes(lathe, *machines, line=OPCUA) == [
        f"site.yaml: equipment[{place}].base: '/2:Load@{{base}}' begins at {base!r}, which is no node id, expected one such as nsu=http://maker.example/;s=Machine1"
        for place, base in ((1, "B"), (2, "C"))
    ]


@pytest.mark.parametrize(
    ("scan", "settings", "sampling"),
    [
        ("slow", {}, 60_000), ("slow", {"slow_ms": 500}, 1000), ("medium", {}, 10_000), ("medium", {"medium_ms": 500}, 1000),
        ("fast", {}, 1000), ("fast", {"fast_ms": 100}, 100), ("fast", {"fast_ms": 0}, 0), ("normal", {"fast_ms": 100}, 1000),
    ],
)  # fmt: skip
def test_each_scan_class_is_sampled_as_the_site_says(scan: str, settings: dict[str, int], sampling: float) -> None:
    """Slow and medium never quicker than normal; fast as normal where the site names no interval, and 0 is one: as fast as the server can."""
    lathe = _connector(_point("a", "ns=2;i=1", scan=scan), driver="opcua")

    # a unit means nothing here, not even that of the broadcast
    (item,) = _only(_planned(lathe, {"id": "m1", "unit": 0}, line={**OPCUA, **settings})).items

    assert item.sampling_ms == sampling


def test_a_planned_point_knows_its_unit_and_the_zone_of_its_clock() -> None:
    """A device whose clock shows the plant's time is read in the plant's zone; the catalogue names unit and address."""
    points = (_point("a", "holding:7"),)
    utc, plant = _connector(*points), _connector(*points, clock="plant")

    for connector, zone in ((utc, ""), (plant, "Asia/Shanghai")):
        found = _only(_planned(connector, {"id": "m1", "unit": 9}))
        assert [(each.equipment, each.address, each.unit, each.zone) for each in found.points] == [
            ("m1", "holding:7", 9, zone)
        ]
        (entry,) = found.catalogue
        assert (entry.equipment, entry.name, entry.role, entry.type, entry.address) == (
            "m1",
            "a",
            "other",
            "uint16",
            "9/holding:7",
        )
        assert (entry.connector, entry.connector_version, entry.server, entry.scale, entry.offset) == (
            "meter",
            "1",
            "line",
            "1",
            "0",
        )


def test_a_device_of_another_package_is_asked_point_by_point() -> None:
    """Each point at its own interval, by its address with the machine's base in it, which is also what the catalogue names."""
    scans = ("fast", "normal", "medium", "slow")
    press = _connector(*(_point(scan, f"{{base}}/{scan}", scan=scan) for scan in scans), driver="acme")
    server = {"driver": "acme", "address": "10.0.0.9:1", "interval_ms": 500}

    for settings, fast in (({}, 500), ({"fast_ms": 50}, 50)):
        found = _only(_planned(press, {"id": "m1", "base": "db7"}, line={**server, **settings}))
        assert found.items == tuple(
            NodeItem(f"db7/{scan}", every, 1, polled=True)
            for scan, every in zip(scans, (fast, 500, 10_000, 60_000), strict=True)
        )
        assert [(entry.address, entry.connector) for entry in found.catalogue] == [
            (f"db7/{scan}", "meter") for scan in scans
        ]
        assert [(point.unit, point.zone) for point in found.points] == [(0, "")] * 4
        assert found.reads == ()
