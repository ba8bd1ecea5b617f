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


def test_what_got_no_receipt_is_named(factory_kit: Command, district: Path) -> None:
    """Other files and folders of the inbox are said, a name in capitals is a bundle, what file managers leave is not worth a word."""
    inbox = district / "inbox"
    (inbox / "plant-01.zip").rename(inbox / "PLANT-01.ZIP")
    for name in ("a.rar", ".DS_Store", "Thumbs.db"):
        (inbox / name).write_bytes(b"x")
    (inbox / "more").mkdir()

    said = factory_kit("district", "receive", inbox, "-d", district)

    assert "accepted: 3; duplicate: 1; rejected: 1; returned: 1" in said.out
    told = " ".join(said.err.split())
    assert "2 files or folders are no .zip and got no receipt: a.rar, more/." in told
    assert "district letters" in told


def test_of_many_receipts_only_remarkable_ones_are_listed(
    factory_kit: Command, district: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above a screenful the table shows what somebody must look at, and says how many it leaves out."""
    monkeypatch.setattr("factory_kit.cli.district.SHOWN", 5)
    said = factory_kit("district", "receive", district / "inbox", "-d", district)

    assert "plant-02.zip" not in said.out
    assert "plant-04.zip" in said.out
    assert "3 bundles that were accepted without a remark are not listed" in " ".join(said.err.split())


def test_a_real_campaign_is_begun_and_checked(factory_kit: Command, tmp_path: Path) -> None:
    """``init --real`` takes real bundles; ``check`` reads campaign, units and targets with every mistake, and holds the model."""
    folder = tmp_path / "real"
    assert factory_kit("district", "init", folder, "--real").code == 0
    said = factory_kit("check", folder)
    assert (said.code, "campaign" in str(said), "23 reporting units" in str(said)) == (0, True, True)
    assert factory_kit("district", "init", tmp_path / "both", "--real", "--example").code == 2

    file = folder / "campaign.yaml"
    text = file.read_text(encoding="utf-8")
    assert "kind: real" in text
    file.write_text(text.replace('sha256: "', 'sha256: "0').replace("most_open: 20", "most_open: x"), encoding="utf-8")
    assert "most_open" in str(factory_kit("check", folder))
    wrong = 'sha256: "' + "0" * 64 + '"'
    found = text[text.index('sha256: "') : text.index('"}', text.index('sha256: "')) + 1]
    file.write_text(text.replace(found, wrong), encoding="utf-8")
    said = factory_kit("check", folder)
    assert (said.code, "models[0].sha256" in str(said)) == (2, True)


def test_settings_in_the_new_campaign_are_the_defaults(factory_kit: Command, tmp_path: Path) -> None:
    """Every optional setting stands there as a remark, with the value it has anyway."""
    from factory_kit.district.definitions import Campaign
    from factory_kit.district.office import Office

    folder = tmp_path / "d"
    factory_kit("district", "init", folder)
    before = Office.at(folder).campaign()
    file = folder / "campaign.yaml"
    remarks = [
        line.removeprefix("# ") for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("# ")
    ]
    optional = {name for name, each in Campaign.model_fields.items() if not each.is_required()}
    settings = [line for line in remarks if line.split(":")[0] in optional]

    assert {line.split(":")[0] for line in settings} == optional
    with file.open("a", encoding="utf-8") as more:
        more.write("\n".join(settings) + "\n")
    assert Office.at(folder).campaign() == before


def test_registers_are_listed_and_their_sheets_written(factory_kit: Command, tmp_path: Path) -> None:
    """``import`` alone says which registers there are; ``sheets`` writes those named, by any of their names."""
    listed = factory_kit("district", "import")
    made = factory_kit("district", "sheets", tmp_path / "s", "工厂名录", "providers")

    assert (listed.code, "recognitions" in listed.out) == (0, True)
    assert made.code == 0
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["Diagnosis providers.xlsx", "Plants.xlsx"]
    assert factory_kit("district", "import", "plants").code == 2
