"""Repair: what is damaged goes to the quarantine, never away; what is lost becomes gaps, so that nobody takes it for silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from factory_kit.errors import Problem
from factory_kit.i18n import N_
from factory_kit.model.run import Gap
from factory_kit.store.catalogue import Catalogue, copy_of, mend_copy
from factory_kit.store.checked import problem_of
from factory_kit.store.collide import KEY, collisions, keys_in, numbers, without
from factory_kit.store.columns import SAMPLES
from factory_kit.store.depot import Depot, origin_of, strangers
from factory_kit.store.disk import Disk, told
from factory_kit.store.journal import Segment, read_segment, segment_paths
from factory_kit.store.latest import newest
from factory_kit.store.ledger import gap_rows
from factory_kit.store.lines import encode, parse_leniently, write_log
from factory_kit.store.manifest import Change, Manifest
from factory_kit.store.parquet import FileKind, Sealed, read, read_ledger
from factory_kit.store.seal import arranged, by_place, seal

__all__ = ["repair"]

RUN = "repair"


@dataclass
class _Work:
    """A repair under way: what was done, and what was lost."""

    disk: Disk
    folder: Path
    now: Callable[[], int]
    done: list[Problem] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    forgetful: bool = False
    """Whether the manifest had lost something: then files may be back that others had replaced."""

    def say(self, message: str, path: Path, **details: object) -> None:
        self.done.append(Problem(str(path), 0, "", message, {"file": path, **details}))

    def quarantine(self, path: Path) -> None:
        """*path* moves to the quarantine."""
        place = self._place(path)
        with told(path):
            self.disk.replace(path, place)
        self.disk.sync_folder(place.parent)

    def keep_copy(self, path: Path) -> None:
        """A copy of *path* lies in the quarantine."""
        with told(path):
            write_log(self.disk, self._place(path), path.read_bytes())

    def _place(self, path: Path) -> Path:
        """A name in the quarantine that is free."""
        folder = self.folder / "quarantine"
        self.disk.make_folder(folder)
        name = "-".join(path.relative_to(self.folder).parts)
        return next(each for each in _names(folder / name) if not each.exists())


def repair(disk: Disk, folder: Path, now: Callable[[], int]) -> tuple[Problem, ...]:
    """Make the store at *folder* whole again, as far as that goes; what was done, empty when nothing had to be.

    The caller holds the lock. Damaged files move to ``quarantine/``; what they held and nobody else holds is noted in ``gaps``
    with the run ``repair``.
    """
    work = _Work(disk, folder, now)
    _logs(work)
    mend_copy(disk, folder / "catalogue.jsonl")
    depot = Depot(disk, folder, Manifest.read(folder / "manifest.jsonl"))
    catalogue = Catalogue.read(folder / "catalogue.jsonl")
    found_again = _lost_files(work, depot)
    _sealed_files(work, depot, catalogue, found_again)
    _no_doubles(work, depot)
    _journal(work, depot)
    _lost_files(work, depot)  # a cut off sealing may have made files of segments that were damaged since
    _write_gaps(work, depot)
    _latest(work, depot)
    return tuple(work.done)


def _logs(work: _Work) -> None:
    """Bad lines of the manifest and the catalogue; the catalogue has a second copy."""
    catalogue = work.folder / "catalogue.jsonl"
    for path, copy in ((work.folder / "manifest.jsonl", None), (catalogue, copy_of(catalogue))):
        with told(path):
            data = path.read_bytes() if path.exists() else b""
        with told(copy or path):
            spare = copy.read_bytes() if copy is not None and copy.exists() else b""
        lines, lost = parse_leniently(data, spare)
        content = b"".join(encode(line) for line in lines)
        if not lost and content == data[: len(content)]:
            continue
        work.say(N_("{file}: {lost} damaged lines taken out, the file as it was is in quarantine"), path, lost=lost)
        work.forgetful |= copy is None
        if path.exists():
            work.keep_copy(path)  # there is no moment without a manifest: files that nobody names would come back
        write_log(work.disk, path, content)
        if copy is not None:
            write_log(work.disk, copy, content)


def _lost_files(work: _Work, depot: Depot) -> set[str]:
    """Files that only the manifest lost: their samples come back, the newest file first. What they were made from."""
    origins: set[str] = set()
    lost = [path for path, gone in strangers(depot.folder, depot.manifest) if gone]
    for path in sorted(lost, key=_age, reverse=True):
        name = path.relative_to(depot.folder).as_posix()
        origins.update(origin_of(path) or ())
        if name.startswith("data/"):
            _take_again(work, depot, path)
        elif name.startswith("ledger/"):
            _ledger_again(work, depot, path)
        work.say(N_("{file}: the manifest had lost it; what it holds is back"), path)
        work.forgetful = True
        if name not in depot.manifest.files:  # nothing of it was superseded: it came back as it was, under its own name
            work.quarantine(path)
    return origins


def _age(path: Path) -> int:
    """The number of the newest segment that a file was made from; merged files, whose sources are older than any of these, come last."""
    numbers_in = [each.partition("-")[0] for each in _origin(path)]
    return max((int(each) for each in numbers_in if each.isdigit()), default=-1)


def _origin(path: Path) -> list[str]:
    """What a file was made from; so a file made of it is as old as it is."""
    return origin_of(path) or [RUN]


def _take_again(work: _Work, depot: Depot, path: Path) -> None:
    """Rows of a lost file that no other file has; where another has another value of the same moment, the newer of the two stands."""
    table = read(path).cast(SAMPLES)
    time = numbers(table["time"])
    clash = collisions(depot.folder, table, _whole(depot, int(time.min()), int(time.max())))
    keep = ~clash.known
    adds: list[Sealed] = []
    removes: list[str] = []
    for known, keys in clash.replaced.items():
        if not _newer(depot, path, known):
            keep &= ~keys_in(table, keys)
            continue
        removes.append(known)
        rest = without(read(depot.folder / known).cast(SAMPLES), keys)
        if len(rest):
            adds.append(depot.write("samples", known.rpartition("-")[0], rest, _origin(depot.folder / known)))
    rest = table.filter(pa.array(keep))
    adds += [depot.write("samples", place, part, _origin(path)) for place, part in by_place(depot, rest)]
    if adds:
        depot.commit(Change(work.now(), tuple(adds), tuple(removes)))


def _newer(depot: Depot, lost: Path, known: str) -> bool:
    """Whether what the *lost* file holds came after what the *known* one holds.

    Of two files from the journal the numbers of the segments tell; a merged file holds what was there when it was made.
    """
    path = depot.folder / known
    ours, theirs = _age(lost), _age(path)
    if ours < 0:
        return False
    if theirs >= 0:
        return ours > theirs
    return lost.relative_to(depot.folder).as_posix() not in (origin_of(path) or ())


def _whole(depot: Depot, first: int, last: int) -> list[Sealed]:
    """The files of samples with any time of [*first*, *last*] that are as the manifest says."""
    near = depot.manifest.overlapping(first, last)
    return [each for each in near if problem_of(depot.folder / each.path, each) is None]


def _ledger_again(work: _Work, depot: Depot, path: Path) -> None:
    kind: FileKind = "gaps" if path.name.startswith("gaps") else "loss"
    table = read_ledger(path)
    depot.commit(Change(work.now(), (depot.write(kind, f"ledger/{kind}", table, (RUN,)),)))


def _sealed_files(work: _Work, depot: Depot, catalogue: Catalogue, found_again: set[str]) -> None:
    """Damaged and missing files leave the manifest."""
    for sealed in list(depot.manifest.files.values()):
        path = depot.folder / sealed.path
        if problem_of(path, sealed) is None:
            continue
        if path.exists():
            work.say(N_("{file}: was damaged, is in quarantine"), path)
            work.quarantine(path)
        else:
            work.say(N_("{file}: was missing, left the manifest"), path)
        if sealed.kind == "samples" and sealed.path not in found_again:
            work.gaps += _gaps_of(sealed, catalogue)
        depot.commit(Change(work.now(), (), (sealed.path,)))


def _no_doubles(work: _Work, depot: Depot) -> None:
    """Of a moment that several files hold, the newest file's sample stands."""
    if not work.forgetful:
        return
    files = sorted(depot.manifest.of_kind("samples"), key=lambda each: _age(depot.folder / each.path))
    for at, newer in enumerate(files):
        keys = read(depot.folder / newer.path, KEY)
        for place, older in enumerate(files[:at]):
            if older.first <= newer.last and older.last >= newer.first and older.path in depot.manifest.files:
                files[place] = _rest_of(work, depot, older, keys)


def _rest_of(work: _Work, depot: Depot, older: Sealed, keys: pa.Table) -> Sealed:
    """*older* without the samples of *keys*; itself where it has none of them, or nothing else."""
    table = read(depot.folder / older.path).cast(SAMPLES)
    double = keys_in(table, keys)
    if not double.any():
        return older
    rest = table.filter(pa.array(~double))
    prefix, origin = older.path.rpartition("-")[0], _origin(depot.folder / older.path)
    made = [depot.write("samples", prefix, rest, origin)] if len(rest) else []
    depot.commit(Change(work.now(), tuple(made), (older.path,)))
    return made[0] if made else older


def _gaps_of(sealed: Sealed, catalogue: Catalogue) -> list[Gap]:
    known = [point for point in sorted(catalogue.newest) if sealed.point_from <= point <= sealed.point_to]
    return [Gap(point, sealed.first, sealed.last + 1, "file damaged") for point in known]


def _journal(work: _Work, depot: Depot) -> None:
    """What is whole of a damaged segment is sealed, the segment goes to quarantine."""
    for path in segment_paths(depot.folder / "journal"):
        if path.name in depot.manifest.segments:
            continue
        segment = read_segment(path)
        if not segment.scan.damaged:
            continue
        work.say(N_("{file}: the whole records are sealed, the segment is in quarantine"), path)
        work.gaps += _holes(segment)
        work.keep_copy(path)
        seal(depot, [segment], arranged([segment.samples]), work.now())


def _holes(segment: Segment) -> list[Gap]:
    """Where samples of the segment may be missing: from the last sample before to the first one after damage.

    Which points were hit is unknown, so it is all that the segment has.
    """
    if not len(segment.samples):
        return []
    time = numbers(segment.samples["time"])
    points = np.unique(numbers(segment.samples["point"])).tolist()
    return [Gap(point, int(time.min()), int(time.max()) + 1, "journal damaged") for point in points]


def _write_gaps(work: _Work, depot: Depot) -> None:
    if work.gaps:
        made = depot.write("gaps", "ledger/gaps", gap_rows(RUN, work.gaps), (RUN,))
        depot.commit(Change(work.now(), (made,)))


def _latest(work: _Work, depot: Depot) -> None:
    """The newest samples, found again when anything changed."""
    if not work.done:
        return
    found = SAMPLES.empty_table()
    for sealed in depot.manifest.of_kind("samples"):
        found = newest(found, read(depot.folder / sealed.path))
    known = tuple(each.path for each in depot.manifest.of_kind("latest"))
    if len(found):
        made = depot.write("latest", "latest/latest", found, (RUN,))
        depot.commit(Change(work.now(), (made,), tuple(path for path in known if path != made.path)))


def _names(path: Path) -> Iterator[Path]:
    yield path
    number = 1
    while True:
        number += 1
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")
