"""Samples as Arrow columns: what the journal, the Parquet files and the views agree on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factory_kit.errors import StoreError
from factory_kit.model.sample import Quality, SampleBatch

__all__ = ["FIRST_TIME", "JOURNAL", "LAST_TIME", "SAMPLES", "SCHEMA_VERSION", "from_batch", "stamped"]

SCHEMA_VERSION = 1
FIRST_TIME = -62_135_596_800_000_000  # 0001-01-01, the first and last instant that every tool we hand files to can show
LAST_TIME = 253_402_300_799_999_999  # 9999-12-31

TIME = pa.timestamp("us")
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

SAMPLES = pa.schema([*JOURNAL, pa.field("origin", NAME, nullable=False), pa.field("run", NAME, nullable=False)])
"""Columns of a sealed file: those of the journal with the origin and the run of each sample."""


def from_batch(batch: SampleBatch) -> pa.RecordBatch:
    """*batch* in the columns of the journal; ``StoreError`` when a time or quality is outside what can be kept.

    No value is null, a NaN that the machine sent stays NaN. The raw status is kept where it is not 0.
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


def stamped(batches: list[pa.RecordBatch], origin: str, run: str) -> pa.Table:
    """Records of the journal as one table with their *origin* and *run*."""
    table = pa.Table.from_batches(batches, JOURNAL).combine_chunks()
    for name, word in (("origin", origin), ("run", run)):
        index = pa.array(np.zeros(len(table), np.int32))
        table = table.append_column(SAMPLES.field(name), pa.DictionaryArray.from_arrays(index, pa.array([word])))
    return table


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
        return pa.nulls(length, TIME)
    return pa.array(np.ascontiguousarray(time, np.int64)).view(TIME)


def _values(batch: SampleBatch) -> pa.Array:
    value = np.ascontiguousarray(batch.value, np.float64)
    missing = np.isnan(value) if batch.has_value is None else ~np.asarray(batch.has_value, np.bool_)
    return pa.array(value, mask=missing) if missing.any() else pa.array(value)


def _texts(batch: SampleBatch) -> pa.Array:
    if batch.text is None:
        return pa.nulls(len(batch), pa.string())
    try:
        return pa.array(list(batch.text), pa.string())
    except UnicodeEncodeError:  # half of a surrogate pair: kept visibly, as no Unicode text can hold it
        return pa.array([_storable(text) for text in batch.text], pa.string())


def _storable(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _statuses(batch: SampleBatch) -> pa.Array:
    if batch.status is None:
        return pa.nulls(len(batch), pa.int64())
    status: Any = np.ascontiguousarray(batch.status, np.int64)
    return pa.array(status, mask=status == 0)
