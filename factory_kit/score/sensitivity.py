"""Sensitivity: how far the next and the last threshold are, which answers the level hangs on, and how much the weights matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random

from factory_kit.model.definition import exact
from factory_kit.model.maturity import MaturityModel, Node
from factory_kit.score.answer import DecidedAnswers, Value
from factory_kit.score.gain import losses_at
from factory_kit.score.readings import read
from factory_kit.score.result import Score
from factory_kit.score.steps import Outcome, bands, judged, weighted
from factory_kit.score.tree import Scope

__all__ = [
    "Margins",
    "OneStep",
    "Sensitivity",
    "WeightDraws",
    "margins",
    "one_steps",
    "sensitivity",
    "smallest_fall",
    "weight_draws",
]

SPREAD = 20
"""Per cent by which every weight moves at most, all of them at once and at random."""
THOUSANDTHS = 10
"""Of which a per cent is made: the steps in which weights move."""


@dataclass(frozen=True, slots=True)
class Margins:
    """How far the total S is above the lower end of its band, and below the next one; None where there is no such band."""

    above: Fraction | None
    below: Fraction | None


@dataclass(frozen=True, slots=True)
class OneStep:
    """An answer whose single step changes the level of the plant, all else equal."""

    criterion: str
    now: Fraction
    then: Fraction
    """The neighbouring value that the criterion allows."""
    level: int
    """The level it would be."""


@dataclass(frozen=True, slots=True)
class WeightDraws:
    """How often the level stays when all weights move together at random by up to ``spread`` per cent."""

    draws: int
    stayed: int
    spread: int
    seed: int
    levels: Mapping[int, int]
    """Level → number of draws that gave it."""

    @property
    def share(self) -> Fraction:
        """The share of draws that left the level as it is."""
        return Fraction(self.stayed, self.draws)


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What the level of a plant hangs on."""

    margins: Margins
    one_steps: tuple[OneStep, ...]
    smallest_fall: tuple[str, ...]
    """The fewest answers whose fall to the lowest value drops the level; empty at level 0."""
    weights: WeightDraws


def sensitivity(found: Score, answers: DecidedAnswers, *, draws: int = 200, seed: int = 1) -> Sensitivity:
    """What the level of *found*, scored from *answers*, hangs on; the same for the same *seed*, always and everywhere."""
    return Sensitivity(
        margins(found),
        one_steps(found, answers),
        smallest_fall(found, answers),
        weight_draws(found, answers, draws=draws, seed=seed),
    )


def margins(found: Score) -> Margins:
    """The distances of the total to both ends of its band, exactly."""
    ends = [exact(band.at_least) for band in bands(found.model.structure.scoring).bands]
    reached = [end for end in ends if end <= found.total]
    ahead = [end for end in ends if end > found.total]
    return Margins(
        found.total - max(reached) if reached else None,
        min(ahead) - found.total if ahead else None,
    )


def one_steps(found: Score, answers: DecidedAnswers) -> tuple[OneStep, ...]:
    """Every answer whose single step up or down gives another level, by enumeration, in the order of the model."""
    scope = found.scope
    values = list(read(scope, answers).decided)
    changed = []
    for place, criterion in enumerate(scope.criteria):
        answer = answers.get(criterion.id)
        if not isinstance(answer, Value):
            continue
        now = int(answer.value * scope.unit)
        for then in _neighbours(scope, criterion.options, now):
            values[place] = then
            level = _outcome(scope, values).level
            if level != found.level:
                changed.append(OneStep(criterion.id, Fraction(now, scope.unit), Fraction(then, scope.unit), level))
        values[place] = now
    return tuple(changed)


def smallest_fall(found: Score, answers: DecidedAnswers) -> tuple[str, ...]:
    """The fewest answers whose fall to the lowest value drops the level.

    The level is lost as soon as one level up to it is not satisfied. Losses within a level add up, so the largest first
    are the fewest; the shortest list over the levels is taken, the lowest level among equals.
    """
    values = read(found.scope, answers).decided
    ways = []
    for position, item in enumerate(found.outcome.levels):
        if item.level > found.level:
            break
        way = _fall(found, list(values), position)
        if way is not None:
            ways.append(way)
    return min(ways, key=len, default=())


def weight_draws(found: Score, answers: DecidedAnswers, *, draws: int = 200, seed: int = 1) -> WeightDraws:
    """The levels under *draws* random sets of weights: each share moved on its own by up to 20 per cent, siblings rescaled.

    Draws come from ``random.Random(seed).random``, whose sequence Python guarantees, in thousandths; scores are exact.
    """
    random = Random(seed)  # noqa: S311 - a reproducible draw, no secret
    decided = read(found.scope, answers).decided
    levels: dict[int, int] = {}
    for _ in range(draws):
        scope = replace(found.scope, model=_moved(found.model, found.plant_type, random))
        level = _outcome(scope, decided).level
        levels[level] = levels.get(level, 0) + 1
    return WeightDraws(draws, levels.get(found.level, 0), SPREAD, seed, dict(sorted(levels.items())))


def _neighbours(scope: Scope, options: str, now: int) -> Iterator[int]:
    """The values one step below and above *now*, in units."""
    allowed = [int(value * scope.unit) for value in scope.model.options[options]]
    place = allowed.index(now)
    yield from allowed[place - 1 : place]  # nothing at the lowest: from the last to the first
    yield from allowed[place + 1 : place + 2]


def _outcome(scope: Scope, values: Sequence[int | None]) -> Outcome:
    structure = scope.model.structure
    return judged(structure.scoring, structure.levels, [cells.level_score for cells in weighted(scope, values)])


def _fall(found: Score, values: list[int | None], position: int) -> tuple[str, ...] | None:
    """The answers of one level that must fall, largest loss first, until the level of the plant is lower; None: it stays."""
    places = {criterion.id: place for place, criterion in enumerate(found.scope.criteria)}
    fallen = []
    for criterion in losses_at(found.scope, values, found.cells[position], position):
        values[places[criterion]] = 0
        fallen.append(criterion)
        if _outcome(found.scope, values).level < found.level:
            return tuple(fallen)
    return None


def _moved(model: MaturityModel, plant_type: str, random: Random) -> MaturityModel:
    """*model* with the weights of *plant_type* moved at random."""
    nodes = tuple(_moved_node(node, plant_type, random) for node in model.structure.nodes)
    return replace(model, structure=model.structure.model_copy(update={"nodes": nodes}))


def _moved_node(node: Node, plant_type: str, random: Random) -> Node:
    weight = node.weight.get(plant_type)
    if weight is None:
        return node
    most = SPREAD * THOUSANDTHS
    share = exact(weight.share) * (1000 - most + int(random.random() * (2 * most + 1)))
    moved = weight.model_copy(update={"share": f"{share.numerator}/{share.denominator}"})
    return node.model_copy(update={"weight": {**node.weight, plant_type: moved}})
