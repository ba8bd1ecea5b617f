"""The steps of scoring, version 1: criteria → cells → weighted means → level scores → gate → total → band → level.

All numbers are exact. Inside, values are whole multiples of a common unit, which gives the same results as fractions at
a fraction of the time. Source: GB/T 39117-2020, clause 6, as far as it is known (see the sources of the model).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from factory_kit.errors import AssessmentError
from factory_kit.model.definition import exact
from factory_kit.model.maturity import Bands, Gate, Scoring, WeightedMean
from factory_kit.score.tree import LevelWeights, Scope, level_weights

__all__ = [
    "LevelCells",
    "LevelScore",
    "Outcome",
    "bands",
    "cells_from_scores",
    "gate",
    "judged",
    "mean_step",
    "weighted",
]

ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class LevelScore:
    """The score of one level, and what it adds to the total."""

    level: int
    value: Fraction
    satisfied: bool
    adds: Fraction


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one reading of the answers comes to.

    ``total`` follows the rule of the model, ``literal`` is the sum without stopping at an unsatisfied level.
    """

    levels: tuple[LevelScore, ...]
    total: Fraction
    literal: Fraction
    level: int
    literal_level: int

    @property
    def stopped_at(self) -> int | None:
        """The first level that is not satisfied; None when all are."""
        return next((score.level for score in self.levels if not score.satisfied), None)


@dataclass(frozen=True, slots=True, eq=False)
class LevelCells:
    """The scores of the leaves at one level: ``numerators`` over one ``denominator``, and the criteria each one holds."""

    weights: LevelWeights
    numerators: Sequence[int]
    denominator: int
    counts: Sequence[int]

    def of(self, node: str | None) -> Fraction | None:
        """The score of *node* at this level (None: of the whole level); None where it has no criterion."""
        ratio = self.ratio(node)
        return None if ratio is None else Fraction(*ratio)

    def ratio(self, node: str | None) -> tuple[int, int] | None:
        """Numerator and denominator of the score of *node* in lowest terms; None where it has no criterion."""
        inside = self.weights.inside.get(node)
        if inside is None:
            return None
        whole, parts = inside
        numerators = self.numerators
        part, below = 0, whole * self.denominator
        for leaf, weight in parts:
            part += weight * numerators[leaf]
        common = gcd(part, below)
        return part // common, below // common

    def weight(self, node: str) -> Fraction:
        """The share of *node* in the level score; 0 where it has no criterion."""
        return self.weights.shares.get(node, ZERO)

    @property
    def level_score(self) -> Fraction:
        """The score of the whole level."""
        whole, parts = self.weights.inside[None]
        return Fraction(sum(weight * self.numerators[leaf] for leaf, weight in parts), whole * self.denominator)


def gate(scoring: Scoring) -> Gate:
    """The step that says when a level is satisfied."""
    return next(step for step in scoring.steps if isinstance(step, Gate))


def bands(scoring: Scoring) -> Bands:
    """The step that turns the total into a level."""
    return next(step for step in scoring.steps if isinstance(step, Bands))


def mean_step(scoring: Scoring) -> WeightedMean:
    """The step that weighs the criteria."""
    return next(step for step in scoring.steps if isinstance(step, WeightedMean))


def weighted(scope: Scope, values: Sequence[int | None]) -> tuple[LevelCells, ...]:
    """Scores per level from the value of each criterion of *scope* in units; None leaves the mean."""
    levels = scope.model.structure.levels
    sums = [[0] * len(scope.leaves) for _ in levels]
    counts = [[0] * len(scope.leaves) for _ in levels]
    for (level, leaf), value in zip(scope.places, values, strict=True):
        if value is not None:
            sums[level][leaf] += value
            counts[level][leaf] += 1
    result: list[LevelCells] = []
    for position, level in enumerate(levels):
        filler = _empty_cell(scope, result)
        result.append(_level(scope, position, sums[position], counts[position], filler))
        if None not in result[-1].weights.inside:
            raise AssessmentError(
                "{model}: no requirement of level {level} is left to score; check what is not applicable",
                model=scope.model.id,
                level=level,
            )
    return tuple(result)


def _empty_cell(scope: Scope, below: Sequence[LevelCells]) -> int | None:
    """The value, in units, of a cell for which the model has no criterion; None: it is left out."""
    scoring = scope.model.structure.scoring
    policy = mean_step(scoring).empty_cell
    if policy == "renormalise":
        return None
    satisfied = policy == "full" or not below or below[-1].level_score >= exact(gate(scoring).at_least)
    return scope.unit if satisfied else 0


def _level(scope: Scope, position: int, sums: Sequence[int], counts: Sequence[int], filler: int | None) -> LevelCells:
    empty = set() if filler is None else set(range(len(scope.leaves))) - scope.given_cells[position]
    present = frozenset(leaf for leaf, count in enumerate(counts) if count or leaf in empty)
    common = lcm(*(count for count in counts if count))
    numerators = [
        total * (common // count) if count else (filler or 0) * common if leaf in empty else 0
        for leaf, (total, count) in enumerate(zip(sums, counts, strict=True))
    ]
    return LevelCells(level_weights(scope, present), numerators, common * scope.unit, counts)


def cells_from_scores(scope: Scope, scores: Mapping[str, Fraction]) -> LevelCells:
    """The cells of a level from the scores of its leaves, such as those of a worked example; other leaves are empty."""
    common = lcm(*(score.denominator for score in scores.values()))
    numerators = [int(scores.get(leaf, Fraction(0)) * common) for leaf in scope.leaves]
    present = frozenset(position for position, leaf in enumerate(scope.leaves) if leaf in scores)
    counts = [int(position in present) for position in range(len(scope.leaves))]
    return LevelCells(level_weights(scope, present), numerators, common, counts)


def judged(scoring: Scoring, levels: Sequence[int], scores: Sequence[Fraction]) -> Outcome:
    """The outcome of level scores, lowest level first."""
    rule, steps = gate(scoring), bands(scoring)
    at_least = exact(rule.at_least)
    literal = total = ZERO
    stopped = False
    found = []
    for level, score in zip(levels, scores, strict=True):
        satisfied = score >= at_least
        literal += 1 if satisfied else score
        adds = ZERO if stopped else Fraction(1) if satisfied else score
        stopped = stopped or (rule.stop and not satisfied)
        total += adds
        found.append(LevelScore(level, score, satisfied, adds))
    return Outcome(tuple(found), total, literal, _band(steps, total), _band(steps, literal))


def _band(step: Bands, total: Fraction) -> int:
    return max((band.level for band in step.bands if total >= exact(band.at_least)), default=0)
