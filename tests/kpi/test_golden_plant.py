"""A plant computed by hand: two days over the end of a month, three machines, a meter, every figure exact.

Shifts 08:00 to 20:00 and 22:00 to 06:00: of each local day 20 hours are planned (00-06, 08-20, 22-24), 40 of both days.

cnc-a   known throughout. Producing but for 12:00-12:30 on day one, a breakdown 03:00-04:00 and a set-up 08:00-09:00 on day two:
        37.5 h of 40 h. 1800 pieces, 1775 good, through a reset to 40 and a step back by one; ideal cycle 60 s.
press-b always producing; a gap of 1 h, half an hour of bad state, 1 h in a state the mapping does not know: 2.5 h unknown.
        180 pieces over 3 h with the gap inside: 120 of them in known time. Ideal cycle 30 s.
cnc-c   read from 09:00 on (its first value is older) to 12:00 of day two, then again from 13:00, when the same value came again:
        31 h producing, 1 h idle, 8 h unknown. No good counter.
manual-d stands in the ledger only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from factory_kit.kpi.indicators import Frame, evaluate
from factory_kit.kpi.interval import days_between
from factory_kit.model.definition import Text
from factory_kit.model.evidence import Engine, Evidence, IndicatorUsed, decimal_text
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar, Shift

NAME = Text(zh="班", en="shift")
CALENDAR = Calendar(
    shifts=(Shift(name=NAME, start=time(8), end=time(20)), Shift(name=NAME, start=time(22), end=time(6))),
)
HOUR = 3600
GOLDEN = Path(__file__).with_name("golden_plant.jsonl")
Us = Callable[[str], int]


def local(text: str) -> str:
    """``30 23:00`` is a time of August 2026 in Shanghai, ``01 05:00`` and ``02 ...`` of September."""
    day, clock = text.split()
    month = "09" if int(day) < 10 else "08"
    return f"2026-{month}-{day}T{clock}:00+08:00"


def fill(tables: Any) -> Any:
    """The plant described above."""
    tables.machine("cnc-a", cycle="60")
    tables.machine("press-b", cycle="30")
    tables.machine("cnc-c", cycle="45", key=False)
    tables.machine("manual-d", key=False, connected=False)
    tables.machine("meter-a", kind="meter", key=False, feeds=["cnc-a"])
    tables.run("r1", local("30 20:00"), local("02 02:00"))
    tables.run("r2", local("31 09:00"), local("01 12:00"))
    tables.run("r3", local("01 13:00"), local("02 02:00"))
    fill_a(tables)
    fill_b(tables)
    fill_c(tables)
    meter = tables.point("meter-a", "active_energy", unit="kWh")
    readings = [
        ("31 00:00", 100), ("31 06:00", 112), ("31 08:00", 113), ("31 12:00", 121), ("31 12:30", 121.5), ("31 20:00", 136.5),
        ("31 22:00", 137.5), ("01 00:00", 141.5), ("01 03:00", 147.5), ("01 04:00", 148.5), ("01 06:00", 152.5), ("01 08:00", 153.5),
        ("01 09:00", 154.5), ("01 20:00", 176.5), ("01 22:00", 177.5), ("01 23:30", 180.5),
    ]  # fmt: skip
    tables.samples(meter, "r1", *((local(when), kwh) for when, kwh in readings))
    return tables.con


def fill_a(tables: Any) -> None:
    """cnc-a."""
    state, total, good = (tables.point("cnc-a", role) for role in ("state", "total_count", "good_count"))
    states = [
        ("30 23:00", 1), ("31 06:00", 6), ("31 08:00", 1), ("31 12:00", 3), ("31 12:30", 1), ("31 20:00", 6), ("31 22:00", 1),
        ("01 03:00", 4), ("01 04:00", 1), ("01 06:00", 6), ("01 08:00", 2), ("01 09:00", 1), ("01 20:00", 3), ("01 22:00", 1),
    ]  # fmt: skip
    counts = [
        ("30 23:59", 1000, 900), ("31 05:59", 1300, 1195), ("31 19:59", 1900, 1790), ("31 23:59", 2000, 1890),
        ("01 02:00", 2100, 1985), ("01 05:00", 40, 38), ("01 19:00", 640, 630), ("01 19:30", 639, 630), ("01 23:00", 700, 690),
    ]  # fmt: skip
    tables.samples(state, "r1", *((local(when), raw) for when, raw in states))
    tables.samples(total, "r1", *((local(when), pieces) for when, pieces, _ in counts))
    tables.samples(good, "r1", *((local(when), pieces) for when, _, pieces in counts))


def fill_b(tables: Any) -> None:
    """press-b."""
    state, total, good = (tables.point("press-b", role) for role in ("state", "total_count", "good_count"))
    tables.samples(
        state,
        "r1",
        (local("30 23:00"), 1),
        (local("31 14:00"), 1, 2),
        (local("31 14:30"), 1),
        (local("01 12:00"), 9),
        (local("01 13:00"), 1),
    )
    counts = [
        ("30 23:59", 500, 500), ("31 09:00", 600, 598), ("31 12:00", 780, 775), ("31 14:15", 800, 795),
        ("01 11:00", 1500, 1485), ("01 12:30", 1550, 1535), ("01 23:00", 1900, 1880),
    ]  # fmt: skip
    tables.samples(total, "r1", *((local(when), pieces) for when, pieces, _ in counts))
    tables.samples(good, "r1", *((local(when), pieces) for when, _, pieces in counts))
    for point in (state, total, good):
        tables.gap(point, "r1", local("31 10:00"), local("31 11:00"))


def fill_c(tables: Any) -> None:
    """cnc-c."""
    state, total = tables.point("cnc-c", "state"), tables.point("cnc-c", "total_count")
    tables.samples(state, "r2", (local("30 15:00"), 1), (local("31 10:00"), 3), (local("31 11:00"), 1))
    tables.samples(total, "r3", (local("01 14:00"), 7))
    tables.delivered(state, "r2", 3)
    tables.delivered(state, "r3", 1)


def records(con: Any, indicators: Mapping[str, Indicator], us: Us) -> dict[tuple[str, str], Evidence]:
    """All records of the two days, by indicator and subject."""
    interval = days_between(date(2026, 8, 31), date(2026, 9, 1), "Asia/Shanghai")
    frame = Frame(interval, CALENDAR, us("2026-09-02T08:00:00Z"))
    made = evaluate(indicators.values(), con, frame, lambda _: ())
    return {(record.indicator.id, record.subject): record for record in made}


@pytest.fixture(scope="module")
def golden(new_tables: Callable[[], Any], shipped: dict[str, Indicator], us: Us) -> dict[tuple[str, str], Evidence]:
    """The records of the golden plant."""
    return records(fill(new_tables()), shipped, us)


def figures(record: Evidence) -> tuple[Any, ...]:
    """What a record says in figures."""
    return (
        record.outcome,
        record.value,
        record.lower,
        record.upper,
        record.numerator,
        record.denominator,
        record.coverage,
    )


def text(number: Fraction, rounding: Any = "nearest") -> str:
    """A figure as records write it."""
    return decimal_text(number, rounding)


def test_availability_is_that_of_the_hand(golden: dict[tuple[str, str], Evidence]) -> None:
    """Each machine and the plant, whose sums are of 106 h of 109.5 known ones."""
    assert figures(golden["availability", "cnc-a"]) == ("value", "0.9375", "0.9375", "0.9375", "135000", "144000", "1")
    assert figures(golden["availability", "press-b"]) == ("value", "1", "0.9375", "1", "135000", "135000", "0.9375")
    assert figures(golden["availability", "cnc-c"]) == (
        "inconclusive",
        None,
        "0.775",
        "0.975",
        "111600",
        "115200",
        "0.8",
    )
    assert golden["availability", "cnc-c"].reason == "less of the interval is known than the indicator needs"
    plant = golden["availability", "plant"]
    assert figures(plant) == (
        "value", text(Fraction(212, 219)), text(Fraction(106, 120), "down"), text(Fraction(1165, 1200), "up"),
        "381600", "394200", "0.9125",
    )  # fmt: skip
    assert plant.ledger == 4


def test_the_times_of_each_state_are_those_of_the_hand(golden: dict[tuple[str, str], Evidence]) -> None:
    """Seconds of planned time by state."""
    expected = {
        "cnc-a": (37.5, 1, 0.5, 1, 0), "press-b": (37.5, 0, 0, 0, 2.5), "cnc-c": (31, 0, 1, 0, 8),
    }  # fmt: skip
    for machine, hours in expected.items():
        found: Any = golden["availability", machine].details["figures"]
        names = ("producing_s", "setup_s", "idle_s", "down_s", "unknown_s")
        assert tuple(found[name] for name in names) == tuple(f"{hour * HOUR:g}" for hour in hours)


def test_a_machine_outside_the_network_is_not_applicable(golden: dict[tuple[str, str], Evidence]) -> None:
    """No value and no zero, but a reason."""
    record = golden["availability", "manual-d"]
    assert figures(record) == ("not applicable", None, None, None, None, None, None)
    assert record.reason == "no point tells the state"


def test_oee_is_that_of_the_hand(golden: dict[tuple[str, str], Evidence]) -> None:
    """1775 x 60 s of 40 h; 1251 x 30 s of 37.5 known hours, its bounds with 2.5 h of nothing or of good pieces."""
    assert figures(golden["oee", "cnc-a"]) == (
        "value", text(Fraction(106500, 144000)), text(Fraction(106500, 144000), "down"), text(Fraction(106500, 144000), "up"),
        "106500", "144000", "1",
    )  # fmt: skip
    assert figures(golden["oee", "press-b"]) == ("value", "0.278", "0.260625", "0.323125", "37530", "135000", "0.9375")
    assert golden["oee", "cnc-c"].reason == "no point counts good pieces"
    assert figures(golden["oee", "plant"])[4:] == ("144030", "279000", "0.96875")


def test_pieces_are_those_of_the_hand(golden: dict[tuple[str, str], Evidence]) -> None:
    """Through reset, jitter and gap: known pieces, counted ones, and what the ideal cycle makes of them."""
    names = ("total", "good", "total_counted", "good_counted", "total_unplanned", "ideal_total_s")
    a: Any = golden["oee", "cnc-a"].details["figures"]
    b: Any = golden["oee", "press-b"].details["figures"]
    assert tuple(a[name] for name in names) == ("1800", "1775", "1800", "1775", "0", "108000")
    assert tuple(b[name] for name in names) == ("1270", "1251", "1400", "1380", "0", "38100")


def test_idle_energy_is_that_of_the_hand(golden: dict[tuple[str, str], Evidence]) -> None:
    """The meter feeds cnc-a: 5.5 of 80.5 kWh while it neither produced nor was set up."""
    record = golden["idle-energy", "meter-a"]
    assert figures(record)[:6] == (
        "value",
        text(Fraction(11, 161)),
        text(Fraction(11, 161), "down"),
        text(Fraction(11, 161), "up"),
        "5.5",
        "80.5",
    )
    assert figures(golden["idle-energy", "plant"]) == figures(record)


def test_shares_of_the_ledger_are_those_of_the_hand(golden: dict[tuple[str, str], Evidence]) -> None:
    """Three of four machines answer, both key machines give OEE, the one meter is on line, four of six key data arrive."""
    assert figures(golden["equipment-connected-share", "plant"])[:6] == ("value", "0.75", "0.75", "0.75", "3", "4")
    assert figures(golden["oee-computable-share", "plant"])[:6] == ("value", "1", "1", "1", "2", "2")
    assert figures(golden["energy-metering-share", "plant"])[:6] == ("value", "1", "1", "1", "1", "1")
    assert figures(golden["automatic-collection-share", "plant"])[:6] == (
        "value",
        text(Fraction(2, 3)),
        text(Fraction(2, 3), "down"),
        text(Fraction(2, 3), "up"),
        "4",
        "6",
    )
    assert figures(golden["key-parameters-in-real-time", "plant"])[:6] == ("value", "0", "0", "0", "0", "2")


def test_failures_rejects_and_energy_per_piece_are_those_of_the_hand(golden: dict[tuple[str, str], Evidence]) -> None:
    """1 h down of 108 h at work or down, of 109.5 known; 25 of 1800 and 19 of 1270 pieces rejected; 80.5 kWh by the good pieces of cnc-a.

    295 of these came over the start, in six hours of which a minute lies before it; unknown time of press-b hides at most 300 pieces.
    """
    expected = {
        ("equipment-intact-share", "plant"): (Fraction(1085, 1095), Fraction(1085, 1200), Fraction(1190, 1200)),
        ("failure-downtime-share", "cnc-a"): (Fraction(10, 395), Fraction(10, 395), Fraction(10, 395)),
        ("failure-downtime-share", "plant"): (Fraction(10, 1080), Fraction(10, 1185), Fraction(115, 1185)),
        ("reject-share", "cnc-a"): (Fraction(25, 1800), Fraction(25, 1800), Fraction(25, 1800)),
        ("reject-share", "press-b"): (Fraction(19, 1270), Fraction(19, 1570), Fraction(319, 1570)),
        ("energy-per-good-unit", "meter-a"): (
            Fraction("80.5") / (1480 + 295 * Fraction(359, 360)), Fraction("80.5") / 1775, Fraction("80.5") / 1480,
        ),
    }  # fmt: skip
    for key, (value, lower, upper) in expected.items():
        assert figures(golden[key])[1:4] == (text(value), text(lower, "down"), text(upper, "up")), key
    assert (
        golden["mtbf", "plant"].reason
        == golden["mttr", "plant"].reason
        == "fewer than five failures: a mean says little"
    )
    assert figures(golden["mtbf", "plant"])[3:6] == ("116.5", "381600", "3600")


def test_completeness_is_that_of_the_hand(golden: dict[tuple[str, str], Evidence]) -> None:
    """48 h of each point: press-b lacks an hour of three points and half an hour of one, cnc-c what it was not read."""
    assert figures(golden["data-completeness", "cnc-a"])[4:6] == (f"{3 * 48 * HOUR}", f"{3 * 48 * HOUR}")
    assert figures(golden["data-completeness", "press-b"])[4] == f"{3 * 48 * HOUR - 3.5 * HOUR:g}"
    assert figures(golden["data-completeness", "cnc-c"])[4] == f"{38 * HOUR + 10 * HOUR}"


def test_records_name_what_they_rest_on(golden: dict[tuple[str, str], Evidence]) -> None:
    """Points, days with the plant's offset, origin, profile of the states, calendar."""
    record = golden["availability", "cnc-a"]
    details: Any = record.details
    assert [(each.equipment, each.point, each.role) for each in record.points] == [("cnc-a", "state", "state")]
    assert (record.start, record.end, record.blocks) == ("2026-08-31T00:00:00+08:00", "2026-09-02T00:00:00+08:00", 2)
    assert (record.origin, record.received) == (("live",), "2026-09-02T16:00:00+08:00")
    assert details["figures"]["profiles"] == ["test@1"]
    assert details["calendar"]["shifts"][1] == {
        "start": "22:00:00",
        "end": "06:00:00",
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    }


@pytest.mark.parametrize(("threads", "zone"), [(1, "America/New_York"), (4, "Asia/Kolkata")])
def test_records_do_not_depend_on_threads_or_the_zone_of_the_session(
    threads: int,
    zone: str,
    golden: dict[tuple[str, str], Evidence],
    new_tables: Callable[[], Any],
    shipped: dict[str, Indicator],
    us: Us,
) -> None:
    """Byte for byte the same with one, two and four threads, and in any session zone."""
    con = fill(new_tables())
    con.execute(f"SET threads = {threads}")
    con.execute(f"SET TimeZone = '{zone}'")
    try:
        made = records(con, shipped, us)
    finally:
        con.execute("SET threads = 2")
        con.execute("RESET TimeZone")
    assert {key: record.canonical() for key, record in made.items()} == {
        key: record.canonical() for key, record in golden.items()
    }


def test_a_day_of_twenty_five_hours_has_twenty_five(tables: Any, shipped: dict[str, Indicator], us: Us) -> None:
    """In Berlin the night shift of 24 October 2026 has nine hours: 21 h of that day are planned, and all are known."""
    tables.machine("m1")
    state = tables.point("m1", "state")
    tables.run("r1", "2026-10-24T12:00+02:00", "2026-10-26T12:00+01:00")
    tables.samples(
        state, "r1", ("2026-10-24T12:00+02:00", 1), ("2026-10-25T02:30+02:00", 4), ("2026-10-25T02:30+01:00", 1)
    )
    interval = days_between(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin")
    made = evaluate(
        [shipped["availability"]], tables.con, Frame(interval, CALENDAR, us("2026-10-27T00:00Z")), lambda _: ()
    )

    found: Any = {record.subject: record for record in made}["m1"].details["figures"]
    assert (found["planned_s"], found["producing_s"], found["down_s"]) == (f"{21 * HOUR}", f"{20 * HOUR}", f"{HOUR}")


def test_the_golden_records_keep_their_bytes(golden: dict[tuple[str, str], Evidence]) -> None:
    """Any change of a figure or a field shows here as a changed line; versions and the hash of the SQL are left out."""
    lines = []
    for key in sorted(golden):
        record = golden[key]
        unversioned = replace(record, engine=Engine("", ""), indicator=IndicatorUsed(record.indicator.id, 0, ""))
        lines.append(unversioned.canonical().decode() + "\n")
    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines(keepends=True)
