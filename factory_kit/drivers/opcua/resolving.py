"""From the addresses of a connector to the node ids of this session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asyncua import ua

from factory_kit.drivers.address import node_address
from factory_kit.drivers.base import Monitored, NodeItem
from factory_kit.drivers.opcua.errors import mapped
from factory_kit.drivers.opcua.limits import CallSize
from factory_kit.drivers.opcua.link import Link
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.drivers.opcua.parttypes import learn_types
from factory_kit.drivers.opcua.paths import Way, follow
from factory_kit.errors import DeviceRefused, UsageError

__all__ = ["BAD_NODE_ID", "resolved"]

BAD_NODE_ID = 0x80340000
"""BadNodeIdUnknown."""
NAMESPACES = ua.ObjectIds.Server_NamespaceArray


async def resolved(
    link: Link, items: Sequence[NodeItem], places: Iterable[int], size: CallSize, parts: Parts
) -> tuple[dict[int, ua.NodeId], dict[int, Monitored]]:
    """The node ids of the *items* at *places*, with the namespace numbers of this session; those without one are answered here.

    *parts* learns which places mean a part of a value, and the types to find it by; *size* is that of the calls for paths.
    """
    (said,) = await link.read((NAMESPACES,))
    namespaces = [str(uri) for uri in said] if isinstance(said, list) else []
    nodes: dict[int, ua.NodeId] = {}
    unknown: dict[int, Monitored] = {}
    ways: dict[int, Way] = {}
    for place in places:
        try:
            address = node_address(items[place].node)
            nodes[place] = ua.NodeId.from_string(address.resolve(namespaces))
            if address.path:
                ways[place] = nodes.pop(place), address.steps(namespaces)
            if address.part:
                parts.want(place, address.places)
        except (DeviceRefused, UsageError, ua.UaError, ValueError) as error:
            unknown[place] = Monitored(BAD_NODE_ID, str(error))
    with mapped(link.address):
        for place, found in (await follow(link.session, size, ways)).items():
            if isinstance(found, Monitored):
                unknown[place] = found
            else:
                nodes[place] = found
        assert link.client is not None  # noqa: S101 - it has just answered
        await learn_types(link.client, link.address, namespaces, parts, nodes)
    return nodes, unknown
