"""The SQL of the indicators against the pure reference, on small plants of every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.kpi import iso22400
from factory_kit.kpi.reference import (
    Counting,
    EnergySplit,
    MachineRecord,
    Source,
    energy_split,
    fresh_time,
    known_time,
    machine_figures,
    machine_times,
)
from factory_kit.kpi.sources import Plant as StorePlant
from factory_kit.kpi.sums import ROLES, Made, Sums, plant_sums
from factory_kit.kpi.timemodel import Stretch, _joined, counted, known, timeline
from factory_kit.kpi.vectors import Parts
from factory_kit.model.connector import MachineState
from factory_kit.model.indicator import Indicator
from tests.kpi.random_plants import (
    CYCLE,
    DAY,
    HOUR,
    MAPPING,
    POINTS,
    RULES,
    SMALL,
    WINDOW,
    Plant,
    examples,
    on_special_plants,
    plants,
    rows_of,
)


def sums_of(con: Any, plant: Plant) -> Sums:
    """The same figures by the arithmetic of `kpi` over whole columns."""
    return plant_sums(
        StorePlant(con, RULES, ROLES), Parts.of((part.start, part.end) for part in plant.planned),
        Counting(0, jitter=2, slack=3, factor=4, modulus=0), Counting(3600, jitter=2000, slack=0, factor=1, modulus=0),
    )  # fmt: skip


HEARD = " SELECT point, moment, quality, run FROM heard ORDER BY ALL"
STRETCHES = (
    " SELECT point, greatest(moment, $start), least(until, $stop) FROM certainty "
    "WHERE known AND until > $start AND moment < $stop ORDER BY ALL"
)


def knowledge_of(shipped: Mapping[str, Indicator]) -> str:
    """The SQL that all indicators share, for all points."""
    return shipped["data-completeness"].sql.split("-- end knowledge")[0].rstrip().rstrip(",")


@examples
@given(plant=plants())
@on_special_plants()
def test_samples_that_count_and_known_stretches_are_the_references(
    plant: Plant, new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """For every point, each sample that counts with its moment and run, and each known stretch, are those of the rules."""
    con = plant.fill(new_tables())
    values = {"start": WINDOW.start, "stop": WINDOW.end, **SMALL}
    heard = con.execute(knowledge_of(shipped) + HEARD, values).fetchall()
    stretches = con.execute(knowledge_of(shipped) + STRETCHES, values).fetchall()

    for number, point in enumerate(plant.samples, 1):
        record = plant.record(point)
        samples = counted(record, RULES.lookback_from, WINDOW.end)
        assert [row[1:] for row in heard if row[0] == number] == [
            (sample.time, sample.quality, f"r{sample.run}") for sample in samples
        ]
        found = _joined([Stretch(start, end) for each, start, end in stretches if each == number])
        assert found == known(record, WINDOW, silence=RULES.silence, lookback_from=RULES.lookback_from)


@examples
@given(plant=plants())
@on_special_plants()
def test_availability_sql_equals_the_reference(
    plant: Plant, new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """Every time element, numerator, denominator and bound of availability is the reference's, to the microsecond."""
    con = plant.fill(new_tables())
    row = rows_of(shipped["availability"], con, plant.planned, **SMALL)["m1"]

    elements = machine_times(plant.record("state", str), MAPPING, plant.planned, RULES)
    found = {state: row[f"{state.value}_us"] for state in MachineState}
    assert found == elements.by_state
    assert row["planned_us"] == elements.pbt
    assert kpi_of(row) == iso22400.availability(elements)
    assert sums_of(con, plant).hours["m1"].elements.by_state == elements.by_state


@examples
@given(plant=plants())
@on_special_plants()
def test_oee_sql_equals_the_reference(
    plant: Plant, new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """Times, pieces in millionths, bounds and the verdict on impossible figures are the reference's."""
    con = plant.fill(new_tables())
    row = rows_of(shipped["oee"], con, plant.planned, **SMALL, slack=3, factor=4)["m1"]

    machine = MachineRecord(
        plant.record("state", str), plant.record("total_count"), plant.record("good_count"), MAPPING
    )
    counting = Counting(CYCLE, jitter=2, slack=3, factor=4, modulus=65536)
    figures = machine_figures(machine, counting, plant.planned, RULES)
    expected = iso22400.oee(figures.elements, figures.counts, CYCLE)
    assert {state: row[f"{state.value}_us"] for state in MachineState} == figures.elements.by_state
    assert (row["total_micro"], row["good_micro"]) == (figures.counts.total, figures.counts.good)
    assert (row["total_counted"], row["good_counted"], row["total_unplanned"]) == (
        figures.total_planned, figures.good_planned, figures.total_unplanned,
    )  # fmt: skip
    assert row["inconclusive"] == expected.fault
    assert kpi_of(row) == expected.oee
    assert sums_of(con, plant).made["m1"] == Made(
        figures.elements, {"total_count": figures.counts.total, "good_count": figures.counts.good},
        {"total_count": figures.total_planned, "good_count": figures.good_planned}, figures.total_unplanned, CYCLE,
    )  # fmt: skip


@examples
@given(plant=plants())
@on_special_plants()
def test_idle_energy_sql_equals_the_reference(
    plant: Plant, new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """Idle, busy and all energy are the reference's: by the machine's own state, by what the meter feeds, by planned time."""
    con = plant.fill(new_tables())
    rows = rows_of(shipped["idle-energy"], con, plant.planned, **SMALL, factor=1, jitter=2000)
    sums = sums_of(con, plant)

    machine = Source(plant.record("state", str), MAPPING)
    fed = [{"m1": machine, "m2": None}[name] for name in plant.feeds] or [None]
    for subject, point, sources in (("m1", "active_energy", [machine]), ("meter-1", "meter-1/active_energy", fed)):
        register = plant.record(point, lambda value: value * 1000)
        split = energy_split(register, sources, plant.planned, RULES, largest_kw=1, jitter=2000)
        row = rows[subject]
        names = ("idle", "busy", "all", "surely_idle", "surely_busy")
        found = EnergySplit(*(row[f"{name}_kwh_micro"] for name in names))
        assert found == split
        assert row["lower_numerator"] <= row["numerator"] <= row["upper_numerator"]
        meter = sums.energy[subject]
        assert EnergySplit(meter.idle, meter.busy, meter.total, meter.surely_idle, meter.surely_busy) == split
        assert meter.unseen == row["unseen_kwh_micro"]
    left_out = {("m1",): ["meter-1"], ("m1", "m2"): ["m1"]}.get(tuple(plant.feeds), [])
    assert rows["plant"]["left_out"] == left_out
    assert rows["plant"]["numerator"] == sum(
        row["numerator"] for name, row in rows.items() if name not in {"plant", *left_out}
    )


@examples
@given(plant=plants())
@on_special_plants()
def test_completeness_sql_equals_the_reference(
    plant: Plant, new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """The known time of all points together is the reference's."""
    rows = rows_of(shipped["data-completeness"], plant.fill(new_tables()), plant.planned, **SMALL)

    assert rows["m1"]["numerator"] == sum(known_time(plant.record(point), RULES) for point in POINTS)
    assert rows["meter-1"]["numerator"] == known_time(plant.record("meter-1/active_energy"), RULES)
    assert rows["plant"]["numerator"] == rows["m1"]["numerator"] + rows["meter-1"]["numerator"]


@examples
@given(plant=plants(), enough=st.integers(1, 100))
@on_special_plants(enough=50)
def test_real_time_sql_equals_the_reference(
    plant: Plant, enough: int, new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """A machine's parameter arrives in real time exactly where the reference's fresh part of its running time says so."""
    row = rows_of(
        shipped["key-parameters-in-real-time"],
        plant.fill(new_tables()),
        plant.planned,
        **SMALL,
        fresh=HOUR,
        enough=enough,
    )["plant"]

    segments = timeline(
        plant.record("state", str),
        MAPPING,
        WINDOW,
        plant.planned,
        silence=RULES.silence,
        lookback_from=RULES.lookback_from,
    )
    running = [Stretch(each.start, each.end) for each in segments if each.state is MachineState.PRODUCING]
    ran = sum(stretch.length for stretch in running)
    fresh = fresh_time(plant.record("temperature"), running, RULES, HOUR)
    assert row["denominator"] == (1 if ran else 0)
    assert row["numerator"] == (1 if ran and fresh * 100 >= ran * enough else 0)


@examples
@given(plant=plants(), enough=st.integers(1, 100))
@on_special_plants(enough=50)
def test_metering_and_computable_sql_equal_the_reference(
    plant: Plant, enough: int, new_tables: Callable[[], Any], shipped: dict[str, Indicator]
) -> None:
    """A meter is on line, and OEE computable, exactly where the reference knows enough of the time."""
    con = plant.fill(new_tables())
    metering = rows_of(shipped["energy-metering-share"], con, plant.planned, **SMALL, enough=enough)["plant"]
    computable = rows_of(shipped["oee-computable-share"], con, plant.planned, **SMALL, enough=enough)["plant"]

    meter = known_time(plant.record("meter-1/active_energy"), RULES)
    assert metering["numerator"] == (1 if meter * 100 >= DAY * enough else 0)
    machine = MachineRecord(
        plant.record("state", str), plant.record("total_count"), plant.record("good_count"), MAPPING
    )
    elements = machine_figures(machine, Counting(CYCLE, 2, 10, 10, 65536), plant.planned, RULES).elements
    assert computable["numerator"] == (1 if elements.pbt and elements.known * 100 >= elements.pbt * enough else 0)


def kpi_of(row: dict[str, Any]) -> iso22400.Kpi:
    """The figure of a row as exact fractions."""
    pairs = [
        ("numerator", "denominator"),
        ("lower_numerator", "lower_denominator"),
        ("upper_numerator", "upper_denominator"),
        ("covered", "coverable"),
    ]
    value, lower, upper, coverage = (Fraction(int(row[a]), int(row[b])) if row[b] else None for a, b in pairs)
    return iso22400.Kpi(value, lower, upper, coverage)


@pytest.mark.parametrize("name", ["life", "watched", "knowledge", "timeline", "counting"])
def test_shared_parts_of_the_sql_are_the_same_everywhere(name: str, shipped: dict[str, Indicator]) -> None:
    """Each SQL file stands alone, so what several of them share is word for word the same in all."""
    begin, end = f"-- begin {name}:", f"-- end {name}\n"
    parts = {indicator.sql.split(begin)[1].split(end)[0] for indicator in shipped.values() if begin in indicator.sql}
    assert len(parts) == 1
