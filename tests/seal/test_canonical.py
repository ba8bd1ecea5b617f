"""Canonical JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.errors import Altered, SealError
from factory_kit.model.canonical_json import NotCanonical, parsed_canonical
from factory_kit.seal import canonical, read_canonical, record_id

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
RECORDS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


def test_keys_are_sorted_by_utf_16_units() -> None:
    """The order of RFC 8785, 3.2.3, where an emoji comes before a Hebrew letter of a higher code unit."""
    value = {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, "ö": 7}

    assert canonical(value).decode() == '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'


def test_text_is_escaped_as_the_standard_says() -> None:
    """The text of RFC 8785, 3.2.2, with its shortest escapes and lower-case hexadecimal digits."""
    value = {"string": '€$\u000f\nA\'B"\\\\"/'}

    assert canonical(value) == b'{"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'


@given(RECORDS)
def test_reading_gives_back_what_was_written(value: Any) -> None:
    """Canonical bytes are JSON, are read back to the same value, and other programs read the same."""
    data = canonical(value)

    assert read_canonical(data, "record") == value
    assert json.loads(data) == value


@given(RECORDS)
def test_the_fast_way_gives_the_bytes_of_the_reference(value: Any) -> None:
    """Whatever a record holds, its bytes are those of the reference implementation of RFC 8785."""
    assert canonical(value) == rfc8785.dumps(value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(RECORDS | ANYTHING, st.sampled_from([(",", ":"), (", ", ": ")]), st.booleans(), st.booleans())
def test_what_is_canonical_is_what_the_reference_writes(
    value: Any, separators: tuple[str, str], sort_keys: bool, ensure_ascii: bool
) -> None:
    """Of all ways to write a value only the one of the reference is taken, be there floats, emoji as keys or half characters."""
    text = json.dumps(value, separators=separators, sort_keys=sort_keys, ensure_ascii=ensure_ascii)
    data = text.encode(errors="surrogatepass")
    meant = json.dumps(json.loads(data))

    assert (_read(data) == meant) is _is_what_the_reference_writes(data)
    assert _read(data) in {meant, None}


def _read(data: bytes) -> str | None:
    """What we read, None where it is refused."""
    try:
        return json.dumps(parsed_canonical(data))
    except (ValueError, rfc8785.CanonicalizationError):
        return None


def _is_what_the_reference_writes(data: bytes) -> bool:
    try:
        return bool(rfc8785.dumps(json.loads(data)) == data)
    except (ValueError, rfc8785.CanonicalizationError):
        return False


def test_floats_are_canonical_as_ecmascript_writes_them() -> None:
    """A record may be read that holds a float in its shortest form, and no other form of it."""
    assert parsed_canonical(b'{"a":0.5}') == {"a": 0.5}
    for other in (b'{"a":5e-1}', b'{"a":0.50}', b'{"a":1.0}', b'{"b":1,"a":0.5}'):
        with pytest.raises(NotCanonical):
            parsed_canonical(other)


@given(st.dictionaries(TEXTS, RECORDS, min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    """The same record built in another order has the same id."""
    assert record_id(dict(reversed(value.items()))) == record_id(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [{"b": 0.5}]}, r"record: a.0.b is a floating-point number \(0.5\); write it as decimal text"),
        (math.nan, "record: the value is a floating-point number"),
        ([2**53], r"record: 0 is beyond 2\^53 - 1"),
        ([-(2**53)], r"record: 0 is beyond 2\^53 - 1"),
        ({1: "a"}, "record: key 1 of the value is no text"),
        ({"a": {2, 3}}, "record: a is of type set"),
        ("\ud800", "record: a text holds half of a character"),
    ],
)
def test_what_json_cannot_keep_is_refused(value: object, said: str) -> None:
    """Floats, large integers, other types, other keys and broken text are refused with the place where they stand."""
    with pytest.raises(SealError, match=said):
        canonical(value)


def test_endless_nesting_is_refused() -> None:
    """A record that is nested without end does not exhaust the stack, neither written nor read."""
    value: list[Any] = []
    for _ in range(200):
        value = [value]
    with pytest.raises(SealError, match="nested deeper than 100"):
        canonical(value)
    with pytest.raises(Altered):
        read_canonical(b"[" * 100_000 + b"]" * 100_000, "record")


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}', b'{"b":1,"a":2}', b'{"a":1,"a":1}', b'"\\u4e2d"', b'"\\u002F"', b"1.0", b"NaN", b"1e3", b"\xff", b"", b"-0",
        b"\xef\xbb\xbf1", b"9007199254740993", b'"\\ud800"', b"1 ", b"1\n",
    ],
)  # fmt: skip
def test_other_forms_of_json_are_refused(data: bytes) -> None:
    """Blanks, other orders, doubled keys, other escapes, floats and broken text are not the canonical bytes of anything."""
    with pytest.raises(Altered, match="x: is not canonical JSON"):
        read_canonical(data, "x")
