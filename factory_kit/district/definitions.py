"""What a district writes: its campaign (``campaign.yaml``) and its reporting units (``units.yaml``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from factory_kit.model.assessment import AssessmentType, ModelEdition
from factory_kit.model.definition import Definition, Identifier, LaxDate, Source, Text, mistake
from factory_kit.model.site import Kind

__all__ = ["Campaign", "ReportingUnit", "Units"]


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

    @model_validator(mode="after")
    def _ranks_every_type(self) -> Campaign:
        missing = sorted(set(self.types) - set(self.precedence))
        if missing:
            raise mistake("precedence lacks {types}", types=", ".join(missing))
        return self


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
