"""A TCP proxy that misbehaves on command, to see what a reader does on a bad line."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from factory_kit.testing.background import Background

__all__ = ["FaultProxy"]

_PIECE = 65536


class FaultProxy:
    """Passes everything between its own ``port`` on 127.0.0.1 and *host*:*port*, until told otherwise; use as a context.

    ``connections`` counts the connections that were accepted.
    """

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.connections = 0
        self._target = (host, port)
        self._background = Background()
        self._delay = 0.0
        self._refuses = False
        self._passes = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        """Listen on any free port."""
        self._background.call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Break every connection and stop listening."""
        self._background.call(self._stop())
        self._background.close()

    def cut(self) -> None:
        """Break every connection now, and every new one at once, until ``heal``."""
        self._background.call(self._set(refuses=True))

    def black_hole(self) -> None:
        """Let connections stand but pass nothing until ``heal``, as with a pulled cable; TCP delivers what was sent then."""
        self._background.call(self._set(passes=False))

    def delay(self, seconds: float) -> None:
        """Hold every piece of data for *seconds*, in both directions."""
        self._background.call(self._set(delay=seconds))

    def heal(self) -> None:
        """Pass everything again at once."""
        self._background.call(self._set())

    async def _set(self, *, refuses: bool = False, passes: bool = True, delay: float = 0.0) -> None:
        self._refuses, self._delay = refuses, delay
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
            await asyncio.gather(self._pump(reader, target_writer), self._pump(target_reader, writer))
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(_PIECE):
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._passes.wait()
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        writer.close()
