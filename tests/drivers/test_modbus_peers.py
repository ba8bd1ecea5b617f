"""The driver against devices and a referee that are not ours: libmodbus, mbpoll, pymodbus' simulator, jsmodbus, modbus-serial."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer, ModbusTlsServer, ModbusUdpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from factory_kit.drivers.base import Context, ReadRequest
from factory_kit.drivers.modbus.reader import ModbusDevice
from factory_kit.drivers.status import Status
from factory_kit.errors import DeviceError
from factory_kit.model.site import ModbusServer

pytestmark = pytest.mark.wire

JS_SERIAL = """
const M = require("modbus-serial");
const v = {getHoldingRegister: (a, u) => {if (a >= 1000 && a < 1010) {const e = new Error("x"); e.modbusErrorCode = 2; throw e;} return (a + u) & 0xffff;},
  getInputRegister: a => (2 * a) & 0xffff, getCoil: a => a % 2 == 0, getDiscreteInput: a => a % 3 == 0};
const s = new M.ServerTCP(v, {host: "127.0.0.1", port: 0, unitID: 0});
s.on("initialized", () => console.log(s._server.address().port));
"""
JS_MODBUS = """
const modbus = require("jsmodbus"), net = require("net"), ns = new net.Server(), h = Buffer.alloc(20000);
for (let i = 0; i < 10000; i++) h.writeUInt16BE(i, 2 * i);
const bits = Buffer.alloc(1024, 0x55);
new modbus.server.TCP(ns, {holding: h, input: h, coils: bits, discrete: bits});
ns.listen(0, "127.0.0.1", () => console.log(ns.address().port));
"""


@contextmanager
def _process(*words: object, **options: Any) -> Iterator[str]:
    """A program that says where it listens, and what it said."""
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True, **options) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _device(**server: Any) -> ModbusDevice:
    settings = {"driver": "modbus", "host": "127.0.0.1", "timeout_ms": 5000, **server}
    return ModbusDevice(
        ModbusServer.model_validate(settings), Context(now=lambda: 0, certificates=server.pop("folder", None))
    )


def _run(device: ModbusDevice, test: Callable[[ModbusDevice], Awaitable[None]]) -> None:
    async def main() -> None:
        await device.connect()
        try:
            await test(device)
        finally:
            await device.aclose()

    asyncio.run(asyncio.wait_for(main(), 60))


async def _read(device: ModbusDevice, table: Any, first: int, count: int, unit: int = 1) -> list[int]:
    answer = await device.read(ReadRequest(unit, table, first, count))
    assert answer.words is not None, answer.reason
    found: list[int] = answer.words.tolist()
    return found


async def _numbers(device: ModbusDevice) -> None:
    """Every register of a few blocks holds its own number."""
    for first, count in [(0, 1), (1, 125), (4000, 61), (9990, 10)]:
        assert await _read(device, "holding", first, count) == list(range(first, first + count))


@pytest.mark.system
def test_mbpoll_says_the_same_of_a_libmodbus_device(system_tool: Any, modbus_program: Any) -> None:
    """What we read of four tables is what the referee reads, value by value."""
    mbpoll = system_tool("mbpoll")
    with _process(modbus_program("modbus_server"), "tcp", 0) as port:

        def referee(table: int, first: int, count: int) -> list[int]:
            words = [
                mbpoll,
                "-a",
                "1",
                "-t",
                str(table),
                "-r",
                str(first + 1),
                "-c",
                str(count),
                "-p",
                port,
                "-1",
                "-q",
                "127.0.0.1",
            ]
            said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            return [int(value) & 0xFFFF for value in re.findall(r"^\[\d+\]:\s+(-?\d+)", said, re.MULTILINE)]

        async def test(device: ModbusDevice) -> None:
            for number, table in [(4, "holding"), (3, "input"), (0, "coil"), (1, "discrete")]:
                for first, count in [(0, 10), (30_000, 100), (1234, 7)]:
                    ours = await _read(device, table, first, count)
                    assert ours == await asyncio.to_thread(referee, number, first, count)
                    assert len(ours) == count

        _run(_device(port=int(port)), test)


@pytest.mark.system
def test_a_libmodbus_device_answers_several_connections_at_once(modbus_program: Any) -> None:
    """Four connections, hundreds of requests at once: every answer is that of its own address."""
    with _process(modbus_program("modbus_server"), "tcp", 0) as port:

        async def test(device: ModbusDevice) -> None:
            async def some(start: int) -> None:
                for first in range(start, start + 5000, 125):
                    assert await _read(device, "holding", first, 125) == list(range(first, first + 125))

            await asyncio.gather(*(some(5000 * lane) for lane in range(8)))

        _run(_device(port=int(port), connections=4), test)


@pytest.mark.system
def test_an_illegal_address_of_a_libmodbus_device_is_its_exception(modbus_program: Any) -> None:
    """Exception 2 comes as status 2."""
    with _process(modbus_program("modbus_server"), "tcp", 0) as port:

        async def test(device: ModbusDevice) -> None:
            assert (await device.read(ReadRequest(1, "holding", 59_950, 100))).status == 2
            assert await _read(device, "holding", 59_900, 100) == list(range(59_900, 60_000))

        _run(_device(port=int(port)), test)


@pytest.mark.system
def test_modbus_serial_of_npm_is_read(node_package: Any) -> None:
    """Each unit of modbus-serial answers its addresses plus its number, and its illegal ones with exception 2."""
    modules = node_package("modbus-serial", "8.0.25")
    with _process(
        "node", "-e", JS_SERIAL, env={"NODE_PATH": str(modules), "PATH": "/usr/bin:/bin:/usr/local/bin"}
    ) as port:

        async def test(device: ModbusDevice) -> None:
            for unit in (1, 7):
                assert await _read(device, "holding", 40, 100, unit) == [n + unit for n in range(40, 140)]
            assert await _read(device, "input", 40, 3) == [80, 82, 84]
            assert await _read(device, "coil", 0, 9) == [1, 0, 1, 0, 1, 0, 1, 0, 1]
            assert (await device.read(ReadRequest(1, "holding", 995, 10))).status == 2

        _run(_device(port=int(port)), test)


@pytest.mark.system
def test_jsmodbus_of_npm_is_read(node_package: Any) -> None:
    """Every register of jsmodbus holds its own number."""
    modules = node_package("jsmodbus", "5.0.0")
    with _process(
        "node", "-e", JS_MODBUS, env={"NODE_PATH": str(modules), "PATH": "/usr/bin:/bin:/usr/local/bin"}
    ) as port:
        _run(_device(port=int(port)), _numbers)


def _simulated() -> SimDevice:
    words = SimData(0, values=list(range(10_000)), datatype=DataType.REGISTERS)
    bits = SimData(0, values=[n % 3 == 0 for n in range(1000)], datatype=DataType.BITS)
    return SimDevice(1, simdata=([bits], [bits], [words], [words]))


@contextmanager
def _serving(make: Callable[[], Any]) -> Iterator[None]:
    """A server of pymodbus in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> Any:
        server = make()
        await server.serve_forever(background=True)
        return server

    async def stop(server: Any) -> None:
        await server.shutdown()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("transport", "framer"),
    [("tcp", FramerType.SOCKET), ("rtu-over-tcp", FramerType.RTU), ("ascii-over-tcp", FramerType.ASCII)],
)
def test_the_simulator_of_pymodbus_is_read_in_every_framing(transport: str, framer: FramerType) -> None:
    """Modbus TCP, RTU over TCP and ASCII over TCP give the same numbers."""
    port = _free_port()
    with _serving(lambda: ModbusTcpServer(_simulated(), framer=framer, address=("127.0.0.1", port))):
        _run(_device(port=port, transport=transport), _numbers)


def test_the_simulator_of_pymodbus_is_read_over_udp() -> None:
    """Each datagram is a request; a port without a listener is no connection, told at once or by the time-out."""
    port = _free_port(socket.SOCK_DGRAM)
    with _serving(lambda: ModbusUdpServer(_simulated(), address=("127.0.0.1", port))):
        _run(_device(port=port, transport="udp"), _numbers)

    async def nobody(device: ModbusDevice) -> None:
        answer = await device.read(ReadRequest(1, "holding", 0, 1))
        assert answer.status in {Status.BAD_TIMEOUT, Status.BAD_NOT_CONNECTED}

    _run(_device(port=port, transport="udp", timeout_ms=300, retries=0), nobody)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two self-signed certificates with their keys: of the device, and of somebody else."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("device", "other"):
        key = ec.generate_private_key(ec.SECP256R1())
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=9))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return folder


def test_tls_trusts_only_the_certificate_that_is_named(certificates: Path) -> None:
    """With the device's certificate it is read; with another's, or none, nothing is sent."""
    port = _free_port()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "device.pem", certificates / "device.key")
    with _serving(lambda: ModbusTlsServer(_simulated(), address=("127.0.0.1", port), sslctx=context)):

        def server(trusted: str) -> ModbusDevice:
            settings = ModbusServer(
                driver="modbus", host="127.0.0.1", port=port, transport="tls", trusted=trusted, timeout_ms=5000
            )
            return ModbusDevice(settings, Context(now=lambda: 0, certificates=certificates))

        _run(server("device.pem"), _numbers)
        with pytest.raises(DeviceError, match="no connection"):
            _run(server("other.pem"), _numbers)
        with pytest.raises(DeviceError, match="TLS needs the certificate"):
            server("missing.pem")


@pytest.mark.system
def test_a_dead_unit_of_a_libmodbus_gateway_costs_its_neighbours_little(modbus_program: Any) -> None:
    """Seven units and a silent one on one connection: in the long run probing takes less than a tenth of the time."""
    with ExitStack() as stack:
        port = stack.enter_context(_process(modbus_program("modbus_server"), "tcp", 0, 1, 8))

        async def test(device: ModbusDevice) -> None:
            spent = {"dead": 0.0, "all": 0.0}
            for _round in range(200):
                for unit in range(1, 9):
                    began = time.monotonic()
                    answer = await device.read(ReadRequest(unit, "holding", unit, 2))
                    passed = time.monotonic() - began
                    spent["all"] += passed
                    spent["dead"] += passed if unit == 8 else 0.0
                    assert (answer.words is None) == (unit == 8)
            assert device.connected
            assert spent["dead"] < 2 * 2 * 0.05 + 0.25 * spent["all"]

        _run(_device(port=int(port), timeout_ms=50), test)
