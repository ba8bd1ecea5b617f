"""A Modbus TCP server in which each register answers with its own address, and which keeps what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.pdu import ModbusPDU
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from factory_kit.testing.background import BackgroundServer
from factory_kit.testing.modbus_listener import bound_port

__all__ = ["NumberedServer", "Request"]

_ADDRESSES = 65536


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived: unit, function code, first address (counted from 0) and number of registers or bits."""

    unit: int
    function: int
    address: int
    count: int


class NumberedServer(BackgroundServer):
    """Holding and input register *n* hold *n*; coil and discrete input *n* are on where *n* is odd; use as a context.

    Registers in *holes* (ranges) are illegal addresses: a request that touches one gets exception 2. Units in *silent*
    never answer. Every answer waits *latency_s*, one request at a time, as on a serial line behind a gateway. Writing is refused.
    *port* 0 is any free one; ``port`` is known inside.
    """

    def __init__(
        self,
        *,
        units: Collection[int] = (1,),
        silent: Collection[int] = (),
        holes: Sequence[range] = (),
        latency_s: float = 0.0,
        port: int = 0,
    ) -> None:
        super().__init__()
        self.host = "127.0.0.1"
        self.port = port
        self.requests: list[Request] = []
        """Every request that arrived, in order, answered or not."""
        self._units = units
        self._silent = frozenset(silent)
        self._holes = tuple(holes)
        self._latency_s = latency_s
        self._line = asyncio.Lock()
        self._server: ModbusTcpServer | None = None

    async def _listen(self) -> None:
        devices = [self._device(unit) for unit in sorted({*self._units, *self._silent})]
        self._server = ModbusTcpServer(
            devices, address=(self.host, self.port), ignore_missing_devices=True, trace_pdu=self._seen
        )
        await self._server.serve_forever(background=True)
        self.port = bound_port(self._server)

    async def _stop(self) -> None:
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]

    def _seen(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if not sending:
            self.requests.append(
                Request(pdu.dev_id, pdu.function_code, getattr(pdu, "address", 0), getattr(pdu, "count", 0))
            )
        return pdu

    def _device(self, unit: int) -> SimDevice:
        bits = SimData(0, values=[bool(address % 2) for address in range(_ADDRESSES)], datatype=DataType.BITS)
        words = SimData(0, values=list(range(_ADDRESSES)), datatype=DataType.REGISTERS)
        silent = unit in self._silent

        async def answer(
            function: int,
            start: int,
            address: int,
            count: int,
            current: list[int],
            values: list[int] | list[bool] | None,
        ) -> ExcCodes | None:
            del function, start, current
            if silent:
                raise NoSuchIdException
            async with self._line:
                await asyncio.sleep(self._latency_s)
            if values is not None:
                return ExcCodes.ILLEGAL_FUNCTION
            touched = range(address, address + count)
            if any(max(hole.start, touched.start) < min(hole.stop, touched.stop) for hole in self._holes):
                return ExcCodes.ILLEGAL_ADDRESS
            return None

        return SimDevice(unit, simdata=([bits], [bits], [words], [words]), action=answer)
