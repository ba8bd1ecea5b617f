"""Addresses of points as connectors spell them. Pure: plans and offline checks use them without any protocol library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from factory_kit.errors import DeviceRefused, UsageError
from factory_kit.model.registers import ModbusAddress, address_range, modbus_address, registers_of

__all__ = ["ModbusAddress", "NodeAddress", "address_range", "modbus_address", "node_address", "registers_of"]

_NODE = re.compile(r"(?:(?:ns=(?P<index>\?|\d{1,5})|nsu=(?P<uri>[^;]+));)?(?P<rest>(?:i=\d{1,10}|[sgb]=.+))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """An OPC UA node id whose namespace is a URI, or a number where the connector fixed one."""

    namespace: str | int
    rest: str
    """``i=…``, ``s=…``, ``g=…`` or ``b=…``."""

    def __str__(self) -> str:
        if isinstance(self.namespace, str):
            return f"nsu={self.namespace};{self.rest}"
        return f"ns={self.namespace};{self.rest}" if self.namespace else self.rest

    def resolve(self, namespaces: Sequence[str]) -> str:
        """The node id with the index that *namespaces*, the server's array, gives the URI; ``DeviceRefused`` without it."""
        if isinstance(self.namespace, int):
            return str(self)
        if self.namespace not in namespaces:
            raise DeviceRefused("the server has no namespace {uri}; check the connector", uri=self.namespace)
        return str(NodeAddress(namespaces.index(self.namespace), self.rest))


def node_address(text: str, base: str = "", namespace: str = "") -> NodeAddress:
    """The node that *text* names once ``{base}`` is *base* and ``ns=?`` is *namespace*; ``UsageError`` otherwise."""
    if "{base}" in text and not base:
        raise UsageError("{address!r} contains {{base}}, so the equipment needs its base", address=text)
    found = _NODE.fullmatch(text.replace("{base}", base))
    if found is None:
        raise UsageError(
            "{address!r} is no OPC UA node id, expected one such as ns=?;s={{base}}.State or ns=2;i=1001", address=text
        )
    if found["index"] == "?" and not namespace:
        raise UsageError(
            "{address!r} leaves the namespace open, so the connector needs its namespace URI", address=text
        )
    if found["index"] == "?":
        return NodeAddress(namespace, found["rest"])
    return NodeAddress(found["uri"] or int(found["index"] or 0), found["rest"])
