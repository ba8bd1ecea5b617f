"""``assess form`` and ``assess import``: the answers through Excel and back."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from .conftest import Command


@pytest.fixture
def edit(factory_kit: Command, plant: Path) -> Callable[..., Path]:
    """Writes the form and changes cells of it: ``edit({"MP4.2.a": {"F": "0.5"}})``; gives the file."""

    def edited(changes: dict[str, dict[str, object]], *words: str) -> Path:
        file = plant / "form.xlsx"
        assert factory_kit(*words, "assess", "form", "first", file, "-w", plant).code == 0
        book = openpyxl.load_workbook(file)
        for sheet in book.worksheets:
            for row in sheet.iter_rows(min_row=2):
                for column, value in changes.get(str(row[0].value), {}).items():
                    sheet[f"{column}{row[0].row}"] = value
        book.save(file)
        return file

    return edited


def answers(plant: Path) -> bytes:
    """The file of answers as it stands."""
    return (plant / "assessments" / "first" / "answers.yaml").read_bytes()


def test_a_form_that_nobody_changed_changes_nothing(
    factory_kit: Command, plant: Path, edit: Callable[..., Path]
) -> None:
    """There and back again leaves every byte of the answers, whatever the language of the form."""
    before = answers(plant)

    said = factory_kit("assess", "import", "first", edit({}, "--lang", "zh"), "-w", plant)

    assert (said.code, answers(plant)) == (0, before)
    assert "nothing was changed" in said.err


def test_what_was_filled_in_comes_back(factory_kit: Command, plant: Path, edit: Callable[..., Path]) -> None:
    """A number Excel keeps as 1.0, a no value with its reason, another grade: each is an answer; the rest keeps its evidence."""
    before = answers(plant).decode()
    form = edit({
        "PS.1.a": {"F": 0.5, "K": "看过"},
        "MP4.2.a": {"F": None, "G": "not applicable", "H": "外包维护", "I": None, "J": None},
        "TD.4.b": {"F": 1.0, "G": None, "H": None, "I": "B", "J": "演示模型库 =1+1"},
    })  # fmt: skip

    said = factory_kit("assess", "import", "first", form, "-w", plant)

    after = answers(plant).decode()
    assert said.code == 0
    assert re.search(
        r'PS\.1\.a: \{value: "0\.5", evidence: \[\{grade: "?B"?, note: "《智能制造三年规划.*remark: "看过"\}', after
    )
    assert 'MP4.2.a: {no_value: not applicable, reason: "外包维护"}' in after
    assert 'TD.4.b: {value: "1", evidence: [{grade: B, note: "演示模型库 =1+1"}]}' in after
    assert (plant / "assessments" / "first" / "earlier" / "answers-001.yaml").read_text(encoding="utf-8") == before
    assert factory_kit("assess", "score", "first", "-w", plant).code == 0


def test_the_form_has_a_sheet_per_place_and_hides_the_codes(plant: Path, edit: Callable[..., Path]) -> None:
    """Four places in Chinese, column A hidden, the values to choose from, the proposal of the machines beside them."""
    book = openpyxl.load_workbook(edit({}, "--lang", "zh"))

    names = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
    line = book["产线"]
    assert names == ["办公室", "产线", "仓库", "公用工程与安全环保"]
    assert line.column_dimensions["A"].hidden
    assert any('"0,0.5,0.8,1' in str(rule.formula1) for rule in line.data_validations.dataValidation)
    assert sum(sheet.max_row - 1 for sheet in book.worksheets if sheet.title in names) == 216
    assert plant.exists()


def test_all_mistakes_are_told_with_sheet_and_cell(
    factory_kit: Command, plant: Path, edit: Callable[..., Path]
) -> None:
    """A value that is none, two at once, a reason or a grade that is missing, a code that was changed: five lines, nothing written."""
    before = answers(plant)
    form = edit({
        "MP5.1.a": {"F": "0.7"},
        "MP5.1.b": {"F": "1", "G": "unknown"},
        "MP5.2.a": {"F": None, "G": "not applicable", "H": None},
        "MP5.2.b": {"F": "1", "I": None, "J": "seen"},
        "MP5.2.c": {"A": "MP9.9.z"},
    })  # fmt: skip

    said = factory_kit("assess", "import", "first", form, "-w", plant)

    assert (said.code, answers(plant)) == (2, before)
    for line in (
        "form.xlsx: Warehouse!F2: 0.7 is not allowed, expected one of 0, 0.5, 0.8, 1",
        "form.xlsx: Warehouse!G3: has a value too; keep one of them",
        "form.xlsx: Warehouse!H4: not applicable needs a reason",
        "form.xlsx: Warehouse!J5: a grade needs what was seen",
        "form.xlsx: Warehouse!A6: 'MP9.9.z' is no criterion of the model",
    ):
        assert line in said.err


def altered(file: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Path:
    """The archive *file* with its members changed."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)
    return file


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda members: members | {"xl/vbaProject.bin": b"x"}, "holds macros"),
        (lambda members: members | {"xl/worksheets/sheet1.xml": b"0" * (64 << 20)}, "zip bomb"),
        (lambda members: members | {"../../evil": b"x"}, "evil"),
        (lambda members: {name: text for name, text in members.items() if "workbook.xml" not in name}, "is no Excel workbook"),
        (lambda members: members | {"xl/worksheets/sheet1.xml": b"<worksheet"}, "is no"),
    ],
    ids=["macros", "bomb", "path", "no workbook", "broken sheet"],
)  # fmt: skip
def test_what_is_no_honest_form_is_one_line(
    factory_kit: Command, plant: Path, edit: Callable[..., Path], change: Callable[[Any], Any], line: str
) -> None:
    """Macros, bombs, paths that leave the folder and broken parts are refused before anything is written."""
    before = answers(plant)

    said = factory_kit("assess", "import", "first", altered(edit({}), change), "-w", plant)

    assert said.code in {1, 2}
    assert said.err.count("\n") == 1
    assert line in said.err
    assert answers(plant) == before


def test_the_form_of_something_else_is_refused(factory_kit: Command, plant: Path) -> None:
    """A workbook that is not ours, and a form that would overwrite a file."""
    book = openpyxl.Workbook()
    book.save(plant / "other.xlsx")

    assert "is no form of ours" in factory_kit("assess", "import", "first", plant / "other.xlsx", "-w", plant).err
    assert "name a new file" in factory_kit("assess", "form", "first", plant / "other.xlsx", "-w", plant).err
    assert "there is no such file" in factory_kit("assess", "import", "first", plant / "missing.xlsx", "-w", plant).err


def test_the_wording_of_the_standard_stands_where_somebody_answers(factory_kit: Command, plant: Path) -> None:
    """A licensed text.local.yaml of the workspace shows in the form and in the reasons, never in the frozen model."""
    place = plant / "assessments" / "models" / "gbt-39116" / "2020"
    place.mkdir(parents=True)
    local = place / "text.local.yaml"
    head = "form: 1\nmodel: gbt-39116\nedition: '2020'\nsource: 测试\ncriteria: "
    local.write_text(head + "{MP4.3.a: 应实时采集 & <甲>}\n", encoding="utf-8")

    assert factory_kit("assess", "form", "first", plant / "a.xlsx", "-w", plant).code == 0
    said = factory_kit("assess", "explain", "first", "MP4.3.a", "-w", plant)
    notes = [
        cell.comment.text
        for sheet in openpyxl.load_workbook(plant / "a.xlsx").worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.comment
    ]
    local.write_text(head + "{ZZ.1.a: 无}\n", encoding="utf-8")
    wrong = factory_kit("assess", "explain", "first", "MP4.3.a", "-w", plant)

    assert notes == ["应实时采集 & <甲>"]
    assert "应实时采集 & <甲>" in said.out
    assert not list((plant / "assessments" / "first").rglob("text.local.yaml"))
    assert wrong.code == 2
    assert "'ZZ.1.a' is no criterion of the model" in wrong.err


def sheet_of(file: Path, *rows: tuple[object, ...]) -> Path:
    """A workbook of another platform."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file


def test_a_result_of_another_platform_is_a_declaration(factory_kit: Command, plant: Path) -> None:
    """What nobody answered yet is taken with grade D and its origin; what is answered stays, and the file of before is kept."""
    answers = plant / "assessments" / "first" / "answers.yaml"
    text = answers.read_text(encoding="utf-8")
    answers.write_text(re.sub(r"(?m)^(  TD\.5\.a: ).*$", r"\1{no_value: not assessed}", text), encoding="utf-8")
    rows = (("自评报告",), ("条款编号", "内容", "得分"), ("TD.5.a", "x", 0.8), ("PS.1.a", "y", 0), (None, "小计", 3))
    file = sheet_of(plant / "other.xlsx", *rows)

    done = factory_kit("assess", "earlier", "first", file, "--platform", '某平台 & "2025"', "-w", plant)
    lines = dict(re.findall(r"(?m)^  ([A-Z]+\d?\.\d\.[a-z]): (.*)$", answers.read_text(encoding="utf-8")))

    assert done.code == 0
    assert "1 requirements are answered already and stay as they are: PS.1.a" in done.err
    assert lines["TD.5.a"].startswith('{value: "0.8", evidence: [{grade: D, note: "某平台 & \\"2025\\""')
    assert lines["PS.1.a"].startswith('{value: "1"')
    assert (plant / "assessments" / "first" / "earlier" / "answers-001.yaml").is_file()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((("编号", "得分"), ("ZZ.1.a", 1)), "'ZZ.1.a' is no criterion of the model"),
        ((("编号", "得分"), ("TD.5.a", "80%")), "80% is not allowed, expected one of 0, 0.5, 0.8, 1"),
        ((("编号", "得分"), ("TD.5.a", "1e999999999")), "is not allowed"),
        ((("编号", "得分"), ("TD.5.a", 1), ("TD.5.a", 0)), "TD.5.a stands in Sheet!B2 already"),
        ((("要求", "结果"), ("TD.5.a", 1)), "no sheet has a heading for codes"),
    ],
)
def test_a_wrong_result_of_another_platform_changes_nothing(
    factory_kit: Command, plant: Path, rows: tuple[tuple[object, ...], ...], said: str
) -> None:
    """Each mistake stands with its cell, and the answers are as they were."""
    answers = plant / "assessments" / "first" / "answers.yaml"
    before = answers.read_bytes()

    done = factory_kit("assess", "earlier", "first", sheet_of(plant / "o.xlsx", *rows), "--platform", "x", "-w", plant)

    assert done.code == 2
    assert said in done.err
    assert answers.read_bytes() == before
