"""Loading connectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory_kit.errors import DefinitionError
from factory_kit.load.connector import POINT_COLUMNS, connector_folder

YAML = """\
connector: meter
version: "1"
label: {zh: 电表, en: Meter}
driver: modbus
sources: [{title: Manual, version: "2", page: "7"}]
quality: {grade: bronze, because: samples decode}
"""

CSV = """\
name,label_zh,label_en,role,address,type,unit
voltage,电压,Voltage,voltage,holding:0,float32,V
energy,电能,Energy,active_energy,holding:2,uint32,kWh
"""


def folder(tmp_path: Path, yaml: str = YAML, csv: bytes = CSV.encode()) -> Path:
    """A connector folder."""
    (tmp_path / "meter").mkdir()
    (tmp_path / "meter" / "connector.yaml").write_text(yaml, encoding="utf-8")
    (tmp_path / "meter" / "points.csv").write_bytes(csv)
    return tmp_path / "meter"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path, encoding: str) -> None:
    """UTF-8 with and without a byte order mark and GBK give the same points."""
    connector = connector_folder(folder(tmp_path, csv=CSV.encode(encoding)))

    assert [(point.name, point.label.zh, point.unit) for point in connector.points] == [
        ("voltage", "电压", "V"),
        ("energy", "电能", "kWh"),
    ]


def test_mistakes_of_both_files_come_together_with_their_lines(tmp_path: Path) -> None:
    """A wrong key in the YAML and wrong cells in the table are reported at once, each in its file at its line."""
    table = CSV.replace("float32,V", "float33,V") + "energy,,Energy,heat,holding:4,uint32,\n"

    with pytest.raises(DefinitionError) as caught:
        connector_folder(folder(tmp_path, YAML.replace("driver: modbus", "driver: modbuss"), table.encode()), "meter")

    assert [f"{problem.file}:{problem.line} {problem.path}" for problem in caught.value.problems] == [
        "meter/connector.yaml:4 driver",
        "meter/points.csv:2 type",
        "meter/points.csv:4 label_zh",
        "meter/points.csv:4 role",
    ]


def test_a_row_of_another_width_is_named(tmp_path: Path) -> None:
    """An unquoted comma in a label shows as a row with too many cells."""
    with pytest.raises(DefinitionError, match=r"points\.csv:2: has 8 cells, expected 7"):
        connector_folder(folder(tmp_path, csv=CSV.replace("电压", "电压,相").encode()))


def test_points_given_twice_are_refused(tmp_path: Path) -> None:
    """Two rows with one name are a mistake."""
    with pytest.raises(DefinitionError, match="points given twice: voltage"):
        connector_folder(folder(tmp_path, csv=CSV.replace("\nenergy,", "\nvoltage,").encode()))


def test_the_columns_are_those_the_documents_name() -> None:
    """The columns of points.csv do not change silently."""
    assert (
        " ".join(POINT_COLUMNS)
        == "name label_zh label_en role address type order size scale offset unit scan personal source confidence"
    )
