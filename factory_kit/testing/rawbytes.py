"""DataValues as bytes (OPC 10000-6, 5.2.2.17), made once and written anew only where they change."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from asyncua import ua
from asyncua.ua.ua_binary import variant_to_binary

__all__ = ["Changing", "Feed", "InTurn", "Item", "Rows", "double", "filetime", "variant"]

EPOCH = 116_444_736_000_000_000


def filetime(time: int) -> int:
    """A DateTime as it is encoded, of *time* in µs since 1970 UTC."""
    return time * 10 + EPOCH


class Feed(Protocol):
    """Makes what is published."""

    items: int
    """How many monitored items it tells of."""

    def named(self, handles: Sequence[int]) -> None:
        """What the client calls the items, in their order."""

    def tick(self, number: int, time: int) -> tuple[bytes, int]:
        """The part of a notification that is due at *time* (a DateTime as encoded), and how many values it holds."""


@dataclass(frozen=True, slots=True)
class Item:
    """One DataValue. What is None is left out; ``value`` is an encoded Variant; times are DateTimes as encoded."""

    value: bytes | None = None
    status: int | None = None
    source: int | None = None
    source_pico: int | None = None
    server: int | None = None
    server_pico: int | None = None

    @property
    def mask(self) -> int:
        """Which fields there are."""
        fields = (self.value, self.status, self.source, self.server, self.source_pico, self.server_pico)
        return sum(1 << bit for bit, each in enumerate(fields) if each is not None)

    def encoded(self) -> bytes:
        """In the order of the standard: each time is followed by its picoseconds."""
        tail = (
            ("<I", self.status),
            ("<q", self.source),
            ("<H", self.source_pico),
            ("<q", self.server),
            ("<H", self.server_pico),
        )
        return b"".join(
            (
                bytes([self.mask]),
                self.value or b"",
                *(struct.pack(form, each) for form, each in tail if each is not None),
            )
        )


def double(value: float) -> bytes:
    """A Variant of one Double."""
    return struct.pack("<Bd", 11, value)


def variant(value: Any, kind: Any) -> bytes:
    """A Variant of any type."""
    encoded: bytes = variant_to_binary(ua.Variant(value, kind))
    return encoded


class Rows:
    """Items one after the other whose times, and values where these are Doubles, are written anew at every turn."""

    def __init__(self, items: Sequence[Item], *, handles: bool) -> None:
        self._handles = handles
        parts, ends, at = [], [], 0
        times: list[int] = []
        values: list[int] = []
        heads: list[int] = []
        for handle, item in enumerate(items):
            head = struct.pack("<I", handle) if handles else b""
            body = item.encoded()
            heads.append(at)
            parts.append(head + body)
            if item.value is not None and item.value[0] == DOUBLE:
                values.append(at + len(head) + 2)
            at += len(head) + len(body)
            ends.append(at)
            behind = at - 2 * (item.server_pico is not None)
            if item.server is not None:
                times.append(behind - 8)
                behind -= 8
            behind -= 2 * (item.source_pico is not None)
            if item.source is not None:
                times.append(behind - 8)
        self._bytes = bytearray(b"".join(parts))
        self._ends = ends
        self._heads = np.array(heads, np.intp)
        self._times, self._values = np.array(times, np.intp), np.array(values, np.intp)
        self._as_times = np.ndarray(max(0, at - 7), "<i8", self._bytes, strides=(1,))
        self._as_values = np.ndarray(max(0, at - 7), "<f8", self._bytes, strides=(1,))

    def __len__(self) -> int:
        return len(self._ends)

    def named(self, handles: Sequence[int]) -> None:
        """The items have these client handles from now on."""
        everywhere = np.ndarray(max(0, len(self._bytes) - 3), "<u4", self._bytes, strides=(1,))
        everywhere[self._heads] = handles[: len(self)]

    def encoded(self, time: int, count: int | None = None) -> bytes:
        """A list of the first *count* items with *time*; Doubles count the turns."""
        count = len(self) if count is None else min(count, len(self))
        self._as_times[self._times] = time
        self._as_values[self._values] += 1.0
        end = self._ends[count - 1] if count else 0
        return struct.pack("<i", count) + memoryview(self._bytes)[:end]


DOUBLE = 11


@dataclass
class Changing:
    """Every item changes at every tick."""

    rows: Rows
    items: int = field(init=False)

    def __post_init__(self) -> None:
        """As many items as rows."""
        self.items = len(self.rows)

    def named(self, handles: Sequence[int]) -> None:
        """What the client calls them."""
        self.rows.named(handles)

    def tick(self, number: int, time: int) -> tuple[bytes, int]:
        """All of them in one DataChangeNotification."""
        del number
        body = self.rows.encoded(time) + bytes(4)
        return struct.pack("<BBHBi", 1, 0, 811, 1, len(body)) + body, self.items


@dataclass
class InTurn:
    """Now the one feed, now the other, of the same items: no two notifications after each other are alike."""

    feeds: Sequence[Changing]
    items: int = field(init=False)

    def __post_init__(self) -> None:
        """As many items as the first."""
        self.items = self.feeds[0].items

    def named(self, handles: Sequence[int]) -> None:
        """What the client calls them."""
        for feed in self.feeds:
            feed.named(handles)

    def tick(self, number: int, time: int) -> tuple[bytes, int]:
        """What the feed whose turn it is makes."""
        return self.feeds[number % len(self.feeds)].tick(number, time)
