"""The simulated plant in its own process, read with the clients of asyncua and pymodbus."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC
from typing import Any

import pytest
from asyncua import Client, ua
from pymodbus.client import AsyncModbusTcpClient, ModbusTcpClient
from pymodbus.exceptions import ModbusIOException

from factory_kit.errors import DeviceUnavailable
from factory_kit.testing import Change, SimulatedPlant
from factory_kit.testing.modbus_server import COMPRESSOR_REGISTERS, METER_REGISTERS, UNITS, registers
from factory_kit.testing.opcua_server import NAMESPACE, NODE_NAMES
from factory_kit.testing.plantmodel import BAD_NO_COMMUNICATION
from factory_kit.testing.shifts import DEFAULT_START, HOUR, MINUTE, SECOND, microseconds

pytestmark = pytest.mark.wire

QUICK = 14_400
"""Four plant hours in a second: the first 17 hours, with every planted fault, take five."""
END = DEFAULT_START + 17 * HOUR


@pytest.fixture(scope="module", name="plant")
def _plant() -> Iterator[SimulatedPlant]:
    with SimulatedPlant(speed=60) as plant:
        yield plant


def _of(moment: Any) -> int:
    return microseconds(moment.replace(tzinfo=UTC))


def _time_of(words: list[int]) -> int:
    (moment,) = struct.unpack(">Q", struct.pack(">4H", *words[:4]))
    return int(moment)


def _refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _eventually(condition: Any, seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@contextlib.asynccontextmanager
async def _opcua(plant: SimulatedPlant) -> AsyncIterator[tuple[Client, int]]:
    async with Client(plant.opcua_url) as client:
        yield client, await client.get_namespace_index(NAMESPACE)


class Watch:
    """Everything one subscription to all points of all machines reports."""

    def __init__(self, plant: SimulatedPlant) -> None:
        self.received: list[Change] = []
        points = ((equipment, point) for equipment in plant.model.machines for point in NODE_NAMES)
        self.items = dict(enumerate(points, start=1))
        self._bases = {equipment: machine.spec.node for equipment, machine in plant.model.machines.items()}

    async def begin(self, client: Client, index: int) -> None:
        parameters = ua.CreateSubscriptionParameters()
        parameters.RequestedPublishingInterval = 100
        parameters.RequestedLifetimeCount = 10_000
        parameters.RequestedMaxKeepAliveCount = 100
        subscription = await client.uaclient.session.create_subscription(parameters, self._take)
        requests = ua.CreateMonitoredItemsParameters()
        requests.SubscriptionId = subscription.SubscriptionId
        requests.TimestampsToReturn = ua.TimestampsToReturn.Both
        requests.ItemsToCreate = [self._item(handle, index) for handle in self.items]
        results = await client.uaclient.session.create_monitored_items(requests)
        assert all(result.StatusCode.is_good() for result in results)

    def _item(self, handle: int, index: int) -> ua.MonitoredItemCreateRequest:
        equipment, point = self.items[handle]
        item = ua.MonitoredItemCreateRequest()
        item.ItemToMonitor.NodeId = ua.NodeId(f"{self._bases[equipment]}.{NODE_NAMES[point]}", index)
        item.ItemToMonitor.AttributeId = ua.AttributeIds.Value
        item.MonitoringMode = ua.MonitoringMode.Reporting
        item.RequestedParameters.ClientHandle = handle
        item.RequestedParameters.QueueSize = 1000
        return item

    def _take(self, result: Any) -> None:
        for notification in result.NotificationMessage.NotificationData or ():
            for item in notification.MonitoredItems:
                moment = _of(item.Value.SourceTimestamp)
                self.received.append(
                    Change(moment, *self.items[item.ClientHandle], item.Value.Value.Value, item.Value.StatusCode.value)
                )


async def _watched_to_the_end(plant: SimulatedPlant) -> list[Change]:
    """All changes from the first report until plant time stands still."""
    async with _opcua(plant) as (client, index):
        watch = Watch(plant)
        await watch.begin(client, index)
        clock = client.get_node(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        while _of(await clock.read_value()) < plant.until:  # noqa: ASYNC110 - the other process has no event of ours
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)
        return watch.received


@pytest.fixture(scope="module", name="watched")
def _watched() -> tuple[SimulatedPlant, list[Change]]:
    """A plant that ran through its first 17 hours, and all that one subscriber received of it."""
    with SimulatedPlant(speed=QUICK, until=END) as plant:
        return plant, asyncio.run(_watched_to_the_end(plant))


def test_a_subscriber_receives_every_change_at_its_exact_time(watched: tuple[SimulatedPlant, list[Change]]) -> None:
    """17 plant hours at speed 14400: what arrives is what the pure model says, nothing more, nothing less, in order."""
    plant, received = watched
    points = len(plant.model.machines) * len(NODE_NAMES)
    first, later = received[:points], received[points:]
    begun = max(change.time for change in first)
    for change in first:
        assert plant.model.shown(change.equipment, change.point, change.time)[3:] == change[3:]
    expected = [change for change in plant.model.changes(plant.start, END) if change.time > begun]
    assert len(later) > 20_000
    assert sorted(later, key=repr) == sorted(expected, key=repr)
    for point in (("cnc-01", "total_count"), ("cnc-03", "state"), ("cnc-06", "motor_temperature")):
        times = [change.time for change in later if change[1:3] == point]
        assert times == sorted(times)


def test_planted_faults_are_seen_over_opcua(watched: tuple[SimulatedPlant, list[Change]]) -> None:
    """cnc-03 goes bad and comes back, cnc-05 counts from 0 again, cnc-06 reports no motor temperature for six hours."""
    plant, received = watched
    silence, stuck, reset = plant.planted_faults[1], plant.planted_faults[2], plant.planted_faults[3]
    bad = [change for change in received if change.status]
    assert {(change.equipment, change.point) for change in bad} == {("cnc-03", point) for point in NODE_NAMES}
    assert {(change.value, change.status, change.time) for change in bad} == {
        (None, BAD_NO_COMMUNICATION, silence.start)
    }
    back = [change.point for change in received if change.equipment == "cnc-03" and change.time == silence.end]
    assert sorted(back) == sorted(NODE_NAMES)
    counts = [change for change in received if change[1:3] == ("cnc-05", "total_count")]
    assert [change.time for change in counts if change.value == 0] == [reset.start]
    motor = [change.time for change in received if change[1:3] == ("cnc-06", "motor_temperature")]
    assert not [moment for moment in motor if stuck.start < moment < stuck.end]
    assert min(motor) < stuck.start < stuck.end <= max(motor)


def test_the_opcua_server_says_that_it_is_simulated(plant: SimulatedPlant) -> None:
    """BuildInfo and the endpoint carry the product URI; the namespace is our own."""

    async def identity() -> tuple[Any, list[Any], list[str]]:
        async with _opcua(plant) as (client, _):
            build = await client.get_node(ua.ObjectIds.Server_ServerStatus_BuildInfo).read_value()
            return build, await client.get_endpoints(), await client.get_namespace_array()

    build, endpoints, namespaces = asyncio.run(identity())
    assert (build.ProductUri, build.ManufacturerName, build.ProductName) == (
        "urn:factory-kit:simulator",
        "Factory Kit",
        "Simulated plant",
    )
    assert [endpoint.Server.ProductUri for endpoint in endpoints] == ["urn:factory-kit:simulator"]
    assert NAMESPACE in namespaces


def test_machines_are_found_by_browsing(plant: SimulatedPlant) -> None:
    """Objects/Plant holds CNC01 to CNC08, each with its seven variables."""

    async def browse() -> dict[str, list[str]]:
        async with _opcua(plant) as (client, index):
            found = {}
            for machine in await client.get_node(ua.NodeId("Plant", index)).get_children():
                children = await machine.get_children()
                found[(await machine.read_browse_name()).Name] = [
                    (await child.read_browse_name()).Name for child in children
                ]
            return found

    assert asyncio.run(browse()) == {f"CNC0{number}": list(NODE_NAMES.values()) for number in range(1, 9)}


def test_nothing_can_be_written_over_opcua(plant: SimulatedPlant) -> None:
    """Variables refuse writing, whoever asks."""

    async def write() -> None:
        async with _opcua(plant) as (client, index):
            await client.get_node(ua.NodeId("CNC01.State", index)).write_value(4, ua.VariantType.Int32)

    with pytest.raises(ua.UaStatusCodeError):
        asyncio.run(write())


def test_the_modbus_server_says_that_it_is_simulated(plant: SimulatedPlant) -> None:
    """Device identification (43/14) names vendor and product."""
    with ModbusTcpClient(plant.modbus_host, port=plant.modbus_port) as client:
        found = client.read_device_information(read_code=2, object_id=0, device_id=1).information
    assert found[0] == b"Factory Kit"
    assert found[4] == b"Simulated plant"


@pytest.mark.parametrize("unit", UNITS)
def test_a_modbus_answer_is_the_model_at_the_time_it_carries(plant: SimulatedPlant, unit: int) -> None:
    """One request brings plant time and all values of that very moment, by holding as by input registers."""
    fields, first = (COMPRESSOR_REGISTERS, 100) if unit == 5 else (METER_REGISTERS, 0)
    count = 10 if unit == 5 else 24
    with ModbusTcpClient(plant.modbus_host, port=plant.modbus_port) as client:
        for read in (client.read_holding_registers, client.read_input_registers):
            words = read(first, count=count, device_id=unit).registers
            moment = _time_of(words)
            assert moment > plant.start
            assert words == registers(fields, {**plant.model.reading(UNITS[unit], moment), "time": moment})


def test_nothing_can_be_written_over_modbus(plant: SimulatedPlant) -> None:
    """Writing functions get an exception, and addresses outside the block are illegal."""
    with ModbusTcpClient(plant.modbus_host, port=plant.modbus_port) as client:
        assert client.write_register(16, 1, device_id=1).exception_code == 1
        assert client.write_registers(16, [1, 2], device_id=1).exception_code == 1
        assert client.read_holding_registers(23, count=2, device_id=1).exception_code == 2


def test_a_unit_that_does_not_exist_stays_silent(plant: SimulatedPlant) -> None:
    """As behind a gateway: no answer, and the next unit is not hurt."""
    with ModbusTcpClient(plant.modbus_host, port=plant.modbus_port, timeout=0.2, retries=0) as client:
        with pytest.raises(ModbusIOException):
            client.read_holding_registers(0, count=1, device_id=17)
        assert len(client.read_holding_registers(0, count=24, device_id=4).registers) == 24


def test_plant_time_runs_at_the_asked_speed(plant: SimulatedPlant) -> None:
    """Between two answers as much plant time passes as 60 times the computer's time allows."""
    with ModbusTcpClient(plant.modbus_host, port=plant.modbus_port) as client:

        def ask() -> tuple[float, int, float]:
            before = time.monotonic()
            moment = _time_of(client.read_holding_registers(0, count=4, device_id=1).registers)
            return before, moment, time.monotonic()

        first, _, second = ask(), time.sleep(0.5), ask()
    passed = (second[1] - first[1]) / SECOND
    assert (second[0] - first[2]) * plant.speed - 0.01 <= passed <= (second[2] - first[0]) * plant.speed + 0.01


def test_the_compressor_falls_silent_and_comes_back() -> None:
    """Two plant hours without an answer, as listed; the meters go on answering on the same connection."""

    async def listen(plant: SimulatedPlant) -> tuple[list[int], list[int]]:
        client = AsyncModbusTcpClient(plant.modbus_host, port=plant.modbus_port, timeout=0.1, retries=0)
        await client.connect()
        answered, missed = [], []
        moment = plant.start
        while moment < plant.until:
            moment = _time_of((await client.read_holding_registers(0, count=4, device_id=1)).registers)
            try:
                answered.append(_time_of((await client.read_input_registers(100, count=10, device_id=5)).registers))
            except ModbusIOException:
                missed.append(moment)
            await asyncio.sleep(0.02)
        client.close()
        return answered, missed

    silent = DEFAULT_START + 14 * HOUR + 30 * MINUTE
    with SimulatedPlant(speed=QUICK, start=silent - HOUR, until=silent + 3 * HOUR, faults=False) as plant:
        assert asyncio.run(listen(plant))[1] == []
    with SimulatedPlant(speed=4 * QUICK, until=DEFAULT_START + 17 * HOUR) as plant:
        answered, missed = asyncio.run(listen(plant))
    fault = plant.planted_faults[4]
    assert not [moment for moment in answered if fault.holds(moment)]
    assert missed
    assert all(fault.start - HOUR < moment < fault.end for moment in missed)
    assert min(answered) < fault.start < fault.end < max(answered)


def test_the_process_is_gone_after_the_context() -> None:
    """It ends by itself, with clients still connected, and both ports are free again."""
    with SimulatedPlant(speed=3600) as plant:
        process = plant._process
        assert plant.pid == process.pid
        port = int(plant.opcua_url.split(":")[2].split("/")[0])
        clients = [socket.create_connection(("127.0.0.1", each), timeout=5) for each in (port, plant.modbus_port)]
    assert process.returncode == 0
    assert plant.pid is None
    assert _refuses(port)
    assert _refuses(plant.modbus_port)
    for client in clients:
        client.close()


def test_closing_twice_does_nothing() -> None:
    """A plant that was closed inside its context stays closed."""
    with SimulatedPlant() as plant:
        plant.close()
        plant.close()
        assert plant.pid is None


def test_a_taken_port_is_said_in_one_line() -> None:
    """The process does not come up, and the error names the reason."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(DeviceUnavailable, match="check that the ports are free") as refused,
    ):
        SimulatedPlant(opcua_port=taken.getsockname()[1]).__enter__()
    assert "\n" not in str(refused.value)
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(DeviceUnavailable, match="check that the ports are free"),
    ):
        SimulatedPlant(modbus_port=taken.getsockname()[1]).__enter__()


def _by_hand(*options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "factory_kit.testing.plant", *options]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise on Windows")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_plant_started_by_hand_ends_quietly_when_interrupted(sent: signal.Signals) -> None:
    """Exit code 0, one line of JSON on stdout, nothing on stderr."""
    process = _by_hand("--speed", "3600", "--no-faults", "--start", "2026-09-01T08:00")
    line = process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(sent)
    rest, errors = process.communicate(timeout=15)
    ready = json.loads(line)
    assert ready["planted_faults"] == []
    assert ready["start"] == microseconds("2026-09-01T08:00:00+08:00")
    assert (process.returncode, rest, errors) == (0, b"", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL does not exist on Windows")
def test_the_plant_does_not_outlive_a_killed_parent() -> None:
    """Killing whoever started it at once ends the plant too."""
    program = (
        "import time\nfrom factory_kit.testing import SimulatedPlant\n"
        "plant = SimulatedPlant().__enter__()\nprint(plant.modbus_port, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    port = int(parent.stdout.readline())
    assert not _refuses(port)
    os.kill(parent.pid, signal.SIGKILL)
    parent.communicate()
    assert _eventually(lambda: _refuses(port))


def test_plant_time_waits_for_whoever_subscribes() -> None:
    """With ``wait`` the plant stands at its start, for reading clients too, until somebody subscribes; then its time runs."""
    with SimulatedPlant(speed=QUICK, wait=True) as plant:
        before, after = asyncio.run(_before_and_after_subscribing(plant.opcua_url))

    assert before == {DEFAULT_START}
    assert after > DEFAULT_START


async def _before_and_after_subscribing(url: str) -> tuple[set[int], int]:
    """The plant times that a reader sees before anybody subscribes, and one behind it."""
    async with Client(url) as client:
        clock = client.get_node(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        before = {_of(await clock.read_value()) for _ in range(5)}
        subscription = await client.create_subscription(100, _Nothing())
        await subscription.subscribe_data_change(clock)
        for _ in range(1200):
            if _of(await clock.read_value()) > DEFAULT_START:
                break
            await asyncio.sleep(0.05)
        return before, _of(await clock.read_value())


class _Nothing:
    """A subscriber that looks at nothing."""

    def datachange_notification(self, *_: object) -> None:
        """A value changed."""
