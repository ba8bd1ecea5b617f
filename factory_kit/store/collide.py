"""Samples that come a second time: what is sealed already, and what a later sample replaces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factory_kit.store.disk import told
from factory_kit.store.parquet import Sealed, opened, point_groups, read

__all__ = ["Collisions", "collisions", "keys_in", "numbers", "without"]

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
KEY = ["point", "time"]
CONTENT = ("value", "text", "quality", "status")


@dataclass
class Collisions:
    """Which rows of a new table are sealed already (``known``), and which sealed rows others of them replace."""

    known: Mask
    replaced: dict[str, pa.Table] = field(default_factory=dict)
    """Point and time of the replaced rows, by file."""


def collisions(folder: Path, new: pa.Table, files: Iterable[Sealed]) -> Collisions:
    """Compare *new*, in which no (point, time) stands twice, with the sealed *files* it overlaps in point and time."""
    result = Collisions(np.zeros(len(new), np.bool_))
    point, time = numbers(new["point"]), numbers(new["time"])
    for sealed in files:
        inside = (
            (time >= sealed.first) & (time <= sealed.last) & (point >= sealed.point_from) & (point <= sealed.point_to)
        )
        if inside.any():
            _compare(folder, sealed, new, np.flatnonzero(inside), result)
    return result


def without(old: pa.Table, keys: pa.Table) -> pa.Table:
    """*old* without the rows whose point and time stand in *keys*."""
    return old.filter(pa.array(~keys_in(old, keys)))


def keys_in(table: pa.Table, keys: pa.Table) -> Mask:
    """Which rows of *table* have a point and time that stand in *keys*."""
    ours, _ = _pairs(pa.concat_tables([table.select(KEY), keys.select(KEY)]), len(table))
    found = np.zeros(len(table), np.bool_)
    found[ours] = True
    return found


def numbers(column: pa.ChunkedArray) -> Any:
    """A column of whole numbers or times (as µs) for numpy, not copied when it lies in one piece."""
    values = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if pa.types.is_timestamp(values.type):
        values = values.view(pa.int64())
    return values.to_numpy(zero_copy_only=False)


def _compare(folder: Path, sealed: Sealed, new: pa.Table, rows: npt.NDArray[np.intp], result: Collisions) -> None:
    """Keys first: the rest is read only where one of them is there twice."""
    candidates = new.take(pa.array(rows))
    path = folder / sealed.path
    groups = _groups_with(path, np.unique(numbers(candidates["point"])))
    keys = read(path, KEY, groups)
    theirs, ours = _pairs(pa.concat_tables([keys, candidates.select(KEY)]), len(keys))
    if not len(ours):
        return
    before = read(path, list(CONTENT), groups).take(pa.array(theirs))
    after = candidates.take(pa.array(ours))
    same = np.logical_and.reduce([_same(before[name], after[name]) for name in CONTENT])
    result.known[rows[ours[same]]] = True
    if not same.all():
        result.replaced[sealed.path] = after.filter(pa.array(~same)).select(KEY)


def _groups_with(path: Path, points: Ints) -> list[int]:
    """The row groups that can hold one of *points* (sorted)."""
    with told(path), opened(path) as file:
        return [
            number
            for number, (low, high, _) in enumerate(point_groups(file))
            if np.searchsorted(points, low) < np.searchsorted(points, high, side="right")
        ]


def _pairs(both: pa.Table, border: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows before *border*, and rows from it on (counted from it), that have the same point and time."""
    point, time = numbers(both["point"]), numbers(both["time"])
    order = np.lexsort((time, point))
    twin = (point[order][1:] == point[order][:-1]) & (time[order][1:] == time[order][:-1])
    first, second = order[:-1][twin], order[1:][twin]
    return first, second - border


def _same(before: pa.ChunkedArray, after: pa.ChunkedArray) -> Mask:
    """Whether two values are the same to the last bit, or both missing."""
    if pa.types.is_floating(before.type):
        before, after = _bits(before), _bits(after)
    equal = pc.fill_null(pc.equal(before, after), fill_value=False)
    neither = pc.and_(pc.is_null(before), pc.is_null(after))
    return np.asarray(pc.or_(equal, neither).combine_chunks().to_numpy(zero_copy_only=False), np.bool_)


def _bits(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())
