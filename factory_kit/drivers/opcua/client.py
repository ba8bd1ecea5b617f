"""asyncua's client, so narrowed that it can only read: every request passes one gate before a byte is encoded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClient
from asyncua.common.shortcuts import Shortcuts

from factory_kit.drivers.opcua.binary.channel import PlainProtocol
from factory_kit.errors import DeviceRefused

__all__ = ["SERVICES", "ReadingClient"]

SERVICES = frozenset(
    {
        "GetEndpoints", "FindServers", "OpenSecureChannel", "CloseSecureChannel", "CreateSession", "ActivateSession", "CloseSession",
        "Browse", "BrowseNext", "TranslateBrowsePathsToNodeIds", "Read", "RegisterNodes", "UnregisterNodes", "HistoryRead",
        "CreateSubscription", "ModifySubscription", "DeleteSubscriptions", "SetPublishingMode", "TransferSubscriptions", "Publish", "Republish",
        "CreateMonitoredItems", "ModifyMonitoredItems", "DeleteMonitoredItems",
    }
)  # fmt: skip
"""All services this driver can send (OPC 10000-4, 5): none of them changes a value, a node or a history."""


MOST_IN_A_CHUNK = 16_000_000
"""Bytes; we offer 65,535 in our hello, and some servers send more all the same."""
MOST_IN_A_MESSAGE = 128_000_000
REMEMBERED = 8
"""So many answers tell how slow a server is."""


def _beyond(kind: Any, number: int) -> Any:
    """The member of an enumeration of asyncua that a newer standard, or a careless server, knows as *number*; its name is the number."""
    member = int.__new__(kind, number)
    member._name_, member._value_ = str(number), number
    return member


for _kind in (ua.ApplicationType, ua.MessageSecurityMode, ua.UserTokenType):
    _kind._missing_ = classmethod(_beyond)
    """One number that asyncua does not know is no reason to know none of a server's endpoints; no such endpoint or user is chosen."""


class ReadingProtocol(PlainProtocol):
    """The transport: whatever asyncua wants to send passes ``_send_request`` below."""

    def __init__(self, sent: Callable[[str], None], *rest: Any, **options: Any) -> None:
        super().__init__(*rest, **options)
        self._sent = sent

    def data_received(self, data: bytes) -> None:
        """Bytes of the server; whoever announces or sends more than anybody needs is hung up on before it fills the memory."""
        super().data_received(data)
        waiting = self.receive_buffer or b""
        announced = int.from_bytes(waiting[4:8], "little") if len(waiting) >= 8 else 0
        if announced > MOST_IN_A_CHUNK or self._connection._incoming_size > MOST_IN_A_MESSAGE:  # noqa: SLF001 - asyncua trusts the server here
            self.receive_buffer = None
            self._fail_all_pending(ua.UaStatusCodeError(ua.StatusCodes.BadTcpMessageTooLarge))
            self.disconnect_socket()

    def _send_request(
        self, request: Any, timeout: float = 1, message_type: Any = ua.MessageType.SecureMessage
    ) -> asyncio.Future[Any]:
        service = type(request).__name__.removesuffix("Request")
        if service not in SERVICES:
            raise DeviceRefused("OPC UA service {service} is not a reading one and is never sent", service=service)
        self._sent(service)
        answer: asyncio.Future[Any] = super()._send_request(request, timeout, message_type)
        return answer

    def _call_callback(self, request_id: int, body: Any) -> None:
        """An answer that nobody waits for is no reason to hang up: some servers answer a request of the connection before."""
        if request_id in self._callbackmap:
            super()._call_callback(request_id, body)


class ReadingTransport(UaClient):  # type: ignore[misc] # asyncua has no type information
    """Makes connections of our protocol, tells *lost* when the one in use breaks, and knows how slowly the server answers."""

    def __init__(self, patience: float, sent: Callable[[str], None], lost: Callable[[], None]) -> None:
        super().__init__(patience)
        self._sent = sent
        self._lost = lost
        self._answered: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def slowest_answer_s(self) -> float:
        """The longest of the last answers took so long; answers to Publish come when the server has something and say nothing."""
        return max(self._answered, default=0.0)

    async def _send_request(self, request: Any, *rest: Any, **options: Any) -> Any:
        begun = monotonic()
        answer = await super()._send_request(request, *rest, **options)
        if not isinstance(request, ua.PublishRequest):
            self._answered.append(monotonic() - begun)
        return answer

    async def create_session(self, parameters: Any) -> Any:
        """The new session; where the server does not repeat its endpoints in it, as some do not, it is asked for them."""
        created = await super().create_session(parameters)
        created.ServerEndpoints = _complete(created.ServerEndpoints)
        if not created.ServerEndpoints:
            asked = await self.get_endpoints(ua.GetEndpointsParameters(EndpointUrl=parameters.EndpointUrl))
            created.ServerEndpoints = _complete(asked)
        return created

    def _make_protocol(self) -> ReadingProtocol:
        protocol = ReadingProtocol(self._sent, self._timeout, security_policy=self.security_policy)
        protocol.pre_request_hook = self._pre_request_hook
        protocol.on_connection_lost = lambda error: self._gone(protocol, error)
        protocol.is_session_closing = self._is_session_closing
        self.protocol = protocol
        return protocol

    def _gone(self, protocol: ReadingProtocol, error: Exception | None) -> None:
        """A connection ended; one that was given up for another before is no news."""
        if self.protocol is protocol:
            self._on_transport_lost(error)
            self._lost()


def _complete(endpoints: Any) -> list[Any]:
    """Those of *endpoints* that say where they are."""
    return [each for each in endpoints or () if each.EndpointUrl]


class ReadingClient(Client):  # type: ignore[misc] # asyncua has no type information
    """An OPC UA client that connects to the address the user typed and refuses every service but the reading ones."""

    def __init__(self, url: str, patience: float, sent: Callable[[str], None], lost: Callable[[], None]) -> None:
        super().__init__(url, timeout=patience)
        self.uaclient = ReadingTransport(patience, sent, lost)
        self.uaclient.pre_request_hook = self._wait_until_ready
        self.nodes = Shortcuts(self.uaclient.session)
        self.name = self.description = "Factory Kit"
        self.product_uri = "urn:factory-kit"
