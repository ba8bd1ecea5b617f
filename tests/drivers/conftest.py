"""Servers that note every request and misbehave on demand: Modbus made of sockets alone, OPC UA of asyncua's server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import subprocess
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

import pytest
from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID

Behaviour = Callable[["Line", int, int, int, int, int], Awaitable[bytes | None]]


def _payload(function: int, start: int, count: int, unit: int) -> bytes:
    """Every register holds its own address plus the unit; every third bit is set."""
    if function in {3, 4}:
        return struct.pack(">BB", function, 2 * count) + struct.pack(
            f">{count}H", *((start + n + unit) & 0xFFFF for n in range(count))
        )
    bits = sum(1 << n for n in range(count) if (start + n) % 3 == 0)
    return struct.pack(">BB", function, (count + 7) // 8) + bits.to_bytes((count + 7) // 8, "little")


async def _well(line: Line, _transaction: int, unit: int, function: int, start: int, count: int) -> bytes | None:
    del line
    return _payload(function, start, count, unit)


@dataclass
class Line:
    """What the server saw, and how each unit behaves: an answer (function code first), or None for silence."""

    units: dict[int, Behaviour] = field(default_factory=lambda: {1: _well})
    functions: Counter[str] = field(default_factory=Counter)
    requests: list[tuple[int, int, int, int]] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    identity: dict[int, bytes] | None = None
    busy: int = 0
    """How often it says that it is busy before it says who it is."""
    port: int = 0
    server: asyncio.Server | None = None
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    well = staticmethod(_well)

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        for writer in self.writers:
            writer.close()
        self.writers.clear()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        self.writers.append(writer)
        try:
            while True:
                transaction, protocol, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                assert protocol == 0
                body = await reader.readexactly(length - 1)
                answer = await self._answer(transaction, unit, body)
                if answer is not None:
                    writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open_now -= 1
            writer.close()

    async def _answer(self, transaction: int, unit: int, body: bytes) -> bytes | None:
        function = body[0]
        self.functions[f"{function}/{body[1]}" if function == 43 else str(function)] += 1
        behaviour = self.units.get(unit)
        if behaviour is None:
            return None
        if function == 43:
            return self._identification(body)
        start, count = struct.unpack(">HH", body[1:5])
        self.requests.append((unit, function, start, count))
        return await behaviour(self, transaction, unit, function, start, count)

    def _identification(self, body: bytes) -> bytes:
        if self.busy:
            self.busy -= 1
            return bytes([0x80 | 43, 6])
        if self.identity is None:
            return bytes([0x80 | 43, 1])
        objects = b"".join(bytes([key, len(value)]) + value for key, value in sorted(self.identity.items()))
        return bytes([43, 14, body[2], 0x82, 0, 0, len(self.identity)]) + objects


@pytest.fixture
def modbus_line() -> type[Line]:
    """The class of the server; each test starts its own inside its event loop."""
    return Line


class Plant:
    """An OPC UA server with a few variables, in a thread of its own, and a proxy in front of it that notes every request."""

    NAMESPACE = "urn:test:plant"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.server = Server()
        self.index = 0
        self.port = 0
        self.proxy: asyncio.Server | None = None
        self.proxy_port = 0
        self.seen: Counter[str] = Counter()
        self.pipes: list[asyncio.StreamWriter] = []
        self.piping = 0
        self.stalled = False

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of *work*, done in the server's thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def start(
        self,
        policies: Sequence[ua.SecurityPolicyType] = (ua.SecurityPolicyType.NoSecurity,),
        user: tuple[str, str] | None = None,
    ) -> Self:
        self.thread.start()
        self.call(self._start(policies, user))
        return self

    def stop(self) -> None:
        self.call(self._stop())
        self.call(self._tidy())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.proxy_port}"

    def write(self, name: str, value: Any, moment: datetime | None = None, status: int = 0) -> None:
        self.call(self._write(name, value, moment, status))

    def settle(self) -> None:
        """Every connection through the proxy has ended and every byte of it was seen."""
        deadline = monotonic() + 10
        while self.piping and monotonic() < deadline:
            sleep(0.01)
        assert not self.piping

    def cut(self) -> None:
        """Every connection through the proxy breaks."""
        self.call(self._cut())

    async def _start(self, policies: Sequence[ua.SecurityPolicyType], user: tuple[str, str] | None) -> None:
        self.server = Server(user_manager=_Users(user) if user else None)
        await self.server.init()
        self.server.set_endpoint(f"opc.tcp://127.0.0.1:{self.port}")
        await self.server.set_application_uri("urn:test:server")
        if any(policy is not ua.SecurityPolicyType.NoSecurity for policy in policies):
            await self._certify()
        self.server.set_security_policy(list(policies))
        self.index = await self.server.register_namespace(self.NAMESPACE)
        for number in range(12):
            await self.server.nodes.objects.add_variable(ua.NodeId(f"v{number}", self.index), f"v{number}", 0.0)
        await self.server.start()
        self.port = self.server.bserver.port
        self.proxy = await asyncio.start_server(self._pipe, "127.0.0.1", self.proxy_port)
        self.proxy_port = self.proxy.sockets[0].getsockname()[1]

    async def _certify(self) -> None:
        key, certificate = self.folder / "server.pem", self.folder / "server.der"
        await setup_self_signed_certificate(
            key, certificate, "urn:test:server", socket.gethostname(), [ExtendedKeyUsageOID.SERVER_AUTH], {}
        )
        await self.server.load_certificate(str(certificate))
        await self.server.load_private_key(str(key))

    async def _stop(self) -> None:
        await self._cut()
        assert self.proxy is not None
        self.proxy.close()
        await self.proxy.wait_closed()
        await self.server.stop()

    async def restart(self, shift: bool = False) -> None:
        """The server goes and comes again at the same port; with *shift* its namespace gets another number."""
        await self._stop()
        self.server = Server()
        await self.server.init()
        self.server.set_endpoint(f"opc.tcp://127.0.0.1:{self.port}")
        self.server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        if shift:
            await self.server.register_namespace("urn:test:other")
        self.index = await self.server.register_namespace(self.NAMESPACE)
        for number in range(12):
            await self.server.nodes.objects.add_variable(ua.NodeId(f"v{number}", self.index), f"v{number}", 0.0)
        await self.server.start()
        self.proxy = await asyncio.start_server(self._pipe, "127.0.0.1", self.proxy_port)

    async def _write(self, name: str, value: Any, moment: datetime | None, status: int) -> None:
        variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
        data = ua.DataValue(variant, ua.StatusCode(status), moment, moment)
        await self.server.iserver.aspace.write_attribute_value(ua.NodeId(name, self.index), ua.AttributeIds.Value, data)

    async def _tidy(self) -> None:
        """What asyncua's server leaves running is ended."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _cut(self) -> None:
        for writer in self.pipes:
            writer.close()
        self.pipes.clear()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.pipes += [writer, there_writer]
        self.piping += 1
        try:
            await asyncio.gather(
                self._pump(reader, there_writer, note=True), self._pump(there_reader, writer, note=False)
            )
        finally:
            self.piping -= 1

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, note: bool) -> None:
        buffer = b""
        try:
            while data := await reader.read(65536):
                buffer = self._noted(buffer + data) if note else b""
                if not self.stalled:
                    writer.write(data)
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _noted(self, data: bytes) -> bytes:
        """Count the service of every whole unencrypted message in *data*; what is left is the beginning of the next."""
        while len(data) >= 8 and len(data) >= (size := int.from_bytes(data[4:8], "little")):
            kind, chunk, data = data[:3], data[:size], data[size:]
            if kind == b"MSG":
                self.seen[SERVICE_NAMES.get(int.from_bytes(chunk[26:28], "little"), "encrypted")] += 1
            else:
                self.seen[kind.decode()] += 1
        return data


SERVICE_NAMES = {
    getattr(ua.ObjectIds, name): name.removesuffix("Request_Encoding_DefaultBinary")
    for name in dir(ua.ObjectIds)
    if name.endswith("Request_Encoding_DefaultBinary")
}


class _Users:
    def __init__(self, user: tuple[str, str]) -> None:
        self.user = user

    def get_user(
        self, _server: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> Any:
        del certificate
        return User(role=UserRole.User) if (username, password) == self.user else None


class NodePlant:
    """A node-opcua server of its own process whose variables v0, v1, … count; ``tests/drivers/node_server.js`` tells how."""

    NAMESPACE = "urn:test:plant"

    def __init__(self, modules: Path, pki: Path, **options: Any) -> None:
        self.modules = modules
        self.options = {"pki": str(pki), **options}
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self, **changed: Any) -> Self:
        """The server is up, at the same port as before; *changed* options are its new ones."""
        self.options |= changed
        self.process = subprocess.Popen(
            ["node", str(Path(__file__).with_name("node_server.js")), json.dumps({**self.options, "port": self.port})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "NODE_PATH": str(self.modules)},
        )
        self.port = self._said("port")["port"]
        return self

    def kill(self) -> None:
        """The server is gone without a word."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    def ask(self, what: str) -> dict[str, Any]:
        """The answer of the server's own control line."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": what}) + "\n")
        self.process.stdin.flush()
        return self._said()

    def ticks(self) -> dict[int, int]:
        """The time (µs) of each number that the variables have had since the start."""
        return {number: moment * 1000 for number, moment in self.ask("ticks")["ticks"]}

    def _said(self, key: str = "") -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:  # the library prints lines of its own
            if line.startswith("{") and key in line:
                return dict(json.loads(line))
        raise AssertionError("the server ended")


@pytest.fixture
def node_plant(
    node_package: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., NodePlant]]:
    """Starts node-opcua servers with the given options; all are gone after the test."""
    made: list[NodePlant] = []
    modules = node_package("node-opcua", "2.186.4")

    def start(**options: Any) -> NodePlant:
        made.append(NodePlant(modules, tmp_path_factory.getbasetemp() / "pki", **options).start())
        return made[-1]

    yield start
    for each in made:
        each.kill()


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """One server without security for all tests of a module."""
    made = Plant(tmp_path_factory.mktemp("plant")).start()
    yield made
    made.stop()


@pytest.fixture
def safe_plant(tmp_path: Path) -> Iterator[Plant]:
    """A server that offers Basic256Sha256 and None, and knows one user."""
    offered = [
        ua.SecurityPolicyType.NoSecurity,
        ua.SecurityPolicyType.Basic256Sha256_Sign,
        ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ]
    made = Plant(tmp_path).start(offered, ("reader", "secret"))
    yield made
    made.stop()
