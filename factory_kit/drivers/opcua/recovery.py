"""Nothing is lost that the server still holds: notifications in their order, asked for again, in a session that took them over."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from asyncua import ua

from factory_kit.drivers.base import Arrival
from factory_kit.drivers.opcua.answers import Published, republished
from factory_kit.drivers.opcua.binary.wire import Malformed
from factory_kit.drivers.opcua.errors import TOO_MUCH, status_name, translated
from factory_kit.drivers.opcua.link import Link
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.drivers.opcua.subscription import LAST_NUMBER, Subscription
from factory_kit.drivers.opcua.values import of_places
from factory_kit.errors import DeviceError

__all__ = ["NO_SUBSCRIPTION", "Recovery", "forgotten"]

MOST_REPUBLISHED = 10_000
"""Notifications asked for once more after a break; servers keep some hundred."""
ENDED = ("BadSession", "BadSecureChannel", "BadConnection", "BadTcp", "BadCommunication", "BadServer", "BadShutdown")
"""How statuses begin that are about the line or the session, not about the notification that was asked for again."""
STATE = ua.ObjectIds.Server_ServerStatus_State
NO_SUBSCRIPTION = frozenset({"BadSubscriptionIdInvalid", "BadNoSubscription"})
"""What a server says of a subscription that it does not have."""


def forgotten(error: DeviceError) -> bool:
    """Whether the server said that it does not know a subscription of ours."""
    cause = error.__cause__
    return isinstance(cause, ua.UaStatusCodeError) and status_name(cause.code) in NO_SUBSCRIPTION


class Recovery:
    """Brings the notifications of *subscriptions* into order; *acknowledge* is told of each that came: subscription and number."""

    def __init__(
        self,
        link: Link,
        subscriptions: Callable[[], Mapping[int, Subscription]],
        parts: Parts,
        acknowledge: Callable[[int, int], None],
    ) -> None:
        self._link = link
        self._subscriptions = subscriptions
        self._parts = parts
        self._acknowledge = acknowledge
        self._mute: object = None
        """The connection on which Republish is not answered, though all else is; nothing is asked for again on it."""

    async def in_order(self, told: Published, count: int) -> list[Arrival]:
        """*told* as an arrival, after those before it that went missing and that the server still holds; there are *count* items."""
        subscription = self._subscriptions().get(told.subscription)
        if subscription is None:
            return []
        if subscription.repeated(told):
            return self._anew(subscription, told, count)
        recovered, missed = await self._recovered(subscription, subscription.missing(told))
        arrived = [
            Arrival(
                of_places(again.batch, count), again.moment, 0 if position else missed, subscription.places, more=True
            )
            for position, again in enumerate(recovered)
        ]
        if told.has_data:
            subscription.took(told.sequence, told.moment)
            self._acknowledge(subscription.id, told.sequence)
        # A sign of life may count otherwise than we do; whether something is missing the next notification tells.
        left = 0 if recovered or not told.has_data else missed
        return [*arrived, Arrival(of_places(told.batch, count), told.moment, left, subscription.places, more=told.more)]

    def _anew(self, subscription: Subscription, told: Published, count: int) -> list[Arrival]:
        """*told*, whose number came before: nothing, or an arrival where the server's numbers have begun anew."""
        missed = subscription.begins_anew(told)
        self._acknowledge(subscription.id, told.sequence)
        if missed is None:
            return []
        subscription.took(told.sequence, told.moment)
        return [Arrival(of_places(told.batch, count), told.moment, missed, subscription.places, more=told.more)]

    async def dead(self, *, same: bool) -> set[int]:
        """Which subscriptions do not belong to this session, after all were asked to.

        In the *same* session they do anyway, which some servers confirm and others take amiss; but some send notifications to
        the old connection until they were asked.
        """
        ids = list(self._subscriptions())
        parameters = ua.TransferSubscriptionsParameters(SubscriptionIds=ids, SendInitialValues=False)
        try:
            results = await self._link.session.transfer_subscriptions(parameters)
        except ua.UaStatusCodeError as error:
            return set() if same and status_name(error.code) not in NO_SUBSCRIPTION else set(ids)
        bad = {
            each: status_name(result.StatusCode.value)
            for each, result in zip(ids, results, strict=False)
            if result.StatusCode.is_bad()
        }
        lost = {each for each, name in bad.items() if not same or name in NO_SUBSCRIPTION}
        return lost | (set() if same else set(ids[len(results) :]))

    async def caught_up(self, subscription: Subscription, waiting: list[Published]) -> None:
        """The notifications that were sent while nobody heard them join *waiting*, those that came and wait to be taken."""
        ahead = [each for each in waiting if each.subscription == subscription.id and each.has_data]
        number = (max(each.sequence for each in ahead) % LAST_NUMBER + 1) if ahead else subscription.expected
        for _each in range(MOST_REPUBLISHED):
            again = await self._republished(subscription, number)
            if again is None:
                return
            waiting.append(again)
            number = number % LAST_NUMBER + 1

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
        for again in found:
            self._acknowledge(subscription.id, again.sequence)
        if found:
            subscription.took(subscription.number(missing - 1))
        return found[::-1], missing - len(found)

    async def _republished(self, subscription: Subscription, number: int) -> Published | None:
        """Notification *number* once more; None when the server does not hold it."""
        if self._link.line is self._mute is not None:
            return None
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = subscription.id
        request.Parameters.RetransmitSequenceNumber = number
        try:
            body = await self._link.raw(request)
            again = republished(body, subscription.id, self._link.context.now(), self._parts)
        except ua.UaStatusCodeError as error:
            name = status_name(error.code)
            if name not in TOO_MUCH and (name in NO_SUBSCRIPTION or name.startswith(ENDED)):
                raise translated(error, self._link.address) from error
            return None  # whatever it says of the notification, it does not give it
        except Malformed:
            return None
        except TimeoutError:
            await self._link.read((STATE,))  # raises where the line is dead, and it may be asked for again on another
            self._mute = self._link.line
            return None
        except (ua.UaError, OSError) as error:
            raise translated(error, self._link.address) from error
        if again.sequence != number or not (len(again.batch) or again.ended is not None):
            return None  # some servers send a notification without values, or any that they have, instead of a status
        return again
