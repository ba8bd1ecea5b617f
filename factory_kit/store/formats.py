"""Rows as files for others: CSV, JSON, Excel and Parquet that every reader knows, written as they come, whatever their number."""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import IO, Any, Literal, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from factory_kit.errors import UsageError

__all__ = ["EXCEL_ROWS", "FORMULA", "CsvFor", "RowForm", "Sheets", "Sink", "distinct", "pour", "python_values", "sink"]

RowForm = Literal["csv", "json", "parquet", "xlsx"]
CsvFor = Literal["excel", "programs"]
"""For Excel: with a byte order mark, times to the millisecond, no text that Excel would run. For programs: every value as it is."""

EXCEL_ROWS = 1_048_575
"""Rows of an Excel sheet below its heading."""

ROW_GROUP = 100_000
LONGEST_CELL = 32_767
BOM = b"\xef\xbb\xbf"
FORMULA = r"^\s*[=+\-@\t\r＝＋－＠]"
NUMBER = r"^\s*[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?$"


class Sink(Protocol):
    """Where rows go, batch by batch; all batches have one schema."""

    def add(self, batch: pa.RecordBatch) -> None:
        """*batch* behind what is there."""

    def close(self) -> None:
        """Nothing more comes."""


def pour(batches: Iterable[pa.RecordBatch], to: Sink, most: int | None = None) -> tuple[int, bool]:
    """How many rows of *batches* went into *to*, and whether there were more than *most*."""
    rows = 0
    for batch in batches:
        left = len(batch) if most is None else most - rows
        to.add(batch.slice(0, left))
        rows += min(len(batch), left)
        if left < len(batch):
            return rows, True
    return rows, False


def sink(form: RowForm, file: IO[bytes], schema: pa.Schema, csv_for: CsvFor) -> Sink:
    """Rows of *schema* as *form* into *file*."""
    if form == "csv":
        return _Csv(file, schema, csv_for)
    if form == "json":
        return _Json(file)
    if form == "parquet":
        return _Parquet(file, schema)
    return _OneSheet(file, schema)


class _Csv:
    """UTF-8, one line a row, nothing for no value."""

    def __init__(self, file: IO[bytes], schema: pa.Schema, csv_for: CsvFor) -> None:
        self._for = csv_for
        self._file = file
        if csv_for == "excel":
            file.write(BOM)
        head = [_safe_text(name) if csv_for == "excel" else name for name in schema.names]
        self._write(pa.record_batch([pa.array([name]) for name in head], [str(at) for at in range(len(head))]))

    def add(self, batch: pa.RecordBatch) -> None:
        columns = [_flat(column, self._for) for column in batch.columns]
        self._write(pa.RecordBatch.from_arrays(columns, [str(at) for at in range(len(columns))]))

    def _write(self, batch: pa.RecordBatch) -> None:
        options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
        with BytesIO() as text:
            pa_csv.write_csv(batch, text, options)
            self._file.write(text.getbuffer())

    def close(self) -> None:
        self._file.flush()


def _flat(column: pa.Array, csv_for: CsvFor) -> pa.Array:
    """*column* as CSV can hold it."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return column.cast(pa.timestamp("ms"), safe=False) if csv_for == "excel" else column
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return column
    if not pa.types.is_string(kind):
        column = pa.array([None if value is None else _text(value) for value in python_values(column)], pa.string())
    return _safe(column) if csv_for == "excel" else column


def _safe(column: pa.Array) -> pa.Array:
    """Texts that Excel would run as formulas with an apostrophe before them; numbers in texts stay."""
    formula, number = (pc.match_substring_regex(column, each) for each in (FORMULA, NUMBER))
    risky = pc.fill_null(pc.and_not(formula, number), fill_value=False)
    if not pc.any(risky).as_py():
        return column
    return pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)


def _safe_text(text: str) -> str:
    return f"'{text}" if re.match(FORMULA, text) and not re.match(NUMBER, text) else text


class _Json:
    """One list of objects, a line each; NaN and infinities, which JSON lacks, are null."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._before = b"[\n"

    def add(self, batch: pa.RecordBatch) -> None:
        names = distinct(batch.schema.names)
        for row in zip(*(python_values(column) for column in batch.columns), strict=True):
            entry = {name: _for_json(value) for name, value in zip(names, row, strict=True)}
            self._file.write(self._before + json.dumps(entry, ensure_ascii=False, allow_nan=False).encode())
            self._before = b",\n"

    def close(self) -> None:
        self._file.write(b"[]\n" if self._before == b"[\n" else b"\n]\n")
        self._file.flush()


class _Parquet:
    """No delta, no byte streams, first version of pages: there are readers that get the others wrong without a word."""

    def __init__(self, file: Any, schema: pa.Schema) -> None:
        self._schema = pa.schema([pa.field(each.name, _plain(each.type), each.nullable) for each in schema])
        self._held: list[pa.RecordBatch] = []
        self._writer = pq.ParquetWriter(
            file, self._schema, compression="snappy", version="2.4", data_page_version="1.0", store_schema=False
        )

    def add(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch)
        if sum(map(len, self._held)) >= ROW_GROUP:
            self._write()

    def _write(self) -> None:
        """One row group."""
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held).cast(self._schema))
            self._held = []

    def close(self) -> None:
        self._write()
        self._writer.close()


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


class Sheets:
    """An Excel file; texts stay texts, whatever sign they begin with, and a sheet too long is ``UsageError``."""

    def __init__(self, file: IO[bytes] | str) -> None:
        import xlsxwriter  # noqa: PLC0415 - only for this form

        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd hh:mm:ss.000",
        }
        self._book = xlsxwriter.Workbook(file, options)
        self.cut = 0
        """Texts that were too long for a cell."""

    def sheet(self, name: str, schema: pa.Schema) -> Sink:
        """A sheet called *name* with rows of *schema*; sheets are filled one after the other."""
        return _Sheet(self, self._book.add_worksheet(name), schema)

    def close(self) -> None:
        """The file is whole; ``OSError`` when it cannot be."""
        from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415 - only for this form

        try:
            self._book.close()
        except FileCreateError as error:
            raise error.args[0] from error  # what the system said

    def drop(self) -> None:
        """What was begun is given up."""
        with contextlib.suppress(Exception):
            self._book.close()


@dataclass
class _Sheet:
    _book: Sheets
    _sheet: Any
    _schema: pa.Schema
    _row: int = 0

    def __post_init__(self) -> None:
        for column, name in enumerate(self._schema.names):
            self._sheet.write_string(0, column, name)
        self._sheet.freeze_panes(1, 0)

    def add(self, batch: pa.RecordBatch) -> None:
        if self._row + len(batch) > EXCEL_ROWS:
            raise UsageError(
                "an Excel sheet holds {most} rows and there are more; ask for less, or choose CSV or Parquet",
                most=EXCEL_ROWS,
            )
        for cells in zip(*(python_values(column) for column in batch.columns), strict=True):
            self._row += 1
            for column, value in enumerate(cells):
                self._write(column, value)

    def _write(self, column: int, value: Any) -> None:
        """A value as Excel can hold it: what it would change, such as a long whole number or a date before 1900, as text."""
        if value is None:
            return
        if _fits(value):
            self._sheet.write(self._row, column, value)
            return
        text = _text(value)
        if len(text.encode("utf-16-le")) // 2 > LONGEST_CELL:
            self._book.cut += 1
            text = text[: LONGEST_CELL // 2 - 1] + "…"
        self._sheet.write_string(self._row, column, text)

    def close(self) -> None:
        self._sheet.autofilter(0, 0, max(self._row, 1), max(len(self._schema) - 1, 0))


class _OneSheet:
    """An Excel file with one sheet."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._book = Sheets(file)
        self._sheet = self._book.sheet("query", schema)

    def add(self, batch: pa.RecordBatch) -> None:
        self._sheet.add(batch)

    def close(self) -> None:
        self._sheet.close()
        self._book.close()


def _fits(value: object) -> bool:
    """Whether Excel shows *value* as it is when it comes as a number, date or truth."""
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) < 10**15
    if isinstance(value, float):
        return math.isfinite(value) and abs(value) <= 1.7e308
    if isinstance(value, datetime):
        return value.year >= 1900 and value.tzinfo is None
    return isinstance(value, date) and value.year >= 1900


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _for_json(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, dict):
        return {str(key): _for_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_json(each) for each in value]
    return value.isoformat() if isinstance(value, (datetime, date)) else _text(value)


def python_values(column: Any) -> list[Any]:
    """The values of a column; times that Python cannot hold as texts."""
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        return list(column.cast("string").to_pylist())


def distinct(names: Iterable[str]) -> list[str]:
    """*names* with a number behind those that were there before, so that JSON loses no column."""
    given = list(names)
    found: list[str] = []
    for name in given:
        others = (f"{name}_{number}" for number in range(1, len(given) + 1))
        found.append(name if name not in found else next(each for each in others if each not in {*found, *given}))
    return found
