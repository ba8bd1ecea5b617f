from __future__ import annotations

import csv
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest

from factory_kit.errors import UsageError
from factory_kit.model.run import Gap, Run
from factory_kit.model.sample import SampleBatch
from factory_kit.store import Store
from factory_kit.store import export as export_module

T0 = 1_788_220_800_000_000
DAY = 86_400_000_000
Rows = list[tuple[int, int, float | None]]
ROWS: Rows = [(1, T0, 1.5), (1, T0 + 1, None), (2, T0, math.inf), (2, T0 + DAY, -3.0)]


@pytest.fixture(name="filled")
def _filled(wrote: Callable[..., Store], run: Callable[..., Run]) -> Store:
    """Two days, one gap, one text that looks like a formula."""
    store = wrote(ROWS)
    import numpy as np

    with store.writer(run("run-2")) as writer:
        writer.gap(Gap(1, T0, T0 + 5, "outage"))
        writer.append(
            SampleBatch(
                np.array([3], np.int32), np.array([T0 + 7]), np.array([np.nan]), np.array([0], np.int8), text=["=1+1"]
            )
        )
    return store


def test_csv_has_a_file_per_view(filled: Store, tmp_path: Path) -> None:
    """Samples come with the names of their points, times in UTC, nothing for no value."""
    assert filled.export(tmp_path / "out", "csv") == 5

    rows = list(csv.DictReader((tmp_path / "out/samples.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["equipment"], row["time"], row["value"], row["text"]) for row in rows[:2]] == [
        ("m1", "2026-09-01 00:00:00", "1.5", ""),
        ("m1", "2026-09-01 00:00:00.000001", "", ""),
    ]
    assert rows[-1]["text"] == "=1+1"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "equipment.csv", "gaps.csv", "latest.csv", "loss_ledger.csv", "points.csv", "points_history.csv", "runs.csv",
        "samples.csv", "states.csv",
    ]  # fmt: skip


def test_excel_keeps_texts_as_texts(filled: Store, tmp_path: Path) -> None:
    """Numbers are numbers, dates are dates, a text that looks like a formula is a text, infinity is a text."""
    filled.export(tmp_path / "out.xlsx", "xlsx")

    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    rows = list(book["samples"].iter_rows(values_only=True))
    assert rows[0][:5] == ("equipment", "name", "time", "value", "text")
    assert rows[1][:5] == ("m1", "load", datetime(2026, 9, 1), 1.5, None)  # noqa: DTZ001 - UTC without a zone
    assert [row[3] for row in rows[2:4]] == [None, "inf"]
    assert (rows[-1][4], book["samples"].cell(6, 5).data_type) == ("=1+1", "s")
    assert book["gaps"].max_row == 2


def test_excel_refuses_what_it_cannot_hold(filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many rows are refused before anything is written."""
    monkeypatch.setattr(export_module, "EXCEL_ROWS", 4)

    with pytest.raises(UsageError, match="5 samples do not fit into an Excel sheet of 4 rows; choose a shorter time"):
        filled.export(tmp_path / "out.xlsx", "xlsx")
    assert list(tmp_path.glob("*out*")) == []


def test_parquet_uses_only_plain_encodings(filled: Store, tmp_path: Path) -> None:
    """Samples by day, no encoding beyond plain and dictionary, the same rows."""
    filled.export(tmp_path / "out", "parquet", T0, T0 + DAY + 1)

    files = sorted((tmp_path / "out").rglob("*.parquet"))
    encodings = set()
    for path in files:
        group = pq.read_metadata(path)
        for number in range(group.num_row_groups):
            for column in range(group.num_columns):
                encodings |= set(group.row_group(number).column(column).encodings)
    assert encodings <= {"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY", "BIT_PACKED"}
    with duckdb.connect() as con:
        source = str(tmp_path / "out/samples/*/*.parquet")
        found = con.execute(
            "SELECT point, epoch_us(time), value FROM read_parquet(?) WHERE point < 3 ORDER BY ALL", [source]
        ).fetchall()
    assert found == ROWS
    assert [path.parent.name for path in files if path.name == "samples.parquet"] == [
        "date=2026-09-01",
        "date=2026-09-02",
    ]


def test_a_duckdb_file_holds_tables(filled: Store, tmp_path: Path) -> None:
    """One file, a table per view, only the time asked for."""
    assert filled.export(tmp_path / "out.duckdb", "duckdb", T0 + 1, T0 + DAY) == 2

    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as con:
        assert con.execute("SELECT point, text FROM samples ORDER BY point").fetchall() == [(1, None), (3, "=1+1")]
        assert con.execute("SELECT count(*) FROM points").fetchall() == [(5,)]


def test_nothing_is_overwritten(filled: Store, tmp_path: Path) -> None:
    """A target that is there already is left alone."""
    (tmp_path / "out").mkdir()

    with pytest.raises(UsageError, match="out: is there already; choose another name or take it away"):
        filled.export(tmp_path / "out", "csv")
