"""Every variable of a foreign server, read by our decoder and by asyncua's from the same bytes."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from factory_kit.drivers.opcua.answers import read_answer
from factory_kit.drivers.opcua.values import columns
from factory_kit.model.sample import SampleBatch

pytestmark = [pytest.mark.wire, pytest.mark.system]
RECEIVED = 1_790_000_000_000_000
LEAST = 600
"""Variables besides those of the standard's own namespace that node-opcua's sample server has."""


@pytest.fixture
def sample_server(node_package: Callable[[str, str], Path], tmp_path: Path) -> Iterator[str]:
    """node-opcua's own sample server, with arrays and scalars of every built-in type; its address."""
    modules = node_package("node-opcua-samples", "2.14.0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = modules / "node-opcua-samples" / "bin" / "simple_server.js"
    environment = {**os.environ, "HOME": str(tmp_path), "NODE_PATH": str(modules)}
    process = subprocess.Popen(
        ["node", str(script), "--port", str(port), "--silent"],
        env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _listening(process, port)
        yield f"opc.tcp://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _listening(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(1200):
        assert process.poll() is None, "the sample server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the sample server does not listen")


async def _variables(client: Client) -> list[ua.NodeId]:
    """All variables that are not the standard's own."""
    found: dict[ua.NodeId, None] = {}
    seen, pending = set(), [client.nodes.root.nodeid]
    while pending:
        node = pending.pop()
        if node in seen:
            continue
        seen.add(node)
        for each in await client.get_node(node).get_references(
            ua.ObjectIds.HierarchicalReferences, ua.BrowseDirection.Forward
        ):
            if each.NodeClass == ua.NodeClass.Variable and each.NodeId.NamespaceIndex:
                found[each.NodeId] = None
            if each.NodeClass in {ua.NodeClass.Object, ua.NodeClass.Variable}:
                pending.append(each.NodeId)
    return list(found)


async def _bytes(client: Client, nodes: list[ua.NodeId]) -> bytes:
    """The answer to one Read of the values of *nodes*, as it came."""
    request = ua.ReadRequest()
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
    request.Parameters.NodesToRead = [ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value) for node in nodes]
    return bytes(await client.uaclient.session._send_request(request))


def theirs(body: bytes) -> list[SampleBatch | None]:
    """What asyncua's decoder makes of each value; None for all where it cannot read the answer."""
    try:
        response = struct_from_binary(ua.ReadResponse, Buffer(body))
    except Exception:  # noqa: BLE001 - whatever stops it
        return []
    return [columns([SimpleNamespace(ClientHandle=0, Value=value)], RECEIVED) for value in response.Results]


async def _compare(address: str) -> tuple[int, int, list[str]]:
    """How many variables both read the same, how many only we could read, and the names of those that differ."""
    same = alone = 0
    different = []
    async with Client(address, timeout=30) as client:
        for node in await _variables(client):
            body = await _bytes(client, [node])
            ours, count = read_answer(Buffer(body), [0], RECEIVED)
            assert count == 1
            expected = theirs(body)
            if not expected:
                alone += 1
            elif _equal(ours, expected[0]):
                same += 1
            else:
                different.append(str(node))
    return same, alone, different


def _equal(one: SampleBatch, other: Any) -> bool:
    """All but the server's time, which asyncua 2.1 misreads wherever picoseconds of the source stand before it."""
    try:
        for name in ("point", "time", "value", "quality", "has_value", "status"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    except AssertionError:
        return False
    return (one.text or [None]) == (other.text or [None])


def test_every_variable_of_a_foreign_server_is_read_as_asyncua_reads_it(sample_server: str) -> None:
    """All variables of node-opcua's sample server: scalars and arrays of every built-in type, structures, bad and uncertain ones."""
    same, alone, different = asyncio.run(asyncio.wait_for(_compare(sample_server), 200))

    assert different == []
    assert same + alone >= LEAST
    assert same > 0.9 * (same + alone)
