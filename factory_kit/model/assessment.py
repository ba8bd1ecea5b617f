"""An assessment: which plant is held against which model edition, when, by whom; and the decisions made on the way."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from factory_kit.model.answers import Period, Sha256
from factory_kit.model.definition import Definition, ExactNumber, Identifier, LaxDate, mistake
from factory_kit.model.maturity import Code, Edition
from factory_kit.model.site import Kind, Plant

__all__ = ["Assessment", "AssessmentType", "Certificate", "Judgement", "ModelEdition", "Person", "Provider", "Verdict"]

AssessmentType = Literal["self", "provider", "on-site", "re-assessment"]
"""self: the plant alone; provider: with a diagnosis provider, from afar; on-site: in the plant; re-assessment: drawn again to check."""

Verdict = Literal["accept-machine", "override-machine", "change"]


class ModelEdition(Definition):
    """The model edition that is answered, by the hash of its content."""

    id: Identifier
    edition: Edition
    sha256: str = Field(pattern=Sha256)


class Provider(Definition):
    """The diagnosis provider (诊断服务商)."""

    name: str = Field(min_length=1)
    credit_code: str = ""


class Person(Definition):
    """Somebody who took part."""

    name: str = Field(min_length=1)
    role: Literal["lead", "assessor", "plant contact"]
    employer: Literal["provider", "plant", "authority", "other"] = "provider"


class Certificate(Definition):
    """A certificate or recognition that the enterprise holds, as it says; nobody checked it with who issued it."""

    kind: Literal[
        "network-security", "dsmm", "dcmm", "integration", "maturity", "smart-factory", "sme-digital", "other"
    ]
    """Network security grading of industrial firms, DSMM, DCMM, 两化融合, GB/T 39116, tier of smart factories, SME level."""
    grade: str = Field(min_length=1, max_length=60)
    number: str = Field(default="", max_length=100)
    issuer: str = Field(default="", max_length=200)
    valid_until: LaxDate | None = None


class Assessment(Definition):
    """The file ``assessment.yaml``."""

    form: Literal[1]
    id: str = Field(pattern=r"^[0-9a-f]{16}$")
    """Drawn at random once; what receipts and corrections refer to."""
    kind: Kind
    type: AssessmentType
    model: ModelEdition
    plant: Plant
    units: tuple[Identifier, ...] = ()
    """Reporting units of the plant: street, town, zone or park, by the codes of the district."""
    period: Period
    on_site: tuple[LaxDate, ...] = ()
    provider: Provider | None = None
    people: tuple[Person, ...] = Field(min_length=1)
    certificates: tuple[Certificate, ...] = ()
    supersedes: str = Field(default="", pattern=r"^([0-9a-f]{16})?$")
    """The assessment that this one replaces."""
    supersedes_reason: str = ""

    @model_validator(mode="after")
    def _fits_its_type(self) -> Assessment:
        if self.type != "self" and self.provider is None:
            raise mistake("an assessment of type {type} needs its provider", type=self.type)
        if self.type == "on-site" and (not self.on_site or len(self.people) < 2):
            raise mistake("an on-site assessment needs its on_site dates and at least two people")
        if self.supersedes and not self.supersedes_reason:
            raise mistake("supersedes needs a supersedes_reason")
        return self


class Judgement(Definition):
    """A record of ``decisions.jsonl``: what a person made of an answer and of the machine evidence beside it.

    Records are added, never changed; the last one on a criterion counts.
    """

    form: Literal[1]
    criterion: Code
    verdict: Verdict
    """change replaces an answer without regard to machine evidence."""
    old: str
    """The answer that was replaced, as text; empty when there was none."""
    machine: str
    """The value that the machine evidence proposed then; empty when it proposed none."""
    records: tuple[str, ...] = ()
    """The sha256 of the evidence records it proposed it from."""
    new: ExactNumber
    by: str = Field(min_length=1)
    at: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")
    why: str = Field(min_length=1)
