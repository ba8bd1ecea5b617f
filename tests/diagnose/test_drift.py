"""Sensors that drift over days."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

from factory_kit.diagnose.drift import trend
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


def test_a_planted_drift_is_found_and_nothing_else(diagnosed: Callable[..., Any]) -> None:
    """Ten days with a Sunday: one drift, of half a kelvin a day."""
    plant = diagnosed(4, faults=False, days=TEN_DAYS, step=TEN_MINUTES, changed=warming)
    assert plant.faults == [("drift", "cnc-02")]
    finding = plant.found("drift")["cnc-02"]
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
