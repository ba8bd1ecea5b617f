"""The score of a plant: frozen, derived from model and answers alone, never edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from factory_kit.model.answers import EvidenceGrade, NoValueKind, Trim
from factory_kit.model.maturity import MaturityModel
from factory_kit.score.gain import Gain
from factory_kit.score.numbers import exact_ratio, exact_text
from factory_kit.score.sentence import Sentence
from factory_kit.score.steps import LevelCells, Outcome
from factory_kit.score.tree import Scope

__all__ = ["GradeShare", "LevelCount", "NodeScore", "Score", "score_record"]


@dataclass(frozen=True, slots=True)
class NodeScore:
    """The score of one node at one level; ``value`` is None where the node has no criterion at that level."""

    node: str
    level: int
    value: Fraction | None
    weight: Fraction
    """Its share of the level score after trimming and scaling up."""


@dataclass(frozen=True, slots=True)
class LevelCount:
    """Requirements of one level: how many count, how many are fully met, and how many hold it back (or may do so)."""

    level: int
    requirements: int
    met: int
    held_back: int
    open: int
    """Not assessed or inconclusive; they are among those that hold it back."""
    left_out: int
    """Not applicable; they are not among the requirements."""


@dataclass(frozen=True, slots=True)
class GradeShare:
    """How many of the values rest on evidence of one grade, and which share of all requirements that is."""

    grade: EvidenceGrade
    count: int
    share: Fraction


@dataclass(frozen=True)
class Score:
    """The score of one plant against one model edition.

    ``outcome`` counts every value and takes no value as the lowest one; ``floor`` counts only what evidence of grades A to C
    supports; ``ceiling`` takes every open answer as fully met. floor <= outcome <= ceiling, level by level.
    """

    model: MaturityModel
    plant_type: str
    trimming: tuple[Trim, ...]
    outcome: Outcome
    floor: Outcome
    ceiling: Outcome
    counts: tuple[LevelCount, ...]
    grades: tuple[GradeShare, ...]
    """A to D, of the requirements that count."""
    no_values: Mapping[NoValueKind, tuple[str, ...]]
    """Criteria without a value by kind; what the answers do not name is not assessed."""
    gains: tuple[Gain, ...]
    """For the first level that is not satisfied, largest first; empty when all are."""
    shortest_way: tuple[Gain, ...]
    """The fewest requirements that would satisfy that level."""
    explanation: tuple[Sentence, ...]
    warnings: tuple[Sentence, ...]
    scope: Scope = field(repr=False, compare=False)
    cells: tuple[LevelCells, ...] = field(repr=False, compare=False)

    @cached_property
    def nodes(self) -> tuple[NodeScore, ...]:
        """Every node that counts at every level, in the order of the model, then by level."""
        levels = self.model.structure.levels
        return tuple(
            NodeScore(node, level, at.of(node), at.weight(node))
            for node in self.scope.shares
            for level, at in zip(levels, self.cells, strict=True)
        )

    @property
    def level(self) -> int:
        """The level of the plant; 0 below the lowest."""
        return self.outcome.level

    @property
    def total(self) -> Fraction:
        """The sum S over the levels."""
        return self.outcome.total

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Criteria that still need an answer: not assessed or inconclusive, in the order of the model."""
        open_ = {*self.no_values[NoValueKind.NOT_ASSESSED], *self.no_values[NoValueKind.INCONCLUSIVE]}
        return tuple(criterion for criterion in self.model.criteria if criterion in open_)

    @property
    def raised_in_ceiling(self) -> int:
        """How many criteria the ceiling takes as fully met: those without a value that are not left out."""
        return sum(len(found) for kind, found in self.no_values.items() if kind is not NoValueKind.NOT_APPLICABLE)

    @property
    def provisional(self) -> bool:
        """Whether anything is unanswered."""
        return bool(self.unanswered)

    @property
    def best_gains(self) -> tuple[Gain, ...]:
        """The five requirements that would raise the first unsatisfied level most."""
        return self.gains[:5]

    def node(self, node: str, level: int) -> NodeScore:
        """The score of *node* at *level*; ``KeyError`` when the node does not count."""
        for found in self.nodes:
            if (found.node, found.level) == (node, level):
                return found
        raise KeyError(node)


def score_record(score: Score) -> dict[str, object]:
    """*score* as plain data for canonical JSON: every number that matters is an exact text; no sentences, no clock."""
    structure = score.model.structure
    return {
        "form": 1,
        "engine": structure.scoring.engine,
        "model": {"edition": structure.edition, "id": structure.model, "sha256": score.model.sha256},
        "type": score.plant_type,
        "trimming": [dict(sorted(trim)) for trim in score.trimming],
        "score": _outcome(score.outcome),
        "floor": _outcome(score.floor),
        "ceiling": _outcome(score.ceiling),
        "nodes": {node: values for node, values in sorted(_by_node(score).items()) if values},
        "counts": [
            {name: getattr(count, name) for name in ("held_back", "left_out", "level", "met", "open", "requirements")}
            for count in score.counts
        ],
        "grades": {item.grade: item.count for item in score.grades},
        "no_values": {kind.value: list(ids) for kind, ids in sorted(score.no_values.items())},
        "provisional": score.provisional,
    }


def _outcome(outcome: Outcome) -> dict[str, object]:
    return {
        "level": outcome.level,
        "levels": [
            {
                "adds": exact_text(item.adds),
                "level": item.level,
                "satisfied": item.satisfied,
                "value": exact_text(item.value),
            }
            for item in outcome.levels
        ],
        "literal": exact_text(outcome.literal),
        "literal_level": outcome.literal_level,
        "total": exact_text(outcome.total),
    }


def _by_node(score: Score) -> dict[str, dict[str, str]]:
    levels = [str(level) for level in score.model.structure.levels]
    found: dict[str, dict[str, str]] = {}
    for node in score.scope.shares:
        ratios = [at.ratio(node) for at in score.cells]
        found[node] = {
            level: exact_ratio(*ratio) for level, ratio in zip(levels, ratios, strict=True) if ratio is not None
        }
    return found
