from __future__ import annotations

import errno
import gc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_kit.errors import StoreFull
from factory_kit.store import seal
from factory_kit.store.collide import numbers
from factory_kit.store.columns import SAMPLES
from factory_kit.store.disk import Disk
from factory_kit.store.parquet import QUICK, FileWriter
from factory_kit.store.seal import arranged, placed

T0 = 1_788_220_800_000_000
MINUTE = 60_000_000
HOUR = 60 * MINUTE
Row = tuple[int, int, float]

near = st.integers(0, 72 * 60).map(lambda minute: T0 + minute * MINUTE)
far = st.sampled_from([-62_135_596_800_000_000, -HOUR - 1, -1, 0, 253_402_300_799_999_999])
rows = st.lists(st.tuples(st.integers(1, 4), near | far, st.floats(-9, 9)), max_size=50)


def _table(rows: list[Row]) -> pa.Table:
    return (
        pa.Table.from_pylist(
            [
                {"point": point, "time": None, "value": value, "quality": 0, "origin": "live", "run": "r"}
                for point, _, value in rows
            ],
            pa.schema([each.with_nullable(True) for each in SAMPLES]),
        )
        .set_column(
            1, SAMPLES.field("time"), pa.array(np.array([row[1] for row in rows], np.int64)).view(pa.timestamp("us"))
        )
        .cast(SAMPLES)
    )


@settings(max_examples=80, deadline=None)
@given(rows, st.integers(0, 20))
def test_parts_are_the_whole_by_day_and_big_days_by_hour(rows: list[Row], small: int) -> None:
    """Put together the parts are the whole; each is in order and lies in its day, or in its hour where the day is big."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seal, "SMALL_DAY", small)
        table = _table(rows)
        parts = placed([table.slice(0, 7), table.slice(7)])

    arrived = {(point, time): value for point, time, value in rows}
    of_day: dict[int, int] = {}
    for _, time, _ in rows:
        of_day[time // (24 * HOUR)] = 0
    for _, time in arrived:
        of_day[time // (24 * HOUR)] += 1
    found: dict[tuple[int, int], float] = {}
    for place, part in parts:
        time, point = numbers(part["time"]), numbers(part["point"])
        keys = list(zip(point.tolist(), time.tolist(), strict=True))
        assert keys == sorted(keys)
        assert part.equals(arranged([part]))
        found.update(zip(keys, part["value"].to_pylist(), strict=True))
        days, hours = {at // (24 * HOUR) for _, at in keys}, {at // HOUR for _, at in keys}
        assert len(days) == 1
        assert place.startswith("data/date=")
        if of_day[days.pop()] > small:
            assert place.endswith(f"/h{hours.pop() % 24:02d}")
            assert not hours
        else:
            assert place.endswith("/day")
    assert found == arrived
    assert sum(len(part) for _, part in parts) == len(arrived)
    names = [name for name, _ in parts]
    assert len(set(names)) == len(names)


def test_a_dropped_file_is_not_written_any_more(tmp_path: Path) -> None:
    """What is still held when a full disk ends a file goes nowhere, least of all into a file that got its number since."""
    aside = tmp_path / "aside.tmp"
    noise = np.random.default_rng(1).normal(size=400_000).tolist()
    writer = FileWriter(Disk(), aside, SAMPLES, QUICK, {})
    file = writer._file
    file.write = _full  # type: ignore[method-assign]
    with pytest.raises(StoreFull):
        writer.add(_table([(1, T0 + n, value) for n, value in enumerate(noise)]))
    writer.drop()
    late: list[bytes] = []
    file.write = late.append  # type: ignore[assignment,method-assign]

    del writer
    gc.collect()

    assert late == []
    assert not aside.exists()


def _full(data: bytes | memoryview) -> int:
    raise OSError(errno.ENOSPC, f"no room for {len(data)} bytes")
