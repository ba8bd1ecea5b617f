"""Factors from electricity to coal equivalent and carbon, by date, each with its source."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

from pydantic import Field

from factory_kit.errors import UsageError
from factory_kit.load.checked import yaml_file
from factory_kit.model.definition import Definition, ExactNumber, Identifier, LaxDate, Source, exact

__all__ = ["Factor", "factor"]


class Factor(Definition):
    """One factor, from a day on."""

    id: Identifier
    value: ExactNumber
    since: LaxDate = Field(alias="from")
    source: Source


class _Factors(Definition):
    factors: tuple[Factor, ...]


@cache
def _known() -> tuple[Factor, ...]:
    return yaml_file(Path(__file__).with_name("factors.yaml"), _Factors).factors


def factor(name: str, day: date) -> tuple[Fraction, Factor]:
    """The factor *name* in force on *day*; ``UsageError`` when none is that old."""
    fitting = [each for each in _known() if each.id == name and each.since <= day]
    if not fitting:
        raise UsageError("{name}: no factor is known for {day}", name=name, day=day.isoformat())
    latest = max(fitting, key=lambda each: each.since)
    return exact(latest.value), latest
