"""What a server says about itself: its endpoints before a session, and in the session its product, limits and clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncua import ua

from factory_kit.drivers.base import Identity
from factory_kit.drivers.opcua.gentle import Gentle
from factory_kit.drivers.opcua.names import shown
from factory_kit.drivers.opcua.values import microseconds

__all__ = ["LIMITS", "ServerFacts", "server_facts"]

VALUE = int(ua.AttributeIds.Value)
_CAPABILITY = "Server_ServerCapabilities_"
_OPERATION = f"{_CAPABILITY}OperationLimits_"
LIMITS: Mapping[str, int] = {
    "MaxNodesPerRead": getattr(ua.ObjectIds, f"{_OPERATION}MaxNodesPerRead"),
    "MaxNodesPerBrowse": getattr(ua.ObjectIds, f"{_OPERATION}MaxNodesPerBrowse"),
    "MaxNodesPerTranslateBrowsePathsToNodeIds": getattr(
        ua.ObjectIds, f"{_OPERATION}MaxNodesPerTranslateBrowsePathsToNodeIds"
    ),
    "MaxNodesPerRegisterNodes": getattr(ua.ObjectIds, f"{_OPERATION}MaxNodesPerRegisterNodes"),
    "MaxNodesPerHistoryReadData": getattr(ua.ObjectIds, f"{_OPERATION}MaxNodesPerHistoryReadData"),
    "MaxMonitoredItemsPerCall": getattr(ua.ObjectIds, f"{_OPERATION}MaxMonitoredItemsPerCall"),
    "MaxBrowseContinuationPoints": getattr(ua.ObjectIds, f"{_CAPABILITY}MaxBrowseContinuationPoints"),
    "MaxHistoryContinuationPoints": getattr(ua.ObjectIds, f"{_CAPABILITY}MaxHistoryContinuationPoints"),
    "MaxArrayLength": getattr(ua.ObjectIds, f"{_CAPABILITY}MaxArrayLength"),
    "MaxStringLength": getattr(ua.ObjectIds, f"{_CAPABILITY}MaxStringLength"),
    "MinSupportedSampleRate": getattr(ua.ObjectIds, f"{_CAPABILITY}MinSupportedSampleRate"),
    "MaxSessions": 24095,
    "MaxSubscriptions": 24096,
    "MaxMonitoredItems": 24097,
    "MaxSubscriptionsPerSession": 24098,
    "MaxMonitoredItemsPerSubscription": 24104,
    "MaxMonitoredItemsQueueSize": 31916,
}
"""The limits a server can state (OPC 10000-5, 6.3.2 and 6.3.11), by name, with the number of the node that holds them."""
_BUILD = "Server_ServerStatus_BuildInfo_"
BUILD = tuple(
    getattr(ua.ObjectIds, f"{_BUILD}{name}")
    for name in ("ManufacturerName", "ProductName", "SoftwareVersion", "ProductUri")
)
NAMESPACES = ua.ObjectIds.Server_NamespaceArray
PROFILES = ua.ObjectIds.Server_ServerCapabilities_ServerProfileArray
CLOCK = ua.ObjectIds.Server_ServerStatus_CurrentTime


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the session told. *limits* holds only what the server states; the clock is µs ahead of ours, known to ±half the round trip."""

    identity: Identity
    namespaces: tuple[str, ...]
    profiles: tuple[str, ...]
    limits: Mapping[str, float]
    clock_ahead_us: int | None
    clock_uncertain_us: int


async def server_facts(gentle: Gentle, now: Callable[[], int]) -> ServerFacts:
    """Read once, in a few calls; what the server does not give is empty. *now* is our clock (µs)."""
    limits = await gentle.read([(ua.NodeId(node), VALUE) for node in LIMITS.values()])
    stated = {name: value for name, value in zip(LIMITS, limits, strict=True) if _is_limit(value)}
    gentle.allow(stated.get("MaxNodesPerBrowse"), stated.get("MaxNodesPerRead"))
    said = await gentle.read([(ua.NodeId(node), VALUE) for node in (*BUILD, NAMESPACES, PROFILES)])
    ahead, uncertain = await _clock(gentle, now)
    vendor, product, version, uri = (shown(value) for value in said[:4])
    return ServerFacts(
        Identity(vendor, product, version, uri),
        _texts(said[4]),
        tuple(shown(each) for each in _texts(said[5])),
        stated,
        ahead,
        uncertain,
    )


async def _clock(gentle: Gentle, now: Callable[[], int]) -> tuple[int | None, int]:
    """How far the server's clock is ahead of ours, and how far that may be wrong: half the round trip (µs)."""
    sent: list[int] = []
    (said,) = await gentle.read([(ua.NodeId(CLOCK), VALUE)], before=lambda: sent.append(now()))
    answered = now()
    theirs = microseconds(said) if isinstance(said, datetime) else 0
    return (theirs - (sent[-1] + answered) // 2 if theirs else None), (answered - sent[-1]) // 2


def _is_limit(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**53


def _texts(value: object) -> tuple[str, ...]:
    return (
        tuple(str(each) for each in value if each is not None)
        if isinstance(value, Sequence) and not isinstance(value, str)
        else ()
    )
