"""Intervals are whole local days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from factory_kit.errors import Inconclusive, UsageError
from factory_kit.kpi.interval import SLACK, data_span, days_between, whole_days
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


def test_a_day_lacks_a_quarter_of_an_hour_at_most(us: Us) -> None:
    """To the microsecond, at either end."""
    first, last = us("2026-09-01T00:00Z"), us("2026-09-03T00:00Z")

    assert SLACK == 15 * 60 * 1_000_000
    assert whole_days(Stretch(first + SLACK, last - SLACK), "UTC").window == Stretch(first, last)
    assert whole_days(Stretch(first + SLACK + 1, last), "UTC").days == [date(2026, 9, 2)]
    assert whole_days(Stretch(first, last - SLACK - 1), "UTC").days == [date(2026, 9, 1)]


def test_data_of_less_than_a_day_give_no_interval(us: Us) -> None:
    """The message tells what there is and what to do."""
    with pytest.raises(
        Inconclusive, match=r"2026-09-01T08:00:00\+08:00 to 2026-09-02T07:00:00\+08:00 hold no whole day"
    ):
        whole_days(Stretch(us("2026-09-01T00:00Z") + 1, us("2026-09-01T23:00Z") + 999_999), "Asia/Shanghai")


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


def span(new_tables: Callable[[], Any], *runs: tuple[str, str, str | None, list[Any]]) -> Stretch:
    """The span of these runs: origin, start, end, samples."""
    tables = new_tables()
    tables.machine("m")
    point = tables.point("m", "state")
    for number, (origin, start, end, samples) in enumerate(runs):
        tables.run(f"r{number}", start, end, origin)
        tables.samples(point, f"r{number}", *samples, origin=origin)
    return data_span(tables.con)


def hour(number: int) -> str:
    """Of 1 September."""
    return f"2026-09-01T{number:02}:00:00Z"


def test_a_live_run_watched_from_its_start_to_its_end(new_tables: Callable[[], Any], us: Us) -> None:
    """Not from its first value, which may be months old; one that was cut off watched to its last sign of life."""
    old = ("2026-01-01T00:00:00Z", 1, 0, hour(6))
    near = (hour(7), 1, 0, hour(7))

    assert span(new_tables, ("live", hour(5), hour(9), [old, near])) == Stretch(us(hour(5)), us(hour(9)))
    late = (hour(8), 1, 0, "2026-09-01T08:10:00Z")
    assert span(new_tables, ("live", hour(5), None, [old, near, late])) == Stretch(
        us(hour(5)), us("2026-09-01T08:10:00Z")
    )
    unheard = [(hour(6), 1), (hour(8), 1)]
    assert span(new_tables, ("live", hour(5), None, unheard)) == Stretch(us(hour(5)), us(hour(8)))


@pytest.mark.parametrize(("late", "start", "end"), [("07:15:00", 5, 9), ("07:15:00.000001", 7, 8)])
def test_clocks_that_differ_by_more_than_the_slack_do_not_agree(
    new_tables: Callable[[], Any], us: Us, late: str, start: int, end: int
) -> None:
    """Then the samples tell from when to when the run watched."""
    samples = [(hour(7), 1, 0, f"2026-09-01T{late}Z"), (hour(8), 1, 0, hour(9))]

    assert span(new_tables, ("live", hour(5), hour(9), samples)) == Stretch(us(hour(start)), us(hour(end)))


def test_history_spans_its_samples_and_all_runs_together_span_the_store(new_tables: Callable[[], Any], us: Us) -> None:
    """The earliest and the latest of any run; an import says nothing by its own start and end."""
    imported = ("imported", hour(20), hour(21), [(hour(3), 1), (hour(6), 1)])
    live = ("live", hour(5), hour(9), [(hour(7), 1, 0, hour(7))])

    assert span(new_tables, imported) == Stretch(us(hour(3)), us(hour(6)))
    assert span(new_tables, imported, live) == Stretch(us(hour(3)), us(hour(9)))


def test_the_earliest_thousandth_of_history_is_left_out(new_tables: Callable[[], Any], us: Us) -> None:
    """One value of 1970 among 1,001 does not stretch the data over half a century."""
    samples = [("1970-01-02T00:00:00Z", 1), *((us(hour(3)) + number, 1) for number in range(1000))]

    assert span(new_tables, ("imported", hour(20), hour(21), samples)).start == us(hour(3))


def test_a_run_that_ends_before_it_begins_spans_nothing(new_tables: Callable[[], Any], us: Us) -> None:
    """A clock that was set back while a run went on makes no span that ends before its start."""
    assert span(new_tables, ("live", hour(5), hour(4), [(hour(5), 1, 0, hour(5))])) == Stretch(us(hour(5)), us(hour(5)))


def test_a_store_without_samples_spans_nothing(new_tables: Callable[[], Any]) -> None:
    """It says what to do."""
    with pytest.raises(Inconclusive, match="there are no samples yet; collect or import first"):
        span(new_tables)
