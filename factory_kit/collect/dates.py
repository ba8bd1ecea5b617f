"""Dates as devices hold them, to microseconds since 1970-01-01 UTC. Pure.

A device's clock without a zone shows UTC or the time of the plant's wall; the caller says which.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

__all__ = ["CALENDAR_TYPES", "calendar_time"]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)

Parts = tuple[int, int, int, int, int, int, int]
"""Year, month, day, hour, minute, second, microsecond."""


def calendar_time(kind: str, words: Sequence[int], zone: tzinfo | None) -> int | None:
    """The moment that *words*, most significant first, hold as *kind*; None where no calendar has such a date."""
    parts = CALENDAR_TYPES[kind](words)
    if parts is None:
        return None
    try:
        moment = datetime(*parts, tzinfo=zone or UTC)
        return (moment - EPOCH) // MICROSECOND
    except (ValueError, OverflowError):
        return None


def _bytes(words: Sequence[int]) -> list[int]:
    return [part for word in words for part in (word >> 8, word & 0xFF)]


def _date_bytes(words: Sequence[int]) -> Parts | None:
    year, month, day, hour, minute, second = _bytes(words)
    return 2000 + year, month, day, hour, minute, second, 0


def _date_bcd(words: Sequence[int]) -> Parts | None:
    digits = _bytes(words)
    if any(part >> 4 > 9 or part & 15 > 9 for part in digits):
        return None
    year, month, day, hour, minute, second = ((part >> 4) * 10 + (part & 15) for part in digits)
    return 2000 + year, month, day, hour, minute, second, 0


def _date_words(words: Sequence[int]) -> Parts | None:
    year, month, day, hour, minute, second = words
    return (year if year >= 100 else 2000 + year), month, day, hour, minute, second, 0


def _iec870(words: Sequence[int]) -> Parts | None:
    """Seven bits of year; month, and day below the day of the week; hour and minute with their flags; milliseconds of the minute."""
    year, date, clock, milliseconds = words
    if clock & 0x80:  # the device itself calls the time invalid
        return None
    seconds, rest = divmod(milliseconds, 1000)
    return (
        2000 + (year & 0x7F),
        date >> 8 & 0x0F,
        date & 0x1F,
        clock >> 8 & 0x1F,
        clock & 0x3F,
        seconds,
        rest * 1000,
    )


CALENDAR_TYPES: Final[Mapping[str, Callable[[Sequence[int]], Parts | None]]] = {
    "date_bytes": _date_bytes,
    "date_bcd": _date_bcd,
    "date_words": _date_words,
    "iec870": _iec870,
}
