"""Sealing: what a segment of the journal holds becomes sorted Parquet files by day and hour, and then the segment goes.

Done again after a crash at any point, it does nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factory_kit.store.collide import collisions, numbers, without
from factory_kit.store.columns import SAMPLES, empty_column, same_column
from factory_kit.store.depot import HOUR, Depot, day_folder
from factory_kit.store.journal import Segment
from factory_kit.store.latest import newest
from factory_kit.store.ledger import gap_rows, loss_rows
from factory_kit.store.manifest import Change
from factory_kit.store.order import in_order
from factory_kit.store.parquet import Sealed, read
from factory_kit.store.sorting import arrival_order, sorted_samples

__all__ = ["Placed", "arranged", "by_place", "placed", "placed_segments", "seal", "seal_parts"]

Placed = tuple[str, pa.Table]
"""The beginning of the path of a file and what goes into it."""

SMALL_DAY = 500_000
"""Rows of one day, in one sealing, up to which they share one file in place of one an hour."""

RADIX = 1 << 16
"""Below it numpy sorts by radix, and counting needs little room."""


def seal(depot: Depot, segments: Sequence[Segment], table: pa.Table, now: int) -> None:
    """*segments*, whose samples are *table* in the order of a sealed file, become files; then they go."""
    seal_parts(depot, segments, list(by_place(depot, table)), now)


def seal_parts(depot: Depot, segments: Sequence[Segment], parts: Sequence[Placed], now: int) -> None:
    """*segments*, whose samples are *parts* as ``placed`` makes them, become files; then they go."""
    names = tuple(segment.name for segment in segments)
    adds, removes = [], []
    for part in parts:
        made, replaced = _samples(depot, part, names)
        adds += made
        removes += replaced
    adds += _ledgers(depot, segments, names)
    if parts:
        newest_file, replaced = _latest(depot, [table for _, table in parts], names)
        adds.append(newest_file)
        removes += replaced
    depot.commit(Change(now, tuple(adds), tuple(removes), names))
    depot.forget([segment.path for segment in segments])


def arranged(tables: Sequence[pa.Table]) -> pa.Table:
    """*tables* in the order in which they arrived as one table in the order of a sealed file, doubles gone."""
    table = _joined(tables)
    rows, _, _ = in_order(numbers(table["point"]), numbers(table["time"]))
    return _ordered(table, rows)


def placed(tables: Sequence[pa.Table]) -> list[Placed]:
    """*tables* in the order in which they arrived, by day, and big days by hour, each in the order of a sealed file, doubles gone."""
    table = _joined(tables)
    if not len(table):
        return []
    rows, _, time = in_order(numbers(table["point"]), numbers(table["time"]))
    names, index = _places(time)
    if len(names) == 1:
        return [(names[0], _ordered(table, rows))]
    by_name = np.argsort(index, kind="stable")
    ends = np.cumsum(np.bincount(index, minlength=len(names))).tolist()
    sorted_table = _ordered(table, rows[by_name])
    return [
        (name, sorted_table.slice(start, end - start))
        for name, start, end in zip(names, [0, *ends[:-1]], ends, strict=True)
    ]


def placed_segments(segments: Sequence[Segment]) -> list[Placed]:
    """The samples of *segments* as ``placed`` makes them, in little memory where they are of one run, as they mostly are."""
    runs = {(segment.run.origin, segment.run.id) for segment in segments if segment.records}
    if len(runs) != 1:
        return placed([segment.samples for segment in segments])
    records = [record for segment in segments for record in segment.records]
    rows, point, time = arrival_order(records)
    if not len(rows):
        return []
    names, index = _places(time)
    ends = [len(rows)]
    if len(names) > 1:
        by_name = np.argsort(index, kind="stable")
        ends = np.cumsum(np.bincount(index, minlength=len(names))).tolist()
        rows, point, time = rows[by_name], point[by_name], time[by_name]
    table = sorted_samples(records, rows, {"point": point, "time": time}, *runs.pop())
    return [
        (name, table.slice(start, end - start)) for name, start, end in zip(names, [0, *ends[:-1]], ends, strict=True)
    ]


def by_place(depot: Depot, table: pa.Table) -> Iterator[Placed]:
    """*table* as ``placed`` makes it, and days that are kept by the hour in *depot* by the hour."""
    for place, part in placed([table]):
        yield from _as_kept(depot, place, part)


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    filled = [table for table in tables if len(table)]
    if not filled:
        return SAMPLES.empty_table()
    return filled[0] if len(filled) == 1 else pa.concat_tables(filled).unify_dictionaries()


def _ordered(table: pa.Table, rows: npt.NDArray[np.intp]) -> pa.Table:
    taken = pa.array(rows)
    return pa.Table.from_arrays([_taken(column, taken) for column in table.columns], schema=table.schema)


def _taken(column: pa.ChunkedArray, rows: pa.Array) -> pa.Array:
    """*rows* of *column*; a column that says the same in every row is not copied."""
    if column.null_count == len(column):
        return empty_column(column.type, len(rows))
    values = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_dictionary(column.type) and len(values.dictionary) == 1 and not values.null_count:
        return same_column(values.dictionary[0].as_py(), len(rows))
    return values.take(rows)


def _samples(depot: Depot, part: Placed, origin: Sequence[str]) -> tuple[list[Sealed], list[str]]:
    place, table = part
    time = numbers(table["time"])
    clash = collisions(depot.folder, table, depot.manifest.overlapping(int(time.min()), int(time.max())))
    adds, removes = [], []
    for path, keys in clash.replaced.items():
        rest = without(read(depot.folder / path).cast(SAMPLES), keys)
        removes.append(path)
        if len(rest):
            adds.append(depot.write("samples", path.rpartition("-")[0], rest, origin))
    fresh = table.filter(pa.array(~clash.known)) if clash.known.any() else table
    adds += [depot.write("samples", name, piece, origin) for name, piece in _as_kept(depot, place, fresh)]
    return adds, removes


def _ledgers(depot: Depot, segments: Sequence[Segment], origin: Sequence[str]) -> list[Sealed]:
    gaps = pa.concat_tables([gap_rows(segment.run.id, segment.gaps) for segment in segments])
    losses = pa.concat_tables([loss_rows(segment.run.id, segment.losses) for segment in segments])
    made = []
    if len(gaps):
        made.append(depot.write("gaps", "ledger/gaps", gaps, origin))
    if len(losses):
        made.append(depot.write("loss", "ledger/loss", losses, origin))
    return made


def _latest(depot: Depot, tables: Sequence[pa.Table], origin: Sequence[str]) -> tuple[Sealed, list[str]]:
    known = depot.manifest.of_kind("latest")
    rows = pa.concat_tables([SAMPLES.empty_table(), *(read(depot.folder / each.path).cast(SAMPLES) for each in known)])
    for table in tables:
        rows = newest(rows, table)
    made = depot.write("latest", "latest/latest", rows, origin)
    return made, [each.path for each in known if each.path != made.path]


def _places(time: npt.NDArray[np.int64]) -> tuple[list[str], npt.NDArray[Any]]:
    """The places for samples of *time*, oldest first, and the number of the one that each sample goes to."""
    first, last = int(time.min()) // HOUR, int(time.max()) // HOUR
    if first == last:
        return [_place(first // 24, first % 24 if len(time) > SMALL_DAY else None)], np.zeros(len(time), np.uint8)
    hours, hour_of, counts = _distinct(time // HOUR)
    day_of = np.unique(hours // 24, return_inverse=True)[1]
    big = np.bincount(day_of, weights=counts)[day_of] > SMALL_DAY
    names = [
        _place(hour // 24, hour % 24 if alone else None)
        for hour, alone in zip(hours.tolist(), big.tolist(), strict=True)
    ]
    distinct = {name: number for number, name in enumerate(dict.fromkeys(names))}
    number = np.array([distinct[name] for name in names], np.uint16 if len(distinct) <= RADIX else np.int64)
    return list(distinct), number[hour_of]


def _distinct(
    values: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The distinct *values* in order, the place of each value among them, and how often each stands there."""
    lowest = values.min()
    steps = values - lowest
    if steps.max() >= RADIX:
        return np.unique(values, return_inverse=True, return_counts=True)
    counts = np.bincount(steps)
    there = np.flatnonzero(counts)
    number = np.zeros(len(counts), np.int64)
    number[there] = np.arange(len(there))
    return there + lowest, number[steps], counts[there]


def _as_kept(depot: Depot, place: str, part: pa.Table) -> Iterator[Placed]:
    """A day that *depot* keeps hour by hour goes there hour by hour."""
    folder, _, label = place.rpartition("/")
    if not len(part):
        return
    if label != "day" or not depot.manifest.has_hours(folder):
        yield place, part
        return
    time = numbers(part["time"])
    hours, hour_of, _ = _distinct(time // HOUR)
    for number, hour in enumerate(hours.tolist()):
        yield _place(hour // 24, hour % 24), part.filter(pa.array(hour_of == number))


def _place(day: int, hour: int | None) -> str:
    """The beginning of the path of the files of *day*, counted from 1970-01-01 UTC, or of one of its hours."""
    return f"{day_folder('data', day)}/{'day' if hour is None else f'h{hour:02d}'}"
