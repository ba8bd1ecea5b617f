"""One subscription as we know it: which notification comes next, when the server was heard last, and when it should have been."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from factory_kit.drivers.opcua.answers import Published
from factory_kit.model.sample import Int32

__all__ = ["LAST_NUMBER", "Subscription"]

LAST_NUMBER = 0xFFFFFFFF
"""After this number notifications count from 1 again (OPC 10000-4, 7.10)."""
FAR = 1 << 31
ODD = 3
"""So many new notifications in a row under old numbers, and the server counts anew."""
VERDICT = 2.8
"""So many publishing intervals of silence are too long; with the time to tell it is less than three."""
LEAST_S = 0.25
"""A silence this short says nothing: a server may promise signs of life faster than any network carries them."""


@dataclass(slots=True)
class Subscription:
    """A subscription at the server. Times are seconds of a steady clock."""

    id: int
    interval_s: float
    beats: int
    """After so many intervals without news the server gives a sign of life (MaxKeepAliveCount)."""
    heard: float
    expected: int = 1
    """The number of the next notification."""
    places: Int32 | None = None
    """The items it watches."""
    probed: float = 0.0
    """When the server last said that the subscription lives, though nothing came."""
    newest: int = 0
    """When the notification that was taken last was published (µs, the server's clock, which may be set back)."""
    odd: int = 0
    """So many in a row had an old number and were published later than the newest."""
    counts_anew: bool = False
    """The server's numbers have begun anew, or stand still, so an old number alone says nothing."""

    def missing(self, told: Published) -> int:
        """How many notifications are missing before *told*."""
        ahead = _steps(self.expected, told.sequence)
        # Far ahead is behind: a notification that comes twice, or a server that counts otherwise.
        return ahead if ahead < FAR else 0

    def repeated(self, told: Published) -> bool:
        """Whether *told* came before."""
        return told.has_data and _steps(self.expected, told.sequence) >= FAR

    def begins_anew(self, told: Published) -> int | None:
        """Whether the repeated number of *told* is that of a new notification: how many before it were taken for repeated.

        A notification that is sent again was published before; one or two that say otherwise may be the server's way of
        repeating. None: it came before.
        """
        if not told.moment or told.moment <= self.newest:
            return None
        self.odd += 1
        if self.odd < ODD and not self.counts_anew:
            return None
        before, self.odd, self.counts_anew = self.odd - 1, 0, True
        self.expected = told.sequence
        return before

    def number(self, step: int) -> int:
        """The number of the notification *step* after the expected one."""
        return (self.expected - 1 + step) % LAST_NUMBER + 1

    def took(self, sequence: int, moment: int = 0) -> None:
        """Notification *sequence*, published at *moment*, came."""
        self.expected = sequence % LAST_NUMBER + 1
        self.newest, self.odd = moment or self.newest, 0

    def add(self, places: list[int]) -> None:
        """It watches *places* too."""
        mine = [] if self.places is None else self.places.tolist()
        self.places = np.array(sorted({*mine, *places}), dtype=np.int32)

    def suspicious_at(self, slowness_s: float) -> float:
        """When its silence is worth a question."""
        return max(self.heard, self.probed) + max((self.beats + 0.5) * self.interval_s, LEAST_S) + slowness_s

    def due_at(self, slowness_s: float) -> float:
        """When the watchdog should look at it next."""
        return min(self.suspicious_at(slowness_s), self.silent_at(slowness_s))

    def silent_at(self, slowness_s: float) -> float:
        """When its silence is too long, although the server answers."""
        return self.heard + max(max(VERDICT, self.beats + 0.8) * self.interval_s, 2 * LEAST_S) + slowness_s


def _steps(start: int, end: int) -> int:
    """How many numbers lie from *start* up to, not including, *end*, around the corner."""
    if end == 0:
        return FAR if start > 1 else 0  # no number at all; some servers count from 0
    return (end - start) % LAST_NUMBER
