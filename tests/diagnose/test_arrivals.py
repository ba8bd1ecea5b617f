"""Clocks and order, from when live samples arrived."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factory_kit.diagnose.arrivals import HOUR, SECOND, Offset, arrival_findings, clock_findings
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store

from .conftest import DAY


def hours(drift_ppm: float, offset_s: float = 0.0, count: int = 24) -> list[Offset]:
    """Least delays of hours of a clock that is behind by *offset_s* and runs slower by *drift_ppm*; the line adds up to 3 ms."""
    chance = np.random.default_rng(5)
    first = DAY.start // HOUR
    return [
        Offset("plc", first + at, round((offset_s + drift_ppm * 0.0036 * at + chance.uniform(0, 0.003)) * SECOND), 60)
        for at in range(count)
    ]


@pytest.mark.parametrize(
    ("drift", "offset", "kinds"),
    [(0, 0, []), (0, 8, ["clock-wrong"]), (0, -400, ["clock-wrong"]), (80, 0, ["clock-drift"]), (30, 0, []), (-200, 30, ["clock-wrong", "clock-drift"])],
)  # fmt: skip
def test_clocks_are_judged_by_the_least_delay(drift: float, offset: float, kinds: list[str]) -> None:
    """Off by five seconds is wrong, 50 ppm over a day is drift, a good quartz is neither."""
    found = list(clock_findings("plc", hours(drift, offset)))
    assert [each.kind for each in found] == kinds
    for each in found:
        if each.kind == "clock-drift":
            assert each.numbers["ppm"] == pytest.approx(-drift, rel=0.02)
        else:
            assert each.numbers["seconds"] == pytest.approx(-offset, abs=9)


def live(folder: Path, times: np.ndarray, received: np.ndarray, origin: Origin = Origin.LIVE) -> Store:
    """A store with one point whose values arrived when they did."""
    store = Store(folder / "store")
    (point,) = store.register([CataloguePoint("m", "power", "active_power", "kW", "float32", "a", "c", "1", "plc")])
    with store.writer(Run("r", DAY.start, origin, "real", "collect")) as writer:
        writer.append(
            SampleBatch(
                np.full(len(times), point, np.int32), times, np.arange(len(times), dtype=np.float64),
                np.zeros(len(times), np.int8), received_time=received,
            )
        )  # fmt: skip
    return store


def test_values_out_of_order_are_counted(tmp_path: Path) -> None:
    """One value in ten comes two seconds after its successor: told once, with its share and lateness."""
    times = DAY.start + SECOND * np.arange(0, 2000, 2, dtype=np.int64)
    late = np.arange(len(times)) % 10 == 5
    received = times + 50_000 + np.where(late, 4 * SECOND, 0)
    (finding,) = arrival_findings(live(tmp_path, times, received), DAY)
    assert (finding.kind, finding.points) == ("out-of-order", ("m/power",))
    assert finding.numbers["count"] == late.sum()
    assert finding.numbers["seconds"] == pytest.approx(2)


def test_what_was_fetched_later_is_not_out_of_order(tmp_path: Path) -> None:
    """A hole of ten minutes filled from history half an hour later is no disorder, and no wrong clock."""
    times = DAY.start + SECOND * np.arange(0, 7200, 2, dtype=np.int64)
    received = times + 50_000
    received[900:1200] = times[2000]
    assert list(arrival_findings(live(tmp_path, times, received), DAY)) == []


def test_simulated_samples_say_nothing_about_clocks(tmp_path: Path) -> None:
    """A simulated hour may pass in a second: its times are no clock's."""
    times = DAY.start + SECOND * np.arange(0, 7200, 2, dtype=np.int64)
    store = live(tmp_path, times, times + 10**12, Origin.SIMULATED)
    assert list(arrival_findings(store, DAY)) == []
