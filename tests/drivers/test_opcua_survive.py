"""How a device of the OPC UA driver finds back, and what it does with a server that cannot do everything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from asyncua import ua
from asyncua.server.internal_session import InternalSession
from asyncua.server.subscription_service import SubscriptionService

from factory_kit.drivers.base import Arrival, Context, NodeItem
from factory_kit.drivers.opcua.answers import Published, nothing
from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.drivers.opcua.publisher import outstanding
from factory_kit.drivers.opcua.reader import OpcUaDevice
from factory_kit.drivers.opcua.subscription import LAST_NUMBER, Subscription
from factory_kit.errors import DeviceUnavailable
from factory_kit.model.site import OpcUaServer

wire = pytest.mark.wire


def _item(name: str, **more: Any) -> NodeItem:
    return NodeItem(f"nsu=urn:test:plant;s={name}", 50.0, 100, **more)


def _with_device(url: str, test: Callable[[OpcUaDevice], Awaitable[None]]) -> None:
    async def main() -> None:
        server = OpcUaServer(driver="opcua", url=url, security="None")
        device = OpcUaDevice("press", server, Context(now=lambda: 7))
        try:
            await device.connect()
            await test(device)
        finally:
            await device.aclose()

    asyncio.run(asyncio.wait_for(main(), 60))


async def _until(device: OpcUaDevice, wanted: Callable[[dict[int, list[float]]], bool]) -> dict[int, list[float]]:
    """The values of each place until *wanted* is true of them."""
    found: dict[int, list[float]] = {}
    while not wanted(found):
        for arrival in await asyncio.wait_for(device.arrivals(), 20):
            for place, value in zip(arrival.batch.point.tolist(), arrival.batch.value.tolist(), strict=True):
                found.setdefault(place, []).append(value)
    return found


@wire
def test_what_a_server_has_no_room_to_watch_is_polled(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Items beyond the server's number of monitored items are read instead, and all have values."""
    create = InternalSession.create_monitored_items

    async def crowded(session: InternalSession, parameters: Any) -> Any:
        results = await create(session, parameters)
        for item, result in zip(parameters.ItemsToCreate, results, strict=True):
            if item.RequestedParameters.ClientHandle >= 4:
                result.StatusCode = ua.StatusCode(ua.StatusCodes.BadTooManyMonitoredItems)
        return results

    monkeypatch.setattr(InternalSession, "create_monitored_items", crowded)

    async def test(device: OpcUaDevice) -> None:
        monitored = await device.subscribe([_item(f"v{n}") for n in range(8)], 50)
        assert [(each.status, each.polled) for each in monitored] == [(0, n >= 4) for n in range(8)]
        await _until(device, lambda found: len(found) == 8)
        plant.write("v6", 6.25, datetime.now(UTC))
        await _until(device, lambda found: 6.25 in found.get(6, []))

    _with_device(plant.url, test)


@wire
def test_a_server_without_subscriptions_is_polled(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small controllers know no subscriptions at all."""

    async def unknown(_session: InternalSession, *_rest: Any, **_more: Any) -> Any:
        raise ua.uaerrors.BadServiceUnsupported

    monkeypatch.setattr(InternalSession, "create_subscription", unknown)

    async def test(device: OpcUaDevice) -> None:
        monitored = await device.subscribe([_item("v1"), _item("gone")], 50)
        assert [(each.status, each.polled) for each in monitored] == [(0, True), (0, True)]
        await _until(device, lambda found: 0 in found and 1 in found)

    _with_device(plant.url, test)


@wire
def test_points_may_be_polled_by_wish(plant: Any) -> None:
    """A polled point beside a watched one; both keep coming after a break."""

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v1"), _item("v2", polled=True)], 50)
        await _until(device, lambda found: len(found) == 2)
        plant.cut()
        with pytest.raises(DeviceUnavailable, match="the connection broke"):
            await _until(device, lambda _found: False)
        assert await device.resume()
        now = datetime.now(UTC)
        plant.write("v1", 11.0, now)
        plant.write("v2", 22.0, now)
        await _until(device, lambda found: 11.0 in found.get(0, []) and 22.0 in found.get(1, []))

    _with_device(plant.url, test)


@wire
def test_a_node_that_comes_later_is_watched(plant: Any) -> None:
    """Asking again finds a node that a slow controller did not know at first, in the subscription that lives."""

    async def test(device: OpcUaDevice) -> None:
        monitored = await device.subscribe([_item("v1"), _item("late")], 50)
        assert [each.reason for each in monitored] == ["", "BadNodeIdUnknown"]
        assert [each.status for each in await device.retry([1])] == [0x80340000]
        node = ua.NodeId("late", plant.index)
        await asyncio.to_thread(plant.call, plant.server.nodes.objects.add_variable(node, "late", 3.5))
        assert [each.status for each in await device.retry([1])] == [0]
        await _until(device, lambda found: 3.5 in found.get(1, []))

    _with_device(plant.url, test)


def _transfers_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of asyncua moves where answers go and still looks for the requests of the old connection; ours moves both."""
    transfer = SubscriptionService.transfer_subscriptions

    async def whole(service: SubscriptionService, params: Any, session: Any, callback: Any) -> Any:
        results = await transfer(service, params, session, callback)
        for each in params.SubscriptionIds:
            service.subscriptions[int(each)].pub_request_callback = callback.__self__.get_publish_request
        return results

    monkeypatch.setattr(SubscriptionService, "transfer_subscriptions", whole)


@wire
def test_subscriptions_move_into_a_new_session(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that forgot the session and kept the subscription hands over what it queued meanwhile."""
    _transfers_whole(monkeypatch)

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v5")], 50)
        await _until(device, lambda found: 0 in found)
        sessions = plant.server.iserver._external_sessions
        sessions.clear()
        plant.cut()
        with pytest.raises(DeviceUnavailable, match="the connection broke"):
            await _until(device, lambda _found: False)
        for number in range(5):
            plant.write("v5", 50.0 + number, datetime.now(UTC))
        assert await device.resume()
        found = await _until(device, lambda found: 54.0 in found.get(0, []))
        assert found[0][-5:] == [50.0, 51.0, 52.0, 53.0, 54.0]

    _with_device(plant.url, test)


@wire
def test_the_secure_channel_is_renewed(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before the token ends there is a new one, and the stream goes on."""
    made = ReadingClient.__init__

    def short(client: ReadingClient, *rest: Any, **more: Any) -> None:
        made(client, *rest, **more)
        client.secure_channel_timeout = 3000  # an old token may be used for a quarter longer: not too short a time

    monkeypatch.setattr(ReadingClient, "__init__", short)
    plant.settle()
    plant.seen.clear()

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v3")], 50)
        await asyncio.sleep(6)
        plant.write("v3", 33.0, datetime.now(UTC))
        await _until(device, lambda found: 33.0 in found.get(0, []))
        assert device._lost is None

    _with_device(plant.url, test)
    assert plant.seen["OPN"] >= 3


@wire
def test_several_requests_to_publish_wait_at_the_server(plant: Any) -> None:
    """One alone would bring one notification for each journey there and back."""

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v1")], 50)
        await _until(device, lambda found: 0 in found)
        assert device._publisher is not None
        assert device._publisher.count >= 2

    _with_device(plant.url, test)
    assert (outstanding(0.001, 0.5, 1), outstanding(2.0, 0.5, 1), outstanding(60.0, 0.5, 1)) == (3, 6, 10)


def _told(sequence: int, *, data: bool = True) -> Published:
    return Published(1, sequence, 0, data, nothing(0))


@pytest.mark.parametrize(
    ("expected", "sequence", "missing", "repeated"),
    [
        (5, 5, 0, False),
        (5, 8, 3, False),
        (5, 4, 0, True),
        (5, 1, 0, True),
        (1, LAST_NUMBER, 0, True),
        (LAST_NUMBER, 1, 1, False),
        (LAST_NUMBER, LAST_NUMBER, 0, False),
        (1, 0, 0, False),
        (9, 0, 0, True),
    ],
)
def test_numbers_of_notifications_go_around_the_corner(
    expected: int, sequence: int, missing: int, repeated: bool
) -> None:
    """After 4294967295 comes 1; what lies behind came before; a server that counts from 0 is understood."""
    subscription = Subscription(1, 0.5, 1, 0.0, expected)

    assert (subscription.missing(_told(sequence)), subscription.repeated(_told(sequence))) == (missing, repeated)


def test_silence_is_judged_within_three_intervals() -> None:
    """A quick server is asked after one and a half intervals and given up before three; a slow one gets its time."""
    subscription = Subscription(1, 0.5, 1, 100.0)

    assert subscription.suspicious_at(0.0) == 100.75
    assert 100.75 < subscription.silent_at(0.0) < 101.5
    assert subscription.silent_at(4.0) > 105
    assert Subscription(1, 0.5, 10, 100.0).silent_at(0.0) > 105, "who promised little is not held to more"
    assert Subscription(1, 0.002, 1, 100.0).suspicious_at(0.0) == 100.25, "no network is as quick as some promise"
    assert Subscription(1, 0.002, 1, 100.0).silent_at(0.0) == 100.5


@wire
def test_what_came_late_does_not_hide_what_is_lost_behind_it(plant: Any) -> None:
    """What was still to be handed out when everything is watched anew is followed by word that the stream broke there."""

    async def test(device: OpcUaDevice) -> None:
        items = [_item("v1"), _item("v2")]
        await device.subscribe(items, 50)
        await _until(device, lambda found: len(found) == 2)
        (old,) = device._watching.subscriptions
        await device.connect()
        device._told = [Published(old, 500, 0, True, nothing(0))]
        device._arrived = [Arrival(nothing(0), 5)]
        await device.subscribe(items, 50)
        first, second, *_rest = await device.arrivals()
        assert (first.published, first.broken) == (5, "")
        assert second.broken
        assert second.about is not None
        assert second.about.tolist() == [0, 1]
        assert not any(each.sequence == 500 for each in device._told)

    _with_device(plant.url, test)


@wire
def test_what_the_server_kept_is_asked_for_from_the_newest(plant: Any) -> None:
    """Of five lost notifications the two newest are still held: they arrive, and three count as missing before them."""

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item("v1")], 50)
        await _until(device, lambda found: 0 in found)
        (subscription,) = device._watching.subscriptions.values()
        first = subscription.expected
        asked: list[int] = []

        async def republished(_subscription: Any, number: int) -> Published | None:
            asked.append(number)
            return _told(number) if number >= first + 3 else None

        device._recovery._republished = republished  # type: ignore[method-assign]
        arrivals: list[Arrival] = await device._recovery.in_order(
            Published(subscription.id, first + 5, 0, True, nothing(0)), 1
        )
        assert asked == [first + 4, first + 3, first + 2]
        assert [arrival.missed for arrival in arrivals] == [3, 0, 0]
        assert subscription.expected == first + 6
        assert arrivals[0].about is not None
        assert np.array_equal(arrivals[0].about, [0])

    _with_device(plant.url, test)
