"""Planned time through nights, holidays, month borders and daylight saving."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time

import pytest

from factory_kit.errors import UsageError
from factory_kit.kpi.calendar import always_planned, planned_time
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.definition import Text
from factory_kit.model.site import WEEK, Calendar, Shift, Weekday

HOUR = 3_600_000_000
Us = Callable[[str], int]


def shift(start: str, end: str, *days: Weekday, name: str = "s") -> Shift:
    """A shift of these days, of every day where none is named."""
    return Shift(
        name=Text(zh="班", en=name), start=time.fromisoformat(start), end=time.fromisoformat(end), days=days or WEEK
    )


def planned(calendar: Calendar, first: str, last: str, zone: str) -> list[Stretch]:
    """Planned time of whole local days."""
    return planned_time(calendar, zone, days_between(date.fromisoformat(first), date.fromisoformat(last), zone).window)


def test_a_night_shift_reaches_into_the_next_day(us: Us) -> None:
    """22:00 to 06:00 of one day's shift: the part before midnight is in that day, the rest in the next."""
    night = Calendar(shifts=(shift("22:00", "06:00"),))
    assert planned(night, "2026-08-31", "2026-08-31", "Asia/Shanghai") == [
        Stretch(us("2026-08-31T00:00+08:00"), us("2026-08-31T06:00+08:00")),
        Stretch(us("2026-08-31T22:00+08:00"), us("2026-09-01T00:00+08:00")),
    ]


def test_a_shift_belongs_to_the_day_on_which_it_begins(us: Us) -> None:
    """On a holiday no shift begins, but the night shift of the day before still ends on it."""
    calendar = Calendar(shifts=(shift("20:00", "04:00"),), holidays=(date(2026, 10, 1),))
    assert planned(calendar, "2026-10-01", "2026-10-02", "Asia/Shanghai") == [
        Stretch(us("2026-10-01T00:00+08:00"), us("2026-10-01T04:00+08:00")),
        Stretch(us("2026-10-02T20:00+08:00"), us("2026-10-03T00:00+08:00")),
    ]


def test_weekdays_decide() -> None:
    """Monday to Friday 8 hours each: 40 hours in a week, none on Sunday."""
    calendar = Calendar(shifts=(shift("08:00", "16:00", "mon", "tue", "wed", "thu", "fri"),))
    week = planned(calendar, "2026-09-07", "2026-09-13", "Asia/Shanghai")
    assert (len(week), sum(part.length for part in week)) == (5, 40 * HOUR)
    assert planned(calendar, "2026-09-13", "2026-09-13", "Asia/Shanghai") == []


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 7), ("2026-10-24", 9), ("2026-06-01", 8)])
def test_daylight_saving_makes_a_night_shift_shorter_or_longer(day: str, hours: int) -> None:
    """In Berlin the clock goes forward on 29 March and back on 25 October 2026, both inside the night shift."""
    calendar = Calendar(shifts=(shift("22:00", "06:00"),))
    window = days_between(date.fromisoformat(day), date.fromisoformat(day), "Europe/Berlin").window
    following = planned_time(calendar, "Europe/Berlin", Stretch(window.end - 2 * HOUR, window.end + 12 * HOUR))
    assert [part.length for part in following] == [hours * HOUR]


def test_shifts_that_touch_are_one_stretch(us: Us) -> None:
    """Early and late shift without a break are planned through."""
    calendar = Calendar(shifts=(shift("06:00", "14:00"), shift("14:00", "22:00")))
    assert planned(calendar, "2026-09-01", "2026-09-01", "Asia/Shanghai") == [
        Stretch(us("2026-09-01T06:00+08:00"), us("2026-09-01T22:00+08:00"))
    ]


def test_without_shifts_all_days_but_holidays_are_planned(us: Us) -> None:
    """Round the clock is assumed, and said so."""
    calendar = Calendar(holidays=(date(2026, 9, 2),))
    assert planned(calendar, "2026-09-01", "2026-09-03", "Asia/Shanghai") == [
        Stretch(us("2026-09-01T00:00+08:00"), us("2026-09-02T00:00+08:00")),
        Stretch(us("2026-09-03T00:00+08:00"), us("2026-09-04T00:00+08:00")),
    ]
    assert always_planned(calendar)
    assert not always_planned(Calendar(shifts=(shift("06:00", "14:00"),)))


@pytest.mark.parametrize(
    "shifts",
    [
        (shift("06:00", "14:30", name="early"), shift("14:00", "22:00", name="late")),
        (shift("22:00", "06:30", name="early"), shift("06:00", "14:00", name="late")),
        (shift("22:00", "06:30", "sun", name="early"), shift("06:00", "14:00", "mon", name="late")),
        (shift("06:00", "06:00", name="early"), shift("08:00", "09:00", name="late")),
    ],
)
def test_a_calendar_that_overlaps_itself_is_refused(shifts: tuple[Shift, ...]) -> None:
    """Counting planned time twice would be silent; both shifts and the day are named instead."""
    with pytest.raises(
        UsageError, match=r"calendar.shifts: '(early|late)' and '(early|late)' overlap on (mon|tue|wed|thu|fri|sat|sun)"
    ):
        planned(Calendar(shifts=shifts), "2026-09-01", "2026-09-02", "Asia/Shanghai")
