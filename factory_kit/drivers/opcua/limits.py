"""How many things one call to a server may hold: what the server says, and where it says nothing, found at little cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from asyncua import ua

from factory_kit.drivers.opcua.errors import TOO_MUCH, status_name
from factory_kit.errors import DeviceError, DeviceRefused

__all__ = ["FIRST", "MOST_PER_CALL", "MOST_READ", "CallSize"]

Wanted = TypeVar("Wanted")

MOST_PER_CALL = 1000
MOST_READ = 10_000
"""Values in one Read of a server that says that it bears so many: what it reads is not kept, and comes back at once."""
FIRST = 16
"""So many are tried first where a server does not say what it bears."""
REFUSALS = 2
"""So many calls may be too much before no more than what went well is asked."""
LOST = (OSError, TimeoutError)
"""What a connection does that a server breaks rather than to answer too long a call."""


class CallSize:
    """The size of the calls of one service. It grows by doubling; after the second refusal it stays at what went well.

    It outlives a connection, since a server may rather hang up than say that something is too much.
    """

    def __init__(self, most: int = MOST_PER_CALL, first: int = FIRST, said_most: int = MOST_PER_CALL) -> None:
        self._ceiling = most
        self._said_most = said_most
        self._good = 0
        self.size = min(first, most)
        self.refusals = 0

    def allow(self, said: object) -> None:
        """The server says that it bears *said*; 0 and what is no number say nothing."""
        if isinstance(said, int) and said > 0 and not self.refusals:
            self._ceiling = min(self._said_most, said)
            self.size = self._ceiling

    async def calls(
        self, wanted: Sequence[Wanted], call: Callable[[Sequence[Wanted]], Awaitable[list[Any]]]
    ) -> list[Any]:
        """The results of *call* for all of *wanted*, in as many calls as that takes."""
        results: list[Any] = []
        while len(results) < len(wanted):
            part = wanted[len(results) : len(results) + self.size]
            answers = await self._answers(part, call)
            if answers is None:
                continue
            if len(answers) != len(part):
                raise DeviceRefused(
                    "{asked} things were asked for, {got} answered; the server cannot be relied on",
                    asked=len(part),
                    got=len(answers),
                )
            self.answered(len(part))
            results += answers
        return results

    def answered(self, count: int) -> None:
        """A call for *count* things went well."""
        self._good = max(self._good, count)
        if count >= self.size and self.refusals < REFUSALS:
            self.size = min(2 * count, self._ceiling)

    def refused(self, count: int) -> None:
        """A call for *count* things was too much."""
        self.refusals += 1
        self._ceiling = max(1, min(self._ceiling, count - 1))
        if self.refusals > REFUSALS or self._good > self._ceiling:
            self._good = max(1, count // 2) if self._good > self._ceiling else self._good
            self.size = self._good
        elif self.refusals == REFUSALS:
            self.size = max(1, self._good)
        else:
            # Half as much again as what went well, or from the bottom where nothing has yet.
            self.size = max(1, min(self._good + self._good // 2, self._ceiling))

    async def _answers(
        self, part: Sequence[Wanted], call: Callable[[Sequence[Wanted]], Awaitable[list[Any]]]
    ) -> list[Any] | None:
        """What *call* gives for *part*; None when that was too much, and less may be fine."""
        try:
            return await call(part)
        except ua.UaStatusCodeError as error:
            if status_name(error.code) not in TOO_MUCH or len(part) == 1:
                raise
            self.refused(len(part))
            return None
        except LOST:
            if len(part) > max(1, self._good):
                self.refused(len(part))
            raise
        except DeviceError:
            raise
