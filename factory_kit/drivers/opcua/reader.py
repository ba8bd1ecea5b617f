"""One OPC UA server: a session, the items it watches for us or is asked for, what it reports, and its way back after a break."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any

from asyncua import ua
from asyncua.ua.ua_binary import struct_from_binary

from factory_kit.drivers.address import node_address
from factory_kit.drivers.base import Arrival, Context, Identity, Monitored, NodeItem, Past, Stretch
from factory_kit.drivers.opcua.answers import Published, read_answer, republished
from factory_kit.drivers.opcua.binary.requests import ReadRequest
from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.drivers.opcua.errors import mapped, status_name, translated
from factory_kit.drivers.opcua.limits import MOST_READ, CallSize
from factory_kit.drivers.opcua.monitored import FULL, watch
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.drivers.opcua.parttypes import learn_types
from factory_kit.drivers.opcua.past import pages
from factory_kit.drivers.opcua.paths import Way, follow
from factory_kit.drivers.opcua.publisher import Publisher, outstanding
from factory_kit.drivers.opcua.security import trusted
from factory_kit.drivers.opcua.session import TurnedAway, close, open_session, same_session
from factory_kit.drivers.opcua.subscription import Subscription
from factory_kit.drivers.opcua.values import microseconds, of_places
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable, UsageError
from factory_kit.model.sample import SampleBatch
from factory_kit.model.site import OpcUaServer

__all__ = ["OpcUaDevice"]

BEATS = 1
"""Publishing intervals without news after which the server gives a sign of life."""
LEAST_BEAT_S = 0.5
"""Signs of life are not wished for more often than this."""
MOST_PER_NOTIFICATION = 10_000
MOST_REPUBLISHED = 10_000
"""Notifications asked for once more after a break; servers keep some hundred."""
STALE = 2
"""So many connections that the server takes and ends again, and the session is opened anew."""
LOOK_S = 0.5
"""So often the folder of certificates is looked at while the server is refused."""
BAD_NODE_ID = 0x80340000
"""BadNodeIdUnknown."""
GONE = frozenset({"BadMessageNotAvailable", "BadSequenceNumberUnknown", "BadNoData"})
"""What a server answers to Republish when it does not hold that notification."""
NO_SUBSCRIPTION = frozenset({"BadSubscriptionIdInvalid", "BadNoSubscription"})
"""What a server says of a subscription that it does not have."""
UNABLE = frozenset({"BadServiceUnsupported", "BadNotImplemented", "BadNotSupported"})
NO_MORE = frozenset({"BadTooManySubscriptions"}) | UNABLE
"""What servers answer to CreateSubscription that can only be read."""

NAMESPACES = ua.ObjectIds.Server_NamespaceArray
STATE = ua.ObjectIds.Server_ServerStatus_State
STARTED = ua.ObjectIds.Server_ServerStatus_StartTime
BUILD_INFO = (
    ua.ObjectIds.Server_ServerStatus_BuildInfo_ManufacturerName,
    ua.ObjectIds.Server_ServerStatus_BuildInfo_ProductName,
    ua.ObjectIds.Server_ServerStatus_BuildInfo_SoftwareVersion,
    ua.ObjectIds.Server_ServerStatus_BuildInfo_ProductUri,
)
PER_READ = ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead
PER_HISTORY = ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryReadData
PER_MONITOR = ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall


class OpcUaDevice:
    """A server at the address the user typed: one session, a subscription for each priority, and reads for what is polled.

    What was learned of the server's limits outlives a connection; node ids are resolved anew in every session.
    """

    def __init__(self, name: str, server: OpcUaServer, context: Context) -> None:
        self._name = name
        self._server = server
        self._context = context
        self._client: ReadingClient | None = None
        self._declared_uri = ""
        self._started = 0
        self._reads, self._watches, self._pasts = CallSize(said_most=MOST_READ), CallSize(), CallSize()
        self._ways = CallSize()
        self._parts = Parts()
        self._items: list[NodeItem] = []
        self._nodes: dict[int, ua.NodeId] = {}
        self._encoded: dict[tuple[int, ...], ReadRequest] = {}
        """Reads of the items at some places, as they are sent at every beat."""
        self._polled: set[int] = set()
        self._publishing_ms = 1000.0
        self._subscriptions: dict[int, Subscription] = {}
        self._priorities: dict[int, int] = {}
        self._publisher: Publisher | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._renewing: asyncio.Task[None] | None = None
        self._told: list[Published] = []
        self._arrived: list[Arrival] = []
        self._news = asyncio.Event()
        self._lost: DeviceError | None = None
        self._mute = False
        """Only the subscriptions are dead; the server answers."""
        self._turned_away = 0

    @property
    def address(self) -> str:
        """``host:port``."""
        return self._server.address

    @property
    def started(self) -> int:
        """When the server started, by its own clock (µs UTC); 0 where it does not say."""
        return self._started

    async def connect(self) -> None:
        """A session is active, as safely as the site file asks for."""
        await self.aclose()
        self._fresh()
        self._client, self._declared_uri = await open_session(self._name, self._server, self._context, self._broken)
        self._turned_away = 0
        self._renewing = asyncio.create_task(self._renew())

    async def identify(self, units: Sequence[int] = ()) -> Identity:
        """What BuildInfo says; the endpoints' product URI where BuildInfo has none."""
        del units
        vendor, product, version, uri, started = await self._read((*BUILD_INFO, STARTED))
        self._started = microseconds(started) if hasattr(started, "tzinfo") else 0
        return Identity(_text(vendor), _text(product), _text(version), _text(uri) or self._declared_uri)

    async def subscribe(self, items: Sequence[NodeItem], publishing_ms: float) -> list[Monitored]:
        """The server watches *items*, in as many calls as it needs; a node it does not know is answered with its status.

        What a server has no room to watch is polled instead.
        """
        self._items, self._publishing_ms = list(items), publishing_ms
        self._parts.forget()
        self._nodes, self._polled, self._subscriptions, self._priorities = {}, set(), {}, {}
        await self._learn_limits()
        monitored = await self._begun(range(len(items)))
        self._run()
        return [monitored[place] for place in range(len(items))]

    async def retry(self, places: Sequence[int]) -> list[Monitored]:
        """The items at *places* are asked for once more."""
        polled = set(self._polled)
        monitored = await self._begun(places)
        if self._polled != polled:
            self._run()
        return [monitored[place] for place in places]

    async def know(self, items: Sequence[NodeItem]) -> list[Monitored]:
        """The nodes of *items* are resolved, for ``history``; nothing is watched."""
        self._items = list(items)
        self._parts.forget()
        await self._learn_limits()
        self._nodes, unknown = await self._resolved(range(len(items)))
        return [unknown.get(place, Monitored(0)) for place in range(len(items))]

    async def arrivals(self) -> list[Arrival]:
        """What came since the last call; waits for the first. ``DeviceUnavailable`` when the stream broke or fell silent."""
        while not self._told and not self._arrived:
            if self._lost is not None:
                raise self._lost
            self._news.clear()
            await self._news.wait()
        arrived, self._arrived = self._arrived, []
        told, self._told = self._told, []
        for position, each in enumerate(told):
            try:
                arrived += await self._in_order(each)
            except DeviceError as error:
                self._told = told[position:] + self._told
                self._broken(error)
                break
        return arrived

    async def resume(self) -> bool:
        """There is a session again; True when the old subscriptions live and all that the server kept will arrive."""
        client = self._client
        if client is None:
            await self.connect()
            return False
        await self._halt()
        if self._mute and self._connected:
            return await self._begun_anew()
        try:
            same = await same_session(client, self._name, self._server, self._context)
        except TurnedAway as away:
            self._turned_away += 1
            if away.error.retry and self._turned_away < STALE:
                raise away.error from away
            await self.connect()
            return False
        self._fresh()
        self._turned_away = 0
        self._renewing = asyncio.create_task(self._renew())
        if not await self._taken_over(same=same):
            return await self._given_up()
        self._run()
        return True

    async def mended(self) -> None:
        """Returns as soon as another certificate of the server is trusted than before; a look costs the server nothing."""
        folder = self._context.certificates
        before = None if folder is None else trusted(folder, self._server)
        while folder is None or trusted(folder, self._server) == before:  # noqa: ASYNC110 - no event tells of a file
            await asyncio.sleep(LOOK_S)

    async def history(self, stretches: Sequence[Stretch]) -> AsyncIterator[Past]:
        """What the server's history holds of *stretches*; places that are not known are left out."""
        known = [each for each in stretches if each.item in self._nodes]
        try:
            async for page in pages(self._session, self._nodes, known, self._pasts, self._context.now, self._parts):
                yield page
        except (ua.UaError, OSError) as error:
            raise translated(error, self.address) from error

    async def aclose(self) -> None:
        """Session, subscriptions and connection are closed."""
        client, self._client = self._client, None
        await self._halt()
        self._subscriptions = {}
        if client is not None:
            await close(client)

    # --- the way up -------------------------------------------------------------------------------------------------

    def _fresh(self) -> None:
        self._lost, self._mute = None, False
        self._news.clear()

    async def _learn_limits(self) -> None:
        (reads,) = await self._read((PER_READ,))
        self._reads.allow(reads)
        watches, pasts = await self._read((PER_MONITOR, PER_HISTORY))
        self._watches.allow(watches)
        self._pasts.allow(pasts)

    async def _begun(self, places: Iterable[int]) -> dict[int, Monitored]:
        """What the server makes of the items at *places*: watched, polled, or refused."""
        nodes, monitored = await self._resolved(places)
        self._nodes |= nodes
        self._encoded.clear()
        watched = [place for place in nodes if not self._items[place].polled]
        with mapped(self.address):
            for priority in sorted({self._items[place].priority for place in watched}, reverse=True):
                mine = [place for place in watched if self._items[place].priority == priority]
                monitored |= await self._watched(priority, mine)
        full = [place for place in watched if monitored[place].reason in FULL | NO_MORE]
        for place in [*full, *(place for place in nodes if self._items[place].polled)]:
            self._polled.add(place)
            monitored[place] = Monitored(0, sampling_ms=self._items[place].sampling_ms, polled=True)
        return monitored

    async def _watched(self, priority: int, places: Sequence[int]) -> dict[int, Monitored]:
        subscription = self._subscriptions.get(self._priorities.get(priority, -1))
        if subscription is None:
            try:
                subscription = await self._created(priority)
            except ua.UaStatusCodeError as error:
                name = status_name(error.code)
                if name not in NO_MORE:
                    raise
                return {place: Monitored(int(error.code), name) for place in places}
        nodes = {place: (self._nodes[place], self._items[place]) for place in places}
        found = await watch(self._session, subscription.id, nodes, self._server.trigger, self._watches)
        subscription.add([place for place, each in found.items() if not each.status])
        return found

    async def _created(self, priority: int) -> Subscription:
        """A subscription that outlives the session's time-out and gives signs of life."""
        beats = max(BEATS, math.ceil(LEAST_BEAT_S * 1000 / self._publishing_ms))
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=self._publishing_ms,
            RequestedMaxKeepAliveCount=beats,
            RequestedLifetimeCount=max(
                3 * beats, math.ceil(self._server.session_timeout_s * 1000 / self._publishing_ms)
            ),
            MaxNotificationsPerPublish=MOST_PER_NOTIFICATION,
            PublishingEnabled=True,
            Priority=priority,
        )
        request = ua.CreateSubscriptionRequest()
        request.Parameters = parameters
        answer = await self._answer(request, ua.CreateSubscriptionResponse)
        created = Subscription(
            id=int(answer.Parameters.SubscriptionId),
            interval_s=float(answer.Parameters.RevisedPublishingInterval) / 1000,
            beats=max(1, int(answer.Parameters.RevisedMaxKeepAliveCount)),
            heard=monotonic(),
        )
        self._subscriptions[created.id] = created
        self._priorities[priority] = created.id
        return created

    def _run(self) -> None:
        """Publish requests go out, polls tick and the watchdog wakes."""
        for task in self._tasks:
            task.cancel()
        self._tasks = [
            asyncio.create_task(self._guarded(partial(self._poll, interval))) for interval in self._intervals()
        ]
        if not self._subscriptions:
            return
        for subscription in self._subscriptions.values():
            subscription.heard = monotonic()
        self._tasks.append(asyncio.create_task(self._guarded(self._watch)))
        if self._publisher is None:
            assert self._client is not None  # noqa: S101 - there are subscriptions
            self._publisher = Publisher(
                self._client, self.address, self._context.now, self._take, self._broken, self._parts
            )
        interval = min(each.interval_s for each in self._subscriptions.values())
        wanted = outstanding(self._slowness, interval, len(self._subscriptions))
        self._publisher.add(wanted - self._publisher.count)

    # --- what comes -------------------------------------------------------------------------------------------------

    def _take(self, told: Published) -> None:
        subscription = self._subscriptions.get(told.subscription)
        if subscription is None:
            return  # of a subscription that we gave up
        subscription.heard = monotonic()
        if told.ended is not None and told.ended >> 30:
            self._mute = True
            self._broken(
                DeviceUnavailable(
                    "{address}: the server ended the subscription ({status})",
                    address=self.address,
                    status=status_name(told.ended),
                )
            )
        self._told.append(told)
        self._news.set()

    async def _in_order(self, told: Published) -> list[Arrival]:
        """*told* as an arrival, after those before it that went missing and that the server still holds."""
        subscription = self._subscriptions.get(told.subscription)
        if subscription is None or subscription.repeated(told):
            return []
        recovered, missed = await self._recovered(subscription, subscription.missing(told))
        count = len(self._items)
        arrived = [
            Arrival(of_places(again.batch, count), again.moment, 0 if position else missed, subscription.places)
            for position, again in enumerate(recovered)
        ]
        if told.has_data:
            subscription.took(told.sequence)
            if self._publisher is not None:
                self._publisher.acknowledge(subscription.id, told.sequence)
        # A sign of life may count otherwise than we do; whether something is missing the next notification tells.
        left = 0 if recovered or not told.has_data else missed
        return [*arrived, Arrival(of_places(told.batch, count), told.moment, left, subscription.places)]

    async def _recovered(self, subscription: Subscription, missing: int) -> tuple[list[Published], int]:
        """Of so many notifications that are missing those that the server still holds, and how many it does not.

        Servers forget the oldest first, so the newest is asked for first.
        """
        found: list[Published] = []
        while len(found) < min(missing, MOST_REPUBLISHED):
            number = subscription.number(missing - len(found) - 1)
            again = await self._republished(subscription, number)
            if again is None:
                break
            found.append(again)
        if found:
            subscription.took(subscription.number(missing - 1))
        return found[::-1], missing - len(found)

    async def _republished(self, subscription: Subscription, number: int) -> Published | None:
        """Notification *number* once more; None when the server does not hold it."""
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = subscription.id
        request.Parameters.RetransmitSequenceNumber = number
        try:
            body = await self._session._send_request(request)  # noqa: SLF001 - the raw body
            again = republished(body, subscription.id, self._context.now(), self._parts)
        except ua.UaStatusCodeError as error:
            if status_name(error.code) in GONE | UNABLE:
                return None
            raise translated(error, self.address) from error
        except (ua.UaError, OSError) as error:
            raise translated(error, self.address) from error
        if not again.has_data:
            return None  # some servers send an empty notification instead of a status
        if self._publisher is not None:
            self._publisher.acknowledge(subscription.id, number)
        return again

    async def _poll(self, interval_ms: float) -> None:
        """Read the items of one interval for ever; a beat that has passed already is left out."""
        interval = max(interval_ms, 1.0) / 1000
        places = sorted(place for place in self._polled if self._items[place].sampling_ms == interval_ms)
        due = monotonic()
        while True:
            self._arrived += [Arrival(batch) for batch in await self._values(places)]
            self._news.set()
            due += interval * (1 + max(0, int((monotonic() - due) / interval)))
            await asyncio.sleep(max(0.0, due - monotonic()))

    async def _values(self, places: Sequence[int]) -> list[SampleBatch]:
        """The values of the items at *places* now."""
        batches: list[SampleBatch] = []

        async def read(part: Sequence[int]) -> list[int]:
            request = self._encoded.get(tuple(part))
            if request is None:
                request = self._encoded[tuple(part)] = ReadRequest([self._nodes[place] for place in part], part)
            body = await self._session._send_request(request)  # noqa: SLF001 - the raw body
            batch, count = read_answer(body, request.places, self._context.now(), self._parts)
            batches.append(batch)
            return [0] * count

        with mapped(self.address):
            await self._reads.calls(places, read)
        return batches

    # --- the watchdog -----------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Ask a server that falls silent; one that answers and still publishes nothing has forgotten us."""
        while True:
            late = min(self._subscriptions.values(), key=lambda each: each.due_at(0))
            wait = late.due_at(self._slowness) - monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            else:
                await self._ask_after(late)

    async def _ask_after(self, late: Subscription) -> None:
        """Whether the server of *late* answers; when it does for too long without reporting anything, this is an error."""
        if not late.probed or late.probed < late.heard:
            assert self._publisher is not None  # noqa: S101 - there are subscriptions
            self._publisher.add()  # perhaps the server lost those that waited
        heard = late.heard
        # Not by Republish: there are servers that forget a notification once they sent it again, and the answer may get lost.
        await self._read((STATE,))
        late.probed = monotonic()
        if late.heard == heard and late.probed >= late.silent_at(self._slowness):
            self._mute = True
            raise DeviceUnavailable("{address}: the server answers, but reports nothing any more", address=self.address)

    @property
    def _slowness(self) -> float:
        """How much longer than a quick one this server takes; an answer may be twice as late as the latest so far."""
        return 2 * self._client.uaclient.slowest_answer_s if self._client is not None else 0.0

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """*work*, whose end is the end of the stream."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - also a mistake of ours must not leave a silent stream
            self._broken(translated(error, self.address))

    def _broken(self, error: DeviceError | None = None) -> None:
        if error is not None and _forgotten(error):
            self._mute = True
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

    # --- the way back -----------------------------------------------------------------------------------------------

    async def _halt(self) -> None:
        """Nothing is asked for any more; what came stays."""
        tasks, self._tasks = self._tasks, []
        if self._renewing is not None:
            tasks.append(self._renewing)
            self._renewing = None
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begun_anew(self) -> bool:
        """The server answers, so only the subscriptions are given up; what it sent and we never heard is asked for first."""
        with suppress(DeviceError):
            for subscription in self._subscriptions.values():
                await self._caught_up(subscription)
        kept: list[Arrival] = []
        with suppress(DeviceError):
            for each in self._told:
                kept += await self._in_order(each)
        self._arrived += kept
        return await self._given_up()

    async def _taken_over(self, *, same: bool) -> bool:
        """Whether the old subscriptions go on in this session; what was sent meanwhile and lost is asked for again."""
        if not self._subscriptions:
            return bool(self._polled) and same
        with mapped(self.address):
            if not await self._transferred(same=same):
                return False
        try:
            for subscription in self._subscriptions.values():
                await self._caught_up(subscription)
        except DeviceUnavailable as error:
            if _forgotten(error):
                return False
            raise
        return True

    async def _transferred(self, *, same: bool) -> bool:
        """Whether all subscriptions belong to this session.

        In the *same* session they do anyway, which some servers confirm and others take amiss; but some send notifications to
        the old connection until they were asked.
        """
        parameters = ua.TransferSubscriptionsParameters(
            SubscriptionIds=list(self._subscriptions), SendInitialValues=False
        )
        try:
            results = await self._session.transfer_subscriptions(parameters)
        except ua.UaStatusCodeError as error:
            return same and status_name(error.code) not in NO_SUBSCRIPTION
        bad = {status_name(each.StatusCode.value) for each in results if each.StatusCode.is_bad()}
        return not bad & NO_SUBSCRIPTION if same else not bad

    async def _caught_up(self, subscription: Subscription) -> None:
        """The notifications that were sent while nobody heard them come once more."""
        ahead = [each for each in self._told if each.subscription == subscription.id and each.has_data]
        number = (max(each.sequence for each in ahead) % 0xFFFFFFFF + 1) if ahead else subscription.expected
        for _each in range(MOST_REPUBLISHED):
            again = await self._republished(subscription, number)
            if again is None:
                return
            self._told.append(replace(again, sequence=number))
            self._news.set()
            number = number % 0xFFFFFFFF + 1

    async def _given_up(self) -> bool:
        """The subscriptions are forgotten here and, where it still knows them, by the server."""
        old, self._subscriptions, self._told = list(self._subscriptions), {}, []
        self._fresh()
        if old:
            with suppress(ua.UaError, OSError, DeviceError):  # it may not know them any more
                await self._session.delete_subscriptions(old)
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        return False

    # --- asking -----------------------------------------------------------------------------------------------------

    @property
    def _connected(self) -> bool:
        protocol = self._client.uaclient.protocol if self._client is not None else None
        return protocol is not None and not protocol.is_closed and protocol.transport is not None

    @property
    def _session(self) -> Any:
        if self._client is None:
            raise translated(ConnectionError("not connected"), self.address)
        return self._client.uaclient.session

    def _intervals(self) -> list[float]:
        return sorted({self._items[place].sampling_ms for place in self._polled})

    async def _answer(self, request: Any, kind: Any) -> Any:
        answer = struct_from_binary(kind, await self._session._send_request(request))  # noqa: SLF001 - without asyncua's publish loop
        answer.ResponseHeader.ServiceResult.check()
        return answer

    async def _resolved(self, places: Iterable[int]) -> tuple[dict[int, ua.NodeId], dict[int, Monitored]]:
        """The node ids of the items at *places*, with the namespace numbers of this session; those without one are answered here."""
        (said,) = await self._read((NAMESPACES,))
        namespaces = [str(uri) for uri in said] if isinstance(said, list) else []
        nodes: dict[int, ua.NodeId] = {}
        unknown: dict[int, Monitored] = {}
        ways: dict[int, Way] = {}
        for place in places:
            try:
                address = node_address(self._items[place].node)
                nodes[place] = ua.NodeId.from_string(address.resolve(namespaces))
                if address.path:
                    ways[place] = nodes.pop(place), address.steps(namespaces)
                if address.part:
                    self._parts.want(place, address.places)
            except (DeviceRefused, UsageError, ua.UaError, ValueError) as error:
                unknown[place] = Monitored(BAD_NODE_ID, str(error))
        with mapped(self.address):
            for place, found in (await follow(self._session, self._ways, ways)).items():
                if isinstance(found, Monitored):
                    unknown[place] = found
                else:
                    nodes[place] = found
            assert self._client is not None  # noqa: S101 - it has just answered
            await learn_types(self._client, self.address, namespaces, self._parts, nodes)
        return nodes, unknown

    async def _read(self, nodes: Sequence[int]) -> list[Any]:
        """The values of nodes of namespace 0; None where one cannot be read."""

        async def read(part: Sequence[int]) -> list[Any]:
            wanted = [ua.ReadValueId(NodeId=ua.NodeId(node), AttributeId=ua.AttributeIds.Value) for node in part]
            answers = await self._session.read(ua.ReadParameters(NodesToRead=wanted))
            return [
                data.Value.Value
                if data.Value is not None and not (data.StatusCode is not None and data.StatusCode.is_bad())
                else None
                for data in answers
            ]

        with mapped(self.address):
            return await self._reads.calls(nodes, read)


def _forgotten(error: DeviceError) -> bool:
    """Whether the server said that it does not know a subscription of ours."""
    cause = error.__cause__
    return isinstance(cause, ua.UaStatusCodeError) and status_name(cause.code) in NO_SUBSCRIPTION


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
