"""The connectors of the simulated plant, and the site file of the demonstration."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from factory_kit.load.connector import connector_folder
from factory_kit.load.site import site_file
from factory_kit.model.credit_code import fault, organisation_sign_fits
from factory_kit.shipped import data_dir
from factory_kit.testing import PlantModel
from factory_kit.testing.energy import CompressorState
from factory_kit.testing.machines import RAW_STATES
from factory_kit.testing.modbus_server import COMPRESSOR_REGISTERS, METER_REGISTERS, UNITS, registers
from factory_kit.testing.opcua_server import NAMESPACE, NODE_NAMES
from factory_kit.testing.shifts import DEFAULT_START, HOUR, is_day, shift_at, shift_start, weekday, works

CONNECTORS = data_dir("connectors")
SITE = data_dir("examples") / "demo-plant" / "site.yaml"
MODBUS = {"sim-energy-meter": METER_REGISTERS, "sim-compressor": COMPRESSOR_REGISTERS}


def _samples(name: str) -> list[dict]:
    return yaml.safe_load((CONNECTORS / name / "samples.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", MODBUS)
def test_samples_are_what_the_server_would_send(name: str) -> None:
    """The words of each sample are those into which the simulated device packs the expected values."""
    found = _samples(name)
    assert len(found) == 2
    for sample in found:
        (words,) = sample["words"].values()
        assert words == registers(MODBUS[name], sample["expect"])
        assert sample["origin"] == "simulated"


@pytest.mark.parametrize("name", MODBUS)
def test_addresses_follow_one_another_as_the_server_lays_them_out(name: str) -> None:
    """Every field of the server is a point at its register, with its scale and word order."""
    connector = connector_folder(CONNECTORS / name)
    (first,) = {int(address.split(":")[1]) for sample in _samples(name) for address in sample["words"]}
    for point, (field, form, count) in zip(connector.points, MODBUS[name], strict=True):
        assert point.name == field
        assert int(point.address.split(":")[1]) == first
        assert float(point.scale) == count
        assert point.order == ("CDAB" if form.startswith("<") else "ABCD")
        first += {"Q": 4, "f": 2, "I": 2, "H": 1, "h": 1}[form.removeprefix("<")]


def test_nodes_are_those_of_the_server() -> None:
    """Every point of sim-cnc has the node id, and the connector the namespace, that the server uses."""
    connector = connector_folder(CONNECTORS / "sim-cnc")
    assert connector.namespace == NAMESPACE
    assert {point.name: point.address for point in connector.points} == {
        point: f"ns=?;s={{base}}.{name}" for point, name in NODE_NAMES.items()
    }


def test_samples_of_the_machines_name_known_points() -> None:
    """Values and expectations of sim-cnc speak of the same points."""
    connector = connector_folder(CONNECTORS / "sim-cnc")
    for sample in _samples("sim-cnc"):
        named = {point.name: sample["values"].get(point.address) for point in connector.points}
        assert {name: value for name, value in named.items() if value is not None} == sample["expect"]


def test_state_mappings_lead_back_to_the_states_of_the_model() -> None:
    """What the simulation writes as a number, the connector reads as the same state."""
    machine = connector_folder(CONNECTORS / "sim-cnc").state_mapping
    assert machine is not None
    assert machine.states == {str(raw): state for state, raw in RAW_STATES.items()}
    compressor = connector_folder(CONNECTORS / "sim-compressor").state_mapping
    assert compressor is not None
    assert {int(raw) for raw in compressor.states} == set(CompressorState)


def test_the_demo_site_describes_the_simulated_plant() -> None:
    """Its ledger holds all that the model simulates, at the same unit and node, and two machines that are not connected."""
    site, connectors = site_file(SITE, [CONNECTORS])
    plant = PlantModel()
    ledger = {item.id: item for item in site.equipment}
    assert site.kind == "demo"
    assert set(connectors) == {"sim-cnc", "sim-energy-meter", "sim-compressor"}
    for equipment, machine in plant.machines.items():
        assert ledger[equipment].base == machine.spec.node
        assert float(ledger[equipment].ideal_cycle_s) == machine.spec.ideal_cycle_s
    assert {item.unit: item.id for item in site.equipment if item.unit} == UNITS
    assert [item.id for item in site.equipment if not item.connected] == ["cnc-09", "cnc-10"]
    assert not any(item.digital for item in site.equipment if not item.connected)
    assert len(site.equipment) == 15


def test_the_meters_of_the_demo_site_feed_what_the_model_says() -> None:
    """Every meter names what it is wired to, the hall aside, which is no equipment: so the plant counts no energy twice."""
    site, _ = site_file(SITE, [CONNECTORS])
    plant = PlantModel()
    names = {id(part): name for name, part in {**plant.machines, "compressor-01": plant.compressor}.items()}
    wired = {
        meter: [names[id(feed)] for feed in found.feeds if id(feed) in names] for meter, found in plant.meters.items()
    }

    assert {item.id: list(item.feeds) for item in site.equipment if item.kind == "meter"} == wired


def test_the_shifts_of_the_demo_site_are_those_of_the_model() -> None:
    """On every day of a week the calendar plans exactly the shifts in which the simulated plant works."""
    site, _ = site_file(SITE, [CONNECTORS])
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    by_start = {shift.start.hour: shift for shift in site.calendar.shifts}
    for shift in range(shift_at(DEFAULT_START), shift_at(DEFAULT_START) + 14):
        planned = by_start[8 if is_day(shift) else 20]
        assert (days[weekday(shift)] in planned.days) == works(shift)
        assert (planned.end.hour - planned.start.hour) % 24 * HOUR == shift_start(shift + 1) - shift_start(shift)


def test_the_credit_code_is_well_formed_and_fictional() -> None:
    """Both check digits fit, and the code says that it is made up."""
    site, _ = site_file(SITE, [CONNECTORS])
    code = site.plant.credit_code
    assert fault(code) is None
    assert organisation_sign_fits(code)
    assert "FAKE" in code


def test_the_addresses_of_the_demo_site_are_covered_by_its_authorisation() -> None:
    """What the servers name is what the record allows, and nothing leaves this computer."""
    site, _ = site_file(SITE, [CONNECTORS])
    assert site.authorisation is not None
    assert {server.address for server in site.servers.values()} == set(site.authorisation.addresses)
    assert all(address.startswith("127.0.0.1:") for address in site.authorisation.addresses)


@pytest.mark.parametrize("name", ["sim-cnc", *MODBUS])
def test_every_simulated_connector_has_a_readme_in_both_languages(name: str) -> None:
    """Its first line is its name; Chinese and English stand side by side."""
    text = Path(CONNECTORS / name / "README.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    assert "模拟" in text
    assert "simulated" in text
