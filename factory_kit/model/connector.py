"""Connectors: what one family of equipment exposes through a driver, and what it means."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from factory_kit.model.definition import Definition, Identifier, LaxDecimal, Source, Text, mistake
from factory_kit.model.driver import DriverName

__all__ = [
    "ORDERS",
    "Caveat",
    "Charset",
    "Connector",
    "DataType",
    "Grade",
    "Limits",
    "MachineState",
    "Order",
    "Point",
    "Role",
    "ScanClass",
    "StateMapping",
]

DataType = Literal[
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64",
    "bcd16", "bcd32", "bcd64", "mod10k32", "mod10k48", "mod10k64", "bits16", "bits32", "bits64", "string",
    "datetime", "unix32", "unix64", "sec2000", "iec870", "date_bytes", "date_words", "date_bcd",
]  # fmt: skip
"""What the registers hold; connectors/README.md says it type by type."""

ScanClass = Literal["fast", "normal", "medium", "slow"]
Charset = Literal["auto", "ascii", "utf-8", "gbk", "utf-16"]

ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
REGISTER = re.compile(r"AB|CD|EF|GH"), re.compile(r"BA|DC|FE|HG")
NOT_AVAILABLE = re.compile(r"nan|sunspec|0x[0-9a-f]+|-?\d+(\.\d+)?", re.IGNORECASE)


def _known_order(text: str) -> str:
    """*text* when it is one of the four patterns, or all eight bytes of 64 bits with the two of a register together."""
    pairs = [text[place : place + 2] for place in range(0, len(text), 2)]
    eight = len(set(pairs)) == 4 and any(all(each.fullmatch(pair) for pair in pairs) for each in REGISTER)
    if text not in ORDERS and not eight:
        raise mistake(
            "{order!r} is no byte order, expected ABCD, CDAB, BADC, DCBA, or the eight bytes of a 64-bit value such as GHEFCDAB",
            order=text,
        )
    return text


Order = Annotated[str, AfterValidator(_known_order)]
"""Byte order of a value over its registers, most significant byte = A; for 64 bits the same pattern over words, or all eight."""


def _known_sentinels(text: str) -> str:
    for word in text.split():
        if not NOT_AVAILABLE.fullmatch(word):
            raise mistake(
                "{word!r} is no value, expected numbers such as 0x8000 or -32768, nan or sunspec, with blanks between",
                word=word,
            )
    return text


class Role(StrEnum):
    """What a point means to the indicators."""

    STATE = "state"
    MODE = "mode"
    TOTAL_COUNT = "total_count"
    GOOD_COUNT = "good_count"
    SCRAP_COUNT = "scrap_count"
    REWORK_COUNT = "rework_count"
    """Pieces that needed work again before they were good."""
    ALARM = "alarm"
    PROGRAM = "program"
    ORDER = "order"
    OPERATOR = "operator"
    SPINDLE_LOAD = "spindle_load"
    SPEED = "speed"
    FEED = "feed"
    ACTIVE_POWER = "active_power"
    REACTIVE_POWER = "reactive_power"
    ACTIVE_ENERGY = "active_energy"
    VOLTAGE = "voltage"
    CURRENT = "current"
    POWER_FACTOR = "power_factor"
    FREQUENCY = "frequency"
    TEMPERATURE = "temperature"
    PRESSURE = "pressure"
    FLOW = "flow"
    LEVEL = "level"
    VIBRATION = "vibration"
    RUNNING_HOURS = "running_hours"
    HEARTBEAT = "heartbeat"
    CLOCK = "clock"
    ADVANCED_CONTROL = "advanced_control"
    """Whether a control loop is in the service of advanced process control (先进过程控制): 0 is not, any other number is."""
    EMISSION = "emission"
    """What environmental rules ask to be watched: dust, VOC, waste water, noise."""
    REPAIR_ORDER = "repair_order"
    """A sample per repair order of the machine, at the time it was opened; mostly imported from a maintenance system."""
    SEQUENCE = "sequence"
    """The number of the device's own record; a jump by more than one tells of records that were missed."""
    LABEL = "label"
    OTHER = "other"


class MachineState(StrEnum):
    """The states every state mapping leads to; the time model turns them into ISO 22400-2 time elements."""

    PRODUCING = "producing"
    SETUP = "setup"
    IDLE = "idle"
    DOWN = "down"
    MAINTENANCE = "maintenance"
    OFF = "off"
    UNKNOWN = "unknown"


class Point(Definition):
    """One readable value of a family of equipment, in SunSpec's words where it has one."""

    name: Identifier
    label: Text
    role: Annotated[Role, Field(strict=False)]
    address: str = Field(min_length=1)
    """OPC UA: a node id, or a browse path below the equipment's base; Modbus: ``table:address``, address counted from 0."""
    type: DataType
    order: Order = "ABCD"
    size: int = Field(default=0, ge=0, le=125)
    """Registers of a Modbus string; 0 for every other type."""
    scale: LaxDecimal = Field(default=1, validate_default=True)
    offset: LaxDecimal = Field(default=0, validate_default=True)
    sf: str = Field(default="", pattern=r"^(-?(10|[0-9])|[a-z][a-z0-9._-]{0,63})?$")
    """SunSpec scale factor: the power of ten, or the name of the point that holds it and is read in the same request."""
    unit: str = ""
    na: Annotated[str, AfterValidator(_known_sentinels)] = ""
    """Raw values that mean "not available", with blanks between: ``0x8000``, ``-1``, ``nan``, ``sunspec`` (what SunSpec gives the type)."""
    texts: str = ""
    """Name of the group of the connector's ``texts`` that says what the values, or the bits of a ``bits`` type, mean."""
    charset: Charset = "auto"
    """Signs of a string; auto: UTF-8, and GBK where it is none; utf-16 also reads one ASCII sign in each register."""
    min: LaxDecimal | None = None
    """Least plausible value, in the unit of the point; what lies outside is a bad sample."""
    max: LaxDecimal | None = None
    rate: LaxDecimal | None = Field(default=None, gt=0)
    """Largest plausible change in a second, in the unit of the point; what jumps farther must be read twice to be believed."""
    rollover: int | None = Field(default=None, gt=1)
    """A counter: how many raw values there are before it starts again from 0; None: as many as its type has."""
    scan: ScanClass = "normal"
    """fast: 1 s or better, normal: 1 s, medium: 10 s, slow: 1 min; the site may set other intervals for the four."""
    priority: Literal["high", "normal", "low"] = "normal"
    """What is read first when a line cannot keep up."""
    reading: Literal["", "subscribe", "poll"] = ""
    """OPC UA: the server reports the value, or it is read again and again; empty: as the site says for the server."""
    deadband: str = Field(default="", pattern=r"^(\d{1,12}(\.\d{1,12})?%?)?$")
    """OPC UA: smaller changes are no news; in raw units, or with % of the node's EURange."""
    queue: int | None = Field(default=None, ge=1, le=1_000_000)
    """OPC UA: values that the server keeps between two reports; None: as the site says for the server."""
    discard: Literal["oldest", "newest"] = "oldest"
    """OPC UA: what a full queue gives up."""
    personal: bool = False
    """True for what names a person; dropped at the edge unless the site records a reason."""
    source: str = ""
    """Title, version and page of the document the address comes from."""
    confidence: Literal["", "high", "medium", "low"] = ""
    """high: read in the manufacturer's own document; medium: in two independent descriptions that agree; low: in one."""


class StateMapping(Definition):
    """A named, versioned reading of the raw values of a state point."""

    profile: str
    """Name and version, such as ``opc40501@1``."""
    source: Source
    states: dict[str, Annotated[MachineState, Field(strict=False)]]
    """Raw number or text (written as text) → state; anything else is unknown."""


class Caveat(Definition):
    """One known problem of a family of equipment."""

    text: Text
    seen: str = ""
    link: str = ""


class Limits(Definition):
    """What a device can bear."""

    max_registers: int = Field(default=125, ge=1, le=125)
    max_gap: int = Field(default=0, ge=0, le=125)
    """Registers without a point that may be read through to join two blocks."""
    max_bits: int | None = Field(default=None, ge=1, le=2000)
    """Coils or discrete inputs in one request; None: as many as fit the bytes of ``max_registers``."""
    forbidden: tuple[str, ...] = ()
    """Address ranges never to be read, ``table:from-to``."""
    min_interval_ms: int = Field(default=1000, ge=1)
    pause_ms: int = Field(default=0, ge=0, le=60_000)
    """Silence that the device needs after an answer before it is asked again (turnaround)."""


class Grade(Definition):
    """How far a connector was tried: bronze samples decode, silver read over a wire from a simulator, gold on a real device."""

    grade: Literal["bronze", "silver", "gold"]
    because: str = Field(min_length=1)


class Connector(Definition):
    """What one family of equipment exposes through a driver; a folder ``connectors/<id>/``."""

    connector: Identifier
    version: str = Field(min_length=1)
    label: Text
    driver: DriverName
    products: tuple[str, ...] = ()
    sources: tuple[Source, ...] = Field(min_length=1)
    caveats: tuple[Caveat, ...] = ()
    limits: Limits = Limits()
    quality: Grade
    namespace: str = ""
    """OPC UA: the namespace URI that ``ns=?`` of the addresses stands for."""
    state_mapping: StateMapping | None = None
    time_from: str = ""
    """Name of the point that holds the time of the values read in the same request; empty: the time of reading."""
    clock: Literal["utc", "plant"] = "utc"
    """Which time the date types without a zone hold: UTC, or the time of the plant's wall."""
    texts: dict[Identifier, dict[str, Text]] = Field(default_factory=dict)
    """Groups of texts: raw value, or number of the bit counted from 0, written as text → what it means."""
    points: tuple[Point, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_exist_once(self) -> Connector:
        names = [point.name for point in self.points]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise mistake("points given twice: {names}", names=", ".join(doubles))
        if self.time_from and self.time_from not in names:
            raise mistake("time_from names no point: {name}", name=self.time_from)
        for point in self.points:
            if point.texts and point.texts not in self.texts:
                raise mistake("point {name} names texts that do not exist: {texts}", name=point.name, texts=point.texts)
            if point.sf and not point.sf.lstrip("-").isdigit() and point.sf not in names:
                raise mistake("point {name} names a scale factor that is no point: {sf}", name=point.name, sf=point.sf)
        if self.state_mapping is None and any(point.role is Role.STATE for point in self.points):
            raise mistake("a point has the role state, so state_mapping is needed")
        return self

    def point(self, name: str) -> Point:
        """The point called *name*; ``KeyError`` when there is none."""
        for point in self.points:
            if point.name == name:
                return point
        raise KeyError(name)
