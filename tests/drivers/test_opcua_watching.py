"""Several subscriptions at one server: for items that one has no room for, and for items of very different pace."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import ua
from asyncua.server.internal_session import InternalSession

from factory_kit.drivers.base import Arrival, Context, NodeItem
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.drivers.opcua.reader import OpcUaDevice
from factory_kit.drivers.opcua.watching import pace
from factory_kit.errors import DeviceUnavailable
from factory_kit.model.site import OpcUaServer

wire = pytest.mark.wire


def _item(name: str, sampling_ms: float = 50.0, **more: Any) -> NodeItem:
    return NodeItem(f"nsu=urn:test:plant;s={name}", sampling_ms, 100, **more)


def _with_device(url: str, test: Callable[[OpcUaDevice], Awaitable[None]]) -> None:
    async def main() -> None:
        device = OpcUaDevice("press", OpcUaServer(driver="opcua", url=url, security="None"), Context(now=lambda: 7))
        try:
            await device.connect()
            await test(device)
        finally:
            await device.aclose()

    asyncio.run(asyncio.wait_for(main(), 90))


async def _until(device: OpcUaDevice, wanted: Callable[[dict[int, set[float]]], bool]) -> list[Arrival]:
    """What arrives until *wanted* is true of the values of each place."""
    found: dict[int, set[float]] = {}
    arrivals: list[Arrival] = []
    while not wanted(found):
        for arrival in await asyncio.wait_for(device.arrivals(), 40):
            arrivals.append(arrival)
            for place, value in zip(arrival.batch.point.tolist(), arrival.batch.value.tolist(), strict=True):
                found.setdefault(place, set()).add(value)
    return arrivals


def _holding(monkeypatch: pytest.MonkeyPatch, each: int, subscriptions: int = 100) -> Counter[int]:
    """The server takes so many items into a subscription and bears so many subscriptions; its items by subscription."""
    held: Counter[int] = Counter()
    made: Counter[InternalSession] = Counter()
    create_items, create = InternalSession.create_monitored_items, InternalSession.create_subscription

    async def items(session: InternalSession, parameters: Any) -> Any:
        wanted = list(parameters.ItemsToCreate)
        room = max(0, each - held[parameters.SubscriptionId])
        parameters.ItemsToCreate = wanted[:room]
        results = list(await create_items(session, parameters)) if room else []
        held[parameters.SubscriptionId] += len(results)
        full = ua.StatusCode(ua.StatusCodes.BadTooManyMonitoredItems)
        return results + [ua.MonitoredItemCreateResult(full, 0, 0, 0) for _each in wanted[room:]]

    async def one_more(session: InternalSession, *rest: Any, **more: Any) -> Any:
        made[session] += 1
        if made[session] > subscriptions:
            raise ua.uaerrors.BadTooManySubscriptions
        return await create(session, *rest, **more)

    monkeypatch.setattr(InternalSession, "create_monitored_items", items)
    monkeypatch.setattr(InternalSession, "create_subscription", one_more)
    return held


@wire
def test_what_one_subscription_cannot_hold_goes_into_others(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that holds three items in a subscription, and does not say so, watches eight in three of them; all report."""
    held = _holding(monkeypatch, 3)

    async def test(device: OpcUaDevice) -> None:
        monitored = await device.subscribe([_item(f"v{n}") for n in range(8)], 50)
        assert [(each.status, each.polled) for each in monitored] == [(0, False)] * 8
        assert sorted(held.values()) == [2, 3, 3]
        await _until(device, lambda found: len(found) == 8)
        for number in range(8):
            plant.write(f"v{number}", 8.0 + number, datetime.now(UTC))
        await _until(device, lambda found: all(8.0 + n in found.get(n, ()) for n in range(8)))

    _with_device(plant.url, test)


@wire
def test_only_what_no_subscription_holds_is_polled(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two subscriptions of three items each are all the server bears: two of eight items are read instead."""
    _holding(monkeypatch, 3, subscriptions=2)

    async def test(device: OpcUaDevice) -> None:
        monitored = await device.subscribe([_item(f"v{n}") for n in range(8)], 50)
        assert [(each.status, each.polled) for each in monitored] == [(0, n >= 6) for n in range(8)]
        await _until(device, lambda found: len(found) == 8)

    _with_device(plant.url, test)


@wire
def test_a_server_that_is_full_is_not_asked_on_and_on(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When not even the first item of a new subscription finds room, that one is deleted again and the rest is polled."""
    held = _holding(monkeypatch, 0)

    async def test(device: OpcUaDevice) -> None:
        monitored = await device.subscribe([_item(f"v{n}") for n in range(4)], 50)
        assert [(each.status, each.polled) for each in monitored] == [(0, True)] * 4
        assert len(held) == 1
        assert not device._watching.subscriptions
        await _until(device, lambda found: len(found) == 4)

    _with_device(plant.url, test)


def test_slow_items_are_reported_more_seldom() -> None:
    """From twenty publishing intervals on an item is slow: it waits at most half its sampling interval, and never above ten seconds."""
    assert [pace(sampling, 500) for sampling in (0, 100, 9_999, 10_000, 60_000)] == [500, 500, 500, 5_000, 5_000]
    assert [pace(sampling, 100) for sampling in (1_999, 2_000)] == [100, 1_000]
    assert pace(60_000, 2_000) == 10_000
    assert pace(3_600_000, 30_000) == 30_000


@wire
def test_items_of_different_pace_have_different_subscriptions(plant: Any) -> None:
    """Fast and slow items: two publishing intervals, each with its own watchdog; the answer tells how long a value may wait."""

    async def test(device: OpcUaDevice) -> None:
        monitored = await device.subscribe([_item("v0"), _item("v1", 60_000.0), _item("v2"), _item("v3", 60_000.0)], 50)
        assert [each.publishing_ms for each in monitored] == [50, 500, 50, 500]
        fast, slow = sorted(device._watching.subscriptions.values(), key=lambda each: each.interval_s)
        assert fast.places is not None
        assert slow.places is not None
        assert (fast.places.tolist(), slow.places.tolist()) == ([0, 2], [1, 3])
        assert slow.silent_at(0) - slow.heard > 1
        await _until(device, lambda found: len(found) == 4)

    _with_device(plant.url, test)


@wire
def test_several_subscriptions_survive_a_cut(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a break each goes on in the old session, and what was written meanwhile comes from each."""
    _holding(monkeypatch, 2)

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item(f"v{n}") for n in range(6)], 50)
        await _until(device, lambda found: len(found) == 6)
        before = set(device._watching.subscriptions)
        assert len(before) == 3
        plant.cut()
        with pytest.raises(DeviceUnavailable, match="the connection broke"):
            await _until(device, lambda _found: False)
        for number in range(6):
            plant.write(f"v{number}", 60.0 + number, datetime.now(UTC))
        assert await device.resume()
        assert set(device._watching.subscriptions) == before
        arrivals = await _until(device, lambda found: all(60.0 + n in found.get(n, ()) for n in range(6)))
        assert not any(arrival.missed or arrival.broken for arrival in arrivals)

    _with_device(plant.url, test)


@wire
def test_one_dead_subscription_does_not_end_the_others(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server forgets one of two: that one alone is made anew and its items are told as broken; the other goes on."""
    _holding(monkeypatch, 2)

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item(f"v{n}") for n in range(4)], 50)
        await _until(device, lambda found: len(found) == 4)
        stays, dies = sorted(device._watching.subscriptions)
        await asyncio.to_thread(plant.call, plant.server.iserver.subscription_service.delete_subscriptions([dies]))
        with pytest.raises(DeviceUnavailable, match=r"reports nothing any more|no longer knows|ended the subscription"):
            await _until(device, lambda _found: False)
        assert await device.resume()
        assert stays in device._watching.subscriptions
        assert dies not in device._watching.subscriptions
        for number in range(4):
            plant.write(f"v{number}", 40.0 + number, datetime.now(UTC))
        arrivals = await _until(device, lambda found: all(40.0 + n in found.get(n, ()) for n in range(4)))
        broken = [arrival.about for arrival in arrivals if arrival.broken]
        assert {tuple([] if about is None else about.tolist()) for about in broken} == {(2, 3)}

    _with_device(plant.url, test)


@wire
def test_a_dead_subscription_that_cannot_be_made_anew_is_not_forgotten(
    plant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the line breaks while one of two is made anew, its items are in a subscription again after the next way back."""
    _holding(monkeypatch, 2)

    async def test(device: OpcUaDevice) -> None:
        await device.subscribe([_item(f"v{n}") for n in range(4)], 50)
        await _until(device, lambda found: len(found) == 4)
        dies = max(device._watching.subscriptions)
        await asyncio.to_thread(plant.call, plant.server.iserver.subscription_service.delete_subscriptions([dies]))
        with pytest.raises(DeviceUnavailable):
            await _until(device, lambda _found: False)
        begun = device._begun

        async def broken(_places: Any) -> Any:
            raise DeviceUnavailable("{address}: the connection broke", address=device.address)

        device._begun = broken  # type: ignore[method-assign]
        with pytest.raises(DeviceUnavailable, match="the connection broke"):
            await device.resume()
        device._begun = begun  # type: ignore[method-assign]
        plant.cut()
        assert await device.resume()
        plant.write("v3", 4.25, datetime.now(UTC))
        await _until(device, lambda found: 4.25 in found.get(3, ()))

    _with_device(plant.url, test)


@wire
def test_parts_of_one_node_share_its_monitored_item(plant: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three elements of one array cost the server one item; each is a sample of its own, in the order of the values."""
    held = _holding(monkeypatch, 100)
    plant.write("v9", ua.Variant([1.0, 2.0, 3.0]), datetime.now(UTC))

    async def test(device: OpcUaDevice) -> None:
        items = [NodeItem(f"{part}nsu=urn:test:plant;s=v9", 50.0, 100) for part in ("[0]@", "[2]@", "[1]@")]
        await device.subscribe([*items, _item("v1")], 50)
        assert list(held.values()) == [2]
        await _until(device, lambda found: all(n in found for n in range(4)))
        plant.write("v9", ua.Variant([10.0, 20.0, 30.0]), datetime.now(UTC))
        arrivals = await _until(device, lambda found: 20.0 in found.get(2, ()))
        pairs = [(p, v) for a in arrivals for p, v in zip(a.batch.point.tolist(), a.batch.value.tolist(), strict=True)]
        assert pairs == [(0, 10.0), (1, 30.0), (2, 20.0)]

    _with_device(plant.url, test)


def test_sharing_ends_with_the_item() -> None:
    """An item that serves itself alone is no longer spread to others."""
    parts = Parts()
    parts.share(1, [1, 2])
    assert parts._shared == {1: (1, 2)}
    parts.share(1, [1])
    assert parts._shared == {}
