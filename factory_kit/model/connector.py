"""Connectors: what one family of equipment exposes through a driver, and what it means."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from factory_kit.model.definition import Definition, Identifier, LaxDecimal, Source, Text, mistake

__all__ = ["Caveat", "Connector", "Grade", "Limits", "MachineState", "Point", "Role", "StateMapping"]

DataType = Literal[
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64",
    "bcd16", "bcd32", "bits16", "string", "datetime",
]  # fmt: skip

Order = Literal["ABCD", "DCBA", "BADC", "CDAB"]
"""Byte order of a value over its registers, most significant byte = A; for 64 bits the same pattern over words."""


class Role(StrEnum):
    """What a point means to the indicators."""

    STATE = "state"
    MODE = "mode"
    TOTAL_COUNT = "total_count"
    GOOD_COUNT = "good_count"
    SCRAP_COUNT = "scrap_count"
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
    unit: str = ""
    scan: Literal["fast", "normal", "slow"] = "normal"
    """fast: 1 s or better, normal: 1 s, slow: 1 min; the site may set other intervals for the three."""
    personal: bool = False
    """True for what names a person; dropped at the edge unless the site records a reason."""
    source: str = ""
    """Title, version and page of the document the address comes from."""


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
    forbidden: tuple[str, ...] = ()
    """Address ranges never to be read, ``table:from-to``."""
    min_interval_ms: int = Field(default=1000, ge=1)


class Grade(Definition):
    """How far a connector was tried: bronze samples decode, silver read over a wire from a simulator, gold on a real device."""

    grade: Literal["bronze", "silver", "gold"]
    because: str = Field(min_length=1)


class Connector(Definition):
    """What one family of equipment exposes through a driver; a folder ``connectors/<id>/``."""

    connector: Identifier
    version: str = Field(min_length=1)
    label: Text
    driver: Literal["opcua", "modbus", "replay"]
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
    points: tuple[Point, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_exist_once(self) -> Connector:
        names = [point.name for point in self.points]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise mistake("points given twice: {names}", names=", ".join(doubles))
        if self.time_from and self.time_from not in names:
            raise mistake("time_from names no point: {name}", name=self.time_from)
        if self.state_mapping is None and any(point.role is Role.STATE for point in self.points):
            raise mistake("a point has the role state, so state_mapping is needed")
        return self

    def point(self, name: str) -> Point:
        """The point called *name*; ``KeyError`` when there is none."""
        for point in self.points:
            if point.name == name:
                return point
        raise KeyError(name)
