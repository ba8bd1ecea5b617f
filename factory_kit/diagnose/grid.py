"""A series on even steps: what a point showed at each of them, and the rhythm it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from factory_kit.diagnose.material import Column
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.sample import Float64

__all__ = ["Grid", "cycle_steps", "on_grid", "smoothed"]

RHYTHM = 0.3
"""Autocorrelation from which on a working cycle is believed."""


@dataclass(frozen=True)
class Grid:
    """One value per *step* (µs) from *start* on; NaN where it is not known."""

    start: int
    step: int
    value: Float64

    def inside(self, stretch: Stretch) -> Float64:
        """The values of the steps that lie wholly in *stretch*."""
        first = max(0, -(-(stretch.start - self.start) // self.step))
        last = max(first, (stretch.end - self.start) // self.step)
        return self.value[first:last]


def on_grid(column: Column, window: Stretch, step: int, known: Sequence[Stretch]) -> Grid:
    """The value that held at each step of *window*, NaN outside *known* and before the first sample."""
    times = np.arange(window.start, window.end, step, dtype=np.int64)
    at = np.searchsorted(column.time, times, side="right") - 1
    value = np.where(at >= 0, column.value[np.maximum(at, 0)], np.nan) if len(column) else np.full(len(times), np.nan)
    watched = np.zeros(len(times), np.bool_)
    for part in known:
        watched[np.searchsorted(times, part.start) : np.searchsorted(times, part.end)] = True
    return Grid(window.start, step, np.where(watched, value, np.nan))


def smoothed(series: Grid, window: int) -> Grid:
    """*series* as running medians over *window* steps (odd), shorter at both ends; a missing step stays missing."""
    if window <= 1 or len(series.value) < 2:
        return series
    half = window // 2
    padded = np.concatenate([np.full(half, np.nan), series.value, np.full(half, np.nan)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    present = ~np.isnan(series.value)
    median = np.full(len(series.value), np.nan)
    if present.any():
        median[present] = np.nanmedian(windows[present], axis=1)
    return Grid(series.start, series.step, median)


def cycle_steps(values: Float64) -> int:
    """The working cycle of *values* in steps by the first high peak of their autocorrelation; 1 where they have no rhythm."""
    count = len(values)
    if count < 8 or not np.std(values):
        return 1
    centred = values - values.mean()
    full = np.correlate(centred, centred, "full")[count - 1 :]
    weights = np.arange(count, 0, -1)
    level = (full / weights) / (full[0] / count)
    inner = level[1 : count // 2 + 1]
    if len(inner) < 3:
        return 1
    peaks = np.flatnonzero((inner[1:-1] >= inner[:-2]) & (inner[1:-1] > inner[2:])) + 1
    high = [int(peak) for peak in peaks if inner[peak] >= RHYTHM and inner[peak] >= 0.8 * inner[peaks].max()]
    return high[0] + 1 if high else 1
