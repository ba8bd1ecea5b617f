"""The simulated meters and the compressor as units of one Modbus TCP server."""

from __future__ import annotations

import struct
from collections.abc import Callable, Coroutine

from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.simulator import SimDevice

from factory_kit.testing.machines import Value
from factory_kit.testing.modbus_listener import ModbusListener, zeros
from factory_kit.testing.plantmodel import PlantModel

__all__ = [
    "COMPRESSOR_REGISTERS",
    "METER_REGISTERS",
    "PRODUCT",
    "UNITS",
    "EnergyServer",
    "registers",
]

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


class EnergyServer(ModbusListener):
    """Serves meters and compressor of *model* on *host* and *port* (0: any free one) at the plant time of *clock*.

    The values of a request are computed when it arrives, all at the same plant time. A unit that does not answer leaves
    the client waiting, as does a unit that does not exist. Writing is refused. Use as an asynchronous context; ``port``
    is known inside.
    """

    def __init__(self, model: PlantModel, clock: Callable[[], int], host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port, PRODUCT, "simulated-plant")
        self._model = model
        self._clock = clock

    def devices(self) -> list[SimDevice]:
        """The meters and the compressor."""
        return [self._device(unit, equipment) for unit, equipment in UNITS.items()]

    def _device(self, unit: int, equipment: str) -> SimDevice:
        fields, first = (
            (COMPRESSOR_REGISTERS, _FIRST["compressor"])
            if equipment.startswith("compressor")
            else (METER_REGISTERS, _FIRST["meter"])
        )
        count = len(registers(fields, dict.fromkeys((point for point, _, _ in fields), 0)))
        return SimDevice(unit, simdata=zeros(first, count), action=self._refresh(equipment, fields))

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
