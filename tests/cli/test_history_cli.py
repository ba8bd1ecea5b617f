"""Importing a historian's export at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory_kit.store import Store

from .conftest import Command

EXPORT = "时间;温度(℃)\n2026-03-09 10:14:33;25.5\n2026-03-09 10:14:34;1,225.5\n"


@pytest.fixture(name="plant")
def _plant(tmp_path: Path, factory_kit: Command) -> Path:
    """A new workspace, whose ledger holds machine-01."""
    assert factory_kit("init", tmp_path / "plant").code == 0
    (tmp_path / "export.csv").write_bytes(EXPORT.encode("gb18030"))
    return tmp_path / "plant"


def proposed(factory_kit: Command, plant: Path, *options: str) -> Path:
    """The map that is proposed for the export, as a file."""
    said = factory_kit("import", plant.parent / "export.csv", "--propose", "-w", plant, *options)
    assert said.code == 0
    (plant / "map.yaml").write_text(said.out, encoding="utf-8")
    return plant / "map.yaml"


def test_an_export_is_imported_by_the_map_that_was_proposed(plant: Path, factory_kit: Command) -> None:
    """What was proposed imports, and importing it again adds nothing."""
    mapping = proposed(factory_kit, plant, "--equipment", "machine-01")

    said = [
        factory_kit("import", plant.parent / "export.csv", "--map", mapping, "-w", plant, "--json") for _ in range(2)
    ]

    counts = {"rows": 2, "left_out": 0, "samples": 2, "overruled": 0, "not_in_ledger": []}
    assert [{key: json.loads(each.out)[key] for key in counts} for each in said] == [counts, counts]
    assert Store(plant / "store").query("SELECT value FROM samples ORDER BY time").to_pylist() == [
        {"value": 25.5},
        {"value": 1225.5},
    ]


def test_equipment_that_no_ledger_names_is_said(plant: Path, factory_kit: Command) -> None:
    """Samples of equipment that the site does not have are kept, and it is told, since no figure counts them."""
    mapping = proposed(factory_kit, plant)

    said = factory_kit("import", plant.parent / "export.csv", "--map", mapping, "-w", plant)

    assert said.code == 0
    assert "! map.yaml: 'equipment' is not in the ledger" in said.err
    assert Store(plant / "store").query("SELECT count(*) AS n FROM samples").to_pylist() == [{"n": 2}]
