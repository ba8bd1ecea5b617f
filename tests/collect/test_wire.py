"""Nothing but reading reaches the wire: every request of whole runs is taken off it and decoded."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary

from factory_kit.collect.run import collect
from factory_kit.drivers.opcua.client import SERVICES
from factory_kit.testing import FaultProxy

pytestmark = pytest.mark.wire

HEADER, SECURE = 8, 16
"""Bytes of a message header, and of channel, token, sequence number and request id behind it, without security."""
NAMES = {
    getattr(ua.ObjectIds, name): name.removesuffix("_Encoding_DefaultBinary")
    for name in dir(ua.ObjectIds)
    if name.endswith("Request_Encoding_DefaultBinary")
}


@dataclass
class Sniffer:
    """Puts chunks together and decodes the requests in them."""

    requests: list[Any] = field(default_factory=list)
    _buffers: dict[int, bytes] = field(default_factory=lambda: defaultdict(bytes))
    _bodies: dict[int, bytes] = field(default_factory=lambda: defaultdict(bytes))

    def __call__(self, connection: int, piece: bytes) -> None:
        data = self._buffers[connection] + piece
        while len(data) >= HEADER and len(data) >= (size := int.from_bytes(data[4:8], "little")):
            self._chunk(connection, data[:size])
            data = data[size:]
        self._buffers[connection] = data

    def _chunk(self, connection: int, chunk: bytes) -> None:
        if chunk[:3] != b"MSG":
            assert chunk[:3] in {b"HEL", b"OPN", b"CLO"}
            return
        self._bodies[connection] += chunk[HEADER + SECURE :]
        if chunk[3:4] == b"F":
            body = Buffer(self._bodies.pop(connection))
            name = NAMES[nodeid_from_binary(body.copy()).Identifier]
            self.requests.append(struct_from_binary(getattr(ua, name), body))
            assert len(body) == 0, f"{name}: bytes behind it"

    @property
    def services(self) -> Counter[str]:
        return Counter(type(each).__name__.removesuffix("Request") for each in self.requests)


def test_every_request_of_whole_runs_only_reads(
    make_site: Any, make_connector: Any, store: Any, now: Any, node_plant: Any, watcher: Any
) -> None:
    """Subscribing, polling, a break, Transfer and Republish, history of a hole and of a past: all on the list, all decoded."""
    node = node_plant(points=4, period_ms=100, history=5000)
    rows = [{"name": f"v{n}", "address": f"ns=?;s=v{n}", "type": "float64"} for n in range(4)]
    rows[1] |= {"reading": "poll"}
    rows[2] |= {"deadband": "0.5"}
    rows[3] |= {"queue": 5, "priority": "high"}
    lathe = {"opcua": make_connector("opcua", *rows, namespace="urn:test:plant")}
    sniffer = Sniffer()
    with FaultProxy("127.0.0.1", node.port, sniffer) as line:
        server = {"driver": "opcua", "url": f"opc.tcp://127.0.0.1:{line.port}", "security": "None"}
        site = make_site(
            {"ua": {**server, "publishing_ms": 200, "sampling_ms": 100}},
            [{"id": "m", "connector": "opcua", "server": "ua"}],
        )

        async def main() -> None:
            stop = asyncio.Event()
            running = asyncio.create_task(collect(site, lathe, store, now=now, stop=stop, observer=watcher))
            await asyncio.sleep(2)
            await asyncio.to_thread(line.cut)
            await asyncio.sleep(1.5)
            await asyncio.to_thread(line.heal)
            for _each in range(100):
                await asyncio.sleep(0.2)
                if sniffer.services["HistoryRead"] >= 2:
                    break
            stop.set()
            await running
            end = now()
            await collect(site, lathe, store, now=now, past=(end - 3_000_000, end), observer=watcher)

        asyncio.run(asyncio.wait_for(main(), 60))

    expected = {
        "CreateSession", "ActivateSession", "CloseSession", "Read", "CreateSubscription", "CreateMonitoredItems", "Publish",
        "TransferSubscriptions", "Republish", "HistoryRead",
    }  # fmt: skip
    assert expected <= set(sniffer.services) <= SERVICES
    check_harmless(sniffer.requests)
    check_wishes(sniffer.requests)


def check_harmless(requests: list[Any]) -> None:
    """Only values are read, and of histories only what was recorded."""
    for request in requests:
        if isinstance(request, ua.ReadRequest):
            assert {each.AttributeId for each in request.Parameters.NodesToRead} == {ua.AttributeIds.Value}
        if isinstance(request, ua.HistoryReadRequest):
            assert isinstance(request.Parameters.HistoryReadDetails, ua.ReadRawModifiedDetails)
            assert not request.Parameters.HistoryReadDetails.IsReadModified


def check_wishes(requests: list[Any]) -> None:
    """What the connector says of sampling, queue, deadband and priority is what the server is asked for."""
    wanted = {
        each.RequestedParameters.ClientHandle: each.RequestedParameters
        for request in requests
        if isinstance(request, ua.CreateMonitoredItemsRequest)
        for each in request.Parameters.ItemsToCreate
    }
    assert set(wanted) == {0, 2, 3}
    assert (wanted[2].Filter.DeadbandType, wanted[2].Filter.DeadbandValue) == (1, 0.5)
    assert wanted[0].Filter.Trigger == ua.DataChangeTrigger.StatusValueTimestamp
    assert [wanted[place].QueueSize for place in (0, 2, 3)] == [300, 300, 5]
    priorities = [each.Parameters.Priority for each in requests if isinstance(each, ua.CreateSubscriptionRequest)]
    assert priorities == [100, 0]
