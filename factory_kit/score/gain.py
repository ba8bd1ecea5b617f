"""Gains: how much each requirement would lift the first level that is not satisfied, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from factory_kit.score.steps import LevelCells
from factory_kit.score.tree import Scope

__all__ = ["Gain", "gains_at", "losses_at", "shortest_way", "weight_of"]


@dataclass(frozen=True, slots=True)
class Gain:
    """What the score of its level gains when *criterion* goes from ``now`` to its highest value, all else equal.

    ``gain`` = (highest value - now) x the weight of its node in the level / the number of criteria in its cell, the weights
    after trimming. ``now`` is the value that counts, the lowest one where there is no value.
    """

    criterion: str
    now: Fraction
    gain: Fraction


def gains_at(scope: Scope, values: Sequence[int | None], cells: LevelCells, level: int) -> tuple[Gain, ...]:
    """All gains of *level* above zero, the largest first, equal ones in the order of the model."""
    whole, common, weight = _weights(cells)
    position = scope.model.structure.levels.index(level)
    found = [
        (weight[leaf] * (full - value), value, criterion.id)
        for criterion, (at, leaf), full, value in zip(scope.criteria, scope.places, scope.full, values, strict=True)
        if at == position and value is not None and value < full
    ]
    found.sort(key=lambda item: -item[0])
    unit = scope.unit
    return tuple(
        Gain(name, Fraction(value, unit), Fraction(gain, whole * common * unit)) for gain, value, name in found
    )


def losses_at(scope: Scope, values: Sequence[int | None], cells: LevelCells, position: int) -> tuple[str, ...]:
    """The criteria of the level at *position* by what the level score loses when they fall to 0, the largest loss first.

    Those that are at 0 already are left out; equal ones stand in the order of the model.
    """
    _, _, weight = _weights(cells)
    found = [
        (weight[leaf] * value, criterion.id)
        for criterion, (at, leaf), value in zip(scope.criteria, scope.places, values, strict=True)
        if at == position and value
    ]
    found.sort(key=lambda item: -item[0])
    return tuple(name for _, name in found)


def weight_of(scope: Scope, cells: Sequence[LevelCells]) -> dict[str, Fraction]:
    """What a whole point of each criterion adds to the score of its level; criteria that do not count are absent."""
    parts = [_weights(at) for at in cells]
    found = {}
    for criterion, (at, leaf) in zip(scope.criteria, scope.places, strict=True):
        whole, common, weight = parts[at]
        if leaf in weight:
            found[criterion.id] = Fraction(weight[leaf], whole * common)
    return found


def _weights(cells: LevelCells) -> tuple[int, int, dict[int, int]]:
    """Two denominators, and over both of them what one criterion of each leaf weighs in the level score."""
    whole, parts = cells.weights.inside[None]
    common = lcm(*(count for count in cells.counts if count))
    return (
        whole,
        common,
        {leaf: weight * (common // cells.counts[leaf]) for leaf, weight in parts if cells.counts[leaf]},
    )


def shortest_way(gains: Sequence[Gain], score: Fraction, at_least: Fraction) -> tuple[Gain, ...]:
    """The fewest requirements that lift *score* to *at_least* when fully met: the largest gains first.

    Gains of one level add up, so taking the largest first is the smallest set. Empty when the score is there already;
    all gains when even together they do not reach it.
    """
    chosen: list[Gain] = []
    for gain in gains:
        if score >= at_least:
            break
        chosen.append(gain)
        score += gain.gain
    return tuple(chosen)
