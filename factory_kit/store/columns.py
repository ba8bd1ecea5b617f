"""Samples as Arrow columns: what the journal, the Parquet files and the views agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factory_kit.errors import StoreError
from factory_kit.model.sample import Quality, SampleBatch

__all__ = [
    "FIRST_TIME",
    "JOURNAL",
    "LAST_TIME",
    "SAMPLES",
    "SCHEMA_VERSION",
    "empty_column",
    "from_batch",
    "from_payload",
    "lightened",
    "narrowed",
    "narrowest",
    "same_column",
    "stamped",
    "to_payload",
]

SCHEMA_VERSION = 1
FIRST_TIME = -62_135_596_800_000_000  # 0001-01-01, the first and last instant that every tool we hand files to can show
LAST_TIME = 253_402_300_799_999_999  # 9999-12-31

TIME = pa.timestamp("us")
MILLIS = pa.timestamp("ms")
NAME = pa.dictionary(pa.int32(), pa.string())

JOURNAL = pa.schema(
    [
        pa.field("point", pa.int32(), nullable=False),
        pa.field("time", TIME, nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("quality", pa.int8(), nullable=False),
        pa.field("status", pa.int64()),
        pa.field("server_time", TIME),
        pa.field("received_time", TIME),
    ]
)
"""Columns of a record of the journal; all times are UTC."""

SAMPLES = pa.schema(
    [
        *(pa.field("text", NAME) if each.name == "text" else each for each in JOURNAL),
        pa.field("origin", NAME, nullable=False),
        pa.field("run", NAME, nullable=False),
    ]
)
"""Columns of a sealed file: those of the journal with the origin and the run of each sample; texts as dictionaries."""

_EMPTY: dict[pa.DataType | None, pa.Array] = {}

OPTIONAL = ("value", "text", "status", "server_time", "received_time")


def from_batch(batch: SampleBatch) -> pa.RecordBatch:
    """*batch* in the columns of the journal; ``StoreError`` when a time or quality is outside what can be kept.

    No value, and the number beside a text, is null; a NaN that the machine sent stays NaN. The raw status is kept where it is not 0.
    """
    _check(batch)
    columns = [
        pa.array(np.asarray(batch.point, np.int32)),
        _times(batch.time),
        _values(batch),
        _texts(batch),
        pa.array(np.asarray(batch.quality, np.int8)),
        _statuses(batch),
        _times(batch.server_time, len(batch)),
        _times(batch.received_time, len(batch)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=JOURNAL)


def to_payload(record: pa.RecordBatch) -> tuple[bytes, memoryview]:
    """*record* as the journal keeps it: eight bytes that say which columns are empty, and behind them the others."""
    absent = [name for name in OPTIONAL if record.column(name).null_count == len(record)]
    mark = sum(1 << OPTIONAL.index(name) for name in absent)
    present = record.drop_columns(absent) if absent else record
    return mark.to_bytes(8, "little"), memoryview(present.serialize())


def from_payload(payload: pa.Buffer) -> pa.RecordBatch:
    """The columns that ``to_payload`` kept."""
    mark = int.from_bytes(memoryview(payload)[:8], "little")
    absent = {name for bit, name in enumerate(OPTIONAL) if mark >> bit & 1}
    schema = pa.schema([each for each in JOURNAL if each.name not in absent])
    return pa.ipc.read_record_batch(payload.slice(8), schema)


def stamped(batches: Sequence[pa.RecordBatch], origin: str, run: str) -> pa.Table:
    """Records of the journal as one table of samples with their *origin* and *run*."""
    if not batches:
        return SAMPLES.empty_table()
    rows = sum(len(batch) for batch in batches)
    columns = [_joined(batches, each) for each in SAMPLES if each.name not in {"origin", "run"}]
    names = [same_column(word, rows) for word in (origin, run)]
    return pa.Table.from_arrays([*columns, *names], schema=SAMPLES)


def empty_column(kind: pa.DataType, rows: int) -> pa.Array:
    """*rows* times nothing; all share one piece of memory."""
    known = _EMPTY.get(kind)
    if known is None or len(known) < rows:
        index = pa.nulls(rows, pa.int32() if kind == NAME else kind)
        known = pa.DictionaryArray.from_arrays(index, pa.array([], pa.string())) if kind == NAME else index
        _EMPTY[kind] = known
    return known.slice(0, rows)


def narrowed(table: pa.Table) -> pa.Schema:
    """The schema of *table* with milliseconds for the times that need no more: they take half the room."""
    fields = [pa.field(each.name, MILLIS, each.nullable) if _whole(table, each) else each for each in table.schema]
    return pa.schema(fields)


def narrowest(schemas: Sequence[pa.Schema], wide: pa.Schema) -> pa.Schema:
    """*wide* with milliseconds for the times that have them in all of *schemas*."""
    fields = []
    for each in wide:
        fine = each.type == TIME and all(schema.field(each.name).type == MILLIS for schema in schemas)
        fields.append(pa.field(each.name, MILLIS, each.nullable) if fine else each)
    return pa.schema(fields)


def lightened(table: pa.Table) -> pa.Table:
    """*table* with its columns that say the same in every row in memory that all such columns share."""
    return pa.Table.from_arrays([_light(column) for column in table.columns], schema=table.schema)


def _light(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    if column.null_count == len(column):
        return empty_column(column.type, len(column))
    if column.type != NAME or column.num_chunks != 1 or column.null_count:
        return column
    words = column.chunk(0).dictionary
    return same_column(words[0].as_py(), len(column)) if len(words) == 1 else column


def same_column(word: str, rows: int) -> pa.Array:
    """*rows* times *word*."""
    return pa.DictionaryArray.from_arrays(empty_index(rows), pa.array([word]))


def empty_index(rows: int) -> pa.Array:
    """*rows* zeros; all share one piece of memory."""
    known = _EMPTY.get(None)
    if known is None or len(known) < rows:
        known = _EMPTY[None] = pa.array(np.zeros(rows, np.int32))
    return known.slice(0, rows)


def _whole(table: pa.Table, field: pa.Field) -> bool:
    """Whether all times of a column are whole milliseconds."""
    if field.type != TIME:
        return False
    column = table[field.name]
    if column.null_count == len(column):
        return True
    return all(_whole_part(chunk.drop_null().view(pa.int64()).to_numpy()) for chunk in column.chunks)


def _whole_part(time: npt.NDArray[np.int64]) -> bool:
    """A look at the beginning first: where it fails, it mostly fails there."""
    return not np.any(time[:100] % 1000) and not np.any(time % 1000)


def _joined(batches: Sequence[pa.RecordBatch], field: pa.Field) -> pa.Array:
    """One column of all *batches*, some of which may lack it."""
    if not any(field.name in batch.schema.names for batch in batches):
        return empty_column(field.type, sum(len(batch) for batch in batches))
    kind = JOURNAL.field(field.name).type
    parts = [
        batch.column(field.name) if field.name in batch.schema.names else pa.nulls(len(batch), kind)
        for batch in batches
    ]
    joined = pa.concat_arrays(parts)
    return joined.dictionary_encode().cast(NAME) if field.type == NAME else joined


def _check(batch: SampleBatch) -> None:
    time = np.asarray(batch.time, np.int64)
    quality = np.asarray(batch.quality, np.int8)
    if len(time) and not (time.min() >= FIRST_TIME and time.max() <= LAST_TIME):
        row = int(np.flatnonzero((time < FIRST_TIME) | (time > LAST_TIME))[0])
        raise StoreError(
            "sample of point {point}: its time of {time} µs since 1970 lies outside the years 1 to 9999; nothing of its batch was kept",
            point=int(batch.point[row]),
            time=int(time[row]),
        )
    if len(quality) and not (quality.min() >= Quality.GOOD and quality.max() <= Quality.BAD):
        row = int(np.flatnonzero((quality < Quality.GOOD) | (quality > Quality.BAD))[0])
        raise StoreError(
            "sample of point {point}: quality {quality}, expected 0, 1 or 2; nothing of its batch was kept",
            point=int(batch.point[row]),
            quality=int(quality[row]),
        )


def _times(time: npt.NDArray[np.int64] | None, length: int = 0) -> pa.Array:
    if time is None:
        return empty_column(TIME, length)
    return pa.array(np.ascontiguousarray(time, np.int64)).view(TIME)


def _values(batch: SampleBatch) -> pa.Array:
    value = np.ascontiguousarray(batch.value, np.float64)
    there = ~np.isnan(value) if batch.has_value is None else np.asarray(batch.has_value, np.bool_)
    if batch.text is not None:  # a text has no number, whatever the driver made of it
        there = there & ~(
            np.isnan(value) & np.fromiter((each is not None for each in batch.text), np.bool_, len(batch))
        )
    return pa.array(value) if there.all() else pa.array(value, mask=~there)


def _texts(batch: SampleBatch) -> pa.Array:
    if batch.text is None:
        return empty_column(pa.string(), len(batch))
    try:
        return pa.array(list(batch.text), pa.string())
    except UnicodeEncodeError:  # half of a surrogate pair: kept visibly, as no Unicode text can hold it
        return pa.array([_storable(text) for text in batch.text], pa.string())


def _storable(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _statuses(batch: SampleBatch) -> pa.Array:
    if batch.status is None or not np.any(batch.status):
        return empty_column(pa.int64(), len(batch))
    status: Any = np.ascontiguousarray(batch.status, np.int64)
    return pa.array(status, mask=status == 0)
