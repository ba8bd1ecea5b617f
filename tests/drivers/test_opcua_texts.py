"""Values of OPC UA that are no numbers, as text, and the columns they stand in."""

from __future__ import annotations

import numpy as np
import pytest

from factory_kit.drivers.opcua.binary.columns import Columns, microseconds_of, one_after_the_other
from factory_kit.drivers.opcua.binary.texts import text_reader
from factory_kit.drivers.opcua.binary.wire import Malformed, end_of_datavalue, end_of_diagnostics, end_of_variant

ABC = b"\3\0\0\0abc"
NONE = b"\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (12, ABC, "abc"), (12, b"\0\0\0\0", ""), (12, NONE, None), (12, b"\2\0\0\0\xc3\x28", "\udcc3("),
        (15, ABC, "616263"), (15, b"\0\0\0\0", ""), (15, NONE, None), (26, ABC, "616263"), (31, NONE, None),
        (17, b"\0\x2a", "i=42"), (17, b"\1\2\x2a\0", "ns=2;i=42"), (18, b"\3\2\0" + ABC, "ns=2;s=abc"), (17, b"\3\2\0" + NONE, "030200ffffffff"),
        (19, b"\0\0\0\0", "Good"), (19, b"\0\0\x35\x80", "BadAttributeIdInvalid"),
        (20, b"\2\0" + ABC, "abc"), (20, b"\2\0" + NONE, ""),
        (21, b"\0", ""), (21, b"\1" + ABC, ""), (21, b"\2" + ABC, "abc"), (21, b"\3\2\0\0\0zh" + ABC, "abc"), (21, b"\2" + NONE, ""),
    ],
)  # fmt: skip
def test_each_type_that_is_no_number_is_read_as_text(kind: int, data: bytes, text: str | None) -> None:
    """Up to its own end; bytes that are no UTF-8 are kept, node ids that cannot be are shown as their bytes, unknown types are ByteStrings."""
    reader = text_reader(kind)
    assert reader is not None

    for rest in (b"rest", b""):
        assert reader(b"!!" + data + rest, 2, 2 + len(data + rest)) == (text, 2 + len(data))
    for size in range(len(data)):
        with pytest.raises(Malformed):
            reader(b"!!" + data[:size], 2, 2 + size)


@pytest.mark.parametrize("kind", [0, 1, 10, 11, 13, 14, 16, 22, 23, 24, 25])
def test_a_number_or_a_structure_is_no_text(kind: int) -> None:
    """Nothing reads it as one."""
    assert text_reader(kind) is None


@pytest.mark.parametrize(
    "variant",
    [
        b"\x00", b"\x01\1", b"\x0b" + bytes(8), b"\x0e" + bytes(16), b"\x0c" + ABC, b"\x14\0\0" + ABC, b"\x15\3" + ABC + ABC, b"\x15\0", b"\x15\1" + ABC, b"\x15\2" + ABC,
        b"\x0f" + ABC, b"\x10" + ABC, b"\x8c\1\0\0\0" + bytes(4), b"\x17\x22" + bytes(6), b"\x17\0",
        b"\x16\0\x2a\0", b"\x16\0\x2a\1" + ABC, b"\x17\1\1\1", b"\x18\1\1", b"\x19\x3f" + bytes(16) + ABC + bytes(4), b"\x19\x40\0", b"\x19\x0f" + b"\x11" * 16, b"\x19\1" + b"\x11" * 4, b"\x19\x20" + b"\x11" * 4, b"\x19\x10" + ABC,
        b"\x86\2\0\0\0" + bytes(8), b"\x8c\2\0\0\0" + ABC + NONE, b"\xc6\2\0\0\0" + bytes(8) + b"\1\0\0\0\2\0\0\0", b"\x86" + NONE,
        b"\x11\5\2\0" + ABC, b"\x11\xc2\2\0\7\0\0\0" + ABC + bytes(4), b"\x11\4" + bytes(18), b"\x1a" + ABC,
    ],
)  # fmt: skip
def test_a_value_ends_where_its_type_says_and_never_behind_the_message(variant: bytes) -> None:
    """Scalars, texts, structures, diagnostics, arrays with and without dimensions, values in values; one byte short it is malformed."""
    value = b"\x3f" + variant + bytes(4 + 8 + 2 + 8 + 2)

    assert end_of_variant(b"?" + variant + b"!", 1, len(variant) + 2) == len(variant) + 1
    assert end_of_datavalue(b"?" + value + b"!", 1, len(value) + 2) == len(value) + 1
    for size in range(len(variant)):
        with pytest.raises(Malformed):
            end_of_variant(variant[:size], 0, size)
        with pytest.raises(Malformed):
            end_of_variant(variant, 0, size)


SIZES = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 4, 8: 8, 9: 8, 10: 4, 11: 8, 13: 8, 14: 16, 19: 4}


@pytest.mark.parametrize(("kind", "size"), SIZES.items())
def test_a_type_of_fixed_size_ends_behind_its_bytes(kind: int, size: int) -> None:
    """One value and an array of three, also where nothing follows; one byte less is malformed, wherever the message goes on."""
    for value in (bytes([kind]) + b"\x11" * size, bytes([0x80 | kind, 3, 0, 0, 0]) + b"\x11" * 3 * size):
        assert (
            end_of_variant(value, 0, len(value)) == end_of_variant(value + b"!" * 20, 0, len(value) + 20) == len(value)
        )
        with pytest.raises(Malformed):
            end_of_variant(value + b"!" * 20, 0, len(value) - 1)


@pytest.mark.parametrize("mask", [*range(64), 0xC0, 0xFF])
def test_a_data_value_ends_behind_the_fields_of_its_mask(mask: int) -> None:
    """A value, a status and times of eight and two bytes, each only where its bit is set; bits that no edition knows say nothing."""
    sizes = {1: 2, 2: 4, 4: 8, 8: 8, 16: 2, 32: 2}
    data = bytes([mask]) + b"\1\1" * (mask & 1) + b"\xff" * 40
    end = 1 + sum(size for bit, size in sizes.items() if mask & bit)

    assert end_of_datavalue(data, 0, len(data)) == end_of_datavalue(data, 0, end) == end
    with pytest.raises(Malformed):
        end_of_datavalue(data, 0, end - 1)


@pytest.mark.parametrize("length", [-2, -3, 1, 2**31 - 1, -(2**31)])
def test_a_length_that_cannot_be_is_malformed(length: int) -> None:
    """Below the -1 that means none, or more than there are bytes: of a text, of an array, of its dimensions."""
    said = length.to_bytes(4, "little", signed=True)

    for data in (b"\x0c" + said, b"\x83" + said, b"\x8c" + said, b"\xc3" + bytes(4) + said):
        with pytest.raises(Malformed, match="longer than the message"):
            end_of_variant(data, 0, len(data))


@pytest.mark.parametrize("form", [6, 0x3F, 0x86])
def test_a_node_id_of_a_form_that_nobody_knows_is_malformed(form: int) -> None:
    """Where it ends cannot be known."""
    with pytest.raises(Malformed, match="unknown form"):
        end_of_variant(bytes([17, form]) + bytes(40), 0, 42)


def test_fifty_openings_are_read_and_one_more_is_not() -> None:
    """The depth up to which values in values, Variants in Variants and diagnostics in diagnostics are followed."""
    for start, opening, most in ((b"", b"\x18", 50), (b"", b"\x17\1", 50), (b"\x19", b"\x40", 49)):
        data, deeper = start + opening * most + b"\0", start + opening * (most + 1) + b"\0"
        assert end_of_variant(data, 0, len(data)) == len(data)
        with pytest.raises(Malformed, match="too deep"):
            end_of_variant(deeper, 0, len(deeper))
    assert end_of_datavalue(b"\1\x17" * 51 + b"\0", 0, 103) == 103
    with pytest.raises(Malformed, match="too deep"):
        end_of_datavalue(b"\1\x17" * 52 + b"\0", 0, 105)
    assert end_of_diagnostics(b"\x40" * 50 + b"\0", 0, 51) == 51
    with pytest.raises(Malformed, match="too deep"):
        end_of_diagnostics(b"\x40" * 51 + b"\0", 0, 52)


@pytest.mark.parametrize("openings", [b"\x18" * 1000, b"\x17\1" * 1000, b"\x19" + b"\x40" * 1000])
def test_a_message_of_nothing_but_openings_is_malformed(openings: bytes) -> None:
    """Variants, values and diagnostics in each other, a thousand deep: the stack is not what ends it."""
    with pytest.raises(Malformed, match="too deep"):
        end_of_variant(openings, 0, len(openings))


def columns(*values: float, text: list[str | None] | None = None, others: dict[int, bytes] | None = None) -> Columns:
    """Values, numbered from 1."""
    count = len(values)
    times = np.arange(count, dtype=np.int64)
    return Columns(
        np.arange(1, count + 1, dtype=np.uint32), np.array(values), np.ones(count, np.bool_), times + 10, times + 20, times + 30,
        text, others or {},
    )  # fmt: skip


def test_the_first_of_some_columns_are_the_first_of_each() -> None:
    """Texts and encoded values too; all of them are the columns themselves."""
    whole = columns(1, 2, 3, text=["a", None, "c"], others={0: b"x", 1: b"y", 2: b"z"})
    part = whole.first(2)

    assert whole.first(3) is whole
    assert (len(part), part.handle.tolist(), part.value.tolist(), part.has_value.tolist()) == (
        2,
        [1, 2],
        [1, 2],
        [True, True],
    )
    assert (part.status.tolist(), part.source.tolist(), part.server.tolist()) == ([10, 11], [20, 21], [30, 31])
    assert (part.text, part.others) == (["a", None], {0: b"x", 1: b"y"})
    assert columns(1, 2).first(1).text is None


def test_columns_one_after_the_other() -> None:
    """Rows of encoded values move along; a part without texts gets none for each row; nothing at all is empty columns."""
    found = one_after_the_other([columns(1, 2, others={1: b"x"}), columns(3, text=["c"], others={0: b"y"})])

    assert (found.value.tolist(), found.handle.tolist(), found.status.tolist()) == ([1, 2, 3], [1, 2, 1], [10, 11, 10])
    assert (found.source.tolist(), found.server.tolist()) == ([20, 21, 20], [30, 31, 30])
    assert (found.text, found.others) == ([None, None, "c"], {1: b"x", 2: b"y"})
    assert one_after_the_other([columns(1), columns(2)]).text is None
    nothing = one_after_the_other([])
    assert (len(nothing), nothing.handle.dtype, nothing.has_value.dtype) == (0, np.uint32, np.bool_)


def test_times_before_1970_are_none_and_after_9999_the_end_of_it() -> None:
    """100 ns steps since 1601 become µs since 1970, rounded down."""
    epoch, last = 116_444_736_000_000_000, 2_650_467_743_990_000_000
    steps = np.array([0, epoch - 1, epoch, epoch + 9, epoch + 10, last, last + 10, 2**63 - 1], dtype=np.int64)

    assert microseconds_of(steps).tolist() == [0, 0, 0, 0, 1, *[253_402_300_799_000_000] * 3]
