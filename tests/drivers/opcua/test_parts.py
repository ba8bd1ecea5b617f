"""Single values out of arrays and structures, and nodes by the way to them, read live from a server that is not ours."""

from __future__ import annotations

import asyncio
from time import time_ns
from typing import Any

import pytest

from factory_kit.drivers.base import Context, Monitored, NodeItem
from factory_kit.drivers.opcua.reader import OpcUaDevice
from factory_kit.model.site import OpcUaServer

OWN, TOOL = "nsu=urn:127.0.0.1:peer", "http://opcfoundation.org/UA/MachineTool/"
WANTED = {
    ".Local.X@{own};s=Scanner.Where": (0, 1.5),
    ".Local.Timestamp@{own};s=Scanner.Where": (0, 1_788_220_800_000_000.0),
    ".NMEA@{own};s=Scanner.Where": (0x80370000, None),
    ".ScanData.String@{own};s=Scanner.Seen": (0, "urn:epc:1"),
    ".Sighting[0].Strength@{own};s=Scanner.Seen": (0, -40.0),
    ".Sighting[1].Strength@{own};s=Scanner.Seen": (0x80370000, None),
    "[0]@{own};s=Oven.Zones": (0, 1.0),
    "[2]@{own};s=Oven.Zones": (0, 3.0),
    "[3]@{own};s=Oven.Zones": (0x80370000, None),
    "[0]@{own};s=Oven.Heat": (0x80370000, None),
    "{own};s=Oven.Zones": (0x803D0000, None),
    "{own};s=Oven.Heat": (0, 181.5),
    "/<{tool}>:Monitoring/<{tool}>:MachineTool/<{tool}>:OperationMode@{own};s=Mill1": (0, 1.0),
}
"""Address → status and value; an absent element, a field of the union that is not there and a part of a scalar are BadIndexRangeNoData."""


@pytest.mark.wire
@pytest.mark.system
@pytest.mark.parametrize("polled", [False, True], ids=["subscribed", "polled"])
def test_parts_and_paths_arrive_as_samples(machines: Any, polled: bool) -> None:
    """Each part of a structure or array is a sample of its own with the right value or the status that says why there is none."""
    addresses = [each.format(own=OWN, tool=TOOL) for each in WANTED]

    async def main() -> dict[str, tuple[int, float | str | None]]:
        device = OpcUaDevice(
            "x", OpcUaServer(driver="opcua", url=machines.url, security="None"), Context(lambda: time_ns() // 1000)
        )
        found: dict[str, tuple[int, float | str | None]] = {}
        try:
            await device.connect()
            monitored = await device.subscribe([NodeItem(each, 100.0, 5, polled) for each in addresses], 100)
            assert [each.status for each in monitored] == [0] * len(addresses)
            while len(found) < len(addresses):
                for arrival in await device.arrivals():
                    batch = arrival.batch
                    for row, place in enumerate(batch.point.tolist()):
                        text = batch.text[row] if batch.text is not None else None
                        known = batch.has_value is None or bool(batch.has_value[row])
                        assert batch.status is not None
                        found[addresses[place]] = (
                            int(batch.status[row]),
                            (text or float(batch.value[row])) if known else None,
                        )
        finally:
            await device.aclose()
        return found

    found = asyncio.run(asyncio.wait_for(main(), 60))

    assert found == dict(zip(addresses, WANTED.values(), strict=True))


@pytest.mark.wire
@pytest.mark.system
def test_a_way_that_leads_nowhere_is_named(machines: Any) -> None:
    """A step that the machine does not have spoils only its own point."""
    addresses = [
        f"/<{TOOL}>:Monitoring/<{TOOL}>:Nothing@{OWN};s=Mill1",
        f"/<urn:nobody>:x@{OWN};s=Mill1",
        f"{OWN};s=Oven.Heat",
    ]

    async def main() -> list[Monitored]:
        device = OpcUaDevice(
            "x", OpcUaServer(driver="opcua", url=machines.url, security="None"), Context(lambda: time_ns() // 1000)
        )
        try:
            await device.connect()
            return await device.subscribe([NodeItem(each, 100.0, 5) for each in addresses], 100)
        finally:
            await device.aclose()

    lost, stranger, heat = asyncio.run(asyncio.wait_for(main(), 60))
    assert (lost.status, lost.reason) == (0x806F0000, "BadNoMatch")
    assert "no namespace urn:nobody" in stranger.reason
    assert heat.status == 0
