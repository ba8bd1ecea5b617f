"""Worked examples run against the engine, for the tests and for ``factory-kit check``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import singledispatch

from factory_kit.errors import AssessmentError, FactoryKitError
from factory_kit.i18n import N_
from factory_kit.model.answers import EvidenceGrade, NoValueKind, Trim
from factory_kit.model.cases import AnswersCase, Case, CellsCase, CountsCase, Expected, LevelsCase, WeightsCase
from factory_kit.model.definition import exact
from factory_kit.model.maturity import MaturityModel
from factory_kit.score.answer import Decided, NoValue, Value
from factory_kit.score.engine import score
from factory_kit.score.numbers import exact_text, rounded_half_up
from factory_kit.score.sentence import Sentence, sentence
from factory_kit.score.steps import Outcome, cells_from_scores, judged
from factory_kit.score.tree import Scope, level_weights, scope_of

__all__ = ["case_failures"]

DIFFERS = N_("{case}: {what} is {found}, expected {expected}")
REFUSED = N_("{case}: cannot be scored: {reason}")

KINDS: Mapping[str, NoValueKind] = {kind.value: kind for kind in NoValueKind}


def case_failures(model: MaturityModel, case: Case) -> tuple[Sentence, ...]:
    """What comes out of *case* otherwise than expected; empty when the model does what the case says."""
    try:
        return tuple(_failures(case, model))
    except FactoryKitError as error:
        return (sentence(REFUSED, case=case.name, reason=str(error)),)


@singledispatch
def _failures(case: object, model: MaturityModel) -> Iterator[Sentence]:  # noqa: ARG001 - the signature of all cases
    raise TypeError(type(case))


@_failures.register
def _answers(case: AnswersCase, model: MaturityModel) -> Iterator[Sentence]:
    scope = _scope(model, case.type, case.trimming)
    given: dict[str, Decided] = {}
    for criterion in scope.criteria:
        word = case.answers.get(criterion.id, case.all)
        if word is not None:
            given[criterion.id] = _decided(word, case.grade)
    result = score(model, case.type, given, case.trimming)
    yield from _outcome(case.name, case.expect, result.outcome)
    found = {(item.node, item.level): item.value for item in result.nodes}
    yield from _nodes(case.name, case.expect, lambda node, level: found.get((node, level)))
    floor, ceiling = case.expect.floor_level, case.expect.ceiling_level
    yield from _number(case.name, "floor level", floor, result.floor.level)
    yield from _number(case.name, "ceiling level", ceiling, result.ceiling.level)


@_failures.register
def _cells(case: CellsCase, model: MaturityModel) -> Iterator[Sentence]:
    scope = _scope(model, case.type, case.trimming)
    levels = [level for level in model.structure.levels if any(str(level) in row for row in case.cells.values())]
    cells = {
        level: cells_from_scores(
            scope, {node: exact(row[str(level)]) for node, row in case.cells.items() if str(level) in row}
        )
        for level in levels
    }
    yield from _outcome(case.name, case.expect, _judged(model, [cells[level].level_score for level in levels]))
    yield from _nodes(case.name, case.expect, lambda node, level: cells[level].of(node) if level in cells else None)


@_failures.register
def _levels(case: LevelsCase, model: MaturityModel) -> Iterator[Sentence]:
    yield from _outcome(case.name, case.expect, _judged(model, [exact(text) for text in case.levels]))


@_failures.register
def _counts(case: CountsCase, model: MaturityModel) -> Iterator[Sentence]:
    yield from _number(case.name, "requirements", case.total, len(model.criteria))
    criteria = model.structure.criteria
    for node, expected in case.counts.items():
        found = tuple(
            sum(criterion.node == node and criterion.level == level for criterion in criteria)
            for level in model.structure.levels
        )
        yield from _differs(case.name, node, str(expected), str(found))


@_failures.register
def _weights(case: WeightsCase, model: MaturityModel) -> Iterator[Sentence]:
    scope = _scope(model, case.type, case.trimming)
    weights = level_weights(scope, frozenset(range(len(scope.leaves))))
    yield from _differs(case.name, "nodes", ", ".join(sorted(case.percent)), ", ".join(sorted(scope.leaves)))
    for node, percent in case.percent.items():
        yield from _differs(
            case.name, node, exact_text(exact(percent)), exact_text(weights.shares.get(node, Fraction(0)) * 100)
        )


def _scope(model: MaturityModel, plant_type: str, trimming: tuple[Trim, ...]) -> Scope:
    return scope_of(model, plant_type, frozenset(trim.node for trim in trimming))


def _decided(word: str, grade: EvidenceGrade) -> Decided:
    kind = KINDS.get(word)
    return NoValue(kind, "worked example", grade) if kind else Value(exact(word), grade)


def _judged(model: MaturityModel, scores: list[Fraction]) -> Outcome:
    """The outcome of the first level scores of a model; the levels above them are 0."""
    levels = model.structure.levels
    if len(scores) > len(levels):
        raise AssessmentError(
            "{model}: {found} level scores are given, expected at most {expected}",
            model=model.id,
            found=len(scores),
            expected=len(levels),
        )
    return judged(model.structure.scoring, levels, [*scores, *[Fraction(0)] * (len(levels) - len(scores))])


def _outcome(case: str, expect: Expected, outcome: Outcome) -> Iterator[Sentence]:
    values = {str(item.level): item.value for item in outcome.levels}
    for level, expected in expect.levels.items():
        yield from _exactly(case, f"A{level}", expected, values.get(level), expect.places)
    yield from _exactly(case, "S", expect.total, outcome.total, expect.places)
    yield from _exactly(case, "literal S", expect.literal, outcome.literal, expect.places)
    yield from _number(case, "level", expect.level, outcome.level)
    yield from _number(case, "literal level", expect.literal_level, outcome.literal_level)


def _nodes(case: str, expect: Expected, of: Callable[[str, int], Fraction | None]) -> Iterator[Sentence]:
    for node, row in expect.nodes.items():
        for level, expected in row.items():
            yield from _exactly(case, f"{node} at level {level}", expected, of(node, int(level)), expect.places)


def _exactly(
    case: str, what: str, expected: str | None, found: Fraction | None, places: int | None
) -> Iterator[Sentence]:
    if expected is None:
        return
    shown = exact_text if places is None else lambda value: rounded_half_up(value, places)
    yield from _differs(case, what, shown(exact(expected)), "nothing" if found is None else shown(found))


def _number(case: str, what: str, expected: int | None, found: int) -> Iterator[Sentence]:
    if expected is not None:
        yield from _differs(case, what, str(expected), str(found))


def _differs(case: str, what: str, expected: str, found: str) -> Iterator[Sentence]:
    if expected != found:
        yield sentence(DIFFERS, case=case, what=what, found=found, expected=expected)
