"""The connectors of companion specifications read instances that node-opcua makes of the specifications' own NodeSets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import time_ns
from typing import Any

import pytest

from factory_kit.drivers.address import node_address
from factory_kit.drivers.base import Context, Monitored, NodeItem
from factory_kit.drivers.opcua.reader import OpcUaDevice
from factory_kit.load.connector import connector_folder
from factory_kit.model.site import OpcUaServer

CONNECTORS = Path(__file__).resolve().parents[3] / "connectors"
OWN = "nsu=urn:127.0.0.1:peer"


@pytest.mark.wire
@pytest.mark.system
@pytest.mark.parametrize(("name", "machine"), [("opc-machine-tool", "Mill1"), ("opc-packml", "Packer")])
def test_every_point_of_the_connector_is_found_on_an_instance(machines: Any, name: str, machine: str) -> None:
    """Each browse path of the connector leads to a variable of the instance, whatever node ids its server gave."""
    connector = connector_folder(CONNECTORS / name)
    items = [
        NodeItem(str(node_address(point.address, f"{OWN};s={machine}", connector.namespace)), 100.0, 5)
        for point in connector.points
    ]

    async def main() -> list[Monitored]:
        server = OpcUaServer(driver="opcua", url=machines.url, security="None")
        device = OpcUaDevice("x", server, Context(lambda: time_ns() // 1000))
        try:
            await device.connect()
            return await device.subscribe(items, 100)
        finally:
            await device.aclose()

    monitored = asyncio.run(asyncio.wait_for(main(), 60))
    assert {
        point.name: each.reason for point, each in zip(connector.points, monitored, strict=True) if each.status
    } == {}
