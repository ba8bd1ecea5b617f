"""Numbers, dates and hashes as readers see them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from factory_kit.reports.shown import day, days, moment, number, percent, percent_range, short


@pytest.mark.parametrize(
    ("value", "places", "rounding", "expected"),
    [
        (Fraction(17, 24), 4, "nearest", "0.7083"),
        (Fraction(2796, 1000), 2, "down", "2.79"),
        (Fraction(1, 3), 2, "up", "0.34"),
        (Fraction(1), 2, "nearest", "1.00"),
        (Fraction(0), 0, "nearest", "0"),
        (None, 2, "nearest", "—"),
    ],
)
def test_numbers_have_all_their_places(value: Fraction | None, places: int, rounding: str, expected: str) -> None:
    """Decimals are padded, bounds stay bounds, no value is a dash."""
    assert number(value, places, rounding) == expected  # type: ignore[arg-type]  # the three roundings


def test_bounds_are_rounded_outwards() -> None:
    """The lower bound down, the upper up: what is shown never claims more than there is."""
    assert percent_range(Fraction(66666, 100000), Fraction(66666, 100000)) == "66.6% – 66.7%"
    assert percent_range(None, Fraction(1)) == "—"
    assert percent(Fraction(999, 1000)) == "99.9%"


def test_dates_are_written_in_the_readers_language() -> None:
    """A day, and a period of days."""
    assert day(date(2026, 9, 1), "zh") == "2026年9月1日"
    assert days(date(2026, 9, 1), date(2026, 9, 3), "en") == "1 September 2026 – 3 September 2026"
    assert days(date(2026, 9, 1), date(2026, 9, 1), "zh") == "2026年9月1日"


def test_moments_stand_in_the_plants_zone() -> None:
    """Microseconds of UTC become wall-clock time with its offset."""
    assert moment(1_788_000_000_000_000, "Asia/Shanghai", "en") == "29 August 2026 18:40 (UTC+08:00)"


def test_a_short_hash_is_its_beginning() -> None:
    """Twelve digits."""
    assert short("0123456789abcdef" * 4) == "0123456789ab"
