"""Energy taken while nobody read the meter: before its first reading, and after its last one was no longer known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from factory_kit.kpi.indicators import Frame, evaluate
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.reference import Rules, unseen_time
from factory_kit.kpi.timemodel import Heard, Life, PointRecord
from factory_kit.model.evidence import Evidence
from factory_kit.model.indicator import Indicator
from factory_kit.model.sample import Quality
from factory_kit.model.site import Calendar

HOUR = 3_600_000_000
DAY = days_between(date(2026, 9, 1), date(2026, 9, 1), "UTC")
RUN = (DAY.start - 2 * HOUR, DAY.end + 2 * HOUR)
RULES = Rules(DAY.window, 7 * 24 * HOUR, HOUR // 4)
Reading = tuple[float, float] | tuple[float, float, int]

CASES: dict[str, tuple[list[Reading], float]] = {
    "read through the day": ([(-1, 10), (6, 70), (23, 240)], 0),
    "fails at noon for good": ([(-1, 10), (6, 70), (12, 130), (12.5, 0, 2)], 11.5),
    "fails at noon, and comes back": ([(-1, 10), (12, 130), (12.5, 0, 2), (18, 190)], 0),
    "fails before the day and comes back in it": ([(-2, 0), (-1, 0, 2), (18, 190)], 0),
    "read for the first time at nine": ([(9, 90), (23, 230)], 9),
    "never read": ([], 24),
    "failed before the day": ([(-2, 0), (-1, 0, 2)], 24),
}


def records(tables: Any, shipped: Mapping[str, Indicator], readings: list[Reading]) -> list[Evidence]:
    """What the indicator says of a meter that feeds one machine, idle until six and producing from then on."""
    tables.machine("cnc-a")
    tables.machine("meter-a", kind="meter", feeds=["cnc-a"])
    tables.run("r", *RUN)
    tables.samples(tables.point("cnc-a", "state"), "r", (DAY.start - HOUR, 3), (DAY.start + 6 * HOUR, 1))
    meter = tables.point("meter-a", "active_energy", unit="kWh")
    tables.samples(meter, "r", *((DAY.start + round(hour * HOUR), *rest) for hour, *rest in readings))
    return evaluate([shipped["idle-energy"]], tables.con, Frame(DAY, Calendar(), DAY.end), lambda _: ())


def record(new_tables: Callable[[], Any], shipped: Mapping[str, Indicator], readings: list[Reading]) -> Evidence:
    """The meter's own record."""
    return next(found for found in records(new_tables(), shipped, readings) if found.subject == "meter-a")


@pytest.mark.parametrize("name", CASES)
def test_time_that_nobody_read_is_that_of_the_reference(
    name: str, new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """Hours before the first reading, and after the last one from the moment on from which it was not known."""
    readings, hours = CASES[name]
    heard = [
        Heard(DAY.start + round(hour * HOUR), round(value), Quality(rest[0] if rest else 0))
        for hour, value, *rest in readings
    ]
    figures: Any = record(new_tables, shipped, readings).details["figures"]

    assert unseen_time(PointRecord(heard, [Life(*RUN)]), RULES) == hours * HOUR
    assert figures["unseen_s"] == str(round(hours * 3600))


def test_a_meter_lost_at_noon_is_no_figure_of_the_day(
    new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """60 kWh from an hour before the day until the machine starts, 60 kWh busy, and 11.5 hours that would have taken 110.4 kWh more."""
    found = record(new_tables, shipped, CASES["fails at noon for good"][0])
    figures: Any = found.details["figures"]

    assert (found.outcome, found.value) == ("inconclusive", None)
    assert (figures["all_kwh"], figures["surely_busy_kwh"], figures["unseen_kwh"]) == ("120", "60", "110.4")
    assert found.lower == "0"
    assert found.upper == "0.739584"  # 1 - 60 / 230.4, rounded up
    assert found.coverage == "0.48363"  # (60 x 6 / 7 + 60) / 230.4, rounded down


def test_unseen_energy_of_the_plant_is_that_of_its_meters(
    new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """One meter, one plant: the same bounds."""
    tables = new_tables()
    made = {each.subject: each for each in records(tables, shipped, CASES["fails at noon for good"][0])}

    names = ("outcome", "lower", "upper", "coverage")
    assert [getattr(made["plant"], name) for name in names] == [getattr(made["meter-a"], name) for name in names]


def test_unseen_energy_is_rounded_up(new_tables: Callable[[], Any], shipped: dict[str, Indicator]) -> None:
    """100 kWh in fourteen hours, ten hours unseen: 71.428571 4… kWh; a bound that cut off the rest would not hold."""
    found = record(new_tables, shipped, [(10, 0), (23, 100)])
    figures: Any = found.details["figures"]

    assert figures["unseen_kwh"] == "71.428572"
