"""The site: the user's file that says which equipment exists, where it answers, and who allowed reading it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from factory_kit.model.definition import Definition, Identifier, LaxDate, LaxDecimal, LaxTime, Text, mistake
from factory_kit.model.driver import OWN_DRIVERS, DriverName

__all__ = [
    "DEPRECATED",
    "Authorisation",
    "Calendar",
    "Control",
    "Equipment",
    "Industry",
    "Kind",
    "ModbusServer",
    "OpcUaServer",
    "Operation",
    "OtherServer",
    "Plant",
    "Server",
    "Shift",
    "Site",
    "UnitSettings",
    "Weekday",
]

Kind = Literal["real", "demo"]
DEPRECATED = ("Basic256", "Basic128Rsa15")
"""Security policies that rest on SHA-1 (OPC 10000-7); some old servers have no other."""
Control = Literal["manual", "nc", "cnc", "dnc", "fmc", "plc", "dcs", "pcs", "other"]
"""How a machine is controlled (数控化); all but manual and other count as numerically controlled."""
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise mistake("{name!r} is no time zone of the IANA list, such as Asia/Shanghai", name=name) from error
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]


class Industry(Definition):
    """An industry class with the edition of the list it is taken from."""

    code: str = Field(pattern=r"^[A-Z]?\d{2,4}$")
    edition: str = "GB/T 4754-2017"


class Plant(Definition):
    """The plant that is looked at."""

    id: Identifier
    name: Text
    credit_code: str = Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")
    """统一社会信用代码, 18 signs, always text."""
    site_no: str = "01"
    type: Literal["discrete", "process"]
    industry: Industry
    timezone: TimeZone = "Asia/Shanghai"


class Authorisation(Definition):
    """Who allowed reading which addresses until when; without it nothing is read."""

    granted_by: str = Field(min_length=1)
    reference: str = Field(min_length=1)
    """Number or title of the written permission."""
    granted_on: LaxDate
    valid_until: LaxDate
    addresses: tuple[str, ...] = Field(min_length=1)
    """``host:port`` or a serial port, exactly as the servers name them."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Authorisation:
        if self.valid_until < self.granted_on:
            raise mistake("valid_until lies before granted_on")
        return self


class Shift(Definition):
    """Planned production time of a day; ``end`` not after ``start`` means the next morning."""

    name: Text
    start: LaxTime
    end: LaxTime
    days: tuple[Weekday, ...] = WEEK


class Calendar(Definition):
    """Planned time of the plant; without shifts the plant is planned round the clock, and reports say so."""

    shifts: tuple[Shift, ...] = ()
    holidays: tuple[LaxDate, ...] = ()


class OpcUaServer(Definition):
    """An OPC UA server and how to speak to it; secrets are never in this file."""

    driver: Literal["opcua"]
    url: str = Field(pattern=r"^opc\.tcp://([^@\s/:\[\]]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?(/[^@\s]*)?$")
    security: Literal[
        "auto", "None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss", "Basic256", "Basic128Rsa15"
    ] = "auto"
    """``auto`` takes the safest that is offered and never None; None and the two deprecated ones must be asked for by name."""
    mode: Literal["auto", "None", "Sign", "SignAndEncrypt"] = "auto"
    user: str = ""
    """User name; its password comes from FACTORY_KIT_PASSWORD_<SERVER>, the keyring or a prompt."""
    user_certificate: Identifier | None = None
    """A user who proves itself by a certificate: ``keys/opcua/users/<this>.der`` with its key ``.key`` (PEM) in the workspace."""
    publishing_ms: int = Field(default=500, ge=1)
    sampling_ms: int = Field(default=1000, ge=0)
    fast_ms: int | None = Field(default=None, ge=0)
    """Sampling interval of points with the scan class fast; None: as the normal ones."""
    medium_ms: int = Field(default=10_000, ge=0)
    slow_ms: int = Field(default=60_000, ge=0)
    queue_size: int = Field(default=300, ge=1)
    """Values of a point that the server keeps while the line is down: with a change every 100 ms 300 are half a minute."""
    reading: Literal["subscribe", "poll"] = "subscribe"
    """Whether the server reports changes by itself, or every point is read at its sampling interval; points may say otherwise."""
    trigger: Literal["timestamp", "value"] = "timestamp"
    """What makes a new sample: another status or value, or also the same value at another source time (OPC 10000-4, 7.22.2)."""
    session_timeout_s: int = Field(default=60, ge=5)

    @property
    def address(self) -> str:
        """``host:port`` of the server."""
        rest = self.url.removeprefix("opc.tcp://").split("/", 1)[0]
        return rest if rest.rpartition(":")[2].isdigit() else f"{rest}:4840"


class UnitSettings(Definition):
    """What one unit behind a gateway or on a line needs otherwise than the others; None: as the server says."""

    timeout_ms: int | None = Field(default=None, ge=10)
    retries: int | None = Field(default=None, ge=0, le=10)
    pause_ms: int | None = Field(default=None, ge=0)


class ModbusServer(Definition):
    """A Modbus device, gateway or serial line, with all units behind it."""

    driver: Literal["modbus"]
    transport: Literal["tcp", "tls", "udp", "rtu-over-tcp", "ascii-over-tcp", "rtu", "ascii"] = "tcp"
    """rtu and ascii are serial lines; the others need a host."""
    host: str = ""
    port: int | None = Field(default=None, ge=1, le=65535, validate_default=True)
    """None: 502, or 802 for tls."""
    serial: str = ""
    """Serial port such as /dev/ttyUSB0 or COM3."""
    baud: int = Field(default=9600, ge=50, le=4_000_000)
    parity: Literal["none", "even", "odd"] = "even"
    """even is what the standard asks for; many devices are delivered with none."""
    data_bits: Literal[7, 8] = 8
    stop_bits: Literal[1, 2] = 1
    trusted: str = ""
    """tls: file with the certificate of the device or of who issued it (PEM), beside the certificates of the workspace."""
    connections: int = Field(default=1, ge=1, le=16)
    """Connections used at once, each with one request under way; more than one only where the device bears it."""
    interval_ms: int = Field(default=1000, ge=1)
    fast_ms: int | None = Field(default=None, ge=1)
    """Interval of points with the scan class fast; None: as the normal ones."""
    medium_ms: int = Field(default=10_000, ge=1)
    slow_ms: int = Field(default=60_000, ge=1)
    timeout_ms: int = Field(default=1000, ge=10)
    retries: int = Field(default=1, ge=0, le=10)
    pause_ms: int = Field(default=0, ge=0)
    """Silence between two requests on the connection."""
    units: dict[Annotated[int, Field(strict=False, ge=1, le=255)], UnitSettings] = Field(default_factory=dict)
    """What single units need otherwise."""

    @model_validator(mode="after")
    def _reachable(self) -> ModbusServer:
        on_wire = self.transport in {"rtu", "ascii"}
        if on_wire and (not self.serial or self.host):
            raise mistake(
                "the transport {transport} needs serial, the name of a serial port, and no host",
                transport=self.transport,
            )
        if not on_wire and (not self.host or self.serial):
            raise mistake("the transport {transport} needs a host and no serial port", transport=self.transport)
        if self.connections > 1 and self.transport not in {"tcp", "tls"}:
            raise mistake("the transport {transport} is one line, so connections must be 1", transport=self.transport)
        return self

    @property
    def address(self) -> str:
        """``host:port`` of the device, or the name of the serial port."""
        return self.serial or f"{self.host}:{self.port or (802 if self.transport == 'tls' else 502)}"

    def setting(self, unit: int) -> tuple[float, int, float]:
        """Time-out in seconds, retries, and seconds of silence after an answer, of *unit*."""
        own = self.units.get(unit, UnitSettings())
        timeout, retries, pause = (
            one if mine is None else mine
            for mine, one in (
                (own.timeout_ms, self.timeout_ms),
                (own.retries, self.retries),
                (own.pause_ms, self.pause_ms),
            )
        )
        return timeout / 1000, retries, pause / 1000


class OtherServer(Definition):
    """A device that a driver of another package reads (entry point ``factory_kit.drivers``)."""

    driver: DriverName
    address: str = Field(pattern=r"^[^@\s]+$")
    """``host:port`` or a serial port, as the authorisation names it."""
    interval_ms: int = Field(default=1000, ge=1)
    fast_ms: int | None = Field(default=None, ge=1)
    """Interval of points with the scan class fast; None: as the normal ones."""
    medium_ms: int = Field(default=10_000, ge=1)
    slow_ms: int = Field(default=60_000, ge=1)
    timeout_ms: int = Field(default=5000, ge=10)
    """How long connecting may take, or a read of all points that are due."""
    settings: dict[Identifier, str | int | float | bool] = Field(default_factory=dict)
    """What this driver wants to know besides; its own document says what."""

    @model_validator(mode="before")
    @classmethod
    def _named(cls, content: object) -> object:
        """A mistyped driver is told as such, not as ten wrong keys."""
        if isinstance(content, dict) and "driver" not in content:
            raise mistake("is missing its {discriminator}", discriminator="driver")
        if isinstance(content, dict) and "address" not in content:
            raise mistake(
                "{driver!r} is none of our drivers ({own}); one of another package needs address, such as 192.0.2.7:7878",
                driver=str(content["driver"]),
                own=", ".join(OWN_DRIVERS),
            )
        return content


def _kind_of_server(content: object) -> str:
    driver = content.get("driver") if isinstance(content, dict) else getattr(content, "driver", None)
    return str(driver) if driver in OWN_DRIVERS else "other"


Server = Annotated[
    Annotated[OpcUaServer, Tag("opcua")]
    | Annotated[ModbusServer, Tag("modbus")]
    | Annotated[OtherServer, Tag("other")],
    Discriminator(_kind_of_server),
]


class Equipment(Definition):
    """A machine of the plant's ledger (台账), connected or not."""

    id: Identifier
    name: Text
    kind: Identifier = "machine"
    key: bool = False
    """Key equipment (关键设备)."""
    digital: bool = False
    """Digital equipment (数字化设备) by the ledger, whether connected or not."""
    connector: Identifier | None = None
    server: Identifier | None = None
    unit: int | None = Field(default=None, ge=0, le=255)
    """Modbus unit identifier."""
    base: str = ""
    """OPC UA: what ``{base}`` stands for in the addresses of the connector."""
    ideal_cycle_s: LaxDecimal | None = Field(default=None, ge=Decimal("0.000001"), le=1_000_000)
    """Planned run time per item (PRI of ISO 22400-2), seconds."""
    without: tuple[Identifier, ...] = ()
    """Points of the connector that this machine does not have."""
    feeds: tuple[Identifier, ...] = ()
    """A meter: the equipment whose energy it measures; empty where that is not known or not asked."""
    control: Control | None = None
    """How it is controlled; None where nobody has said."""
    product: Identifier | None = None
    """The product its good counter counts; only for the last machine of a product's way, whose pieces leave the line."""

    @model_validator(mode="after")
    def _connected_or_not(self) -> Equipment:
        if (self.connector is None) != (self.server is None):
            raise mistake("connector and server belong together: give both or neither")
        return self

    @property
    def connected(self) -> bool:
        """Whether the site says how to read it."""
        return self.connector is not None


class Operation(Definition):
    """An operation of the main process (工序), and the machines that do it; none where it is done by hand."""

    id: Identifier
    name: Text
    key: bool = False
    """Key operation (关键工序)."""
    equipment: tuple[Identifier, ...] = ()


class Site(Definition):
    """The user's file ``site.yaml``."""

    site: Literal[1]
    kind: Kind
    plant: Plant
    authorisation: Authorisation | None = None
    calendar: Calendar = Calendar()
    servers: dict[Identifier, Server] = Field(default_factory=dict)
    equipment: tuple[Equipment, ...] = Field(min_length=1)
    """The whole ledger: its length is the denominator of every rate."""
    operations: tuple[Operation, ...] = ()
    """The operations of the main process, those done by hand too; empty where nobody has listed them."""
