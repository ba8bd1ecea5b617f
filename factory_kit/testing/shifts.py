"""The working calendar of the simulated plant: two shifts of twelve hours, Monday to Saturday, in Shanghai.

China has kept UTC+8 without daylight saving time since 1991, so a shift always begins at 00:00 or 12:00 UTC and can be
counted from 1970: even numbers are day shifts (08:00 to 20:00 in Shanghai), odd ones night shifts (20:00 to 08:00).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

__all__ = [
    "DEFAULT_START",
    "HOUR",
    "MINUTE",
    "SECOND",
    "SHIFT",
    "first_night",
    "is_day",
    "microseconds",
    "shift_at",
    "shift_start",
    "works",
]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
SHIFT = 12 * HOUR

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_THURSDAY = 3  # weekday of 1970-01-01
_SUNDAY = 6


def microseconds(when: datetime | str | int) -> int:
    """*when* as microseconds since 1970-01-01 UTC; a time without a zone is Shanghai time."""
    if isinstance(when, int):
        return when
    moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
    return (moment - _EPOCH) // timedelta(microseconds=1)


DEFAULT_START = microseconds("2026-09-01T00:00:00+08:00")
"""A Tuesday at midnight, in the middle of a night shift."""


def shift_at(time: int) -> int:
    """The number of the shift at *time*."""
    return time // SHIFT


def shift_start(shift: int) -> int:
    """When *shift* begins."""
    return shift * SHIFT


def is_day(shift: int) -> bool:
    """Whether *shift* is a day shift."""
    return shift % 2 == 0


def weekday(shift: int) -> int:
    """The day of the week on which *shift* begins in Shanghai, Monday = 0."""
    return (shift // 2 + _THURSDAY) % 7


def works(shift: int) -> bool:
    """Whether the plant works in *shift*: Monday to Saturday, the night of Saturday to Sunday included."""
    return weekday(shift) != _SUNDAY


def first_night(start: int, at_least: int) -> int:
    """The first working night shift of which at least *at_least* microseconds lie after *start*."""
    shift = shift_at(start)
    while is_day(shift) or not works(shift) or shift_start(shift + 1) - start < at_least:
        shift += 1
    return shift
