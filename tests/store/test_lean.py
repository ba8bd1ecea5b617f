from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from factory_kit.store.lean import without_pandas
without_pandas()
import numpy as np, pyarrow as pa
assert pa.array(np.arange(3)).to_numpy().tolist() == [0, 1, 2]
assert "pandas" not in sys.modules
import pandas
assert pandas.Series([1]).sum() == 1
"""


def test_pyarrow_does_without_pandas_and_pandas_can_still_be_imported() -> None:
    """After it no conversion of pyarrow loads pandas; who wants pandas itself still gets it."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


LEAN = """
import sys
from factory_kit.store.lean import lean
lean()
import pyarrow as pa
assert pa.default_memory_pool().backend_name == "system"
assert "pandas" not in sys.modules
"""


def test_a_collecting_process_has_one_heap() -> None:
    """Pyarrow takes its memory where Python does, and no pandas is loaded."""
    done = subprocess.run([sys.executable, "-c", LEAN], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
