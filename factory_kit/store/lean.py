"""A process that collects for weeks takes little memory: no pandas, which it never uses (45 MB), and one heap for everything."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa

__all__ = ["give_back", "lean", "settled", "without_pandas"]


class _NoPandas(MetaPathFinder):
    """Finds no pandas."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """``ImportError`` for pandas, nothing for all others."""
        del path, target
        if fullname == "pandas":
            raise ImportError(fullname)
        return None


def lean() -> None:
    """For a process that only collects: no pandas, and pyarrow takes its memory from the heap that Python and numpy use.

    pyarrow's own heap gives what it frees back to the system at once and has it cleared anew for every batch, which costs more
    than everything else that is done with the batch.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    without_pandas()


def give_back() -> None:
    """Memory that nobody uses goes back to the system, where the heap can do that."""
    pa.default_memory_pool().release_unused()


def settled() -> None:
    """Everything that stays for long is there: what was only needed to get there goes, and the rest is not looked through again."""
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # extension modules count what was left over when the process ends
    give_back()


def without_pandas() -> None:
    """What pyarrow does, it does without pandas in this process, unless pandas is loaded already.

    It looks for pandas once, at its first conversion. What needs both must not run afterwards in the same process.
    """
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
