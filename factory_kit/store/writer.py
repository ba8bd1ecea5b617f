"""The one writer of a store: samples, gaps and losses of one run into the journal, flushed to the disk by interval."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from factory_kit.errors import StoreError
from factory_kit.model.run import Gap, LossEntry, Run
from factory_kit.model.sample import SampleBatch
from factory_kit.store.columns import from_batch
from factory_kit.store.disk import Disk
from factory_kit.store.frames import MAX_PAYLOAD, Kind
from factory_kit.store.journal import SegmentWriter

__all__ = ["Writer"]

SEGMENT_BYTES = 256 << 20
SEGMENT_ROWS = 4_000_000
RECORD_ROWS = 1_000_000


class Writer:
    """Appends to the journal; made by ``Store.writer``.

    ``append`` returns when the operating system has the samples; they survive a power cut after ``commit_s`` seconds or
    ``flush``. A full disk raises ``StoreFull`` and keeps nothing of that call; appending again later is safe.
    """

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        run: Run,
        *,
        next_number: Callable[[], int],
        last_point: Callable[[], int],
        commit_s: float = 1.0,
    ) -> None:
        self._disk = disk
        self._folder = folder
        self._run = run
        self._next_number = next_number
        self._last_point = last_point
        self._appending = threading.Lock()
        self._closing = threading.Event()
        self._failed: StoreError | None = None
        self._written = 0
        self.rows_written = 0
        self._segment_rows = 0
        self._segment = self._open()
        self._committer = threading.Thread(target=self._commit_by_interval, args=(commit_s,), daemon=True)
        self._committer.start()

    @property
    def bytes_written(self) -> int:
        """Bytes this writer has put into the journal."""
        return self._written + self._segment.size

    def append(self, batch: SampleBatch) -> None:
        """*batch* in the journal, whole or not at all."""
        self._raise_failure()
        if not len(batch):
            return
        self._check_points(batch)
        record = from_batch(batch)
        with self._appending:
            for start in range(0, len(record), RECORD_ROWS):
                self._put(record.slice(start, RECORD_ROWS))
            self._roll_when_full()

    def gap(self, gap: Gap) -> None:
        """A stretch without values, noted."""
        self._note(Kind.GAP, [asdict(gap)])

    def loss(self, entry: LossEntry | Sequence[LossEntry]) -> None:
        """One or many entries of the loss ledger; a later one for the same point replaces the earlier."""
        entries = [entry] if isinstance(entry, LossEntry) else entry
        self._note(Kind.LOSS, [asdict(each) for each in entries])

    def flush(self) -> None:
        """Everything so far survives a power cut."""
        self._segment.commit()
        self._raise_failure()

    def roll(self) -> None:
        """A new segment begins, so that the old one can be sealed."""
        with self._appending:
            self._roll()

    def close(self) -> None:
        """The journal ends here; everything is on the disk."""
        self._closing.set()
        self._committer.join()
        with self._appending:
            self._segment.close()

    def _put(self, record: pa.RecordBatch) -> None:
        payload = record.serialize()
        if payload.size > MAX_PAYLOAD:
            if len(record) == 1:
                raise StoreError("a sample of {size} bytes is too big for the journal", size=payload.size)
            half = len(record) // 2
            self._put(record.slice(0, half))
            self._put(record.slice(half))
            return
        self._segment.append(Kind.SAMPLES, memoryview(payload))
        self._segment_rows += len(record)
        self.rows_written += len(record)

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

    def _roll_when_full(self) -> None:
        if self._segment.size >= SEGMENT_BYTES or self._segment_rows >= SEGMENT_ROWS:
            self._roll()

    def _roll(self) -> None:
        fresh = self._open()
        old, self._segment = self._segment, fresh
        self._written += old.size
        self._segment_rows = 0
        old.close()

    def _open(self) -> SegmentWriter:
        return SegmentWriter(self._disk, self._folder, self._next_number(), self._run)

    def _commit_by_interval(self, commit_s: float) -> None:
        while not self._closing.wait(commit_s):
            try:
                self._segment.commit()
            except StoreError as error:
                self._failed = error

    def _raise_failure(self) -> None:
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
