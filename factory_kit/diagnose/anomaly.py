"""Anomalies of signals that belong together: how far their rolling means and deviations lie from normal running.

Rolling mean and deviation of every signal, the distance of Mahalanobis with the covariance of Ledoit and Wolf (scikit-learn),
a normal level that follows slow change while nothing is wrong. ``after_the_fact`` marks what was abnormal in a whole recording,
which it needs as a whole; ``alarms`` marks it as it comes. Models are a few numbers in JSON, with a hash and their training time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from factory_kit.diagnose.models import check_hash, hashed
from factory_kit.errors import Inconclusive
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.sample import Float64

__all__ = ["Detector", "after_the_fact", "alarms", "distances", "train"]

Mask = npt.NDArray[np.bool_]
LEAST_ROWS = 100
"""Rows of normal running per signal window from which a covariance is believed."""
FOLLOWS = 0.01
"""So much of a row's difference goes into the normal level while nothing is wrong: slow drift is followed within minutes."""
CALM = 1.5
"""Of the 95 % distance of the training: below this a row is calm and moves the normal level."""
OFTEN = 0.9
"""Quantile of the training's distances that thresholds are counted from."""
SETTLING = 100


@dataclass(frozen=True)
class Detector:
    """What normal running looks like: by how much each signal varies, and how the features vary together."""

    signals: tuple[str, ...]
    window: int
    """Rows of the rolling features."""
    centre: Float64 = field(repr=False)
    scale: Float64 = field(repr=False)
    normal: Float64 = field(repr=False)
    precision: Float64 = field(repr=False)
    usual: float
    """The distance (its logarithm) that nine of ten training rows do not exceed."""
    calm: float
    """Squared distance below which a row moves the normal level."""
    trained: Stretch
    """When the training data were measured, µs."""

    def as_json(self) -> dict[str, object]:
        """The detector as JSON carries it, with the sha256 of its content; ``from_json`` checks it."""
        content: dict[str, object] = {
            "form": 1, "signals": list(self.signals), "window": self.window,
            "centre": _texts(self.centre), "scale": _texts(self.scale), "normal": _texts(self.normal),
            "precision": [_texts(row) for row in self.precision], "usual": repr(self.usual), "calm": repr(self.calm),
            "trained": [self.trained.start, self.trained.end],
        }  # fmt: skip
        return hashed(content)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Detector:
        """The detector of ``as_json``; ``UsageError`` when it is another thing or was altered."""
        check_hash(content)
        inner = content
        return cls(
            tuple(inner["signals"]), inner["window"], _numbers(inner["centre"]), _numbers(inner["scale"]),
            _numbers(inner["normal"]), np.array([_numbers(row) for row in inner["precision"]]), float(inner["usual"]),
            float(inner["calm"]), Stretch(*inner["trained"]),
        )  # fmt: skip


def train(
    signals: tuple[str, ...], rows: Float64, trained: Stretch, *, window: int = 10, calm: float = CALM
) -> Detector:
    """A detector from *rows* of normal running, rows by signals, on even steps.

    ``Inconclusive`` when there are too few rows or a missing value among them.
    """
    from sklearn.covariance import LedoitWolf  # noqa: PLC0415 - takes half a second to import

    if len(rows) < LEAST_ROWS + window or not np.isfinite(rows).all():
        raise Inconclusive(
            "{count} whole rows of normal running are too few, expected {least} without missing values",
            count=int(np.sum(np.isfinite(rows).all(axis=1))), least=LEAST_ROWS + window,
        )  # fmt: skip
    centre, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9)
    features = _features((rows - centre) / scale, window)[window:]
    fitted = LedoitWolf().fit(features)
    apart = features - features.mean(axis=0)
    squared = np.einsum("ij,jk,ik->i", apart, fitted.precision_, apart)
    settled = np.sqrt(squared[min(SETTLING, len(squared) // 2) :])
    return Detector(
        signals, window, centre, scale, features.mean(axis=0), fitted.precision_,
        float(np.log(np.quantile(settled, OFTEN) + 1e-6)), calm * float(np.quantile(squared, 0.95)), trained,
    )  # fmt: skip


def distances(detector: Detector, rows: Float64) -> Float64:
    """How far each of *rows* lies from normal, NaN where a value is missing; the normal level follows calm rows."""
    missing = ~np.isfinite(rows).all(axis=1)
    held = np.maximum.accumulate(
        np.where(missing, -1, np.arange(len(rows)))
    )  # a missing row leaves the features as they were
    whole = np.where(held[:, None] >= 0, rows[held], detector.centre)
    features = _features((whole - detector.centre) / detector.scale, detector.window)
    normal = detector.normal.copy()
    found = np.empty(len(features))
    for row, feature in enumerate(features):
        apart = feature - normal
        squared = float(apart @ detector.precision @ apart)
        found[row] = np.sqrt(max(squared, 0.0))
        if squared < detector.calm:
            normal += FOLLOWS * apart
    return np.where(missing, np.nan, found)


def alarms(detector: Detector, found: Float64, *, times: float = 2.75, rows: int = 20) -> Mask:
    """Which rows are abnormal, told as they come: the distance, smoothed over about *rows*, exceeds *times* the usual one."""
    weight, level = 2 / (rows + 1), float(np.exp(detector.usual))
    smooth = np.empty(len(found))
    for row, distance in enumerate(found):
        level += 0.0 if np.isnan(distance) else weight * (distance - level)
        smooth[row] = level
    return np.asarray(smooth > times * np.exp(detector.usual)) & ~np.isnan(found)


def after_the_fact(detector: Detector, found: Float64, *, window: int = 61, own: float = 0.9) -> Mask:
    """Which rows of a whole recording were abnormal.

    The recording's own two levels of distance (Otsu's split of its logarithm, weighing *own*) decide beside the usual
    distance of the training, over medians of *window* rows. Of a recording without any anomaly the split has no meaning: use
    this only where something is known to have happened, else ``alarms``.
    """
    if not len(found) or np.isnan(found).all():
        return np.zeros(len(found), np.bool_)
    half = detector.window // 2  # a rolling feature speaks of the middle of its window
    centred = np.concatenate([found[half:], np.repeat(found[-1:], half)])
    padded = np.pad(centred, window // 2, mode="edge")
    level = np.log(np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1) + 1e-6)
    border = max(detector.usual + 0.1, (1 - own) * detector.usual + own * _split(level[~np.isnan(level)]))
    return np.asarray(level > border)


def _features(values: Float64, window: int) -> Float64:
    """Rolling mean and standard deviation of each column over the last *window* rows, fewer at the beginning."""
    counts = np.minimum(np.arange(1, len(values) + 1), window)[:, None]
    first = np.maximum(np.arange(len(values)) - window + 1, 0)
    sums = [np.cumsum(np.vstack([np.zeros(values.shape[1]), part]), axis=0) for part in (values, values**2)]
    mean, square = ((total[1:] - total[first]) / counts for total in sums)
    return np.hstack([mean, np.sqrt(np.maximum(square - mean**2, 0.0))])


def _split(values: Float64) -> float:
    """Otsu's border: it parts *values* into two groups whose means lie farthest apart for their sizes."""
    ordered = np.sort(values)
    count, total = len(ordered), np.cumsum(ordered)
    if count < 2:
        return float(ordered[0]) if count else 0.0
    below = np.arange(1, count)
    means = total[:-1] / below, (total[-1] - total[:-1]) / (count - below)
    best = int(np.argmax(below * (count - below) * (means[0] - means[1]) ** 2))
    return float(ordered[best] + ordered[best + 1]) / 2


def _texts(values: Float64) -> list[str]:
    return [repr(float(value)) for value in values]


def _numbers(texts: list[str]) -> Float64:
    return np.array([float(text) for text in texts])
