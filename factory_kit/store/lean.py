"""Keeping pandas out of a process that never uses it: 45 MB of memory that a small computer beside a machine has better use for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import pyarrow as pa

__all__ = ["without_pandas"]


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
