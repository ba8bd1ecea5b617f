"""Three readings of the same answers: as decided, proven only (floor), and with everything open taken as met (ceiling)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from factory_kit.errors import AssessmentError
from factory_kit.model.answers import NoValueKind
from factory_kit.score.answer import DecidedAnswers, NoValue, Value
from factory_kit.score.numbers import exact_text
from factory_kit.score.tree import Scope

__all__ = ["Readings", "read"]

PROVEN = ("A", "B", "C")
SILENT = NoValue(NoValueKind.NOT_ASSESSED)
"""What is said of a criterion that the answers do not name."""


@dataclass(frozen=True, slots=True)
class Readings:
    """For each criterion of a scope the value that counts, in units; None leaves the mean."""

    decided: Sequence[int | None]
    floor: Sequence[int | None]
    ceiling: Sequence[int | None]
    grades: Mapping[str, int]
    """Number of values by the grade of their evidence."""
    no_values: Mapping[NoValueKind, tuple[str, ...]]


def read(scope: Scope, answers: DecidedAnswers) -> Readings:
    """The three readings; ``AssessmentError`` for an answer that the model does not know or allow.

    Without a value the lowest counts, in the ceiling the highest. What is not applicable leaves the mean, but in the floor
    only on evidence: a mere declaration that something does not apply counts there as not met.
    """
    for stranger in answers.keys() - scope.model.criteria.keys():
        raise AssessmentError(
            "{model}: {criterion!r} is no criterion of this model", model=scope.model.id, criterion=stranger
        )
    decided: list[int | None] = []
    floor: list[int | None] = []
    ceiling: list[int | None] = []
    grades = dict.fromkeys(("A", "B", "C", "D"), 0)
    no_values: dict[NoValueKind, list[str]] = {kind: [] for kind in NoValueKind}
    for criterion, full, allowed in _allowed(scope):
        answer = answers.get(criterion, SILENT)
        if isinstance(answer, Value):
            value = _units(scope, criterion, answer.value, allowed)
            grades[answer.grade] += 1
            decided.append(value)
            floor.append(_proven(scope, criterion, answer, value, allowed))
            ceiling.append(value)
            continue
        no_values[answer.kind].append(criterion)
        leaves = _leaves(scope, criterion, answer)
        decided.append(None if leaves else 0)
        floor.append(None if leaves and answer.grade in PROVEN else 0)
        ceiling.append(None if leaves else full)
    return Readings(decided, floor, ceiling, grades, {kind: tuple(ids) for kind, ids in no_values.items()})


@lru_cache(maxsize=64)
def _allowed(scope: Scope) -> tuple[tuple[str, int, Mapping[tuple[int, int], int]], ...]:
    """For each criterion its id, its highest value in units, and allowed values as (numerator, denominator) → value in units."""
    options = {
        name: {(value.numerator, value.denominator): int(value * scope.unit) for value in values}
        for name, values in scope.model.options.items()
    }
    return tuple(
        (criterion.id, full, options[criterion.options])
        for criterion, full in zip(scope.criteria, scope.full, strict=True)
    )


def _proven(scope: Scope, criterion: str, answer: Value, value: int, allowed: Mapping[tuple[int, int], int]) -> int:
    """What evidence of grades A to C carries of *value*, both in units."""
    if answer.proven is not None:
        return min(value, _units(scope, criterion, answer.proven, allowed))
    return value if answer.grade in PROVEN else 0


def _units(scope: Scope, criterion: str, value: Fraction, allowed: Mapping[tuple[int, int], int]) -> int:
    units = allowed.get((value.numerator, value.denominator))
    if units is None:
        raise AssessmentError(
            "{model}: {criterion}: {value} is not allowed, expected one of {allowed}",
            model=scope.model.id,
            criterion=criterion,
            value=exact_text(value),
            allowed=", ".join(scope.model.structure.options[scope.model.criteria[criterion].options]),
        )
    return units


def _leaves(scope: Scope, criterion: str, answer: NoValue) -> bool:
    """Whether the criterion leaves the mean."""
    if answer.kind is not NoValueKind.NOT_APPLICABLE:
        return False
    if scope.model.structure.not_applicable == "never":
        raise AssessmentError(
            "{model}: {criterion}: this model knows no 'not applicable'; answer it",
            model=scope.model.id,
            criterion=criterion,
        )
    if not answer.reason:
        raise AssessmentError(
            "{model}: {criterion}: 'not applicable' needs a reason", model=scope.model.id, criterion=criterion
        )
    return True
