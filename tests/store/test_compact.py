from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_kit.model.run import Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store, compact, keeper, seal, writer
from factory_kit.store.compact import due
from factory_kit.store.parquet import Sealed

T0 = 1_788_220_800_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR

QUERY = "SELECT point, epoch_us(time), value, text, quality, run FROM samples ORDER BY point, time"
ROLLUP = """SELECT point, epoch_us(minute), n, n_good, mean, min, max, first, last, time_weighted_mean, known_us
            FROM rollup_1min ORDER BY point, minute"""


def _rows(store: Store, query: str = QUERY) -> list[tuple]:
    with Store(store.folder).connect() as con:
        return con.execute(query).fetchall()


def _fill(store: Store, name: str, start: int, steps: int, points: int = 5, seed: int = 0) -> None:
    """Points 1 and 2 are noise, the others steps; some values are bad, missing or texts."""
    rng = np.random.default_rng(seed)
    point = np.tile(np.arange(1, points + 1, dtype=np.int32), steps)
    time = np.repeat(start + np.arange(steps) * 10 * SECOND, points)
    value = np.where(
        point <= 2, rng.normal(size=len(point)).astype(np.float32), (np.arange(len(point)) // 300).astype(float)
    )
    text = [("ok" if number % 97 == 0 else None) for number in range(len(point))]
    with store.writer(Run(name, start, Origin.SIMULATED, "demo", "test")) as made:
        made.append(
            SampleBatch(
                point,
                time,
                value,
                (rng.random(len(point)) < 0.05).astype(np.int8) * 2,
                has_value=rng.random(len(point)) < 0.97,
                text=text,
            )
        )


def test_merging_changes_no_sample(store: Store) -> None:
    """Many small files become two for the day and one roll-up; every view says the same before and after."""
    for number in range(6):
        _fill(store, f"run-{number}", T0 + number * HOUR, 300, seed=number)
    before = _rows(store), _rows(store, ROLLUP), _rows(store, "FROM latest ORDER BY point")

    assert store.compact() == 1

    kinds = sorted((each.kind, each.level) for each in store._manifest().files.values())
    assert kinds == [("latest", 0), ("rollup", 1), ("samples", 1), ("samples", 1)]
    assert _rows(store) == before[0]
    _assert_close(_rows(store, ROLLUP), before[1])
    assert _rows(store, "FROM latest ORDER BY point") == before[2]
    assert store.verify() == ()
    assert store.compact() == 0
    assert store.query("SELECT sum(n) AS n FROM rollup_1min").to_pylist() == [{"n": len(before[0])}]


def _assert_close(found: list[tuple], expected: list[tuple]) -> None:
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        for left, right in zip(ours, theirs, strict=True):
            assert left == right or left == pytest.approx(right, rel=1e-12, abs=1e-12), (ours, theirs)


def test_late_samples_reach_samples_and_rollups(
    store: Store, batch: Callable[..., SampleBatch], run: Callable[..., Run]
) -> None:
    """A sample that comes after its day was merged is in the samples and the roll-up at once, unsealed, sealed and merged again."""
    _fill(store, "run-1", T0, 60)
    store.compact()
    late = [(1, T0 + 5 * SECOND, 1e6), (3, T0, -5.0)]
    with store.writer(run("late")) as made:
        made.append(batch(late))
        open_ = _rows(store), _rows(store, ROLLUP)
    sealed = _rows(store), _rows(store, ROLLUP)
    store.compact()

    assert (1, T0 + 5 * SECOND, 1e6, None, 0, "late") in open_[0]
    assert (3, T0, -5.0, None, 0, "late") in open_[0]
    assert sealed[0] == open_[0] == _rows(store)
    _assert_close(sealed[1], open_[1])
    _assert_close(_rows(store, ROLLUP), open_[1])
    assert next(row for row in open_[1] if row[:2] == (1, T0))[6] == 1e6


def test_big_days_are_merged_by_hour(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day with many rows is merged hour by hour, and later files of that day lie by hour too."""
    monkeypatch.setattr(compact, "BIG_DAY", 1000)
    monkeypatch.setattr(seal, "SMALL_DAY", 100)
    _fill(store, "run-1", T0, 1000)
    before = _rows(store), _rows(store, ROLLUP)

    assert store.compact() == 3

    names = sorted(
        path.name[:5] for path in (store.folder / "data").glob("*/*") if "-q-" in path.name or "-n-" in path.name
    )
    assert names == ["h00-n", "h00-q", "h01-n", "h01-q", "h02-n", "h02-q"]
    assert _rows(store) == before[0]
    _assert_close(_rows(store, ROLLUP), before[1])


def test_merging_goes_by_ranges_of_points(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the ranges, the merged files are in order and whole."""
    monkeypatch.setattr(compact, "RANGE_ROWS", 250)
    for number in range(3):
        _fill(store, f"run-{number}", T0 + number * HOUR, 100, seed=number)
    before = _rows(store)

    store.compact()

    assert _rows(store) == before
    with store.connect() as con:
        for path in (store.folder / "data").glob("*/day-?-*.parquet"):
            query = "SELECT point, epoch_us(time) FROM read_parquet(?, file_row_number = true) ORDER BY file_row_number"
            point_time = con.execute(query, [str(path)]).fetchall()
            assert point_time == sorted(point_time)


def _sealed(name: str, first: int, last: int, rows: int = 10, level: int = 0) -> Sealed:
    return Sealed(name, "samples", rows, 1, "", first, last, 1, 5, 1, level)


@pytest.mark.parametrize(
    ("files", "now", "everything", "expected"),
    [
        ([_sealed("a", T0, T0 + HOUR)], T0 + 2 * HOUR, False, []),
        ([_sealed("a", T0, T0 + HOUR)], T0 + DAY + HOUR, False, [("day", 1)]),
        ([_sealed("a", T0, T0 + HOUR)], T0 + 2 * HOUR, True, [("day", 1)]),
        ([_sealed("a", T0, T0 + HOUR, level=1)], T0 + 2 * DAY, True, []),
        ([_sealed(f"{n}", T0, T0 + HOUR) for n in range(64)], T0 + 2 * HOUR, False, [("day", 64)]),
        ([_sealed("a", T0, T0 + HOUR, level=1), _sealed("b", T0, T0)], T0 + 2 * DAY, False, []),
        ([_sealed("a", T0, T0 + HOUR, level=1), *(_sealed(f"{n}", T0, T0) for n in range(4))], T0 + 2 * DAY, False, [("day", 5)]),
        ([_sealed("a", T0, T0 + HOUR - 1, 90_000_000), _sealed("b", T0 + HOUR, T0 + 2 * HOUR - 1, 90_000_000)], T0 + HOUR + HOUR // 4, False, [("h00", 1)]),
    ],
)  # fmt: skip
def test_what_is_worth_merging(
    files: list[Sealed], now: int, everything: bool, expected: list[tuple[str, int]]
) -> None:
    """Open days wait, closed ones are merged once, late files wait for company, big days go by hour."""
    assert [(place.label, len(place.files)) for place in due(files, now, everything=everything)] == expected


def test_full_segments_are_sealed_and_merged_beside_the_writer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a run goes on, full segments become files and old days are merged; nothing is lost or doubled."""
    monkeypatch.setattr(writer, "SEGMENT_ROWS", 500)
    monkeypatch.setattr(compact, "MANY", 4)
    monkeypatch.setattr(keeper, "IDLE_S", 0.01)
    store._now = lambda: T0 + 9 * DAY
    expected = []
    with store.writer(Run("long", T0, Origin.SIMULATED, "demo", "test"), commit_s=0.01) as made:
        for step in range(40):
            time = np.repeat(T0 + step * 100 * SECOND + np.arange(20) * SECOND, 5)
            point = np.tile(np.arange(1, 6, dtype=np.int32), 20)
            made.append(SampleBatch(point, time, time / 7 + point, np.zeros(100, np.int8)))
            expected += list(zip(point.tolist(), time.tolist(), (time / 7 + point).tolist(), strict=True))
            if step % 10 == 9:
                found = [row[:3] for row in _rows(store)]
                assert found == sorted(expected)
        made.flush()
        assert made.pressure < 1

    assert [row[:3] for row in _rows(store)] == sorted(expected)
    assert any(each.level == 1 for each in store._manifest().files.values())
    assert store.status().journal_segments == 0


minute_rows = st.lists(
    st.tuples(
        st.integers(1, 2),
        st.integers(0, 200 * SECOND),
        st.none() | st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf]),
        st.integers(0, 2),
    ),
    max_size=30,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=40, deadline=None)
@given(minute_rows)
def test_stored_and_asked_rollups_agree(rows: list[tuple]) -> None:
    """The roll-up made when merging and the one DuckDB makes of the samples are the same."""
    import duckdb
    import pyarrow as pa

    from factory_kit.store.columns import SAMPLES
    from factory_kit.store.rollup import minutes, sql

    table = pa.Table.from_pylist(
        [
            {"point": point, "time": T0 + time, "value": value, "quality": quality, "origin": "live", "run": "r"}
            for point, time, value, quality in sorted(rows, key=lambda row: row[:2])
        ],
        SAMPLES,
    )
    with duckdb.connect() as con:
        con.register("samples", table)
        con.register("stored", minutes(table))
        asked = con.execute(f"FROM ({sql('samples')}) ORDER BY point, minute").fetchall()
        stored = con.execute("FROM stored ORDER BY point, minute").fetchall()
    _assert_close(stored, asked)


def test_replaced_files_stay_for_readers_and_then_go(store: Store) -> None:
    """A connection opened before a merge still reads; a quarter of an hour later the replaced files are gone."""
    _fill(store, "run-1", T0, 60)
    with store.connect() as con:
        old = [store.folder / each.path for each in store.files(T0, T0 + HOUR)]
        store.compact()
        assert con.execute("SELECT count(*) FROM samples").fetchall() == [(300,)]
        assert all(path.exists() for path in old)
    assert store.verify() == ()

    store._now = lambda: T0 + 16 * 60 * SECOND
    store.compact()

    assert not any(path.exists() for path in old)
    assert len(_rows(store)) == 300
