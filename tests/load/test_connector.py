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
        == "name label_zh label_en role address type order size scale offset sf unit na texts charset"
        " min max rate rollover scan priority reading deadband queue discard personal source confidence"
    )


BAD_ROWS = """\
name,label_zh,label_en,role,address,type,unit,size,na,sf,order,max
voltage,电压,Voltage,voltage,holding:0,float32,V,,,,,
half,半,Half,other,holding:1,uint16,,,,,,
end,末,End,other,holding:65535,float32,,,,,,
old,旧,Old,other,40001,uint16,,,,,,
text,文,Text,label,holding:10,string,,,,,,
never,无,Never,other,holding:20,uint16,,,0x8000 none,,,
scaled,比,Scaled,other,holding:21,uint16,,,,factor,,
factor,因,Factor,other,input:22,int16,,,,,,
mixed,乱,Mixed,other,holding:30,uint64,,,,,HABCDEFG,
big,大,Big,temperature,holding:40,int16,,,,,,hot
shut,闭,Shut,other,holding:51,uint16,,,,,,
"""


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_no_device_can_have_is_named_at_once_with_its_row(tmp_path: Path, mark: bytes) -> None:
    """Overlaps, ends beyond the table, addresses of manuals, wrong sentinels, orders and factors: every mistake of a GBK table, with a BOM or not."""
    yaml = YAML + "limits: {forbidden: ['holding:50-59', '40001']}\n"

    with pytest.raises(DefinitionError) as caught:
        connector_folder(folder(tmp_path, yaml, mark + BAD_ROWS.encode("gbk")), "meter")

    assert [f"{problem.file}:{problem.line} {problem.path}" for problem in caught.value.problems] == [
        "meter/connector.yaml:7 limits.forbidden[1]",
        "meter/points.csv:3 address",
        "meter/points.csv:4 address",
        "meter/points.csv:5 address",
        "meter/points.csv:6 size",
        "meter/points.csv:7 na",
        "meter/points.csv:8 sf",
        "meter/points.csv:10 order",
        "meter/points.csv:11 max",
        "meter/points.csv:12 address",
    ]
    assert "holding:1 (uint16) overlaps voltage at holding:0 (float32)" in str(caught.value)
    assert "holding:65535 with 2 registers ends beyond address 65535" in str(caught.value)
