"""An OPC UA server made of a socket and prepared bytes: it reports and answers at any rate, so that a client is what is measured.

It knows the services a collector needs, without encryption, and forgets everything at the end of a connection. What it publishes
comes from a ``Feed``; the big answers are kept encoded and only their numbers and times are written anew.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import header_from_binary, nodeid_from_binary, struct_from_binary, struct_to_binary

from factory_kit.testing.rawbytes import Feed, Rows, filetime

__all__ = ["NAMESPACE", "RawServer"]

NAMESPACE = "urn:factory-kit:raw"
CHUNK = 65_535
CHANNEL, TOKEN = 7, 1
NOTIFICATION = struct.Struct("<IiBIqi")
"""Subscription, no available numbers, more, number of the notification, when, and how many parts."""
READ_REQUEST, PUBLISH_REQUEST = 631, 826
MANY = 20
"""From so many nodes on a Read is of the prepared ones."""

_REQUESTS = {
    ua.ObjectIdNames[number].removesuffix("_Encoding_DefaultBinary"): number
    for number in ua.ObjectIdNames
    if ua.ObjectIdNames[number].endswith("Request_Encoding_DefaultBinary")
}
_NAMES = {number: name for name, number in _REQUESTS.items()}


@dataclass(slots=True)
class _Waiting:
    """A Publish request that waits for something to tell."""

    request: int
    handle: int


@dataclass
class RawServer:
    """Serves on 127.0.0.1 (``port`` 0: any free one) what *feed* makes, one notification every *every_s*, *ticks* of them.

    At most *hold* notifications wait for a Publish request; then the oldest are given up and counted in ``given_up``.
    Times are those of *now* (µs UTC). Use as an asynchronous context.
    """

    feed: Feed
    now: Callable[[], int]
    every_s: float = 0.1
    ticks: int | None = None
    hold: int = 1000
    reads: Rows | None = None
    """The values that a Read of many nodes is answered with, in their order."""
    recorded: Sequence[bytes] = ()
    """Whole PublishResponses, replayed once before everything else."""
    lose: frozenset[int] = frozenset()
    """Numbers of notifications that are lost on the way and are not kept."""
    port: int = 0
    line: Callable[[RawServer], asyncio.Protocol] | None = None
    """Makes the protocol of a connection, for servers that behave otherwise; None: as told here."""
    seen: Counter[str] = field(default_factory=Counter)
    offered: int = 0
    """Values that were due so far,"""
    given_up: int = 0
    """and those of them that nobody fetched in time."""
    read: int = 0
    """Values that were read."""
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when everything that was to be published has been taken."""

    async def __aenter__(self) -> Self:
        """Listen."""
        loop = asyncio.get_running_loop()
        make = self.line or _Line
        self._server = await loop.create_server(lambda: make(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self._lines: set[_Line] = set()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        self._server.close()
        for line in list(self._lines):
            line.close()
        await asyncio.sleep(0)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"opc.tcp://127.0.0.1:{self.port}/raw"

    def opened(self, line: _Line) -> None:
        """A connection began."""
        self._lines.add(line)

    def closed(self, line: _Line) -> None:
        """A connection ended."""
        self._lines.discard(line)


class _Line(asyncio.Protocol):
    """One connection: a channel, a session and a subscription."""

    def __init__(self, server: RawServer) -> None:
        self._server = server
        self._buffer = bytearray()
        self._parts: list[bytes] = []
        self._sequence = 0
        self._publishing: deque[_Waiting] = deque()
        self._due: deque[tuple[bytes, int]] = deque()
        self._number = 0
        self._subscription = 0
        self._handles: list[int] = []
        self._ticking: asyncio.Task[None] | None = None
        self._told_at = 0.0
        self._alive_s = 2.0
        self._recorded = deque(server.recorded)

    # The connection

    def connection_made(self, transport: Any) -> None:
        """Somebody came."""
        self._transport = transport
        transport.set_write_buffer_limits(high=64 << 20)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Somebody went."""
        del exc
        if self._ticking is not None:
            self._ticking.cancel()
        self._server.closed(self)

    def close(self) -> None:
        """Hang up."""
        if self._ticking is not None:
            self._ticking.cancel()
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Whole chunks are taken from what came."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= 8:
            size = int.from_bytes(buffer[4:8], "little")
            if len(buffer) < size:
                return
            chunk = bytes(buffer[:size])
            del buffer[:size]
            self._chunk(chunk)

    def _chunk(self, chunk: bytes) -> None:
        kind = chunk[:3]
        if kind == b"HEL":
            self._transport.write(struct.pack("<4sIIIIII", b"ACKF", 28, 0, CHUNK, CHUNK, 0, 0))
        elif kind == b"OPN":
            self._open(chunk)
        elif kind == b"MSG":
            request = int.from_bytes(chunk[20:24], "little")
            self._parts.append(chunk[24:])
            if chunk[3:4] == b"F":
                body, self._parts = b"".join(self._parts), []
                self._request(request, body)
        else:
            self._transport.close()

    def _open(self, chunk: bytes) -> None:
        buffer = Buffer(chunk)
        header_from_binary(buffer)
        struct_from_binary(ua.AsymmetricAlgorithmHeader, buffer)
        sequence = struct_from_binary(ua.SequenceHeader, buffer)
        request = struct_from_binary(ua.OpenSecureChannelRequest, buffer)
        answer = ua.OpenSecureChannelResponse()
        answer.ResponseHeader.RequestHandle = request.RequestHeader.RequestHandle
        answer.Parameters.SecurityToken = ua.ChannelSecurityToken(
            CHANNEL, TOKEN, RevisedLifetime=request.Parameters.RequestedLifetime
        )
        answer.Parameters.ServerNonce = None
        security = struct.pack("<i", len(NO_POLICY)) + NO_POLICY + b"\xff" * 8
        self._sequence += 1
        body = security + struct.pack("<II", self._sequence, sequence.RequestId) + struct_to_binary(answer)
        self._transport.write(struct.pack("<4sII", b"OPNF", 12 + len(body), CHANNEL) + body)

    def _send(self, request: int, body: bytes | bytearray) -> None:
        """*body* as the answer to *request*, in as many chunks as it takes."""
        most = CHUNK - 24
        parts: list[bytes | memoryview] = []
        for start in range(0, len(body), most):
            part = memoryview(body)[start : start + most]
            self._sequence += 1
            last = start + most >= len(body)
            kind = b"MSGF" if last else b"MSGC"
            parts.append(struct.pack("<4sIIIII", kind, 24 + len(part), CHANNEL, TOKEN, self._sequence, request))
            parts.append(part)
        self._transport.write(b"".join(parts))

    # Requests

    def _request(self, request: int, body: bytes) -> None:
        buffer = Buffer(body)
        number = nodeid_from_binary(buffer).Identifier
        header = struct_from_binary(ua.RequestHeader, buffer)
        name = _NAMES.get(number, "unknown")
        self._server.seen[name.removesuffix("Request")] += 1
        if number == PUBLISH_REQUEST:
            self._publishing.append(_Waiting(request, header.RequestHandle))
            self._tell()
            return
        reads = self._server.reads
        if number == READ_REQUEST and reads is not None:
            count = int.from_bytes(body[-len(buffer) :][12:16], "little")  # behind MaxAge and TimestampsToReturn
            if count >= MANY:
                self._server.read += count
                values = reads.encoded(filetime(self._server.now()), count)
                self._send(request, b"".join((_header(READ_RESPONSE, header.RequestHandle), values, NONE)))
                return
        answer = self._answer(name, buffer)
        answer.ResponseHeader.RequestHandle = header.RequestHandle
        self._send(request, struct_to_binary(answer))

    def _answer(self, name: str, buffer: Buffer) -> Any:
        make = getattr(self, "_on_" + name.removesuffix("Request"), None)
        if make is None:
            fault = ua.ServiceFault()
            fault.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadServiceUnsupported)
            return fault
        kind = getattr(ua, name.removesuffix("Request") + "Parameters", None)
        return make(struct_from_binary(kind, buffer) if kind is not None else None)

    def _on_GetEndpoints(self, _wish: Any) -> Any:  # noqa: N802 - named as the service
        return ua.GetEndpointsResponse(Endpoints=[self._endpoint()])

    def _on_FindServers(self, _wish: Any) -> Any:  # noqa: N802
        return ua.FindServersResponse(Servers=[self._endpoint().Server])

    def _on_CreateSession(self, wish: Any) -> Any:  # noqa: N802
        answer = ua.CreateSessionResponse()
        told = answer.Parameters
        told.SessionId = ua.NodeId(1, 1)
        told.AuthenticationToken = ua.NodeId(2, 1)
        told.RevisedSessionTimeout = wish.RequestedSessionTimeout
        told.ServerNonce = bytes(32)
        told.ServerEndpoints = [self._endpoint()]
        return answer

    def _on_ActivateSession(self, _wish: Any) -> Any:  # noqa: N802
        return ua.ActivateSessionResponse()

    def _on_CloseSession(self, _wish: Any) -> Any:  # noqa: N802
        return ua.CloseSessionResponse()

    def _on_Read(self, wish: Any) -> Any:  # noqa: N802
        return ua.ReadResponse(Results=[self._known(each) for each in wish.NodesToRead])

    def _known(self, wanted: Any) -> Any:
        number = wanted.NodeId.Identifier
        if wanted.NodeId.NamespaceIndex and wanted.AttributeId == ua.AttributeIds.Value:
            return ua.DataValue(ua.Variant(0.0, ua.VariantType.Double))
        if wanted.NodeId.NamespaceIndex == 0 and number in KNOWN:
            return ua.DataValue(KNOWN[number])
        return ua.DataValue(StatusCode=ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown))

    def _on_Browse(self, wish: Any) -> Any:  # noqa: N802
        return ua.BrowseResponse(Results=[ua.BrowseResult() for _each in wish.NodesToBrowse])

    def _on_CreateSubscription(self, wish: Any) -> Any:  # noqa: N802
        answer = ua.CreateSubscriptionResponse()
        told = answer.Parameters
        self._subscription = told.SubscriptionId = 1
        told.RevisedPublishingInterval = wish.RequestedPublishingInterval
        self._alive_s = wish.RequestedPublishingInterval * wish.RequestedMaxKeepAliveCount / 1000
        told.RevisedLifetimeCount = wish.RequestedLifetimeCount
        told.RevisedMaxKeepAliveCount = wish.RequestedMaxKeepAliveCount
        return answer

    def _on_ModifySubscription(self, wish: Any) -> Any:  # noqa: N802
        answer = ua.ModifySubscriptionResponse()
        answer.Parameters.RevisedPublishingInterval = wish.RequestedPublishingInterval
        answer.Parameters.RevisedLifetimeCount = wish.RequestedLifetimeCount
        answer.Parameters.RevisedMaxKeepAliveCount = wish.RequestedMaxKeepAliveCount
        return answer

    def _on_SetPublishingMode(self, _wish: Any) -> Any:  # noqa: N802
        return ua.SetPublishingModeResponse(Parameters=ua.SetPublishingModeResult(Results=[ua.StatusCode()]))

    def _on_CreateMonitoredItems(self, wish: Any) -> Any:  # noqa: N802
        results = []
        for each in wish.ItemsToCreate:
            self._handles.append(each.RequestedParameters.ClientHandle)
            results.append(
                ua.MonitoredItemCreateResult(
                    ua.StatusCode(),
                    len(self._handles),
                    each.RequestedParameters.SamplingInterval,
                    each.RequestedParameters.QueueSize,
                    ua.ExtensionObject(),
                )
            )
        if len(self._handles) >= self._server.feed.items and self._ticking is None:
            self._server.feed.named(self._handles)
            self._ticking = asyncio.get_running_loop().create_task(self._tick())
        return ua.CreateMonitoredItemsResponse(Results=results)

    def _on_DeleteMonitoredItems(self, wish: Any) -> Any:  # noqa: N802
        return ua.DeleteMonitoredItemsResponse(Results=[ua.StatusCode() for _each in wish.MonitoredItemIds])

    def _on_DeleteSubscriptions(self, wish: Any) -> Any:  # noqa: N802
        return ua.DeleteSubscriptionsResponse(Results=[ua.StatusCode() for _each in wish.SubscriptionIds])

    def _on_Republish(self, _wish: Any) -> Any:  # noqa: N802
        fault = ua.ServiceFault()
        fault.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadMessageNotAvailable)
        return fault

    def _endpoint(self) -> Any:
        application = ua.ApplicationDescription(
            ApplicationUri=NAMESPACE,
            ProductUri=NAMESPACE,
            ApplicationName=ua.LocalizedText("Raw"),
            ApplicationType=ua.ApplicationType.Server,
            DiscoveryUrls=[self._server.url],
        )
        token = ua.UserTokenPolicy(PolicyId="anonymous", TokenType=ua.UserTokenType.Anonymous)
        return ua.EndpointDescription(
            EndpointUrl=self._server.url,
            Server=application,
            SecurityMode=ua.MessageSecurityMode.None_,
            SecurityPolicyUri=NO_POLICY.decode(),
            UserIdentityTokens=[token],
            TransportProfileUri="http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary",
        )

    # What it publishes

    async def _tick(self) -> None:
        """Notifications become due by the clock, however long they take; then only signs of life."""
        server, loop = self._server, asyncio.get_running_loop()
        start = loop.time()
        tick = 0
        while server.ticks is None or tick < server.ticks:
            await asyncio.sleep(max(0.0, start + tick * server.every_s - loop.time()))
            body, count = server.feed.tick(tick, filetime(server.now()))
            server.offered += count
            self._due.append((body, count))
            if len(self._due) > server.hold:
                server.given_up += self._due.popleft()[1]
            tick += 1
            self._tell()
        while True:
            if not self._due:
                server.done.set()
            await asyncio.sleep(0.05)
            if loop.time() - self._told_at > self._alive_s:
                self._alive()

    def _tell(self) -> None:
        """As many notifications as there are requests for them."""
        while self._publishing and self._recorded:
            waiting, told = self._publishing.popleft(), self._recorded.popleft()
            self._send(waiting.request, told[:12] + waiting.handle.to_bytes(4, "little") + told[16:])
        while self._publishing and self._due:
            body, count = self._due.popleft()
            self._number += 1
            if self._number in self._server.lose:
                self._server.given_up += count
                continue
            self._publish(self._publishing.popleft(), self._number, body, 1)

    def _alive(self) -> None:
        if self._publishing:
            self._publish(self._publishing.popleft(), self._number + 1, b"", 0)

    def _publish(self, waiting: _Waiting, number: int, body: bytes, parts: int) -> None:
        self._told_at = asyncio.get_running_loop().time()
        moment = filetime(self._server.now())
        told = NOTIFICATION.pack(self._subscription, 0, bool(self._due), number, moment, parts)
        self._send(waiting.request, b"".join((_header(PUBLISH_RESPONSE, waiting.handle), told, body, NONE, NONE)))


NO_POLICY = b"http://opcfoundation.org/UA/SecurityPolicy#None"
NONE = bytes(4)
READ_RESPONSE, PUBLISH_RESPONSE = 634, 829


def _header(kind: int, handle: int) -> bytes:
    """The type of an answer and its ResponseHeader: good, without diagnostics, texts or more."""
    return struct.pack("<BBHqIIBiBBB", 1, 0, kind, 0, handle, 0, 0, 0, 0, 0, 0)


KNOWN = {
    ua.ObjectIds.Server_NamespaceArray: ua.Variant(["http://opcfoundation.org/UA/", NAMESPACE], ua.VariantType.String),
    ua.ObjectIds.Server_ServerArray: ua.Variant([NAMESPACE], ua.VariantType.String),
    ua.ObjectIds.Server_ServerStatus_State: ua.Variant(0, ua.VariantType.Int32),
    ua.ObjectIds.Server_ServerStatus_BuildInfo_ProductName: ua.Variant("Raw", ua.VariantType.String),
    ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall: ua.Variant(
        1000, ua.VariantType.UInt32
    ),
    ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead: ua.Variant(10_000, ua.VariantType.UInt32),
}
