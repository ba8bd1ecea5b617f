"""How long ``factory-kit --help`` takes, beside a Python that does nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.frame import Bar, Row, Scale, side_by_side

STARTS = 5


def rows(scale: Scale) -> Iterator[Row]:
    """Seconds of processor per start."""
    ours, bare = side_by_side(help_page, bare_python, scale.runs)
    bar = Bar("ours", "at most", full=0.30, quick=0.30)
    yield Row(
        "factory-kit --help", "s CPU/start", ours.cpu_s / ours.units, bare.cpu_s / bare.units, "python -c pass", bar
    )
    yield Row(
        "factory-kit --help, on the clock",
        "s/start",
        ours.wall_s / ours.units,
        bare.wall_s / bare.units,
        "python -c pass",
    )


def help_page() -> float:
    """The help page, several times."""
    return _started(["-m", "factory_kit", "--help"])


def bare_python() -> float:
    """Python alone, as often."""
    return _started(["-c", "pass"])


def _started(words: list[str]) -> float:
    for _ in range(STARTS):
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    return STARTS
