"""Every error of asyncua and of the network below it as one of ours, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from asyncua import ua
from asyncua.ua import status_codes
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable
from factory_kit.i18n import N_

__all__ = ["TOO_MUCH", "mapped", "status_name", "translated"]

RETRY = frozenset(
    {
        "BadUnexpectedError", "BadInternalError", "BadOutOfMemory", "BadResourceUnavailable", "BadCommunicationError", "BadTimeout", "BadShutdown",
        "BadServerNotConnected", "BadServerHalted", "BadSecureChannelIdInvalid", "BadSessionIdInvalid", "BadSessionClosed", "BadSessionNotActivated",
        "BadSubscriptionIdInvalid", "BadServerTooBusy", "BadNoCommunication", "BadWaitingForInitialData", "BadTooManySessions", "BadTooManySubscriptions",
        "BadTooManyPublishRequests", "BadNoSubscription", "BadStateNotActive", "BadTcpServerTooBusy", "BadTcpSecureChannelUnknown",
        "BadTcpNotEnoughResources", "BadTcpInternalError", "BadRequestInterrupted", "BadRequestTimeout", "BadSecureChannelClosed",
        "BadSecureChannelTokenUnknown", "BadSequenceNumberInvalid", "BadNotConnected", "BadDeviceFailure", "BadOutOfService", "BadNonceInvalid",
        "BadConnectionRejected", "BadDisconnect", "BadConnectionClosed", "BadEndOfStream", "BadWouldBlock", "BadMaxConnectionsReached",
        "BadWaitingForResponse", "BadOperationAbandoned", "BadRequestCancelledByClient", "BadRequestCancelledByRequest",
    }
)  # fmt: skip
"""Conditions that pass by themselves, or with a new session."""

TOO_MUCH = frozenset(
    {
        "BadTooManyOperations",
        "BadEncodingLimitsExceeded",
        "BadRequestTooLarge",
        "BadResponseTooLarge",
        "BadTcpMessageTooLarge",
        "BadTooManyMonitoredItems",
    }
)
"""What a server answers when one call asks for too much: half as much may be fine."""


def translated(error: BaseException, address: str) -> DeviceError:
    """*error* as ``DeviceUnavailable`` when trying again may help, else as ``DeviceRefused``."""
    if isinstance(error, DeviceError):
        return error
    if isinstance(error, UaStatusCodeError):
        return _status(error, address)
    if isinstance(error, TimeoutError):
        return DeviceUnavailable(
            "{address}: no answer in time; check that the server runs and the network", address=address
        )
    if isinstance(error, OSError):
        return DeviceUnavailable(
            "{address}: no connection ({reason}); check the address, the cable and that the server runs",
            address=address,
            reason=_line(error),
        )
    if isinstance(error, UaError):
        return DeviceRefused("{address}: {reason}", address=address, reason=_line(error))
    return DeviceRefused(
        "{address}: the answer cannot be used ({reason}); is this an OPC UA server?",
        address=address,
        reason=_line(error),
    )


@contextmanager
def mapped(address: str) -> Iterator[None]:
    """Whatever asyncua or the network raises inside leaves as an error of ours about *address*."""
    try:
        yield
    except DeviceError:
        raise
    except Exception as error:
        raise translated(error, address) from error


def status_name(code: int) -> str:
    """The standard's name of a status, such as ``BadNodeIdUnknown``; its number where the standard has none."""
    name: str = status_codes.get_name_and_doc(code & 0xFFFF0000)[0]
    return name if name.isidentifier() else f"0x{code:08X}"


def _status(error: UaStatusCodeError, address: str) -> DeviceError:
    name = type(error).__name__ if type(error).__name__.startswith("Bad") else status_name(_code(error))
    if name in {"BadUserAccessDenied", "BadIdentityTokenRejected", "BadIdentityTokenInvalid"}:
        return DeviceRefused(
            "{address}: user or password refused ({status}); check user and password", address=address, status=name
        )
    if name.startswith("BadCertificate") or name == "BadSecurityChecksFailed":
        return DeviceRefused(
            "{address}: our certificate is refused ({status}); let the server trust it", address=address, status=name
        )
    kind = DeviceUnavailable if name in RETRY else DeviceRefused
    meaning = " ".join(str(status_codes.get_name_and_doc(_code(error))[1]).split())
    return kind(N_("{address}: the server answers {status}: {meaning}"), address=address, status=name, meaning=meaning)


def _code(error: UaStatusCodeError) -> int:
    code = error.code
    return code if isinstance(code, int) else int(ua.StatusCodes.Bad)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
