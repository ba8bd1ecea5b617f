"""``district``: init, receive, stats."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory_kit.testing.district import make_inbox

from .conftest import Command


@pytest.fixture
def district(factory_kit: Command, tmp_path: Path) -> Path:
    """A district's folder with a small inbox: three good bundles and three bad ones."""
    folder = tmp_path / "songjiang"
    assert factory_kit("district", "init", folder).code == 0
    make_inbox(folder / "inbox", count=6)
    return folder


def test_every_refusal_names_its_rule(factory_kit: Command, district: Path) -> None:
    """The table says for each file what became of it; refusals give exit code 1."""
    said = factory_kit("district", "receive", district / "inbox", "-d", district)

    assert said.code == 1
    for rule in ("R02", "R03", "R10"):
        assert rule in said.out
    assert "accepted: 3; duplicate: 1; rejected: 1; returned: 1" in said.out


def test_receipts_come_as_json_too(factory_kit: Command, district: Path) -> None:
    """A program reads outcome, receipt number and rules."""
    found = json.loads(factory_kit("district", "receive", district / "inbox", "-d", district, "--json").out)

    assert [each["outcome"] for each in found] == ["accepted"] * 3 + ["returned", "rejected", "duplicate"]
    assert [rule["rule"] for each in found for rule in each["rules"]] == ["R03", "R02", "R10"]


def test_plants_are_counted_by_level_and_unit(factory_kit: Command, district: Path) -> None:
    """The table has a row per reporting unit and one for all plants."""
    factory_kit("district", "receive", district / "inbox", "-d", district)
    said = factory_kit("district", "stats", "-d", district)
    found = json.loads(factory_kit("district", "stats", "-d", district, "--json").out)

    assert "Xinqiao Town" in said.out
    assert "All, each once" in said.out
    assert (found[-1]["unit"], found[-1]["plants"]) == ("*", 3)


def test_the_example_makes_twenty_bundles(factory_kit: Command, tmp_path: Path) -> None:
    """``init --example`` fills an inbox to try the rest with."""
    assert factory_kit("district", "init", tmp_path / "d", "--example").code == 0
    assert len(list((tmp_path / "d" / "inbox").glob("*.zip"))) == 20


def test_wrong_paths_are_one_line(factory_kit: Command, district: Path, tmp_path: Path) -> None:
    """A missing inbox and a folder that is no district are wrong use."""
    missing = factory_kit("district", "receive", tmp_path / "nowhere", "-d", district)
    stranger = factory_kit("district", "stats", "-d", tmp_path)

    assert (missing.code, "there is no such file or folder" in missing.err) == (2, True)
    assert (stranger.code, "is no folder of a district" in stranger.err) == (2, True)
