"""All KPIs of a plant, against figures computed by hand; where too little is known a reason, never a number."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from factory_kit.kpi.catalogue import known_kpis
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.iso22400 import Kpi
from factory_kit.kpi.plant import plant_kpis
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar

BERLIN = days_between(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin")
NOTHING = Kpi(None, None, None, None)


class Views:
    """Tables filled by hand in place of a store; there are no sealed files."""

    def __init__(self, tables: Any) -> None:
        self.connect = lambda: nullcontext(tables.con)
        self.files: Any = lambda *_window: []


def kpis(tables: Any, shipped: Mapping[str, Indicator]) -> dict[tuple[str, str], tuple[Kpi, str]]:
    """By subject and name, of a day of 25 hours in Berlin, planned round the clock."""
    found = plant_kpis(shipped, Views(tables), BERLIN, Calendar(), {})
    return {(each.subject, each.id): (each.kpi, each.reason) for each in found}


@pytest.fixture
def machine(tables: Any) -> Any:
    """A machine with an ideal cycle of a minute and all counters, watched from the day before to the day after."""
    tables.machine("m1", cycle="60")
    for role in ("state", "total_count", "good_count", "scrap_count", "rework_count"):
        tables.point("m1", role)
    tables.point("m1", "active_energy", unit="kWh", type_="float64")
    tables.run("r", "2026-10-24T12:00+02:00", "2026-10-26T12:00+01:00")
    return tables


def fill(tables: Any) -> None:
    """20 h producing, 2 h down, 3 h idle; 1000 pieces of which 950 are good, 30 scrap, 20 reworked and good at last."""
    start, down, idle, later = (
        "2026-10-24T13:00+02:00",
        "2026-10-25T02:30+02:00",
        "2026-10-25T20:00+01:00",
        "2026-10-25T23:00+01:00",
    )
    tables.samples(1, "r", (start, 1), (down, 4), ("2026-10-25T03:30+01:00", 1), (idle, 3), (later, 1))
    for point, pieces in ((2, 1000), (3, 950), (4, 30), (5, 20)):
        tables.samples(point, "r", (start, 0), ("2026-10-25T00:00+02:00", 0), ("2026-10-25T12:00+01:00", pieces))
    quarters = [
        (BERLIN.start + quarter * 900_000_000, quarter * 2.5 + (2.5 if quarter > 40 else 0))
        for quarter in range(-1, 102)
    ]
    tables.samples(6, "r", *quarters)


def test_a_day_of_twenty_five_hours_computed_by_hand(machine: Any, shipped: dict[str, Indicator]) -> None:
    """The clock goes back while the machine is down: from 2:30 to 3:30 it is down for two hours, and the day has 25."""
    fill(machine)
    found = {name: kpi.value for (subject, name), (kpi, _) in kpis(machine, shipped).items() if subject == "m1"}

    assert found == {
        "availability": Fraction(20, 25),
        "utilisation-efficiency": Fraction(20, 22),
        "allocation-efficiency": Fraction(22, 25),
        "technical-efficiency": Fraction(20, 22),
        "setup-ratio": Fraction(0),
        "mtbf": Fraction(20),
        "mttr": Fraction(2),
        "effectiveness": Fraction(1000, 1200),
        "quality-ratio": Fraction(95, 100),
        "oee": Fraction(950, 1500),
        "nee": Fraction(950, 1500),
        "teep": Fraction(950, 1500),
        "throughput-rate": Fraction(1000, 22),
        "scrap-ratio": Fraction(3, 100),
        "rework-ratio": Fraction(2, 100),
        "first-pass-yield": Fraction(93, 100),
        # 50 of the 250 kWh whose time is clear; the quarter that the reading of midnight ends lies outside the day
        "standby-share": Fraction(1, 5),
        "energy-per-good-unit": Fraction(2525, 9500),
        "peak-demand": Fraction(20),
        "load-factor": Fraction(101, 200),
    }
    assert found.keys() == known_kpis().keys()


def test_what_is_wholly_known_has_bounds_without_width(machine: Any, shipped: dict[str, Indicator]) -> None:
    """No unknown time: value, lower and upper bound are one; only of the energy a quarter before the day is unclear."""
    fill(machine)
    found = kpis(machine, shipped)
    for subject in ("plant", "m1"):
        kpi, _ = found.pop((subject, "standby-share"))
        assert kpi == Kpi(Fraction(1, 5), Fraction(20, 101), Fraction(21, 101), Fraction(100, 101))
    kpi, _ = found.pop(("m1", "energy-per-good-unit"))
    assert (kpi.lower, kpi.upper, kpi.coverage) == (kpi.value, kpi.value, Fraction(100, 101))
    for (subject, name), (kpi, _) in found.items():
        assert (subject, name, kpi) == (subject, name, Kpi(kpi.value, kpi.value, kpi.value, Fraction(1)))


def test_without_counters_of_scrap_and_rework_there_is_no_first_pass_yield(
    tables: Any, shipped: dict[str, Indicator]
) -> None:
    """What is not good is scrap then, and rework has a reason in place of a number."""
    tables.machine("m1", cycle="60")
    for role in ("state", "total_count", "good_count"):
        tables.point("m1", role)
    tables.run("r", "2026-10-24T12:00+02:00", "2026-10-26T12:00+01:00")
    tables.samples(1, "r", ("2026-10-24T13:00+02:00", 1))
    for point, pieces in ((2, 100), (3, 90)):
        tables.samples(
            point, "r", ("2026-10-24T13:00+02:00", 0), ("2026-10-25T00:00+02:00", 0), ("2026-10-25T12:00+01:00", pieces)
        )
    found = kpis(tables, shipped)

    assert found["m1", "scrap-ratio"][0].value == Fraction(1, 10)
    assert found["m1", "first-pass-yield"] == (NOTHING, "no point counts reworked pieces")
    assert found["plant", "rework-ratio"] == (NOTHING, "no point counts reworked pieces")


def test_nothing_said_is_a_reason_in_every_line(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Without a sample, with all samples bad, or with two points for the state no KPI has a value."""
    silent = kpis(machine, shipped)
    assert all(kpi.value is None and reason for kpi, reason in silent.values())
    machine.samples(1, "r", *((f"2026-10-25T{hour:02}:00+01:00", 1, 2) for hour in range(24)))
    bad = kpis(machine, shipped)
    assert all(kpi.value is None and reason for kpi, reason in bad.values())
    assert bad["m1", "availability"] == (
        Kpi(None, Fraction(0), Fraction(1), Fraction(0)),
        "less of the interval is known than the indicator needs",
    )


def test_one_sample_at_noon_is_no_availability(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Half of the day is known: the bounds say what is left, the value is left out."""
    machine.samples(1, "r", ("2026-10-25T11:30+01:00", 1))
    kpi, reason = kpis(machine, shipped)["m1", "availability"]
    assert (kpi, reason) == (
        Kpi(None, Fraction(1, 2), Fraction(1), Fraction(1, 2)), "less of the interval is known than the indicator needs",
    )  # fmt: skip


def test_two_points_that_tell_the_state_give_no_figure(machine: Any, shipped: dict[str, Indicator]) -> None:
    """Which of them is right nobody can tell."""
    fill(machine)
    machine.point("m1", "state", name="state-2")
    found = kpis(machine, shipped)
    assert found["m1", "availability"] == found["m1", "oee"] == (NOTHING, "several points tell the state")
    assert found["m1", "standby-share"] == (NOTHING, "several points tell the state")
