"""The two ways bytes of a serial line reach us: a serial port of this machine, or a TCP connection to a gateway."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final

from factory_kit.drivers.modbus.line import Link
from factory_kit.model.site import ModbusServer

__all__ = ["open_serial", "open_stream"]

LISTEN_S: Final = 0.1
"""How often the listening thread looks whether it is to end."""
WRITE_S: Final = 2.0
Receive = Callable[[bytes], None]
Lost = Callable[[], None]


class _Stream(asyncio.Protocol):
    """A TCP connection that passes on what comes."""

    def __init__(self, receive: Receive, lost: Lost) -> None:
        self._receive = receive
        self._lost = lost
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Some bytes came."""
        self._receive(data)

    def connection_lost(self, error: Exception | None) -> None:
        """The other side hung up."""
        del error
        if self._transport is not None:
            self._transport = None
            self._lost()

    def write(self, data: bytes) -> None:
        """Send *data*."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Hung up."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


class _Serial:
    """A serial port with a thread that listens; the same on every system."""

    def __init__(self, port: Any, receive: Receive, lost: Lost) -> None:
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._lost = lost
        self._open = True
        threading.Thread(target=self._listen, name=f"modbus {port.name}", daemon=True).start()

    def write(self, data: bytes) -> None:
        """Send *data*; a port that is gone is told as lost."""
        try:
            self._port.write(data)
        except (OSError, ValueError):
            self._loop.call_soon(self._lost)

    def close(self) -> None:
        """Closed as soon as the thread sees it."""
        self._open = False

    def _listen(self) -> None:
        try:
            while self._open:
                data = self._port.read(1)
                if data:
                    self._tell(self._receive, data + self._port.read(self._port.in_waiting))
        except (OSError, ValueError, TypeError):  # pyserial raises all three when a port goes away
            if self._open:
                self._tell(self._lost)
        finally:
            self._port.close()

    def _tell(self, whom: Callable[..., None], *what: bytes) -> None:
        if not self._open or self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(self._unless_closed, whom, *what)
        except RuntimeError:  # the loop ended in between
            self._open = False

    def _unless_closed(self, whom: Callable[..., None], *what: bytes) -> None:
        if self._open:
            whom(*what)


async def open_stream(server: ModbusServer, receive: Receive, lost: Lost) -> Link:
    """A connection to the gateway of *server*; ``OSError`` when there is none."""
    host, _colon, port = server.address.rpartition(":")
    _transport, link = await asyncio.get_running_loop().create_connection(
        lambda: _Stream(receive, lost), host, int(port)
    )
    return link


async def open_serial(server: ModbusServer, receive: Receive, lost: Lost) -> Link:
    """The serial port of *server*, for us alone; ``OSError`` when it is missing or taken."""
    port = await asyncio.to_thread(_opened, server)
    return _Serial(port, receive, lost)


def _opened(server: ModbusServer) -> Any:
    import serial  # noqa: PLC0415 - only where a serial line is read

    return serial.Serial(
        server.serial,
        server.baud,
        bytesize=server.data_bits,
        parity=server.parity[0].upper(),
        stopbits=server.stop_bits,
        timeout=LISTEN_S,
        write_timeout=WRITE_S,
        exclusive=True if hasattr(serial, "PosixPollSerial") else None,
    )
