"""What a store holds and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from factory_kit.errors import Problem, StoreError
from factory_kit.i18n import N_
from factory_kit.store.catalogue import Catalogue, copy_of
from factory_kit.store.checked import Checks
from factory_kit.store.depot import LOST, strangers
from factory_kit.store.journal import Segment, read_segment, segment_paths
from factory_kit.store.lines import read_lines
from factory_kit.store.manifest import Manifest

__all__ = ["Status", "inspect", "survey"]

T = TypeVar("T")

NAMELESS = N_("{file}: does not know all points that have samples, up to {last}; put it back from a backup")
FOREIGN = N_("{file}: is not in the manifest and is not read; import it or take it out")


@dataclass(frozen=True, slots=True)
class Status:
    """The store at a glance; times are µs since 1970 UTC, None without samples."""

    files: int
    rows: int
    bytes: int
    first: int | None
    last: int | None
    journal_segments: int
    journal_rows: int
    journal_bytes: int
    points: int
    equipment: int
    runs: int
    writer: int | None
    """The number of the process that writes now."""
    problems: tuple[Problem, ...]


def survey(folder: Path, writer: int | None, checks: Checks) -> Status:
    """The state of the store at *folder*; damage is among the problems, it is not raised."""
    problems = tuple(inspect(folder, checks, full=False))
    manifest = _or_empty(Manifest.read, folder / "manifest.jsonl", Manifest())
    catalogue = _or_empty(Catalogue.read, folder / "catalogue.jsonl", Catalogue(folder))
    samples = manifest.of_kind("samples")
    paths = [path for path in segment_paths(folder / "journal") if path.name not in manifest.segments]
    segments = list(_readable(paths))
    return Status(
        files=len(samples),
        rows=sum(each.rows for each in samples),
        bytes=sum(each.size for each in manifest.files.values()),
        first=min((each.first for each in samples), default=None),
        last=max((each.last for each in samples), default=None),
        journal_segments=len(paths),
        journal_rows=sum(len(each.samples) for each in segments),
        journal_bytes=sum(each.scan.good_to for each in segments),
        points=len(catalogue.newest),
        equipment=len(catalogue.ledger),
        runs=len(catalogue.runs),
        writer=writer,
        problems=problems,
    )


def inspect(folder: Path, checks: Checks, *, full: bool) -> Iterator[Problem]:
    """Everything wrong with the store at *folder*: damaged, missing and foreign files."""
    try:
        manifest = Manifest.read(folder / "manifest.jsonl")
        catalogue = Catalogue.read(folder / "catalogue.jsonl")
        read_lines(copy_of(folder / "catalogue.jsonl"))
    except StoreError as error:
        yield _told(error)
        return
    last = max((each.point_to for each in manifest.of_kind("samples")), default=0)
    if last > catalogue.last_id:
        yield Problem(str(catalogue.path), 0, "", NAMELESS, {"file": catalogue.path, "last": last})
    for sealed in manifest.files.values():
        problem = checks.problem(sealed, full=full)
        if problem is not None and sealed.path in Manifest.read(folder / "manifest.jsonl").files:
            yield problem
    checks.save()
    yield from _journal(folder)
    yield from _strangers(folder)


def _journal(folder: Path) -> Iterator[Problem]:
    paths = segment_paths(folder / "journal")
    manifest = Manifest.read(folder / "manifest.jsonl")  # later: what was sealed in between is in it
    for path in paths:
        if path.name in manifest.segments:
            continue
        try:
            segment = read_segment(path)
        except FileNotFoundError:
            continue
        except StoreError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                yield _told(error)
            continue
        if segment.scan.damaged:
            yield Problem(
                str(path), 0, "", N_("{file}: part of the journal is damaged; run store repair"), {"file": path}
            )


def _strangers(folder: Path) -> Iterator[Problem]:
    """Files that are strangers at two looks: what a writer seals between looking at its files and at the manifest is none."""
    first = {problem.file: problem for problem in _strangers_now(folder)}
    second = _strangers_now(folder) if first else ()
    yield from (problem for problem in second if first.get(problem.file) == problem)


def _strangers_now(folder: Path) -> Iterator[Problem]:
    manifest = Manifest.read(folder / "manifest.jsonl")
    journal = set((folder / "journal").glob("*.seg")) - set(segment_paths(folder / "journal"))
    foreign = [(path, None) for path in sorted((*folder.glob("*.parquet"), *journal))]
    for path, lost in (*strangers(folder, manifest), *foreign):
        if lost:
            yield Problem(str(path), 0, "", LOST, {"file": path})
        elif lost is None:
            yield Problem(str(path), 0, "", FOREIGN, {"file": path})


def _readable(paths: list[Path]) -> Iterator[Segment]:
    for path in paths:
        try:
            yield read_segment(path)
        except (StoreError, FileNotFoundError):
            continue


def _or_empty(read: Callable[[Path], T], path: Path, empty: T) -> T:
    try:
        return read(path)
    except StoreError:
        return empty


def _told(error: StoreError) -> Problem:
    place = next((error.details[name] for name in ("file", "path", "folder") if name in error.details), "")
    return Problem(str(place), 0, "", error.message, error.details)
