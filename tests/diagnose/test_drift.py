"""Sensors that drift over days."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

from factory_kit.diagnose.drift import time_to, trend
from factory_kit.diagnose.run import Known
from factory_kit.diagnose.settings import Limit, Settings
from factory_kit.kpi.interval import days_between
from factory_kit.testing.machines import Value

SOAK = "FACTORY_KIT_SOAK" in os.environ
TEN_DAYS = days_between(date(2026, 9, 1), date(2026, 9, 10), "Asia/Shanghai")
TEN_MINUTES = 600_000_000
DAY_US = 24 * 3_600_000_000


def warming(equipment: str, point: str, time: int, value: Value) -> Value:
    """The spindle of cnc-02 gets half a kelvin warmer every day."""
    if (equipment, point) == ("cnc-02", "spindle_temperature"):
        return round(value + 0.5 * (time - TEN_DAYS.start) / DAY_US, 1)
    return value


@pytest.fixture(scope="module")
def warmed(diagnosed: Callable[..., Any]) -> Any:
    """Ten days with a Sunday and a warming spindle that has two limits."""
    limits = tuple(
        Limit(point="cnc-02/spindle_temperature", above=value, because="bearing manual") for value in ("51", "75")
    )
    known = Known(Settings(limits=limits))
    return diagnosed(4, faults=False, days=TEN_DAYS, step=TEN_MINUTES, changed=warming, known=known)


def test_a_planted_drift_is_found_and_nothing_else(warmed: Any) -> None:
    """One drift, of half a kelvin a day, and the limit it comes near."""
    assert warmed.faults == [("drift", "cnc-02"), ("nearing-limit", "cnc-02")]
    finding = warmed.found("drift")["cnc-02"]
    assert finding.points == ("cnc-02/spindle_temperature",)
    assert finding.numbers["slope"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("seed", range(1, 21) if SOAK else (2,))
def test_ten_clean_days_have_no_fault(seed: int, diagnosed: Callable[..., Any]) -> None:
    """Work days, a Sunday and changing loads are no drift, and a Sunday's rest is no stuck sensor."""
    assert diagnosed(seed, faults=False, days=TEN_DAYS, step=TEN_MINUTES).faults == []


def test_a_straight_rise_is_clear_and_noise_is_not() -> None:
    """By hand: slope 1 a day over ten days without scatter; white noise of the same range shows nothing."""
    days = np.arange(10.0)
    found = trend(days, days.copy())
    assert (found.slope, found.moved, found.scatter, found.clear) == (1, 9, 0, True)
    assert found.score == pytest.approx(44 / np.sqrt(125))
    chance = np.random.default_rng(1)
    assert not any(trend(days, chance.normal(0, 1, 10)).clear for _ in range(200))


def test_a_limit_is_met_when_the_line_gets_there() -> None:
    """By hand: one a day from 0, at 9 on the last day: 15 is six days away; downward it is never met; 8 is passed."""
    days = np.arange(10.0)
    found = trend(days, days.copy())
    assert (found.low, found.high, found.last) == (1, 1, 9)
    assert time_to(found, 15, upward=True) == pytest.approx((6, 6, 6))
    assert time_to(found, 15, upward=False) is None
    assert time_to(found, 8, upward=True) == (0, 0, 0)
    noise = trend(days, np.random.default_rng(1).normal(0, 1, 10))
    assert time_to(noise, 15, upward=True) is None


def test_the_interval_of_the_slope_holds_the_truth() -> None:
    """Of 300 noisy rises of 0.5 a day over twelve days the interval of 95 % holds 0.5 in nine of ten or more."""
    chance = np.random.default_rng(7)
    days = np.arange(12.0)
    found = [trend(days, 0.5 * days + chance.normal(0, 0.3, 12)) for _ in range(300)]
    assert sum(each.low <= 0.5 <= each.high for each in found) >= 270
    assert all(each.low <= each.slope <= each.high for each in found)


def test_a_warming_spindle_comes_near_its_limit(warmed: Any) -> None:
    """The near limit is told with its days, soonest and latest; the far one is too far ahead to tell."""
    finding = warmed.found("nearing-limit")["cnc-02"]
    numbers = finding.numbers
    assert numbers["limit"] == 51
    assert numbers["soonest"] <= numbers["days"] <= numbers["latest"]
    assert numbers["days"] == pytest.approx((51 - float(numbers["level"])) / float(numbers["slope"]))
    assert [each.kind for each in warmed.diagnosis.findings].count("nearing-limit") == 1
    assert "bearing manual" in finding.assumes("en")
