"""Excel files: numbers are numbers, identifiers are texts, nothing becomes a formula."""

from __future__ import annotations

import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from factory_kit.render.charts import Bar, Bars, Radar, Series, Timeline
from factory_kit.render.document import (
    Bullets,
    Callout,
    Cell,
    Column,
    Document,
    Facts,
    Figure,
    Item,
    Part,
    Prose,
    Row,
    Section,
    Signatures,
    Table,
)
from factory_kit.render.excel import excel_bytes

ODD = '=HYPERLINK("http://x","y") & <b> {{7*7}} 🏭 㵘'
TABLE = Table(
    "t",
    "表",
    (Column("code", "代码"), Column("share", "占比", "end")),
    (
        Row((Cell("组"),), "group"),
        Row((Cell("091310117FAKE00005X", code=True), Cell("70.8%", number=Decimal("0.708333")))),
        Row((Cell(ODD), Cell("—", "muted")), "total"),
    ),
)


def opened(*parts: Part, title: str = "第一节") -> Any:
    """The second sheet of a document of one section with *parts*."""
    document = Document("zh", "报告", ODD, (Section("s", title, parts),), "目录", "页脚")
    return load_workbook(io.BytesIO(excel_bytes(document)), rich_text=False)


def values(sheet: Any) -> list[object]:
    """Every value of a sheet."""
    return [cell.value for row in sheet.iter_rows() for cell in row if cell.value is not None]


def test_numbers_are_numbers_that_look_as_in_the_report() -> None:
    """A share of 70.8% is 0.708333 shown with one decimal."""
    sheet = opened(TABLE).worksheets[1]

    (cell,) = [cell for row in sheet.iter_rows() for cell in row if cell.value == pytest.approx(0.708333)]
    assert cell.data_type == "n"
    assert cell.number_format == "0.0%"


def test_identifiers_stay_texts() -> None:
    """A credit code keeps its leading zero and its letters, in a cell of format text."""
    sheet = opened(TABLE).worksheets[1]

    (cell,) = [cell for row in sheet.iter_rows() for cell in row if cell.value == "091310117FAKE00005X"]
    assert (cell.data_type, cell.number_format) == ("s", "@")


def test_no_text_becomes_a_formula_or_a_link() -> None:
    """A name that looks like a formula is a text in every cell, and the book links nowhere outside."""
    parts = (TABLE, Facts("f", ((ODD, Cell(ODD)),)), Bullets("b", (Item(ODD, ODD, ODD),), caption=ODD), Prose("p", (ODD,)), Callout("c", ODD, ODD), Signatures("s", ((ODD, (ODD,)),)))  # fmt: skip
    book = opened(*parts)

    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s", "n"}
    assert sum(ODD in str(cell.value) for cell in cells) >= 9
    content = zipfile.ZipFile(
        io.BytesIO(excel_bytes(Document("zh", "报告", ODD, (Section("s", "x", parts),), "目录", "页脚")))
    )
    assert not [name for name in content.namelist() if b"TargetMode" in content.read(name)]


def test_a_radar_is_a_native_chart_over_its_numbers() -> None:
    """The radar stands in the book as a chart of Excel, with its numbers, its threshold and no value where there is none."""
    radar = Radar(("数据", "集成", "装备"), (Series("二级", (1.0, 0.5, None), "brand"),), 0.8, "满足线")
    sheet = opened(Figure("r", "雷达", "说明", radar)).worksheets[1]

    (chart,) = sheet._charts
    assert chart.tagname == "radarChart"
    assert values(sheet)[2:] == ["二级", "满足线", "数据", 1, 0.8, "集成", 0.5, 0.8, "装备", 0.8]


def test_bars_are_a_native_chart_and_timelines_are_told() -> None:
    """Bars become a bar chart; a timeline, which Excel cannot draw, becomes its words."""
    bars = Figure("b", "条形", "", Bars((Bar("一级", 1.0, "1"), Bar("二级", None, "—"))))
    timeline = Figure("t", "时间线", "八台设备", Timeline((), (), 60, ()))
    sheet = opened(bars, timeline).worksheets[1]

    assert [chart.tagname for chart in sheet._charts] == ["barChart"]
    assert "时间线: 八台设备" in values(sheet)


def test_the_first_sheet_leads_to_the_others() -> None:
    """Each section has a sheet whose name Excel allows, and the first sheet links to it."""
    book = opened(TABLE, title="A/B [C]: 很长的名字" + "长" * 40)

    assert book.sheetnames[0] == "目录"
    assert len(book.sheetnames[1]) <= 31
    assert not set("[]:*?/\\'") & set(book.sheetnames[1])
    (link,) = [cell.hyperlink for row in book.worksheets[0].iter_rows() for cell in row if cell.hyperlink]
    assert link.location == f"'{book.sheetnames[1]}'!A1"


def test_the_first_sheet_says_what_page_one_says() -> None:
    """Headings and sentences stand between the title and the links, none of them run by Excel."""
    opening = (("等级", "二级 规范级"), ("", "=1+1"))
    document = Document("zh", "报告", "某厂", (Section("s", "一", (TABLE,)),), "目录", "页脚", opening=opening)
    rows = [row[0].value for row in load_workbook(io.BytesIO(excel_bytes(document))).worksheets[0].iter_rows()]

    assert [text for text in rows if text] == ["某厂", "报告", "等级", "二级 规范级", "=1+1", "1  一", "页脚"]


def test_no_line_of_the_first_sheet_hangs_over_the_printed_page() -> None:
    """Title, headings, sentences and footer wrap in rows as high as they need."""
    long = "很长的说明" * 60
    document = Document("zh", long, "某厂", (Section("s", "一", (TABLE,)),), "目录", long, opening=((long, long),))
    sheet = load_workbook(io.BytesIO(excel_bytes(document))).worksheets[0]

    cells = [row[0] for row in sheet.iter_rows() if row[0].value == long]
    assert [cell.alignment.wrap_text for cell in cells] == [True] * 4
    assert min(sheet.row_dimensions[cell.row].height for cell in cells) >= 6 * 15


def test_a_long_sentence_is_no_wider_than_the_sheet() -> None:
    """It wraps over all columns, in a row as high as it needs, so that a printed page is not shrunk to its length; short ones stay."""
    sheet = opened(Prose("p", ("很长的说明" * 60, "短")), TABLE).worksheets[1]

    (long,) = [cell for row in sheet.iter_rows() for cell in row if str(cell.value).startswith("很长的说明")]
    assert [str(each) for each in sheet.merged_cells.ranges] == [f"A{long.row}:B{long.row}"]
    assert long.alignment.wrap_text
    assert sheet.row_dimensions[long.row].height >= 5 * 15
    assert sheet.row_dimensions[long.row + 1].height in (None, 15)


def test_the_heads_of_a_table_stand_on_every_printed_page() -> None:
    """Where a sheet has one table."""
    sheet = opened(TABLE).worksheets[1]
    (head,) = [cell.row for row in sheet.iter_rows() for cell in row if cell.value == "代码"]

    assert sheet.print_title_rows == f"${head}:${head}"


def test_equal_documents_are_equal_bytes() -> None:
    """Nothing of the clock is in the file."""
    document = Document("zh", "报告", "某厂", (Section("s", "一", (TABLE,)),), "目录", "页脚")

    assert excel_bytes(document) == excel_bytes(document)
