"""The day the report shows as a timeline: the last day of the machine evidence, out of the store it was computed from."""

from __future__ import annotations

from datetime import datetime, timedelta

from factory_kit.assess.evidence import newest
from factory_kit.assess.scored import Scored
from factory_kit.kpi.indicators import StoreView
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.segments import machine_segments
from factory_kit.model.evidence import PLANT
from factory_kit.model.site import Site
from factory_kit.reports.assessment.material import Day, MachineDay

__all__ = ["shown_day"]

INDICATOR = "availability"
"""Its stretches are drawn, so that the picture shows what the figures add up."""
INSTANT = timedelta(microseconds=1)


def shown_day(scored: Scored, store: StoreView, site: Site) -> Day | None:
    """The states of the machines on the last day of the availability record; None without such a record."""
    record = next(
        (each for each in newest(scored.evidence) if (each.indicator.id, each.subject) == (INDICATOR, PLANT)), None
    )
    indicator = scored.indicators.get(INDICATOR)
    if record is None or indicator is None or indicator.sql_sha256 != record.indicator.sql_sha256:
        return None
    last = (datetime.fromisoformat(record.end) - INSTANT).date()
    day = days_between(last, last, site.plant.timezone)
    segments = machine_segments(indicator, store, day, site.calendar)
    order = [equipment.id for equipment in site.equipment]
    machines = sorted(segments, key=lambda each: order.index(each) if each in order else len(order))
    return Day(day.window, tuple(MachineDay(each, segments[each]) for each in machines))
