"""Every error of pymodbus and of the network below it as one of ours, in one line."""

from __future__ import annotations

from pymodbus.exceptions import ConnectionException, ModbusIOException

from factory_kit.drivers.status import MODBUS_EXCEPTIONS
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable

__all__ = ["refusal", "translated"]


def translated(error: Exception, address: str) -> DeviceError:
    """*error* as ``DeviceUnavailable`` when trying again may help, else as ``DeviceRefused``."""
    if isinstance(error, DeviceError):
        return error
    if isinstance(error, ModbusIOException):
        return DeviceUnavailable(
            "{address}: no answer in time; check the unit, its cable and its power", address=address
        )
    if isinstance(error, ConnectionException | OSError):
        return DeviceUnavailable(
            "{address}: no connection; check the address, the cable and that the device is on", address=address
        )
    reason = " ".join(str(error).split()) or type(error).__name__
    return DeviceRefused(
        "{address}: the answer cannot be used ({reason}); is this a Modbus device?", address=address, reason=reason
    )


def refusal(address: str, unit: int, request: str, code: int) -> DeviceRefused:
    """The exception *code* that *unit* answered to *request* (Modbus application protocol V1.1b3, 7)."""
    return DeviceRefused(
        "{address} unit {unit}: {request} answered with exception {code} ({meaning})",
        address=address,
        unit=unit,
        request=request,
        code=code,
        meaning=MODBUS_EXCEPTIONS.get(code, "not in the standard"),
    )
