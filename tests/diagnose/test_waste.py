"""Energy that goes where nothing is made: base load, unloaded compressors, leaks, poor specific power."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

from factory_kit.diagnose.air import air_losses
from factory_kit.diagnose.baseload import base_loads
from factory_kit.diagnose.idle import idle_loads
from factory_kit.diagnose.material import Column, PointFacts
from factory_kit.kpi.calendar import planned_time
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.timemodel import Segment
from factory_kit.model.connector import MachineState
from factory_kit.model.site import Equipment
from factory_kit.testing.machines import Value
from factory_kit.testing.recorded import demo_site

MINUTE = 60_000_000
HOUR = 60 * MINUTE
WEEKEND = days_between(date(2026, 9, 5), date(2026, 9, 7), "Asia/Shanghai")
"""Saturday to Monday; nothing is planned from Sunday 08:00 to Monday 08:00."""
CLOSED = (WEEKEND.start + 32 * HOUR, WEEKEND.start + 56 * HOUR)
TEN_MINUTES = 10 * MINUTE


def wasteful(equipment: str, point: str, time: int, value: Value) -> Value:
    """While the plant is closed 15 kW stay on at line A, and the compressor loads four minutes of ten."""
    off = min(max(time, CLOSED[0]), CLOSED[1]) - CLOSED[0]
    if (equipment, point) == ("meter-02", "active_energy"):
        return value + 15.0 * off / HOUR
    if (equipment, point) == ("meter-04", "active_energy"):
        return value + 22.9 * off / HOUR
    if equipment == "compressor-01" and CLOSED[0] <= time < CLOSED[1]:
        loaded = time % TEN_MINUTES < 4 * MINUTE
        return {"state": 2 if loaded else 1, "active_power": 37.0 if loaded else 13.5}.get(point, value)
    return value


@pytest.fixture(scope="module")
def weekend(diagnosed: Callable[..., Any]) -> Any:
    """The plant over a weekend with its waste."""
    return diagnosed(3, faults=False, days=WEEKEND, step=TEN_MINUTES, changed=wasteful)


def test_a_base_load_is_found_at_its_meter(weekend: Any) -> None:
    """15 kW over the closed day at line A, and nowhere else; the main meter does not see the added load."""
    found = weekend.found("base-load")
    assert list(found) == ["meter-02"]
    finding = found["meter-02"]
    assert finding.numbers["hours"] == pytest.approx(24, abs=0.2)
    assert finding.numbers["kw"] == pytest.approx(16, abs=1.0)
    assert finding.kwh == pytest.approx(24 * finding.numbers["kw"], rel=0.02)
    assert (finding.severity, finding.yuan) == ("high", None)


def test_air_that_leaks_while_nothing_works_is_found(weekend: Any) -> None:
    """Two of five minutes loaded while all eight machines rest; no fault is called out for it."""
    leak = weekend.found("air-leaks")["compressor-01"]
    assert leak.numbers["share"] == pytest.approx(40, abs=11)
    assert leak.hours is None
    assert leak.kwh == pytest.approx(22.9 * float(leak.numbers["hours"]), rel=0.1)
    assert weekend.faults == []


def test_unloaded_running_is_what_the_compressor_really_did(weekend: Any) -> None:
    """Its share of the running time and its hours, against the truth of every minute."""
    finding = weekend.found("air-unloaded")["compressor-01"]
    states = [
        (1 + (time % TEN_MINUTES < 4 * MINUTE))
        if CLOSED[0] <= time < CLOSED[1]
        else weekend.model.compressor.state(time)
        for time in range(WEEKEND.start, WEEKEND.end, MINUTE)
    ]
    assert finding.numbers["hours"] == pytest.approx(states.count(1) / 60, rel=0.15)
    assert finding.numbers["share"] == pytest.approx(100 * states.count(1) / (states.count(1) + states.count(2)), abs=5)


def test_a_clean_weekend_wastes_nothing(diagnosed: Callable[..., Any]) -> None:
    """A plant that is switched off takes a few per cent, and its compressor stands."""
    clean = diagnosed(3, faults=False, days=WEEKEND, step=TEN_MINUTES)
    assert [clean.found(kind) for kind in ("base-load", "air-leaks", "air-specific", "idle-load")] == [{}] * 4


def compressor(bench: Any, flow: float, bar: float = 7.0) -> None:
    """A compressor of 37 kW that delivers *flow* m³/min for ten hours."""
    bench.equipment["air"] = Equipment.model_validate(
        {"id": "air", "name": {"zh": "空", "en": "Air"}, "kind": "compressor"}
    )
    time = bench.interval.start + MINUTE * np.arange(600, dtype=np.int64)
    off = np.append(time, bench.interval.start + 600 * MINUTE)
    for number, (role, unit, value) in enumerate(
        (("active_power", "kW", 37.0), ("flow", "m3/h", 60 * flow), ("pressure", "bar", bar))
    ):
        bench.points.append(PointFacts(number, "air", role, role, unit, "float32"))
        bench.known[number] = [bench.interval.window]
        bench.columns[number] = Column(off, np.append(np.full(600, value), 0.0))


def test_specific_power_is_power_by_flow(bench: Any) -> None:
    """By hand: 37 kW for 4 m³/min are 9.25; above the line of 8 that is 5 kW for ten hours."""
    compressor(bench, 4.0)
    (finding,) = air_losses(bench.material())
    assert finding.kind == "air-specific"
    assert finding.numbers["specific"] == pytest.approx(9.25)
    assert finding.kwh == pytest.approx(50)


@pytest.mark.parametrize(("flow", "bar"), [(6.0, 7.0), (4.0, 12.0), (0.0, 7.0)])
def test_specific_power_is_judged_only_where_it_can_be(bench: Any, flow: float, bar: float) -> None:
    """A good machine, one of high pressure and one whose flow meter shows nothing say nothing."""
    compressor(bench, flow, bar)
    assert list(air_losses(bench.material())) == []


def test_without_readings_there_is_no_energy(bench: Any) -> None:
    """A meter without a value, one with a single reading, and one whose reading is unknown give no finding."""
    site, _connectors = demo_site()
    bench.interval = WEEKEND
    bench.equipment.update({each.id: each for each in site.equipment})
    bench.points.append(PointFacts(1, "meter-02", "active_energy", "active_energy", "kWh", "uint32"))
    for name in site.equipment[11].feeds:
        bench.segments[name] = [Segment(WEEKEND.start, WEEKEND.end, MachineState.OFF, False)]
    for column in (np.empty(0, np.int64), np.array([WEEKEND.start + HOUR])):
        bench.columns[1] = Column(column, np.zeros(len(column)))
        material = bench.material()
        planned = planned_time(site.calendar, WEEKEND.zone, WEEKEND.window)
        assert planned
        assert [*idle_loads(material), *base_loads(material, [])] == []
