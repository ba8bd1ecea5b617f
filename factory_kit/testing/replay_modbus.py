"""A recording as units of a Modbus TCP server: row number, time and values of a row in one block of holding registers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pymodbus.constants import ExcCodes
from pymodbus.simulator import SimDevice

from factory_kit.model.sample import Quality
from factory_kit.testing.modbus_listener import ModbusListener, zeros
from factory_kit.testing.replay_recording import Column, Recording

__all__ = ["FIRST_VALUE", "PRODUCT", "ROW", "TIME", "RegisterServer", "Unit", "block_of", "units_of"]

PRODUCT = "Replay"
"""What tells a collector that these values are replayed (device identification, function 43/14)."""

ROW, TIME, FIRST_VALUE = 0, 2, 6
"""Addresses: row number (uint32, from 1), time (uint64, µs since 1970 UTC), then one float32 after the other."""
MOST_VALUES = (125 - FIRST_VALUE) // 2
"""What one read can hold beside row number and time."""

Block = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Unit:
    """The number columns of one piece of equipment, or as many of them as one read can hold."""

    number: int
    source: str
    """The equipment of the recording."""
    equipment: str
    """The equipment that is read from this unit: ``<source>-modbus``, then ``<source>-modbus-2`` and so on."""
    columns: tuple[Column, ...]


def units_of(recording: Recording) -> tuple[Unit, ...]:
    """The units that serve *recording*, from 1 on; texts are left out, as registers of another size would not fit a block."""
    units: list[Unit] = []
    for source in recording.equipment:
        numbers = [column for column in recording.columns_of(source) if column.text is None]
        for part, start in enumerate(range(0, len(numbers), MOST_VALUES), start=1):
            name = f"{source}-modbus" if part == 1 else f"{source}-modbus-{part}"
            units.append(Unit(len(units) + 1, source, name, tuple(numbers[start : start + MOST_VALUES])))
    return tuple(units)


def block_of(recording: Recording, columns: Sequence[Column]) -> Block:
    """One row of registers for each row of *recording*; NaN where there is no good value, as a float has no other word for it."""
    form = np.dtype([("row", ">u4"), ("time", ">u8"), ("values", ">f4", (len(columns),))])
    block = np.zeros(len(recording), form)
    block["row"], block["time"] = np.arange(1, len(recording) + 1), recording.times
    with np.errstate(over="ignore"):  # beyond float32 is infinite, as on any device
        for place, column in enumerate(columns):
            block["values"][:, place] = np.where(column.quality == Quality.GOOD, column.value, np.nan)
    return block.view(">u2").reshape(len(recording), -1).astype(np.uint16)


class RegisterServer(ModbusListener):
    """Serves *recording* on *host* and *port* (0: any free one); ``show`` puts one of its rows into the registers.

    A request is answered from one row, whatever it asks for, so no answer is torn. Writing is refused; a unit that does
    not exist stays silent. *arrived* is told of each unit that a client reads for the first time. Use as an asynchronous
    context; ``port`` is known inside.
    """

    def __init__(
        self, recording: Recording, arrived: Callable[[], None], *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(host, port, PRODUCT, "replay")
        self.units = units_of(recording)
        self._blocks = [block_of(recording, unit.columns) for unit in self.units]
        self._row = 0
        self._waiting: set[int] = set()
        self._was_read = asyncio.Event()
        self._arrived = arrived
        self._read: set[int] = set()

    @property
    def watched(self) -> int:
        """How many units some client has read."""
        return len(self._read)

    def devices(self) -> list[SimDevice]:
        """A unit for each block of columns."""
        return [self._device(unit, block) for unit, block in zip(self.units, self._blocks, strict=True)]

    async def show(self, row: int) -> None:
        """Every answer from now on holds *row*."""
        self._row = row
        self._waiting = set(self._read)
        self._was_read.clear()

    async def row_read(self) -> None:
        """Returns when every unit that clients read has been read since the row is shown."""
        if self._waiting:
            await self._was_read.wait()

    def _device(self, unit: Unit, block: Block) -> SimDevice:
        async def answer(
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
            current[:] = block[self._row].tolist()
            self._waiting.discard(unit.number)
            if not self._waiting:
                self._was_read.set()
            if unit.number not in self._read:
                self._read.add(unit.number)
                self._arrived()
            return None

        return SimDevice(unit.number, simdata=zeros(0, block.shape[1]), action=answer)
