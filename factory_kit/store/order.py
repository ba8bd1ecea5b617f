"""The order of a sealed file: by point, then time, and of two samples with both the same the one that came last."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["in_order", "sorted_rows"]

Rows = npt.NDArray[np.intp]
Points = npt.NDArray[np.int32]
Times = npt.NDArray[np.int64]
RADIX = 1 << 16


def sorted_rows(point: Points, time: Times) -> Rows:
    """Row numbers of arrival order in the order of a sealed file, without those that a later row replaces."""
    return in_order(point, time)[0]


def in_order(point: Points, time: Times) -> tuple[Rows, Points, Times]:
    """``sorted_rows`` with their points and times."""
    rows = _by_point(point)
    point, time = point[rows], time[rows]
    same = point[1:] == point[:-1]
    if not np.any(same & (time[1:] <= time[:-1])):
        return rows, point, time
    again = np.lexsort((time, point))
    rows, time = rows[again], time[again]
    keep = np.ones(len(rows), np.bool_)
    keep[:-1] = ~(same & (time[1:] == time[:-1]))
    return rows[keep], point[keep], time[keep]


def _by_point(point: Points) -> Rows:
    """Stable order by point; numpy sorts 16-bit integers by radix, faster than wider ones."""
    narrow = point.astype(np.uint16) if len(point) and point.min() >= 0 and point.max() < RADIX else point
    return np.argsort(narrow, kind="stable")
