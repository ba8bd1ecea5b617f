"""From decided answers to the score of a plant: exact, pure, and the same everywhere and always."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from factory_kit.errors import AssessmentError
from factory_kit.model.answers import NoValueKind, Trim
from factory_kit.model.definition import exact
from factory_kit.model.maturity import MaturityModel
from factory_kit.score.answer import DecidedAnswers
from factory_kit.score.explain import explained, warned
from factory_kit.score.gain import Gain, gains_at, shortest_way
from factory_kit.score.readings import Readings, read
from factory_kit.score.result import GradeShare, LevelCount, Score
from factory_kit.score.steps import LevelCells, Outcome, gate, judged, weighted
from factory_kit.score.tree import Scope, scope_of

__all__ = ["score"]

OPEN = (NoValueKind.NOT_ASSESSED, NoValueKind.INCONCLUSIVE)


def score(model: MaturityModel, plant_type: str, answers: DecidedAnswers, trimming: Sequence[Trim] = ()) -> Score:
    """The score of a plant of *plant_type* by *model* from decided *answers*, without the nodes of *trimming*.

    Answers to criteria that do not count for the plant are ignored. ``AssessmentError`` for a plant type, a trimming, a
    criterion or a value that the model does not know or allow. Source: GB/T 39117-2020, as far as the model states it.
    """
    scope = scope_of(model, plant_type, _left_out(model, trimming))
    readings = read(scope, answers)
    cells = weighted(scope, readings.decided)
    outcome = _outcome(scope, cells)
    outcomes = (
        outcome,
        outcome if readings.floor == readings.decided else _outcome(scope, weighted(scope, readings.floor)),
        outcome if readings.ceiling == readings.decided else _outcome(scope, weighted(scope, readings.ceiling)),
    )
    counts = _counts(scope, readings)
    gains, way = _gains(scope, readings, cells, outcome)
    unanswered = sum(len(readings.no_values[kind]) for kind in OPEN)
    return Score(
        model=model,
        plant_type=plant_type,
        trimming=tuple(trimming),
        outcome=outcome,
        floor=outcomes[1],
        ceiling=outcomes[2],
        counts=counts,
        grades=_grades(scope, readings),
        no_values=readings.no_values,
        gains=gains,
        shortest_way=way,
        explanation=explained(scope, trimming, outcomes, readings.decided, cells, counts),
        warnings=warned(model, outcomes, unanswered),
        scope=scope,
        cells=cells,
    )


def _left_out(model: MaturityModel, trimming: Sequence[Trim]) -> frozenset[str]:
    nodes = [trim.node for trim in trimming]
    for node in nodes:
        if nodes.count(node) > 1:
            raise AssessmentError("{model}: {node} is trimmed twice; keep one reason", model=model.id, node=node)
    return frozenset(nodes)


def _outcome(scope: Scope, cells: Sequence[LevelCells]) -> Outcome:
    structure = scope.model.structure
    return judged(structure.scoring, structure.levels, [level.level_score for level in cells])


def _counts(scope: Scope, readings: Readings) -> tuple[LevelCount, ...]:
    open_ = {criterion for kind in OPEN for criterion in readings.no_values[kind]}
    levels = scope.model.structure.levels
    rows = [[0, 0, 0, 0] for _ in levels]
    for criterion, (level, _), full, value in zip(
        scope.criteria, scope.places, scope.full, readings.decided, strict=True
    ):
        row = rows[level]
        row[0] += value is not None
        row[1] += value == full
        row[2] += criterion.id in open_
        row[3] += value is None
    return tuple(
        LevelCount(level, requirements, met, requirements - met, unanswered, left_out)
        for level, (requirements, met, unanswered, left_out) in zip(levels, rows, strict=True)
    )


def _grades(scope: Scope, readings: Readings) -> tuple[GradeShare, ...]:
    whole = len(scope.criteria) - len(readings.no_values[NoValueKind.NOT_APPLICABLE])
    a, b, c, d = (readings.grades[grade] for grade in "ABCD")
    return (
        GradeShare("A", a, Fraction(a, whole)),
        GradeShare("B", b, Fraction(b, whole)),
        GradeShare("C", c, Fraction(c, whole)),
        GradeShare("D", d, Fraction(d, whole)),
    )


def _gains(
    scope: Scope, readings: Readings, cells: Sequence[LevelCells], outcome: Outcome
) -> tuple[tuple[Gain, ...], tuple[Gain, ...]]:
    if outcome.stopped_at is None:
        return (), ()
    at = cells[scope.model.structure.levels.index(outcome.stopped_at)]
    gains = gains_at(scope, readings.decided, at, outcome.stopped_at)
    return gains, shortest_way(gains, at.level_score, exact(gate(scope.model.structure.scoring).at_least))
