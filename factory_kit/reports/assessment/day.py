"""The day that the report shows: the last one that the machine evidence speaks for."""

from __future__ import annotations

from datetime import datetime, timedelta

from factory_kit.assess.scored import Scored
from factory_kit.kpi.indicators import StoreView
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.segments import machine_segments
from factory_kit.model.connector import MachineState
from factory_kit.model.site import Site
from factory_kit.reports.assessment.material import Day, MachineDay

__all__ = ["shown_day"]

STATES = "availability"
"""The indicator whose reading of machine states is shown."""


def shown_day(scored: Scored, site: Site, store: StoreView) -> Day | None:
    """The last day of the newest evidence on availability, machines in the order of the ledger.

    None where there is no such evidence, or the *store* at hand knows no state of that day: then there is nothing to show.
    """
    ends = [record.end for record in scored.evidence if record.indicator.id == STATES]
    if not ends or STATES not in scored.indicators:
        return None
    last = (max(datetime.fromisoformat(end) for end in ends) - timedelta(microseconds=1)).date()
    interval = days_between(last, last, scored.assessment.plant.timezone)
    found = machine_segments(scored.indicators[STATES], store, interval, site.calendar)
    known = any(segment.state is not MachineState.UNKNOWN for each in found.values() for segment in each)
    machines = tuple(MachineDay(each.id, tuple(found[each.id])) for each in site.equipment if each.id in found)
    return Day(interval.window, machines) if known and machines else None
