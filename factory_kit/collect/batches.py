"""Many small batches of samples as one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from factory_kit.model.sample import Quality, SampleBatch

__all__ = ["bad", "joined", "selected"]

Column = TypeVar("Column", bound=npt.NDArray[Any])


def joined(batches: Sequence[SampleBatch]) -> SampleBatch:
    """All of *batches*, which must not be empty, in their order; a column that one of them leaves out is filled."""
    if len(batches) == 1:
        return batches[0]
    return SampleBatch(
        point=np.concatenate([batch.point for batch in batches]),
        time=np.concatenate([batch.time for batch in batches]),
        value=np.concatenate([batch.value for batch in batches]),
        quality=np.concatenate([batch.quality for batch in batches]),
        has_value=_column(batches, lambda batch: batch.has_value, lambda batch: ~np.isnan(batch.value)),
        text=_texts(batches),
        status=_column(batches, lambda batch: batch.status, lambda batch: np.zeros(len(batch), np.int64)),
        server_time=_column(batches, lambda batch: batch.server_time, lambda batch: batch.time),
        received_time=_column(batches, lambda batch: batch.received_time, lambda batch: batch.time),
    )


def selected(batch: SampleBatch, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> SampleBatch:
    """The *rows* of *batch*."""
    return batch.rows(np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.intp))


def bad(places: npt.NDArray[np.int32], time: int, received: int, status: int) -> SampleBatch:
    """One sample without a value for each of *places*: a failed read is a sample too."""
    count = len(places)
    return SampleBatch(
        point=places,
        time=np.full(count, time, np.int64),
        value=np.full(count, np.nan),
        quality=np.full(count, Quality.BAD, np.int8),
        has_value=np.zeros(count, np.bool_),
        status=np.full(count, status, np.int64),
        received_time=np.full(count, received, np.int64),
    )


def _column(
    batches: Sequence[SampleBatch], get: Callable[[SampleBatch], Column | None], fill: Callable[[SampleBatch], Column]
) -> Column | None:
    columns = [get(batch) for batch in batches]
    if all(column is None for column in columns):
        return None
    whole = [fill(batch) if column is None else column for batch, column in zip(batches, columns, strict=True)]
    return np.concatenate(whole)  # type: ignore[return-value]


def _texts(batches: Sequence[SampleBatch]) -> list[str | None] | None:
    if all(batch.text is None for batch in batches):
        return None
    return [text for batch in batches for text in (batch.text if batch.text is not None else [None] * len(batch))]
