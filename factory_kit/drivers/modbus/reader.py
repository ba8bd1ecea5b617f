"""One Modbus TCP device or gateway: one request at a time, patience and rest for each unit, reconnecting when asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import numpy as np
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from factory_kit.drivers.base import FUNCTIONS, Answer, Context, Identity, ReadRequest, Table, Words
from factory_kit.drivers.modbus.breaker import Breaker
from factory_kit.drivers.modbus.client import ReadingClient
from factory_kit.drivers.modbus.errors import refusal, translated
from factory_kit.drivers.status import Status
from factory_kit.errors import DeviceError, DeviceRefused, DeviceUnavailable
from factory_kit.model.site import ModbusServer

__all__ = ["ModbusDevice"]

REQUESTS: dict[Table, type[ModbusPDU]] = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}
REGULAR = 2
"""Read code of 43/14 that asks for vendor, product and version in one stream; a device with less answers with less."""
VENDOR, CODE, VERSION, NAME = 0, 1, 2, 4
PARTS = 8
"""So many answers of one identification are read at most."""
ASKED_AGAIN = 3
PAUSE_S = 0.1
UNITS_ASKED = 4
RETRY_S = 1.0
UNREACHABLE = (10, 11)
"""Exceptions with which a gateway says that the unit behind it does not answer."""


class ModbusDevice:
    """A device or gateway at one address. Every unit behind it has its own patience; a silent one is asked rarely."""

    def __init__(self, server: ModbusServer, context: Context) -> None:
        self._server = server
        self._context = context
        self._timeout = server.timeout_ms / 1000
        self._client: ReadingClient | None = None
        self._line = asyncio.Lock()
        self._breakers: dict[int, Breaker] = {}
        self._free_at = 0.0
        self._retry_at = 0.0
        self._hung_up_on_silence = False
        self._random = random.Random(server.address)  # noqa: S311 - jitter, no secret

    @property
    def address(self) -> str:
        """``host:port``."""
        return self._server.address

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._client is not None and self._client.connected

    async def connect(self) -> None:
        """The connection is open. ``DeviceUnavailable`` when nobody answers."""
        await self.aclose()
        client = ReadingClient(self._server.host, self._server.port or 502, self._timeout, self._sent)
        try:
            opened = await client.connect()
        except BaseException:
            client.close()
            raise
        if not opened:
            raise translated(ConnectionError(), self.address)
        self._client = client

    async def identify(self, units: Sequence[int] = (1,)) -> Identity:
        """What the first of *units* that answers says about itself; empty where it does not know function 43/14.

        ``DeviceUnavailable`` when none of the first few answers anything.
        """
        async with self._line:
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

    async def _identity_of(self, unit: int) -> Identity:
        """What *unit* says about itself; empty where it says no every time, since a busy device may say no once."""
        for attempt in range(ASKED_AGAIN):
            try:
                return _identity(await self._information(unit))
            except DeviceRefused:
                await asyncio.sleep(PAUSE_S * attempt)
        return Identity()

    async def read(self, request: ReadRequest) -> Answer:
        """The registers or bits of *request*, or why there are none."""
        async with self._line:
            breaker = self._breaker(request.unit)
            if self.connected and breaker.skips(_clock()):
                silent = DeviceUnavailable(
                    "{address} unit {unit}: does not answer; it is asked again from time to time",
                    address=self.address,
                    unit=request.unit,
                )
                return Answer(None, Status.BAD_NO_COMMUNICATION, silent)
            try:
                await self._reconnected()
                return await self._answered(request, breaker)
            except DeviceUnavailable as error:
                return Answer(None, Status.BAD_TIMEOUT if self.connected else Status.BAD_NOT_CONNECTED, error)
            except DeviceError as error:
                return Answer(None, Status.BAD_DECODING_ERROR, error)

    async def aclose(self) -> None:
        """Hung up."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def _answered(self, request: ReadRequest, breaker: Breaker) -> Answer:
        count = request.count
        pdu = REQUESTS[request.table](address=request.address, count=count, dev_id=request.unit)
        response = await self._exchange(pdu, breaker)
        if response.isError():
            what = f"function {FUNCTIONS[request.table]} at {request.address} × {count}"
            return Answer(
                None, response.exception_code, refusal(self.address, request.unit, what, response.exception_code)
            )
        # Bits come in whole bytes, so their list may be longer.
        words: Words = np.array(response.registers or response.bits[:count], dtype=np.uint16)
        if len(words) != count:
            raise DeviceRefused(
                "{address} unit {unit}: {got} values answered, {count} asked for",
                address=self.address,
                unit=request.unit,
                got=len(words),
                count=count,
            )
        return Answer(words)

    async def _exchange(self, pdu: ModbusPDU, breaker: Breaker) -> ModbusPDU:
        """The answer to *pdu* after as many tries as the unit gets; a silent unit gets one."""
        for left in range(0 if breaker.silent else self._server.retries, -1, -1):
            began = _clock()
            try:
                response = await self._ask(pdu, breaker.patience())
            except DeviceUnavailable:
                if left and self.connected:
                    continue
                self._missed(breaker)
                raise
            if response.isError() and response.exception_code in UNREACHABLE:
                self._missed(breaker)
            else:
                breaker.answered(_clock() - began)
            return response
        raise AssertionError("unreachable")

    def _missed(self, breaker: Breaker) -> None:
        """One more silence; when every unit is silent it is the connection that is dead, so it is opened anew."""
        breaker.missed(_clock())
        if self._client is not None and all(known.silent for known in self._breakers.values()):
            self._client.close()
            self._hung_up_on_silence = True

    async def _ask(self, pdu: ModbusPDU, patience: float) -> ModbusPDU:
        client = self._client
        if client is None:
            raise translated(ConnectionError(), self.address)
        await asyncio.sleep(max(0.0, self._free_at - _clock()))
        try:
            return await client.ask(pdu, patience)
        except (ModbusException, OSError, ValueError, ArithmeticError, LookupError) as error:
            raise translated(error, f"{self.address} unit {pdu.dev_id}") from error
        finally:
            self._free_at = _clock() + self._server.pause_ms / 1000

    async def _reconnected(self) -> None:
        if self.connected:
            return
        if _clock() < self._retry_at:
            raise translated(ConnectionError(), self.address)
        try:
            await self.connect()
        except DeviceUnavailable:
            self._hung_up_on_silence = False
            self._retry_at = _clock() + RETRY_S * (1 + self._random.random())
            raise
        # After a cut every unit is asked as usual again; after silence only a new try was worth it, and their rests go on.
        if not self._hung_up_on_silence:
            for breaker in self._breakers.values():
                breaker.reset()
        self._hung_up_on_silence = False

    async def _information(self, unit: int) -> dict[int, bytes]:
        """The objects of the device identification of *unit*."""
        found: dict[int, bytes] = {}
        following = 0
        for _part in range(PARTS):
            response = await self._ask(ReadDeviceInformationRequest(REGULAR, following, dev_id=unit), self._timeout)
            if not isinstance(response, ReadDeviceInformationResponse):
                raise refusal(self.address, unit, "function 43/14", response.exception_code)
            found |= {key: value for key, value in response.information.items() if isinstance(value, bytes)}
            if not response.more_follows or response.next_object_id <= following:
                break
            following = response.next_object_id
        return found

    def _breaker(self, unit: int) -> Breaker:
        return self._breakers.setdefault(unit, Breaker(self._timeout))

    def _sent(self, service: str) -> None:
        self._context.count(self.address, service)


def _clock() -> float:
    """Seconds of the event loop: for waiting, never for time stamps."""
    return asyncio.get_running_loop().time()


def _identity(objects: dict[int, bytes]) -> Identity:
    texts = {key: value.decode("utf-8", errors="replace").strip("\0 ") for key, value in objects.items()}
    return Identity(
        vendor=texts.get(VENDOR, ""), product=texts.get(NAME) or texts.get(CODE, ""), version=texts.get(VERSION, "")
    )
