"""Looking at a Modbus device that nobody knows: units, identification, SunSpec models, registers over time. Gently.

One request at a time, at most so many a second and so many in all; the first sign of trouble ends everything. Only function
codes 1 to 4 and 43/14 are sent, through the same device as a collection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from factory_kit.drivers.base import Answer, Identity, ReadRequest, RegisterDevice, Table
from factory_kit.drivers.modbus.sunspec import BASES, END, SIGN
from factory_kit.errors import DeviceError
from factory_kit.i18n import N_

__all__ = ["Ended", "Found", "Gentle", "Limits", "ModelFound", "Span", "look"]

SILENT_ENDS = 10
"""So many units in a row that do not answer, and the scan for units ends."""
TROUBLE = {4: N_("device failure"), 5: N_("acknowledge, still working"), 6: N_("device busy")}
"""Exceptions after which a stranger asks nothing more."""
NO_UNIT = (10, 11)
"""Exceptions with which a gateway says that there is nobody behind it."""
NO_ADDRESS = (2, 3)
FIRST_STATUS = 256
"""Below are the exceptions of devices, above what the driver found itself."""
PUZZLED_S = 1.0
"""Nothing is sent for so long after a request that was not understood."""
FEW_ROUNDS = 2
MOST_MODELS = 40
MOST_REGISTERS = 125
LAST = 65535


@dataclass(frozen=True, slots=True)
class Limits:
    """How gently: requests a second, requests and seconds in all, registers in one request."""

    requests_per_s: float = 5.0
    requests: int = 2000
    seconds: float = 900.0
    block: int = 50


@dataclass(frozen=True, slots=True)
class Span:
    """Registers to be watched: *table* from *first* to *last*."""

    table: Table
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.table}:{self.first}" + (f"-{self.last}" if self.last > self.first else "")


@dataclass(frozen=True, slots=True)
class ModelFound:
    """A SunSpec model: its number, the address of its number, its length, and the registers of all of it."""

    number: int
    address: int
    length: int
    words: tuple[int, ...]


@dataclass(slots=True)
class Found:
    """What one unit told."""

    unit: int
    identity: Identity = field(default_factory=Identity)
    identifies: bool = False
    """Whether it knows function 43/14."""
    models: list[ModelFound] = field(default_factory=list)
    rounds: dict[Table, dict[int, list[int]]] = field(default_factory=dict)
    """Table → address → its word in each round; only registers that answered every time."""
    refused: list[Span] = field(default_factory=list)
    """Registers that the device refused."""


class Ended(Exception):
    """Nothing more is asked; *message* is a template for *details* that says why."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message.format(**details))
        self.message = message
        self.details = details


class Gentle:
    """Requests to *device* within *limits*; ``Ended`` at a limit or at the first sign of trouble."""

    def __init__(self, device: RegisterDevice, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.requests = 0
        self._device = device
        self._clock = clock
        self._began = clock()
        self._next = self._began
        self._answered: set[int] = set()
        """Units that have answered at least once."""
        self._puzzled: set[int] = set()
        """Units just asked who they are: servers that do not know function 43 may drop what follows it, so one silence is forgiven."""

    async def read(self, request: ReadRequest) -> Answer:
        """The answer to *request*; ``Ended`` when it shows trouble."""
        await self._turn()
        answer = await self._device.read(request)
        if answer.status in TROUBLE:
            raise Ended(
                N_("unit {unit} answered exception {code} ({meaning}); a stranger asks nothing more then"),
                unit=request.unit,
                code=answer.status,
                meaning=TROUBLE[answer.status],
            )
        if not self._device.connected:
            raise Ended(N_("the connection was closed while unit {unit} was asked"), unit=request.unit)
        answers = _answers(answer)
        if request.unit in self._answered and not answers:
            if request.unit in self._puzzled:
                self._puzzled.discard(request.unit)
                await self.rest(PUZZLED_S)
                return await self.read(request)
            raise Ended(N_("unit {unit} answered before and is silent now"), unit=request.unit)
        if answers:
            self._answered.add(request.unit)
            self._puzzled.discard(request.unit)
        return answer

    async def identify(self, unit: int) -> Identity | None:
        """What *unit* says about itself; None where it does not know how."""
        await self._turn()
        self._puzzled.add(unit)
        try:
            return await self._device.identify([unit])
        except DeviceError:
            await self.rest(PUZZLED_S)
            return None

    async def rest(self, seconds: float) -> None:
        """Nothing is sent for *seconds*, unless the time is up before."""
        left = self._began + self.limits.seconds - self._clock()
        await asyncio.sleep(max(0.0, min(seconds, left)))

    async def _turn(self) -> None:
        now = self._clock()
        if self.requests >= self.limits.requests:
            raise Ended(N_("the limit of {count} requests is reached"), count=self.requests)
        if now - self._began >= self.limits.seconds:
            raise Ended(N_("the limit of {seconds:g} s is reached"), seconds=self.limits.seconds)
        await asyncio.sleep(max(0.0, self._next - now))
        self._next = max(self._clock(), self._next) + 1 / self.limits.requests_per_s
        self.requests += 1


def _answers(answer: Answer) -> bool:
    """Whether the unit itself answered, if only to refuse."""
    return answer.words is not None or (0 < answer.status < FIRST_STATUS and answer.status not in NO_UNIT)


async def look(
    gentle: Gentle,
    units: Sequence[int],
    spans: Sequence[Span],
    *,
    rounds: int,
    every_s: float,
    found: list[Found],
) -> None:
    """Fills *found* with every unit of *units* that answers; *spans* are watched for *rounds* rounds. ``Ended`` keeps what is there."""
    await _units(gentle, units, found)
    for each in found:
        identity = await gentle.identify(each.unit)
        each.identity, each.identifies = identity or Identity(), identity is not None and identity != Identity()
        await _models(gentle, each)
        if spans:
            await _watch(gentle, each, spans, rounds, every_s)


async def _units(gentle: Gentle, units: Sequence[int], found: list[Found]) -> None:
    silent = 0
    for unit in units:
        answer = await gentle.read(ReadRequest(unit, "holding", 0, 1))
        if _answers(answer):
            found.append(Found(unit))
            silent = 0
            continue
        silent += 1
        if silent == SILENT_ENDS:
            return


# SunSpec


async def _models(gentle: Gentle, found: Found) -> None:
    """The models of the unit, one after the other, wherever the sign stands."""
    for base in BASES:
        sign = await gentle.read(ReadRequest(found.unit, "holding", base, 2))
        if sign.words is not None and tuple(map(int, sign.words)) == SIGN:
            await _walk(gentle, found, base + 2)
            return


async def _walk(gentle: Gentle, found: Found, address: int) -> None:
    for _model in range(MOST_MODELS):
        if address + 2 > LAST:
            return
        head = await gentle.read(ReadRequest(found.unit, "holding", address, 2))
        if head.words is None:
            return
        number, length = (int(word) for word in head.words)
        if number == END or length == 0 or address + 2 + length > LAST:
            return
        body = await _whole(gentle, found.unit, address, length + 2)
        found.models.append(ModelFound(number, address, length, tuple(body)))
        address += 2 + length


async def _whole(gentle: Gentle, unit: int, address: int, count: int) -> list[int]:
    """*count* registers from *address*, as many at a time as one answer holds; fewer where the device refuses."""
    words: list[int] = []
    while len(words) < count:
        part = min(count - len(words), MOST_REGISTERS)
        answer = await gentle.read(ReadRequest(unit, "holding", address + len(words), part))
        if answer.words is None:
            break
        words += [int(word) for word in answer.words]
    return words


# Registers over time


async def _watch(gentle: Gentle, found: Found, spans: Sequence[Span], rounds: int, every_s: float) -> None:
    blocks = [block for span in spans for block in _blocks(span, gentle.limits.block)]
    good: list[Span] = []
    seen: dict[Span, list[list[int]]] = {}
    try:
        for block in blocks:
            async for part, words in _readable(gentle, found, block):
                good.append(part)
                seen[part] = [words]
        for _round in range(rounds if rounds > 1 else 0):
            await gentle.rest(every_s)
            for part in good:
                answer = await gentle.read(ReadRequest(found.unit, part.table, part.first, part.last - part.first + 1))
                if answer.words is not None:
                    seen[part].append([int(word) for word in answer.words])
    finally:
        _keep(found, seen)


def _keep(found: Found, seen: dict[Span, list[list[int]]]) -> None:
    """The rounds that all parts have; the first look, which took another time than a round does, only where there is little else."""
    complete = min((len(rows) for rows in seen.values()), default=0)
    begin = 1 if complete > FEW_ROUNDS else 0
    for part, rows in seen.items():
        columns = found.rounds.setdefault(part.table, {})
        for place, address in enumerate(range(part.first, part.last + 1)):
            columns[address] = [row[place] for row in rows[begin:complete]]


def _blocks(span: Span, most: int) -> Iterator[Span]:
    for first in range(span.first, span.last + 1, most):
        yield Span(span.table, first, min(first + most - 1, span.last))


async def _readable(gentle: Gentle, found: Found, block: Span) -> AsyncIterator[tuple[Span, list[int]]]:
    """The parts of *block* that the device answers, with their words; what it refuses is halved."""
    waiting = [block]
    while waiting:
        part = waiting.pop(0)
        count = part.last - part.first + 1
        answer = await gentle.read(ReadRequest(found.unit, part.table, part.first, count))
        if answer.words is not None:
            yield part, [int(word) for word in answer.words]
        elif answer.status in NO_ADDRESS and count > 1:
            middle = part.first + count // 2
            waiting[:0] = [Span(part.table, part.first, middle - 1), Span(part.table, middle, part.last)]
        else:
            _refused(found.refused, part)


def _refused(refused: list[Span], part: Span) -> None:
    """*part* is added to *refused*, as one span with what lies right before it."""
    before = refused[-1] if refused else None
    if before is not None and before.table == part.table and before.last + 1 == part.first:
        refused[-1] = Span(part.table, before.first, part.last)
    else:
        refused.append(part)
