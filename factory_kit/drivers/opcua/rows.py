"""Some rows of a batch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from factory_kit.model.sample import SampleBatch

__all__ = ["rows_of"]


def rows_of(batch: SampleBatch, rows: npt.NDArray[np.intp]) -> SampleBatch:
    """The *rows* of *batch*, in that order; one may come several times."""
    return SampleBatch(
        point=batch.point[rows],
        time=batch.time[rows],
        value=batch.value[rows],
        quality=batch.quality[rows],
        has_value=None if batch.has_value is None else batch.has_value[rows],
        text=None if batch.text is None else [batch.text[row] for row in rows.tolist()],
        status=None if batch.status is None else batch.status[rows],
        server_time=None if batch.server_time is None else batch.server_time[rows],
        received_time=None if batch.received_time is None else batch.received_time[rows],
    )
