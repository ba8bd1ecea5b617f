"""The one writer of a store: samples, gaps and losses of one run into the journal, flushed to the disk by interval."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from factory_kit.errors import StoreError, StoreFull
from factory_kit.model.run import Gap, LossEntry, Run
from factory_kit.model.sample import SampleBatch
from factory_kit.store.columns import from_batch, to_payload
from factory_kit.store.disk import Disk
from factory_kit.store.frames import MAX_PAYLOAD, Kind
from factory_kit.store.journal import SegmentWriter, segment_paths
from factory_kit.store.lines import flat

__all__ = ["Writer"]

SEGMENT_BYTES = 256 << 20
SEGMENT_ROWS = 250_000
"""Sealing holds a segment in memory twice."""
RECORD_ROWS = 1_000_000
HOUR = 3_600_000_000
BACKLOG = 32
"""Full segments waiting to be sealed at which the pressure is 1."""

SLOW_S = 0.5
"""Duration of an append at which the pressure is 1."""


class Writer:
    """Appends to the journal; made by ``Store.writer``.

    ``append`` returns when the operating system has the samples; they survive a power cut after ``commit_s`` seconds or
    ``flush``. A full disk raises ``StoreFull`` and keeps nothing of that call; appending the same again later is safe.
    """

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        run: Run,
        first_number: int,
        *,
        last_point: Callable[[], int],
        now: Callable[[], int],
        commit_s: float = 1.0,
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._run = run
        self._next_number = first_number
        self._last_point = last_point
        self._now = now
        self._appending = threading.RLock()
        self._closing_one = threading.RLock()
        self._ending = threading.Event()
        self._failed: StoreError | None = None
        self._slowness = 0.0
        self._written = 0
        self.rows_written = 0
        self.wake: Callable[[], None] = lambda: None
        """Called when a segment is ready to be sealed."""
        self._spare: SegmentWriter | None = None
        self._closing: list[SegmentWriter] = []
        self._closed: set[str] = set()
        self._segment = self._open()
        self._first_name = self._segment.path.name
        self._rows = 0
        self._hour = now() // HOUR
        self._committer = threading.Thread(
            target=self._commit_by_interval, args=(commit_s,), name="store-commit", daemon=True
        )
        self._committer.start()

    @property
    def bytes_written(self) -> int:
        """Bytes this writer has put into the journal."""
        return self._written + self._segment.size

    @property
    def pressure(self) -> float:
        """How hard pressed the store is: 0 at ease, from 1 on slow down reading, so that nothing has to be dropped later."""
        waiting = sum(self.sealable(path) for path in segment_paths(self._folder))
        return max(waiting / BACKLOG, self._slowness / SLOW_S)

    def append(self, batch: SampleBatch) -> None:
        """*batch* in the journal, whole or not at all. ``StoreFull``; ``StoreError`` for what cannot be kept."""
        self._raise_failure()
        if not len(batch):
            return
        self._check_points(batch)
        record = from_batch(batch)
        started = time.perf_counter()
        with self._appending:
            self._put_all(record)
        self._slowness = 0.9 * self._slowness + 0.1 * (time.perf_counter() - started)

    def gap(self, gap: Gap) -> None:
        """A stretch without values, noted."""
        self._note(Kind.GAP, [flat(gap)])

    def loss(self, entry: LossEntry | Sequence[LossEntry]) -> None:
        """One or many entries of the loss ledger; a later one for the same point replaces the earlier."""
        entries = [entry] if isinstance(entry, LossEntry) else entry
        self._note(Kind.LOSS, [flat(each) for each in entries])

    def flush(self) -> None:
        """Everything so far survives a power cut."""
        with self._appending:
            waiting = [*self._closing, self._segment]
        for segment in waiting:
            segment.commit()
        self._raise_failure()

    def roll(self) -> None:
        """A new segment begins, so that the old one can be sealed."""
        with self._appending:
            self._roll()
        self._close_full()

    def sealable(self, path: Path) -> bool:
        """Whether the segment at *path* is whole: one of an earlier run, or one this writer has closed."""
        return path.name in self._closed or path.name < self._first_name

    def close(self) -> None:
        """The journal ends here; everything is on the disk."""
        self._ending.set()
        self._committer.join()
        self._close_full()
        with self._appending:
            self._segment.close()
            if self._spare is not None:
                self._spare.close()

    def _put_all(self, record: pa.RecordBatch) -> None:
        """All of *record* or, when the disk is full, nothing."""
        before, rows = self._segment.mark(), self._rows
        try:
            for start in range(0, len(record), RECORD_ROWS):
                self._put(record.slice(start, RECORD_ROWS))
        except StoreError:
            self._segment.back_to(before)
            self._rows = rows
            raise
        self.rows_written += len(record)
        if self._segment.size >= SEGMENT_BYTES or self._rows >= SEGMENT_ROWS:
            with contextlib.suppress(StoreFull):  # what was appended is safe; the next append tries again
                self._roll()

    def _put(self, record: pa.RecordBatch) -> None:
        if record.nbytes > MAX_PAYLOAD // 2:
            if len(record) == 1:
                raise StoreError("a sample of {size} bytes is too big for the journal", size=record.nbytes)
            half = len(record) // 2
            self._put(record.slice(0, half))
            self._put(record.slice(half))
            return
        self._segment.append(Kind.SAMPLES, to_payload(record))
        self._rows += len(record)

    def _note(self, kind: Kind, entries: list[dict[str, object]]) -> None:
        self._raise_failure()
        with self._appending:
            self._segment.append(kind, json.dumps(entries).encode())

    def _check_points(self, batch: SampleBatch) -> None:
        point = np.asarray(batch.point)
        last = self._last_point()
        if point.min() < 1 or point.max() > last:
            stranger = int(point[(point < 1) | (point > last)][0])
            raise StoreError(
                "point {point}: not in the catalogue; register it before writing its samples", point=stranger
            )

    def _roll(self) -> None:
        fresh, self._spare = self._spare or self._open(), None
        self._closing.append(self._segment)
        self._written += self._segment.size
        self._segment = fresh
        self._rows = 0
        self._hour = self._now() // HOUR

    def _open(self) -> SegmentWriter:
        with self._appending:
            number, self._next_number = self._next_number, self._next_number + 1
        return SegmentWriter(self._disk, self._folder, number, self._run)

    def _commit_by_interval(self, commit_s: float) -> None:
        while not self._ending.wait(commit_s):
            try:
                self._segment.commit()
                self._prepare()
                self._close_full()
            except StoreError as error:
                self._failed = error

    def _prepare(self) -> None:
        """The next segment is opened before it is needed, and a new hour begins a new one."""
        with self._appending:
            if self._rows and self._now() // HOUR != self._hour:
                self._roll()
            current = self._segment
            need = self._spare is None and self._rows * 2 >= SEGMENT_ROWS
        if not need:
            return
        with contextlib.suppress(StoreFull):
            spare = self._open()
            with self._appending:
                if self._segment is current:
                    self._spare = spare
                else:  # another one was opened meanwhile: numbers are the order in which segments are sealed
                    self._closing.append(spare)

    def _close_full(self) -> None:
        """Full segments are closed here, so that no append waits for it; by one thread at a time."""
        with self._closing_one:
            with self._appending:
                full = list(self._closing)
            for segment in full:
                segment.close()
                with self._appending:
                    self._closing.remove(segment)
                    self._closed.add(segment.path.name)
        if full:
            self.wake()

    def _raise_failure(self) -> None:
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
