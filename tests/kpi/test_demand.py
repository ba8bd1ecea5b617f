"""Demand by quarters of an hour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.kpi.counters import Rise, RiseKind
from factory_kit.kpi.demand import BLOCK, Demand, demand, demand_of
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


def block_by_hand(steps: list[Rise], start: int, end: int, longest: int) -> float | None:
    """Mean power of one block, moment by moment; None where it is not known."""
    if not steps or start < steps[0].start or end > steps[-1].end:
        return None
    if any(step.end - step.start > longest and step.start < end and step.end > start for step in steps):
        return None
    micro = 0.0
    for step in steps:
        inside = max(0, min(end, step.end) - max(start, step.start))
        micro += step.amount * inside / (step.end - step.start)
    return micro * 3600 / (end - start)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 50)), max_size=12),
    st.integers(-6, 6), st.integers(0, 30), st.integers(1, 7), st.integers(1, 6),
)  # fmt: skip
def test_each_block_is_what_its_moments_add_up_to(
    parts: list[tuple[int, int]], start: int, width: int, block: int, longest: int
) -> None:
    """Any readings, any blocks: a block is known when the readings enclose it and no step over it is too long, and holds its share of each step."""
    steps, at = [], 0
    for wide, amount in parts:
        steps.append(Rise(at, at + wide, amount, RiseKind.COUNTED))
        at += wide
    window = Stretch(start, start + width)
    found = demand(steps, window, block=block, longest=longest)

    real = [step for step in steps if step.end > step.start]
    edges = [start + number * block for number in range(width // block + 1)]
    by_hand = [block_by_hand(real, low, low + block, longest) for low in edges[:-1]]
    assert (found.start, found.block) == (start, block)
    assert [None if np.isnan(kw) else pytest.approx(kw) for kw in found.kw] == by_hand


def test_the_base_load_is_what_nine_of_ten_blocks_exceed() -> None:
    """Of 0 to 10 kW, and a block that is not known, it is 1 kW."""
    found = Demand(0, BLOCK, np.array([*range(10, -1, -1), np.nan], dtype=np.float64))

    assert (found.base_load, found.peak, found.peak_at, found.mean, found.load_factor) == (1, 10, 0, 5, 0.5)
    assert found.coverage == pytest.approx(11 / 12)


def test_a_meter_that_stands_still_has_no_load_factor() -> None:
    """Nothing was used, so there is nothing to divide by; the figures themselves are 0."""
    found = demand(rises((0, 15, 0), (15, 30, 0)), Stretch(0, HOUR // 2))

    assert (found.peak, found.peak_at, found.mean, found.load_factor, found.base_load) == (0, 0, 0, None, 0)


def test_a_window_without_a_whole_block_is_not_covered() -> None:
    """No block, no figure; a window that ends before it begins is none."""
    for end in (BLOCK - 1, -1):
        for steps in (rises((0, 15, 1), (15, 30, 1)), []):
            found = demand(steps, Stretch(0, end))
            assert (found.kw.tolist(), found.coverage, found.peak) == ([], 0.0, None)


def test_two_readings_are_enough_and_one_is_not() -> None:
    """From one reading to the next a block is known; from a single one nothing is."""
    both, one = np.array([0, BLOCK], dtype=np.int64), np.array([1_000_000], dtype=np.int64)

    assert demand_of(both, one, Stretch(0, BLOCK)).kw.tolist() == [4]
    assert np.isnan(demand_of(both[:1], one[:0], Stretch(0, BLOCK)).kw).tolist() == [True]


@pytest.mark.parametrize("parts", [(), ((5, 5, 0),)])
def test_without_energy_there_is_no_peak(parts: tuple[tuple[int, int, float], ...]) -> None:
    """No reading, or a single one, gives no figure, never zero."""
    found = demand(rises(*parts), Stretch(0, HOUR))

    assert (found.peak, found.peak_at, found.mean, found.load_factor, found.base_load) == (None,) * 5
