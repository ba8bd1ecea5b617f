"""What a point can be: values outside its range, and jumps that were not confirmed, are not believed. Pure.

A checksum lets one damaged answer in 65,536 through; these rules catch it, whatever it says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from factory_kit.model.connector import Point
from factory_kit.model.registers import registers_of
from factory_kit.model.sample import Float64

__all__ = ["Plausible"]

Flags = npt.NDArray[np.bool_]
LEAST_S = 1.0
"""A change within less than a second may be as large as one within a second: readings are not that even."""


class Plausible:
    """Remembers the last believed value of each of *points*."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._low = np.array([-np.inf if point.min is None else float(point.min) for point in points])
        self._high = np.array([np.inf if point.max is None else float(point.max) for point in points])
        self._rate = np.array([np.inf if point.rate is None else float(point.rate) for point in points])
        self._span = np.array([_span(point) for point in points])
        self._jumps = bool(np.isfinite(self._rate).any())
        self.idle = not (self._jumps or np.isfinite(self._low).any() or np.isfinite(self._high).any())
        count = len(points)
        self._last, self._at = np.full(count, np.nan), np.zeros(count)
        self._doubted, self._doubted_at = np.full(count, np.nan), np.zeros(count)

    def wrong(self, values: Float64, now: float) -> Flags:
        """Which of *values*, read at *now* (seconds of any steady clock), are not believed; NaN is no value and no question."""
        with np.errstate(invalid="ignore"):
            outside = (values < self._low) | (values > self._high)
            if not self._jumps:
                return np.asarray(outside)
            far = self._far(values, self._last, now - self._at)
            confirmed = ~np.isnan(self._doubted) & ~self._far(values, self._doubted, now - self._doubted_at)
        jump = far & ~confirmed & ~outside
        good = ~outside & ~jump & ~np.isnan(values)
        self._last[good], self._at[good] = values[good], now
        self._doubted[good] = np.nan
        self._doubted[jump], self._doubted_at[jump] = values[jump], now
        return np.asarray(outside | jump)

    def _far(self, values: Float64, before: Float64, passed: Float64) -> Flags:
        """Which values lie farther from *before* than they can have come; a counter may have begun again at 0."""
        around = values - before + self._span
        nearest = np.minimum(np.abs(values - before), np.where(around > 0, around, np.inf))
        return np.asarray(nearest > self._rate * np.maximum(passed, LEAST_S))


def _span(point: Point) -> float:
    """From the smallest to behind the largest value of a counter, in the unit of the point; infinite for what does not roll over."""
    if point.rollover is not None:
        return float(point.rollover * point.scale)
    if point.type in {"uint16", "uint32"} and point.role.value.endswith(("_count", "_energy")):
        return float(2 ** (16 * registers_of(point)) * point.scale)
    return np.inf
