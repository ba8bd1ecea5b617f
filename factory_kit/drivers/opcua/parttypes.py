"""The data types of those items that mean a part of a structure, asked for once in every session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic

from asyncua import ua

from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.drivers.opcua.datatypes import load_types
from factory_kit.drivers.opcua.gentle import Bounds, Gentle
from factory_kit.drivers.opcua.parts import Parts

__all__ = ["learn_types"]

BOUNDS = Bounds(seconds=60, requests_per_s=20)
DATA_TYPE = int(ua.AttributeIds.DataType)


async def learn_types(
    client: ReadingClient, address: str, namespaces: Sequence[str], parts: Parts, nodes: Mapping[int, ua.NodeId]
) -> None:
    """*parts* can take apart the values of *nodes* afterwards, as far as the server describes its types; sends nothing without parts."""
    wanted = [nodes[place] for place in parts.handles if place in nodes]
    if not wanted:
        return
    parts.types.namespaces = tuple(namespaces)
    gentle = Gentle(client, address, BOUNDS, monotonic)
    said = await gentle.read([(node, DATA_TYPE) for node in dict.fromkeys(wanted)])
    await load_types(gentle, namespaces, (parts.types.text(each) for each in said), parts.types)
