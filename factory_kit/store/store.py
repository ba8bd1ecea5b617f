"""The store of a workspace: one folder, everything in it, for one writer and any number of readers."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from factory_kit.errors import FactoryKitError, Problem, StoreDamaged
from factory_kit.model.connector import Connector
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.site import Equipment, Operation
from factory_kit.store import lockdown
from factory_kit.store.catalogue import Catalogue, mend_copy
from factory_kit.store.checked import Checks
from factory_kit.store.columns import FIRST_TIME, LAST_TIME
from factory_kit.store.depot import Depot, clear_aside
from factory_kit.store.disk import Disk, told
from factory_kit.store.export import ExportForm, Wanted, clear, export
from factory_kit.store.formats import CsvFor, RowForm, pour, sink
from factory_kit.store.inspect import Status, inspect, survey
from factory_kit.store.journal import highest_points, segment_paths
from factory_kit.store.keeper import Keeper, compact_files, seal_segments
from factory_kit.store.lineage import Lineage, NamedFile
from factory_kit.store.lock import Lock
from factory_kit.store.manifest import Manifest
from factory_kit.store.repair import repair
from factory_kit.store.snapshot import Snapshot, take
from factory_kit.store.spill import clear_spill
from factory_kit.store.views import connection, table
from factory_kit.store.writer import Writer

__all__ = ["SealedFile", "Store"]

ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A sealed file as evidence names it: its path in the store, its rows, its sha256."""

    path: str
    rows: int
    sha256: str


def _system_clock() -> int:
    return time.time_ns() // 1000


class Store:
    """The store in *folder*; nothing is created before something is written. *now* gives the time in µs since 1970, UTC."""

    def __init__(self, folder: Path, *, disk: Disk | None = None, now: Callable[[], int] = _system_clock) -> None:
        self.folder = Path(folder)
        self._disk = disk or Disk()
        self._now = now
        self._lock = Lock(self.folder / "lock")
        self._catalogue: Catalogue | None = None
        self._checks: Checks | None = None
        self._depot: Depot | None = None
        self._writer: Writer | None = None
        self._work = threading.RLock()

    def register(self, points: Sequence[CataloguePoint]) -> list[int]:
        """The ids of *points*, the same ones as ever; what is new or changed is noted in the catalogue. ``StoreBusy``."""
        with self._writing():
            return self._known().register(self._disk, points, self._now(), self._highest_point)

    def describe(
        self, equipment: Sequence[Equipment], connectors: dict[str, Connector], operations: Sequence[Operation] = ()
    ) -> None:
        """The plant's ledger, its operations and the state mappings of its connectors, noted in the catalogue. ``StoreBusy``."""
        with self._writing():
            self._known().describe(self._disk, equipment, connectors, operations, self._now())

    @contextlib.contextmanager
    def writer(self, run: Run, *, commit_s: float = 1.0) -> Iterator[Writer]:
        """The one writer of the store, for *run*; beside it full parts of the journal are sealed and merged, the rest at the end.

        ``StoreBusy`` when another one writes.
        """
        with self._writing():
            catalogue = self._known()
            catalogue.begin(self._disk, run)
            journal = self.folder / "journal"
            self._disk.make_folder(journal)
            self._writer = Writer(
                self._disk,
                journal,
                run,
                self._next_number(),
                last_point=lambda: catalogue.last_id,
                now=self._now,
                commit_s=commit_s,
            )
            keeper = Keeper(lambda: self._keep(lambda: keeper.stopping))
            self._writer.wake = keeper.wake
            try:
                yield self._writer
            except BaseException as error:
                with _noted(error):
                    self._finish(run, keeper)
                raise
            self._finish(run, keeper)

    def seal(self) -> None:
        """The journal becomes sealed files; again after a crash it does nothing twice. ``StoreBusy``, ``StoreFull``, ``StoreDamaged``."""
        if not segment_paths(self.folder / "journal") and not list(self.folder.rglob("*.tmp")):
            return
        with self._writing():
            if self._writer is not None:
                self._writer.roll()
            self._seal(lambda: False)

    def compact(self) -> int:
        """Small files are merged, by day or hour, and roll-ups made; how many places were. ``StoreBusy``, ``StoreFull``, ``StoreDamaged``."""
        if not self.folder.is_dir():
            return 0
        with self._writing(), self._work:
            return compact_files(self._open_depot(), self._checked(), self._now, lambda: False, everything=True)

    def connect(self, threads: int | None = None) -> Any:
        """A DuckDB connection with the views over all sealed files and the unsealed journal, as of now.

        ``StoreDamaged`` when a file is not what it was.
        """
        return _connected(self._snapshot(), threads)

    @contextlib.contextmanager
    def proven(self, start: int = FIRST_TIME, end: int = LAST_TIME + 1) -> Iterator[Any]:
        """Like ``connect``, for what is made of samples of [*start*, *end*) (µs, UTC) and kept. ``StoreDamaged``.

        At the end every file that can have been read is compared with its sha256 once more.
        """
        snapshot = self._snapshot()
        with _connected(snapshot) as con:
            yield con
        used = [each for each in snapshot.manifest.files.values() if each.kind not in ("samples", "rollup")]
        used += snapshot.manifest.overlapping(start, end - 1)
        gone = self._manifest().removed
        self._checked().require((each for each in used if each.path not in gone), full=True)

    def query(self, sql: str, most: int | None = None, seconds: float = 0) -> pa.Table:
        """The answer to one SELECT of a user over the views, its first *most* rows; ``QueryError`` for anything else, or when it fails.

        Ctrl-C ends it at once; so does the end of *seconds*, where they are not 0.
        """
        at_once = min(most or ROWS_AT_ONCE, ROWS_AT_ONCE)
        with self._asked(sql) as con:
            return lockdown.answer(con, sql, lambda reader: lockdown.first_rows(reader, most), at_once, seconds)

    def query_into(
        self, sql: str, file: IO[bytes], form: RowForm, *, csv_for: CsvFor, most: int | None = None, seconds: float = 0
    ) -> tuple[int, bool]:
        """Like ``query``, the rows into *file* as they come, however many; how many, and whether there were more than *most*."""

        def write(reader: pa.RecordBatchReader) -> tuple[int, bool]:
            to = sink(form, file, reader.schema, csv_for)
            done = pour(reader, to, most)
            to.close()
            return done

        with self._asked(sql) as con:
            return lockdown.answer(con, sql, write, ROWS_AT_ONCE, seconds)

    @contextlib.contextmanager
    def _asked(self, sql: str) -> Iterator[Any]:
        """A connection for the *sql* of a user, locked down."""
        lockdown.check(sql)
        snapshot = self._snapshot()
        with _connected(snapshot) as con:
            manifest = snapshot.manifest
            readable = [*manifest.of_kind("samples"), *manifest.of_kind("rollup")]
            lockdown.lock(con, self.folder, (each.path for each in readable))
            yield con

    @contextlib.contextmanager
    def locked(self, sql: str, tables: Mapping[str, pa.Table], out: Path, memory_mib: int) -> Iterator[Any]:
        """A connection for a reviewed or a user's *sql*, locked down as for ``query``, with *tables* of the caller beside the views.

        It may write the one file *out* (given to ``COPY`` by the caller, never by *sql*) and takes at most *memory_mib*. ``QueryError``
        when *sql* is more than one SELECT over views, ``StoreDamaged``.
        """
        lockdown.check(sql)
        snapshot = self._snapshot()
        with _connected(snapshot) as con:
            for name, rows in tables.items():
                table(con, name, rows)
            manifest = snapshot.manifest
            readable = [each.path for each in (*manifest.of_kind("samples"), *manifest.of_kind("rollup"))]
            lockdown.lock(con, self.folder, [*readable, str(out)], memory_mib)
            yield con

    def files(self, start: int, end: int) -> list[SealedFile]:
        """The sealed files with samples of [*start*, *end*) (µs, UTC), each read and found right just now.

        ``StoreDamaged`` otherwise. Samples still in the journal are in none: seal first.
        """
        found = self._manifest().overlapping(start, end - 1)
        self._checked().require(found, full=True)
        return [SealedFile(each.path, each.rows, each.sha256) for each in found]

    def lost(self, files: Iterable[NamedFile]) -> list[str]:
        """The paths of those of *files* that are neither here nor were merged into files that are; empty when all samples are."""
        return Lineage.read(self.folder / "manifest.jsonl").lost(files)

    def export(self, target: Path, form: ExportForm, wanted: Wanted | None = None) -> int:
        """What is *wanted* of the samples, and the other views, for other programs at *target*; how many samples.

        ``csv`` and ``parquet`` make a folder, ``xlsx`` and ``duckdb`` a file. ``UsageError`` when *target* is there already or Excel
        cannot hold so much, ``StoreFull``, ``StoreDamaged``; then nothing is left at *target*.
        """
        wanted = wanted or Wanted()
        made = False
        try:
            with self.proven(wanted.start, wanted.end) as con:
                samples = export(con, Path(target), form, wanted)
                made = True
        except StoreDamaged:
            if made:
                clear(Path(target))
            raise
        return samples

    def status(self) -> Status:
        """What the store holds and what is wrong with it, at a glance: sealed files are checked only where they look touched."""
        return survey(self.folder, self._lock.holder(), self._checked())

    def verify(self) -> tuple[Problem, ...]:
        """Everything that is wrong with the store, every byte of every file read; empty when all is right."""
        return tuple(inspect(self.folder, self._checked(), full=True))

    def repair(self) -> tuple[Problem, ...]:
        """Make the store whole again; what was done. Damaged files go to ``quarantine/``, what is lost is noted as gaps. ``StoreBusy``."""
        if not self.folder.is_dir():
            return ()
        with self._writing(repairing=True):
            done = repair(self._disk, self.folder, self._now)
            clear_aside(self._disk, self.folder, self._manifest())  # what a cut off sealing left is made again just now
            self._catalogue = None
            self._depot = None
            self._seal(lambda: False)
        return done

    def _finish(self, run: Run, keeper: Keeper) -> None:
        """Close the journal first, whatever comes: what is in it is safe."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
        finally:
            keeper.stop()
        self._known().end(self._disk, run.id, self._now())
        self._seal(lambda: False)

    def _keep(self, stopped: Callable[[], bool]) -> None:
        """What the keeper does."""
        self._seal(stopped)
        with self._work:
            compact_files(self._open_depot(), self._checked(), self._now, stopped)

    def _seal(self, stopped: Callable[[], bool]) -> None:
        writer = self._writer
        with self._work:
            seal_segments(
                self._open_depot(),
                self._checked(),
                self._now,
                lambda path: writer is None or writer.sealable(path),
                stopped,
            )

    def _open_depot(self) -> Depot:
        if self._depot is None:
            self._depot = Depot(self._disk, self.folder, self._manifest())
        return self._depot

    def _snapshot(self) -> Snapshot:
        self._require_folder()
        snapshot = take(self.folder)
        self._checked().require(snapshot.manifest.files.values())
        return snapshot

    def _require_folder(self) -> None:
        if not self.folder.is_dir():
            raise StoreDamaged("{folder}: there is no store yet; collect or import first", folder=self.folder)

    @contextlib.contextmanager
    def _writing(self, *, repairing: bool = False) -> Iterator[None]:
        """Hold the lock; a call inside another one of this store shares it."""
        if self._lock.held:
            yield
            return
        with told(self.folder):
            self._disk.make_folder(self.folder)
            self._lock.acquire()
        self._catalogue = None
        self._depot = None
        try:
            if not repairing:
                mend_copy(self._disk, self.folder / "catalogue.jsonl")
                clear_aside(self._disk, self.folder, self._manifest())
                clear_spill(self.folder)
            yield
        finally:
            self._lock.release()

    def _known(self) -> Catalogue:
        if self._catalogue is None:
            self._catalogue = Catalogue.read(self.folder / "catalogue.jsonl")
        return self._catalogue

    def _manifest(self) -> Manifest:
        return Manifest.read(self.folder / "manifest.jsonl")

    def _checked(self) -> Checks:
        if self._checks is None:
            self._checks = Checks(self.folder)
        return self._checks

    def _highest_point(self) -> int:
        """The highest number of a point that has samples, whatever the catalogue still knows."""
        unsealed = [top for path in segment_paths(self.folder / "journal") for top in highest_points(path)]
        sealed = [each.point_to for each in self._manifest().files.values()]  # later: what was sealed meanwhile is here
        return max((*sealed, *unsealed), default=0)

    def _next_number(self) -> int:
        used = [path.name for path in segment_paths(self.folder / "journal")] + list(self._manifest().segments)
        numbers = [name.partition("-")[0] for name in used]
        return max((int(number) for number in numbers if number.isdecimal()), default=0) + 1


def _connected(snapshot: Snapshot, threads: int | None = None) -> Any:
    """The views of *snapshot*; ``StoreDamaged`` when a file rotted after it was last compared."""
    import duckdb  # noqa: PLC0415 - only for who asks: a collection never does

    try:
        return connection(snapshot, threads)
    except (duckdb.Error, ValueError, pa.ArrowException) as error:
        reason = " ".join(str(error).partition("\n\nLINE")[0].split())
        raise StoreDamaged("{folder}: {reason}; run store verify", folder=snapshot.folder, reason=reason) from error


@contextlib.contextmanager
def _noted(error: BaseException) -> Iterator[None]:
    """What fails while *error* is on its way is told beside it, not in its place."""
    try:
        yield
    except FactoryKitError as second:
        error.add_note(str(second))
