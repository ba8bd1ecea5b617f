"""One Modbus device, gateway or line: patience and rest for each unit, pauses, repeats, reconnecting when asked.

The framing is our own: a line must be drained after a time-out, a unit needs its own patience, and several connections are
read at once, none of which pymodbus' client offers.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from factory_kit.drivers.base import FUNCTIONS, Answer, Context, Identity, ReadRequest
from factory_kit.drivers.modbus.breaker import Breaker
from factory_kit.drivers.modbus.errors import no_connection, refusal, translated, wrong_answer
from factory_kit.drivers.modbus.framing import ASCII, RTU
from factory_kit.drivers.modbus.lanes import Lane, Lanes
from factory_kit.drivers.modbus.line import Line, Pace
from factory_kit.drivers.modbus.links import open_serial, open_stream
from factory_kit.drivers.modbus.mbap import Mbap
from factory_kit.drivers.modbus.requests import Question, identification, identify, reading, words_of
from factory_kit.drivers.modbus.wire import Crowded, Spoiled, Wire
from factory_kit.drivers.status import Status
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable
from factory_kit.model.site import ModbusServer

__all__ = ["ModbusDevice"]

VENDOR, CODE, VERSION, NAME = 0, 1, 2, 4
PARTS = 8
"""So many answers of one identification are read at most."""
ASKED_AGAIN = 3
PAUSE_S = 0.1
UNITS_ASKED = 4
RETRY_S = 1.0
UNREACHABLE = (10, 11)
"""Exceptions with which a gateway says that the unit behind it does not answer."""
BUSY = (5, 6)
"""Exceptions with which a device asks for a moment."""
LATE, LATER_S = 2.2, 0.1
"""An answer may come so many time-outs, and a moment, after its time-out."""
LEAST_WAIT_S = 0.005
CLOSING_TURNS = 3


@dataclass(slots=True)
class _Unit:
    """One unit: whether it answers, what it needs, and who asks it at the moment when it is in doubt."""

    timeout: float
    retries: int
    pause: float
    breaker: Breaker
    free_at: float = 0.0
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)


class ModbusDevice:
    """A device, gateway or line at one address. Every unit has its own patience; a silent one is asked rarely."""

    def __init__(self, server: ModbusServer, context: Context) -> None:
        self._server = server
        self._address = server.address
        self._context = context
        self._timeout = server.timeout_ms / 1000
        self._lanes = Lanes([_wire(server, context) for _number in range(server.connections)])
        self._units: dict[int, _Unit] = {}
        self._retry_at = 0.0
        self._closed = False
        self._hung_up_on_silence = False
        self._random = random.Random(self._address)  # noqa: S311 - jitter, no secret

    @property
    def address(self) -> str:
        """``host:port``, or the name of the serial port."""
        return self._address

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._lanes.connected

    async def connect(self) -> None:
        """The connection is open. ``DeviceUnavailable`` when nobody answers."""
        self._lanes.close()
        self._closed = False
        await self._open(self._lanes.all[0])

    async def identify(self, units: Sequence[int] = (1,)) -> Identity:
        """What the first of *units* that answers says about itself; empty where it does not know function 43/14.

        ``DeviceUnavailable`` when none of the first few answers anything.
        """
        for unit in units[:UNITS_ASKED]:
            try:
                return await self._identity_of(unit)
            except DeviceUnavailable:
                continue
        raise DeviceUnavailable(
            "{address}: connected, but no unit of {units} answers in Modbus; check the port and the units",
            address=self.address,
            units=list(units),
        )

    async def read(self, request: ReadRequest) -> Answer:
        """The registers or bits of *request*, or why there are none."""
        unit = self._units.get(request.unit) or self._unit(request.unit)
        if unit.breaker.failures and unit.breaker.skips(_clock()) and self.connected:
            silent = DeviceUnavailable(
                "{address} unit {unit}: does not answer; it is asked again from time to time",
                address=self.address,
                unit=request.unit,
            )
            return Answer(None, Status.BAD_NO_COMMUNICATION, silent)
        try:
            answer = await self._answer(reading(request), unit, request)
        except DeviceUnavailable as error:
            return Answer(None, Status.BAD_TIMEOUT if self.connected else Status.BAD_NOT_CONNECTED, error)
        except DeviceError as error:
            return Answer(None, Status.BAD_DECODING_ERROR, error)
        if answer[0] & 0x80:
            what = f"function {FUNCTIONS[request.table]} at {request.address} × {request.count}"
            # The standard has no exception 0, and a status of 0 means that all is well.
            status = answer[1] or Status.BAD_DECODING_ERROR
            return Answer(None, status, refusal(self.address, request.unit, what, answer[1]))
        words = words_of(answer, request)
        return self._too_short(answer, request) if words is None else Answer(words)

    async def aclose(self) -> None:
        """Hung up."""
        self._closed = True
        self._lanes.close()
        for _turn in range(CLOSING_TURNS):
            await asyncio.sleep(0)  # transports close their sockets in the next turns of the loop

    async def _answer(self, question: Question, unit: _Unit, request: ReadRequest) -> bytes:
        """The answer to *question* after as many tries as the unit gets, between which others are asked; a silent unit gets one."""
        for left in range(0 if unit.breaker.silent else unit.retries, -1, -1):
            try:
                answer = await self._once(question, unit, request)
            except DeviceUnavailable as error:
                if left and self.connected:
                    continue
                if not isinstance(error.__cause__, Crowded):
                    self._missed(unit)
                raise
            if answer[0] & 0x80 and answer[1] in BUSY and left:
                await asyncio.sleep(PAUSE_S)
            elif answer[0] & 0x80 and answer[1] in UNREACHABLE:
                self._missed(unit)
                return answer
            else:
                return answer
        raise AssertionError("unreachable")

    async def _once(self, question: Question, unit: _Unit, request: ReadRequest) -> bytes:
        """One try: a unit in doubt keeps at most one lane busy."""
        if not unit.breaker.failures:
            return await self._on_a_lane(question, unit, request)
        async with unit.alone:
            return await self._on_a_lane(question, unit, request)

    async def _on_a_lane(self, question: Question, unit: _Unit, request: ReadRequest) -> bytes:
        """One try on the next lane that is free; the common case, an open lane and no pauses, is kept short."""
        if unit.free_at:
            await _until(unit.free_at)
        lane = self._lanes.at_once()
        if lane is None or lane.wire.free_in(question):
            if lane is not None:
                self._lanes.give(lane)
            lane = await self._lane_for(question, request.priority)
        fresh = not lane.wire.connected
        try:
            while True:
                if fresh:
                    opened = await self._reconnected(lane, request.priority)
                    if opened is not lane:
                        lane, fresh = opened, not opened.wire.connected
                        continue
                if lane.free_at:
                    await _until(lane.free_at)
                self._context.count(self.address, question.service)
                try:
                    return await self._ask(lane, question, unit, request.pause_s)
                except DeviceUnavailable as error:
                    lane, fresh = await self._after(error, lane, fresh, request.priority)
        finally:
            self._lanes.give(lane)

    async def _after(self, error: DeviceUnavailable, lane: Lane, fresh: bool, priority: int) -> tuple[Lane, bool]:
        """The lane on which to ask again, and whether it is to be opened; *error* where that would not help."""
        if self._closed or not isinstance(error.__cause__, ConnectionError):
            raise error
        # Some devices hang up after an answer, or when nobody asked for a while; on a new connection they answer.
        if not fresh:
            return lane, True
        # Others take one more connection than they bear, and end it.
        if not self._lanes.has_beside(lane):
            raise error
        self._lanes.drop(lane)
        lane = await self._lanes.take(priority)
        return lane, not lane.wire.connected

    async def _lane_for(self, question: Question, priority: int) -> Lane:
        """A lane on which no late answer can be mistaken for the one to *question*; while it is waited for, others ask."""
        while True:
            lane = await self._lanes.take(priority)
            wait = lane.wire.free_in(question)
            if not wait:
                return lane
            self._lanes.give(lane)
            await asyncio.sleep(max(LEAST_WAIT_S, wait / 8))

    async def _ask(self, lane: Lane, question: Question, unit: _Unit, pause: float) -> bytes:
        breaker = unit.breaker
        began = _clock()
        try:
            answer = await lane.wire.ask(question, breaker.patience(), LATE * unit.timeout + LATER_S)
        except (OSError, Spoiled) as error:  # a time-out is an OSError
            raise translated(error, f"{self.address} unit {question.unit}") from error
        finally:
            ended = _clock()
            if self._server.pause_ms:
                lane.free_at = ended + self._server.pause_ms / 1000
            if unit.pause or pause:
                unit.free_at = ended + max(unit.pause, pause)
        breaker.answered(ended - began)
        return answer

    def _missed(self, unit: _Unit) -> None:
        """One more silence; when every unit is silent it is the connection that is dead, so it is opened anew."""
        unit.breaker.missed(_clock())
        if self.connected and all(known.breaker.silent for known in self._units.values()):
            self._lanes.close()
            self._hung_up_on_silence = True

    async def _reconnected(self, lane: Lane, priority: int) -> Lane:
        """A connected lane: *lane* itself, or another one where the device bears no more connections."""
        if self._lanes.connected:
            try:
                await self._open(lane)
            except DeviceUnavailable:
                self._lanes.drop(lane)
                return await self._lanes.take(priority)
            return lane
        if _clock() < self._retry_at:
            raise no_connection(ConnectionError(), self.address)
        try:
            await self._open(lane)
        except DeviceUnavailable:
            self._hung_up_on_silence = False
            self._retry_at = _clock() + RETRY_S * (1 + self._random.random())
            raise
        # After a cut every unit is asked as usual again; after silence only a new try was worth it, and their rests go on.
        if not self._hung_up_on_silence:
            for unit in self._units.values():
                unit.breaker.reset()
        self._hung_up_on_silence = False
        return lane

    async def _open(self, lane: Lane) -> None:
        try:
            await lane.wire.open(self._timeout)
        except OSError as error:
            raise no_connection(error, self.address) from error

    async def _identity_of(self, unit: int) -> Identity:
        """What *unit* says about itself; empty where it says no every time, since a busy device may say no once."""
        for attempt in range(ASKED_AGAIN):
            try:
                return _identity(await self._information(unit))
            except DeviceRefused:
                await asyncio.sleep(PAUSE_S * attempt)
        return Identity()

    async def _information(self, number: int) -> dict[int, bytes]:
        """The objects of the device identification of unit *number*."""
        found: dict[int, bytes] = {}
        unit = _Unit(self._timeout, 0, 0.0, Breaker(self._timeout))
        first = 0
        for _part in range(PARTS):
            answer = await self._on_a_lane(identify(number, first), unit, ReadRequest(number, "holding", 0, 0))
            if answer[0] & 0x80:
                raise refusal(self.address, number, "function 43/14", answer[1])
            objects = identification(answer)
            if objects is None:
                raise wrong_answer(self.address, "function 43/14")
            found |= objects.values
            if objects.following is None or objects.following <= first:
                break
            first = objects.following
        return found

    def _too_short(self, answer: bytes, request: ReadRequest) -> Answer:
        got = (len(answer) - 2) // 2 if FUNCTIONS[request.table] > 2 else (len(answer) - 2) * 8
        return Answer(
            None,
            Status.BAD_DECODING_ERROR,
            DeviceRefused(
                "{address} unit {unit}: {got} values answered, {count} asked for",
                address=self.address,
                unit=request.unit,
                got=got,
                count=request.count,
            ),
        )

    def _unit(self, number: int) -> _Unit:
        timeout, retries, pause = self._server.setting(number)
        return self._units.setdefault(number, _Unit(timeout, retries, pause, Breaker(timeout)))


def _wire(server: ModbusServer, context: Context) -> Wire:
    """The transport that *server* names, not yet open."""
    if server.transport in {"rtu", "ascii"}:
        byte = (1 + server.data_bits + (server.parity != "none") + server.stop_bits) / server.baud
        # 3.5 characters, at high speeds a fixed time (serial line V1.02, 2.5.1.1); adapters hold bytes back for 16 ms and more.
        silence = max(3.5 * byte, 0.00175)
        pace = Pace(byte, silence, max(2 * silence, 0.05))
        return Line(RTU if server.transport == "rtu" else ASCII, partial(open_serial, server), pace)
    if server.transport in {"rtu-over-tcp", "ascii-over-tcp"}:
        return Line(RTU if server.transport == "rtu-over-tcp" else ASCII, partial(open_stream, server), Pace())
    host, _colon, port = server.address.rpartition(":")
    tls = _tls(server, context.certificates) if server.transport == "tls" else None
    return Mbap(host, int(port), datagrams=server.transport == "udp", tls=tls)


def _tls(server: ModbusServer, folder: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer; the device must show the certificate that ``trusted`` names, or one issued by it."""
    place = (folder or Path()) / server.trusted
    if not server.trusted or not place.is_file():
        raise DeviceRefused(
            "{address}: TLS needs the certificate of the device or of who issued it; name its file in trusted, found nothing at {place}",
            address=server.address,
            place=place,
        )
    context = ssl.create_default_context(cafile=str(place))
    context.check_hostname = False  # certificates of devices name no host; trust is pinned to the file
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    own, key = (folder or Path()) / "modbus.pem", (folder or Path()) / "modbus.key"
    if own.is_file() and key.is_file():
        context.load_cert_chain(own, key)
    return context


async def _until(moment: float) -> None:
    wait = moment - _clock()
    if wait > 0:
        await asyncio.sleep(wait)


def _clock() -> float:
    """Seconds of the event loop: for waiting, never for time stamps."""
    return asyncio.get_running_loop().time()


def _identity(objects: dict[int, bytes]) -> Identity:
    texts = {key: value.decode("utf-8", errors="replace").strip("\0 ") for key, value in objects.items()}
    return Identity(
        vendor=texts.get(VENDOR, ""), product=texts.get(NAME) or texts.get(CODE, ""), version=texts.get(VERSION, "")
    )
