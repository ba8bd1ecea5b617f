"""Of which types the objects of a tree are, up to the one a companion specification defines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncua import ua

from factory_kit.drivers.opcua.browse import Tree
from factory_kit.drivers.opcua.gentle import Gentle, Spent
from factory_kit.drivers.opcua.names import node_id, node_text, shown

__all__ = ["Kinds", "TypeName", "kinds_of"]

TypeName = tuple[str, str]
"""Namespace URI and browse name of a type."""
DEEPEST = 12
MOST_TYPES = 2_000
NAME = int(ua.AttributeIds.BrowseName)


@dataclass(slots=True)
class Kinds:
    """Name and supertype of each type definition, by node id."""

    names: dict[str, TypeName] = field(default_factory=dict)
    above: dict[str, str] = field(default_factory=dict)

    def chain(self, node: str) -> list[TypeName]:
        """The names of *node* and of the types above it, nearest first."""
        found: list[TypeName] = []
        seen: set[str] = set()
        while node in self.names and node not in seen:
            seen.add(node)
            found.append(self.names[node])
            node = self.above.get(node, "")
        return found


async def kinds_of(gentle: Gentle, namespaces: Sequence[str], tree: Tree) -> Kinds:
    """The types of all objects of *tree*; what the time does not suffice for stays unknown."""
    kinds = Kinds()
    open_ = _strangers((each.type for each in tree.nodes.values() if not each.variable), kinds)
    try:
        for _step in range(DEEPEST):
            if not open_ or len(kinds.names) > MOST_TYPES:
                break
            open_ = _strangers(await _one_step(gentle, namespaces, open_, kinds), kinds)
    except Spent:
        tree.ended = tree.ended or "seconds"
    except Exception as error:  # noqa: BLE001 - whatever asyncua makes of a bad answer; what is known is kept
        tree.fail(error, gentle.address)
    return kinds


def _strangers(nodes: Any, kinds: Kinds) -> list[str]:
    """The types that are not the standard's own and not known yet."""
    return [node for node in dict.fromkeys(nodes) if node and not node.startswith("i=") and node not in kinds.names]


async def _one_step(gentle: Gentle, namespaces: Sequence[str], types: Sequence[str], kinds: Kinds) -> list[str]:
    """The types above *types*, which are named now."""
    known = [(node, number) for node in types if (number := node_id(node, namespaces)) is not None]
    names = await gentle.read([(number, NAME) for _node, number in known])
    answers = await gentle.browse([_parent(number) for _node, number in known], 5)
    above = []
    for node in types:
        kinds.names[node] = ("", "")
    for (node, _number), name, answer in zip(known, names, answers, strict=True):
        index = getattr(name, "NamespaceIndex", 0)
        space = namespaces[index] if isinstance(index, int) and 0 <= index < len(namespaces) else ""
        kinds.names[node] = (space, shown(getattr(name, "Name", "")))
        parent = next((node_text(each.NodeId, namespaces) for each in answer.References or ()), "")
        kinds.above[node] = parent
        above.append(parent)
    return above


def _parent(node: Any) -> Any:
    wanted = ua.BrowseDescription()
    wanted.NodeId = node
    wanted.BrowseDirection = ua.BrowseDirection.Inverse
    wanted.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HasSubtype)
    wanted.IncludeSubtypes = True
    wanted.NodeClassMask = 0
    wanted.ResultMask = int(ua.BrowseResultMask.All)
    return wanted
