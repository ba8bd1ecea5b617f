"""Marks that tell recipients apart, and the finding of them; pure, over arrays.

Every series is cut into windows of time; a keyed sign, +1 or -1, is drawn for each window (HMAC-SHA256 gives 256 signs at once, so no row
has an HMAC of its own), and the values in it change by that sign times the declared step. That is as safe as a sign per row: without the key
the signs of all windows are unpredictable, whatever is known of other recipients' signs.

Who traces has the unmarked original. The leaked values are matched with it by time, averaging, smoothing and an affine rescaling are
estimated and undone, and the residuals are summed by window: R_w. Under a key that was not used the signs are independent of R, so that T = sum s_w R_w / |R| exceeds t
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
LAGS = 32
"""So many neighbours on either side may have been mixed into a row by smoothing."""
LEAST_ROWS = 20 * (2 * LAGS + 1)
"""With fewer rows the weights of smoothing are not looked for: they would fit anything."""
CLOSE = 0.02
"""An explanation that leaves so small a share of the spread is the right one."""
LONGEST_GRID = 1 << 26
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

    Each leaked row is explained by the original in the simplest way that fits: the same moment, the mean over the time until the next
    row, or a weighted sum of neighbours (smoothing), each with an unknown affine rescaling; times that all moved by one amount are moved
    back first. What cannot be explained goes to the windows of all original rows it stands for, by their weight. Wild values do not count.
    None of this looks at a key.
    """
    known, truth = _clean(*original)
    times, values = _clean(*leaked)
    best = _explanation(known, truth, times, values)
    if best is None:
        return Residuals(series, np.zeros(0, np.int64), np.zeros(0), 0)
    spread = float(np.quantile(np.abs(best.left), TYPICAL)) * 8
    left = np.where(np.abs(best.left) <= spread, best.left, 0.0) if spread > 0 else best.left
    numbers = known // window
    first = int(numbers[0])
    sums = np.zeros(int(numbers[-1]) - first + 1)
    for rows, places, weights in best.shares:
        sums += np.bincount(numbers[places] - first, weights=left[rows] * weights, minlength=len(sums))
    there = np.flatnonzero(sums)
    return Residuals(series, there + first, sums[there], len(left))


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


@dataclass(frozen=True)
class _Explained:
    """What the original does not explain of the leaked rows, and which original rows each stands for."""

    left: Floats
    typical: float
    """How much that typically is, as a share of how far the values spread."""
    shares: tuple[tuple[Ints | slice, Ints, Floats | float], ...]
    """Leaked rows, the original rows they stand for, and with which weight."""


def _explanation(known: Ints, truth: Floats, times: Ints, values: Floats) -> _Explained | None:
    """The simplest explanation of *values* that fits; None where hardly any moment is one of the original's."""
    if not len(known) or not len(times):
        return None
    best = _explained(known, truth, times, values)
    if best is None or best.typical > CLOSE:
        later = times + _shift(known, truth, times, values)
        moved = _explained(known, truth, later, values)
        if moved is not None and (best is None or moved.typical < best.typical / 2):
            best, times = moved, later
    if best is None or best.typical <= CLOSE:
        return best
    smoothed = _smoothed(known, truth, times, values)
    return smoothed if smoothed is not None and smoothed.typical < best.typical / 2 else best


def _explained(known: Ints, truth: Floats, times: Ints, values: Floats) -> _Explained | None:
    """Each leaked row as the row of its moment, or as the mean until the next row; None where hardly any moment is one of the original's."""
    rows, places = _there(known, times)
    if len(rows) < max(3, len(times) / 2):
        return None
    single = _single(truth, values[rows], places)
    averaged = _averaged(known, truth, times, values)
    return averaged if averaged is not None and averaged.typical < single.typical else single


def _there(known: Ints, times: Ints) -> tuple[Ints, Ints]:
    """Which leaked rows have a moment of the original, and which one."""
    exact = np.minimum(np.searchsorted(known, times), len(known) - 1)
    rows = np.flatnonzero(known[exact] == times)
    return rows, exact[rows]


def _made(expected: Floats, left: Floats, shares: tuple[tuple[Ints | slice, Ints, Floats | float], ...]) -> _Explained:
    scale = float(np.std(expected + left))
    typical = float(np.quantile(np.abs(left), TYPICAL)) / scale if scale else 0.0
    return _Explained(left, typical, shares)


def _single(truth: Floats, values: Floats, places: Ints) -> _Explained:
    """Each leaked row is the row of that moment."""
    expected = truth[places]
    return _made(expected, _unscaled(values, expected) - expected, ((slice(None), places, 1.0),))


def _averaged(known: Ints, truth: Floats, times: Ints, values: Floats) -> _Explained | None:
    """Each leaked row is the mean of the original until the next row; None where the rows are no regular, coarser grid."""
    pace = _pace(times)
    if pace < 2 * _pace(known) or (np.diff(times) == pace).mean() <= 0.9:
        return None
    first, last = np.searchsorted(known, times), np.searchsorted(known, times + pace)
    count = last - first
    keep = count > 0
    first, count, values = first[keep], count[keep], values[keep]
    centre = truth.mean()
    total = np.concatenate(([0.0], np.cumsum(truth - centre)))
    expected = (total[first + count] - total[first]) / count + centre
    rows = np.repeat(np.arange(len(values)), count)
    places = np.repeat(first - np.concatenate(([0], np.cumsum(count)[:-1])), count) + np.arange(int(count.sum()))
    left = _unscaled(values, expected) - expected
    return _made(expected, left, ((rows, places, 1.0 / count[rows]),))


def _smoothed(known: Ints, truth: Floats, times: Ints, values: Floats) -> _Explained | None:
    """Each leaked row is one weighted sum of the rows around it; the weights are fitted on at most 50,000 rows."""
    lags = np.arange(-LAGS, LAGS + 1)
    rows, places = _there(known, times)
    inside = (places >= LAGS) & (places < len(truth) - LAGS)
    if inside.sum() < LEAST_ROWS:
        return None
    values, places = values[rows[inside]], places[inside]
    centred, middle = truth - truth.mean(), values.mean()
    some = np.linspace(0, len(values) - 1, min(len(values), 50_000)).astype(np.int64)
    around = centred[places[some][:, None] + lags]
    weights = np.linalg.lstsq(around.T @ around, around.T @ (values[some] - middle), rcond=1e-10)[0]
    expected = np.zeros(len(values))
    for lag, weight in zip(lags, weights, strict=True):
        expected += weight * centred[places + lag]
    shares = tuple((slice(None), places + lag, float(weight)) for lag, weight in zip(lags, weights, strict=True))
    return _made(expected, values - middle - expected, shares)


def _shift(known: Ints, truth: Floats, times: Ints, values: Floats) -> int:
    """By how much (µs) *times* are to be moved so that *values* fit the original best, on the grid of the original; 0 where none fits."""
    native = _pace(known)
    if native <= 0 or max(np.ptp(known), np.ptp(times)) // native > LONGEST_GRID:
        return 0
    one, other = (  # what changes from row to row: a part of a rise has edges and a mean of its own
        _on_grid(at, np.diff(level, prepend=level[:1]), native) for at, level in ((known, truth), (times, values))
    )
    size = 1 << (len(one) + len(other)).bit_length()
    spectrum = np.fft.rfft(one, size)
    white = spectrum / np.maximum(
        np.abs(spectrum), 1e-12
    )  # or whatever is slow in the original would hide where exactly it lies
    across = np.abs(np.fft.irfft(white * np.fft.rfft(other, size).conj(), size))
    lag = int(across.argmax())
    lag -= size if lag > len(one) else 0
    return int(known[0] - times[0]) + lag * native


def _on_grid(times: Ints, values: Floats, native: int) -> Floats:
    """*values* less their mean at every *native* µs from the first of *times* on, 0 where there is none."""
    made = np.zeros(int((times[-1] - times[0]) // native) + 1)
    made[(times - times[0]) // native] = values - values.mean()
    return made


def _clean(times: Ints, values: Floats) -> tuple[Ints, Floats]:
    keep = np.isfinite(values)
    order = np.argsort(times[keep], kind="stable")
    return times[keep][order], values[keep][order]


def _pace(times: Ints) -> int:
    return int(np.median(np.diff(times))) if len(times) > 1 else 1


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
    return slope, base
