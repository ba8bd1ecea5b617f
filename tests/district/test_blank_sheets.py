"""Empty sheets of the registers, and names of registers as officers say them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import openpyxl
import pytest

from factory_kit.district.blank_sheets import register_named, write_blank_sheets
from factory_kit.district.office import Office
from factory_kit.district.register import forms
from factory_kit.district.sheet_import import read_sheet
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.testing.district import fictional_code

FILLED = {
    "credit_code": fictional_code(7), "site": "01", "text": "某", "unit": "新桥镇", "units": "松江综合保税区", "industry": "3484",
    "number": "12.5", "date": "2026年9月1日", "class": "3484", "public_key": "",
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("register", list(forms()))
def test_a_filled_sheet_is_imported_whole(
    office: Office, tmp_path: Path, register: str, language: Literal["zh", "en"]
) -> None:
    """Every column that was written is understood, with the first of its words; the explanations are no entries."""
    (path,) = write_blank_sheets(tmp_path, [register], language)
    book = openpyxl.load_workbook(path)
    columns = forms()[register].columns
    for at, column in enumerate(columns.values(), start=1):
        words = list(column.choices.values())
        book.worksheets[0].cell(2, at, words[0][0] if words else FILLED[column.kind])
    book.save(path)

    found = read_sheet(path, register, office.units(), office.registers())

    assert found.warnings == ()
    assert [set(row) for row in found.rows] == [{name for name, each in columns.items() if each.kind != "public_key"}]


def test_an_empty_sheet_is_no_mistake_and_not_written_over(office: Office, tmp_path: Path) -> None:
    """Nothing filled in gives no entries; a second one in the same folder is refused, and the first stays as it is."""
    (path,) = write_blank_sheets(tmp_path, ["plants"], "zh")
    before = path.read_bytes()

    assert path.name == "工厂名录.xlsx"
    assert read_sheet(path, "plants", office.units(), office.registers()).rows == ()
    with pytest.raises(UsageError, match="is there already"):
        write_blank_sheets(tmp_path, ["providers", "plants"], "zh")
    assert path.read_bytes() == before
    assert list(tmp_path.glob("*.xlsx")) == [path]


def test_words_to_choose_from_stand_in_the_sheet(tmp_path: Path) -> None:
    """The size of a firm is chosen from a list; codes are text, so that Excel drops no digit."""
    (path,) = write_blank_sheets(tmp_path, ["plants"], "zh")
    sheet = openpyxl.load_workbook(path).worksheets[0]

    lists = {str(each.sqref): each.formula1 for each in sheet.data_validations.dataValidation}
    assert '"大型,中型,小型,微型"' in lists.values()
    assert sheet.column_dimensions["A"].width > 18
    assert sheet["A1"].value == "统一社会信用代码*"


def test_registers_are_known_by_their_chinese_names() -> None:
    """工厂名录 is the register of plants; another word is told what there is."""
    assert register_named("工厂名录") == register_named("plants") == register_named("Plants") == "plants"
    with pytest.raises(UsageError, match="认定"):
        register_named("企业")


@pytest.mark.parametrize(("name", "likely"), [("新桥", "新桥镇"), ("方淞街道", "方松街道"), ("九亭鎮", "九亭镇")])
def test_a_misspelt_street_is_asked_about(office: Office, tmp_path: Path, name: str, likely: str) -> None:
    """The mistake names the unit that was probably meant; nothing is guessed."""
    (path,) = write_blank_sheets(tmp_path, ["plant_units"], "zh")
    book = openpyxl.load_workbook(path)
    for at, value in enumerate((fictional_code(7), "", name, "2026-01-01"), start=1):
        book.worksheets[0].cell(2, at, value)
    book.save(path)

    with pytest.raises(DefinitionError) as caught:
        read_sheet(path, "plant_units", office.units(), office.registers())

    assert [(each.path, each.details["likely"]) for each in caught.value.problems] == [("C2", likely)]
