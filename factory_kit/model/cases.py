"""Worked examples of a maturity model: ``cases.yaml``, run by the tests and by ``factory-kit check``.

A case enters the way from answers to level at one of three places: at the answers, at the scores of the lowest nodes
(``cells``), or at the level scores. Expected numbers are exact unless ``places`` says that they were rounded half up.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from factory_kit.model.answers import NoValueWord, Trim
from factory_kit.model.definition import Definition, ExactNumber, Identifier
from factory_kit.model.maturity import Code, Edition

__all__ = ["AnswersCase", "Case", "Cases", "CellsCase", "CountsCase", "Expected", "LevelsCase", "WeightsCase"]

PerLevel = dict[str, ExactNumber]
"""By level number."""


class Expected(Definition):
    """What must come out; what is not named is not compared."""

    places: int | None = Field(default=None, ge=0, le=12)
    levels: PerLevel = Field(default_factory=dict)
    nodes: dict[Code, PerLevel] = Field(default_factory=dict)
    total: ExactNumber | None = None
    literal: ExactNumber | None = None
    level: int | None = None
    literal_level: int | None = None
    floor_level: int | None = None
    ceiling_level: int | None = None


class _Case(Definition):
    name: str = Field(min_length=1)
    source: str = Field(min_length=1)


class AnswersCase(_Case):
    """Answers → everything; ``all`` answers what ``answers`` does not name, all with evidence of ``grade``."""

    case: Literal["answers"]
    type: Identifier
    trimming: tuple[Trim, ...] = ()
    all: ExactNumber | NoValueWord | None = None
    answers: dict[Code, ExactNumber | NoValueWord] = Field(default_factory=dict)
    grade: Literal["A", "B", "C", "D"] = "B"
    expect: Expected


class CellsCase(_Case):
    """Scores of the lowest nodes by level → scores of levels and of the nodes above; a level that no node names is left out."""

    case: Literal["cells"]
    type: Identifier
    trimming: tuple[Trim, ...] = ()
    cells: dict[Code, PerLevel]
    expect: Expected


class LevelsCase(_Case):
    """Level scores, lowest first (missing ones are 0) → total and level."""

    case: Literal["levels"]
    levels: tuple[ExactNumber, ...]
    expect: Expected


class CountsCase(_Case):
    """Number of criteria by node, one number per level."""

    case: Literal["counts"]
    counts: dict[Code, tuple[int, ...]]
    total: int


class WeightsCase(_Case):
    """The share of each lowest node in a level score, in per cent."""

    case: Literal["weights"]
    type: Identifier
    trimming: tuple[Trim, ...] = ()
    percent: dict[Code, ExactNumber]


Case = Annotated[AnswersCase | CellsCase | LevelsCase | CountsCase | WeightsCase, Field(discriminator="case")]


class Cases(Definition):
    """The file ``cases.yaml``."""

    form: Literal[1]
    model: Identifier
    edition: Edition
    cases: tuple[Case, ...] = Field(min_length=1)
