"""The manual of a data product and the sealed package around it."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory_kit.errors import Altered
from factory_kit.load.product import product_folder
from factory_kit.model.definition import Text
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.model.site import Equipment, Industry, Plant, Site
from factory_kit.pack.build import Built, Span
from factory_kit.pack.verify import PACKAGE_KIND, package_findings
from factory_kit.render.document import Document, Facts, Table
from factory_kit.reports.product import Package, build_package, manual
from factory_kit.reports.wording import wording
from factory_kit.seal.sealing import seal_files, unpack
from factory_kit.seal.verify import open_sealed
from factory_kit.shipped import data_dir
from factory_kit.store import Store

MIDNIGHT = 1_767_225_600_000_000
NAME = "甲&乙 <机床> {{7*7}} 㵘"


@pytest.fixture
def package(made: Package, tmp_path: Path) -> Package:
    """A copy of the package, to be changed."""
    return replace(made, file=Path(shutil.copy(made.file, tmp_path / "package.zip")))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A package of one meter over one day, of a plant with a difficult name."""
    tmp_path = tmp_path_factory.mktemp("made")
    store = Store(tmp_path / "store")
    with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
        (point,) = store.register(
            [CataloguePoint("m", "energy", "active_energy", "kWh", "float64", "holding:0", "c", "1", "s")]
        )
        minutes = np.arange(1441)
        writer.append(
            SampleBatch(
                np.full(1441, point, np.int32),
                MIDNIGHT + minutes * 60_000_000,
                10.0 + minutes / 10,
                np.zeros(1441, np.int8),
            )
        )
    plant = Plant(
        id="p",
        name=Text(zh=NAME, en="A&B <x>"),
        credit_code="91310117MA00000000",
        type="discrete",
        industry=Industry(code="3484"),
    )
    site = Site(site=1, kind="demo", plant=plant, equipment=(Equipment(id="m", name=Text(zh="表", en="m")),))
    return build_package(
        product_folder(data_dir("datasets") / "energy-hourly"),
        site,
        store,
        tmp_path / "package.zip",
        span=Span(datetime(2026, 1, 1), datetime(2026, 1, 2)),  # noqa: DTZ001 - spans are naive UTC
        key_file=tmp_path / "keys" / "pseudonyms.key",
        graded_by="张三",
        signers=(),
        clock=lambda: MIDNIGHT,
    )


def test_both_languages_have_the_same_texts() -> None:
    """No text of the manual is missing in one language."""
    assert wording("product", "zh").texts.keys() == wording("product", "en").texts.keys()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_manual_shows_difficult_names_as_they_are(package: Package, language: str) -> None:
    """Signs of HTML, of templates and rare characters arrive in the Word file as text."""
    sealed = open_sealed(package.file)
    name = next(name for name in sealed.names if name.endswith(".docx") and ("manual" in name) == (language == "en"))
    with zipfile.ZipFile(io.BytesIO(sealed.read(name))) as word:
        text = word.read("word/document.xml").decode()

    assert ("甲&amp;乙 &lt;机床&gt; {{7*7}} 㵘" if language == "zh" else "A&amp;B &lt;x&gt;") in text


@pytest.fixture(scope="module")
def whole(made: Package, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """What was built, in the folder of the unpacked package."""
    folder = tmp_path_factory.mktemp("whole") / "package"
    unpack(made.file, folder)
    parts = (folder / "data" / "part-000.parquet",)
    scope = made.built.scope
    assert scope is not None
    return replace(made.built, folder=folder, parts=parts, scope=replace(scope, parts=parts))


def test_what_a_machine_cannot_judge_is_not_full_marks(whole: Built) -> None:
    """The quality table says 未评 for the four open indicators."""
    table = manual(whole, "zh").part("quality")

    assert [row.cells[0].text for row in table.rows if row.cells[3].text == "未评"] == ["0105", "0401", "0502", "0602"]  # type: ignore[union-attr]


def cells(document: Document, name: str) -> list[list[str]]:
    """The texts of a table."""
    table = document.part(name)
    assert isinstance(table, Table)
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_the_manual_has_all_three_standards(whole: Built) -> None:
    """Twenty, thirty and seventeen indicators, the verdicts on three groups, and how each figure was counted."""
    document = manual(whole, "en")

    assert [len(cells(document, name)) for name in ("quality", "db31", "tc609", "groups", "method")] == [
        20,
        30,
        17,
        3,
        20,
    ]
    assert [row[2] for row in cells(document, "groups")] == [
        "failed",
        "open (a person has to judge)",
        "open (a person has to judge)",
    ]
    assert [row[0] for row in cells(document, "method") if row[1].startswith("not assessed")] == [
        "0105",
        "0401",
        "0502",
        "0602",
    ]
    assert {row[2] for row in cells(document, "tc609") if row[0] in ("0304", "0305")} == {"not assessed"}


def test_no_english_sentence_stands_in_the_chinese_manual(whole: Built) -> None:
    """Where figures come from is said in Chinese; only SQL and names of files have Latin letters."""
    document = manual(whole, "zh")
    told = [row[-1] for name in ("db31", "tc609", "groups", "method", "impacts") for row in cells(document, name)]

    assert [text for text in told if re.search("[a-z]{3,} [a-z]{3,}", text) and "SELECT" not in text] == []


def test_the_questionnaire_of_the_grading_is_shown(whole: Built) -> None:
    """Who would be harmed, how much, what follows and why; the decider with the day."""
    document = manual(whole, "zh")
    facts = document.part("grading")
    assert isinstance(facts, Facts)

    assert cells(document, "impacts")[3] == ["组织权益", "一般", "一般", "可能反映本企业负荷水平"]
    assert "张三, 2026年1月1日" in [cell.text for _name, cell in facts.items]


def test_a_machine_that_can_be_singled_out_is_warned_of(whole: Built) -> None:
    """More than half of the groups known by few values is a warning; no group is none."""
    risk = whole.risk
    assert risk is not None
    risky = replace(whole, risk=replace(risk, unicity={1: Fraction(2, 3)}))

    assert manual(risky, "zh").part("risky").title == "残余风险高"  # type: ignore[union-attr]
    with pytest.raises(KeyError):
        manual(replace(whole, risk=replace(risk, unicity=None, linked=Fraction(1, 2))), "zh").part("risky")


def test_a_whole_package_has_no_findings(package: Package) -> None:
    """Rows, fields and papers agree."""
    assert package_findings(package.file) == []


def dropped_row(files: dict[str, bytes]) -> None:
    """One row less."""
    table = pq.read_table(io.BytesIO(files["data/part-000.parquet"])).slice(1)
    out = io.BytesIO()
    pq.write_table(table, out, store_schema=False)
    files["data/part-000.parquet"] = out.getvalue()


def renamed_column(files: dict[str, bytes]) -> None:
    """Another name for a column."""
    table = pq.read_table(io.BytesIO(files["data/part-000.parquet"]))
    out = io.BytesIO()
    pq.write_table(
        table.rename_columns(["kwh" if name == "energy_kwh" else name for name in table.column_names]),
        out,
        store_schema=False,
    )
    files["data/part-000.parquet"] = out.getvalue()


def other_field(files: dict[str, bytes]) -> None:
    """A paper that describes another field."""
    paper = json.loads(files["datapackage.json"])
    paper["resources"][0]["schema"]["fields"][0]["name"] = "stunde"
    files["datapackage.json"] = json.dumps(paper).encode()


def no_parquet(files: dict[str, bytes]) -> None:
    """Something else under the name of the data."""
    files["data/part-000.parquet"] = b"PAR1 nothing PAR1"


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (dropped_row, "product.json"),
        (renamed_column, "data/part-000.parquet"),
        (other_field, "datapackage.json"),
        (no_parquet, "data/part-000.parquet"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_package_sealed_anew_after_tampering_is_found_out(
    package: Package, tmp_path: Path, tamper: object, named: str
) -> None:
    """Even with right hashes, rows, columns and papers must agree."""
    files = dict(open_sealed(package.file).contents())
    tamper(files)  # type: ignore[operator]
    seal_files(files, tmp_path / "again.zip", PACKAGE_KIND, {})

    assert named in {finding.file for finding in package_findings(tmp_path / "again.zip")}


def test_a_flipped_byte_names_the_file(package: Package) -> None:
    """The seal itself names the altered file."""
    content = bytearray(package.file.read_bytes())
    content[content.index(b"PAR1") + 20] ^= 1
    package.file.write_bytes(content)

    with pytest.raises(Altered, match=r"part-000\.parquet"):
        package_findings(package.file)


def test_the_parquet_file_tells_nothing_about_who_wrote_it(package: Package) -> None:
    """No pandas or Arrow schema, no paths, no names in the metadata of the data file."""
    schema = pq.read_schema(io.BytesIO(open_sealed(package.file).read("data/part-000.parquet")))

    assert schema.metadata is None or schema.metadata == {}
    assert isinstance(schema, pa.Schema)
