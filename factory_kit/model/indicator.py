"""Indicators: named, versioned SQL over the store, and the criteria their figures speak for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from factory_kit.model.connector import Role
from factory_kit.model.definition import Definition, ExactNumber, Identifier, Source, Text, exact, mistake

__all__ = ["Band", "Indicator", "IndicatorDefinition", "Share", "Speaks", "Subject", "proposed_score"]

Subject = Literal["plant", "equipment"]


def _is_share(text: str) -> str:
    if not 0 <= exact(text) <= 1:
        raise mistake("{text} is no share, expected a number from 0 to 1", text=text)
    return text


Share = Annotated[ExactNumber, AfterValidator(_is_share)]


class Band(Definition):
    """From this value of the indicator on, this score is proposed."""

    at_least: ExactNumber
    score: Share


class Speaks(Definition):
    """A criterion of a maturity model that the indicator's plant record speaks for."""

    model: str = Field(pattern=r"^[a-z0-9._-]+@[a-z0-9._-]+$")
    """Model and edition, ``gbt-39116@2020``."""
    criterion: str = Field(min_length=1)
    bands: tuple[Band, ...] = ()
    """Highest first; below all of them 0 is proposed. Empty: the record supports the criterion but proposes no score."""
    note: Text | None = None
    source: Source

    @model_validator(mode="after")
    def _bands_fall(self) -> Speaks:
        for higher, lower in pairwise(self.bands):
            if exact(higher.at_least) <= exact(lower.at_least) or exact(higher.score) <= exact(lower.score):
                raise mistake("bands must fall: the highest at_least with the highest score comes first")
        return self


class IndicatorDefinition(Definition):
    """The file ``indicator.yaml`` of a folder ``assessments/indicators/<id>/``; ``query.sql`` stands beside it."""

    indicator: Identifier
    rev: int = Field(ge=1)
    """Grows when the meaning or the SQL changes; old records keep naming the old one."""
    label: Text
    what: Text
    """What the figure is, in two or three sentences a plant manager understands."""
    unit: str = Field(min_length=1)
    """``1`` for shares and ratios."""
    measure: Text
    """What numerator and denominator count: machines, seconds of planned time, kWh."""
    per: int = Field(default=1, ge=1)
    """The SQL gives numerator and denominator in whole parts; this many parts are one of the measure. A power of ten."""
    subjects: tuple[Subject, ...] = Field(min_length=1)
    roles: tuple[Annotated[Role, Field(strict=False)], ...] = ()
    """Roles of the points the SQL reads."""
    ledger: Text
    """Which pieces of equipment of the ledger are the denominator."""
    least_coverage: Share
    """Below this known share the record is inconclusive."""
    parameters: dict[Identifier, int] = Field(default_factory=dict)
    """Whole numbers the SQL takes beside ``start`` and ``stop``; ``lookback`` (µs) is how far before the interval it reads."""
    sources: tuple[Source, ...] = Field(min_length=1)
    criteria: tuple[Speaks, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> IndicatorDefinition:
        if str(self.per).strip("0") != "1":
            raise mistake("per is {per}, expected a power of ten", per=self.per)
        if any(speaks.bands for speaks in self.criteria) and "plant" not in self.subjects:
            raise mistake("only a record of the plant proposes scores: add plant to subjects, or leave the bands out")
        return self


@dataclass(frozen=True)
class Indicator:
    """A definition, and its SQL as it stands in the file."""

    definition: IndicatorDefinition
    sql: str = field(repr=False)

    @property
    def id(self) -> Identifier:
        """The permanent name."""
        return self.definition.indicator

    @cached_property
    def sql_sha256(self) -> str:
        """The sha256 of the SQL file's bytes, in hexadecimal digits."""
        return hashlib.sha256(self.sql.encode("utf-8")).hexdigest()

    @property
    def parameters(self) -> Mapping[str, int]:
        """Whole numbers the SQL takes beside ``start`` and ``stop``."""
        return self.definition.parameters


def proposed_score(bands: tuple[Band, ...], value: Fraction) -> str:
    """The score that *bands* (highest first) give to *value*, as the text of the definition; ``0`` below all of them."""
    return next((band.score for band in bands if value >= exact(band.at_least)), "0")
