"""The states of a simulated machine of a line: it produces, waits, is set up, and stops for reasons that somebody notes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from factory_kit.model.sample import Int64

__all__ = ["States", "StopEvent", "line_states"]

SECOND = 1_000_000
REASONS = ("jam", "material_missing", "tool_change", "sensor_fault", "waiting_for_quality")
NOTED = 0.85
"""The share of stops for which somebody notes a reason."""


@dataclass(frozen=True, slots=True)
class StopEvent:
    """A stretch in one PackML state from *start* (µs, UTC) on, with the reason noted for it."""

    start: int
    raw: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class States:
    """All events in order, and the parts: when each was ready, how many there were by then, and how many of them good."""

    events: tuple[StopEvent, ...]
    parts: Int64
    total: Int64
    good: Int64


def line_states(chance: np.random.Generator, begins: int, ends: int, cycle_s: float) -> States:
    """The states of one machine from *begins* to *ends*, one part every *cycle_s* seconds while it produces."""
    events: list[StopEvent] = []
    ready: list[int] = []
    now = begins
    while now < ends:
        events.append(StopEvent(now, "Execute"))
        until = min(ends, now + int(chance.exponential(2400) * SECOND) + 120 * SECOND)
        ready += range(now + int(cycle_s * SECOND), until, int(cycle_s * SECOND))
        now = until
        if now < ends:
            now = _stopped(chance, events, now)
    good = np.cumsum(chance.random(len(ready)) > 0.02)
    return States(tuple(events), np.array(ready, np.int64), 1000 + np.arange(1, len(ready) + 1), 990 + good)


def _stopped(chance: np.random.Generator, events: list[StopEvent], now: int) -> int:
    """A stop of one kind from *now* on; when it ends."""
    kind = chance.random()
    reason = REASONS[int(chance.integers(len(REASONS)))] if chance.random() < NOTED else ""
    if kind < 0.5:
        events.append(StopEvent(now, "Held", reason))
        return now + int(chance.exponential(420) * SECOND) + 20 * SECOND
    if kind < 0.8:
        events.append(StopEvent(now, "Suspended"))
        return now + int(chance.exponential(300) * SECOND) + 15 * SECOND
    events.append(StopEvent(now, "Resetting"))
    return now + int(chance.exponential(900) * SECOND) + 60 * SECOND
