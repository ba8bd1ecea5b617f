from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from factory_kit.district.office import Office
from factory_kit.district.sheet_import import Imported, read_sheet
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.testing.district import fictional_code

A, B, C = (fictional_code(2000 + at) for at in range(3))


def wide(text: str) -> str:
    """*text* in full-width signs, as an input method for Chinese writes them."""
    return "".join(
        chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else "\u3000" if sign == " " else sign for sign in text
    )


def officers(path: Path, *more: Sequence[Any]) -> Path:
    """A sheet with a title, headings over two rows with merged cells, blank rows, a total and who filled it in."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    rows: list[Sequence[Any]] = [
        ["松江区规上制造业企业名录（2026年）"],
        [],
        ["序号", "统一社会信用代码", "企业名称", "基本情况", None, None, "规模和能耗", None, None],
        [None, None, None, "街镇", "行业代码", "纳入日期", "占地面积（亩）", "综合能耗\n（吨标煤）", "产值"],
        [1, f" {A}\u3000", "示例甲\u00a0", "新桥镇 ", wide("3484"), 45352, wide("12.5"), "1,200", "-"],
        [],
        [2, wide(B), "示例乙", "洞泾镇\u200b", "C39", "2024.5.6", "/", 800, 5000],
        [3, C.lower(), "示例丙", "新桥镇", 3670, 20240301, None, "无", "３０００"],
        *more,
        [None, "合计", None, None, None, None, 12.5, 2000, 8000],
        ["填表人：某某", None, None, "审核：某某"],
    ]  # fmt: skip
    for row in rows:
        page.append(list(row))
    for cells in ("A1:I1", "A3:A4", "B3:B4", "C3:C4", "D3:F3", "G3:I3"):
        page.merge_cells(cells)
    book.save(path)
    return path


def read(office: Office, path: Path) -> Imported:
    """The sheet as a register of plants."""
    return read_sheet(path, "plants", office.units(), office.registers())


def test_a_sheet_with_everything_an_office_does_is_read(office: Office, tmp_path: Path) -> None:
    """Merged headings over two rows, full-width signs, serial dates, placeholders, blanks: three entries; the total and the remark are named."""
    found = read(office, officers(tmp_path / "名录.xlsx"))

    assert [(row["credit_code"], row["name"], row["street"], row["industry"], row["since"]) for row in found.rows] == [
        (A, "示例甲", "310117105", "3484", "2024-03-01"),
        (B, "示例乙", "310117106", "39", "2024-05-06"),
        (C, "示例丙", "310117105", "3670", "2024-03-01"),
    ]  # fmt: skip
    keys = ("mu", "energy_tce", "output_10k")
    assert [tuple(row.get(key) for key in keys) for row in found.rows] == [
        ("12.5", "1200", None), (None, "800", "5000"), (None, None, "3000"),
    ]  # fmt: skip
    assert [(each.message[:3], each.path) for each in found.warnings] == [("E16", "A3"), ("E20", "B9"), ("E20", "A10")]


def test_mistakes_below_merged_headings_name_their_cells(office: Office, tmp_path: Path) -> None:
    """A code that Excel holds as a number, in exponent form, with a wrong sign, a day that is none, a street of elsewhere: number, sheet, cell."""
    path = officers(
        tmp_path / "名录.xlsx",
        [4, 913101170000000123, "示例丁", "新桥镇"],
        [5, "9.1310117E+17", "示例戊", "新桥镇"],
        [6, A[:-1] + ("0" if A[-1] != "0" else "1"), "示例己", "浦东新区"],
        [7, fictional_code(2003), None, "新桥镇", "3484", "2024-02-30", "-3"],
    )
    with pytest.raises(DefinitionError) as refused:
        read(office, path)

    assert [(each.message[:3], each.file, each.path) for each in refused.value.problems] == [
        ("E03", "名录.xlsx [Sheet]", "B9"),
        ("E04", "名录.xlsx [Sheet]", "B10"),
        ("E06", "名录.xlsx [Sheet]", "B11"),
        ("E09", "名录.xlsx [Sheet]", "D11"),
        ("E02", "名录.xlsx [Sheet]", "C12"),
        ("E08", "名录.xlsx [Sheet]", "F12"),
        ("E11", "名录.xlsx [Sheet]", "G12"),
    ]


def test_a_firm_named_like_a_total_is_an_entry(office: Office, tmp_path: Path) -> None:
    """Only a row without what an entry needs is taken for a total or a remark."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    for row in (
        ["服务商名称", "有效期起"],
        ["合计", date(2026, 1, 1)],
        ["审核宝科技", "2026-01-01"],
        ["合计", None],
    ):
        page.append(list(row))
    book.save(tmp_path / "providers.xlsx")
    found = read_sheet(tmp_path / "providers.xlsx", "providers", office.units(), office.registers())

    assert sorted(row["name"] for row in found.rows) == ["合计", "审核宝科技"]
    assert [each.path for each in found.warnings] == ["A4"]


def test_a_sheet_that_was_an_xls_is_read_the_same(
    office: Office, tmp_path: Path, system_tool: Callable[[str], str]
) -> None:
    """Saved as .xls and again as .xlsx by LibreOffice it says the same; the .xls itself is refused with what to do."""
    office_tool = system_tool("soffice")
    path = officers(tmp_path / "plants.xlsx")
    expected = read(office, path)
    for target in ("xls", "xlsx"):
        source = path if target == "xls" else tmp_path / "xls" / "plants.xls"
        subprocess.run(
            [office_tool, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", target,
             "--outdir", str(tmp_path / target), str(source)],
            check=True, capture_output=True, timeout=300,
        )  # fmt: skip
    again = read(office, tmp_path / "xlsx" / "plants.xlsx")

    assert again.rows == expected.rows
    assert [(each.message, each.path) for each in again.warnings] == [
        (each.message, each.path) for each in expected.warnings
    ]
    with pytest.raises(UsageError, match=r"no Excel workbook that can be read \(\.xlsx\)"):
        read(office, tmp_path / "xls" / "plants.xls")
