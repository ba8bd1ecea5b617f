"""The connection to one server: its session, the channel that is renewed in time, and what can be asked without ado."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from asyncua import ua
from asyncua.ua.ua_binary import struct_from_binary

from factory_kit.drivers.base import Context
from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.drivers.opcua.errors import mapped, translated
from factory_kit.drivers.opcua.limits import MOST_READ, CallSize
from factory_kit.drivers.opcua.session import TurnedAway, close, open_session, same_session
from factory_kit.errors import DeviceError
from factory_kit.model.site import OpcUaServer

__all__ = ["Link"]

STALE = 2
"""So many connections that the server takes and ends again, and the session is opened anew."""
RENEW = 0.75
"""The share of its life after which a channel gets a new token (OPC 10000-4, 5.6.2)."""
SHORTEST_LIFE_MS = 1000
"""A server that says less, or 0, is not asked for a new token in a circle."""


class Link:
    """One session with *server*, called *name* in the site file; *broken* is told of every end that nobody asked for."""

    def __init__(
        self, name: str, server: OpcUaServer, context: Context, broken: Callable[[DeviceError | None], None]
    ) -> None:
        self.server = server
        self.context = context
        self.client: ReadingClient | None = None
        self.declared_uri = ""
        self.reads = CallSize(said_most=MOST_READ)
        """What the server bears in one Read; it outlives a connection."""
        self._name = name
        self._broken = broken
        self._renewing: asyncio.Task[None] | None = None
        self._turned_away = 0

    @property
    def address(self) -> str:
        """``host:port``."""
        return self.server.address

    @property
    def line(self) -> Any:
        """The connection in use, or the last one; None where there was none."""
        return self.client.uaclient.protocol if self.client is not None else None

    @property
    def connected(self) -> bool:
        """Whether there is a line at this moment."""
        line = self.line
        return line is not None and not line.is_closed and line.transport is not None

    @property
    def session(self) -> Any:
        """The session; ``DeviceUnavailable`` where there is none."""
        if self.client is None:
            raise translated(ConnectionError("not connected"), self.address)
        return self.client.uaclient.session

    @property
    def slowness(self) -> float:
        """How much longer than a quick one this server takes, in s; an answer may be twice as late as the latest so far."""
        return 2 * self.client.uaclient.slowest_answer_s if self.client is not None else 0.0

    async def open(self) -> None:
        """A session is active, as safely as the site file asks for."""
        self.client, self.declared_uri = await open_session(
            self._name, self.server, self.context, lambda: self._broken(None)
        )
        self._turned_away = 0
        self.keep_alive()

    async def open_again(self) -> bool | None:
        """There is a line again: True in the old session, False in a new one of a server that forgot the old.

        None when the server takes us no more and everything has to begin anew. ``DeviceUnavailable`` when it may be tried again.
        """
        if self.client is None:
            return None
        try:
            same = await same_session(self.client, self._name, self.server, self.context)
        except TurnedAway as away:
            self._turned_away += 1
            if away.error.retry and self._turned_away < STALE:
                raise away.error from away
            return None
        self._turned_away = 0
        self.keep_alive()
        return same

    def keep_alive(self) -> None:
        """The channel is renewed from now on."""
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())

    async def rest(self) -> None:
        """Nothing is renewed any more."""
        renewing, self._renewing = self._renewing, None
        if renewing is not None:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def aclose(self) -> None:
        """Session, subscriptions and connection are closed."""
        client, self.client = self.client, None
        await self.rest()
        if client is not None:
            await close(client)

    async def answer(self, request: Any, kind: Any) -> Any:
        """The answer to *request*, of asyncua's type *kind*, without asyncua's own publish loop."""
        answer = struct_from_binary(kind, await self.raw(request))
        answer.ResponseHeader.ServiceResult.check()
        return answer

    async def raw(self, request: Any) -> Any:
        """The body of the answer to *request*."""
        return await self.session._send_request(request)  # noqa: SLF001 - the raw body

    async def read(self, nodes: Sequence[int]) -> list[Any]:
        """The values of nodes of namespace 0; None where one cannot be read."""

        async def read(part: Sequence[int]) -> list[Any]:
            wanted = [ua.ReadValueId(NodeId=ua.NodeId(node), AttributeId=ua.AttributeIds.Value) for node in part]
            answers = await self.session.read(ua.ReadParameters(NodesToRead=wanted))
            return [_value(data) for data in answers]

        with mapped(self.address):
            return await self.reads.calls(nodes, read)

    async def _renew(self) -> None:
        client = self.client
        while client is not None:
            await asyncio.sleep(RENEW * max(client.secure_channel_timeout, SHORTEST_LIFE_MS) / 1000)
            try:
                with mapped(self.address):
                    await client.open_secure_channel(renew=True)
                    client.uaclient.revolve_security_token()
            except DeviceError as error:
                self._broken(error)
                return


def _value(data: Any) -> Any:
    if data.Value is None or (data.StatusCode is not None and data.StatusCode.is_bad()):
        return None
    return data.Value.Value
