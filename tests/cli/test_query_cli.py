"""``factory-kit query``: what is shown of an answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store

from .conftest import Command


@pytest.fixture(name="workspace")
def _workspace(factory_kit: Command, tmp_path: Path) -> Path:
    """A workspace with one sample in its store."""
    folder = tmp_path / "plant"
    factory_kit("init", folder)
    store = Store(folder / "store")
    (point,) = store.register([CataloguePoint("m", "load", "other", "%", "float64", "x", "c", "1", "s")])
    with store.writer(Run("run-1", 1, Origin.SIMULATED, "demo", "test")) as writer:
        writer.append(
            SampleBatch(np.array([point], np.int32), np.array([10**15]), np.array([1.5]), np.zeros(1, np.int8))
        )
    return folder


def test_json_loses_no_column_of_the_same_name(factory_kit: Command, workspace: Path) -> None:
    """Columns of one name are told apart by a number."""
    said = factory_kit("query", "SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a", "-w", workspace, "--json")

    assert json.loads(said.out) == [{"a": 1, "a_2": 2, "a_1": 3, "a_3": 4}]


def test_a_table_shows_both_columns_of_one_name(factory_kit: Command, workspace: Path) -> None:
    """The cells of a table stay in their columns."""
    said = factory_kit("query", "SELECT 'left' AS a, 'right' AS a", "-w", workspace)

    assert "left" in said.out
    assert "right" in said.out


@pytest.mark.parametrize(
    "value", ["TIMESTAMP 'infinity'", "DATE '5877641-06-25 (BC)'", "TIMESTAMP '290309-12-22 (BC) 00:00:00'"]
)
def test_times_beyond_the_calendar_are_shown_as_text(factory_kit: Command, workspace: Path, value: str) -> None:
    """A time that Python cannot hold ends no command."""
    said = factory_kit("query", f"SELECT {value} AS t", "-w", workspace)

    assert said.code == 0
    assert "out of range" in said.out


def test_json_has_null_for_what_is_no_number(factory_kit: Command, workspace: Path) -> None:
    """NaN and infinity, which JSON lacks, are null."""
    said = factory_kit("query", "SELECT 'nan'::DOUBLE a, 'inf'::DOUBLE b, 1.5 c", "-w", workspace, "--json")

    assert json.loads(said.out, parse_constant=pytest.fail) == [{"a": None, "b": None, "c": "1.5"}]


def test_a_long_text_is_cut_in_a_table_only(factory_kit: Command, workspace: Path) -> None:
    """A cell of many thousand signs does not flood the screen; JSON has all of it."""
    sql = "SELECT repeat('x', 100000) AS long"

    assert len(factory_kit("query", sql, "-w", workspace).out) < 10_000
    assert len(factory_kit("query", sql, "-w", workspace, "--json").out) > 100_000


def test_more_rows_than_the_limit_are_named(factory_kit: Command, workspace: Path) -> None:
    """The table ends at the limit and says so; at 0 it shows all."""
    cut = factory_kit("query", "SELECT * FROM range(5)", "-w", workspace, "--limit", "2")
    whole = factory_kit("query", "SELECT * FROM range(5)", "-w", workspace, "--limit", "0")

    assert "The first 2 rows; --limit 0 shows all" in cut.err
    assert ("3" in cut.out, "4" in whole.out, whole.err) == (False, True, "")


def test_csv_on_standard_output_is_as_it_is(factory_kit: Command, workspace: Path) -> None:
    """For the next program: no byte order mark, no apostrophe, microseconds, all rows."""
    said = factory_kit("query", "SELECT '=1' AS a, time FROM samples", "-w", workspace, "--format", "csv")

    assert said.out.splitlines() == ['"a","time"', '"=1",2001-09-09 01:46:40.000000']


def test_json_gives_all_rows(factory_kit: Command, workspace: Path) -> None:
    """A program is never given a part of the rows unless it asked for that."""
    said = factory_kit("query", "SELECT * FROM range(1000)", "-w", workspace, "--json")
    some = factory_kit("query", "SELECT * FROM range(1000)", "-w", workspace, "--json", "--limit", 3)

    assert (len(json.loads(said.out)), said.err) == (1000, "")
    assert (len(json.loads(some.out)), "The first 3 rows" in some.err) == (3, True)


@pytest.mark.parametrize("ending", ["csv", "json", "xlsx", "parquet"])
def test_a_file_takes_the_rows(factory_kit: Command, workspace: Path, tmp_path: Path, ending: str) -> None:
    """The name of the file says the format, and pandas reads from it what the query gave."""
    file = tmp_path / f"rows.{ending}"
    said = factory_kit("query", "SELECT point, value, '=1+1' AS text FROM samples", "-w", workspace, "-o", file)

    read = {"csv": pd.read_csv, "json": pd.read_json, "xlsx": pd.read_excel, "parquet": pd.read_parquet}[ending]
    text = "'=1+1" if ending == "csv" else "=1+1"
    assert "1 rows written" in said.err
    assert read(file).to_dict("records") == [{"point": 1, "value": 1.5, "text": text}]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--format", "xml"], "'xml' is no format for this"),
        (["--format", "xlsx"], "xlsx needs a file; add --out FILE"),
        (["-o", "rows.txt"], "'txt' is no format for this"),
        (["-o", "there.csv"], "is there already"),
        (["--csv-for", "me", "--format", "csv"], "'me' is no reader of CSV"),
    ],
)
def test_wrong_formats_are_named(
    factory_kit: Command, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], what: str
) -> None:
    """One line with what is possible, exit code 2, nothing overwritten."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("mine", encoding="utf-8")

    said = factory_kit("query", "SELECT 1", "-w", workspace, *words)

    assert (said.code, what in said.err, said.err.strip().count("\n")) == (2, True, 0)
    assert (tmp_path / "there.csv").read_text(encoding="utf-8") == "mine"


def test_a_query_that_fails_leaves_no_file(factory_kit: Command, workspace: Path, tmp_path: Path) -> None:
    """Neither the file nor what was written of it stays."""
    (tmp_path / "place").mkdir()
    sql = "SELECT CASE WHEN i = 50000 THEN error('broken') ELSE 'x' END FROM range(100000) r(i)"

    said = factory_kit("query", sql, "-w", workspace, "-o", tmp_path / "place" / "rows.csv")

    assert (said.code, "broken" in said.err, list((tmp_path / "place").iterdir())) == (1, True, [])


def test_a_query_ends_with_its_time(factory_kit: Command, workspace: Path) -> None:
    """--timeout ends what takes too long, in one line."""
    sql = "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c"

    said = factory_kit("query", sql, "-w", workspace, "--timeout", "0.3")

    assert (said.code, said.err) == (
        1,
        "query: not done after 0.3 s; ask for less, or allow more time (0: no end)\n",
    )
