"""``simulate``: a plant to practise on, and ``check`` saying what is still open before one begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory_kit.cli.pasted import quoted
from factory_kit.cli.still_open import still_open
from factory_kit.load.workspace import Workspace
from factory_kit.testing import SimulatedPlant

from .conftest import Command

NOON = 1_788_235_200_000_000  # 2026-09-01 12:00 in Shanghai
PERMISSION = """
authorisation:
  granted_by: 张三
  reference: "1"
  granted_on: 2026-09-01
  valid_until: {until}
  addresses: ["192.0.2.20:502"]
servers:
  energy: {{driver: modbus, host: 192.0.2.20, port: 502}}
  spare: {{driver: modbus, host: 192.0.2.21, port: 502}}
"""


@pytest.mark.wire
def test_the_simulated_plant_comes_with_a_workspace_that_reads_it(factory_kit: Command, tmp_path: Path) -> None:
    """Simulate DIR says where the plant answers and what goes wrong, and the site file it writes names those very places."""
    said = factory_kit("simulate", tmp_path / "练习 1", "--opcua", 0, "--modbus", 0, "--for", "1s")
    site = Workspace.at(tmp_path / "练习 1").site()[0]
    addresses = [server.address for server in site.servers.values()]

    assert (said.code, site.kind) == (0, "demo")
    assert set(addresses) == set(site.authorisation.addresses if site.authorisation else ())
    assert all(address in said.err for address in addresses)
    assert f'factory-kit collect -w "{tmp_path / "练习 1"}"' in said.err
    assert "the total counter of cnc-05 is set back to 0" in said.out


def test_a_workspace_that_is_there_is_not_written_over_by_practice(factory_kit: Command, tmp_path: Path) -> None:
    """Simulate starts nothing where a site file is already."""
    factory_kit("init", tmp_path / "a")

    said = factory_kit("simulate", tmp_path / "a")

    assert (said.code, "already holds a site.yaml" in said.err) == (2, True)


def test_check_says_what_init_left_to_be_filled_in(factory_kit: Command, tmp_path: Path) -> None:
    """A workspace as init made it breaks no rule, and check still names what is missing, for programs too."""
    factory_kit("init", tmp_path / "a")

    said = factory_kit("check", tmp_path / "a").err
    told = json.loads(factory_kit("check", tmp_path / "a", "--json").out)["still_open"]

    assert "! still as init wrote it: plant.id, plant.credit_code, equipment;" in said
    assert [remark.partition(":")[0] for remark in told] == [
        "still as init wrote it",
        "there is no authorisation yet",
        "no equipment can be read",
    ]


@pytest.mark.parametrize(
    ("until", "remark"),
    [
        ("2026-09-03", "the authorisation ends on 2026-09-03"),
        ("2026-08-31", "the authorisation ended on 2026-08-31: nothing can be read"),
    ],
)
def test_a_permission_that_ends_is_told_before_the_visit(
    factory_kit: Command, tmp_path: Path, until: str, remark: str
) -> None:
    """An authorisation that ends soon or has ended, addresses it does not hold and servers nobody uses are named."""
    factory_kit("init", tmp_path / "a")
    site = tmp_path / "a" / "site.yaml"
    text = site.read_text(encoding="utf-8").replace(
        "    key: true\n", "    key: true\n    connector: acrel-adl3000\n    server: energy\n    unit: 1\n"
    )
    granted = PERMISSION.format(until=until).replace("granted_on: 2026-09-01", "granted_on: 2026-08-01")
    site.write_text(text + granted, encoding="utf-8")

    told = still_open(Workspace.at(tmp_path / "a").site()[0], NOON)

    assert told[1:] == [
        remark,
        "not among the addresses of the authorisation: 192.0.2.21:502",
        "no equipment is read from these servers: spare",
    ]


@pytest.mark.parametrize(
    ("word", "typed"),
    [("my-plant", "my-plant"), ("张工/报告.zip", "张工/报告.zip"), ("我的 工厂", '"我的 工厂"'), ("a(1)", '"a(1)"')],
)
def test_a_name_is_shown_as_a_shell_takes_it_for_one_word(word: str, typed: str) -> None:
    """What stands in a command to be pasted has quotation marks where a shell needs them, and only there."""
    assert quoted(word) == typed


@pytest.mark.wire
def test_a_discovered_device_reaches_the_site_file_by_pasting(factory_kit: Command, tmp_path: Path) -> None:
    """Dry run, --go, connectors adopt: its lines pasted at the end of a new site file are a site that check takes."""
    folder = tmp_path / "张工 的厂"
    factory_kit("init", folder)
    site = folder / "site.yaml"
    with SimulatedPlant() as plant:
        permission = PERMISSION.format(until="2099-12-31").replace("192.0.2.20:502", f"127.0.0.1:{plant.modbus_port}")
        known = permission.replace("192.0.2.20", "127.0.0.1").replace("port: 502}", f"port: {plant.modbus_port}}}", 1)
        text = site.read_text(encoding="utf-8")
        head, equipment, ledger = text.partition("# 台账")
        site.write_text(head + known + equipment + ledger, encoding="utf-8")
        words = ("discover", "modbus", "energy", "--units", "1", "--registers", "holding:0-9", "--rounds", "2")
        seen = factory_kit(*words, "--every", "0.1", "-w", folder, "--lang", "zh").out
        gone = factory_kit(*words, "--every", "0.1", "-w", folder, "--go").err
    (made,) = (folder / "discover").glob("*/*/connectors")

    said = factory_kit("connectors", "adopt", made.parent, "-w", folder)
    again = factory_kit("connectors", "adopt", made.parent, "-w", folder)
    kept = [line for line in site.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    site.write_text("\n".join(kept).rstrip() + "\n" + said.out.partition("equipment:\n")[2], encoding="utf-8")
    checked = factory_kit("check", folder)

    assert "43/14" in seen
    assert f'factory-kit connectors adopt "{made.parent}" -w "{folder}"' in gone
    assert said.code == again.code == 0
    assert "servers:" not in said.out
    assert "is in the workspace already" in again.err
    assert checked.code == 0, checked.err
    assert "2 pieces of equipment, 1 connected" in checked.err


def test_only_what_discover_left_can_be_adopted(factory_kit: Command, tmp_path: Path) -> None:
    """A folder without drafts is wrong use."""
    factory_kit("init", tmp_path / "a")

    said = factory_kit("connectors", "adopt", tmp_path, "-w", tmp_path / "a")

    assert (said.code, "holds no drafted connectors" in said.err) == (2, True)


def test_a_mistyped_credit_code_is_told_where_the_plant_is_real(factory_kit: Command, tmp_path: Path) -> None:
    """The check sign of a real plant's code must fit; an example's fictional code, and a right one, are let be."""
    factory_kit("init", tmp_path / "a")
    site = Workspace.at(tmp_path / "a").site()[0]
    codes = {"91350100M000100Y43": False, "91350100M000100Y34": True, "91310117FAKE00006X": True}
    for code, wrong in codes.items():
        for kind, told in (("real", wrong), ("demo", False)):
            plant = site.plant.model_copy(update={"credit_code": code})
            said = still_open(site.model_copy(update={"plant": plant, "kind": kind}), NOON)
            assert any(code in each for each in said) == told, (code, kind)
