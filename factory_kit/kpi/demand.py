"""Demand of a meter: its energy by blocks of the clock, the peak of them, and how evenly the load is spread.

Pure numbers in kWh and kW. A block whose energy no two readings enclose closely enough is unknown, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from factory_kit.kpi.counters import Rise
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.sample import Float64, Int64

__all__ = ["BLOCK", "Demand", "demand", "demand_of"]

BLOCK = 15 * 60 * 1_000_000
"""Demand is metered and charged by quarters of an hour (DL/T 448 and the tariffs of the provinces; memory, to be checked)."""
HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Demand:
    """Mean power of each block in kW, NaN where it is not known; ``start`` is that of the first block."""

    start: int
    block: int
    kw: Float64

    @property
    def coverage(self) -> float:
        """The share of blocks that are known."""
        return float(np.mean(~np.isnan(self.kw))) if len(self.kw) else 0.0

    @property
    def peak(self) -> float | None:
        """Peak demand, kW: the highest known block; None where none is known."""
        return float(np.nanmax(self.kw)) if self.coverage else None

    @property
    def peak_at(self) -> int | None:
        """When the peak block began."""
        return self.start + int(np.nanargmax(self.kw)) * self.block if self.coverage else None

    @property
    def mean(self) -> float | None:
        """Mean demand of the known blocks, kW."""
        return float(np.nanmean(self.kw)) if self.coverage else None

    @property
    def load_factor(self) -> float | None:
        """Mean demand / peak demand of the known blocks."""
        return self.mean / self.peak if self.mean is not None and self.peak else None

    @property
    def base_load(self) -> float | None:
        """The demand that nine of ten known blocks exceed, kW: what runs whether anybody works or not."""
        return float(np.nanpercentile(self.kw, 10)) if self.coverage else None


def demand(rises: list[Rise], window: Stretch, *, block: int = BLOCK, longest: int = BLOCK) -> Demand:
    """The demand of *window* from the *rises* of an energy register (millionths of a kWh).

    Energy between two readings is spread evenly over their time; readings farther apart than *longest* tell nothing about
    the blocks they cover only in part, so such blocks are unknown.
    """
    steps = [rise for rise in rises if rise.end > rise.start]
    ends = np.array([rise.end for rise in steps], dtype=np.int64)
    first = np.array([rise.start for rise in steps[:1]], dtype=np.int64)
    amounts = np.array([rise.amount for rise in steps], dtype=np.int64)
    return demand_of(np.concatenate([first, ends]), amounts, window, block=block, longest=longest)


def demand_of(moments: Int64, amounts: Int64, window: Stretch, *, block: int = BLOCK, longest: int = BLOCK) -> Demand:
    """Like ``demand``, of readings one behind the other at *moments*, and the *amounts* that each but the first one added."""
    count = max(0, (window.end - window.start) // block)
    if len(moments) < 2:
        return Demand(window.start, block, np.full(count, np.nan))
    edges = window.start + block * np.arange(count + 1, dtype=np.int64)
    level = np.concatenate([[0.0], np.cumsum(amounts)])
    kw = np.diff(np.interp(edges, moments, level)) * HOUR_S / block  # a millionth of a kWh in a microsecond is 3600 kW
    return Demand(window.start, block, np.where(_enclosed(edges, moments[:-1], moments[1:], longest), kw, np.nan))


def _enclosed(
    edges: np.ndarray[tuple[int], np.dtype[np.int64]],
    starts: np.ndarray[tuple[int], np.dtype[np.int64]],
    ends: np.ndarray[tuple[int], np.dtype[np.int64]],
    longest: int,
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each block lies between the first and the last reading and is touched by no step longer than *longest*."""
    inside = (edges[:-1] >= starts[0]) & (edges[1:] <= ends[-1])
    wide = ends - starts > longest
    first = np.searchsorted(ends[wide], edges[:-1], side="right")
    last = np.searchsorted(starts[wide], edges[1:], side="left")
    return np.asarray(inside & (first >= last))
