"""A second plant computed by hand: two days in Berlin, over the night in which the clock goes back, for failures, quality, energy per piece and shares.

Shifts 06:00 to 14:00 and 22:00 to 06:00. 24 October: 00-06, 06-14, 22-24 = 16 h; 25 October: 00-06 has seven hours, 06-14, 22-24 = 17 h.
33 h are planned, the two days have 49 h (T).

saw-1   Known throughout. Down 24 Oct 01:00-02:00 (1 h), 08:00-08:30 (0.5 h), 13:30-22:30 (0.5 h + 0.5 h planned: one failure), 25 Oct
        02:00+02:00 to 02:30+01:00 (1.5 h): 4 failures, 3.5 + 0.5 = 4 h. Maintenance 1 h, set-up 0.5 h, so producing 33 - 5.5 = 27.5 h.
        Pieces 400 + 400 + 30 (after a reset) + 200 = 1030; good 390 + 390 + 29 + 197 = 1006; reworked 10 + 6 + 1 + 3 = 20. Cycle 60 s.
drill-2 Down 24 Oct 10:00-11:00 (1 h); 25 Oct 10:00-10:15, unknown to 10:45, down to 11:00 (0.5 h, one failure): 2 failures, 1.5 h,
        0.5 h unknown, producing 31 h. Pieces 300 + 400 + 50 of the 60 over the gap (3 h, half an hour unseen) = 750, good
        297 + 396 + 50 = 743. Cycle 120 s: unknown time hides at most 15 pieces. It finishes the product "bracket".
bench-3 Work by hand, in the ledger only.

Plant: producing 58.5 h, down 5.5 h, set-up 0.5 h, maintenance 1 h, unknown 0.5 h, planned 66 h, 6 failures.

meter-s feeds saw-1: 70 kWh over the start (7 h, six of them inside: 60 kWh), then 480 kWh.
        Good pieces of saw-1 inside: 390 over the start (13 h, twelve inside: 360), then 390 + 29 + 197 = 616.
meter-d feeds drill-2: 240 kWh inside. Good pieces inside: 297 + 396 + 60 = 753, and at most 15 more.
main    feeds both, read every ten minutes, 2 kWh each: 293 x 2 = 586 kWh. The plant leaves it out, for the finer two measure all of it.
stack   a place of emission that is read; outlet is one that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, time
from fractions import Fraction
from typing import Any

import pytest

from factory_kit.kpi.indicators import Frame, evaluate
from factory_kit.kpi.interval import days_between
from factory_kit.model.definition import Text
from factory_kit.model.evidence import Evidence, decimal_text
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar, Shift

NAME = Text(zh="班", en="shift")
CALENDAR = Calendar(
    shifts=(Shift(name=NAME, start=time(6), end=time(14)), Shift(name=NAME, start=time(22), end=time(6))),
)
DAYS = days_between(date(2026, 10, 24), date(2026, 10, 25), "Europe/Berlin")
HOUR = Fraction(3600)


def at(text: str) -> str:
    """``24 08:00`` is summer time in Berlin, ``25 ...`` winter time from 03:00 on; ``25 02:00`` is the first of the two."""
    day, clock = text.split()
    winter = (int(day), clock) >= (25, "02:30")
    return f"2026-10-{day}T{clock}:00+0{1 if winter else 2}:00"


def fill(tables: Any) -> Any:
    """The plant described above."""
    tables.machine("saw-1", cycle="60", control="cnc")
    tables.machine("drill-2", cycle="120", control="plc", product="bracket")
    tables.machine("bench-3", key=False, connected=False, control="manual")
    for name, feeds in (("meter-s", ["saw-1"]), ("meter-d", ["drill-2"]), ("main", ["saw-1", "drill-2"])):
        tables.machine(name, kind="meter", key=False, feeds=feeds)
    for name in ("stack", "outlet"):
        tables.machine(name, kind="emission-sensor", key=False)
    tables.operation("sawing", "saw-1", key=True)
    tables.operation("drilling", "drill-2", key=True)
    tables.operation("deburring", "bench-3")
    tables.run("r", at("23 20:00"), at("26 12:00"))
    fill_saw(tables)
    fill_drill(tables)
    fill_meters(tables)
    return tables.con


def fill_saw(tables: Any) -> None:
    """saw-1."""
    state, total, good, rework, alarm = (
        tables.point("saw-1", role) for role in ("state", "total_count", "good_count", "rework_count", "alarm")
    )
    states = [
        ("23 21:00", 1), ("24 01:00", 4), ("24 02:00", 1), ("24 08:00", 4), ("24 08:30", 1), ("24 13:30", 4), ("24 22:30", 1),
        ("25 02:00", 4), ("25 02:30", 1), ("25 07:00", 5), ("25 08:00", 1), ("25 12:00", 2), ("25 12:30", 1),
    ]  # fmt: skip
    tables.samples(state, "r", *((at(when), raw) for when, raw in states))
    counts = [
        ("23 23:00", 100, 100, 0), ("24 12:00", 500, 490, 10), ("25 05:00", 900, 880, 16), ("25 09:00", 30, 29, 1), ("25 13:00", 230, 226, 4),
    ]  # fmt: skip
    for point, place in ((total, 1), (good, 2), (rework, 3)):
        tables.samples(point, "r", *((at(row[0]), row[place]) for row in counts))
    tables.samples(alarm, "r", (at("23 23:00"), 0))


def fill_drill(tables: Any) -> None:
    """drill-2."""
    state, total, good, loop, orders = (
        tables.point("drill-2", role)
        for role in ("state", "total_count", "good_count", "advanced_control", "repair_order")
    )
    states = [
        ("23 21:00", 1), ("24 10:00", 4), ("24 11:00", 1), ("25 10:00", 4), ("25 11:00", 1),
    ]  # fmt: skip
    tables.samples(state, "r", *((at(when), raw) for when, raw in states))
    counts = [
        ("23 23:00", 0, 0),
        ("24 00:00", 0, 0),
        ("24 12:00", 300, 297),
        ("25 10:00", 700, 693),
        ("25 13:00", 760, 753),
    ]
    for point, place in ((total, 1), (good, 2)):
        tables.samples(point, "r", *((at(row[0]), row[place]) for row in counts))
    for point in (state, total, good):
        tables.gap(point, "r", at("25 10:15"), at("25 10:45"))
    tables.samples(loop, "r", (at("23 23:00"), 1), (at("24 12:00"), 0), (at("25 00:00"), 1))
    tables.samples(orders, "r", (at("24 10:20"), "WO-1"))


def fill_meters(tables: Any) -> None:
    """The three meters and the two places of emission."""
    meters = {name: tables.point(name, "active_energy", unit="kWh") for name in ("meter-s", "meter-d", "main")}
    tables.samples(meters["meter-s"], "r", (at("23 23:00"), 0), (at("24 06:00"), 70), (at("25 23:00"), 550))
    tables.samples(meters["meter-d"], "r", (at("23 23:00"), 1000), (at("24 00:00"), 1010), (at("25 23:00"), 1250))
    tables.samples(meters["main"], "r", *((DAYS.start + step * 600_000_000, 5000 + 2 * step) for step in range(294)))
    tables.samples(tables.point("stack", "emission"), "r", (at("23 23:00"), 0.4))
    tables.point("outlet", "emission")


@pytest.fixture(scope="module")
def golden(new_tables: Callable[[], Any], shipped: Mapping[str, Indicator]) -> dict[tuple[str, str], Evidence]:
    """The records of the workshop."""
    made = evaluate(shipped.values(), fill(new_tables()), Frame(DAYS, CALENDAR, DAYS.end), lambda _: ())
    return {(record.indicator.id, record.subject): record for record in made}


Case = tuple[str, str, Fraction | None, Fraction, Fraction, Fraction]
EXACT: list[Case] = [
    # indicator, subject, value, lower, upper, coverage
    ("availability", "saw-1", Fraction(55, 66), Fraction(55, 66), Fraction(55, 66), Fraction(1)),
    ("availability", "plant", Fraction(585, 655), Fraction(585, 660), Fraction(590, 660), Fraction(655, 660)),
    ("equipment-intact-share", "plant", Fraction(590, 655), Fraction(590, 660), Fraction(595, 660), Fraction(655, 660)),
    ("failure-downtime-share", "saw-1", Fraction(4, 32), Fraction(4, 32), Fraction(4, 32), Fraction(1)),
    ("failure-downtime-share", "drill-2", Fraction(15, 325), Fraction(15, 330), Fraction(20, 330), Fraction(325, 330)),
    ("failure-downtime-share", "plant", Fraction(55, 645), Fraction(55, 650), Fraction(60, 650), Fraction(655, 660)),
    ("mtbf", "plant", Fraction(585, 60), Fraction(0), Fraction(590, 60), Fraction(655, 660)),
    ("mttr", "plant", Fraction(55, 60), Fraction(0), Fraction(60, 60), Fraction(655, 660)),
    ("first-pass-yield", "plant", Fraction(986, 1030), Fraction(986, 1030), Fraction(986, 1030), Fraction(1)),
    ("reject-share", "saw-1", Fraction(24, 1030), Fraction(24, 1030), Fraction(24, 1030), Fraction(1)),
    ("reject-share", "drill-2", Fraction(7, 750), Fraction(7, 765), Fraction(22, 765), Fraction(325, 330)),
    ("reject-share", "plant", Fraction(31, 1780), Fraction(31, 1795), Fraction(46, 1795), Fraction(655, 660)),
    ("energy-per-good-unit", "meter-s", Fraction(540, 976), Fraction(480, 1006), Fraction(550, 616), Fraction(1)),
    ("energy-per-good-unit", "meter-d", Fraction(240, 753), Fraction(240, 768), Fraction(240, 753), Fraction(975, 980)),
    ("energy-per-good-unit", "main", Fraction(586, 753), Fraction(586, 768), Fraction(586, 753), Fraction(975, 980)),
    ("energy-per-good-unit", "plant", Fraction(780, 753), Fraction(720, 768), Fraction(790, 753), Fraction(1465, 1470)),
    ("advanced-control-in-service-share", "plant", Fraction(350, 470), Fraction(350, 475), Fraction(355, 475), Fraction(485, 490)),
    ("failure-repair-order-share", "plant", Fraction(1, 2), Fraction(0), Fraction(1), Fraction(325, 330)),
    ("equipment-digital-share", "plant", Fraction(2, 3), Fraction(2, 3), Fraction(2, 3), Fraction(1)),
    ("equipment-connected-share", "plant", Fraction(2, 3), Fraction(2, 3), Fraction(2, 3), Fraction(1)),
    ("key-equipment-connected-share", "plant", Fraction(1), Fraction(1), Fraction(1), Fraction(1)),
    ("key-equipment-numerical-control-share", "plant", Fraction(1), Fraction(1), Fraction(1), Fraction(1)),
    ("operation-collection-share", "plant", Fraction(2, 3), Fraction(2, 3), Fraction(2, 3), Fraction(1)),
    ("key-operation-numerical-control-share", "plant", Fraction(1), Fraction(1), Fraction(1), Fraction(1)),
    ("consumption-per-product-share", "plant", Fraction(1), Fraction(1), Fraction(1), Fraction(1)),
    ("key-equipment-metered-share", "plant", Fraction(1), Fraction(1), Fraction(1), Fraction(1)),
    ("energy-metering-share", "plant", Fraction(1), Fraction(1), Fraction(1), Fraction(1)),
    ("energy-metering-in-time-share", "plant", Fraction(1, 3), Fraction(1, 3), Fraction(1, 3), Fraction(1)),
    ("key-equipment-alarm-share", "plant", Fraction(1, 2), Fraction(1, 2), Fraction(1, 2), Fraction(1)),
    ("environment-monitoring-share", "plant", Fraction(1, 2), Fraction(1, 2), Fraction(1, 2), Fraction(1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "subject", "value", "lower", "upper", "coverage"), EXACT)
def test_the_figures_of_the_workshop_are_those_of_the_hand(
    name: str, subject: str, value: Fraction, lower: Fraction, upper: Fraction, coverage: Fraction,
    golden: dict[tuple[str, str], Evidence],
) -> None:  # fmt: skip
    """Value without rounding, both bounds, and the coverage."""
    record = golden[name, subject]
    assert (record.outcome, record.reason) == ("value", None)
    assert record.exact_value == value
    assert (record.lower, record.upper) == (decimal_text(lower, "down"), decimal_text(upper, "up"))
    assert record.coverage == decimal_text(coverage, "down")


def test_the_workshop_names_what_it_left_out(golden: dict[tuple[str, str], Evidence]) -> None:
    """The main meter, measured by finer ones; machines without figures say why."""
    energy: Any = golden["energy-per-good-unit", "plant"].details["figures"]
    assert (energy["left_out"], energy["product"], energy["finished_by"]) == (["main"], "bracket", ["drill-2"])
    failures: Any = golden["mtbf", "plant"].details["figures"]
    assert (failures["failures"], failures["producing_s"]) == ("6", "210600")
    metered: Any = golden["key-equipment-metered-share", "plant"].details["figures"]
    assert metered["metered_alone"] == ["drill-2", "saw-1"]
    assert golden["reject-share", "bench-3"].reason == "no point tells the state"
