"""Sealing: what the journal holds becomes sorted Parquet files by day and hour, and then the journal part goes.

The order makes it safe to be cut off anywhere: files aside, flushed, renamed to names that hold their content's hash; then one
line in the manifest, from which on they count; then the segments go. Done again, it does nothing twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from factory_kit.store.collide import collisions, numbers, without
from factory_kit.store.columns import SAMPLES, SCHEMA_VERSION
from factory_kit.store.disk import Disk
from factory_kit.store.journal import Segment
from factory_kit.store.ledger import GAPS, LOSS, gap_rows, loss_rows
from factory_kit.store.manifest import Change, Manifest, record
from factory_kit.store.order import sorted_rows
from factory_kit.store.parquet import QUICK, FileKind, Sealed, read, write

__all__ = ["Sealer", "arranged"]

HOUR = 3_600_000_000
DAY = 24 * HOUR
SMALL_DAY = 500_000
"""Rows of one day, of one sealing, up to which they share one file in place of one an hour."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sealer:
    """Turns segments into files of the store at *folder*, on *disk*, noting them in *manifest*."""

    disk: Disk
    folder: Path
    manifest: Manifest

    def seal(self, segments: Sequence[Segment], now: int) -> Change:
        """The samples, gaps and losses of *segments* in files; the segments are gone afterwards."""
        adds, removes = self._samples(arranged([segment.samples for segment in segments]))
        adds += self._ledgers(segments)
        names = tuple(segment.name for segment in segments)
        change = Change(now, tuple(adds), tuple(removes), names)
        self.commit(change)
        self.forget([segment.path for segment in segments])
        return change

    def commit(self, change: Change) -> None:
        """*change* happens, here and in the manifest's file."""
        record(self.disk, self.folder / "manifest.jsonl", change)
        self.manifest.apply(change)

    def forget(self, segments: Sequence[Path]) -> None:
        """Sealed segments go."""
        for path in segments:
            self.disk.remove(path)
        for parent in {path.parent for path in segments}:
            self.disk.sync_folder(parent)

    def write(self, kind: FileKind, place: str, table: pa.Table) -> Sealed:
        """*table*, in its final order, as a sealed file whose path begins with *place*."""
        aside = self.folder / "aside.tmp"
        digest, size = write(self.disk, aside, [table], table.schema, QUICK)
        path = f"{place}-{digest[:12]}.parquet"
        self.disk.make_folder((self.folder / path).parent)
        self.disk.replace(aside, self.folder / path)
        self.disk.sync_folder((self.folder / path).parent)
        first, last = _bounds(table, "time" if kind == "samples" else "start")
        low, high = _bounds(table, "point")
        return Sealed(path, kind, len(table), size, digest, first, last, low, high, SCHEMA_VERSION)

    def _samples(self, table: pa.Table) -> tuple[list[Sealed], list[str]]:
        if not len(table):
            return [], []
        first, last = _bounds(table, "time")
        clash = collisions(self.folder, table, self.manifest.overlapping(first, last))
        adds, removes = [], []
        for path, keys in clash.replaced.items():
            rest = without(read(self.folder / path).cast(SAMPLES), keys)
            removes.append(path)
            if len(rest):
                adds.append(self.write("samples", path.rpartition("-")[0], rest))
        fresh = table.filter(pa.array(~clash.known)) if clash.known.any() else table
        adds += [self.write("samples", place, part) for place, part in _by_place(fresh)]
        return adds, removes

    def _ledgers(self, segments: Sequence[Segment]) -> list[Sealed]:
        gaps = pa.concat_tables([gap_rows(each.run.id, each.gaps) for each in segments] or [GAPS.empty_table()])
        losses = pa.concat_tables([loss_rows(each.run.id, each.losses) for each in segments] or [LOSS.empty_table()])
        made = []
        if len(gaps):
            made.append(self.write("gaps", "ledger/gaps", gaps))
        if len(losses):
            made.append(self.write("loss", "ledger/loss", losses))
        return made


def arranged(tables: Sequence[pa.Table]) -> pa.Table:
    """*tables* in the order in which they arrived as one table in the order of a sealed file, doubles gone."""
    table = pa.concat_tables(tables).unify_dictionaries() if tables else SAMPLES.empty_table()
    if not len(table):
        return SAMPLES.empty_table()
    rows = sorted_rows(numbers(table["point"]).astype(np.int32), numbers(table["time"]))
    return table.combine_chunks().take(pa.array(rows))


def _by_place(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Parts of a sorted table by day, and of big days by hour, with the beginning of their path."""
    time = numbers(table["time"])
    if not len(time):
        return
    day = time // DAY
    for each in [int(day[0])] if day.min() == day.max() else np.unique(day):
        of_day = day == each
        part = table if of_day.all() else table.filter(pa.array(of_day))
        date = f"data/date={(EPOCH + timedelta(days=int(each))).date().isoformat()}"
        if len(part) <= SMALL_DAY:
            yield f"{date}/day", part
            continue
        hour = time[of_day] % DAY // HOUR
        for number in np.unique(hour):
            of_hour = hour == number
            yield f"{date}/h{number:02d}", part if of_hour.all() else part.filter(pa.array(of_hour))


def _bounds(table: pa.Table, column: str) -> tuple[int, int]:
    if column not in table.schema.names:
        return 0, 0
    values = numbers(table[column])
    return int(values.min()), int(values.max())


def clear_aside(disk: Disk, folder: Path) -> None:
    """Half-written files of an interrupted sealing go."""
    for leftover in (*folder.glob("*.tmp"), *(folder / "journal").glob("*.tmp")):
        with contextlib.suppress(OSError):
            disk.remove(leftover)
