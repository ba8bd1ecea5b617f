"""The level, the scores of the levels, and the scores of elements, domains and subdomains."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from factory_kit.render.charts import Bar, Bars, Radar, Series
from factory_kit.render.document import Bullets, Cell, Column, Figure, Item, Part, Row, Section, Table
from factory_kit.render.theme import Tone
from factory_kit.reports.assessment.brief import Brief
from factory_kit.reports.shown import DASH, percent
from factory_kit.score.numbers import exact_text
from factory_kit.score.steps import LevelScore

__all__ = ["domains", "results", "score_cell"]


def results(brief: Brief) -> Section:
    """Scores per level against the threshold, and the way to the level in sentences."""
    score, t = brief.score, brief.t
    parts: list[Part] = [_levels_figure(brief), _levels_table(brief)]
    items = tuple(Item(sentence) for sentence in brief.said(score.explanation))
    parts.append(Bullets("explanation", items, numbered=True, caption=t("results.explanation")))
    warnings = tuple(Item(sentence) for sentence in brief.said(brief.material.scored.warnings))
    parts.append(Bullets("warnings", warnings, caption=t("results.warnings"), empty=t("results.no_warnings")))
    lead = t(
        "results.lead",
        level=brief.level_name(score.level),
        total=brief.points(score.total),
        line=exact_text(brief.threshold),
    )
    return Section("results", t("results.title"), tuple(parts), lead=lead)


def domains(brief: Brief) -> Section:
    """The radar over the domains, and every node's score at every level."""
    t = brief.t
    return Section(
        "domains", t("domains.title"), (_radar(brief), _nodes_table(brief)), lead=t("domains.lead"), new_page=True
    )


def score_cell(brief: Brief, value: Fraction | None, *, strong: bool = False) -> Cell:
    """A score, coloured against the threshold."""
    shown = None if value is None else Decimal(brief.points(value))
    return Cell(brief.points(value), brief.tone(value), shown, strong=strong)


def _levels_figure(brief: Brief) -> Figure:
    score, t = brief.score, brief.t
    bars = tuple(
        Bar(
            brief.level_name(level.level),
            _shown(brief, level.value),
            brief.points(level.value),
            _level_tone(brief, level),
        )
        for level in score.outcome.levels
    )
    line = exact_text(brief.threshold)
    alt = t.listed([f"{bar.label} {bar.text}" for bar in bars])
    return Figure(
        "figure-levels",
        t("results.figure"),
        t("results.figure_alt", line=line, levels=alt),
        Bars(bars, float(brief.threshold), t("word.threshold", line=line)),
        note=t("results.figure_note"),
    )


def _level_tone(brief: Brief, level: LevelScore) -> Tone:
    stopped = brief.score.outcome.stopped_at
    if stopped is not None and level.level > stopped:
        return "muted"
    return "good" if level.satisfied else "warn"


def _levels_table(brief: Brief) -> Table:
    score, t = brief.score, brief.t
    rows = []
    for level, floor, ceiling, count in zip(
        score.outcome.levels, score.floor.levels, score.ceiling.levels, score.counts, strict=True
    ):
        counted = score.outcome.stopped_at is None or level.level <= score.outcome.stopped_at
        verdict = "satisfied" if level.satisfied and counted else "missed" if counted else "not_counted"
        cells = (
            Cell(brief.level_name(level.level), strong=True),
            score_cell(brief, level.value),
            Cell(t(f"results.{verdict}"), _level_tone(brief, level)),
            Cell(brief.points(floor.value)),
            Cell(brief.points(ceiling.value)),
            Cell(brief.points(level.adds)),
            Cell(f"{count.met} / {count.requirements}"),
            Cell(str(count.open) if count.open else DASH, "warn" if count.open else "muted"),
        )
        rows.append(Row(cells))
    total = (Cell("S"), Cell(""), Cell(brief.level_name(score.level)), Cell(brief.points(score.floor.total)))
    rest = (Cell(brief.points(score.ceiling.total)), Cell(brief.points(score.total)), Cell(""), Cell(""))
    columns = (
        Column("level", t("results.column.level"), share=20),
        Column("score", t("results.column.score"), "end", 9),
        Column("verdict", t("results.column.verdict"), "center", 17),
        Column("floor", t("results.column.floor"), "end", 10),
        Column("ceiling", t("results.column.ceiling"), "end", 10),
        Column("adds", t("results.column.adds"), "end", 10),
        Column("met", t("results.column.met"), "end", 14),
        Column("open", t("results.column.open"), "end", 9),
    )
    return Table(
        "table-levels",
        t("results.table"),
        columns,
        (*rows, Row((*total, *rest), "total")),
        note=t("results.table_note"),
    )


def _radar(brief: Brief) -> Figure:
    score, t = brief.score, brief.t
    focus = brief.focus
    reached = [level.level for level in score.outcome.levels if level.level < focus]
    levels = (*reached[-1:], focus)
    hues = ("brand", "amber") if len(levels) == 2 else ("amber",)
    series = tuple(
        Series(brief.level_name(level), tuple(_value(brief, node, level) for node in brief.domains), hue)  # type: ignore[arg-type]  # a tuple of literals
        for level, hue in zip(levels, hues, strict=True)
    )
    line = exact_text(brief.threshold)
    scores = [f"{brief.label(node)} {brief.points(score.node(node, focus).value)}" for node in brief.domains]
    chart = Radar(
        tuple(brief.label(node) for node in brief.domains),
        series,
        float(brief.threshold),
        t("word.threshold", line=line),
    )
    alt = t("domains.figure_alt", level=brief.level_name(focus), scores=t.listed(scores))
    return Figure("figure-radar", t("domains.figure"), alt, chart, note=t("domains.figure_note", line=line), width=560)


def _value(brief: Brief, node: str, level: int) -> float | None:
    return _shown(brief, brief.score.node(node, level).value)


def _shown(brief: Brief, value: Fraction | None) -> float | None:
    """*value* as it is printed beside the chart."""
    return None if value is None else float(brief.points(value))


def _nodes_table(brief: Brief) -> Table:
    score, t = brief.score, brief.t
    levels = score.model.structure.levels
    rows = []
    for node in brief.nodes_in_tree():
        depth = brief.depth(node)
        cells = [Cell("　" * depth + brief.label(node), strong=depth == 0)]
        cells += [score_cell(brief, score.node(node, level).value, strong=depth == 0) for level in levels]
        cells.append(Cell(percent(score.node(node, brief.focus).weight)))
        rows.append(Row(tuple(cells)))
    columns = (
        Column("node", t("domains.column.node"), share=34),
        *(Column(f"level_{level}", brief.level(level).mark, "end", 10) for level in levels),
        Column("weight", t("domains.column.weight", level=brief.level(brief.focus).mark), "end", 14),
    )
    note = t("domains.table_note", level=brief.level(brief.focus).mark, line=exact_text(brief.threshold))
    return Table("table-nodes", t("domains.table"), columns, tuple(rows), note=note, small_screen="keep")
