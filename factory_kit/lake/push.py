"""From a store to a place far away: what is missing there is sent, compared, and named last."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from factory_kit import __version__
from factory_kit.errors import LakeError, StoreBusy, StoreDamaged
from factory_kit.lake.listing import File, Listing, Paper, folder_of, listing_key, listing_of, written
from factory_kit.lake.pace import Pace
from factory_kit.lake.remote import Remote
from factory_kit.store import Store
from factory_kit.store.disk import told
from factory_kit.store.manifest import Manifest
from factory_kit.store.parquet import Sealed, sha256_of

__all__ = ["Pushed", "push", "settled"]

RAW = frozenset({"samples", "latest"})
KEPT = 7 * 86_400_000_000
"""For how long a replaced file stays for those who read the listing of before, µs."""
WORKERS = 4
TIMES = 3
"""A running collection may merge files away while they are sent; then the manifest is read again."""
PAPERS = ("*.yaml", "connectors/*.yaml", "connectors/*/*.yaml")
CATALOGUE = "catalogue.jsonl"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did."""

    place: str
    sent: int
    bytes: int
    there: int
    """Files that were there already."""
    without_rollup: int
    """Sealed files whose minutes are not rolled up yet, because a collection goes on."""


def push(
    workspace: Path,
    plant: str,
    remote: Remote,
    *,
    raw: bool,
    pace: Pace,
    now: Callable[[], int],
) -> Pushed:
    """The roll-ups, gaps and losses of the store of *workspace*, and its samples where *raw*, under *remote* as those of *plant*.

    Nothing that is there is sent again; cut off at any moment it leaves the state of before, and the next call goes on.
    ``LakeError`` when another store was pushed there, ``LakeChanged`` when two push at once, ``StoreDamaged``.
    """
    work = _Push(workspace, plant, remote, raw, pace)
    for _time in range(TIMES):
        try:
            return work.done(now())
        except _MergedAway:
            continue
    raise StoreDamaged("{folder}: files vanish while they are sent; run store verify", folder=work.folder)


def settled(store: Store) -> bool:
    """Whether the journal was sealed and everything merged and rolled up; not while somebody collects."""
    try:
        store.seal()
        store.compact()
    except StoreBusy:
        return False
    return True


class _MergedAway(Exception):
    """A file went while it was wanted."""


@dataclass(frozen=True)
class _Push:
    """One push."""

    workspace: Path
    plant: str
    remote: Remote
    raw: bool
    pace: Pace

    @property
    def folder(self) -> Path:
        return self.workspace / "store"

    def done(self, now: int) -> Pushed:
        """Files, papers, then the listing that names them, then what it no longer names."""
        manifest = Manifest.read(self.folder / "manifest.jsonl")
        before, version = listing_of(self.remote, self.plant) or (None, None)
        if before:
            self._require_ours(before, manifest)
        wanted = [each for path, each in sorted(manifest.files.items()) if self.raw or each.kind not in RAW]
        missing = self._missing(wanted, before)
        size = sum(each.size for each in missing)
        self.pace.expect(len(missing), size)
        papers = dict(_papers(self.workspace))
        with ThreadPoolExecutor(WORKERS) as workers:
            for _sent in workers.map(self._send, missing):
                pass
        self._send_papers(papers, before)
        listing = self._listing(before, wanted, tuple(papers), now)
        self.remote.write(listing_key(self.plant), written(listing), version)
        self._clean(before, listing)
        place = f"{self.remote.name}/{folder_of(self.plant)}"
        return Pushed(place, len(missing), size, len(wanted) - len(missing), _without_rollup(manifest))

    def _require_ours(self, before: Listing, manifest: Manifest) -> None:
        """What lies there came from this store: each of its files is one that counts here, or once did."""
        strange = before.paths - manifest.files.keys() - manifest.removed.keys()
        if strange:
            raise LakeError(
                "{place}: was pushed from another store ({count} files are unknown here); pull it into a workspace of its own, or push elsewhere",
                place=f"{self.remote.name}/{folder_of(self.plant)}",
                count=len(strange),
            )

    def _missing(self, wanted: Sequence[Sealed], before: Listing | None) -> list[Sealed]:
        """What the listing of before does not name and no cut-off push left there."""
        known = before.paths if before else frozenset()
        new = [each for each in wanted if each.path not in known]
        with ThreadPoolExecutor(WORKERS) as workers:
            there = list(workers.map(lambda each: self.remote.holds(self._key(each.path), each.size, each.sha256), new))
        return [each for each, held in zip(new, there, strict=True) if not held]

    def _send(self, sealed: Sealed) -> None:
        file = self.folder / sealed.path
        if not file.exists():
            raise _MergedAway
        with told(file):
            right = file.stat().st_size == sealed.size and sha256_of(file) == sealed.sha256
        if not right:
            raise StoreDamaged("{file}: sha256 differs from the manifest; run store repair", file=file)
        self.remote.upload(file, self._key(sealed.path), sealed.sha256, self.pace)

    def _send_papers(self, papers: dict[Paper, Path], before: Listing | None) -> None:
        known = {each.sha256 for each in before.papers} if before else set()
        for paper, path in papers.items():
            if paper.sha256 not in known and not self.remote.holds(self._key(paper.key), paper.size, paper.sha256):
                self.remote.upload(path, self._key(paper.key), paper.sha256, self.pace)

    def _listing(
        self,
        before: Listing | None,
        wanted: Sequence[Sealed],
        papers: tuple[Paper, ...],
        now: int,
    ) -> Listing:
        known = {each.path: each for each in before.files} if before else {}
        files = {each.path: known.get(each.path) or File.of(each, self._runs(each)) for each in wanted}
        if before and not self.raw:  # samples that were asked for earlier stay as they were
            files |= {each.path: each for each in before.files if each.kind in RAW}
        replaced = dict(before.replaced) if before else {}
        replaced |= {path: now for path in (before.paths if before else ()) if path not in files}
        return Listing(
            form=1,
            plant=self.plant,
            pushed=datetime.fromtimestamp(now // 1_000_000, UTC).isoformat(),
            software=__version__,
            papers=papers,
            files=tuple(files[path] for path in sorted(files)),
            replaced={path: at for path, at in sorted(replaced.items()) if path not in files and now - at < KEPT},
        )

    def _runs(self, sealed: Sealed) -> tuple[str, ...]:
        """Who wrote the samples of the file."""
        if sealed.kind != "samples":
            return ()
        file = self.folder / sealed.path
        if not file.exists():
            raise _MergedAway
        with told(file):
            return tuple(sorted(pc.unique(pq.read_table(file, columns=["run"])["run"]).to_pylist()))

    def _clean(self, before: Listing | None, listing: Listing) -> None:
        """What was replaced long ago, and papers nobody names any more."""
        if before is None:
            return
        for path in sorted(before.replaced.keys() - listing.replaced.keys() - listing.paths):
            self.remote.remove(self._key(path))
        for key in sorted({each.key for each in before.papers} - {each.key for each in listing.papers}):
            self.remote.remove(self._key(key))

    def _key(self, path: str) -> str:
        return f"{folder_of(self.plant)}/{path}"


def _papers(workspace: Path) -> Iterator[tuple[Paper, Path]]:
    """The catalogue, and what people wrote about the plant: site, tariff, limits, connectors; no answers, no keys."""
    found = [path for pattern in PAPERS for path in sorted(workspace.glob(pattern)) if path.is_file()]
    for path in (workspace / "store" / CATALOGUE, *found):
        with told(path):
            data = path.read_bytes()
        yield _paper(path.relative_to(workspace).as_posix(), data), path


def _paper(path: str, data: bytes) -> Paper:
    return Paper(path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def _without_rollup(manifest: Manifest) -> int:
    covered = {path for rollup in manifest.of_kind("rollup") for path in rollup.covers}
    return sum(each.path not in covered for each in manifest.of_kind("samples"))
