"""What a place far away can do, and the simplest such place: a folder, such as a disk that is carried or a share of the network."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from factory_kit.errors import LakeChanged, LakeError
from factory_kit.files import atomic_path, write_atomically
from factory_kit.lake.pace import CHUNK, Pace
from factory_kit.store.disk import told
from factory_kit.store.lock import Lock
from factory_kit.store.parquet import sha256_of

__all__ = ["Folder", "Remote", "changed", "gone", "pieces"]


class Remote(Protocol):
    """Files under keys (``a/b/c``); a file is there whole or not at all. Every method may raise ``LakeError`` or ``LakeUnavailable``."""

    @property
    def name(self) -> str:
        """The address as its user wrote it."""

    def read(self, key: str) -> tuple[bytes, str] | None:
        """A small file and the mark of its version, None when there is none."""

    def write(self, key: str, data: bytes, known: str | None) -> None:
        """*data* under *key* if its version is still *known* (None: not there yet); ``LakeChanged`` otherwise."""

    def holds(self, key: str, size: int, sha256: str) -> bool:
        """Whether *key* has the *size* and, as it was told when it was sent, the *sha256*."""

    def upload(self, file: Path, key: str, sha256: str, pace: Pace) -> None:
        """*file* under *key*; what a cut-off call sent of a large file is not sent again."""

    def download(self, key: str, to: Path, pace: Pace) -> None:
        """The file under *key* at *to*; what is there of it already is its begin and is not read again."""

    def remove(self, key: str) -> None:
        """No file under *key*."""

    def folders(self) -> list[str]:
        """The names of the folders at the top, sorted."""


class Folder:
    """A folder of this machine as the place far away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        """The path."""
        return str(self._folder)

    def read(self, key: str) -> tuple[bytes, str] | None:
        """The file and its sha256."""
        path = self._folder / key
        if not path.is_file():
            return None
        with told(path):
            data = path.read_bytes()
        return data, hashlib.sha256(data).hexdigest()

    def write(self, key: str, data: bytes, known: str | None) -> None:
        """One writer at a time compares and writes."""
        path = self._place(key)
        lock = Lock(path.with_name(f".{path.name}.lock"))
        with told(path):
            lock.acquire()
        try:
            found = self.read(key)
            if (found[1] if found else None) != known:
                raise changed(f"{self.name}/{key}")
            write_atomically(path, data)
        finally:
            lock.release()

    def holds(self, key: str, size: int, sha256: str) -> bool:
        """Read and compared: a disk that is carried can be damaged."""
        path = self._folder / key
        with told(path):
            return path.is_file() and path.stat().st_size == size and sha256_of(path) == sha256

    def upload(self, file: Path, key: str, sha256: str, pace: Pace) -> None:
        """Copied aside, flushed, renamed, and compared as it passed."""
        digest = hashlib.sha256()
        path = self._place(key)
        with told(path), file.open("rb") as source, atomic_path(path) as aside:
            with aside.open("wb") as target:
                for piece in pieces(source, pace):
                    digest.update(piece)
                    target.write(piece)
            if digest.hexdigest() != sha256:
                raise LakeError("{file}: changed while it was copied; run store verify", file=file)

    def download(self, key: str, to: Path, pace: Pace) -> None:
        """A second name for the same file where the disk can, since no file is ever changed; else a copy."""
        path = self._folder / key
        if not path.is_file():
            raise gone(f"{self.name}/{key}")
        if not to.exists():
            with contextlib.suppress(OSError):  # another disk: then it is copied
                os.link(path, to)
                return
        with told(to), path.open("rb") as source, to.open("ab") as target:
            source.seek(target.tell())
            for piece in pieces(source, pace):
                target.write(piece)

    def remove(self, key: str) -> None:
        """Deleted, if it is there."""
        path = self._folder / key
        with told(path):
            path.unlink(missing_ok=True)

    def folders(self) -> list[str]:
        """The folders, none where there is no place yet."""
        with told(self._folder):
            return (
                sorted(path.name for path in self._folder.iterdir() if path.is_dir()) if self._folder.is_dir() else []
            )

    def _place(self, key: str) -> Path:
        path = self._folder / key
        with told(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        return path


def pieces(source: IO[bytes], pace: Pace) -> Iterator[bytes]:
    """What is left of *source*, no faster than *pace*."""
    while piece := source.read(CHUNK):
        pace.take(len(piece))
        yield piece


def changed(place: str) -> LakeChanged:
    """Two pushed at once."""
    return LakeChanged("{place}: somebody else pushed meanwhile; repeat", place=place)


def gone(place: str) -> LakeError:
    """What the list names is not there."""
    return LakeError("{place}: is gone, expected by its list of files; push again", place=place)
