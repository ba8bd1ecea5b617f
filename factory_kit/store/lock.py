"""One writer at a time: a lock of the operating system, which frees it when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import IO

from factory_kit.errors import StoreBusy

__all__ = ["Lock"]

FAR = 1 << 30  # Windows locks bytes and makes them unreadable: lock one far behind the number of the process


class Lock:
    """The right to write to a store; ``StoreBusy`` when another process, or another ``Store``, holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self) -> None:
        """Take the lock or raise ``StoreBusy``; it never waits."""
        file = Path(self.path).open("a+b", buffering=0)  # noqa: SIM115 - held until release
        try:
            _lock(file)
        except OSError as error:
            holder = _holder(file)
            file.close()
            raise StoreBusy(
                "{path}: process {holder} writes to this store; wait until it ends, or end it",
                path=self.path.parent,
                holder=holder,
            ) from error
        self._file = file
        with contextlib.suppress(OSError):  # a full disk: then nobody learns who writes, but one can still make room
            os.ftruncate(file.fileno(), 0)
            os.write(file.fileno(), str(os.getpid()).encode())

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def holder(self) -> int | None:
        """The process that holds the lock now, None when it is free."""
        if self._file is not None:
            return os.getpid()
        try:
            self.acquire()
        except StoreBusy as busy:
            holder = str(busy.details["holder"])
            return int(holder) if holder.isdigit() else 0
        except OSError:  # a read-only disk: nobody writes
            return None
        self.release()
        return None


def _holder(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(20).decode("ascii", "replace") or "?"


if sys.platform == "win32":

    def _lock(file: IO[bytes]) -> None:
        import msvcrt  # noqa: PLC0415 - Windows only

        file.seek(FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)

else:

    def _lock(file: IO[bytes]) -> None:
        import fcntl  # noqa: PLC0415 - POSIX only

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
