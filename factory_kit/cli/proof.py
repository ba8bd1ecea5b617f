"""``assess explain --proof``: floor, score and ceiling of an assessment, and what stands between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory_kit.i18n import _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory_kit.assess.between import Between
    from factory_kit.assess.scored import Scored
    from factory_kit.score.steps import Outcome

__all__ = ["explain_proof"]

MOST_NODES = 3


def explain_proof(scored: Scored, *, as_json: bool) -> None:
    """Floor, score and ceiling by level, then in sentences what holds them apart."""
    from factory_kit.assess.between import between
    from factory_kit.cli.console import print_json, print_table, results

    found = between(scored)
    if as_json:
        score = scored.score
        levels = {"floor": score.floor.level, "score": score.level, "ceiling": score.ceiling.level}
        print_json({"levels": levels, "unproven": list(found.unproven), "open": list(found.open)})
        return
    columns = (_("Level"), _("Proven"), _("Score"), _("At most"), _("Only declared"), _("Open"))
    print_table(
        columns, list(_rows(scored, found)), title=_("Floor and ceiling"), numbers=dict.fromkeys(range(1, 6), True)
    )
    for line in _sentences(scored, found):
        results().print(line, markup=False, soft_wrap=True)


def _rows(scored: Scored, found: Between) -> Iterator[tuple[str, ...]]:
    from factory_kit.i18n import language
    from factory_kit.score import rounded_down

    score, places = scored.score, scored.model.structure.scoring.shown.places
    texts = scored.model.texts[language()].levels
    for floor, own, ceiling in zip(score.floor.levels, score.outcome.levels, score.ceiling.levels, strict=True):
        unproven, without = found.at_level(scored, own.level)
        shown = (rounded_down(each.value, places) for each in (floor, own, ceiling))
        yield (texts[str(own.level)].mark, *shown, str(unproven), str(without))
    totals = (rounded_down(each.total, places) for each in (score.floor, score.outcome, score.ceiling))
    yield ("S", *totals, str(len(found.unproven)), str(len(found.open)))


def _sentences(scored: Scored, found: Between) -> Iterator[str]:
    from factory_kit.i18n import language

    score = scored.score
    yield _("Floor: {floor}, what machine data, documents and observation prove.").format(
        floor=_named(scored, score.floor)
    )
    yield _("Score: {level}, every answer as it was given.").format(level=_named(scored, score.outcome))
    if found.unproven:
        nodes = [
            f"{scored.model.label(node, language())} ({count})" for node, count in found.by_node(scored)[:MOST_NODES]
        ]
        yield _("Between them stand {count} answers that are only declared, most in: {nodes}.").format(
            count=len(found.unproven), nodes=("、" if language() == "zh" else ", ").join(nodes)
        )
    if found.open:
        yield _("Ceiling: {ceiling}, if the {count} answers without a value were fully met.").format(
            ceiling=_named(scored, score.ceiling), count=len(found.open)
        )


def _named(scored: Scored, outcome: Outcome) -> str:
    """``Level 2 Standardised``; below the lowest level that is said."""
    from factory_kit.i18n import language

    known = str(outcome.level) in scored.model.texts[language()].levels
    return scored.model.level_name(outcome.level, language()) if known else _("no level")
