"""Export: the store for other programs, as CSV, Excel, Parquet that every reader knows, or one DuckDB file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.errors import StoreError, StoreFull, UsageError
from factory_kit.store.disk import told
from factory_kit.store.views import quoted

__all__ = ["EXPORTS", "ExportForm", "export"]

ExportForm = Literal["csv", "xlsx", "parquet", "duckdb"]

TABLES = ("points", "points_history", "equipment", "states", "runs", "gaps", "loss_ledger", "latest")
EXCEL_ROWS = 1_048_575
"""Rows of an Excel sheet below its heading."""

OLDEST_DUCKDB = "v1.5.0"
NAMED = """
    SELECT points.equipment, points.name, samples.time, samples.value, samples.text, points.unit, samples.quality, samples.status,
        samples.server_time, samples.received_time, samples.origin, samples.run, samples.point
    FROM samples LEFT JOIN points USING (point) WHERE {inside} ORDER BY samples.point, samples.time
"""
PLAIN = """
    SELECT point, time, value, text, quality, status, server_time, received_time, origin, run
    FROM samples WHERE {inside} ORDER BY point, time
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000


def export(con: Any, target: Path, form: ExportForm, start: int, end: int) -> int:
    """The samples of [*start*, *end*) µs and the other views of *con* at *target*; how many samples.

    CSV and Parquet make a folder, Excel and DuckDB a file; it is there whole or not at all. ``UsageError`` when something is there
    already or when Excel cannot hold so many rows, ``StoreFull``.
    """
    if target.exists():
        raise UsageError("{target}: is there already; choose another name or take it away", target=target)
    inside = f"samples.time >= make_timestamp({start}) AND samples.time < make_timestamp({end})"
    count: int = con.execute(f"SELECT count(*) FROM samples WHERE {inside}").fetchall()[0][0]  # noqa: S608 - our own numbers
    aside = target.with_name(f".{target.name}.tmp")
    _clear(aside)
    try:
        with told(target):
            EXPORTS[form](con, aside, inside, count)
            aside.replace(target)
    except duckdb.Error as error:
        raise _refusal(target, error) from error
    finally:
        _clear(aside)
    return count


def _refusal(target: Path, error: Exception) -> StoreError:
    said = " ".join(str(error).split())
    if "No space left" in said or "File too large" in said:
        return StoreFull("{path}: the disk is full; make room and repeat", path=target)
    return StoreError("{path}: cannot be written ({reason})", path=target, reason=said)


def _clear(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _csv(con: Any, target: Path, inside: str, _count: int) -> None:
    """One file per view, UTF-8, times in UTC; samples with the names of their points."""
    target.mkdir()
    for name, query in _queries(NAMED.format(inside=inside)):
        path = quoted(str(target / f"{name}.csv"))
        con.execute(f"COPY ({query}) TO {path} (FORMAT csv, HEADER)")


def _parquet(con: Any, target: Path, inside: str, _count: int) -> None:
    """Samples by day and one file per other view, in the plainest encodings: old and simple readers read them right."""
    (target / "samples").mkdir(parents=True)
    days = con.execute(
        f"SELECT DISTINCT epoch_us(date_trunc('day', time)) // {DAY_US} FROM samples WHERE {inside} ORDER BY 1"  # noqa: S608 - our own numbers
    ).fetchall()
    for (day,) in days:
        folder = target / "samples" / f"date={(EPOCH + timedelta(days=day)).date().isoformat()}"
        folder.mkdir()
        of_day = f"{inside} AND samples.time >= make_timestamp({day * DAY_US}) AND samples.time < make_timestamp({(day + 1) * DAY_US})"
        _write_plain(con.sql(PLAIN.format(inside=of_day)).to_arrow_reader(100_000), folder / "samples.parquet")
    for name in TABLES:
        _write_plain(con.sql(f"SELECT * FROM {name}").to_arrow_reader(100_000), target / f"{name}.parquet")  # noqa: S608 - our own names


def _write_plain(reader: pa.RecordBatchReader, path: Path) -> None:
    """No delta, no byte streams, first version of pages: there are readers that get the others wrong without a word."""
    with pq.ParquetWriter(
        path, reader.schema, compression="snappy", version="2.4", data_page_version="1.0", store_schema=False
    ) as writer:
        for batch in reader:
            writer.write_batch(batch)


def _duckdb(con: Any, target: Path, inside: str, _count: int) -> None:
    """One file with a table per view, in the storage version that DuckDB 1.5 reads too."""
    con.execute(f"ATTACH {quoted(str(target))} AS exported (STORAGE_VERSION '{OLDEST_DUCKDB}')")
    try:
        for name, query in _queries(PLAIN.format(inside=inside)):
            con.execute(f"CREATE TABLE exported.{name} AS {query}")
    finally:
        con.execute("DETACH exported")


def _xlsx(con: Any, target: Path, inside: str, count: int) -> None:
    """One sheet per view; texts stay texts, whatever sign they begin with."""
    if count > EXCEL_ROWS:
        raise UsageError(
            "{count} samples do not fit into an Excel sheet of {most} rows; choose a shorter time or another form",
            count=count,
            most=EXCEL_ROWS,
        )
    import xlsxwriter  # noqa: PLC0415 - only for this form

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd hh:mm:ss.000",
    }
    with xlsxwriter.Workbook(str(target), options) as book:
        for name, query in _queries(NAMED.format(inside=inside)):
            sheet = book.add_worksheet(name)
            cursor = con.execute(query)
            sheet.write_row(0, 0, [column[0] for column in cursor.description])
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(iter(cursor.fetchone, None), 1):
                for column, value in enumerate(row):
                    _write_cell(sheet, number, column, value)


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    """A value as Excel can hold it: what it would change, such as a long whole number or a date before 1900, as text."""
    long = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**15
    odd = isinstance(value, float) and not (abs(value) <= 1.7e308)
    early = isinstance(value, datetime) and value.year < 1900
    if long or odd or early or isinstance(value, list):
        sheet.write_string(row, column, str(value))
    elif isinstance(value, str):
        sheet.write_string(row, column, value[:32_767])
    else:
        sheet.write(row, column, value)


def _queries(samples: str) -> Iterator[tuple[str, str]]:
    yield "samples", samples
    for name in TABLES:
        yield name, f"SELECT * FROM {name}"  # noqa: S608 - our own names


EXPORTS: dict[str, Callable[[Any, Path, str, int], None]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "parquet": _parquet,
    "duckdb": _duckdb,
}
