"""The working calendar of the simulated plant."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from factory_kit.testing.shifts import (
    DEFAULT_START,
    HOUR,
    MINUTE,
    first_night,
    is_day,
    microseconds,
    shift_at,
    shift_start,
    works,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


def _local(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1_000_000, SHANGHAI)


def test_shifts_begin_at_eight_and_twenty_in_shanghai() -> None:
    """The counted shifts agree with the time zone database."""
    for shift in range(shift_at(DEFAULT_START), shift_at(DEFAULT_START) + 30):
        assert _local(shift_start(shift)).hour == (8 if is_day(shift) else 20)


def test_the_plant_rests_from_sunday_morning_to_monday_morning() -> None:
    """Both shifts that begin on a Sunday are off, all others are worked."""
    for shift in range(shift_at(DEFAULT_START), shift_at(DEFAULT_START) + 28):
        assert works(shift) == (_local(shift_start(shift)).strftime("%a") != "Sun")


@pytest.mark.parametrize(
    "when",
    [
        "2026-09-01T00:00:00+08:00",
        "2026-09-01",
        "2026-08-31T16:00:00+00:00",
        datetime(2026, 8, 31, 16, tzinfo=UTC),
        DEFAULT_START,
    ],
)
def test_a_start_may_be_written_in_several_ways(when: datetime | str | int) -> None:
    """Text without a zone is Shanghai time; aware times and numbers are taken as they are."""
    assert microseconds(when) == 1_788_192_000_000_000


@pytest.mark.parametrize(
    ("start", "night"),
    [
        ("2026-09-01T00:00", "2026-08-31T20:00"),
        ("2026-09-01T02:00", "2026-08-31T20:00"),
        ("2026-09-01T02:01", "2026-09-01T20:00"),
        ("2026-09-01T12:00", "2026-09-01T20:00"),
        ("2026-09-06T12:00", "2026-09-07T20:00"),
    ],
)
def test_the_first_night_has_hours_left_and_is_worked(start: str, night: str) -> None:
    """A night with less than six hours left, and the night of Sunday, are passed over."""
    assert shift_start(first_night(microseconds(start), 6 * HOUR)) == microseconds(night)
    assert MINUTE * 60 == HOUR
