"""Worked examples of ladders run against the engine, for the tests and for ``factory-kit check``."""

from __future__ import annotations

from collections.abc import Iterator

from factory_kit.errors import FactoryKitError
from factory_kit.model.answers import NoValueKind
from factory_kit.model.definition import exact
from factory_kit.model.ladder import Ladder, LadderCase
from factory_kit.score.answer import Decided, NoValue, Value
from factory_kit.score.cases import DIFFERS, REFUSED
from factory_kit.score.ladder import climb, points
from factory_kit.score.numbers import exact_text
from factory_kit.score.sentence import Sentence, sentence

__all__ = ["ladder_case_failures"]

KINDS = {kind.value: kind for kind in NoValueKind}


def ladder_case_failures(ladder: Ladder, case: LadderCase) -> tuple[Sentence, ...]:
    """What comes out of *case* otherwise than expected; empty when the ladder does what the case says."""
    try:
        return tuple(_failures(ladder, case))
    except FactoryKitError as error:
        return (sentence(REFUSED, case=case.name, reason=str(error)),)


def _failures(ladder: Ladder, case: LadderCase) -> Iterator[Sentence]:
    words = {name: case.items.get(name, case.all) for name in ladder.items} | case.items
    answers = {name: _decided(word) for name, word in words.items() if word is not None}
    found = climb(ladder, answers, {name: exact(text) for name, text in case.figures.items()}, case.levels)
    yield from _differs(case, "level", str(case.level), str(found.level))
    if case.at_best is not None:
        yield from _differs(case, "level at best", str(case.at_best), str(found.at_best))
    if case.holds_back is not None:
        needs = ", ".join(held.condition.need for held in found.holds_back)
        yield from _differs(case, "what holds back", ", ".join(case.holds_back), needs)
    for group, text in case.points.items():
        yield from _differs(case, group, exact_text(exact(text)), exact_text(points(ladder, answers, group)[0]))


def _decided(word: str) -> Decided:
    kind = KINDS.get(word)
    return NoValue(kind, "worked example", "B") if kind else Value(exact(word), "B")


def _differs(case: LadderCase, what: str, expected: str, found: str) -> Iterator[Sentence]:
    if expected != found:
        yield sentence(DIFFERS, case=case.name, what=what, found=found, expected=expected)
