"""The zip frame of a sealed file: the one sequence of header bytes that its names, sizes and checksums allow.

Nothing is compressed, no time, comment or attribute varies, so that every byte of the file is either content or can be
computed from the directory; a reader computes it and compares. Layout and fields: PKWARE APPNOTE.TXT 6.3.10, 4.3.7
(local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (end records), 4.5.3 (ZIP64, used only where needed).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from factory_kit.errors import Altered

__all__ = ["TAIL_MOST", "Entry", "Tail", "end_records", "parse_directory", "parse_tail"]

FULL16 = 0xFFFF
FULL32 = 0xFFFF_FFFF
"""What the short fields hold when the value stands in a ZIP64 field."""
MOST16, MOST32 = FULL16, FULL32
"""From here on values stand in ZIP64 fields; tests set them lower."""
PLAIN, ZIP64 = 20, 45
"""Version needed to extract: 2.0, and 4.5 where ZIP64 fields are used."""
UNIX = 3 << 8
UTF8_NAMES = 0x0800
STORED = 0
MIDNIGHT, FIRST_DAY = 0x0000, 0x0021
"""1980-01-01 00:00, the first moment zip can tell."""
REGULAR_FILE = 0o100644 << 16

LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
END64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR = struct.Struct("<4sLQL")
TAIL_MOST = END64.size + LOCATOR.size + END.size


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a container: name, size in bytes, CRC-32, and where its local header starts."""

    name: str
    size: int
    crc32: int
    start: int

    @property
    def data_start(self) -> int:
        """Where the content starts."""
        return self.start + LOCAL.size + len(self.name.encode()) + (20 if self.size >= MOST32 else 0)

    @property
    def end(self) -> int:
        """Where the next entry or the directory starts."""
        return self.data_start + self.size

    def local_header(self) -> bytes:
        """The bytes before the content."""
        name, extra = self.name.encode(), _extra(self.size, self.size) if self.size >= MOST32 else b""
        shown = _short(self.size)
        return (
            LOCAL.pack(
                b"PK\3\4", ZIP64 if extra else PLAIN, UTF8_NAMES, STORED, MIDNIGHT, FIRST_DAY,
                self.crc32, shown, shown, len(name), len(extra),
            )
            + name
            + extra
        )  # fmt: skip

    def directory_record(self) -> bytes:
        """The bytes of this entry in the central directory."""
        name = self.name.encode()
        large = ((self.size, self.size) if self.size >= MOST32 else ()) + (
            (self.start,) if self.start >= MOST32 else ()
        )
        extra, shown = _extra(*large) if large else b"", _short(self.size)
        version = ZIP64 if extra else PLAIN
        return (
            CENTRAL.pack(
                b"PK\1\2", UNIX | version, version, UTF8_NAMES, STORED, MIDNIGHT, FIRST_DAY,
                self.crc32, shown, shown, len(name), len(extra), 0, 0, 0, REGULAR_FILE, _short(self.start),
            )
            + name
            + extra
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tail:
    """What the end records say: number of entries, size and start of the central directory."""

    count: int
    size: int
    start: int

    def to_bytes(self) -> bytes:
        """The end records."""
        count, size, start = _short(self.count, 16), _short(self.size), _short(self.start)
        end = END.pack(b"PK\5\6", 0, 0, count, count, size, start, 0)
        if count != FULL16 and FULL32 not in {size, start}:
            return end
        version = UNIX | ZIP64, ZIP64
        end64 = END64.pack(b"PK\6\6", END64.size - 12, *version, 0, 0, self.count, self.count, self.size, self.start)
        return end64 + LOCATOR.pack(b"PK\6\7", 0, self.start + self.size, 1) + end


def end_records(entries: Sequence[Entry]) -> bytes:
    """The central directory of *entries* and the end records, to be written right after the last content."""
    directory = b"".join(entry.directory_record() for entry in entries)
    return directory + Tail(len(entries), len(directory), entries[-1].end if entries else 0).to_bytes()


def parse_tail(last: bytes, total: int, container: str) -> Tail:
    """The end records out of the *last* bytes of a container of *total* bytes; ``Altered`` unless they end exactly there."""
    tail = _claimed_tail(last)
    if tail is None or tail.start + tail.size + len(tail.to_bytes()) != total or not last.endswith(tail.to_bytes()):
        raise Altered(
            "{container}: is no sealed file, or it was cut short or lengthened; get it again",
            container=container, file=container,
        )  # fmt: skip
    return tail


def parse_directory(data: bytes, tail: Tail, container: str) -> list[Entry]:
    """The entries of the central directory *data*; ``Altered`` unless it is the only form these entries can have."""
    entries: list[Entry] = []
    at = following = 0
    while at < len(data):
        entry = _entry(data, at, following)
        record = entry.directory_record() if entry else b""
        if entry is None or data[at : at + len(record)] != record:
            raise Altered(
                "{container}: the directory differs from the sealed form at entry {number}; get it again",
                container=container, file=container, number=len(entries) + 1,
            )  # fmt: skip
        entries.append(entry)
        at, following = at + len(record), entry.end
    if following != tail.start or len(entries) != tail.count:
        raise Altered(
            "{container}: holds bytes that belong to no file; get it again", container=container, file=container
        )
    return entries


def _claimed_tail(last: bytes) -> Tail | None:
    if len(last) < END.size:
        return None
    _, _, _, _, count, size, start, _ = END.unpack(last[-END.size :])
    if count != FULL16 and FULL32 not in {size, start}:
        return Tail(count, size, start)
    if len(last) < TAIL_MOST:
        return None
    return Tail(*END64.unpack(last[-TAIL_MOST:][: END64.size])[-3:])


def _entry(data: bytes, at: int, start: int) -> Entry | None:
    """The entry whose record stands at *at*; it can only start at *start*, the caller compares the bytes."""
    if at + CENTRAL.size > len(data):
        return None
    fields = CENTRAL.unpack_from(data, at)
    crc32, size, name_size, extra_size = fields[7], fields[9], fields[10], fields[11]
    name_end = at + CENTRAL.size + name_size
    if size == FULL32 and extra_size >= 12:  # two bytes id, two bytes length, eight bytes size
        size = int.from_bytes(data[name_end + 4 : name_end + 12], "little")
    try:
        return Entry(data[at + CENTRAL.size : name_end].decode("utf-8"), size, crc32, start)
    except UnicodeDecodeError:
        return None


def _short(value: int, bits: int = 32) -> int:
    """*value*, or the mark that it stands in a ZIP64 field."""
    most, mark = (MOST16, FULL16) if bits == 16 else (MOST32, FULL32)
    return mark if value >= most else value


def _extra(*values: int) -> bytes:
    return struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)
