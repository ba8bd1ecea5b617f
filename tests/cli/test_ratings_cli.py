"""``assess rate`` and ``assess agreement``."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from factory_kit.shipped import data_dir

from .conftest import Command


@pytest.fixture
def plant(factory_kit: Command, tmp_path: Path) -> Path:
    """A workspace with the example assessment called ``first``."""
    root = tmp_path / "plant"
    root.mkdir()
    shutil.copy(data_dir("examples") / "demo-plant" / "site.yaml", root / "site.yaml")
    factory_kit("assess", "new", "first", "--example", "--from", "2026-10-01", "--to", "2026-10-31", "-w", root)
    return root


def fill(file: Path, values: list[str]) -> None:
    """Every requirement of *file* gets one of *values*, in turn."""
    turn = iter(values * 300)
    text = re.sub(
        r"(?m)^(  [A-Z][A-Z0-9]+\.\d\.[a-z]): \{no_value: not assessed\}",
        lambda found: f'{found[1]}: {{value: "{next(turn)}"}}',
        file.read_text(encoding="utf-8"),
    )
    file.write_text(text, encoding="utf-8")


def test_raters_who_say_the_same_agree_wholly(factory_kit: Command, plant: Path) -> None:
    """Two blind files with the same values: kappa and alpha are 1, nothing differs, and the exit code says so."""
    for rater in ("李工", "Wang"):
        assert factory_kit("assess", "rate", "first", "--rater", rater, "-w", plant).code == 0
        fill(plant / "assessments" / "first" / "ratings" / f"{rater}.yaml", ["1", "0.5", "0"])

    said = factory_kit("assess", "agreement", "first", "--json", "-w", plant)

    data = json.loads(said.out)
    assert (said.code, data["exact"], data["differences"]) == (0, "1", [])
    assert data["weighted_kappa"] == data["ordinal_alpha"] == {"value": "1", "low": "1", "high": "1"}
    assert data["items"] == 216


def test_a_difference_needs_a_consensus_with_its_reason(factory_kit: Command, plant: Path) -> None:
    """Where raters differ, the answers' remark is the reason; a requirement without one is a finding."""
    ratings = plant / "assessments" / "first" / "ratings"
    for rater, values in (("a", ["1", "0.5"]), ("b", ["1", "0.8"])):
        factory_kit("assess", "rate", "first", "--rater", rater, "-w", plant)
        fill(ratings / f"{rater}.yaml", values)

    said = factory_kit("assess", "agreement", "first", "-w", plant)
    data = json.loads(factory_kit("assess", "agreement", "first", "--json", "-w", plant).out)

    by_id = {each["criterion"]: each for each in data["differences"]}
    assert said.code == 1
    assert by_id["PS.1.b"]["values"] == ["0.5", "0.8"]
    assert by_id["PK.2.b"]["reason"] == "数据分析人员仅 1 名"
    assert "differences (!) lack a consensus with its reason" in said.err


@pytest.mark.parametrize("name", ["../evil", ".hidden", "a/b", "", "x" * 61, "tab\there"])
def test_a_rater_is_no_path(factory_kit: Command, plant: Path, name: str) -> None:
    """What cannot be a file's name is refused, and nothing is written."""
    said = factory_kit("assess", "rate", "first", "--rater", name, "-w", plant)

    assert (said.code, said.err.count("\n")) == (2, 1)
    assert not (plant / "assessments" / "first" / "ratings").exists()


def test_one_rater_is_no_agreement(factory_kit: Command, plant: Path) -> None:
    """One file is told from two, and a file is never begun twice."""
    factory_kit("assess", "rate", "first", "--rater", "a", "-w", plant)

    assert "holds 1 ratings" in factory_kit("assess", "agreement", "first", "-w", plant).err
    assert "has a file already" in factory_kit("assess", "rate", "first", "--rater", "a", "-w", plant).err


def test_mistakes_of_all_raters_are_told_at_once(factory_kit: Command, plant: Path) -> None:
    """A value that is not allowed in each of two files: two lines with file and line."""
    for rater in ("a", "b"):
        factory_kit("assess", "rate", "first", "--rater", rater, "-w", plant)
        fill(plant / "assessments" / "first" / "ratings" / f"{rater}.yaml", ["0.7"] + ["1"] * 299)

    said = factory_kit("assess", "agreement", "first", "-w", plant)

    assert said.code == 2
    assert re.search(r"first/ratings/a\.yaml:\d+: .*0\.7 is not allowed", said.err)
    assert re.search(r"first/ratings/b\.yaml:\d+: .*0\.7 is not allowed", said.err)
