"""Status codes: OPC UA's, kept raw, and those of it that drivers use for what they find themselves.

The ``status`` of a sample is the raw word of its protocol: an OPC UA StatusCode (OPC 10000-4, 7.39), or the exception code of
a Modbus answer (1 to 255, Modbus application protocol V1.1b3, 7). What a driver finds itself, such as a time-out, is written
as the OPC UA code of that meaning for every protocol; the two never meet, since OPC UA codes begin at 0x40000000.
"""

from __future__ import annotations

import numpy as np

from factory_kit.model.sample import Int8, Int64

__all__ = ["MODBUS_EXCEPTIONS", "OVERFLOW", "Status", "overflowed", "qualities"]

OVERFLOW = 0x480
"""Info type DataValue (0x400) with the overflow bit (0x080): the server's queue was too short."""


class Status:
    """The OPC UA codes that drivers give themselves."""

    GOOD = 0x00000000
    BAD_DECODING_ERROR = 0x80070000
    BAD_TIMEOUT = 0x800A0000
    BAD_NO_COMMUNICATION = 0x80310000
    BAD_OUT_OF_RANGE = 0x803C0000
    """Not plausible: outside the range of the point, or a jump that was not confirmed."""
    BAD_NOT_SUPPORTED = 0x803D0000
    BAD_DATA_UNAVAILABLE = 0x809E0000
    """The device itself says that it has no value."""
    BAD_NOT_CONNECTED = 0x808A0000
    UNCERTAIN_SUBSTITUTE_TIME = 0x40000000
    """Uncertain without a reason of its own: the value is good, its device's clock was not."""


MODBUS_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}


def qualities(status: Int64) -> Int8:
    """0 good, 1 uncertain, 2 bad for each OPC UA status, by its top two bits (3 is reserved and read as bad)."""
    quality: Int8 = np.minimum((status >> 30) & 3, 2).astype(np.int8)
    return quality


def overflowed(status: Int64) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which OPC UA states say that values before this one were lost in the server's queue."""
    return np.asarray((status & OVERFLOW) == OVERFLOW)
