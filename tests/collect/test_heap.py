"""The heap of a process that collects."""

from __future__ import annotations

import subprocess
import sys

import pytest

SAYS = "from factory_kit.collect.heap import one_heap; one_heap(); import pyarrow as pa; print(pa.default_memory_pool().backend_name)"


def test_a_collection_has_one_heap_for_python_and_pyarrow() -> None:
    """Once it was asked for, pyarrow makes no heap of its own: it takes that of the system."""
    done = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "system"


def test_what_the_user_chose_for_pyarrow_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool named in the environment is not replaced."""
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "mimalloc")
    done = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "mimalloc"
