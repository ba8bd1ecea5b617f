from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any, get_args
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.collect.decode import Decoder, Slot
from factory_kit.drivers.address import registers_of
from factory_kit.drivers.base import Words
from factory_kit.model.connector import ORDERS, DataType, Point, Role
from factory_kit.model.definition import Text

FORMATS = {
    "int16": ">h", "uint16": ">H", "bits16": ">H", "int32": ">i", "uint32": ">I", "bits32": ">I", "int64": ">q", "uint64": ">Q", "bits64": ">Q",
    "datetime": ">q", "float32": ">f", "float64": ">d",
}  # fmt: skip
EIGHT = [
    "".join(pair[::-1] if swapped else pair for pair in pairs)
    for pairs in permutations(("AB", "CD", "EF", "GH"))
    for swapped in (False, True)
]
"""Every order of eight bytes in which the two of a register stay together."""


def _point(kind: str, order: str = "ABCD", **more: Any) -> Point:
    label = Text(zh="值", en="value")
    return Point.model_validate(
        {
            "name": "value",
            "label": label,
            "role": Role.OTHER,
            "address": "holding:0",
            "type": kind,
            "order": order,
            **more,
        }
    )


def _words(*values: int) -> Words:
    return np.array(values, dtype=np.uint16)


def _decode(item: Point, data: Words, bit: int | None = None) -> Any:
    return Decoder([Slot(item, 0, bit)], len(data))(data)


def _reference(item: Point, data: Words) -> float:
    """The value by the definition of the orders, byte by byte, with exact fractions."""
    wire = b"".join(int(word).to_bytes(2, "big") for word in data)
    order = item.order if len(item.order) == 8 else _spelled_out(item.order, len(wire))
    ordered = bytes(wire[order.index(letter)] for letter in sorted(order))
    raw = struct.unpack(FORMATS[item.type], ordered)[0]
    if isinstance(raw, float) and not math.isfinite(raw):
        return raw
    try:
        return float(Fraction(raw) * Fraction(item.scale) + Fraction(item.offset))
    except OverflowError:
        return math.inf if raw * float(item.scale) > 0 else -math.inf


def _spelled_out(order: str, size: int) -> str:
    """The pattern *order* over *size* bytes, such as GHEFCDAB for CDAB over eight."""
    pairs = ["ABCDEFGH"[place : place + 2] for place in range(0, size, 2)]
    if order in {"BADC", "DCBA"}:
        pairs = [pair[::-1] for pair in pairs]
    return "".join(pairs[::-1] if order in {"CDAB", "DCBA"} else pairs)


def _parts(number: int, count: int = 3) -> tuple[int, ...]:
    """The *count* words of *number*, most significant first."""
    return tuple(number >> 16 * place & 0xFFFF for place in reversed(range(count)))


SCALES = st.sampled_from(
    ["1", "0.1", "0.01", "0.001", "10", "1000", "0.000001", "3.6", "-0.1", "1.5e-7", "123456.789"]
).map(Decimal)
OFFSETS = st.sampled_from(["0", "0", "0", "-40", "273.15", "0.5", "-32768"]).map(Decimal)


@st.composite
def _points_and_words(draw: st.DrawFn) -> tuple[list[Point], Words]:
    items = []
    for kind in draw(st.lists(st.sampled_from(sorted(FORMATS)), min_size=1, max_size=30)):
        orders = [*ORDERS, *EIGHT] if struct.calcsize(FORMATS[kind]) == 8 else ORDERS
        items.append(_point(kind, draw(st.sampled_from(orders)), scale=draw(SCALES), offset=draw(OFFSETS)))
    length = sum(registers_of(item) for item in items)
    return items, _words(*draw(st.lists(st.integers(0, 65535), min_size=length, max_size=length)))


@given(_points_and_words())
def test_decoding_equals_a_plain_reference(drawn: tuple[list[Point], Words]) -> None:
    """Every type in every order with every scale gives the nearest double of the exact value, all points at once."""
    items, data = drawn
    slots, place = [], 0
    for item in items:
        slots.append(Slot(item, place))
        place += registers_of(item)

    decoded = Decoder(slots, len(data))(data)

    expected = [_reference(slot.point, data[slot.offset : slot.offset + registers_of(slot.point)]) for slot in slots]
    assert [value for value in decoded.value if not math.isnan(value)] == [
        value for value in expected if not math.isnan(value)
    ]
    assert np.isnan(decoded.value).tolist() == [math.isnan(value) for value in expected]
    assert decoded.known.all()


HELD = {
    "unix64": (0, 0, 1, 1), "date_bytes": (0x1A0B, 0x1508, 0x3100), "date_bcd": (0x2611, 0x2108, 0x4900), "date_words": (2026, 11, 21, 8, 49, 0),
    "iec870": (26, 0x0B15, 0x0831, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", get_args(DataType))
def test_every_type_of_a_connector_is_decoded(kind: str) -> None:
    """There is no data type that a connector may name and the decoder does not know."""
    item = _point(kind, size=2 if kind == "string" else 0)

    decoded = _decode(item, _words(*HELD.get(kind, [0x0101] * registers_of(item))))

    assert decoded.known.all()
    assert (decoded.text is not None) == (kind == "string")


@pytest.mark.parametrize(
    ("order", "data"),
    [("ABCD", (0x1234, 0x5678)), ("DCBA", (0x7856, 0x3412)), ("BADC", (0x3412, 0x7856)), ("CDAB", (0x5678, 0x1234))],
)
def test_the_four_orders_of_32_bits(order: str, data: tuple[int, int]) -> None:
    """A is the most significant byte, and the letters stand in the order of the wire."""
    assert _decode(_point("uint32", order), _words(*data)).value[0] == 0x12345678


@pytest.mark.parametrize(
    ("order", "data"),
    [
        ("ABCD", (0x0123, 0x4567, 0x89AB, 0x4DEF)), ("DCBA", (0xEF4D, 0xAB89, 0x6745, 0x2301)),
        ("BADC", (0x2301, 0x6745, 0xAB89, 0xEF4D)), ("CDAB", (0x4DEF, 0x89AB, 0x4567, 0x0123)),
    ],
)  # fmt: skip
def test_the_four_orders_of_64_bits(order: str, data: tuple[int, ...]) -> None:
    """For 64 bits the same pattern runs over four registers."""
    assert _decode(_point("uint64", order), _words(*data)).raw[0] == 0x0123456789AB4DEF


def test_scales_give_the_nearest_double() -> None:
    """2301 tenths are 230.1, though 2301 * 0.1 in doubles is 230.10000000000002."""
    assert _decode(_point("uint16", scale=Decimal("0.1")), _words(2301)).value[0] == 230.1
    assert 2301 * 0.1 != 230.1


def test_offsets_are_exact() -> None:
    """A raw -401 with scale 0.1 and offset -40 is -80.1."""
    assert _decode(_point("int16", scale=Decimal("0.1"), offset=Decimal(-40)), _words(0xFE6F)).value[0] == -80.1


def test_large_64_bit_numbers_are_rounded_once() -> None:
    """2**64 - 1 thousandths is the nearest double of the exact quotient."""
    item = _point("uint64", scale=Decimal("0.001"))

    assert _decode(item, _words(65535, 65535, 65535, 65535)).value[0] == float(Fraction(2**64 - 1, 1000))


def test_nan_of_the_machine_is_a_value() -> None:
    """A float register that says NaN is known, though it is no number."""
    decoded = _decode(_point("float32"), _words(0x7FC0, 0))

    assert math.isnan(decoded.value[0])
    assert decoded.known[0]


def test_bcd_with_a_wrong_digit_is_no_value() -> None:
    """A half-byte above 9 makes a BCD number unknown, not zero and not a number."""
    decoded = _decode(_point("bcd16"), _words(0x12A4))

    assert math.isnan(decoded.value[0])
    assert not decoded.known[0]


def test_bcd_reads_decimal_digits() -> None:
    """0x1234 0x5678 is 12345678, and 56781234 with swapped words."""
    assert _decode(_point("bcd16"), _words(0x9870)).value[0] == 9870
    assert _decode(_point("bcd32"), _words(0x1234, 0x5678)).value[0] == 12345678
    assert _decode(_point("bcd32", "CDAB"), _words(0x1234, 0x5678)).value[0] == 56781234


def test_one_byte_types_take_the_low_byte() -> None:
    """int8 and uint8 are the low byte of their register, or the high one with swapped bytes."""
    assert _decode(_point("uint8"), _words(0x12FE)).value[0] == 0xFE
    assert _decode(_point("int8"), _words(0x12FE)).value[0] == -2
    assert _decode(_point("uint8", "BADC"), _words(0x12FE)).value[0] == 0x12


@pytest.mark.parametrize("bit", range(16))
def test_bits_count_from_the_least_significant(bit: int) -> None:
    """Bit 0 of a register is its least significant one."""
    assert _decode(_point("bool"), _words(1 << bit), bit).value[0] == 1
    assert _decode(_point("bool"), _words(0xFFFF ^ (1 << bit)), bit).value[0] == 0


def test_a_register_is_true_unless_it_is_zero() -> None:
    """A bool without a bit is 1 for every number but 0."""
    assert _decode(_point("bool"), _words(0x0100)).value[0] == 1
    assert _decode(_point("bool"), _words(0)).value[0] == 0


@pytest.mark.parametrize(
    ("order", "data", "text"),
    [
        ("ABCD", b"DTSD 1352\0\0x", "DTSD 1352"),
        ("BADC", b"TDDS3125", "DTSD1352"),
        ("ABCD", "松江电表".encode("gbk"), "松江电表"),
        ("ABCD", "电表".encode(), "电表"),
    ],
)
def test_strings_end_at_the_first_zero(order: str, data: bytes, text: str) -> None:
    """A string is ASCII, UTF-8 or GBK, two signs in a register, up to the first zero and without spaces around it."""
    registers = np.frombuffer(data, dtype=">u2").astype(np.uint16)

    decoded = _decode(_point("string", order, size=len(registers)), registers)

    assert decoded.text == [text]
    assert math.isnan(decoded.value[0])


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("gbk", "温度".encode("gbk"), "温度"),
        ("utf-16", "温度A".encode("utf-16-be"), "温度A"),
        ("utf-16", b"\0A\0c\0r\0e\0l\0\0", "Acrel"),
        ("ascii", b"DTSD\xb0\xa1", "DTSD\ufffd\ufffd"),
    ],
)
def test_a_string_is_read_in_the_signs_its_maker_used(charset: str, data: bytes, text: str) -> None:
    """With a charset nothing is guessed: GBK, two bytes a sign, or one ASCII sign a register; what does not belong is marked."""
    registers = np.frombuffer(data, dtype=">u2").astype(np.uint16)

    assert _decode(_point("string", size=len(registers), charset=charset), registers).text == [text]


MOMENT = datetime(2026, 11, 21, 8, 49, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "data", "microsecond"),
    [
        ("unix32", divmod(round(MOMENT.timestamp()), 65536), 0),
        ("sec2000", divmod(round(MOMENT.timestamp()) - 946_684_800, 65536), 0),
        ("unix64", (0, *_parts(round(MOMENT.timestamp() * 1000) + 250)), 250_000),
        ("datetime", _parts(round(MOMENT.timestamp() * 1e6) + 17, 4), 17),
        ("date_bytes", (0x1A0B, 0x1508, 0x3107), 0),
        ("date_bcd", (0x2611, 0x2108, 0x4907), 0),
        ("date_words", (26, 11, 21, 8, 49, 7), 0),
        ("iec870", (26, 0x0B00 | 6 << 5 | 21, 0x8800 | 49, 7250), 250_000),
    ],
)
def test_every_form_of_a_date_is_microseconds_since_1970(kind: str, data: tuple[int, ...], microsecond: int) -> None:
    """Counts since 1970 or 2000 and the parts of a date, in bytes, digits, words or as IEC 60870-5-4, give the same moment."""
    decoded = _decode(_point(kind), _words(*data))

    expected = MOMENT.replace(microsecond=microsecond)
    assert decoded.raw[0] == round(expected.timestamp()) * 1_000_000 + microsecond
    assert decoded.value[0] == decoded.raw[0]


@pytest.mark.parametrize("kind", ["date_bytes", "date_bcd", "date_words", "iec870"])
def test_a_date_that_no_calendar_has_is_no_value(kind: str) -> None:
    """Zeros, which devices hold before their clock is set, are unknown and never 1999 or 2000."""
    decoded = _decode(_point(kind), _words(*[0] * registers_of(_point(kind))))

    assert not decoded.known[0]
    assert math.isnan(decoded.value[0])


def test_a_date_on_the_wall_of_the_plant_becomes_utc() -> None:
    """08:49:07 in Shanghai is eight hours earlier in UTC."""
    slot = Slot(_point("date_bytes"), 0, zone=ZoneInfo("Asia/Shanghai"))

    decoded = Decoder([slot], 3)(_words(0x1A0B, 0x1508, 0x3107))

    assert decoded.raw[0] == (round(MOMENT.timestamp()) - 8 * 3600) * 1_000_000


@pytest.mark.parametrize(
    ("kind", "na", "data"),
    [
        ("int16", "0x8000", (0x8000,)), ("int16", "sunspec", (0x8000,)), ("int64", "sunspec", (0x8000, 0, 0, 0)), ("uint32", "sunspec", (0xFFFF, 0xFFFF)), ("int16", "-32768", (0x8000,)), ("uint16", "0xffff 65534", (0xFFFE,)), ("uint16", "sunspec", (0xFFFF,)),
        ("int32", "sunspec", (0x8000, 0)), ("uint32", "4294967295", (0xFFFF, 0xFFFF)), ("uint64", "sunspec", (0xFFFF,) * 4),
        ("float32", "nan", (0x7FC0, 1)), ("float32", "sunspec", (0xFFC0, 0)), ("float32", "-9999", (0xC61C, 0x3C00)), ("float32", "0x7F7FFFFF", (0x7F7F, 0xFFFF)),
        ("float64", "nan", (0x7FF8, 0, 0, 0)), ("bits16", "0xFFFF", (0xFFFF,)), ("bcd16", "0xFFFF", (0xFFFF,)), ("sec2000", "sunspec", (0xFFFF, 0xFFFF)),
        ("uint64", "18446744073709551615", (0xFFFF,) * 4), ("bits64", "9223372036854775808", (0x8000, 0, 0, 0)), ("int64", "9223372036854775807", (0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF)),
        ("uint64", "4611686018427387904", (0x4000, 0, 0, 0)), ("uint64", "0xFFFFFFFFFFFFFFFF", (0xFFFF,) * 4), ("date_words", "0x1FFFFFFFFFFFFFFFFFFFFFFF", (0x1FFF, *(0xFFFF,) * 5)),
        ("uint16", "sunspec 7", (7,)), ("uint16", "7 sunspec", (7,)), ("uint16", "8 sunspec 7", (0xFFFF,)), ("int64", "-9223372036854775808", (0x8000, 0, 0, 0)), ("int64", "9007199254740993", (0x20, 0, 0, 1)), ("int32", "-1.0", (0xFFFF, 0xFFFF)), ("float32", "-9999.1", (0xC61C, 0x3C66)),
    ],
)  # fmt: skip
def test_a_sentinel_is_no_value(kind: str, na: str, data: tuple[int, ...]) -> None:
    """What the device says instead of a value, as bits or as a number, is absent, and its neighbour is not touched."""
    item, other = _point(kind, na=na), _point(kind)
    decoded = Decoder([Slot(item, 0), Slot(other, len(data))], 2 * len(data))(_words(*data, *[1] * len(data)))

    assert decoded.absent.tolist() == [True, False]
    assert decoded.known.tolist() == [False, True]
    assert (decoded.absent.dtype, decoded.known.dtype) == (np.bool_, np.bool_)
    assert math.isnan(decoded.value[0])


@pytest.mark.parametrize(
    ("kind", "na", "data"),
    [
        ("uint16", "0.5", (0,)), ("int16", "-0.5", (0,)), ("int64", "9007199254740993", (0x20, 0, 0, 0)), ("int64", "18446744073709551615", (0xFFFF,) * 4),
        ("uint64", "18446744073709551616", (0, 0, 0, 0)), ("int64", "9223372036854775808", (0x8000, 0, 0, 0)), ("uint64", "9223372036854775807", (0xFFFF,) * 4),
        ("uint64", "0x1FFFFFFFFFFFFFFFF", (0xFFFF,) * 4), ("uint64", "0x10000000000000000", (0, 0, 0, 0)), ("uint16", "0x10000", (0,)),
        ("int64", "-9223372036854775809", (0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF)), ("uint32", "0xFFFF", (1, 0xFFFF)), ("uint16", "nan", (0x7FC0,)), ("float32", "0x7FC00001", (0x7FC0, 0)), ("uint16", "65535", (0xFFFE,)),
    ],
)  # fmt: skip
def test_a_number_near_a_sentinel_is_a_value(kind: str, na: str, data: tuple[int, ...]) -> None:
    """Neither the whole number beside a broken one, nor the nearest double, nor the same bits under another sign."""
    assert _decode(_point(kind, na=na), _words(*data)).absent.tolist() == [False]


def test_each_number_of_64_bits_has_its_own_scale() -> None:
    """Also from 2**63 on, behind other types and before others."""
    large, scales = 2**63 + 2**40, ("0.1", "2", "0.5", "3")
    kinds = ("uint16", "uint64", "uint64", "bits64")
    slots = [
        Slot(_point(kind, scale=scale), 4 * place)
        for place, (kind, scale) in enumerate(zip(kinds, scales, strict=True))
    ]

    decoded = Decoder(slots, 16)(_words(7, 0, 0, 0, *_parts(large, 4), *_parts(large + 2**50, 4), *_parts(large, 4)))

    expected = [
        float(Fraction(scale) * raw) for scale, raw in zip(scales, (7, large, large + 2**50, large), strict=True)
    ]
    assert decoded.value.tolist() == expected


def test_an_empty_string_may_be_a_sentinel() -> None:
    """A SunSpec string of zeros is absent; one of a point that does not say so is empty, and one with signs is what it is."""
    slots = [
        Slot(_point("string", size=2, **more), place)
        for place, more in ((0, {"na": "sunspec"}), (0, {}), (2, {"na": "sunspec"}))
    ]
    decoded = Decoder(slots, 4)(_words(0, 0, 0x4142, 0))

    assert (decoded.text, decoded.absent.tolist(), decoded.known.tolist()) == (
        [None, "", "AB"],
        [True, False, False],
        [False, True, True],
    )


@pytest.mark.parametrize(("power", "value"), [(-2, 23.01), (0, 2301.0), (3, 2_301_000.0), (-10, 2301e-10), (-1, 230.1)])
def test_a_scale_factor_from_a_register_scales_exactly(power: int, value: float) -> None:
    """2301 with the factor -2 is 23.01, the nearest double, and the factor may change from answer to answer."""
    slots = [
        Slot(_point("uint16", sf="a_sf"), 0, factor=1),
        Slot(_point("int16"), 1),
        Slot(_point("uint16", sf="-1"), 0),
    ]
    decoder = Decoder(slots, 2)
    decoder(_words(1, 5))

    assert decoder(_words(2301, power % 65536)).value.tolist() == [value, power, 230.1]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("bcd16", (0x00A0,)), ("bcd32", (0xA000, 0)), ("bcd64", (0, 0, 0, 0x000F)), ("mod10k32", (10_000, 0)), ("mod10k48", (0, 10_000, 0)),
        ("mod10k64", (0, 0, 0, 10_000)), ("unix64", (0xFFFF,) * 4), ("unix64", _parts(2**62 // 1000 + 1, 4)), ("unix64", (0x7FFF, 0, 0, 0)),
    ],
)  # fmt: skip
def test_words_that_hold_nothing_of_their_type_are_no_value(kind: str, data: tuple[int, ...]) -> None:
    """A digit too large, a date before 1970 or far beyond every calendar: unknown, and not said to be absent by the device."""
    decoded = _decode(_point(kind), _words(*data))

    assert (decoded.known.tolist(), decoded.absent.tolist(), decoded.raw.tolist()) == ([False], [False], [0])
    assert math.isnan(decoded.value[0])


@pytest.mark.parametrize(
    ("kind", "data", "raw"),
    [
        ("unix64", _parts(2**62 // 1000, 4), 2**62 // 1000 * 1000), ("unix64", (0, 0, 0, 0), 0), ("unix32", (0xFFFF, 0xFFFF), (2**32 - 1) * 10**6),
        ("sec2000", (0, 0), 946_684_800_000_000), ("mod10k64", (9999,) * 4, 10**16 - 1), ("bcd64", (0x9999,) * 4, 10**16 - 1),
    ],
)  # fmt: skip
def test_the_largest_and_the_smallest_of_a_type_are_values(kind: str, data: tuple[int, ...], raw: int) -> None:
    """To the last one."""
    decoded = _decode(_point(kind), _words(*data))

    assert (decoded.known.tolist(), decoded.raw.tolist()) == ([True], [raw])


def test_two_byte_signs_end_at_a_zero_sign_not_at_two_zero_bytes() -> None:
    """The second half of one sign and the first half of the next may both be zero."""
    assert _decode(_point("string", size=3, charset="utf-16"), _words(0x0100, 0x0041, 0)).text == ["ĀA"]


def test_a_sentinel_that_a_type_cannot_have_is_none() -> None:
    """SunSpec knows no truth value that says nothing."""
    assert _decode(_point("bool", na="sunspec"), _words(0xFFFF)).known.tolist() == [True]


def test_scale_factors_that_change_all_the_time_are_not_remembered_for_ever() -> None:
    """Each answer is right, and what is kept of them is bounded."""
    decoder = Decoder([Slot(_point("uint16", sf="a_sf"), 0, factor=1), Slot(_point("int16"), 1)], 2)

    kept = []
    for power in [*range(-10, 11)] * 2:
        assert decoder(_words(23, power % 65536)).value[0] == float(Fraction(23) * Fraction(10) ** power)
        kept.append(len(decoder._scales))
    assert kept[:18] == [*range(1, 17), 1, 2]
    assert max(kept) == 16


@pytest.mark.parametrize("held", [0x8000, 11, 0xFFF5, 0xFF00])
def test_without_its_scale_factor_a_value_is_none(held: int) -> None:
    """A factor that is not implemented or beyond what SunSpec allows leaves nothing to believe."""
    slots = [Slot(_point("uint16", sf="a_sf"), 0, factor=1), Slot(_point("int16", na="sunspec"), 1)]

    decoded = Decoder(slots, 2)(_words(2301, held))

    assert (decoded.known[0], decoded.absent[0]) == (False, True)
    assert math.isnan(decoded.value[0])


@pytest.mark.parametrize(
    ("kind", "first", "top", "order", "value"),
    [
        ("uint16", 4, 7, "ABCD", 0xC),
        ("uint16", 0, 0, "ABCD", 1),
        ("uint32", 12, 19, "ABCD", 0x4A),
        ("uint32", 0, 7, "ABCD", 0xCD),
        ("bits32", 0, 31, "CDAB", 0xABCD1234),
        ("uint64", 60, 63, "ABCD", 1),
        ("bits64", 0, 63, "ABCD", 2**63 + 2**40),
    ],
)
def test_some_bits_of_a_value_are_a_number(kind: str, first: int, top: int, order: str, value: int) -> None:
    """Bits are counted from the least significant of the whole value, over its registers."""
    data = {"uint16": (0xABCD,), "uint32": (0x1234, 0xABCD), "bits32": (0x1234, 0xABCD), "uint64": (0x1234, 0, 0, 0), "bits64": _parts(2**63 + 2**40, 4)}[kind]  # fmt: skip

    assert Decoder([Slot(_point(kind, order), 0, first, top)], len(data))(_words(*data)).value[0] == value


@pytest.mark.parametrize("order", ORDERS)
def test_a_bit_is_where_it_is_in_any_order_of_bytes(order: str) -> None:
    """A truth value does not ask for the order of its connector."""
    assert Decoder([Slot(_point("bool", order), 0, 0), Slot(_point("bool", order), 0, 8)], 1)(
        _words(1)
    ).value.tolist() == [1, 0]


def test_registers_to_the_base_of_ten_thousand() -> None:
    """Schneider's MOD10: 0012 3456 7890 are 1234567890, and a register above 9999 is no value."""
    assert _decode(_point("mod10k48"), _words(12, 3456, 7890)).value[0] == 1_234_567_890
    assert not _decode(_point("mod10k32"), _words(1, 10_000)).known[0]
    assert _decode(_point("bcd64"), _words(0x1234, 0x5678, 0x9012, 0x3456)).raw[0] == 1_234_567_890_123_456


def test_an_answer_of_another_length_is_refused() -> None:
    """Words that do not belong to the request are never decoded."""
    with pytest.raises(ValueError, match="another length"):
        Decoder([Slot(_point("uint16"), 0)], 2)(_words(1))


def _mixed(count: int) -> tuple[Decoder, Words]:
    """*count* points of mixed types, orders, sentinels and scale factors, and words for them."""
    kinds = ("uint16", "int16", "uint32", "float32", "int32", "float64")
    slots, place = [], 0
    for number in range(count):
        more: dict[str, Any] = {"na": "sunspec"} if number % 3 == 0 else {}
        item = _point(kinds[number % 6], ORDERS[number % 4], scale=Decimal("0.1") if number % 2 else Decimal(1), **more)
        slots.append(Slot(item, place))
        place += registers_of(item)
    return Decoder(slots, place), np.arange(place, dtype=np.uint16)


def _steps(work: Callable[[], object]) -> int:
    """How many lines of Python *work* goes through, the second time it is done."""
    steps = 0
    work()

    def count(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps


def test_ten_thousand_mixed_points_take_as_many_steps_as_a_hundred() -> None:
    """Decoding stays vectorised: what it does in Python depends on the kinds of points, not on how many there are."""
    few, some = _mixed(120)
    many, more = _mixed(10_000)

    assert 0 < _steps(lambda: many(more)) <= _steps(lambda: few(some))
