"""How time is shown in every report: round times of the day along an axis, a colour and a height for each state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.connector import MachineState
from factory_kit.render.theme import Hue

__all__ = ["HEIGHTS", "HUES", "ticks"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds between two ticks, smallest first."""
MOST_SECONDS = 2 * 86400
HUES: dict[MachineState, Hue] = {
    MachineState.PRODUCING: "green",
    MachineState.SETUP: "amber",
    MachineState.IDLE: "sky",
    MachineState.DOWN: "red",
    MachineState.MAINTENANCE: "violet",
    MachineState.OFF: "slate",
    MachineState.UNKNOWN: "void",
}
HEIGHTS = {
    MachineState.SETUP: 0.75,
    MachineState.IDLE: 0.45,
    MachineState.MAINTENANCE: 0.75,
    MachineState.OFF: 0.2,
}
"""How high a state stands in its lane, so that grey paper tells it too; all others fill it."""


def ticks(window: Stretch, zone: str, most: int = 13) -> Iterator[tuple[float, str]]:
    """Seconds since the start of *window* and the wall-clock time there, at round times of the day; over more than two days the days."""
    seconds = window.length / SECOND
    by_day = seconds > MOST_SECONDS
    step = STEPS[-1] if by_day else next((step for step in STEPS if seconds / step <= most - 1), STEPS[-1])
    here = ZoneInfo(zone)
    local = (EPOCH + timedelta(microseconds=window.start)).astimezone(here)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    first = -(-int((local - midnight).total_seconds()) // step) * step
    moment_ = midnight.astimezone(UTC) + timedelta(seconds=first)
    while (passed := (moment_ - EPOCH) / timedelta(seconds=1) - window.start / SECOND) <= seconds:
        words = moment_.astimezone(here)
        ends_day = passed == seconds and words.hour == words.minute == 0 and seconds > step
        yield passed, "24:00" if ends_day and not by_day else f"{words:%m-%d}" if by_day else f"{words:%H:%M}"
        moment_ += timedelta(seconds=step)
