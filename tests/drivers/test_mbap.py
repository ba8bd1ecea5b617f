"""Modbus TCP byte by byte: answers in pieces, late ones, foreign ones, rubbish."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.drivers.base import ReadRequest
from factory_kit.drivers.modbus.lanes import Lanes
from factory_kit.drivers.modbus.mbap import Mbap
from factory_kit.drivers.modbus.requests import identification, reading, words_of
from factory_kit.drivers.modbus.wire import Spoiled

REQUEST = ReadRequest(7, "holding", 100, 4)
QUESTION = reading(REQUEST)
GOOD = bytes([3, 8]) + struct.pack(">4H", 100, 101, 102, 103)


class Ear:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.said: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.said.append(data)

    def close(self) -> None:
        pass


def _frame(number: int, pdu: bytes, unit: int = 7) -> bytes:
    return struct.pack(">HHHB", number, 0, len(pdu) + 1, unit) + pdu


def _asked(pieces: list[bytes], patience: float = 5.0) -> Any:
    """What comes of one question when *pieces* arrive."""

    async def main() -> Any:
        wire, ear = Mbap("127.0.0.1", 1), Ear()
        wire.connection_made(ear)  # type: ignore[arg-type]
        asking = asyncio.create_task(wire.ask(QUESTION, patience, 0))
        await asyncio.sleep(0)
        assert ear.said == [_frame(1, QUESTION.pdu)]
        for piece in pieces:
            for start in range(0, len(piece), 1000):
                part = piece[start : start + 1000]
                wire.get_buffer(-1)[: len(part)] = part
                wire.buffer_updated(len(part))
        try:
            return await asking
        except (Spoiled, OSError) as error:
            return error
        finally:
            wire.close()

    return asyncio.run(main())


OTHERS = st.lists(st.tuples(st.integers(2, 65535), st.binary(min_size=2, max_size=60)), max_size=4)


@given(OTHERS, st.lists(st.integers(1, 40), max_size=6))
def test_an_answer_is_found_among_late_ones_however_the_stream_is_cut(
    late: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    """Answers with other numbers in front are passed over, and pieces of any length make one stream."""
    stream = b"".join(_frame(number, pdu) for number, pdu in late) + _frame(1, GOOD)
    pieces, place = [], 0
    for cut in cuts:
        pieces.append(stream[place : place + cut])
        place += cut

    answer = _asked([*pieces, stream[place:]])

    assert answer == GOOD
    words = words_of(answer, REQUEST)
    assert words is not None
    assert words.tolist() == [100, 101, 102, 103]


@given(st.binary(max_size=300))
def test_rubbish_is_never_an_answer(data: bytes) -> None:
    """Any bytes end in the right answer's absence: a time-out or a word about what came, never in values for another number."""
    answer = _asked([data], patience=0.001)

    assert isinstance(answer, Spoiled | OSError) or data[:2] == b"\0\1"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (_frame(1, GOOD, unit=8), "unit 8 answered for unit 7"),
        (_frame(1, bytes([4]) + GOOD[1:]), "function 4 answered function 3"),
        (b"HTTP/1.1 400 Bad Request\r\n", "not Modbus"),
    ],
)
def test_an_answer_of_another_kind_is_no_answer(frame: bytes, reason: str) -> None:
    """Another unit, another function, another protocol: said, and not used."""
    answer = _asked([frame])

    assert isinstance(answer, Spoiled)
    assert str(answer) == reason


@given(st.binary(max_size=260))
def test_any_identification_is_read_or_refused(data: bytes) -> None:
    """Objects that claim more bytes than came are malformed, never an error."""
    found = identification(data)

    assert found is None or all(len(value) <= len(data) for value in found.values.values())


@given(
    st.binary(min_size=0, max_size=260), st.sampled_from(["coil", "discrete", "holding", "input"]), st.integers(1, 125)
)
def test_words_are_as_many_as_asked_for_or_none(answer: bytes, table: Any, count: int) -> None:
    """An answer of another length than its request implies holds no words."""
    words = words_of(answer, ReadRequest(1, table, 0, count))

    assert words is None or len(words) == count


def test_who_waited_long_enough_goes_before_the_urgent() -> None:
    """High priority goes first, but a low one is not passed for ever."""

    async def main() -> list[str]:
        lanes = Lanes([Mbap("127.0.0.1", 1)])
        lane = await lanes.take(1)
        order: list[str] = []

        async def one(name: str, priority: int) -> None:
            mine = await lanes.take(priority)
            order.append(name)
            lanes.give(mine)

        waiting = [
            asyncio.create_task(one("low", 2)),
            asyncio.create_task(one("normal", 1)),
            asyncio.create_task(one("high", 0)),
        ]
        await asyncio.sleep(0)
        lanes.give(lane)
        await asyncio.gather(*waiting)
        lane = await lanes.take(1)
        waiting = [asyncio.create_task(one("low", 2))]
        await asyncio.sleep(2.05)
        waiting.append(asyncio.create_task(one("high", 0)))
        await asyncio.sleep(0)
        lanes.give(lane)
        await asyncio.gather(*waiting)
        return order

    assert asyncio.run(main()) == ["high", "normal", "low", "low", "high"]


def test_a_lane_is_not_lost_with_who_waited_for_it() -> None:
    """Who is cancelled while waiting, or in the moment of getting it, leaves the lane to the next."""

    async def main() -> None:
        lanes = Lanes([Mbap("127.0.0.1", 1)])
        lane = await lanes.take(1)
        first, second = asyncio.create_task(lanes.take(1)), asyncio.create_task(lanes.take(1))
        await asyncio.sleep(0)
        lanes.give(lane)
        first.cancel()
        assert await asyncio.wait_for(second, 1) is lane

    asyncio.run(main())
