"""The fast way to canonical bytes: taken where it is safe, never elsewhere, and right wherever it is taken."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785

from factory_kit.model.canonical_json import (
    LARGEST,
    NotCanonical,
    canonical_bytes,
    fast_bytes,
    is_ordered,
    parsed_canonical,
    value_of,
)


def nested(lists: int, *inmost: Any) -> list[Any]:
    """So many lists, one in the other, *inmost* in the last."""
    value = [*inmost]
    for _ in range(lists - 1):
        value = [value]
    return value


DISORDER: list[tuple[Any, bytes]] = [
    ({"b": [{"z": 1, "a": None}], "a": [True, False, "é"]}, '{"a":[true,false,"é"],"b":[{"a":null,"z":1}]}'.encode()),
    ([{"b": 1, "a": 2}, {"a": 1}], b'[{"a":2,"b":1},{"a":1}]'),
    ({"x": {"b": "1", "a": "2"}, "y": {}}, b'{"x":{"a":"2","b":"1"},"y":{}}'),
]
ORDER: list[tuple[Any, bytes]] = [
    ("", b'""'),
    (None, b"null"),
    ({"a": ({"b": LARGEST}, -LARGEST), "中": []}, '{"a":[{"b":9007199254740991},-9007199254740991],"中":[]}'.encode()),
    (nested(101, "x"), b"[" * 101 + b'"x"' + b"]" * 101),
    (nested(100, {"x": None}), b"[" * 100 + b'{"x":null}' + b"]" * 100),
]
REFUSED: list[Any] = [
    LARGEST + 1,
    -LARGEST - 1,
    [[LARGEST + 1], [1]],
    {"a": {"b": 0.5}, "c": {}},
    {"a": {"b": {"c": {2, 3}}, "d": {}}},
    {"a": 1, 2: "b"},
    ["\ud800"],
    {"\ufb33": 1, "😀": 2},
    nested(102),
]
"""Numbers, types, keys and texts the fast way must not write, the telling part never the last of its level."""


@pytest.mark.parametrize(("value", "expected"), ORDER + DISORDER)
def test_usual_records_take_the_fast_way(value: Any, expected: bytes) -> None:
    """Text, whole numbers, lists and objects up to a hundred deep, in whatever order: the bytes are those of RFC 8785."""
    assert fast_bytes(value) == expected == canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", REFUSED)
def test_unusual_records_do_not_take_the_fast_way(value: Any) -> None:
    """One value at its edge anywhere below is enough."""
    assert fast_bytes(value) is None


@pytest.mark.parametrize("value", [{"b": 0.5, "a": 1e21}, {"\ufb33": 1, "😀": 2}, nested(102)])
def test_what_the_fast_way_leaves_is_written_by_the_reference(value: Any) -> None:
    """Floats, characters beyond the basic plane and deep nesting have canonical bytes too."""
    assert canonical_bytes(value) == rfc8785.dumps(value)


def test_values_without_canonical_bytes_are_refused() -> None:
    """A whole number that JSON does not keep is not written."""
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_bytes([LARGEST + 1])


def test_only_what_any_encoder_writes_canonically_is_in_order() -> None:
    """Keys in order on every level, and nothing unusual."""
    assert [is_ordered(value) for value, _ in ORDER] == [True] * len(ORDER)
    assert [is_ordered(value) for value, _ in DISORDER] == [False] * len(DISORDER)
    assert [is_ordered(value) for value in REFUSED] == [False] * len(REFUSED)


@pytest.mark.parametrize("data", [data for _, data in ORDER + DISORDER])
def test_canonical_bytes_are_read_the_fast_way(data: bytes) -> None:
    """What comes back is written to the same bytes."""
    assert canonical_bytes(value_of(data)) == data == canonical_bytes(parsed_canonical(data))


@pytest.mark.parametrize(
    "data",
    [b"0.5", b"[[0.5],[1]]", '{"😀":1,"\ufb33":2}'.encode(), b"[" * 102 + b"]" * 102],
)
def test_unusual_bytes_are_read_by_the_reference(data: bytes) -> None:
    """The fast way refuses them, the reference shows that they are canonical."""
    with pytest.raises(NotCanonical):
        value_of(data)
    assert rfc8785.dumps(parsed_canonical(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}', b'{"a":{"c":1,"b":2},"d":{}}', b'[{"b":1,"a":2},{}]', b'{"a":1,"a":1}', b"[5e-1]", b"NaN",
        '{"\ufb33":1,"😀":2}'.encode(), b'"\\u4e2d"', b"9007199254740992", b"-9007199254740992", b"[[9007199254740992],[1]]",
        b'{"a":{"b":9007199254740992},"c":{}}',
    ],
)  # fmt: skip
def test_other_bytes_are_not_canonical(data: bytes) -> None:
    """Another order on any level, blanks, other escapes, other forms of numbers and numbers JSON does not keep are refused."""
    with pytest.raises((ValueError, rfc8785.CanonicalizationError)):
        value_of(data)
    with pytest.raises((ValueError, rfc8785.CanonicalizationError)):
        parsed_canonical(data)
