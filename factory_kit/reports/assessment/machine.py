"""What the machines say: evidence records, OEE, states over a day, idle energy."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby

from factory_kit.kpi.calendar import local_date, local_midnight
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.evidence import PLANT, Evidence
from factory_kit.render.charts import Lane, Segment, State, Timeline
from factory_kit.render.document import Callout, Cell, Column, Figure, Part, Row, Section, Table
from factory_kit.reports.assessment.brief import Brief
from factory_kit.reports.assessment.material import Day, MachineDay
from factory_kit.reports.over_time import HEIGHTS, HUES, ticks
from factory_kit.reports.shown import DASH, days, moment, number, percent, percent_range, short
from factory_kit.reports.shown import day as day_
from factory_kit.score.answer import Value
from factory_kit.score.numbers import exact_text

__all__ = ["energy", "evidence", "oee", "ticks", "timeline"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
OEE, IDLE = "oee", "idle-energy"
"""The indicators whose records fill the tables of OEE and of idle energy."""
NUMBER = re.compile(r"-?\d+(\.\d+)?")
MOST_LANES = 24
"""Machines on one timeline; the table below it has all."""


def evidence(brief: Brief) -> Section:
    """Every machine record: what it measured, how sure it is, what it proposed, and what was decided."""
    t = brief.t
    records = sorted(brief.evidence, key=lambda record: (record.indicator.id, record.subject != PLANT, record.subject))
    parts: list[Part] = []
    origins = {origin for record in records for origin in record.origin}
    if "simulated" in origins:
        parts.append(Callout("notice-simulated", t("notice.simulated.title"), t("notice.simulated.text"), "bad"))
    parts.append(_evidence_table(brief, records))
    return Section("evidence", t("evidence.title"), tuple(parts), lead=t("evidence.lead"), new_page=True)


def _evidence_table(brief: Brief, records: Sequence[Evidence]) -> Table:
    t = brief.t
    intervals = sorted({(record.start, record.end) for record in records})
    own_interval = len(intervals) > 1
    rows: list[Row] = []
    for _, group in groupby(records, key=lambda record: record.indicator.id):
        found = list(group)
        rows.append(Row((Cell(_indicator(brief, found[0])),), "group"))
        rows += [Row(_record(brief, record, own_interval=own_interval)) for record in found]
    columns = (
        Column("subject", t("evidence.column.subject"), share=17),
        Column("value", t("evidence.column.value"), "end", 10),
        Column("bounds", t("evidence.column.bounds"), "end", 19),
        Column("coverage", t("evidence.column.coverage"), "end", 11),
        *((Column("interval", t("evidence.column.interval"), share=14),) if own_interval else ()),
        Column("points", t("evidence.column.points"), "end", 8),
        Column("grade", t("evidence.column.grade"), "center", 8),
        Column("proposed", t("evidence.column.proposed"), share=17),
        Column("decided", t("evidence.column.decided"), share=14),
        Column("id", t("evidence.column.id"), share=15),
    )
    caption = t("evidence.table")
    if len(intervals) == 1:
        caption = t("evidence.table_interval", interval=_days(brief, *intervals[0]))
    return Table("table-evidence", caption, columns, tuple(rows), note=t("evidence.note"), empty=t("evidence.empty"))


def _days(brief: Brief, start: str, end: str) -> str:
    """The whole days between two moments of a record, the last one included."""
    first, last = (datetime.fromisoformat(text) for text in (start, end))
    return days(first.date(), (last - timedelta(microseconds=1)).date(), brief.language)


def _indicator(brief: Brief, record: Evidence) -> str:
    indicator = brief.material.scored.indicators.get(record.indicator.id)
    label = indicator.definition.label.in_(brief.language) if indicator else record.indicator.id
    return f"{label} ({record.indicator.id}, rev {record.indicator.rev})"


def _record(brief: Brief, record: Evidence, *, own_interval: bool) -> tuple[Cell, ...]:
    value = Cell(brief.figure(record.value, record.unit), strong=True, number=_decimal(record.value))
    if record.outcome != "value":
        word = "inconclusive" if record.outcome == "inconclusive" else "not_applicable"
        value = Cell(brief.t(f"outcome.{word}"), "warn" if word == "inconclusive" else "muted")
    lower, upper = brief.figure(record.lower, record.unit, "down"), brief.figure(record.upper, record.unit, "up")
    return (
        Cell(brief.equipment(record.subject)),
        value,
        Cell(DASH if DASH in {lower, upper} else f"{lower} – {upper}"),
        Cell(percent(_fraction(record.coverage), "down"), number=_decimal(record.coverage)),
        *((Cell(_days(brief, record.start, record.end)),) if own_interval else ()),
        Cell(str(len(record.points)), number=len(record.points)),
        Cell(record.grade),
        *_proposed(brief, record),
        Cell(short(record.id), code=True),
    )


def _proposed(brief: Brief, record: Evidence) -> tuple[Cell, Cell]:
    """What the record proposes for its criteria, and what was decided for each."""
    proposed, decided = [], []
    for proposal in brief.proposals.values():
        for voice in proposal.voices:
            if voice.record.id != record.id:
                continue
            text = brief.t("evidence.supports") if voice.score is None else exact_text(voice.score)
            proposed.append(f"{proposal.criterion}{brief.t('word.colon')}{text}")
            answer = brief.decided(proposal.criterion)
            value = (
                exact_text(answer.value) if isinstance(answer, Value) else brief.answer_cell(proposal.criterion).text
            )
            decided.append(f"{proposal.criterion}{brief.t('word.colon')}{value}")
    separator = brief.t("word.semicolon")
    if record.reason:
        proposed.append(brief.reason(record.reason))
    return Cell(separator.join(proposed) or DASH), Cell(separator.join(decided) or DASH)


def oee(brief: Brief) -> Section:
    """OEE per machine, and one day of states."""
    t, material = brief.t, brief.material
    parts: list[Part] = []
    if not material.site.calendar.shifts:
        parts.append(Callout("notice-calendar", t("word.note"), t("oee.round_the_clock"), "accent"))
    parts.append(_oee_table(brief))
    if material.day is not None:
        parts += [timeline(brief, material.day), _states_table(brief, material.day)]
    return Section("oee", t("oee.title"), tuple(parts), lead=t("oee.lead"), new_page=True)


def _oee_table(brief: Brief) -> Table:
    t = brief.t
    columns = (
        Column("machine", t("oee.column.machine"), share=20),
        Column("availability", t("oee.column.availability"), "end", 10),
        Column("effectiveness", t("oee.column.effectiveness"), "end", 10),
        Column("quality", t("oee.column.quality"), "end", 10),
        Column("oee", "OEE", "end", 9),
        Column("bounds", t("oee.column.bounds"), "end", 16),
        Column("coverage", t("oee.column.coverage"), "end", 9),
        Column("remark", t("oee.column.remark"), share=22),
    )
    records = [record for record in brief.evidence if record.indicator.id == OEE]
    rows = tuple(Row(_oee_row(brief, record), "total" if record.subject == PLANT else "") for record in records)
    return Table("table-oee", t("oee.table"), columns, rows, note=t("oee.note"), empty=t("oee.empty"))


def _oee_row(brief: Brief, record: Evidence) -> tuple[Cell, ...]:
    """The factors are shown even where the record is inconclusive: they tell why."""
    figures = _figures(record)
    known = figures["planned_s"] - figures["unknown_s"]
    remark = brief.reason(record.reason)
    return (
        Cell(brief.equipment(record.subject)),
        _share(_ratio(figures["producing_s"], known)),
        _share(_ratio(figures["ideal_total_s"], figures["producing_s"])),
        # By ideal time, which for one machine is by pieces: so the three factors make the OEE of the plant too.
        _share(_ratio(figures["ideal_good_s"], figures["ideal_total_s"])),
        Cell(percent(_fraction(record.value)), number=_decimal(record.value), strong=True),
        Cell(percent_range(_fraction(record.lower), _fraction(record.upper))),
        Cell(percent(_fraction(record.coverage), "down"), number=_decimal(record.coverage)),
        Cell(remark, "warn" if remark else ""),
    )


def _figures(record: Evidence) -> Mapping[str, Fraction]:
    """The whole and decimal numbers among the figures of *record*; 0 where there is none."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    figures = record.details.get("figures")
    for name, text in figures.items() if isinstance(figures, dict) else ():
        if isinstance(text, str) and NUMBER.fullmatch(text):
            found[name] = Fraction(text)
    return found


def _ratio(part: Fraction, whole: Fraction) -> Fraction | None:
    return part / whole if whole else None


def timeline(brief: Brief, day: Day) -> Figure:
    """The states of the machines over *day*."""
    t = brief.t
    zone = brief.assessment.plant.timezone
    shown = _most_important(brief, day.machines)
    lanes = tuple(
        Lane(
            brief.equipment(machine.equipment),
            tuple(
                Segment((s.start - day.window.start) / SECOND, (s.end - day.window.start) / SECOND, s.state.value)
                for s in machine.segments
            ),
        )
        for machine in shown
    )
    states = tuple(
        State(state.value, t(f"state.{state.value}"), hue, HEIGHTS.get(state, 1.0)) for state, hue in HUES.items()
    )
    seconds = day.window.length / SECOND
    caption = t("oee.figure", when=_when(brief, day.window))
    alt = t("oee.figure_alt", count=len(lanes))
    left = len(day.machines) - len(shown)
    note = t("oee.figure_more", shown=len(shown), left=left) if left else ""
    chart = Timeline(lanes, states, seconds, tuple(ticks(day.window, zone)))
    return Figure("figure-states", caption, alt, chart, note=note, width=760)


def _most_important(brief: Brief, machines: Sequence[MachineDay]) -> Sequence[MachineDay]:
    """As many *machines* as fit on a page, key equipment first, in the order of the ledger."""
    if len(machines) <= MOST_LANES:
        return machines
    keys = {each.id for each in brief.material.site.equipment if each.key}
    chosen = sorted(machines, key=lambda machine: machine.equipment not in keys)[:MOST_LANES]
    return [machine for machine in machines if machine in chosen]


def _when(brief: Brief, window: Stretch) -> str:
    """A whole local day by its date, any other stretch by its two moments."""
    zone = brief.assessment.plant.timezone
    first = local_date(window.start, zone)
    if (window.start, window.end) == (local_midnight(first, zone), local_midnight(first + timedelta(days=1), zone)):
        return day_(first, brief.language)
    return f"{moment(window.start, zone, brief.language)} – {moment(window.end, zone, brief.language)}"


def _states_table(brief: Brief, day: Day) -> Table:
    """The same day in figures: which share of it each machine spent in which state."""
    t = brief.t
    columns = (
        Column("machine", t("oee.column.machine"), share=24),
        *(Column(state.value, t(f"state.{state.value}"), "end", 11) for state in HUES),
    )
    rows = tuple(Row((Cell(brief.equipment(machine.equipment)), *_shares(machine))) for machine in day.machines)
    return Table("table-states", t("oee.states_table"), columns, rows)


def _shares(machine: MachineDay) -> Iterator[Cell]:
    whole = sum(segment.length for segment in machine.segments)
    for state in HUES:
        part = sum(segment.length for segment in machine.segments if segment.state is state)
        share = Fraction(part, whole) if whole else None
        yield Cell(percent(share) if part else DASH, "" if part else "muted", _number(share) if part else None)


def energy(brief: Brief) -> Section:
    """Energy used while machines were idle."""
    t = brief.t
    records = [record for record in brief.evidence if record.indicator.id == IDLE]
    columns = (
        Column("subject", t("energy.column.subject"), share=24),
        Column("total", t("energy.column.total"), "end", 14),
        Column("idle", t("energy.column.idle"), "end", 14),
        Column("share", t("energy.column.share"), "end", 12),
        Column("bounds", t("energy.column.bounds"), "end", 18),
        Column("coverage", t("energy.column.coverage"), "end", 12),
        Column("remark", t("energy.column.remark"), share=20),
    )
    rows = tuple(Row(_energy_row(brief, record)) for record in records)
    table = Table("table-energy", t("energy.table"), columns, rows, note=t("energy.note"), empty=t("energy.empty"))
    return Section("energy", t("energy.title"), (table,), lead=t("energy.lead"))


def _energy_row(brief: Brief, record: Evidence) -> tuple[Cell, ...]:
    figures = _figures(record)
    return (
        Cell(brief.equipment(record.subject), strong=record.subject == PLANT),
        Cell(number(figures["all_kwh"], 1), number=_number(figures["all_kwh"])),
        Cell(number(figures["idle_kwh"], 1), number=_number(figures["idle_kwh"])),
        Cell(brief.figure(record.value, record.unit), strong=True, number=_decimal(record.value)),
        Cell(percent_range(_fraction(record.lower), _fraction(record.upper))),
        Cell(percent(_fraction(record.coverage), "down"), number=_decimal(record.coverage)),
        Cell(brief.reason(record.reason), "warn" if record.reason else ""),
    )


def _share(value: Fraction | None) -> Cell:
    return Cell(percent(value), number=_number(value))


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _number(value: Fraction | None) -> Decimal | None:
    return None if value is None else Decimal(value.numerator) / Decimal(value.denominator)
