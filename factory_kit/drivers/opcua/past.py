"""Raw history of nodes, page by page, with continuation points; what a server forgets of them is asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
from asyncua import ua

from factory_kit.drivers.base import Past, Stretch
from factory_kit.drivers.opcua.answers import nothing
from factory_kit.drivers.opcua.errors import status_name
from factory_kit.drivers.opcua.limits import CallSize
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.drivers.opcua.values import columns
from factory_kit.model.sample import SampleBatch

__all__ = ["PER_PAGE", "pages"]

PER_PAGE = 1000
"""Values of one node in one answer."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AGAIN = frozenset({"BadContinuationPointInvalid", "BadNoContinuationPoints"})
"""The server lost its place, or has no place left: the rest is asked for anew."""
TRIES = 3


@dataclass(slots=True)
class _Open:
    """A stretch that is being read: how far, how many values at that very time were handed out, and the server's bookmark."""

    stretch: Stretch
    start: int
    given: int = 0
    point: bytes | None = None
    tries: int = 0
    page: tuple[object, ...] = ()
    """What the last page with new values held."""


async def pages(
    session: Any,
    nodes: Mapping[int, ua.NodeId],
    stretches: Sequence[Stretch],
    size: CallSize,
    now: Callable[[], int],
    parts: Parts | None = None,
) -> AsyncIterator[Past]:
    """The history of *stretches*, several nodes in a call where they want the same time."""
    waiting = [_Open(each, each.start) for each in stretches]
    try:
        while waiting:
            group = _alike(waiting)
            answers = await size.calls(group, lambda part: _asked(session, nodes, part))
            waiting = waiting[len(group) :]
            for each, answer in zip(group, answers, strict=True):
                page, more = _taken(each, answer, now(), parts)
                if more:
                    waiting.insert(0, each)
                yield page
    finally:
        await _release(session, nodes, [each for each in waiting if each.point])


def _alike(waiting: list[_Open]) -> list[_Open]:
    """The first of *waiting* and those directly after it that can be asked with it, moved to the front."""
    first = waiting[0]
    key = _key(first)
    group = [each for each in waiting if _key(each) == key]
    rest = [each for each in waiting if _key(each) != key]
    waiting[:] = [*group, *rest]
    return group


def _key(each: _Open) -> tuple[int, int, bool]:
    # With a bookmark the times do not matter to the server, but one call has one pair of them.
    return (each.stretch.start if each.point else each.start, each.stretch.end, each.point is not None)


async def _asked(session: Any, nodes: Mapping[int, ua.NodeId], part: Sequence[_Open]) -> list[Any]:
    first = part[0]
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=_moment(first.stretch.start if first.point else first.start),
        EndTime=_moment(first.stretch.end + 1),  # the end itself is not included (OPC 10000-11, 6.5.3)
        NumValuesPerNode=PER_PAGE,
        ReturnBounds=False,
    )
    parameters = ua.HistoryReadParameters(
        HistoryReadDetails=details, TimestampsToReturn=ua.TimestampsToReturn.Both, ReleaseContinuationPoints=False
    )
    parameters.NodesToRead = [
        ua.HistoryReadValueId(NodeId=nodes[each.stretch.item], ContinuationPoint=each.point) for each in part
    ]
    return list(await session.history_read(parameters))


def _taken(each: _Open, answer: Any, received: int, parts: Parts | None) -> tuple[Past, bool]:
    """The page in *answer*, and whether *each* has to be asked again."""
    item = each.stretch.item
    bookmarked, each.point = each.point is not None, None
    status = int(answer.StatusCode.value)
    if status >> 30 == 2:  # bad
        name = status_name(status)
        if name in AGAIN and each.tries < TRIES:
            each.tries += 1
            return Past(item, nothing(received), last=False), True
        return Past(item, nothing(received), status, name), False
    each.point = bytes(answer.ContinuationPoint) if answer.ContinuationPoint else None
    batch = _batch(item, answer, received, parts)
    count = len(batch)
    batch = _fresh(batch, each, 0 if bookmarked else each.given)
    # A full page without a bookmark may have been cut off; a server that gives nothing new any more has no more.
    more = each.point is not None or (count >= PER_PAGE and len(batch) > 0)
    page = (batch.time.tobytes(), batch.value.tobytes(), *(batch.text or ()))
    if len(batch) and not (bookmarked and page == each.page):
        last = int(batch.time.max())
        same = int((batch.time == last).sum())
        each.given = same + (each.given if last == each.start else 0)
        each.start, each.page = last, page
        each.tries = 0
    elif each.point is not None:  # nothing, or the same over again: some servers promise more for ever
        batch = nothing(received)
        each.tries += 1
        more = each.tries < TRIES
    return Past(item, batch, last=not more), more


def _batch(item: int, answer: Any, received: int, parts: Parts | None) -> SampleBatch:
    data = answer.HistoryData
    values = getattr(data, "DataValues", None) or []
    # The history's own marks (raw, interpolated, multiple values: OPC 10000-11, 5.2.3) are no news about the value.
    return columns([SimpleNamespace(ClientHandle=item, Value=value) for value in values], received, parts)


def _fresh(batch: SampleBatch, each: _Open, given: int) -> SampleBatch:
    """*batch* within the stretch and without the *given* values that were handed out before, where the last page ended."""
    keep = (batch.time >= each.start) & (batch.time <= each.stretch.end)
    keep[np.flatnonzero(batch.time == each.start)[:given]] = False
    if keep.all():
        return batch
    return batch.rows(np.flatnonzero(keep))


async def _release(session: Any, nodes: Mapping[int, ua.NodeId], left: Sequence[_Open]) -> None:
    """The server may forget the bookmarks of what nobody reads on; where that fails, the end of the session does it."""
    if not left:
        return
    parameters = ua.HistoryReadParameters(
        HistoryReadDetails=ua.ReadRawModifiedDetails(StartTime=EPOCH, EndTime=EPOCH),
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ReleaseContinuationPoints=True,
    )
    parameters.NodesToRead = [
        ua.HistoryReadValueId(NodeId=nodes[each.stretch.item], ContinuationPoint=each.point) for each in left
    ]
    with suppress(Exception):
        await asyncio.wait_for(session.history_read(parameters), 2)


def _moment(time: int) -> datetime:
    return EPOCH + timedelta(microseconds=time)
