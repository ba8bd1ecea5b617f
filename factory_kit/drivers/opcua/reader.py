"""One OPC UA server: a session, the items it watches for us, and what it reports."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from asyncua import ua

from factory_kit.drivers.address import node_address
from factory_kit.drivers.base import Arrival, Context, Identity, Monitored, NodeItem
from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.drivers.opcua.errors import TOO_MUCH, mapped, status_name, translated
from factory_kit.drivers.opcua.session import close, open_session
from factory_kit.drivers.opcua.values import columns, microseconds
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable, UsageError
from factory_kit.model.site import OpcUaServer

__all__ = ["OpcUaDevice"]

Wanted = TypeVar("Wanted")
Result = TypeVar("Result")

PER_CALL = 100
"""Items in one call while the server does not say what it bears."""
MOST_PER_CALL = 1000
KEEP_ALIVE_S = 2.0
"""So often an idle server gives a sign of life."""
SILENCE = 3
"""So many signs of life may be missing before the server counts as gone, and some seconds more for slow ones."""
SLOW_S = 3.0
MOST_PER_NOTIFICATION = 10_000
BAD_NODE_ID = 0x80340000
"""BadNodeIdUnknown."""
NO_FILTER = frozenset({"BadFilterNotAllowed", "BadMonitoredItemFilterInvalid", "BadMonitoredItemFilterUnsupported"})
"""What a server answers that cannot be told what makes a new sample."""

NAMESPACES = ua.ObjectIds.Server_NamespaceArray
BUILD_INFO = (
    ua.ObjectIds.Server_ServerStatus_BuildInfo_ManufacturerName,
    ua.ObjectIds.Server_ServerStatus_BuildInfo_ProductName,
    ua.ObjectIds.Server_ServerStatus_BuildInfo_SoftwareVersion,
    ua.ObjectIds.Server_ServerStatus_BuildInfo_ProductUri,
)
EVERY_TIME = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
"""A new source time makes a new sample, also of the same value; without a deadband."""
ITEMS_PER_CALL = ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall


class OpcUaDevice:
    """A server at the address the user typed. One session and one subscription; both are made anew after a break."""

    def __init__(self, name: str, server: OpcUaServer, context: Context) -> None:
        self._name = name
        self._server = server
        self._context = context
        self._client: ReadingClient | None = None
        self._declared_uri = ""
        self._arrived: list[Arrival] = []
        self._news = asyncio.Event()
        self._lost: DeviceError | None = None
        self._silence_s = math.inf
        self._expected = 1
        self._renewing: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        """``host:port``."""
        return self._server.address

    async def connect(self) -> None:
        """A session is active, as safely as the site file asks for."""
        await self.aclose()
        self._lost, self._arrived, self._expected = None, [], 1
        self._news.clear()
        self._client, self._declared_uri = await open_session(self._name, self._server, self._context, self._broken)
        self._renewing = asyncio.create_task(self._renew())

    async def identify(self, units: Sequence[int] = ()) -> Identity:
        """What BuildInfo says; the endpoints' product URI where BuildInfo has none."""
        del units
        vendor, product, version, uri = (_text(value) for value in await self._read(BUILD_INFO))
        return Identity(vendor, product, version, uri or self._declared_uri)

    async def subscribe(self, items: Sequence[NodeItem], publishing_ms: float) -> list[Monitored]:
        """The server watches *items*, in as many calls as it needs; a node it does not know is answered with its status."""
        nodes, monitored = await self._resolved(items)
        with mapped(self.address):
            subscription = await self._create(publishing_ms)
            requests = {place: _watch(place, node, items[place]) for place, node in nodes}
            if self._server.trigger == "timestamp":
                for request in requests.values():
                    request.RequestedParameters.Filter = EVERY_TIME
            monitored |= await self._monitor(subscription, requests)
            plain = {place: requests[place] for place, each in monitored.items() if each.reason in NO_FILTER}
            for request in plain.values():
                request.RequestedParameters.Filter = ua.ExtensionObject()
            monitored |= await self._monitor(subscription, plain)
        return [monitored[place] for place in range(len(items))]

    async def arrivals(self) -> list[Arrival]:
        """What came since the last call; waits for the first. ``DeviceUnavailable`` when the stream broke or fell silent."""
        if not self._arrived and self._lost is None:
            try:
                await asyncio.wait_for(self._news.wait(), self._silence_s)
            except TimeoutError:
                raise DeviceUnavailable(
                    "{address}: no sign of life for {seconds} s", address=self.address, seconds=round(self._silence_s)
                ) from None
        self._news.clear()
        arrived, self._arrived = self._arrived, []
        if not arrived and self._lost is not None:
            raise self._lost
        return arrived

    async def aclose(self) -> None:
        """Session, subscription and connection are closed."""
        client, self._client = self._client, None
        renewing, self._renewing = self._renewing, None
        if renewing is not None:
            renewing.cancel()
        if client is not None:
            await close(client)

    @property
    def _session(self) -> Any:
        if self._client is None:
            raise translated(ConnectionError("not connected"), self.address)
        return self._client.uaclient.session

    async def _create(self, publishing_ms: float) -> int:
        """A subscription that outlives the session's time-out and gives signs of life."""
        beats = max(1, math.ceil(KEEP_ALIVE_S * 1000 / publishing_ms))
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=publishing_ms,
            RequestedMaxKeepAliveCount=beats,
            RequestedLifetimeCount=max(3 * beats, math.ceil(self._server.session_timeout_s * 1000 / publishing_ms)),
            MaxNotificationsPerPublish=MOST_PER_NOTIFICATION,
            PublishingEnabled=True,
        )
        created = await self._session.create_subscription(parameters, self._notified)
        beat_s = created.RevisedPublishingInterval * created.RevisedMaxKeepAliveCount / 1000
        self._silence_s = SILENCE * beat_s + SLOW_S
        return int(created.SubscriptionId)

    async def _monitor(self, subscription: int, requests: Mapping[int, Any]) -> dict[int, Monitored]:
        """What the server makes of each of *requests*, by place."""

        async def create(part: Sequence[Any]) -> list[Any]:
            parameters = ua.CreateMonitoredItemsParameters(
                SubscriptionId=subscription, TimestampsToReturn=ua.TimestampsToReturn.Both
            )
            parameters.ItemsToCreate = list(part)
            return list(await self._session.create_monitored_items(parameters))

        if not requests:
            return {}
        results = await _in_parts(list(requests.values()), await self._limit(), create)
        return {place: _monitored(result) for place, result in zip(requests, results, strict=True)}

    def _notified(self, result: Any) -> None:
        """One answer to Publish, from asyncua's publish loop: a notification, or an empty one as a sign of life."""
        message = result.NotificationMessage
        received = self._context.now()
        items: list[Any] = []
        for part in message.NotificationData or ():
            if isinstance(part, ua.DataChangeNotification):
                items += part.MonitoredItems
            elif isinstance(part, ua.StatusChangeNotification):
                self._broken(
                    DeviceUnavailable(
                        "{address}: the server ended the subscription ({status})",
                        address=self.address,
                        status=status_name(part.Status.value),
                    )
                )
        missed = 0
        if message.NotificationData:
            missed = (message.SequenceNumber - self._expected) % 0xFFFFFFFF
            self._expected = message.SequenceNumber % 0xFFFFFFFF + 1
        self._arrived.append(Arrival(columns(items, received), microseconds(message.PublishTime), missed))
        self._news.set()

    def _broken(self, error: DeviceError | None = None) -> None:
        if self._lost is None:
            self._lost = error or DeviceUnavailable("{address}: the connection broke", address=self.address)
        self._news.set()

    async def _renew(self) -> None:
        """Keep the secure channel alive: a new token after 75 % of its life (OPC 10000-4, 5.6.2)."""
        client = self._client
        while client is not None:
            await asyncio.sleep(0.75 * client.secure_channel_timeout / 1000)
            try:
                with mapped(self.address):
                    await client.open_secure_channel(renew=True)
                    client.uaclient.revolve_security_token()
            except DeviceError as error:
                self._broken(error)
                return

    async def _limit(self) -> int:
        """Items in one call: what the server says, else few."""
        (said,) = await self._read((ITEMS_PER_CALL,))
        known = said if isinstance(said, int) and said > 0 else PER_CALL
        return min(known, MOST_PER_CALL)

    async def _resolved(self, items: Sequence[NodeItem]) -> tuple[list[tuple[int, ua.NodeId]], dict[int, Monitored]]:
        """The node ids of *items* by place, with the namespace numbers of this session; those without one are answered here."""
        (said,) = await self._read((NAMESPACES,))
        namespaces = [str(uri) for uri in said] if isinstance(said, list) else []
        nodes: list[tuple[int, ua.NodeId]] = []
        unknown: dict[int, Monitored] = {}
        for place, item in enumerate(items):
            try:
                nodes.append((place, ua.NodeId.from_string(node_address(item.node).resolve(namespaces))))
            except (DeviceRefused, UsageError, ua.UaError, ValueError) as error:
                unknown[place] = Monitored(BAD_NODE_ID, str(error))
        return nodes, unknown

    async def _read(self, nodes: Sequence[int]) -> list[Any]:
        """The values of nodes of namespace 0; None where one cannot be read."""

        async def read(part: Sequence[int]) -> list[Any]:
            wanted = [ua.ReadValueId(NodeId=ua.NodeId(node), AttributeId=ua.AttributeIds.Value) for node in part]
            answers = await self._session.read(ua.ReadParameters(NodesToRead=wanted))
            return [
                data.Value.Value if data.Value is not None and not data.StatusCode.is_bad() else None
                for data in answers
            ]

        with mapped(self.address):
            return await _in_parts(nodes, PER_CALL, read)


async def _in_parts(wanted: Sequence[Wanted], limit: int, call: Callable[[Sequence[Wanted]], Any]) -> list[Any]:
    """The results of *call* for all of *wanted*, in calls of at most *limit*; halved as often as the server says it is too much."""
    results: list[Any] = []
    while len(results) < len(wanted):
        part = wanted[len(results) : len(results) + limit]
        try:
            answers = await call(part)
        except ua.UaStatusCodeError as error:
            if status_name(error.code) not in TOO_MUCH or len(part) == 1:
                raise
            limit = max(1, len(part) // 2)
            continue
        if len(answers) != len(part):
            raise DeviceRefused(
                "{asked} things were asked for, {got} answered; the server cannot be relied on",
                asked=len(part),
                got=len(answers),
            )
        results += answers
    return results


def _watch(place: int, node: ua.NodeId, item: NodeItem) -> ua.MonitoredItemCreateRequest:
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=place, SamplingInterval=item.sampling_ms, QueueSize=item.queue_size, DiscardOldest=True
        ),
    )


def _monitored(result: Any) -> Monitored:
    if result.StatusCode.is_good():
        return Monitored(0, "", float(result.RevisedSamplingInterval), int(result.RevisedQueueSize))
    return Monitored(int(result.StatusCode.value), status_name(result.StatusCode.value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
