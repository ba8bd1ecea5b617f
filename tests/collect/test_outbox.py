"""The outbox hands out what was put in, whatever columns batches lack, through the same memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.collect import outbox as outbox_module
from factory_kit.collect.batches import joined
from factory_kit.collect.outbox import Outbox
from factory_kit.model.sample import SampleBatch

COLUMNS = ("point", "time", "value", "quality", "has_value", "status", "server_time", "received_time")


def _batch(start: int, count: int, shape: int) -> SampleBatch:
    time = np.arange(start, start + count, dtype=np.int64)
    return SampleBatch(
        point=time.astype(np.int32),
        time=time,
        value=np.where(time % 3 == 0, np.nan, time).astype(np.float64),
        quality=(time % 3).astype(np.int8),
        has_value=time % 2 == 0 if shape & 1 else None,
        text=[None if each % 2 else str(each) for each in time.tolist()] if shape & 2 else None,
        status=time % 5 if shape & 4 else None,
        server_time=time + 1 if shape & 8 else None,
        received_time=time + 2 if shape & 16 else None,
    )


def _content(batch: SampleBatch | None) -> dict[str, Any]:
    assert batch is not None
    columns = {name: getattr(batch, name) for name in COLUMNS}
    found = {name: None if column is None else repr(column.tolist()) for name, column in columns.items()}
    return {**found, "text": None if batch.text is None else list(batch.text)}


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 60), st.integers(0, 31)), min_size=1, max_size=5), min_size=1, max_size=4
    )
)
def test_what_comes_out_is_what_was_put_in(rounds: list[list[tuple[int, int]]]) -> None:
    """As if the batches of each round had been put together one by one; nothing of an earlier round is left."""
    outbox = Outbox()
    for parts in rounds:
        batches = [_batch(number * 100, count, shape) for number, (count, shape) in enumerate(parts)]
        for batch in batches:
            assert outbox.put(batch)
        filled = [batch for batch in batches if len(batch)]
        taken = outbox.take()
        if filled:
            assert _content(taken) == _content(joined(filled))
        else:
            assert taken is None
        outbox.written()
        assert outbox.count == 0


def test_what_was_taken_stays_while_more_than_there_is_room_for_comes() -> None:
    """The store reads what it was given while the outbox grows."""
    outbox = Outbox()
    outbox.put(_batch(0, 5, 31))
    taken = outbox.take()
    before = _content(taken)
    for _each in range(3):
        outbox.put(_batch(1000, 20_000, 31))

    assert _content(taken) == before
    outbox.back()
    outbox.put(_batch(5000, 40_000, 31))
    assert _content(taken) == before
    again = outbox.take()
    assert again is not None
    assert (len(again), again.time[:6].tolist()) == (100_005, [0, 1, 2, 3, 4, 1000])


def test_places_become_ids_on_the_way() -> None:
    """With ids the points are places in them."""
    outbox = Outbox()
    outbox.put(_batch(0, 3, 0), np.array([7, 8, 9], np.int32))
    taken = outbox.take()

    assert taken is not None
    assert taken.point.tolist() == [7, 8, 9]


def test_much_room_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a backlog the columns are small again, and still right."""
    monkeypatch.setattr(outbox_module, "ROOM", 4)
    monkeypatch.setattr(outbox_module, "SPARSE", 2)
    outbox = Outbox()
    sizes = []
    for count in (100, 3, 3, 3):
        outbox.put(_batch(0, count, 31))
        taken = outbox.take()
        assert taken is not None
        assert taken.time.base is not None
        sizes.append(len(taken.time.base))
        assert _content(taken) == _content(_batch(0, count, 31))
        outbox.written()

    assert sizes[0] >= 100
    assert sizes[-1] == 4
