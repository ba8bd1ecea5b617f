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
DAY = 86_400 * SECOND
PROGRAM = Path(__file__).with_name("killed.py")
KILLS = int(os.environ.get("FACTORY_KIT_KILLS", "20"))
"""How often the program is killed; 200 in a soak."""

PHASES = ("write", "seal", "compact")
LASTS = {"write": 0.4, "seal": 0.05, "compact": 0.08}
"""For how long each goes on, about: the kill comes at any moment of it."""


def _kill_one(store: Store, start: int, number: int, phase: str, after: float) -> list[int]:
    """Start the program, kill it *after* seconds in *phase*, and give back what it promised."""
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(store.folder), str(start), str(number)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(factory_kit.__file__).parents[1])},
    )
    assert process.stdout is not None
    heard = []
    for line in process.stdout:
        heard.append(line)
        if line.strip() == phase:
            break
    time.sleep(after)
    process.kill()
    rest, _ = process.communicate()
    lines = "".join([*heard, rest]).splitlines(keepends=True)
    return [int(line) for line in lines if line.endswith("\n") and line.strip().isdigit()]


def _expected(start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and times from *start* to *end*: 40 batches of 20 s in a row, then ten minutes of silence, sorted."""
    seconds = np.arange((end - start) // SECOND)
    times = start + seconds[seconds % 1400 < 800] * SECOND
    return np.repeat(np.arange(1, 6), len(times)), np.tile(times, 5)


@pytest.mark.parametrize("turn", range(-(-KILLS // 5)))
def test_a_killed_writer_loses_nothing_it_promised(store: Store, turn: int) -> None:
    """Kill -9 at any moment of writing, sealing and merging, five times over: every promised sample is there once, with its value."""
    chance = random.Random(turn)  # noqa: S311 - seeded on purpose
    promised: list[tuple[int, int]] = []
    start = T0
    for kill in range(min(5, KILLS - 5 * turn)):
        phase = PHASES[(5 * turn + kill) % len(PHASES)]
        said = _kill_one(store, start, kill * 1000, phase, chance.uniform(0.0, LASTS[phase]))
        if said:
            promised.append((start, said[-1]))
            start = said[-1] + DAY
        _check(store, promised)
    store.seal()
    _check(store, promised)
    store.compact()

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
