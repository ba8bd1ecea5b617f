"""The subscriptions of a session: which item is watched in which, and what a server has room for.

Items are grouped by priority and by pace. A slow item (sampled at least every twentieth publishing interval) is reported ten times
as seldom as the others, so that a controller does not look through thousands of temperatures at every beat of the fast points; it
waits at most half its own sampling interval. More groups would only cost the server subscriptions, of which small ones have few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic

from asyncua import ua

from factory_kit.drivers.base import Monitored, NodeItem
from factory_kit.drivers.opcua.errors import status_name
from factory_kit.drivers.opcua.limits import CallSize
from factory_kit.drivers.opcua.link import Link
from factory_kit.drivers.opcua.monitored import CROWDED, watch
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.drivers.opcua.subscription import Subscription
from factory_kit.errors import DeviceError

__all__ = ["NO_MORE", "UNABLE", "Watching", "pace"]

BEATS = 1
"""Publishing intervals without news after which the server gives a sign of life."""
LEAST_BEAT_S = 0.5
"""Signs of life are not wished for more often than this."""
MOST_PER_NOTIFICATION = 10_000
MOST_SUBSCRIPTIONS = 20
"""More are not asked for, however few items each may hold; the rest is polled."""
SLOW, SLOWER, SLOWEST_MS = 20, 10, 10_000.0
"""From so many publishing intervals on a sampling interval is slow; then the publishing interval is so many times as long, at most."""
UNABLE = frozenset({"BadServiceUnsupported", "BadNotImplemented", "BadNotSupported"})
NO_MORE = frozenset({"BadTooManySubscriptions"}) | UNABLE
"""What servers answer to CreateSubscription that can only be read."""
NO_ROOM = Monitored(int(ua.StatusCodes.BadTooManyMonitoredItems), "BadTooManyMonitoredItems")

Group = tuple[int, float]
"""Priority and publishing interval (ms)."""


def pace(sampling_ms: float, publishing_ms: float) -> float:
    """The publishing interval (ms) of an item, where that of the server is *publishing_ms*."""
    if sampling_ms < SLOW * publishing_ms:
        return publishing_ms
    return max(publishing_ms, min(SLOWER * publishing_ms, SLOWEST_MS))


class Watching:
    """Creates subscriptions and their items. What was learned of the server's room outlives a session."""

    def __init__(self, link: Link, parts: Parts) -> None:
        self.subscriptions: dict[int, Subscription] = {}
        self._link = link
        self._parts = parts
        self._calls = CallSize()
        self._most = 0
        """Items in one subscription; 0: not known."""
        self._groups: dict[int, Group] = {}
        self._used: dict[int, int] = {}
        self._crowded: set[int] = set()
        self._full = False

    def allow(self, per_call: object, per_subscription: object) -> None:
        """What the server says that it bears; 0 and what is no number say nothing."""
        self._calls.allow(per_call)
        if isinstance(per_subscription, int) and per_subscription > 0:
            self._most = per_subscription

    def forget(self) -> None:
        """There are no subscriptions."""
        self.subscriptions, self._groups, self._used = {}, {}, {}
        self._crowded, self._full = set(), False

    async def watch(
        self, items: Sequence[NodeItem], nodes: Mapping[int, ua.NodeId], places: Iterable[int], publishing_ms: float
    ) -> dict[int, Monitored]:
        """What the server makes of the *items* at *places*, important ones first."""
        groups: dict[Group, list[int]] = {}
        for place in places:
            group = items[place].priority, pace(items[place].sampling_ms, publishing_ms)
            groups.setdefault(group, []).append(place)
        found: dict[int, Monitored] = {}
        for group in sorted(groups, key=lambda each: (-each[0], each[1])):
            found |= await self._grouped(group, {place: (nodes[place], items[place]) for place in groups[group]})
        return found

    async def drop(self, dead: Iterable[int], *, known: bool = True) -> None:
        """The subscriptions *dead* are forgotten here and, where it still may know them, by the server."""
        gone = [each for each in dead if each in self.subscriptions]
        for each in gone:
            del self.subscriptions[each], self._groups[each], self._used[each]
            self._crowded.discard(each)
        if gone and known:
            with suppress(ua.UaError, OSError, DeviceError):  # it may not know them any more
                await self._link.session.delete_subscriptions(gone)

    async def _grouped(self, group: Group, wanted: Mapping[int, tuple[ua.NodeId, NodeItem]]) -> dict[int, Monitored]:
        """All of *wanted* in subscriptions of *group*, as many as it takes; what finds no room is answered with the server's status."""
        found: dict[int, Monitored] = {}
        left = list(wanted)
        while left and not self._full:
            subscription = self._with_room(group)
            fresh = subscription is None
            if subscription is None:
                created = await self._created(group)
                if isinstance(created, Monitored):
                    return found | dict.fromkeys(left, created)
                subscription = created
            part = left[: self._room(subscription)]
            answered = await self._put(subscription, {place: wanted[place] for place in part})
            found |= answered
            crowded = [place for place in part if answered[place].reason in CROWDED]
            left = crowded + left[len(part) :]
            if crowded:
                await self._told_full(subscription, fresh=fresh)
        return found | dict.fromkeys(left, NO_ROOM)

    async def _told_full(self, subscription: Subscription, *, fresh: bool) -> None:
        """The server takes no more into *subscription*: another may do, unless not even the first item of this one found room."""
        used = self._used[subscription.id]
        self._crowded.add(subscription.id)
        if used:
            self._most = min(self._most or used, used)
        elif fresh:
            self._full = True
            await self.drop([subscription.id])

    async def _put(
        self, subscription: Subscription, wanted: Mapping[int, tuple[ua.NodeId, NodeItem]]
    ) -> dict[int, Monitored]:
        """*wanted* in *subscription*; places that mean parts of one node share its item."""
        leaders = self._leaders(wanted)
        alone = {place: wanted[place] for place in wanted if leaders[place] == place}
        answered = await watch(self._link.session, subscription.id, alone, self._link.server.trigger, self._calls)
        good = [place for place in alone if not answered[place].status]
        self._used[subscription.id] += len(good)
        taken = [place for place in wanted if not answered[leaders[place]].status]
        for leader in good:
            self._parts.share(leader, [place for place in taken if leaders[place] == leader] if self._parts else ())
        subscription.add(taken)
        interval = 1000 * subscription.interval_s
        return {place: replace(answered[leaders[place]], publishing_ms=interval) for place in wanted}

    def _leaders(self, wanted: Mapping[int, tuple[ua.NodeId, NodeItem]]) -> dict[int, int]:
        """The place whose item serves each place."""
        if not self._parts:
            return {place: place for place in wanted}
        first: dict[object, int] = {}
        leaders = {}
        for place, (node, item) in wanted.items():
            # A deadband is for numbers: whoever wishes one has an item of its own.
            alike: object = (node.to_string(), replace(item, node=""))
            shared = self._parts.means(place) and not item.deadband
            leaders[place] = first.setdefault(alike, place) if shared else place
        return leaders

    def _with_room(self, group: Group) -> Subscription | None:
        for each, subscription in self.subscriptions.items():
            if self._groups[each] == group and each not in self._crowded and self._room(subscription):
                return subscription
        return None

    def _room(self, subscription: Subscription) -> int:
        return max(0, (self._most or 1 << 30) - self._used[subscription.id])

    async def _created(self, group: Group) -> Subscription | Monitored:
        """A subscription that outlives the session's time-out and gives signs of life; the server's status where it has none left."""
        if len(self.subscriptions) >= MOST_SUBSCRIPTIONS:
            return NO_ROOM
        priority, publishing_ms = group
        beats = max(BEATS, math.ceil(LEAST_BEAT_S * 1000 / publishing_ms))
        lifetime = math.ceil(self._link.server.session_timeout_s * 1000 / publishing_ms)
        request = ua.CreateSubscriptionRequest()
        request.Parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=publishing_ms,
            RequestedMaxKeepAliveCount=beats,
            RequestedLifetimeCount=max(3 * beats, lifetime),
            MaxNotificationsPerPublish=MOST_PER_NOTIFICATION,
            PublishingEnabled=True,
            Priority=priority,
        )
        try:
            answer = await self._link.answer(request, ua.CreateSubscriptionResponse)
        except ua.UaStatusCodeError as error:
            name = status_name(error.code)
            if name not in NO_MORE:
                raise
            return Monitored(int(error.code), name)
        revised = float(answer.Parameters.RevisedPublishingInterval)
        created = Subscription(
            id=int(answer.Parameters.SubscriptionId),
            interval_s=(revised if math.isfinite(revised) and revised > 0 else publishing_ms) / 1000,
            beats=max(1, int(answer.Parameters.RevisedMaxKeepAliveCount)),
            heard=monotonic(),
        )
        self.subscriptions[created.id] = created
        self._groups[created.id], self._used[created.id] = group, 0
        return created
