"""The papers of a package, judged by programs that are not ours, and a package that somebody altered."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from factory_kit.errors import FactoryKitError, SealError
from factory_kit.load.product import product_folder
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.pack.build import Span
from factory_kit.pack.documentation import documented, missing
from factory_kit.pack.form import FormField
from factory_kit.pack.outside import outside_verdicts
from factory_kit.pack.quality_more import db31, series_checks, tc609, tc609_groups
from factory_kit.pack.verify import package_findings
from factory_kit.reports.product import Package, build_package
from factory_kit.seal import KeyRing, Signer, new_key, open_key, trust, unpack, verify
from factory_kit.seal.digest import digest_file
from factory_kit.shipped import data_dir
from factory_kit.store import Store

from .conftest import MIDNIGHT, MINUTE, site

PASSPHRASE = "long enough words"
SHAPES = Path(__file__).with_name("dcat-shapes.ttl")
Tamper = Callable[[Path], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Package, Path]]:
    """A signed package of one meter over a day, and the ring that trusts its key."""
    folder = tmp_path_factory.mktemp("made")
    store = Store(folder / "store")
    with store.writer(Run("r", MIDNIGHT, Origin.SIMULATED, "demo", "collect")) as writer:
        (point,) = store.register(
            [CataloguePoint("meter-01", "energy", "active_energy", "kWh", "float64", "holding:0", "c", "1", "s")]
        )
        minutes = np.arange(1441)
        values = 10.0 + np.cumsum(np.random.default_rng(1).uniform(0.05, 0.2, 1441))
        writer.append(
            SampleBatch(np.full(1441, point, np.int32), MIDNIGHT + minutes * MINUTE, values, np.zeros(1441, np.int8))
        )
    new_key(folder / "publisher.key", PASSPHRASE)
    with open_key(folder / "publisher.key", PASSPHRASE) as key:
        (folder / "ring").mkdir()
        trust(folder / "ring", key.public, "示例厂", ["publisher"], MIDNIGHT)
        package = build_package(
            product_folder(data_dir("datasets") / "energy-hourly"), site(), store, folder / "package.zip",
            span=Span(datetime(2026, 1, 1), datetime(2026, 1, 2)),  # noqa: DTZ001 - spans are naive UTC
            key_file=folder / "keys" / "pseudonyms.key", graded_by="张三", signers=[Signer(key, "publisher", "示例厂", lambda: MIDNIGHT)],
            clock=lambda: MIDNIGHT,
        )  # fmt: skip
        yield package, folder / "ring"


@pytest.fixture
def folder(made: tuple[Package, Path], tmp_path: Path) -> Path:
    """The package, unpacked, to be changed."""
    unpack(made[0].file, tmp_path / "package")
    return tmp_path / "package"


def paper(folder: Path, name: str) -> Any:
    """A JSON paper."""
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_the_bag_is_one_for_bagit(folder: Path) -> None:
    """python-bagit finds it valid, seal and all, and it says version 1.0."""
    import bagit

    assert bagit.Bag(str(folder)).validate()
    assert (folder / "bagit.txt").read_text("utf-8").startswith("BagIt-Version: 1.0\n")


def conforms(turtle: str) -> tuple[bool, str]:
    """What pySHACL says of *turtle* by our shapes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyshacl import validate

        good, _graph, said = validate(
            turtle, shacl_graph=str(SHAPES), data_graph_format="turtle", shacl_graph_format="turtle"
        )
    return bool(good), str(said)


def test_the_catalogue_entry_has_what_dcat_ap_demands(folder: Path) -> None:
    """The mandatory properties of DCAT-AP 3 with the types its ranges ask for; without a title or access URL it is refused."""
    turtle = (folder / "dcat.ttl").read_text(encoding="utf-8")

    assert conforms(turtle)[0], conforms(turtle)[1]
    assert not conforms(turtle.replace("dcat:accessURL", "dcat:landingPage"))[0]
    assert not conforms(turtle.replace("a dct:LicenseDocument ;", ""))[0]


DATASET_SCHEMA = {
    "type": "object",
    "required": ["@context", "@id", "@type", "hasPolicy", "distribution"],
    "properties": {
        "@context": {"type": "array", "contains": {"const": "https://w3id.org/dspace/2025/1/context.jsonld"}},
        "@type": {"const": "Dataset"},
        "hasPolicy": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["@id", "@type"], "anyOf": [{"required": ["permission"]}, {"required": ["prohibition"]}],
            "not": {"required": ["target"]},
            "properties": {"@type": {"const": "Offer"}, "permission": {"type": "array", "minItems": 1, "items": {
                "type": "object", "required": ["action"], "properties": {"constraint": {"type": "array", "items": {
                    "type": "object", "required": ["leftOperand", "operator", "rightOperand"],
                    "properties": {"operator": {"enum": ["eq", "gt", "gteq", "hasPart", "isA", "isAllOf", "isAnyOf", "isNoneOf", "isPartOf", "lt", "lteq", "neq"]}}}}}}}}}},
        "distribution": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["@type", "format", "accessService"],
            "properties": {"accessService": {"type": "object", "required": ["@id", "@type", "endpointURL"]}}}},
    },
}  # fmt: skip
"""The minimum of a Dataset in the Dataspace Protocol 2025-1, written from its facts."""


def test_the_dataset_fits_the_dataspace_protocol(folder: Path) -> None:
    """It fits the minimum; without policy, format or with a target it is refused."""
    from jsonschema import Draft201909Validator

    judge = Draft201909Validator(DATASET_SCHEMA)
    dataset = paper(folder, "dataspace.json")

    assert list(judge.iter_errors(dataset)) == []
    assert not judge.is_valid({key: value for key, value in dataset.items() if key != "hasPolicy"})
    assert not judge.is_valid(dataset | {"@context": dataset["@context"][0]})
    dataset["hasPolicy"][0]["target"] = "x"
    assert not judge.is_valid(dataset)


def test_the_offer_permits_use_for_the_purpose_and_forbids_passing_on(folder: Path) -> None:
    """One permission with its purpose, one prohibition, both of this dataset."""
    offer = paper(folder, "odrl-offer.json")

    assert offer["permission"][0]["constraint"][0]["rightOperand"] == "模型训练、统计分析"
    assert [rule["action"] for rule in offer["prohibition"]] == ["distribute"]
    assert offer["permission"][0]["target"] == paper(folder, "dataspace.json")["@id"]


def test_one_record_a_part_with_its_hash(folder: Path) -> None:
    """TC609 records name the part, and simulated data is called generated."""
    lines = [json.loads(line) for line in (folder / "records.jsonl").read_text("utf-8").splitlines()]
    listed = (folder / "manifest-sha256.txt").read_text("utf-8").split()

    assert [(line["id"], line["generated_data_indicator"]) for line in lines] == [(f"sha256:{listed[0]}", 1)]
    assert lines[0]["data_content"][0]["content"] == listed[1] == "data/part-000.parquet"


def test_the_statement_names_the_parts_and_what_made_them(folder: Path) -> None:
    """An in-toto statement over the part with recipe, query and software, and no source file by name."""
    statement = paper(folder, "papers/provenance.intoto.json")

    assert statement["subject"][0]["name"] == "data/part-000.parquet"
    assert {"query_sha256", "recipe_hmac", "software", "source_files"} <= statement["predicate"].keys()
    assert {"rows", "sha256"} == statement["predicate"]["source_files"][0].keys()


def test_the_upload_form_has_what_the_exchange_asks(folder: Path) -> None:
    """Codes where the form has codes, and the output fields as a table of their own."""
    book = load_workbook(folder / "papers" / "上传表单.xlsx")
    form = {row[0].value: row[2].value for row in book["产品信息"].iter_rows(min_row=2)}

    assert {key: form[key] for key in ("dataType", "dataFrom", "dataNumber", "undDataDim")} == {
        "dataType": "01",
        "dataFrom": "1",
        "dataNumber": "24",
        "undDataDim": "7",
    }
    assert [row[0].value for row in book["输出字段"].iter_rows(min_row=2)][:3] == ["hour", "meter", "energy_kwh"]


def test_the_checklist_says_what_only_people_can_bring(folder: Path) -> None:
    """What is attached exists; what is missing is named, and so is documentation nobody wrote."""
    found = paper(folder, "papers/checklist.json")

    assert [path for path in found["attached"].values() if not (folder / path).exists()] == []
    assert "合规评估文件" in found["missing"]
    assert found["documentation_missing"] == missing((folder / "README.md").read_text("utf-8"))
    assert found["grading"]["decided_by"] == "张三"


def test_a_heading_without_a_text_documents_nothing() -> None:
    """The twenty items count when something stands below their heading."""
    assert documented("## 规模\n\n96 行\n\n## 评估方法\n\n待补充\n\n### 使用许可 licence\n商业\n") == {
        "规模",
        "使用许可",
    }
    assert len(missing("")) == 20


def test_every_figure_of_quality_has_its_sql_and_none_is_invented(made: tuple[Package, Path], folder: Path) -> None:
    """Thirty indicators by DB31/T 1523, seventeen by TC609; a group that needs a person is never passed."""
    quality = made[0].built.quality
    national = tc609(quality, (folder / "README.md").read_text("utf-8"))
    shown = paper(folder, "papers/quality.json")

    assert (len(db31(quality)), len(national)) == (30, 17)
    assert {score.code for score in db31(quality) if score.share is None} == {
        "010103",
        "010500",
        "040100",
        "040201",
        "040203",
        "040204",
        "050200",
        "050400",
        "060200",
    }
    assert [verdict for _mean, verdict in tc609_groups(national).values()] == ["failed", "open", "open"]
    assert next(each for each in db31(quality) if each.code == "030300").share == 1
    assert [code["code"] for code in shown["indicators"] if "SELECT" not in code["how"]] == [
        "0101",
        "0102",
        "0103",
        "0105",
        "0106",
        "0401",
        "0502",
        "0601",
        "0602",
    ]
    assert shown["time_series"]["gaps"]["count"] == 0
    assert all("SELECT" in check["sql"] for check in shown["time_series"].values())


def test_the_sql_of_a_figure_gives_the_figure(made: tuple[Package, Path]) -> None:
    """Counted in one pass or alone, each indicator is the same."""
    import duckdb

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{part_of(made)}', file_row_number = true)")  # noqa: S608 - our own file
    for row in made[0].built.quality:
        if "SELECT" in row.how:
            assert con.execute(row.how.partition(" -- ")[0]).fetchone() == (row.numerator, row.denominator)
    assert made[0].built.scope is not None
    for name, (count, of, sql) in series_checks(made[0].built.scope).items():
        assert (name, con.execute(sql).fetchone()) == (name, (count, of))


def part_of(made: tuple[Package, Path]) -> Path:
    """The part of the package beside it."""
    folder = made[0].file.parent / "beside"
    if not folder.exists():
        unpack(made[0].file, folder)
    return folder / "data" / "part-000.parquet"


PART = Path("data/part-000.parquet")


def rewritten(change: Callable[[pa.Table], pa.Table]) -> Tamper:
    """The part written anew."""

    def tamper(folder: Path) -> None:
        table = change(pq.read_table(folder / PART))
        pq.write_table(table, folder / PART, store_schema=False)

    return tamper


def replaced(name: str, old: str, new: str) -> Tamper:
    """A word of a paper changed."""

    def tamper(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return tamper


def flipped(folder: Path) -> None:
    """One bit of the data."""
    content = bytearray((folder / PART).read_bytes())
    content[40] ^= 1
    (folder / PART).write_bytes(content)


def swapped(folder: Path) -> None:
    """Two papers under one another's names."""
    one, other = folder / "papers" / "manual.docx", folder / "papers" / "数据产品说明书.docx"
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def signature(folder: Path) -> Path:
    """The signature of the package."""
    return next((folder / "SIGNATURES").iterdir())


def foreign_key(folder: Path) -> None:
    """Signed anew by somebody else, who took the place of the publisher."""
    from factory_kit.seal import countersign

    new_key(folder.parent / "thief.key", PASSPHRASE)
    signature(folder).unlink()
    with open_key(folder.parent / "thief.key", PASSPHRASE) as key:
        countersign(folder, Signer(key, "publisher", "示例厂", lambda: MIDNIGHT))


def added_value(table: pa.Table) -> pa.Table:
    """Every energy a little larger."""
    place = table.column_names.index("energy_kwh")
    return table.set_column(place, "energy_kwh", pc.add(table["energy_kwh"], 0.001))


TAMPERINGS: dict[str, Tamper] = {
    "flipped bit in the data": flipped,
    "value changed": rewritten(added_value),
    "dropped row": rewritten(lambda table: table.slice(1)),
    "doubled row": rewritten(lambda table: pa.concat_tables([table, table.slice(0, 1)])),
    "renamed column": rewritten(lambda table: table.rename_columns([name.replace("kwh", "mwh") for name in table.column_names])),
    "rows in another order": rewritten(lambda table: table.take(list(range(table.num_rows))[::-1])),
    "swapped papers": swapped,
    "changed licence": replaced("product.json", "commercial-by-contract", "public-domain"),
    "changed licence of the Data Package": replaced("datapackage.json", "commercial-by-contract", "public-domain"),
    "other number of rows": replaced("product.json", '"rows": "24"', '"rows": "240"'),
    "better quality": replaced("papers/quality.json", '"not assessed"', '"assessed"'),
    "other column in Croissant": replaced("croissant.json", '"column": "energy_kwh"', '"column": "coverage"'),
    "other grading": replaced("product.json", '"national": "一般"', '"national": "重要"'),
    "edited 说明书": lambda folder: (folder / "papers" / "数据产品说明书.docx").write_bytes(b"PK\x05\x06" + bytes(18)),
    "added file": lambda folder: (folder / "data" / "part-001.parquet").write_bytes((folder / PART).read_bytes()),
    "removed paper": lambda folder: (folder / "papers" / "recipe.json").unlink(),
    "renamed file": lambda folder: (folder / "odrl-offer.json").rename(folder / "odrl.json") and None,
    "removed signature": lambda folder: signature(folder).unlink(),
    "wrong key": foreign_key,
    "changed manifest": replaced("MANIFEST.json", '"kind":"data-package"', '"kind":"data-packege"'),
}  # fmt: skip


def findings(folder: Path, ring: Path) -> list[str]:
    """What ``pack verify --ring`` finds wrong with *folder*."""
    report = verify(folder, KeyRing.read(ring))
    found = [finding.file for finding in report.findings]
    if not report.ok and not found:
        found.append("signature")
    try:
        return [*found, *(finding.file for finding in package_findings(folder))]
    except (SealError, FactoryKitError):
        return found


def test_a_package_as_it_was_sealed_is_whole(made: tuple[Package, Path], folder: Path) -> None:
    """No finding, neither of the seal nor of rows and papers."""
    assert findings(folder, made[1]) == []


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_every_tampering_is_caught(made: tuple[Package, Path], folder: Path, tampering: str) -> None:
    """Twenty of twenty."""
    TAMPERINGS[tampering](folder)

    assert findings(folder, made[1])


VALIDATORS = ("mlcroissant", "frictionless", "bagit", "minisign", "pySHACL", "jsonschema", "ours")
TABLE = Path(__file__).parents[2] / "docs" / "data-products.md"


def told_in_the_table(tampering: str) -> dict[str, bool]:
    """What the documentation says that each program catches of *tampering*."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {tampering} |")]
    (head,) = [line for line in lines if line.startswith("| tampering |")]
    cells, names = ([cell.strip() for cell in line.strip("|").split("|")[1:]] for line in (row, head))
    assert set(cells) <= {"yes", "–"}
    return dict(zip(names, (cell == "yes" for cell in cells), strict=True))


def in_bag(folder: Path) -> bool:
    """Whether python-bagit accepts *folder*."""
    import bagit

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        return bool(bagit.Bag(str(folder)).is_valid())
    except bagit.BagError:
        return False
    finally:
        logging.disable(before)


def signed(folder: Path, minisign: str) -> bool:
    """Whether the minisign program accepts the publisher's signature over the manifest."""
    found = sorted((folder / "SIGNATURES").glob("*.minisig"))
    if not found:
        return False
    files = (folder / "MANIFEST.json", found[0], folder.parent / "publisher.pub")
    named = [word for pair in zip(("-m", "-x", "-p"), map(str, files), strict=True) for word in pair]
    return subprocess.run([minisign, "-V", "-q", *named], capture_output=True, check=False).returncode == 0


def accepted(folder: Path, minisign: str) -> dict[str, bool]:
    """What each program that is not ours says to *folder*."""
    from jsonschema import Draft201909Validator

    others = {verdict.validator: verdict.accepted for verdict in outside_verdicts(folder)}
    return others | {
        "bagit": in_bag(folder),
        "minisign": signed(folder, minisign),
        "pySHACL": conforms((folder / "dcat.ttl").read_text(encoding="utf-8"))[0],
        "jsonschema": Draft201909Validator(DATASET_SCHEMA).is_valid(paper(folder, "dataspace.json")),
    }


@pytest.mark.system
@pytest.mark.parametrize("tampering", ["nothing", *TAMPERINGS])
def test_the_table_tells_what_others_catch_of_each_tampering(
    made: tuple[Package, Path], folder: Path, tampering: str, system_tool: Callable[[str], str]
) -> None:
    """Each cell of the table in the documentation is what the program says; an unchanged package is accepted by all."""
    if not all(verdict.installed for verdict in made[0].verdicts):
        pytest.skip("the extra [validate] is not installed")
    shutil.copyfile(made[1].parent / "publisher.pub", folder.parent / "publisher.pub")
    if tampering != "nothing":
        TAMPERINGS[tampering](folder)

    caught = {name: not good for name, good in accepted(folder, system_tool("minisign")).items()}
    caught["ours"] = bool(findings(folder, made[1]))

    expected = dict.fromkeys(VALIDATORS, False) if tampering == "nothing" else told_in_the_table(tampering)
    assert {name: caught[name] for name in VALIDATORS} == expected


@pytest.mark.system
def test_lists_of_the_bag_written_anew_deceive_all_programs_but_ours(
    made: tuple[Package, Path], folder: Path, system_tool: Callable[[str], str]
) -> None:
    """The lists of a bag are not signed: a value changed with new lists passes bagit and minisign; the sealed digests tell it."""
    import bagit

    if not all(verdict.installed for verdict in made[0].verdicts):
        pytest.skip("the extra [validate] is not installed")
    shutil.copyfile(made[1].parent / "publisher.pub", folder.parent / "publisher.pub")
    TAMPERINGS["value changed"](folder)
    assert not in_bag(folder)
    told = (folder / "bag-info.txt").read_text(encoding="utf-8")
    size = f"Payload-Oxum: {(folder / PART).stat().st_size}.1"
    (folder / "bag-info.txt").write_bytes(re.sub(r"Payload-Oxum: \d+\.1", size, told).encode("utf-8"))
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = [line.split(maxsplit=1) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        anew = [f"{digest_file(folder / file).sha256}  {file}\n" for _old, file in lines]
        (folder / name).write_bytes("".join(anew).encode("utf-8"))

    assert bagit.Bag(str(folder)).is_valid()
    assert set(accepted(folder, system_tool("minisign")).values()) == {True}
    assert PART.as_posix() in findings(folder, made[1])


def test_the_table_has_a_line_for_each_tampering() -> None:
    """Twenty lines, in the order of the tamperings."""
    section = TABLE.read_text(encoding="utf-8").partition("## Twenty tamperings")[2].partition("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| ")]

    assert rows == ["tampering", *TAMPERINGS]


def test_a_listing_beyond_the_limits_of_the_form_is_refused() -> None:
    """Names of 21 signs and descriptions of 19 are mistakes before anything is built."""
    from factory_kit.model.product import Listing

    listing = product_folder(data_dir("datasets") / "energy-hourly").product.listing.model_dump()

    with pytest.raises(ValueError, match="at most 20 characters"):
        Listing.model_validate(listing | {"name": "名" * 21})
    with pytest.raises(ValueError, match="at least 20 characters"):
        Listing.model_validate(listing | {"description": "述" * 19})


def test_the_sample_opens_in_a_spreadsheet(folder: Path) -> None:
    """UTF-8 with its mark, the columns of the data, and its first rows."""
    content = (folder / "sample" / "sample.csv").read_bytes()

    assert content.startswith(b"\xef\xbb\xbfhour,meter,energy_kwh")
    assert len(io.StringIO(content.decode("utf-8-sig")).readlines()) == 25
    shutil.rmtree(folder)


def test_the_form_says_what_is_too_long_and_what_is_missing(folder: Path) -> None:
    """Every field with its rule and whether it fits; only what the exchange's own lists hold is open."""
    rows = list(load_workbook(folder / "papers" / "上传表单.xlsx")["产品信息"].iter_rows(min_row=2, values_only=True))
    form = {row[0]: row for row in rows}

    assert (form["dataName"][3], form["dataContent"][3]) == ("必填，1–20 字", "必填，20–150 字")
    assert [row[0] for row in rows if row[5] != "是"] == ["zones"]
    assert paper(folder, "papers/checklist.json")["form_missing"] == ["zones"]
    assert not FormField("dataName", "产品名称", "名" * 21, 1, 20).fits


def test_the_compliance_checklist_says_what_is_there_and_what_people_bring(folder: Path) -> None:
    """Nothing is said to be there without a paper or a decision behind it, nothing is needed without saying what."""
    rows = list(load_workbook(folder / "papers" / "上传表单.xlsx")["合规核对"].iter_rows(min_row=2, values_only=True))
    told = paper(folder, "papers/checklist.json")["compliance"]

    assert [row[1] for row in rows] == [each["demand"] for each in told]
    assert [row for row in rows if row[2] == "已具备" and (not row[3] or row[4])] == []
    assert [row for row in rows if row[2] == "须提供" and not row[4]] == []
    named = {word for row in rows for word in re.findall(r"(?:papers|sample)/[a-z.-]+", row[3] or "")}
    assert [name for name in named if not (folder / name).exists()] == []
