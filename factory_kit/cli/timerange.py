"""Days a command speaks of: one way to give them, everywhere."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.i18n import N_

if TYPE_CHECKING:
    from factory_kit.kpi.interval import Interval
    from factory_kit.store import Store

__all__ = ["FirstDay", "LastDay", "asked_interval", "asked_past", "asked_times", "day_of", "seconds_of"]

FIRST_YEAR, LAST_YEAR = 1970, 2199
DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>s|m|min|h|d)?")
SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}

FirstDay = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="YYYY-MM-DD",
        help=N_("First day, in the plant's zone; by default the first whole day of the store."),
    ),
]
LastDay = Annotated[
    str,
    typer.Option(
        "--to", metavar="YYYY-MM-DD", help=N_("Last day, included; by default the last whole day of the store.")
    ),
]


def asked_interval(store: Store, zone: str, first: str, last: str) -> Interval:
    """The whole days from *first* to *last*, both included; what is empty comes from the store."""
    from factory_kit.errors import UsageError
    from factory_kit.kpi.interval import data_span, days_between, whole_days

    status = store.status()
    if status.first is None or status.last is None:
        raise UsageError("the store is empty; collect or import first")
    if first and last:
        return days_between(day_of(first), day_of(last), zone)
    with store.connect() as con:
        whole = whole_days(data_span(con), zone)
    return days_between(day_of(first) if first else whole.days[0], day_of(last) if last else whole.days[-1], zone)


def asked_times(zone: str, first: str, last: str) -> tuple[int | None, int | None]:
    """First and following µs (UTC) of the days from *first* to *last*, both included; None where nothing was asked."""
    from factory_kit.errors import UsageError
    from factory_kit.kpi.interval import days_between

    start = days_between(day_of(first), day_of(first), zone).start if first else None
    end = days_between(day_of(last), day_of(last), zone).end if last else None
    if start is not None and end is not None and start >= end:
        raise UsageError("{first} comes after {last}", first=first, last=last)
    return start, end


def asked_past(zone: str, first: str, last: str, now: int) -> tuple[int, int] | None:
    """First and following µs (UTC) of a past that was asked for in days, the last included, or in moments; None where it was not."""
    from factory_kit.errors import UsageError

    if not first:
        if last:
            raise UsageError("--to needs --from")
        return None
    start, _end = _span(first, zone)
    end = min(_span(last, zone)[1], now) if last else now
    if start >= end:
        raise UsageError("{first} comes after {last}", first=first, last=last or "now")
    return start, end


def _span(text: str, zone: str) -> tuple[int, int]:
    """First and following µs of the day *text*; twice the moment where it is one, in *zone* unless it says otherwise."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from factory_kit.errors import UsageError
    from factory_kit.kpi.interval import days_between

    if len(text) <= len("YYYY-MM-DD"):
        day = days_between(day_of(text), day_of(text), zone)
        return day.start, day.end
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError("{text!r} is no time, expected YYYY-MM-DD or YYYY-MM-DDTHH:MM", text=text) from error
    day_of(f"{moment:%Y-%m-%d}")
    at = round((moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1e6)
    return at, at


def day_of(text: str) -> date:
    """The date *text* says; ``UsageError`` for anything else."""
    from factory_kit.errors import UsageError

    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError("{text!r} is not a date, expected YYYY-MM-DD", text=text) from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise UsageError(
            "{text!r} lies outside the years {first} to {last}", text=text, first=FIRST_YEAR, last=LAST_YEAR
        )
    return day


def seconds_of(duration: str) -> float | None:
    """What *duration* (30s, 10m, 8h, 7d) is in seconds; None where nothing was said."""
    from factory_kit.errors import UsageError

    if not duration:
        return None
    found = DURATION.fullmatch(duration.strip().lower())
    if found is None or float(found["number"]) <= 0:
        raise UsageError(
            "{duration!r} is no duration, expected a number with s, m, h or d, such as 30s or 8h", duration=duration
        )
    return float(found["number"]) * SECONDS[found["unit"]]
