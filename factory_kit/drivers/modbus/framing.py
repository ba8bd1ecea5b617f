"""How a request is wrapped on a line without transaction numbers, and how its answer is found among what comes. Pure.

RTU ends a frame by silence and guards it by CRC-16, ASCII by a colon, CR LF and a one-byte sum (Modbus over serial line V1.02,
2.5). Both are searched for at the place and with the length that the question implies, so that noise in front does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from factory_kit.drivers.modbus.requests import IDENTIFY, Question

__all__ = ["ASCII", "RTU", "Found", "Framing", "crc16"]

EXCEPTION: Final = 0x80
POLYNOMIAL: Final = 0xA001
REQUEST: Final = 8
"""Bytes of a reading or single writing request in RTU."""


def _row(value: int) -> int:
    for _bit in range(8):
        value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
    return value


TABLE: Final = tuple(_row(value) for value in range(256))


def crc16(data: bytes) -> bytes:
    """The CRC of *data* as it is sent, low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return bytes((crc & 0xFF, crc >> 8))


@dataclass(frozen=True, slots=True)
class Found:
    """An answer, *start* bytes behind the beginning of what was searched, and where it ends."""

    pdu: bytes
    start: int
    end: int


class Framing(Protocol):
    """One way of wrapping."""

    def wrap(self, unit: int, pdu: bytes) -> bytes:
        """The frame that is sent."""

    def find(self, data: bytes, question: Question) -> Found | None:
        """The first good answer to *question* in *data*, or None while there is none."""

    def size(self, question: Question) -> int:
        """Bytes of the frame of a good answer; the least where it tells its length itself."""

    def foreign(self, data: bytes) -> bool:
        """Whether *data* holds the request of another master."""


class _Rtu:
    def wrap(self, unit: int, pdu: bytes) -> bytes:
        frame = bytes((unit,)) + pdu
        return frame + crc16(frame)

    def find(self, data: bytes, question: Question) -> Found | None:
        for start in _starts(data, question):
            for size in self._sizes(data, start, question):
                frame = data[start : start + size]
                if len(frame) == size and crc16(frame[:-2]) == frame[-2:]:
                    return Found(frame[1:-2], start, start + size)
        return None

    def size(self, question: Question) -> int:
        return (question.size or 7) + 3

    def foreign(self, data: bytes) -> bool:
        return any(
            1 <= data[place + 1] <= 6
            and crc16(data[place : place + REQUEST - 2]) == data[place + REQUEST - 2 : place + REQUEST]
            for place in range(len(data) - REQUEST + 1)
        )

    def _sizes(self, data: bytes, start: int, question: Question) -> list[int]:
        """How long the frame that begins at *start* may be, if it is one."""
        function = question.pdu[0]
        if data[start + 1] == function | EXCEPTION:
            return [5]
        if not question.size:
            return [size] if (size := _identification_size(data, start)) else []
        return [question.size + 3] if data[start + 2] == question.size - 2 else []


class _Ascii:
    def wrap(self, unit: int, pdu: bytes) -> bytes:
        frame = bytes((unit,)) + pdu
        return b":" + (frame + _sum(frame)).hex().upper().encode() + b"\r\n"

    def find(self, data: bytes, question: Question) -> Found | None:
        start = data.find(b":")
        while start >= 0:
            end = data.find(b"\r\n", start)
            if end < 0:
                return None
            start = data.rfind(b":", start, end)  # an unfinished frame in front is none
            frame = _from_hex(data[start + 1 : end])
            if frame is not None and _answers(frame[:-1], question):
                return Found(frame[1:-1], start, end + 2)
            start = data.find(b":", end)
        return None

    def size(self, question: Question) -> int:
        return 2 * ((question.size or 7) + 2) + 3

    def foreign(self, data: bytes) -> bool:
        frames = [_from_hex(piece.partition(b"\r\n")[0]) for piece in data.split(b":")[1:] if b"\r\n" in piece]
        return any(frame is not None and len(frame) == 7 and 1 <= frame[1] <= 6 for frame in frames)


RTU: Final[Framing] = _Rtu()
ASCII: Final[Framing] = _Ascii()


def _starts(data: bytes, question: Question) -> Iterator[int]:
    """The places where an answer to *question* may begin."""
    unit, function = question.unit, question.pdu[0]
    start = data.find(unit)
    while 0 <= start <= len(data) - 5:
        if data[start + 1] & ~EXCEPTION == function:
            yield start
        start = data.find(unit, start + 1)


def _identification_size(data: bytes, start: int) -> int:
    """The length of the frame of a device identification from *start* on; 0 while it is not known."""
    if data[start + 2] != IDENTIFY[1] or len(data) < start + 8:
        return 0
    place = start + 8
    for _object in range(data[start + 7]):
        if len(data) < place + 2:
            return 0
        place += 2 + data[place + 1]
    return place + 2 - start


def _answers(frame: bytes, question: Question) -> bool:
    """Whether *frame*, unit first and three bytes at least, is an answer to *question*."""
    function = question.pdu[0]
    if frame[0] != question.unit:
        return False
    if frame[1] == function | EXCEPTION:
        return len(frame) == 3
    if not question.size:
        return frame[1] == function and frame[2] == IDENTIFY[1]
    return frame[1] == function and len(frame) == question.size + 1 and frame[2] == question.size - 2


def _sum(data: bytes) -> bytes:
    """The longitudinal redundancy check: what makes the sum of all bytes 0."""
    return bytes((-sum(data) & 0xFF,))


def _from_hex(text: bytes) -> bytes | None:
    """The bytes that *text* spells, when their sum is right."""
    try:
        frame = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        return None
    if len(frame) < 4 or len(text) != 2 * len(frame) or sum(frame) & 0xFF:  # blanks and ends of lines are passed over
        return None
    return frame
