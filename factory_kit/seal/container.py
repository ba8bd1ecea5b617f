"""Containers of sealed things: a zip file in the one sealed form, or the same files in a folder."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from factory_kit.errors import Altered, SealError, UnsafeArchive
from factory_kit.i18n import N_
from factory_kit.seal.digest import CHUNK, MET, Digest, Hasher, digest_of, in_chunks
from factory_kit.seal.findings import Finding, What, collected
from factory_kit.seal.frame import TAIL_MOST, Entry, end_records, parse_directory, parse_tail
from factory_kit.seal.paths import check_names, order

__all__ = ["Container", "FolderContainer", "Limits", "ZipContainer", "ZipWriter", "files_below", "open_container"]

DIRECTORY_RECORD_MOST = 46 + 4 * 240 + 28


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a reader takes from a stranger; what is above is refused before it is read."""

    files: int = 100_000
    total_bytes: int = 64 << 30
    manifest_bytes: int = 64 << 20
    signatures: int = 64
    ratio: int = 200
    """Uncompressed bytes per compressed byte; matters for zip files of others only, sealed files are never compressed."""


class Container(Protocol):
    """Files by name, read piece by piece."""

    label: str
    """The container's own file or folder name."""
    findings: list[Finding]
    """What is wrong with the container itself."""

    def names(self) -> Iterable[str]:
        """The names of all files, in sealed order."""

    def size(self, name: str) -> int:
        """The size of a file in bytes."""

    def crc32(self, name: str) -> int | None:
        """The CRC-32 the container claims, where it claims one."""

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a file in pieces; ``SealError`` when it cannot be read."""


@contextmanager
def open_container(path: Path, limits: Limits) -> Iterator[Container]:
    """The container at *path*, a zip file or a folder; what is wrong with it stands in its ``findings``."""
    if path.is_dir():
        yield FolderContainer(path, limits)
        return
    with _readable(path, buffering=CHUNK) as file:
        yield ZipContainer(file, path.name, limits)


class ZipContainer:
    """A zip file in sealed form: every byte outside the contents is compared with what it must be."""

    def __init__(self, file: BinaryIO, label: str, limits: Limits) -> None:
        self.label = label
        self.findings: list[Finding] = []
        self._file = file
        self._entries: dict[str, Entry] = {}
        with collected(self.findings, label):
            self._entries = {entry.name: entry for entry in self._directory(limits)}
        for entry in self._entries.values():
            self._check_header(entry)

    def names(self) -> Iterable[str]:
        """The names of all files, in sealed order."""
        return self._entries

    def size(self, name: str) -> int:
        """The size of a file in bytes."""
        return self._entries[name].size

    def crc32(self, name: str) -> int | None:
        """The CRC-32 in the directory."""
        return self._entries[name].crc32

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a file in pieces; ``Altered`` when the zip file became shorter meanwhile."""
        entry = self._entries[name]
        at, end = entry.data_start, entry.end
        while at < end:
            piece = self._at(at, min(CHUNK, end - at))
            if not piece:
                raise Altered(
                    "{container}: ends in the middle of {file}; get it again", container=self.label, file=name
                )
            at += len(piece)
            yield piece

    def copy_until(self, last: str, target: BinaryIO) -> list[Entry]:
        """Copy the bytes up to the end of the file *last* to *target* and give the entries copied."""
        end = self._entries[last].end
        target.writelines(self._at(at, min(CHUNK, end - at)) for at in range(0, end, CHUNK))
        return [entry for entry in self._entries.values() if entry.end <= end]

    def _directory(self, limits: Limits) -> list[Entry]:
        total = self._file.seek(0, os.SEEK_END)
        if total > limits.total_bytes:
            raise UnsafeArchive(
                "{container}: is larger than {limit} bytes; ask for a smaller one or raise the limit",
                container=self.label, limit=limits.total_bytes,
            )  # fmt: skip
        tail = parse_tail(self._at(max(0, total - TAIL_MOST), TAIL_MOST), total, self.label)
        if tail.count > limits.files or tail.size > tail.count * DIRECTORY_RECORD_MOST:
            raise _too_many(self.label, limits)
        entries = parse_directory(self._at(tail.start, tail.size), tail, self.label)
        names = [entry.name for entry in entries]
        check_names(names, self.label)
        if names != sorted(names, key=order):
            raise Altered(
                "{container}: the files are not in sealed order; get it again", container=self.label, file=self.label
            )
        return entries

    def _check_header(self, entry: Entry) -> None:
        header = entry.local_header()
        if self._at(entry.start, len(header)) != header:
            message = N_("{container}: the zip header before {file} was altered; get it again")
            details: dict[str, object] = {"container": self.label, "file": entry.name}
            self.findings.append(Finding(self.label, What.CONTAINER, message, details))

    def _at(self, start: int, size: int) -> bytes:
        try:
            self._file.seek(start)
            return self._file.read(size)
        except OSError as error:
            raise SealError("{file}: cannot be read ({reason})", file=self.label, reason=error.strerror) from error


class FolderContainer:
    """The files below a folder; links and special files are findings, empty folders do not count."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.label = folder.name
        self.findings: list[Finding] = []
        self._files: dict[str, Path] = {}
        with collected(self.findings, self.label):
            self._files = files_below(folder, limits, self.findings)

    def names(self) -> Iterable[str]:
        """The names of all files, in sealed order."""
        return self._files

    def size(self, name: str) -> int:
        """The size of a file in bytes."""
        try:
            return self._files[name].stat().st_size
        except OSError as error:
            raise SealError("{file}: cannot be read ({reason})", file=name, reason=error.strerror) from error

    def crc32(self, name: str) -> int | None:  # noqa: ARG002 - the protocol has it
        """None: a folder claims no checksums."""
        return None

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a file in pieces; ``SealError`` when it cannot be read."""
        try:
            with self._files[name].open("rb") as file:
                yield from in_chunks(file)
        except OSError as error:
            raise SealError("{file}: cannot be read ({reason})", file=name, reason=error.strerror) from error


class ZipWriter:
    """Writes files one after the other into the sealed zip form; they must come in sealed order, with names that passed ``check_names``."""

    def __init__(self, file: BinaryIO, entries: Iterable[Entry] = ()) -> None:
        self._file = file
        self._entries = list(entries)

    def add(self, name: str, content: bytes, *, shared: bool = False) -> Digest:
        """Write *content* under *name* and give its digest; *shared* where many sealed things hold the same."""
        found = MET.digest(content) if shared else digest_of(content)
        entry = self._next(name, found.size, found.crc32)
        self._file.write(entry.local_header() + content)
        self._entries.append(entry)
        return found

    def add_file(self, name: str, source: Path, *, shared: bool = False) -> Digest:
        """Write the content of the file *source* under *name* and give its digest; read once, in pieces."""
        with _readable(source, buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size < CHUNK:
                return self.add(name, file.read(), shared=shared)
            return self._stream(name, size, file)

    def finish(self) -> None:
        """Write the directory; nothing can be added afterwards."""
        self._file.write(end_records(self._entries))

    def _stream(self, name: str, size: int, source: BinaryIO) -> Digest:
        """The checksum stands before the content but is known after it, so the header is written twice."""
        unfinished = self._next(name, size, 0)
        self._file.write(unfinished.local_header())
        hasher = Hasher()
        for piece in in_chunks(source):
            hasher.add(piece)
            self._file.write(piece)
        found = hasher.finish()
        if found.size != size:
            raise Altered("{file}: changed while it was sealed; close the program that writes it", file=name)
        entry = self._next(name, size, found.crc32)
        self._file.seek(entry.start)
        self._file.write(entry.local_header())
        self._file.seek(entry.end)
        self._entries.append(entry)
        return found

    def _next(self, name: str, size: int, crc32: int) -> Entry:
        return Entry(name, size, crc32, self._entries[-1].end if self._entries else 0)


def files_below(folder: Path, limits: Limits, findings: list[Finding] | None = None) -> dict[str, Path]:
    """Name inside the sealed thing → file, in sealed order, for all files below *folder*.

    ``UnsafeArchive`` for names that cannot be sealed, and for links and special files unless *findings* takes them.
    """
    found: dict[str, Path] = {}
    for name, entry in _walk(folder, ""):
        if len(found) >= limits.files:
            raise _too_many(folder.name, limits)
        if entry.is_file(follow_symlinks=False):
            if name in found:
                raise UnsafeArchive(
                    "{container}: two files are called {name!r}; rename one", container=folder.name, name=name
                )
            found[name] = Path(entry.path)
            continue
        message = N_("{container}: {file} is a link or a special file; replace it by a plain file")
        finding = Finding(name, What.UNSAFE, message, {"container": folder.name, "file": name})
        if findings is None:
            raise finding.error()
        findings.append(finding)
    check_names(found, folder.name)
    return dict(sorted(found.items(), key=lambda item: order(item[0])))


def _walk(folder: Path | str, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise SealError("{file}: cannot be read ({reason})", file=folder, reason=error.strerror) from error
    for entry in entries:
        name = prefix + unicodedata.normalize("NFC", entry.name)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, name + "/")
        else:
            yield name, entry


def _readable(path: Path, buffering: int) -> BinaryIO:
    try:
        return path.open("rb", buffering=buffering)
    except OSError as error:
        raise SealError("{file}: cannot be read ({reason})", file=path, reason=error.strerror) from error


def _too_many(container: str, limits: Limits) -> UnsafeArchive:
    return UnsafeArchive("{container}: holds more than {limit} files", container=container, limit=limits.files)
