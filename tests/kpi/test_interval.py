"""Intervals are whole local days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from factory_kit.errors import Inconclusive, UsageError
from factory_kit.kpi.interval import days_between, whole_days
from factory_kit.kpi.timemodel import Stretch

Us = Callable[[str], int]


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-08-31T23:00+08:00", "2026-09-02T01:00+08:00", [date(2026, 9, 1)]),
        ("2026-09-01T00:00+08:00", "2026-09-03T00:00+08:00", [date(2026, 9, 1), date(2026, 9, 2)]),
        ("2026-09-01T00:10+08:00", "2026-09-02T23:50+08:00", [date(2026, 9, 1), date(2026, 9, 2)]),
        ("2026-09-01T00:20+08:00", "2026-09-03T23:40+08:00", [date(2026, 9, 2)]),
    ],
)
def test_whole_days_inside_the_data_are_taken(start: str, end: str, days: list[date], us: Us) -> None:
    """A day counts when no more than a quarter of an hour of it is missing at either end."""
    assert whole_days(Stretch(us(start), us(end)), "Asia/Shanghai").days == days


def test_data_of_less_than_a_day_give_no_interval(us: Us) -> None:
    """The message tells what there is and what to do."""
    with pytest.raises(
        Inconclusive, match=r"2026-09-01T08:00:00\+08:00 to 2026-09-02T07:00:00\+08:00 hold no whole day"
    ):
        whole_days(Stretch(us("2026-09-01T00:00Z"), us("2026-09-01T23:00Z")), "Asia/Shanghai")


def test_days_have_the_length_the_clock_gives_them() -> None:
    """The day on which summer time ends in Berlin has 25 hours, and the interval says so by its offsets."""
    interval = days_between(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin")
    assert interval.end - interval.start == 25 * 3_600_000_000
    assert (interval.from_text, interval.to_text, interval.blocks) == (
        "2026-10-25T00:00:00+02:00",
        "2026-10-26T00:00:00+01:00",
        1,
    )


def test_an_interval_that_ends_before_it_begins_is_refused() -> None:
    """The last day lies before the first."""
    with pytest.raises(UsageError, match="2026-09-01 lies before the first day 2026-09-02"):
        days_between(date(2026, 9, 2), date(2026, 9, 1), "Asia/Shanghai")
