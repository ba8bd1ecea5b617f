"""How a model turns answers into a level, in sentences that a non-programmer understands."""

from __future__ import annotations

from collections.abc import Iterator

from factory_kit.i18n import N_, _, language
from factory_kit.model.ladder import (
    Condition,
    CountCondition,
    FigureCondition,
    ItemCondition,
    Ladder,
    LevelCondition,
    SumCondition,
)
from factory_kit.model.maturity import Bands, Gate, MaturityModel, WeightedMean

__all__ = ["condition_in_words", "ladder_in_words", "rules_in_words"]


def rules_in_words(model: MaturityModel) -> tuple[str, ...]:
    """Title, status and one sentence per step of scoring, in the language in force."""
    return (*_standing(model), *(line for step in model.structure.scoring.steps for line in _step(model, step)))


def _standing(model: MaturityModel) -> Iterator[str]:
    texts = model.texts[language()]
    counts = model.confidence_counts()
    yield f"{texts.title} ({model.id})"
    yield _("{verified} of {count} rows were compared with the standard; of the others: A {a}, B {b}, C {c}.").format(
        verified=counts["verified"], count=len(model.criteria), a=counts["A"], b=counts["B"], c=counts["C"]
    )
    for name, values in model.structure.options.items():
        labels = (f"{value} {texts.options[name][value]}" for value in values)
        yield _("An answer is one of: {values}.").format(values=", ".join(labels))


def _step(model: MaturityModel, step: WeightedMean | Gate | Bands) -> Iterator[str]:
    if isinstance(step, WeightedMean):
        yield _(
            "The requirements of one level of a subdomain are averaged; the averages are weighted up the tree to one score per level."
        )
        yield _(EMPTY[step.empty_cell])
    elif isinstance(step, Gate):
        yield _(
            "A level is satisfied from {at_least} on and then adds 1 to the total; one that is not adds its score."
        ).format(at_least=step.at_least)
        yield (
            _("Levels above the first unsatisfied one add nothing.")
            if step.stop
            else _("Every level adds, whatever the ones below.")
        )
    else:
        marks = model.texts[language()].levels
        bands = (f"{marks[str(band.level)].mark} ≥ {band.at_least}" for band in step.bands)
        yield _("The total gives the level: {bands}.").format(bands=", ".join(bands))


SURE = (N_("verified"), N_("unverified"), N_("secondary"), N_("memory"), N_("estimate"), N_("own"))
"""Words for how sure a row or a model is, for the catalogue."""

EMPTY = {
    "renormalise": N_("Where a subdomain has no requirement at a level, it weighs nothing there."),
    "inherit": N_("Where a subdomain has no requirement at a level, it counts as met if the level below is satisfied."),
    "full": N_("Where a subdomain has no requirement at a level, it counts as met."),
}


def ladder_in_words(ladder: Ladder) -> tuple[str, ...]:
    """Title, standing and every condition of every level of a ladder, in the language in force."""
    content = ladder.content
    lines = [f"{content.title.in_(language())} ({ladder.id})", content.issued.in_(language())]
    sure = {item.confidence for item in content.items} | {rung.confidence for rung in content.rungs}
    lines.append(
        _("Items: {count}; how sure the rows are: {sure}.").format(
            count=len(content.items), sure=", ".join(_(each) for each in sorted(sure)) or "–"
        )
    )
    if not content.rungs:
        lines.append(_("A profile: every item has its band, nothing is added up to a level."))
    for rung in content.rungs:
        lines.append(
            _("{mark} ({name}) needs all of:").format(mark=rung.mark.in_(language()), name=rung.name.in_(language()))
        )
        lines += [f"  · {condition_in_words(ladder, condition)}" for condition in rung.all_of]
    if content.rungs and content.cumulative:
        lines.append(_("A level counts only where every level below it holds."))
    return tuple(lines)


def condition_in_words(ladder: Ladder, condition: Condition) -> str:
    """One condition as a sentence."""
    groups = {group.id: group.label.in_(language()) for group in ladder.content.groups}
    match condition:
        case SumCondition():
            return _("{groups}: at least {points} points").format(
                groups=", ".join(groups[each] for each in condition.groups), points=condition.at_least
            )
        case CountCondition():
            text = (
                _("{group}: at least {count} of the starred ones at {value} or higher")
                if condition.starred
                else _("{group}: at least {count} at {value} or higher")
            )
            return text.format(group=groups[condition.group], count=condition.at_least, value=condition.value)
        case ItemCondition():
            item = ladder.items[condition.item]
            options = {option.value: option.label.in_(language()) for option in ladder.content.options[item.options]}
            return f"{item.label.in_(language())}: {options.get(condition.at_least, condition.at_least)}"
        case FigureCondition():
            figure = next(each for each in ladder.content.figures if each.id == condition.figure)
            return f"{figure.label.in_(language())} ≥ {condition.at_least} {figure.unit}".rstrip()
        case LevelCondition():
            return _("level {level} or higher by {model}").format(level=condition.at_least, model=condition.model)
