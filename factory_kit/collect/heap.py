"""The heap of a process that collects for weeks: one for everything, which gives back what it no longer needs."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

__all__ = ["one_heap"]

ARENAS, TRIM, MMAP = -8, -1, -3
"""Parameters of ``mallopt`` in glibc: how many heaps threads may have, from how much free memory at its end the heap is cut, and
from what size a block is taken from the system for itself."""
SETTINGS = ((ARENAS, 1), (TRIM, 32 << 20), (MMAP, 4 << 20))
POOL = "ARROW_DEFAULT_MEMORY_POOL"


def one_heap() -> None:
    """To be called before pyarrow is loaded and before the first thread; where the system has no such settings nothing happens.

    Threads would have heaps of their own, and pyarrow another two: 10 to 15 MB each, mostly empty.
    """
    os.environ.setdefault(POOL, "system")
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # another C library than glibc
            mallopt = ctypes.CDLL(None).mallopt
            for parameter, value in SETTINGS:
                mallopt(parameter, value)
