"""The Modbus driver: function codes 1 to 4 and device identification (43/14), nothing else."""

from __future__ import annotations

from factory_kit.drivers.base import Context, RegisterDevice
from factory_kit.drivers.check import modbus_problems as validate
from factory_kit.drivers.modbus.reader import ModbusDevice
from factory_kit.errors import UsageError
from factory_kit.model.site import ModbusServer, Server

__all__ = ["device", "validate"]


def device(name: str, server: Server, context: Context) -> RegisterDevice:
    """The device behind *server*, not yet connected; ``UsageError`` when the server speaks another protocol."""
    if not isinstance(server, ModbusServer):
        raise UsageError("{server}: is no Modbus server", server=name)
    return ModbusDevice(server, context)
