"""What the segments of one run hold in the order of a sealed file, a column at a time: memory for one column more than for the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factory_kit.store.columns import JOURNAL, NAME, SAMPLES, empty_column, same_column
from factory_kit.store.order import in_order

__all__ = ["arrival_order", "sorted_samples"]

Rows = npt.NDArray[np.intp]
Numbers = npt.NDArray[Any]
NUMBERS = {
    "point": np.int32,
    "time": np.int64,
    "value": np.float64,
    "quality": np.int8,
    "status": np.int64,
    "server_time": np.int64,
    "received_time": np.int64,
}


def arrival_order(records: Sequence[pa.RecordBatch]) -> tuple[Rows, Numbers, Numbers]:
    """The rows of *records*, counted through, in the order of a sealed file without doubles, with their points and times."""
    return in_order(_gathered(records, "point"), _gathered(records, "time"))


def sorted_samples(
    records: Sequence[pa.RecordBatch], rows: Rows, known: Mapping[str, Numbers], origin: str, run: str
) -> pa.Table:
    """The *rows* of *records* of one *run*, counted through; *known* columns are given in that order already."""
    columns = []
    for field in JOURNAL:
        if field.name in known:
            columns.append(_column(field.type, known[field.name], None))
        elif all(_is_empty(record, field.name) for record in records):
            columns.append(empty_column(SAMPLES.field(field.name).type, len(rows)))
        elif field.name in NUMBERS:
            columns.append(_numbers(records, field, rows))
        else:
            columns.append(_words(records, field).take(pa.array(rows)))
    names = [same_column(word, len(rows)) for word in (origin, run)]
    return pa.Table.from_arrays([*columns, *names], schema=SAMPLES)


def _is_empty(record: pa.RecordBatch, name: str) -> bool:
    return name not in record.schema.names or record.column(name).null_count == len(record)


def _is_partial(record: pa.RecordBatch, name: str) -> bool:
    return name not in record.schema.names or record.column(name).null_count > 0


def _numbers(records: Sequence[pa.RecordBatch], field: pa.Field, rows: Rows) -> pa.Array:
    valid = None
    if any(_is_partial(record, field.name) for record in records):
        valid = _gathered_validity(records, field.name).take(rows)
    return _column(field.type, _gathered(records, field.name).take(rows), valid)


def _gathered(records: Sequence[pa.RecordBatch], name: str) -> Numbers:
    """Column *name* of all *records* one after the other; 0 where one has none of it."""
    kind = np.dtype(NUMBERS[name])
    whole = np.empty(sum(len(record) for record in records), kind)
    at = 0
    for record in records:
        part = whole[at : at + len(record)]
        part[:] = _raw(record.column(name), kind) if name in record.schema.names else 0
        at += len(record)
    return whole


def _raw(column: pa.Array, kind: np.dtype[Any]) -> Numbers:
    """The numbers of *column* where they lie, whatever stands in its holes."""
    return np.frombuffer(column.buffers()[1], kind, len(column), column.offset * kind.itemsize)


def _gathered_validity(records: Sequence[pa.RecordBatch], name: str) -> npt.NDArray[np.bool_]:
    parts = [
        record.column(name).is_valid().to_numpy(zero_copy_only=False)
        if name in record.schema.names
        else np.zeros(len(record), np.bool_)
        for record in records
    ]
    return np.concatenate(parts)


def _column(kind: pa.DataType, values: Numbers, valid: npt.NDArray[np.bool_] | None) -> pa.Array:
    """*values* as a column that lies where they do; missing where not *valid*."""
    bits = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [bits, pa.py_buffer(np.ascontiguousarray(values))])


def _words(records: Sequence[pa.RecordBatch], field: pa.Field) -> pa.Array:
    parts = [
        record.column(field.name) if field.name in record.schema.names else pa.nulls(len(record), field.type)
        for record in records
    ]
    return pa.concat_arrays(parts).dictionary_encode().cast(NAME)
