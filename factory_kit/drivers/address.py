"""Addresses of points as connectors spell them. Pure: plans and offline checks use them without any protocol library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from factory_kit.errors import DeviceRefused, UsageError
from factory_kit.model.registers import ModbusAddress, address_range, modbus_address, registers_of

__all__ = ["ModbusAddress", "NodeAddress", "address_range", "modbus_address", "node_address", "registers_of"]

_PREFIXED = re.compile(r"(?:(?P<part>[.\[][^@]*)@)?(?:(?P<path>/(?:[^@&]|&.)*)@)?(?P<node>.*)", re.DOTALL)
_STEP = re.compile(r"/(?:(?P<index>\?|\d{1,5})|<(?P<uri>[^>]+)>):(?P<name>(?:[^/&]|&.)+)", re.DOTALL)
_PLACE = re.compile(r"\[(?P<index>\d{1,9})\]|\.(?P<field>[^.\[\]@]+)")
_NODE = re.compile(r"(?:(?:ns=(?P<index>\?|\d{1,5})|nsu=(?P<uri>[^;]+));)?(?P<rest>(?:i=\d{1,10}|[sgb]=.+))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """An OPC UA node whose namespace is a URI, or a number where the connector fixed one, and what of it is meant.

    With a *path* the node is only where the way begins: each step is the namespace and name of a browse name. With a *part*
    one place inside its array or structure is meant, spelled ``[3]`` (from 0), ``.field``, or several of these in a row.
    """

    namespace: str | int
    rest: str
    """``i=…``, ``s=…``, ``g=…`` or ``b=…``."""
    path: tuple[tuple[str | int, str], ...] = ()
    part: str = ""

    def __str__(self) -> str:
        steps = "".join(f"/{_spelled(space)}:{_escaped(name)}" for space, name in self.path)
        return "".join(f"{each}@" for each in (self.part, steps) if each) + self.node

    @property
    def node(self) -> str:
        """The node id alone, by namespace URI."""
        if isinstance(self.namespace, str):
            return f"nsu={self.namespace};{self.rest}"
        return f"ns={self.namespace};{self.rest}" if self.namespace else self.rest

    @property
    def places(self) -> tuple[int | str, ...]:
        """The part step by step: the number of an element, or the name of a field."""
        return tuple(each["field"] or int(each["index"]) for each in _PLACE.finditer(self.part))

    def resolve(self, namespaces: Sequence[str]) -> str:
        """The node id with the index that *namespaces*, the server's array, gives the URI; ``DeviceRefused`` without it."""
        index = _index(self.namespace, namespaces)
        return f"ns={index};{self.rest}" if index else self.rest

    def steps(self, namespaces: Sequence[str]) -> list[tuple[int, str]]:
        """The path as namespace index and name; ``DeviceRefused`` where the server lacks a namespace of it."""
        return [(_index(space, namespaces), name) for space, name in self.path]


def node_address(text: str, base: str = "", namespace: str = "") -> NodeAddress:
    """The node that *text* names once ``{base}`` is *base* and ``ns=?`` is *namespace*; ``UsageError`` otherwise.

    Before the node id may stand, each ended by ``@``, a part (``[3]`` or ``.field``) and a path of browse names such as
    ``/?:Monitoring/<http://example.org/UA/>:Speed``; in names ``&`` stands before ``/``, ``@`` and ``&`` (OPC 10000-4, A.2).
    """
    if "{base}" in text and not base:
        raise UsageError("{address!r} contains {{base}}, so the equipment needs its base", address=text)
    prefixed = _PREFIXED.fullmatch(text.replace("{base}", base))
    found = _NODE.fullmatch(prefixed["node"]) if prefixed else None
    if found is None and prefixed is not None and prefixed["path"]:
        raise UsageError(
            "{address!r} begins at {node!r}, which is no node id, expected one such as nsu=http://maker.example/;s=Machine1",
            address=text,
            node=prefixed["node"],
        )
    if found is None or prefixed is None:
        raise UsageError(
            "{address!r} is no OPC UA node id, expected one such as ns=?;s={{base}}.State or ns=2;i=1001", address=text
        )
    part, path = prefixed["part"] or "", _steps(prefixed["path"] or "", text, namespace)
    if part and _PLACE.sub("", part):
        raise UsageError("{address!r} names no part of a value, expected [3] or .field before the @", address=text)
    if found["index"] == "?":
        return NodeAddress(_given(namespace, text), found["rest"], path, part)
    return NodeAddress(found["uri"] or int(found["index"] or 0), found["rest"], path, part)


def _steps(path: str, text: str, namespace: str) -> tuple[tuple[str | int, str], ...]:
    steps: list[tuple[str | int, str]] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise UsageError(
                "{address!r} names no path, expected steps such as /?:Monitoring or /<namespace URI>:Name", address=text
            )
        space = _given(namespace, text) if step["index"] == "?" else step["uri"] or int(step["index"])
        steps.append((space, re.sub(r"&(.)", r"\1", step["name"])))
        at = step.end()
    return tuple(steps)


def _given(namespace: str, text: str) -> str:
    if not namespace:
        raise UsageError(
            "{address!r} leaves the namespace open, so the connector needs its namespace URI", address=text
        )
    return namespace


def _index(space: str | int, namespaces: Sequence[str]) -> int:
    if isinstance(space, int):
        return space
    if space not in namespaces:
        raise DeviceRefused("the server has no namespace {uri}; check the connector", uri=space)
    return namespaces.index(space)


def _spelled(space: str | int) -> str:
    return f"<{space}>" if isinstance(space, str) else str(space)


def _escaped(name: str) -> str:
    return re.sub(r"[/@&]", r"&\g<0>", name)
