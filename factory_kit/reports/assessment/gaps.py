"""What keeps the plant from the next level, and what would lift it most."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby

from factory_kit.render.document import Bullets, Cell, Column, Facts, Row, Section, Table
from factory_kit.reports.assessment.brief import Brief
from factory_kit.reports.assessment.cover import gain_item
from factory_kit.reports.shown import DASH, number
from factory_kit.score.answer import Value
from factory_kit.score.numbers import exact_text
from factory_kit.score.sensitivity import margins, one_steps, smallest_fall

__all__ = ["gaps", "hangs_on", "steps"]


def steps(brief: Brief) -> Section:
    """The five requirements with the largest gain, and the shortest way to the next level."""
    score, t = brief.score, brief.t
    stopped = score.outcome.stopped_at
    best = tuple(gain_item(brief, gain) for gain in score.best_gains)
    if stopped is None:
        lead = t("steps.lead_all")
    else:
        details = {"level": brief.level_name(stopped), "line": exact_text(brief.threshold)}
        lead = t("steps.lead", count=len(score.shortest_way), **details)
    columns = (
        Column("rank", t("steps.column.rank"), "end", 6),
        Column("id", t("steps.column.id"), share=10),
        Column("requirement", t("steps.column.requirement"), share=40),
        Column("node", t("steps.column.node"), share=16),
        Column("now", t("steps.column.now"), share=16),
        Column("gain", t("steps.column.gain"), "end", 10),
        Column("sum", t("steps.column.sum"), "end", 12),
    )
    rows = []
    reached = _level_value(brief, stopped)
    for rank, gain in enumerate(score.shortest_way, start=1):
        reached += gain.gain
        cells = (
            Cell(str(rank), number=rank),
            Cell(gain.criterion, code=True),
            Cell(brief.label(gain.criterion)),
            Cell(brief.label(score.model.criteria[gain.criterion].node)),
            brief.answer_cell(gain.criterion),
            Cell(f"+{number(gain.gain, 3, 'down')}"),
            Cell(brief.points(reached), brief.tone(reached)),
        )
        rows.append(Row(cells))
    way = Table("table-way", t("steps.table"), columns, tuple(rows), note=t("steps.table_note"), empty=t("steps.empty"))
    bullets = Bullets("best-gains", best, numbered=True, caption=t("steps.best"), empty=t("steps.empty"))
    return Section("steps", t("steps.title"), (bullets, way), lead=lead, new_page=True)


def gaps(brief: Brief) -> Section:
    """Every requirement up to the first unsatisfied level that is not fully met, by subdomain."""
    score, t = brief.score, brief.t
    gains = {gain.criterion: gain.gain for gain in score.gains}
    missed = [criterion for criterion in score.model.structure.criteria if _missed(brief, criterion.id)]
    rows: list[Row] = []
    for node, criteria in groupby(missed, key=lambda criterion: criterion.node):
        found = list(criteria)
        value = score.node(node, brief.focus).value
        heading = t(
            "gaps.group",
            node=brief.label(node),
            count=len(found),
            level=brief.level(brief.focus).mark,
            value=brief.points(value),
        )
        rows.append(Row((Cell(heading),), "group"))
        for criterion in found:
            gain = gains.get(criterion.id)
            cells = (
                Cell(criterion.id, code=True),
                Cell(brief.level(criterion.level).mark),
                Cell(brief.label(criterion.id)),
                brief.answer_cell(criterion.id),
                Cell(brief.t.listed([brief.texts.evidence[kind] for kind in criterion.evidence])),
                Cell(f"+{number(gain, 3, 'down')}" if gain else DASH),
            )
            rows.append(Row(cells))
    columns = (
        Column("id", t("gaps.column.id"), share=10),
        Column("level", t("gaps.column.level"), share=9),
        Column("requirement", t("gaps.column.requirement"), share=42),
        Column("answer", t("gaps.column.answer"), share=16),
        Column("proof", t("gaps.column.proof"), share=15),
        Column("gain", t("gaps.column.gain"), "end", 10),
    )
    table = Table("table-gaps", t("gaps.table"), columns, tuple(rows), note=t("gaps.note"), empty=t("gaps.empty"))
    return Section("gaps", t("gaps.title"), (table,), lead=t("gaps.lead", level=brief.level_name(brief.focus)))


def hangs_on(brief: Brief) -> Section:
    """How far the thresholds are, and the answers on which the level hangs."""
    score, t, decided = brief.score, brief.t, brief.material.scored.decided
    ends = margins(score)
    fall = smallest_fall(score, decided)
    facts = Facts(
        "margins",
        (
            (t("hangs_on.above"), Cell(DASH if ends.above is None else number(ends.above, 2, "down"))),
            (t("hangs_on.below"), Cell(DASH if ends.below is None else number(ends.below, 2, "down"))),
            (
                t("hangs_on.fall"),
                Cell(t("hangs_on.fall_of", count=len(fall), criteria=t.listed(fall)) if fall else DASH),
            ),
        ),
    )
    rows = tuple(
        Row(
            (
                Cell(step.criterion, code=True),
                Cell(brief.label(step.criterion)),
                Cell(exact_text(step.now)),
                Cell(exact_text(step.then)),
                Cell(brief.level_name(step.level)),
            )
        )
        for step in one_steps(score, decided)
    )
    columns = (
        Column("id", t("gaps.column.id"), share=10),
        Column("requirement", t("gaps.column.requirement"), share=50),
        Column("now", t("hangs_on.column.now"), "end", 10),
        Column("then", t("hangs_on.column.then"), "end", 10),
        Column("level", t("hangs_on.column.level"), share=20),
    )
    table = Table("table-hangs-on", t("hangs_on.table"), columns, rows, empty=t("hangs_on.empty"))
    return Section("hangs-on", t("hangs_on.title"), (facts, table), lead=t("hangs_on.lead"))


def _missed(brief: Brief, criterion: str) -> bool:
    model = brief.score.model
    entry = model.criteria[criterion]
    if entry.node not in brief.nodes or entry.level > brief.focus:
        return False
    decided = brief.decided(criterion)
    if isinstance(decided, Value):
        return decided.value < max(model.options[entry.options])
    return decided is None or decided.kind.value != "not applicable"


def _level_value(brief: Brief, level: int | None) -> Fraction:
    return next((each.value for each in brief.score.outcome.levels if each.level == level), Fraction(0))
