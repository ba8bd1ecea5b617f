"""Modbus over TCP, TLS and UDP: every request has a number, and an answer with another one is not its answer.

Source: Modbus messaging on TCP/IP implementation guide V1.0b; Modbus/TCP Security v2.1 for TLS.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from typing import Any, Final

from factory_kit.drivers.modbus.requests import Question, require_reading
from factory_kit.drivers.modbus.wire import Spoiled, Watchdog

__all__ = ["Mbap"]

HEAD: Final = struct.Struct(">HHHB")
"""Number, protocol (0), bytes that follow, unit."""
SHORTEST: Final = 3
LONGEST: Final = 254
ROOM: Final = 2048
ANY_UNIT: Final = frozenset({0, 255})
"""Units that stand for the device itself, which may answer under another number."""


class Mbap(asyncio.BufferedProtocol, asyncio.DatagramProtocol):
    """One connection, or one UDP socket, with one request under way at a time."""

    def __init__(self, host: str, port: int, *, datagrams: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self._place = host, port
        self._datagrams = datagrams
        self._tls = tls
        self._transport: Any = None
        self._number = 0
        self._question: Question | None = None
        self._future: asyncio.Future[bytes] | None = None
        self._watchdog = Watchdog(self._late)
        self._buffer = b""
        self._into = memoryview(bytearray(ROOM))  # reading into our own small room is faster than into a new large one

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._transport is not None

    async def open(self, patience: float) -> None:
        """The connection is open; ``OSError`` (``TimeoutError`` too) when nobody answers."""
        self.close()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(patience):
            if self._datagrams:
                await loop.create_datagram_endpoint(lambda: self, remote_addr=self._place)
            else:
                await loop.create_connection(lambda: self, *self._place, ssl=self._tls)

    def free_in(self, question: Question) -> float:
        """0: with numbers no late answer is mistaken for another."""
        del question
        return 0.0

    async def ask(self, question: Question, patience: float, late: float) -> bytes:
        """The answer to *question*; ``TimeoutError``, ``ConnectionError`` or ``Spoiled``."""
        del late
        require_reading(question.pdu)
        transport, loop = self._transport, asyncio.get_running_loop()
        if transport is None:
            raise ConnectionError
        self._number = (self._number + 1) & 0xFFFF
        self._question = question
        self._future = future = loop.create_future()
        frame = HEAD.pack(self._number, 0, len(question.pdu) + 1, question.unit) + question.pdu
        if self._datagrams:
            transport.sendto(frame)
        else:
            transport.write(frame)
        self._watchdog.watch(loop, patience)
        try:
            answer: bytes = await future
        finally:
            self._future = None
        return answer

    def close(self) -> None:
        """Hung up."""
        transport, self._transport = self._transport, None
        self._buffer = b""
        self._watchdog.stop()
        if transport is not None:
            # Under TLS a polite end would wait for the other side, which may be gone.
            transport.abort() if self._tls else transport.close()
        self._fail(ConnectionError())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """The other side hung up: a waiting request ends at once."""
        del error
        self.close()

    def error_received(self, error: Exception) -> None:
        """Nobody listens at the other end of a UDP socket."""
        self._fail(ConnectionError(str(error)))

    def datagram_received(self, data: bytes, address: object) -> None:
        """One whole answer, or rubbish."""
        del address
        if len(data) >= HEAD.size + 1 and HEAD.unpack_from(data)[1:3] == (0, len(data) - 6):
            self._take(data)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the bytes of the stream go."""
        del sizehint
        return self._into

    def buffer_updated(self, nbytes: int) -> None:
        """Some bytes of the stream came: whole answers are taken, the rest waits."""
        data = self._buffer + bytes(self._into[:nbytes])
        while len(data) > HEAD.size:
            _number, protocol, length, _unit = HEAD.unpack_from(data)
            if protocol or not SHORTEST <= length <= LONGEST:
                self._fail(Spoiled("not Modbus"))
                self.close()  # where the next answer begins is not known any more
                return
            end = 6 + length
            if len(data) < end:
                break
            self._take(data[:end])
            data = data[end:]
        self._buffer = data

    def _take(self, frame: bytes) -> None:
        number, _protocol, _length, unit = HEAD.unpack_from(frame)
        question, future = self._question, self._future
        if future is None or question is None or number != self._number or future.done():
            return
        if unit != question.unit and question.unit not in ANY_UNIT:
            future.set_exception(Spoiled(f"unit {unit} answered for unit {question.unit}"))
        elif frame[7] & 0x7F != question.pdu[0]:
            future.set_exception(Spoiled(f"function {frame[7]} answered function {question.pdu[0]}"))
        else:
            future.set_result(frame[7:])

    def _late(self) -> None:
        self._fail(TimeoutError())

    def _fail(self, error: Exception) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_exception(error)
