"""How fast bytes may travel, and who is told how many have."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import IO

__all__ = ["CHUNK", "Pace", "Slowed"]

CHUNK = 1 << 18
"""Bytes that travel between two looks at the clock."""


class Pace:
    """At most *bytes_per_s* through all threads together, 0 for no limit.

    *expect* hears once how many files and bytes will travel, *told* of every piece that went.
    """

    def __init__(
        self,
        bytes_per_s: float = 0,
        told: Callable[[int], None] = lambda _size: None,
        *,
        expect: Callable[[int, int], None] = lambda _files, _bytes: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = bytes_per_s
        self._told = told
        self.expect = expect
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = clock()

    def take(self, size: int) -> None:
        """Return when *size* bytes may have gone; what was not used up while nobody sent is not saved."""
        wait = 0.0
        with self._lock:
            self._told(size)
            if self._rate:
                now = self._clock()
                self._free_at = max(self._free_at, now) + size / self._rate
                wait = self._free_at - now
        if wait > 0:
            self._sleep(wait)


class Slowed:
    """The bytes of *file* from where it stands, *size* of them, read no faster than *pace*; can be read again from its begin."""

    def __init__(self, file: IO[bytes], size: int, pace: Pace) -> None:
        self._file = file
        self._begin = file.tell()
        self._size = size
        self._pace = pace
        self._at = 0

    def __len__(self) -> int:
        return self._size

    def read(self, most: int = -1) -> bytes:
        """The next bytes, at most *most* of them."""
        left = self._size - self._at
        data = self._file.read(min(left if most is None or most < 0 else most, left, CHUNK) if left else 0)
        self._at += len(data)
        if data:
            self._pace.take(len(data))
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to *offset* from the begin (0), from here (1) or from the end (2)."""
        self._at = offset + (0, self._at, self._size)[whence]
        self._file.seek(self._begin + self._at)
        return self._at

    def tell(self) -> int:
        """How far the reading is."""
        return self._at
