"""Answers of one plant against one model edition: the file ``answers.yaml`` of an assessment.

Every answer is one of three things: a value from the options of its criterion, no value with the kind and its reason,
or the acceptance of what the machine evidence proposes. A criterion that the file does not name is not assessed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from factory_kit.model.definition import Definition, ExactNumber, Identifier, LaxDate, mistake
from factory_kit.model.maturity import Code, Edition

__all__ = [
    "Answer",
    "Answers",
    "EvidenceGrade",
    "EvidenceItem",
    "NoValueKind",
    "NoValueWord",
    "Period",
    "Trim",
]

EvidenceGrade = Literal["A", "B", "C", "D"]
"""A machine record, B document seen, C observation or interview, D declared only."""

NoValueWord = Literal["not applicable", "unknown", "not assessed", "inconclusive"]
"""The kinds of no value as people write them; ``NoValueKind`` in code."""

Sha256 = r"^[0-9a-f]{64}$"


class NoValueKind(StrEnum):
    """Why there is no value; the four stay apart to the end."""

    NOT_APPLICABLE = "not applicable"
    """The plant does not have what the criterion speaks about; leaves the mean, needs a reason."""
    UNKNOWN = "unknown"
    """Asked, and nobody could show it; counts as the lowest value."""
    NOT_ASSESSED = "not assessed"
    """Not asked yet; makes the score provisional."""
    INCONCLUSIVE = "inconclusive"
    """Too little machine data for a value; makes the score provisional."""


class Trim(Definition):
    """A node left out because the plant does not do this activity."""

    node: Code
    reason: str = Field(min_length=1)
    agreed_by: str = Field(min_length=1)


class Period(Definition):
    """The days that evidence speaks for, both included."""

    start: LaxDate
    end: LaxDate

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Period:
        if self.end < self.start:
            raise mistake("end lies before start")
        return self


class EvidenceItem(Definition):
    """One thing that an answer rests on."""

    grade: EvidenceGrade
    note: str = Field(min_length=1)
    """What it is and where it was seen."""
    period: Period | None = None
    received: LaxDate | None = None
    expires: LaxDate | None = None
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """Of the file, or of the canonical bytes of a machine record."""

    @model_validator(mode="after")
    def _a_machine_record_is_named_by_its_hash(self) -> EvidenceItem:
        if self.grade == "A" and not self.sha256:
            raise mistake("grade A needs the sha256 of its machine record")
        return self


class Answer(Definition):
    """The answer to one criterion."""

    value: ExactNumber | None = None
    no_value: NoValueWord | None = None
    decision: Literal["assessor", "accept-machine", "override-machine"] = "assessor"
    """``accept-machine`` takes the value the machine evidence proposes; ``override-machine`` puts another one beside it."""
    reason: str = ""
    evidence: tuple[EvidenceItem, ...] = ()
    remark: str = ""

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Answer:
        given = (self.value is not None) + (self.no_value is not None)
        if self.decision == "accept-machine" and given:
            raise mistake(
                "accept-machine takes the proposed value; leave value and no_value out, or use override-machine"
            )
        if self.decision != "accept-machine" and given != 1:
            raise mistake("give either value or no_value (or decision: accept-machine)")
        if not self.reason and (self.no_value == "not applicable" or self.decision == "override-machine"):
            raise mistake("not applicable and override-machine need a reason")
        return self

    @property
    def grade(self) -> EvidenceGrade:
        """The best grade of its evidence; D, declared, without any."""
        return min((item.grade for item in self.evidence), default="D")


class Answers(Definition):
    """The file ``answers.yaml``: it names the model it answers by id, edition and content hash."""

    form: Literal[1]
    model: Identifier
    edition: Edition
    model_sha256: str = Field(pattern=Sha256)
    kind: Literal["real", "demo"]
    type: Identifier
    """Plant type of the model, such as ``discrete``."""
    assessor: str = Field(min_length=1)
    trimming: tuple[Trim, ...] = ()
    answers: dict[Code, Answer]
