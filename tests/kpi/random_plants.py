"""Small plants of every kind, drawn and special, as views of a store and as records of the pure reference."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from hypothesis import HealthCheck, Phase, example, settings
from hypothesis import strategies as st

from factory_kit.kpi import indicators
from factory_kit.kpi.interval import Interval
from factory_kit.kpi.reference import Rules
from factory_kit.kpi.timemodel import Heard, Life, PointRecord, Stretch
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


Row = tuple[int, int, int, int, int | None]


def plain(*values: tuple[float, int], run: int = 0, quality: int = 0) -> list[Row]:
    """Samples ``(hour, value)`` that were received at once."""
    return [(ZERO + round(hour * HOUR), value, quality, run, ZERO + round(hour * HOUR)) for hour, value in values]


def late(hours: float, *rows: Row) -> list[Row]:
    """*rows*, received that much later; earlier where it is negative."""
    return [(time, value, quality, run, time + round(hours * HOUR)) for time, value, quality, run, _ in rows]


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
    "a bad value and an outage's own, in a run that ends": special(
        runs=((-1, 9, "live"),),
        state=plain((0, 1)) + plain((2, 1), quality=2) + plain((3, 1)) + plain((5, 1), quality=2),
        gaps={"state": [Stretch(ZERO + 5 * HOUR, ZERO + 6 * HOUR)]},
    ),
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
    "a value that came again between two others": special(
        runs=((-1, 9, "live"), (12, 16, "live"), (18, 26, "live")),
        state=plain((-1, 1)) + plain((20, 3), run=2),
        temperature=plain((13, 20), run=1) + plain((19, 20), run=2),
        repeated={(1, "state"): 1},
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
    "a first value older than the lookback": special(
        runs=((6, 26, "live"),),
        **{
            point: late(20, *plain((-14, 1))) + plain((20, 4))
            for point in (*POINTS, "meter-1/active_energy")
            if point != "temperature"
        },
    ),
    "a first value older than the lookback of a run that began before it": special(
        runs=((-13, 26, "live"),),
        **{
            point: late(1, *plain((-14, 1))) + plain((20, 4))
            for point in (*POINTS, "meter-1/active_energy")
            if point != "temperature"
        },
    ),
    "nothing but bad values": special(
        runs=((6, 26, "live"),),
        state=plain((8, 1), (9, 3), quality=2),
        temperature=late(20, *plain((-14, 20), quality=2)),
    ),
    "a counter back to zero from two": special(total_count=plain((1, 2), (2, 0), (3, 2))),
    "counters that rise, restart and roll over just as far as can be believed, and one further": special(
        total_count=plain(*enumerate((0, 51, 103, 154, 20, 71, 51, 100, 52, 50, 47))),
        good_count=plain(*enumerate((65_500, 15, 65_510, 26))),
    ),
    "one piece of a machine that never produced": special(
        state=plain((-1, 3)), total_count=plain((-1, 20), (5, 21)), good_count=plain((-1, 20), (5, 21))
    ),
    "as many pieces as the ideal cycle allows and one, and one good piece more": special(
        state=plain((-1, 3), (2, 1), (3, 3)),
        total_count=plain((-1, 20), (2, 20), (3, 33)),
        good_count=plain((-1, 20), (2, 20), (3, 34)),
    ),
    "a register that rolls over": special(total_count=plain((1, 65_530), (2, 4), (3, 14))),
    "a meter that runs below zero": special(
        active_energy=plain((0, 50), (1, -30), (2, -90), (3, 20)),
        **{"meter-1/active_energy": plain((0, -10), (1, -400), (2, -350))},
    ),
    "first values that are hours old": special(
        runs=((6, 26, "live"),),
        **{point: late(14, *plain((-8, 1))) + plain((8, 5)) for point in (*POINTS, "meter-1/active_energy")},
    ),
    "a clock eight hours ahead": special(
        **{point: late(-8, *plain((1, 1), (2, 3), (20, 5))) for point in (*POINTS, "meter-1/active_energy")},
    ),
    "a clock behind by the silence": special(
        **{point: late(40 / 60, *plain((1, 1), (20, 5))) for point in (*POINTS, "meter-1/active_energy")},
    ),
    "a value that came again on a plant with a time of its own": special(
        runs=((500, 501, "simulated"), (500, 501, "simulated")),
        temperature=plain((13, 20), (22, 20), run=1),
        total_count=plain((16, 20), run=1),
        good_count=plain((2, 1)),
        active_energy=plain((2, 1)),
        repeated={(1, "state"): 1},
    ),
    "a first value at the edge of the lookback, and one before it": special(
        runs=((-20, 26, "simulated"),), state=plain((-12, 1), (5, 3)), total_count=plain((-13, 1), (5, 3))
    ),
    "a sign of life a day after the end": special(
        runs=((-1, None, "live"),),
        temperature=plain((-1, 20), (48, 20)),
        **{point: plain((-1, 1)) for point in ("total_count", "good_count", "active_energy")},
    ),
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


EXAMPLES = 1000 if "FACTORY_KIT_SOAK" in os.environ else 15
examples = settings(
    max_examples=EXAMPLES,  # beside the special plants
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    # Each try costs a query; the clean run names its example and leaves making it small to whoever repeats it.
    phases=[Phase.explicit, Phase.reuse, Phase.generate] + ([] if os.environ.get("CI") == "true" else [Phase.shrink]),
)
fewer = settings(examples, max_examples=max(EXAMPLES // 3, 5))
"""For tests that ask several indicators of each plant."""
