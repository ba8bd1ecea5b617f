"""A Modbus TCP server of sockets alone that holds the registers it is given and notes what it is asked."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from factory_kit.testing.background import Background

FUNCTIONS = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS = 1, 2

Registers = Mapping[tuple[str, int], int]
"""Words by table and address; everything else is an illegal address."""


@dataclass
class Shelf:
    """Units of one server; a unit that is not there stays silent."""

    units: dict[int, Registers | Callable[[], Registers]]
    identity: dict[int, dict[int, bytes]] = field(default_factory=dict)
    """Objects of the device identification by unit; a unit without any does not know function 43."""
    requests: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Unit, function, address, count, in the order of their arrival."""
    most: int = 125
    refuse: Callable[[int, int, int, int], int] = lambda *_request: 0
    """The exception to answer a request with, 0 for none."""
    host: str = "127.0.0.1"
    port: int = 0
    server: asyncio.Server | None = None

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                transaction, _protocol, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                answer = self._answer(unit, await reader.readexactly(length - 1))
                if answer is not None:
                    writer.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, unit: int, body: bytes) -> bytes | None:
        function = body[0]
        if function == 43:
            self.requests.append((unit, 43, body[1], body[2]))
            return self._identification(unit, body) if unit in self.units else None
        start, count = struct.unpack(">HH", body[1:5])
        self.requests.append((unit, function, start, count))
        if unit not in self.units:
            return None
        exception = self.refuse(unit, function, start, count)
        held = self.units[unit]
        registers = held() if callable(held) else held
        table = FUNCTIONS.get(function)
        words = [registers.get((table or "", address)) for address in range(start, start + count)]
        if table is None:
            exception = ILLEGAL_FUNCTION
        elif count > self.most or None in words:
            exception = exception or ILLEGAL_ADDRESS
        if exception:
            return bytes([0x80 | function, exception])
        return _encoded(function, cast("list[int]", words))

    def _identification(self, unit: int, body: bytes) -> bytes:
        objects = self.identity.get(unit)
        if objects is None:
            return bytes([0x80 | 43, ILLEGAL_FUNCTION])
        told = b"".join(bytes([key, len(value)]) + value for key, value in sorted(objects.items()))
        return bytes([43, 14, body[2], 0x82, 0, 0, len(objects)]) + told


def _encoded(function: int, words: list[int]) -> bytes:
    if function in {3, 4}:
        return struct.pack(f">BB{len(words)}H", function, 2 * len(words), *words)
    size = (len(words) + 7) // 8
    bits = sum(1 << place for place, word in enumerate(words) if word)
    return struct.pack(">BB", function, size) + bits.to_bytes(size, "little")


@contextmanager
def _running(shelf: Shelf) -> Iterator[Shelf]:
    background = Background()
    background.call(shelf.start())
    try:
        yield shelf
    finally:
        background.call(shelf.stop())
        background.close()


@pytest.fixture(scope="session")
def serve() -> Callable[..., Any]:
    """Starts a server in a thread of its own; inside the context it listens on its port."""

    def made(**arguments: Any) -> Any:
        return _running(Shelf(**arguments))

    return made
