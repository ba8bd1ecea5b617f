"""Values of a stream in the units of their connector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from factory_kit.collect.plan import ServerPlan
from factory_kit.collect.scale import exactly_scaled
from factory_kit.model.sample import SampleBatch

__all__ = ["Units"]


class Units:
    """Applies the scale and offset of the points of a plan that have any."""

    def __init__(self, plan: ServerPlan) -> None:
        self._scaled = {
            place: planned.point
            for place, planned in enumerate(plan.points)
            if planned.point.scale != 1 or planned.point.offset != 0
        }
        self._places = list(self._scaled)

    def __call__(self, batch: SampleBatch) -> SampleBatch:
        """*batch*, whose points are places of the plan, in units."""
        if not self._scaled:
            return batch
        value = batch.value.copy()
        for row in np.flatnonzero(np.isin(batch.point, self._places)):
            value[row] = exactly_scaled(self._scaled[int(batch.point[row])], float(value[row]))
        return replace(batch, value=value)
