"""Levels that moved for good, in a machine's sensors while it works."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from factory_kit.diagnose.drift import trend
from factory_kit.diagnose.finding import Finding
from factory_kit.diagnose.levels import Moved, level_findings, moved_levels, told_apart
from factory_kit.diagnose.material import Column, PointFacts
from factory_kit.kpi.interval import Interval, days_between
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.connector import MachineState

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAYS = days_between(date(2026, 9, 1), date(2026, 9, 6), "Asia/Shanghai")
CHANGE = DAYS.start + 3 * 24 * HOUR + 9 * HOUR
"""The fourth day at nine."""


def daily(hours: np.ndarray) -> np.ndarray:
    """A hall that is warmest in the afternoon: 4 K up and down."""
    return 40 + 4 * np.sin((hours - 9) / 24 * 2 * np.pi)


def found_in(bench: Any, series: dict[str, np.ndarray], times: np.ndarray, interval: Interval = DAYS) -> list[Moved]:
    """What is found in *series* by the names of points of a machine that works from six to ten in the evening."""
    bench.interval = interval
    for number, (name, values) in enumerate(series.items(), 1):
        bench.points.append(PointFacts(number, "m", name, "temperature", "°C", "float64"))
        bench.known[number] = [interval.window]
        bench.columns[number] = Column(times, values)
    parts = []
    for day in range(interval.blocks):
        midnight = interval.start + 24 * HOUR * day
        edges = ((0, 6, MachineState.OFF), (6, 22, MachineState.PRODUCING), (22, 24, MachineState.OFF))
        parts += [Segment(midnight + a * HOUR, midnight + b * HOUR, state, planned=True) for a, b, state in edges]
    bench.segments["m"] = parts
    return list(moved_levels(bench.material(), (), ()))


@pytest.fixture
def times() -> np.ndarray:
    """A reading every two minutes."""
    return np.arange(DAYS.start, DAYS.end, 2 * MINUTE, dtype=np.int64)


@pytest.mark.parametrize("seed", range(3))
def test_a_level_that_moves_is_placed_in_time(bench: Any, times: np.ndarray, seed: int) -> None:
    """Ten kelvin more from the fourth day on are told of the signal that moved, to the block; the other is only named."""
    rng = np.random.default_rng(seed)
    hours = (times - DAYS.start) / HOUR
    moved = daily(hours) + rng.normal(0, 0.5, len(times)) + 14 * (times >= CHANGE)
    series = {"spindle": moved, "motor": daily(hours) + rng.normal(0, 0.5, len(times))}
    (each,) = found_in(bench, series, times)
    (finding,) = level_findings([each], DAYS.end)
    assert abs(finding.when[0].start - CHANGE) <= 10 * MINUTE
    assert finding.when[0].end == DAYS.end
    assert finding.numbers["point"] == "spindle"
    assert finding.numbers["moved"] == pytest.approx(14, abs=1.5)
    assert finding.points == ("m/spindle", "m/motor")
    assert "1 times" not in finding.says("en")


@pytest.mark.parametrize("kind", ["warm afternoons", "noise", "one step of resolution", "a stop at zero", "slow rise"])
def test_what_is_no_new_level_is_not_told(bench: Any, times: np.ndarray, kind: str) -> None:
    """Hours of the day, noise, a sensor's last digit, a machine at rest and a slow rise are not told as changes for good."""
    rng = np.random.default_rng(7)
    hours = (times - DAYS.start) / HOUR
    series = {
        "warm afternoons": daily(hours) + rng.normal(0, 0.5, len(times)),
        "noise": rng.normal(40, 2, len(times)),
        "one step of resolution": np.where(times < CHANGE, 6.0, 6.1),
        "a stop at zero": np.where((hours % 24 >= 6) & (hours % 24 < 22), daily(hours), 0.0),
        "slow rise": 40 + hours / 24 + rng.normal(0, 0.5, len(times)) + daily(hours),
    }[kind]
    assert found_in(bench, {"t": series}, times) == []


def test_a_day_is_too_short_to_move_for_good(bench: Any) -> None:
    """Within one day a jump is not told: nobody has seen the same hours before and after."""
    day = days_between(date(2026, 9, 1), date(2026, 9, 1), "Asia/Shanghai")
    times = np.arange(day.start, day.end, MINUTE, dtype=np.int64)
    noise = np.random.default_rng(1).normal(0, 0.5, len(times))
    assert found_in(bench, {"t": noise + np.where(times < day.start + 12 * HOUR, 40.0, 60.0)}, times, day) == []


def test_faulty_points_and_machines_that_tell_nothing_are_left_out(bench: Any, times: np.ndarray) -> None:
    """A point that another finding explains, and a machine of which nobody knows when it works: silence."""
    series = {"t": np.where(times < CHANGE, 40.0, 60.0) + np.random.default_rng(1).normal(0, 0.5, len(times))}
    assert len(found_in(bench, series, times)) == 1
    assert list(moved_levels(bench.material(), (), {"m/t"})) == []
    assert list(moved_levels(replace(bench.material(), segments={}), (), ())) == []


def test_levels_of_a_signal_cover_its_blocks() -> None:
    """Before and after a change one level each, from the first block to the end of the last."""
    time = np.arange(4, dtype=np.int64) * 10 * MINUTE
    moved = Moved("m", ("m/a",), ("K",), 10 * MINUTE, time, np.array([[1.0], [1.0], [5.0], [7.0]]), (2,))
    assert moved.levels(0) == [(Stretch(0, 20 * MINUTE), 1.0), (Stretch(20 * MINUTE, 40 * MINUTE), 6.0)]


def stretched(medians: np.ndarray) -> Finding:
    """The drift that is told of these medians, one a day."""
    days = np.arange(len(medians), dtype=float)
    line = trend(days, medians)
    numbers = {"slope": line.slope, "level": line.last}
    extra = {"days": days.tolist(), "medians": medians.tolist()}
    return Finding("drift", "m", "middle", numbers, (), ("m/a",), extra=extra)


def test_a_step_is_no_drift_and_a_drift_no_step() -> None:
    """Of one point that has both only the better telling is left: levels where it jumped, the line where it crept."""
    time = np.arange(10 * 24, dtype=np.int64) * HOUR
    for kind, values in (("level-moved", np.where(np.arange(10) < 5, 40.0, 60.0)), ("drift", 40 + 2 * np.arange(10.0))):
        level = np.repeat(values, 24)[:, None]
        moved = Moved("m", ("m/a",), ("K",), 10 * MINUTE, time, level, (120,))
        other = Finding("no-answer", "m", "low", {}, (), ("m/a",))
        kept, left = told_apart([stretched(values), other], [moved], 0)
        assert [each.kind for each in kept] == (["no-answer"] if kind == "level-moved" else ["drift", "no-answer"])
        assert len(left) == (kind == "level-moved")
