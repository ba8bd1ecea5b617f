from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import factory_kit
from factory_kit.store import Store

T0 = 1_788_220_800_000_000
SECOND = 1_000_000
PROGRAM = Path(__file__).with_name("killed.py")


def _kill_one(store: Store, start: int, number: int, after: float) -> list[int]:
    """Start the program, kill it *after* seconds from its first promise on, and give back what it promised."""
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(store.folder), str(start), str(number)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(factory_kit.__file__).parents[1])},
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    time.sleep(after)
    process.kill()
    rest, _ = process.communicate()
    return [int(line) for line in (first + rest).splitlines(keepends=True) if line.endswith("\n")]


def _expected(start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and times from *start* to *end*: 40 batches of 20 s in a row, then ten minutes of silence, sorted."""
    seconds = np.arange((end - start) // SECOND)
    times = start + seconds[seconds % 1400 < 800] * SECOND
    return np.repeat(np.arange(1, 6), len(times)), np.tile(times, 5)


@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_loses_nothing_it_promised(store: Store, seed: int) -> None:
    """Kill -9 at any moment of writing and sealing, five times over: every promised sample is there once, with its value."""
    chance = random.Random(seed)  # noqa: S311 - seeded on purpose
    promised: list[tuple[int, int]] = []
    start = T0
    for kill in range(5):
        said = _kill_one(store, start, kill * 1000, chance.uniform(0.0, 0.5))
        promised.append((start, said[-1]))
        _check(store, promised)
        start = said[-1] + 86_400 * SECOND
    store.seal()

    _check(store, promised)
    assert store.verify() == ()
    assert store.status().journal_segments == 0
    assert not list(store.folder.rglob("*.tmp"))


def _check(store: Store, promised: list[tuple[int, int]]) -> None:
    with store.connect() as con:
        for start, end in promised:
            found = con.execute(
                "SELECT point, epoch_us(time) AS time, value FROM samples "
                "WHERE epoch_us(time) >= ? AND epoch_us(time) < ? ORDER BY point, time",
                [start, end],
            ).fetchnumpy()
            points, times = _expected(start, end)
            assert np.array_equal(found["point"], points)
            assert np.array_equal(found["time"], times)
            assert np.array_equal(found["value"], np.sin(points * 1000.0 + times / SECOND))
