"""What a terminal shows of a score: its levels, the reasons for them, and what they hang on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from factory_kit.assess.ladders import Stand
    from factory_kit.assess.scored import Scored
    from factory_kit.i18n import Language
    from factory_kit.model.action import Actions
    from factory_kit.score.ladder import Span
    from factory_kit.score.path import Plan
    from factory_kit.score.sensitivity import Sensitivity

__all__ = [
    "explain_criterion",
    "explain_level",
    "explain_sensitivity",
    "money",
    "show_plans",
    "show_score",
    "show_stand",
]

FEW = 12
"""Of the answers a level hangs on, so many are shown."""


def show_score(scored: Scored) -> None:
    """Levels as a table on standard output, then why, what would help, and what to know before believing it."""
    from factory_kit.cli.console import print_table

    columns = (
        _("Level"),
        _("Score"),
        _("Reached"),
        _("Proven"),
        _("At most"),
        _("Requirements"),
        _("Fully met"),
        _("Open"),
    )
    print_table(columns, _level_rows(scored), numbers=dict.fromkeys((1, 3, 4, 5, 6, 7), True))
    _print_reasons(scored)


def _level_rows(scored: Scored) -> list[tuple[str, ...]]:
    from factory_kit.i18n import language
    from factory_kit.score import rounded_down

    score = scored.score
    places = scored.model.structure.scoring.shown.places
    texts = scored.model.texts[language()].levels
    rows = []
    both = zip(score.outcome.levels, score.floor.levels, score.ceiling.levels, score.counts, strict=True)
    for level, floor, ceiling, count in both:
        shown = [rounded_down(each.value, places) for each in (level, floor, ceiling)]
        reached = _("yes") if level.satisfied else _("no")
        rows.append(
            (
                texts[str(level.level)].mark,
                shown[0],
                reached,
                *shown[1:],
                str(count.requirements),
                str(count.met),
                str(count.open),
            )
        )
    return rows


def _print_reasons(scored: Scored) -> None:
    from factory_kit.assess.explain import improvements, warning_texts, way_up, why
    from factory_kit.cli.console import print_table, results

    out = results()
    for line in why(scored):
        out.print(line, markup=False, soft_wrap=True)
    found = improvements(scored)
    if found:
        out.print()
        columns = (_("Raises most"), _("Requirement"), _("Now"), _("Gain"))
        rows = [(each.criterion, each.label, each.now, f"+{each.gain}") for each in found]
        print_table(columns, rows, numbers={2: True, 3: True})
        out.print(way_up(scored), markup=False, soft_wrap=True)
    for text in warning_texts(scored):
        out.print(f"! {text}", markup=False, soft_wrap=True)


def explain_level(scored: Scored, *, as_json: bool) -> None:
    """Why the plant has its level, and what would raise it most."""
    from dataclasses import asdict

    from factory_kit.assess.explain import improvements, warning_texts, way_up, why
    from factory_kit.cli.console import print_json

    if not as_json:
        _print_reasons(scored)
        return
    print_json(
        {
            "level": scored.score.level,
            "why": list(why(scored)),
            "raises_most": [asdict(each) for each in improvements(scored)],
            "way_up": way_up(scored),
            "warnings": list(warning_texts(scored)),
        }
    )


def explain_criterion(scored: Scored, criterion: str, wording: str, *, as_json: bool) -> None:
    """What stands behind one requirement, and the standard's own *wording* where the user has it."""
    from dataclasses import asdict

    from factory_kit.assess.explain import about_criterion
    from factory_kit.cli.console import print_json, print_table

    lines = about_criterion(scored, criterion)
    if as_json:
        print_json([asdict(line) for line in lines])
        return
    own = [(_("Wording of the standard"), wording)] if wording else []
    print_table(("", criterion), [*own, *((line.name, line.text) for line in lines)])


def explain_sensitivity(scored: Scored, *, as_json: bool) -> None:
    """How far the thresholds are, the answers that decide, the smallest fall, and how much the weights matter."""
    from factory_kit.cli.console import print_json, results
    from factory_kit.score import exact_text
    from factory_kit.score.sensitivity import sensitivity

    found = sensitivity(scored.score, scored.decided)
    if as_json:
        margins = found.margins
        print_json(
            {
                "level": scored.score.level,
                "above": None if margins.above is None else exact_text(margins.above),
                "below": None if margins.below is None else exact_text(margins.below),
                "one_steps": [
                    {"criterion": step.criterion, "now": exact_text(step.now), "then": exact_text(step.then), "level": step.level}
                    for step in found.one_steps
                ],
                "smallest_fall": list(found.smallest_fall),
                "weights": {
                    "draws": found.weights.draws, "stayed": found.weights.stayed, "spread_percent": found.weights.spread,
                    "seed": found.weights.seed, "levels": {str(level): count for level, count in found.weights.levels.items()},
                },
            }
        )  # fmt: skip
        return
    for line in sensitivity_lines(scored, found):
        results().print(line, markup=False, soft_wrap=True)


def sensitivity_lines(scored: Scored, found: Sensitivity) -> Iterator[str]:
    """The same in sentences."""
    from factory_kit.score import rounded_down

    places = scored.model.structure.scoring.shown.places
    if found.margins.above is not None:
        yield _("The total lies {above} above the lower end of level {level}.").format(
            above=rounded_down(found.margins.above, places), level=scored.score.level
        )
    if found.margins.below is not None:
        yield _("It lies {below} below the next level.").format(below=rounded_down(found.margins.below, places))
    if found.one_steps:
        yield _("A single step of one of these {count} answers changes the level:").format(count=len(found.one_steps))
        for step in found.one_steps[:FEW]:
            yield "  " + _("{criterion}: {now} → {then} gives level {level}").format(
                criterion=step.criterion, now=float(step.now), then=float(step.then), level=step.level
            )
    else:
        yield _("No single step of one answer changes the level.")
    if found.smallest_fall:
        yield _("The level is lost when these {count} answers fall to the lowest value: {criteria}.").format(
            count=len(found.smallest_fall), criteria=", ".join(found.smallest_fall)
        )
    draws = found.weights
    yield _(
        "With all weights moved at random by up to {spread} %, the level stayed in {stayed} of {draws} draws."
    ).format(spread=draws.spread, stayed=draws.stayed, draws=draws.draws)


def show_plans(actions: Actions, plans: Sequence[Plan], level: int, *, as_json: bool) -> None:
    """Each plan as a table of its actions, with what they cost together and how sure that is."""
    from factory_kit.cli.console import note, print_json, print_table
    from factory_kit.i18n import language
    from factory_kit.score import exact_text, rounded_down

    if as_json:
        print_json(
            [
                {
                    "level": plan.score.level, "total": exact_text(plan.score.total), "months": plan.months,
                    "cost": {"low": exact_text(plan.cost_low), "high": exact_text(plan.cost_high), "unit": actions.unit, "currency": actions.currency},
                    "actions": [{"id": action.id, "raises": list(raised)} for action, raised in zip(plan.actions, plan.raised, strict=True)],
                }
                for plan in plans
            ]
        )  # fmt: skip
        return
    columns = (_("Action"), _("What"), _("Raises"), _("Cost"), _("Months"))
    for number, plan in enumerate(plans, start=1):
        title = _("Plan {number} to level {level}: {cost}, {months} months, S = {total}").format(
            number=number, level=level, months=plan.months, total=rounded_down(plan.score.total, 2),
            cost=money(exact_text(plan.cost_low), exact_text(plan.cost_high), actions.unit, actions.currency, language()),
        )  # fmt: skip
        rows = [
            (
                each.id,
                each.label.in_(language()),
                ", ".join(raised),
                f"{each.cost.low}–{each.cost.high}",
                each.months,
            )
            for each, raised in zip(plan.actions, plan.raised, strict=True)
        ]
        print_table(columns, rows, title=title, numbers={3: True, 4: True})
    note(
        _("Costs and months: {source} ({confidence}). Replace them by offers before anybody decides.").format(
            source=actions.source.title.in_(language()), confidence=_(actions.source.confidence)
        )
    )


def money(low: str, high: str, unit: int, currency: str, language: Language) -> str:
    """A cost from *low* to *high*, in so many *unit* of *currency*: ``3–15 万元``, or ``3–15 × 10000 CNY``."""
    units = {1: "元", 10_000: "万元", 100_000_000: "亿元"}
    if language == "zh" and currency == "CNY" and unit in units:
        return f"{low}–{high} {units[unit]}"
    return f"{low}–{high} {currency}" if unit == 1 else f"{low}–{high} × {unit} {currency}"


def show_stand(stand: Stand, *, as_json: bool) -> None:
    """Where a plant stands on a ladder: the level, every condition with pass, fail or unknown, and what holds it back."""
    from factory_kit.assess.model_rules import condition_in_words
    from factory_kit.assess.stands import stand_record
    from factory_kit.cli.console import print_json, print_table, results
    from factory_kit.i18n import language

    climbed, content = stand.climbed, stand.ladder.content
    if as_json:
        print_json(stand_record(stand))
        return
    out = results()
    marks = {rung.level: rung.mark.in_(language()) for rung in content.rungs}
    if content.rungs:
        out.print(
            _("{title}: {level} (proven: {proven}; at best: {best}).").format(
                title=content.title.in_(language()), level=marks.get(climbed.level, _("no level")),
                proven=marks.get(climbed.proven, _("no level")), best=marks.get(climbed.at_best, _("no level")),
            ),
            markup=False,
        )  # fmt: skip
        rows = [
            (
                marks[rung.level],
                condition_in_words(stand.ladder, held.condition),
                _found(held.found),
                _(STATES[held.state]),
            )
            for rung in climbed.rungs
            for held in rung.held
        ]
        print_table((_("Level"), _("Needs"), _("Found"), _("State")), rows, numbers={2: True})
        for held in climbed.holds_back:
            out.print(
                _("Holds back: {what}").format(what=condition_in_words(stand.ladder, held.condition)), markup=False
            )
    else:
        _show_profile(stand)
    if content.status == "unverified":
        out.print(f"! {_('This ladder has not been compared with its document yet.')}", markup=False)


def _show_profile(stand: Stand) -> None:
    from factory_kit.cli.console import print_table
    from factory_kit.i18n import language
    from factory_kit.score import exact_text

    content = stand.ladder.content
    groups = {group.id: group.label.in_(language()) for group in content.groups}
    rows = []
    for item in content.items:
        value = stand.values.get(item.id)
        labels = {option.value: option.label.in_(language()) for option in content.options[item.options]}
        shown = "–" if value is None else labels.get(exact_text(value), exact_text(value))
        row = (item.id, groups[item.group], item.label.in_(language()), shown)
        rows.append((*row, _servers(stand, item.id)) if stand.stated else row)
    columns = ("Id", _("Group"), _("Item"), _("Band"), *((_("Servers show"),) if stand.stated else ()))
    print_table(columns, rows, title=content.title.in_(language()))


def _servers(stand: Stand, item: str) -> str:
    """What discovered servers state about *item*, with a mark where the answer stands above it."""
    from factory_kit.score import exact_text

    stated = stand.stated.get(item)
    if stated is None:
        return ""
    kinds = sorted({reason for _record, statement in stated.by for reason in statement.because})
    mark = "≠ " if item in stand.contradicted else ""
    return f"{mark}{exact_text(stated.score)}{': ' if kinds else ''}{', '.join(kinds)}"


STATES = {"pass": N_("pass"), "fail": N_("fail"), "unknown": N_("not known")}
"""Words of conditions."""


def _found(span: Span) -> str:
    """What was found: one number, or from what is sure to what could be."""
    low, high = (f"{float(end):g}" for end in span)
    if span[0] < 0:
        return "?"
    return low if low == high else f"{low} … {high}"
