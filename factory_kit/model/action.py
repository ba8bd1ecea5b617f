"""Actions as data: what a plant can do, which requirements it raises, what must stand first, what it costs and how long it takes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from factory_kit.model.definition import (
    Confidence,
    Definition,
    EitherText,
    ExactNumber,
    Identifier,
    Text,
    exact,
    mistake,
)
from factory_kit.model.maturity import Code, Edition

__all__ = ["Action", "Actions", "Basis", "Cost"]


class Cost(Definition):
    """What an action costs, from low to high, in units of the file; above zero, so that no action is free of choice."""

    low: ExactNumber
    high: ExactNumber

    @model_validator(mode="after")
    def _ascend(self) -> Cost:
        if not 0 < exact(self.low) <= exact(self.high):
            raise mistake("a cost must be above 0 and go from low to high")
        return self


class Basis(Definition):
    """Where costs and effects come from, told in the reader's language, and how sure they are."""

    title: EitherText
    version: str = ""
    page: str = ""
    url: str = ""
    confidence: Confidence = "secondary"


class Action(Definition):
    """One thing a plant can do."""

    id: Identifier
    label: Text
    cost: Cost
    months: int = Field(ge=1, le=120)
    needs: tuple[Identifier, ...] = ()
    """Actions without which this one makes no sense."""
    raises: dict[Code, ExactNumber] = Field(min_length=1)
    """Criterion → the value it has at least afterwards."""
    source: Basis | None = None
    """Where cost and effect come from, where that is not the source of the file."""


class Actions(Definition):
    """``assessments/actions/<model>.yaml``: what can be done to move up in one model edition."""

    form: Literal[1]
    model: Identifier
    edition: Edition
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    unit: int = Field(ge=1)
    """Costs count in so many of the currency."""
    source: Basis
    actions: tuple[Action, ...] = Field(min_length=1)
