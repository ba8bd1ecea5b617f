"""A program to be killed: writes runs of samples whose values follow from point and time, and says what it does and promises."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from factory_kit.model.run import Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store

POINTS = 5
SECOND = 1_000_000
DAY = 86_400 * SECOND


def value_of(point: np.ndarray, time: np.ndarray) -> np.ndarray:
    """What the sample of *point* at *time* must hold."""
    return np.sin(point * 1000.0 + time / SECOND)


def say(word: object) -> None:
    """One line to whoever kills."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(folder: Path, start: int, number: int) -> None:
    """Run after run of 40 batches from *start* µs on, every other one a day later; then all is merged.

    A number printed is a time up to which everything was appended; ``write``, ``seal`` and ``compact`` say what begins.
    """
    store = Store(folder)
    time = start
    while True:
        number += 1
        say("write")
        with store.writer(Run(f"run-{number}", time, Origin.SIMULATED, "demo", "test"), commit_s=0.05) as writer:
            for batch in range(40):
                times = np.repeat(np.arange(time, time + 20 * SECOND, SECOND), POINTS)
                points = np.tile(np.arange(1, POINTS + 1, dtype=np.int32), 20)
                writer.append(SampleBatch(points, times, value_of(points, times), np.zeros(len(times), np.int8)))
                time += 20 * SECOND
                say(time)
                if batch % 10 == 9:
                    writer.roll()
            say("seal")
        time += 600 * SECOND
        if number % 2 == 0:
            say("compact")
            store.compact()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
