from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_kit.errors import StoreBusy, StoreDamaged, StoreError
from factory_kit.model.run import CataloguePoint, Gap, LossEntry, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store

T0 = 1_788_220_800_000_000
HOUR = 3_600_000_000

Rows = list[tuple[int, int, float | None]]
times = (
    st.integers(0, 30) | st.integers(-2 * HOUR, 2 * HOUR) | st.integers(-(60 * 365 * 24) * HOUR, 400 * 365 * 24 * HOUR)
)
texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
sample = st.tuples(
    st.integers(1, 5),
    times.map(lambda offset: T0 + offset),
    st.none() | st.floats(),
    texts,
    st.integers(0, 2),
    st.integers(-(2**63), 2**63 - 1) | st.just(0),
    times,
)
runs = st.lists(st.lists(st.lists(sample, max_size=5), max_size=4), min_size=1, max_size=3)


def _bits(value: float | None) -> int | None:
    return None if value is None else int(np.float64(value).view(np.int64))


def _columns(rows: list[tuple[int, int, float | None, str | None, int, int, int]]) -> SampleBatch:
    point, time, value, text, quality, status, received = (list(column) for column in zip(*rows, strict=True))
    return SampleBatch(
        np.array(point, np.int32),
        np.array(time, np.int64),
        np.array([math.nan if each is None else each for each in value], np.float64),
        np.array(quality, np.int8),
        has_value=np.array([each is not None for each in value], np.bool_),
        text=text,
        status=np.array(status, np.int64),
        received_time=np.array(received, np.int64),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs, st.booleans())
def test_batches_become_views(
    tmp_path_factory: pytest.TempPathFactory,
    point: Callable[[int], CataloguePoint],
    many: list[list[list[tuple]]],
    last_sealed: bool,
) -> None:
    """Whatever runs wrote, in whatever order, comes back to the last bit, once per point and time, the last one of twins."""
    store = Store(tmp_path_factory.mktemp("store"), now=lambda: T0)
    store.register([point(number) for number in range(1, 6)])
    expected = {}
    for number, batches in enumerate(many):
        with store.writer(Run(f"run-{number}", T0, Origin.REPLAYED, "demo", "replay")) as writer:
            for batch in batches:
                if batch:
                    writer.append(_columns(batch))
                for row in batch:
                    expected[row[:2]] = row
            if number == len(many) - 1 and not last_sealed:
                found = _everything(store)
    if last_sealed:
        found = _everything(store)

    assert found == [_seen(expected[key]) for key in sorted(expected)]


@pytest.mark.parametrize("said", [True, False, None])
def test_a_text_has_no_number_whichever_driver_read_it(
    store: Store, run: Callable[..., Run], said: bool | None
) -> None:
    """The value beside a text is null, whether its driver called the missing number a value, none, or said nothing."""
    has_value = None if said is None else np.array([said, True])
    with store.writer(run()) as writer:
        writer.append(
            SampleBatch(
                np.array([1, 2], np.int32), np.array([T0, T0], np.int64), np.array([math.nan, 1.0]),
                np.array([0, 0], np.int8), has_value=has_value, text=["idle", None],
            )
        )  # fmt: skip

    found = store.query("SELECT value, text FROM samples ORDER BY point").to_pylist()
    assert found == [{"value": None, "text": "idle"}, {"value": 1.0, "text": None}]


def _everything(store: Store) -> list[tuple]:
    query = (
        "SELECT point, epoch_us(time), value, text, quality, status, epoch_us(received_time), origin "
        "FROM samples ORDER BY point, time"
    )
    with store.connect() as con:
        return [(*row[:2], _bits(row[2]), *row[3:]) for row in con.execute(query).fetchall()]


def _seen(row: tuple) -> tuple:
    point, time, value, text, quality, status, received = row
    value = None if text is not None and value is not None and math.isnan(value) else value
    return point, time, _bits(value), text, quality, status or None, received, "replayed"


def test_nothing_is_created_before_something_is_written(tmp_path: Path) -> None:
    """Looking at a store that is not there makes none, and says so."""
    store = Store(tmp_path / "store")

    assert store.status().rows == 0
    with pytest.raises(StoreDamaged, match="there is no store yet; collect or import first"):
        store.connect()
    assert not (tmp_path / "store").exists()


def test_points_keep_their_ids_and_their_history(store: Store, point: Callable[[int], CataloguePoint]) -> None:
    """A point known before gets its old id; what changed about it is a new entry, the old one stays."""
    changed = CataloguePoint(**{**_fields(point(2)), "unit": "A", "connector_version": "2"})

    assert store.register([changed, point(6), point(1)]) == [2, 6, 1]

    with store.connect() as con:
        newest = con.execute("SELECT point, unit FROM points WHERE point < 3 ORDER BY point").fetchall()
        history = con.execute("SELECT unit FROM points_history WHERE point = 2").fetchall()
    assert newest == [(1, "%"), (2, "A")]
    assert history == [("%",), ("A",)]


def _fields(point: CataloguePoint) -> dict[str, str]:
    return {name: getattr(point, name) for name in CataloguePoint.__slots__}


def test_a_later_sample_replaces_a_sealed_one(
    wrote: Callable[..., Store],
    rows_of: Callable[[Store], Rows],
    batch: Callable[..., SampleBatch],
    run: Callable[..., Run],
) -> None:
    """A second sample of the same point and time wins, in the journal and after sealing; the replaced file is no longer named."""
    store = wrote([(1, T0, 1.0), (1, T0 + 1, 2.0), (2, T0, 3.0)])
    with store.writer(run("run-2")) as writer:
        writer.append(batch([(1, T0, 9.0), (2, T0, 3.0), (3, T0, 4.0)]))
        unsealed = rows_of(store)

    assert unsealed == [(1, T0, 9.0), (1, T0 + 1, 2.0), (2, T0, 3.0), (3, T0, 4.0)]
    assert rows_of(store) == unsealed
    assert sum(each.rows for each in store.files(T0, T0 + HOUR)) == 4
    with store.connect() as con:
        assert con.execute("SELECT run FROM samples ORDER BY point, time").fetchall() == [
            ("run-2",), ("run-1",), ("run-1",), ("run-2",),
        ]  # fmt: skip


def test_sealed_again_alike_stays_as_it_was(wrote: Callable[..., Store]) -> None:
    """Samples that are all known already make no new file."""
    store = wrote([(1, T0, 1.0), (2, T0, math.nan)])
    before = store.files(T0, T0 + 1)

    wrote([(2, T0, math.nan), (1, T0, 1.0)], "run-2")

    assert store.files(T0, T0 + 1) == before


def test_days_lie_apart(wrote: Callable[..., Store], rows_of: Callable[[Store], Rows]) -> None:
    """Samples of different days, late ones and those of 1601 and 2554 too, lie in folders of their days."""
    rows: Rows = [(1, T0, 1.0), (1, T0 - 1, 2.0), (1, -11_644_473_600_000_000, 3.0), (1, 18_446_659_200_000_000, 4.0)]
    store = wrote(rows)

    assert sorted(path.name for path in (store.folder / "data").iterdir()) == [
        "date=1601-01-01", "date=2026-08-31", "date=2026-09-01", "date=2554-07-21",
    ]  # fmt: skip
    assert rows_of(store) == sorted(rows)
    with store.connect() as con:
        assert con.execute("SELECT min(time), max(time) FROM samples").fetchall() == [
            (datetime(1601, 1, 1), datetime(2554, 7, 21))  # noqa: DTZ001 - the views are UTC without a zone
        ]


@pytest.mark.parametrize(
    ("rows", "quality", "said"),
    [
        ([(1, T0, 1.0), (6, T0, 1.0)], 0, "point 6: not in the catalogue; register it before writing its samples"),
        ([(0, T0, 1.0)], 0, "point 0: not in the catalogue"),
        (
            [(1, 253_402_300_800_000_000, 1.0)],
            0,
            "sample of point 1: its time of 253402300800000000 µs .* the years 1 to 9999",
        ),
        ([(2, -(2**63), 1.0)], 0, "sample of point 2: its time of -9223372036854775808 µs"),
        ([(1, T0, 1.0)], 3, "sample of point 1: quality 3, expected 0, 1 or 2"),
    ],
)
def test_what_cannot_be_kept_is_refused_whole(
    store: Store, run: Callable[..., Run], batch: Callable[..., SampleBatch], rows: Rows, quality: int, said: str
) -> None:
    """An unknown point, a time outside the calendar or a strange quality refuse their batch and nothing else."""
    with store.writer(run()) as writer:
        writer.append(batch([(1, T0 - 5, 5.0)]))
        with pytest.raises(StoreError, match=said):
            writer.append(batch(rows, quality))

    assert [(each.rows) for each in store.files(T0 - HOUR, T0 + HOUR)] == [1]


def test_long_texts_and_half_surrogates_are_kept(store: Store, run: Callable[..., Run]) -> None:
    """A text of ten megabytes comes back whole; what is no Unicode is kept in a readable form."""
    texts = ["长" * 3_500_000, "\ud800", "a\0b", ""]
    with store.writer(run()) as writer:
        writer.append(
            SampleBatch(
                np.full(4, 1, np.int32),
                np.arange(T0, T0 + 4),
                np.full(4, np.nan),
                np.zeros(4, np.int8),
                text=texts,
            )
        )

    with store.connect() as con:
        found = con.execute("SELECT text, value FROM samples ORDER BY time").fetchall()
    assert found == [(texts[0], None), ("\\ud800", None), ("a\0b", None), ("", None)]


def test_gaps_losses_and_runs_are_seen_before_and_after_sealing(store: Store, run: Callable[..., Run]) -> None:
    """The ledgers are complete at any time; the last entry of a run and point stands."""
    with store.writer(run()) as writer:
        writer.gap(Gap(1, T0, T0 + 5, "outage"))
        writer.loss([LossEntry(1, 7), LossEntry(2, 9, bad=1)])
        writer.loss(LossEntry(1, 8, revised_sampling_ms=250.0, revised_queue=10))
        before = _ledgers(store)
    after = _ledgers(store)

    assert before[:2] == after[:2]
    assert before[0] == [("run-1", 1, "outage")]
    assert before[1] == [("run-1", 1, 8, 0, 250.0, 10), ("run-1", 2, 9, 1, None, None)]
    assert before[2] == [("run-1", False, "simulated", "demo")]
    assert after[2] == [("run-1", True, "simulated", "demo")]


def _ledgers(store: Store) -> tuple[list[tuple], list[tuple], list[tuple]]:
    with store.connect() as con:
        return (
            con.execute('SELECT run, point, reason FROM gaps WHERE "end" > start').fetchall(),
            con.execute(
                "SELECT run, point, delivered, bad, revised_sampling_ms, revised_queue FROM loss_ledger ORDER BY point"
            ).fetchall(),
            con.execute("SELECT run, ended IS NOT NULL, origin, kind FROM runs").fetchall(),
        )


def test_latest_is_the_newest_sample_of_each_point(wrote: Callable[..., Store]) -> None:
    """Latest holds the sample with the newest time, also when it has no value."""
    store = wrote([(1, T0 + 1, None), (1, T0, 1.0), (2, T0, 5.0)])

    with store.connect() as con:
        found = con.execute("SELECT point, epoch_us(time), value, quality FROM latest ORDER BY point").fetchall()
    assert found == [(1, T0 + 1, None, 0), (2, T0, 5.0, 0)]


def test_a_second_writer_is_refused(store: Store, run: Callable[..., Run]) -> None:
    """While one Store writes, another one can read but neither write, register nor seal."""
    other = Store(store.folder)
    with store.writer(run()):
        for attempt in (lambda: other.writer(run("run-2")).__enter__(), lambda: other.register([]), other.seal):
            with pytest.raises(StoreBusy, match="writes to this store"):
                attempt()
        assert other.status().writer is not None

    assert other.status().writer is None


def test_foreign_files_are_told_and_not_read(wrote: Callable[..., Store], rows_of: Callable[[Store], Rows]) -> None:
    """A Parquet file that nobody wrote into the manifest is a finding, its rows are in no view."""
    store = wrote([(1, T0, 1.0)])
    ours = next((store.folder / "data").glob("*/*.parquet"))
    foreign = ours.with_name("h00-0123456789ab.parquet")
    foreign.write_bytes(ours.read_bytes())
    (store.folder / "data" / "note.txt").write_text("hello")

    assert [str(problem) for problem in store.verify()] == [
        f"{foreign}: {foreign}: is not in the manifest and is not read; import it or take it out",
        f"{store.folder / 'data' / 'note.txt'}: {store.folder / 'data' / 'note.txt'}: is not in the manifest and is not read; import it or take it out",
    ]
    assert rows_of(store) == [(1, T0, 1.0)]


def test_the_ledger_comes_back_as_it_was_written(store: Store) -> None:
    """Ideal cycles as exact decimals, meters with what they feed, operations with their machines."""
    from factory_kit.model.definition import Text
    from factory_kit.model.site import Equipment, Operation

    ledger = [
        Equipment(
            id="cnc-1",
            name=Text(zh="一号机", en="Machine 1"),
            key=True,
            ideal_cycle_s=Decimal("45.1"),
            control="cnc",
            product="flange",
        ),
        Equipment(id="cnc-2", name=Text(zh="二号机", en="Machine 2")),
        Equipment(id="meter-1", name=Text(zh="表", en="Meter"), kind="meter", feeds=("cnc-1", "cnc-2")),
    ]
    operations = [Operation(id="turning", name=Text(zh="车削", en="Turning"), key=True, equipment=("cnc-1",))]
    store.describe(ledger, {}, operations)
    size = (store.folder / "catalogue.jsonl").stat().st_size
    store.describe(ledger, {}, operations)

    assert (store.folder / "catalogue.jsonl").stat().st_size == size
    with store.connect() as con:
        assert con.execute("FROM equipment").fetchall() == [
            ("cnc-1", "一号机", "Machine 1", "machine", True, False, False, Decimal("45.100000"), [], "cnc", "flange"),
            ("cnc-2", "二号机", "Machine 2", "machine", False, False, False, None, [], None, None),
            ("meter-1", "表", "Meter", "meter", False, False, False, None, ["cnc-1", "cnc-2"], None, None),
        ]
        assert con.execute("FROM operations").fetchall() == [("turning", "车削", "Turning", True, ["cnc-1"])]
