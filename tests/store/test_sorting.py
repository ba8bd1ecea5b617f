"""Sealing sorts a column at a time and gives what sorting whole tables gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_kit.model.run import Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store.columns import from_batch, from_payload, to_payload
from factory_kit.store.frames import Scan
from factory_kit.store.journal import Segment
from factory_kit.store.seal import placed, placed_segments

HOUR = 3_600_000_000
TEXTS = st.sampled_from([None, "", "läuft", "steht"])
TIMES = st.integers(0, 40) | st.integers(0, 40 * HOUR)
SAMPLE = st.tuples(
    st.integers(1, 4), TIMES, st.sampled_from([1.5, float("nan")]), st.booleans(), st.integers(0, 1), TEXTS
)


def _batch(rows: list[tuple[int, int, float, bool, int, str | None]], shape: int) -> SampleBatch:
    """Samples with some of the columns that may be missing, as *shape* says."""
    time = np.array([row[1] for row in rows], np.int64)
    return SampleBatch(
        point=np.array([row[0] for row in rows], np.int32),
        time=time,
        value=np.array([row[2] for row in rows], np.float64),
        quality=np.zeros(len(rows), np.int8),
        has_value=np.array([row[3] for row in rows], np.bool_),
        text=[row[5] for row in rows] if shape & 1 else None,
        status=np.array([row[4] for row in rows], np.int64) if shape & 2 else None,
        server_time=time + 1 if shape & 4 else None,
        received_time=time + 2 if shape & 8 else None,
    )


def _segment(batches: list[SampleBatch], run: str) -> Segment:
    """A segment as it is read: its records lie in one piece of bytes."""
    records = [from_payload(pa.py_buffer(b"".join(to_payload(from_batch(batch))))) for batch in batches]
    described = Run(run, 0, Origin.LIVE, "real", "test")
    return Segment(Path(run), described, Scan((), (), damaged=False), records, [], [])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.lists(SAMPLE, min_size=1, max_size=30), st.integers(0, 15)), max_size=5),
    st.sampled_from(["a", "b"]),
)
def test_a_column_at_a_time_sorts_as_whole_tables_do(
    parts: list[tuple[list[tuple[int, int, float, bool, int, str | None]], int]], second: str
) -> None:
    """Whatever columns and texts some records lack, over days and hours, of one run and of two."""
    batches = [_batch(rows, shape) for rows, shape in parts]
    segments = [_segment(batches[:2], "a"), _segment(batches[2:], second)]

    got, expected = placed_segments(segments), placed([each.samples for each in segments])

    assert [name for name, _ in got] == [name for name, _ in expected]
    for (_, table), (_, other) in zip(got, expected, strict=True):
        table.validate(full=True)
        assert str(table.to_pydict()) == str(other.to_pydict())  # as text, since NaN is not itself
        assert table.schema == other.schema


def test_an_emptied_segment_keeps_its_ledgers_and_nothing_of_its_bytes() -> None:
    """What is only needed to sort the samples can go before they are written."""
    segment = _segment([_batch([(1, 2, 1.0, True, 0, None)], 0)], "a")

    emptied = segment.emptied()

    assert (len(segment.samples), len(emptied.samples)) == (1, 0)
    assert (emptied.run, emptied.name) == (segment.run, segment.name)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9])
def test_holes_in_a_column_stay_where_they_are(count: int) -> None:
    """Missing values at every place of a byte of the bitmap."""
    rows = [(1, each, float(each), each % 3 != 1, 0, None) for each in range(count)]
    (found,) = placed_segments([_segment([_batch(rows, 0)], "a")]) if count else [("", None)]

    values = [] if found[1] is None else found[1]["value"].to_pylist()

    assert values == [float(each) if each % 3 != 1 else None for each in range(count)]
