"""The outstanding Publish requests of a session: several wait at the server, so that a long line does not slow the stream."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

from asyncua import ua
from asyncua.ua.uaerrors import BadNoSubscription, BadTimeout, BadTooManyPublishRequests

from factory_kit.drivers.opcua.answers import NO_PARTS, Published, published
from factory_kit.drivers.opcua.binary.messages import subscription_of
from factory_kit.drivers.opcua.client import ReadingClient
from factory_kit.drivers.opcua.errors import TOO_MUCH, status_name, translated
from factory_kit.drivers.opcua.parts import Parts
from factory_kit.errors import DeviceError, DeviceUnavailable

__all__ = ["Publisher", "outstanding"]

FEWEST, MOST = 2, 10
HOLD_S = 0.5
"""Big answers wait so long for others and are then decoded together: the second costs a third of the first, which finds the
processor's caches full of somebody else's."""
BIG = 1 << 14
"""Bytes of an answer that waits; smaller ones cost little, and are signs of life, ends and errors too."""
MOST_HELD = 2 << 20
"""Bytes that wait; more than that no cache holds."""
BREATH_S = 0.1
"""A pause after an answer that was an error, so that a server that refuses at once is not asked in a circle."""


def outstanding(answer_s: float, interval_s: float, subscriptions: int) -> int:
    """How many requests should wait at a server that needs *answer_s* for an answer and has something every *interval_s*."""
    return min(MOST, FEWEST - 1 + subscriptions + math.ceil(answer_s / max(interval_s, 0.001)))


class Publisher:
    """Keeps some requests at the server and hands every answer to *told*, in the order of their arrival.

    *failed* is told when the stream cannot go on; *unusable* of an answer that cannot be decoded, which is then left out:
    the sequence numbers tell that it is missing. *heard* is told at once of every answer of a subscription; without it none waits
    to be decoded together with others.
    """

    def __init__(
        self,
        client: ReadingClient,
        address: str,
        now: Callable[[], int],
        told: Callable[[Published], None],
        failed: Callable[[DeviceError], None],
        parts: Parts = NO_PARTS,
        heard: Callable[[int], None] | None = None,
    ) -> None:
        self._client = client
        self._address = address
        self._now = now
        self._told = told
        self._failed = failed
        self._parts = parts
        self._heard = heard
        self._acknowledged: list[ua.SubscriptionAcknowledgement] = []
        self._waiting: set[asyncio.Task[None]] = set()
        self._held: list[tuple[bytes, int]] = []
        """Answers that are not decoded yet, and when they came."""
        self._holding: asyncio.TimerHandle | None = None
        self.unusable = 0

    @property
    def count(self) -> int:
        """The requests that wait at the server."""
        return len(self._waiting)

    def acknowledge(self, subscription: int, sequence: int) -> None:
        """The server may forget notification *sequence*; it is told with the next request."""
        self._acknowledged.append(ua.SubscriptionAcknowledgement(SubscriptionId=subscription, SequenceNumber=sequence))

    def add(self, count: int = 1) -> None:
        """So many requests more wait at the server."""
        for _each in range(max(0, min(count, MOST - len(self._waiting)))):
            task = asyncio.create_task(self._ask())
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    def stop(self) -> None:
        """No request is sent any more; answers that come are no longer heard, those that came are told."""
        self.flush()
        for task in self._waiting:
            task.cancel()

    async def _ask(self) -> None:
        while True:
            unusable = self.unusable
            try:
                body = await self._answer()
                if self._heard is not None and len(body) >= BIG:
                    self._hold(bytes(body), self._heard)
                else:
                    self.flush()
                    self._told(published(body, self._now(), self._parts))
                if self.unusable != unusable:
                    await asyncio.sleep(BREATH_S)
            except BadTooManyPublishRequests:
                if len(self._waiting) > 1:
                    return
                await asyncio.sleep(BREATH_S)
            except BadTimeout:
                await asyncio.sleep(BREATH_S)
            except (ua.UaStatusCodeError, OSError, DeviceError) as error:
                if isinstance(error, ua.UaStatusCodeError) and status_name(error.code) in TOO_MUCH:
                    # One notification that does not fit into an answer is missing; the stream goes on.
                    self.unusable += 1
                    await asyncio.sleep(BREATH_S)
                    continue
                self.flush()
                self._fail(error)
                return
            except Exception:  # noqa: BLE001 - whatever a decoder finds in foreign bytes
                self.unusable += 1
                await asyncio.sleep(BREATH_S)

    def _hold(self, body: bytes, heard: Callable[[int], None]) -> None:
        """*body* is decoded a little later; that it came is known at once."""
        heard(subscription_of(body))
        self._held.append((body, self._now()))
        if sum(len(each) for each, _received in self._held) >= MOST_HELD:
            self.flush()
        elif self._holding is None:
            self._holding = asyncio.get_running_loop().call_later(HOLD_S, self.flush)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, BadNoSubscription):
            self._failed(translated(error, self._address))
            return
        gone = DeviceUnavailable("{address}: the server no longer knows the subscription", address=self._address)
        gone.__cause__ = error
        self._failed(gone)

    def flush(self) -> None:
        """What was held is decoded and told."""
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None
        held, self._held = self._held, []
        for body, received in held:
            try:
                self._told(published(body, received, self._parts))
            except (ua.UaStatusCodeError, OSError, DeviceError) as error:
                self._fail(error)
            except Exception:  # noqa: BLE001 - whatever a decoder finds in foreign bytes
                self.unusable += 1

    async def _answer(self) -> Any:
        acknowledged, self._acknowledged = self._acknowledged, []
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acknowledged
        line = self._client.uaclient.protocol
        if line is None:
            raise ConnectionError("not connected")
        # No time-out of ours: the answer comes when the server has something, and the watchdog knows when it should have.
        return await line.ask(request)
