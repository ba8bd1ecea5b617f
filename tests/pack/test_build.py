"""Building a data product."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from factory_kit.errors import FactoryKitError, KeyRefused, QueryError, UsageError
from factory_kit.load.product import ProductTemplate
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin
from factory_kit.pack.build import Built, Span, build_rows, require_grading
from factory_kit.pack.outside import outside_verdicts
from factory_kit.pack.pseudonyms import plant_key, pseudonyms
from factory_kit.shipped import data_dir
from factory_kit.store import Store

from .conftest import MIDNIGHT, Reader, site

DAY = Span(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001 - spans are naive UTC


def test_every_meter_and_hour_has_its_energy(built: Built) -> None:
    """24 hours of two meters: 6 and 60 kWh each; the reset at noon costs the minute in which it came."""
    rows = pq.read_table(built.parts[0]).to_pylist()
    names = pseudonyms(["meter-01", "meter-02"], b"k" * 32, "equipment")
    energy = {name: [row["energy_kwh"] for row in rows if row["meter"] == names[name]] for name in names}

    assert energy["meter-01"] == [6.0] * 24
    assert energy["meter-02"] == [60.0] * 11 + [59.0] + [60.0] * 12
    assert {row["coverage"] for row in rows} == {1.0}


def rows_of(built: Built) -> list[dict[str, Any]]:
    """All rows of a product."""
    return pq.read_table(built.parts[0]).to_pylist()


def test_energy_of_hours_nobody_read_is_split_by_time(one_meter: Reader) -> None:
    """Readings at 00:00, 01:30 and 04:30, then none: each hour gets its share of time, and shows how much of it was seen."""
    rows = rows_of(one_meter([(0, 100.0), (90, 109.0), (270, 127.0)]))

    assert [(row["energy_kwh"], row["samples"], row["coverage"]) for row in rows] == [
        (6.0, 1, 0.25),
        (6.0, 1, 0.25),
        (6.0, 0, 0.0),
        (6.0, 0, 0.0),
        (3.0, 1, 0.25),
    ]


def test_a_register_that_steps_back_a_little_was_not_reset(one_meter: Reader) -> None:
    """Back by 0.01 kWh adds nothing, not the whole register; a reading no meter could reach adds nothing either."""
    rows = rows_of(
        one_meter(
            [(0, 250_000.0), (10, 250_001.0), (20, 250_000.99), (30, 250_002.0), (40, 900_000.0), (50, 900_001.0)]
        )
    )

    assert [row["energy_kwh"] for row in rows] == [3.0]


def test_energy_counted_in_megawatt_hours_leaves_as_kilowatt_hours(one_meter: Reader) -> None:
    """0.006 MWh in an hour are 6 kWh."""
    rows = rows_of(one_meter([(0, 1.0), (60, 1.006)], unit="MWh"))

    assert [row["energy_kwh"] for row in rows] == [6.0, 0.0]


def test_no_name_of_the_plant_s_machines_leaves(built: Built) -> None:
    """No file of the package holds the name, address or connector of a meter."""
    contents = b"".join(path.read_bytes() for path in built.folder.rglob("*") if path.is_file())

    assert [word for word in (b"meter-01", b"meter-02", "一号电表".encode(), b"holding:") if word in contents] == []


def test_quality_counts_what_a_machine_can_and_no_more(built: Built) -> None:
    """Sixteen indicators have counts, four wait for a person, and none of those four has a score."""
    assessed = {row.code for row in built.quality if row.assessed}

    assert {row.code for row in built.quality} - assessed == {"0105", "0401", "0502", "0602"}
    assert [row.score for row in built.quality if not row.assessed] == [None] * 4
    assert {
        row.code: (row.numerator, row.denominator)
        for row in built.quality
        if row.code in {"0202", "0303", "0503", "0402"}
    } == {
        "0202": (48, 48),
        "0303": (0, 48),
        "0503": (48, 48),
        "0402": (48, 48),
    }


def test_outside_validators_accept_the_package(built: Built) -> None:
    """Mlcroissant loads all rows and frictionless finds nothing wrong."""
    verdicts = outside_verdicts(built.folder)
    if not all(verdict.installed for verdict in verdicts):
        pytest.skip("the extra [validate] is not installed")

    assert [(verdict.validator, verdict.accepted, verdict.said) for verdict in verdicts] == [
        ("mlcroissant", True, "48 / 48"),
        ("frictionless", True, "48"),
    ]


def test_outside_validators_accept_hours_without_a_sample(one_meter: Reader) -> None:
    """A value that is missing is no number out of range."""
    verdicts = outside_verdicts(one_meter([(0, 100.0), (300, 130.0)]).folder)
    if not all(verdict.installed for verdict in verdicts):
        pytest.skip("the extra [validate] is not installed")

    assert [(verdict.accepted, verdict.said) for verdict in verdicts] == [(True, "6 / 6"), (True, "6")]


def test_outside_validators_refuse_a_package_with_another_column(built: Built) -> None:
    """A paper that names a column the data does not have is refused by both."""
    if not all(verdict.installed for verdict in outside_verdicts(built.folder)):
        pytest.skip("the extra [validate] is not installed")
    for name in ("croissant.json", "datapackage.json"):
        path = built.folder / name
        path.write_text(path.read_text(encoding="utf-8").replace("energy_kwh", "energy_mwh"), encoding="utf-8")

    assert [verdict.accepted for verdict in outside_verdicts(built.folder)] == [False, False]


def test_simulated_samples_are_no_real_product(tmp_path: Path, store: Store, template: ProductTemplate) -> None:
    """A site that claims to be real cannot sell simulated samples."""
    with pytest.raises(FactoryKitError, match="the samples are simulated, but the site says kind: real"):
        build_rows(
            template,
            site("real"),
            store,
            tmp_path / "x",
            span=DAY,
            key=b"k" * 32,
            decided_by="a",
            clock=lambda: MIDNIGHT,
        )


def test_an_empty_interval_is_one_line_and_leaves_no_file(
    tmp_path: Path, store: Store, template: ProductTemplate
) -> None:
    """No row: no product, no file."""
    span = Span(datetime(2025, 1, 1), datetime(2025, 1, 2))  # noqa: DTZ001 - spans are naive UTC
    with pytest.raises(FactoryKitError, match="energy-hourly: no row in this interval"):
        build_rows(
            template, site(), store, tmp_path / "x", span=span, key=b"k" * 32, decided_by="a", clock=lambda: MIDNIGHT
        )

    assert [path for path in (tmp_path / "x").rglob("*") if path.is_file()] == []


def test_broken_sql_is_one_line(tmp_path: Path, store: Store, template: ProductTemplate) -> None:
    """A build.sql that names what does not exist is said in one line."""
    broken = ProductTemplate(template.product, "SELECT nothing FROM nowhere", template.checks)

    with pytest.raises(QueryError, match=r"^energy-hourly/build\.sql: .*nowhere"):
        build_rows(
            broken, site(), store, tmp_path / "x", span=DAY, key=b"k" * 32, decided_by="a", clock=lambda: MIDNIGHT
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"national": "核心"}, "graded 核心"),
        ({"national": "重要"}, r"graded 重要/一级: name the approval"),
        ({"level": "三级"}, r"graded 一般/三级: name the approval"),
        ({}, "is a proposal until a person decides it"),
    ],
)
def test_the_grading_is_a_gate(template: ProductTemplate, changes: dict[str, str], message: str) -> None:
    """核心 never leaves, 重要 and 三级 need an approval, and nothing leaves on a proposal alone."""
    grading = template.product.grading.model_copy(update=changes)

    with pytest.raises((FactoryKitError, UsageError), match=message):
        require_grading(grading, decided_by="")


def test_one_key_gives_one_pseudonym(tmp_path: Path) -> None:
    """The key is made once, and the same name has the same pseudonym under it, another under another."""
    key = plant_key(tmp_path / "keys" / "pseudonyms.key")

    assert plant_key(tmp_path / "keys" / "pseudonyms.key") == key
    assert pseudonyms(["a"], key, "equipment") == pseudonyms(["a"], key, "equipment")
    assert pseudonyms(["a"], key, "equipment") != pseudonyms(["a"], b"x" * 32, "equipment")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """A key file with the modes of an ordinary file stops the build."""
    file = tmp_path / "k"
    plant_key(file)
    file.chmod(0o644)

    with pytest.raises(KeyRefused, match="is readable by others"):
        plant_key(file)


def test_the_papers_agree_on_the_rows(built: Built) -> None:
    """What the manifest, the dictionary and the Data Package say comes from one definition."""
    product = json.loads((built.folder / "product.json").read_text(encoding="utf-8"))
    package = json.loads((built.folder / "datapackage.json").read_text(encoding="utf-8"))
    dictionary = (built.folder / "papers" / "data-dictionary.csv").read_text(encoding="utf-8-sig").splitlines()[1:]
    names = [field["name"] for field in product["product"]["fields"]]

    assert product["rows"] == "48"
    assert [field["name"] for field in package["resources"][0]["schema"]["fields"]] == names
    assert [line.split(",")[0] for line in dictionary] == names


def test_the_provenance_names_shipped_connectors_and_no_private_ones(
    tmp_path: Path, store: Store, template: ProductTemplate
) -> None:
    """What everybody can read on our shelf is named with its version; a connector of the plant may bear the name of a machine."""
    shipped = min(path.parent.name for path in data_dir("connectors").glob("*/connector.yaml"))
    with store.writer(Run("r2", MIDNIGHT, Origin.SIMULATED, "demo", "collect")):
        store.register(
            [
                CataloguePoint(
                    "meter-01", "energy", "active_energy", "kWh", "float64", "holding:0", shipped, "1.2.0", "s"
                )
            ]
        )
    made = build_rows(
        template, site(), store, tmp_path / "x", span=DAY, key=b"k" * 32, decided_by="张三", clock=lambda: MIDNIGHT
    )

    assert made.provenance["connectors"] == [
        {"connector": shipped, "version": "1.2.0", "points": "1"},
        {"connector": "private", "version": "", "points": "4"},
    ]
