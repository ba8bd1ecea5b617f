"""Samples on their way to the store: gathered by all servers, taken a few times a second, kept while the disk is full."""

from __future__ import annotations

from factory_kit.collect.batches import joined
from factory_kit.model.sample import SampleBatch

__all__ = ["Outbox"]

MOST_WAITING = 5_000_000
"""Samples kept while the store cannot take them, some 400 MB; what comes beyond is dropped and counted."""


class Outbox:
    """Takes batches whose points are catalogue ids and hands them out as one."""

    def __init__(self) -> None:
        self._waiting: list[SampleBatch] = []
        self._out = 0
        self._count = 0

    @property
    def count(self) -> int:
        """Samples that are not in the store yet."""
        return self._count + self._out

    @property
    def crowded(self) -> bool:
        """Whether so much waits that what can be asked for later, polled values, should be: subscriptions cannot be slowed."""
        return self.count * 2 > MOST_WAITING

    def put(self, batch: SampleBatch) -> bool:
        """Take *batch*; False when it had to be dropped."""
        if self.count + len(batch) > MOST_WAITING:
            return False
        self._waiting.append(batch)
        self._count += len(batch)
        return True

    def take(self) -> SampleBatch | None:
        """All that waits as one batch, or None; ``written`` or ``back`` must follow."""
        if not self._waiting:
            return None
        whole = joined(self._waiting)
        self._waiting, self._out, self._count = [], len(whole), 0
        return whole

    def written(self) -> None:
        """What was taken is in the store."""
        self._out = 0

    def back(self, batch: SampleBatch) -> None:
        """What was taken could not be written and waits again, before everything newer."""
        self._waiting.insert(0, batch)
        self._count += len(batch)
        self._out = 0
