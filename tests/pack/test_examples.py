"""The worked examples of the data products: simulated days, and the packages made from them."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from factory_kit.errors import UsageError
from factory_kit.load.product import product_folder
from factory_kit.load.workspace import Workspace
from factory_kit.pack.pseudonyms import plant_key
from factory_kit.pack.quality import Scope
from factory_kit.pack.quality_more import series_checks
from factory_kit.pack.release import REGISTER, read_recipients
from factory_kit.pack.summary import summary_of
from factory_kit.pack.tracing import trace_file
from factory_kit.pack.verify import package_findings
from factory_kit.reports.product import Package, release_package
from factory_kit.seal import Signer, new_key, open_key
from factory_kit.seal.digest import digest_file
from factory_kit.seal.sealing import unpack
from factory_kit.seal.verify import open_sealed
from factory_kit.shipped import data_dir
from factory_kit.testing.product_signals import SIGNALS
from factory_kit.testing.products import build_example, make_example

from .test_formats import DATASET_SCHEMA, conforms

PASSPHRASE = "long enough words"
NOW = 1_772_600_000_000_000
TEMPLATES = sorted(path.parent.name for path in data_dir("datasets").glob("*/product.yaml"))


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Package, Path]]:
    """Every example's package, signed, and the folder it is unpacked in."""
    made = {}
    keys = tmp_path_factory.mktemp("keys")
    new_key(keys / "publisher.key", PASSPHRASE)
    with open_key(keys / "publisher.key", PASSPHRASE) as key:
        for name in TEMPLATES:
            folder = tmp_path_factory.mktemp(name) / "workspace"
            signer = Signer(key, "publisher", "示例", lambda: NOW)
            package = build_example(name, folder, clock=lambda: NOW, signers=[signer])
            unpack(package.file, folder / "package")
            (folder / "key.txt").write_text(key.public.text, encoding="utf-8")
            made[name] = (package, folder / "package")
    return made


Examples = dict[str, tuple[Package, Path]]


def lines(folder: Path, sql: str) -> list[tuple[object, ...]]:
    """What *sql* says of the rows of the unpacked package."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{folder / 'data' / 'part-000.parquet'}')")  # noqa: S608
        return con.execute(sql).fetchall()


def scope_of(example: tuple[Package, Path]) -> Scope:
    """What was judged, over the unpacked part."""
    found = example[0].built.scope
    assert found is not None
    return replace(found, parts=(example[1] / "data" / "part-000.parquet",))


def test_every_template_has_a_generator_and_a_site() -> None:
    """Six templates, each with its example."""
    assert len(TEMPLATES) == 6
    assert sorted(SIGNALS) == TEMPLATES
    assert [name for name in TEMPLATES if not (data_dir("datasets") / name / "example" / "site.yaml").is_file()] == []


def test_every_example_is_a_package_that_others_accept(examples: Examples) -> None:
    """The validators of the field load all rows of all six."""
    said = {
        name: [(verdict.validator, verdict.accepted) for verdict in package.verdicts if verdict.installed]
        for name, (package, _folder) in examples.items()
    }

    assert said == {name: [("mlcroissant", True), ("frictionless", True)] for name in TEMPLATES}


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_papers_of_every_example_are_those_of_their_standards(examples: Examples, name: str) -> None:
    """BagIt by bagit, DCAT-AP 3 by pySHACL, the Dataspace Protocol by jsonschema, and a signature that minisign's own format holds."""
    import bagit
    from jsonschema import Draft201909Validator

    _package, folder = examples[name]
    turtle = (folder / "dcat.ttl").read_text("utf-8")
    dataset = json.loads((folder / "dataspace.json").read_text("utf-8"))

    assert bagit.Bag(str(folder)).validate()
    assert conforms(turtle)[0], conforms(turtle)[1]
    assert list(Draft201909Validator(DATASET_SCHEMA).iter_errors(dataset)) == []
    assert not conforms(turtle.replace("dct:title", "dct:alternative"))[0]
    assert not Draft201909Validator(DATASET_SCHEMA).is_valid(dataset | {"distribution": []})


@pytest.mark.system
def test_minisign_itself_verifies_the_examples(examples: Examples, system_tool: Callable[[str], str]) -> None:
    """The program of minisign's author accepts every manifest, and none that was changed."""
    minisign = system_tool("minisign")
    for _package, folder in examples.values():
        (signature,) = (folder / "SIGNATURES").iterdir()
        key = (folder.parent / "key.txt").read_text("utf-8")
        command = [minisign, "-V", "-m", str(folder / "MANIFEST.json"), "-x", str(signature), "-P", key]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    other = folder.parent / "other.json"
    other.write_bytes((folder / "MANIFEST.json").read_bytes() + b" ")
    assert subprocess.run([*command[:3], str(other), *command[4:]], capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_example_is_marked_as_simulated(examples: Examples, name: str) -> None:
    """Kind, origins, records and README say so."""
    _package, folder = examples[name]
    product = json.loads((folder / "product.json").read_text("utf-8"))
    provenance = json.loads((folder / "papers" / "provenance.json").read_text("utf-8"))
    record = json.loads((folder / "records.jsonl").read_text("utf-8").splitlines()[0])

    assert (product["kind"], provenance["origins"], record["generated_data_indicator"]) == ("demo", ["simulated"], 1)
    assert "演示数据，非真实工厂" in (folder / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_rules_of_every_example_hold(examples: Examples, name: str) -> None:
    """Business rules, related fields, order and uniqueness: every row; no time runs back or ahead."""
    scores = {row.code: row.score for row in examples[name][0].built.quality}
    checks = series_checks(scope_of(examples[name]))

    assert {code: scores[code] for code in ("0104", "0402", "0503", "0304", "0301")} == dict.fromkeys(
        ("0104", "0402", "0503", "0304", "0301"), 1
    )
    assert [checks[each][0] for each in ("backward", "duplicate_times", "ahead_of_the_interval")] == [0, 0, 0]


def test_cycles_bear_the_results_of_their_inspections(examples: Examples) -> None:
    """Every label of the table stands at one cycle, the bad ones with their defect; no cycle is missing, and two jobs were run."""
    package, folder = examples["injection-moulding"]
    with (package.file.parent / "labels" / "inspection.csv").open(encoding="utf-8-sig", newline="") as file:
        labels = list(csv.DictReader(file))
    (told,) = lines(folder, "SELECT count(*) FILTER (inspected), count(*) FILTER (result = 'bad'), max(job) FROM rows")

    assert told == (len(labels), sum(label["result"] == "bad" for label in labels), 2)
    assert lines(folder, "SELECT DISTINCT defect FROM rows WHERE defect = 'short_shot'") == [("short_shot",)]
    assert series_checks(scope_of(examples["injection-moulding"]))["missing_numbers"][0] == 0


def test_a_station_has_the_power_of_all_its_compressors(examples: Examples) -> None:
    """Every minute of the day has power, and specific power is power by flow; the worn dryer leaves its class."""
    _package, folder = examples["compressor-station"]

    assert lines(folder, "SELECT count(*), count(power) FROM rows") == [(1440, 1440)]
    assert lines(folder, "SELECT max(abs(specific_power - power / flow)) < 0.7 FROM rows WHERE flow > 1") == [(True,)]
    assert lines(folder, "SELECT DISTINCT water_class FROM rows ORDER BY ALL") == [(4,), (5,), (6,)]


def test_the_states_of_a_line_cover_its_day(examples: Examples) -> None:
    """No time of the four machines is left out or counted twice, nearly all stops have a reason, and every part is good or not."""
    package, folder = examples["oee-events"]
    records = next(row for row in package.built.quality if row.code == "0202")
    checks = series_checks(scope_of(examples["oee-events"]))

    assert (records.numerator, records.denominator) == (4 * 86_400_000_000, 4 * 86_400_000_000)
    assert (checks["uncovered"][0], checks["overlapping"][0]) == (0, 0)
    assert lines(folder, "SELECT count(*) FROM rows WHERE reason IS NOT NULL AND state <> 'down'") == [(0,)]
    assert lines(
        folder, "SELECT avg(CASE WHEN reason IS NULL THEN 0 ELSE 1 END) > 0.7 FROM rows WHERE state = 'down'"
    ) == [(True,)]
    assert lines(folder, "SELECT sum(good_parts) < sum(parts) AND sum(good_parts) > 0.95 * sum(parts) FROM rows") == [
        (True,)
    ]


@pytest.mark.parametrize("name", ["injection-moulding", "compressor-station"])
def test_a_copy_of_an_example_names_who_got_it(examples: Examples, name: str) -> None:
    """Cycles and minutes bear marks that are found again; the copy has all papers, its summary of the marked rows with them."""
    package, folder = examples[name]
    workspace = package.file.parent
    template = product_folder(data_dir("datasets") / name)
    site, _connectors = Workspace.at(workspace).site()
    keys = workspace / "keys" / "pseudonyms.key"
    for recipient in ("甲", "乙"):
        release_package(
            package.file, template, site, workspace / f"{recipient}.zip", recipient=recipient, key_file=keys, signers=(), clock=lambda: NOW
        )  # fmt: skip
    unpack(workspace / "乙.zip", workspace / "copy")
    part = Path("data") / "part-000.parquet"
    found = trace_file(
        workspace / "copy" / part, [folder / part], template, read_recipients(keys.parent / REGISTER), plant_key(keys), digest_file(package.file).sha256
    )  # fmt: skip

    assert [each.recipient for each in found if each.names(len(found))] == ["乙"]
    assert package_findings(workspace / "乙.zip") == []
    assert json.loads((workspace / "copy" / "papers" / "statistics.json").read_text("utf-8"))["summary"]["rows"]


def test_an_unstable_bore_has_no_capability(examples: Examples) -> None:
    """Of six characteristics the one that wanders has a Ppk and no Cpk; a tolerance on one side has no Pp."""
    package, _folder = examples["quality-inspection"]
    scope = scope_of(examples["quality-inspection"])
    told = summary_of(package.built.template, scope.parts)
    columns = list(package.built.template.product.summary.columns)  # type: ignore[union-attr]
    found = [dict(zip(columns, line, strict=True)) for line in told]

    assert sorted((line["kind"], bool(line["pp"]), bool(line["cpk"])) for line in found) == [
        ("diameter", True, False), ("diameter", True, True), ("length", True, True), ("length", True, True), ("runout", False, True),
        ("runout", False, True),
    ]  # fmt: skip
    assert [float(line["ppk"]) < 0.9 for line in found if not line["cpk"]] == [True]


def test_the_ppk_of_a_characteristic_is_that_of_a_hand_count(examples: Examples) -> None:
    """Mean, overall s, Ppk and Cpk of one length by numpy, from the definitions."""
    import numpy as np

    package, folder = examples["quality-inspection"]
    rows = lines(
        folder,
        "SELECT gauge, characteristic, measured, lower, upper FROM rows WHERE kind = 'length' ORDER BY gauge, time",
    )
    gauge, name = rows[0][:2]
    values = np.array([row[2] for row in rows if row[0] == gauge], float)
    lower, upper = float(rows[0][3]), float(rows[0][4])  # type: ignore[arg-type]
    spare = min(upper - values.mean(), values.mean() - lower)
    within = np.abs(np.diff(values)).mean() / 1.128
    told = next(
        line
        for line in summary_of(package.built.template, scope_of(examples["quality-inspection"]).parts)
        if line[:2] == [gauge, name]
    )

    assert told[7:10] == [
        f"{spare / (3 * values.std(ddof=1)):.2f}",
        str(int((np.abs(values - values.mean()) > 3 * within).sum())),
        f"{spare / (3 * within):.2f}",
    ]


def test_an_example_is_made_only_where_there_is_room(tmp_path: Path) -> None:
    """Not over a folder that is there, and not for a template nobody knows."""
    with pytest.raises(UsageError, match="is there already; choose a new folder"):
        make_example("oee-events", tmp_path)
    with pytest.raises(UsageError, match="there is no such data product; known: cnc-spindle"):
        make_example("oee", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_loads_with_a_listing_within_the_limits(name: str) -> None:
    """product.yaml, listing.yaml, build.sql, checks.yaml and summary.sql fit together."""
    template = product_folder(data_dir("datasets") / name)

    assert 20 <= len(template.product.listing.description) <= 150
    assert len(template.product.listing.name) <= 20
    assert set(template.product.grading.model_dump()) >= {"national", "level"}


def test_one_command_makes_an_example(tmp_path: Path) -> None:
    """``pack example`` leaves a workspace and, in it, the package of a simulated product."""
    from factory_kit.cli.main import command

    command().main(["pack", "example", "oee-events", str(tmp_path / "new")], standalone_mode=False)

    assert (tmp_path / "new" / "site.yaml").is_file()
    sealed = open_sealed(tmp_path / "new" / "oee-events.zip")
    assert (sealed.about["product"], sealed.about["kind"]) == ("oee-events", "demo")
