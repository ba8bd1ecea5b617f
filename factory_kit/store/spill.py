"""Where DuckDB puts what does not fit into memory: a folder of its own for every connection.

DuckDB 1.5 names these files alike in every process; two connections with one folder would read each other's rows.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
import time
from pathlib import Path

__all__ = ["clear_spill", "room_to_spill", "spill_folder"]

BEGINNING = "spill-"
OLD_S = 24 * 3600
SHARE = 2
"""What a query spills takes at most this part of the room left on the disk: the other half is for collecting."""

_numbers = itertools.count()


def spill_folder(folder: Path) -> Path:
    """A name for the connection about to be made to the store at *folder*; the system's place where that cannot be written."""
    return _above(folder) / f"{BEGINNING}{os.getpid()}-{next(_numbers)}-{os.urandom(4).hex()}"


def room_to_spill(folder: Path) -> int:
    """Bytes that one connection may spill."""
    return shutil.disk_usage(_above(folder)).free // SHARE


def clear_spill(folder: Path) -> None:
    """What killed readers left behind goes when nothing in it was touched for a day."""
    with contextlib.suppress(OSError):
        for left in folder.glob(f"{BEGINNING}*"):
            ages = [time.time() - each.stat().st_mtime for each in (left, *left.iterdir())]
            if min(ages) > OLD_S:
                shutil.rmtree(left, ignore_errors=True)


def _above(folder: Path) -> Path:
    return (folder if os.access(folder, os.W_OK) else Path(tempfile.gettempdir())).resolve()
