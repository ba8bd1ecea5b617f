"""A recording of our own making, replayed over real sockets and read with the clients of asyncua and pymodbus."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import socket
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import Client, ua
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest

from factory_kit.errors import DeviceUnavailable, UsageError
from factory_kit.testing.replay import Replay, Stage, serve
from factory_kit.testing.replay_opcua import NAMESPACE, node_name
from factory_kit.testing.replay_recording import Recording, map_for, recording

pytestmark = pytest.mark.wire

ROWS = 200
FIRST = datetime(2026, 3, 9, 2, 14, 33, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
STEP = timedelta(seconds=1, microseconds=1003)
"""Times to the microsecond, so that a rounded one is seen."""
BAD = 0x80000000
Seen = dict[str, list[tuple[int, Any, int]]]
"""By point: time in µs, value, status, in the order in which they came."""


def test_every_row_arrives_over_opcua_once_and_in_order(subscribed: dict[ua.DataChangeTrigger, Seen]) -> None:
    """A subscriber that asks for StatusValueTimestamp gets repeated values, bad ones and texts, each at its own time."""
    seen = subscribed[ua.DataChangeTrigger.StatusValueTimestamp]

    assert {point: len(samples) for point, samples in seen.items()} == {"steady": ROWS, "noisy": ROWS, "note": 67}
    assert seen["steady"] == [(_time(row), float(row // 50), 0) for row in range(ROWS)]
    assert seen["noisy"] == [
        (_time(row), None, BAD) if row % 10 == 3 else (_time(row), _noise(row), 0) for row in range(ROWS)
    ]
    assert seen["note"] == [(_time(row), f"第 {row} 行", 0) for row in range(0, ROWS, 3)]


def test_the_default_trigger_drops_repeated_values(subscribed: dict[ua.DataChangeTrigger, Seen]) -> None:
    """Why a client must ask for StatusValueTimestamp: otherwise only the four different values of 200 arrive."""
    seen = subscribed[ua.DataChangeTrigger.StatusValue]

    assert [value for _time, value, _status in seen["steady"]] == [0.0, 1.0, 2.0, 3.0]


def test_every_row_arrives_over_modbus(recorded: Recording) -> None:
    """Where each row stays until it was read: every row number with its time and its values as float32, NaN for a bad one."""
    seen = asyncio.run(_polled(recorded, speed=1000, hold=True))

    assert list(seen) == list(range(1, ROWS + 1))
    for number, (time, steady, noisy) in seen.items():
        row = number - 1
        assert (time, steady) == (_time(row), float(row // 50))
        assert math.isnan(noisy) if row % 10 == 3 else noisy == np.float32(_noise(row))


def test_a_poller_that_is_too_slow_sees_that_rows_are_missing(recorded: Recording) -> None:
    """The row numbers jump: what was missed can be counted, and what was read is right."""
    seen = asyncio.run(_polled(recorded, speed=100, pause=0.05))

    numbers = list(seen)
    assert numbers[0] == 1
    assert numbers[-1] == ROWS
    assert 1 < len(numbers) < ROWS / 2
    assert all(time == _time(number - 1) for number, (time, _steady, _noisy) in seen.items())


def test_no_answer_mixes_two_rows(recorded: Recording) -> None:
    """Whatever moment a request comes at, row number, time and values belong together; a part of a block is of one row too."""

    async def watched() -> list[tuple[list[int], list[int]]]:
        async with _playing(recorded, speed=1000) as (replay, playing), _modbus(replay) as client:
            found = []
            while not playing.done():
                whole = await client.read_holding_registers(0, count=10, device_id=1)
                part = await client.read_holding_registers(2, count=8, device_id=1)
                found.append((whole.registers, part.registers))
            return found

    for whole, part in asyncio.run(watched()):
        number, time, steady, _noisy = struct.unpack(">IQff", struct.pack(">10H", *whole))
        assert (time, steady) == (_time(number - 1), (number - 1) // 50)
        later, level, _noisy = struct.unpack(">Qff", struct.pack(">8H", *part))
        assert level == (later - _time(0)) // (STEP // MICROSECOND) // 50


def test_both_servers_say_that_they_replay(recorded: Recording) -> None:
    """ProductUri over OPC UA, function 43/14 over Modbus: a collector stamps the origin ``replayed``."""

    async def said() -> tuple[Any, dict[int, bytes]]:
        async with Replay(recorded, lambda: 0) as replay, _modbus(replay) as client, Client(replay.opcua.url) as reader:
            information = await client.execute(False, ReadDeviceInformationRequest(2, 0, dev_id=1))
            build = await reader.get_node(ua.ObjectIds.Server_ServerStatus_BuildInfo).read_value()
            return build, information.information

    build, information = asyncio.run(said())
    assert build.ProductUri == "urn:factory-kit:replay"
    assert (information[0], information[4]) == (b"Factory Kit", b"Replay")


def test_nothing_can_be_written(recorded: Recording) -> None:
    """Neither a register nor a node takes a value from a client."""

    async def tried() -> tuple[bool, str]:
        async with Replay(recorded, lambda: 0) as replay, _modbus(replay) as client, Client(replay.opcua.url) as reader:
            answer = await client.write_register(6, 1, device_id=1)
            index = await reader.get_namespace_index(NAMESPACE)
            try:
                await reader.get_node(ua.NodeId(node_name("pump", "steady"), index)).write_value(9.0)
            except ua.UaStatusCodeError as error:
                return answer.isError(), type(error).__name__
            return answer.isError(), "written"

    assert asyncio.run(tried()) == (True, "BadUserAccessDenied")


def test_a_row_is_not_held_for_a_reader_that_is_gone(recorded: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some patience the rows go on by the clock alone, so that the replay ends."""
    monkeypatch.setattr("factory_kit.testing.replay.HELD_S", 0.1)

    async def played() -> int:
        async with Replay(recorded, lambda: 0, opcua=None, speed=1000, hold=True) as replay:
            async with _modbus(replay) as client:
                await client.read_holding_registers(0, count=10, device_id=1)
            await asyncio.wait_for(replay.play(), 20)
            return replay.row

    assert asyncio.run(played()) == ROWS - 1


def test_the_rows_wait_for_a_client_on_each_protocol(recorded: Recording) -> None:
    """One reader over Modbus is not enough; when a subscriber has come too, and nobody more, the rows begin to move."""
    stages: list[Stage] = []

    async def told() -> tuple[list[Stage], int]:
        replay = Replay(recorded, lambda: 0, speed=1000)
        serving = asyncio.create_task(serve(replay, stages.append, linger_s=0.0))
        while not stages:  # noqa: ASYNC110 - there is nothing to wait for but the list
            await asyncio.sleep(0.01)
        async with _modbus(replay) as client:
            await client.read_holding_registers(0, count=2, device_id=1)
            await asyncio.sleep(1.5)
            waiting = list(stages), replay.row
            async with Client(replay.opcua.url) as reader:
                await _watch(reader, ua.DataChangeTrigger.StatusValueTimestamp, {})
                await serving
        return waiting

    assert asyncio.run(told()) == (["ready"], 0)
    assert stages == ["ready", "begun", "served"]


def test_a_port_that_is_taken_is_one_line(recorded: Recording) -> None:
    """The line names the port and what to do."""

    async def refused(port: int) -> None:
        async with Replay(recorded, lambda: 0, opcua=None, modbus=port):
            pass

    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(
            DeviceUnavailable, match=r"^127\.0\.0\.1:\d+: the port cannot be used \(.+\); choose another, or 0"
        ),
    ):
        asyncio.run(refused(taken.getsockname()[1]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"opcua": None, "modbus": None}, "give --opcua PORT, --modbus PORT or both"),
        ({"speed": 0.0}, "the speed is 0.0 rows a second, expected more than 0 and at most 1000.0"),
    ],
)
def test_what_cannot_be_replayed_is_one_line(recorded: Recording, options: dict[str, Any], said: str) -> None:
    """Wrong options are refused before anything listens."""
    with pytest.raises(UsageError) as caught:
        Replay(recorded, lambda: 0, **options)

    assert str(caught.value) == said


def test_texts_alone_are_nothing_for_modbus(tmp_path: Path) -> None:
    """Without a column of numbers the line says which option to leave out; OPC UA serves the texts."""
    file = tmp_path / "notes.csv"
    file.write_text("时间;备注\n2026-03-09 10:14:33;开机\n", encoding="utf-8")
    texts = recording(file, map_for(file, None, "Asia/Shanghai", "pump")[0])

    with pytest.raises(UsageError, match=r"^notes\.csv: has no column of numbers, .* leave --modbus out$"):
        Replay(texts, lambda: 0)
    assert Replay(texts, lambda: 0, modbus=None).servers


@pytest.fixture(scope="module", name="recorded")
def _recorded(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """200 rows: a value that repeats 50 times, one that is bad in every tenth row, and a text in every third."""
    file = tmp_path_factory.mktemp("recording") / "pump.csv"
    lines = ["datetime;steady;noisy;note"]
    for row in range(ROWS):
        moment = (FIRST + row * STEP).strftime("%Y-%m-%d %H:%M:%S.%f")
        noisy = "NaN" if row % 10 == 3 else repr(_noise(row))
        lines.append(f"{moment};{row // 50};{noisy};{'' if row % 3 else f'第 {row} 行'}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return recording(file, map_for(file, None, "UTC", "pump")[0])


def _noise(row: int) -> float:
    return random.Random(row).gauss(20.0, 3.0)  # noqa: S311 - a seeded recording


def _time(row: int) -> int:
    return (FIRST + row * STEP - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


@contextlib.asynccontextmanager
async def _playing(recorded: Recording, speed: float) -> AsyncIterator[tuple[Replay, asyncio.Task[None]]]:
    async with Replay(recorded, lambda: 0, opcua=None, speed=speed) as replay:
        playing = asyncio.create_task(replay.play())
        try:
            yield replay, playing
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)


@contextlib.asynccontextmanager
async def _modbus(replay: Replay) -> AsyncIterator[AsyncModbusTcpClient]:
    assert replay.modbus is not None
    client = AsyncModbusTcpClient("127.0.0.1", port=replay.modbus.port)
    await client.connect()
    try:
        yield client
    finally:
        client.close()


async def _polled(
    recorded: Recording, *, speed: float, hold: bool = False, pause: float = 0.0
) -> dict[int, tuple[int, float, float]]:
    """Time and values by row number, of all that a poller saw that rests *pause* seconds between two readings."""
    seen: dict[int, tuple[int, float, float]] = {}
    async with Replay(recorded, lambda: 0, opcua=None, speed=speed, hold=hold) as replay, _modbus(replay) as client:
        ending = asyncio.Event()

        async def poll() -> None:
            while not ending.is_set():
                answer = await client.read_holding_registers(0, count=10, device_id=1)
                number, *rest = struct.unpack(">IQff", struct.pack(">10H", *answer.registers))
                seen[number] = tuple(rest)
                await asyncio.sleep(pause)

        polling = asyncio.create_task(poll())
        await replay.clients()
        await replay.play()
        await asyncio.sleep(2 * pause)
        ending.set()
        await polling
    return seen


@pytest.fixture(scope="module", name="subscribed")
def _subscribed(recorded: Recording) -> dict[ua.DataChangeTrigger, Seen]:
    """All that two subscribers received who came before the first row and stayed to the end, by their triggers."""
    seen: dict[ua.DataChangeTrigger, Seen] = {
        ua.DataChangeTrigger.StatusValueTimestamp: {},
        ua.DataChangeTrigger.StatusValue: {},
    }

    async def main() -> None:
        async with Replay(recorded, lambda: 0, speed=200) as replay, Client(replay.opcua.url) as client:
            for trigger, mine in seen.items():
                await _watch(client, trigger, mine)
            await replay.play()
            await asyncio.sleep(0.5)

    asyncio.run(main())
    return seen


async def _watch(client: Client, trigger: ua.DataChangeTrigger, seen: Seen) -> None:
    """Subscribe to all points with *trigger*; what comes goes to *seen*."""
    index = await client.get_namespace_index(NAMESPACE)
    points = ["steady", "noisy", "note"]

    def take(result: Any) -> None:
        for part in result.NotificationMessage.NotificationData or ():
            for item in part.MonitoredItems:
                data = item.Value
                moment = (data.SourceTimestamp.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND
                seen.setdefault(points[item.ClientHandle], []).append((moment, data.Value.Value, data.StatusCode.value))

    parameters = ua.CreateSubscriptionParameters()
    parameters.RequestedPublishingInterval = 50
    parameters.RequestedLifetimeCount = 10_000
    parameters.RequestedMaxKeepAliveCount = 100
    subscription = await client.uaclient.session.create_subscription(parameters, take)
    requests = ua.CreateMonitoredItemsParameters()
    requests.SubscriptionId = subscription.SubscriptionId
    requests.TimestampsToReturn = ua.TimestampsToReturn.Both
    requests.ItemsToCreate = [
        _item(handle, ua.NodeId(node_name("pump", point), index), trigger) for handle, point in enumerate(points)
    ]
    results = await client.uaclient.session.create_monitored_items(requests)
    assert all(result.StatusCode.is_good() for result in results)


def _item(handle: int, node: ua.NodeId, trigger: ua.DataChangeTrigger) -> ua.MonitoredItemCreateRequest:
    item = ua.MonitoredItemCreateRequest()
    item.ItemToMonitor.NodeId = node
    item.ItemToMonitor.AttributeId = ua.AttributeIds.Value
    item.MonitoringMode = ua.MonitoringMode.Reporting
    item.RequestedParameters.ClientHandle = handle
    item.RequestedParameters.QueueSize = 1000
    item.RequestedParameters.Filter = ua.DataChangeFilter(Trigger=trigger)
    return item
