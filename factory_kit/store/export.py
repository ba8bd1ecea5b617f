"""Export: the store for other programs, as CSV, Excel, Parquet that every reader knows, or one DuckDB file.

Rows come by point, then time, some points at a time, so that memory does not grow with their number.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from factory_kit.errors import StoreError, StoreFull, UsageError
from factory_kit.store.columns import FIRST_TIME, LAST_TIME
from factory_kit.store.disk import told
from factory_kit.store.formats import EXCEL_ROWS, CsvFor, Sheets, pour, sink
from factory_kit.store.spill import room_to_spill
from factory_kit.store.views import quoted

__all__ = ["ExportForm", "Wanted", "clear", "export"]

ExportForm = Literal["csv", "xlsx", "parquet", "duckdb"]

TABLES = ("points", "points_history", "equipment", "states", "runs", "gaps", "loss_ledger", "latest")
OLDEST_DUCKDB = "v1.5.0"
CHUNK = 2_000_000
"""About how many samples are sorted at once."""

BATCH = 50_000
MEMORY = "1GB"
DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLAIN = """
    SELECT point, time, value, text, quality, status, server_time, received_time, origin, run
    FROM samples WHERE {inside} ORDER BY point, time
"""
NAMED = """
    SELECT points.equipment, points.name, samples.time, timezone({zone}, timezone('UTC', samples.time)) AS local_time,
        samples.value, samples.text, points.unit, samples.quality, samples.status,
        samples.server_time, samples.received_time, samples.origin, samples.run, samples.point
    FROM samples LEFT JOIN points USING (point) WHERE {inside} ORDER BY samples.point, samples.time
"""
ABOUT = """Exported by Factory Kit, {samples} samples.
samples: one row per value read; point and time are its key; points.csv or the table points tells equipment, role and unit.
time, server_time, received_time: UTC. local_time (CSV and Excel): the same as time, on the clocks of {zone}.
quality: 0 good, 1 uncertain, 2 bad. value is empty where there is a text or nothing. status: the raw status of the protocol where it is not 0.
origin: live, imported, replayed or simulated.
"""
ABOUT_EXCEL = """CSV for Excel: times are cut to milliseconds; an apostrophe stands before texts that Excel would run as formulas.
"""


@dataclass(frozen=True)
class Wanted:
    """What is exported: samples of [*start*, *end*) (µs, UTC), of *points* or of all, with local times of *zone*."""

    start: int = FIRST_TIME
    end: int = LAST_TIME + 1
    points: Collection[int] | None = None
    zone: str = "UTC"
    csv_for: CsvFor = "excel"


@dataclass(frozen=True)
class _Chunk:
    """Samples to be sorted at once: points and days since 1970, the bounds included."""

    points: tuple[int, int]
    days: tuple[int, int]


@dataclass(frozen=True)
class _Source:
    """The views, what is wanted of them, and how many samples each point has on each day."""

    con: Any
    wanted: Wanted
    cells: list[tuple[int, int, int]]

    @property
    def samples(self) -> int:
        return sum(count for _, _, count in self.cells)

    @property
    def inside(self) -> str:
        return _inside(self.wanted)

    def rows(self, query: str, cells: Iterable[tuple[int, int, int]]) -> Iterator[pa.RecordBatch]:
        """The samples of *cells*, sorted."""
        for chunk in _chunks(cells):
            yield from self.con.sql(self.of(query, chunk)).to_arrow_reader(BATCH)

    def of(self, query: str, chunk: _Chunk) -> str:
        """*query* for the samples of *chunk*."""
        first, last = max(chunk.days[0] * DAY_US, FIRST_TIME), min((chunk.days[1] + 1) * DAY_US, LAST_TIME + 1)
        part = f"samples.point BETWEEN {chunk.points[0]} AND {chunk.points[1]} AND {_between(first, last)}"
        return query.format(inside=f"{self.inside} AND {part}", zone=quoted(self.wanted.zone))

    def schema(self, query: str) -> pa.Schema:
        """The columns of *query*."""
        nothing = query.format(inside="false", zone=quoted(self.wanted.zone))
        schema: pa.Schema = self.con.sql(nothing).to_arrow_reader(1).schema
        return schema

    def table(self, name: str) -> pa.RecordBatchReader:
        """The rows of another view, in a fixed order."""
        return self.con.sql(f"SELECT * FROM {name} ORDER BY ALL").to_arrow_reader(BATCH)  # noqa: S608 - our own names


def export(con: Any, target: Path, form: ExportForm, wanted: Wanted) -> int:
    """What is *wanted* of the samples, and the other views of *con*, at *target*; how many samples.

    CSV and Parquet make a folder, Excel and DuckDB a file; it is there whole or not at all. ``UsageError`` when something is there
    already or when Excel cannot hold so many rows, ``StoreFull``.
    """
    import duckdb  # noqa: PLC0415 - only for who asks: a collection never does

    if target.exists() or target.is_symlink():
        raise UsageError("{target}: is there already; choose another name or take it away", target=target)
    if not target.parent.is_dir():
        raise UsageError("{folder}: there is no such folder; make it first", folder=target.parent)
    aside = target.with_name(f".{target.name[:80]}.tmp")
    try:
        with told(target), _rows_as_given():
            clear(aside)
            source = _source(con, wanted, target.parent)
            EXPORTS[form](source, aside)
            aside.replace(target)
    except duckdb.Error as error:
        raise _refusal(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            clear(aside)
    return source.samples


def _source(con: Any, wanted: Wanted, beside: Path) -> _Source:
    """Count first: it tells what fits, and how to cut the work."""
    con.execute(f"SET memory_limit = '{MEMORY}'")
    con.execute(f"SET max_temp_directory_size = '{room_to_spill(beside)} B'")
    if wanted.points is not None:
        con.execute("CREATE TEMP TABLE wanted AS SELECT unnest(?::INTEGER[]) AS point", [sorted(wanted.points)])
    cells = con.execute(
        f"SELECT point, epoch_us(date_trunc('day', time)) // {DAY_US} AS day, count(*) FROM samples "  # noqa: S608 - our own numbers
        f"WHERE {_inside(wanted)} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return _Source(con, wanted, cells)


def _inside(wanted: Wanted) -> str:
    chosen = "" if wanted.points is None else " AND samples.point IN (SELECT point FROM wanted)"
    return _between(wanted.start, wanted.end) + chosen


def _between(start: int, end: int) -> str:
    return f"samples.time >= make_timestamp({start}) AND samples.time < make_timestamp({end})"


def _chunks(cells: Iterable[tuple[int, int, int]]) -> Iterator[_Chunk]:
    """*cells* (point, day, count) in order, cut into parts that can be sorted: some points, or some days of one point."""
    points: list[int] = []
    days: list[int] = []
    rows = 0
    for point, of_point in _by_point(cells):
        count = sum(each for _, each in of_point)
        if points and rows + count > CHUNK:
            yield _Chunk((points[0], points[-1]), (min(days), max(days)))
            points, days, rows = [], [], 0
        if count > CHUNK:
            yield from (_Chunk((point, point), (first, last)) for first, last in _day_spans(of_point))
            continue
        points.append(point)
        days += [of_point[0][0], of_point[-1][0]]
        rows += count
    if points:
        yield _Chunk((points[0], points[-1]), (min(days), max(days)))


def _by_point(cells: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    held: list[tuple[int, int]] = []
    last = None
    for point, day, count in cells:
        if last is not None and point != last:
            yield last, held
            held = []
        last = point
        held.append((day, count))
    if last is not None:
        yield last, held


def _day_spans(days: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """First and last days of parts of about ``CHUNK`` rows; a day is not cut."""
    span: list[int] = []
    rows = 0
    for day, count in days:
        if span and rows + count > CHUNK:
            yield span[0], span[-1]
            span, rows = [], 0
        span.append(day)
        rows += count
    if span:
        yield span[0], span[-1]


def _csv(source: _Source, target: Path) -> None:
    """One file per view; samples with the names of their points and the plant's clock."""
    target.mkdir()
    _pour_into(target / "samples.csv", "csv", source, source.schema(NAMED), source.rows(NAMED, source.cells))
    for name in TABLES:
        rows = source.table(name)
        _pour_into(target / f"{name}.csv", "csv", source, rows.schema, rows)
    _tell(target, source, ABOUT_EXCEL if source.wanted.csv_for == "excel" else "")


def _parquet(source: _Source, target: Path) -> None:
    """Samples by day and one file per other view, in the plainest encodings: old and simple readers read them right."""
    (target / "samples").mkdir(parents=True)
    schema = source.schema(PLAIN)
    for day in sorted({day for _, day, _ in source.cells}):
        folder = target / "samples" / f"date={(EPOCH + timedelta(days=day)).date().isoformat()}"
        folder.mkdir()
        cells = [cell for cell in source.cells if cell[1] == day]
        _pour_into(folder / "samples.parquet", "parquet", source, schema, source.rows(PLAIN, cells))
    for name in TABLES:
        rows = source.table(name)
        _pour_into(target / f"{name}.parquet", "parquet", source, rows.schema, rows)
    _tell(target, source)


def _pour_into(
    path: Path,
    form: Literal["csv", "parquet"],
    source: _Source,
    schema: pa.Schema,
    rows: Iterable[pa.RecordBatch],
) -> None:
    with path.open("wb") as file:
        to = sink(form, file, schema, source.wanted.csv_for)
        pour(rows, to)
        to.close()


def _duckdb(source: _Source, target: Path) -> None:
    """One file with a table per view, in the storage version that DuckDB 1.5 reads too."""
    con = source.con
    con.execute(f"ATTACH {quoted(str(target))} AS exported (STORAGE_VERSION '{OLDEST_DUCKDB}')")
    try:
        nothing = PLAIN.format(inside="false")
        con.execute(f"CREATE TABLE exported.samples AS {nothing}")
        for chunk in _chunks(source.cells):
            con.execute(f"INSERT INTO exported.samples {source.of(PLAIN, chunk)}")
        for name in TABLES:
            con.execute(f"CREATE TABLE exported.{name} AS SELECT * FROM {name} ORDER BY ALL")  # noqa: S608 - our own names
        con.execute("CREATE TABLE exported.about AS SELECT ? AS about", [_about(source)])
    finally:
        con.execute("DETACH exported")


def _xlsx(source: _Source, target: Path) -> None:
    """One sheet per view."""
    if source.samples > EXCEL_ROWS:
        raise UsageError(
            "{count} samples do not fit into an Excel sheet of {most} rows; choose fewer points, a shorter time or another form",
            count=source.samples,
            most=EXCEL_ROWS,
        )
    book = Sheets(str(target))
    try:
        _fill(book, "samples", source.schema(NAMED), source.rows(NAMED, source.cells))
        for name in TABLES:
            rows = source.table(name)
            _fill(book, name, rows.schema, rows)
        cut = f"{book.cut} texts were longer than an Excel cell and are cut, with … at their end.\n" if book.cut else ""
        lines = (_about(source) + cut).splitlines()
        about = pa.record_batch({"about": pa.array(lines)})
        _fill(book, "about", about.schema, [about])
    except BaseException:
        book.drop()
        raise
    book.close()


def _fill(book: Sheets, name: str, schema: pa.Schema, rows: Iterable[pa.RecordBatch]) -> None:
    sheet = book.sheet(name, schema)
    pour(rows, sheet)
    sheet.close()


def _tell(folder: Path, source: _Source, more: str = "") -> None:
    (folder / "about.txt").write_text(_about(source) + more, encoding="utf-8")


def _about(source: _Source) -> str:
    return ABOUT.format(samples=source.samples, zone=source.wanted.zone)


@contextlib.contextmanager
def _rows_as_given() -> Iterator[None]:
    """What DuckDB says in the middle of a stream of rows is told like what it says before."""
    import duckdb  # noqa: PLC0415 - only for who asks: a collection never does

    try:
        yield
    except pa.ArrowException as error:
        raise duckdb.Error(str(error)) from error
    except OSError as error:
        if error.errno is None:
            raise duckdb.Error(str(error)) from error
        raise


def _refusal(target: Path, error: Exception) -> StoreError:
    said = " ".join(str(error).split())
    if "No space left" in said or "File too large" in said:
        return StoreFull("{path}: the disk is full; make room and repeat", path=target)
    return StoreError("{path}: cannot be written ({reason})", path=target, reason=said)


def clear(path: Path) -> None:
    """Neither a file nor a folder at *path*."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


EXPORTS: dict[str, Callable[[_Source, Path], None]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "parquet": _parquet,
    "duckdb": _duckdb,
}
