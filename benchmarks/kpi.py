"""All KPIs of 200 machines over 30 days (more than a hundred million samples) beside pandas, polars and SQL written by hand.

The store is made once, in a temporary folder (about 1 GB): per machine its state by exception, two counters every ten seconds and an
energy meter every minute, with two runs, recorded gaps, bad samples and resets; seeded. Polars is no dependency of Factory Kit: without
it (``pip install polars``) its rows are left out. All four must come to the same sums, or nothing is reported. The peers know what is
peculiar about this data (``benchmarks/peers/kpi_frames.py``, ``kpi.sql``) and read four columns; ours keeps all rules.
FACTORY_KIT_BENCH_STORE names a folder in which the store is made, or was made before.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from datetime import time as clock_time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from benchmarks.frame import Bar, Cost, Row, Scale, once
from benchmarks.peers.kpi_frames import with_pandas, with_polars
from benchmarks.peers.kpi_given import Figures, Given
from factory_kit.kpi.calendar import planned_time
from factory_kit.kpi.interval import Interval, days_between
from factory_kit.kpi.plant import plant_kpis, read_sums
from factory_kit.kpi.sources import CODES
from factory_kit.kpi.sums import Sums
from factory_kit.load.indicator import all_indicators
from factory_kit.model.definition import Text
from factory_kit.model.indicator import Indicator
from factory_kit.model.run import CataloguePoint, Gap, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.model.site import WEEK, Calendar, Equipment, Shift
from factory_kit.store import Store
from factory_kit.testing.busyplant import LOAD_KW, ROLES, STATES, state_connector

__all__ = ["rows"]

SECOND = 1_000_000
DAY_S = 86_400
ZONE = "Asia/Shanghai"
FIRST = date(2026, 9, 1)
START = days_between(FIRST, FIRST, ZONE).start
PER_SERVER = 20
CONNECTOR = state_connector("bench", "benchmarks/kpi.py")
CALENDAR = Calendar(
    shifts=tuple(
        Shift(name=Text(zh=name, en=name), start=clock_time(start), end=clock_time(end), days=WEEK[:6])
        for name, start, end in (("day", 8, 20), ("night", 20, 8))
    )
)
BARE = """
SELECT sum(epoch_us(time)), sum(value), sum(quality) FROM samples
WHERE time >= make_timestamp($start) AND time < make_timestamp($stop)
"""


@dataclass(frozen=True)
class Plant:
    """Where the store is, and how large the plant."""

    folder: Path
    machines: int
    days: int

    @property
    def interval(self) -> Interval:
        """The days that are computed."""
        return days_between(FIRST, FIRST + timedelta(days=self.days - 1), ZONE)


def rows(scale: Scale) -> Iterator[Row]:
    """Ours beside each peer in the same run, processor time and memory; the sums compared."""
    with tempfile.TemporaryDirectory() as name:
        given = os.environ.get("FACTORY_KIT_BENCH_STORE")
        plant = Plant(Path(given or name) / ("quick" if scale.quick else "full"), scale.of(200, 20), scale.of(30, 5))
        if not plant.folder.is_dir():
            make(plant)
        yield from _measured(plant, scale)


def _measured(plant: Plant, scale: Scale) -> Iterator[Row]:
    count = f"{_count(plant) / 1e6:.1f} M samples of {plant.machines} machines x {plant.days} days"
    peers = {"hand-written SQL": by_hand, "pandas": with_pandas, "polars": with_polars}
    bars = {
        "hand-written SQL": Bar("ratio", "at most", 1.3, 3), "pandas": Bar("ratio", "at most", 0.1, 1), "polars": Bar("ratio", "at most", 1, 3),
    }  # fmt: skip
    if not _installed("polars"):
        del peers["polars"]
    runs = 1 if scale.quick else 3
    ours = [once(partial(kpis, plant)) for _ in range(runs + 1)][1:]
    best = min(ours, key=lambda cost: cost.wall_s)
    cpu = min(cost.cpu_s for cost in ours)
    for name, peer in peers.items():
        cost = once(partial(compared, plant, peer))
        once(partial(agree, plant, peer.__name__))
        yield Row("all KPIs", "s", best.wall_s, cost.wall_s, name, bars[name], count)
        yield Row("all KPIs, processor", "s CPU", cpu, cost.cpu_s, name)
        yield from _memory(best, cost, name)
    bare = min((once(partial(scan, plant)) for _ in range(2)), key=lambda cost: cost.wall_s)
    yield Row("all KPIs beside a bare scan of three columns", "s", best.wall_s, bare.wall_s, "bare scan")


def _memory(ours: Cost, peer: Cost, name: str) -> Iterator[Row]:
    if ours.peak_mib is not None:
        yield Row(
            "all KPIs, peak memory", "MiB", ours.peak_mib, peer.peak_mib, name, Bar("ours", "at most", 2048, 2048)
        )


def _installed(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def _shelf() -> dict[str, Indicator]:
    return all_indicators([Path(__file__).resolve().parents[1] / "assessments" / "indicators"])


def _count(plant: Plant) -> int:
    return Store(plant.folder).status().rows


def kpis(plant: Plant) -> float:
    """Ours."""
    return len(plant_kpis(_shelf(), Store(plant.folder), plant.interval, CALENDAR, {}))


def scan(plant: Plant) -> float:
    """Reading what the KPIs read, and nothing more."""
    with Store(plant.folder).connect() as con:
        con.execute(BARE, {"start": plant.interval.start, "stop": plant.interval.end}).fetchall()
    return 1


def compared(plant: Plant, peer: Any) -> float:
    """The peer; its figures are laid down to be compared outside the measured time."""
    found = peer(given_of(plant))
    (plant.folder / f"{peer.__name__}.json").write_text(json.dumps(found), encoding="utf-8")
    return len(found)


def given_of(plant: Plant) -> Given:
    """What peers need beside the samples."""
    interval, shelf = plant.interval, _shelf()
    store = Store(plant.folder)
    with store.connect() as con:
        points = con.execute(
            "SELECT point, equipment, role, CAST(ideal_cycle_s * 1000000 AS BIGINT) FROM points JOIN equipment USING (equipment) ORDER BY point"
        ).fetchall()
        runs = con.execute("SELECT run, epoch_us(ended) FROM runs").fetchall()
        gaps = con.execute('SELECT point, epoch_us(start), epoch_us("end") FROM gaps').fetchall()
    files = [str(plant.folder / each.path) for each in store.files(interval.start - 7 * DAY_S * SECOND, interval.end)]
    planned = [(part.start, part.end) for part in planned_time(CALENDAR, ZONE, interval.window)]
    codes = {raw: CODES[state] for raw, state in STATES.items()}
    pieces, energy = shelf["oee"].parameters, shelf["idle-energy"].parameters
    return Given(
        files, points, runs, gaps, codes, planned, interval.start, interval.end, pieces["slack"], pieces["factor"], energy["factor"]
    )  # fmt: skip


def by_hand(given: Given) -> Figures:
    """Every sum by equipment, with SQL."""
    script = (Path(__file__).parent / "peers" / "kpi.sql").read_text(encoding="utf-8")
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        con.execute("SET memory_limit = '6GB'")  # it takes what it gets, and others live on the machine too
        for name in ("start", "stop", "slack", "factor", "kw"):
            con.execute(f"SET VARIABLE {name} = {getattr(given, name)}::BIGINT")
        con.execute("SET VARIABLE files = $files", {"files": given.files})
        con.execute(
            "CREATE VIEW sealed AS SELECT point, time, value, quality, run FROM read_parquet(getvariable('files'), hive_partitioning = false)"
        )
        for table, columns, values in (
            ("points", "point INTEGER, equipment VARCHAR, role VARCHAR, pace BIGINT", given.points),
            ("runs", "run VARCHAR, ended BIGINT", given.runs),
            ("gaps", "point INTEGER, start BIGINT, stop BIGINT", given.gaps),
            ("codes", "raw DOUBLE, code INTEGER", list(given.codes.items())),
            ("planned", "start BIGINT, stop BIGINT", given.planned),
        ):
            con.execute(f"CREATE TEMP TABLE {table}({columns})")
            con.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values[0]))})", values)  # noqa: S608 - our own names
        con.execute(script)
        return _by_equipment(con)


def _hours_of(con: Any, table: str) -> dict[tuple[str, int], int]:
    sql = f"SELECT equipment, code, sum(length) FROM {table} WHERE plan GROUP BY ALL"  # noqa: S608 - our own names
    return {(name, code): us for name, code, us in con.execute(sql).fetchall()}


def _by_equipment(con: Any) -> Figures:
    hours, narrow = (_hours_of(con, table) for table in ("line", "narrow"))
    pieces = {(name, role): micro for name, role, micro in con.execute("SELECT * FROM pieces").fetchall()}
    energy = {name: rest for name, *rest in con.execute("SELECT * FROM energy").fetchall()}
    failures, peaks = (dict(con.execute(f"SELECT * FROM {table}").fetchall()) for table in ("failures", "peak"))  # noqa: S608 - our own names
    return {
        name: (
            *(int(table.get((name, code), 0)) for table in (hours, narrow) for code in range(7)), failures[name],
            int(pieces[name, "total_count"]), int(pieces[name, "good_count"]), *(int(each) for each in energy[name]), peaks[name],
        )
        for name in energy
    }  # fmt: skip


def ours_of(sums: Sums) -> Figures:
    """Our sums in the form of the peers'."""
    return {
        name: (
            *(each.elements.by_state[state] for each in (sums.hours[name], sums.made[name]) for state in CODES), sums.hours[name].failures,
            sums.made[name].pieces["total_count"], sums.made[name].pieces["good_count"],
            meter.idle, meter.busy, meter.total, meter.surely_idle, meter.surely_busy, 0 if meter.demand is None else meter.demand.peak or 0,
        )
        for name, meter in sums.energy.items()
    }  # fmt: skip


def agree(plant: Plant, peer: str) -> float:
    """``RuntimeError`` where the sums a peer laid down are not ours: figures beside each other must be of the same work."""
    with Store(plant.folder).connect() as con:
        ours = ours_of(read_sums(con, _shelf(), plant.interval, CALENDAR))
    theirs: Figures = json.loads((plant.folder / f"{peer}.json").read_text(encoding="utf-8"))
    for name, figures in ours.items():
        pairs = list(zip(figures, theirs[name], strict=True))
        if any(abs(a - b) > 1e-6 * max(1, abs(a)) if isinstance(b, float) else a != b for a, b in pairs):
            raise RuntimeError(f"{peer}: {name}: {pairs}")
    return len(ours)


# The plant


class _Clock:
    """The clock of the store while the past is written."""

    now = START - DAY_S * SECOND

    def __call__(self) -> int:
        return self.now


Series = dict[str, tuple[Any, Any]]


def _machine(number: int, days: int) -> tuple[int, Series]:
    """The ideal cycle in seconds of one machine, and the times (s) and values of its points."""
    rng = np.random.default_rng([7, number])
    length, count = days * DAY_S, days * DAY_S // 150 + 1000
    pause = rng.choice([2, 3, 4, 5], count, p=[0.15, 0.6, 0.2, 0.05])
    state = np.where(np.arange(count) % 2 == 0, 1, pause)
    dwell = np.where(state == 1, rng.integers(120, 900, count), rng.integers(10, 400, count))
    start = np.concatenate([[0], np.cumsum(dwell)[:-1]])
    state, start = state[start < length], start[start < length]
    edges = np.append(start, length)
    cycle, grid = 20 + number % 41, np.arange(0, length, 10)

    def until(rate: Any) -> Any:
        return np.concatenate([[0], np.cumsum(rate * np.diff(edges))])

    total = np.floor(np.interp(grid, edges, until(state == 1)) / (cycle * 1.06))
    scrap = np.concatenate([[0], np.cumsum(rng.random(int(total[-1])) < 0.02)])
    good = total - scrap[total.astype(np.int64)]
    for series in (total, good):
        at = rng.integers(0, len(grid))
        series[at:] -= series[at]
    used = np.interp(grid[::6], edges, until(LOAD_KW[state] / 3600 * (0.8 + number % 5 / 10)))
    energy = np.round(1000 + used, 2)
    return cycle, {
        "state": (start, state),
        "total_count": (grid, total),
        "good_count": (grid, good),
        "active_energy": (grid[::6], energy),
    }


def make(plant: Plant) -> None:
    """The store of *plant*: two runs with half an hour between them, each month three outages per server and machine."""
    clock = _Clock()
    store = Store(plant.folder, now=clock)
    made = [_machine(number, plant.days) for number in range(plant.machines)]
    names = [f"m{number:03}" for number in range(plant.machines)]
    ledger = [
        Equipment(id=name, name=Text(zh=name, en=name), key=True, ideal_cycle_s=Decimal(cycle))
        for name, (cycle, _) in zip(names, made, strict=True)
    ]
    store.describe(ledger, {"bench": CONNECTOR})
    ids = store.register([_point(name, number, role) for number, name in enumerate(names) for role in ROLES])
    rng = np.random.default_rng(5)
    length, often = plant.days * DAY_S, max(1, plant.days // 10)
    bad = rng.integers(0, length - 900, (plant.machines // PER_SERVER + 1, often))
    holes = rng.integers(0, length - 1200, (plant.machines, often))
    for number, (start, end) in enumerate(((-300, length // 2), (length // 2 + 1800, length + 600))):
        clock.now = START + start * SECOND
        run = Run(f"run-{number}", clock.now, Origin.LIVE, "real", "collect", "bench", "bench")
        with store.writer(run, commit_s=30) as writer:
            for since in range(max(0, start), end, 3600):
                stretch = since, min(since + 3600, end)
                clock.now = START + stretch[1] * SECOND
                writer.append(_batch(made, ids, stretch, (bad, holes), rng, opens=bool(number) and since == start))
            for at, point in enumerate(ids):
                for hole in holes[at // len(ROLES)].tolist():
                    if max(hole, start) < min(hole + 1200, end):
                        writer.gap(
                            Gap(
                                point,
                                START + max(hole, start) * SECOND,
                                START + min(hole + 1200, end) * SECOND,
                                "outage",
                            )
                        )
    clock.now = START + (length + 3 * DAY_S) * SECOND
    store.compact()


def _point(name: str, number: int, role: str) -> CataloguePoint:
    unit, kind = ("kWh", "float64") if role == "active_energy" else ("", "uint32")
    return CataloguePoint(name, role, role, unit, kind, f"{name}.{role}", "bench", "1", f"s{number // PER_SERVER}")


def _batch(
    made: list[tuple[int, Series]], ids: list[int], stretch: tuple[int, int], outages: tuple[Any, Any], rng: np.random.Generator, *, opens: bool
) -> SampleBatch:  # fmt: skip
    """All samples of *stretch*; where it *opens* a run, states begin with the value they have."""
    since, until = stretch
    bad, holes = outages
    points, times, values, qualities = [], [], [], []
    for at, point in enumerate(ids):
        number, role = divmod(at, len(ROLES))
        time, value = made[number][1][ROLES[role]]
        first, last = np.searchsorted(time, [since, until])
        time, value = time[first:last], value[max(first - 1, 0) : last] if opens and not role else value[first:last]
        if opens and not role:
            time = np.concatenate([[since], time])[-len(value) :]
        kept = np.ones(len(time), np.bool_)
        for hole in holes[number]:
            kept &= (time < hole) | (time >= hole + 1200)
        quality = np.zeros(len(time), np.int8)
        for burst in bad[number // PER_SERVER]:
            quality[(time >= burst) & (time < burst + 600)] = 2
        points.append(np.full(kept.sum(), point, np.int32))
        times.append(time[kept])
        values.append(value[kept].astype(np.float64))
        qualities.append(quality[kept])
    moments = START + np.concatenate(times) * SECOND
    late = rng.integers(5, 60, len(moments)) * 1000
    return SampleBatch(
        np.concatenate(points), moments, np.concatenate(values), np.concatenate(qualities), received_time=moments + late
    )
