"""What makes a new sample over OPC UA: by default also the same value at another source time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from asyncua import ua
from asyncua.server.internal_session import InternalSession

from factory_kit.drivers.base import Context, NodeItem
from factory_kit.drivers.opcua.reader import OpcUaDevice
from factory_kit.model.site import OpcUaServer

pytestmark = pytest.mark.wire

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
STEADY = [(7.5, NOON + timedelta(seconds=second)) for second in range(5)]


def test_a_repeated_value_at_another_time_is_a_sample(plant: Any) -> None:
    """A sensor that reports the same value again is alive, and the store shows it."""
    assert _values(plant) == [7.5] * 5


def test_a_site_may_ask_for_changes_alone(plant: Any) -> None:
    """With ``trigger: value`` a repeated value is left out, which spares a slow line."""
    assert _values(plant, trigger="value") == [7.5]


@pytest.mark.parametrize("status", ["BadFilterNotAllowed", "BadMonitoredItemFilterUnsupported"])
def test_a_server_without_filters_is_watched_without(plant: Any, monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """A server that refuses the wish is asked again without it, and reports what it can."""
    create = InternalSession.create_monitored_items

    async def without_filters(self: InternalSession, parameters: Any) -> Any:
        results = await create(self, parameters)
        for item, result in zip(parameters.ItemsToCreate, results, strict=True):
            if item.RequestedParameters.Filter:
                result.StatusCode = ua.StatusCode(getattr(ua.StatusCodes, status))
        if any(not result.StatusCode.is_good() for result in results):
            await self.delete_monitored_items(
                ua.DeleteMonitoredItemsParameters(parameters.SubscriptionId, [each.MonitoredItemId for each in results])
            )
        return results

    monkeypatch.setattr(InternalSession, "create_monitored_items", without_filters)

    assert _values(plant) == [7.5]


def _values(plant: Any, **more: Any) -> list[float]:
    """What arrives of ``STEADY`` between a first and a last value."""

    async def main() -> list[float]:
        server = OpcUaServer(driver="opcua", url=plant.url, security="None", **more)
        device = OpcUaDevice("press", server, Context(now=lambda: 7))
        found: list[float] = []

        async def until(last: float) -> None:
            while last not in found:
                for arrival in await asyncio.wait_for(device.arrivals(), 5):
                    found.extend(np.asarray(arrival.batch.value).tolist())

        try:
            await device.connect()
            (monitored,) = await device.subscribe([NodeItem("nsu=urn:test:plant;s=v3", 50.0, 100)], 50)
            assert monitored.status == 0
            await until(1.0)
            for value, moment in [*STEADY, (99.0, NOON + timedelta(hours=1))]:
                plant.write("v3", value, moment)
            await until(99.0)
        finally:
            await device.aclose()
        return [value for value in found if value not in {1.0, 99.0}]

    plant.write("v3", 1.0, NOON - timedelta(hours=1))
    return asyncio.run(asyncio.wait_for(main(), 30))
