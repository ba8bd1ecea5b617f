from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from factory_kit.collect.batches import bad, joined, selected
from factory_kit.collect.book import Book
from factory_kit.collect.deviceclock import DeviceClock
from factory_kit.collect.outbox import MOST_WAITING, Outbox
from factory_kit.collect.status import ServerState
from factory_kit.model.run import Gap, LossEntry
from factory_kit.model.sample import SampleBatch

SECOND = 1_000_000
NOON = 1_788_264_000 * SECOND


def _batch(*rows: tuple[int, int, float], quality: int = 0, **more: Any) -> SampleBatch:
    """Samples of (place, time, value)."""
    return SampleBatch(
        point=np.array([row[0] for row in rows], np.int32),
        time=np.array([row[1] for row in rows], np.int64),
        value=np.array([row[2] for row in rows], np.float64),
        quality=np.full(len(rows), quality, np.int8),
        **more,
    )


def _book(count: int = 3) -> tuple[Book, Outbox, ServerState]:
    outbox, state = Outbox(), ServerState("line", "a:1", "modbus", count)
    return Book([100 + place for place in range(count)], outbox, state), outbox, state


def _taken(outbox: Outbox) -> list[tuple[int, int, float]]:
    batch = outbox.take()
    return (
        [] if batch is None else list(zip(batch.point.tolist(), batch.time.tolist(), batch.value.tolist(), strict=True))
    )


def test_places_become_catalogue_ids_and_are_counted() -> None:
    """What passes the book goes to the outbox under its catalogue id and stands in the ledger."""
    book, outbox, state = _book()
    book.deliver(_batch((0, 1, 1.5), (2, 1, 2.5), (0, 2, 3.5)))
    book.deliver(bad(np.array([1], np.int32), 5, 6, 2))

    assert [row[:2] for row in _taken(outbox)] == [(100, 1), (102, 1), (100, 2), (101, 5)]
    assert book.ledger() == [LossEntry(100, 2), LossEntry(101, 1, bad=1), LossEntry(102, 1)]
    assert (state.delivered, state.bad) == (4, 1)


def test_what_was_there_already_is_not_stored_again() -> None:
    """The same point, time, value and quality is old news; a new value at the same time is not."""
    book, outbox, _state = _book()
    book.deliver(_batch((0, 10, 1.0), (1, 10, 1.0)))
    outbox.take()
    book.deliver(_batch((0, 10, 1.0), (1, 10, 2.0), (0, 11, 1.0)))

    assert _taken(outbox) == [(101, 10, 2.0), (100, 11, 1.0)]
    assert [entry.delivered for entry in book.ledger()] == [2, 2, 0]


def test_an_interruption_is_a_gap_up_to_the_next_good_value() -> None:
    """It begins with the first interruption, and bad samples do not end it."""
    book, _outbox, _state = _book()
    book.interrupt(book.places, 100, "cut")
    book.interrupt(book.places, 150, "still cut")
    book.deliver(_batch((0, 200, 1.0), (0, 210, 1.0)))
    book.deliver(bad(np.array([1], np.int32), 220, 220, 2))
    book.deliver(_batch((1, 300, 1.0)))

    assert book.take_gaps() == [Gap(100, 100, 200, "cut"), Gap(101, 100, 300, "cut")]
    assert book.take_gaps() == []
    book.settle(1000)
    assert book.take_gaps() == [Gap(102, 100, 1000, "cut")]
    assert [(entry.outages, entry.outage_us) for entry in book.ledger()] == [(1, 100), (1, 200), (1, 900)]


def test_an_unchanged_value_after_an_interruption_is_no_gap() -> None:
    """A source time that did not move says that nothing happened to this point meanwhile."""
    book, _outbox, _state = _book(1)
    book.deliver(_batch((0, 50, 7.0)))
    book.interrupt(book.places, 100, "cut")
    book.deliver(_batch((0, 50, 7.0)))
    book.settle(1000)

    assert book.take_gaps() == []
    assert [(entry.delivered, entry.outages, entry.outage_us) for entry in book.ledger()] == [(1, 1, 0)]


def test_overflows_missing_notifications_and_revisions_are_in_the_ledger() -> None:
    """The overflow bit of OPC UA counts; the same bits of a Modbus exception code do not."""
    book, _outbox, _state = _book(2)
    book.deliver(_batch((0, 1, 1.0), (0, 2, 1.0), status=np.array([0x480 | 0x40000000, 0], np.int64)))
    book.miss(np.array([0], np.int32), 4)
    book.revise(1, 250.0, 10)

    assert book.ledger() == [
        LossEntry(100, 2, overflows=1, sequence_gaps=4),
        LossEntry(101, 0, revised_sampling_ms=250.0, revised_queue=10),
    ]


def test_good_values_with_the_overflow_bit_count_too() -> None:
    """Overflow comes with the status Good: asyncua calls it good, and so it is, but values before it are lost."""
    book, _outbox, _state = _book(1)
    book.deliver(_batch((0, 1, 1.0), status=np.array([0x480], np.int64)))

    assert book.ledger()[0].overflows == 1


def test_a_full_outbox_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is counted as dropped, not as delivered."""
    monkeypatch.setattr("factory_kit.collect.outbox.MOST_WAITING", 2)
    book, outbox, _state = _book(1)
    book.deliver(_batch((0, 1, 1.0), (0, 2, 1.0)))
    book.deliver(_batch((0, 3, 1.0)))

    assert (outbox.count, book.dropped) == (2, 1)
    assert [(entry.delivered, entry.dropped) for entry in book.ledger()] == [(2, 1)]
    assert MOST_WAITING == 5_000_000


def test_another_text_at_the_same_time_is_news() -> None:
    """A server that mends a text without moving its time says something new; the same text again is old news."""
    book, outbox, _state = _book()
    nan = float("nan")
    book.deliver(_batch((0, 10, nan), text=["idle"]))
    book.deliver(_batch((0, 10, nan), text=["idle"]))
    book.deliver(_batch((0, 10, nan), text=["running"]))

    batch = outbox.take()
    assert batch is not None
    assert batch.text is not None
    assert list(batch.text) == ["idle", "running"]


def test_a_batch_that_could_not_be_written_comes_first_again() -> None:
    """After a failure nothing is lost and the order is kept."""
    outbox = Outbox()
    outbox.put(_batch((1, 1, 1.0)))
    taken = outbox.take()
    assert taken is not None
    outbox.put(_batch((1, 2, 2.0)))
    assert outbox.count == 2
    outbox.back()

    assert _taken(outbox) == [(1, 1, 1.0), (1, 2, 2.0)]
    outbox.written()
    assert outbox.count == 0
    assert outbox.take() is None


def test_joining_fills_columns_that_some_batches_leave_out() -> None:
    """Values stay values, missing ones missing, texts at their rows, and a left-out status is good."""
    plain = _batch((1, 1, 1.0), (1, 2, float("nan")))
    rich = _batch(
        (2, 3, float("nan")),
        has_value=np.array([False]),
        text=["läuft"],
        status=np.array([9], np.int64),
        received_time=np.array([4], np.int64),
    )

    whole = joined([plain, rich])

    assert whole.has_value is not None
    assert whole.status is not None
    assert whole.received_time is not None
    assert whole.has_value.tolist() == [True, False, False]
    assert whole.text == [None, None, "läuft"]
    assert whole.status.tolist() == [0, 0, 9]
    assert whole.received_time.tolist() == [1, 2, 4]
    assert whole.server_time is None


def test_selecting_keeps_every_column_of_the_rows() -> None:
    """Rows are taken by mask, with their texts."""
    batch = _batch((1, 1, 1.0), (2, 2, 2.0), text=["a", "b"], status=np.array([1, 2], np.int64))

    part = selected(batch, np.array([False, True]))

    assert (part.point.tolist(), part.text, part.has_value) == ([2], ["b"], None)


def test_the_clock_of_a_live_device_runs_as_ours_with_its_offset() -> None:
    """Between two readings the device's time goes on at the pace of ours."""
    clock = DeviceClock(live=True)
    assert clock.at(5) == 5
    assert clock.observe(NOON, 1000 * SECOND)
    assert clock.observe(NOON + 10 * SECOND, 1009 * SECOND)

    assert clock.at(1011 * SECOND) == NOON + 12 * SECOND


def test_the_clock_of_a_simulated_plant_may_run_faster() -> None:
    """The pace is measured over all that was seen."""
    clock = DeviceClock(live=False)
    clock.observe(NOON, 1000 * SECOND)
    clock.observe(NOON + 3600 * SECOND, 1001 * SECOND)

    assert clock.at(1003 * SECOND) == NOON + 3 * 3600 * SECOND


@pytest.mark.parametrize("device", [0, -1, NOON * 1000, 2**62])
def test_times_that_cannot_be_are_refused(device: int) -> None:
    """1970, the year 58,000 and the like are no times of a plant."""
    clock = DeviceClock()

    assert not clock.observe(device, NOON)
    assert clock.at(NOON) == NOON


def test_a_live_clock_that_stands_still_is_not_believed_for_long() -> None:
    """After a minute without moving a device's clock is broken; a simulated plant may stand still."""
    live, simulated = DeviceClock(live=True), DeviceClock(live=False)
    for clock in (live, simulated):
        assert clock.observe(NOON, 0)
        assert clock.observe(NOON, 50 * SECOND)

    assert not live.observe(NOON, 61 * SECOND)
    assert simulated.observe(NOON, 61 * SECOND)
    assert live.observe(NOON + 1, 62 * SECOND)
