"""A session that is in no hurry: few requests a second, never more than half of the server's time, and an end to everything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from asyncua import ua

from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.drivers.opcua.errors import TOO_MUCH, status_name
from factory_kit.errors import DeviceRefused

__all__ = ["Bounds", "Gentle", "Spent"]

Wanted = TypeVar("Wanted")
FEW = 50
"""Things in one call while the server does not say what it bears."""
MOST = 200


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a server a discovery may take. Whatever it reaches first ends it, and the result says so."""

    nodes: int = 10_000
    """Nodes looked at."""
    seconds: float = 300.0
    requests_per_s: float = 5.0
    depth: int = 20
    """Steps below the node where it begins."""
    children: int = 2_000
    """References taken from one node."""

    def as_json(self) -> dict[str, object]:
        """The limits as the dry run shows them."""
        return asdict(self)


class Spent(Exception):
    """The time of the discovery is over."""


class Gentle:
    """Requests of one session, one at a time and paced. *clock* counts seconds steadily."""

    def __init__(self, client: ReadingClient, address: str, bounds: Bounds, clock: Callable[[], float]) -> None:
        self._session = client.uaclient.session
        self.address = address
        self._clock = clock
        self._pause = 1.0 / bounds.requests_per_s
        self._until = clock() + bounds.seconds
        self._next = clock()
        self.requests = 0
        self.per_browse = FEW
        self.per_read = FEW

    @property
    def spent(self) -> bool:
        """Whether the time is over."""
        return self._clock() >= self._until

    def allow(self, per_browse: object, per_read: object) -> None:
        """Keep to what the server says it bears in one call; 0 and nonsense say nothing."""
        self.per_browse = _limit(per_browse)
        self.per_read = _limit(per_read)

    async def browse(self, wanted: Sequence[Any], most_references: int) -> list[Any]:
        """The BrowseResult of each BrowseDescription."""

        async def call(part: Sequence[Any]) -> list[Any]:
            parameters = ua.BrowseParameters()
            parameters.RequestedMaxReferencesPerNode = most_references
            parameters.NodesToBrowse = list(part)
            return list(await self._session.browse(parameters))

        results, self.per_browse = await self._parts(wanted, self.per_browse, call)
        return results

    async def browse_next(self, points: Sequence[bytes], *, release: bool = False) -> list[Any]:
        """The BrowseResult of each continuation point; with *release* the server only forgets them."""

        async def call(part: Sequence[bytes]) -> list[Any]:
            parameters = ua.BrowseNextParameters()
            parameters.ReleaseContinuationPoints = release
            parameters.ContinuationPoints = list(part)
            answered = list(await self._session.browse_next(parameters))
            return answered if not release else [None] * len(part)

        results, _limit = await self._parts(points, self.per_browse, call)
        return results

    async def read(self, wanted: Sequence[tuple[Any, int]], before: Callable[[], None] = lambda: None) -> list[Any]:
        """The value of each (node id, attribute), None where the server gives none; *before* is told when a request leaves."""

        async def call(part: Sequence[tuple[Any, int]]) -> list[Any]:
            before()
            items = [ua.ReadValueId(NodeId=node, AttributeId=attribute) for node, attribute in part]
            return list(await self._session.read(ua.ReadParameters(NodesToRead=items)))

        results, self.per_read = await self._parts(wanted, self.per_read, call)
        return [
            None
            if data.Value is None or (data.StatusCode is not None and data.StatusCode.is_bad())
            else data.Value.Value
            for data in results
        ]

    async def _parts(
        self, wanted: Sequence[Wanted], limit: int, call: Callable[[Sequence[Wanted]], Awaitable[list[Any]]]
    ) -> tuple[list[Any], int]:
        """The results of *call* for all of *wanted*, and how many the server bears in one; halved when it says it is too much."""
        results: list[Any] = []
        while len(results) < len(wanted):
            part = wanted[len(results) : len(results) + limit]
            try:
                answers = await self._paced(lambda part=part: call(part))  # type: ignore[misc]
            except ua.UaStatusCodeError as error:
                if status_name(error.code) not in TOO_MUCH or len(part) == 1:
                    raise
                limit = max(1, len(part) // 2)
                continue
            if len(answers) != len(part):
                raise DeviceRefused(
                    "{address}: {asked} things were asked for, {got} answered; the server cannot be relied on",
                    address=self.address,
                    asked=len(part),
                    got=len(answers),
                )
            results += answers
        return results, limit

    async def _paced(self, call: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
        """One request. The next waits for its turn, and as long again as the server needed for this one."""
        if self.spent:
            raise Spent
        await asyncio.sleep(max(0.0, min(self._next, self._until) - self._clock()))
        begun = self._clock()
        self.requests += 1
        try:
            return await call()
        finally:
            ended = self._clock()
            self._next = max(begun + self._pause, ended + (ended - begun))


def _limit(said: object) -> int:
    return min(said, MOST) if isinstance(said, int) and said > 0 else FEW
