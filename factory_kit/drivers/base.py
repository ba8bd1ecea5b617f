"""What a driver is: few words shared by collection and the protocols, free of any protocol library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from factory_kit.errors import DeviceError, Problem
from factory_kit.model.connector import Connector
from factory_kit.model.registers import Table
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.model.site import Server

__all__ = [
    "FUNCTIONS",
    "Answer",
    "Arrival",
    "Context",
    "Device",
    "Driver",
    "HistoryDevice",
    "Identity",
    "Monitored",
    "NodeItem",
    "Past",
    "ReadRequest",
    "RegisterDevice",
    "StreamingDevice",
    "Stretch",
    "Table",
    "Value",
    "ValueDevice",
    "Words",
    "password_variable",
]

FUNCTIONS: dict[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
"""The reading function code of each Modbus table (Modbus application protocol V1.1b3, 6.1 to 6.4)."""

Words = npt.NDArray[np.uint16]
"""Registers of an answer, or its bits as 0 and 1."""

SIMULATOR_URI = "urn:factory-kit:simulator"
REPLAY_URI = "urn:factory-kit:replay"
OWN_VENDOR = "Factory Kit"
OWN_PRODUCTS = {"Simulated plant": Origin.SIMULATED, "Replay": Origin.REPLAYED}


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server says about itself; every field may be empty."""

    vendor: str = ""
    product: str = ""
    version: str = ""
    product_uri: str = ""

    @property
    def origin(self) -> Origin:
        """The origin of everything it delivers: our own simulator and replay servers declare themselves."""
        if self.product_uri == SIMULATOR_URI:
            return Origin.SIMULATED
        if self.product_uri == REPLAY_URI:
            return Origin.REPLAYED
        return OWN_PRODUCTS.get(self.product, Origin.LIVE) if self.vendor == OWN_VENDOR else Origin.LIVE


@dataclass(frozen=True, slots=True, order=True)
class ReadRequest:
    """One Modbus read: *count* registers (or bits) of *table* from *address*, counted from 0, of *unit*."""

    unit: int
    table: Table
    address: int
    count: int
    priority: int = field(default=1, compare=False)
    """0 high, 1 normal, 2 low: who goes first when a line cannot keep up."""
    pause_s: float = field(default=0.0, compare=False)
    """Silence the unit needs after its answer."""


class Answer(NamedTuple):
    """What came of a read: words, or a bad status and the reason in one line."""

    words: Words | None
    status: int = 0
    """0, the exception code of the device (1 to 255), or an OPC UA status for what the driver found itself."""
    reason: DeviceError | None = None


@dataclass(frozen=True, slots=True)
class NodeItem:
    """One OPC UA variable to be watched: its address with ``ns=?`` not yet resolved, and how to sample it."""

    node: str
    """``ns=<number>;…`` or ``nsu=<namespace URI>;…`` followed by ``i=``, ``s=``, ``g=`` or ``b=``."""
    sampling_ms: float
    queue_size: int
    polled: bool = False
    """Read every ``sampling_ms`` instead of watched by the server."""
    deadband: float = 0.0
    """Smaller changes are no news; 0: every change is."""
    percent: bool = False
    """``deadband`` is a percentage of the node's EURange, not a number of its unit."""
    keep_newest: bool = True
    """What a full queue gives up: the oldest values, or (False) all but the newest of those that come."""
    priority: int = 0
    """0 to 255; the server reports higher ones first."""


@dataclass(frozen=True, slots=True)
class Monitored:
    """What the server made of one item: a status (0 is good), its name, and the revised sampling interval and queue size."""

    status: int
    reason: str = ""
    sampling_ms: float | None = None
    queue_size: int | None = None
    polled: bool = False
    """It is read again and again, by wish or because the server has no room to watch it."""
    publishing_ms: float | None = None
    """How long a value may wait at the server at most before it is reported; None where it is polled, or not known."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What one notification brought: ``batch.point`` holds the index of the item in the order of subscribing.

    ``published`` is the server's own clock (µs, 0 where it gives none) and ``missed`` the notifications that the sequence
    numbers say are missing before this one and that the server no longer held when asked; ``about`` are the items such a
    notification can have told of, None: any. A batch of length 0 is a sign of life.
    """

    batch: SampleBatch
    published: int = 0
    missed: int = 0
    about: npt.NDArray[np.int32] | None = None
    broken: str = ""
    """Why nothing is known of these items since the last sign of life: the server gave up their subscription alone."""
    more: bool = False
    """Whether older values than ``published`` may still wait at the server."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The values of item number *item* from *start* to *end*, both included, are wanted (µs UTC, source time)."""

    item: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Past:
    """What the history of one item holds of a stretch: a batch whose ``point`` is the item, and whether more follows.

    A status that is not 0 says why there is none, ``reason`` is its name.
    """

    item: int
    batch: SampleBatch
    status: int = 0
    reason: str = ""
    last: bool = True


def password_variable(server: str) -> str:
    """The environment variable that holds the password for *server* of the site file."""
    return "FACTORY_KIT_PASSWORD_" + "".join(sign if sign.isalnum() else "_" for sign in server.upper())


@dataclass(frozen=True, slots=True)
class Context:
    """What every device is given from outside: the clock, the request log and where secrets come from."""

    now: Callable[[], int]
    """Microseconds since 1970-01-01 UTC."""
    count: Callable[[str, str], None] = field(default=lambda _address, _service: None)
    """Told of every request before it is sent: address, and service or function."""
    secret: Callable[[str], str | None] = field(default=lambda _server: None)
    """The password of a server of the site, if there is one."""
    certificates: Path | None = None
    """Folder of the application certificate and of the pinned certificates of servers."""


class Device(Protocol):
    """A server or device; nothing is sent before ``connect``, and only reading requests afterwards.

    Every method raises ``DeviceUnavailable`` when trying again may help and ``DeviceRefused`` when it will not.
    """

    @property
    def address(self) -> str:
        """``host:port`` as the authorisation record names it."""

    async def connect(self) -> None:
        """The connection is open, as the user typed the address."""

    async def identify(self, units: Sequence[int] = ()) -> Identity:
        """What the device says about itself; all empty where it says nothing. *units* are those worth asking (Modbus)."""

    async def aclose(self) -> None:
        """The connection is closed cleanly; never raises, never waits long."""


class RegisterDevice(Device, Protocol):
    """A device that answers one read at a time."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection; a read tries to open a lost one again."""

    async def read(self, request: ReadRequest) -> Answer:
        """The registers or bits of *request*; a failure is an answer too, and nothing is raised."""


class Value(NamedTuple):
    """What one address held when it was read: a number, a truth, a text, or None where the device has nothing to say."""

    value: float | bool | str | None
    status: int = 0
    """0, or the protocol's own number of what was wrong: the sample is then bad."""
    time: int | None = None
    """When the device took the value (µs UTC, its own clock); None: when it was read."""


class ValueDevice(Device, Protocol):
    """A device that is asked for the values of addresses again and again: what drivers of other packages are."""

    async def read(self, addresses: Sequence[str]) -> Sequence[Value]:
        """What *addresses* hold now, one value for each, in as few requests as the protocol allows."""


class HistoryDevice(Device, Protocol):
    """A server that may keep a history."""

    async def know(self, items: Sequence[NodeItem]) -> list[Monitored]:
        """The nodes of *items* are resolved in this session, for ``history``; one answer for each."""

    def history(self, stretches: Sequence[Stretch]) -> AsyncIterator[Past]:
        """What the server's history holds of *stretches*, page by page, oldest first."""


class StreamingDevice(HistoryDevice, Protocol):
    """A server that reports changes by itself."""

    async def subscribe(self, items: Sequence[NodeItem], publishing_ms: float) -> list[Monitored]:
        """The server watches *items*; one answer for each, a bad one never spoils the others."""

    async def arrivals(self) -> list[Arrival]:
        """What came since the last call; waits for the first. ``DeviceUnavailable`` when the server says nothing any more."""

    async def resume(self) -> bool:
        """There is a session again. True: the old subscriptions live, and what the server kept will arrive, so nothing is lost.

        False: subscribe anew; a connection that was never open before is opened.
        """

    async def mended(self) -> None:
        """Returns as soon as a person has mended what the last refusal was about, where that shows on this side; else never."""

    async def retry(self, places: Sequence[int]) -> list[Monitored]:
        """The items at *places*, which the server did not know, are asked for once more, in the subscriptions that live."""

    @property
    def started(self) -> int:
        """When the server started, by its own clock (µs UTC); 0 where it does not say."""


class Driver(Protocol):
    """A module that speaks one protocol."""

    def validate(self, connector: Connector) -> list[Problem]:
        """All mistakes of *connector* that show without a device."""

    def device(self, name: str, server: Server, context: Context) -> Device:
        """The device behind *server*, called *name* in the site file; not yet connected."""
