"""What the peers of ``benchmarks/kpi.py`` are given: the small tables and the list of files."""

from __future__ import annotations

from dataclasses import dataclass

from factory_kit.kpi.sources import CODES
from factory_kit.model.connector import MachineState

BLOCK = 900_000_000
PRODUCING, SETUP, DOWN, UNKNOWN = (
    CODES[state] for state in (MachineState.PRODUCING, MachineState.SETUP, MachineState.DOWN, MachineState.UNKNOWN)
)
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
