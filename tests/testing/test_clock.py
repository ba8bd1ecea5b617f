"""Clocks of tests and of the simulated plant."""

from __future__ import annotations

import pytest

from factory_kit.testing import ManualClock, PlantClock


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    """Asking for the time does not move it; advance and set do."""
    clock = ManualClock(10)
    assert (clock(), clock()) == (10, 10)
    assert clock.advance(5) == 15
    clock.set(3)
    assert clock() == 3


def test_a_manual_clock_refuses_to_advance_backwards() -> None:
    """A negative step is a mistake of the test."""
    with pytest.raises(ValueError, match="does not run backwards"):
        ManualClock().advance(-1)


def test_plant_time_stands_until_it_begins() -> None:
    """Before begin the plant clock shows its start, however long that takes."""
    clock = PlantClock(1_000, speed=3600, monotonic_ns=lambda: 999_999_999)
    assert clock() == 1_000


def test_plant_time_runs_at_its_speed_and_stops_at_until() -> None:
    """Two computer seconds are two plant hours at speed 3600; after until, time stands."""
    computer = [5_000_000_000]
    clock = PlantClock(1_000, speed=3600, until=1_000 + 7_300_000_000, monotonic_ns=lambda: computer[0])
    clock.begin()
    computer[0] += 2_000_000_000
    assert clock() == 1_000 + 7_200_000_000
    computer[0] += 2_000_000_000
    assert clock() == 1_000 + 7_300_000_000
