"""Who may ask next: a few lanes, each one connection, handed to the most urgent of those who wait."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from factory_kit.drivers.modbus.wire import Wire

__all__ = ["Lane", "Lanes"]

HEAD_START_S: Final = (0.0, 0.5, 2.0)
"""How long one of high, normal and low priority is passed by those of high priority who come after it."""

FIRST_REST_S: Final = 60.0
LONGEST_REST_S: Final = 3600.0


@dataclass(slots=True, eq=False)
class Lane:
    """One connection, when it may be used again, and how long it is done without once the device does not bear it."""

    wire: Wire
    free_at: float = 0.0
    rest: float = FIRST_REST_S


class Lanes:
    """All lanes of a device. Nobody waits for ever: who has waited long enough goes before the more urgent."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self.all = [Lane(wire) for wire in wires]
        self._free = self.all[::-1]
        self._waiting: list[tuple[float, int, asyncio.Future[Lane]]] = []
        self._numbers: Iterator[int] = count()

    @property
    def connected(self) -> bool:
        """Whether any lane is open."""
        return any(lane.wire.connected for lane in self.all)

    def close(self) -> None:
        """Every lane is closed."""
        for lane in self.all:
            lane.wire.close()

    def has_beside(self, lane: Lane) -> bool:
        """Whether another lane than *lane* is open, or in the hands of somebody who will open it."""
        return any(other.wire.connected or other not in self._free for other in self.all if other is not lane)

    def drop(self, lane: Lane) -> None:
        """Do without *lane*, which was taken, for a time, a longer one each time: the device bears fewer connections."""
        self.all.remove(lane)
        lane.wire.close()
        asyncio.get_running_loop().call_later(lane.rest, self._back, lane)
        lane.rest = min(2 * lane.rest, LONGEST_REST_S)

    def _back(self, lane: Lane) -> None:
        """*lane* may be tried again, after those that are open."""
        self.all.append(lane)
        self._free.insert(0, lane)

    def at_once(self) -> Lane | None:
        """A free lane that is open, when nobody waits for one; ``give`` must follow."""
        if not self._free or self._waiting or not self._free[-1].wire.connected:
            return None
        return self._free.pop()

    async def take(self, priority: int) -> Lane:
        """A free lane; ``give`` must follow."""
        if self._free and not self._waiting:
            return self._free.pop()
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Lane] = loop.create_future()
        heapq.heappush(self._waiting, (loop.time() + HEAD_START_S[priority], next(self._numbers), place))
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give(place.result())
            raise

    def give(self, lane: Lane) -> None:
        """*lane* is free for the next."""
        if lane not in self.all:
            return
        while self._waiting:
            _due, _number, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(lane)
                return
        self._free.append(lane)
