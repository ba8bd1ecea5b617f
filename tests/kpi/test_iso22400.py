"""KPIs of ISO 22400-2."""

from __future__ import annotations

from fractions import Fraction

import pytest

from factory_kit.kpi.iso22400 import Counts, Kpi, availability, oee
from factory_kit.kpi.timemodel import TimeElements

MINUTE = 60_000_000
MICRO = 1_000_000


def times(pbt: int, apt: int, unknown: int = 0) -> TimeElements:
    """Time elements of planned, producing and unknown minutes."""
    return TimeElements(pbt * MINUTE, apt * MINUTE, 0, 0, (pbt - apt - unknown) * MINUTE, unknown * MINUTE)


def test_the_textbook_example() -> None:
    """PBT 480, APT 400, PRI 0.5 min, PQ 700, GQ 680: A 5/6, P 7/8, Q 34/35, OEE 17/24 = 0.7083."""
    found = oee(times(480, 400), Counts(700 * MICRO, 680 * MICRO), MINUTE // 2)

    assert (found.availability.value, found.effectiveness, found.quality) == (
        Fraction(5, 6),
        Fraction(7, 8),
        Fraction(34, 35),
    )
    assert found.oee == Kpi(Fraction(17, 24), Fraction(17, 24), Fraction(17, 24), Fraction(1))
    assert found.fault is None


def test_unknown_time_widens_the_bounds_only() -> None:
    """Of 100 minutes 20 are unknown: 60 of 80, at least 60 of 100, at most 80 of 100."""
    assert availability(times(100, 60, 20)) == Kpi(Fraction(3, 4), Fraction(3, 5), Fraction(4, 5), Fraction(4, 5))


def test_without_planned_time_there_is_no_figure() -> None:
    """Nothing is divided by zero, and zero is no value."""
    assert availability(times(0, 0)) == Kpi(None, None, None, None)


@pytest.mark.parametrize(
    ("apt", "total", "good", "fault"),
    [
        (10, 12, 12, "effectiveness is above 1, so the ideal cycle is wrong"),
        (10, 11, 11, None),
        (0, 2, 2, "pieces were counted while the machine never produced"),
        (20, 10, 12, "more good pieces than pieces were counted"),
        (20, 10, 11, None),
    ],
)
def test_impossible_figures_are_told_and_not_clipped(apt: int, total: int, good: int, fault: str | None) -> None:
    """One piece too many may have been begun before its time was counted; more cannot be."""
    found = oee(times(100, apt), Counts(total * MICRO, good * MICRO), MINUTE)
    assert found.fault == fault
    assert found.effectiveness == (Fraction(total, apt) if apt else None)
