"""What each machine did, moment by moment: the very stretches that an indicator's SQL adds up, for pictures of a day."""

from __future__ import annotations

import duckdb

from factory_kit.errors import QueryError
from factory_kit.kpi.indicators import StoreView, register_planned, unreadable
from factory_kit.kpi.interval import Interval
from factory_kit.kpi.timemodel import Segment
from factory_kit.model.connector import MachineState
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar

__all__ = ["machine_segments"]

MARK = "-- end timeline"
"""Before this line of its SQL an indicator of machine states has the table ``segment`` of stretches."""
STRETCHES = (
    "\nSELECT equipment, greatest(moment, $start), least(until, $stop), state, planned FROM segment "
    "WHERE equipment IN (SELECT equipment FROM asked) ORDER BY equipment, moment"
)


def machine_segments(
    indicator: Indicator, store: StoreView, interval: Interval, calendar: Calendar
) -> dict[str, list[Segment]]:
    """By equipment the stretches of *interval* as *indicator* (availability) sees them in *store*, from end to end.

    ``QueryError`` when its SQL has no such stretches, ``StoreDamaged``.
    """
    before, mark, _rest = indicator.sql.partition(MARK)
    if not mark:
        raise QueryError("indicator {id}: query.sql tells no stretches of states", id=indicator.id)
    sql = before.rstrip().rstrip(",") + STRETCHES
    try:
        with store.connect() as con:
            register_planned(con, interval, calendar)
            values = {"start": interval.start, "stop": interval.end, **indicator.parameters}
            (statement,) = con.extract_statements(sql)
            rows = con.execute(sql, {name: values[name] for name in statement.named_parameters}).fetchall()
    except duckdb.Error as error:
        raise unreadable(error) from error
    store.files(interval.start, interval.end)  # read and compared: what a report shows was not rotten
    found: dict[str, list[Segment]] = {}
    for equipment, start, end, state, planned in rows:
        _add(found.setdefault(equipment, []), Segment(start, end, MachineState(state), planned))
    return found


def _add(segments: list[Segment], segment: Segment) -> None:
    """*segment* after the others, joined with the last one where they are alike."""
    last = segments[-1] if segments else None
    if last is not None and (last.end, last.state, last.planned) == (segment.start, segment.state, segment.planned):
        segments[-1] = Segment(last.start, segment.end, last.state, last.planned)
    else:
        segments.append(segment)
