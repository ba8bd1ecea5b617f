"""Whatever answers at the port: one line, soon, and nothing that fills the memory or the terminal."""

from __future__ import annotations

import asyncio
import copy
import ssl
import struct
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic, time_ns
from typing import Any

import pytest

from factory_kit.drivers.base import Context
from factory_kit.drivers.opcua import session
from factory_kit.drivers.opcua.security import best, own_certificate
from factory_kit.drivers.opcua.session import ask_offers
from factory_kit.errors import DeviceError
from factory_kit.model.site import OpcUaServer

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ACKNOWLEDGE = b"ACKF" + struct.pack("<I5I", 28, 0, 65535, 65535, 0, 0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds are enough for servers that will never answer."""
    monkeypatch.setattr(session, "REQUEST_S", 2.0)


@asynccontextmanager
async def listening(answer: Answer, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of such a server; in the end every connection of it is closed and every task done."""
    open_: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_[writer] = asyncio.current_task()
        with suppress(OSError, asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in open_:
        writer.transport.abort()
    await asyncio.gather(*(task for task in open_.values() if task is not None))


def said_by(answer: Answer, *, tls: ssl.SSLContext | None = None) -> str:
    """The one line that asking such a server for its endpoints gives."""

    async def main() -> str:
        async with listening(answer, tls=tls) as port:
            server = OpcUaServer(driver="opcua", url=f"opc.tcp://127.0.0.1:{port}")
            with pytest.raises(DeviceError) as caught:
                await ask_offers(server, Context(lambda: time_ns() // 1000))
        return str(caught.value).replace(str(port), "PORT")

    begun = monotonic()
    line = asyncio.run(asyncio.wait_for(main(), 60))
    assert monotonic() - begun < 50
    assert line.startswith("127.0.0.1:PORT: ")
    assert line.isprintable()
    return line


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _hangs_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(8)


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()


async def _modbus(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the first bytes for a request, as Modbus servers do, and answers with an exception."""
    while data := await reader.read(4096):
        writer.write(data[:2] + b"\x00\x00\x00\x03\x01\x83\x01")


async def _escapes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An error message of the protocol whose reason would clear a terminal."""
    await reader.read(8)
    reason = b"\x1b[2J\x07bad"
    writer.write(b"ERRF" + struct.pack("<III", 16 + len(reason), 0x80820000, len(reason)) + reason)
    await writer.drain()


async def _truncated(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(ACKNOWLEDGE[:20])
    await writer.drain()


async def _oversized(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Acknowledges, then sends a message that claims four gigabytes, for as long as anybody listens."""
    await reader.read(8)
    writer.write(ACKNOWLEDGE + b"OPNF" + struct.pack("<I", 0xFFFFFFF0))
    for _each in range(4000):
        writer.write(bytes(65536))
        await writer.drain()


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(ACKNOWLEDGE + b"OPNF" + struct.pack("<I", 64) + bytes(range(56)))
    await writer.drain()
    await reader.read()


async def _acknowledges_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(b"ACKF" + struct.pack("<I5I", 28, 99, 0, 0, 1, 1))
    await writer.drain()
    await reader.read()


@pytest.mark.wire
@pytest.mark.parametrize(
    "answer",
    [_silent, _hangs_up, _http, _modbus, _escapes, _truncated, _garbage, _acknowledges_nonsense],
    ids=lambda answer: answer.__name__.strip("_"),
)
def test_what_is_no_opc_ua_server_is_one_line(answer: Answer) -> None:
    """Silence, other protocols, half messages and nonsense: one line that names the address, without control characters."""
    line = said_by(answer)

    assert any(
        word in line
        for word in ("not in OPC UA", "no connection", "no answer in time", "cannot be used", "the server answers")
    )


@pytest.mark.wire
def test_a_tls_server_is_one_line(tmp_path: Path) -> None:
    """A server that waits for a TLS hello breaks off or stays silent; both are told as what they are."""
    own = own_certificate(tmp_path, time_ns() // 1000)
    pem = ssl.DER_cert_to_PEM_cert(own.certificate)
    (tmp_path / "both.pem").write_bytes(pem.encode() + own.key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "both.pem")

    assert "not in OPC UA" in said_by(_silent, tls=tls)


@pytest.mark.wire
def test_an_oversized_message_is_not_taken_into_memory() -> None:
    """A message that claims gigabytes ends the connection long before they came."""
    tracemalloc.start()
    try:
        line = said_by(_oversized)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert "no answer in time" not in line
    assert most < 100_000_000


@pytest.mark.wire
def test_a_port_where_nobody_listens_is_one_line() -> None:
    """The line says what to check."""

    async def main() -> str:
        free = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = free.sockets[0].getsockname()[1]
        free.close()
        await free.wait_closed()
        with pytest.raises(DeviceError) as caught:
            await ask_offers(OpcUaServer(driver="opcua", url=f"opc.tcp://127.0.0.1:{port}"), Context(lambda: 0))
        return str(caught.value)

    assert "check the address, the cable and that the server runs" in asyncio.run(main())


@pytest.mark.wire
def test_one_bad_server_leaves_the_others_alone(plant: Any) -> None:
    """While one address answers nonsense another one gives its endpoints."""

    async def main() -> list[Any]:
        async with listening(_garbage) as port:
            urls = [f"opc.tcp://127.0.0.1:{port}", plant.url]
            asked = [ask_offers(OpcUaServer(driver="opcua", url=url), Context(lambda: 0)) for url in urls]
            return list(await asyncio.gather(*asked, return_exceptions=True))

    first, second = asyncio.run(asyncio.wait_for(main(), 60))
    assert isinstance(first, DeviceError)
    assert [offer.policy for offer in second] == ["None"]


@pytest.mark.wire
def test_numbers_nobody_knows_are_shown_and_not_chosen(plant: Any) -> None:
    """A user token, a mode and a kind of server beyond the standard: they are told by their number, and the others are used."""
    offered = plant.server.iserver.endpoints
    strange = copy.deepcopy(offered[0])
    strange.SecurityMode, strange.Server.ApplicationType, strange.UserIdentityTokens[0].TokenType = 7, 8, 9
    token = copy.copy(offered[0].UserIdentityTokens[0])
    token.TokenType = 9
    offered[0].UserIdentityTokens.append(token)
    offered.insert(0, strange)
    server = OpcUaServer(driver="opcua", url=plant.url, security="None")

    async def main() -> list[Any]:
        asked = await ask_offers(server, Context(lambda: 0))
        client, _uri = await session.open_session("plant", server, Context(lambda: 0), lambda: None)
        await session.close(client)
        return asked

    try:
        found = asyncio.run(asyncio.wait_for(main(), 60))
    finally:
        offered.remove(strange)
        offered[0].UserIdentityTokens.remove(token)
    assert [offer.mode for offer in found] == ["7", "None"]
    assert "9" in dict(found[0].tokens)
    assert {"Anonymous", "9"} <= dict(found[1].tokens).keys()
    with pytest.raises(DeviceError, match="offers None 7, None None,"):
        best(found, OpcUaServer(driver="opcua", url=plant.url))
