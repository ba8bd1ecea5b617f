"""How a model turns answers into a level, in sentences that a non-programmer understands."""

from __future__ import annotations

from collections.abc import Iterator

from factory_kit.i18n import N_, _, language
from factory_kit.model.maturity import Bands, Gate, MaturityModel, WeightedMean

__all__ = ["rules_in_words"]


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


EMPTY = {
    "renormalise": N_("Where a subdomain has no requirement at a level, it weighs nothing there."),
    "inherit": N_("Where a subdomain has no requirement at a level, it counts as met if the level below is satisfied."),
    "full": N_("Where a subdomain has no requirement at a level, it counts as met."),
}
