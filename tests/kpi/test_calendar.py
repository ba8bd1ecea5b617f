"""Planned time through nights, holidays, month borders and daylight saving."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.errors import UsageError
from factory_kit.kpi.calendar import always_planned, local_date, local_iso, local_midnight, planned_time
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


SHIFTS = {
    "one": (shift("08:00", "16:00"),),
    "night": (shift("20:00", "04:00", "mon", "wed", "sat", "sun"),),
    "three": (shift("06:00", "14:00"), shift("14:00", "22:00"), shift("22:00", "06:00")),
    "backwards": (shift("14:00", "22:00"), shift("06:00", "14:00"), shift("01:00", "05:30")),
    "round": (shift("06:00", "06:00", "sun"),),
    "breaks": (shift("00:00", "02:00"), shift("02:30", "03:00", "sun"), shift("23:30", "00:00", "sat")),
    "none": (),
}
CHANGES = st.sampled_from([date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31)])
HALF = HOUR // 2


def clock(day: date, at: time) -> int:
    """When a clock in Berlin shows *at* on *day*, for the first time if twice."""
    return int(datetime.combine(day, at, ZoneInfo("Europe/Berlin")).timestamp()) * 1_000_000


def by_hand(calendar: Calendar, moment: int, around: date) -> bool:
    """Whether *moment* is planned, looking at every day near *around*."""
    for day in (around + timedelta(number) for number in range(-6, 7)):
        weekday = WEEK[day.isoweekday() - 1]
        ends = [
            (each.start, each.end, day + timedelta(each.end <= each.start))
            for each in calendar.shifts
            if weekday in each.days
        ]
        if not calendar.shifts:
            ends = [(time(0), time(0), day + timedelta(1))]
        if day not in calendar.holidays and any(clock(day, a) <= moment < clock(last, b) for a, b, last in ends):
            return True
    return False


@given(
    st.sampled_from(sorted(SHIFTS)), CHANGES, st.sets(st.integers(-2, 2), max_size=2),
    st.integers(-72, 72), st.integers(1, 96),
)  # fmt: skip
def test_planned_time_is_what_each_half_hour_says(
    name: str, around: date, off: set[int], start: int, width: int
) -> None:
    """Over both changes of the clock and the turn of a year, any window: in order, joined where they touch, none empty, nothing beyond the window."""
    calendar = Calendar(shifts=SHIFTS[name], holidays=tuple(around + timedelta(number) for number in off))
    first = clock(around, time(0)) + start * HALF
    window = Stretch(first, first + width * HALF)

    found = planned_time(calendar, "Europe/Berlin", window)

    halves = [moment for moment in range(window.start, window.end, HALF) if by_hand(calendar, moment, around)]
    assert [moment for part in found for moment in range(part.start, part.end, HALF)] == halves
    assert all(earlier.end < later.start for earlier, later in pairwise(found))
    assert all(part.length > 0 for part in found)


def test_a_shift_that_daylight_saving_pushes_into_another_one_adds_nothing(us: Us) -> None:
    """Where the clock goes from two to three, ten past three comes ten minutes after what two o'clock is read as."""
    calendar = Calendar(shifts=(shift("00:00", "01:00"), shift("02:00", "02:50"), shift("03:10", "03:20")))

    assert planned(calendar, "2026-03-29", "2026-03-29", "Europe/Berlin") == [
        Stretch(us("2026-03-29T00:00+01:00"), us("2026-03-29T01:00+01:00")),
        Stretch(us("2026-03-29T02:00+01:00"), us("2026-03-29T02:50+01:00")),
    ]


def test_dates_and_midnights_are_those_of_the_zone(us: Us) -> None:
    """Also to the microsecond before midnight, and with the offset of the day."""
    midnight = us("2026-10-25T00:00+02:00")

    assert local_midnight(date(2026, 10, 25), "Europe/Berlin") == midnight
    assert (local_date(midnight, "Europe/Berlin"), local_date(midnight - 1, "Europe/Berlin")) == (
        date(2026, 10, 25),
        date(2026, 10, 24),
    )
    assert local_iso(midnight + 12 * HOUR + 1, "Europe/Berlin") == "2026-10-25T11:00:00.000001+01:00"


def test_an_overlap_names_the_earlier_shift_first_and_the_day_of_the_later() -> None:
    """Shifts that only touch are none; over the end of the week the later one is Monday's."""
    late, early = shift("22:00", "06:01", "sun", name="night"), shift("06:00", "14:00", "mon", name="morning")

    with pytest.raises(UsageError) as caught:
        planned(Calendar(shifts=(early, late)), "2026-09-01", "2026-09-02", "Asia/Shanghai")

    assert str(caught.value) == (
        "site.yaml: calendar.shifts: 'night' and 'morning' overlap on mon; "
        "planned time would count twice, so let one end where the other begins"
    )
