"""Nodes found by the way to them: a path of browse names from a node, as companion specifications describe their places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asyncua import ua

from factory_kit.drivers.base import Monitored
from factory_kit.drivers.opcua.errors import status_name
from factory_kit.drivers.opcua.limits import CallSize
from factory_kit.i18n import N_

__all__ = ["Way", "follow"]

Way = tuple[Any, Sequence[tuple[int, str]]]
"""The node where it begins, and the namespace index and name of each step."""
BAD_NO_MATCH = 0x806F0000
"""BadNoMatch."""
HIERARCHICAL = ua.NodeId(ua.ObjectIds.HierarchicalReferences)


async def follow(session: Any, size: CallSize, ways: Mapping[int, Way]) -> dict[int, ua.NodeId | Monitored]:
    """The node at the end of each way, or the status the server answers; a way that is ambiguous leads nowhere."""

    async def translate(part: Sequence[int]) -> list[Any]:
        return list(await session.translate_browsepaths_to_nodeids([_asked(ways[place]) for place in part]))

    places = list(ways)
    answers = await size.calls(places, translate) if places else []
    return {place: _found(answer) for place, answer in zip(places, answers, strict=True)}


def _asked(way: Way) -> ua.BrowsePath:
    start, steps = way
    path = ua.BrowsePath()
    path.StartingNode = start
    path.RelativePath.Elements = [
        ua.RelativePathElement(
            ReferenceTypeId=HIERARCHICAL,
            IsInverse=False,
            IncludeSubtypes=True,
            TargetName=ua.QualifiedName(name, index),
        )
        for index, name in steps
    ]
    return path


def _found(answer: Any) -> ua.NodeId | Monitored:
    if answer.StatusCode.is_bad():
        return Monitored(int(answer.StatusCode.value), status_name(answer.StatusCode.value))
    ends = {
        each.TargetId.to_string(): each.TargetId
        for each in answer.Targets or ()
        if each.RemainingPathIndex == 0xFFFFFFFF
    }
    if len(ends) != 1:
        return Monitored(BAD_NO_MATCH, AMBIGUOUS)
    (end,) = ends.values()
    return ua.NodeId(end.Identifier, end.NamespaceIndex, end.NodeIdType)


AMBIGUOUS = N_("the path leads to no single node; check the base in the site file")
