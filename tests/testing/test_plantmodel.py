"""The simulated plant as a pure model."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_kit.errors import UsageError
from factory_kit.model.connector import MachineState
from factory_kit.testing import PlantedFault, PlantModel, analog_step
from factory_kit.testing.energy import CompressorState
from factory_kit.testing.machines import CNC, RAW_STATES
from factory_kit.testing.plantmodel import BAD_NO_COMMUNICATION, POINTS
from factory_kit.testing.schedule import CncSpec, plan_parts, plan_shift
from factory_kit.testing.shifts import (
    DEFAULT_START,
    HOUR,
    MINUTE,
    SECOND,
    SHIFT,
    microseconds,
    shift_at,
    shift_start,
    works,
)

GOLDEN = Path(__file__).with_name("first_minutes.csv")
DAY = 24 * HOUR

seeds = st.integers(0, 2**31)
shifts = st.integers(shift_at(DEFAULT_START), shift_at(DEFAULT_START) + 28)
specs = st.sampled_from(CNC)
moments = st.integers(DEFAULT_START, DEFAULT_START + 2 * DAY)


def _fault_of(plant: PlantModel, what: str, equipment: str) -> PlantedFault:
    return next(fault for fault in plant.planted_faults if (fault.what, fault.equipment) == (what, equipment))


@pytest.fixture(scope="module", name="plant")
def _plant() -> PlantModel:
    return PlantModel(1, step=30 * SECOND)


@given(specs, seeds, shifts)
def test_a_shift_is_covered_without_gap_or_overlap(spec: CncSpec, seed: int, shift: int) -> None:
    """Segments follow one another from the beginning of the shift to its end, and neighbours differ."""
    segments = plan_shift(spec, seed, shift)
    assert segments[0].start == shift_start(shift)
    assert segments[-1].end == shift_start(shift + 1)
    for before, after in pairwise(segments):
        assert before.start < before.end == after.start
        assert (before.state, before.alarm) != (after.state, after.alarm)


@given(specs, seeds, shifts)
def test_an_alarm_stands_exactly_while_a_machine_is_down(spec: CncSpec, seed: int, shift: int) -> None:
    """Every breakdown carries a code, nothing else does."""
    for segment in plan_shift(spec, seed, shift):
        assert (segment.alarm > 0) == (segment.state is MachineState.DOWN)


@given(specs, seeds, shifts)
def test_parts_are_finished_while_producing_and_not_faster_than_ideal(spec: CncSpec, seed: int, shift: int) -> None:
    """Each part ends inside a producing segment; productive time never holds more parts than the ideal cycle allows."""
    segments = plan_shift(spec, seed, shift)
    done, good = plan_parts(spec, seed, shift, segments)
    producing = [segment for segment in segments if segment.state is MachineState.PRODUCING]
    assert len(done) == len(good)
    assert done == sorted(set(done))
    assert all(any(segment.start < time <= segment.end for segment in producing) for time in done[::50])
    assert len(done) * spec.ideal_cycle_s * SECOND <= sum(segment.end - segment.start for segment in producing)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_clean_plant_has_a_realistic_oee(seed: int) -> None:
    """Over twelve worked shifts every machine lies between 0.45 and 0.85, and they differ."""
    plant = PlantModel(seed, microseconds("2026-09-07T08:00:00+08:00"), faults=False)
    start = plant.start
    indices = [
        machine.good * machine.ideal_cycle_s * SECOND / (12 * SHIFT)
        for machine in plant.truth(start, start + 12 * SHIFT).machines.values()
    ]
    assert 0.45 < min(indices) < max(indices) < 0.85
    assert max(indices) - min(indices) > 0.1


def test_the_same_seed_gives_the_same_plant_in_any_order_of_asking() -> None:
    """A model asked backwards, twice and out of order agrees with one asked once."""
    times = range(DEFAULT_START, DEFAULT_START + DAY, 97 * MINUTE)
    keys = [
        (equipment, point, time) for time in times for equipment in ("cnc-01", "cnc-05", "cnc-08") for point in POINTS
    ]
    once, other = PlantModel(7), PlantModel(7)
    forward = {key: once.shown(*key) for key in keys}
    backward = {key: other.shown(*key) for key in reversed(keys)}
    assert forward == backward
    meters = {time: once.reading("meter-01", time) for time in times}
    assert meters == {time: other.reading("meter-01", time) for time in reversed(times)}


def test_another_seed_gives_another_plant() -> None:
    """Two seeds share no day of changes."""
    one, two = (PlantModel(seed).changes(DEFAULT_START, DEFAULT_START + HOUR) for seed in (1, 2))
    assert not {(change.time, change.equipment, change.point) for change in one if change.point == "total_count"} & {
        (change.time, change.equipment, change.point) for change in two if change.point == "total_count"
    }


def test_states_do_not_depend_on_the_start() -> None:
    """A plant begun a day later does what the earlier one does on that day; only its counters begin elsewhere."""
    early, late = PlantModel(3, faults=False), PlantModel(3, DEFAULT_START + DAY, faults=False)
    for time in range(DEFAULT_START + DAY, DEFAULT_START + 2 * DAY, 11 * MINUTE):
        for equipment in early.machines:
            assert early.shown(equipment, "state", time) == late.shown(equipment, "state", time)


@settings(max_examples=40)
@given(st.lists(moments, min_size=3, max_size=3).map(sorted))
def test_changes_do_not_depend_on_how_often_one_asks(times: list[int]) -> None:
    """Two neighbouring stretches hold exactly the changes of the whole."""
    plant = PlantModel(1, step=300 * SECOND)
    start, middle, end = times
    parts = plant.changes(start, middle) + plant.changes(middle, end)
    assert sorted(parts) == sorted(plant.changes(start, end))


def test_what_is_shown_is_what_the_last_change_said(plant: PlantModel) -> None:
    """Following all changes for a day from the values at the start gives the values at the end of every hour."""
    state = {
        (equipment, point): plant.shown(equipment, point, plant.start)[3:]
        for equipment in plant.machines
        for point in POINTS
    }
    for time in range(plant.start, plant.start + DAY, HOUR):
        for change in plant.changes(time, time + HOUR):
            state[change.equipment, change.point] = change[3:]
        for (equipment, point), shown in state.items():
            assert plant.shown(equipment, point, time + HOUR)[3:] == shown


def test_every_change_changes_something(plant: PlantModel) -> None:
    """No value is told twice: a change differs from what was shown a moment before, except at the end of a silence."""
    silence = _fault_of(plant, "no answer", "cnc-03")
    for change in plant.changes(plant.start, plant.start + 16 * HOUR):
        if (change.equipment, change.time) != ("cnc-03", silence.end):
            assert plant.shown(change.equipment, change.point, change.time - 1)[3:] != change[3:]


def test_the_first_minutes_are_those_of_the_golden_file() -> None:
    """The values of seed 1 stay what they were: other tests and shown reports rest on them."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("time", "equipment", "point", "value", "status"))
    plant = PlantModel(1, microseconds("2026-09-01T08:00:00+08:00"))
    rows.writerows(plant.changes(plant.start + 10 * MINUTE, plant.start + 10 * MINUTE + 10 * SECOND))
    for time in (plant.start, plant.start + 5 * HOUR):
        for equipment in (*plant.meters, "compressor-01"):
            rows.writerows(
                (time, equipment, point, value, 0) for point, value in plant.reading(equipment, time).items()
            )
    assert len(text.getvalue()) > 1000
    assert text.getvalue() == GOLDEN.read_text(encoding="utf-8")


def test_truth_accounts_for_every_microsecond(plant: PlantModel) -> None:
    """The states of a machine fill the interval, whatever its edges."""
    start, end = plant.start + 12_345_678, plant.start + 3 * DAY + 1
    for machine in plant.truth(start, end).machines.values():
        assert sum(machine.time_us.values()) == end - start


def test_truth_counts_parts_as_an_undisturbed_counter_does(plant: PlantModel) -> None:
    """Parts of an interval are the difference of the counters of a clean plant, and good ones are fewer."""
    clean = PlantModel(1, faults=False)
    start, end = plant.start + HOUR, plant.start + 20 * HOUR
    for equipment in ("cnc-01", "cnc-03", "cnc-05"):
        truth = plant.truth(start, end).machines[equipment]
        counted = [clean.shown(equipment, "total_count", time).value for time in (start, end)]
        assert truth.total == counted[1] - counted[0] > 0
        assert 0.9 * truth.total < truth.good < truth.total


@pytest.mark.parametrize("equipment", ["meter-01", "meter-02", "meter-03", "meter-04"])
def test_energy_is_the_integral_of_power(plant: PlantModel, equipment: str) -> None:
    """Summing power every second over an hour gives the difference of the energy to a thousandth."""
    meter = plant.meters[equipment]
    start = plant.start + 9 * HOUR
    summed = sum(meter.power(time) for time in range(start + SECOND // 2, start + HOUR, SECOND)) / 3600
    assert meter.energy(start + HOUR) - meter.energy(start) == pytest.approx(summed, rel=1e-3)


def test_the_main_meter_shows_the_sum_and_the_hall(plant: PlantModel) -> None:
    """Main meter = both lines + compressor + 18 kW of a working hall."""
    time = plant.start + 10 * HOUR
    parts = sum(plant.meters[name].power(time) for name in ("meter-02", "meter-03", "meter-04"))
    assert plant.meters["meter-01"].power(time) == pytest.approx(parts + 18.0)


def test_currents_fit_power_voltage_and_power_factor(plant: PlantModel) -> None:
    """The three phases together carry the active power."""
    reading = plant.reading("meter-02", plant.start + 10 * HOUR)
    assert reading is not None
    carried = (
        sum(reading[f"voltage_l{phase}"] * reading[f"current_l{phase}"] for phase in (1, 2, 3))
        * reading["power_factor"]
        / 1000
    )
    assert carried == pytest.approx(reading["active_power"], rel=0.02)


def test_everything_rests_on_sunday() -> None:
    """Machines and compressor are off, and the main meter shows little more than the closed hall."""
    plant = PlantModel(1, microseconds("2026-09-06T12:00:00+08:00"), faults=False)
    assert not works(shift_at(plant.start))
    assert {plant.shown(equipment, "state", plant.start).value for equipment in plant.machines} == {
        RAW_STATES[MachineState.OFF]
    }
    assert plant.compressor.state(plant.start) is CompressorState.OFF
    assert 4.0 < plant.meters["meter-01"].power(plant.start) < 7.0


def test_a_time_before_the_first_shift_is_refused(plant: PlantModel) -> None:
    """The model says so instead of inventing a past."""
    with pytest.raises(UsageError, match="ask for a later time"):
        plant.shown("cnc-01", "state", plant.start - SHIFT)


def test_a_clean_plant_has_no_faults() -> None:
    """With the switch off, nothing is listed and the counter of cnc-05 only grows."""
    plant = PlantModel(1, faults=False)
    assert plant.planted_faults == ()
    counts = [plant.shown("cnc-05", "total_count", time).value for time in range(plant.start, plant.start + DAY, HOUR)]
    assert counts == sorted(counts)


def test_planted_faults_say_what_where_and_when(plant: PlantModel) -> None:
    """The list can go into JSON and holds the five kinds of places."""
    listed = [fault.as_dict() for fault in plant.planted_faults]
    assert [(fault["what"], fault["equipment"]) for fault in listed] == [
        ("idle at half load", "meter-03"),
        ("no answer", "cnc-03"),
        ("stuck sensor", "cnc-06"),
        ("counter reset", "cnc-05"),
        ("no answer", "compressor-01"),
    ]
    assert all(fault["start"] < fault["end"] and fault["says"] for fault in listed)


def test_a_silent_machine_has_no_values_and_counts_on(plant: PlantModel) -> None:
    """All seven points are bad from the first to the last moment; afterwards the counter has gone on."""
    fault = _fault_of(plant, "no answer", "cnc-03")
    for point in POINTS:
        shown = plant.shown("cnc-03", point, fault.start)
        assert (shown.value, shown.status) == (None, BAD_NO_COMMUNICATION)
    during = [change for change in plant.changes(fault.start - 1, fault.end) if change.equipment == "cnc-03"]
    assert {change.time for change in during} == {fault.start, fault.end}
    assert (
        plant.shown("cnc-03", "total_count", fault.end).value
        > plant.shown("cnc-03", "total_count", fault.start - 1).value
    )


def test_a_reset_counter_begins_at_zero(plant: PlantModel) -> None:
    """The total counter of cnc-05 falls to 0 at the planted moment and counts on; the good counter goes on."""
    fault = _fault_of(plant, "counter reset", "cnc-05")
    assert plant.shown("cnc-05", "total_count", fault.start - 1).value > 1000
    assert plant.shown("cnc-05", "total_count", fault.start).value == 0
    assert 0 < plant.shown("cnc-05", "total_count", fault.start + HOUR).value < 100
    assert plant.shown("cnc-05", "good_count", fault.start + HOUR).value > 1000


def test_a_stuck_sensor_stands_still(plant: PlantModel) -> None:
    """The motor temperature of cnc-06 has one value for six hours; its neighbour has many."""
    fault = _fault_of(plant, "stuck sensor", "cnc-06")
    times = range(fault.start, fault.end, 5 * MINUTE)
    assert len({plant.shown("cnc-06", "motor_temperature", time).value for time in times}) == 1
    assert len({plant.shown("cnc-06", "spindle_temperature", time).value for time in times}) > 10
    assert (
        plant.shown("cnc-06", "motor_temperature", fault.end + HOUR).value
        != plant.shown("cnc-06", "motor_temperature", fault.start).value
    )


def test_an_idle_line_draws_half_its_power(plant: PlantModel) -> None:
    """Through the planted night line B makes nothing and draws 19 kW of 38; a clean plant works there."""
    fault = _fault_of(plant, "idle at half load", "meter-03")
    truth = plant.truth(plant.start, fault.end)
    assert truth.machines["cnc-07"].total == truth.machines["cnc-08"].total == 0
    assert {plant.reading("meter-03", time)["active_power"] for time in range(plant.start, fault.end, HOUR)} == {19.0}
    assert PlantModel(1, faults=False).truth(plant.start, fault.end).machines["cnc-07"].total > 100


def test_a_silent_compressor_gives_no_reading(plant: PlantModel) -> None:
    """It has none for two hours, and one before and after."""
    fault = _fault_of(plant, "no answer", "compressor-01")
    assert fault.end - fault.start == 2 * HOUR
    readings = [
        plant.reading("compressor-01", time) for time in (fault.start - 1, fault.start, fault.end - 1, fault.end)
    ]
    assert [reading is None for reading in readings] == [False, True, True, False]


@given(moments)
def test_a_compressor_stays_within_its_pressure_band(time: int) -> None:
    """Working pressure lies between 6.5 and 7.5 bar, power is one of two, hours only grow."""
    compressor = PlantModel(1).compressor
    assert 6.55 < compressor.pressure(time) < 7.45
    assert compressor.power(time) in {13.5, 37.0}
    assert compressor.hours(time) <= compressor.hours(time + SECOND)


@pytest.mark.parametrize(("speed", "seconds"), [(0.5, 1), (1, 1), (60, 1), (600, 5), (3600, 30), (7200, 60)])
def test_the_analog_step_follows_the_speed(speed: float, seconds: int) -> None:
    """At most 120 analog values per point and real second, and never more than one per plant second."""
    assert analog_step(speed) == seconds * SECOND
