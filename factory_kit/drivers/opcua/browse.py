"""The address space of a server as a tree of what we know of it, walked breadth first within limits.

A server may be larger than anybody's patience, lie, or lead in circles. Every node is visited once; a continuation point that
brings nothing new is given up; what was not looked at is named in the result, which can be taken up again later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from asyncua import ua

from factory_kit.drivers.opcua.errors import mapped, translated
from factory_kit.drivers.opcua.gentle import Bounds, Gentle, Spent
from factory_kit.drivers.opcua.names import has_controls, node_id, node_text, shown
from factory_kit.errors import UsageError
from factory_kit.i18n import N_

__all__ = ["OBJECTS", "Found", "Remark", "Tree", "beginning", "beginning_at", "walk"]

OBJECTS = f"i={ua.ObjectIds.ObjectsFolder}"
SERVER = f"i={ua.ObjectIds.Server}"
HIERARCHICAL = ua.NodeId(ua.ObjectIds.HierarchicalReferences)
HAS_PROPERTY = f"i={ua.ObjectIds.HasProperty}"
EMPTY_ANSWERS = 3
"""So many continuation points in a row may bring nothing new."""
PER_ANSWER = 500
MOST_REMARKS = 50

Ended = Literal["", "nodes", "seconds", "error", "interrupted"]


@dataclass(frozen=True, slots=True)
class Found:
    """One node: where it hangs, what it is called (``space`` is the namespace URI of its name), and of which type it is."""

    id: str
    parent: str
    name: str
    space: str
    label: str
    variable: bool
    property: bool
    type: str
    """Node id of its type definition; empty where there is none."""
    depth: int


@dataclass(frozen=True, slots=True)
class Remark:
    """One line about the server; *message* is a template filled by *details*."""

    message: str
    details: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message.format(**self.details)


@dataclass(slots=True)
class Tree:
    """What was found so far, by node id, in the order of finding; ``open`` are the nodes whose children are not known yet."""

    nodes: dict[str, Found] = field(default_factory=dict)
    open: deque[str] = field(default_factory=deque)
    remarks: list[Remark] = field(default_factory=list)
    unsaid: int = 0
    """Remarks beyond those kept."""
    ended: Ended = ""
    """What ended the walk: nothing when it is complete."""

    def remark(self, message: str, **details: object) -> None:
        """A line for the user; the first few are kept, the others counted."""
        if len(self.remarks) < MOST_REMARKS:
            self.remarks.append(Remark(message, details))
        else:
            self.unsaid += 1

    def fail(self, error: Exception, address: str) -> None:
        """*error* ended it: one line about the server at *address*."""
        self.ended = "error"
        found = translated(error, address)
        self.remark(found.message, **found.details)

    def path(self, node: str) -> tuple[str, ...]:
        """The names from the beginning of the walk down to *node*."""
        names: list[str] = []
        seen: set[str] = set()
        while node in self.nodes and node not in seen:
            seen.add(node)
            names.append(self.nodes[node].name)
            node = self.nodes[node].parent
        return tuple(reversed(names))

    def as_json(self) -> dict[str, object]:
        """What is needed to take the walk up again."""
        return {"nodes": [asdict(found) for found in self.nodes.values()], "open": list(self.open)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Tree:
        """The tree that ``as_json`` wrote; ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        nodes = {each["id"]: Found(**each) for each in content["nodes"]}
        return cls(nodes, deque(str(each) for each in content["open"]))


async def walk(
    gentle: Gentle,
    namespaces: Sequence[str],
    bounds: Bounds,
    tree: Tree,
    wanted: Callable[[Found], bool] = lambda _found: True,
) -> None:
    """Look at the open nodes of *tree* and all below them that are *wanted*, until it is complete or a limit is reached.

    The tree is always left so that the walk can go on. An error of the server ends it and is remarked, not raised.
    """
    tree.ended = ""
    walking = _Walk(gentle, namespaces, bounds, tree, wanted)
    try:
        while tree.open and not walking.full:
            await walking.step()
    except Spent:
        tree.ended = "seconds"
    except Exception as error:  # noqa: BLE001 - whatever asyncua makes of a bad answer
        tree.fail(error, gentle.address)
    else:
        tree.ended = "nodes" if tree.open else ""


class _Walk:
    def __init__(
        self, gentle: Gentle, namespaces: Sequence[str], bounds: Bounds, tree: Tree, wanted: Callable[[Found], bool]
    ) -> None:
        self._gentle = gentle
        self._namespaces = namespaces
        self._bounds = bounds
        self._tree = tree
        self._wanted = wanted
        self._most = len(tree.nodes) + bounds.nodes

    @property
    def full(self) -> bool:
        """Whether as many nodes were found as this walk may find."""
        return len(self._tree.nodes) >= self._most

    async def step(self) -> None:
        """The children of the next few open nodes; they stay open until the server has answered."""
        tree = self._tree
        parents = [tree.open[place] for place in range(min(len(tree.open), self._gentle.per_browse))]
        asked = [(parent, node_id(parent, self._namespaces)) for parent in parents]
        known = [(parent, node) for parent, node in asked if node is not None]
        answers = await self._gentle.browse([_below(node) for _parent, node in known], PER_ANSWER)
        for _parent in parents:
            tree.open.popleft()
        for place, ((parent, _node), answer) in enumerate(zip(known, answers, strict=True)):
            try:
                await self._take(parent, answer)
            except BaseException:
                for later, _other in known[place:]:
                    self._again(later)
                raise

    async def _take(self, parent: str, answer: Any) -> None:
        """All children of *parent*, its continuation points included, up to the limit for one node."""
        taken, idle = self._add(parent, answer), 0
        references = len(answer.References or ())
        point = answer.ContinuationPoint
        while point:
            idle = 0 if taken else idle + 1
            reason = self._enough(references, idle)
            if reason:
                self._tree.remark(reason, node=self._shown(parent), count=references)
            if reason or self.full:
                if not reason:
                    self._again(parent)
                await self._gentle.browse_next([point], release=True)
                return
            (answer,) = await self._gentle.browse_next([point])
            taken = self._add(parent, answer)
            references += len(answer.References or ())
            point = answer.ContinuationPoint

    def _enough(self, references: int, idle: int) -> str:
        if references >= self._bounds.children:
            return N_("{node}: only the first {count} things below it were looked at; raise --children to see more")
        if idle >= EMPTY_ANSWERS:
            return N_("{node}: the server promises more and never gives it; {count} things below it were seen")
        return ""

    def _again(self, parent: str) -> None:
        """The children of *parent* are asked for from the beginning next time."""
        if parent not in self._tree.open:
            self._tree.open.append(parent)

    def _shown(self, parent: str) -> str:
        return "/".join(self._tree.path(parent)) or parent

    def _add(self, parent: str, answer: Any) -> int:
        """How many new nodes *answer* brought."""
        if answer.StatusCode is not None and answer.StatusCode.is_bad():
            self._tree.remark(
                N_("{node}: cannot be browsed ({status})"), node=self._shown(parent), status=answer.StatusCode.name
            )
            return 0
        depth = self._tree.nodes[parent].depth + 1 if parent in self._tree.nodes else 0
        before = len(self._tree.nodes)
        for reference in answer.References or ():
            if self.full:
                self._again(parent)
                break
            self._add_one(parent, reference, depth)
        return len(self._tree.nodes) - before

    def _add_one(self, parent: str, reference: Any, depth: int) -> None:
        tree = self._tree
        node = node_text(reference.NodeId, self._namespaces)
        if not node or node == SERVER or node in tree.nodes or reference.NodeClass not in CLASSES:
            return
        if has_controls(node):
            tree.remark(N_("{node}: left out, its node id holds control characters"), node=shown(node))
            return
        found = Found(
            id=node,
            parent=parent,
            name=shown(reference.BrowseName.Name) or shown(node),
            space=self._space(reference.BrowseName.NamespaceIndex),
            label=shown(reference.DisplayName.Text),
            variable=reference.NodeClass == ua.NodeClass.Variable,
            property=node_text(reference.ReferenceTypeId, self._namespaces) == HAS_PROPERTY,
            type=node_text(reference.TypeDefinition, self._namespaces),
            depth=depth,
        )
        if not self._wanted(found):
            return
        tree.nodes[node] = found
        if depth + 1 < self._bounds.depth and not found.property:
            tree.open.append(node)

    def _space(self, index: int) -> str:
        return shown(self._namespaces[index]) if 0 <= index < len(self._namespaces) else ""


CLASSES = frozenset({ua.NodeClass.Object, ua.NodeClass.Variable})


def _below(node: Any) -> Any:
    """Everything below *node*, with its name, class and type."""
    wanted = ua.BrowseDescription()
    wanted.NodeId = node
    wanted.BrowseDirection = ua.BrowseDirection.Forward
    wanted.ReferenceTypeId = HIERARCHICAL
    wanted.IncludeSubtypes = True
    wanted.NodeClassMask = int(ua.NodeClass.Object) | int(ua.NodeClass.Variable)
    wanted.ResultMask = int(ua.BrowseResultMask.All)
    return wanted


def beginning(nodes: Iterable[str]) -> Tree:
    """A tree whose walk begins at *nodes*."""
    return Tree(open=deque(nodes))


async def beginning_at(gentle: Gentle, namespaces: Sequence[str], node: str) -> Tree:
    """A tree that holds *node* and whose walk begins there; ``UsageError`` when the server has no such node."""
    number = node_id(node, namespaces)
    names = [ua.AttributeIds.BrowseName, ua.AttributeIds.DisplayName, ua.AttributeIds.NodeClass]
    with mapped(gentle.address):
        said = await gentle.read([(number, int(name)) for name in names]) if number is not None else [None] * 3
    if number is None or said[0] is None:
        raise UsageError(
            "{node}: the server has no such node; expected one such as nsu=urn:x;s=Line1", node=shown(node)
        )
    with mapped(gentle.address):
        (answer,) = await gentle.browse([_its_type(number)], 1)
    space = said[0].NamespaceIndex
    found = Found(
        id=node_text(number, namespaces),
        parent="",
        name=shown(said[0].Name) or shown(node),
        space=shown(namespaces[space]) if 0 <= space < len(namespaces) else "",
        label=shown(getattr(said[1], "Text", "")),
        variable=said[2] == ua.NodeClass.Variable,
        property=False,
        type=next((node_text(each.NodeId, namespaces) for each in answer.References or ()), ""),
        depth=0,
    )
    return Tree({found.id: found}, deque([found.id]))


def _its_type(node: Any) -> Any:
    wanted = _below(node)
    wanted.ReferenceTypeId = ua.NodeId(ua.ObjectIds.HasTypeDefinition)
    wanted.NodeClassMask = 0
    return wanted
