"""Whole answers of OPC UA, field by field and cut at every byte."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from factory_kit.drivers.opcua.binary.columns import Columns
from factory_kit.drivers.opcua.binary.messages import (
    Notification,
    Published,
    published,
    read_answer,
    republished,
    subscription_of,
)
from factory_kit.drivers.opcua.binary.wire import Malformed

PUBLISH, REPUBLISH, READ = 829, 835, 634
MOMENT = 133_000_000_000_000_000


def numeric(kind: int, namespace: int = 0) -> bytes:
    """The type of a message in the form of seven bytes that few servers use."""
    return struct.pack("<BHI", 2, namespace, kind)


def short(kind: int, namespace: int = 0) -> bytes:
    """The type of a message in the form of four bytes that most servers use."""
    return struct.pack("<BBH", 1, namespace, kind)


def opened(
    kind: bytes, result: int = 0, explained: bytes = b"\0", texts: bytes = bytes(4), more: bytes = bytes(3)
) -> bytes:
    """The type of an answer and its ResponseHeader."""
    return kind + struct.pack("<qII", 11, 12, result) + explained + texts + more


def part(kind: bytes, body: bytes, form: int = 1, length: int | None = None) -> bytes:
    """An ExtensionObject that says of its body what it is told to say."""
    return kind + struct.pack("<Bi", form, len(body) if length is None else length) + body


def values(*numbers: float, information: bytes = bytes(4)) -> bytes:
    """The body of a DataChangeNotification, its items numbered from 1."""
    items = b"".join(struct.pack("<IBBd", place, 1, 11, number) for place, number in enumerate(numbers, start=1))
    return struct.pack("<i", len(numbers)) + items + information


def numbers(*each: int) -> bytes:
    """A list of whole numbers."""
    return struct.pack(f"<i{len(each)}I", len(each), *each)


def notification(*parts: bytes) -> bytes:
    """A NotificationMessage, number 3."""
    return struct.pack("<Iqi", 3, MOMENT, len(parts)) + b"".join(parts)


def publish(*parts: bytes, more: int = 0, header: bytes = opened(short(PUBLISH))) -> bytes:
    """A whole PublishResponse of subscription 7, up to the results of its acknowledgements."""
    return header + struct.pack("<I", 7) + numbers(3, 4) + bytes([more]) + notification(*parts) + numbers(5, 2**32 - 1)


def told(found: Notification) -> list[Any]:
    """The parts of a notification, columns as their values."""
    return [each.value.tolist() if isinstance(each, Columns) else each for each in found.parts]


CHANGE, STATUS, EVENTS = short(811), short(820), short(916)
EXPLAINED = b"\x13" + struct.pack("<iii", 1, 2, 3) + b"why"


def test_every_field_of_a_publish_answer_is_read() -> None:
    """Subscription, what is there, whether more waits, number and moment, parts, and what became of acknowledgements."""
    found = published(publish(part(CHANGE, values(1.5, 2.5)), more=1))

    assert (found.service_result, found.subscription, found.available, found.more) == (0, 7, (3, 4), True)
    assert (found.notification.sequence, found.notification.published, found.notification.empty) == (3, MOMENT, False)
    assert (told(found.notification), found.results) == ([[1.5, 2.5]], (5, 2**32 - 1))
    assert published(publish(more=0)).more is False


def test_a_sign_of_life_is_empty() -> None:
    """No part at all, which is something else than parts that nobody asked for."""
    assert published(publish()).notification == Notification(3, MOMENT, (), empty=True)
    assert published(publish(part(EVENTS, b"abc"))).notification == Notification(3, MOMENT, (), empty=False)


@pytest.mark.parametrize("header", [
    opened(numeric(PUBLISH)),
    opened(short(PUBLISH), result=1),
    opened(short(PUBLISH), result=0x40000000),
    opened(short(PUBLISH), explained=EXPLAINED),
    opened(short(PUBLISH), texts=struct.pack("<ii", 2, 3) + b"one" + struct.pack("<i", -1)),
    opened(short(PUBLISH), more=short(999) + b"\1" + struct.pack("<i", 2) + b"ab"),
])  # fmt: skip
def test_headers_of_every_kind_are_stepped_over(header: bytes) -> None:
    """The type in seven bytes, results that are good or uncertain, diagnostics, texts, and a header of somebody's own."""
    found = published(publish(part(CHANGE, values(4.0)), header=header))

    assert (found.subscription, told(found.notification), found.results) == (7, [[4.0]], (5, 2**32 - 1))
    assert subscription_of(publish(header=header)) == 7


@pytest.mark.parametrize(
    "kind", [b"\0\x3d", short(PUBLISH, 1), numeric(PUBLISH, 1), numeric(PUBLISH, 256), short(READ), b"\3\0\0" + struct.pack("<i", 3) + b"abc", b"\x81\0\x3d\3" + bytes(4)]
)  # fmt: skip
def test_a_type_of_another_name_is_another_answer(kind: bytes) -> None:
    """A number of one byte, another namespace, another service, a name that is a text, one with the URI of a namespace."""
    with pytest.raises(Malformed, match="another answer than the one that was asked for at byte 0"):
        published(publish(header=opened(kind)))


READERS: dict[int, Callable[[bytes], Any]] = {PUBLISH: published, REPUBLISH: republished, READ: read_answer}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("result", [0x80000000, 0x80340000, 0xC0000000])
def test_a_service_that_failed_answers_nothing_but_its_result(kind: int, result: int) -> None:
    """There may be no byte behind the header."""
    found = READERS[kind](opened(short(kind), result))

    if kind == PUBLISH:
        assert found == Published(result, 0, (), False, Notification(0, 0, (), empty=True), ())
        assert subscription_of(opened(short(kind), result)) == 0
    elif kind == REPUBLISH:
        assert found == (result, Notification(0, 0, (), empty=True))
    else:
        assert (found[0], len(found[1])) == (result, 0)


def test_what_was_lost_is_read_again() -> None:
    """A RepublishResponse is a notification and nothing else."""
    result, found = republished(opened(short(REPUBLISH), 2) + notification(part(CHANGE, values(1.0))))

    assert (result, found.sequence, found.published, told(found), found.empty) == (2, 3, MOMENT, [[1.0]], False)


def test_an_answer_to_read_is_read() -> None:
    """Its values by their place, and the result of the service."""
    result, found = read_answer(opened(short(READ), 2) + struct.pack("<iBBdBBd", 2, 1, 11, 1.5, 1, 11, 2.5) + bytes(4))

    assert (result, found.value.tolist(), found.handle.tolist()) == (2, [1.5, 2.5], [0, 1])


def test_parts_stand_in_their_order_and_what_nobody_asked_for_is_left_out() -> None:
    """Data, events, data, the end of the subscription, a part of no known type; types in four or in seven bytes."""
    ended = struct.pack("<IB", 0x800A0000, 0)
    parts = [
        part(CHANGE, values(1.0)), part(EVENTS, b"abc"), part(numeric(811), values(2.0, 3.0)), part(STATUS, ended), part(numeric(820), ended),
        part(b"\3\0\0" + struct.pack("<i", 3) + b"abc", b"xyz"), short(811, 1) + b"\0", numeric(811, 1) + b"\0", b"\0\x2b\0",
        part(CHANGE, values(4.0) + b"what a later edition adds"), part(STATUS, ended + b"more"), part(CHANGE, values(5.0)),
    ]  # fmt: skip

    found = published(publish(*parts))

    assert told(found.notification) == [[1.0], [2.0, 3.0], 0x800A0000, 0x800A0000, [4.0], 0x800A0000, [5.0]]
    assert found.results == (5, 2**32 - 1)


def test_a_part_of_unknown_length_ends_where_its_fields_end() -> None:
    """Data changes with and without diagnostics, and the end of a subscription with its own."""
    informed = struct.pack("<i", 2) + EXPLAINED + b"\0"
    parts = [
        part(CHANGE, values(1.0, information=informed), length=-1),
        part(STATUS, struct.pack("<I", 0x800A0000) + EXPLAINED, length=-1),
        part(CHANGE, values(2.0, 3.0, information=struct.pack("<i", -1)), length=-1),
    ]

    found = published(publish(*parts))

    assert (told(found.notification), found.results) == ([[1.0], 0x800A0000, [2.0, 3.0]], (5, 2**32 - 1))
    assert told(republished(opened(short(REPUBLISH)) + notification(*parts))[1]) == [[1.0], 0x800A0000, [2.0, 3.0]]


@pytest.mark.parametrize(("wrong", "said"), [
    (part(CHANGE, values(1.0), form=0), "without a body"), (part(CHANGE, values(1.0), form=2), "without a body"), (part(STATUS, bytes(5), form=3), "without a body"),
    (part(CHANGE, values(1.0), length=-2), "longer than the message"), (part(CHANGE, values(1.0), length=2**31 - 1), "longer than the message"),
    (part(CHANGE, values(1.0), length=17), "cut off"), (part(STATUS, struct.pack("<IB", 0x800A0000, 0), length=3), "cut off"), (part(STATUS, b""), "cut off"),
])  # fmt: skip
def test_a_part_that_cannot_be_is_malformed(wrong: bytes, said: str) -> None:
    """No body, one of XML, a length below -1 or behind the end, a field that goes on behind its part."""
    with pytest.raises(Malformed, match=said):
        published(publish(wrong))


def test_a_part_may_end_where_the_message_ends() -> None:
    """And not one byte behind it."""
    start = opened(short(REPUBLISH)) + struct.pack("<Iqi", 3, MOMENT, 1)

    assert told(republished(start + part(CHANGE, values(1.0)))[1]) == [[1.0]]
    with pytest.raises(Malformed, match="longer than the message"):
        republished(start + part(CHANGE, values(1.0), length=len(values(1.0)) + 1))


WHOLE = [
    publish(part(CHANGE, values(1.0)), part(EVENTS, b"abc"), part(STATUS, struct.pack("<IB", 1, 0)), more=1),
    publish(part(numeric(811), values(1.0, information=struct.pack("<i", 1) + EXPLAINED), length=-1), header=opened(numeric(PUBLISH), explained=EXPLAINED)),
    publish(part(STATUS, struct.pack("<I", 5) + EXPLAINED, length=-1)),
    opened(short(REPUBLISH)) + notification(part(CHANGE, values(1.0)), part(STATUS, struct.pack("<IB", 1, 0))),
    opened(short(READ)) + struct.pack("<iBBdBI", 2, 1, 11, 1.5, 2, 9),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WHOLE)))
def test_an_answer_that_is_cut_anywhere_is_malformed(number: int) -> None:
    """Only the results of acknowledgements may be missing altogether."""
    data = WHOLE[number]
    read = (published, published, published, republished, read_answer)[number]
    bare = len(data) - len(numbers(5, 2**32 - 1)) if read is published else None

    read(data)
    for size in range(len(data)):
        if size == bare:
            assert published(data[:size]).results == ()
            continue
        with pytest.raises(Malformed):
            read(data[:size])


def test_the_subscription_is_known_before_the_rest_has_come() -> None:
    """Its number behind the header is enough; with less it is malformed."""
    header = opened(short(PUBLISH))

    assert subscription_of(header + struct.pack("<I", 7)) == 7
    for size in range(len(header) + 4):
        with pytest.raises(Malformed):
            subscription_of((header + struct.pack("<I", 7))[:size])
