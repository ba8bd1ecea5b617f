"""Framed records of the journal: what is read back is exactly what was written, or is known not to be.

A segment file is ``MAGIC, identity (8 bytes)`` and frames; a frame is little-endian ``mark (4 bytes), kind u8, pad (3 bytes),
length u32, number u32, synced u64, pad (4 bytes), crc32c u32, payload``; all lengths are
multiples of 8, so that Arrow reads its columns where they lie. The checksum covers the identity of the segment, the header and the
payload, so a frame of another file never passes. ``synced`` is the length of the file known to be on the disk when the frame was
written: a bad stretch below it is damage, one above it is the torn end that a power cut leaves.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import google_crc32c

__all__ = ["MAX_PAYLOAD", "PREFIX", "Frame", "Kind", "Payload", "Scan", "encode", "pieces", "prefix", "scan"]

MAGIC = b"FKJRNL\x00\x01"
MARK = b"\xf5FK\n"
HEADER = struct.Struct("<4sB3xIIQ4x")
CRC = struct.Struct("<I")
OVERHEAD = HEADER.size + CRC.size
PREFIX = len(MAGIC) + 8
MAX_PAYLOAD = 1 << 30
PIECE = 1 << 16
Payload = bytes | memoryview | Sequence[bytes | memoryview]
"""The content of a frame, in one piece or in several that follow each other."""
KINDS = frozenset({1, 2, 3, 4, 5, 6})


class Kind(IntEnum):
    """What a payload holds."""

    SEGMENT = 1
    SAMPLES = 2
    GAP = 3
    LOSS = 4
    COMMIT = 5
    END = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """One record as read; ``start`` and ``end`` are its place in the file."""

    kind: Kind
    number: int
    synced: int
    payload: memoryview
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scan:
    """All whole frames of a segment, the stretches that are none, and whether one of those had been on the disk."""

    frames: tuple[Frame, ...]
    bad: tuple[tuple[int, int], ...]
    damaged: bool

    @property
    def complete(self) -> bool:
        """Whether the segment was closed and nothing of it is missing."""
        return not self.bad and bool(self.frames) and self.frames[-1].kind is Kind.END

    @property
    def good_to(self) -> int:
        """The length up to which the file is whole."""
        return self.bad[0][0] if self.bad else (self.frames[-1].end if self.frames else 0)


def prefix(identity: bytes) -> bytes:
    """The first bytes of a segment file."""
    return MAGIC + identity


def encode(identity: bytes, kind: Kind, number: int, synced: int, payload: Payload) -> bytes:
    """One frame, ready to be appended; a text is filled up with blanks."""
    return b"".join(pieces(identity, kind, number, synced, payload))


def pieces(identity: bytes, kind: Kind, number: int, synced: int, payload: Payload) -> list[bytes | memoryview]:
    """What ``encode`` puts together, to be appended one after the other: a big payload is not copied for it."""
    parts: list[bytes | memoryview] = [payload] if isinstance(payload, bytes | memoryview) else list(payload)
    length = sum(len(part) for part in parts)
    if length % 8:
        parts.append(b" " * (-length % 8))
        length += -length % 8
    header = HEADER.pack(MARK, kind, length, number, synced)
    return [header + CRC.pack(_checksum(identity, header, *parts)), *parts]


def scan(data: bytes, identity: bytes) -> Scan:
    """Every whole frame of a segment file, looking for the next one behind each bad stretch.

    A file without the right first bytes is one bad stretch: the name is given only to files whose first bytes are on the disk.
    """
    view = memoryview(data)
    if bytes(view[:PREFIX]) != prefix(identity):
        return Scan((), ((0, len(view)),), damaged=True)
    frames = tuple(_frames(data, view, identity))
    bad = tuple(_between(frames, len(view)))
    synced = max((frame.synced for frame in frames), default=PREFIX)
    numbers = [frame.number for frame in frames]
    lost = bad and bad[0][0] < synced
    return Scan(frames, bad, damaged=bool(lost) or (not bad and numbers != list(range(len(numbers)))))


def _frames(data: bytes, view: memoryview, identity: bytes) -> Iterator[Frame]:
    at = PREFIX
    while at + OVERHEAD <= len(view):
        frame = _frame(view, at, identity)
        if frame is not None:
            yield frame
            at = frame.end
            continue
        at = data.find(MARK, at + 1)
        if at < 0:
            return


def _frame(view: memoryview, at: int, identity: bytes) -> Frame | None:
    header = view[at : at + HEADER.size]
    mark, kind, length, number, synced = HEADER.unpack(header)
    end = at + OVERHEAD + length
    if mark != MARK or length > MAX_PAYLOAD or end > len(view) or kind not in KINDS:
        return None
    payload = view[at + OVERHEAD : end]
    (expected,) = CRC.unpack(view[at + HEADER.size : at + OVERHEAD])
    if _checksum(identity, header, payload) != expected:
        return None
    return Frame(Kind(kind), number, synced, payload, at, end)


def _between(frames: tuple[Frame, ...], length: int) -> Iterator[tuple[int, int]]:
    at = PREFIX
    for frame in frames:
        if frame.start > at:
            yield at, frame.start
        at = frame.end
    if length > at:
        yield at, length


def _checksum(identity: bytes, header: bytes | memoryview, *parts: bytes | memoryview) -> int:
    checksum: int = google_crc32c.value(identity + bytes(header))
    for part in parts:
        view = memoryview(part)
        for start in range(0, len(view), PIECE):  # the library takes only bytes; small copies stay in the cache
            checksum = google_crc32c.extend(checksum, bytes(view[start : start + PIECE]))
    return checksum
