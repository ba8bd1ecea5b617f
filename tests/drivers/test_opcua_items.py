"""Items of OPC UA as columns: every type, alone and in runs, beside each other, remembered, and cut off."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from factory_kit.drivers.opcua.binary import items as items_module
from factory_kit.drivers.opcua.binary.columns import UNIX_EPOCH, Columns
from factory_kit.drivers.opcua.binary.items import LONG, LOOK_AHEAD, MOST_REMEMBERED, MOST_SHAPES, read_items
from factory_kit.drivers.opcua.binary.wire import Malformed
from factory_kit.testing.rawbytes import Item

FRONT, BEHIND = b"front", b"\x0b\x0b\x0b behind it the message goes on"


@dataclass(frozen=True)
class Case:
    """An encoded Variant, or None for no value, and what is read of it."""

    data: bytes | None
    value: float = math.nan
    text: str | None = None
    other: bool = False

    @property
    def there(self) -> bool:
        """Whether it is a number or a text."""
        return self.text is not None or (self.data is not None and self.data[0] in NUMBERS)


NUMBERS = {1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q", 10: "f", 11: "d", 13: "q"}
ABC = b"\3\0\0\0abc"


def number(kind: int, value: float) -> Case:
    """A scalar of a type of fixed size."""
    return Case(bytes([kind]) + struct.pack("<" + NUMBERS[kind], value), float(value))


def moment(microseconds: int) -> Case:
    """A DateTime."""
    return Case(b"\x0d" + struct.pack("<q", UNIX_EPOCH + 10 * microseconds), float(microseconds))


CASES = {
    "true": number(1, True), "false": number(1, False), "two": Case(b"\1\2", 1.0),
    **{f"{kind} {value}": number(kind, value) for kind, bits in ((2, 7), (4, 15), (6, 31), (8, 53)) for value in (-(2**bits), 2**bits - 1)},
    **{f"{kind} {value}": number(kind, value) for kind, bits in ((3, 8), (5, 16), (7, 32), (9, 53)) for value in (0, 2**bits - 1)},
    "float": number(10, -1.5), "double": number(11, 1e300), "NaN": Case(b"\x0b" + struct.pack("<d", math.nan), math.nan), "signalling NaN": Case(b"\x0a\1\0\xa0\x7f", math.nan), "moment": moment(1_790_000_000_000_000),
    "1601": Case(b"\x0d" + bytes(8), 0.0), "word": Case(b"\x0c" + ABC, text="abc"), "letter": Case(b"\x0c\1\0\0\0x", text="x"), "empty": Case(b"\x0c\0\0\0\0", text=""),
    "no word": Case(b"\x0c\xff\xff\xff\xff"), "not UTF-8": Case(b"\x0c\2\0\0\0\xc3\x28", text="\udcc3("), "bytes": Case(b"\x0f" + ABC, text="616263"), "status": Case(b"\x13\0\0\0\0", text="Good"),
    "node": Case(b"\x11\1\2\x2a\0", text="ns=2;i=42"), "label": Case(b"\x15\2" + ABC, text="abc"), "nothing": Case(None), "null": Case(b"\0"), "guid": Case(b"\x0e" + bytes(range(16)), other=True),
    "array": Case(b"\x86\2\0\0\0" + bytes(8), other=True), "bits": Case(b"\x81\1\0\0\0\1", other=True), "empty array": Case(b"\x8b\0\0\0\0", other=True), "no array": Case(b"\x8b\xff\xff\xff\xff"),
    "words": Case(b"\x8c\1\0\0\0" + ABC, other=True), "no words": Case(b"\x8c\xff\xff\xff\xff"), "matrix": Case(b"\xc6\1\0\0\0" + bytes(4) + b"\1\0\0\0\1\0\0\0", other=True), "structure": Case(b"\x16\0\x2a\1" + ABC, other=True),
}  # fmt: skip
MASKS = (0, 2, 4, 8, 2 | 8, 4 | 8, 2 | 4 | 16, 4 | 8 | 16 | 32, 2 | 4 | 8 | 16 | 32)


@dataclass(frozen=True)
class Row:
    """A case with a status and times of its own, as *mask* says."""

    case: Case
    mask: int
    place: int

    def item(self) -> Item:
        """Its DataValue."""
        own = (7 * self.place + 1, UNIX_EPOCH + 10 * self.place, 11, UNIX_EPOCH + 20 * self.place, 13)
        bits = (2, 4, 16, 8, 32)
        return Item(self.case.data, *(each if self.mask & bit else None for bit, each in zip(bits, own, strict=True)))

    def told(self, *, handles: bool) -> dict[str, Any]:
        """What is read of it."""
        return {
            "handle": 3 * self.place + 5 if handles else self.place,
            "value": str(self.case.value),
            "has_value": self.case.there,
            "status": 7 * self.place + 1 if self.mask & 2 else 0,
            "source": self.place if self.mask & 4 else 0,
            "server": 2 * self.place if self.mask & 8 else 0,
            "text": self.case.text,
            "other": self.case.data if self.case.other else None,
        }


def rows(*cases: Case, mask: int = 4 | 8) -> list[Row]:
    """All with the same fields."""
    return [Row(case, mask, place) for place, case in enumerate(cases)]


def listed(wanted: list[Row], *, handles: bool) -> bytes:
    """The items as a message has them."""
    heads = [struct.pack("<I", 3 * row.place + 5) if handles else b"" for row in wanted]
    return b"".join(head + row.item().encoded() for head, row in zip(heads, wanted, strict=True))


def told(found: Columns) -> Iterator[dict[str, Any]]:
    """The columns row by row."""
    for place in range(len(found)):
        yield {
            "handle": found.handle[place],
            "value": str(found.value[place]),
            "has_value": found.has_value[place],
            "status": found.status[place],
            "source": found.source[place],
            "server": found.server[place],
            "text": None if found.text is None else found.text[place],
            "other": found.others.get(place),
        }


def as_written(wanted: list[Row], *, handles: bool = True) -> bool:
    """*wanted* is read as it was written, and where it ends; nothing of it behind its end. What differs is told by an assertion."""
    data = listed(wanted, handles=handles)
    at, end = len(FRONT), len(FRONT) + len(data)
    bare = bool(wanted) and len(wanted[-1].item().encoded()) == 1  # behind such an item a message goes on

    found, behind = read_items(FRONT + data + BEHIND, at, len(wanted), end + bare, handles=handles)

    assert behind == end
    assert list(told(found)) == [row.told(handles=handles) for row in wanted]
    assert (found.text is None) == all(row.case.text is None for row in wanted)
    if wanted:
        with pytest.raises(Malformed):
            read_items(FRONT + data + BEHIND, at, len(wanted), end - 1, handles=handles)
        with pytest.raises(Malformed):
            read_items(FRONT + data, at, len(wanted) + 1, end, handles=handles)
    return True


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Nothing is remembered from another test."""
    items_module._SHAPES.clear()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("handles", [True, False])
def test_each_kind_of_value_is_read_alone_and_in_runs(name: str, handles: bool) -> None:
    """Numbers at the ends of their types, texts, no value, arrays: as few as none are a run, and as many as are read at a look."""
    for count in (0, 1, LONG, LONG + 1, LONG + 2, LONG + 3, LONG + LOOK_AHEAD + 2, 700):
        assert as_written(rows(*[CASES[name]] * count), handles=handles)


@pytest.mark.parametrize("mask", range(0, 64, 2))
def test_each_field_is_read_where_its_bit_is_set(mask: int) -> None:
    """With a number, a text and no value, a few and many, with handles and without."""
    for name in ("double", "word", "nothing", "label"):
        for count in (1, 9):
            assert as_written(rows(*[CASES[name]] * count, mask=mask), handles=mask & 4 == 0)


def test_runs_end_where_another_kind_begins() -> None:
    """Before, between and behind runs of every length around those that matter; two runs of one kind with another between."""
    double, word, whole = CASES["double"], CASES["word"], CASES["6 -2147483648"]
    for length in (LONG, LONG + 1, LONG + 2, LONG + LOOK_AHEAD, LONG + LOOK_AHEAD + 1, LONG + LOOK_AHEAD + 2, 600):
        for other in (word, whole, CASES["nothing"], CASES["label"]):
            assert as_written(rows(*[double] * length, other))
            assert as_written(rows(other, *[double] * length, other, *[double] * length))
        assert as_written([Row(double, 8 if place == length else 4, place) for place in range(length + 9)])
        assert as_written(rows(*[double] * length, *[whole] * length, *[double] * length), handles=False)


def test_kinds_mixed_at_random_are_read_also_from_memory() -> None:
    """Any order of kinds and fields, twice: the second time by the remembered shape, with other numbers in it."""
    chance, cases = random.Random(3), list(CASES.values())  # noqa: S311 - no secret
    for round_ in range(80):
        some = cases if round_ % 2 else [each for each in cases if each.data is None or each.data[0] < 13]
        wanted = [Row(chance.choice(some), chance.choice(MASKS), place) for place in range(30)]
        assert as_written(wanted, handles=round_ % 3 > 0)
        again = [Row(row.case, row.mask, row.place + 4) for row in wanted] if round_ % 3 else wanted
        assert as_written(again, handles=round_ % 3 > 0)


def changed(row: Row) -> Iterator[Row]:
    """Another type, another length, other fields, no value at all."""
    data = row.case.data or b""
    for name in ("double", "moment", "word", "letter", "no word", "array", "bits", "nothing", "null", "label"):
        if CASES[name].data != data:
            yield Row(CASES[name], row.mask, row.place)
    yield Row(row.case, row.mask ^ 2, row.place)


def test_a_remembered_shape_that_does_not_fit_is_not_used() -> None:
    """One item of another kind or length, in a run or alone, first, last or between: it is read as it is."""
    names = ["word", *["double"] * 9, "array", "word", "nothing", "6 -2147483648", "no word", "moment"]
    wanted = rows(*(CASES[name] for name in names))
    for place in (0, 1, 5, 9, 10, 11, 12, 13, 14, 15):
        for other in changed(wanted[place]):
            assert as_written(wanted)
            assert as_written([*wanted[:place], other, *wanted[place + 1 :]])


def remembered() -> list[int]:
    """How many items the remembered shapes have, the oldest first."""
    return [count for count, _head in items_module._SHAPES]


def test_only_shapes_worth_it_are_remembered() -> None:
    """Not of few items, not of very many, and not where the beginning of a value does not tell its length."""
    for count in (LONG, LONG + 1, MOST_REMEMBERED, MOST_REMEMBERED + 1):
        wanted = rows(*[CASES["true"]] * count, mask=0)
        read_items(listed(wanted, handles=False), 0, count, 3 * count, handles=False)
    assert as_written(rows(*[CASES["label"]] * 20))

    assert remembered() == [LONG + 1, MOST_REMEMBERED]


def test_the_shape_that_was_not_seen_for_longest_is_forgotten() -> None:
    """As many as there is room for; one that is seen anew, because another took its place, stays."""
    counts = [LONG + 1 + place for place in range(MOST_SHAPES)]
    for count in counts:
        assert as_written(rows(*[CASES["true"]] * count))
    assert remembered() == counts

    assert as_written(rows(*[CASES["double"]] * counts[0]))
    assert as_written(rows(*[CASES["true"]] * 99))

    assert remembered() == [*counts[2:], counts[0], 99]


@pytest.mark.parametrize(("handles", "least"), [(True, 5), (False, 1)])
def test_more_values_than_bytes_are_refused_before_they_are_looked_at(handles: bool, least: int) -> None:
    """An item has at least a mask, and its handle."""
    data = bytes(100 + 10 * least)

    assert len(read_items(data, 100, 9, len(data), handles=handles)[0]) == 9
    with pytest.raises(Malformed, match="more values are announced than there are bytes at byte 100"):
        read_items(data, 100, 11, len(data), handles=handles)


@pytest.mark.parametrize("length", [-2, 2**31 - 1])
@pytest.mark.parametrize("kind", [12, 0x86])
def test_a_length_that_cannot_be_is_refused(kind: int, length: int) -> None:
    """Of a text and of an array, where the message goes on as where it does not."""
    data = struct.pack("<IBBi", 1, 1, kind, length)

    with pytest.raises(Malformed, match="a value is longer than the message at byte 0"):
        read_items(data + bytes(50), 0, 1, len(data), handles=True)
