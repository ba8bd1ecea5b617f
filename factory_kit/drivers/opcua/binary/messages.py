"""Whole answers as columns: what Publish and Republish deliver, and what Read answers (OPC 10000-4, 5.11.2 and 5.14.5)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from factory_kit.drivers.opcua.binary.columns import Columns, one_after_the_other
from factory_kit.drivers.opcua.binary.items import read_items
from factory_kit.drivers.opcua.binary.wire import (
    NONE,
    U32,
    Malformed,
    count_of,
    end_of_diagnostics,
    end_of_extension,
    end_of_list,
    end_of_nodeid,
    end_of_string,
)

__all__ = ["Notification", "Published", "published", "read_answer", "republished", "subscription_of"]


def _types(number: int) -> frozenset[bytes]:
    """The NodeIds of a binary encoding, whose *number* is one of OPC 10000-6, A.3: in four bytes and in seven."""
    return frozenset({FOUR.pack(1, 0, number), SEVEN.pack(2, 0, number)})


FOUR, SEVEN = Struct("<BBH"), Struct("<BHI")
PUBLISH, REPUBLISH, READ = _types(829), _types(835), _types(634)
DATA_CHANGE, STATUS_CHANGE = _types(811), _types(820)
SEQUENCE_AND_TIME = Struct("<Iq")


@dataclass(frozen=True, slots=True)
class Notification:
    """What a server told in one numbered message; ``published`` is a DateTime as encoded."""

    sequence: int
    published: int
    parts: tuple[Columns | int, ...]
    """Columns of data changes, and the statuses of a change of the subscription itself; events are left out."""
    empty: bool
    """Whether it was only a sign of life."""


@dataclass(frozen=True, slots=True)
class Published:
    """An answer to Publish."""

    service_result: int
    subscription: int
    available: tuple[int, ...]
    more: bool
    notification: Notification
    results: tuple[int, ...]
    """What became of the acknowledgements."""


def published(data: bytes) -> Published:
    """*data* is a whole PublishResponse. ``Malformed``."""
    result, at = _answered(data, PUBLISH)
    if result & BAD:
        return Published(result, 0, (), False, Notification(0, 0, (), empty=True), ())
    subscription = _u32(data, at, len(data))
    available, at = _numbers(data, at + 4)
    if at >= len(data):
        raise Malformed("the answer is cut off", at)
    more = data[at] != 0
    notification, at = _notification(data, at + 1)
    results, _at = _numbers(data, at) if at < len(data) else ((), at)
    return Published(result, subscription, available, more, notification, results)


def subscription_of(data: bytes) -> int:
    """The subscription that a whole PublishResponse is of; 0 where it is an error. ``Malformed``."""
    result, at = _answered(data, PUBLISH)
    return 0 if result & BAD else _u32(data, at, len(data))


def republished(data: bytes) -> tuple[int, Notification]:
    """The service result and the notification of a whole RepublishResponse. ``Malformed``."""
    result, at = _answered(data, REPUBLISH)
    if result & BAD:
        return result, Notification(0, 0, (), empty=True)
    return result, _notification(data, at)[0]


def read_answer(data: bytes) -> tuple[int, Columns]:
    """The service result and the values of a whole ReadResponse. ``Malformed``."""
    result, at = _answered(data, READ)
    if result & BAD:
        return result, one_after_the_other(())
    columns, _at = read_items(data, at + 4, count_of(data, at, len(data)), len(data), handles=False)
    return result, columns


BAD = 0x80000000


def _answered(data: bytes, types: frozenset[bytes]) -> tuple[int, int]:
    """The service result of an answer of one of *types*, and where its own fields begin (ResponseHeader: OPC 10000-4, 7.33)."""
    end = len(data)
    at = end_of_nodeid(data, 0, end)
    if data[:at] not in types:
        raise Malformed("another answer than the one that was asked for", 0)
    result = _u32(data, at + 12, end)
    at = end_of_diagnostics(data, at + 16, end)
    for _text in range(count_of(data, at, end)):
        at = end_of_string(data, at + 4, end) - 4
    return result, end_of_extension(data, at + 4, end)


def _notification(data: bytes, at: int) -> tuple[Notification, int]:
    end = len(data)
    count = count_of(data, at + 12, end)
    sequence, time = SEQUENCE_AND_TIME.unpack_from(data, at)
    at += 16
    parts: list[Columns | int] = []
    for _part in range(count):
        part, at = _part_of(data, at, end)
        if part is not None:
            parts.append(part)
    return Notification(sequence, time, tuple(parts), empty=not count), at


def _part_of(data: bytes, at: int, end: int) -> tuple[Columns | int | None, int]:
    """One ExtensionObject of a notification; None where it is nothing we asked for."""
    form, behind = end_of_nodeid(data, at, end), end_of_extension(data, at, end)
    kind, start = data[at:form], form + 5
    if kind not in DATA_CHANGE | STATUS_CHANGE:
        return None, behind
    if data[form] != 1:
        raise Malformed("a notification without a body", at)
    known = not data.startswith(NONE, form + 1)
    limit = behind if known else end
    if kind in STATUS_CHANGE:
        return _u32(data, start, limit), behind if known else end_of_diagnostics(data, start + 4, end)
    return _data_change(data, start, limit, known=known)


def _data_change(data: bytes, at: int, end: int, *, known: bool) -> tuple[Columns, int]:
    """DataChangeNotification; some old servers do not say how long it is (-1), so that it must be read to know."""
    columns, behind = read_items(data, at + 4, count_of(data, at, end), end, handles=True)
    if known:
        return columns, end
    for _information in range(count_of(data, behind, end)):
        behind = end_of_diagnostics(data, behind + 4, end) - 4
    return columns, behind + 4


def _numbers(data: bytes, at: int) -> tuple[tuple[int, ...], int]:
    behind = end_of_list(data, at, len(data), 4)
    return tuple(_u32(data, place, behind) for place in range(at + 4, behind, 4)), behind


def _u32(data: bytes, at: int, end: int) -> int:
    if at + 4 > end:
        raise Malformed("the message is cut off", at)
    number: int
    (number,) = U32.unpack_from(data, at)
    return number
