"""Plants that give too little: a reason, never a number."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Any

import pytest

from factory_kit.errors import UsageError
from factory_kit.kpi.indicators import Frame, evaluate
from factory_kit.kpi.interval import days_between
from factory_kit.model.definition import Text
from factory_kit.model.evidence import Evidence
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar, Shift

DAY = days_between(date(2026, 9, 1), date(2026, 9, 1), "UTC")
TOO_LITTLE = "less of the interval is known than the indicator needs"


def records(
    tables: Any, shipped: Mapping[str, Indicator], calendar: Calendar | None = None
) -> dict[tuple[str, str], Evidence]:
    """All records of the day, by indicator and subject."""
    made = evaluate(shipped.values(), tables.con, Frame(DAY, calendar or Calendar(), DAY.end), lambda _: ())
    return {(record.indicator.id, record.subject): record for record in made}


@pytest.fixture
def machine(tables: Any) -> Any:
    """A machine with all points, read for the whole day, and a meter."""
    tables.machine("m1", cycle="60")
    tables.machine("meter-1", kind="meter")
    for role in ("state", "total_count", "good_count", "spindle_load"):
        tables.point("m1", role)
    tables.point("meter-1", "active_energy", unit="kWh")
    tables.run("r", "2026-08-31T20:00", "2026-09-02T04:00")
    return tables


def test_a_plant_without_samples_has_no_figures(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Every record is inconclusive or not applicable, with a reason; the run alone is no data."""
    found = records(machine, shipped)
    assert {record.outcome for record in found.values()} <= {"inconclusive", "not applicable"}
    assert all(record.reason and record.value is None for record in found.values())
    assert found["availability", "m1"].reason == TOO_LITTLE


def test_an_empty_ledger_has_no_figures(tables: Any, shipped: dict[str, Indicator]) -> None:
    """Nothing is divided by zero machines."""
    found = records(tables, shipped)
    assert {record.outcome for record in found.values()} == {"not applicable"}
    assert {subject for _, subject in found} == {"plant"}


def test_one_sample_at_noon_is_too_little(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Half a day is known: below the least coverage that is no value, and the bounds say how much."""
    machine.samples(1, "r", ("2026-09-01T12:00", 1, 0, "2026-09-01T12:00"))
    record = records(machine, shipped)["availability", "m1"]
    assert (record.outcome, record.reason, record.lower, record.upper) == ("inconclusive", TOO_LITTLE, "0.5", "1")


def test_bad_samples_only_are_unknown_time(machine: Any, shipped: dict[str, Indicator]) -> None:
    """A machine that says bad all day is neither running nor stopped."""
    machine.samples(1, "r", *((f"2026-09-01T{hour:02}:00", 1, 2) for hour in range(24)))
    record = records(machine, shipped)["availability", "m1"]
    assert (record.outcome, record.coverage, record.lower, record.upper) == ("inconclusive", "0", "0", "1")


def test_a_day_without_planned_time_has_nothing_to_measure(machine: Any, shipped: dict[str, Indicator]) -> None:
    """On a holiday availability is no zero."""
    machine.samples(1, "r", ("2026-09-01T00:00", 1))
    holiday = Calendar(
        shifts=(Shift(name=Text(zh="班", en="s"), start=time(8), end=time(16)),), holidays=(date(2026, 9, 1),)
    )
    record = records(machine, shipped, holiday)["availability", "m1"]
    assert (record.outcome, record.reason) == ("inconclusive", "the interval holds nothing to measure")


def test_two_points_that_tell_the_state_are_not_chosen_between(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Guessing which one is right would be silent."""
    machine.point("m1", "state", name="state-2")
    found = records(machine, shipped)
    assert found["availability", "m1"].reason == found["oee", "m1"].reason == "several points tell the state"


@pytest.mark.parametrize(
    ("value", "unit", "outcome"),
    [(float("nan"), "kWh", "inconclusive"), (1e300, "kWh", "inconclusive"), (5.0, "GJ", "inconclusive")],
)
def test_values_and_units_that_are_no_energy_count_nothing(
    value: float, unit: str, outcome: str, machine: Any, shipped: dict[str, Indicator]
) -> None:
    """NaN, a number no register holds, a unit we do not know."""
    machine.machine("meter-2", kind="meter")
    point = machine.point("meter-2", "active_energy", unit=unit)
    machine.samples(point, "r", *((f"2026-09-01T{hour:02}:00", value) for hour in range(24)))
    assert records(machine, shipped)["idle-energy", "meter-2"].outcome == outcome


def test_a_wrong_ideal_cycle_is_told_and_kept_out_of_the_plant(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Two pieces a minute with an ideal cycle of a minute: effectiveness 2, so no OEE of that machine."""
    machine.samples(1, "r", ("2026-08-31T23:00", 1))
    for point in (2, 3):
        machine.samples(
            point, "r", *(((DAY.start - 60_000_000 + number * 30_000_000), float(number)) for number in range(2884))
        )
    found = records(machine, shipped)
    figures: Any = found["oee", "m1"].details["figures"]
    assert found["oee", "m1"].reason == "effectiveness is above 1, so the ideal cycle is wrong"
    assert figures["total"] == "2880"
    plant: Any = found["oee", "plant"].details["figures"]
    assert (found["oee", "plant"].outcome, plant["left_out"]) == ("not applicable", ["m1"])


def test_no_equipment_may_be_called_plant(tables: Any, shipped: dict[str, Indicator]) -> None:
    """Its records could not be told from those of the whole plant."""
    tables.machine("plant")
    with pytest.raises(UsageError, match="'plant' is the word for the whole plant"):
        records(tables, shipped)
