"""Runs, gaps and the loss ledger: what a collection did, and what it could not do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from factory_kit.model.sample import Origin

__all__ = ["CataloguePoint", "Gap", "LossEntry", "Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a driver into the store; times are microseconds since 1970-01-01 UTC."""

    id: str
    started: int
    origin: Origin
    kind: Literal["real", "demo"]
    what: str
    """The command that made it: collect, replay, import."""
    authorisation: str = ""
    software: str = ""


@dataclass(frozen=True, slots=True)
class CataloguePoint:
    """One point of one piece of equipment as the catalogue of a store keeps it; a changed field makes a new entry in its history."""

    equipment: str
    name: str
    role: str
    unit: str
    type: str
    address: str
    connector: str
    connector_version: str
    server: str
    scale: str = "1"
    """What raw values were multiplied by, as decimal text; ``*10^name`` behind it where the device gives a power of ten itself."""
    offset: str = "0"
    """What was then added, as decimal text, in the unit of the point."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch for which values are missing, and why; times are microseconds since 1970-01-01 UTC, half open."""

    point: int
    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class LossEntry:
    """What happened to the values of one point in one run."""

    point: int
    delivered: int
    bad: int = 0
    overflows: int = 0
    sequence_gaps: int = 0
    dropped: int = 0
    outages: int = 0
    outage_us: int = 0
    revised_sampling_ms: float | None = None
    revised_queue: int | None = None
