"""A TCP proxy that misbehaves on command, to see what a reader does on a bad line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from factory_kit.testing.background import BackgroundServer

__all__ = ["FaultProxy"]

_PIECE = 65536


class FaultProxy(BackgroundServer):
    """Passes everything between its own ``port`` on 127.0.0.1 and *host*:*port*, until told otherwise; use as a context.

    ``connections`` counts the connections that were accepted. *tap* is shown every piece that goes to the target, with the
    number of its connection.
    """

    def __init__(self, host: str, port: int, tap: Callable[[int, bytes], None] | None = None) -> None:
        super().__init__()
        self.port = 0
        self.connections = 0
        self._target = (host, port)
        self._delay = 0.0
        self._tap = tap
        self._refuses = False
        self._half_closed = False
        self._garbled = False
        self._passes = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def cut(self) -> None:
        """Break every connection now, and every new one at once, until ``heal``."""
        self._background.call(self._set(refuses=True))

    def black_hole(self) -> None:
        """Let connections stand but pass nothing until ``heal``, as with a pulled cable; TCP delivers what was sent then."""
        self._background.call(self._set(passes=False))

    def delay(self, seconds: float) -> None:
        """Hold every piece of data for *seconds*, in both directions."""
        self._background.call(self._set(delay=seconds))

    def half_close(self) -> None:
        """End every connection in one direction: the target hears no more, what it says still arrives, until ``heal``."""
        self._background.call(self._set(half_closed=True))

    def garble(self) -> None:
        """Turn the order of the bytes around in every piece that comes back, until ``heal``."""
        self._background.call(self._set(garbled=True))

    def heal(self) -> None:
        """Pass everything again at once."""
        self._background.call(self._set())

    async def _set(
        self,
        *,
        refuses: bool = False,
        passes: bool = True,
        delay: float = 0.0,
        half_closed: bool = False,
        garbled: bool = False,
    ) -> None:
        self._refuses, self._delay, self._half_closed, self._garbled = refuses, delay, half_closed, garbled
        if passes:
            self._passes.set()
        else:
            self._passes.clear()
        if refuses:
            for writer in self._writers:
                writer.transport.abort()

    async def _listen(self) -> None:
        self._passes.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        await self._set(refuses=True)
        if self._server is not None:
            self._server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            target_reader, target_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, target_writer}
        self._writers |= pair
        if self._refuses:
            writer.transport.abort()
        try:
            await asyncio.gather(self._pump(reader, target_writer, number), self._pump(target_reader, writer))
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int = 0) -> None:
        """Pass what *reader* gives to *writer*; *number* is the connection's towards the target, 0 on the way back."""
        try:
            while piece := await reader.read(_PIECE):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._passes.wait()
                if number and self._half_closed:
                    writer.write_eof()
                    return
                if number and self._tap is not None:
                    self._tap(number, piece)
                writer.write(piece[::-1] if self._garbled and not number else piece)
                await writer.drain()
        except OSError:
            pass
        writer.close()
