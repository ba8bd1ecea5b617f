"""Hashes of files: sha256 (FIPS 180-4) and SM3 (GB/T 32905-2016), both in one pass with bounded memory."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives import hashes

from factory_kit.errors import SealError

__all__ = ["Digest", "Hasher", "digest", "digest_file", "in_chunks"]

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
        self._sm3 = hashes.Hash(hashes.SM3())

    def add(self, piece: bytes) -> None:
        """Take *piece* into account."""
        self._size += len(piece)
        self._crc32 = zlib.crc32(piece, self._crc32)
        self._sha256.update(piece)
        self._sm3.update(piece)

    def finish(self) -> Digest:
        """The digest of everything added; may be asked once."""
        return Digest(self._size, self._sha256.hexdigest(), self._sm3.finalize().hex(), self._crc32)


def digest(pieces: Iterable[bytes]) -> Digest:
    """The digest of all *pieces* one after the other."""
    hasher = Hasher()
    for piece in pieces:
        hasher.add(piece)
    return hasher.finish()


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
