"""What every transport offers to the device above it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from factory_kit.drivers.modbus.requests import Question

__all__ = ["Crowded", "Spoiled", "Watchdog", "Wire"]


class Spoiled(Exception):
    """Something came that is not the answer; asking again may help."""


class Crowded(Spoiled):
    """Another master speaks on the line: no fault of the unit that was to be asked."""

    def __init__(self) -> None:
        super().__init__("another master speaks on this line")


class Wire(Protocol):
    """One connection or serial line on which one request is under way at a time."""

    @property
    def connected(self) -> bool:
        """Whether it is open."""

    async def open(self, patience: float) -> None:
        """It is open; ``OSError`` (``TimeoutError`` too) when it cannot be within *patience* seconds."""

    def free_in(self, question: Question) -> float:
        """Seconds until an answer to *question* cannot be mistaken for a late one to another question."""

    async def ask(self, question: Question, patience: float, late: float) -> bytes:
        """The answer, function code first, within *patience* seconds; one that comes later may still come for *late* seconds.

        ``TimeoutError``, ``ConnectionError``, ``Spoiled``; ``DeviceRefused`` before a byte is sent when it is not a reading one.
        """

    def close(self) -> None:
        """Closed; a waiting request ends with ``ConnectionError``."""


class Watchdog:
    """Tells when a deadline has passed. One timer serves many requests: it is set anew only when it goes off too early."""

    def __init__(self, bark: Callable[[], None]) -> None:
        self._bark = bark
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, loop: asyncio.AbstractEventLoop, patience: float) -> None:
        """Bark in *patience* seconds, unless told otherwise before."""
        self._deadline = loop.time() + patience
        if self._timer is None or self._timer.when() > self._deadline:
            self.stop()
            self._timer = loop.call_at(self._deadline, self._look, loop)

    def stop(self) -> None:
        """Do not bark."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if loop.time() < self._deadline:
            self._timer = loop.call_at(self._deadline, self._look, loop)
        else:
            self._bark()
