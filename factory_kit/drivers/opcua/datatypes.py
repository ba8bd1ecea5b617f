"""The data types of a server as plain data: enumerations with their names, structures with their fields. Nothing of it is executed.

Read from the DataTypeDefinition attribute (OPC 10000-3, 5.8.3 and 8.48 to 8.52) by ``load_types``; the older EnumStrings and
EnumValues properties are read where there is no definition. Type dictionaries in XML (before OPC UA 1.04) are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from asyncua import ua

from factory_kit.drivers.opcua.gentle import Gentle
from factory_kit.drivers.opcua.names import node_id, node_text, shown

__all__ = ["BUILTIN", "ENUMERATION", "STRUCTURE", "Enumeration", "Field", "Structure", "Types", "load_types"]

ENUMERATION = 29
STRUCTURE = 22
BUILTIN: Mapping[int, str] = {
    1: "Boolean", 2: "SByte", 3: "Byte", 4: "Int16", 5: "UInt16", 6: "Int32", 7: "UInt32", 8: "Int64", 9: "UInt64", 10: "Float", 11: "Double",
    12: "String", 13: "DateTime", 14: "Guid", 15: "ByteString", 16: "XmlElement", 17: "NodeId", 18: "ExpandedNodeId", 19: "StatusCode",
    20: "QualifiedName", 21: "LocalizedText", 22: "Structure", 23: "DataValue", 24: "BaseDataType", 25: "DiagnosticInfo",
}  # fmt: skip
"""The built-in types by the number of their node in namespace 0 (OPC 10000-6, 5.1.2)."""
ABSTRACT_NUMBERS = frozenset({26, 27, 28})
DEEPEST = 20
"""Steps from a type to the built-in one above it."""
MOST_TYPES = 1_000
MOST_FIELDS = 1_000
DEFINITION = int(ua.AttributeIds.DataTypeDefinition)
VALUE = int(ua.AttributeIds.Value)
NAME = int(ua.AttributeIds.BrowseName)
HAS_SUBTYPE = ua.NodeId(ua.ObjectIds.HasSubtype)
HAS_PROPERTY = ua.NodeId(ua.ObjectIds.HasProperty)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a structure; ``rank`` is -1 for a scalar, 1 and more for the dimensions of an array."""

    name: str
    type: str
    """Node id of its data type."""
    rank: int = -1
    optional: bool = False
    subtypes: bool = False
    """Whether the value may be of a subtype, and is then wrapped (OPC 10000-6, 5.2.7)."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure: plain, with optional fields, or a union of which one field is there at a time."""

    name: str
    kind: Literal["plain", "optional", "union"]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Enumeration:
    """The names of numbers."""

    name: str
    names: Mapping[int, str]


@dataclass(slots=True)
class Types:
    """What is known of the data types of one server, all by node id text."""

    namespaces: tuple[str, ...] = ()
    builtin: dict[str, int] = field(default_factory=dict)
    """The number of the built-in type each type is made of: 29 for enumerations, 22 for structures, 0 where it is not known."""
    names: dict[str, str] = field(default_factory=dict)
    structures: dict[str, Structure] = field(default_factory=dict)
    encodings: dict[str, str] = field(default_factory=dict)
    """Node id of a binary encoding → node id of its data type."""
    enumerations: dict[str, Enumeration] = field(default_factory=dict)

    def text(self, node: Any) -> str:
        """*node* as the keys of these tables spell it."""
        return node_text(node, self.namespaces)

    def kind(self, node: str) -> int:
        """The number of the built-in type below *node*, 0 where that is not known."""
        return self.builtin.get(node, _standard(node))


async def load_types(gentle: Gentle, namespaces: Sequence[str], wanted: Iterable[str], types: Types) -> None:
    """*types* knows all *wanted* data types afterwards, those of their fields and of theirs too, as far as the server tells."""
    types.namespaces = tuple(namespaces)
    open_ = [node for node in dict.fromkeys(wanted) if node and node not in types.builtin]
    while open_ and len(types.builtin) < MOST_TYPES:
        for node in open_:
            types.builtin[node] = _standard(node)
        await _ancestors(gentle, [node for node in open_ if not types.builtin[node]], types)
        own = [node for node in open_ if types.builtin[node] in {STRUCTURE, ENUMERATION} and not node.startswith("i=")]
        await _definitions(gentle, own, types)
        fields = (each.type for node in own if node in types.structures for each in types.structures[node].fields)
        open_ = [node for node in dict.fromkeys(fields) if node and node not in types.builtin]


async def _ancestors(gentle: Gentle, unknown: Sequence[str], types: Types) -> None:
    """The built-in type above each of *unknown*, one step of all of them at a time."""
    above = {node: node for node in unknown}
    for _step in range(DEEPEST):
        if not above:
            return
        places = list(dict.fromkeys(above.values()))
        asked = [(place, node_id(place, types.namespaces)) for place in places]
        known = [(place, node) for place, node in asked if node is not None]
        answers = await gentle.browse([_parent(node) for _place, node in known], 5)
        parents = {place: _first(answer, types) for (place, _node), answer in zip(known, answers, strict=True)}
        for node, place in list(above.items()):
            parent = parents.get(place, "")
            number = _standard(parent)
            if number or not parent:
                types.builtin[node] = number
                del above[node]
            else:
                above[node] = parent


def _standard(node: str) -> int:
    """The built-in type that *node* itself is, 0 where it is none."""
    number = int(node[2:]) if node.startswith("i=") and node[2:].isdigit() else 0
    return number if number in BUILTIN or number == ENUMERATION else 11 if number in ABSTRACT_NUMBERS else 0


def _parent(node: Any) -> Any:
    wanted = ua.BrowseDescription()
    wanted.NodeId = node
    wanted.BrowseDirection = ua.BrowseDirection.Inverse
    wanted.ReferenceTypeId = HAS_SUBTYPE
    wanted.IncludeSubtypes = True
    wanted.NodeClassMask = 0
    wanted.ResultMask = int(ua.BrowseResultMask.All)
    return wanted


def _first(answer: Any, types: Types) -> str:
    return next((types.text(reference.NodeId) for reference in answer.References or ()), "")


async def _definitions(gentle: Gentle, nodes: Sequence[str], types: Types) -> None:
    if not nodes:
        return
    ids = [node_id(node, types.namespaces) for node in nodes]
    names = await gentle.read([(node, NAME) for node in ids])
    definitions = await gentle.read([(node, DEFINITION) for node in ids])
    undefined = []
    for node, number, name, definition in zip(nodes, ids, names, definitions, strict=True):
        types.names[node] = shown(getattr(name, "Name", "")) or shown(node)
        if isinstance(definition, ua.StructureDefinition):
            _add_structure(node, definition, types)
        elif isinstance(definition, ua.EnumDefinition):
            fields = [(each.Value, each.Name) for each in (definition.Fields or ())[:MOST_FIELDS]]
            _add_enumeration(node, fields, types)
        elif types.builtin[node] == ENUMERATION:
            undefined.append((node, number))
    await _old_enumerations(gentle, undefined, types)


def _add_structure(node: str, definition: Any, types: Types) -> None:
    kind = int(definition.StructureType)
    subtypes = kind in {3, 4}  # StructureWithSubtypedValues, UnionWithSubtypedValues
    fields = tuple(
        Field(
            shown(each.Name) or f"field{place}",
            types.text(each.DataType),
            int(each.ValueRank),
            optional=bool(each.IsOptional) and kind == 1,
            subtypes=bool(each.IsOptional) and subtypes,
        )
        for place, each in enumerate((definition.Fields or ())[:MOST_FIELDS])
    )
    form: Literal["plain", "optional", "union"] = "optional" if kind == 1 else "union" if kind in {2, 4} else "plain"
    types.structures[node] = Structure(types.names[node], form, fields)
    encoding = types.text(definition.DefaultEncodingId)
    if encoding:
        types.encodings[encoding] = node


def _add_enumeration(node: str, fields: Iterable[tuple[object, object]], types: Types) -> None:
    names = {int(value): shown(name) for value, name in fields if isinstance(value, int) and shown(name)}
    types.enumerations[node] = Enumeration(types.names[node], names)


async def _old_enumerations(gentle: Gentle, nodes: Sequence[tuple[str, Any]], types: Types) -> None:
    """Enumerations of servers before 1.04: their names stand in a property of the type."""
    if not nodes:
        return
    answers = await gentle.browse([_properties(number) for _node, number in nodes], 20)
    found = [
        (node, reference.NodeId)
        for (node, _number), answer in zip(nodes, answers, strict=True)
        for reference in answer.References or ()
        if reference.BrowseName.Name in {"EnumStrings", "EnumValues"}
    ]
    values = await gentle.read([(place, VALUE) for _node, place in found])
    for (node, _place), value in zip(found, values, strict=True):
        _add_enumeration(node, enum_names(value), types)


def enum_names(value: object) -> list[tuple[object, object]]:
    """Number and name of each entry of an EnumStrings or EnumValues property."""
    if not isinstance(value, list):
        return []
    return [
        (each.Value, each.DisplayName.Text)
        if isinstance(each, ua.EnumValueType)
        else (place, getattr(each, "Text", None))
        for place, each in enumerate(value[:MOST_FIELDS])
    ]


def _properties(node: Any) -> Any:
    wanted = _parent(node)
    wanted.BrowseDirection = ua.BrowseDirection.Forward
    wanted.ReferenceTypeId = HAS_PROPERTY
    return wanted
