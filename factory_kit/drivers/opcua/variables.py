"""What the variables of a tree hold: type, access, unit, range, names of numbers, and one value each, read in few calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from asyncua import ua

from factory_kit.drivers.opcua.browse import Found, Tree
from factory_kit.drivers.opcua.datatypes import Types, enum_names, load_types
from factory_kit.drivers.opcua.gentle import Gentle, Spent
from factory_kit.drivers.opcua.names import node_id, shown
from factory_kit.drivers.opcua.structures import Malformed, Taken, flattened, taken_apart
from factory_kit.i18n import N_

__all__ = ["Variable", "variables_of"]

READ_ATTRIBUTES = (ua.AttributeIds.DataType, ua.AttributeIds.ValueRank, ua.AttributeIds.UserAccessLevel)
VALUE = int(ua.AttributeIds.Value)
CURRENT_READ, HISTORY_READ = 1, 4
"""Bits of the access level (OPC 10000-3, 8.57)."""
PROPERTIES = frozenset({"EURange", "EngineeringUnits", "EnumStrings", "EnumValues"})
MOST_VALUES = 5_000
MOST_PARTS = 64
"""Single values that one array or structure is drafted into."""


@dataclass(slots=True)
class Variable:
    """One variable. ``parts`` are the places and values inside an array or structure; a scalar has the one place ``""``."""

    id: str
    path: tuple[str, ...]
    label: str
    parent: str
    type: str = ""
    kind: int = 0
    type_name: str = ""
    rank: int = -1
    readable: bool = True
    history: bool = False
    unit: str = ""
    low: float | None = None
    high: float | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    parts: tuple[tuple[str, Taken], ...] = ()
    trouble: str = ""
    """Why there is no value, in one line."""


async def variables_of(gentle: Gentle, namespaces: Sequence[str], tree: Tree, match: str) -> list[Variable]:
    """The variables in *tree* whose path matches *match* (``*`` and ``?``; empty: all), properties and the standard's own left out.

    When the time is over, what is not known yet stays empty, and the tree says so.
    """
    found = [each for each in tree.nodes.values() if _wanted(each, tree, match)]
    variables = {each.id: Variable(each.id, tree.path(each.id), each.label, each.parent) for each in found}
    types = Types(tuple(namespaces))
    try:
        await _attributes(gentle, namespaces, variables)
        await load_types(gentle, namespaces, (each.type for each in variables.values()), types)
        _typed(variables, types)
        await _properties(gentle, namespaces, variables, tree)
        await _values(gentle, namespaces, variables, types)
    except Spent:
        tree.ended = tree.ended or "seconds"
        tree.remark(N_("the time was over before all types and values had been read"))
    except Exception as error:  # noqa: BLE001 - whatever asyncua makes of a bad answer; what is known is kept
        tree.fail(error, gentle.address)
    return list(variables.values())


def _wanted(each: Found, tree: Tree, match: str) -> bool:
    if not each.variable or each.property or each.id.startswith("i="):
        return False
    return not match or fnmatchcase("/".join(tree.path(each.id)), match)


async def _attributes(gentle: Gentle, namespaces: Sequence[str], variables: Mapping[str, Variable]) -> None:
    asked = [(node_id(name, namespaces), int(attribute)) for name in variables for attribute in READ_ATTRIBUTES]
    said = iter(await gentle.read(asked))
    types = Types(tuple(namespaces))
    for variable in variables.values():
        data_type, rank, access = next(said), next(said), next(said)
        variable.type = types.text(data_type) if isinstance(data_type, ua.NodeId) else ""
        variable.rank = rank if isinstance(rank, int) else -1
        if isinstance(access, int):
            variable.readable, variable.history = bool(access & CURRENT_READ), bool(access & HISTORY_READ)


def _typed(variables: Mapping[str, Variable], types: Types) -> None:
    for variable in variables.values():
        variable.kind = types.kind(variable.type)
        variable.type_name = types.names.get(variable.type, "")
        if variable.type in types.enumerations:
            variable.names = types.enumerations[variable.type].names


async def _properties(gentle: Gentle, namespaces: Sequence[str], variables: Mapping[str, Variable], tree: Tree) -> None:
    """Units, ranges and names that hang below the variables."""
    own = [
        each for each in tree.nodes.values() if each.property and each.name in PROPERTIES and each.parent in variables
    ]
    values = await gentle.read([(node_id(each.id, namespaces), VALUE) for each in own])
    for each, value in zip(own, values, strict=True):
        variable = variables[each.parent]
        if isinstance(value, ua.EUInformation):
            variable.unit = shown(value.DisplayName.Text) or shown(value.Description.Text)
        elif isinstance(value, ua.Range):
            variable.low, variable.high = float(value.Low), float(value.High)
        else:
            names = {int(number): shown(name) for number, name in enum_names(value) if isinstance(number, int)}
            variable.names = names or variable.names


async def _values(gentle: Gentle, namespaces: Sequence[str], variables: Mapping[str, Variable], types: Types) -> None:
    readable = [each for each in variables.values() if each.readable][:MOST_VALUES]
    values = await gentle.read([(node_id(each.id, namespaces), VALUE) for each in readable])
    for variable, value in zip(readable, values, strict=True):
        try:
            variable.parts = _parts(value, types)
        except Malformed as error:
            variable.trouble = str(error)


def _parts(value: Any, types: Types) -> tuple[tuple[str, Taken], ...]:
    if value is None:
        return ()
    return tuple(flattened(taken_apart(value, types), MOST_PARTS))
