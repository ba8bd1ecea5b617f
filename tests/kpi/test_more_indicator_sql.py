"""The SQL of failures, quality, energy per piece, advanced control and repair orders against plain reference computations, on small plants of every kind."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from typing import Any

from hypothesis import given

from factory_kit.kpi.counters import energy_limit, known_micro, piece_limit, rises
from factory_kit.kpi.ratios import failures
from factory_kit.kpi.reference import _readings, fresh_time, known_time, machine_times, unseen_time
from factory_kit.kpi.timemodel import Segment, Stretch, counted, known, time_elements, timeline
from factory_kit.model.connector import MachineState
from factory_kit.model.indicator import Indicator
from factory_kit.model.sample import Quality
from tests.kpi.random_plants import (
    CYCLE,
    DAY,
    HOUR,
    MAPPING,
    RULES,
    SMALL,
    WINDOW,
    Plant,
    fewer,
    on_special_plants,
    plants,
    rows_of,
)

MICRO = 1_000_000
Row = dict[str, Any]
New = Callable[[], Any]
Shelf = dict[str, Indicator]


def fraction(row: Row, name: str) -> tuple[int, int]:
    """Numerator and denominator of a bound, or of the value for an empty name."""
    return int(row[f"{name}numerator"]), int(row[f"{name}denominator"])


def segments_of(plant: Plant, *also: str) -> list[Segment]:
    """The timeline of m1, known where *also* its counters are."""
    reach = Stretch(RULES.lookback_from, WINDOW.end)
    common = {"silence": RULES.silence, "lookback_from": RULES.lookback_from}
    certain = [known(plant.record(point), reach, **common) for point in also]
    return timeline(plant.record("state", str), MAPPING, WINDOW, plant.planned, also_known=certain, **common)


@fewer
@given(plant=plants())
@on_special_plants()
def test_failures_and_working_order_equal_the_reference(plant: Plant, new_tables: New, shipped: Shelf) -> None:
    """Numbers of failures, times down and at work, and the bounds of the four figures made of them."""
    con = plant.fill(new_tables())
    one = replace_subjects(con)
    elements = machine_times(plant.record("state", str), MAPPING, plant.planned, RULES)
    count, fixed = failures(segments_of(plant)), elements.by_state[MachineState.MAINTENANCE]
    mtbf, mttr, intact = (
        rows_of(shipped[name], con, plant.planned, **SMALL)["plant"]
        for name in ("mtbf", "mttr", "equipment-intact-share")
    )
    lost = rows_of(shipped["failure-downtime-share"], con, plant.planned, **SMALL)[one]

    hours = count * 3600 * MICRO
    assert (fraction(mtbf, ""), fraction(mttr, "")) == ((elements.apt, hours), (elements.adet, hours))
    for row, spent in ((mtbf, elements.apt), (mttr, elements.adet)):
        assert fraction(row, "lower_") == (0 if elements.unknown else spent, hours)
        assert fraction(row, "upper_") == (spent + elements.unknown, hours)
    good = elements.known - elements.adet - fixed
    assert fraction(intact, "") == (good, elements.known)
    assert (fraction(intact, "lower_"), fraction(intact, "upper_")) == (
        (good, elements.pbt),
        (good + elements.unknown, elements.pbt),
    )
    used = elements.aupt + elements.adet
    assert fraction(lost, "") == (elements.adet, used)
    assert fraction(lost, "lower_") == (elements.adet, used + elements.unknown)
    assert fraction(lost, "upper_") == (elements.adet + elements.unknown, used + elements.unknown)


def replace_subjects(con: Any) -> str:
    """The plant's rows are those of m1 alone where nothing else tells a state; its id."""
    assert con.execute("SELECT count(*) FROM points WHERE role = 'state'").fetchall() == [(1,)]
    return "m1"


def sure_pieces(plant: Plant, point: str, segments: list[Segment]) -> int:
    """Millionths of a piece that a counter added in planned time while everything was known."""
    record, reach = plant.record(point), Stretch(RULES.lookback_from, WINDOW.end)
    seen = known(record, reach, silence=RULES.silence, lookback_from=RULES.lookback_from)
    found = rises(_readings(record, RULES), limit=piece_limit(CYCLE, 4, 3), modulus=65536)
    sure = [each for each in segments if each.planned and each.state is not MachineState.UNKNOWN]
    return sum(
        known_micro(rise, seen)
        for rise in found
        if rise.end >= WINDOW.start and any(each.start <= rise.end < each.end for each in sure)
    )


@fewer
@given(plant=plants())
@on_special_plants()
def test_rejects_and_first_pass_equal_the_reference(plant: Plant, new_tables: New, shipped: Shelf) -> None:
    """Pieces in millionths, what unknown time may hide, and the bounds; the temperature serves as a counter of rework."""
    con = plant.fill(new_tables())
    con.execute("UPDATE points_history SET role = 'rework_count' WHERE role = 'temperature'")
    reject = rows_of(shipped["reject-share"], con, plant.planned, **SMALL, slack=3, factor=4)["m1"]
    first = rows_of(shipped["first-pass-yield"], con, plant.planned, **SMALL, slack=3, factor=4)["plant"]

    for row, points in (
        (reject, ("total_count", "good_count")),
        (first, ("total_count", "good_count", "temperature")),
    ):
        segments = segments_of(plant, *points)
        total, good, *reworked = (sure_pieces(plant, point, segments) for point in points)
        hidden = ceil(Fraction(time_elements(segments).unknown * MICRO, CYCLE))
        sound = max(0, min(good, total) - sum(reworked))
        if row["inconclusive"] is None and row["not_applicable"] is None:
            assert (row["total_micro"], row["good_micro"], row["hidden_micro"]) == (total, good, hidden)
            counted = sound if reworked else total - sound
            assert fraction(row, "") == (counted, total)
            assert fraction(row, "lower_") == (counted, total + hidden)
            assert fraction(row, "upper_") == (counted + hidden, total + hidden)


def over_the_start(plant: Plant, point: str, scale: int, **rules: Any) -> tuple[int, int, int]:
    """Of a register what it added inside the interval, in a rise over the start, and the part of that in proportion to time."""
    inside = edge = part = 0
    for rise in rises(_readings(plant.record(point, rules.pop("kind", int)), RULES), **rules):
        if rise.end <= WINDOW.start or rise.end == rise.start:
            continue
        if rise.start >= WINDOW.start:
            inside += rise.amount
        else:
            edge += rise.amount
            part += rise.amount * scale * (rise.end - WINDOW.start) // (rise.end - rise.start)
    return inside, edge, part


@fewer
@given(plant=plants())
@on_special_plants()
def test_energy_per_good_piece_equals_the_reference(plant: Plant, new_tables: New, shipped: Shelf) -> None:
    """Energy and good pieces, at least, in proportion and at most, of the machine's own register."""
    con = plant.fill(new_tables())
    row = rows_of(
        shipped["energy-per-good-unit"], con, plant.planned, **SMALL, slack=3, factor=4, jitter_kwh=2000, largest_kw=1
    )["m1"]

    meter = plant.record("active_energy", lambda value: value * 1000)
    inside, edge, part = over_the_start(
        plant, "active_energy", 1, kind=lambda value: value * 1000, limit=energy_limit(1), jitter=2000
    )
    unseen = unseen_time(meter, RULES)
    more = ceil(Fraction((inside + edge) * unseen, DAY - unseen)) if unseen < DAY else 0
    assert (row["least_kwh_micro"], row["used_kwh_micro"], row["most_kwh_micro"]) == (
        inside,
        inside + part,
        inside + edge + more,
    )
    seen = known_time(plant.record("good_count"), RULES)
    inside, edge, part = over_the_start(plant, "good_count", MICRO, limit=piece_limit(CYCLE, 4, 3), modulus=65536)
    hidden = ceil(Fraction((DAY - seen) * MICRO, CYCLE))
    assert (row["least_good_micro"], row["good_pieces_micro"], row["most_good_micro"]) == (
        inside * MICRO, inside * MICRO + part, (inside + edge) * MICRO + hidden,
    )  # fmt: skip
    assert (row["covered"], row["coverable"]) == (seen + DAY - unseen, 2 * DAY)


@fewer
@given(plant=plants())
@on_special_plants()
def test_advanced_control_equals_the_reference(plant: Plant, new_tables: New, shipped: Shelf) -> None:
    """Time in and out of service while the machine produced, and what cannot be told; the temperature's parity serves as a loop."""
    con = plant.fill(new_tables())
    con.execute("UPDATE points_history SET role = 'advanced_control' WHERE role = 'temperature'")
    con.execute(
        "UPDATE samples SET value = value % 2 WHERE point = (SELECT point FROM points WHERE role = 'advanced_control')"
    )
    row = rows_of(shipped["advanced-control-in-service-share"], con, plant.planned, **SMALL)["plant"]

    common = {"silence": RULES.silence, "lookback_from": RULES.lookback_from}
    serving = {str(value): MachineState.PRODUCING if value % 2 else MachineState.IDLE for value in range(65_536)}
    loop = timeline(plant.record("temperature", str), serving, WINDOW, [], **common)
    spent = dict.fromkeys(MachineState, 0)
    unclear = 0
    for machine in timeline(plant.record("state", str), MAPPING, WINDOW, [], **common):
        unclear += machine.length if machine.state is MachineState.UNKNOWN else 0
        for each in loop if machine.state is MachineState.PRODUCING else ():
            spent[each.state] += max(0, min(each.end, machine.end) - max(each.start, machine.start))
    assert (row["in_service_us"], row["out_of_service_us"]) == (spent[MachineState.PRODUCING], spent[MachineState.IDLE])
    assert row["unclear_us"] == unclear + spent[MachineState.UNKNOWN]
    assert (row["covered"], row["coverable"]) == (DAY - row["unclear_us"], DAY)


@fewer
@given(plant=plants())
@on_special_plants()
def test_shares_of_known_and_fresh_points_equal_the_reference(plant: Plant, new_tables: New, shipped: Shelf) -> None:
    """Metered in time, metered alone, alarm readable, emission watched: each exactly where the reference knows enough."""
    con = plant.fill(new_tables())
    con.execute("UPDATE points_history SET role = 'alarm' WHERE role = 'temperature'")
    con.execute("UPDATE points_history SET role = 'emission' WHERE role = 'total_count'")
    names = (
        "energy-metering-in-time-share",
        "key-equipment-metered-share",
        "key-equipment-alarm-share",
        "environment-monitoring-share",
    )
    more = {"energy-metering-in-time-share": {"fresh": HOUR}}
    rows = {
        name: rows_of(shipped[name], con, plant.planned, **SMALL, enough=50, **more.get(name, {}))["plant"]
        for name in names
    }

    own, alarm, emission, apart = (
        known_time(plant.record(point), RULES)
        for point in ("active_energy", "temperature", "total_count", "meter-1/active_energy")
    )
    alone = max(own, apart if plant.feeds == ["m1"] else 0)
    fresh = fresh_time(plant.record("meter-1/active_energy"), [WINDOW], RULES, HOUR)
    expected = dict(zip(names, (fresh, alone, alarm, emission), strict=True))
    assert {name: row["numerator"] for name, row in rows.items()} == {
        name: int(spent * 2 >= DAY) for name, spent in expected.items()
    }


@fewer
@given(plant=plants())
@on_special_plants()
def test_failures_with_repair_orders_equal_the_reference(plant: Plant, new_tables: New, shipped: Shelf) -> None:
    """Each failure with an order within two hours of its beginning; near the edges of the interval it is left undecided."""
    con = plant.fill(new_tables())
    con.execute("UPDATE points_history SET role = 'repair_order' WHERE role = 'temperature'")
    row = rows_of(shipped["failure-repair-order-share"], con, plant.planned, **SMALL, within=2 * HOUR)["plant"]

    orders = [
        each.time
        for each in counted(plant.record("temperature"), RULES.lookback_from, WINDOW.end)
        if each.quality is not Quality.BAD
    ]
    told = [each for each in segments_of(plant) if each.planned and each.state is not MachineState.UNKNOWN]
    began = [
        each.start
        for before, each in zip([None, *told], told, strict=False)
        if each.state is MachineState.DOWN and (before is None or before.state is not MachineState.DOWN)
    ]
    matched = [start for start in began if any(start <= order <= start + 2 * HOUR for order in orders)]
    undecided = [
        start for start in began if start not in matched and (start == WINDOW.start or start + 2 * HOUR > WINDOW.end)
    ]
    assert (row["failures"], row["matched"], row["undecided"]) == (len(began), len(matched), len(undecided))
