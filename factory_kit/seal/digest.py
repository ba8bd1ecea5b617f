"""Hashes of files: sha256 (FIPS 180-4) and SM3 (GB/T 32905-2016), both in one pass with bounded memory."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from cryptography.hazmat.primitives import hashes

from factory_kit.errors import SealError

__all__ = ["MET", "Digest", "Hasher", "Met", "digest", "digest_file", "digest_of", "in_chunks"]

SM3 = hashes.SM3()
CHUNK = 1 << 20
"""Bytes read at once."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Size in bytes, the two hashes in hexadecimal digits, and the CRC-32 that zip headers carry."""

    size: int
    sha256: str
    sm3: str
    crc32: int


class Hasher:
    """Takes bytes piece by piece and gives their digest."""

    def __init__(self) -> None:
        self._size = 0
        self._crc32 = 0
        self._sha256 = hashlib.sha256()
        self._sm3 = hashes.Hash(SM3)
        self._beside: ThreadPoolExecutor | None = None
        self._last: Future[None] | None = None

    def add(self, piece: bytes) -> None:
        """Take *piece* into account; SM3, which costs five times as much as the rest, goes on beside it where there is much to do."""
        if len(piece) < CHUNK:
            self._wait()
            self._sm3.update(piece)
        else:
            self._beside = self._beside or ThreadPoolExecutor(1, "sm3")
            self._wait()
            self._last = self._beside.submit(self._sm3.update, piece)
        self._size += len(piece)
        self._crc32 = zlib.crc32(piece, self._crc32)
        self._sha256.update(piece)

    def _wait(self) -> None:
        """The pieces that were given to the other thread are done."""
        if self._last is not None:
            self._last.result()
            self._last = None

    def finish(self) -> Digest:
        """The digest of everything added; may be asked once."""
        self._wait()
        if self._beside is not None:
            self._beside.shutdown()
        return Digest(self._size, self._sha256.hexdigest(), self._sm3.finalize().hex(), self._crc32)


def digest(pieces: Iterable[bytes]) -> Digest:
    """The digest of all *pieces* one after the other."""
    hasher = Hasher()
    for piece in pieces:
        hasher.add(piece)
    return hasher.finish()


def digest_of(content: bytes) -> Digest:
    """The digest of a whole *content*."""
    sm3 = hashes.Hash(SM3)
    sm3.update(content)
    return Digest(len(content), hashlib.sha256(content).hexdigest(), sm3.finalize().hex(), zlib.crc32(content))


class Met:
    """Digests of contents that were met before, found again by comparing every byte; the oldest are forgotten."""

    def __init__(self, most: int = 512, longest: int = 256 << 10) -> None:
        self._most = most
        self._longest = longest
        self._digests: dict[str, tuple[bytes, Digest]] = {}
        self._lock = Lock()

    def digest(self, content: bytes, claimed: str = "") -> Digest:
        """The digest of *content*; the sha256 that is *claimed* for it only says where to look, without one it is computed."""
        known = self._digests.get(claimed or hashlib.sha256(content).hexdigest())
        if known is not None and known[0] == content:
            return known[1]
        found = digest_of(content)
        if len(content) <= self._longest:
            with self._lock:
                self._digests[found.sha256] = content, found
                if len(self._digests) > self._most:
                    del self._digests[next(iter(self._digests))]
        return found


MET = Met()
"""What this process met, sealing or verifying."""


def digest_file(path: Path) -> Digest:
    """The digest of the file at *path*; ``SealError`` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return digest(in_chunks(file))
    except OSError as error:
        raise SealError("{file}: cannot be read ({reason})", file=path, reason=error.strerror) from error


def in_chunks(file: BinaryIO) -> Iterator[bytes]:
    """The rest of *file* in pieces of at most 1 MiB."""
    while chunk := file.read(CHUNK):
        yield chunk
