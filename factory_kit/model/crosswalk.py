"""Crosswalks: how the requirements of one model edition answer to those of another, as data.

``assessments/crosswalks/<model>@<edition>__<model>@<edition>.yaml``. A **migration** names every requirement of both editions
exactly once and carries answers over; a **view** only says what is related, and nothing is computed from it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from factory_kit.model.definition import Definition, Identifier, Source, mistake
from factory_kit.model.maturity import Code, Edition

__all__ = ["Crosswalk", "CrosswalkKind", "CrosswalkRow", "End"]

CrosswalkKind = Literal["same", "split", "merged", "dropped", "new", "changed", "related"]
"""same: the answer carries over; merged: the lowest of several does; split and changed: asked again, the old answer is noted;
dropped and new: on one side only; related: views only."""


class End(Definition):
    """One side of a crosswalk."""

    model: Identifier
    edition: Edition

    @property
    def id(self) -> str:
        """``model@edition``."""
        return f"{self.model}@{self.edition}"


class CrosswalkRow(Definition):
    """Requirements of the one side and what they are on the other, with the reason."""

    before: tuple[Code, ...] = ()
    after: tuple[Code, ...] = ()
    kind: CrosswalkKind
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _has_the_ends_of_its_kind(self) -> CrosswalkRow:
        have = (min(len(self.before), 2), min(len(self.after), 2))
        allowed: dict[str, set[tuple[int, int]]] = {
            "same": {(1, 1)}, "split": {(1, 2)}, "merged": {(2, 1)}, "dropped": {(1, 0), (2, 0)}, "new": {(0, 1), (0, 2)},
            "changed": {(1, 1), (1, 2), (2, 1), (2, 2)}, "related": {(1, 1), (1, 2), (2, 1), (2, 2)},
        }  # fmt: skip
        if have not in allowed[self.kind]:
            raise mistake("a row of kind {kind} has other ends: look at before and after", kind=self.kind)
        return self


class Crosswalk(Definition):
    """The whole file."""

    form: Literal[1]
    purpose: Literal["migration", "view"]
    before: End
    after: End
    source: Source
    rest: Literal["", "same"] = ""
    """``same``: requirements that no row names carry over under their own id."""
    rows: tuple[CrosswalkRow, ...] = ()

    @model_validator(mode="after")
    def _relates_or_carries(self) -> Crosswalk:
        for row in self.rows:
            if (row.kind == "related") != (self.purpose == "view"):
                raise mistake("rows of kind related stand in views, and only there")
        return self
