"""The SQL of the indicators against the pure reference, on small plants of every kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from factory_kit.kpi import indicators, iso22400
from factory_kit.kpi.interval import Interval
from factory_kit.kpi.reference import (
    Counting,
    EnergySplit,
    MachineRecord,
    Rules,
    Source,
    energy_split,
    fresh_time,
    known_time,
    machine_figures,
    machine_times,
)
from factory_kit.kpi.sources import Plant as StorePlant
from factory_kit.kpi.sums import ROLES, Made, Sums, plant_sums
from factory_kit.kpi.timemodel import Heard, Life, PointRecord, Stretch, _joined, counted, known, timeline
from factory_kit.kpi.vectors import Parts
from factory_kit.model.connector import MachineState
from factory_kit.model.indicator import Indicator
from factory_kit.model.sample import Quality

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ZERO = 1_788_220_800_000_000  # 2026-09-01T00:00Z
WINDOW = Stretch(ZERO, ZERO + DAY)
RULES = Rules(WINDOW, lookback=12 * HOUR, silence=40 * MINUTE)
CYCLE = 5 * MINUTE
MAPPING = {str(number): state for number, state in enumerate(MachineState, 1)}
POINTS = ("state", "total_count", "good_count", "temperature", "active_energy")
SMALL = {"lookback": RULES.lookback, "silence": RULES.silence}

any_moments = st.one_of(
    st.integers(-60, 150).map(lambda late: ZERO + late * 10 * MINUTE),
    st.integers(0, DAY).map(lambda offset: ZERO + offset),
    st.integers(-DAY, DAY).map(lambda offset: ZERO + offset),
)


@dataclass(frozen=True)
class Run:
    """A run as the store keeps it."""

    start: int
    end: int | None
    origin: str


@dataclass(frozen=True)
class Plant:
    """A machine with five points and a meter that tells no state."""

    runs: list[Run]
    samples: dict[str, list[tuple[int, int, int, int, int | None]]]
    """By point: time, value, quality, run, received."""
    gaps: dict[str, list[Stretch]]
    delivered: dict[tuple[int, str], int]
    planned: list[Stretch]
    feeds: list[str]

    def record(self, point: str, kind: Callable[[int], Any] = int) -> PointRecord[Any]:
        """What the reference reads of a point."""
        rows = self.samples[point]
        heard = [Heard(time, kind(value), Quality(quality), run) for time, value, quality, run, _ in rows]
        lives = [self._life(number, run, point) for number, run in enumerate(self.runs)]
        return PointRecord(heard, lives, self.gaps[point])

    def _life(self, number: int, run: Run, point: str) -> Life:
        same_server = [
            rows for other, rows in self.samples.items() if other.startswith("meter-1/") == point.startswith("meter-1/")
        ]
        near = [
            row
            for rows in same_server
            for row in rows
            if row[3] == number and RULES.lookback_from <= row[0] < WINDOW.end + DAY
        ]
        history = run.origin in {"imported", "replayed"}
        if not near:
            return Life(0, 0, history=history, agree=False)
        times = [row[0] for row in near]
        signs = [row[0] if row[4] is None else row[4] for row in near]
        skew = min((abs(row[4] - row[0]) for row in near if row[4] is not None), default=0)
        agree = run.origin == "live" and skew <= RULES.silence
        repeated = self.delivered.get((number, point), 0) > sum(row[3] == number for row in self.samples[point])
        end = max(signs) if run.end is None else run.end
        return Life(
            run.start if agree else min(times),
            end if agree else max(times),
            history=history,
            agree=agree,
            repeated=repeated,
        )

    def fill(self, tables: Any) -> Any:
        """The plant as views."""
        tables.machine("m1", cycle="300")
        tables.machine("m2", key=False, connected=False)
        tables.machine("meter-1", kind="meter", feeds=self.feeds)
        for number, run in enumerate(self.runs):
            tables.run(f"r{number}", run.start, run.end, run.origin)
        for point, rows in self.samples.items():
            equipment, _, role = point.rpartition("/")
            unit, server = "kWh" if role == "active_energy" else "", "t" if equipment else "s"
            identity = tables.point(equipment or "m1", role, unit=unit, type_="uint16", server=server)
            scale = 1000 if role == "active_energy" else 1
            for time, value, quality, run, received in rows:
                row = (time, value / scale, quality) if received is None else (time, value / scale, quality, received)
                tables.samples(identity, f"r{run}", row, origin=self.runs[run].origin)
            for gap in self.gaps[point]:
                tables.gap(identity, "r0", gap.start, gap.end)
            for number in range(len(self.runs)):
                if (number, point) in self.delivered:
                    tables.delivered(identity, f"r{number}", self.delivered[number, point])
        return tables.con


@st.composite
def plants(draw: st.DrawFn) -> Plant:
    """Plants with overlapping runs, history, doubled samples, bad values, gaps, resets, and values that came again."""
    runs = [draw(long_runs)] if draw(st.booleans()) else []
    runs += draw(st.lists(any_runs, min_size=0 if runs else 1, max_size=2))
    number = st.one_of(st.just(0), st.integers(0, len(runs) - 1))
    moments = st.one_of(any_moments, moments_near(runs))
    samples, gaps, delivered = {}, {}, {}
    for point in (*POINTS, "meter-1/active_energy"):
        row = st.tuples(moments, qualities, number, lags)
        rows = draw(st.lists(row, min_size=6, max_size=14, unique_by=lambda each: each[0]))
        values = (
            draw(st.lists(st.sampled_from([1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8]), min_size=14, max_size=14))
            if point == "state"
            else draw(counter_values)
        )
        samples[point] = [
            (time, value, quality, run, None if lag is None else time + lag)
            for (time, quality, run, lag), value in zip(sorted(rows, key=lambda row: row[0]), values, strict=False)
        ]
        starts = st.one_of(
            moments,
            st.sampled_from([row[0] for row in samples[point][:2]]),
            st.sampled_from([row[0] for row in samples[point]]),
        )
        gaps[point] = draw(st.lists(st.builds(gap_from, starts, st.integers(1, 12)), max_size=1))
        for run in range(len(runs)):
            stored = sum(row[3] == run for row in samples[point])
            delivered[run, point] = stored + draw(st.sampled_from([-1, 0, 0, 1]))
    edges = draw(st.one_of(st.just([0, 144]), st.sets(st.integers(0, 144), max_size=6).map(sorted)))
    planned = [
        Stretch(ZERO + a * 10 * MINUTE, ZERO + b * 10 * MINUTE) for a, b in zip(edges[::2], edges[1::2], strict=False)
    ]
    return Plant(runs, samples, gaps, delivered, planned, draw(st.sampled_from([[], ["m1"], ["m2"], ["m1", "m2"]])))


def moments_near(runs: Sequence[Run]) -> st.SearchStrategy[int]:
    """The starts and ends of runs and of the interval, where the rules change, and what lies beside them."""
    edges = {edge for run in runs for edge in (run.start, run.end) if edge is not None}
    edges |= {WINDOW.start, WINDOW.end, RULES.lookback_from}
    beside = st.sampled_from([0, 0, 0, -1, 1, RULES.silence, -RULES.silence])
    return st.builds(int.__add__, st.sampled_from(sorted(edges)), beside)


def gap_from(start: int, sevens: int) -> Stretch:
    """A gap of that many times seven minutes."""
    return Stretch(start, start + sevens * 7 * MINUTE)


def run_from(parts: tuple[int, int | None, str]) -> Run:
    """A run of that many tens of minutes; None: it was cut off."""
    start, length, origin = parts
    return Run(start, None if length is None else start + length * 10 * MINUTE, origin)


tens = st.integers(0, 200)
long_runs = st.tuples(
    st.integers(-60, 20).map(lambda late: ZERO + late * 10 * MINUTE),
    st.one_of(st.none(), st.integers(100, 250)),
    st.sampled_from(["live", "live", "simulated"]),
).map(run_from)
any_runs = st.tuples(
    any_moments, st.one_of(st.none(), tens), st.sampled_from(["live", "simulated", "imported", "replayed"])
).map(run_from)
lags = st.one_of(st.none(), st.integers(0, 5_000_000), st.integers(-2 * HOUR, 2 * HOUR))
qualities = st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 2])
steps = st.lists(
    st.sampled_from([0, 1, 1, 2, 3, 5, 8, 13, 20, 40, 90, -1, -2, -3, -30, -10_000]), min_size=14, max_size=14
)
counter_values = st.tuples(st.one_of(st.integers(0, 5), st.integers(0, 65_535)), steps).map(
    lambda drawn: list(accumulate(drawn[1], lambda at, step: max(0, at + step) % 65_536, initial=drawn[0]))[1:]
)


def rows_of(indicator: Indicator, con: Any, planned: list[Stretch], **parameters: int) -> dict[str, dict[str, Any]]:
    """The rows an indicator's SQL gives, by subject."""
    definition = indicator.definition.model_copy(update={"parameters": {**indicator.parameters, **parameters}})
    con.execute('CREATE OR REPLACE TEMP TABLE planned(equipment VARCHAR, start BIGINT, "end" BIGINT)')
    for part in planned:
        con.execute("INSERT INTO planned SELECT equipment, ?, ? FROM equipment", [part.start, part.end])
    found = indicators._rows(Indicator(definition, indicator.sql), con, Interval(WINDOW.start, WINDOW.end, "UTC", 1))
    return {row["subject"]: row for row in found}


def sums_of(con: Any, plant: Plant) -> Sums:
    """The same figures by the arithmetic of `kpi` over whole columns."""
    return plant_sums(
        StorePlant(con, RULES, ROLES), Parts.of((part.start, part.end) for part in plant.planned),
        Counting(0, jitter=2, slack=3, factor=4, modulus=0), Counting(3600, jitter=2000, slack=0, factor=1, modulus=0),
    )  # fmt: skip


Row = tuple[int, int, int, int, int | None]


def plain(*values: tuple[float, int], run: int = 0, quality: int = 0) -> list[Row]:
    """Samples ``(hour, value)`` that were received at once."""
    return [(ZERO + round(hour * HOUR), value, quality, run, ZERO + round(hour * HOUR)) for hour, value in values]


def special(
    *,
    runs: Sequence[tuple[float, float | None, str]] = ((-1, 26, "live"),),
    gaps: Mapping[str, list[Stretch]] | None = None,
    repeated: Mapping[tuple[int, str], int] | None = None,
    **changed: list[Row],
) -> Plant:
    """A machine that produces through the day, but for what is changed; runs in hours."""
    hourly = range(-1, 24)
    samples = {
        "state": plain((-1, 1)),
        "total_count": plain(*((hour, 12 * hour + 20) for hour in hourly)),
        "good_count": plain(*((hour, 12 * hour + 20) for hour in hourly)),
        "temperature": plain(*((hour, 20) for hour in hourly)),
        "active_energy": plain(*((hour, 100 * hour + 200) for hour in hourly)),
        "meter-1/active_energy": plain(*((hour, 100 * hour + 200) for hour in hourly)),
    } | changed
    made = [Run(ZERO + round(a * HOUR), None if b is None else ZERO + round(b * HOUR), origin) for a, b, origin in runs]
    no_gaps: dict[str, list[Stretch]] = {point: [] for point in samples}
    more = {key: sum(row[3] == key[0] for row in samples[key[1]]) + count for key, count in (repeated or {}).items()}
    return Plant(made, samples, no_gaps | dict(gaps or {}), more, [WINDOW], ["m1"])


OUTAGE = Stretch(ZERO + 10 * HOUR, ZERO + 11 * HOUR)
TWO_RUNS = ((-1, 9, "live"), (12, 26, "live"))
SPECIAL = {
    "nothing special": special(),
    "an outage's own bad sample": special(state=plain((-1, 1)) + plain((10, 1), quality=2), gaps={"state": [OUTAGE]}),
    "an outage at the very beginning": special(
        runs=((0, 26, "live"),),
        state=plain((0, 1), quality=2) + plain((1, 1)),
        total_count=plain((0, 0), quality=2),
        gaps={
            "state": [Stretch(ZERO, ZERO + HOUR // 2)],
            "total_count": [Stretch(ZERO, ZERO + HOUR // 2)],
        },
    ),
    "a run that was cut off": special(
        runs=((-1, None, "live"),),
        total_count=plain((3, 1)),
        good_count=plain((3, 1)),
        active_energy=plain((4, 1)),
        temperature=[(ZERO + 5 * HOUR, 20, 0, 0, ZERO + 5 * HOUR + 10 * MINUTE)],
    ),
    "a quiet end of a run": special(
        total_count=plain((3, 1)), good_count=plain((3, 1)), temperature=[], active_energy=[]
    ),
    "imported": special(runs=((30, 31, "imported"),), state=plain((0, 1), (1, 3), (1.5, 1), (3, 1))),
    "a plant with a time of its own": special(runs=((500, 501, "simulated"),), state=plain((-3, 1), (23, 3))),
    "a value that came again": special(runs=TWO_RUNS, temperature=plain((13, 20), run=1), repeated={(1, "state"): 1}),
    "a value that did not come again": special(
        runs=TWO_RUNS, temperature=plain((13, 20), run=1), repeated={(1, "state"): 0}
    ),
    "a first value from between two runs": special(
        runs=TWO_RUNS, state=plain((-1, 1)) + plain((10, 3), run=1), temperature=plain((13, 20), run=1)
    ),
    "a first value of one run at the start of another": special(
        runs=((1, 26, "live"), (0, None, "live")),
        state=plain((-1, 1), (0, 3), (0.5, 1), (2, 1)),
        temperature=plain((-1, 20), (2, 20)) + plain((0, 20), run=1),
    ),
    "an old first value": special(runs=((6, 26, "live"),), state=plain((-8, 1))),
    "a counter back to zero from two": special(total_count=plain((1, 2), (2, 0), (3, 2))),
    "a register that rolls over": special(total_count=plain((1, 65_530), (2, 4), (3, 14))),
    "uncertain temperatures": special(temperature=plain(*((hour, 20) for hour in range(24)), quality=1)),
    "a clock eight hours behind": special(
        state=[(ZERO + hour * HOUR, 1 + hour % 3, 0, 0, ZERO + (hour + 8) * HOUR) for hour in range(12)]
    ),
}


def on_special_plants(**more: int) -> Callable[[Any], Any]:
    """Every special plant comes first, the drawn ones after it."""

    def decorate(test: Any) -> Any:
        for plant in SPECIAL.values():
            test = example(plant=plant, **more)(test)
        return test

    return decorate


examples = settings(
    max_examples=1000 if "FACTORY_KIT_SOAK" in os.environ else 15,  # beside the special plants
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    # Each try costs a query; the clean run names its example and leaves making it small to whoever repeats it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate] + ([] if os.environ.get("CI") == "true" else [Phase.shrink]),
)


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
