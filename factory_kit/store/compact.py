"""Compaction: the many small files of a day or an hour become two, one for quiet and one for noisy points, with their roll-up.

Memory stays small whatever the size: the files are merged range of points by range of points, a few million rows at a time.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.store.checked import Checks
from factory_kit.store.collide import numbers
from factory_kit.store.columns import SAMPLES, lightened, narrowest
from factory_kit.store.depot import DAY, HOUR, Bounds, Depot, bounds_of, day_folder
from factory_kit.store.disk import told
from factory_kit.store.layout import noisy
from factory_kit.store.manifest import Change
from factory_kit.store.parquet import (
    NOISE,
    ROW_GROUP,
    SMALL,
    FileKind,
    FileWriter,
    Layout,
    Sealed,
    opened,
    point_groups,
)
from factory_kit.store.rollup import MINUTE, ROLLUP, minutes
from factory_kit.store.seal import arranged

__all__ = ["Place", "due", "merge"]

BIG_DAY = 100_000_000
"""Rows of a day from which on it is merged hour by hour."""

MANY = 64
"""Files fresh from the journal that are merged while more are expected,"""
SOME = 4
"""and late ones that are worth it."""
LATE = 10 * 60_000_000
RANGE_ROWS = 500_000
STREAMS: tuple[tuple[str, Layout], ...] = (("q", SMALL), ("n", NOISE))
"""The letter in the file's name and the layout of quiet and of noisy points."""


@dataclass(frozen=True)
class Place:
    """What is merged into one: a day, or an hour of a big day; *first* and *last* are its first and last µs."""

    folder: str
    label: str
    first: int
    last: int
    files: tuple[Sealed, ...]

    @property
    def name(self) -> str:
        """The beginning of the paths of its files."""
        return f"{self.folder}/{self.label}"


def due(files: Sequence[Sealed], now: int, *, everything: bool = False) -> list[Place]:
    """The places worth merging at *now*, oldest first; with *everything* all that are not merged yet."""
    by_day: dict[int, list[Sealed]] = defaultdict(list)
    for sealed in files:
        by_day[sealed.first // DAY].append(sealed)
    places = [place for day in sorted(by_day) for place in _places(day, by_day[day], now)]
    return [place for place in places if _worth(place, now, everything=everything)]


def merge(depot: Depot, checks: Checks, place: Place, now: int) -> None:
    """The files of *place* become one per stream, with the roll-up; nothing happens when it is cut off."""
    checks.require(place.files)
    origin = [each.path for each in place.files]
    with contextlib.ExitStack() as stack:
        with told(depot.folder / place.folder):
            files = [stack.enter_context(opened(depot.folder / each.path)) for each in place.files]
        schema = narrowest([file.schema_arrow for file in files], SAMPLES)
        streams = [_Stream(depot, schema, layout, origin) for _, layout in STREAMS]
        rollup = _Stream(depot, ROLLUP, SMALL, origin)
        for stream in (*streams, rollup):
            stack.callback(stream.drop)
        with told(depot.folder / place.folder):
            for table in _ranges(files):
                _distribute(table, streams)
                rollup.add(minutes(table), "rollup")
        made = [
            stream.adopt("samples", f"{place.name}-{letter}")
            for stream, (letter, _) in zip(streams, STREAMS, strict=True)
        ]
        samples = [each for each in made if each is not None]
        summary = rollup.adopt("rollup", place.name.replace("data/", "rollup/", 1))
    covers = tuple(each.path for each in samples)
    old = tuple(each.path for each in place.files if each.path not in covers)
    summaries = () if summary is None else (replace(summary, last=summary.last + MINUTE - 1, covers=covers),)
    depot.commit(Change(now, (*samples, *summaries), old))


def _distribute(table: pa.Table, streams: Sequence[_Stream]) -> None:
    """Quiet points to the first stream, noisy ones to the second."""
    noise = noisy(table)
    for stream, rows in zip(streams, (~noise, noise), strict=True):
        stream.add(table if rows.all() else table.filter(pa.array(rows)), "samples")


class _Stream:
    """One file in the making; none when nothing comes."""

    def __init__(self, depot: Depot, schema: pa.Schema, layout: Layout, origin: Sequence[str]) -> None:
        self._depot = depot
        self._schema = schema
        self._layout = layout
        self._origin = origin
        self._writer: FileWriter | None = None
        self._held: list[pa.Table] = []
        self._bounds: Bounds | None = None

    def add(self, table: pa.Table, kind: FileKind) -> None:
        """*table* behind what came before, written in whole row groups."""
        if not len(table):
            return
        bounds = bounds_of(table, kind)
        self._bounds = bounds if self._bounds is None else self._bounds.joined(bounds)
        self._held.append(table)
        rows = sum(len(each) for each in self._held)
        if rows >= ROW_GROUP:
            held = pa.concat_tables(self._held).unify_dictionaries()
            whole = rows // ROW_GROUP * ROW_GROUP
            self._open().add(held.slice(0, whole))
            self._held = [held.slice(whole)]

    def adopt(self, kind: FileKind, place: str) -> Sealed | None:
        """The whole file; None when nothing came."""
        if self._bounds is None:
            return None
        rest = pa.concat_tables(self._held).unify_dictionaries()
        if len(rest):
            self._open().add(rest)
        writer, self._writer = self._open(), None
        return self._depot.adopt(writer, kind, place, self._bounds, level=1)

    def _open(self) -> FileWriter:
        if self._writer is None:
            self._writer = self._depot.begin(self._schema, self._layout, self._origin)
        return self._writer

    def drop(self) -> None:
        if self._writer is not None:
            self._writer.drop()


def _places(day: int, files: Sequence[Sealed], now: int) -> Iterator[Place]:
    """A day as one place; a big one, or one on its way to be big, by its hours."""
    rows = sum(each.rows for each in files)
    folder = day_folder("data", day)
    passed = min(max(now - day * DAY, HOUR), DAY)
    if rows * DAY // passed <= BIG_DAY:
        yield Place(folder, "day", day * DAY, (day + 1) * DAY - 1, tuple(files))
        return
    by_hour: dict[int, list[Sealed]] = defaultdict(list)
    for sealed in files:
        if sealed.first // HOUR == sealed.last // HOUR:
            by_hour[sealed.first // HOUR].append(sealed)
    for hour in sorted(by_hour):
        label = f"h{hour % 24:02d}"
        yield Place(folder, label, hour * HOUR, (hour + 1) * HOUR - 1, tuple(by_hour[hour]))


def _worth(place: Place, now: int, *, everything: bool) -> bool:
    """Files not merged yet, when they are many or no more are expected; a few late ones wait for company."""
    parts = sum(each.level == 0 for each in place.files)
    if everything:
        return parts > 0
    closed = place.last + LATE <= now
    return parts >= MANY or (closed and (parts == len(place.files) > 0 or parts >= SOME))


class _Cursor:
    """A sorted file, read once from its first to its last row group."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._file = file
        self.groups = point_groups(file)
        self._next = 0
        self._rest = SAMPLES.empty_table()

    def up_to(self, point: int) -> pa.Table:
        """The rows not yet given whose points are at most *point*."""
        first = self._next
        while self._next < len(self.groups) and self.groups[self._next][0] <= point:
            self._next += 1
        if self._next > first:
            read = self._file.read_row_groups(list(range(first, self._next))).cast(SAMPLES)
            self._rest = pa.concat_tables([self._rest, lightened(read)])
        end = int(np.searchsorted(numbers(self._rest["point"]), point, side="right"))
        given, self._rest = self._rest.slice(0, end), self._rest.slice(end)
        return given


def _ranges(files: Sequence[pq.ParquetFile]) -> Iterator[pa.Table]:
    """All rows of sorted files in the order of a sealed file, some points at a time."""
    cursors = [_Cursor(file) for file in files]
    for high in _cuts([group for cursor in cursors for group in cursor.groups]):
        yield arranged([cursor.up_to(high) for cursor in cursors])


def _cuts(groups: Sequence[tuple[int, int, int]]) -> Iterator[int]:
    """The last points of ranges of about ``RANGE_ROWS`` rows each; a point is never cut."""
    spread: dict[int, float] = defaultdict(float)
    for first, last, count in groups:
        for point in range(first, last + 1):
            spread[point] += count / (last - first + 1)
    rows = 0.0
    for point in sorted(spread):
        rows += spread[point]
        if rows >= RANGE_ROWS:
            yield point
            rows = 0.0
    if rows:
        yield max(spread)
