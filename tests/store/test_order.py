from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.store.order import sorted_rows

keys = st.lists(st.tuples(st.integers(0, 5) | st.integers(65_530, 70_000), st.integers(-4, 4)), max_size=60)


@given(keys)
def test_rows_are_sorted_and_the_last_of_twins_stays(rows: list[tuple[int, int]]) -> None:
    """The order is by point, then time; of rows with both the same only the one that came last is there."""
    point = np.array([row[0] for row in rows], np.int32)
    time = np.array([row[1] for row in rows], np.int64)

    expected = [number for _, number in sorted({row: number for number, row in enumerate(rows)}.items())]

    assert sorted_rows(point, time).tolist() == expected
