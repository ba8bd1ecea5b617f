"""The manifest: which files make up the store, and which parts of the journal they replace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from factory_kit.store.columns import SCHEMA_VERSION
from factory_kit.store.disk import Disk
from factory_kit.store.lines import append_line, newer, read_lines
from factory_kit.store.parquet import FileKind, Sealed

__all__ = ["Change", "Manifest", "change_of", "record"]


@dataclass(frozen=True)
class Change:
    """One step of the store, all or nothing: these files come, these go, these segments of the journal are in them."""

    at: int
    adds: tuple[Sealed, ...] = ()
    removes: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


@dataclass
class Manifest:
    """The store as its manifest tells it."""

    files: dict[str, Sealed] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    """Files that were replaced, and when; they stay for a while for those who still read them."""
    segments: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest at *path*, empty when there is none; ``StoreDamaged`` when a line is."""
        manifest = cls()
        for entry in read_lines(path):
            manifest.apply(change_of(entry, path))
        return manifest

    def apply(self, change: Change) -> None:
        """The store after *change*."""
        for path in change.removes:
            self.files.pop(path, None)
            self.removed[path] = change.at
        for sealed in change.adds:
            self.files[sealed.path] = sealed
            self.removed.pop(sealed.path, None)
        self.segments.update(change.segments)

    def of_kind(self, kind: FileKind) -> list[Sealed]:
        """The files of *kind* by path, which is by date and hour."""
        return [self.files[path] for path in sorted(self.files) if self.files[path].kind == kind]

    def has_hours(self, folder: str) -> bool:
        """Whether the day of *folder* is kept hour by hour."""
        return any(path.startswith(f"{folder}/h") for path in self.files)

    def overlapping(self, first: int, last: int) -> list[Sealed]:
        """The files of samples that hold any time of [*first*, *last*]."""
        return [sealed for sealed in self.of_kind("samples") if sealed.first <= last and sealed.last >= first]


def record(disk: Disk, path: Path, change: Change) -> None:
    """*change* as the newest line of the manifest at *path*: from here on it has happened."""
    append_line(
        disk,
        path,
        {
            "at": change.at,
            "adds": [sealed.as_entry() for sealed in change.adds],
            "removes": list(change.removes),
            "segments": list(change.segments),
        },
    )


def change_of(entry: dict[str, Any], path: Path) -> Change:
    """The change that a line of the manifest tells; ``StoreError`` for one of a newer version, whose checksum is right."""
    try:
        change = Change(
            entry["at"],
            tuple(Sealed(**each) for each in entry["adds"]),
            _texts(entry["removes"]),
            _texts(entry["segments"]),
        )
    except (KeyError, TypeError) as error:
        raise newer(path) from error
    if any(each.schema > SCHEMA_VERSION for each in change.adds):
        raise newer(path)
    return change


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(values)
