"""One OPC UA server as collection sees it: what is watched and asked for, what it reports, and its way back after a break.

This file is the device and holds the parts together: ``link`` (session and channel), ``resolving`` (addresses to nodes),
``watching`` (subscriptions and their items), ``polling`` (what is read), ``recovery`` (order, Republish, Transfer), ``watchdog``
(silence), ``publisher`` (the waiting requests) and ``past`` (history).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from asyncua import ua

from factory_kit.drivers.base import Arrival, Context, Identity, Monitored, NodeItem, Past, Stretch
from factory_kit.drivers.opcua.answers import Published, nothing
from factory_kit.drivers.opcua.errors import mapped, status_name, translated
from factory_kit.drivers.opcua.limits import CallSize
from factory_kit.drivers.opcua.link import Link
from factory_kit.drivers.opcua.monitored import FULL
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.drivers.opcua.past import pages
from factory_kit.drivers.opcua.polling import Poller
from factory_kit.drivers.opcua.publisher import Publisher, outstanding
from factory_kit.drivers.opcua.recovery import Recovery, forgotten
from factory_kit.drivers.opcua.resolving import resolved
from factory_kit.drivers.opcua.security import trusted
from factory_kit.drivers.opcua.values import microseconds
from factory_kit.drivers.opcua.watchdog import Watchdog
from factory_kit.drivers.opcua.watching import NO_MORE, Watching
from factory_kit.errors import DeviceError, DeviceUnavailable
from factory_kit.model.sample import Int32
from factory_kit.model.site import OpcUaServer

__all__ = ["OpcUaDevice"]

LOOK_S = 0.5
"""So often the folder of certificates is looked at while the server is refused."""
GIVEN_UP = "the server gave up the subscription"

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
PER_SUBSCRIPTION = ua.ObjectIds.Server_ServerCapabilities_MaxMonitoredItemsPerSubscription


class OpcUaDevice:
    """A server at the address the user typed: one session, its subscriptions, and reads for what is polled.

    What was learned of the server's limits outlives a connection; node ids are resolved anew in every session.
    """

    def __init__(self, name: str, server: OpcUaServer, context: Context) -> None:
        self._server = server
        self._context = context
        self._parts = Parts()
        self._link = Link(name, server, context, self._broken)
        self._watching = Watching(self._link, self._parts)
        self._poller = Poller(self._link, self._parts, self._read)
        self._recovery = Recovery(self._link, lambda: self._watching.subscriptions, self._parts, self._acknowledge)
        self._watchdog = Watchdog(self._link, lambda: self._watching.subscriptions, self._ask_more, self._dead_add)
        self._pasts, self._ways = CallSize(), CallSize()
        self._items: list[NodeItem] = []
        self._nodes: dict[int, ua.NodeId] = {}
        self._publishing_ms = 1000.0
        self._publisher: Publisher | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._started = 0
        self._told: list[Published] = []
        self._stuck = False
        """What was told cannot be brought into order before the stream goes on."""
        self._arrived: list[Arrival] = []
        self._news = asyncio.Event()
        self._lost: DeviceError | None = None
        self._dead: set[int] = set()
        """Subscriptions that are dead although the server answers."""
        self._orphans: set[int] = set()
        """Places whose subscription is gone and that are in none yet."""
        self._half_made = False
        """Items were being made when something failed: nobody knows which are, so what there is is never gone on with."""

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
        await self._link.open()

    async def identify(self, units: Sequence[int] = ()) -> Identity:
        """What BuildInfo says; the endpoints' product URI where BuildInfo has none."""
        del units
        vendor, product, version, uri, started = await self._link.read((*BUILD_INFO, STARTED))
        self._started = _moment(started)
        return Identity(_text(vendor), _text(product), _text(version), _text(uri) or self._link.declared_uri)

    async def subscribe(self, items: Sequence[NodeItem], publishing_ms: float) -> list[Monitored]:
        """The server watches *items*, in as many calls and subscriptions as it needs; a node it does not know is answered with its status.

        What a server has no room to watch is polled instead.
        """
        self._items, self._publishing_ms = list(items), publishing_ms
        self._told = []  # a new subscription may have the number of an old one
        if self._arrived:
            # What came from the old ones is handed out first, and must not look as if nothing were missing behind it.
            self._arrived.append(self._broken_off(np.arange(len(items), dtype=np.int32)))
        self._parts.forget()
        self._watching.forget()
        self._poller.forget()
        self._nodes = {}
        self._orphans.clear()
        await self._learn_limits()
        monitored = await self._begun(range(len(items)))
        self._run()
        return [monitored[place] for place in range(len(items))]

    async def retry(self, places: Sequence[int]) -> list[Monitored]:
        """The items at *places* are asked for once more."""
        before = set(self._poller.places), set(self._watching.subscriptions)
        monitored = await self._begun(places)
        if (set(self._poller.places), set(self._watching.subscriptions)) != before:
            self._run()
        return [monitored[place] for place in places]

    async def know(self, items: Sequence[NodeItem]) -> list[Monitored]:
        """The nodes of *items* are resolved, for ``history``; nothing is watched."""
        self._items = list(items)
        self._parts.forget()
        await self._learn_limits()
        self._nodes, unknown = await resolved(self._link, self._items, range(len(items)), self._ways, self._parts)
        return [unknown.get(place, Monitored(0)) for place in range(len(items))]

    async def arrivals(self) -> list[Arrival]:
        """What came since the last call; waits for the first. ``DeviceUnavailable`` when the stream broke or fell silent."""
        while not self._arrived and (self._stuck or not self._told):
            if self._lost is not None:
                raise self._lost
            self._news.clear()
            await self._news.wait()
        arrived, self._arrived = self._arrived, []
        if self._stuck:
            return arrived
        told, self._told = self._told, []
        for position, each in enumerate(told):
            try:
                arrived += await self._recovery.in_order(each, len(self._items))
            except DeviceError as error:
                self._told, self._stuck = told[position:] + self._told, True
                if forgotten(error):
                    self._dead.add(each.subscription)
                self._broken(error)
                break
        return arrived

    async def resume(self) -> bool:
        """There is a session again; True when the old subscriptions live and all that the server kept will arrive."""
        await self._halt()
        if self._dead and self._link.connected and not self._half_made:
            return await self._without_dead()
        await self._hang_up()
        same = await self._link.open_again()
        if same is None:
            await self.connect()
            return False
        self._fresh()
        if self._half_made:
            return await self._given_up(known=same)
        if not same and await self._restarted():
            # The numbers of its subscriptions begin anew: ours may be those of somebody else by now.
            return await self._given_up(known=False)
        return await self._taken_over(same=same)

    async def mended(self) -> None:
        """Returns as soon as another certificate of the server is trusted than before; a look costs the server nothing."""
        folder = self._context.certificates
        before = None if folder is None else trusted(folder, self._server)
        while folder is None or trusted(folder, self._server) == before:  # noqa: ASYNC110 - no event tells of a file
            await asyncio.sleep(LOOK_S)

    async def history(self, stretches: Sequence[Stretch]) -> AsyncIterator[Past]:
        """What the server's history holds of *stretches*; places that are not known are left out."""
        known = [each for each in stretches if each.item in self._nodes]
        session = self._link.session
        try:
            async for page in pages(session, self._nodes, known, self._pasts, self._context.now, self._parts):
                yield page
        except (ua.UaError, OSError) as error:
            raise translated(error, self.address) from error

    async def aclose(self) -> None:
        """Session, subscriptions and connection are closed."""
        await self._halt()
        await self._hang_up()
        self._watching.forget()
        await self._link.aclose()

    # --- the way up -------------------------------------------------------------------------------------------------

    def _fresh(self) -> None:
        self._lost, self._dead, self._stuck = None, set(), False
        self._news.clear()

    async def _learn_limits(self) -> None:
        (reads,) = await self._link.read((PER_READ,))
        self._link.reads.allow(reads)
        watches, most, pasts = await self._link.read((PER_MONITOR, PER_SUBSCRIPTION, PER_HISTORY))
        self._watching.allow(watches, most)
        self._pasts.allow(pasts)

    async def _begun(self, places: Iterable[int]) -> dict[int, Monitored]:
        """What the server makes of the items at *places*: watched, polled, or refused."""
        nodes, monitored = await resolved(self._link, self._items, places, self._ways, self._parts)
        self._nodes |= nodes
        self._poller.know(self._items, self._nodes)
        watched = [place for place in nodes if not self._items[place].polled]
        self._half_made = True
        with mapped(self.address):
            monitored |= await self._watching.watch(self._items, self._nodes, watched, self._publishing_ms)
        self._half_made = False
        full = [place for place in watched if monitored[place].reason in FULL | NO_MORE]
        for place in [*full, *(place for place in nodes if self._items[place].polled)]:
            self._poller.places.add(place)
            monitored[place] = Monitored(0, sampling_ms=self._items[place].sampling_ms, polled=True)
        return monitored

    def _run(self) -> None:
        """Publish requests go out, polls tick and the watchdog wakes."""
        for task in self._tasks:
            task.cancel()
        works: list[Callable[[], Awaitable[None]]] = [
            partial(self._poller.poll, interval) for interval in self._poller.intervals
        ]
        if self._watching.subscriptions:
            works.append(self._watchdog.watch)
            self._publish()
        self._tasks = [asyncio.create_task(self._guarded(work)) for work in works]

    def _publish(self) -> None:
        subscriptions = self._watching.subscriptions.values()
        for subscription in subscriptions:
            subscription.heard = monotonic()
        if self._publisher is None:
            assert self._link.client is not None  # noqa: S101 - there are subscriptions
            self._publisher = Publisher(
                self._link.client, self.address, self._context.now, self._take, self._broken, self._parts, self._heard
            )
        interval = min(each.interval_s for each in subscriptions)
        wanted = outstanding(self._link.slowness, interval, len(subscriptions))
        self._publisher.add(wanted - self._publisher.count)

    # --- what comes -------------------------------------------------------------------------------------------------

    def _heard(self, number: int) -> None:
        subscription = self._watching.subscriptions.get(number)
        if subscription is not None:
            subscription.heard = monotonic()

    def _take(self, told: Published) -> None:
        subscription = self._watching.subscriptions.get(told.subscription)
        if subscription is None or told.subscription in self._dead:
            return  # of a subscription that we gave up, or that the server has ended
        subscription.heard = monotonic()
        if told.ended is not None and told.ended >> 30:
            self._dead.add(told.subscription)
            self._broken(
                DeviceUnavailable(
                    "{address}: the server ended the subscription ({status})",
                    address=self.address,
                    status=status_name(told.ended),
                )
            )
        self._told.append(told)
        self._news.set()

    def _read(self, arrived: Sequence[Arrival]) -> None:
        self._arrived += arrived
        self._news.set()

    def _acknowledge(self, subscription: int, sequence: int) -> None:
        if self._publisher is not None:
            self._publisher.acknowledge(subscription, sequence)

    def _ask_more(self) -> None:
        if self._publisher is not None:
            self._publisher.add()

    def _dead_add(self, subscription: int) -> None:
        self._dead.add(subscription)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """*work*, whose end is the end of the stream."""
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - also a mistake of ours must not leave a silent stream
            self._broken(translated(error, self.address))

    def _broken(self, error: DeviceError | None = None) -> None:
        if error is not None and forgotten(error) and not self._dead:
            self._dead |= set(self._watching.subscriptions)
        if self._publisher is not None:
            self._publisher.flush()
        if self._lost is None:
            self._lost = error or DeviceUnavailable("{address}: the connection broke", address=self.address)
        self._news.set()

    # --- the way back -----------------------------------------------------------------------------------------------

    async def _halt(self) -> None:
        """Nothing is polled and nobody watches any more; what came stays."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _hang_up(self) -> None:
        """No request to publish is answered any more, and the channel is not renewed."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.stop()
        await self._link.rest()

    async def _taken_over(self, *, same: bool) -> bool:
        """Whether the old subscriptions go on in this session; what was sent meanwhile and lost is asked for again."""
        if not self._watching.subscriptions:
            if not (self._poller.places and same):
                return await self._given_up()
            self._run()
            return True
        with mapped(self.address):
            dead = await self._recovery.dead(same=same)
        for each, subscription in self._watching.subscriptions.items():
            if each in dead:
                continue
            try:
                await self._recovery.caught_up(subscription, self._told)
            except DeviceError as error:
                if not forgotten(error):
                    raise
                dead.add(each)
        return await self._renewed(dead)

    async def _without_dead(self) -> bool:
        """The server answers, so only the dead subscriptions are given up; what they sent and we never heard is asked for first."""
        dead = self._dead & set(self._watching.subscriptions)
        if dead == set(self._watching.subscriptions):
            await self._hang_up()
        self._fresh()
        self._link.keep_alive()
        with suppress(DeviceError):
            for each in dead:
                await self._recovery.caught_up(self._watching.subscriptions[each], self._told)
        with suppress(DeviceError):
            while self._told:
                self._arrived += await self._recovery.in_order(self._told[0], len(self._items))
                self._told.pop(0)
        # What they still held and had not sent is gone with them, so nothing is known behind what came last.
        self._arrived += [self._broken_off(self._watching.subscriptions[each].places) for each in dead]
        return await self._renewed(dead)

    async def _renewed(self, dead: set[int]) -> bool:
        """True when all that is not *dead* goes on and that was made anew; else everything is to be made anew."""
        if dead == set(self._watching.subscriptions):
            return await self._given_up()
        for each in dead:
            places = self._watching.subscriptions[each].places
            self._orphans |= set() if places is None else set(places.tolist())
        await self._watching.drop(dead)
        if self._orphans:
            about = np.array(sorted(self._orphans), dtype=np.int32)
            monitored = await self._begun(about.tolist())
            if any(each.status or each.polled for each in monitored.values()):
                return await self._given_up()
            self._orphans.clear()
            self._arrived.append(self._broken_off(about))
        self._run()
        return True

    def _broken_off(self, about: Int32 | None) -> Arrival:
        nobody = np.zeros(0, np.int32) if about is None else about
        return Arrival(nothing(self._context.now()), about=nobody, broken=GIVEN_UP)

    async def _given_up(self, *, known: bool = True) -> bool:
        """The subscriptions are forgotten here and, where it still may know them, by the server."""
        await self._hang_up()
        self._told = []
        await self._watching.drop(list(self._watching.subscriptions), known=known)
        self._fresh()
        self._link.keep_alive()
        return False

    async def _restarted(self) -> bool:
        (started,) = await self._link.read((STARTED,))
        return self._started != 0 and _moment(started) != self._started


def _moment(said: Any) -> int:
    return microseconds(said) if hasattr(said, "tzinfo") else 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
