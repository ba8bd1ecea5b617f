"""The folder of sealed files: finished files get their names here, and changes happen all at once.

The order makes it safe to be cut off anywhere: files aside, flushed, renamed to names that hold their content's hash, the folder
flushed; then one line in the manifest, from which on they count.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from factory_kit.store.collide import numbers
from factory_kit.store.columns import SCHEMA_VERSION
from factory_kit.store.disk import Disk
from factory_kit.store.manifest import Change, Manifest, record
from factory_kit.store.parquet import QUICK, FileKind, FileWriter, Layout, Sealed

__all__ = ["DAY", "HOUR", "Bounds", "Depot", "bounds_of", "clear_aside", "day_folder"]

HOUR = 3_600_000_000
DAY = 24 * HOUR
GRACE = 15 * 60_000_000
"""For how long a replaced file stays for those who are reading it."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME_OF = {"samples": "time", "latest": "time", "rollup": "minute", "gaps": "start", "loss": ""}


@dataclass(frozen=True, slots=True)
class Bounds:
    """First and last time (µs) and point of some rows, the bounds included."""

    first: int
    last: int
    point_from: int
    point_to: int

    def joined(self, other: Bounds) -> Bounds:
        """The bounds of both."""
        return Bounds(
            min(self.first, other.first),
            max(self.last, other.last),
            min(self.point_from, other.point_from),
            max(self.point_to, other.point_to),
        )


@dataclass
class Depot:
    """The sealed files of the store at *folder*, on *disk*, as *manifest* knows them."""

    disk: Disk
    folder: Path
    manifest: Manifest
    made: list[Sealed] = field(default_factory=list)
    """Files this object made, hashed on their way."""

    def begin(self, schema: pa.Schema, layout: Layout = QUICK, origin: Sequence[str] = ()) -> FileWriter:
        """A new file aside; the names of the journal segments in it (*origin*) are kept inside the file."""
        note = {"factory_kit": json.dumps({"form": SCHEMA_VERSION, "segments": list(origin)})}
        aside = self.folder / f"aside-{next(_numbers)}.tmp"
        return FileWriter(self.disk, aside, schema.with_metadata(note), layout)

    def adopt(self, writer: FileWriter, kind: FileKind, place: str, bounds: Bounds, level: int = 0) -> Sealed:
        """The finished file of *writer* under a name that begins with *place*."""
        digest, size = writer.finish()
        path = f"{place}-{digest[:12]}.parquet"
        target = self.folder / path
        self.disk.make_folder(target.parent)
        self.disk.replace(writer.aside, target)
        self.disk.sync_folder(target.parent)
        sealed = Sealed(
            path, kind, writer.rows, size, digest,
            bounds.first, bounds.last, bounds.point_from, bounds.point_to, SCHEMA_VERSION, level,
        )  # fmt: skip
        self.made.append(sealed)
        return sealed

    def write(self, kind: FileKind, place: str, table: pa.Table, origin: Sequence[str] = ()) -> Sealed:
        """*table* as one sealed file."""
        writer = self.begin(table.schema, origin=origin)
        try:
            writer.add(table)
            return self.adopt(writer, kind, place, bounds_of(table, kind))
        except BaseException:
            writer.drop()
            raise

    def commit(self, change: Change) -> None:
        """*change* happens, together with what follows from it: a roll-up goes when a file in its time comes or goes."""
        touched = [each for each in change.adds if each.kind == "samples"]
        touched += [self.manifest.files[path] for path in change.removes if path in self.manifest.files]
        stale = [
            rollup.path
            for rollup in self.manifest.of_kind("rollup")
            if any(each.first <= rollup.last and each.last >= rollup.first for each in touched)
        ]
        change = replace(change, removes=tuple(dict.fromkeys((*change.removes, *stale))))
        record(self.disk, self.folder / "manifest.jsonl", change)
        self.manifest.apply(change)

    def forget(self, segments: Iterable[Path]) -> None:
        """Sealed segments of the journal go."""
        gone = list(segments)
        for path in gone:
            self.disk.remove(path)
        for parent in {path.parent for path in gone}:
            self.disk.sync_folder(parent)

    def tidy(self, now: int) -> None:
        """Replaced files that nobody can still be reading go."""
        for path, at in self.manifest.removed.items():
            if at + GRACE <= now:
                _remove(self.disk, self.folder / path)


def clear_aside(disk: Disk, folder: Path) -> None:
    """Half-written files of a process that was cut off go; only whoever just took the lock may do this."""
    for path in (*folder.glob("*.tmp"), *(folder / "journal").glob("*.tmp")):
        _remove(disk, path)


def _remove(disk: Disk, path: Path) -> None:
    with contextlib.suppress(OSError):  # Windows: somebody still has it open
        if path.exists():
            disk.remove(path)


def bounds_of(table: pa.Table, kind: FileKind) -> Bounds:
    """The bounds of the rows of *table*."""
    column = TIME_OF[kind]
    time = numbers(table[column]) if column else None
    point = numbers(table["point"])
    first, last = (int(time.min()), int(time.max())) if time is not None else (0, 0)
    return Bounds(first, last, int(point.min()), int(point.max()))


def day_folder(kind: str, day: int) -> str:
    """The folder of a day, counted from 1970-01-01 UTC."""
    return f"{kind}/date={(EPOCH + timedelta(days=day)).date().isoformat()}"


_numbers = itertools.count()
