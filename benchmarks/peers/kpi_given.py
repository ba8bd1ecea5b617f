"""What the peers of ``benchmarks/kpi.py`` are given: the small tables and the list of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from factory_kit.kpi.sources import CODES
from factory_kit.model.connector import MachineState

COLUMNS = ["point", "time", "value", "quality", "run"]
BLOCK = 900_000_000
PRODUCING, SETUP, DOWN, UNKNOWN = (
    CODES[state] for state in (MachineState.PRODUCING, MachineState.SETUP, MachineState.DOWN, MachineState.UNKNOWN)
)
BUSY = (PRODUCING, SETUP)
Figures = dict[str, tuple[float, ...]]
"""By equipment: hours by state twice (state known; state and counters known), failures, pieces, energy, peak demand."""


@dataclass(frozen=True)
class Given:
    """Times are µs UTC; points are (point, equipment, role, ideal cycle in µs)."""

    files: list[str]
    points: list[tuple[int, str, str, int]]
    runs: list[tuple[str, int]]
    """Each run with its end."""
    gaps: list[tuple[int, int, int]]
    codes: dict[int, int]
    planned: list[tuple[int, int]]
    start: int
    stop: int
    slack: int
    factor: int
    kw: int


def peak_of(times: Any, level: Any, given: Given) -> float:
    """The highest quarter of an hour that close readings enclose, kW."""
    edges = np.arange(given.start, given.stop + 1, BLOCK)
    kw = np.diff(np.interp(edges, times, level / 1e6)) * 4
    wide = np.flatnonzero(np.diff(times) > BLOCK)
    known = (edges[:-1] >= times[0]) & (edges[1:] <= times[-1])
    for start, end in zip(times[wide], times[wide + 1], strict=True):
        known &= (edges[:-1] >= end) | (edges[1:] <= start)
    return float(np.max(kw[known]))
