"""Append-only logs of JSON lines, each with its checksum: ``<crc32c, 8 hex digits> <JSON>``.

Each append is one line, on the disk before the next one begins; so after a power cut only the last line can be torn, and a bad
line anywhere else is damage.
"""

from __future__ import annotations

import json
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

import google_crc32c

from factory_kit.errors import StoreDamaged, StoreError
from factory_kit.store.disk import Disk, told

__all__ = [
    "append_line",
    "encode",
    "flat",
    "good_length",
    "newer",
    "parse",
    "parse_leniently",
    "read_lines",
    "write_log",
]

Entry = dict[str, Any]
SECTOR = 512


def flat(record: Any) -> Entry:
    """The fields of a dataclass of numbers and texts by name, in their order; ``asdict`` would look into each and take ten times as long."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def append_line(disk: Disk, path: Path, entry: Entry) -> None:
    """*entry* as the last line of *path*, durable; a torn line of an earlier power cut goes first. ``StoreFull`` without a trace."""
    line = encode(entry)
    with told(path):
        fresh = not path.exists()
        good = 0 if fresh else good_length(path.read_bytes(), path)
        file = disk.append(path)
        try:
            if file.size > good:
                file.cut(good)
            file.write(line)
            file.sync()
        finally:
            file.close()
        if fresh:
            disk.sync_folder(path.parent)


def encode(entry: Entry) -> bytes:
    """One line with its checksum and end."""
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return b"%08x %s\n" % (google_crc32c.value(text), text)


def read_lines(path: Path) -> list[Entry]:
    """All entries of the log at *path*, none when it is missing; ``StoreDamaged`` for a bad line before the last."""
    with told(path):
        data = path.read_bytes() if path.exists() else b""
    return parse(data, path)[0]


def good_length(data: bytes, path: Path) -> int:
    """The length of the log without a torn last line."""
    return parse(data, path)[1]


def parse(data: bytes, path: Path) -> tuple[list[Entry], int]:
    """The entries of a log and the length of the good lines."""
    entries: list[Entry] = []
    good = 0
    *whole, rest = data.split(b"\n")
    for number, line in enumerate(whole, 1):
        entry = _decode(line)
        if entry is None and not (number == len(whole) and not rest and _torn(line, good)):
            raise _damaged(path, number)
        if entry is not None:
            entries.append(entry)
            good += len(line) + 1
    if rest and rest[-1:] != b"\0" and _decode(rest[:-1]) is not None:  # only the line's end is wrong: no power cut
        raise _damaged(path, len(whole) + 1)
    return entries, good


def parse_leniently(data: bytes, spare: bytes) -> tuple[list[Entry], int]:
    """What can be read of a log, from *data* or else from its copy *spare*, and how many lines are lost."""
    ours, theirs = ([_decode(line) for line in log.split(b"\n") if line] for log in (data, spare))
    if None in ours and theirs and None not in theirs:
        ours = theirs
    entries = [mine if mine is not None else other for mine, other in zip_longest(ours, theirs)]
    good = [entry for entry in entries if entry is not None]
    return good, len(entries) - len(good)


def write_log(disk: Disk, path: Path, content: bytes) -> None:
    """*content* under *path*, whole or not at all."""
    aside = path.with_name(f"{path.name}.tmp")
    with told(path):
        file = disk.create(aside)
        try:
            file.write(content)
            file.sync()
        finally:
            file.close()
        disk.replace(aside, path)
        disk.sync_folder(path.parent)


def _decode(line: bytes) -> Entry | None:
    checksum, _, text = line.partition(b" ")
    if b"%08x" % google_crc32c.value(text) != checksum:
        return None
    try:
        entry: Entry = json.loads(text)
    except (ValueError, RecursionError):  # zeros are the checksum of nothing at all
        return None
    return entry


def _torn(line: bytes, start: int) -> bool:
    """Whether a power cut can have made *line*, which begins at *start*: sectors that never reached the disk read as zeros."""
    borders = [0, *range(SECTOR - start % SECTOR, len(line), SECTOR), len(line)]
    return any(not line[low:high].strip(b"\0") for low, high in pairwise(borders))


def newer(path: Path) -> StoreError:
    """What to say of a line whose checksum is right and whose words are unknown: no repair must touch it."""
    return StoreError("{file}: was written by a newer version of Factory Kit; read this store with that one", file=path)


def _damaged(path: Path, number: int) -> StoreDamaged:
    return StoreDamaged(
        "{file}: line {line} is damaged, expected its checksum; run store repair", file=path, line=number
    )
