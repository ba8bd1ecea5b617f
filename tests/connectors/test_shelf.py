"""The families of equipment: every point is sourced, and all are read over a wire by the code that reads a plant."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from factory_kit.collect.run import collect_until_stopped
from factory_kit.drivers.address import modbus_address, registers_of
from factory_kit.load.checked import yaml_file
from factory_kit.load.connector import connector_folder
from factory_kit.model.connector import Connector, Role
from factory_kit.model.samples import ConnectorSample, ConnectorSamples
from factory_kit.model.site import Site
from factory_kit.shipped import data_dir
from factory_kit.store import Store

FOLDERS = {
    path.parent.name: path.parent
    for path in sorted(data_dir("connectors").glob("*/connector.yaml"))
    if not path.parent.name.startswith("sim-")
}
CONNECTORS = {name: connector_folder(folder) for name, folder in FOLDERS.items()}
MODBUS = [name for name, connector in CONNECTORS.items() if connector.driver == "modbus"]

pytestmark = pytest.mark.parametrize("name", FOLDERS)


def _samples(name: str) -> tuple[ConnectorSample, ...]:
    return yaml_file(FOLDERS[name] / "samples.yaml", ConnectorSamples).root


def test_every_point_names_where_it_was_read_and_how_sure_it_is(name: str) -> None:
    """A row without a source or without a confidence is not on the shelf; nothing comes from memory."""
    connector = CONNECTORS[name]

    assert [point.name for point in connector.points if len(point.source) < 10 or not point.confidence] == []
    assert {source.confidence for source in connector.sources} <= {"verified", "secondary", "own"}
    for point in connector.points:
        if point.confidence == "high":
            assert {"verified", "own"} & {source.confidence for source in connector.sources}


def test_what_is_said_is_said_in_both_languages(name: str) -> None:
    """Labels and caveats hold Chinese in one and none in the other."""
    connector = CONNECTORS[name]
    texts = [connector.label, *(point.label for point in connector.points), *(each.text for each in connector.caveats)]

    assert [text.en for text in texts if any("\u4e00" <= sign <= "\u9fff" for sign in text.en)] == []
    assert any("\u4e00" <= sign <= "\u9fff" for sign in connector.label.zh)
    assert connector.caveats, "every device has at least one trap worth telling"
    readme = (FOLDERS[name] / "README.md").read_text(encoding="utf-8")
    if connector.driver == "modbus":
        assert all(heading in readme for heading in ("Wiring and settings", "Traps", "Sources"))


def test_one_register_is_never_read_as_two_different_things(name: str) -> None:
    """No two whole points begin at one address, and none reaches into the next."""
    if CONNECTORS[name].driver != "modbus":
        pytest.skip("has no registers")
    places = sorted(
        (address.table, address.number, address.number + registers_of(point), point.name)
        for point in CONNECTORS[name].points
        for address in [modbus_address(point.address)]
        if address.bit is None and not point.type.startswith("bits")
    )

    assert [
        (first, second) for first, second in pairwise(places) if first[0] == second[0] and second[1] < first[2]
    ] == []


def test_the_indicators_find_one_point_of_a_kind(name: str) -> None:
    """A second total of energy or power would be counted twice; phases and the other direction have the role other."""
    roles = [point.role for point in CONNECTORS[name].points]

    assert all(roles.count(role) <= 1 for role in (Role.STATE, Role.ACTIVE_ENERGY, Role.ACTIVE_POWER, Role.TOTAL_COUNT))
    units = {point.role: point.unit for point in CONNECTORS[name].points}
    assert units.get(Role.ACTIVE_ENERGY, "kWh") == "kWh"
    assert units.get(Role.ACTIVE_POWER, "kW") == "kW"


def test_the_origin_of_a_sample_is_told(name: str) -> None:
    """Values are those of a document or a device, or it is said that we computed them or made them up."""
    told = ("computed by Factory Kit", "made up", "p. ", "device")
    assert all(any(word in sample.origin for word in told) for sample in _samples(name))


Read = dict[tuple[str, str], list[tuple[float | None, str | None, int]]]


def _registers(connector: Connector, sample: ConnectorSample) -> dict[tuple[str, int], int]:
    """The words of *sample*, and zeros up to the ends of what a read of *connector* could touch."""
    held: dict[tuple[str, int], int] = {}
    for point in connector.points:
        address = modbus_address(point.address)
        gap = connector.limits.max_gap * (16 if address.table in {"coil", "discrete"} else 1)
        for number in range(max(0, address.number - gap), address.number + registers_of(point) + gap):
            held[address.table, number] = 0
    for start, words in sample.words.items():
        first = modbus_address(start)
        held |= {(first.table, first.number + place): word for place, word in enumerate(words)}
    return held


@pytest.fixture(scope="module")
def read(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Read:
    """What one collection brought of all families, by equipment and point: value, text, quality."""
    units: dict[int, dict[tuple[str, int], int]] = {}
    equipment = []
    for name in MODBUS:
        for place, sample in enumerate(_samples(name)):
            unit = len(units) + 1
            units[unit] = _registers(CONNECTORS[name], sample)
            label = {"zh": name, "en": name}
            equipment.append(
                {"id": f"{name}-{place}", "name": label, "connector": name, "server": "shelf", "unit": unit}
            )
    with serve(units=units) as shelf:
        site = Site.model_validate(_site(shelf, equipment), strict=False)
        store = Store(tmp_path_factory.mktemp("shelf") / "store", now=_now)
        collect_until_stopped(site, CONNECTORS, store, now=_now, seconds=4.0)
        assert {function for _unit, function, *_rest in shelf.requests} <= {1, 2, 3, 4, 43}
    rows = (
        store.connect()
        .execute("SELECT p.equipment, p.name, s.value, s.text, s.quality FROM samples s JOIN points p USING (point)")
        .fetchall()
    )
    found: Read = {}
    for machine, point, *what in rows:
        found.setdefault((machine, point), []).append(tuple(what))
    return found


def _now() -> int:
    return time.time_ns() // 1000


def _site(shelf: Any, equipment: list[dict[str, Any]]) -> dict[str, Any]:
    label = {"zh": "试验", "en": "trial"}
    plant = {
        "id": "shelf",
        "name": label,
        "credit_code": "91310000MA1FL0A123",
        "type": "discrete",
        "industry": {"code": "C34"},
    }
    return {
        "site": 1,
        "kind": "real",
        "plant": plant,
        "authorisation": {
            "granted_by": "test",
            "reference": "T-1",
            "granted_on": date(2020, 1, 1),
            "valid_until": date(2099, 1, 1),
            "addresses": (f"{shelf.host}:{shelf.port}",),
        },
        "servers": {"shelf": {"driver": "modbus", "host": shelf.host, "port": shelf.port, "timeout_ms": 5000}},
        "equipment": tuple(equipment),
    }


@pytest.mark.wire
def test_every_point_is_read_over_the_wire(name: str, read: Read) -> None:
    """A server holds the registers of the samples; the collector's store then holds the values they promise."""
    if name not in MODBUS:
        pytest.skip("has no registers")
    wrong = {}
    for place, sample in enumerate(_samples(name)):
        for point, expected in sample.expect.items():
            got = read.get((f"{name}-{place}", point), [])
            value = [text if text is not None else number for number, text, _quality in got]
            quality = {each for *_rest, each in got}
            if not got or any(each != expected for each in value) or quality != ({2} if expected is None else {0}):
                wrong[place, point] = (expected, got[:2])

    assert wrong == {}
