"""The simulated meters and the compressor as units of one Modbus TCP server."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Self, cast

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from factory_kit import __version__
from factory_kit.testing.machines import Value
from factory_kit.testing.plantmodel import PlantModel

__all__ = [
    "COMPRESSOR_REGISTERS",
    "METER_REGISTERS",
    "PRODUCT",
    "UNITS",
    "VENDOR",
    "EnergyServer",
    "bound_port",
    "registers",
]

VENDOR = "Factory Kit"
PRODUCT = "Simulated plant"
"""What tells a collector that these devices are simulated (device identification, function 43/14)."""

UNITS = {1: "meter-01", 2: "meter-02", 3: "meter-03", 4: "meter-04", 5: "compressor-01"}

Field = tuple[str, str, float]
"""Point, form for ``struct`` (``<`` in front: least significant register first), value of one count."""

METER_REGISTERS: tuple[Field, ...] = (
    ("time", "Q", 1),
    ("voltage_l1", "f", 1),
    ("voltage_l2", "f", 1),
    ("voltage_l3", "f", 1),
    ("current_l1", "f", 1),
    ("current_l2", "f", 1),
    ("current_l3", "f", 1),
    ("active_power", "f", 1),
    ("power_factor", "f", 1),
    ("frequency", "f", 1),
    ("active_energy", "I", 0.01),
)
"""24 registers from 0 on: plant time in microseconds first, so that one request reads the values with their time."""

COMPRESSOR_REGISTERS: tuple[Field, ...] = (
    ("time", "Q", 1),
    ("state", "H", 1),
    ("pressure", "h", 0.01),
    ("active_power", "H", 0.1),
    ("temperature", "h", 0.1),
    ("running_hours", "<I", 0.1),
)
"""10 registers from 100 on; the running hours come least significant register first, as on many controllers."""

_FIRST = {"meter": 0, "compressor": 100}


def registers(fields: tuple[Field, ...], values: dict[str, Value]) -> list[int]:
    """The 16-bit registers that hold *values* in the order of *fields*."""
    words: list[int] = []
    for point, form, count in fields:
        value = values[point] if form == "f" else round(values[point] / count)
        packed = struct.pack(f">{form.removeprefix('<')}", value)
        block = struct.unpack(f">{len(packed) // 2}H", packed)
        words.extend(reversed(block) if form.startswith("<") else block)
    return words


class EnergyServer:
    """Serves meters and compressor of *model* on *host* and *port* (0: any free one) at the plant time of *clock*.

    The values of a request are computed when it arrives, all at the same plant time. A unit that does not answer leaves
    the client waiting, as does a unit that does not exist. Writing is refused. Use as an asynchronous context; ``port``
    is known inside.
    """

    def __init__(self, model: PlantModel, clock: Callable[[], int], host: str = "127.0.0.1", port: int = 0) -> None:
        self._model = model
        self._clock = clock
        self._host = host
        self.port = port
        self._server: ModbusTcpServer | None = None

    async def __aenter__(self) -> Self:
        """Listen."""
        devices = [self._device(unit, equipment) for unit, equipment in UNITS.items()]
        nobody = SimDevice(0, simdata=_block(0, 65536), action=_silence)
        self._server = ModbusTcpServer(
            [*devices, nobody], address=(self._host, self.port), identity=_identity(), ignore_missing_devices=True
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

    def _device(self, unit: int, equipment: str) -> SimDevice:
        fields, first = (
            (COMPRESSOR_REGISTERS, _FIRST["compressor"])
            if equipment.startswith("compressor")
            else (METER_REGISTERS, _FIRST["meter"])
        )
        count = len(registers(fields, dict.fromkeys((point for point, _, _ in fields), 0)))
        return SimDevice(unit, simdata=_block(first, count), action=self._refresh(equipment, fields))

    def _refresh(self, equipment: str, fields: tuple[Field, ...]) -> Action:
        async def refresh(
            function: int,
            start: int,
            address: int,
            count: int,
            current: list[int],
            values: list[int] | list[bool] | None,
        ) -> ExcCodes | None:
            del function, start, address, count
            if values is not None:
                return ExcCodes.ILLEGAL_FUNCTION
            now = self._clock()
            reading = self._model.reading(equipment, now)
            if reading is None:
                raise NoSuchIdException
            words = registers(fields, {**reading, "time": now})
            current[: len(words)] = words
            return None

        return refresh


Action = Callable[
    [int, int, int, int, list[int], list[int] | list[bool] | None], Coroutine[None, None, ExcCodes | None]
]


async def _silence(*request: object) -> ExcCodes | None:
    del request
    raise NoSuchIdException


def _block(first: int, count: int) -> SimData:
    return SimData(first, count=count, values=0, datatype=DataType.REGISTERS)


def _identity() -> ModbusDeviceIdentification:
    return ModbusDeviceIdentification(  # type: ignore[no-untyped-call]
        info_name={
            "VendorName": VENDOR,
            "ProductCode": "simulated-plant",
            "MajorMinorRevision": __version__,
            "ProductName": PRODUCT,
            "ModelName": PRODUCT,
        }
    )


def bound_port(server: ModbusTcpServer) -> int:
    """The port on which *server* listens: pymodbus has no word for it."""
    listener = cast("asyncio.Server", server.transport)
    port: int = listener.sockets[0].getsockname()[1]
    return port
