"""The findings as a report of their own: the section of the assessment report, and the days of every machine."""

from __future__ import annotations

from datetime import timedelta

from factory_kit.kpi.calendar import local_midnight
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.connector import MachineState
from factory_kit.render.charts import Lane, Segment, State, Timeline
from factory_kit.render.document import Cell, Document, Facts, Figure, Section
from factory_kit.reports.findings.parts import Told, findings_parts
from factory_kit.reports.over_time import HEIGHTS, HUES, ticks
from factory_kit.reports.shown import days

__all__ = ["findings_section", "findings_view"]

SECOND = 1_000_000
MOST = 60
"""Findings in the report; a table of all of them is written by ``diagnose --out``."""
MOST_DAYS = 7
"""Days on one timeline; of a longer interval the last ones."""


def findings_section(told: Told) -> Section:
    """The section "what the machines say" of an assessment report."""
    t, interval = told.t, told.diagnosis.material.interval
    period = days(interval.days[0], interval.days[-1], told.language)
    return Section("findings", t("title"), findings_parts(told), lead=t("lead", days=period), new_page=True)


def findings_view(told: Told, plant: str, software: str, made: str) -> Document:
    """A report of the findings of *plant* alone, made at *made*."""
    t = told.t
    parts = (_facts(told), *findings_parts(told, MOST))
    timeline = _timeline(told)
    sections = [Section("findings", t("title"), parts, lead=t("lead_alone"))]
    if timeline is not None:
        sections.append(Section("states", t("states.title"), (timeline,), lead=t("states.lead"), new_page=True))
    footer = t("footer", software=software, made=made)
    return Document(told.language, t("document"), plant, tuple(sections), t("contents"), footer)


def _facts(told: Told) -> Facts:
    t, diagnosis = told.t, told.diagnosis
    interval = diagnosis.material.interval
    faults = sum(each.definition.group == "fault" for each in diagnosis.findings)
    return Facts(
        "facts-findings",
        (
            (t("facts.days"), Cell(days(interval.days[0], interval.days[-1], told.language))),
            (t("facts.faults"), Cell(str(faults), number=faults)),
            (t("facts.losses"), Cell(str(len(diagnosis.findings) - faults), number=len(diagnosis.findings) - faults)),
        ),
        columns=3,
    )


def _timeline(told: Told) -> Figure | None:
    """The states of every machine over the interval, or its last days."""
    t, material = told.t, told.diagnosis.material
    interval = material.interval
    if not material.segments:
        return None
    first = local_midnight(interval.days[max(0, len(interval.days) - MOST_DAYS)], interval.zone)
    window = Stretch(first, interval.end)
    lanes = tuple(
        Lane(
            told.name(name),
            tuple(
                Segment((max(each.start, first) - first) / SECOND, (each.end - first) / SECOND, each.state.value)
                for each in segments
                if each.end > first
            ),
        )
        for name, segments in sorted(material.segments.items())
    )
    states = tuple(
        State(each.value, t(f"state.{each.value}"), hue, HEIGHTS.get(each, 1.0)) for each, hue in HUES.items()
    )
    chart = Timeline(lanes, states, window.length / SECOND, tuple(ticks(window, interval.zone)))
    hours = {
        state: sum(one.length for parts in material.segments.values() for one in parts if one.state is state)
        / (3600 * SECOND)
        for state in MachineState
    }
    alt = t(
        "states.alt",
        count=len(lanes),
        producing=f"{hours[MachineState.PRODUCING]:.1f}",
        down=f"{hours[MachineState.DOWN]:.1f}",
    )
    period = days(
        (interval.days[-1] - timedelta(days=min(MOST_DAYS, len(interval.days)) - 1)), interval.days[-1], told.language
    )
    return Figure("figure-timeline", t("states.caption", days=period), alt, chart, width=760)
