from __future__ import annotations

import csv
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.parquet as pq
import pytest

from factory_kit.errors import StoreDamaged, UsageError
from factory_kit.model.run import Gap, Run
from factory_kit.model.sample import SampleBatch
from factory_kit.store import Store
from factory_kit.store import export as export_module
from factory_kit.store.export import Wanted

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


def _csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))


def test_csv_has_a_file_per_view(filled: Store, tmp_path: Path) -> None:
    """Samples come with the names of their points, times in UTC and on the plant's clock, nothing for no value."""
    assert filled.export(tmp_path / "out", "csv", Wanted(zone="Asia/Shanghai", csv_for="programs")) == 5

    rows = _csv(tmp_path / "out/samples.csv")
    assert [(row["equipment"], row["time"], row["local_time"], row["value"], row["text"]) for row in rows[:2]] == [
        ("m1", "2026-09-01 00:00:00.000000", "2026-09-01 08:00:00.000000", "1.5", ""),
        ("m1", "2026-09-01 00:00:00.000001", "2026-09-01 08:00:00.000001", "", ""),
    ]
    assert rows[-1]["text"] == "=1+1"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "about.txt", "equipment.csv", "gaps.csv", "latest.csv", "loss_ledger.csv", "points.csv", "points_history.csv",
        "runs.csv", "samples.csv", "states.csv",
    ]  # fmt: skip
    assert "5 samples" in (tmp_path / "out/about.txt").read_text(encoding="utf-8")


def test_csv_for_excel_has_a_mark_and_runs_nothing(filled: Store, tmp_path: Path) -> None:
    """Excel learns that it is UTF-8, sees times it knows, and no text of a machine becomes a formula."""
    filled.export(tmp_path / "out", "csv")

    content = (tmp_path / "out/samples.csv").read_bytes()
    rows = _csv(tmp_path / "out/samples.csv")
    assert content.startswith(b"\xef\xbb\xbf")
    assert (rows[0]["time"], rows[-1]["text"]) == ("2026-09-01 00:00:00.000", "'=1+1")


@pytest.mark.parametrize(
    ("text", "written"),
    [("=1+1", "'=1+1"), ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"), ("@SUM(1)", "'@SUM(1)"), ("\t=1", "'\t=1"), (" -1+1", "' -1+1"),
     ("\uff1d1+1", "'\uff1d1+1"), ("-5.5e-3", "-5.5e-3"), ("+7", "+7"), ("on-line", "on-line"), ("", ""), ('a,"b"\nc', 'a,"b"\nc')],
)  # fmt: skip
def test_what_excel_would_run_gets_an_apostrophe(
    store: Store, run: Callable[..., Run], tmp_path: Path, text: str, written: str
) -> None:
    """Formulas, also behind blanks and with the wide signs of Chinese keyboards; numbers and other texts stay."""
    import numpy as np

    with store.writer(run()) as writer:
        writer.append(
            SampleBatch(
                np.array([3], np.int32), np.array([T0]), np.array([np.nan]), np.array([0], np.int8), text=[text]
            )
        )
    store.export(tmp_path / "out", "csv")

    with (tmp_path / "out/samples.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["text"] for row in csv.DictReader(file)] == [written]


def test_points_and_time_are_chosen(filled: Store, tmp_path: Path) -> None:
    """Only the points and the time asked for."""
    assert filled.export(tmp_path / "out", "csv", Wanted(T0, T0 + DAY, points={2, 3})) == 2

    assert [row["point"] for row in _csv(tmp_path / "out/samples.csv")] == ["2", "3"]


@pytest.mark.parametrize("form", ["csv", "parquet", "duckdb"])
def test_small_pieces_give_the_same_rows(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: export_module.ExportForm
) -> None:
    """However little is sorted at once, every row is there once, in order."""
    filled.export(tmp_path / "whole", form)
    monkeypatch.setattr(export_module, "CHUNK", 1)
    filled.export(tmp_path / "parts", form)

    if form == "duckdb":
        for name in ("whole", "parts"):
            with duckdb.connect(str(tmp_path / name), read_only=True) as con:
                rows = con.execute("SELECT point, epoch_us(time) FROM samples").fetchall()
            assert rows == [(1, T0), (1, T0 + 1), (2, T0), (2, T0 + DAY), (3, T0 + 7)]
        return
    names = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*.*") if path.is_file()]
    assert [(tmp_path / "parts" / name).read_bytes() for name in names] == [
        (tmp_path / "whole" / name).read_bytes() for name in names
    ]


def test_a_file_that_rots_meanwhile_is_no_export(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read from a file damaged under the old size and time does not stay."""
    path = next((filled.folder / "data").glob("*/*.parquet"))

    def rot(_: object, target: Path) -> None:
        target.mkdir()
        content = bytearray(path.read_bytes())
        content[40] ^= 1
        path.write_bytes(content)

    monkeypatch.setitem(export_module.EXPORTS, "csv", rot)
    with pytest.raises(StoreDamaged, match="sha256 differs from the manifest"):
        filled.export(tmp_path / "out", "csv")
    assert not (tmp_path / "out").exists()


def test_excel_keeps_texts_as_texts(filled: Store, tmp_path: Path) -> None:
    """Numbers are numbers, dates are dates, a text that looks like a formula is a text, infinity is a text."""
    filled.export(tmp_path / "out.xlsx", "xlsx", Wanted(zone="Asia/Shanghai"))

    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    rows = list(book["samples"].iter_rows(values_only=True))
    assert rows[0][:6] == ("equipment", "name", "time", "local_time", "value", "text")
    assert rows[1][:6] == ("m1", "load", datetime(2026, 9, 1), datetime(2026, 9, 1, 8), 1.5, None)  # noqa: DTZ001
    assert [row[4] for row in rows[2:4]] == [None, "inf"]
    assert (rows[-1][5], book["samples"].cell(6, 6).data_type) == ("=1+1", "s")
    assert book["gaps"].max_row == 2


def test_excel_refuses_what_it_cannot_hold(filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many rows are refused before anything is written."""
    monkeypatch.setattr(export_module, "EXCEL_ROWS", 4)

    with pytest.raises(UsageError, match="5 samples do not fit into an Excel sheet of 4 rows; choose fewer points"):
        filled.export(tmp_path / "out.xlsx", "xlsx")
    assert list(tmp_path.glob("*out*")) == []


def test_parquet_uses_only_plain_encodings(filled: Store, tmp_path: Path) -> None:
    """Samples by day, no encoding beyond plain and dictionary, the same rows."""
    filled.export(tmp_path / "out", "parquet", Wanted(T0, T0 + DAY + 1))

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
    assert filled.export(tmp_path / "out.duckdb", "duckdb", Wanted(T0 + 1, T0 + DAY)) == 2

    with duckdb.connect(str(tmp_path / "out.duckdb"), read_only=True) as con:
        assert con.execute("SELECT point, text FROM samples ORDER BY point").fetchall() == [(1, None), (3, "=1+1")]
        assert con.execute("SELECT count(*) FROM points").fetchall() == [(5,)]


def test_nothing_is_overwritten(filled: Store, tmp_path: Path) -> None:
    """A target that is there already is left alone."""
    (tmp_path / "out").mkdir()

    with pytest.raises(UsageError, match="out: is there already; choose another name or take it away"):
        filled.export(tmp_path / "out", "csv")


def test_a_folder_that_is_not_there_is_named(filled: Store, tmp_path: Path) -> None:
    """No folder is made on the way to the target."""
    with pytest.raises(UsageError, match="nowhere: there is no such folder; make it first"):
        filled.export(tmp_path / "nowhere/out", "csv")


TIGHT = """
import resource, sys
from pathlib import Path
from factory_kit.errors import StoreFull
from factory_kit.store import Store
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
try:
    Store(Path(sys.argv[1])).export(Path(sys.argv[2]), sys.argv[3])
except StoreFull as full:
    print(full)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "duckdb"])
def test_a_full_disk_leaves_no_export(filled: Store, tmp_path: Path, form: str) -> None:
    """When no more fits, one line says so and nothing is left."""
    (tmp_path / "place").mkdir()

    done = subprocess.run(
        [sys.executable, "-c", TIGHT, str(filled.folder), str(tmp_path / "place/out"), form],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == f"{tmp_path / 'place/out'}: the disk is full; make room and repeat\n", done.stderr
    assert list((tmp_path / "place").iterdir()) == []
