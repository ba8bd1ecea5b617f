"""Sensors against their own pace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from factory_kit.diagnose.material import Column, PointFacts
from factory_kit.diagnose.sensors import cut_off, sensor_health, spikes, standing
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.connector import MachineState

MINUTE = 60_000_000
HOUR = 60 * MINUTE


def measured(bench: Any, values: np.ndarray[Any, Any], role: str = "temperature") -> Any:
    """A machine with one point that was read every minute from the beginning of the day."""
    start = bench.interval.start
    bench.points = [PointFacts(1, "m1", "t", role, "°C", "float64")]
    bench.known = {1: [bench.interval.window]}
    bench.columns = {1: Column(start + MINUTE * np.arange(len(values), dtype=np.int64), values.astype(float))}
    return bench


def noisy(count: int = 1440, seed: int = 1) -> np.ndarray[Any, Any]:
    """A temperature that moves with every reading."""
    return np.round(40 + np.cumsum(np.random.default_rng(seed).normal(0, 0.2, count)), 2)


def kinds(bench: Any) -> list[str]:
    """What was found."""
    return [each.kind for each in sensor_health(bench.material())]


def test_a_sensor_that_moves_is_sound(bench: Any) -> None:
    """Nothing to say about it."""
    assert kinds(measured(bench, noisy())) == []


def test_standing_still_is_measured_in_working_time(bench: Any) -> None:
    """Three hours at one value while the machine works are found; the same three hours of standing machine are not."""
    values = noisy()
    values[300:480] = values[300]
    stuck = measured(bench, values)
    assert kinds(stuck) == ["stuck-sensor"]
    (finding,) = sensor_health(stuck.material())
    assert finding.numbers["hours"] == pytest.approx(3, abs=0.05)

    start, end = bench.interval.start, bench.interval.end
    stop = Stretch(start + 295 * MINUTE, start + 485 * MINUTE)
    stuck.segments = {
        "m1": [
            Segment(start, stop.start, MachineState.PRODUCING),
            Segment(stop.start, stop.end, MachineState.IDLE),
            Segment(stop.end, end, MachineState.PRODUCING),
        ]
    }
    assert kinds(stuck) == []


def test_a_point_that_rarely_changes_is_not_stuck(bench: Any) -> None:
    """A set value that moves every half hour may stand for two hours."""
    values = np.repeat(np.arange(60.0), 24)
    values[480:600] = values[480]
    assert kinds(measured(bench, values)) == []


def test_time_nobody_watched_is_not_standing_still(bench: Any) -> None:
    """A recorded gap of three hours is no stuck sensor."""
    values = noisy()
    bench = measured(bench, values)
    column = bench.columns[1]
    kept = (column.time < column.time[300]) | (column.time >= column.time[480])
    bench.columns = {1: Column(column.time[kept], column.value[kept])}
    start = bench.interval.start
    bench.known = {1: [Stretch(start, start + 300 * MINUTE), Stretch(start + 480 * MINUTE, bench.interval.end)]}
    assert kinds(bench) == []


def test_too_few_values_say_nothing(bench: Any) -> None:
    """Without a pace of its own a point is not judged; one sample is no history."""
    assert kinds(measured(bench, np.full(1440, 20.0))) == []
    assert kinds(measured(bench, np.array([20.0]))) == []


def test_single_readings_far_off_are_told(bench: Any) -> None:
    """Three zeros in a day of 40 °C are three wrong readings, and the farthest is named."""
    values = noisy()
    values[[100, 700, 1200]] = 0.0
    (finding,) = sensor_health(measured(bench, values).material())
    assert (finding.kind, finding.numbers["count"], finding.numbers["value"]) == ("out-of-place", 3, 0.0)


def test_a_load_that_falls_to_nothing_is_a_pause(bench: Any) -> None:
    """Between two pieces a load is zero for one reading; a reading above everything else is as wrong as in any sensor."""
    values = noisy()
    values[[100, 700, 1200]] = 0.0
    values[[800, 802]] = 0.0  # one piece alone between two pauses
    assert kinds(measured(bench, values, "spindle_load")) == []
    values[300] = 400.0
    (finding,) = sensor_health(measured(bench, values, "spindle_load").material())
    assert (finding.kind, finding.numbers["count"], finding.numbers["value"]) == ("out-of-place", 1, 400.0)


@pytest.mark.parametrize(
    "values",
    [np.tile([0.0, 100.0], 200), np.repeat([0.0, 100.0] * 4, 60), np.zeros(500), np.arange(500.0)],
)
def test_a_process_that_jumps_is_no_wrong_reading(values: np.ndarray[Any, Any]) -> None:
    """Switching, steps, constants and ramps belong to processes."""
    assert spikes(values) == []


def test_how_long_values_hold() -> None:
    """A repeated value goes on holding; the last one holds to the end."""
    column = Column(np.array([0, 10, 20, 30]), np.array([1.0, 1.0, 2.0, 1.0]))
    assert standing(column, 50) == [(Stretch(0, 20), 1.0), (Stretch(20, 30), 2.0), (Stretch(30, 50), 1.0)]
    assert standing(Column(np.empty(0, np.int64), np.empty(0)), 50) == []


@pytest.mark.parametrize("side", [1, -1])
def test_a_sensor_at_the_end_of_its_range_is_cut_off(side: int) -> None:
    """A wave whose top tenth is cut away piles up at the cut; the whole wave, noise and a switch do not."""
    chance = np.random.default_rng(3)
    wave = 60 + 20 * np.sin(np.arange(3000) / 40) + chance.normal(0, 0.5, 3000)
    whole = np.round(side * wave, 1)
    clipped = np.minimum(whole, 75.0) if side > 0 else np.maximum(whole, -75.0)
    assert cut_off(clipped) == [75.0 * side]
    assert cut_off(whole) == []
    assert cut_off(np.round(chance.normal(50, 3, 3000), 1)) == []
    assert cut_off(np.round(chance.uniform(10, 60, 3000), 0)) == []
    assert cut_off(np.tile([1.0, 2.0, 3.0], 1000)) == []
