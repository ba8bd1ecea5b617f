"""A reader's picture of the store at one moment, taken without any lock while a writer may be at work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from factory_kit.errors import StoreDamaged, StoreError
from factory_kit.store.catalogue import Catalogue
from factory_kit.store.depot import LOST, strangers
from factory_kit.store.journal import Segment, open_segments, segment_paths
from factory_kit.store.manifest import Manifest

__all__ = ["Snapshot", "take"]

TRIES = 20


@dataclass(frozen=True)
class Snapshot:
    """Sealed files, what is still in the journal, and the catalogue."""

    folder: Path
    manifest: Manifest
    segments: list[Segment]
    catalogue: Catalogue


def take(folder: Path) -> Snapshot:
    """Everything in the store at *folder* exactly once. ``StoreDamaged`` when something of it is damaged or lost.

    The journal is read before the manifest: a segment sealed in between is in both and then left out here. A segment that
    goes while being read means a sealing ended; look again.
    """
    lost: Path | None = None
    for _ in range(TRIES):
        try:
            segments = open_segments(segment_paths(folder / "journal"))
        except StoreError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                continue
            raise
        manifest = Manifest.read(folder / "manifest.jsonl")
        before, lost = lost, next((path for path, gone in strangers(folder, manifest) if gone), None)
        if lost is None:
            catalogue = Catalogue.read(folder / "catalogue.jsonl")
            unsealed = [segment for segment in segments if segment.name not in manifest.segments]
            return Snapshot(folder, manifest, unsealed, catalogue)
        if lost == before:  # seen twice: nobody is sealing it just now
            raise StoreDamaged(LOST, file=lost)
    raise StoreError("{folder}: the journal changes faster than it can be read; try again", folder=folder)
