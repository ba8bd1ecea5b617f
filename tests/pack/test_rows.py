"""Rows in parts: whole groups in each, the same rows as in one piece, in an order that tells nothing of the plant."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factory_kit.errors import QueryError
from factory_kit.load.product import ProductTemplate
from factory_kit.pack import outside
from factory_kit.pack import rows as made_of
from factory_kit.pack.build import Built
from factory_kit.pack.describe import write_papers
from factory_kit.pack.outside import outside_verdicts
from factory_kit.pack.pseudonyms import pseudonyms
from factory_kit.pack.release import Recipient, mark_package
from factory_kit.pack.tracing import trace_file

from .conftest import site
from .test_recipe import KEY, MINUTES, PSEUDONYM, Make, make, product

__all__ = ["make"]  # the fixture

MARKS = {"fields": {"load": "0.02"}, "window_s": 120}


def in_order(template: ProductTemplate) -> ProductTemplate:
    """Rows by machine and time, of values that move."""
    sql = template.sql.replace("s.value AS load", "s.value + minute(s.time) AS load") + " ORDER BY machine, s.time"
    return ProductTemplate(template.product, sql, template.checks)


def counted(built: Built) -> list[tuple[str, int | None]]:
    """The indicators of *built* that count anything but parts."""
    return [(row.code, row.numerator) for row in built.quality if row.code not in {"0102", "0601"}]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One meter a part."""
    monkeypatch.setattr(made_of, "ROWS_OF_A_PART", 1500)


@pytest.fixture
def parted(make: Make, small_parts: None) -> Built:  # noqa: ARG001 - it is in force
    """The minutes of two meters, one part each, with marks and papers."""
    built = make(in_order(product([PSEUDONYM], load={"places": 3}, watermark=MARKS)))
    write_papers(built)
    return built


def test_a_part_holds_whole_groups_and_all_parts_hold_the_rows(make: Make, parted: Built) -> None:
    """Two parts of one meter each; together they are, row for row, the file that one piece gives."""
    tables = [pq.read_table(part) for part in parted.parts]
    assert [part.name for part in parted.parts] == ["part-000.parquet", "part-001.parquet"]
    assert [len(set(table["machine"].to_pylist())) for table in tables] == [1, 1]

    shutil.rmtree(parted.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_of, "ROWS_OF_A_PART", 10_000)
        whole = make(in_order(product([PSEUDONYM], load={"places": 3}, watermark=MARKS)))
    assert len(whole.parts) == 1
    assert pq.read_table(whole.parts[0]).equals(pa.concat_tables(tables))
    assert whole.rows == parted.rows == 2880
    assert counted(whole) == counted(parted)


def test_rows_come_in_the_order_of_the_pseudonyms(parted: Built) -> None:
    """Not of the names they stand for: that order would tell which pseudonym is which machine."""
    shown = [name for part in parted.parts for name in pq.read_table(part)["machine"].to_pylist()]

    assert shown == sorted(shown)


def test_a_group_without_a_name_is_in_one_of_the_parts(make: Make, small_parts: None) -> None:  # noqa: ARG001 - it is in force
    """NULL is equal to nothing, but its rows are rows."""
    template = in_order(product([PSEUDONYM], load={"places": 3}))
    sql = template.sql.replace("p.equipment AS", "nullif(p.equipment, 'meter-02') AS")
    built = make(replace(template, sql=sql))

    assert built.rows == 2880
    assert sorted(pq.read_table(part)["machine"].null_count for part in built.parts) == [0, 1440]


def test_outside_validators_read_all_parts(parted: Built) -> None:
    """Each part is a resource, and mlcroissant loads the rows of both."""
    assert [verdict.said for verdict in outside_verdicts(parted.folder) if not verdict.accepted] == []


def test_of_many_rows_validators_see_the_first_of_each_part(parted: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would read for hours; a broken description is still refused."""
    monkeypatch.setattr(outside, "MOST_ROWS", 2000)
    monkeypatch.setattr(outside, "HEAD", 100)
    before = {path: path.stat().st_mtime_ns for path in parted.folder.rglob("*")}

    assert {verdict.validator: verdict.said for verdict in outside_verdicts(parted.folder)}[
        "mlcroissant"
    ] == "200 / 200"
    assert {path: path.stat().st_mtime_ns for path in parted.folder.rglob("*")} == before
    paper = parted.folder / "croissant.json"
    paper.write_text(paper.read_text("utf-8").replace('"column": "load"', '"column": "lead"'), encoding="utf-8")
    assert [verdict.accepted for verdict in outside_verdicts(parted.folder)] == [False, True]


def test_a_copy_in_parts_is_marked_and_traced(tmp_path: Path, parted: Built) -> None:
    """Both parts bear marks; the folder of a copy names its recipient, and so does one part of it alone."""
    template = parted.template
    shutil.copytree(parted.folder, tmp_path / "copy")
    copy = mark_package(tmp_path / "copy", template, site(), b"m" * 32, "B")
    register = [Recipient(name, "minutes", "1.0.0", "0" * 64, "") for name in ("A", "B")]

    for leaked in (copy.folder, copy.parts[1]):
        found = trace_file(leaked, parted.parts, template, register, b"m" * 32, "0" * 64)
        assert [each.recipient for each in found if each.names(2)] == ["B"]


def test_a_query_that_counts_is_made_in_one_piece(make: Make, small_parts: None) -> None:  # noqa: ARG001 - it is in force
    """Where groups are computed from many rows, asking for them one after another would compute all of them each time."""
    template = product([PSEUDONYM])
    sql = f"SELECT time, machine, max(load) AS load FROM ({MINUTES}) GROUP BY ALL"  # noqa: S608 - a literal of ours
    built = make(replace(template, sql=sql))

    assert (len(built.parts), built.rows) == (1, 2880)


def test_nothing_is_left_of_parts_that_cannot_be_finished(make: Make, small_parts: None, tmp_path: Path) -> None:  # noqa: ARG001 - it is in force
    """The second part holds what is no number: the first goes too."""
    names = pseudonyms(["meter-01", "meter-02"], KEY, "machine")
    first = min(names, key=lambda name: names[name])
    template = in_order(product([PSEUDONYM]))
    sql = template.sql.replace("s.value + minute(s.time)", f"CASE WHEN p.equipment = '{first}' THEN '1' ELSE 'x' END")

    with pytest.raises(QueryError, match=r"minutes/build\.sql: .*Could not convert"):
        make(replace(template, sql=sql))
    assert list((tmp_path / "made").rglob("*.*")) == []
