"""Plants that give too little: a reason, never a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def only(shipped: Mapping[str, Indicator], *names: str) -> dict[str, Indicator]:
    """Those of the indicators that a test asks about."""
    return {name: shipped[name] for name in names}


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


def everything(tables: Any) -> dict[str, int]:
    """A plant with a point for every indicator; the ids of the points by role."""
    tables.machine("m1", cycle="60", control="cnc", product="flange")
    tables.machine("meter-1", kind="meter", feeds=["m1"])
    tables.machine("stack", kind="emission-sensor", key=False)
    tables.operation("turning", "m1", key=True)
    tables.run("r", "2026-08-31T20:00", "2026-09-02T04:00")
    roles = (
        "state", "total_count", "good_count", "rework_count", "spindle_load", "alarm", "advanced_control", "repair_order",
    )  # fmt: skip
    found = {role: tables.point("m1", role) for role in roles}
    found["active_energy"] = tables.point("meter-1", "active_energy", unit="kWh")
    return found | {"emission": tables.point("stack", "emission")}


OF_TIME = {
    "availability", "oee", "idle-energy", "equipment-intact-share", "failure-downtime-share", "mtbf", "mttr", "first-pass-yield",
    "reject-share", "energy-per-good-unit", "advanced-control-in-service-share", "failure-repair-order-share",
}  # fmt: skip
"""Indicators whose figures are no counts of the ledger: where nothing is known they have no value."""


@pytest.mark.parametrize("what", ["nothing", "one late sample", "bad samples only", "one reading at noon"])
def test_no_indicator_makes_a_number_of_nothing(what: str, tables: Any, shipped: dict[str, Indicator]) -> None:
    """Each is inconclusive or not applicable with a reason; shares of the ledger may say zero, but never more than was heard."""
    for point in everything(tables).values():
        match what:
            case "one late sample":
                tables.samples(point, "r", ("2026-09-01T23:59", 1.0))
            case "bad samples only":
                tables.samples(point, "r", *((f"2026-09-01T{hour:02}:00", 1.0, 2) for hour in range(24)))
            case "one reading at noon":
                tables.samples(point, "r", ("2026-09-01T12:00", 1.0))
    found = records(tables, shipped)

    assert {name for name, _ in found} == shipped.keys()
    assert len(OF_TIME - {name for name, _ in found}) == 0
    for (name, subject), record in found.items():
        assert (record.value is None) == (record.reason is not None), (name, subject)
        if name in OF_TIME:
            assert record.value is None, (name, subject)
        elif what in {"nothing", "bad samples only"}:
            assert record.numerator in {None, "0"}, (name, subject)


def test_time_running_backward_is_read_in_its_order(
    new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """The same samples, delivered from the last to the first, give the same records, byte for byte."""
    made = []
    for turn in (1, -1):
        tables = new_tables()
        for number, point in enumerate(everything(tables).values()):
            rows = [
                (DAY.start + minute * 600_000_000, float((minute * (number + 1)) // 7 % 9)) for minute in range(-6, 144)
            ]
            tables.samples(point, "r", *rows[::turn])
        made.append([record.canonical() for record in records(tables, shipped).values()])
    assert made[0] == made[1]


def test_shifts_that_overlap_are_refused_in_one_line(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Planned time would count twice, in whatever indicator."""
    shifts = tuple(Shift(name=Text(zh="班", en=f"s{start}"), start=time(start), end=time(16)) for start in (8, 12))
    with pytest.raises(UsageError, match=r"'s8' and 's12' overlap on mon") as caught:
        records(machine, only(shipped, "mtbf"), Calendar(shifts=shifts))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("role", "names"),
    [
        (
            "state",
            {
                "failure-downtime-share",
                "equipment-intact-share",
                "mtbf",
                "mttr",
                "reject-share",
                "advanced-control-in-service-share",
            },
        ),
        ("good_count", {"reject-share", "first-pass-yield", "energy-per-good-unit"}),
        ("rework_count", {"first-pass-yield"}),
    ],
)
def test_two_points_that_say_the_same_are_not_chosen_between(
    role: str, names: set[str], tables: Any, shipped: dict[str, Indicator]
) -> None:
    """Which of them is right nobody knows: no value of the machine, and none of the plant made of it."""
    for point in everything(tables).values():
        tables.samples(point, "r", ("2026-08-31T23:00", 1.0), ("2026-09-01T06:00", 2.0))
    tables.samples(tables.point("m1", role, name="second"), "r", ("2026-08-31T23:00", 1.0))
    found = records(tables, only(shipped, *names))
    assert [key for key, record in found.items() if key[0] in names and record.value is not None] == []


def test_an_empty_ledger_has_no_figures(tables: Any, shipped: dict[str, Indicator]) -> None:
    """Nothing is divided by zero machines."""
    found = records(tables, shipped)
    assert {record.outcome for record in found.values()} == {"not applicable"}
    assert {subject for _, subject in found} == {"plant"}


def test_one_sample_at_noon_is_too_little(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Half a day is known: below the least coverage that is no value, and the bounds say how much."""
    machine.samples(1, "r", ("2026-09-01T12:00", 1, 0, "2026-09-01T12:00"))
    record = records(machine, only(shipped, "availability"))["availability", "m1"]
    assert (record.outcome, record.reason, record.lower, record.upper) == ("inconclusive", TOO_LITTLE, "0.5", "1")


def test_bad_samples_only_are_unknown_time(machine: Any, shipped: dict[str, Indicator]) -> None:
    """A machine that says bad all day is neither running nor stopped."""
    machine.samples(1, "r", *((f"2026-09-01T{hour:02}:00", 1, 2) for hour in range(24)))
    record = records(machine, only(shipped, "availability"))["availability", "m1"]
    assert (record.outcome, record.coverage, record.lower, record.upper) == ("inconclusive", "0", "0", "1")


def test_a_day_without_planned_time_has_nothing_to_measure(machine: Any, shipped: dict[str, Indicator]) -> None:
    """On a holiday availability is no zero."""
    machine.samples(1, "r", ("2026-09-01T00:00", 1))
    holiday = Calendar(
        shifts=(Shift(name=Text(zh="班", en="s"), start=time(8), end=time(16)),), holidays=(date(2026, 9, 1),)
    )
    record = records(machine, only(shipped, "availability"), holiday)["availability", "m1"]
    assert (record.outcome, record.reason) == ("inconclusive", "the interval holds nothing to measure")


def test_two_points_that_tell_the_state_are_not_chosen_between(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Guessing which one is right would be silent."""
    machine.point("m1", "state", name="state-2")
    found = records(machine, only(shipped, "availability", "oee"))
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
    assert records(machine, only(shipped, "idle-energy"))["idle-energy", "meter-2"].outcome == outcome


def test_a_wrong_ideal_cycle_is_told_and_kept_out_of_the_plant(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Two pieces a minute with an ideal cycle of a minute: effectiveness 2, so no OEE of that machine."""
    machine.samples(1, "r", ("2026-08-31T23:00", 1))
    for point in (2, 3):
        machine.samples(
            point, "r", *(((DAY.start - 60_000_000 + number * 30_000_000), float(number)) for number in range(2884))
        )
    found = records(machine, only(shipped, "oee"))
    figures: Any = found["oee", "m1"].details["figures"]
    assert found["oee", "m1"].reason == "effectiveness is above 1, so the ideal cycle is wrong"
    assert figures["total"] == "2880"
    plant: Any = found["oee", "plant"].details["figures"]
    assert (found["oee", "plant"].outcome, plant["left_out"]) == ("not applicable", ["m1"])


def test_no_equipment_may_be_called_plant(tables: Any, shipped: dict[str, Indicator]) -> None:
    """Its records could not be told from those of the whole plant."""
    tables.machine("plant")
    with pytest.raises(UsageError, match="'plant' is the word for the whole plant"):
        records(tables, only(shipped, "availability"))
