"""SunSpec information models: what stands where in the registers of an inverter or a meter that follows them. Pure.

The table ``sunspec.csv`` holds models 1, 101 to 103, 111 to 113, 201 to 204 and 211 to 214 (SunSpec Alliance, sunspec/models).
A device holds the sign ``SunS`` at 40000, 50000 or 0, then one model after the other: number, length, registers; 0xFFFF ends them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["BASES", "COMMON", "END", "SIGN", "Model", "SunSpecPoint", "known_model"]

BASES = (40000, 50000, 0)
"""Where the sign may stand, in the order in which to look (SunSpec Device Information Model Specification, 5.1)."""
SIGN = (0x5375, 0x6E53)
"""``SunS`` in two registers."""
COMMON = 1
END = 0xFFFF

TYPES = {
    "acc32": "uint32", "acc64": "uint64", "bitfield16": "bits16", "bitfield32": "bits32", "enum16": "uint16", "enum32": "uint32",
    "float32": "float32", "int16": "int16", "int32": "int32", "string": "string", "sunssf": "int16", "uint16": "uint16", "uint32": "uint32",
}  # fmt: skip
"""Type of SunSpec → type of a point."""


@dataclass(frozen=True, slots=True)
class SunSpecPoint:
    """One point of a model: ``offset`` counts from the register with the number of the model."""

    name: str
    offset: int
    type: str
    size: int
    factor: str
    """Name of the point that holds its power of ten; empty without one."""
    unit: str
    label_zh: str
    label_en: str
    states: Mapping[int, str]
    """Number → name, where the point is an enumeration."""
    is_factor: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """One information model; ``length`` counts the registers after the two of its head."""

    number: int
    points: tuple[SunSpecPoint, ...]

    @property
    def length(self) -> int:
        """Registers after number and length, up to the last point that is known."""
        return max(point.offset + point.size for point in self.points) - 2


def known_model(number: int) -> Model | None:
    """The model called *number*, or None for one that the table does not hold."""
    return _models().get(number)


@cache
def _models() -> dict[int, Model]:
    points: dict[int, list[SunSpecPoint]] = {}
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            for number in row["models"].split():
                points.setdefault(int(number), []).append(_point(row))
    return {
        number: Model(number, tuple(sorted(each, key=lambda point: point.offset))) for number, each in points.items()
    }


def _point(row: Mapping[str, str]) -> SunSpecPoint:
    pairs = (each.partition("=") for each in row["states"].split())
    return SunSpecPoint(
        name=row["name"],
        offset=int(row["offset"]),
        type=TYPES[row["type"]],
        size=int(row["size"]),
        factor=row["sf"],
        unit=row["unit"],
        label_zh=row["label_zh"],
        label_en=row["label_en"],
        states={int(number): name for number, _equals, name in pairs},
        is_factor=row["type"] == "sunssf",
    )
