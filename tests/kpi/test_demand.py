"""Demand by quarters of an hour."""

from __future__ import annotations

import numpy as np
import pytest

from factory_kit.kpi.counters import Rise, RiseKind
from factory_kit.kpi.demand import BLOCK, demand
from factory_kit.kpi.timemodel import Stretch

MINUTE = 60_000_000
HOUR = 60 * MINUTE


def rises(*parts: tuple[int, int, float]) -> list[Rise]:
    """Rises from minute to minute, in kWh."""
    return [Rise(a * MINUTE, b * MINUTE, round(kwh * 1_000_000), RiseKind.COUNTED) for a, b, kwh in parts]


def test_energy_is_spread_over_its_time() -> None:
    """10 kWh in ten minutes over the edge of a block: 5 minutes of 60 kW on each side."""
    found = demand(rises((0, 10, 0), (10, 20, 10), (20, 30, 0)), Stretch(0, HOUR // 2))

    assert found.kw == pytest.approx([20, 20])
    assert (found.peak, found.load_factor, found.coverage) == (pytest.approx(20), pytest.approx(1), 1)


def test_the_peak_is_the_highest_block() -> None:
    """Four blocks of 1, 4, 2, 1 kWh: a peak of 16 kW from the second on, a mean of 8 kW."""
    found = demand(rises((0, 15, 1), (15, 30, 4), (30, 45, 2), (45, 60, 1)), Stretch(0, HOUR))

    assert (found.peak, found.peak_at, found.mean, found.load_factor) == (16, BLOCK, 8, 0.5)


def test_blocks_without_close_readings_are_unknown() -> None:
    """Energy that came some time within an hour says nothing about its quarters, and nothing lies beyond the readings."""
    found = demand(rises((0, 15, 1), (15, 75, 40), (75, 90, 1)), Stretch(0, 2 * HOUR))

    assert np.isnan(found.kw).tolist() == [False, True, True, True, True, False, True, True]
    assert found.coverage == 0.25
    assert found.peak == 4


@pytest.mark.parametrize("parts", [(), ((5, 5, 0),)])
def test_without_energy_there_is_no_peak(parts: tuple[tuple[int, int, float], ...]) -> None:
    """No reading, or a single one, gives no figure, never zero."""
    found = demand(rises(*parts), Stretch(0, HOUR))

    assert (found.peak, found.peak_at, found.mean, found.load_factor, found.base_load) == (None,) * 5
