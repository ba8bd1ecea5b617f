"""The only door from the store to the disk: every write, flush, rename and removal passes here.

One class, so that a test can put a recording layer in its place and replay a power cut at any moment.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from factory_kit.errors import StoreDamaged, StoreError, StoreFull
from factory_kit.files import sync_folder

__all__ = ["Disk", "OutFile", "told"]

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn complaints about *path* into one line of ours.

    ``StoreFull`` when there is no room, ``StoreDamaged`` when Parquet or Arrow cannot make sense of what is there, else ``StoreError``.
    """
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:  # ValueError: names and texts in a footer that are none
        if not isinstance(error, OSError) or error.errno is None:  # not the system: the content
            reason = " ".join(str(error).split())
            raise StoreDamaged(
                "{path}: cannot be read ({reason}); run store repair", path=path, reason=reason
            ) from error
        if error.errno in NO_SPACE:
            raise StoreFull("{path}: the disk is full; make room and repeat", path=path) from error
        reason = error.strerror or str(error)
        raise StoreError(
            "{path}: cannot be read or written ({reason}); check the disk and its rights", path=path, reason=reason
        ) from error


class OutFile:
    """A file open for writing at its end, unbuffered: what ``write`` returned from has reached the operating system."""

    def __init__(self, path: Path, flags: int) -> None:
        self.path = path
        self._handle = os.open(path, os.O_WRONLY | flags | getattr(os, "O_BINARY", 0), 0o666)
        self.size = os.fstat(self._handle).st_size
        self.closed = False
        os.lseek(self._handle, self.size, os.SEEK_SET)

    def write(self, data: bytes | memoryview) -> int:
        """All of *data* at the end; on an error what was written of it is cut off again."""
        view = memoryview(data).cast("B")
        done = 0
        try:
            while done < len(view):
                done += os.write(self._handle, view[done:])
        except OSError:
            self.cut(self.size)
            raise
        self.size += done
        return done

    def cut(self, size: int) -> None:
        """Everything behind *size* bytes goes."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._handle, size)
        os.lseek(self._handle, size, os.SEEK_SET)
        self.size = size

    def sync(self) -> None:
        """What was written so far survives a power cut."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Give the file back to the system, without flushing it to the disk."""
        if not self.closed:
            self.closed = True
            os.close(self._handle)


class Disk:
    """The real disk."""

    def create(self, path: Path) -> OutFile:
        """A new empty file at *path*; an older one of that name is emptied."""
        return OutFile(path, os.O_CREAT | os.O_TRUNC)

    def append(self, path: Path) -> OutFile:
        """The file at *path*, made when missing, to be written at its end."""
        return OutFile(path, os.O_CREAT)

    def replace(self, source: Path, target: Path) -> None:
        """*source* under the name *target*; durable after ``sync_folder``."""
        with told(target):
            source.replace(target)

    def remove(self, path: Path) -> None:
        """No file at *path*; durable after ``sync_folder``."""
        path.unlink(missing_ok=True)

    def make_folder(self, path: Path) -> None:
        """The folder *path* and those above it, durable."""
        if not path.is_dir():
            self.make_folder(path.parent)
            with told(path):
                path.mkdir(exist_ok=True)
            self.sync_folder(path.parent)

    def sync_folder(self, path: Path) -> None:
        """The names in the folder *path* survive a power cut."""
        with told(path):
            sync_folder(path)
