"""pymodbus' client, so narrowed that it can only read: every request passes one gate before a byte is sent."""

from __future__ import annotations

from collections.abc import Callable

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException
from pymodbus.pdu import ModbusPDU

from factory_kit.errors import DeviceRefused

__all__ = ["IDENTIFY", "READING", "ReadingClient", "service"]

READING = frozenset({1, 2, 3, 4})
"""Read coils, discrete inputs, holding registers, input registers."""
IDENTIFY = (43, 14)
"""Read device identification."""
NEVER = 2**31


def service(pdu: ModbusPDU) -> str:
    """What a request asks for, as the request log writes it: ``function 3`` or ``function 43/14``."""
    if pdu.function_code == IDENTIFY[0]:
        return f"function {pdu.function_code}/{pdu.sub_function_code}"
    return f"function {pdu.function_code}"


class ReadingClient(AsyncModbusTcpClient):
    """A Modbus TCP connection that refuses every request but the reading ones and tells *count* of each it sends."""

    def __init__(self, host: str, port: int, timeout: float, count: Callable[[str], None]) -> None:
        self._count = count
        self._waiting = False
        super().__init__(
            host,
            port=port,
            timeout=timeout,
            retries=0,  # retries are ours, with the patience of each unit
            reconnect_delay=0,  # so is reconnecting
            trace_pdu=self._gate,
            trace_connect=self._on_connect,
        )
        # pymodbus hangs up on all units of a gateway when one stays silent; units are told apart by their breakers instead.
        self.set_max_no_responses(NEVER)

    async def ask(self, pdu: ModbusPDU, patience: float) -> ModbusPDU:
        """The answer to *pdu* within *patience* seconds; errors are those of pymodbus."""
        self.ctx.comm_params.timeout_connect = patience
        self._waiting = True
        try:
            response: ModbusPDU = await self.execute(False, pdu)
        finally:
            self._waiting = False
        return response

    def _gate(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if sending:
            allowed = pdu.function_code in READING or (pdu.function_code, pdu.sub_function_code) == IDENTIFY
            if not allowed:
                raise DeviceRefused("Modbus {service} is not a reading one and is never sent", service=service(pdu))
            self._count(service(pdu))
        return pdu

    def _on_connect(self, connected: bool) -> None:
        """Wake a waiting request when the other side hangs up, which pymodbus leaves to its time-out."""
        if not connected and self._waiting and not self.ctx.response_future.done():
            self.ctx.response_future.set_exception(ConnectionException("closed by the device"))
