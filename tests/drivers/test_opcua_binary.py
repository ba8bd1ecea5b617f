"""Our decoder of OPC UA binary against asyncua's, on values of every built-in type, and against bytes that are none."""

from __future__ import annotations

import math
import os
import random
import struct
import tracemalloc
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, variant_to_binary
from hypothesis import example, given, settings
from hypothesis import strategies as st

from factory_kit.drivers.opcua.answers import published, read_answer, republished
from factory_kit.drivers.opcua.binary import items as items_module
from factory_kit.drivers.opcua.binary.columns import LATEST, UNIX_EPOCH
from factory_kit.drivers.opcua.binary.messages import published as told_of
from factory_kit.drivers.opcua.binary.wire import Malformed, end_of_variant
from factory_kit.drivers.opcua.values import columns
from factory_kit.model.sample import SampleBatch
from factory_kit.testing.rawbytes import Item, double

LONG = os.environ.get("FACTORY_KIT_LONG") == "1"
VALUES = 1_000_000 if LONG else 50_000
"""Generated DataValues that both decoders read."""
MUTATED = 60_000 if LONG else 3_000
RECEIVED = 1_790_000_000_000_000
Kind = ua.VariantType

# --- making bytes -------------------------------------------------------------------------------------------------------


def header(kind: int, handle: int = 5) -> bytes:
    """The type of an answer and a good ResponseHeader."""
    return struct.pack("<BBHqIIBiBBB", 1, 0, kind, 0, handle, 0, 0, 0, 0, 0, 0)


def change(found: Sequence[bytes], handles: Sequence[int] | None = None, information: bytes = bytes(4)) -> bytes:
    """A DataChangeNotification as a part of a notification."""
    numbers = range(len(found)) if handles is None else handles
    listed = b"".join(struct.pack("<I", handle) + value for handle, value in zip(numbers, found, strict=True))
    body = struct.pack("<i", len(found)) + listed + information
    return struct.pack("<BBHBi", 1, 0, 811, 1, len(body)) + body


def publish(*parts: bytes, more: bool = False, available: Sequence[int] = (), results: Sequence[int] = ()) -> bytes:
    """A whole PublishResponse of subscription 7, notification 3."""
    told = struct.pack(
        f"<Ii{len(available)}I?Iqi", 7, len(available), *available, more, 3, 133_000_000_000_000_000, len(parts)
    )
    return header(829) + told + b"".join(parts) + struct.pack(f"<i{len(results)}I", len(results), *results) + bytes(4)


def answer(found: Sequence[bytes]) -> bytes:
    """A whole ReadResponse."""
    return header(634) + struct.pack("<i", len(found)) + b"".join(found) + bytes(4)


def as_asyncua_reads(item: Item) -> bytes:
    """*item* with its fields in the order in which asyncua 2.1 reads them: both times before the picoseconds of the first.

    The standard puts the picoseconds behind their own time (OPC 10000-6, 5.2.2.17), and so do node-opcua and open62541.
    """
    tail = (
        ("<I", item.status),
        ("<q", item.source),
        ("<q", item.server),
        ("<H", item.source_pico),
        ("<H", item.server_pico),
    )
    return b"".join(
        (
            bytes([item.mask]),
            item.value or b"",
            *(struct.pack(form, each) for form, each in tail if each is not None),
        )
    )


# --- the two decoders beside each other ---------------------------------------------------------------------------------


def theirs(body: bytes) -> SampleBatch:
    """What asyncua's decoder and the one-at-a-time conversion make of a PublishResponse."""
    response = struct_from_binary(ua.PublishResponse, Buffer(body))
    found = [each for part in response.Parameters.NotificationMessage.NotificationData for each in part.MonitoredItems]
    return columns(found, RECEIVED)


def ours(body: bytes) -> SampleBatch:
    """What our decoder makes of it."""
    return published(Buffer(body), RECEIVED).batch


def assert_same(one: SampleBatch, other: SampleBatch) -> None:
    """All columns are equal, NaN to NaN."""
    for name in ("point", "time", "value", "quality", "has_value", "status", "server_time", "received_time"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    assert (one.text or [None] * len(one)) == (other.text or [None] * len(other))


def assert_both_agree(found: Sequence[Item]) -> None:
    """Both decoders give the same for *found* in a notification."""
    body = publish(change([each.encoded() for each in found]))
    for_asyncua = publish(change([as_asyncua_reads(each) for each in found]))
    assert_same(ours(body), theirs(for_asyncua))


# --- generated values ---------------------------------------------------------------------------------------------------

WORDS = ("", "läuft", "运行", "RUNNING", "a" * 300, "\x00", "🏭")
TIMES = (
    0,
    1,
    UNIX_EPOCH - 1,
    UNIX_EPOCH,
    UNIX_EPOCH + 9,
    133_000_000_000_000_017,
    LATEST - 1,
    LATEST,
    2**63 - 1,
    -1,
    -(2**63),
)
STATUSES = (0, 0x480, 0x40000000, 0x80340000, 0xC0000000, 0xFFFFFFFF, 0x00000400, 0x803D0000)
BITS = {
    Kind.SByte: -8,
    Kind.Byte: 8,
    Kind.Int16: -16,
    Kind.UInt16: 16,
    Kind.Int32: -32,
    Kind.UInt32: 32,
    Kind.Int64: -64,
    Kind.UInt64: 64,
}


def raw(kind: int, body: bytes) -> bytes:
    """A Variant of *kind* from the bytes of its value."""
    return bytes([kind]) + body


def number_of(chance: random.Random, kind: Any) -> bytes:
    """A Variant of a whole number, often at the ends of its range."""
    bits = BITS[kind]
    low, high = (-(2 ** (-bits - 1)), 2 ** (-bits - 1) - 1) if bits < 0 else (0, 2**bits - 1)
    value = chance.choice([low, high, 0, min(high, 1), chance.randint(low, high), min(high, 2**53 + 1)])
    return bytes(variant_to_binary(ua.Variant(value, kind)))


SPECIAL: dict[Any, Callable[[random.Random], bytes]] = {
    Kind.Null: lambda _chance: b"\x00",
    Kind.Boolean: lambda chance: raw(1, bytes([chance.choice([0, 1, 2, 255])])),
    Kind.Float: lambda chance: raw(10, chance.choice([struct.pack("<f", chance.uniform(-1e9, 1e9)), chance.randbytes(4)])),
    Kind.Double: lambda chance: raw(11, chance.choice([struct.pack("<d", chance.uniform(-1e9, 1e9)), chance.randbytes(8)])),
    Kind.String: lambda chance: raw(12, text_of(chance)),
    Kind.DateTime: lambda chance: raw(13, struct.pack("<q", chance.choice([*TIMES, chance.randrange(2**62)]))),
    Kind.Guid: lambda chance: raw(14, chance.randbytes(16)),
    Kind.ByteString: lambda chance: raw(15, text_of(chance)),
    Kind.XmlElement: lambda chance: raw(16, text_of(chance)),
    Kind.NodeId: lambda chance: made(ua.NodeId(chance.choice([0, 70_000, 255, "näme", b"\x01\x02", uuid.UUID(int=chance.getrandbits(128))]), chance.randrange(3))),
    Kind.ExpandedNodeId: lambda chance: made(ua.ExpandedNodeId(chance.randrange(2**32), 2, ua.NodeIdType.Numeric, chance.choice([None, "urn:x"]), chance.choice([None, 4]))),
    Kind.StatusCode: lambda chance: raw(19, struct.pack("<I", chance.choice(STATUSES))),
    Kind.QualifiedName: lambda chance: made(ua.QualifiedName(chance.choice(WORDS), chance.randrange(5))),
    Kind.LocalizedText: lambda chance: made(ua.LocalizedText(chance.choice([None, *WORDS]), chance.choice([None, "zh"]))),
    Kind.ExtensionObject: lambda chance: chance.choice([made(ua.EUInformation("urn:u", 4, ua.LocalizedText("kW"), ua.LocalizedText("kW"))), raw(22, b"\x01\x02\x39\x30\x01\x03\x00\x00\x00abc"), raw(22, bytes(3))]),
    Kind.DataValue: lambda chance: made(ua.DataValue(ua.Variant(chance.random())), Kind.DataValue),
    Kind.DiagnosticInfo: lambda _chance: raw(25, b"\x13" + struct.pack("<ii", 1, 2) + b"\x01\x00\x00\x00x"),
}  # fmt: skip


def text_of(chance: random.Random) -> bytes:
    """A String: a word, none, or bytes that are no UTF-8."""
    if chance.random() < 0.1:
        return struct.pack("<i", -1)
    word = chance.choice([*(each.encode() for each in WORDS), b"\xff\xfe"])
    return struct.pack("<i", len(word)) + word


def made(value: Any, kind: Any = None) -> bytes:
    """A Variant as asyncua encodes it."""
    return bytes(variant_to_binary(ua.Variant(value, kind)))


def array_of(chance: random.Random) -> bytes:
    """An array or a matrix, also an empty one and none at all."""
    kind = chance.choice(
        [
            Kind.Double,
            Kind.Int16,
            Kind.String,
            Kind.Boolean,
            Kind.LocalizedText,
            Kind.Guid,
            Kind.DateTime,
            Kind.Variant,
            Kind.NodeId,
        ]
    )
    content = {
        Kind.Double: 1.5, Kind.Int16: -3, Kind.String: "ab", Kind.Boolean: True, Kind.LocalizedText: ua.LocalizedText("x"), Kind.Guid: uuid.UUID(int=5),
        Kind.DateTime: datetime(2026, 1, 1, tzinfo=UTC), Kind.Variant: ua.Variant("v"), Kind.NodeId: ua.NodeId(3, 1),
    }[kind]  # fmt: skip
    form = chance.randrange(4)
    if form == 0:
        return bytes([0x80 | kind.value]) + struct.pack("<i", -1)
    if form == 1:
        return made([content] * chance.randrange(5), kind)
    if form == 2:
        return made([[content] * 2] * 3, kind)
    return bytes([0xC0 | kind.value]) + struct.pack("<ii", -1, 0)


def value_of(chance: random.Random) -> bytes:
    """A Variant of any built-in type, or an array."""
    if chance.random() < 0.1:
        return array_of(chance)
    kind = chance.choice([*BITS, *SPECIAL])
    return number_of(chance, kind) if kind in BITS else SPECIAL[kind](chance)


def item_of(chance: random.Random, value: bytes | None) -> Item:
    """A DataValue with any of its fields left out."""
    return Item(
        value,
        chance.choice([None, None, *STATUSES]),
        *(chance.choice([None, *TIMES, 133_000_000_000_000_000 + chance.randrange(10**15)]) if even else chance.choice([None, None, 77]) for even in (True, False, True, False)),
    )  # fmt: skip


def items_of(chance: random.Random, count: int) -> list[Item]:
    """*count* items, now all different, now in runs of one type and mask."""
    found: list[Item] = []
    while len(found) < count:
        length = chance.choice([1, 1, 1, 2, 5, 7, 8, 9, 40, 700])
        example_item = item_of(chance, None if chance.random() < 0.1 else value_of(chance))
        fresh = (
            chance.random() < 0.5
            and length > 1
            and example_item.value is not None
            and example_item.value[0] == Kind.Double.value
        )
        found += [_again(chance, example_item) if fresh else example_item for _each in range(length)]
    return found[:count]


def _again(chance: random.Random, item: Item) -> Item:
    """Another value and time of the same type and mask."""
    return Item(
        double(chance.random()),
        item.status,
        None if item.source is None else chance.randrange(2**62),
        item.source_pico,
        item.server,
        item.server_pico,
    )


@given(st.randoms(use_true_random=False), st.integers(0, 40))
@settings(max_examples=150)
def test_any_values_are_read_as_asyncua_reads_them(chance: random.Random, count: int) -> None:
    """Every type, every combination of fields, arrays and matrices: all columns are equal."""
    assert_both_agree(items_of(chance, count))


def test_many_values_are_read_as_asyncua_reads_them() -> None:
    """So do runs of them, by the thousand (a million with FACTORY_KIT_LONG=1)."""
    chance = random.Random(20_260_901)  # noqa: S311 - no secret
    for _message in range(VALUES // 500):
        assert_both_agree(items_of(chance, 500))


@given(st.randoms(use_true_random=False), st.integers(0, 40))
@settings(max_examples=60)
def test_answers_to_read_are_read_as_asyncua_reads_them(chance: random.Random, count: int) -> None:
    """Results stand in the order of the question and have no handles of their own."""
    found = items_of(chance, count)
    places = list(range(100, 100 + count))

    batch, told = read_answer(Buffer(answer([each.encoded() for each in found])), places, RECEIVED)

    expected = theirs(publish(change([as_asyncua_reads(each) for each in found], places)))
    assert told == count
    assert_same(batch, expected)


@pytest.mark.parametrize("mask", range(64))
def test_every_combination_of_fields_is_read(mask: int) -> None:
    """All 64 masks, alone and in a run."""
    full = (double(2.5), 0x480, 133_000_000_000_000_000, 12, 133_000_000_010_000_000, 34)
    value, status, source, source_pico, server, server_pico = full
    chosen = Item(
        value if mask & 1 else None,
        status if mask & 2 else None,
        source if mask & 4 else None,
        source_pico if mask & 16 else None,
        server if mask & 8 else None,
        server_pico if mask & 32 else None,
    )
    assert chosen.mask == mask
    assert_both_agree([chosen])
    assert_both_agree([chosen] * 300)


def test_picoseconds_stand_behind_their_own_time() -> None:
    """As the standard says, not as asyncua 2.1 reads them: the server's time is not shifted by two bytes."""
    item = Item(double(1.0), None, UNIX_EPOCH + 10_000_000, 5, UNIX_EPOCH + 20_000_000, 6)

    batch = ours(publish(change([item.encoded()])))

    assert batch.server_time is not None
    assert (batch.time[0], batch.server_time[0]) == (1_000_000, 2_000_000)


def test_whole_numbers_beyond_doubles_become_the_nearest() -> None:
    """A counter from 2**53 on is rounded, as every double is; smaller ones are exact."""
    exact, beyond = 2**53 - 1, 2**53 + 1
    found = [Item(made(each, Kind.UInt64)) for each in (exact, beyond, 2**64 - 1)]

    assert ours(publish(change([each.encoded() for each in found]))).value.tolist() == [
        float(exact),
        float(beyond),
        2.0**64,
    ]


# --- messages -----------------------------------------------------------------------------------------------------------


def test_a_notification_says_what_it_is() -> None:
    """Subscription, number, moment, what is still to come and what became of acknowledgements."""
    told = told_of(publish(change([Item(double(1.0)).encoded()]), more=True, available=[3, 4], results=[0, 0x80150000]))

    assert (told.subscription, told.more, told.available, told.results) == (7, True, (3, 4), (0, 0x80150000))
    assert (told.notification.sequence, told.notification.empty) == (3, False)


def test_a_sign_of_life_holds_nothing() -> None:
    """An answer without data says which number comes next."""
    told = published(Buffer(publish()), RECEIVED)

    assert (told.has_data, told.sequence, len(told.batch), told.ended) == (False, 3, 0, None)


def test_several_notifications_in_one_message_are_one_batch() -> None:
    """Data changes before and behind each other, an event list between them that nobody asked for."""
    first = change([Item(made("a")).encoded(), Item(made([1.0, 2.0])).encoded()], [4, 5])
    second = change([Item(double(2.0)).encoded()], [6])
    events = struct.pack("<BBHBi", 1, 0, 916, 1, 4) + bytes(4)

    batch = ours(publish(first, events, second))

    assert batch.point.tolist() == [4, 5, 6]
    assert batch.text == ["a", None, None]
    assert batch.status is not None
    assert batch.status.tolist() == [0, 0x803D0000, 0]


def test_the_end_of_a_subscription_is_told() -> None:
    """StatusChangeNotification carries the status with which it ends."""
    body = struct.pack("<IB", 0x800A0000, 0)
    part = struct.pack("<BBHBi", 1, 0, 820, 1, len(body)) + body

    assert published(Buffer(publish(part)), RECEIVED).ended == 0x800A0000


def test_diagnostics_are_stepped_over() -> None:
    """A server that explains itself, in the header, for the items and for the acknowledgements, is understood."""
    information = b"\x53" + struct.pack("<ii", 1, 2) + b"\x01\x00\x00\x00x" + b"\x00"
    part = change([Item(double(4.0)).encoded()], None, struct.pack("<i", 1) + information)
    explained = struct.pack("<BBHqII", 1, 0, 829, 0, 5, 0) + information + struct.pack("<ii", 1, 2) + b"no" + bytes(3)

    body = explained + publish(part)[len(header(829)) :]

    assert ours(body).value.tolist() == [4.0]


def test_a_notification_of_unknown_length_is_read() -> None:
    """Old servers write -1 for the length of what they have not finished encoding."""
    part = bytearray(change([Item(double(4.0)).encoded()] * 9))
    part[5:9] = b"\xff" * 4

    assert ours(publish(bytes(part), bytes(part))).value.tolist() == [4.0] * 18


def test_republished_notifications_are_read() -> None:
    """What was lost and asked for again."""
    body = header(835) + struct.pack("<Iqi", 9, 0, 1) + change([Item(double(4.0)).encoded()])

    told = republished(Buffer(body), 7, RECEIVED)

    assert (told.subscription, told.sequence, told.batch.value.tolist()) == (7, 9, [4.0])


@pytest.mark.parametrize("kind", [829, 835, 634])
def test_a_bad_service_result_is_raised(kind: int) -> None:
    """An answer of the right type whose header says that the service failed is an error with its name."""
    body = struct.pack("<BBHqIIBiBBB", 1, 0, kind, 0, 5, 0x80340000, 0, 0, 0, 0, 0)
    decode = {
        829: lambda: published(Buffer(body), RECEIVED),
        835: lambda: republished(Buffer(body), 7, RECEIVED),
        634: lambda: read_answer(Buffer(body), [], RECEIVED),
    }[kind]

    with pytest.raises(ua.uaerrors.BadNodeIdUnknown):
        decode()


def test_another_answer_than_the_one_asked_for_is_refused() -> None:
    """A ReadResponse is no PublishResponse."""
    with pytest.raises(Malformed, match="another answer"):
        published(Buffer(answer([])), RECEIVED)


def test_a_handle_that_was_never_given_is_negative() -> None:
    """So that whoever knows the items can leave it out."""
    batch = ours(publish(change([Item(double(1.0)).encoded()] * 2, [2**31, 2**32 - 1])))

    assert (batch.point < 0).all()


# --- bytes that are none ------------------------------------------------------------------------------------------------


def survives(body: bytes) -> SampleBatch | None:
    """What is read of *body*; None where it is refused in the one way there is."""
    try:
        return published(Buffer(body), RECEIVED).batch
    except (Malformed, ua.UaStatusCodeError):
        return None


def test_no_cut_message_is_read() -> None:
    """A message that ends too early, anywhere, is refused, never read as if it were whole."""
    chance = random.Random(7)  # noqa: S311
    body = publish(change([each.encoded() for each in items_of(chance, 60)]))
    whole = ours(body)
    ends = range(len(body)) if LONG or len(body) < 4000 else sorted(chance.sample(range(len(body)), 2000))
    for end in ends:
        found = survives(body[:end])
        if found is not None:  # only what follows the data can be missing unnoticed
            assert_same(found, whole)


@pytest.mark.parametrize("value", [double(1.0), made("word"), made([1, 2], Kind.Int16), made(ua.NodeId(1)), None])
@pytest.mark.parametrize("count", [1, 20])
def test_items_end_where_their_notification_ends(value: bytes | None, count: int) -> None:
    """The last item may not reach into what follows, even where the message has bytes enough."""
    body = struct.pack("<I", 7) + Item(value, None, UNIX_EPOCH, None, UNIX_EPOCH).encoded()
    data = body * count + bytes(200)

    assert items_module.read_items(data, 0, count, len(body) * count, handles=True)[1] == len(body) * count
    with pytest.raises(Malformed):
        items_module.read_items(data, 0, count, len(body) * count - 3, handles=True)


def test_mutated_messages_are_refused_or_read_within_their_bytes() -> None:
    """Flipped, repeated and overwritten bytes: an error of ours or some values, never another error, a hang or big memory."""
    chance = random.Random(99)  # noqa: S311
    bodies = [publish(change([each.encoded() for each in items_of(chance, 30)])) for _each in range(20)]
    tracemalloc.start()
    try:
        for _round in range(MUTATED):
            body = bytearray(chance.choice(bodies))
            for _change in range(chance.randrange(1, 4)):
                at = chance.randrange(len(body))
                kind = chance.randrange(4)
                if kind == 0:
                    body[at] ^= 1 << chance.randrange(8)
                elif kind == 1:
                    body[at : at + 4] = struct.pack("<i", chance.choice([-1, -2, 2**31 - 1, 10**6, 0, 255]))
                elif kind == 2:
                    del body[at : at + chance.randrange(9)]
                else:
                    body[at:at] = chance.randbytes(chance.randrange(9))
                if not body:
                    break
            found = survives(bytes(body))
            assert found is None or len(found) <= len(body)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=300))
@example(b"\x01\x00\x3d\x03")
@settings(max_examples=300)
def test_any_bytes_are_refused_or_read(noise: bytes) -> None:
    """Random bytes behind a good header give nothing, or no more values than they have bytes."""
    for body in (header(829) + noise, noise):
        batch = survives(body)
        assert batch is None or len(batch) <= len(body)


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x80" + struct.pack("<i", 2**31 - 1),  # an array of nothing, two thousand million times
        b"\x8b" + struct.pack("<i", 2**31 - 1),
        b"\x98" + struct.pack("<i", 2**30),
        b"\x0c" + struct.pack("<i", 2**31 - 1),
        b"\x0c" + struct.pack("<i", -2),
        b"\x18" * 100_000,  # a Variant in a Variant in a Variant …
        b"\x19" + b"\x40" * 100_000,  # diagnostics of diagnostics …
        b"\x17\x01" * 100_000,
        b"\x16\x01\x00\x00\x00\x01" + struct.pack("<i", 2**31 - 1),
        b"\xcb" + struct.pack("<iii", 0, 2**29, 2**31 - 1),
    ],
)
def test_lengths_that_lie_cost_nothing(bomb: bytes) -> None:
    """A count is believed only as far as the bytes reach, and nesting has an end."""
    with pytest.raises(Malformed):
        ours(publish(change([bytes([1]) + bomb + bytes(16)])))
    with pytest.raises(Malformed):
        end_of_variant(bomb + bytes(16), 0, len(bomb) + 16)


def test_more_values_than_bytes_are_refused_at_once() -> None:
    """The count of a list is checked before room for it is made."""
    body = publish(change([Item(double(1.0)).encoded()]))
    place = body.index(struct.pack("<BBHB", 1, 0, 811, 1)) + 9

    with pytest.raises(Malformed, match=r"longer than the message|more values"):
        ours(body[:place] + struct.pack("<i", 10_000_000) + body[place + 4 :])


def read_anew(body: bytes) -> SampleBatch | None:
    """What is read when nothing is remembered."""
    items_module._SHAPES.clear()
    return survives(body)


def test_a_remembered_shape_is_used_only_where_it_fits() -> None:
    """Messages of one shape, of another one with as many items, and broken ones: read as if nothing were remembered."""
    chance = random.Random(5)  # noqa: S311
    for _round in range(40 if LONG else 15):
        found = items_of(chance, 25)
        whole = publish(change([each.encoded() for each in found]))
        bodies = [whole, publish(change([each.encoded() for each in items_of(chance, 25)]))]
        for _change in range(40):
            body = bytearray(whole)
            for _byte in range(chance.randrange(1, 3)):
                body[chance.randrange(len(body))] = chance.randrange(256)
            bodies.append(bytes(body))
        for body in bodies:
            expected = read_anew(body)
            read_anew(whole)
            batch = survives(body)
            assert (batch is None) == (expected is None)
            if batch is not None and expected is not None:
                assert_same(batch, expected)


def test_a_shape_is_walked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers, texts and arrays in the same order, other numbers and words of the same length: only the first is walked."""
    walked: list[int] = []
    walk = items_module._Reading.walk
    monkeypatch.setattr(items_module._Reading, "walk", lambda self, *rest: (walked.append(1), walk(self, *rest))[1])
    items_module._SHAPES.clear()

    def message(number: float, word: str | None) -> list[Item]:
        kinds = [
            double(number),
            made(word, Kind.String),
            made([number, number]),
            made(int(number), Kind.Int16),
            made(True),
        ]
        return [Item(each, None, UNIX_EPOCH + 10 * int(number), None, UNIX_EPOCH) for each in kinds * 20]

    for number, word in ((1.0, "one"), (2.0, "two"), (3.0, "six")):
        assert_both_agree(message(number, word))
    assert len(walked) == 1
    assert_both_agree(message(4.0, None))
    assert_both_agree(message(4.0, ""))
    assert len(walked) == 3


def test_what_is_remembered_is_bounded() -> None:
    """Shapes of servers that always tell of another number of items do not pile up."""
    for count in range(items_module.LONG + 1, items_module.LONG + 3 * items_module.MOST_SHAPES):
        ours(publish(change([Item(double(1.0)).encoded()] * count)))

    assert len(items_module._SHAPES) <= items_module.MOST_SHAPES


@settings(deadline=None, max_examples=150)
@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_values_that_are_all_alike_are_read_as_asyncua_reads_them(chance: random.Random, count: int) -> None:
    """Items of one type and mask from the first to the last, and the same with some of another kind around them."""
    first, other = item_of(chance, made(1.5, Kind.Double)), item_of(chance, value_of(chance))
    alike = [_again(chance, first) for _each in range(count)]
    assert_both_agree(alike)
    assert_both_agree([other] * count)
    assert_both_agree([*alike, other])
    assert_both_agree([other, *alike, other, *alike])


def test_runs_are_read_as_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of items alike cost a few steps, not one each: what makes the decoder fast is still in use."""
    looked: list[int] = []
    run = items_module._Reading._run_length

    def counted(self: Any, *arguments: Any) -> int:
        looked.append(run(self, *arguments))
        return looked[-1]

    monkeypatch.setattr(items_module._Reading, "_run_length", counted)
    items_module._SHAPES.clear()
    found = [
        Item(double(float(each)), None, UNIX_EPOCH + each, None, UNIX_EPOCH + each).encoded() for each in range(5000)
    ]

    batch = ours(publish(change(found)))

    assert looked == [5000 - items_module.LONG - 1]
    assert batch.value.tolist() == [float(each) for each in range(5000)]
    assert not math.isnan(batch.value[-1])
