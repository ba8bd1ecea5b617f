from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from factory_kit.errors import StoreBusy
from factory_kit.store.lock import Lock

HOLD = """
import sys
from pathlib import Path
from factory_kit.store.lock import Lock
lock = Lock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_holder_is_told_who_writes(tmp_path: Path) -> None:
    """While one process holds the lock another one gets StoreBusy with its number; when it is killed the lock is free."""
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreBusy, match=rf"process {holder.pid} writes to this store"):
            Lock(path).acquire()
        assert Lock(path).holder() == holder.pid
    finally:
        holder.kill()
        holder.communicate()

    lock = Lock(path)
    lock.acquire()
    assert lock.held
    lock.release()


def test_two_holders_in_one_process_exclude_each_other(tmp_path: Path) -> None:
    """The lock also stands between two objects of one process."""
    first = Lock(tmp_path / "lock")
    first.acquire()

    with pytest.raises(StoreBusy):
        Lock(tmp_path / "lock").acquire()

    first.release()
    assert Lock(tmp_path / "lock").holder() is None
