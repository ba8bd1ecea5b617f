"""A recording served over OPC UA and Modbus TCP at the same time, one row after the other."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from types import TracebackType
from typing import Literal, Self

from factory_kit.errors import DeviceUnavailable, UsageError
from factory_kit.testing.replay_modbus import RegisterServer
from factory_kit.testing.replay_opcua import RecordingServer
from factory_kit.testing.replay_recording import Recording

__all__ = ["FASTEST", "SETTLED_S", "Replay", "Stage", "serve"]

FASTEST = 1000.0
"""Rows a second; beyond that the timer of the computer decides."""
SETTLED_S = 1.0
"""The clients are complete when for so long none has asked for something new."""
HELD_S = 10.0
Stage = Literal["ready", "begun", "served"]
"""Servers answer; the rows begin to move; the last row has stood its time."""


class Replay:
    """Serves *recording* on 127.0.0.1 while the context is open; ``play`` goes through its rows. Port 0 means any free one.

    Each row stands for at least 1/*speed* seconds, also after a hold-up of the computer: no row is ever skipped, so a
    client that asks often enough sees all of them. With *hold* a row also stays until it was read over Modbus, so that a
    client on a busy computer misses none; one that reads no more for ``HELD_S`` ends that. *now* gives the time of the
    servers' own clock (µs UTC).
    """

    def __init__(
        self,
        recording: Recording,
        now: Callable[[], int],
        *,
        opcua: int | None = 0,
        modbus: int | None = 0,
        speed: float = 1.0,
        hold: bool = False,
    ) -> None:
        if opcua is None and modbus is None:
            raise UsageError("give --opcua PORT, --modbus PORT or both")
        if not 0 < speed <= FASTEST:
            raise UsageError(
                "the speed is {speed} rows a second, expected more than 0 and at most {most}", speed=speed, most=FASTEST
            )
        self.recording = recording
        self.speed = speed
        self._hold = hold
        self.row = 0
        """The row shown at the moment, from 0."""
        self.opcua = None if opcua is None else RecordingServer(recording, now, self._client_came, port=opcua)
        self.modbus = None if modbus is None else RegisterServer(recording, self._client_came, port=modbus)
        if self.modbus is not None and not self.modbus.units:
            raise UsageError(
                "{file}: has no column of numbers, so there is nothing for Modbus; leave --modbus out",
                file=recording.file,
            )
        self._ports = [port for port in (opcua, modbus) if port]
        self._news = asyncio.Event()
        self._open = AsyncExitStack()

    @property
    def servers(self) -> tuple[RecordingServer | RegisterServer, ...]:
        """Those that serve."""
        return tuple(server for server in (self.modbus, self.opcua) if server is not None)

    async def __aenter__(self) -> Self:
        """Both servers answer, with the first row; ``DeviceUnavailable`` when a port is taken."""
        for port in self._ports:
            _check_free(port)
        try:
            for server in self.servers:
                await self._open.enter_async_context(server)
        except (OSError, RuntimeError) as error:
            await self._open.aclose()
            raise DeviceUnavailable(
                "127.0.0.1: cannot listen ({reason}); try other ports", reason=str(error)
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Every connection is closed."""
        await self._open.aclose()

    @property
    def seconds(self) -> float:
        """About how long ``play`` takes; the timer of the computer adds a little to each row."""
        return len(self.recording) * (1 / self.speed + 0.002)

    async def clients(self) -> None:
        """Returns when a client reads over every protocol served, and all it wants."""
        while True:
            self._news.clear()
            all_there = all(server.watched for server in self.servers)
            try:
                await asyncio.wait_for(self._news.wait(), SETTLED_S if all_there else None)
            except TimeoutError:
                return

    async def play(self) -> None:
        """Row after row until the last one, which has stood its time too."""
        loop = asyncio.get_running_loop()
        for row in range(len(self.recording)):
            shown = loop.time()
            await self.show(row)
            await asyncio.sleep(shown + 1 / self.speed - loop.time())
            await self._held()

    async def show(self, row: int) -> None:
        """Both servers show *row*."""
        for server in self.servers:
            await server.show(row)
        self.row = row

    async def _held(self) -> None:
        if not self._hold or self.modbus is None:
            return
        try:
            await asyncio.wait_for(self.modbus.row_read(), HELD_S)
        except TimeoutError:
            self._hold = False

    def _client_came(self) -> None:
        self._news.set()


async def serve(replay: Replay, tell: Callable[[Stage], None], *, wait: bool = True, linger_s: float = 5.0) -> None:
    """*replay* from its first listening to its end; *tell* learns of every stage when it is reached.

    With *wait* the rows begin to move when clients are there. The last row is served for *linger_s* seconds more.
    """
    with _quiet_libraries():
        async with replay:
            tell("ready")
            if wait:
                await replay.clients()
            tell("begun")
            await replay.play()
            tell("served")
            await asyncio.sleep(linger_s)


def _check_free(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except (OSError, OverflowError) as error:
        raise DeviceUnavailable(
            "127.0.0.1:{port}: the port cannot be used ({reason}); choose another, or 0 for any free one",
            port=port,
            reason=getattr(error, "strerror", None) or str(error),
        ) from error


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Both protocol libraries log every refused request and every client that hung up; inside nothing of that is shown."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
