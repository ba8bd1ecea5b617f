"""What stands between the floor of a score, the score and its ceiling: answers nobody has proven, and answers nobody has given."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from factory_kit.assess.scored import Scored
from factory_kit.model.answers import NoValueKind
from factory_kit.score import Value
from factory_kit.score.readings import PROVEN

__all__ = ["Between", "between"]


@dataclass(frozen=True)
class Between:
    """Criteria by what they hold apart, in the order of the model."""

    unproven: tuple[str, ...]
    """Their value, or a part of it, is declared only: between floor and score."""
    open: tuple[str, ...]
    """Without a value; the ceiling takes them as fully met: between score and ceiling."""

    def by_node(self, scored: Scored) -> tuple[tuple[str, int], ...]:
        """Nodes with unproven answers and how many, most first, then in the order of the model."""
        counts = Counter(scored.model.criteria[each].node for each in self.unproven)
        return tuple(counts.most_common())

    def at_level(self, scored: Scored, level: int) -> tuple[int, int]:
        """How many unproven and how many open answers there are at *level*."""
        kinds = (self.unproven, self.open)
        found = [sum(scored.model.criteria[each].level == level for each in kind) for kind in kinds]
        return found[0], found[1]


def between(scored: Scored) -> Between:
    """What stands between floor, score and ceiling of *scored*."""
    decided = scored.decided
    unproven = [
        criterion
        for criterion in scored.model.criteria
        if isinstance(each := decided.get(criterion), Value) and _proven(each) < each.value
    ]
    without = {
        criterion
        for kind, criteria in scored.score.no_values.items()
        if kind is not NoValueKind.NOT_APPLICABLE
        for criterion in criteria
    }
    return Between(tuple(unproven), tuple(each for each in scored.model.criteria if each in without))


def _proven(value: Value) -> Fraction:
    """What evidence of grades A to C carries, as the floor counts it."""
    if value.proven is not None:
        return min(value.value, value.proven)
    return value.value if value.grade in PROVEN else Fraction()
