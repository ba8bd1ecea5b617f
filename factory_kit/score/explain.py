"""Why this level: sentences about an outcome, and warnings that belong beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from factory_kit.i18n import N_
from factory_kit.model.answers import Trim
from factory_kit.model.definition import exact
from factory_kit.model.maturity import MaturityModel
from factory_kit.score.numbers import rounded_down
from factory_kit.score.result import LevelCount
from factory_kit.score.sentence import Detail, Ref, Sentence, sentence
from factory_kit.score.steps import LevelCells, LevelScore, Outcome, gate
from factory_kit.score.tree import Scope

__all__ = ["explained", "warned"]

REACHED = N_("level {level} is reached: A{level} = {value} >= {threshold}")
NOT_REACHED = N_(
    "level {level} is not reached: A{level} = {value} < {threshold}; {held_back} of its {requirements} requirements are not fully met"
)
NOT_COUNTED = N_("levels {first} to {last} do not count while level {stopped} is not reached")
LOSSES = N_("most of what is missing at level {level} lies in {nodes}")
TOTAL = N_("the total is S = {total}, which means level {level}")
RANGE = N_(
    "evidence of grades A to C alone gives level {floor}; with every open answer fully met it would be level {ceiling}"
)
LEFT_OUT = N_("{node} is left out and the weights beside it are scaled up: {reason} (agreed by {agreed_by})")

UNVERIFIED = N_("{unverified} of {count} requirements of this model have not been compared with the standard yet")
RULE = N_("the weights or the rules of scoring of this model have not been compared with the standard yet")
PROVISIONAL = N_("provisional: requirements not answered yet: {count}; the level lies between {low} and {high}")
PROVISIONAL_SURE = N_(
    "provisional: requirements not answered yet: {count}; whatever their answers, the level stays {level}"
)
DECLARED = N_("level {level} rests on declarations: evidence of grades A to C alone gives level {floor}")
LITERAL = N_(
    "added up without stopping at level {stopped} the total would be {literal}, which would mean level {level}"
)
SENSITIVE = N_(
    "level {level} is sensitive to unverified weights: A{level} = {value} lies within {margin} of {threshold}"
)


def explained(
    scope: Scope,
    trimming: Sequence[Trim],
    outcomes: tuple[Outcome, Outcome, Outcome],
    values: Sequence[int | None],
    cells: Sequence[LevelCells],
    counts: Sequence[LevelCount],
) -> tuple[Sentence, ...]:
    """The way from answers to level in sentences; *outcomes* are score, floor and ceiling, *values* what *cells* hold."""
    outcome, floor, ceiling = outcomes
    model = scope.model
    sentences = [
        sentence(LEFT_OUT, node=Ref(trim.node), reason=trim.reason, agreed_by=trim.agreed_by) for trim in trimming
    ]
    for position, score in enumerate(outcome.levels):
        sentences.append(_level(model, score, counts[position]))
        if not score.satisfied:
            sentences += _losses(scope, values, cells[position], position)
            if gate(model.structure.scoring).stop:
                sentences += _not_counted(score.level, outcome.levels[position + 1 :])
                break
    sentences.append(sentence(TOTAL, total=_shown(model, outcome.total), level=outcome.level))
    sentences.append(sentence(RANGE, floor=floor.level, ceiling=ceiling.level))
    return tuple(sentences)


def warned(model: MaturityModel, outcomes: tuple[Outcome, Outcome, Outcome], unanswered: int) -> tuple[Sentence, ...]:
    """What a reader of the score must know before believing it; *outcomes* are score, floor and ceiling."""
    return (*_unverified(model), *_open(outcomes, unanswered), *_fragile(model, outcomes[0]))


def _level(model: MaturityModel, score: LevelScore, count: LevelCount) -> Sentence:
    details: dict[str, Detail] = {
        "level": score.level,
        "value": _shown(model, score.value),
        "threshold": _threshold(model),
    }
    if score.satisfied:
        return sentence(REACHED, **details)
    return sentence(NOT_REACHED, **details, held_back=count.held_back, requirements=count.requirements)


def _losses(scope: Scope, values: Sequence[int | None], cells: LevelCells, position: int) -> Iterator[Sentence]:
    """The three leaves that cost the level score most."""
    best = [0] * len(scope.leaves)
    for (at, leaf), highest, value in zip(scope.places, scope.full, values, strict=True):
        if at == position and value is not None:
            best[leaf] += highest
    common = cells.denominator // scope.unit
    full = [
        most * common // count if count else cells.denominator for most, count in zip(best, cells.counts, strict=True)
    ]
    _, parts = cells.weights.inside[None]
    lost = [(weight * (full[leaf] - cells.numerators[leaf]), leaf) for leaf, weight in parts]
    worst = sorted((item for item in lost if item[0]), key=lambda item: -item[0])[:3]
    level = scope.model.structure.levels[position]
    yield sentence(LOSSES, level=level, nodes=tuple(Ref(scope.leaves[leaf]) for _, leaf in worst))


def _not_counted(stopped: int, above: Sequence[LevelScore]) -> Iterator[Sentence]:
    if above:
        yield sentence(NOT_COUNTED, first=above[0].level, last=above[-1].level, stopped=stopped)


def _unverified(model: MaturityModel) -> Iterator[Sentence]:
    unverified = len(model.criteria.keys() - model.verified)
    if unverified:
        yield sentence(UNVERIFIED, unverified=unverified, count=len(model.criteria))
    if not model.verified >= {"weights", "scoring"}:
        yield sentence(RULE)


def _open(outcomes: tuple[Outcome, Outcome, Outcome], unanswered: int) -> Iterator[Sentence]:
    outcome, floor, ceiling = outcomes
    if unanswered and outcome.level == ceiling.level:
        yield sentence(PROVISIONAL_SURE, count=unanswered, level=outcome.level)
    elif unanswered:
        yield sentence(PROVISIONAL, count=unanswered, low=outcome.level, high=ceiling.level)
    if floor.level < outcome.level:
        yield sentence(DECLARED, level=outcome.level, floor=floor.level)


def _fragile(model: MaturityModel, outcome: Outcome) -> Iterator[Sentence]:
    stopped = outcome.stopped_at
    if stopped is not None and outcome.literal_level != outcome.level:
        yield sentence(LITERAL, stopped=stopped, literal=_shown(model, outcome.literal), level=outcome.literal_level)
    if "weights" in model.verified:
        return
    margin = exact(model.structure.weights.margin)
    for score in outcome.levels:
        if abs(score.value - exact(gate(model.structure.scoring).at_least)) < margin:
            details = {"value": _shown(model, score.value), "margin": model.structure.weights.margin}
            yield sentence(SENSITIVE, level=score.level, threshold=_threshold(model), **details)
        if not score.satisfied:
            return


def _shown(model: MaturityModel, value: Fraction) -> str:
    return rounded_down(value, model.structure.scoring.shown.places)


def _threshold(model: MaturityModel) -> str:
    return gate(model.structure.scoring).at_least
