"""A disk that is really full, and one that is really read-only: a file system in memory of a few megabytes."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory_kit.errors import StoreError, StoreFull
from factory_kit.model.run import Run
from factory_kit.model.sample import SampleBatch
from factory_kit.store import Store

T0 = 1_788_220_800_000_000
SECOND = 1_000_000


@pytest.fixture(name="disk")
def _disk(small_disk: Path) -> Path:
    """An empty file system of 3 MB."""
    return small_disk


def _noise(start: int, rows: int = 2000) -> SampleBatch:
    time = start + np.arange(rows) * SECOND
    return SampleBatch(np.full(rows, 1, np.int32), time, np.sin(time / 7.0), np.zeros(rows, np.int8))


def _count(store: Store) -> int:
    (row,) = Store(store.folder).query("SELECT count(*) AS n, count(DISTINCT time) AS t FROM samples").to_pylist()
    assert row["n"] == row["t"]
    return int(row["n"])


def _fill(folder: Path) -> Path:
    """A file that takes the last byte."""
    path = folder / "filler"
    handle = os.open(path, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while True:
            os.write(handle, bytes(4096))
    os.close(handle)
    return path


def _full(work: Callable[[], object]) -> None:
    with pytest.raises(StoreFull, match=r"^[^\n]+: the disk is full; make room and repeat$"):
        work()


def test_collecting_pauses_on_a_full_disk_and_resumes(
    disk: Path, run: Callable[..., Run], point: Callable[[int], Any]
) -> None:
    """What does not fit is refused whole, in one line; with room again the same writer goes on; what it was given is there, once."""
    store = Store(disk / "store", now=lambda: T0)
    store.register([point(1)])
    kept = 0
    with store.writer(run(), commit_s=0.05) as writer:
        filler = _fill(disk)
        for _ in range(20):
            try:
                writer.append(_noise(T0 + kept * SECOND))
                kept += 2000
            except StoreFull:
                break
        else:
            pytest.fail("the disk was never full")
        assert _count(store) == kept
        filler.unlink()
        for _ in range(3):
            writer.append(_noise(T0 + kept * SECOND))
            kept += 2000
    assert _count(store) == kept
    assert store.verify() == ()


@pytest.mark.parametrize("room", [0, 4096, 20_000, 60_000])
def test_sealing_and_merging_on_a_full_disk_harm_nothing(
    disk: Path, run: Callable[..., Run], point: Callable[[int], Any], room: int
) -> None:
    """Wherever the last byte goes, no sample is lost or doubled, and with room again all is done."""
    store = Store(disk / "store", now=lambda: T0 + 100 * 86_400 * SECOND)
    store.register([point(1)])
    kept = 0
    for number in range(3):
        with store.writer(run(f"run-{number}")) as writer:
            writer.append(_noise(T0 + kept * SECOND))
            kept += 2000
    filler = _fill(disk)
    os.truncate(filler, max(0, filler.stat().st_size - room))
    works = (store.compact, store.repair, lambda: store.register([point(2)]), lambda: store.export(disk / "out", "csv"))
    said = []
    for work in works:
        try:
            work()
        except StoreFull as full:
            said.append(str(full))
        assert _count(store) == kept
    assert all(line.endswith(": the disk is full; make room and repeat") for line in said)
    assert said or room  # without any room something is refused; with some it may fit
    filler.unlink()
    store.compact()

    assert _count(store) == kept
    assert store.verify() == ()
    assert not list(store.folder.rglob("*.tmp"))


def test_a_full_disk_at_the_very_beginning_is_one_line(
    disk: Path, run: Callable[..., Run], point: Callable[[int], Any]
) -> None:
    """No store is half made: with room again it begins as if nothing had been."""
    filler = _fill(disk)
    _full(lambda: Store(disk / "store").register([point(1)]))
    filler.unlink()
    store = Store(disk / "store")
    store.register([point(1)])
    with store.writer(run()) as writer:
        writer.append(_noise(T0))

    assert _count(store) == 2000
    assert store.verify() == ()


def test_a_read_only_disk_can_be_read(disk: Path, run: Callable[..., Run], point: Callable[[int], Any]) -> None:
    """Queries, status, verify and exports elsewhere work; whatever writes says one line."""
    store = Store(disk / "store", now=lambda: T0)
    store.register([point(1)])
    with store.writer(run()) as writer:
        writer.append(_noise(T0))
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    store = Store(disk / "store", now=lambda: T0)

    assert _count(store) == 2000
    assert (store.status().problems, store.verify()) == ((), ())
    assert store.export(disk.parent / "out", "parquet") == 2000
    for work in (
        store.compact,
        store.repair,
        lambda: store.register([point(2)]),
        lambda: store.writer(run()).__enter__(),
    ):
        with pytest.raises(StoreError, match=r"^[^\n]+\(Read-only file system\); check the disk and its rights$"):
            work()
