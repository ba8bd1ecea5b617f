"""Change points after the fact: where the level of several signals moved for good, found over a whole recording at once.

PELT (Killick, Fearnhead, Eckley 2012) with squared deviation from each part's own mean: the exact best division for its penalty.
"""

from __future__ import annotations

import numpy as np

from factory_kit.errors import Inconclusive
from factory_kit.model.sample import Float64

__all__ = ["change_points"]

LEAST = 10
"""Rows between two change points."""


def change_points(rows: Float64, *, penalty: float = 5.0, least: int = LEAST) -> list[int]:
    """The first rows of new levels in *rows* (rows by signals, even steps, no missing value).

    Every signal counts in its own standard deviations; a change must spare *penalty* × log(rows) of squared deviation.
    ``Inconclusive`` where a value is missing.
    """
    if not np.isfinite(rows).all():
        raise Inconclusive("change points: a value is missing; look at a stretch without gaps")
    count = len(rows)
    if count < 2 * least:
        return []
    values = (rows - rows.mean(axis=0)) / np.maximum(rows.std(axis=0), 1e-9)
    sums = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((values**2).sum(axis=1))])
    price = penalty * float(np.log(count))
    return _divided(sums, squares, price, least)


def _divided(sums: Float64, squares: Float64, price: float, least: int) -> list[int]:
    """The best division by dynamic programming; starts that can never win again are dropped."""
    count = len(squares) - 1
    best = np.full(count + 1, np.inf)
    best[0] = -price
    came = np.zeros(count + 1, np.int64)
    starts = np.array([0])
    for end in range(least, count + 1):
        costs = best[starts] + _cost(sums, squares, starts, end) + price
        at = int(np.argmin(costs))
        best[end], came[end] = costs[at], starts[at]
        starts = starts[costs - price <= best[end]]
        if end + 1 - least >= least:
            starts = np.append(starts, end + 1 - least)
    found = []
    end = count
    while came[end]:
        end = int(came[end])
        found.append(end)
    return found[::-1]


def _cost(sums: Float64, squares: Float64, starts: np.ndarray, end: int) -> Float64:
    """Squared deviation from the mean of the rows from each of *starts* to *end*."""
    total = sums[end] - sums[starts]
    return np.asarray(squares[end] - squares[starts] - (total**2).sum(axis=1) / (end - starts))
