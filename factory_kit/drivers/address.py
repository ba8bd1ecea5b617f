"""Addresses of points as connectors spell them. Pure: plans and offline checks use them without any protocol library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, get_args

from factory_kit.drivers.base import Table
from factory_kit.errors import DeviceRefused, UsageError
from factory_kit.model.connector import Point

__all__ = ["ModbusAddress", "NodeAddress", "address_range", "modbus_address", "node_address", "registers_of"]

TABLES: Final = get_args(Table)
LAST: Final = 65535
_MODBUS = re.compile(r"(?P<table>[a-z]+):(?P<number>\d{1,6})(?:\.(?P<bit>\d{1,2}))?")
_RANGE = re.compile(r"(?P<table>[a-z]+):(?P<first>\d{1,6})(?:-(?P<last>\d{1,6}))?")
_NODE = re.compile(r"(?:(?:ns=(?P<index>\?|\d{1,5})|nsu=(?P<uri>[^;]+));)?(?P<rest>(?:i=\d{1,10}|[sgb]=.+))", re.DOTALL)
_WIDTH = {"int32": 2, "uint32": 2, "float32": 2, "bcd32": 2, "int64": 4, "uint64": 4, "float64": 4, "datetime": 4}


@dataclass(frozen=True, slots=True, order=True)
class ModbusAddress:
    """A place in a Modbus table, counted from 0; *bit* picks one bit of a register, 0 being the least significant."""

    table: Table
    number: int
    bit: int | None = None


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


def modbus_address(text: str) -> ModbusAddress:
    """The address that ``holding:123``, ``input:…``, ``coil:…``, ``discrete:…`` or ``holding:12.3`` names; ``UsageError`` otherwise."""
    found = _MODBUS.fullmatch(text)
    table = _table(found["table"]) if found else None
    if found is None or table is None:
        raise UsageError(
            "{address!r} is no Modbus address, expected table:number such as holding:123, counted from 0 (tables: coil, discrete, holding, input)",
            address=text,
        )
    number = int(found["number"])
    if number > LAST:
        raise UsageError(
            "{address!r} is beyond the last address, expected 0 to 65535; manuals that write 40001 mean holding:0",
            address=text,
        )
    bit = None if found["bit"] is None else int(found["bit"])
    if bit is not None and (table in {"coil", "discrete"} or bit > 15):
        raise UsageError(
            "{address!r} names a bit that does not exist, expected .0 to .15 of a holding or input register",
            address=text,
        )
    return ModbusAddress(table, number, bit)


def address_range(text: str) -> tuple[Table, int, int]:
    """Table, first and last address of ``holding:100-200`` or ``holding:100``; ``UsageError`` otherwise."""
    found = _RANGE.fullmatch(text)
    table = _table(found["table"]) if found else None
    if found is not None and table is not None:
        first = int(found["first"])
        last = int(found["last"] or first)
        if first <= last <= LAST:
            return table, first, last
    raise UsageError("{address!r} is no address range, expected table:from-to such as holding:100-199", address=text)


def registers_of(point: Point) -> int:
    """How many registers (or bits of a bit table) the value of *point* takes."""
    return point.size if point.type == "string" else _WIDTH.get(point.type, 1)


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


def _table(name: str) -> Table | None:
    for table in TABLES:
        if table == name:
            return table  # type: ignore[no-any-return]
    return None
