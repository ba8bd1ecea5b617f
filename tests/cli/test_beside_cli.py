"""``assess ladder``, ``assess rate`` and ``assess agreement``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from .conftest import Command


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


def answer_all(file: Path, value: str) -> None:
    """Every item of a ladder's file gets *value*, seen in a document."""
    text = file.read_text(encoding="utf-8")
    said = f'{{value: "{value}", evidence: [{{grade: B, note: seen}}]}}'
    file.write_text(text.replace("{no_value: not assessed}", said), encoding="utf-8")


def test_a_tier_takes_the_level_from_the_assessment_itself(factory_kit: Command, plant: Path) -> None:
    """With all contents met, level 2 by GB/T 39116 gives the advanced tier, and says that the level holds the next one back."""
    ladders = plant / "assessments" / "first" / "ladders"
    assert factory_kit("assess", "ladder", "first", "smart-factory", "--new", "-w", plant).code == 0
    empty = json.loads(factory_kit("assess", "ladder", "first", "smart-factory", "--json", "-w", plant).out)
    answer_all(ladders / "smart-factory@2025.yaml", "1")
    factory_kit("assess", "ladder", "first", "district-ladder", "--new", "-w", plant)

    found = json.loads(factory_kit("assess", "ladder", "first", "smart-factory", "--json", "-w", plant).out)
    district = json.loads(factory_kit("assess", "ladder", "first", "district-ladder", "--json", "-w", plant).out)
    said = factory_kit("assess", "ladder", "first", "smart-factory", "-w", plant)

    assert (empty["level"], empty["proven"], empty["at_best"]) == (0, 0, 2)
    assert (found["level"], found["levels_elsewhere"]) == (2, {"gbt-39116": 2})
    assert (district["level"], district["levels_elsewhere"]) == (1, {"gbt-39116": 2, "smart-factory": 2})
    assert "Holds back: level 3 or higher by gbt-39116" in said.out
    assert "has not been compared with its document yet" in said.out


def test_a_profile_shows_bands_and_no_level(factory_kit: Command, plant: Path) -> None:
    """SIRI: every dimension with its band, no level."""
    factory_kit("assess", "ladder", "first", "siri", "--new", "-w", plant)
    answer_all(plant / "assessments" / "first" / "ladders" / "siri@2020.yaml", "3")

    said = factory_kit("assess", "ladder", "first", "siri", "-w", plant)

    assert "3 diagnostic: with causes" in said.out
    assert "Level" not in said.out


def test_mistakes_in_the_answers_to_a_ladder_are_named(factory_kit: Command, plant: Path) -> None:
    """Values that are not options, each at its line; a ladder nobody began, one that is begun already, and one that is none."""
    factory_kit("assess", "ladder", "first", "sme-digital@2024", "--new", "-w", plant)
    answer_all(plant / "assessments" / "first" / "ladders" / "sme-digital@2024.yaml", "1")

    said = factory_kit("assess", "ladder", "first", "sme-digital@2024", "-w", plant)

    assert said.code == 2
    assert re.search(r"first/ladders/sme-digital@2024\.yaml:\d+: answers\.DIG\.value: 1 is not allowed", said.err)
    assert "is there already" in factory_kit("assess", "ladder", "first", "sme-digital@2024", "--new", "-w", plant).err
    assert "begin with" in factory_kit("assess", "ladder", "first", "siri", "-w", plant).err
    assert "names 2 ladders" in factory_kit("assess", "ladder", "first", "sme-digital", "-w", plant).err


def test_answers_move_to_a_new_draft(factory_kit: Command, plant: Path) -> None:
    """The same content carries every answer over; the new draft is scored, and a taken name changes nothing."""
    done = factory_kit("assess", "migrate", "first", "second", "--to", "gbt-39116@2020", "--json", "-w", plant)
    again = factory_kit("assess", "migrate", "first", "second", "--to", "gbt-39116@2020", "-w", plant)

    fates = json.loads(done.out)["fates"]
    assert (done.code, again.code) == (0, 2)
    assert {each["how"] for each in fates} == {"carried"}
    assert len(fates) == 216
    assert factory_kit("assess", "score", "second", "-w", plant).code == 0
