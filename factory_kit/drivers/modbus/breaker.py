"""Leaving a silent unit alone for a while, so that it does not slow its neighbours on the same line. Pure: time is passed in."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Breaker"]

FAILURES = 2
"""So many reads in a row without an answer, and the unit is left alone."""
FIRST_REST, LONGEST_REST = 4, 32
"""Rests in time-outs of the unit: the first one, and the one they are doubled up to; so a dead unit soon costs 3 % of its line."""
LEAST_PROBE_S = 0.3
SLOWER = 3.0
"""A probe waits so many times the longest answer seen from the unit."""


@dataclass(slots=True)
class Breaker:
    """What is known of one unit: whether it answers, and if not, when it is worth asking again. Times in seconds."""

    timeout: float
    failures: int = 0
    rest: int = FIRST_REST
    """The next rest, in time-outs."""
    ask_at: float = 0.0
    slowest: float = 0.0
    """Longest time an answer took; 0 while there was none."""

    @property
    def silent(self) -> bool:
        """Whether the unit is left alone between probes."""
        return self.failures >= FAILURES

    def skips(self, at: float) -> bool:
        """Whether the unit is not to be asked at *at*."""
        return self.silent and at < self.ask_at

    def patience(self) -> float:
        """How long to wait for the next answer: the unit's time-out, less for a probe of a unit whose pace is known."""
        if not self.silent or not self.slowest:
            return self.timeout
        return min(self.timeout, max(LEAST_PROBE_S, SLOWER * self.slowest))

    def answered(self, took: float) -> None:
        """The unit answered after *took*."""
        self.slowest = max(self.slowest, took)
        if self.failures:
            self.reset()

    def missed(self, at: float) -> None:
        """The unit did not answer, which was clear at *at*; probes become rarer."""
        self.failures += 1
        if self.silent:
            self.ask_at = at + self.rest * self.timeout
            self.rest = min(2 * self.rest, LONGEST_REST)

    def reset(self) -> None:
        """The unit is asked again as usual."""
        self.failures, self.rest = 0, FIRST_REST
