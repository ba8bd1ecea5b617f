"""What a full disk kept out of the journal, kept in mind until it can be noted."""

from __future__ import annotations

import numpy as np

from factory_kit.model.run import Gap
from factory_kit.model.sample import SampleBatch

__all__ = ["Refused"]


class Refused:
    """First and last time of the refused samples of each point; memory grows with the points, not with the time."""

    def __init__(self) -> None:
        self._spans: dict[int, tuple[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._spans)

    def add(self, batch: SampleBatch) -> None:
        """*batch* was not kept."""
        order = np.lexsort((batch.time, batch.point))
        point, time = np.asarray(batch.point)[order], np.asarray(batch.time)[order]
        starts = np.flatnonzero(np.r_[True, point[1:] != point[:-1]])
        ends = np.r_[starts[1:], len(point)] - 1
        for number, first, last in zip(point[starts].tolist(), time[starts].tolist(), time[ends].tolist(), strict=True):
            low, high = self._spans.get(number, (first, last))
            self._spans[number] = (min(low, first), max(high, last))

    def gaps(self) -> list[Gap]:
        """One gap for each point."""
        return [Gap(point, first, last + 1, "disk full") for point, (first, last) in sorted(self._spans.items())]
