"""Marks that tell recipients apart, and the finding of them; pure, over arrays.

Every series is cut into windows of time; a keyed sign, +1 or -1, is drawn for each window (HMAC-SHA256 gives 256 signs at once, so no row
has an HMAC of its own), and the values in it change by that sign times the declared step. That is as safe as a sign per row: without the key
the signs of all windows are unpredictable, whatever is known of other recipients' signs.

Who traces has the unmarked original. The leaked values are matched with it by time, an affine rescaling is estimated and undone, and the
residuals are summed by window: R_w. Under a key that was not used the signs are independent of R, so that T = sum s_w R_w / |R| exceeds t
with a probability of at most exp(-t^2 / 2) (Hoeffding), whatever was done to the file: an upper bound, no model of an attack.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LEAST_WINDOWS", "Marking", "Residuals", "Trace", "mark_key", "marked", "residuals", "signs", "trace"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BLOCK = 256
LEAST_WINDOWS = 20
"""With fewer windows nobody is accused: data_exchange asks for 20 bits at least."""
TYPICAL = 0.25
"""The quantile of the residuals that counts as typical: most of the rows may be cut off at a limit."""
ALARM = 1e-9
"""The largest p-value that names a recipient, before it is divided by how many are registered."""


@dataclass(frozen=True)
class Residuals:
    """What is left of one series: sums by window, and how many rows went into them."""

    series: str
    windows: Ints
    sums: Floats
    rows: int


@dataclass(frozen=True)
class Trace:
    """What a key says about a file: the statistic, an upper bound of its p-value, and how many windows spoke."""

    recipient: str
    statistic: float
    p_value: float
    windows: int

    def names(self, registered: int) -> bool:
        """Whether this is enough to name the recipient among *registered* ones."""
        return self.windows >= LEAST_WINDOWS and self.p_value * max(registered, 1) <= ALARM


def mark_key(master: bytes, product: str, version: str, recipient: str) -> bytes:
    """The key of the marks of *recipient* in this version of *product*; it tells nothing about *master*."""
    return hmac.new(master, f"watermark|{product}|{version}|{recipient}".encode(), hashlib.sha256).digest()


def signs(key: bytes, series: str, windows: Ints) -> npt.NDArray[np.int8]:
    """The sign of each of *windows* (numbers, in any order) of *series*."""
    if not len(windows):
        return np.zeros(0, np.int8)
    blocks, place = np.unique(windows // BLOCK, return_inverse=True)
    table = np.empty((len(blocks), BLOCK), np.int8)
    for row, block in enumerate(blocks.tolist()):
        digest = hmac.new(key, f"{series}|{block}".encode(), hashlib.sha256).digest()
        table[row] = np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.int8) * 2 - 1
    found: npt.NDArray[np.int8] = table[place, windows % BLOCK]
    return found


@dataclass(frozen=True)
class Marking:
    """How a field is marked: by how much, to how many places (None: all), and between which limits."""

    step: float
    places: int | None = None
    limits: tuple[float, float] = (-math.inf, math.inf)


def marked(values: Floats, sign_of: npt.NDArray[np.int8], how: Marking, before: float = math.nan) -> Floats:
    """*values* of one series in order of time, the last one *before* them known, changed by at most the step; those that rest stay.

    A value that equals the one before it, is zero, or would leave the limits stays: marks on a line at rest could be seen and taken off.
    *sign_of* are the signs of the rows' windows.
    """
    moved = np.empty(len(values), np.bool_)
    moved[:1] = values[:1] != before
    np.not_equal(values[1:], values[:-1], out=moved[1:])
    moved &= np.isfinite(values) & (values != 0)
    changed = values + sign_of * how.step
    if how.places is not None:
        changed = np.round(changed, how.places)
    moved &= (changed >= how.limits[0]) & (changed <= how.limits[1])
    return np.where(moved, changed, values)


def residuals(series: str, original: tuple[Ints, Floats], leaked: tuple[Ints, Floats], window: int) -> Residuals:
    """The residuals of *leaked* (times in µs, values) against *original*, by window of *window* µs.

    A leaked row that stands for several originals (a mean over the time until the next row) is compared with their mean; an unknown
    affine rescaling is estimated by least squares and undone; wild values do not count.
    """
    times, values, expected, numbers = _matched(original, leaked, window)
    if len(values) < 3:
        return Residuals(series, np.zeros(0, np.int64), np.zeros(0), 0)
    left = _unscaled(values, expected) - expected
    spread = float(np.quantile(np.abs(left), TYPICAL)) * 8
    if spread > 0:
        left = np.where(np.abs(left) <= spread, left, 0.0)
    windows, place = np.unique(numbers, return_inverse=True)
    sums: Floats = np.bincount(place, weights=left, minlength=len(windows)).astype(np.float64)
    return Residuals(series, windows, sums, len(times))


def trace(found: Sequence[Residuals], keys: Mapping[str, bytes]) -> list[Trace]:
    """What each recipient's key says about the residuals, the most telling first."""
    return sorted(
        (_trace(found, name, key) for name, key in keys.items()), key=lambda each: (each.p_value, each.recipient)
    )


def _trace(found: Iterable[Residuals], recipient: str, key: bytes) -> Trace:
    total, square, windows = 0.0, 0.0, 0
    for each in found:
        scale = math.sqrt(float((each.sums**2).mean())) if len(each.sums) else 0.0
        if scale == 0:
            continue
        sums = each.sums / scale
        total += float((sums * signs(key, each.series, each.windows)).sum())
        square += float((sums**2).sum())
        windows += int((sums != 0).sum())
    statistic = total / math.sqrt(square) if square else 0.0
    return Trace(recipient, statistic, math.exp(-(statistic**2) / 2) if statistic > 0 else 1.0, windows)


def _matched(
    original: tuple[Ints, Floats], leaked: tuple[Ints, Floats], window: int
) -> tuple[Ints, Floats, Floats, Ints]:
    """Times, leaked values, what the original says there, and the number of the window."""
    known, truth = _clean(*original)
    times, values = _clean(*leaked)
    if not len(known) or not len(times):
        return times[:0], values[:0], values[:0], times[:0]
    exact = np.searchsorted(known, times)
    hit = (exact < len(known)) & (known[np.minimum(exact, len(known) - 1)] == times)
    if hit.mean() < 0.5:
        return times[:0], values[:0], values[:0], times[:0]
    pace = _pace(times)
    native = _pace(known)
    if pace >= 2 * native and (np.diff(times) == pace).mean() > 0.9:
        averaged = _means(known, truth, times, pace)
        single = truth[np.minimum(exact, len(known) - 1)]
        if _distance(values, averaged) < _distance(values, single):
            keep = np.isfinite(averaged)
            return times[keep], values[keep], averaged[keep], (times[keep] + (pace - native) // 2) // window
    return times[hit], values[hit], truth[exact[hit]], times[hit] // window


def _clean(times: Ints, values: Floats) -> tuple[Ints, Floats]:
    keep = np.isfinite(values)
    order = np.argsort(times[keep], kind="stable")
    return times[keep][order], values[keep][order]


def _pace(times: Ints) -> int:
    return int(np.median(np.diff(times))) if len(times) > 1 else 1


def _means(known: Ints, truth: Floats, times: Ints, pace: int) -> Floats:
    """The mean of the original from each of *times* over *pace* µs."""
    total = np.concatenate(([0.0], np.cumsum(truth - truth.mean())))
    first, last = np.searchsorted(known, times), np.searchsorted(known, times + pace)
    count = last - first
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((total[last] - total[first]) / np.where(count > 0, count, np.nan) + truth.mean())


def _unscaled(values: Floats, expected: Floats) -> Floats:
    """*values* with the affine rescaling that fits best undone; as they are where that brings them nearer (limits were cut off)."""
    slope, base = _fit(expected, values)
    if slope == 0 or not math.isfinite(slope):
        return values
    undone = (values - base) / slope
    near, far = (float(np.quantile(np.abs(each - expected), TYPICAL)) for each in (values, undone))
    return values if near < far else undone


def _fit(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope and base of y over x, twice: the second time without what lies far off."""
    keep = np.ones(len(x), np.bool_)
    slope, base = 1.0, 0.0
    for _ in range(2):
        dx = x[keep] - x[keep].mean()
        power = float((dx**2).sum())
        if power == 0:
            return 1.0, float(y[keep].mean() - x[keep].mean())
        slope = float((dx * y[keep]).sum()) / power
        base = float(y[keep].mean() - slope * x[keep].mean())
        left = np.abs(y - slope * x - base)
        keep = left <= max(float(np.median(left)) * 8, 1e-12)
        if keep.sum() < 3:
            break
    return slope, base


def _distance(values: Floats, expected: Floats) -> float:
    keep = np.isfinite(expected)
    if keep.sum() < 3:
        return math.inf
    left = _unscaled(values[keep], expected[keep]) - expected[keep]
    return float(np.median(np.abs(left)))
