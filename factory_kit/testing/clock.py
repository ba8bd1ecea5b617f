"""Clocks: one that a test moves by hand, and one that runs through plant time at a chosen speed."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["ManualClock", "PlantClock"]

_NS_PER_US = 1000


class ManualClock:
    """A clock that stands until it is moved; pass it wherever ``now`` is expected (microseconds since 1970-01-01 UTC)."""

    def __init__(self, now: int = 0) -> None:
        self._now = now

    def __call__(self) -> int:
        """The time it was last moved to."""
        return self._now

    def advance(self, microseconds: int) -> int:
        """Move on by *microseconds* (not below 0) and return the new time."""
        if microseconds < 0:
            raise ValueError("a clock does not run backwards; use set to place it anywhere")
        self._now += microseconds
        return self._now

    def set(self, now: int) -> None:
        """Place the clock at *now*, which may lie in the past: machines with a broken clock exist."""
        self._now = now


class PlantClock:
    """Plant time: it begins at *start* when ``begin`` is called, runs *speed* times as fast as the computer, stands at *until*.

    Times are microseconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        start: int,
        speed: float = 1.0,
        until: int | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.start = start
        self.speed = speed
        self.until = until
        self._monotonic_ns = monotonic_ns
        self._begun: int | None = None

    def begin(self) -> None:
        """Let plant time run from now on."""
        self._begun = self._monotonic_ns()

    def __call__(self) -> int:
        """The plant time now."""
        if self._begun is None:
            return self.start
        now = self.start + int((self._monotonic_ns() - self._begun) * self.speed) // _NS_PER_US
        return now if self.until is None else min(now, self.until)
