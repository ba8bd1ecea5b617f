"""Personal data, leaks of names, and the risk that is left."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory_kit.errors import FactoryKitError
from factory_kit.pack.build import Built
from factory_kit.pack.leaks import identifying, leaks, require_no_leak
from factory_kit.pack.personal import masked, personal_data
from factory_kit.pack.risk import linkage

SECRETS = (
    "cnc-07",
    "七号加工中心",
    "ns=2;s=Line3.CNC07.SpindleLoad",
    "holding:40011",
    "L3_CNC07_SpindleLoad",
    "SN-88213-X",
    "meter",
    "spindle_load",
    "加工中心",
)
"""The last three are words that anybody uses."""


def kinds(text: str, *, people: bool = False) -> list[str]:
    """What is found in *text*."""
    return sorted(found.kind for found in personal_data(text, people=people))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("身份证 11010519491231002X。", ["resident id"]),
        ("11010519491231002x", ["resident id"]),
        ("110105 19491231 002X", ["resident id"]),
        ("１１０１０５１９４９１２３１００２Ｘ", ["resident id"]),
        ("110105194912310021", []),
        ("电话13812345678", ["mobile"]),
        ("+86 138-1234-5678", ["mobile"]),
        ("12812345678", []),
        ("1767225600000000", []),
        ("91350100M000100Y43", ["credit code"]),
        ("91350100M000100Y44", []),
        ("zhang.san@example.com", ["mail"]),
        ("主轴负载", []),
    ],
)  # fmt: skip
def test_personal_data_is_found_by_its_check_digit(text: str, found: list[str]) -> None:
    """Numbers of residents, companies and telephones as people write them; wrong check digits are other numbers."""
    assert kinds(text) == found


def test_names_are_looked_for_where_people_stand() -> None:
    """张伟 is a name in the field of the operator, and two signs anywhere else."""
    assert kinds("张伟", people=True) == ["name"]
    assert kinds("张伟") == []
    assert kinds("早班", people=True) == []


def test_words_that_anybody_uses_are_no_identifiers() -> None:
    """Numbered names, addresses and serial numbers identify; ``meter`` and 加工中心 do not."""
    words = identifying(SECRETS)

    assert {"cnc-07", "七号加工中心", "holding:40011", "l3_cnc07_spindleload", "sn-88213-x", "cnc07", "line3"} <= words
    assert words.isdisjoint({"meter", "spindle_load", "加工中心", "ns", "holding", "40011"})


def plant_word(folder: Path) -> None:
    """A Word file with the name in two runs, and one in its properties."""
    with zipfile.ZipFile(folder / "manual.docx", "w") as archive:
        archive.writestr("word/document.xml", "<w:p><w:r><w:t>七号加</w:t></w:r><w:r><w:t>工中心</w:t></w:r></w:p>")


def plant_metadata(folder: Path) -> None:
    """Parquet metadata that names the node."""
    schema = pa.schema([pa.field("v", pa.float64())], {"origin": "ns=2;s=Line3.CNC07.SpindleLoad"})
    pq.write_table(pa.table({"v": [1.0]}, schema=schema), folder / "part.parquet")


def plant_column(folder: Path) -> None:
    """A column called as the tag."""
    pq.write_table(pa.table({"L3_CNC07_SpindleLoad": [1.0]}), folder / "part.parquet", store_schema=False)


def plant_value(folder: Path) -> None:
    """Free text with the serial number."""
    pq.write_table(pa.table({"note": ["ok", "换刀 sn-88213-x 完成"]}), folder / "part.parquet", store_schema=False)


def plant_undecoded_value(folder: Path) -> None:
    """The same without a dictionary, beside a column that has one, as DuckDB stores a handful of different texts."""
    texts = pa.table({"state": ["on", "on"], "note": ["ok", "换刀 sn-88213-x 完成"]})
    coded: dict[str, object] = {"use_dictionary": ["state"], "column_encoding": {"note": "DELTA_LENGTH_BYTE_ARRAY"}}
    pq.write_table(texts, folder / "part.parquet", store_schema=False, **coded)


def plant_whole_value(folder: Path) -> None:
    """A word anybody uses, as the whole of a value: the unreplaced name of a machine."""
    pq.write_table(pa.table({"machine": ["a1b2", "meter"]}), folder / "part.parquet", store_schema=False)


def plant_person(folder: Path) -> None:
    """The name of an operator."""
    pq.write_table(pa.table({"operator": ["王小明"]}), folder / "part.parquet", store_schema=False)


def plant_file_name(folder: Path) -> None:
    """The machine in the name of a file."""
    (folder / "CNC-07.csv").write_text("1", encoding="utf-8")


def plant_text(folder: Path) -> None:
    """The address in a paper."""
    (folder / "README.md").write_text("from Holding:40011, 13812345678", encoding="utf-8")


def plant_word_property(folder: Path) -> None:
    """A Word file whose author is the machine."""
    with zipfile.ZipFile(folder / "manual.docx", "w") as archive:
        archive.writestr("word/document.xml", "<w:p><w:r><w:t>ok</w:t></w:r></w:p>")
        archive.writestr("docProps/core.xml", "<dc:creator>七号加工中心</dc:creator>")


def png(kind: bytes, text: bytes) -> bytes:
    """A picture of one pixel with a text beside it."""
    made = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    for name, chunk in ((b"IHDR", header), (kind, text), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")):
        made += struct.pack(">I", len(chunk)) + name + chunk + struct.pack(">I", zlib.crc32(name + chunk))
    return made


def plant_picture(folder: Path) -> None:
    """The title of a chart."""
    (folder / "load.png").write_bytes(png(b"tEXt", b"Title\0load of sn-88213-x"))


def plant_packed_picture(folder: Path) -> None:
    """The same, compressed, in a picture inside a Word file."""
    with zipfile.ZipFile(folder / "manual.docx", "w") as archive:
        archive.writestr("word/media/image1.png", png(b"zTXt", b"Title\0\0" + zlib.compress(b"load of sn-88213-x")))


def plant_international_picture(folder: Path) -> None:
    """Chinese, compressed."""
    text = b"Title\0\1\0zh\0\0" + zlib.compress("七号加工中心 负载".encode())
    (folder / "load.png").write_bytes(png(b"iTXt", text))


def plant_dictionary(folder: Path) -> None:
    """A name that no row shows, left in the dictionary page of a column."""
    values = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int8()), pa.array(["ok", "sn-88213-x"]))
    pq.write_table(pa.table({"note": values}), folder / "part.parquet", store_schema=False)


def plant_parquet_of_pandas(folder: Path) -> None:
    """The index of pandas, named as the machine."""
    schema = pa.schema([pa.field("v", pa.float64())], {"pandas": '{"index_columns": ["L3_CNC07"]}'})
    pq.write_table(pa.table({"v": [1.0]}, schema=schema), folder / "part.parquet")


def plant_sample(folder: Path) -> None:
    """The first rows as CSV, with what the recipe did not replace."""
    (folder / "sample").mkdir()
    (folder / "sample" / "sample.csv").write_text("\ufefftime,machine\n2026-01-01,SN-88213-X\n", encoding="utf-8")


PLANTED = [
    plant_word_property,
    plant_picture,
    plant_packed_picture,
    plant_international_picture,
    plant_dictionary,
    plant_parquet_of_pandas,
    plant_sample,
    plant_word,
    plant_metadata,
    plant_column,
    plant_value,
    plant_undecoded_value,
    plant_whole_value,
    plant_person,
    plant_file_name,
    plant_text,
]


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_no_planted_identifier_survives(tmp_path: Path, plant: object) -> None:
    """Wherever the name stands, there is no package, and the message does not tell the name either."""
    plant(tmp_path)  # type: ignore[operator]

    with pytest.raises(FactoryKitError, match=r"would tell a (name|mobile) of this plant") as caught:
        require_no_leak(tmp_path, SECRETS)
    assert not any(secret in str(caught.value).replace(str(caught.value.details["file"]), "") for secret in SECRETS)


def test_pixels_are_no_text(tmp_path: Path) -> None:
    """Bytes of a picture that look like a name by chance do not stop a package."""
    (tmp_path / "load.png").write_bytes(png(b"IDAT", b" sn-88213-x "))

    assert leaks(tmp_path, SECRETS) == []


def test_hashes_and_counts_are_no_telephones(tmp_path: Path) -> None:
    """A hash that is broken over lines of a Word file, and sizes of eleven digits; what people wrote is looked at."""
    with zipfile.ZipFile(tmp_path / "manual.docx", "w") as archive:
        archive.writestr(
            "word/document.xml", "<w:p><w:t>ab\u200b15012345678\u200bcd</w:t></w:p><w:p><w:t>15012345678</w:t></w:p>"
        )
    (tmp_path / "papers.json").write_text('{"longest_gap_us": 15000000000}', encoding="utf-8")
    (tmp_path / "product.json").write_text('{"rows": "15000000000"}', encoding="utf-8")
    assert leaks(tmp_path, []) == []

    (tmp_path / "product.json").write_text('{"purpose": "咨询 15012345678"}', encoding="utf-8")
    assert [(leak.file, leak.kind) for leak in leaks(tmp_path, [])] == [("product.json", "mobile")]


def test_the_supplier_s_own_name_may_stand_there(tmp_path: Path) -> None:
    """What is allowed is left out before the texts are looked at, and nothing else."""
    (tmp_path / "a.txt").write_text("三号精工厂 91350100M000100Y43 三号", encoding="utf-8")

    assert leaks(tmp_path, ["三号精工厂"], ["三号精工厂", "91350100M000100Y43"]) == []
    assert [leak.kind for leak in leaks(tmp_path, ["三号精工厂"], ["91350100M000100Y43"])] == ["name"]


def test_nothing_is_told_by_a_message() -> None:
    """Two signs, then stars."""
    assert masked("13812345678") == "13******"
    assert masked("张伟") == "**"


def test_the_risk_that_is_left_stands_in_the_papers(built: Built) -> None:
    """Two constant meters: one moment tells them apart, and who owns the originals cannot tell constants by their shape."""
    paper = json.loads((built.folder / "papers" / "residual-risk.json").read_text(encoding="utf-8"))

    assert paper["unicity"]["1"] == "1.000000"
    assert (paper["groups"], paper["names_found"], paper["k"]) == (2, 0, None)


def test_scaling_and_shifting_alone_hide_nothing_from_who_owns_the_originals() -> None:
    """Every series is found again by its shape; when all have the same shape, by chance only."""
    chance = np.random.default_rng(7)
    original = chance.normal(size=(5, 256)).cumsum(axis=1)
    names = list("abcde")
    moved = np.roll(original, 0, axis=1) * 0.01 + 3

    assert linkage(names, original, names, moved) == 1
    assert linkage(names, original[[0] * 5], names, original[[0] * 5]) == Fraction(1, 5)
    assert linkage(names, original, list("bcdea"), moved) == 0
