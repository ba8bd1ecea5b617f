"""How many things go into one call: found with two refusals at most, whatever the server bears and says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.drivers.opcua.limits import MOST_PER_CALL, MOST_READ, CallSize
from factory_kit.errors import DeviceRefused


class Server:
    """Bears *bears* things in a call."""

    def __init__(self, bears: int, *, hangs_up: bool = False) -> None:
        self.bears = bears
        self.hangs_up = hangs_up
        self.refused = 0
        self.asked: list[int] = []

    async def call(self, part: Sequence[int]) -> list[int]:
        self.asked.append(len(part))
        if len(part) <= self.bears:
            return [each * 2 for each in part]
        self.refused += 1
        if self.hangs_up:
            raise ConnectionResetError
        raise ua.uaerrors.BadTooManyOperations


@given(
    bears=st.integers(1, 1000), count=st.integers(0, 6000), said=st.sampled_from([None, 0, 1, 10, 100, 1000, 65_535])
)
def test_everything_is_answered_in_order_after_two_refusals_at_most(bears: int, count: int, said: int | None) -> None:
    """Also where the server says too much, or too little, and in all later calls together."""
    server, size = Server(bears), CallSize()
    size.allow(said)

    async def main() -> None:
        for _each in range(3):
            assert await size.calls(range(count), server.call) == [each * 2 for each in range(count)]

    asyncio.run(main())
    assert server.refused <= 2
    assert max(server.asked, default=0) <= MOST_PER_CALL


@pytest.mark.parametrize("bears", [1, 2, 15, 16, 17, 100, 333, 1000])
def test_the_size_found_is_no_less_than_half_of_what_the_server_bears(bears: int) -> None:
    """Or as much as three calls of growing size show; many small calls would be no kindness."""
    server, size = Server(bears), CallSize()

    asyncio.run(size.calls(range(10_000), server.call))

    assert bears / 2 <= size.size <= bears


@pytest.mark.parametrize("bears", [1, 9, 40, 700])
def test_a_server_that_hangs_up_is_asked_for_less_the_next_time(bears: int) -> None:
    """What broke the connection is remembered over the connection."""
    server, size = Server(bears, hangs_up=True), CallSize()
    broke = 0
    answers = None
    while answers is None:
        try:
            answers = asyncio.run(size.calls(range(3000), server.call))
        except ConnectionResetError:
            broke += 1
            assert broke <= 2
    assert len(answers) == 3000
    assert broke == server.refused >= 1


def test_what_a_server_says_is_taken_at_once() -> None:
    """No trying out where the limit is known; never more than the most."""
    server, size = Server(500), CallSize()
    size.allow(500)
    asyncio.run(size.calls(range(1000), server.call))
    assert server.asked == [500, 500]

    size = CallSize()
    size.allow(100_000)
    assert size.size == MOST_PER_CALL


def test_more_than_usual_is_asked_only_of_a_server_that_says_so() -> None:
    """Reads may be bigger than other calls where the server bears it; one that says nothing is not tried with more."""
    size = CallSize(said_most=MOST_READ)
    size.answered(MOST_PER_CALL)
    assert size.size == MOST_PER_CALL
    size.allow(5000)
    assert size.size == 5000
    size.allow(100_000)
    assert size.size == MOST_READ


def test_one_thing_too_many_is_an_error() -> None:
    """A server that does not even bear one thing is not asked in a circle."""
    with pytest.raises(ua.uaerrors.BadTooManyOperations):
        asyncio.run(CallSize().calls([1], Server(0).call))


def test_a_server_that_miscounts_is_not_relied_on() -> None:
    """An answer of another length could give values to the wrong points."""

    async def short(part: Sequence[int]) -> list[int]:
        return list(part)[:-1]

    with pytest.raises(DeviceRefused, match="3 things were asked for, 2 answered"):
        asyncio.run(CallSize().calls([1, 2, 3], short))
