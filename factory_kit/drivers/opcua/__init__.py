"""The OPC UA driver: it browses, reads and subscribes; services that change anything cannot leave it."""

from __future__ import annotations

import logging

from factory_kit.drivers.base import Context, StreamingDevice
from factory_kit.drivers.check import opcua_problems as validate
from factory_kit.drivers.opcua.reader import OpcUaDevice
from factory_kit.errors import UsageError
from factory_kit.model.site import OpcUaServer, Server

__all__ = ["device", "validate"]

# asyncua logs tracebacks for every lost connection; ours go to the user as one line, so its own go nowhere by default.
logging.getLogger("asyncua").addHandler(logging.NullHandler())


def device(name: str, server: Server, context: Context) -> StreamingDevice:
    """The server *server*, not yet connected; ``UsageError`` when it speaks another protocol."""
    if not isinstance(server, OpcUaServer):
        raise UsageError("{server}: is no OPC UA server", server=name)
    return OpcUaDevice(name, server, context)
