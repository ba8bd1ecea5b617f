"""Requests that are sent many times: encoded once, with only their header written anew."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from asyncua import ua
from asyncua.ua.ua_binary import nodeid_to_binary

from factory_kit.model.sample import Int32

__all__ = ["ReadRequest", "encoded_publish"]

PUBLISH, READ = 826, 631
"""Numbers of the binary encodings of the requests (OPC 10000-6, A.3)."""
HEADER = struct.Struct("<qIIiIBBB")
"""A RequestHeader behind its token: time, handle, no diagnostics, no audit entry, patience, nothing more (OPC 10000-4, 7.32)."""
VALUE = int(ua.AttributeIds.Value)
WISH = struct.Struct("<dii")
"""Of any age, both times, how many."""
BEHIND_NODE = struct.pack("<IiHi", VALUE, -1, 0, -1)
"""The attribute, no index range, no data encoding."""


class ReadRequest:
    """A Read of the values of *nodes*, whose *places* the answer is for; encoded once, sent often.

    Named as asyncua's, because the name of a request says which service it is.
    """

    def __init__(self, nodes: Sequence[ua.NodeId], places: Sequence[int]) -> None:
        self.RequestHeader = ua.RequestHeader()
        self.places: Int32 = np.array(places, np.int32)
        listed = b"".join(nodeid_to_binary(node) + BEHIND_NODE for node in nodes)
        self._wanted = WISH.pack(0.0, int(ua.TimestampsToReturn.Both), len(nodes)) + listed

    def encoded(self) -> bytes:
        """The whole request."""
        return _header(READ, self.RequestHeader) + self._wanted


def encoded_publish(request: ua.PublishRequest) -> bytes:
    """A PublishRequest as asyncua encodes it."""
    acknowledged = request.Parameters.SubscriptionAcknowledgements
    numbers = [number for each in acknowledged for number in (each.SubscriptionId, each.SequenceNumber)]
    return _header(PUBLISH, request.RequestHeader) + struct.pack(f"<i{len(numbers)}I", len(acknowledged), *numbers)


def _header(kind: int, header: Any) -> bytes:
    time = ua.datetime_to_win_epoch(header.Timestamp)
    rest = HEADER.pack(time, header.RequestHandle, 0, -1, header.TimeoutHint, 0, 0, 0)
    token: bytes = nodeid_to_binary(header.AuthenticationToken)
    return struct.pack("<BBH", 1, 0, kind) + token + rest
