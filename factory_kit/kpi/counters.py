"""Counters: what was really added, through resets, roll-overs, repeated values and jumps.

Pure: whole numbers (pieces, or millionths of a kWh) and whole microseconds. The oracle of the SQL of the indicators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from factory_kit.kpi.timemodel import Stretch

__all__ = ["JITTER", "Reading", "Rise", "RiseKind", "energy_limit", "known_micro", "piece_limit", "rises"]

JITTER = 2
"""A fall by no more than this is not a reset: redundant servers and float registers step back that far."""
MICRO = 1_000_000


class RiseKind(StrEnum):
    """What happened between two readings."""

    FIRST = "first"
    """Nothing to compare with: adds 0."""
    COUNTED = "counted"
    """Grew, stayed, or stepped back by no more than the jitter: adds what lies above the highest value so far."""
    RESET = "reset"
    """Began again near 0: adds the new value, since counting restarted at 0."""
    ROLLOVER = "rollover"
    """Passed the largest number the register holds: adds the rest of the register and the new value."""
    JUMP_FORWARD = "jump forward"
    """Grew by more than any machine could make: somebody set it; adds 0."""
    JUMP_BACKWARD = "jump backward"
    """Fell to a value too high for a reset: somebody set it; adds 0."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a counter showed."""

    time: int
    value: int


@dataclass(frozen=True, slots=True)
class Rise:
    """What was added after ``start`` (the reading before) and until ``end``."""

    start: int
    end: int
    amount: int
    kind: RiseKind


def rises(
    readings: Iterable[Reading], *, limit: Callable[[int], int], modulus: int = 0, jitter: int = JITTER
) -> list[Rise]:
    """One rise per reading, in order of time.

    *limit* gives the largest believable amount for the microseconds since the reading before; *modulus* is the number of
    values the register has (65536 for uint16), 0 when it is not known. Readings must be in order, one per moment.
    """
    result: list[Rise] = []
    before: Reading | None = None
    highest = 0
    for reading in readings:
        if before is None:
            result.append(Rise(reading.time, reading.time, 0, RiseKind.FIRST))
            highest = reading.value
        else:
            most = limit(reading.time - before.time)
            kind, amount = _rise(before.value, reading.value, highest, most, modulus, jitter)
            result.append(Rise(before.time, reading.time, amount, kind))
            highest = reading.value if _restarted(before.value, reading.value, jitter) else max(highest, reading.value)
        before = reading
    return result


def _rise(before: int, now: int, highest: int, most: int, modulus: int, jitter: int) -> tuple[RiseKind, int]:
    if not _restarted(before, now, jitter):
        above = max(0, now - highest)
        return (RiseKind.COUNTED, above) if above <= most else (RiseKind.JUMP_FORWARD, 0)
    if now >= 0 and before < modulus and modulus - before + now <= most:  # no register holds a number below 0
        return RiseKind.ROLLOVER, modulus - before + now
    return (RiseKind.RESET, max(0, now)) if now <= most else (RiseKind.JUMP_BACKWARD, 0)


def _restarted(before: int, now: int, jitter: int) -> bool:
    return before - now > jitter or (now == 0 and before > 0)


def piece_limit(cycle_us: int, factor: int, slack: int) -> Callable[[int], int]:
    """*factor* times what the ideal cycle allows in the time, and *slack* pieces; wide enough for a wrong ideal cycle to show as P > 1."""
    return lambda elapsed: slack + factor * elapsed // cycle_us


def energy_limit(largest_kw: int) -> Callable[[int], int]:
    """What *largest_kw* adds in the time, in millionths of a kWh (1 kW for 1 µs is 1/3600 of a millionth)."""
    return lambda elapsed: largest_kw * elapsed // 3600


def known_micro(rise: Rise, known: Sequence[Stretch]) -> int:
    """The part of *rise*, in millionths, that belongs to the *known* time of its counter; the rest was added unseen.

    A rise over a stretch that is partly unknown is split in proportion to time, rounded up to a whole millionth.
    """
    if rise.end == rise.start:
        return MICRO * rise.amount
    seen = sum(max(0, min(part.end, rise.end) - max(part.start, rise.start)) for part in known)
    unseen = rise.end - rise.start - seen
    return MICRO * rise.amount - MICRO * rise.amount * unseen // (rise.end - rise.start)
