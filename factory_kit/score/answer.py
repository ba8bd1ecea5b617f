"""Decided answers, as the engine takes them: a value or the kind of no value, each with the grade of its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from factory_kit.model.answers import EvidenceGrade, NoValueKind

__all__ = ["Decided", "DecidedAnswers", "NoValue", "Value"]


@dataclass(frozen=True, slots=True)
class Value:
    """One of the values the criterion allows."""

    value: Fraction
    grade: EvidenceGrade = "D"
    proven: Fraction | None = None
    """What evidence of grades A to C carries where that is less than the value; None: all of it, or with grade D nothing."""


@dataclass(frozen=True, slots=True)
class NoValue:
    """Why there is no value; *not applicable* needs a reason."""

    kind: NoValueKind
    reason: str = ""
    grade: EvidenceGrade = "D"


Decided = Value | NoValue
DecidedAnswers = Mapping[str, Decided]
"""By criterion id; a criterion without an entry is not assessed."""
