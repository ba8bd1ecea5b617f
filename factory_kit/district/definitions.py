"""What a district writes: its campaign (``campaign.yaml``) and its reporting units (``units.yaml``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from factory_kit.model.assessment import AssessmentType, ModelEdition
from factory_kit.model.definition import Definition, ExactNumber, Identifier, LaxDate, Source, Text, mistake
from factory_kit.model.site import Kind

__all__ = ["Campaign", "Disclosure", "ReportingUnit", "Target", "Targets", "Units"]


class Disclosure(Definition):
    """When a published cell is too small; ``factory_kit.district.disclosure`` holds tables against it."""

    scores: int = Field(default=5, ge=3)
    """Plants behind a published score, at least."""
    counts: int = Field(default=3, ge=2)
    """A smaller count than this is hidden."""
    shares: int = Field(default=10, ge=5)
    """Plants behind a published share, at least."""
    one: ExactNumber = "0.7"
    """A firm with a larger part of a sum than this hides the sum."""
    two: ExactNumber = "0.85"
    """The two largest firms with a larger part than this hide it too."""


class Campaign(Definition):
    """What the district asked for; statements about a submission refer to it."""

    form: Literal[1]
    id: Identifier
    name: Text
    kind: Kind
    """A demo campaign takes demo bundles only, a real one refuses them."""
    models: tuple[ModelEdition, ...] = Field(min_length=1)
    types: tuple[AssessmentType, ...] = Field(min_length=1)
    precedence: tuple[AssessmentType, ...] = Field(min_length=1)
    """Which type of assessment counts when a plant has several, first wins."""
    deadline: LaxDate
    timezone: Literal["Asia/Shanghai", "UTC"] = "Asia/Shanghai"
    """Days of the campaign begin and end there."""
    trusted_keys_only: bool
    """Whether a provider's signature counts only when its key is in the folder ``keys``; enterprises may sign with any key."""

    most_open: int = Field(ge=0)
    """More requirements without an answer than this, and the submission is returned."""
    most_not_applicable: ExactNumber = "0.3"
    """A larger share of not applicable requirements than this, and the submission is returned."""
    least_coverage: ExactNumber = "0.8"
    """Machine evidence below this share of known time is returned."""
    unknown_plants: Literal["accept", "return"] = "accept"
    """What becomes of a plant that is not in the register: accepted and marked as new, or returned."""
    listed_providers_only: bool = False
    """Whether a provider that is not in the register for the whole period is returned; otherwise it is a warning."""
    transformed_by: tuple[Literal["contract", "acceptance", "re-assessment"], ...] = ("acceptance", "re-assessment")
    """What proves that a plant was transformed; nothing published defines it, so the campaign does."""
    unverified_models: Literal["count", "trial"] = "count"
    """Whether scores by a model that nobody compared with its standard count, or count apart as trial (试评)."""
    disclosure: Disclosure = Disclosure()
    objection_days: int = Field(default=15, ge=1)
    """Whole days after a receipt, or after the office's word on it, within which its provider may object."""
    decision_days: int = Field(default=15, ge=1)
    """Whole days after an objection within which the office decides."""
    retention_days: int = Field(default=1825, ge=1)
    """Whole days after its receipt from which a bundle is named to be erased."""

    @model_validator(mode="after")
    def _ranks_every_type(self) -> Campaign:
        missing = sorted(set(self.types) - set(self.precedence))
        if missing:
            raise mistake("precedence lacks {types}", types=", ".join(missing))
        return self


class Target(Definition):
    """A figure to reach, until when, and who wrote it down."""

    id: Identifier
    due: LaxDate
    measure: str
    """What is counted for it here; empty: kept by hand."""
    at_least: ExactNumber
    up_to: ExactNumber | None = None
    name: Text
    source: Source


class Targets(Definition):
    """All targets of a district; another district replaces the file."""

    form: Literal[1]
    targets: tuple[Target, ...]


class ReportingUnit(Definition):
    """A street, town, zone or park that plants report to."""

    id: Identifier
    kind: Literal["street", "town", "zone", "park"]
    name: Text


class Units(Definition):
    """The reporting units of a district; another district replaces the file."""

    form: Literal[1]
    district: Text
    sources: tuple[Source, ...] = Field(min_length=1)
    units: tuple[ReportingUnit, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_each_once(self) -> Units:
        ids = [unit.id for unit in self.units]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise mistake("units given twice: {ids}", ids=", ".join(twice))
        return self
