"""``district``, the officer's part: import, rebuild, status, letters, workbook, publish, trace, sample, consistency, rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory_kit.district.office import Office
from factory_kit.testing.district import fictional_code
from factory_kit.testing.district_records import FictionalDistrict, write_district

from .conftest import Command


@pytest.fixture
def district(factory_kit: Command, tmp_path: Path) -> Path:
    """A district's folder with 60 counted plants, without their bundles."""
    folder = tmp_path / "d"
    assert factory_kit("district", "init", folder).code == 0
    write_district(Office.at(folder), FictionalDistrict(70, 60), tmp_path / "sheet")
    return folder


def test_a_sheet_is_taken_and_its_mistakes_have_cells(factory_kit: Command, district: Path, tmp_path: Path) -> None:
    """A good CSV becomes an edition, the same again changes nothing, a bad one names sheet, row and cell with exit code 2."""
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f"服务商名称,统一社会信用代码,有效期起\n甲,{fictional_code(7)},2026-01-01\n", encoding="utf-8")
    bad.write_text("服务商名称,统一社会信用代码,有效期起\n甲,123,2026-01-01\n", encoding="utf-8")

    assert "edition 1" in str(factory_kit("district", "import", "providers", good, "-d", district))
    assert "says the same already" in str(factory_kit("district", "import", "providers", good, "-d", district))
    said = factory_kit("district", "import", "providers", bad, "-d", district)
    assert said.code == 2
    assert "bad.csv [CSV]:2: B2: E04" in str(said)
    assert factory_kit("district", "import", "nothing", good, "-d", district).code == 2


def test_status_counts_and_finds_a_broken_ledger(factory_kit: Command, district: Path) -> None:
    """Receipts and registers as JSON; a changed line is named by its number, with exit code 1."""
    found = json.loads(factory_kit("district", "status", "-d", district, "--json").out)
    assert (found["receipts"], found["registers"]["plants"]) == ({"accepted": 60}, 70)

    ledger = Office.at(district).ledger_file
    ledger.write_bytes(ledger.read_bytes().replace(b'"file":"4.zip"', b'"file":"5.zip"'))
    said = factory_kit("district", "status", "-d", district)
    assert said.code == 1
    assert "record 5 was altered" in str(said)


def test_publishing_and_the_way_back(factory_kit: Command, district: Path, tmp_path: Path) -> None:
    """Files appear in a new folder, a number leads to bundles, and the same folder is refused."""
    assert factory_kit("district", "publish", tmp_path / "public", "-d", district).code == 0
    data = json.loads((tmp_path / "public" / "data.json").read_bytes())
    row = data["tables"]["street"]["rows"][0][0]

    by_code = factory_kit("district", "trace", "1", "street", row, "-d", district).out
    name = next(unit.name.zh for unit in Office.at(district).units().units if unit.id == row)
    assert ".zip" in by_code
    assert factory_kit("district", "trace", "1", "街镇", name, "-d", district).out == by_code
    assert "No plant stands behind it" in str(
        factory_kit("district", "trace", "1", "street", row, "--level", "9", "-d", district)
    )
    assert factory_kit("district", "publish", tmp_path / "public", "-d", district).code == 2
    assert factory_kit("district", "workbook", tmp_path / "in.xlsx", "-d", district).code == 0
    assert (tmp_path / "in.xlsx").stat().st_size > 1000


def test_the_sample_and_what_stands_out(factory_kit: Command, district: Path) -> None:
    """The same seed prints the same sample; an honest district has nothing that stands out, or says what."""
    first = factory_kit("district", "sample", "--seed", "7", "--each", "1", "-d", district)
    assert first.code == 0
    assert first.out == factory_kit("district", "sample", "--seed", "7", "--each", "1", "-d", district).out
    assert factory_kit("district", "consistency", "-d", district).code == 0
    new = factory_kit("district", "sample", "--each", "1", "-d", district)
    kept = new.err.split("--seed ")[1].split()[0]
    assert new.out == factory_kit("district", "sample", "--seed", kept, "--each", "1", "-d", district).out


def test_an_empty_district_rebuilds_and_writes_to_nobody(factory_kit: Command, tmp_path: Path) -> None:
    """Nothing received is no mistake; the rules can be read at any time."""
    folder = tmp_path / "empty"
    factory_kit("district", "init", folder)

    assert factory_kit("district", "rebuild", "-d", folder).code == 0
    assert "Nothing was received or imported yet" in str(factory_kit("district", "status", "-d", folder))
    assert "receive bundles first" in str(factory_kit("district", "publish", tmp_path / "p", "-d", folder))
    assert "nobody to write to" in str(factory_kit("district", "letters", tmp_path / "l", "-d", folder))
    assert "R14" in factory_kit("district", "rules").out
