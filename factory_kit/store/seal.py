"""Sealing: what a segment of the journal holds becomes sorted Parquet files by day and hour, and then the segment goes.

Done again after a crash at any point, it does nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from factory_kit.store.collide import collisions, numbers, without
from factory_kit.store.columns import SAMPLES, empty_column, same_column
from factory_kit.store.depot import DAY, HOUR, Depot, day_folder
from factory_kit.store.journal import Segment
from factory_kit.store.latest import newest
from factory_kit.store.ledger import gap_rows, loss_rows
from factory_kit.store.manifest import Change
from factory_kit.store.order import sorted_rows
from factory_kit.store.parquet import Sealed, read

__all__ = ["arranged", "by_place", "seal"]

SMALL_DAY = 500_000
"""Rows of one day, in one sealing, up to which they share one file in place of one an hour."""


def seal(depot: Depot, segments: Sequence[Segment], table: pa.Table, now: int) -> None:
    """*segments*, whose samples are *table* in the order of a sealed file, become files; then they go."""
    names = tuple(segment.name for segment in segments)
    adds, removes = _samples(depot, table, names)
    adds += _ledgers(depot, segments, names)
    if len(table):
        newest_file, replaced = _latest(depot, table, names)
        adds.append(newest_file)
        removes += replaced
    depot.commit(Change(now, tuple(adds), tuple(removes), names))
    depot.forget([segment.path for segment in segments])


def arranged(tables: Sequence[pa.Table]) -> pa.Table:
    """*tables* in the order in which they arrived as one table in the order of a sealed file, doubles gone."""
    filled = [table for table in tables if len(table)]
    if not filled:
        return SAMPLES.empty_table()
    table = filled[0] if len(filled) == 1 else pa.concat_tables(filled).unify_dictionaries()
    rows = pa.array(sorted_rows(numbers(table["point"]), numbers(table["time"])))
    return pa.Table.from_arrays([_taken(column, rows) for column in table.columns], schema=table.schema)


def _taken(column: pa.ChunkedArray, rows: pa.Array) -> pa.Array:
    """*rows* of *column*; a column that says the same in every row is not copied."""
    if column.null_count == len(column):
        return empty_column(column.type, len(rows))
    values = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if pa.types.is_dictionary(column.type) and len(values.dictionary) == 1 and not values.null_count:
        return same_column(values.dictionary[0].as_py(), len(rows))
    return values.take(rows)


def _samples(depot: Depot, table: pa.Table, origin: Sequence[str]) -> tuple[list[Sealed], list[str]]:
    if not len(table):
        return [], []
    time = numbers(table["time"])
    clash = collisions(depot.folder, table, depot.manifest.overlapping(int(time.min()), int(time.max())))
    adds, removes = [], []
    for path, keys in clash.replaced.items():
        rest = without(read(depot.folder / path).cast(SAMPLES), keys)
        removes.append(path)
        if len(rest):
            adds.append(depot.write("samples", path.rpartition("-")[0], rest, origin))
    fresh = table.filter(pa.array(~clash.known)) if clash.known.any() else table
    adds += [depot.write("samples", place, part, origin) for place, part in by_place(depot, fresh)]
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


def _latest(depot: Depot, table: pa.Table, origin: Sequence[str]) -> tuple[Sealed, list[str]]:
    known = depot.manifest.of_kind("latest")
    before = pa.concat_tables(
        [SAMPLES.empty_table(), *(read(depot.folder / each.path).cast(SAMPLES) for each in known)]
    )
    made = depot.write("latest", "latest/latest", newest(before, table), origin)
    return made, [each.path for each in known if each.path != made.path]


def by_place(depot: Depot, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Parts of a sorted table by day, and of big days by hour, with the beginning of their path."""
    for day, part in _split(table, DAY):
        folder = day_folder("data", day)
        if len(part) <= SMALL_DAY and not depot.manifest.has_hours(folder):
            yield f"{folder}/day", part
            continue
        for hour, small in _split(part, HOUR):
            yield f"{folder}/h{hour % 24:02d}", small


def _split(table: pa.Table, length: int) -> Iterator[tuple[int, pa.Table]]:
    """Parts of *table* by whole *length*s of time since 1970."""
    time = numbers(table["time"])
    if not len(time):
        return
    first, last = int(time.min()) // length, int(time.max()) // length
    if first == last:
        yield first, table
        return
    number = time // length
    for each in np.unique(number).tolist():
        yield each, table.filter(pa.array(number == each))
