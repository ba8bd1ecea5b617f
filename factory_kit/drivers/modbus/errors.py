"""Every error of a line and of the network below it as one of ours, in one line."""

from __future__ import annotations

from factory_kit.drivers.modbus.wire import Spoiled
from factory_kit.drivers.status import MODBUS_EXCEPTIONS
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable

__all__ = ["no_connection", "refusal", "translated", "wrong_answer"]


def translated(error: Exception, address: str) -> DeviceError:
    """*error* of a request under way as ``DeviceUnavailable`` when trying again may help, else as ``DeviceRefused``."""
    if isinstance(error, DeviceError):
        return error
    if isinstance(error, TimeoutError):
        return DeviceUnavailable(
            "{address}: no answer in time; check the unit, its cable and its power", address=address
        )
    if isinstance(error, Spoiled):
        return DeviceUnavailable(
            "{address}: no usable answer ({reason}); check the cable, its shield and the ends of the line",
            address=address,
            reason=str(error),
        )
    if isinstance(error, OSError):
        return no_connection(error, address)
    return wrong_answer(address, " ".join(str(error).split()) or type(error).__name__)


def no_connection(error: OSError, address: str) -> DeviceUnavailable:
    """Nobody is there, or the serial port cannot be opened; a reason the system gives for a port is passed on."""
    if "/" in address or address.upper().startswith("COM"):
        reason = error.strerror or " ".join(str(error).split())
        return DeviceUnavailable("{address}: the serial port cannot be used ({reason})", address=address, reason=reason)
    return DeviceUnavailable(
        "{address}: no connection; check the address, the cable and that the device is on", address=address
    )


def wrong_answer(address: str, reason: str) -> DeviceRefused:
    """Something answers, but not Modbus as it should be."""
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
