"""The folder of sealed files: finished files get their names here, and changes happen all at once.

The order makes it safe to be cut off anywhere: files aside, flushed, renamed to names that hold their content's hash, the folder
flushed; then one line in the manifest, from which on they count.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.errors import StoreError
from factory_kit.i18n import N_
from factory_kit.store.collide import numbers
from factory_kit.store.columns import SCHEMA_VERSION, narrowed
from factory_kit.store.disk import Disk
from factory_kit.store.journal import segment_paths
from factory_kit.store.manifest import Change, Manifest, record
from factory_kit.store.parquet import QUICK, FileKind, FileWriter, Layout, Sealed, sha256_of

__all__ = ["DAY", "HOUR", "LOST", "Bounds", "Depot", "bounds_of", "clear_aside", "day_folder", "origin_of", "strangers"]

HOUR = 3_600_000_000
DAY = 24 * HOUR
GRACE = 15 * 60_000_000
"""For how long a replaced file stays for those who are reading it."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOTE = "factory_kit"
LOST = N_("{file}: was sealed by this store but the manifest lost it; run store repair")
FOLDERS = ("data", "rollup", "latest", "ledger")
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

    def begin(self, schema: pa.Schema, layout: Layout, origin: Sequence[str]) -> FileWriter:
        """A new file aside; what it was made from, segments of the journal or other files (*origin*), is kept inside it."""
        note = {NOTE: json.dumps({"form": SCHEMA_VERSION, "from": list(origin)})}
        aside = self.folder / f"aside-{next(_numbers)}.tmp"
        return FileWriter(self.disk, aside, schema, layout, note)

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

    def write(self, kind: FileKind, place: str, table: pa.Table, origin: Sequence[str]) -> Sealed:
        """*table*, made from *origin*, as one sealed file."""
        writer = self.begin(narrowed(table), QUICK, origin)
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
        """Sealed segments of the journal go; one that comes back after a power cut is known by its name."""
        for path in segments:
            _remove(self.disk, path)

    def tidy(self, now: int) -> None:
        """Replaced files that nobody can still be reading go."""
        for path, at in self.manifest.removed.items():
            if at + GRACE <= now:
                _remove(self.disk, self.folder / path)


def clear_aside(disk: Disk, folder: Path, manifest: Manifest) -> None:
    """What a process that was cut off left half done goes; only whoever just took the lock may do this.

    A finished file that never came into the manifest goes when all it was made from is still there: it will be made again.
    """
    leftovers = [*folder.glob("*.tmp"), *(folder / "journal").glob("*.tmp")]
    leftovers += [path for path, lost in strangers(folder, manifest) if lost is False]
    for path in leftovers:
        _remove(disk, path)


def strangers(folder: Path, manifest: Manifest) -> Iterator[tuple[Path, bool | None]]:
    """Files that are not in the manifest: whether the manifest lost one of ours (True), or a crash left it (False), or None."""
    here = {path.name for path in segment_paths(folder / "journal")} - manifest.segments
    for kind in FOLDERS:
        for path in sorted((folder / kind).rglob("*")):
            name = path.relative_to(folder).as_posix()
            if name in manifest.files or name in manifest.removed or not path.is_file():
                continue
            origin = origin_of(path)
            yield (
                path,
                None if origin is None else not all(each in here or _there(folder, manifest, each) for each in origin),
            )


def _there(folder: Path, manifest: Manifest, path: str) -> bool:
    return path in manifest.files and (folder / path).is_file()


def origin_of(path: Path) -> list[str] | None:
    """What one of our files says it was made from; None when it is not one of ours, whole and under its own name."""
    try:
        if path.stem.rpartition("-")[2] != sha256_of(path)[:12]:
            return None
        note = (pq.read_metadata(path).metadata or {}).get(NOTE.encode())
        origin: list[str] | None = json.loads(note)["from"] if note else None
    except (OSError, ValueError, KeyError, StoreError, pa.ArrowException):
        return None
    return origin


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
