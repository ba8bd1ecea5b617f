"""Structures of a server taken apart by their definitions: every form of them, and bytes that are not what they say."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import nodeid_to_binary, pack_uatype, variant_to_binary
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.drivers.opcua.datatypes import Field, Structure, Types
from factory_kit.drivers.opcua.structures import Malformed, flattened, take, taken_apart

INNER, OUTER, CHOICE, COLOUR = "nsu=u;i=1", "nsu=u;i=2", "nsu=u;i=3", "nsu=u;i=4"
DOUBLE, INT, TEXT, TIME, ANY, ROOT = "i=11", "i=6", "i=12", "i=13", "i=24", "i=22"


def types() -> Types:
    """A plain structure, one with optional fields that holds it and arrays, a union, and an enumeration."""
    known = Types(("", "u"), {INNER: 22, OUTER: 22, CHOICE: 22, COLOUR: 29})
    known.structures[INNER] = Structure("Inner", "plain", (Field("x", DOUBLE), Field("colour", COLOUR)))
    known.structures[OUTER] = Structure(
        "Outer",
        "optional",
        (
            Field("name", TEXT),
            Field("limit", INT, optional=True),
            Field("inner", INNER, rank=1),
            Field("when", TIME, optional=True),
            Field("table", INT, rank=2),
            Field("any", ANY),
        ),
    )
    known.structures[CHOICE] = Structure("Choice", "union", (Field("number", DOUBLE), Field("text", TEXT)))
    known.encodings = {"nsu=u;i=11": INNER, "nsu=u;i=12": OUTER, "nsu=u;i=13": CHOICE}
    return known


def text(value: str) -> bytes:
    """A String as it is encoded."""
    return struct.pack("<i", len(value.encode())) + value.encode()


OUTER_BYTES = (
    struct.pack("<I", 0b10)  # the second optional field is there
    + text("炉")
    + struct.pack("<i", 2)
    + struct.pack("<di", 1.5, 3)
    + struct.pack("<di", float("inf"), -1)
    + struct.pack("<q", 116_444_736_000_000_000 + 10 * 7)
    + struct.pack("<3i", 2, 2, 3)
    + struct.pack("<6i", *range(6))
    + variant_to_binary(ua.Variant([True, False], ua.VariantType.Boolean))
)


def test_optional_fields_nested_structures_matrices_and_variants() -> None:
    """Each field comes out under its name, an absent one as None, a matrix by its dimensions, a time in microseconds."""
    found = take(OUTER_BYTES, types().structures[OUTER], types())

    assert found == {
        "name": "炉",
        "limit": None,
        "inner": [{"x": 1.5, "colour": 3}, {"x": float("inf"), "colour": -1}],
        "when": 7,
        "table": [[0, 1, 2], [3, 4, 5]],
        "any": [True, False],
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (struct.pack("<Id", 1, 2.5), {"number": 2.5}),
        (struct.pack("<I", 2) + text("a"), {"text": "a"}),
        (struct.pack("<I", 0), {}),
    ],
)
def test_of_a_union_the_field_that_is_there_comes_out(body: bytes, expected: dict[str, Any]) -> None:
    """One field with its name, or none at all."""
    assert take(body, types().structures[CHOICE], types()) == expected


def test_a_structure_inside_an_extension_object_inside_a_variant_is_found_by_its_encoding() -> None:
    """What asyncua leaves as bytes is taken apart by the definition that its encoding names, at every depth."""
    body = struct.pack("<di", 4.0, 1)
    inner = nodeid_to_binary(ua.NodeId(11, 1)) + b"\x01" + struct.pack("<i", len(body)) + body
    known = types()
    known.structures[INNER + "0"] = Structure("Wrapper", "plain", (Field("child", ROOT), Field("children", ANY)))
    known.encodings["nsu=u;i=99"] = INNER + "0"
    value = ua.ExtensionObject(ua.NodeId(99, 1), inner + b"\x96" + struct.pack("<i", 1) + inner)

    assert taken_apart([value], known) == [{"child": {"x": 4.0, "colour": 1}, "children": [{"x": 4.0, "colour": 1}]}]


def test_every_built_in_type_is_read_as_asyncua_writes_it() -> None:
    """All that asyncua encodes in a Variant comes out as number, text or bytes, and nothing is left over."""
    values: list[tuple[Any, ua.VariantType, Any]] = [
        (True, ua.VariantType.Boolean, True), (-3, ua.VariantType.SByte, -3), (200, ua.VariantType.Byte, 200), (-300, ua.VariantType.Int16, -300),
        (60000, ua.VariantType.UInt16, 60000), (2**40, ua.VariantType.Int64, 2**40), (2**63, ua.VariantType.UInt64, 2**63),
        (0.5, ua.VariantType.Float, 0.5), ("温度", ua.VariantType.String, "温度"), (b"\x00\xff", ua.VariantType.ByteString, b"\x00\xff"),
        (ua.LocalizedText("炉", "zh"), ua.VariantType.LocalizedText, "炉"), (ua.QualifiedName("q", 1), ua.VariantType.QualifiedName, "q"),
        (ua.NodeId("s", 1), ua.VariantType.NodeId, "nsu=u;s=s"), (ua.NodeId(7), ua.VariantType.NodeId, "i=7"),
        (ua.StatusCode(0x80310000), ua.VariantType.StatusCode, 0x80310000), (None, ua.VariantType.Null, None),
        (ua.DataValue(ua.Variant(4, ua.VariantType.Int32), ServerTimestamp=ua.DateTime(2026, 1, 1)), ua.VariantType.DataValue, 4),
    ]  # fmt: skip
    form = Structure("One", "plain", (Field("value", ANY),))

    for value, kind, expected in values:
        body = bytes([kind.value]) + (b"" if kind is ua.VariantType.Null else pack_uatype(kind, value))
        assert take(body, form, types()) == {"value": expected}, kind


@given(cut=st.integers(0, len(OUTER_BYTES) - 1))
def test_bytes_that_end_too_early_are_malformed(cut: int) -> None:
    """Wherever they end, and the same with one byte too many, nothing half-read comes out."""
    for body in (OUTER_BYTES[:cut], OUTER_BYTES + b"\x00"):
        with pytest.raises(Malformed):
            take(body, types().structures[OUTER], types())


@given(body=st.binary(max_size=300), which=st.sampled_from([INNER, OUTER, CHOICE]))
def test_any_bytes_are_taken_apart_or_malformed(body: bytes, which: str) -> None:
    """Nothing else ever happens, whatever the bytes say of lengths and depths."""
    try:
        parts = list(flattened(take(body, types().structures[which], types())))
    except Malformed:
        return
    names = [name for name, _value in parts]
    assert len(set(names)) == len(names)


def test_lengths_are_believed_only_as_far_as_the_bytes_reach() -> None:
    """Two thousand million elements in forty bytes cost neither memory nor time; nor does a structure of itself."""
    endless = Types(("", "u"), {"nsu=u;i=1": 22})
    endless.structures["nsu=u;i=1"] = Structure("Self", "plain", (Field("self", "nsu=u;i=1"),))
    with pytest.raises(Malformed, match="nested too deep"):
        take(b"\x00" * 40, endless.structures["nsu=u;i=1"], endless)
    lists = Structure("Lists", "plain", (Field("texts", TEXT, rank=1), Field("numbers", DOUBLE, rank=1)))
    for body in (struct.pack("<i", 2**31 - 1) + b"\x00" * 36, struct.pack("<ii", -1, 2**31 - 1) + b"\x00" * 32):
        with pytest.raises(Malformed):
            take(body, lists, types())


def test_a_structure_without_definition_is_malformed_not_guessed() -> None:
    """Old servers describe their structures in another way; then there is no value, and the reason names the encoding."""
    with pytest.raises(Malformed, match="no definition for nsu=u;i=77"):
        taken_apart(ua.ExtensionObject(ua.NodeId(77, 1), b"\x00"), types())


def test_flattening_names_each_single_value() -> None:
    """Elements are counted from 0 in brackets, fields follow a point, and there are never more than asked for."""
    value = {"a": [1, {"b": [[2, 3]]}], "c": None}

    assert list(flattened(value)) == [(".a[0]", 1), (".a[1].b[0][0]", 2), (".a[1].b[0][1]", 3), (".c", None)]
    assert len(list(flattened(list(range(100)), most=7))) == 7
