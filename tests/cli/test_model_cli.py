"""``factory-kit model``."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from factory_kit.load.maturity import maturity_model
from factory_kit.shipped import data_dir

from .conftest import Command

SHIPPED = data_dir("assessments") / "models" / "gbt-39116" / "2020"


@pytest.fixture
def edition(tmp_path: Path) -> Path:
    """A copy of the shipped model that may be changed."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "gbt-39116" / "2020"))


def change(edition: Path, file: str, old: str, new: str) -> None:
    """One text replaced by another in a file of *edition*."""
    text = (edition / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (edition / file).write_text(text.replace(old, new), encoding="utf-8")


def test_the_list_tells_how_sure_the_rows_are(factory_kit: Command) -> None:
    """The 216 rows of GB/T 39116-2020 by confidence; none is verified."""
    found = {model["id"]: model for model in json.loads(factory_kit("model", "list", "--json").out)}

    model = found["gbt-39116@2020"]
    assert (model["status"], model["rows"], model["confidence"]["verified"]) == ("unverified", 216, 0)
    assert sum(model["confidence"].values()) == 216


LABEL = "实时采集温度、电压、电流等关键参数，可故障分析与远程诊断"


def test_a_moved_meaning_under_the_same_rev_is_found(factory_kit: Command, edition: Path) -> None:
    """A criterion that asks something else without a new rev fails the check and is marked in the difference."""
    change(edition, "text.zh.yaml", f"MP4.3.a: {LABEL}", "MP4.3.a: 每月巡检")

    changes = json.loads(factory_kit("model", "diff", "gbt-39116", edition, "--json").out)["changes"]
    said = factory_kit("model", "check", edition, "--against", "gbt-39116")

    assert changes == [{"kind": "reworded", "id": "MP4.3.a", "old": LABEL, "new": "每月巡检", "silent": True}]
    assert said.code == 1
    assert f"MP4.3.a: its meaning moved ({LABEL} → 每月巡检) under the same rev" in said.err


def test_a_moved_meaning_with_a_new_rev_is_fine(factory_kit: Command, edition: Path) -> None:
    """The same change with rev 2 passes, and the difference still shows it."""
    change(edition, "text.zh.yaml", f"MP4.3.a: {LABEL}", "MP4.3.a: 每月巡检")
    change(
        edition,
        "model.yaml",
        "{id: MP4.3.a, node: MP4, level: 3, rev: 1,",
        "{id: MP4.3.a, node: MP4, level: 3, rev: 2,",
    )

    assert factory_kit("model", "check", edition, "--against", "gbt-39116").code == 0
    assert "MP4.3.a" in factory_kit("model", "diff", "gbt-39116", edition).out


def test_the_same_edition_has_no_difference(factory_kit: Command, edition: Path) -> None:
    """Nothing is printed as a result, and a note says so."""
    said = factory_kit("model", "diff", "gbt-39116", edition)

    assert (said.code, said.out) == (0, "")
    assert "No difference" in said.err


def test_explain_says_every_step_and_weight(factory_kit: Command) -> None:
    """The four values, the gate at 0.8, the bands, and the weights of both plant types."""
    said = factory_kit("model", "explain", "gbt-39116").out

    assert "A level is satisfied from 0.8 on" in said
    assert "≥ 4.8" in said
    assert "MP7" in said


def test_rows_to_compare_hold_every_criterion_and_every_weight(factory_kit: Command, tmp_path: Path) -> None:
    """The CSV opens in a spreadsheet with Chinese intact and has one row per criterion and per weight of each type."""
    file = tmp_path / "对照 表.csv"
    factory_kit("--lang", "zh", "model", "export", "gbt-39116", file)

    content = file.read_bytes()
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    model = maturity_model(SHIPPED)
    weights = sum(len(node.weight) for node in model.structure.nodes)
    assert content.startswith(b"\xef\xbb\xbf")
    assert len(rows) == 1 + 216 + weights
    assert rows[1][0] == "PS.1.a"


def test_marking_works_on_the_workspaces_own_copy(factory_kit: Command, tmp_path: Path) -> None:
    """The shipped model stays as it is; the copy knows who compared the twelve rows of MP4, and its hash is the same."""
    factory_kit("init", tmp_path / "w")
    said = factory_kit(
        "model", "mark-verified", "gbt-39116", "MP4", "--by", "Li Wei", "--against", "7.4", "--on", "2026-03-09", "-w", tmp_path / "w"
    )  # fmt: skip

    own = maturity_model(tmp_path / "w" / "assessments" / "models" / "gbt-39116" / "2020")
    assert said.code == 0
    assert own.confidence_counts()["verified"] == 12
    assert own.sha256 == maturity_model(SHIPPED).sha256
    assert not (SHIPPED / "checks.yaml").exists()


def test_what_was_compared_twice_adds_up(factory_kit: Command, edition: Path) -> None:
    """A second check adds to the first; all of it together makes the model verified."""
    for what in ("technology", "all"):
        factory_kit("model", "mark-verified", edition, what, "--by", "Li", "--against", "39116")

    model = maturity_model(edition)
    assert len(model.checks) == 2
    assert model.status == "verified"


def test_rows_that_somebody_compared_are_not_written_over(factory_kit: Command, tmp_path: Path) -> None:
    """The file is filled in by hand: a second export takes another name."""
    file = tmp_path / "rows.csv"
    file.write_text("what the standard says", encoding="utf-8")

    said = factory_kit("model", "export", "gbt-39116", file)

    assert (said.code, said.err.strip()) == (2, f"{file}: is there already; choose another name or take it away")
    assert file.read_text(encoding="utf-8") == "what the standard says"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["mark-verified", "EDITION", "MP99", "--by", "Li", "--against", "x"], "gbt-39116@2020: 'MP99' is no criterion and no node"),
        (["mark-verified", "EDITION", "MP4", "--by", " ", "--against", "x"], "a check needs a name (--by)"),
        (["mark-verified", "EDITION", "MP4", "--by", "Li", "--against", "x", "--on", "9 March"], "--on: '9 March' is no day"),
        (["explain", "nope"], "nope: names 0 models; name one of gbt-39116@2020"),
        (["export", "gbt-39116", "nowhere/rows.csv"], "nowhere: there is no such folder"),
    ],
)  # fmt: skip
def test_wrong_use_of_a_model_is_one_line(factory_kit: Command, edition: Path, words: list[str], line: str) -> None:
    """What cannot be done is said in one line, and nothing is written."""
    said = factory_kit("model", *(edition if word == "EDITION" else word for word in words))

    assert (said.code, said.err.count("\n")) == (2, 1)
    assert line in said.err
    assert not (edition / "checks.yaml").exists()


def test_ladders_stand_in_the_list_and_explain_themselves(factory_kit: Command) -> None:
    """The tiers of smart factories: every condition of every tier in words; a ladder has no rows to diff."""
    ids = {model["id"] for model in json.loads(factory_kit("model", "list", "--json").out)}
    said = factory_kit("model", "explain", "smart-factory")

    assert {"smart-factory@2025", "sme-digital@2022", "sme-digital@2024", "siri@2020", "district-ladder@2025"} <= ids
    assert "level 3 or higher by gbt-39116" in said.out
    assert "A level counts only where every level below it holds." in said.out
    assert "nothing is added up" in factory_kit("model", "explain", "siri").out
    assert "is a ladder" in factory_kit("model", "diff", "siri", "siri").err


def test_a_ladder_is_checked_with_its_cases(factory_kit: Command, tmp_path: Path) -> None:
    """A moved threshold breaks a worked example, which is named."""
    source = data_dir("assessments") / "models" / "sme-digital" / "2022"
    copy = Path(shutil.copytree(source, tmp_path / "sme-digital" / "2022"))
    assert factory_kit("check", copy).code == 0
    text = (copy / "ladder.yaml").read_text(encoding="utf-8")
    (copy / "ladder.yaml").write_text(text.replace('at_least: "60"', 'at_least: "61"'), encoding="utf-8")

    said = factory_kit("check", copy)

    assert said.code == 2
    assert "score 60: level is 2, expected 3" in said.err
