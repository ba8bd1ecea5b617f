"""Planned time: the shift calendar of the site as stretches of UTC, through nights, holidays and daylight saving."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from factory_kit.errors import UsageError
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.site import WEEK, Calendar, Shift

__all__ = ["always_planned", "local_date", "local_iso", "local_midnight", "planned_time"]

DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SAMPLE_WEEK = date(2024, 1, 1)  # a Monday; any week shows whether shifts overlap


def planned_time(calendar: Calendar, zone: str, window: Stretch) -> list[Stretch]:
    """The planned parts of *window* (µs UTC), in order, joined where they touch.

    A shift belongs to the local day on which it begins: on a holiday no shift begins, the night shift of the day before
    still ends on it. Wall-clock times that daylight saving skips or repeats are read with the offset before the change, so a
    night shift is an hour shorter or longer then. Without shifts every day that is no holiday is planned round the clock.
    ``UsageError`` when two shifts overlap.
    """
    _refuse_overlaps(calendar)
    first = local_date(window.start, zone) - DAY
    last = local_date(window.end, zone)
    found: list[Stretch] = []
    for stretch in sorted(_of_days(calendar, zone, first, last)):
        start, end = max(stretch.start, window.start), min(stretch.end, window.end)
        if start >= end:
            continue
        if found and start <= found[-1].end:
            found[-1] = Stretch(found[-1].start, max(end, found[-1].end))
        else:
            found.append(Stretch(start, end))
    return found


def always_planned(calendar: Calendar) -> bool:
    """Whether round-the-clock planning is assumed because the site gives no shifts; reports say so."""
    return not calendar.shifts


def local_midnight(day: date, zone: str) -> int:
    """The first instant of *day* in *zone*, microseconds since 1970-01-01 UTC."""
    return _utc(day, time(0), zone)


def local_date(moment: int, zone: str) -> date:
    """The date in *zone* at *moment*."""
    return _local(moment, zone).date()


def local_iso(moment: int, zone: str) -> str:
    """*moment* in ISO 8601 with the offset of *zone*, ``2026-09-01T00:00:00+08:00``."""
    return _local(moment, zone).isoformat()


def _local(moment: int, zone: str) -> datetime:
    return (EPOCH + moment * MICROSECOND).astimezone(ZoneInfo(zone))


def _utc(day: date, at: time, zone: str) -> int:
    return (datetime.combine(day, at, ZoneInfo(zone)) - EPOCH) // MICROSECOND


def _of_days(calendar: Calendar, zone: str, first: date, last: date) -> Iterator[Stretch]:
    day = first
    while day <= last:
        if day not in calendar.holidays:
            if always_planned(calendar):
                yield Stretch(local_midnight(day, zone), local_midnight(day + DAY, zone))
            for shift in calendar.shifts:
                if WEEK[day.weekday()] in shift.days:
                    yield _of_shift(shift, day, zone)
        day += DAY


def _of_shift(shift: Shift, day: date, zone: str) -> Stretch:
    end_day = day if shift.end > shift.start else day + DAY
    return Stretch(_utc(day, shift.start, zone), _utc(end_day, shift.end, zone))


def _refuse_overlaps(calendar: Calendar) -> None:
    """A week in UTC, where no clock is ever changed, shows every overlap of the weekly pattern."""
    begun = [
        (_of_shift(shift, SAMPLE_WEEK + number * DAY, "UTC"), shift.name.en)
        for number in range(8)
        for shift in calendar.shifts
        if WEEK[number % 7] in shift.days
    ]
    for (earlier, name), (later, other) in pairwise(sorted(begun)):
        if later.start < earlier.end:
            day = WEEK[local_date(later.start, "UTC").weekday()]
            raise UsageError(
                "site.yaml: calendar.shifts: {first!r} and {second!r} overlap on {day}; planned time would count twice, so let one end where the other begins",
                first=name, second=other, day=day,
            )  # fmt: skip
