"""What time it is at a device whose own clock stamps its values. Pure: the local time is passed in."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DeviceClock"]

SECOND = 1_000_000
STUCK_US = 60 * SECOND
EARLIEST, LATEST = 631_152_000 * SECOND, 7_258_118_400 * SECOND
"""1990 and 2200: a device that says anything else has lost its clock."""


@dataclass(slots=True)
class DeviceClock:
    """Follows the clock of a device by what it stamps; all times are µs since 1970, UTC.

    A *live* device's clock runs as ours does, with an offset. The clock of a simulated or replayed plant may run faster.
    """

    live: bool = True
    first: tuple[int, int] | None = None
    last: tuple[int, int] | None = None
    """Device time and local time when it changed."""

    def observe(self, device: int, local: int) -> bool:
        """Note that the device said *device* at *local*; whether that can be its time."""
        if not EARLIEST <= device < LATEST:
            return False
        if self.last is not None and device == self.last[0]:
            return not (self.live and local - self.last[1] > STUCK_US)
        if self.first is None:
            self.first = (device, local)
        self.last = (device, local)
        return True

    def at(self, local: int) -> int:
        """The device's time at *local*, as well as it can be known."""
        if self.first is None or self.last is None:
            return local
        device, seen = self.last
        return device + round((local - seen) * self._pace())

    def _pace(self) -> float:
        assert self.first is not None  # noqa: S101 - for the type checker
        assert self.last is not None  # noqa: S101 - for the type checker
        passed = self.last[1] - self.first[1]
        return 1.0 if self.live or passed <= 0 else max(0.0, (self.last[0] - self.first[0]) / passed)
