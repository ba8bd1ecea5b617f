"""The store beside bare pyarrow, DuckDB, TsFile and ClickHouse: size, speed of journal, sealing and merging, and of queries.

Data: as many points as asked for, one sample a second: 30 % analog in steps of 0.1, 20 % float32 noise, 20 % set points, 15 % states,
15 % counters with one reset; seeded. Peers that are not installed (``pip install tsfile chdb``) are left out, and the row says so.

FACTORY_KIT_BENCH_PARTS names the parts to run (size, jitter, journal, seal, merge, query, resample), FACTORY_KIT_LONG=1 writes the
journal for ten minutes in place of two.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.frame import Bar, Row, Scale, measured, once, side_by_side
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.store.disk import Disk
from factory_kit.store.parquet import NOISE, SMALL, FileWriter
from factory_kit.store.views import CACHE
from factory_kit.store.writer import Writer

T0 = 1_788_220_800_000_000
SECOND = 1_000_000
DAY = 86_400 * SECOND
POINTS = 1000
BATCH_S = 20
"""Seconds of all points in one batch: 20,000 samples of 1000 points."""

SHARES = (0.30, 0.20, 0.20, 0.15, 0.15)
Values = npt.NDArray[np.float64]
COLUMNS = ["point", "time", "value", "quality"]


def rows(scale: Scale) -> Iterator[Row]:
    """Sizes, then speeds, then queries."""
    steps = scale.of(50_000, 2_000)
    parts: dict[str, Callable[[Path], Iterator[Row]]] = {
        "size": partial(sizes, steps=steps, jitter=False, bar=Bar("ours", "at most", 0.84, 0.95)),
        "jitter": partial(sizes, steps=steps, jitter=True, bar=Bar("ours", "at most", 1.6, 1.9)),
        "journal": partial(journal, scale=scale),
        "seal": partial(sealing, scale=scale),
        "merge": partial(merging, scale=scale),
        "query": partial(queries, steps=steps),
        "resample": partial(resample, days=scale.of(10, 1)),
    }
    wanted = os.environ.get("FACTORY_KIT_BENCH_PARTS", "").split() or list(parts)[: -1 if scale.quick else None]
    with tempfile.TemporaryDirectory() as name:
        for part in wanted:
            yield from parts[part](Path(name) / part)


# The generator


def values(points: int, steps: int, seed: int = 1) -> Values:
    """Values by point and second."""
    rng = np.random.default_rng(seed)
    kinds = np.searchsorted(np.cumsum(SHARES) * points, np.arange(points), side="right")
    make = (_analog, _noise, _set_point, _state, _counter)
    return np.stack([make[min(kind, 4)](rng, steps) for kind in kinds])


def _analog(rng: np.random.Generator, steps: int) -> Values:
    wave = 5 * np.sin(np.arange(steps) / rng.uniform(300, 3000))
    return np.round(rng.uniform(20, 80) + wave + rng.normal(0, 0.15, steps), 1)


def _noise(rng: np.random.Generator, steps: int) -> Values:
    return (rng.uniform(1, 100) + rng.normal(0, 0.2, steps)).astype(np.float32).astype(np.float64)


def _set_point(rng: np.random.Generator, steps: int) -> Values:
    return np.repeat(np.round(rng.uniform(0, 200, steps // 600 + 1)), 600)[:steps]


def _state(rng: np.random.Generator, steps: int) -> Values:
    change = np.cumsum(rng.random(steps) < 1 / 180)
    state: Values = rng.integers(0, 5, change[-1] + 1)[change].astype(np.float64)
    return state


def _counter(rng: np.random.Generator, steps: int) -> Values:
    count = np.cumsum(rng.random(steps) < rng.uniform(0.02, 0.1)).astype(np.float64)
    reset = rng.integers(0, steps)
    count[reset:] -= count[reset]
    return count


def batches(points: int, steps: int, *, jitter: bool = False, per_batch: int = 20_000) -> Iterator[SampleBatch]:
    """The samples in the order in which they arrive, mostly good."""
    rng = np.random.default_rng(3)
    data = np.ascontiguousarray(values(points, steps).T)
    seconds = max(1, per_batch // points)
    for start in range(0, steps, seconds):
        count = min(seconds, steps - start)
        at = np.repeat(T0 + np.arange(start, start + count) * SECOND, points)
        if jitter:
            at = at + np.round(rng.uniform(-20, 20, len(at))).astype(np.int64) * 1000
        yield SampleBatch(
            np.tile(np.arange(1, points + 1, dtype=np.int32), count),
            at,
            data[start : start + count].reshape(-1),
            (rng.random(len(at)) < 0.0005).astype(np.int8) * 2,
        )


def in_order(points: int, steps: int, *, jitter: bool = False) -> pa.Table:
    """The same samples as one table, sorted by point and time."""
    made = list(batches(points, steps, jitter=jitter))
    point, at, value, quality = (
        np.concatenate([getattr(batch, name) for batch in made]) for name in ("point", "time", "value", "quality")
    )
    order = np.lexsort((at, point))
    stamp = pa.array(at[order]).view(pa.timestamp("us"))
    return pa.table({"point": point[order], "time": stamp, "value": value[order], "quality": quality[order]})


def a_store(folder: Path, points: int) -> Store:
    """A store that knows *points* points, two days after the samples."""
    store = Store(folder, now=lambda: T0 + 3 * DAY)
    store.register(
        [
            CataloguePoint(f"m{at}", "value", "other", "", "float64", f"a{at}", "bench", "1", "line")
            for at in range(points)
        ]
    )
    return store


def write_journal(folder: Path, points: int, steps: int, *, jitter: bool = False) -> float:
    """Only the journal, nothing sealed."""
    store = a_store(folder, points)
    (store.folder / "journal").mkdir(exist_ok=True)
    run = Run("bench", T0, Origin.SIMULATED, "demo", "benchmark")
    writer = Writer(Disk(), folder / "journal", run, 1, last_point=lambda: points, now=lambda: T0)
    for batch in batches(points, steps, jitter=jitter):
        writer.append(batch)
    writer.close()
    return points * steps


# Size


def sizes(folder: Path, steps: int, *, jitter: bool, bar: Bar) -> Iterator[Row]:
    """Bytes per sample of the four columns that every peer stores, then of all ours."""
    folder.mkdir()
    store = a_store(folder / "store", POINTS)
    write_journal(folder / "store", POINTS, steps, jitter=jitter)
    store.seal()
    store.compact()
    count = POINTS * steps
    files = [store.folder / each.path for each in store.files(T0 - DAY, T0 + 2 * DAY)]
    ours = sum(_four_columns(path, folder / "four.parquet") for path in files) / count
    table = in_order(POINTS, steps, jitter=jitter)
    peers = {name: write(folder, table) for name, write in SIZE_PEERS.items()}
    what = "times jittered by whole ms" if jitter else "times aligned"
    best = min((size, name) for name, size in peers.items() if size is not None)
    missing = ", ".join(name for name, size in peers.items() if size is None)
    yield Row(
        f"size, {what}", "B/sample", ours, best[0] / count, best[1], bar, f"not installed: {missing}" if missing else ""
    )
    smallest = Bar("ratio", "at most", 1.0, 1.0)
    for name, size in peers.items():
        if size is not None:
            yield Row(f"size, {what}, beside {name}", "B/sample", ours, size / count, name, smallest)
    whole = sum(path.stat().st_size for path in files) / count
    yield Row(f"size, {what}, all ten columns", "B/sample", whole)
    shutil.rmtree(folder)


def _four_columns(path: Path, copy: Path) -> int:
    """The size of a sealed file with the four columns that the peers store, written with its own layout."""
    table = pq.read_table(path, columns=COLUMNS, partitioning=None)
    noise = "-n-" in path.name
    writer = FileWriter(Disk(), copy, table.schema, NOISE if noise else SMALL, {})
    writer.add(table)
    return writer.finish()[1]


def _pyarrow_default(folder: Path, table: pa.Table) -> int | None:
    path = folder / "pyarrow.parquet"
    pq.write_table(table, path, compression="zstd", compression_level=3, row_group_size=1_000_000)
    return path.stat().st_size


def _pyarrow_tuned(folder: Path, table: pa.Table) -> int | None:
    path = folder / "tuned.parquet"
    pq.write_table(table, path, **BARE)
    return path.stat().st_size


def _duckdb_v2(folder: Path, table: pa.Table) -> int | None:
    path = folder / "duckdb.parquet"
    with duckdb.connect() as con:
        con.register("sorted", table)
        con.execute(
            f"COPY sorted TO '{path}' (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE 122880)"
        )
    return path.stat().st_size


def _tsfile(folder: Path, table: pa.Table) -> int | None:
    try:
        from tsfile import ColumnCategory, ColumnSchema, TableSchema, TSDataType, TsFileTableWriter
    except ImportError:
        return None
    path = folder / "peer.tsfile"
    tag = ColumnSchema("tag", TSDataType.STRING, ColumnCategory.TAG)
    fields = [ColumnSchema("value", TSDataType.DOUBLE), ColumnSchema("quality", TSDataType.INT32)]
    frame = table.to_pandas()
    frame["time"] = frame["time"].astype("int64")
    frame["quality"] = frame["quality"].astype("int32")
    with TsFileTableWriter(str(path), TableSchema("samples", [tag, *fields])) as writer:
        for point, part in frame.groupby("point"):
            writer.write_dataframe(part.drop(columns="point").assign(tag=f"p{point}").reset_index(drop=True))
    return path.stat().st_size


def _clickhouse(folder: Path, table: pa.Table) -> int | None:
    try:
        from chdb.session import Session
    except ImportError:
        return None
    source = folder / "clickhouse-source.parquet"
    pq.write_table(table, source)
    with Session(str(folder / "clickhouse")) as session:
        session.query("CREATE DATABASE bench")
        session.query(
            "CREATE TABLE bench.samples (point Int32 CODEC(ZSTD(3)), time DateTime64(6) CODEC(DoubleDelta, ZSTD(3)), "
            "value Float64 CODEC(ZSTD(3)), quality Int8 CODEC(ZSTD(3))) ENGINE = MergeTree ORDER BY (point, time)"
        )
        session.query(f"INSERT INTO bench.samples SELECT * FROM file('{source}', Parquet)")  # noqa: S608 - our own path
        session.query("OPTIMIZE TABLE bench.samples FINAL")
        answer = session.query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'samples'", "CSV")
    return int(str(answer).strip())


BARE: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": ["point", "quality"],
    "column_encoding": {"time": "DELTA_BINARY_PACKED", "value": "PLAIN"},
    "row_group_size": 1_000_000,
    "write_page_checksum": True,
    "write_page_index": True,
}
"""What data_engine.md found best for one file: the bare pyarrow that sealing is measured against."""

SIZE_PEERS: dict[str, Callable[[Path, pa.Table], int | None]] = {
    "pyarrow zstd": _pyarrow_default,
    "pyarrow tuned": _pyarrow_tuned,
    "DuckDB COPY v2": _duckdb_v2,
    "TsFile": _tsfile,
    "ClickHouse (chdb)": _clickhouse,
}


# Journal


def journal(folder: Path, scale: Scale) -> Iterator[Row]:
    """Sustained writing at a million samples a second with everything on, and as fast as it goes."""
    seconds = 600 if os.environ.get("FACTORY_KIT_LONG") else scale.of(120, 5)
    folder.mkdir()
    once(partial(sustained, folder / "sustained", seconds))
    seen = json.loads((folder / "sustained.json").read_text())
    yield Row(
        "journal, sustained with sealing beside it",
        "M samples/s",
        seen["rate"] / 1e6,
        bar=Bar("ours", "at least", 0.99, 0.99),
    )
    yield Row("journal, p99 of appending 20,000 samples", "ms", seen["p99"], bar=Bar("ours", "at most", 25, 25))
    yield Row(
        f"journal, memory, most in the last fifth of {seconds} s",
        "MiB",
        seen["late"],
        seen["early"],
        "most in the second fifth",
        Bar("ratio", "at most", 1.1, 1.5),
    )
    cost = measured(partial(fast_journal, folder / "fast", scale.of(20_000, 2_000)), 1)
    yield Row(
        "journal, as fast as it goes", "M samples/s", cost.units / cost.wall_s / 1e6, bar=Bar("ours", "at least", 1, 1)
    )
    shutil.rmtree(folder)


def sustained(folder: Path, seconds: int) -> float:
    """A million samples each second, flushed each second, sealed beside; leaves figures behind."""
    shutil.rmtree(folder, ignore_errors=True)
    store = a_store(folder, 20_000)
    data = list(batches(20_000, 50))
    took: list[float] = []
    memory: list[float] = []
    began = time.perf_counter()
    with store.writer(Run("bench", T0, Origin.SIMULATED, "demo", "benchmark")) as writer:
        for number in range(seconds * 50):
            batch = data[number % len(data)]
            shifted = SampleBatch(batch.point, batch.time + number // 50 * 50 * SECOND, batch.value, batch.quality)
            pause = began + number / 50 - time.perf_counter()
            if pause > 0:
                time.sleep(pause)
            start = time.perf_counter()
            writer.append(shifted)
            took.append(time.perf_counter() - start)
            if number % 25 == 0:
                memory.append(_resident())
        passed = time.perf_counter() - began
    fifth = len(memory) // 5
    figures = {
        "rate": seconds * 1e6 / passed,
        "p99": float(np.percentile(took, 99)) * 1e3,
        "early": max(memory[fifth : 2 * fifth]),
        "late": max(memory[-fifth:]),
    }
    folder.with_suffix(".json").write_text(json.dumps(figures))
    return seconds * 1e6


def fast_journal(folder: Path, steps: int) -> float:
    """As many samples as fit through, with a flush each second; generated beforehand would be faster still."""
    shutil.rmtree(folder, ignore_errors=True)
    return write_journal(folder, POINTS, steps)


def _resident() -> float:
    """Resident memory of this process now, MiB; 0 where the system has no /proc."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), 0.0)


# Sealing and merging


def sealing(folder: Path, scale: Scale) -> Iterator[Row]:
    """From the journal to sealed files, beside bare pyarrow writing the table that is already sorted."""
    steps = scale.of(20_000, 4_000)
    folder.mkdir()
    write_journal(folder / "source", POINTS, steps)
    source = Store(folder / "source")
    shutil.copytree(folder / "source", folder / "sorted")
    Store(folder / "sorted", now=lambda: T0 + 3 * DAY).seal()
    with source.connect() as con:
        whole = con.sql("SELECT * FROM samples ORDER BY point, time").to_arrow_table()
    pq.write_table(whole, folder / "sorted.parquet", compression="none", use_dictionary=["text", "origin", "run"])
    del whole
    ours, _ = side_by_side(partial(seal_copy, folder), partial(write_sorted, folder, None), scale.runs)
    measured(partial(write_sorted, folder, COLUMNS), scale.runs)
    bar = Bar("ratio", "at least", 0.6, 0.4)
    wall, cpu = {}, {}
    for name in ("ours", "bare-10", "bare-4"):
        both = np.loadtxt(folder / f"{name}.s", ndmin=2).min(axis=0) / ours.units * 1e6
        wall[name], cpu[name] = both.tolist()
    yield Row(
        "journal to sealed, all ten columns", "M samples/s", 1 / wall["ours"], 1 / wall["bare-10"], "bare pyarrow", bar
    )
    yield Row(
        "journal to sealed, beside four columns only",
        "M samples/s",
        1 / wall["ours"],
        1 / wall["bare-4"],
        "bare pyarrow",
    )
    yield Row(
        "journal to sealed, processor, both cores",
        "s CPU/M samples",
        cpu["ours"],
        cpu["bare-10"],
        "bare pyarrow, writing only",
    )
    yield Row("journal to sealed, memory", "MiB", ours.peak_mib or 0, bar=Bar("ours", "at most", 1024, 1024))
    shutil.rmtree(folder)


@contextlib.contextmanager
def _timed(path: Path) -> Iterator[None]:
    """Seconds on the clock and of the processor as one more line of *path*: the best of several runs counts."""
    began, used = time.perf_counter(), time.process_time()
    yield
    with path.open("a", encoding="ascii") as file:
        file.write(f"{time.perf_counter() - began} {time.process_time() - used}\n")


def seal_copy(folder: Path) -> float:
    """Seal a fresh copy of the journal; the time of sealing alone is left behind."""
    target = folder / "ours"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder / "source", target)
    store = Store(target, now=lambda: T0 + 3 * DAY)
    with _timed(folder / "ours.s"):
        store.seal()
    return store.status().rows


def write_sorted(folder: Path, columns: list[str] | None) -> float:
    """Write the sorted table, already in memory, with bare pyarrow; the time of writing alone is left behind."""
    table = pq.read_table(
        folder / "sorted.parquet", columns=columns, read_dictionary=["text", "origin", "run"][: 0 if columns else 3]
    )
    words = {name for name in ("text", "origin", "run", "status") if name in table.schema.names}
    options = {**BARE, "use_dictionary": [*BARE["use_dictionary"], *words]}
    with _timed(folder / f"bare-{len(table.schema)}.s"):
        pq.write_table(table, folder / "bare.parquet", **options)
    return len(table)


def merging(folder: Path, scale: Scale) -> Iterator[Row]:
    """An hour of 20,000 points merged in little memory."""
    folder.mkdir()
    seconds = scale.of(3600, 120)
    once(partial(sealed_hour, folder / "hour", seconds))
    cost = once(partial(merge_copy, folder / "hour"))
    speed = cost.units / cost.wall_s / 1e6
    yield Row(
        f"merging {seconds} s of 20,000 points, memory",
        "MiB",
        cost.peak_mib or 0,
        bar=Bar("ours", "at most", 1024, 1024),
    )
    yield Row(f"merging {seconds} s of 20,000 points, speed", "M samples/s", speed, note="with the roll-up")
    shutil.rmtree(folder)


def sealed_hour(folder: Path, seconds: int) -> float:
    """An hour of 20,000 points in the files that sealing makes."""
    shutil.rmtree(folder, ignore_errors=True)
    store = a_store(folder, 20_000)
    write_journal(folder, 20_000, seconds)
    store.seal()
    return 20_000 * seconds


def merge_copy(folder: Path) -> float:
    """Merge a copy of it."""
    target = folder.with_name("merged")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    store = Store(target, now=lambda: T0 + 3 * DAY)
    store.compact()
    return store.status().rows


# Queries

TAGS = ", ".join(str(POINTS * at // 20 + 1) for at in range(20))
STATES = ", ".join(str(int(POINTS * 0.71) + at) for at in range(10))
INTO = "CREATE OR REPLACE TEMP TABLE answer AS {sql}"
"""Around each question: fetching many rows into Python is not what is measured."""

QUERIES = {
    "1 one point, mean of all time": "SELECT avg(value) FROM samples WHERE point = 421",
    "2 one point, ten minutes": (
        "SELECT time, value FROM samples WHERE point = 421 "
        "AND time >= TIMESTAMP '{from}' AND time < TIMESTAMP '{from}' + INTERVAL 10 MINUTE"
    ),
    "3 20 points, mean and last of each minute": (
        "SELECT point, date_trunc('minute', time) AS m, avg(value), arg_max(value, time) "
        "FROM samples WHERE point IN ({tags}) GROUP BY ALL"
    ),
    "4 all points by the hour": (
        "SELECT point, date_trunc('hour', time) AS h, avg(value), min(value), max(value) FROM samples GROUP BY ALL"
    ),
    "5 latest of all points": "SELECT point, max(time), arg_max(value, time) FROM samples GROUP BY point",
    "6 time in each state, 10 points": (
        "SELECT point, value, sum(d) FROM (SELECT point, value, "
        "epoch_us(lead(time) OVER (PARTITION BY point ORDER BY time)) - epoch_us(time) AS d "
        "FROM samples WHERE point IN ({states})) GROUP BY ALL"
    ),
    "7 all points, mean of each minute": (
        "SELECT point, date_trunc('minute', time) AS m, avg(value) FROM samples GROUP BY ALL"
    ),
}
OURS_INSTEAD = {"5 latest of all points": "SELECT point, time, value FROM latest"}
"""What a user of the store asks in place of it."""


def queries(folder: Path, steps: int) -> Iterator[Row]:
    """Seven questions through the views with the journal open, beside the best of four layouts of one table."""
    folder.mkdir()
    store = a_store(folder / "store", POINTS)
    write_journal(folder / "store", POINTS, steps)
    store.seal()
    store.compact()
    layouts = _layouts(folder, in_order(POINTS, steps), steps)
    moment = str(np.datetime64(T0 + steps // 2 * SECOND, "us")).replace("T", " ")
    filled = {"{from}": moment, "{tags}": TAGS, "{states}": STATES}
    asked = {name: INTO.replace("{sql}", _filled(sql, filled)) for name, sql in QUERIES.items()}
    with store.writer(Run("open", T0, Origin.SIMULATED, "demo", "benchmark")) as writer:
        for batch in batches(POINTS, 20):
            late = SampleBatch(batch.point, batch.time + steps * SECOND, batch.value, batch.quality)
            writer.append(late)
        with store.connect(threads=2) as ours:
            found = _in_turn(ours, layouts, asked)
    for name, (took, layout, peer, effort) in found.items():
        note = f"processor: {effort:.3g} times the layout's"
        yield Row(f"query {name}", "ms", took, peer, layout, Bar("ratio", "at most", 1.5, 2.2), note)
        if name.startswith("5"):
            yield Row("query latest, alone", "ms", took, bar=Bar("ours", "at most", 20, 20))
    shutil.rmtree(folder)


def _layouts(folder: Path, table: pa.Table, steps: int) -> dict[str, str]:
    """Where four other layouts of *table* are."""
    one, small, copy, arrival, hours = (
        folder / name for name in ("one.parquet", "small.parquet", "v2.parquet", "arrival.parquet", "hours")
    )
    pq.write_table(table, one, **BARE)
    pq.write_table(table, small, **{**BARE, "row_group_size": 122_880})
    with duckdb.connect() as con:
        con.register("sorted", table)
        con.execute(
            f"COPY sorted TO '{copy}' (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE 122880)"
        )
    at = table["time"].to_numpy().astype(np.int64)
    pq.write_table(table.take(pa.array(np.argsort(at, kind="stable"))), arrival, **BARE)
    hours.mkdir()
    for hour in range(-(-steps // 3600)):
        inside = (at - T0) // (3600 * SECOND) == hour
        pq.write_table(table.filter(pa.array(inside)), hours / f"h{hour:02}.parquet", **BARE)
    return {
        "sorted, 1M groups": str(one),
        "sorted, 122k groups": str(small),
        "DuckDB v2": str(copy),
        "arrival order": str(arrival),
        "hourly": str(hours / "*.parquet"),
    }


def _filled(sql: str, words: dict[str, str]) -> str:
    for place, word in words.items():
        sql = sql.replace(place, word)
    return sql


def _in_turn(ours: Any, layouts: dict[str, str], asked: dict[str, str]) -> dict[str, tuple[float, str, float, float]]:
    """For each question our best time, the fastest layout, its best time (ms), and how many times its processor time we take.

    All are asked in turn, nine times. A loaded machine lengthens what two threads do more than the processor time they take.
    """
    with contextlib.ExitStack() as stack:
        peers = {}
        for layout, source in layouts.items():
            peers[layout] = stack.enter_context(duckdb.connect(config={"threads": "2"}))
            peers[layout].execute(CACHE)
            peers[layout].execute(f"CREATE VIEW samples AS SELECT * FROM read_parquet('{source}')")  # noqa: S608 - our own path
        found = {}
        for name, sql in asked.items():
            times: dict[str, list[tuple[float, float]]] = {layout: [] for layout in ("", *peers)}
            for _ in range(9):
                times[""].append(
                    _milliseconds(ours, INTO.replace("{sql}", OURS_INSTEAD[name]) if name in OURS_INSTEAD else sql)
                )
                for layout, con in peers.items():
                    times[layout].append(_milliseconds(con, sql))
            best = {layout: np.min(took[2:], axis=0).tolist() for layout, took in times.items()}
            peer = min(peers, key=lambda layout: best[layout][0])
            found[name] = best[""][0], peer, best[peer][0], best[""][1] / best[peer][1]
    return found


def _milliseconds(con: Any, sql: str) -> tuple[float, float]:
    """The time of one run, on the clock and of the processor."""
    began, used = time.perf_counter(), time.process_time()
    con.execute(sql).fetchall()
    return (time.perf_counter() - began) * 1e3, (time.process_time() - used) * 1e3


def resample(folder: Path, days: int) -> Iterator[Row]:
    """50 million samples for each of *days*, one figure a minute, without roll-ups."""
    folder.mkdir()
    once(partial(many_days, folder / "store", days))
    cost = measured(partial(each_minute, folder / "store"), 1)
    yield Row(
        f"{days * 50} M samples to minutes",
        "M samples/s",
        cost.units / float((folder / "store.s").read_text()) / 1e6,
        bar=Bar("ours", "at least", 80, 80),
    )
    yield Row(
        f"{days * 50} M samples to minutes, memory", "MiB", cost.peak_mib or 0, bar=Bar("ours", "at most", 2048, 2048)
    )
    shutil.rmtree(folder)


def many_days(folder: Path, days: int) -> float:
    """*days* days of the same samples, merged."""
    store = a_store(folder, POINTS)
    run = Run("bench", T0, Origin.SIMULATED, "demo", "benchmark")
    data = list(batches(POINTS, 50_000))
    with store.writer(run) as writer:
        for day in range(days):
            for batch in data:
                writer.append(SampleBatch(batch.point, batch.time + day * DAY, batch.value, batch.quality))
    store.compact()
    return days * 5e7


def each_minute(folder: Path) -> float:
    """The mean of each minute of each point, counted."""
    with Store(folder).connect(threads=2) as con:
        con.execute("SET memory_limit = '1500MB'")
        began = time.perf_counter()
        con.execute(
            "SELECT count(*), sum(mean) FROM (SELECT point, date_trunc('minute', time) AS m, avg(value) AS mean FROM samples GROUP BY ALL)"
        ).fetchall()
        folder.with_suffix(".s").write_text(str(time.perf_counter() - began))
        rows: int = con.execute("SELECT count(*) FROM samples").fetchall()[0][0]
    return rows
