"""Every shipped connector keeps the rules that ``factory-kit check`` holds it to."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory_kit.cli.checks import check_path
from factory_kit.errors import DefinitionError
from factory_kit.shipped import data_dir

FOLDERS = sorted(path.parent for path in data_dir("connectors").glob("*/connector.yaml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_shipped_connector_is_right(folder: Path) -> None:
    """Its definition holds, and all its samples give the values they promise."""
    assert check_path(folder).kind == "connector"


def test_a_wrong_address_is_found_by_the_samples(tmp_path: Path) -> None:
    """A value read where another one stands makes the check name the point, what came out, and what was promised."""
    source = data_dir("connectors") / "sim-energy-meter"
    copy = tmp_path / source.name
    copy.mkdir()
    for file in source.iterdir():
        text = file.read_text(encoding="utf-8")
        (copy / file.name).write_text(
            text.replace("holding:4,", "holding:6,") if file.name == "points.csv" else text, encoding="utf-8"
        )

    with pytest.raises(DefinitionError, match=r"expect\.voltage_l1: gives .*, expected 230\.5"):
        check_path(copy)
