"""What is done to data before it leaves: steps that a machine applies, each with the parameters the papers name."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from factory_kit.model.definition import Definition, Identifier, LaxDecimal, Text

__all__ = [
    "Clip",
    "Operation",
    "Pseudonym",
    "Recipe",
    "Resample",
    "ResampledValue",
    "Round",
    "Scale",
    "Shift",
    "Suppress",
]

Positive = Annotated[LaxDecimal, Field(gt=0)]


class Pseudonym(Definition):
    """Every value of *field* becomes a keyed pseudonym (HMAC-SHA256); the key stays in the plant."""

    op: Literal["pseudonym"]
    field: Identifier


class Shift(Definition):
    """All times move back by one secret number of whole days or weeks, drawn from the key of the plant; never row by row."""

    op: Literal["shift"]
    field: Identifier
    granule: Literal["day", "week"] = "week"
    most: int = Field(default=104, ge=2, le=2000)
    """The secret number lies between 1 and this."""
    also: tuple[Identifier, ...] = ()
    """Other times of the row, such as its end: they move by the same number."""


class Scale(Definition):
    """A value becomes (value - zero) / rated; the field then has the unit ``1``, or ``%`` for hundred times that."""

    op: Literal["scale"]
    field: Identifier
    zero: LaxDecimal = Decimal(0)
    rated: Positive


class Round(Definition):
    """A value becomes the nearest multiple of *step*."""

    op: Literal["round"]
    field: Identifier
    step: Positive


class Clip(Definition):
    """Top and bottom coding: what lies beyond *low* or *high* is shown as that limit."""

    op: Literal["clip"]
    field: Identifier
    low: LaxDecimal | None = None
    high: LaxDecimal | None = None


class Suppress(Definition):
    """These columns of build.sql do not leave."""

    op: Literal["suppress"]
    fields: tuple[Identifier, ...] = Field(min_length=1)


class ResampledValue(Definition):
    """A column of a resampled row: the *statistic* of the column *of* over the window."""

    name: Identifier
    of: Identifier
    statistic: Literal["mean", "min", "max", "std", "count", "first", "last", "sum"]


class Resample(Definition):
    """One row for each group and window of whole seconds."""

    op: Literal["resample"]
    time: Identifier
    every_s: int = Field(ge=1, le=31 * 86400)
    by: tuple[Identifier, ...] = ()
    values: tuple[ResampledValue, ...] = Field(min_length=1)


Operation = Annotated[Pseudonym | Shift | Scale | Round | Clip | Suppress | Resample, Field(discriminator="op")]


class Recipe(Definition):
    """What is done to the data before it leaves: said in words for people, and as operations that the builder applies in order."""

    id: Identifier
    steps: tuple[Text, ...] = Field(min_length=1)
    time_shift: Literal["none"] = "none"
    operations: tuple[Operation, ...] = ()
