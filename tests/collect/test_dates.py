"""Dates as devices hold them: each field at its limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.collect.dates import CALENDAR_TYPES, calendar_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str) -> int:
    """ISO 8601 as microseconds since 1970."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("kind", "words", "text"),
    [
        ("date_bytes", (0x0001, 0x0100, 0x0000), "2000-01-01T00:00:00Z"),
        ("date_bytes", (0xFF0C, 0x1F17, 0x3B3B), "2255-12-31T23:59:59Z"),
        ("date_bytes", (0x1A02, 0x1D00, 0x0000), None),  # 2026 has no 29 February
        ("date_bytes", (0x1A0B, 0x1518, 0x0000), None),
        ("date_bcd", (0x9912, 0x3123, 0x5959), "2099-12-31T23:59:59Z"),
        ("date_bcd", (0x9A12, 0x3123, 0x5959), None),
        ("date_bcd", (0xA012, 0x3123, 0x5959), None),
        ("date_bcd", (0x2612, 0x3123, 0x595A), None),
        ("date_words", (99, 12, 31, 0, 0, 0), "2099-12-31T00:00:00Z"),
        ("date_words", (100, 1, 1, 0, 0, 0), "0100-01-01T00:00:00Z"),
        ("date_words", (9999, 12, 31, 23, 59, 59), "9999-12-31T23:59:59Z"),
        ("date_words", (10_000, 1, 1, 0, 0, 0), None),
        ("iec870", (0x7F, 0x0C1F, 0x173B, 59_999), "2127-12-31T23:59:59.999Z"),
        ("iec870", (0xFFFF, 0xFCFF, 0xF73B | 0x40, 0), "2127-12-31T23:59:00Z"),  # every flag that is not the time
        ("iec870", (0x1A, 0x0C1F, 0x173B, 60_000), None),
        ("iec870", (0x1A, 0x0C1F, 0x17BB, 0), None),  # called invalid by the device
        ("iec870", (0x1A, 0x0D1F, 0x173B, 0), None),
    ],
)
def test_each_form_of_a_date_at_its_limits(kind: str, words: tuple[int, ...], text: str | None) -> None:
    """The last value of each field is read, one more is no date; flags beside the fields are not read as time."""
    assert calendar_time(kind, words, None) == (None if text is None else moment(text))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda each: each.replace(microsecond=0)))  # noqa: DTZ001 - a clock on a wall
def test_all_forms_give_the_moment_of_the_wall(wall: datetime) -> None:
    """Any date of the century, in each form, in UTC and on a wall in Shanghai."""
    year, month, day, hour, minute, second = wall.timetuple()[:6]
    bcd = [int(f"{part % 100:02}", 16) for part in (year, month, day, hour, minute, second)]
    forms = {
        "date_bytes": ((year - 2000) << 8 | month, day << 8 | hour, minute << 8 | second),
        "date_bcd": (bcd[0] << 8 | bcd[1], bcd[2] << 8 | bcd[3], bcd[4] << 8 | bcd[5]),
        "date_words": (year, month, day, hour, minute, second),
        "iec870": (year - 2000, month << 8 | day, hour << 8 | minute, second * 1000),
    }
    assert sorted(forms) == sorted(CALENDAR_TYPES)
    for zone in (None, ZoneInfo("Asia/Shanghai")):
        expected = (wall.replace(tzinfo=zone or UTC) - EPOCH) // timedelta(microseconds=1)
        assert {kind: calendar_time(kind, words, zone) for kind, words in forms.items()} == dict.fromkeys(
            forms, expected
        )
