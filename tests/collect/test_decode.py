from __future__ import annotations

import math
import struct
from decimal import Decimal
from fractions import Fraction
from time import process_time
from typing import Any, get_args

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
    "int16": ">h", "uint16": ">H", "bits16": ">H", "int32": ">i", "uint32": ">I", "int64": ">q", "uint64": ">Q", "datetime": ">q",
    "float32": ">f", "float64": ">d",
}  # fmt: skip


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
    pairs = [int(word).to_bytes(2, "big") for word in data]
    if item.order in {"BADC", "DCBA"}:
        pairs = [pair[::-1] for pair in pairs]
    if item.order in {"CDAB", "DCBA"}:
        pairs = pairs[::-1]
    raw = struct.unpack(FORMATS[item.type], b"".join(pairs))[0]
    if isinstance(raw, float) and not math.isfinite(raw):
        return raw
    try:
        return float(Fraction(raw) * Fraction(item.scale) + Fraction(item.offset))
    except OverflowError:
        return math.inf if raw * float(item.scale) > 0 else -math.inf


SCALES = st.sampled_from(
    ["1", "0.1", "0.01", "0.001", "10", "1000", "0.000001", "3.6", "-0.1", "1.5e-7", "123456.789"]
).map(Decimal)
OFFSETS = st.sampled_from(["0", "0", "0", "-40", "273.15", "0.5", "-32768"]).map(Decimal)


@st.composite
def _points_and_words(draw: st.DrawFn) -> tuple[list[Point], Words]:
    kinds = draw(
        st.lists(
            st.tuples(st.sampled_from(sorted(FORMATS)), st.sampled_from(ORDERS), SCALES, OFFSETS),
            min_size=1,
            max_size=30,
        )
    )
    items = [_point(kind, order, scale=scale, offset=offset) for kind, order, scale, offset in kinds]
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


@pytest.mark.parametrize("kind", get_args(DataType))
def test_every_type_of_a_connector_is_decoded(kind: str) -> None:
    """There is no data type that a connector may name and the decoder does not know."""
    item = _point(kind, size=2 if kind == "string" else 0)

    decoded = _decode(item, _words(*[0x3131] * registers_of(item)))

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


def test_an_answer_of_another_length_is_refused() -> None:
    """Words that do not belong to the request are never decoded."""
    with pytest.raises(ValueError, match="another length"):
        Decoder([Slot(_point("uint16"), 0)], 2)(_words(1))


def test_ten_thousand_mixed_points_cost_below_a_microsecond_each() -> None:
    """Decoding stays vectorised: 10,000 points of mixed types and orders in one go."""
    kinds = ("uint16", "int16", "uint32", "float32", "int32", "float64")
    slots, place = [], 0
    for number in range(10_000):
        item = _point(kinds[number % 6], ORDERS[number % 4], scale=Decimal("0.1") if number % 2 else Decimal(1))
        slots.append(Slot(item, place))
        place += registers_of(item)
    decoder, data = Decoder(slots, place), np.arange(place, dtype=np.uint16)

    decoder(data)
    began = process_time()
    for _ in range(5):
        decoder(data)

    assert (process_time() - began) / 50_000 < 1e-6
