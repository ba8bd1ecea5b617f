"""Reading again and again: what is polled by wish, and what a server has no room to watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

import numpy as np
from asyncua import ua

from factory_kit.drivers.base import Arrival, NodeItem
from factory_kit.drivers.opcua.answers import read_answer
from factory_kit.drivers.opcua.binary.requests import ReadRequest
from factory_kit.drivers.opcua.errors import mapped
from factory_kit.drivers.opcua.link import Link
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.model.sample import SampleBatch

__all__ = ["Poller"]


class Poller:
    """Reads the items of ``places``, each at its own interval, and hands what came to *told*."""

    def __init__(self, link: Link, parts: Parts, told: Callable[[Sequence[Arrival]], None]) -> None:
        self.places: set[int] = set()
        self._link = link
        self._parts = parts
        self._told = told
        self._items: Sequence[NodeItem] = ()
        self._nodes: Mapping[int, ua.NodeId] = {}
        self._encoded: dict[tuple[int, ...], ReadRequest] = {}
        """Reads of the items at some places, as they are sent at every beat."""

    def forget(self) -> None:
        """Nothing is polled."""
        self.places = set()

    def know(self, items: Sequence[NodeItem], nodes: Mapping[int, ua.NodeId]) -> None:
        """The *items*, and their node ids in this session."""
        self._items, self._nodes = items, nodes
        self._encoded.clear()

    @property
    def intervals(self) -> list[float]:
        """The intervals (ms) at which something is polled."""
        return sorted({self._items[place].sampling_ms for place in self.places})

    async def poll(self, interval_ms: float) -> None:
        """Read the items of one interval for ever; a beat that has passed already is left out."""
        interval = max(interval_ms, 1.0) / 1000
        places = sorted(place for place in self.places if self._items[place].sampling_ms == interval_ms)
        about = np.array(places, dtype=np.int32)
        due = monotonic()
        while True:
            self._told([Arrival(batch, about=about) for batch in await self._values(places)])
            due += interval * (1 + max(0, int((monotonic() - due) / interval)))
            await asyncio.sleep(max(0.0, due - monotonic()))

    async def _values(self, places: Sequence[int]) -> list[SampleBatch]:
        """The values of the items at *places* now."""
        batches: list[SampleBatch] = []

        async def read(part: Sequence[int]) -> list[int]:
            request = self._encoded.get(tuple(part))
            if request is None:
                request = self._encoded[tuple(part)] = ReadRequest([self._nodes[place] for place in part], part)
            body = await self._link.raw(request)
            batch, count = read_answer(body, request.places, self._link.context.now(), self._parts)
            batches.append(batch)
            return [0] * count

        with mapped(self._link.address):
            await self._link.reads.calls(places, read)
        return batches
