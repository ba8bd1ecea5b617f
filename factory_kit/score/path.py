"""The path to a level: the cheapest set of actions after which the same engine gives that level, and two others near it.

Solved as a small integer program (HiGHS through scipy), then scored again exactly: what the engine does not confirm is cut
off and solved anew, so that no rounding of a solver decides. Costs are estimates; the middle of each range counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factory_kit.model.action import Action, Actions
from factory_kit.model.definition import exact
from factory_kit.score.answer import Decided, DecidedAnswers, Value
from factory_kit.score.engine import score
from factory_kit.score.gain import weight_of
from factory_kit.score.quiet import silent_output
from factory_kit.score.readings import PROVEN
from factory_kit.score.result import Score
from factory_kit.score.steps import gate

__all__ = ["Plan", "after", "paths"]

PLANS = 3
TRIES = 200
"""Solutions that the engine may refuse before the search ends."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in an order in which they can be done, what they cost together, and the score they lead to."""

    actions: tuple[Action, ...]
    raised: tuple[tuple[str, ...], ...]
    """For each action the requirements that rise by it, those done before it counted."""
    cost_low: Fraction
    cost_high: Fraction
    months: int
    """With every action begun as soon as all it needs is done."""
    score: Score

    @property
    def cost(self) -> Fraction:
        """The middle of the range, which the search makes small."""
        return (self.cost_low + self.cost_high) / 2


def paths(
    found: Score, answers: DecidedAnswers, actions: Actions, level: int, *, plans: int = PLANS
) -> tuple[Plan, ...]:
    """Up to *plans* different sets of actions that lead to *level*, the cheapest first; empty where none does.

    What the plant has already is neither proposed nor asked for. No set holds an action that could be left out, and none holds another set. Equal costs are told apart by the number of
    actions, then by their order in the file, so that two runs agree.
    """
    if found.level >= level:
        return ()
    program = _Program(found, answers, [each for each in actions.actions if not _done(each, answers)], level)
    chosen: list[Plan] = []
    for names in islice(iter(program.solve, None), TRIES):
        reached = score(found.model, found.plant_type, after(answers, names), found.trimming)
        if reached.level >= level:
            chosen.append(_plan(names, answers, reached))
            if len(chosen) == plans:
                break
            program.forbid_all_of(names)
        else:
            program.demand_another_than(names)
    return tuple(chosen)


def after(answers: DecidedAnswers, actions: Sequence[Action]) -> dict[str, Decided]:
    """*answers* once *actions* are done: what they raise has at least their value, declared until it is proven."""
    raised: dict[str, Decided] = dict(answers)
    for action in actions:
        for criterion, text in action.raises.items():
            now, then = raised.get(criterion), exact(text)
            if isinstance(now, Value):
                shown = now.value if now.proven is None and now.grade in PROVEN else now.proven
                raised[criterion] = replace(now, value=max(now.value, then), proven=shown)
            elif now is None or now.kind.value != "not applicable":
                raised[criterion] = Value(then)
    return raised


def _done(action: Action, answers: DecidedAnswers) -> bool:
    """Whether the plant has all that *action* would raise already."""
    return not _rising(action, answers)


def _rising(action: Action, answers: DecidedAnswers) -> tuple[str, ...]:
    """The requirements that *action* would raise."""
    then = after(answers, [action])
    return tuple(criterion for criterion in action.raises if _value(then, criterion) > _value(answers, criterion))


def _value(answers: DecidedAnswers, criterion: str) -> Fraction:
    answer = answers.get(criterion)
    return answer.value if isinstance(answer, Value) else Fraction(0)


class _Program:
    """One 0/1 variable per action, one between 0 and 1 per step that a requirement can rise, one row per level."""

    def __init__(self, found: Score, answers: DecidedAnswers, actions: Sequence[Action], level: int) -> None:
        self.actions = actions
        self.rows: list[NDArray[np.float64]] = []
        self.least: list[float] = []
        self.steps = list(_steps(found, answers, actions, level))
        self.width = len(actions) + len(self.steps)
        self._needs(found, answers)
        self._carried()
        self._levels(found, level)

    def solve(self) -> tuple[Action, ...] | None:
        """The cheapest set that the rows allow, ties by number and place; None when there is none."""
        if not self.actions:
            return None
        middle = [float(exact(action.cost.low) + exact(action.cost.high)) for action in self.actions]
        best = self._minimised(middle)
        if best is None:
            return None
        cost = sum(price for price, taken in zip(middle, best, strict=True) if taken)
        rows, least = len(self.rows), len(self.least)
        self._demand(dict(enumerate(-price for price in middle)), -cost - 1e-6)
        place = [1 + position / (len(self.actions) ** 2) for position in range(len(self.actions))]
        tied = self._minimised(place) or best
        del self.rows[rows:], self.least[least:]
        return tuple(action for action, taken in zip(self.actions, tied, strict=True) if taken)

    def forbid_all_of(self, names: Sequence[Action]) -> None:
        """No later set may hold all of *names*."""
        self._demand({self._place(action): -1.0 for action in names}, 1.0 - len(names))

    def demand_another_than(self, names: Sequence[Action]) -> None:
        """Every later set holds an action that is not among *names*."""
        self._demand({place: 1.0 for place, action in enumerate(self.actions) if action not in names}, 1.0)

    def _minimised(self, price: Sequence[float]) -> list[bool] | None:
        from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - only for who asks for a path

        whole = np.zeros(self.width)
        whole[: len(self.actions)] = 1
        cost = np.zeros(self.width)
        cost[: len(price)] = price
        rows = LinearConstraint(np.vstack(self.rows), lb=np.array(self.least)) if self.rows else ()
        with silent_output():
            answer: Any = milp(
                cost, integrality=whole, bounds=Bounds(0, 1), constraints=rows, options={"mip_rel_gap": 0}
            )
        return None if answer.x is None else [value > 0.5 for value in answer.x[: len(self.actions)]]

    def _demand(self, parts: Mapping[int, float], at_least: float) -> None:
        row = np.zeros(self.width)
        for place, weight in parts.items():
            row[place] = weight
        self.rows.append(row)
        self.least.append(at_least)

    def _needs(self, found: Score, answers: DecidedAnswers) -> None:
        """What a plant has in the main (by the model's own measure of satisfied) need not be done before something else."""
        enough = exact(gate(found.model.structure.scoring).at_least)
        places = {
            action.id: place
            for place, action in enumerate(self.actions)
            if any(
                _value(answers, criterion) < min(enough, exact(action.raises[criterion]))
                for criterion in _rising(action, answers)
            )
        }
        for place, action in enumerate(self.actions):
            for need in places.keys() & set(action.needs):
                self._demand({places[need]: 1.0, place: -1.0}, 0.0)

    def _carried(self) -> None:
        """A requirement rises only where an action lifts it that far."""
        for place, step in enumerate(self.steps, len(self.actions)):
            lifting = {
                at: 1.0
                for at, action in enumerate(self.actions)
                if step.criterion in action.raises and exact(action.raises[step.criterion]) >= step.to
            }
            self._demand({**lifting, place: -1.0}, 0.0)

    def _levels(self, found: Score, level: int) -> None:
        at_least = exact(gate(found.model.structure.scoring).at_least)
        for item in found.outcome.levels:
            if item.level > level or item.satisfied:
                continue
            gains = {
                place: float(step.gain)
                for place, step in enumerate(self.steps, len(self.actions))
                if found.model.criteria[step.criterion].level == item.level
            }
            self._demand(gains, float(at_least - item.value) - 1e-9)

    def _place(self, action: Action) -> int:
        return next(place for place, other in enumerate(self.actions) if other is action)


@dataclass(frozen=True, slots=True)
class _Step:
    """A requirement may rise to ``to``; its level then gains ``gain``."""

    criterion: str
    to: Fraction
    gain: Fraction


def _steps(found: Score, answers: DecidedAnswers, actions: Sequence[Action], level: int) -> Iterator[_Step]:
    targets: dict[str, set[Fraction]] = {}
    for action in actions:
        for criterion in _rising(action, answers):
            targets.setdefault(criterion, set()).add(exact(action.raises[criterion]))
    weights = weight_of(found.scope, found.cells)
    for criterion, ends in targets.items():
        if criterion not in weights or found.model.criteria[criterion].level > level:
            continue
        now = _value(answers, criterion)
        for end in sorted(ends):
            yield _Step(criterion, end, (end - now) * weights[criterion])
            now = end


def _plan(names: Sequence[Action], answers: DecidedAnswers, reached: Score) -> Plan:
    order = _order(names)
    ends: dict[str, int] = {}
    raised = []
    for action in order:
        raised.append(_rising(action, answers))
        answers = after(answers, [action])
        ends[action.id] = action.months + max((ends[need] for need in action.needs if need in ends), default=0)
    return Plan(
        tuple(order),
        tuple(raised),
        sum((exact(action.cost.low) for action in names), Fraction(0)),
        sum((exact(action.cost.high) for action in names), Fraction(0)),
        max(ends.values()),
        reached,
    )


def _order(names: Sequence[Action]) -> list[Action]:
    """*names* with what each one needs before it, otherwise as in the file."""
    pending, done = list(names), list[Action]()
    while pending:
        ready = next(
            action
            for action in pending
            if not any(other.id in action.needs for other in pending if other is not action)
        )
        pending.remove(ready)
        done.append(ready)
    return done
