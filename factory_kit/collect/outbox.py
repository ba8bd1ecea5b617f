"""Samples on their way to the store: gathered by all servers, taken twice a second, kept while the disk is full.

They are copied into columns that are used again and again, so that a stream of any length passes through the same memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from factory_kit.model.sample import Int32, SampleBatch

__all__ = ["Outbox"]

MOST_WAITING = 5_000_000
"""Samples kept while the store cannot take them, some 250 MB and never twice as much; what comes beyond is dropped and counted."""
ROOM = 1 << 14
"""Samples that columns have room for at first, and that they are cut back to when they grew much bigger than needed."""
SPARSE = 16
"""So many times more room than samples is given back."""
COLUMNS = {
    "point": np.int32, "time": np.int64, "value": np.float64, "quality": np.int8,
    "has_value": np.bool_, "status": np.int64, "server_time": np.int64, "received_time": np.int64,
}  # fmt: skip
OTHERS = tuple(name for name in COLUMNS if name != "point")
OPTIONAL = frozenset({"has_value", "status", "server_time", "received_time"})


class Outbox:
    """Takes batches whose points are catalogue ids and hands them out as one."""

    def __init__(self) -> None:
        self._filling = _Columns()
        self._spare = _Columns()
        self._taken: _Columns | None = None

    @property
    def count(self) -> int:
        """Samples that are not in the store yet."""
        return len(self._filling) + (0 if self._taken is None else len(self._taken))

    @property
    def crowded(self) -> bool:
        """Whether so much waits that what can be asked for later, polled values, should be: subscriptions cannot be slowed."""
        return self.count * 2 > MOST_WAITING

    def put(self, batch: SampleBatch, ids: Int32 | None = None) -> bool:
        """Take *batch*, which is copied, its points being places of *ids* if they are given; False when it had to be dropped."""
        if self.count + len(batch) > MOST_WAITING:
            return False
        self._filling.add(batch, batch.point if ids is None else ids[batch.point])
        return True

    def take(self) -> SampleBatch | None:
        """All that waits as one batch, or None; ``written`` or ``back`` must follow. It is only there until ``written``."""
        if not len(self._filling):
            return None
        self._taken, self._filling, self._spare = self._filling, self._spare, _Columns(0)
        return self._taken.batch()

    def written(self) -> None:
        """What was taken is in the store."""
        if self._taken is not None:
            self._spare, self._taken = self._taken, None
            self._spare.clear()

    def back(self) -> None:
        """What was taken could not be written and waits again, before everything newer."""
        taken, self._taken = self._taken, None
        if taken is None:
            return
        newer, self._filling = self._filling, taken
        if len(newer):
            more = newer.batch()
            taken.add(more, more.point)
        newer.clear()
        self._spare = newer


class _Columns:
    """Growing columns of samples. What a batch leaves out is filled as its samples mean it."""

    def __init__(self, room: int = ROOM) -> None:
        self._count = 0
        self._made(room)
        self._given: set[str] = set()
        """The optional columns that some batch had."""
        self._texts: list[tuple[int, Sequence[str | None]]] = []
        """Texts, and at which sample they begin."""

    def __len__(self) -> int:
        return self._count

    def _made(self, room: int) -> None:
        self._columns: dict[str, npt.NDArray[Any]] = {name: np.empty(room, kind) for name, kind in COLUMNS.items()}

    def add(self, batch: SampleBatch, point: Int32) -> None:
        """*batch*, whose points are *point*, behind what is there."""
        if not len(batch):
            return
        start, end = self._count, self._count + len(batch)
        room = len(self._columns["point"])
        if end > room:
            self._grow(max(end, 2 * room, ROOM))
        self._columns["point"][start:end] = point
        for name in OTHERS:
            part = getattr(batch, name)
            if part is not None:
                self._given.add(name)
            self._columns[name][start:end] = _meant(name, batch) if part is None else part
        if batch.text is not None:
            self._texts.append((start, batch.text))
        self._count = end

    def batch(self) -> SampleBatch:
        """All of them, where they lie."""
        columns = {
            name: column[: self._count]
            for name, column in self._columns.items()
            if name not in OPTIONAL or name in self._given
        }
        return SampleBatch(**columns, text=self._all_texts())

    def clear(self) -> None:
        """They go; much too much room goes too."""
        if len(self._columns["point"]) > SPARSE * max(ROOM, self._count):
            self._made(ROOM)
        self._count = 0
        self._given.clear()
        self._texts.clear()

    def _grow(self, room: int) -> None:
        """More room. What was handed out stays as it is."""
        smaller = self._columns
        self._made(room)
        for name, column in self._columns.items():
            column[: self._count] = smaller[name][: self._count]

    def _all_texts(self) -> list[str | None] | None:
        if not self._texts:
            return None
        parts: list[Sequence[str | None] | repeat[None]] = []
        at = 0
        for start, texts in self._texts:
            parts += [repeat(None, start - at), texts]
            at = start + len(texts)
        return list(chain(*parts, repeat(None, self._count - at)))


def _meant(name: str, batch: SampleBatch) -> Any:
    """What stands in a column that *batch* leaves out."""
    if name == "has_value":
        return ~np.isnan(batch.value)
    return 0 if name == "status" else batch.time
