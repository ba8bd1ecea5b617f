"""The figures of a simulated plant against what its machines really did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from factory_kit.kpi.indicators import Frame, evaluate
from factory_kit.kpi.interval import days_between
from factory_kit.model.connector import MachineState
from factory_kit.model.evidence import Evidence
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar
from factory_kit.testing.machines import RAW_STATES
from factory_kit.testing.plantmodel import PlantModel, Truth

HOUR = 3_600_000_000
DAY = days_between(date(2026, 9, 1), date(2026, 9, 1), "Asia/Shanghai")
ROLES = ("state", "total_count", "good_count")


def read(tables: Any, model: PlantModel) -> Any:
    """What a collector gets of *model* from two hours before the day to an hour after it."""
    tables.run("r", 0, 1, "simulated")
    tables._insert("states", [("sim", "1", str(raw), str(state), "sim@1") for state, raw in RAW_STATES.items()])
    until = DAY.end + HOUR
    shown: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for name in model.machines:
        for role in ROLES:
            first = model.shown(name, role, model.start)
            shown[name, role] = [(model.start, first.value, 2 if first.status else 0)]
    for change in model.changes(model.start, until):
        if change.point in ROLES:
            shown[change.equipment, change.point].append((change.time, change.value, 2 if change.status else 0))
    for name, machine in model.machines.items():
        tables.machine(name, cycle=str(machine.spec.ideal_cycle_s))
        for role in ROLES:
            point = tables.point(name, role, connector="sim")
            tables.samples(point, "r", *shown[name, role], origin="simulated")
    return tables.con


def figures(con: Any, shipped: Mapping[str, Indicator], name: str) -> dict[str, Evidence]:
    """The records of one indicator by machine, planned round the clock."""
    made = evaluate([shipped[name]], con, Frame(DAY, Calendar(), DAY.end), lambda _: ())
    return {record.subject: record for record in made}


@pytest.fixture(scope="module", params=[1, 7])
def healthy(
    request: pytest.FixtureRequest, new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> tuple[Truth, dict[str, Evidence]]:
    """A plant in which nothing goes wrong on purpose."""
    model = PlantModel(request.param, DAY.start - 2 * HOUR, faults=False, step=HOUR)
    return model.truth(DAY.start, DAY.end), figures(read(new_tables(), model), shipped, "oee")


def test_a_healthy_plant_gives_the_truth(healthy: tuple[Truth, dict[str, Evidence]]) -> None:
    """Every machine: microseconds in each state, pieces and good pieces, nothing unknown."""
    truth, records = healthy
    for name, machine in truth.machines.items():
        found: Any = records[name].details["figures"]
        assert {state: Fraction(found[f"{state.value}_s"]) * 1_000_000 for state in RAW_STATES} == {
            state: machine.time_us.get(state, 0) for state in RAW_STATES
        }
        assert (found["total"], found["good"], found["unknown_s"]) == (str(machine.total), str(machine.good), "0")


def test_oee_of_a_healthy_plant_is_the_truth(healthy: tuple[Truth, dict[str, Evidence]]) -> None:
    """Good pieces times ideal cycle over the day, summed over the plant."""
    truth, records = healthy
    earned = {name: machine.good * Fraction(machine.ideal_cycle_s) for name, machine in truth.machines.items()}
    for name, seconds in earned.items():
        assert records[name].exact_value == seconds / 86_400
    assert records["plant"].exact_value == sum(earned.values()) / (8 * 86_400)


def test_with_faults_the_truth_lies_within_the_bounds(
    new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """A machine that does not answer and a counter that is set back: the bounds hold what really happened."""
    model = PlantModel(3, DAY.start - 2 * HOUR, faults=True, step=HOUR)
    con = read(new_tables(), model)
    truth = model.truth(DAY.start, DAY.end)
    availability, oee = figures(con, shipped, "availability"), figures(con, shipped, "oee")

    for name, machine in truth.machines.items():
        produced = Fraction(machine.time_us[MachineState.PRODUCING], DAY.end - DAY.start)
        earned = machine.good * Fraction(machine.ideal_cycle_s) / 86_400
        assert Fraction(str(availability[name].lower)) <= produced <= Fraction(str(availability[name].upper))
        assert Fraction(str(oee[name].lower)) <= earned <= Fraction(str(oee[name].upper))
    unknown: Any = availability["cnc-03"].details["figures"]
    assert unknown["unknown_s"] == "5400"
    counted: Any = oee["cnc-05"].details["figures"]
    assert counted["total"] == str(truth.machines["cnc-05"].total)
