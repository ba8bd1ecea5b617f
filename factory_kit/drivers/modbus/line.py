"""A line without transaction numbers: RTU or ASCII on a serial port, or through a TCP gateway that passes it on.

An answer is known only by its place behind its question, so a late one must not meet the next question: after a time-out the
unit that still owes an answer is asked nothing but the same again, until the answer has come or cannot come any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from factory_kit.drivers.modbus.framing import Framing
from factory_kit.drivers.modbus.requests import Question, require_reading
from factory_kit.drivers.modbus.wire import Crowded, Spoiled, Watchdog

__all__ = ["Line", "Link", "Open", "Pace"]

MOST_STRAY: Final = 4096


class Link(Protocol):
    """Bytes out; bytes in come by callback."""

    def write(self, data: bytes) -> None:
        """Send *data*."""

    def close(self) -> None:
        """Closed."""


Open = Callable[[Callable[[bytes], None], Callable[[], None]], Awaitable[Link]]
"""Opens a link; it tells the first callable what came, and the second one that it is lost."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of a line, seconds: one byte, the silence to keep before a request, and the one that ends an answer for us."""

    byte: float = 0.0
    silence: float = 0.0
    gap: float = 0.2


@dataclass(slots=True)
class _Debt:
    """Answers of one unit that may still come."""

    question: Question
    count: int
    until: float


class Line:
    """One line with one request under way at a time, all units together."""

    def __init__(self, framing: Framing, opens: Open, pace: Pace) -> None:
        self._framing = framing
        self._opens = opens
        self._pace = pace
        self._link: Link | None = None
        self._heard = b""
        self._heard_at = 0.0
        self._quiet_until = 0.0
        self._sent = b""
        self._question: Question | None = None
        self._future: asyncio.Future[bytes] | None = None
        self._echo: bool | None = None
        self._debts: dict[int, _Debt] = {}
        self._watchdog = Watchdog(lambda: self._fail(TimeoutError()))
        self._silence = Watchdog(self._ended)

    @property
    def connected(self) -> bool:
        """Whether the line is open."""
        return self._link is not None

    async def open(self, patience: float) -> None:
        """The line is open; ``OSError`` when it cannot be."""
        self.close()
        self._echo, self._heard = None, b""
        async with asyncio.timeout(patience):
            self._link = await self._opens(self._receive, self.close)

    def free_in(self, question: Question) -> float:
        """Seconds until a late answer of the unit cannot be mistaken for the one to *question*."""
        debt = self._debts.get(question.unit)
        if debt is None or debt.question == question:
            return 0.0
        left = debt.until - asyncio.get_running_loop().time()
        if left <= 0:
            del self._debts[question.unit]
        return max(0.0, left)

    async def ask(self, question: Question, patience: float, late: float) -> bytes:
        """The answer to *question*; ``TimeoutError``, ``ConnectionError`` or ``Spoiled``."""
        require_reading(question.pdu)
        loop = asyncio.get_running_loop()
        await self._hush(loop, patience)
        if self._link is None:
            raise ConnectionError
        self._heard, self._question = b"", question
        self._sent = self._framing.wrap(question.unit, question.pdu)
        self._future = loop.create_future()
        self._link.write(self._sent)
        air = self._pace.byte * (2 * len(self._sent) + self._framing.size(question))
        self._watchdog.watch(loop, patience + air)
        try:
            return await self._future
        except TimeoutError:
            self._owe(question, loop.time() + late + air)
            raise
        except Spoiled:
            if question.unit in self._debts or self._framing.foreign(self._behind_echo()[0]):
                self._owe(question, loop.time() + late + air)
            raise
        finally:
            self._future = None

    def close(self) -> None:
        """Closed; a waiting request ends."""
        link, self._link = self._link, None
        self._watchdog.stop()
        self._silence.stop()
        if link is not None:
            link.close()
        self._fail(ConnectionError())

    async def _hush(self, loop: asyncio.AbstractEventLoop, most: float) -> None:
        """The line has been silent as long as the standard asks, at most *most* seconds.

        ``Crowded`` when another master has not had its answer by then: it could be taken for the one to our question.
        """
        end = loop.time() + most
        while True:
            now = loop.time()
            wait = max(self._heard_at + self._pace.silence, self._quiet_until) - now
            if wait <= 0:
                return
            if now >= end:
                if self._quiet_until > now:
                    raise Crowded
                return
            await asyncio.sleep(min(wait, end - now))

    def _owe(self, question: Question, until: float) -> None:
        debt = self._debts.get(question.unit)
        if debt is None or debt.question != question:
            self._debts[question.unit] = _Debt(question, 1, until)
        else:
            debt.count, debt.until = debt.count + 1, until

    def _receive(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        self._heard_at = loop.time()
        self._heard += data
        if self._future is None or self._future.done():
            self._stray(loop)
            return
        rest, echoed = self._behind_echo()
        assert self._question is not None  # noqa: S101 - there is a future, so there is a question
        found = self._framing.find(rest, self._question)
        if found is None:
            self._settle()
            self._silence.watch(loop, self._pace.gap)
        elif self._framing.foreign(rest[: found.start]):
            self._fail(Crowded())
        else:
            if self._echo is None and (echoed or not found.start):  # a damaged echo in front says neither
                self._echo = echoed
            self._future.set_result(found.pdu)
            self._heard = rest[found.end :]
            if self._heard:
                self._stray(loop)

    def _behind_echo(self) -> tuple[bytes, bool]:
        """What was heard behind our own request, where the line echoes, and whether it does."""
        if self._echo is not False and self._heard.startswith(self._sent):
            return self._heard[len(self._sent) :], True
        # On a line that echoes, a damaged echo hides where the answer begins.
        return b"" if self._echo else self._heard, False

    def _settle(self) -> None:
        """Late answers of other units in what was heard are paid debts."""
        for unit, debt in list(self._debts.items()):
            found = None if debt.question == self._question else self._framing.find(self._heard, debt.question)
            if found is not None:
                self._heard = self._heard[: found.start] + self._heard[found.end :]
                self._paid(unit, debt)

    def _paid(self, unit: int, debt: _Debt) -> None:
        debt.count -= 1
        if debt.count <= 0:
            self._debts.pop(unit, None)

    def _stray(self, loop: asyncio.AbstractEventLoop) -> None:
        """Bytes that nobody waits for: a late answer, noise, or another master, whose answer is waited for."""
        self._heard = self._heard[-MOST_STRAY:]
        for unit, debt in list(self._debts.items()):
            found = self._framing.find(self._heard, debt.question)
            if found is not None:
                self._heard = self._heard[found.end :]
                self._paid(unit, debt)
        if self._framing.foreign(self._heard):
            self._quiet_until = loop.time() + 2 * self._pace.gap

    def _ended(self) -> None:
        """Silence after some bytes: when most of an answer is there, it is damaged and nothing more will come."""
        if self._future is None or self._future.done() or self._question is None:
            return
        rest, echoed = self._behind_echo()
        if self._echo and not echoed:
            rest = self._heard[len(self._sent) :]
        if 2 * len(rest) >= self._framing.size(self._question):
            self._fail(Spoiled("the answer is damaged"))

    def _fail(self, error: Exception) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_exception(error)
