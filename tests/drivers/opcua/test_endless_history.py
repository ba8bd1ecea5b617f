"""Histories that have no end: a server whose bookmarks lead to what came before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asyncua import ua

from factory_kit.drivers.base import Stretch
from factory_kit.drivers.opcua.limits import CallSize
from factory_kit.drivers.opcua.past import pages

MOST = 50
Turn = Callable[[int], Sequence[tuple[int, float]]]


class Session:
    """Answers the question of that number with the (second, value)s of *turn*, each time with a bookmark, until *last*."""

    def __init__(self, turn: Turn, last: int) -> None:
        self.asked, self._turn, self._last = 0, turn, last

    async def history_read(self, parameters: Any) -> list[Any]:
        """One page."""
        if parameters.ReleaseContinuationPoints:
            return []
        self.asked += 1
        assert self.asked < MOST, "asked for ever"
        values = [
            ua.DataValue(
                ua.Variant(value), SourceTimestamp=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
            )
            for second, value in self._turn(self.asked)
        ]
        point = b"more" if self.asked < self._last else None
        return [
            SimpleNamespace(
                StatusCode=ua.StatusCode(), ContinuationPoint=point, HistoryData=SimpleNamespace(DataValues=values)
            )
        ]


def read(turn: Turn, last: int = MOST) -> list[tuple[int, float]]:
    """What is read of seconds 1 to 100, where the server promises more up to its answer *last*."""

    async def main() -> list[tuple[int, float]]:
        stretch = Stretch(0, 1_000_000, 100_000_000)
        found = []
        async for page in pages(Session(turn, last), {0: ua.NodeId(1)}, [stretch], CallSize(), lambda: 0):
            found += list(zip((page.batch.time // 1_000_000).tolist(), page.batch.value.tolist(), strict=True))
        return found

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("turn", "found"),
    [
        (lambda _n: [(2, 7.0)], [(2, 7.0)]),
        (lambda _n: [(2, 7.0), (3, 8.0)], [(2, 7.0), (3, 8.0)]),
        (lambda n: [(2, 7.0)] if n % 2 else [(3, 8.0), (4, 9.0)], [(2, 7.0), (3, 8.0), (4, 9.0)]),
        (lambda n: [(2, 7.0)] if n % 2 else [], [(2, 7.0)]),
    ],
)
def test_a_history_that_repeats_itself_comes_to_an_end(turn: Turn, found: list[tuple[int, float]]) -> None:
    """The same page for ever, pages in a circle, empty ones between them: a few questions; nothing new is made of them."""
    assert sorted(set(read(turn))) == found
    assert len(read(turn)) <= len(found) + 1


def test_many_values_of_one_moment_all_come() -> None:
    """Page by page with bookmarks, each of another value, also where one value comes back later."""
    values = [1.0, 2.0, 1.0, 3.0, 1.0, 2.0, 4.0]

    assert read(lambda n: [(5, values[n - 1])], last=len(values)) == [(5, value) for value in values]
