"""OPC UA values to columns of samples: ``batch_of`` what our own decoder read, ``columns`` what asyncua's did, one value at a time.

Both give the same for the same bytes, which tests prove; the one at a time is for answers that are few, such as history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
from asyncua import ua

from factory_kit.drivers.opcua.binary.columns import Columns
from factory_kit.drivers.opcua.parts import NO_DATA, Absent, Parts
from factory_kit.drivers.opcua.structures import Malformed
from factory_kit.drivers.status import Status, qualities
from factory_kit.model.sample import SampleBatch

__all__ = ["Notified", "batch_of", "columns", "microseconds", "of_places"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
Plain = tuple[float, bool, str | None]
"""Number, whether there is a value, and the text where the value is one."""
NOTHING: Plain = (float("nan"), False, None)


class Notified(Protocol):
    """One value of a notification: ``ClientHandle`` is the place of its item."""

    ClientHandle: int
    Value: Any


def columns(items: Sequence[Notified], received: int, parts: Parts | None = None) -> SampleBatch:
    """*items* as columns; ``point`` holds their handles.

    The time of a value is its source time, else the server's, else *received* (µs). Arrays and structures are no values:
    their samples are bad with the status BadNotSupported, unless *parts* knows which place in them an item means.
    """
    count = len(items)
    point, value = np.empty(count, np.int32), np.empty(count, np.float64)
    time, server, status = (np.empty(count, np.int64) for _ in range(3))
    has_value = np.empty(count, np.bool_)
    texts: list[str | None] = [None] * count
    for row, item in enumerate(items):
        data = item.Value
        code = 0 if data.StatusCode is None else int(data.StatusCode.value)
        point[row] = item.ClientHandle
        found = None if data.Value is None else data.Value.Value
        try:
            if parts is not None and parts.means(item.ClientHandle) and found is not None:
                found = parts.value(item.ClientHandle, found)
            value[row], has_value[row], texts[row] = _plain(found)
        except Absent:
            value[row], has_value[row], _text = NOTHING
            code = NO_DATA
        except Malformed:
            value[row], has_value[row], _text = NOTHING
            code = Status.BAD_DECODING_ERROR
        except _Unsupported:
            value[row], has_value[row], _text = NOTHING
            code = code or Status.BAD_NOT_SUPPORTED
        status[row] = code
        server[row] = microseconds(data.ServerTimestamp) or received
        time[row] = microseconds(data.SourceTimestamp) or server[row]
    return SampleBatch(
        point=point,
        time=time,
        value=value,
        quality=qualities(status),
        has_value=has_value,
        text=texts if any(text is not None for text in texts) else None,
        status=status,
        server_time=server,
        received_time=np.full(count, received, np.int64),
    )


def batch_of(found: Columns, received: int) -> SampleBatch:
    """*found* as samples, by the rules of ``columns``; ``point`` holds their handles.

    A handle from 2**31 on, which no server was ever given, becomes a negative one.
    """
    status = found.status
    if found.others:
        rows = np.fromiter(found.others, np.intp, len(found.others))
        status[rows[status[rows] == Status.GOOD]] = Status.BAD_NOT_SUPPORTED
    server = np.where(found.server, found.server, received)
    return SampleBatch(
        point=found.handle.view(np.int32),
        time=np.where(found.source, found.source, server),
        value=found.value,
        quality=qualities(status),
        has_value=found.has_value,
        text=found.text,
        status=status,
        server_time=server,
        received_time=np.full(len(found), received, np.int64),
    )


def of_places(batch: SampleBatch, count: int) -> SampleBatch:
    """*batch* without the samples of handles that were never given: there are *count* places."""
    if not len(batch) or int(batch.point.view(np.uint32).max()) < count:
        return batch
    return batch.rows(np.flatnonzero(batch.point.view(np.uint32) < count))


def microseconds(moment: datetime | None) -> int:
    """Microseconds since 1970, UTC; 0 where there is no time (servers send the year 1601 for that)."""
    if moment is None:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0, (moment - EPOCH) // MICROSECOND)


class _Unsupported(Exception):
    """The value is an array, a structure or something else that is no sample."""


def _plain(value: Any) -> Plain:
    if isinstance(value, int | float):  # bool and enumerations too
        return float(value), True, None
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return float("nan"), True, str(value)
    if isinstance(value, datetime):
        return float(microseconds(value)), True, None
    return float("nan"), True, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, ua.LocalizedText):
        return value.Text or ""
    if isinstance(value, ua.QualifiedName):
        return value.Name or ""
    if isinstance(value, ua.StatusCode):
        return str(value.name)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, ua.NodeId):
        return str(value.to_string())
    raise _Unsupported
