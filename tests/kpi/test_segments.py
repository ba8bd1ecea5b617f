"""The stretches of a day, drawn from the very SQL that adds them up."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from factory_kit.errors import QueryError, StoreDamaged
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.segments import machine_segments
from factory_kit.kpi.timemodel import Segment
from factory_kit.model.connector import MachineState
from factory_kit.model.definition import Text
from factory_kit.model.indicator import Indicator
from factory_kit.model.site import Calendar, Shift

DAY = days_between(date(2026, 9, 1), date(2026, 9, 1), "UTC")
HOUR = 3_600_000_000
ROUND_THE_CLOCK = Calendar()
DAY_SHIFT = Calendar(
    shifts=(Shift(name=Text(zh="白班", en="day"), start=time(8), end=time(20)),),
)


class Views:
    """A store whose views are tables filled by hand; it remembers of which time the files were asked for."""

    def __init__(self, tables: Any) -> None:
        self.tables = tables
        self.asked: list[tuple[int, int]] = []

    def connect(self) -> Any:
        """The connection with the views."""
        return closing(self.tables.con)

    def files(self, start: int, end: int) -> list[Any]:
        """No sealed files."""
        self.asked.append((start, end))
        return []


@pytest.fixture
def store(tables: Any) -> Views:
    """A machine that produces from 6 to 9 and idles until 12, when the run ends; another one that tells nothing."""
    tables.machine("m1")
    tables.machine("m2")
    state = tables.point("m1", "state")
    tables.run("r", "2026-09-01T06:00", "2026-09-01T12:00")
    hours = {6: 1, 7: 1, 9: 3, 10: 3}
    stamped = {f"2026-09-01T{hour:02}:00": value for hour, value in hours.items()}
    tables.samples(state, "r", *((stamp, value, 0, stamp) for stamp, value in stamped.items()))
    return Views(tables)


def shown(segments: list[Segment]) -> list[tuple[int, int, str, bool]]:
    """Segments in hours of the day."""
    return [
        ((each.start - DAY.start) // HOUR, (each.end - DAY.start) // HOUR, each.state.value, each.planned)
        for each in segments
    ]


def test_a_day_is_told_from_end_to_end(store: Views, shipped: dict[str, Indicator]) -> None:
    """Unknown before the run and after it, equal neighbours joined; a machine without a state point has no line."""
    found = machine_segments(shipped["availability"], store, DAY, ROUND_THE_CLOCK)

    assert list(found) == ["m1"]
    assert shown(found["m1"]) == [
        (0, 6, "unknown", True),
        (6, 9, "producing", True),
        (9, 12, "idle", True),
        (12, 24, "unknown", True),
    ]
    assert store.asked == [(DAY.start, DAY.end)]  # what is shown was read from files that are what they were


def test_planned_time_cuts_the_stretches(store: Views, shipped: dict[str, Indicator]) -> None:
    """A change of shift inside a stretch makes two of it."""
    found = machine_segments(shipped["availability"], store, DAY, DAY_SHIFT)

    assert shown(found["m1"]) == [
        (0, 6, "unknown", False),
        (6, 8, "producing", False),
        (8, 9, "producing", True),
        (9, 12, "idle", True),
        (12, 20, "unknown", True),
        (20, 24, "unknown", False),
    ]


def test_an_indicator_without_stretches_is_refused(store: Views, shipped: dict[str, Indicator]) -> None:
    """SQL that knows no stretches of states cannot be drawn."""
    indicator = replace(shipped["availability"], sql="SELECT 1")

    with pytest.raises(QueryError, match=r"availability: query\.sql tells no stretches"):
        machine_segments(indicator, store, DAY, ROUND_THE_CLOCK)


def test_a_store_that_cannot_be_read_is_told(store: Views, shipped: dict[str, Indicator]) -> None:
    """What the database says of it stands in the message, and what to do."""
    store.tables.con.execute("DROP TABLE samples")

    with pytest.raises(StoreDamaged, match=r"the store cannot be read \(.*samples.*\); run store verify"):
        machine_segments(shipped["availability"], store, DAY, ROUND_THE_CLOCK)


def test_every_state_has_its_word(shipped: dict[str, Indicator]) -> None:
    """The words of the SQL are those of the model, so that none is lost on the way."""
    for state in MachineState:
        assert f"'{state.value}'" in shipped["availability"].sql
