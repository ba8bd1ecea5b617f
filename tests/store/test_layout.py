from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factory_kit.model.run import Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.store.columns import SAMPLES
from factory_kit.store.layout import noisy

T0 = 1_788_220_800_000_000


def _table(values: list[np.ndarray]) -> pa.Table:
    point = np.repeat(np.arange(1, len(values) + 1, dtype=np.int32), len(values[0]))
    time = np.tile(np.arange(len(values[0])), len(values))
    columns = {
        "point": pa.array(point),
        "time": pa.array(time).view(pa.timestamp("us")),
        "value": pa.array(np.concatenate(values)),
        "quality": pa.array(np.zeros(len(point), np.int8)),
    }
    empty = {each.name: pa.nulls(len(point), each.type) for each in SAMPLES if each.name not in columns}
    return pa.table({**columns, **empty}).select(SAMPLES.names)


def test_only_noise_is_laid_out_byte_by_byte() -> None:
    """Readings of full resolution are noise; decimals, set points, states, counters and constants are quiet."""
    rng = np.random.default_rng(1)
    steps = 4000
    values = [
        (50 + rng.normal(0, 0.2, steps)).astype(np.float32).astype(np.float64),
        np.round(50 + rng.normal(0, 0.2, steps), 1),
        np.repeat(rng.uniform(0, 100, steps // 400), 400),
        rng.integers(0, 5, steps).astype(np.float64),
        np.cumsum(rng.random(steps) < 0.1).astype(np.float64),
        np.full(steps, np.nan),
    ]

    assert noisy(_table(values)).reshape(6, steps).all(axis=1).tolist() == [True, False, False, False, False, False]
    assert noisy(_table([np.zeros(0)])).tolist() == []


def test_times_of_whole_milliseconds_take_less_room(store: Store) -> None:
    """A file whose times are whole milliseconds keeps milliseconds, another one microseconds; the view shows the same."""
    for number, step in enumerate((1000, 1)):
        with store.writer(Run(f"run-{number}", T0, Origin.LIVE, "demo", "test")) as writer:
            time = T0 + number * 86_400_000_000 + np.arange(50) * step
            writer.append(SampleBatch(np.full(50, 1, np.int32), time, np.arange(50.0), np.zeros(50, np.int8)))

    for _ in range(2):
        kinds = [
            pq.read_schema(path).field("time").type for path in sorted((store.folder / "data").glob("*/*.parquet"))
        ]
        assert kinds[:1] + kinds[-1:] == [pa.timestamp("ms"), pa.timestamp("us")]
        with store.connect() as con:
            found = con.execute("SELECT epoch_us(time) FROM samples ORDER BY time").fetchall()
        assert [row[0] for row in found] == [T0 + step * 1000 for step in range(50)] + [
            T0 + 86_400_000_000 + step for step in range(50)
        ]
        store.compact()
