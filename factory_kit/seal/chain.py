"""The hash chain: an append-only file of records, each of which holds the hash of the one before.

One record per line, canonical JSON: ``{"form":1,"hash":…,"n":1,"prev":…,"record":{…}}``; ``hash`` is the sha256 of the
canonical bytes of the other four. Whoever keeps number and hash of a record (a receipt does) can prove later that nothing
up to it was changed, inserted or removed.
"""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from factory_kit.errors import Altered, SealError, StoreBusy
from factory_kit.files import NO_SPACE, sync_folder, write_atomically
from factory_kit.seal.canonical import canonical, record_id
from factory_kit.seal.digest import CHUNK

__all__ = [
    "START",
    "ChainReport",
    "ChainWriter",
    "Link",
    "Torn",
    "chain_of",
    "follow_chain",
    "open_chain",
    "read_chain",
    "verify_chain",
]

START = "0" * 64
"""The hash before the first record."""
LONGEST = 16 << 20
"""Bytes of one line at most."""


@dataclass(frozen=True, slots=True)
class Link:
    """One record of a chain: its number, counted from 1, the hash that stands for everything up to it, and its content."""

    n: int
    hash: str
    prev: str
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Torn:
    """The rest of a record that was being written when the power went: how many bytes, and where they were put."""

    size: int
    kept: Path


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of a chain found: how many records hold, the last of them, and the first thing wrong, if any."""

    count: int
    last: Link | None
    problem: SealError | None

    @property
    def ok(self) -> bool:
        """True when every record holds."""
        return self.problem is None


class ChainWriter:
    """Appends records to a chain; made by ``open_chain``."""

    def __init__(self, file: BinaryIO, path: Path, last: Link | None, torn: Torn | None) -> None:
        self._file = file
        self._path = path
        self.last = last
        """The newest record, None while there is none."""
        self.torn = torn
        """What an interrupted writer left behind, moved out of the way on opening."""

    def append(self, record: Mapping[str, Any]) -> Link:
        """The link of *record*, which is on the disk when this returns."""
        return self.append_all([record])[0]

    def append_all(self, records: list[Mapping[str, Any]]) -> list[Link]:
        """The links of all *records*, on the disk together when this returns; none of them when it fails."""
        links: list[Link] = []
        last = self.last
        for record in records:
            last = _next_link(last, dict(record))
            links.append(last)
        self._write(b"".join(_line(link) for link in links))
        self.last = last
        return links

    def _write(self, data: bytes) -> None:
        end = self._file.seek(0, os.SEEK_END)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(end)
            if error.errno in NO_SPACE:
                raise SealError(
                    "{file}: the disk is full, the record was not written; make room and repeat", file=self._path
                ) from error
            raise SealError("{file}: cannot be written ({reason})", file=self._path, reason=error.strerror) from error
        except BaseException:
            self._file.truncate(end)
            raise


@contextmanager
def open_chain(path: Path) -> Iterator[ChainWriter]:
    """The chain at *path* for appending, made when there is none; one writer at a time.

    The rest of a record that was being written when the power went is moved to a file beside the chain and stands in
    ``torn``. ``StoreBusy`` while another process writes, ``Altered`` when the last record does not hold.
    """
    with _locked(path.with_name(path.name + ".lock"), path):
        fresh = not path.exists()
        try:
            file = path.open("ab+", buffering=0)
        except OSError as error:
            raise SealError("{file}: cannot be written ({reason})", file=path, reason=error.strerror) from error
        with file:
            if fresh:
                sync_folder(path.parent)
            torn = _quarantine(file, path)
            yield ChainWriter(file, path, _last_link(file, path), torn)


def read_chain(path: Path) -> Iterator[Link]:
    """All records in order; ``Altered`` at the first that does not hold, naming its number."""
    try:
        with path.open("rb") as file:
            yield from _links(file, path)
    except OSError as error:
        raise SealError("{file}: cannot be read ({reason})", file=path, reason=error.strerror) from error


def chain_of(data: bytes, name: str) -> Iterator[Link]:
    """All records of the chain whose file *name* holds *data*; errors as ``read_chain``."""
    return _links(io.BytesIO(data), Path(name))


def follow_chain(path: Path, last: Link | None, offset: int) -> tuple[list[Link], int]:
    """The whole records after *offset*, where *last* ends, and where they end; a record that is being written now waits.

    Nothing while there is no file yet. ``Altered`` at the first record that does not follow, also when the file became shorter.
    """
    if last is None and not path.exists():
        return [], 0
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < offset:
                raise Altered("{file}: records at the end were removed; bring them back", file=path)
            file.seek(offset)
            data = file.read()
    except OSError as error:
        raise SealError("{file}: cannot be read ({reason})", file=path, reason=error.strerror) from error
    whole = data[: data.rfind(b"\n") + 1]
    return list(_links(io.BytesIO(whole), path, last)), offset + len(whole)


def _links(file: BinaryIO, path: Path, previous: Link | None = None) -> Iterator[Link]:
    while line := file.readline(LONGEST):
        number = previous.n + 1 if previous else 1
        link = _link(line, path, number)
        if link.n != number or link.prev != (previous.hash if previous else START):
            raise Altered(
                "{file}: record {number} does not follow the one before it; something was removed, inserted or exchanged",
                file=path, number=number,
            )  # fmt: skip
        yield link
        previous = link


def verify_chain(path: Path, known: Mapping[int, str] | None = None) -> ChainReport:
    """The report on the chain at *path*: every record is read, and those of *known* (number → hash) must be as they were.

    Records cut off at the end leave a chain that holds in itself: only *known* (from receipts, a copy) shows that.
    """
    last: Link | None = None
    remembered = dict(known or {})
    try:
        for link in read_chain(path):
            if remembered.pop(link.n, link.hash) != link.hash:
                raise Altered(
                    "{file}: record {number} is not the one a receipt was given for", file=path, number=link.n
                )
            last = link
        if remembered:
            raise Altered(
                "{file}: record {number}, for which a receipt was given, is missing", file=path, number=min(remembered)
            )
    except SealError as problem:
        return ChainReport(last.n if last else 0, last, problem)
    return ChainReport(last.n if last else 0, last, None)


def _next_link(last: Link | None, record: dict[str, Any]) -> Link:
    number, prev = (last.n + 1, last.hash) if last else (1, START)
    return Link(number, _hash(number, prev, record), prev, record)


def _hash(number: int, prev: str, record: dict[str, Any]) -> str:
    return record_id({"form": 1, "n": number, "prev": prev, "record": record})


def _line(link: Link) -> bytes:
    line = {"form": 1, "hash": link.hash, "n": link.n, "prev": link.prev, "record": link.record}
    data = canonical(line) + b"\n"
    if len(data) > LONGEST:
        raise SealError(
            "record {number} has {size} bytes, at most {limit} fit", number=link.n, size=len(data), limit=LONGEST
        )
    return data


def _link(line: bytes, path: Path, number: int) -> Link:
    """The link that *line* holds; ``Altered`` when it is none or its hash differs. *number* is where it stands."""
    if not line.endswith(b"\n"):
        raise Altered(
            "{file}: record {number} ends in the middle; the next writer moves the rest away", file=path, number=number
        )
    with suppress(SealError, ValueError, RecursionError):
        match json.loads(line):
            case {"hash": str(own), "n": int(n), "prev": str(prev), "record": dict(record)}:
                link = Link(n, own, prev, record)
                if _line(link) == line and _hash(n, prev, record) == own:
                    return link
    raise Altered("{file}: record {number} was altered: its content does not fit its hash", file=path, number=number)


def _quarantine(file: BinaryIO, path: Path) -> Torn | None:
    """Move the bytes after the last whole line to a file beside the chain, on disk before they leave the chain."""
    start, last = _last_line(file, path)
    end = file.seek(0, os.SEEK_END)
    if end == start or (last.endswith(b"\n") and b"\0" not in last):
        return None
    kept = path.with_name(f"{path.name}.torn-{start}")
    write_atomically(kept, last)
    file.truncate(start)
    os.fsync(file.fileno())
    return Torn(end - start, kept)


def _last_link(file: BinaryIO, path: Path) -> Link | None:
    _, line = _last_line(file, path)
    if not line:
        return None
    try:
        return _link(line, path, 0)
    except Altered:
        for _ in read_chain(path):
            pass  # raises at the first record that does not hold, with its number
        raise


def _last_line(file: BinaryIO, path: Path) -> tuple[int, bytes]:
    """Where the last line starts and what it holds; a line that lacks its end is a line too."""
    end = file.seek(0, os.SEEK_END)
    start, data = end, b""
    while start > 0 and len(data) <= LONGEST:
        step = min(CHUNK, start)
        start -= step
        file.seek(start)
        data = file.read(step) + data
        at = data.rfind(b"\n", 0, -1)
        if at >= 0:
            return start + at + 1, data[at + 1 :]
    if start:
        raise Altered("{file}: the last record is longer than a record can be", file=path)
    return start, data


@contextmanager
def _locked(lock: Path, path: Path) -> Iterator[None]:
    """The lock is the system's, so a writer that was killed leaves none behind."""
    try:
        file = lock.open("ab")
    except OSError as error:
        raise SealError("{file}: cannot be written ({reason})", file=path, reason=error.strerror) from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EAGAIN, errno.EDEADLK}:
                raise
            raise StoreBusy("{file}: another process is writing to it; repeat when it is done", file=path) from error
        yield


def _lock(file: BinaryIO) -> None:
    """Closing the file gives the lock back."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - Windows only

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415 - POSIX only

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
