"""Climbing a ladder: which level all of whose conditions hold, with pass, fail and unknown kept apart. Pure and exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from factory_kit.errors import AssessmentError
from factory_kit.model.answers import NoValueKind
from factory_kit.model.definition import exact
from factory_kit.model.ladder import (
    Condition,
    CountCondition,
    FigureCondition,
    Item,
    ItemCondition,
    Ladder,
    LevelCondition,
    SumCondition,
)
from factory_kit.score.answer import Decided, DecidedAnswers, Value
from factory_kit.score.numbers import exact_text

__all__ = ["Climbed", "Held", "RungResult", "Span", "climb", "points"]

State = Literal["pass", "fail", "unknown"]
PROVEN = ("A", "B", "C")
Span = tuple[Fraction, Fraction]
"""From what is surely there to what could be there at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """One condition held against the answers."""

    condition: Condition
    state: State
    found: Span
    at_least: Fraction


@dataclass(frozen=True, slots=True)
class RungResult:
    """One level with its conditions; *state* is that of all of them together, without the levels below."""

    level: int
    held: tuple[Held, ...]
    state: State


@dataclass(frozen=True, slots=True)
class Climbed:
    """Where a plant stands on a ladder; unknown is never pass."""

    rungs: tuple[RungResult, ...]
    level: int
    """The highest level that holds (with all below it, where the ladder is cumulative); 0 below the lowest."""
    at_best: int
    """The same with everything unknown taken as pass."""
    proven: int
    """The same with only what evidence of grades A to C carries."""

    @property
    def holds_back(self) -> tuple[Held, ...]:
        """The conditions of the next level that do not pass; empty at the top."""
        ahead = next((rung for rung in self.rungs if rung.level > self.level), None)
        return tuple(held for held in ahead.held if held.state != "pass") if ahead else ()


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a plant."""

    ladder: Ladder
    answers: DecidedAnswers
    figures: Mapping[str, Fraction]
    levels: Mapping[str, int]
    only_proven: bool = False


def climb(
    ladder: Ladder,
    answers: DecidedAnswers,
    figures: Mapping[str, Fraction] | None = None,
    levels: Mapping[str, int] | None = None,
) -> Climbed:
    """Where the plant of *answers* stands; *levels* are its levels by other models, a missing one is unknown.

    Items without an answer, unknown or inconclusive are unknown; what is not applicable has no points and does not count.
    ``AssessmentError`` for an item that the ladder does not have, or a value it does not allow.
    """
    _allowed(ladder, answers)
    known = _Known(ladder, answers, figures or {}, levels or {})
    proven = _Known(ladder, answers, figures or {}, levels or {}, only_proven=True)
    rungs = tuple(_rungs(known))
    return Climbed(
        rungs,
        _level(ladder, rungs, ("pass",)),
        _level(ladder, rungs, ("pass", "unknown")),
        _level(ladder, tuple(_rungs(proven)), ("pass",)),
    )


def points(ladder: Ladder, answers: DecidedAnswers, group: str) -> Span:
    """The points of *group*: what is sure, and what it could be with everything open at its highest."""
    known = _Known(ladder, answers, {}, {})
    spans = [_points(known, item) for item in ladder.within(group)]
    return sum((low for low, _ in spans), Fraction(0)), sum((high for _, high in spans), Fraction(0))


def _rungs(known: _Known) -> Iterator[RungResult]:
    for rung in known.ladder.content.rungs:
        held = tuple(_held(known, condition) for condition in rung.all_of)
        states = {each.state for each in held}
        state: State = "fail" if "fail" in states else "unknown" if "unknown" in states else "pass"
        yield RungResult(rung.level, held, state)


def _level(ladder: Ladder, rungs: tuple[RungResult, ...], good: tuple[str, ...]) -> int:
    reached = 0
    for rung in rungs:
        if rung.state in good:
            reached = rung.level
        elif ladder.content.cumulative:
            break
    return reached


def _held(known: _Known, condition: Condition) -> Held:
    low, high = found = _span(known, condition)
    at_least = Fraction(condition.at_least)
    return Held(condition, "pass" if low >= at_least else "fail" if high < at_least else "unknown", found, at_least)


def _span(known: _Known, condition: Condition) -> Span:
    if isinstance(condition, SumCondition):
        items = {item.id: item for group in condition.groups for item in known.ladder.within(group)}
        spans = [_points(known, item) for item in items.values()]
        return sum((low for low, _ in spans), Fraction(0)), sum((high for _, high in spans), Fraction(0))
    if isinstance(condition, CountCondition):
        counted = (item for item in known.ladder.within(condition.group) if item.starred or not condition.starred)
        spans = [_value(known, item) for item in counted]
        least = exact(condition.value)
        return Fraction(sum(low >= least for low, _ in spans)), Fraction(sum(high >= least for _, high in spans))
    if isinstance(condition, ItemCondition):
        return _value(known, known.ladder.items[condition.item])
    return _elsewhere(known, condition)


def _elsewhere(known: _Known, condition: FigureCondition | LevelCondition) -> Span:
    """A figure or a level that is given is sure; one that is not could be anything."""
    if isinstance(condition, FigureCondition):
        given: Fraction | int | None = known.figures.get(condition.figure)
    else:
        given = known.levels.get(condition.model)
    if given is None:
        return Fraction(-1), Fraction(condition.at_least)
    return Fraction(given), Fraction(given)


def _points(known: _Known, item: Item) -> Span:
    low, high = _value(known, item)
    weight = exact(item.weight)
    return low * weight, high * weight


def _value(known: _Known, item: Item) -> Span:
    answer = known.answers.get(item.id)
    if isinstance(answer, Value):
        sure = _proven(answer) if known.only_proven else answer.value
        return sure, sure
    if answer is not None and answer.kind is NoValueKind.NOT_APPLICABLE:
        return Fraction(0), Fraction(0)
    return Fraction(0), max(known.ladder.values[item.options])


def _proven(answer: Value) -> Fraction:
    if answer.proven is not None:
        return min(answer.proven, answer.value)
    return answer.value if answer.grade in PROVEN else Fraction(0)


def _allowed(ladder: Ladder, answers: Mapping[str, Decided]) -> None:
    for name, answer in answers.items():
        item = ladder.items.get(name)
        if item is None:
            raise AssessmentError("{ladder}: {item!r} is no item of this ladder", ladder=ladder.id, item=name)
        if isinstance(answer, Value) and answer.value not in ladder.values[item.options]:
            raise AssessmentError(
                "{ladder}: {item}: {value} is not allowed, expected one of {allowed}",
                ladder=ladder.id,
                item=name,
                value=exact_text(answer.value),
                allowed=", ".join(map(exact_text, ladder.values[item.options])),
            )
