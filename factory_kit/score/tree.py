"""Weights of one plant: what of a model counts for its type after trimming, and what each lowest node weighs at a level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import lcm

from factory_kit.errors import AssessmentError
from factory_kit.model.definition import exact
from factory_kit.model.maturity import Criterion, MaturityModel

__all__ = ["LevelWeights", "Scope", "level_weights", "scope_of"]


@dataclass(frozen=True, eq=False)
class Scope:
    """The part of *model* that counts for a plant of *plant_type* without the nodes *left_out* and what lies below them."""

    model: MaturityModel
    plant_type: str
    left_out: frozenset[str]

    @cached_property
    def shares(self) -> Mapping[str, Fraction]:
        """Shares of the nodes that count, parents first, scaled so that kept siblings add up to 1."""
        kept = [node for node in self.model.nodes if self._counts(node)]
        sums: dict[str | None, Fraction] = {}
        for node in kept:
            parent = self.model.nodes[node].parent
            sums[parent] = sums.get(parent, Fraction(0)) + self._given(node)
        return {node: self._given(node) / sums[self.model.nodes[node].parent] for node in kept}

    @cached_property
    def children(self) -> Mapping[str | None, tuple[str, ...]]:
        """Children that count, by the id of their parent; the topmost under None."""
        parents = (None, *self.shares)
        return {
            parent: tuple(child for child in self.model.children.get(parent, ()) if child in self.shares)
            for parent in parents
        }

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The lowest nodes that count, in the order of the model."""
        return tuple(node for node in self.shares if not self.model.children.get(node))

    @cached_property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria that count, in the order of the model."""
        return tuple(criterion for criterion in self.model.structure.criteria if criterion.node in self.shares)

    @cached_property
    def places(self) -> tuple[tuple[int, int], ...]:
        """For each criterion the position of its level and of its node among the leaves."""
        levels = {level: position for position, level in enumerate(self.model.structure.levels)}
        leaves = {leaf: position for position, leaf in enumerate(self.leaves)}
        return tuple((levels[criterion.level], leaves[criterion.node]) for criterion in self.criteria)

    @cached_property
    def unit(self) -> int:
        """Every allowed value is a whole multiple of one over this."""
        return lcm(*(value.denominator for values in self.model.options.values() for value in values))

    @cached_property
    def full(self) -> tuple[int, ...]:
        """For each criterion its highest value, in units."""
        options = {name: int(max(values) * self.unit) for name, values in self.model.options.items()}
        return tuple(options[criterion.options] for criterion in self.criteria)

    @cached_property
    def given_cells(self) -> tuple[frozenset[int], ...]:
        """For each level the positions of the leaves for which the model has a criterion at that level."""
        found: list[set[int]] = [set() for _ in self.model.structure.levels]
        for level, leaf in self.places:
            found[level].add(leaf)
        return tuple(frozenset(leaves) for leaves in found)

    def _given(self, node: str) -> Fraction:
        return exact(self.model.nodes[node].weight[self.plant_type].share)

    def _counts(self, node: str) -> bool:
        """Whether *node* has a weight for the type, is not left out with one above it, and has something left below it."""
        children = self.model.children.get(node, ())
        return (
            self.plant_type in self.model.nodes[node].weight
            and not any(above in self.left_out for above in self._line(node))
            and (not children or any(self._counts(child) for child in children))
        )

    def _line(self, node: str | None) -> Iterator[str]:
        while node is not None:
            yield node
            node = self.model.nodes[node].parent


@lru_cache(maxsize=64)
def scope_of(model: MaturityModel, plant_type: str, left_out: frozenset[str] = frozenset()) -> Scope:
    """What of *model* counts; ``AssessmentError`` for a type or a trimming that the model does not allow."""
    if plant_type not in model.structure.types:
        known = ", ".join(model.structure.types)
        raise AssessmentError(
            "{model}: {type!r} is no plant type of this model, expected one of {known}",
            model=model.id,
            type=plant_type,
            known=known,
        )
    for node in sorted(left_out):
        if node not in model.nodes or plant_type not in model.nodes[node].weight:
            raise AssessmentError(
                "{model}: {node!r} cannot be trimmed, it is no node of the model for the type {type}",
                model=model.id,
                node=node,
                type=plant_type,
            )
        if not model.nodes[node].trimmable:
            raise AssessmentError(
                "{model}: {node} must not be trimmed; assess it, what is not met counts as not met",
                model=model.id,
                node=node,
            )
    return Scope(model, plant_type, left_out)


@dataclass(frozen=True, slots=True, eq=False)
class LevelWeights:
    """What each leaf weighs inside each node at one level: whole numbers over one denominator per node."""

    inside: Mapping[str | None, tuple[int, tuple[tuple[int, int], ...]]]
    """Node (None: the whole level) → denominator and (position of the leaf, weight) pairs; nodes without a leaf are absent."""
    shares: Mapping[str, Fraction]
    """Node → its share of the level score; nodes without a leaf are absent."""


@lru_cache(maxsize=512)
def level_weights(scope: Scope, present: frozenset[int]) -> LevelWeights:
    """The weights when only the leaves at the positions *present* have anything to weigh; the rest is scaled up."""
    shares: dict[str | None, dict[int, Fraction]] = {}
    position = {leaf: index for index, leaf in enumerate(scope.leaves)}
    for node in (*reversed(tuple(scope.shares)), None):
        if node in position:
            index = position[node]
            shares[node] = {index: Fraction(1)} if index in present else {}
        else:
            filled = [child for child in scope.children[node] if shares[child]]
            whole = sum((scope.shares[child] for child in filled), Fraction(0))
            shares[node] = {
                leaf: scope.shares[child] / whole * part for child in filled for leaf, part in shares[child].items()
            }
    whole_level = shares[None]
    return LevelWeights(
        {node: _whole(parts) for node, parts in shares.items() if parts},
        {
            node: sum((whole_level[leaf] for leaf in parts), Fraction(0))
            for node, parts in shares.items()
            if node is not None and parts
        },
    )


def _whole(parts: Mapping[int, Fraction]) -> tuple[int, tuple[tuple[int, int], ...]]:
    denominator = lcm(*(part.denominator for part in parts.values()))
    return denominator, tuple((leaf, int(part * denominator)) for leaf, part in sorted(parts.items()))
