"""What is asked and what is answered, whatever the transport: only reading functions can be spelled here. Pure.

Source: Modbus application protocol V1.1b3, 6.1 to 6.4 and 6.21.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from factory_kit.drivers.base import FUNCTIONS, ReadRequest, Words
from factory_kit.errors import DeviceRefused

__all__ = [
    "IDENTIFY",
    "READING",
    "Objects",
    "Question",
    "identification",
    "identify",
    "reading",
    "require_reading",
    "words_of",
]

READING: Final = frozenset({1, 2, 3, 4})
"""Read coils, discrete inputs, holding registers, input registers."""
IDENTIFY: Final = (43, 14)
"""Read device identification."""
REGULAR: Final = 2
"""Read code of 43/14 that asks for vendor, product and version in one stream; a device with less answers with less."""
WIRE_WORD: Final = np.dtype(">u2")
WORD: Final = np.dtype(np.uint16)
BITS: Final = frozenset({1, 2})
READ = struct.Struct(">BHH")
SERVICES: Final = {function: f"function {function}" for function in READING}


class Question(NamedTuple):
    """One request to one unit: *pdu* as it is sent, and how long a good answer is (0: it tells that itself)."""

    unit: int
    pdu: bytes
    size: int

    @property
    def service(self) -> str:
        """What is asked for, as the request log writes it: ``function 3`` or ``function 43/14``."""
        return SERVICES.get(self.pdu[0], f"function {self.pdu[0]}/{self.pdu[1]}")


@dataclass(frozen=True, slots=True)
class Objects:
    """Part of a device identification: values by object id, and the id to go on with (None: that was all)."""

    values: dict[int, bytes]
    following: int | None


def require_reading(pdu: bytes) -> None:
    """Nothing; ``DeviceRefused`` when *pdu* asks for anything but reading. Every byte that is sent has passed here."""
    function = pdu[0] if pdu else 0
    if function not in READING and tuple(pdu[:2]) != IDENTIFY:
        raise DeviceRefused("Modbus function {function} is not a reading one and is never sent", function=function)


def reading(request: ReadRequest) -> Question:
    """The question for the registers or bits of *request*."""
    function = FUNCTIONS[request.table]
    count = request.count
    size = 2 + ((count + 7) // 8 if function in BITS else 2 * count)
    return Question(request.unit, READ.pack(function, request.address, count), size)


def words_of(answer: bytes, request: ReadRequest) -> Words | None:
    """The registers, or the bits as 0 and 1, in a good *answer* to *request*; None when it is not as long as it must be."""
    function = FUNCTIONS[request.table]
    size = (request.count + 7) // 8 if function in BITS else 2 * request.count
    if len(answer) != 2 + size or answer[1] != size:
        return None
    if function in BITS:
        bits = np.unpackbits(np.frombuffer(answer, np.uint8, offset=2), bitorder="little")
        return bits[: request.count].astype(np.uint16)
    return np.frombuffer(answer, WIRE_WORD, offset=2).astype(WORD)


def identify(unit: int, first: int = 0) -> Question:
    """The question who *unit* is, from object *first* on."""
    return Question(unit, bytes([*IDENTIFY, REGULAR, first]), 0)


def identification(answer: bytes) -> Objects | None:
    """The objects in the answer to ``identify``; None when it is malformed."""
    if len(answer) < 7 or answer[1] != IDENTIFY[1]:
        return None
    more, following, count = answer[4], answer[5], answer[6]
    values: dict[int, bytes] = {}
    place = 7
    for _object in range(count):
        if place + 2 > len(answer) or place + 2 + answer[place + 1] > len(answer):
            return None
        end = place + 2 + answer[place + 1]
        values[answer[place]] = answer[place + 2 : end]
        place = end
    return Objects(values, following if more == 0xFF else None)
