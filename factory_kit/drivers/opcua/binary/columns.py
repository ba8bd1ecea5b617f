"""What many DataValues are once they are columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from factory_kit.model.sample import Float64, Int64

__all__ = ["Columns", "Handles", "Presence", "microseconds_of", "one_after_the_other"]

Handles = npt.NDArray[np.uint32]
Presence = npt.NDArray[np.bool_]

UNIX_EPOCH = 116_444_736_000_000_000
"""1970-01-01 in the 100 ns steps since 1601 that a DateTime counts (OPC 10000-6, 5.2.2.5)."""
LATEST = 2_650_467_743_990_000_000
"""9999-12-31T23:59:59; whatever is later means this."""


@dataclass(frozen=True, slots=True)
class Columns:
    """DataValues in the order of the wire; times are µs since 1970 UTC, 0 where there is none or one before 1970."""

    handle: Handles
    """The client handle of each, or its place in the answer to a Read."""
    value: Float64
    """NaN where there is no number; whole numbers from 2**53 on as the nearest double."""
    has_value: Presence
    """Whether there is a number or a text."""
    status: Int64
    source: Int64
    server: Int64
    text: list[str | None] | None = None
    others: dict[int, bytes] = field(default_factory=dict)
    """Encoded Variants that are no number and no text, such as arrays and structures, by row; their ``has_value`` is False."""

    def __len__(self) -> int:
        return len(self.handle)

    def first(self, count: int) -> Columns:
        """The first *count* of them."""
        if count == len(self):
            return self
        return Columns(
            handle=self.handle[:count],
            value=self.value[:count],
            has_value=self.has_value[:count],
            status=self.status[:count],
            source=self.source[:count],
            server=self.server[:count],
            text=None if self.text is None else self.text[:count],
            others={row: value for row, value in self.others.items() if row < count},
        )


def microseconds_of(filetime: Int64) -> Int64:
    """µs since 1970 of DateTimes as they are encoded."""
    times: Int64 = np.maximum(filetime, UNIX_EPOCH)
    np.minimum(times, LATEST, out=times)
    times -= UNIX_EPOCH
    times //= 10
    return times


def one_after_the_other(parts: Sequence[Columns]) -> Columns:
    """All of *parts* as one; mostly there is only one."""
    if len(parts) == 1:
        return parts[0]
    texts: list[str | None] = []
    others: dict[int, bytes] = {}
    for part in parts:
        others |= {len(texts) + row: value for row, value in part.others.items()}
        texts += part.text if part.text is not None else [None] * len(part)
    empty = np.zeros(0, np.int64)
    return Columns(
        handle=np.concatenate([empty.astype(np.uint32), *(part.handle for part in parts)]),
        value=np.concatenate([empty.astype(np.float64), *(part.value for part in parts)]),
        has_value=np.concatenate([empty.astype(np.bool_), *(part.has_value for part in parts)]),
        status=np.concatenate([empty, *(part.status for part in parts)]),
        source=np.concatenate([empty, *(part.source for part in parts)]),
        server=np.concatenate([empty, *(part.server for part in parts)]),
        text=texts if any(part.text is not None for part in parts) else None,
        others=others,
    )
