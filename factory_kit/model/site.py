"""The site: the user's file that says which equipment exists, where it answers, and who allowed reading it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from factory_kit.model.definition import Definition, Identifier, LaxDate, LaxDecimal, LaxTime, Text, mistake

__all__ = [
    "Authorisation",
    "Calendar",
    "Equipment",
    "Industry",
    "Kind",
    "ModbusServer",
    "OpcUaServer",
    "Plant",
    "Server",
    "Shift",
    "Site",
    "Weekday",
]

Kind = Literal["real", "demo"]
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
    security: Literal["auto", "None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] = "auto"
    mode: Literal["auto", "None", "Sign", "SignAndEncrypt"] = "auto"
    user: str = ""
    """User name; its password comes from FACTORY_KIT_PASSWORD_<SERVER>, the keyring or a prompt."""
    publishing_ms: int = Field(default=500, ge=1)
    sampling_ms: int = Field(default=1000, ge=0)
    fast_ms: int | None = Field(default=None, ge=0)
    """Sampling interval of points with the scan class fast; None: as the normal ones."""
    slow_ms: int = Field(default=60_000, ge=0)
    queue_size: int = Field(default=300, ge=1)
    trigger: Literal["timestamp", "value"] = "timestamp"
    """What makes a new sample: another status or value, or also the same value at another source time (OPC 10000-4, 7.22.2)."""
    session_timeout_s: int = Field(default=60, ge=5)

    @property
    def address(self) -> str:
        """``host:port`` of the server."""
        rest = self.url.removeprefix("opc.tcp://").split("/", 1)[0]
        return rest if rest.rpartition(":")[2].isdigit() else f"{rest}:4840"


class ModbusServer(Definition):
    """A Modbus TCP device or gateway."""

    driver: Literal["modbus"]
    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65535)
    interval_ms: int = Field(default=1000, ge=1)
    fast_ms: int | None = Field(default=None, ge=1)
    """Interval of points with the scan class fast; None: as the normal ones."""
    slow_ms: int = Field(default=60_000, ge=1)
    timeout_ms: int = Field(default=1000, ge=10)
    retries: int = Field(default=1, ge=0, le=10)
    pause_ms: int = Field(default=0, ge=0)
    """Silence between two requests on the connection."""

    @property
    def address(self) -> str:
        """``host:port`` of the device."""
        return f"{self.host}:{self.port}"


Server = Annotated[OpcUaServer | ModbusServer, Field(discriminator="driver")]


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

    @model_validator(mode="after")
    def _connected_or_not(self) -> Equipment:
        if (self.connector is None) != (self.server is None):
            raise mistake("connector and server belong together: give both or neither")
        return self

    @property
    def connected(self) -> bool:
        """Whether the site says how to read it."""
        return self.connector is not None


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
