"""From a place far away to a workspace of its own: read, compared, and only then counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from factory_kit.errors import LakeError, UsageError
from factory_kit.files import write_atomically
from factory_kit.lake.listing import File, Listing, Paper, folder_of, listing_of
from factory_kit.lake.pace import Pace
from factory_kit.lake.push import CATALOGUE, RAW, WORKERS
from factory_kit.lake.remote import Remote
from factory_kit.store.catalogue import copy_of
from factory_kit.store.disk import Disk, told
from factory_kit.store.lock import Lock
from factory_kit.store.manifest import Change, Manifest, record
from factory_kit.store.parquet import sha256_of

__all__ = ["Pulled", "pull"]

MARK = "pulled.json"
TRIES = 2
"""A file that arrives wrong is read once more from its begin: what a cut-off call left may have been damaged."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did."""

    workspace: Path
    received: int
    bytes: int
    there: int


def pull(
    remote: Remote,
    plant: str,
    workspace: Path,
    *,
    raw: bool,
    pace: Pace,
    now: Callable[[], int],
    window: tuple[int, int] | None = None,
) -> Pulled:
    """What *remote* has of *plant*, as a workspace that reads like the one it came from; samples only where *raw*.

    With a *window* (µs, UTC, half open) only what figures over it need. A folder that an earlier pull made is brought up to date; nothing in it is read again. ``UsageError`` for a workspace that holds
    data of its own, ``LakeError`` when the place has nothing of the plant or what arrives is not what it should be; then the state
    of before still counts.
    """
    found = listing_of(remote, plant)
    if found is None:
        raise LakeError("{place}: there is nothing of plant {plant}; push it first", place=remote.name, plant=plant)
    work = _Pull(remote, found[0], workspace, found[0].within(*window) if window else found[0].files, raw, pace)
    with told(work.folder):
        work.folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(work.folder / "lock")
    lock.acquire()
    try:
        return work.done(now())
    finally:
        lock.release()


@dataclass(frozen=True)
class _Pull:
    remote: Remote
    listing: Listing
    workspace: Path
    files: tuple[File, ...]
    raw: bool
    pace: Pace

    @property
    def folder(self) -> Path:
        return self.workspace / "store"

    def done(self, now: int) -> Pulled:
        """Files, papers, then the line of the manifest from which on they count."""
        manifest = Manifest.read(self.folder / "manifest.jsonl")
        wanted = [each for each in self.files if self.raw or each.kind not in RAW or each.path in manifest.files]
        self._require_ours(manifest)
        write_atomically(self.folder / MARK, self._mark(wanted))
        missing = [each for each in wanted if each.path not in manifest.files or not self._has(each)]
        size = sum(each.size for each in missing)
        self.pace.expect(len(missing), size)
        with ThreadPoolExecutor(WORKERS) as workers:
            for _done in workers.map(self._receive, missing):
                pass
        for paper in self.listing.papers:
            self._receive_paper(paper)
        self._count(manifest, wanted, now)
        return Pulled(self.workspace, len(missing), size, len(wanted) - len(missing))

    def _require_ours(self, manifest: Manifest) -> None:
        mark = self.folder / MARK
        with told(mark):
            known = set(json.loads(mark.read_bytes())["files"]) if mark.is_file() else set()
        own = manifest.files.keys() - known
        if own or (
            not mark.is_file() and ((self.folder / "journal").exists() or (self.workspace / "site.yaml").exists())
        ):
            raise UsageError(
                "{folder}: is a workspace with data of its own; pull into a new folder", folder=self.workspace
            )

    def _mark(self, wanted: Sequence[File]) -> str:
        names = sorted({each.path for each in wanted} | self.listing.paths)
        return json.dumps({"from": self.remote.name, "plant": self.listing.plant, "files": names}, indent=0)

    def _has(self, file: File) -> bool:
        path = self.folder / file.path
        return path.is_file() and path.stat().st_size == file.size

    def _receive(self, file: File) -> None:
        self._fetch(file.path, self.folder / file.path, file.size, file.sha256)

    def _receive_paper(self, paper: Paper) -> None:
        target = self.workspace / paper.path
        if not (target.is_file() and target.stat().st_size == paper.size and sha256_of(target) == paper.sha256):
            self._fetch(paper.key, target, paper.size, paper.sha256)
        if target == self.folder / CATALOGUE:
            write_atomically(copy_of(target), target.read_bytes())

    def _fetch(self, key: str, target: Path, size: int, sha256: str) -> None:
        """The file under *key* at *target*, once it is what it should be; a part of it waits beside for the next call."""
        part = target.with_name(f"{target.name}.part")
        with told(target):
            target.parent.mkdir(parents=True, exist_ok=True)
        for _try in range(TRIES):
            if not part.is_file() or part.stat().st_size < size:
                self.remote.download(f"{folder_of(self.listing.plant)}/{key}", part, self.pace)
            with told(part):
                if part.is_file() and part.stat().st_size == size and sha256_of(part) == sha256:
                    part.replace(target)
                    return
                part.unlink(missing_ok=True)
        raise LakeError(
            "{place}: is not what its list of files says; push again",
            place=f"{self.remote.name}/{folder_of(self.listing.plant)}/{key}",
        )

    def _count(self, manifest: Manifest, wanted: Sequence[File], now: int) -> None:
        adds = tuple(each.sealed() for each in wanted if each.path not in manifest.files)
        removes = tuple(sorted(manifest.files.keys() - {each.path for each in wanted}))
        if adds or removes:
            record(Disk(), self.folder / "manifest.jsonl", Change(now, adds, removes))
