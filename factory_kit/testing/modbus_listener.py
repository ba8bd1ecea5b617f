"""What the Modbus servers of the simulated plant and of a replay share: how they listen, who they say they are, who stays silent."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self, cast

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from factory_kit import __version__
from factory_kit.drivers.base import OWN_VENDOR

__all__ = ["ModbusListener", "bound_port", "zeros"]


class ModbusListener(ABC):
    """Serves the units that ``devices`` gives on *host* and *port* (0: any free one); a unit that does not exist stays silent.

    The device identification (function 43/14) names us and *product*, *code* for short. Use as an asynchronous context; ``port``
    is known inside.
    """

    def __init__(self, host: str, port: int, product: str, code: str) -> None:
        self.port = port
        self._host = host
        self._product = product
        self._code = code
        self._server: ModbusTcpServer | None = None

    @abstractmethod
    def devices(self) -> Sequence[SimDevice]:
        """The units that answer."""

    async def __aenter__(self) -> Self:
        """Listen."""
        nobody = SimDevice(0, simdata=zeros(0, 65536), action=_silence)
        self._server = ModbusTcpServer(
            [*self.devices(), nobody],
            address=(self._host, self.port),
            identity=self._identity(),
            ignore_missing_devices=True,
        )
        await self._server.serve_forever(background=True)
        self.port = bound_port(self._server)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]

    def _identity(self) -> ModbusDeviceIdentification:
        return ModbusDeviceIdentification(  # type: ignore[no-untyped-call]
            info_name={
                "VendorName": OWN_VENDOR,
                "ProductCode": self._code,
                "MajorMinorRevision": __version__,
                "ProductName": self._product,
                "ModelName": self._product,
            }
        )


def zeros(first: int, count: int) -> SimData:
    """*count* registers from *first* on."""
    return SimData(first, count=count, values=0, datatype=DataType.REGISTERS)


def bound_port(server: ModbusTcpServer) -> int:
    """The port on which *server* listens: pymodbus has no word for it."""
    listener = cast("asyncio.Server", server.transport)
    port: int = listener.sockets[0].getsockname()[1]
    return port


async def _silence(*request: object) -> ExcCodes | None:
    del request
    raise NoSuchIdException
