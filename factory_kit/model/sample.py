"""Samples: values of points, in columns, as they travel from a driver to the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
import numpy.typing as npt

__all__ = ["Float64", "Int8", "Int32", "Int64", "Origin", "Quality", "SampleBatch"]

Int8 = npt.NDArray[np.int8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


class Quality(IntEnum):
    """How far a value can be trusted: the two top bits of an OPC UA StatusCode (OPC 10000-4, 7.39)."""

    GOOD = 0
    UNCERTAIN = 1
    BAD = 2


class Origin(StrEnum):
    """Where a sample comes from; stamped by the driver and never changed afterwards."""

    LIVE = "live"
    IMPORTED = "imported"
    REPLAYED = "replayed"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """Samples of one origin in columns of equal length, in the order in which they arrived.

    ``point`` holds catalogue ids; ``time``, ``server_time`` and ``received_time`` are microseconds since 1970-01-01 UTC.
    ``value`` is NaN where the sample has a text or no value at all (``has_value`` tells NaN of the machine from no value);
    ``text`` is None where no sample of the batch has one. ``status`` is the raw status of the protocol, 0 where good.
    ``server_time`` and ``received_time`` are None where the scan class does not keep them.
    """

    point: Int32
    time: Int64
    value: Float64
    quality: Int8
    has_value: npt.NDArray[np.bool_] | None = None
    text: Sequence[str | None] | None = None
    status: Int64 | None = None
    server_time: Int64 | None = None
    received_time: Int64 | None = None

    def __post_init__(self) -> None:
        """Refuse columns of different lengths: nothing downstream could repair that."""
        columns = (
            self.time,
            self.value,
            self.quality,
            self.has_value,
            self.text,
            self.status,
            self.server_time,
            self.received_time,
        )
        if any(column is not None and len(column) != len(self.point) for column in columns):
            raise ValueError("the columns of a sample batch differ in length")

    def __len__(self) -> int:
        return len(self.point)

    def rows(self, places: npt.NDArray[np.intp]) -> SampleBatch:
        """The samples at *places*, in that order; one may come several times."""
        return SampleBatch(
            point=self.point[places],
            time=self.time[places],
            value=self.value[places],
            quality=self.quality[places],
            has_value=None if self.has_value is None else self.has_value[places],
            text=None if self.text is None else [self.text[place] for place in places.tolist()],
            status=None if self.status is None else self.status[places],
            server_time=None if self.server_time is None else self.server_time[places],
            received_time=None if self.received_time is None else self.received_time[places],
        )
