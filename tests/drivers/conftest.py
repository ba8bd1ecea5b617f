"""A Modbus TCP server of a few lines, made of sockets alone: it notes every byte it is sent and misbehaves on demand."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

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
        if self.identity is None:
            return bytes([0x80 | 43, 1])
        objects = b"".join(bytes([key, len(value)]) + value for key, value in sorted(self.identity.items()))
        return bytes([43, 14, body[2], 0x82, 0, 0, len(self.identity)]) + objects


@pytest.fixture
def modbus_line() -> type[Line]:
    """The class of the server; each test starts its own inside its event loop."""
    return Line
