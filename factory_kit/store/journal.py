"""The journal: what arrives is appended to segment files and flushed by interval; a crash loses at most the interval."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factory_kit.errors import StoreDamaged, StoreError, StoreFull
from factory_kit.model.run import Gap, LossEntry, Run
from factory_kit.model.sample import Origin
from factory_kit.store.columns import from_payload, stamped
from factory_kit.store.disk import Disk, told
from factory_kit.store.frames import MAGIC, PREFIX, Frame, Kind, Payload, Scan, encode, pieces, prefix, scan
from factory_kit.store.lines import newer

__all__ = ["Segment", "SegmentWriter", "highest_points", "open_segments", "read_segment", "segment_paths"]

SUFFIX = ".seg"
BIG = 1 << 16
"""Pieces of a frame from this size on are written where they lie."""


class SegmentWriter:
    """One growing segment file of one run; safe for one appending and one committing thread."""

    def __init__(self, disk: Disk, folder: Path, number: int, run: Run) -> None:
        self._identity = os.urandom(8)
        self.path = folder / f"{number:09d}-{self._identity.hex()}{SUFFIX}"
        self._number = 0
        self.synced = 0
        self._fresh = False
        self._appending = threading.Lock()
        self._committing = threading.Lock()
        with told(self.path):
            self._begin(disk, folder, run)
            self._file = disk.append(self.path)
        self.synced = self._file.size

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.size

    def append(self, kind: Kind, payload: Payload) -> None:
        """One more record; nothing of it stays when the disk is full (``StoreFull``)."""
        with self._appending:
            self._write(kind, payload)
            self._fresh = True

    def mark(self) -> tuple[int, int]:
        """The present end, for ``back_to``."""
        return self._file.size, self._number

    def back_to(self, mark: tuple[int, int]) -> None:
        """Records appended after *mark* go, unless some of them are on the disk already."""
        with self._committing, self._appending:
            if self.synced <= mark[0]:
                self._file.cut(mark[0])
                self._number = mark[1]

    def commit(self) -> None:
        """Everything appended before the call survives a power cut; a mark behind it says that it was once on the disk."""
        with self._committing:
            with self._appending:
                size, fresh, self._fresh = self._file.size, self._fresh, False
            if not fresh or self._file.closed:
                return
            try:
                with told(self.path):
                    self._file.sync()
            except BaseException:
                self._fresh = True
                raise
            self.synced = size
            with contextlib.suppress(StoreFull), self._appending:
                self._write(Kind.COMMIT, b"")

    def close(self) -> None:
        """Commit, mark the end, and give the file back; a full disk only leaves the mark out."""
        try:
            self.commit()
            with contextlib.suppress(StoreFull):
                self.append(Kind.END, b"")
            self.commit()
        finally:
            with self._committing:
                self._file.close()

    def _write(self, kind: Kind, payload: Payload) -> None:
        frame = pieces(self._identity, kind, self._number, self.synced, payload)
        before = self._file.size
        big = [part for part in frame if len(part) >= BIG]
        with told(self.path):
            try:
                for part in frame if big else [b"".join(frame)]:
                    self._file.write(part)
            except OSError:
                self._file.cut(before)
                raise
        self._number += 1

    def _begin(self, disk: Disk, folder: Path, run: Run) -> None:
        """The name is given only to a file whose beginning is on the disk."""
        aside = self.path.with_suffix(".tmp")
        file = disk.create(aside)
        try:
            file.write(prefix(self._identity))
            for number in range(2):  # twice, so that damage to one of them loses nothing
                file.write(encode(self._identity, Kind.SEGMENT, number, 0, json.dumps(asdict(run)).encode()))
            file.sync()
        finally:
            file.close()
        self._number = 2
        disk.replace(aside, self.path)
        disk.sync_folder(folder)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as read: its run, what is in it, and whether it is whole."""

    path: Path
    run: Run
    scan: Scan
    records: list[pa.RecordBatch]
    """The samples in the order in which they arrived, where they lie in what was read."""
    gaps: list[Gap]
    losses: list[LossEntry]

    @property
    def name(self) -> str:
        """The name of the file, never used again."""
        return self.path.name

    @property
    def samples(self) -> pa.Table:
        """The samples in the order in which they arrived, copied together."""
        return stamped(self.records, self.run.origin, self.run.id)

    def emptied(self) -> Segment:
        """All but the samples, so that the bytes of the file can go."""
        return replace(self, records=[], scan=Scan((), (), damaged=self.scan.damaged))


def segment_paths(folder: Path) -> list[Path]:
    """The segment files of a journal, oldest first."""
    with told(folder):
        return sorted(path for path in folder.glob(f"[0-9]*-*{SUFFIX}") if path.is_file()) if folder.is_dir() else []


def open_segments(paths: Sequence[Path]) -> list[Segment]:
    """The segments at *paths*; ``StoreDamaged`` when what had been on the disk is no longer whole."""
    segments = []
    for path in paths:
        segment = read_segment(path)
        if segment.scan.damaged:
            start, end = segment.scan.bad[0] if segment.scan.bad else (0, 0)
            raise StoreDamaged(
                "{file}: bytes {start} to {end} are damaged, expected whole records; run store repair",
                file=path,
                start=start,
                end=end,
            )
        segments.append(segment)
    return segments


def read_segment(path: Path) -> Segment:
    """All that can be read of a segment. ``FileNotFoundError`` when it was sealed meanwhile."""
    with told(path):
        data = path.read_bytes()
    result = scan(data, _identity(path))
    if not result.frames and _is_newer(data, _identity(path)):
        raise newer(path)
    run = _run(result.frames)
    by_kind: dict[Kind, list[Frame]] = {kind: [] for kind in Kind}
    for frame in result.frames:
        by_kind[frame.kind].append(frame)
    buffer = pa.py_buffer(data)
    samples = [_record_batch(buffer, frame) for frame in by_kind[Kind.SAMPLES]]
    return Segment(
        path,
        run,
        result,
        samples,
        [Gap(**entry) for frame in by_kind[Kind.GAP] for entry in _entries(frame)],
        [LossEntry(**entry) for frame in by_kind[Kind.LOSS] for entry in _entries(frame)],
    )


def highest_points(path: Path) -> list[int]:
    """The highest point of each record of a segment; none when it was sealed meanwhile."""
    try:
        return [pc.max(record["point"]).as_py() for record in read_segment(path).records]
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return []
        raise


def _is_newer(data: bytes, identity: bytes) -> bool:
    """Whether the first bytes name a later form, and nothing behind them is of ours: then they are not damaged."""
    return (
        data[:7] == MAGIC[:7] and data[7:8] > MAGIC[7:] and not scan(prefix(identity) + data[PREFIX:], identity).frames
    )


def _identity(path: Path) -> bytes:
    try:
        return bytes.fromhex(path.stem.partition("-")[2])
    except ValueError:
        return b""


def _record_batch(data: pa.Buffer, frame: Frame) -> pa.RecordBatch:
    start = frame.end - len(frame.payload)
    return from_payload(data.slice(start, len(frame.payload)))


def _entries(frame: Frame) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(bytes(frame.payload))
    return entries


def _run(frames: Sequence[Frame]) -> Run:
    for frame in frames:
        if frame.kind is Kind.SEGMENT:
            entry = json.loads(bytes(frame.payload))
            return Run(**{**entry, "origin": Origin(entry["origin"])})
    return Run("", 0, Origin.IMPORTED, "real", "")
